"""ChedControl, our own contract: what TRACES lets authorities do in its web pages only (docs/adr/0009).

Decisions and follow-ups bring signed copies of the CHED, each by itself, because no public contract has a place for the
signatures of Article 41.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.ched.models import SealedCopy, SealRole
from gateway.endpoints.traces_common import serve
from gateway.traces.contracts import CONTROL
from gateway.traces.faults import RULES, ServiceFaults, TypedFault
from gateway.traces.models import ControlReceipt, ReceiptFinding
from gateway.traces.wire_control import (
    control_receipt,
    read_amend_request,
    read_cancel_request,
    read_sealed_request,
)
from gateway.traces.wire_laboratory import laboratory_blocks, read_laboratory_blocks
from gateway.xml.names import CHED2

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.ched.models import ChedService, Receipt
    from gateway.endpoints.traces_common import Asked, Services
    from gateway.soap import Contract, SoapReply
    from gateway.traces.models import SealFile

__all__ = ["ched_control"]

_FAULTS: Final = ServiceFaults(
    namespace=CONTROL.namespace,
    permission=TypedFault("ChedPermissionDeniedException", "Permission denied"),
    rules=RULES,
    by_code={"IMG-7201": TypedFault("ChedNotFoundException", "CHED not found")},
)


def ched_control(service: ChedService, services: Services) -> Contract:
    """The contract with its handlers."""

    def bound(answer: Callable[[ChedService, Asked], Receipt]) -> Callable[[Asked], SoapReply | bytes]:
        return lambda asked: control_receipt(_receipt(answer(service, asked)))

    handlers = {
        "submitDecision": bound(_decide),
        "submitFollowUp": bound(_follow_up),
        "amendChed": bound(_amend),
        "cancelChed": bound(_cancel),
    }
    return serve(CONTROL, services, handlers, _FAULTS, body_required=True, signed_bodies=True)


def _decide(service: ChedService, asked: Asked) -> Receipt:
    document, seals = read_sealed_request(asked.body)
    tests = _tests(asked)
    return service.decide(asked.actor, document, _copies(seals), asked.call, laboratory_tests=tests)


def _follow_up(service: ChedService, asked: Asked) -> Receipt:
    document, seals = read_sealed_request(asked.body)
    tests = _tests(asked)
    return service.follow_up(asked.actor, document, _copies(seals), asked.call, laboratory_tests=tests)


def _amend(service: ChedService, asked: Asked) -> Receipt:
    return service.amend(asked.actor, read_amend_request(asked.body), asked.call)


def _cancel(service: ChedService, asked: Asked) -> Receipt:
    reference, reason = read_cancel_request(asked.body)
    return service.cancel(asked.actor, reference, reason, asked.call)


def _tests(asked: Asked) -> bytes | None:
    """As getChedLaboratoryTests will give them back; None when the message brings none."""
    return laboratory_blocks(read_laboratory_blocks(asked.body), CHED2) or None


def _copies(seals: tuple[SealFile, ...]) -> tuple[SealedCopy, ...]:
    return tuple(SealedCopy(SealRole(each.role), each.content) for each in seals)


def _receipt(receipt: Receipt) -> ControlReceipt:
    return ControlReceipt(
        reference=receipt.reference,
        local_reference=receipt.local_reference,
        status=receipt.status_code,
        exchange_id=receipt.exchange_id,
        pending=receipt.pending,
        findings=tuple(
            ReceiptFinding(each.rule, each.severity.value, each.message, each.path) for each in receipt.findings
        ),
    )
