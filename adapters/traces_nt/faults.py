"""How TRACES says no, and what that means for who called (DIGEST 4.5)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway.errors import DeliveryError, catalogue
from gateway.traces.received_faults import FaultKind, read_fault

if TYPE_CHECKING:
    from gateway.soap.client import SoapFaultReceived
    from gateway.traces.received_faults import TracesFault

__all__ = ["TracesBroken", "TracesForbidden", "TracesRefused", "error_of", "is_forbidden"]

_FORBIDDEN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class TracesForbidden(DeliveryError):
    """IMG-8020: TRACES does not know our account, or does not let it in; nothing was done there."""


class TracesBroken(DeliveryError):
    """IMG-8021: TRACES answered that it cannot do it now; whether it did something is unknown."""


class TracesRefused(DeliveryError):
    """IMG-8022: TRACES refused the request; nothing was done there."""

    def __init__(self, fault: TracesFault, detail: bytes, told: str = "") -> None:
        self.reply = fault
        self.detail = detail
        """The detail element as it came, for the evidence; empty without one."""
        first = next((f"{each.id} {each.message}" for each in fault.errors), "")
        found = " | ".join(filter(None, (fault.reason, first)))
        super().__init__("IMG-8022", _sentence("IMG-8022", told), where=fault.element, found=found)


def _sentence(code: str, told: str) -> str:
    """Our title; where a gateway refused, its code and what our catalogue calls that, never its own words."""
    entries = catalogue()
    if not told:
        return entries[code].title
    known = entries.get(told)
    return f"{entries[code].title}: {told}" + (f" {known.title}" if known is not None else "")


def error_of(fault: SoapFaultReceived) -> DeliveryError:
    """The error for a SOAP fault of TRACES."""
    read = read_fault(fault)
    if fault.status in _FORBIDDEN or read.kind is FaultKind.UNAUTHENTICATED:
        sentence = _sentence("IMG-8020", fault.told_code)
        return TracesForbidden("IMG-8020", sentence, where=f"HTTP {fault.status}", found=read.reason)
    if read.kind is FaultKind.SERVER:
        sentence = _sentence("IMG-8021", fault.told_code)
        return TracesBroken("IMG-8021", sentence, where=f"HTTP {fault.status}", found=read.reason)
    return TracesRefused(read, fault.detail or b"", fault.told_code)


def is_forbidden(status: int) -> bool:
    """Whether an HTTP status says that TRACES does not let us in."""
    return status in _FORBIDDEN
