"""A fault of TRACES as those who called it need it: what kind of refusal, of what, and the single errors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.errors import GatewayError
from gateway.xml.boundary import parse
from gateway.xml.names import ERR, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.soap.client import SoapFaultReceived

__all__ = ["FaultKind", "TracesError", "TracesFault", "read_fault"]

MAX_ERRORS: Final = 500
"""Errors of one fault that are read."""
MAX_TEXT: Final = 2_000
"""Characters of each text."""

_UNAUTHENTICATED: Final = "UnauthenticatedException"
_SCHEMA: Final = "com.sun.istack.SAXParseException2"


class FaultKind(StrEnum):
    """What a refusal means for the caller."""

    UNAUTHENTICATED = "unauthenticated"
    SCHEMA = "schema"
    RULES = "rules"
    PERMISSION = "permission"
    NOT_FOUND = "not-found"
    NOT_AVAILABLE = "not-available"
    """It exists, and not in the form that was asked for."""
    ILLEGAL = "illegal"
    """A parameter that the service does not know."""
    SENDER = "sender"
    """Any other refusal of the message."""
    SERVER = "server"
    """The other side's own failure: later may help."""


_BY_ENDING: Final = (
    ("BusinessRulesValidationException", FaultKind.RULES),
    ("PermissionDeniedException", FaultKind.PERMISSION),
    ("NotFoundException", FaultKind.NOT_FOUND),
    ("NotAvailableException", FaultKind.NOT_AVAILABLE),
)


@dataclass(frozen=True, slots=True)
class TracesError:
    """One Error of a typed fault."""

    id: str
    """The platform's rule, or a code of another gateway."""
    message: str
    language: str = ""
    field: str = ""
    """The box or path; required in the schema and still absent in a published fault (DIGEST 4.5)."""


@dataclass(frozen=True, slots=True)
class TracesFault:
    """A fault that was received."""

    kind: FaultKind
    reason: str
    """The fault's text: the partner's words, which go into no answer of ours."""
    element: str = ""
    """Local name of the detail element."""
    errors: tuple[TracesError, ...] = ()
    identifier: str = ""
    """CertificateIdentifier."""


def read_fault(fault: SoapFaultReceived) -> TracesFault:
    """Any fault that a service of the platform, or a gateway in its place, sends; never raises."""
    try:
        detail = None if fault.detail is None else parse(fault.detail).root
    except GatewayError:
        detail = None
    element = fault.detail_name.rpartition("}")[2]
    return TracesFault(
        kind=_kind(fault, element),
        reason=fault.reason[:MAX_TEXT],
        element=element,
        errors=() if detail is None else tuple(map(_error, detail.findall(qn(ERR, "Error"))[:MAX_ERRORS])),
        identifier="" if detail is None else _text(detail, "{*}CertificateIdentifier"),
    )


def _kind(fault: SoapFaultReceived, element: str) -> FaultKind:
    for ending, kind in _BY_ENDING:
        if element.endswith(ending):
            return kind
    if element.startswith(("Illegal", "Invalid")):
        return FaultKind.ILLEGAL
    if not element and fault.reason == _UNAUTHENTICATED:
        return FaultKind.UNAUTHENTICATED
    if not element and fault.reason.startswith(_SCHEMA):
        return FaultKind.SCHEMA
    return FaultKind.SENDER if fault.is_ours_to_change else FaultKind.SERVER


def _error(element: _Element) -> TracesError:
    message = element.find(qn(ERR, "Message"))
    return TracesError(
        id=_text(element, qn(ERR, "ID")),
        message=_text(element, qn(ERR, "Message")),
        language="" if message is None else message.get("languageID", ""),
        field=_text(element, qn(ERR, "Field")),
    )


def _text(parent: _Element, name: str) -> str:
    return (parent.findtext(name) or "").strip()[:MAX_TEXT]
