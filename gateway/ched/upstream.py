"""What the relay needs of TRACES, and what TRACES' refusals mean to the national system that is answered.

A refusal of TRACES becomes the refusal that this gateway itself would have given, so that its faces answer in the same
way whether the CHED is refused here or there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from adapters.traces_nt import TracesBroken, TracesForbidden, TracesRefused
from gateway.errors import (
    AccessDenied,
    ChedRefused,
    DeliveryError,
    Finding,
    GatewayError,
    RulesRefused,
    SchemaInvalid,
    SealRefused,
    Severity,
    TranslationRefused,
    catalogue,
)
from gateway.traces.received_faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.traces_nt import Caller, Retrieved
    from gateway.traces.models import (
        Attachment,
        AttachmentReference,
        CertificateFile,
        ChedAcknowledgement,
        ChedStatus,
        ChedSummary,
        ControlReceipt,
        FindChedCriteria,
        SealFile,
    )

__all__ = ["Upstream", "is_away", "nothing_was_sent", "refusal_of"]


class Upstream(Protocol):
    """The operations of ``adapters.traces_nt.TracesNtClient`` that the relay calls; errors as there."""

    def ched(self, reference: str, caller: Caller) -> Retrieved: ...  # noqa: D102 - as the client
    def ched_status(self, reference: str, caller: Caller) -> ChedStatus: ...  # noqa: D102
    def find_cheds(self, criteria: FindChedCriteria, caller: Caller) -> tuple[ChedSummary, ...]: ...  # noqa: D102
    def ched_pdf(self, reference: str, caller: Caller, *, signed: bool) -> CertificateFile: ...  # noqa: D102
    def ched_signed_xml(self, reference: str, caller: Caller) -> bytes: ...  # noqa: D102
    def submit_ched(self, operation: str, certificate: bytes, caller: Caller) -> ChedAcknowledgement: ...  # noqa: D102
    def control_document(  # noqa: D102
        self, operation: str, certificate: bytes, seals: Sequence[SealFile], caller: Caller
    ) -> ControlReceipt: ...
    def submit_attachment(self, attachment: Attachment, caller: Caller) -> AttachmentReference: ...  # noqa: D102
    def cancel_ched(self, reference: str, reason: str, caller: Caller) -> ControlReceipt: ...  # noqa: D102


_UNSENT: Final = frozenset({"IMG-8001", "IMG-8007"})
_AWAY: Final = _UNSENT | {"IMG-8002", "IMG-8003", "IMG-8021"}


def is_away(error: GatewayError) -> bool:
    """Whether TRACES gives no answer of its business: not reached, the answer lost, unusable, or its server broken."""
    return isinstance(error, TracesBroken) or error.code in _AWAY


def nothing_was_sent(error: GatewayError) -> bool:
    """Whether TRACES has certainly done nothing."""
    return isinstance(error, TracesForbidden | TracesRefused) or error.code in _UNSENT


_CLASSES: Final[dict[str, type[GatewayError]]] = {
    "IMG-40": SealRefused,
    "IMG-41": SealRefused,
    "IMG-42": SealRefused,
    "IMG-60": TranslationRefused,
    "IMG-72": ChedRefused,
    "IMG-73": ChedRefused,
}
"""Codes of another gateway that mean the same here."""
_NO_FILE: Final = "CertificateAttachmentNotFoundException"


def refusal_of(error: DeliveryError, reference: str = "") -> GatewayError:
    """What the caller of this gateway is told.

    Args:
        error: from the client.
        reference: of the CHED that was asked about.
    """
    if not isinstance(error, TracesRefused):
        return error
    reply = error.reply
    told: GatewayError = error
    if reply.kind is FaultKind.RULES and reply.errors:
        told = _by_rules(error)
    elif reply.kind is FaultKind.PERMISSION:
        told = AccessDenied("IMG-2110", where="ID" if reference else "", found=reference or reply.identifier)
    elif reply.element == _NO_FILE:
        told = ChedRefused("IMG-7302", where="DocumentId", found=reference)
    elif reply.kind is FaultKind.NOT_FOUND:
        told = ChedRefused("IMG-7201", where="ID", found=reference)
    elif reply.kind is FaultKind.NOT_AVAILABLE:
        told = ChedRefused("IMG-7207", where="ID", found=reference)
    elif reply.kind is FaultKind.SCHEMA:
        told = SchemaInvalid("IMG-3001", found=reply.reason.partition("; ")[2])
    told.subject = reference
    return told


def _by_rules(error: TracesRefused) -> GatewayError:
    errors = error.reply.errors
    only = errors[0]
    kind = _CLASSES.get(only.id[:6]) if len(errors) == 1 and only.id in catalogue() else None
    if kind is not None:
        return kind(only.id, only.message, where=only.field)
    findings = tuple(Finding(each.id, Severity.SEVERE, each.message, each.field) for each in errors)
    return RulesRefused("IMG-5001", findings=findings)
