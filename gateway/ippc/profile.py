"""Who takes part in the hub, as plain data: authorities, what they may exchange, and channels (DIGEST 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.xml.names import HUBENT, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["Channel", "NppoDocument", "NppoProfile", "NppoRule", "read_channel", "read_nppo"]

_TRUE: Final = frozenset({"true", "1", "yes", "y"})
"""``Receive`` and ``Send`` of an authority are plain text in the hub's schema; of a channel, booleans."""


@dataclass(frozen=True, slots=True)
class NppoDocument:
    """``AllowedDocument``: a type (UNTDID 1001) in a status (UNTDID 4405), with the hub's words for them."""

    type: int
    status: int
    active: bool
    type_name: str = ""
    status_name: str = ""


@dataclass(frozen=True, slots=True)
class NppoRule:
    """``ChannelRule``: texts as the hub writes them, so that a rule of a kind that we do not know is not lost."""

    id: int
    active: bool
    rule: str
    """``FORWARD`` or ``DELEGATE``."""
    type: int
    status: int
    country: str
    direction: str
    """``OUT`` or ``INC``."""


@dataclass(frozen=True, slots=True)
class NppoProfile:
    """One authority and what it may exchange."""

    country: str
    receive: bool
    send: bool
    documents: tuple[NppoDocument, ...] = ()
    signature_dn: str = ""
    signature_certificate: str = ""
    rules: tuple[NppoRule, ...] = ()

    def allows(self, type_: int, status: int) -> bool:
        """Whether it takes part with a document of this type and status."""
        return any(item.active and (item.type, item.status) == (type_, status) for item in self.documents)


@dataclass(frozen=True, slots=True)
class Channel:
    """A system that gets copies of envelopes, or envelopes themselves, beside the authorities."""

    code: str
    name: str
    receive: bool
    send: bool


def read_nppo(element: _Element) -> NppoProfile:
    """From an element of type Nppo; what is missing reads as empty, numbers that are none as 0."""
    signature = element.find(qn(HUBENT, "Signature"))
    return NppoProfile(
        country=_text(element, "Country"),
        receive=_true(_text(element, "Receive")),
        send=_true(_text(element, "Send")),
        documents=tuple(_document(item) for item in element.iterfind(qn(HUBENT, "AllowedDocument"))),
        signature_dn="" if signature is None else (signature.findtext("dn") or "").strip(),
        signature_certificate="" if signature is None else (signature.findtext("certificate") or "").strip(),
        rules=tuple(
            _rule(item) for item in element.iterfind(f"{qn(HUBENT, 'ChannelRules')}/{qn(HUBENT, 'ChannelRule')}")
        ),
    )


def read_channel(element: _Element) -> Channel:
    """From an element of type Channel."""
    return Channel(
        code=_text(element, "Code"),
        name=_text(element, "Name"),
        receive=_true(element.get("Receive", "")),
        send=_true(element.get("Send", "")),
    )


def _document(element: _Element) -> NppoDocument:
    kind, status = element.find("certificateType"), element.find("certificateStatus")
    return NppoDocument(
        type=0 if kind is None else _number(kind.get("number", "")),
        status=0 if status is None else _number(status.get("number", "")),
        active=_true(element.get("active", "")),
        type_name="" if kind is None else kind.get("value", ""),
        status_name="" if status is None else status.get("value", ""),
    )


def _rule(element: _Element) -> NppoRule:
    return NppoRule(
        id=_number(element.get("id", "")),
        active=_true(element.get("active", "")),
        rule=element.get("ruleType", ""),
        type=_number(element.get("certificateType", "")),
        status=_number(element.get("certificateStatus", "")),
        country=element.get("countryCode", ""),
        direction=element.get("direction", ""),
    )


def _text(element: _Element, name: str) -> str:
    return (element.findtext(qn(HUBENT, name)) or "").strip()


def _true(text: str) -> bool:
    return text.strip().lower() in _TRUE


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
