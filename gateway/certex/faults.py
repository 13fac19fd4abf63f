"""Refusals in the form of CERTEX (DIGEST 7.1): one fault for each request, and everything that it says is a text.

Strangers and breaches of the schema are answered as by the platform's other services. Of every other refusal the text
begins with our code, because the fault has no other place for one; what was asked for and refused by the ledger is no
fault at all, but an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.certex.contract import CERTEX, PROCESSED
from gateway.certex.headers import find_header
from gateway.errors import Retry
from gateway.traces.faults import about, common_fault, fault_envelope, fault_text, plain_fault
from gateway.xml.names import CERTEX6, CERTEXBASE3, qn

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.errors import GatewayError
    from gateway.soap import SoapCall, SoapVersion

__all__ = ["fault_renderer"]

_FAULTS: Final = {each.name: each.request.rpartition("}")[2] + "Fault" for each in CERTEX.operations}
_RETRY: Final = {
    Retry.NEVER: "sending it again does not help",
    Retry.AFTER_CHANGE: "sending again helps after a change only",
    Retry.LATER: "a read tells later what stands, and this message is not sent again",
}
_READ_FIRST: Final = (
    "Read the CHED, and send what should hold then as a new message, with an id and a SendingDate of its own"
)
_ACTIONS: Final = {
    "IMG-8030": "Release nothing on it and send nothing else for this declaration. Read the CHED after the moment that "
    "is named; where that moment is past, ask the operator with the message id",
    "IMG-9001": _READ_FIRST,
    "IMG-9002": f"{_READ_FIRST}; report the message id to the operator",
}
"""Where the catalogue speaks to operators, or asks for the same message again: its id may be used up (IMG-7405)."""
_READS_LATER: Final = "nothing was to be moved, and the same question can be asked again later"
_READ_ACTIONS: Final = {
    "IMG-8032": "Ask again; report the message id to the operator if it goes on",
    "IMG-9001": "Ask again",
    "IMG-9002": "Ask again; report the message id to the operator",
    "IMG-9012": "Ask again",
}
"""Of a read, which moves nothing and may be repeated."""
_INDICATION: Final = qn(CERTEX6, "QuantityManagementIndication")
_READS: Final = "0"


def fault_renderer() -> Callable[[GatewayError, SoapVersion, SoapCall | None], bytes]:
    """For ``Contract.render_fault``: the whole envelope of a fault."""
    return _render


def _render(error: GatewayError, version: SoapVersion, call: SoapCall | None) -> bytes:
    common = common_fault(error, version)
    if common is not None:
        return common
    name = _FAULTS.get(call.operation) if call is not None else None
    if name is None:
        return plain_fault(error, version)  # before it is known what is asked for, there is no fault of the contract's
    return fault_envelope(version, error, error.message, _detail(name, error, call), header=False)


def _detail(name: str, error: GatewayError, call: SoapCall | None) -> str:
    header = find_header(call)
    said = error.message.rstrip(".")
    reads = _is_read(call)
    action = (_READ_ACTIONS if reads else _ACTIONS).get(error.code, error.entry.action).rstrip(".")
    again = _READS_LATER if reads and error.retry is Retry.LATER else _RETRY[error.retry]
    text = f"{error.code} {said}{about(error)}. {action}; {again}."
    return (
        f'<certex:{name} xmlns:certex="{CERTEX6}" xmlns:certexbase="{CERTEXBASE3}">'
        f"<certexbase:MessageId>{fault_text(header.message_id)}</certexbase:MessageId>"
        f"<certexbase:UniqPrefix>{fault_text(header.prefix)}</certexbase:UniqPrefix>"
        f"<certexbase:errorMessage>{fault_text(text)}</certexbase:errorMessage></certex:{name}>"
    )


def _is_read(call: SoapCall | None) -> bool:
    return (
        call is not None and call.operation == PROCESSED and (call.body.findtext(_INDICATION) or "").strip() == _READS
    )
