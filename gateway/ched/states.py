"""The life of a CHED: which status follows which, by which operation and on whose word (docs/adr/0009).

The only place that knows it. Status codes are those of UN/EDIFACT 4405 with the meaning that TRACES gives them
(DIGEST 6); what moves a CHED from one to the other is not public and is our own table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.documents.ched.labels import STATUSES
from gateway.errors import ChedRefused

if TYPE_CHECKING:
    from gateway.documents.ched import Ched

__all__ = [
    "DECIDED",
    "EDITABLE",
    "ONWARD",
    "STATUS_NAMES",
    "TERMINAL",
    "TRANSITIONS",
    "ChedStatus",
    "Mover",
    "Operation",
    "Transition",
    "check_transition",
    "decided_status",
]


class ChedStatus(StrEnum):
    """The statuses of a CHED."""

    DRAFT = "47"
    NEW = "1"
    IN_PROGRESS = "42"
    VALIDATED = "70"
    REJECTED = "41"
    PARTIALLY_REJECTED = "122"
    REPLACED = "44"
    CANCELLED = "64"
    DELETED = "55"
    ONWARD_TRANSPORTATION = "97"
    TRANSHIPMENT = "146"
    TRANSFER = "124"
    ONWARD_TRAVEL = "35"
    TRANSIT = "99"


class Mover(StrEnum):
    """Whose word it is."""

    OPERATOR = "operator"
    """Who may write Part I: the operator, or an authority for it."""
    POST = "post"
    """The border control post or control point of I.4 (R-40-3)."""
    FOLLOWER = "follower"
    """Who may write Part III: the exit post, the post of final destination, the local authority."""
    REGISTER = "register"
    """This register, because of what happened to another CHED."""


class Operation(StrEnum):
    """What moves a CHED; the values are the names of the operations."""

    DRAFT = "createDraft"
    SUBMIT = "createAndSubmitForDecision"
    IN_PROGRESS = "createAndSubmitDecisionAsInProgress"
    DECIDE = "SubmitDecision"
    FOLLOW_UP = "SubmitFollowUp"
    AMEND = "AmendChed"
    CANCEL = "CancelChed"
    REPLACE = "replacement"
    """Another CHED cites this one with ACW."""
    SPLIT = "split"
    """A part that was split off was decided."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed step; ``before`` is None where the CHED begins."""

    before: ChedStatus | None
    after: ChedStatus
    mover: Mover
    by: Operation


_S: Final = ChedStatus
ONWARD: Final = (_S.ONWARD_TRAVEL, _S.ONWARD_TRANSPORTATION, _S.TRANSFER, _S.TRANSHIPMENT, _S.TRANSIT)
"""Decided, and still on the way to whoever writes Part III."""

DECIDED: Final = frozenset({_S.VALIDATED, _S.REJECTED, _S.PARTIALLY_REJECTED, *ONWARD})
"""With a conclusion in Part II."""

TERMINAL: Final = frozenset({_S.REPLACED, _S.CANCELLED, _S.DELETED})
"""Nothing is written any more."""

EDITABLE: Final = frozenset({_S.DRAFT})
"""Part I may be changed in whole; in ``NEW`` and ``IN_PROGRESS`` only what R-I27-LATE leaves open."""

_CONCLUSIONS: Final = (_S.VALIDATED, _S.REJECTED, _S.PARTIALLY_REJECTED, *ONWARD)
_OPEN: Final = (_S.NEW, _S.IN_PROGRESS)


def _steps(
    before: tuple[ChedStatus | None, ...], after: tuple[ChedStatus, ...], mover: Mover, by: Operation
) -> tuple[Transition, ...]:
    return tuple(Transition(start, end, mover, by) for start in before for end in after)


def _stays(statuses: tuple[ChedStatus, ...], mover: Mover, by: Operation) -> tuple[Transition, ...]:
    return tuple(Transition(status, status, mover, by) for status in statuses)


TRANSITIONS: Final = (
    *_steps((None, _S.DRAFT), (_S.DRAFT,), Mover.OPERATOR, Operation.DRAFT),
    *_steps((None, _S.DRAFT), (_S.NEW,), Mover.OPERATOR, Operation.SUBMIT),
    *_steps((None, *_OPEN), (_S.IN_PROGRESS, *_CONCLUSIONS), Mover.POST, Operation.IN_PROGRESS),
    *_steps(_OPEN, _CONCLUSIONS, Mover.POST, Operation.DECIDE),
    *_stays((_S.DRAFT, *_OPEN), Mover.OPERATOR, Operation.AMEND),
    *_steps(ONWARD, (_S.VALIDATED,), Mover.FOLLOWER, Operation.FOLLOW_UP),
    *_stays((*ONWARD, _S.VALIDATED, _S.REJECTED, _S.PARTIALLY_REJECTED), Mover.FOLLOWER, Operation.FOLLOW_UP),
    *_steps((_S.DRAFT,), (_S.DELETED,), Mover.OPERATOR, Operation.CANCEL),
    *_steps(_OPEN, (_S.CANCELLED,), Mover.OPERATOR, Operation.CANCEL),
    *_steps((*_OPEN, *_CONCLUSIONS), (_S.REPLACED,), Mover.REGISTER, Operation.REPLACE),
    *_steps((*_OPEN, _S.VALIDATED, *ONWARD), (_S.PARTIALLY_REJECTED,), Mover.REGISTER, Operation.SPLIT),
)
"""Everything that may happen."""


def check_transition(before: str | None, after: ChedStatus, mover: Mover, by: Operation) -> None:
    """Refuse a step that is not in the table.

    Raises:
        ChedRefused: IMG-7202, with the statuses from which the operation is possible.
    """
    steps = [step for step in TRANSITIONS if step.by is by and step.mover is mover]
    if any(step.before == before and step.after is after for step in steps):
        return
    possible = sorted({step.before or "none" for step in steps if step.after is after})
    raise ChedRefused(
        "IMG-7202",
        where="SPSExchangedDocument/StatusCode",
        found=f"{by} of a CHED with status {before or 'none'}",
        expected=f"status {', '.join(possible)}" if possible else "an operation that leads there",
    )


_BY_CONCLUSION: Final = {
    "ACCEPTABLE_FOR_TRANSHIPMENT": _S.TRANSHIPMENT,
    "ACCEPTABLE_FOR_TRANSFER": _S.TRANSFER,
    "ACCEPTABLE_FOR_ONWARD_TRAVEL": _S.ONWARD_TRAVEL,
    "ACCEPTABLE_FOR_ONWARD_TRANSPORTATION": _S.ONWARD_TRANSPORTATION,
    "ACCEPTABLE_FOR_TRANSIT": _S.TRANSIT,
    "NOT_ACCEPTABLE": _S.REJECTED,
}


def decided_status(ched: Ched, *, parts_accepted: bool = False) -> ChedStatus | None:
    """The status that the conclusion of Part II leads to; None without a conclusion.

    Args:
        ched: with its Part II.
        parts_accepted: a part was split off and accepted before, so that a refusal is a partial one.
    """
    decision = ched.decision
    codes = [each.code for each in decision.conclusion if each.code] if decision is not None else []
    if not codes:
        return None
    status = next((_BY_CONCLUSION[code] for code in codes if code in _BY_CONCLUSION), _S.VALIDATED)
    return _S.PARTIALLY_REJECTED if status is _S.REJECTED and parts_accepted else status


STATUS_NAMES: Final = {status: STATUSES[status] for status in ChedStatus}
"""StatusCode/@name as TRACES writes it, in English."""
