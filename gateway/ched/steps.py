"""One write of a CHED on its way to TRACES: sending it, and finding out whether it arrived when the answer was lost.

TRACES knows no message ids. A new CHED is looked for by its local reference (box I.3), which every one that leaves here
has; a part that was written to a known one is compared with what stands there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from adapters.traces_nt import Caller
from gateway.ched.references import read_reference
from gateway.ched.states import Operation
from gateway.documents.ched import SYSTEM_BOXES, Part, boxes, changed_boxes, part_digest, read_ched
from gateway.errors import DeliveryError
from gateway.traces.models import FindChedCriteria, SealFile
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gateway.ched.upstream import Upstream
    from gateway.documents.ched import AccompanyingDocument, Ched
    from gateway.traces.headers import BodyIdentity
    from gateway.traces.models import ChedSummary
    from gateway.xml.limits import Limits

__all__ = ["SUBMISSIONS", "Answer", "Step", "look", "send"]

SUBMISSIONS: Final = frozenset({Operation.DRAFT, Operation.SUBMIT, Operation.IN_PROGRESS})
"""The public operations of TRACES; the others are our own contract's."""

_CONTROL: Final = {
    Operation.DECIDE: "submitDecision",
    Operation.FOLLOW_UP: "submitFollowUp",
    Operation.AMEND: "amendChed",
}
_PAGE: Final = 200
_STATUS: Final = re.compile(r"[0-9]{1,3}")
"""UN/EDIFACT 4405."""
_SKEW: Final = timedelta(minutes=10)
"""How far TRACES' clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done at TRACES."""

    operation: Operation
    content: bytes
    """``SPSCertificate`` in canonical codes, with I.3 and, of a CHED that TRACES knows, I.2."""
    type: str
    """A, P, PP, D."""
    reference: str
    """I.2; empty for a new CHED."""
    local_reference: str
    """I.3."""
    made_at: datetime
    """When the message came; what TRACES had before is another CHED."""
    body: BodyIdentity | None = None
    """For whom."""
    language: str = "en"
    seals: tuple[SealFile, ...] = ()

    @property
    def caller(self) -> Caller:
        """For whom TRACES is asked."""
        return Caller(self.body, self.language)


@dataclass(frozen=True, slots=True)
class Answer:
    """What TRACES made of it."""

    reference: str
    status_code: str
    at: datetime
    url: str = ""
    documents: tuple[AccompanyingDocument, ...] = ()
    reasons: tuple[str, ...] = ()


def send(upstream: Upstream, step: Step, *, now: datetime) -> Answer:
    """Send it once.

    Raises:
        DeliveryError: as the client; IMG-8003 the answer is none.
    """
    if step.operation in SUBMISSIONS:
        given = upstream.submit_ched(step.operation.value, step.content, step.caller)
        reference = given.reference or step.reference
        return _believed(
            Answer(reference, given.status.code, given.at, given.url, given.documents, given.reasons), step
        )
    receipt = upstream.control_document(_CONTROL[step.operation], step.content, step.seals, step.caller)
    return _believed(Answer(receipt.reference or step.reference, receipt.status, now), step)


def look(
    upstream: Upstream, step: Step, *, limits: Limits, now: datetime, is_another: Callable[[str], bool]
) -> Answer | None:
    """What TRACES has of it; None when it has certainly nothing.

    Args:
        upstream: TRACES.
        step: that was sent, perhaps.
        limits: of documents.
        now: aware UTC.
        is_another: whether a reference belongs to another CHED that is known here.

    Raises:
        DeliveryError: as the client; then nothing is known.
    """
    if not step.reference:
        criteria = FindChedCriteria(types=(step.type,), local_reference=step.local_reference, page_size=_PAGE)
        found = _oldest(upstream.find_cheds(criteria, step.caller), step, is_another)
        if found is None:
            return None
        return _believed(Answer(found.reference, found.status.code, found.created or now), step)
    there = read_ched(upstream.ched(step.reference, step.caller).root)
    wanted = read_ched(parse(step.content, limits=limits).root)
    if not _written(step.operation, wanted, there):
        return None
    return _believed(Answer(step.reference, there.status_code, now, there.url), step)


def _believed(answer: Answer, step: Step) -> Answer:
    """The answer, if a CHED can have this number and this status: by them it stands here from now on.

    Raises:
        DeliveryError: IMG-8003, so that nobody knows what became of the step.
    """
    known = read_reference(answer.reference)
    wanted = step.reference or answer.reference
    if answer.reference and (known is None or known.type.value != step.type or answer.reference != wanted):
        raise DeliveryError("IMG-8003", where="ID", found=repr(answer.reference[:50]), expected=f"CHED{step.type}.…")
    if not _STATUS.fullmatch(answer.status_code):
        raise DeliveryError("IMG-8003", where="StatusCode", found=repr(answer.status_code[:50]), expected="a code")
    return answer


def _oldest(summaries: Sequence[ChedSummary], step: Step, is_another: Callable[[str], bool]) -> ChedSummary | None:
    """A national system may use a local reference twice, so the one that is meant is younger than the message."""
    since = step.made_at - _SKEW
    same = [
        each
        for each in summaries
        if each.reference
        and each.local_reference == step.local_reference
        and (each.created is None or each.created >= since)
        and not is_another(each.reference)
    ]
    return same[-1] if same else None


def _written(operation: Operation, wanted: Ched, there: Ched) -> bool:
    """Whether the part that was to be written stands there; labels may be TRACES' own, so codes and moments count."""
    if operation in {Operation.IN_PROGRESS, Operation.DECIDE}:
        return there.decision is not None and not _differs(wanted, there)
    if operation is Operation.FOLLOW_UP:
        return there.follow_up is not None and there.follow_up.signed == (
            wanted.follow_up.signed if wanted.follow_up is not None else ""
        )
    if operation is Operation.SUBMIT:
        return there.status_code not in {"", "47"}
    return part_digest(there, Part.I) == part_digest(wanted, Part.I)


def _differs(wanted: Ched, there: Ched) -> bool:
    """Whether a box that was filled in stands there with something else: then another decision is there, not this.

    Customs may have reported documents since (II.23): those of the decision have to be among them.
    """
    own = {each.number for each in wanted.customs_documents}
    there = replace(there, customs_documents=tuple(each for each in there.customs_documents if each.number in own))
    filled = boxes(wanted).keys() - SYSTEM_BOXES
    return any(box in filled for box in changed_boxes(wanted, there))
