"""How the hub says no: one declared fault with one text (DIGEST 2.2), and HTTP 403 for a certificate (DIGEST 2.1)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway.errors import DeliveryError
from gateway.xml.boundary import parse
from gateway.xml.names import HUB, qn

if TYPE_CHECKING:
    from gateway.soap.client import SoapFaultReceived

__all__ = ["HubFault", "HubForbidden", "error_of", "is_forbidden"]

_EXCEPTION: Final = qn(HUB, "HubWebException")
_CODE: Final = re.compile(r"\s*(IMG-\d{4})\b")
_RETRY: Final = re.compile(r"\|\s*retry:?\s+(never|after-change|later)\b")
_OUR_CREDENTIALS: Final = ("IMG-20", "IMG-21")
"""Who calls and what it was granted: says nothing about the envelope."""
_FORBIDDEN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class HubForbidden(DeliveryError):
    """IMG-8004: the hub does not know our client certificate; nothing was done there."""

    def __init__(self, status: int, text: str = "") -> None:
        self.status = status
        super().__init__("IMG-8004", where=f"HTTP {status}", found=text)


class HubFault(DeliveryError):
    """IMG-8006: the hub answered with a fault; nothing was done there."""

    def __init__(self, text: str, *, sender: bool, receipt: bytes | None = None) -> None:
        self.text = text
        """The hub's own words."""
        code, retry = _CODE.match(text), _RETRY.search(text)
        self.hub_code = code[1] if code else ""
        """The stable code in them, when the other side is a gateway like this."""
        self._retry = retry[1] if retry else ""
        self._sender = sender
        self.receipt = receipt
        super().__init__("IMG-8006", found=text)

    @property
    def is_final(self) -> bool:
        """Whether the same message would be refused again.

        A gateway says so. Of the hub itself no list of messages is public; it refuses an envelope by its header
        (FailedDelivery), so a fault without more counts as trouble that passes, unless it blames the message.
        """
        if self.hub_code.startswith(_OUR_CREDENTIALS):
            return False
        return self._retry != "later" if self._retry else self._sender


def error_of(fault: SoapFaultReceived) -> DeliveryError:
    """The error for a SOAP fault of the hub."""
    text = _text_of(fault) or fault.reason
    if fault.status in _FORBIDDEN:
        return HubForbidden(fault.status, text)
    return HubFault(text, sender=fault.is_ours_to_change, receipt=fault.detail)


def is_forbidden(status: int) -> bool:
    """Whether an HTTP status says that the hub does not know who we are."""
    return status in _FORBIDDEN


def _text_of(fault: SoapFaultReceived) -> str:
    """The message of a HubWebException; its element is qualified by the hub's schema, and read without that too."""
    if fault.detail is None or fault.detail_name != _EXCEPTION:
        return ""
    texts = (child.text or "" for child in parse(fault.detail).root.iterchildren("{*}message"))
    return next(texts, "").strip()
