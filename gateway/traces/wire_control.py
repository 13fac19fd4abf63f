"""ChedControl on the wire, both sides: our own contract for what TRACES lets authorities do in its web pages only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.traces.models import ControlReceipt, ReceiptFinding, SealFile
from gateway.traces.wire_ched import CERTIFICATE
from gateway.traces.wire_common import (
    add,
    add_file,
    add_text,
    file_of,
    finish,
    mandatory,
    required,
    spliced,
    start,
    text_of,
)
from gateway.traces.wire_laboratory import laboratory_blocks
from gateway.xml.names import CTRL1, qn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

    from gateway.traces.models import ItemTests

__all__ = [
    "amend_request",
    "cancel_request",
    "control_receipt",
    "decision_request",
    "follow_up_request",
    "read_amend_request",
    "read_cancel_request",
    "read_control_receipt",
    "read_sealed_request",
]

_c = partial(qn, CTRL1)
_SEAL: Final = _c("Seal")


def decision_request(certificate: bytes, seals: Iterable[SealFile] = (), tests: Iterable[ItemTests] = ()) -> bytes:
    """SubmitDecision: the CHED with Part II, laboratory tests, and signed copies of the CHED."""
    return _sealed("SubmitDecision", certificate, seals, tests)


def follow_up_request(certificate: bytes, seals: Iterable[SealFile] = (), tests: Iterable[ItemTests] = ()) -> bytes:
    """SubmitFollowUp: the CHED with Part III, laboratory tests that are known by now, and signed copies of the CHED."""
    return _sealed("SubmitFollowUp", certificate, seals, tests)


def read_sealed_request(request: _Element) -> tuple[_Element, tuple[SealFile, ...]]:
    """The certificate of SubmitDecision or SubmitFollowUp, in its tree, and the copies.

    Raises:
        SchemaInvalid: IMG-3001 there is no certificate, or a copy is not base64.
    """
    seals = tuple(SealFile((each.get("role") or "").strip(), file_of(each)) for each in request.iterchildren(_SEAL))
    return required(request, CERTIFICATE), seals


def amend_request(certificate: bytes) -> bytes:
    """AmendChed: the CHED as it shall be."""
    return spliced(_c("AmendChed"), certificate)


def read_amend_request(request: _Element) -> _Element:
    """The certificate, in its tree; SchemaInvalid IMG-3001 when there is none."""
    return required(request, CERTIFICATE)


def cancel_request(reference: str, reason: str) -> bytes:
    """CancelChed."""
    request = start(_c("CancelChed"))
    add(request, _c("ID"), reference)
    add(request, _c("Reason"), reason)
    return finish(request)


def read_cancel_request(request: _Element) -> tuple[str, str]:
    """Reference and reason; SchemaInvalid IMG-3001 when one is missing."""
    return mandatory(request, _c("ID")), mandatory(request, _c("Reason"))


def control_receipt(receipt: ControlReceipt) -> bytes:
    """ChedReceipt, the reply of all four."""
    element = start(_c("ChedReceipt"))
    add_text(element, _c("ID"), receipt.reference)
    add_text(element, _c("LocalReference"), receipt.local_reference)
    add(element, _c("StatusCode"), receipt.status)
    add_text(element, _c("Pending"), receipt.pending)
    add(element, _c("ExchangeID"), receipt.exchange_id)
    for finding in receipt.findings:
        each = add(element, _c("Finding"))
        add(each, _c("Rule"), finding.rule)
        add(each, _c("Severity"), finding.severity)
        add(each, _c("Message"), finding.message)
        add_text(each, _c("Field"), finding.field)
    return finish(element)


def read_control_receipt(receipt: _Element) -> ControlReceipt:
    """The receipt; SchemaInvalid IMG-3001 when it tells no status."""
    return ControlReceipt(
        reference=text_of(receipt, _c("ID")),
        local_reference=text_of(receipt, _c("LocalReference")),
        status=mandatory(receipt, _c("StatusCode")),
        exchange_id=mandatory(receipt, _c("ExchangeID")),
        pending=text_of(receipt, _c("Pending")),
        findings=tuple(
            ReceiptFinding(
                rule=mandatory(each, _c("Rule")),
                severity=mandatory(each, _c("Severity")),
                message=mandatory(each, _c("Message")),
                field=text_of(each, _c("Field")),
            )
            for each in receipt.iterchildren(_c("Finding"))
        ),
    )


def _sealed(local: str, certificate: bytes, seals: Iterable[SealFile], tests: Iterable[ItemTests]) -> bytes:
    return spliced(_c(local), certificate, laboratory_blocks(tests, CTRL1), *(_seal(each) for each in seals))


def _seal(seal: SealFile) -> bytes:
    holder = start(_c("Holder"))
    return finish(add_file(holder, _SEAL, seal.content, role=seal.role))
