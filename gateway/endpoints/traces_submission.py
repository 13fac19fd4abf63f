"""ChedCertificateSubmissionServiceV2, and V01 as the first clients speak it: CHEDs handed in (DIGEST 5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.ched.models import SubmissionKind
from gateway.ched.releasing import submit_or_hold
from gateway.endpoints.traces_common import serve, status_label
from gateway.traces.contracts import SUBMISSION, SUBMISSION_01
from gateway.traces.faults import RULES, ServiceFaults, TypedFault
from gateway.traces.models import ChedAcknowledgement
from gateway.traces.wire_submission import read_submission_request, submit_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.ched.models import ChedService, Receipt
    from gateway.endpoints.traces_common import Asked, Services
    from gateway.soap import Contract, SoapReply
    from gateway.traces.contracts import TracesContract

__all__ = ["ched_submission", "reasons_of"]

_DENIED: Final = TypedFault("ChedCertificatePermissionDeniedException", "Permission denied")
_COUNTER_SEAL: Final = "Accepted, counter-seal pending"
"""Article 41(2) is not complete before TRACES' own seal is here and verified."""


def ched_submission(service: ChedService, services: Services, contract: TracesContract) -> Contract:
    """The contract with its handlers.

    Args:
        service: where CHEDs go.
        services: who admits, and what keeps.
        contract: ``SUBMISSION`` or ``SUBMISSION_01``; they differ in namespaces alone.
    """
    assert contract in {SUBMISSION, SUBMISSION_01}

    def bound(kind: SubmissionKind) -> Callable[[Asked], SoapReply | bytes]:
        def answer(asked: Asked) -> bytes:
            document = read_submission_request(asked.body)
            receipt = submit_or_hold(asked.context, service, asked.actor, document, kind, asked.call)
            return submit_response(_acknowledgement(asked, receipt), contract.namespace)

        return answer

    return serve(
        contract,
        services,
        {kind.value: bound(kind) for kind in SubmissionKind},
        ServiceFaults(namespace=contract.namespace, permission=_DENIED, rules=RULES),
        body_required=True,
        signed_bodies=True,
    )


def _acknowledgement(asked: Asked, receipt: Receipt) -> ChedAcknowledgement:
    return ChedAcknowledgement(
        reference=receipt.reference,
        url=receipt.url,
        status=status_label(asked.context, receipt.status_code),
        at=receipt.at,
        reasons=reasons_of(receipt),
        documents=receipt.documents,
        local_reference=receipt.local_reference,
    )


def reasons_of(receipt: Receipt) -> tuple[str, ...]:
    """What the acknowledgement says in words: that the message was taken, what is pending, and what rules warn of."""
    pending = (_COUNTER_SEAL,) if receipt.pending else ()
    warned = (f"{each.rule} {each.path}: {each.message}" for each in receipt.findings)
    return (receipt.reason, *pending, *warned)
