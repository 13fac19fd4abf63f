"""How CERTEX says no, and what that means for who called (DIGEST 4.2, 7.1). Its own words go no further than here."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from gateway.errors import DeliveryError, GatewayError, catalogue
from gateway.traces.received_faults import FaultKind, read_fault
from gateway.xml.boundary import parse
from gateway.xml.names import CERTEXBASE3, qn

if TYPE_CHECKING:
    from gateway.certex.models import CertexHeader
    from gateway.soap.client import SoapFaultReceived

__all__ = ["FORBIDDEN", "AnswerMismatch", "CertexBroken", "CertexForbidden", "CertexRefused", "error_of"]

FORBIDDEN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""HTTP's words for an account that is not let in."""
_CODE: Final = re.compile(r"IMG-\d{4}(?= )", re.ASCII)
_ARRIVED_BEFORE: Final = frozenset({"IMG-7405", "IMG-2003"})
"""A message that we send once was known there already: something in between had delivered it twice."""
_NOTHING_STANDS: Final = "IMG-9012"
"""A national gateway in between did not pass the message on, or knows that it had no effect."""


class CertexForbidden(DeliveryError):
    """IMG-8020: the other side does not know our account, or does not let it in; nothing was done there."""


class CertexBroken(DeliveryError):
    """IMG-8021: the other side cannot do it now; whether it did something is unknown, unless ``did_nothing``."""

    def __init__(self, told: str, status: int) -> None:
        self.did_nothing = told == _NOTHING_STANDS
        super().__init__("IMG-8021", _sentence("IMG-8021", told), where=f"HTTP {status}", found=told)


class CertexRefused(DeliveryError):
    """IMG-8031: the other side refused the message by a fault; nothing was done there, unless ``arrived_before``."""

    def __init__(self, told: str, status: int) -> None:
        self.told = told
        """The stable code of a gateway on the other side; empty from any other."""
        self.arrived_before = told in _ARRIVED_BEFORE
        super().__init__("IMG-8031", _sentence("IMG-8031", told), where=f"HTTP {status}", found=told)


class AnswerMismatch(DeliveryError):
    """IMG-8032: an answer that is of the contract, and cannot be the answer to what was asked."""

    def __init__(self, where: str, found: str, expected: str) -> None:
        super().__init__("IMG-8032", where=where, found=found, expected=expected)


def error_of(fault: SoapFaultReceived, header: CertexHeader) -> DeliveryError:
    """The error for a SOAP fault of CERTEX.

    Args:
        fault: as it was received.
        header: of the message that it should answer; a fault that names another message answers nothing.
    """
    detail = _Detail.of(fault)
    if detail.message_id and detail.message_id != header.message_id:
        return AnswerMismatch("fault/MessageId", detail.message_id, "that of the request")
    told, kind = fault.told_code or detail.code, read_fault(fault).kind
    if told in _ARRIVED_BEFORE:
        return CertexRefused(told, fault.status)
    if fault.status in FORBIDDEN or kind is FaultKind.UNAUTHENTICATED:
        return CertexForbidden("IMG-8020", _sentence("IMG-8020", told), where=f"HTTP {fault.status}", found=told)
    if kind is FaultKind.SERVER:
        return CertexBroken(told, fault.status)
    return CertexRefused(told, fault.status)


class _Detail(NamedTuple):
    """What a fault of the contract says that is used: of its text, a gateway's code alone."""

    message_id: str = ""
    code: str = ""

    @classmethod
    def of(cls, fault: SoapFaultReceived) -> Self:
        try:
            detail = None if fault.detail is None else parse(fault.detail).root
        except GatewayError:
            detail = None
        if detail is None:
            return cls()
        code = _CODE.match((detail.findtext(qn(CERTEXBASE3, "errorMessage")) or "").strip())
        message_id = (detail.findtext(qn(CERTEXBASE3, "MessageId")) or "").strip()
        return cls(message_id, code.group() if code else "")


def _sentence(code: str, told: str) -> str:
    """Our title; where a gateway refused, its code and what our catalogue calls that, never its own words."""
    entries = catalogue()
    if not told:
        return entries[code].title
    known = entries.get(told)
    return f"{entries[code].title}: {told}" + (f" {known.title}" if known is not None else "")
