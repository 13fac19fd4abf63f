"""What a read tells about a message whose reply was lost (ARCHITECTURE 4: unknown is an outcome).

Pure: the message, the ledger and the time give a word, or nothing. One rule stands behind all of it: what is there
decides at once; what is not there decides only when the message can have no effect any more, because the other side may
still be at work, or the network may still hold the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from adapters.certex.checking import is_empty
from adapters.certex.holdings import are_as_asked, are_older, are_the_same, holding_of, were_made_at
from adapters.certex.outcomes import ClearanceWord, ReservationWord
from gateway.certex.models import (
    ChedClearanceRequest,
    ChedInterventionRequest,
    GoodsClearance,
    Intervention,
    ProcessedChedRequest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.certex.holdings import Holding
    from adapters.certex.outcomes import Sent
    from gateway.certex.models import Allocated, ProcessedChedAnswer

__all__ = ["Verdict", "judge_clearance", "judge_reservation"]

T = TypeVar("T")

_TOO_EARLY: Final = "its effect is not there, and may still come"
_GONE: Final = "the other side knows no such CHED, and the declaration had quantities of it"
_NO_CHED: Final = "the other side knows no such CHED"
_NO_LEDGER: Final = "the answer shows no ledger"
_NOTHING: Final = "the declaration holds nothing and has nothing written off"
_STILL_HELD: Final = "the declaration still holds quantities"
_BOTH: Final = "the declaration holds quantities and has others written off"
_OTHER: Final = "the declaration holds something else than before or than was asked: somebody else moved it"


class Verdict(NamedTuple, Generic[T]):
    """What is known."""

    word: T | None
    """None: nothing."""
    why: str
    by_this_message: bool | None = None


def judge_reservation(sent: Sent, answer: ProcessedChedAnswer, *, final: bool) -> Verdict[ReservationWord]:
    """What became of a reservation.

    Args:
        sent: the message.
        answer: to a read that was asked after it.
        final: whether the message could have no effect any more when that read was asked.

    Raises:
        AnswerMismatch: IMG-8032, the ledger contradicts itself.
    """
    asked = sent.request
    assert isinstance(asked, ProcessedChedRequest)
    trouble = _trouble(sent, answer)
    if trouble:
        return Verdict(None, trouble)
    now = holding_of(answer.summary, sent.declaration)
    if now.consumed:
        return Verdict(ReservationWord.CONSUMED, "what the declaration had is written off")
    if are_as_asked(now.reserved, asked.items, asked.office):
        return _held(sent, now)
    if not final:
        return Verdict(None, _TOO_EARLY)
    if is_empty(answer):
        return Verdict(ReservationWord.NO_CHED, _NO_CHED)
    return _not_as_asked(sent, now)


def judge_clearance(sent: Sent, answer: ProcessedChedAnswer, *, final: bool) -> Verdict[ClearanceWord]:
    """What became of a clearance or an intervention.

    Args:
        sent: the message.
        answer: to a read that was asked after it.
        final: whether the message could have no effect any more when that read was asked.

    Raises:
        AnswerMismatch: IMG-8032, the ledger contradicts itself.
    """
    trouble = _trouble(sent, answer)
    if trouble:
        return Verdict(None, trouble)
    now = holding_of(answer.summary, sent.declaration)
    if final and is_empty(answer):
        return Verdict(ClearanceWord.NO_RECORD, _NO_CHED)
    if isinstance(sent.request, ChedInterventionRequest):
        return _intervened(sent, sent.request, now, final=final)
    assert isinstance(sent.request, ChedClearanceRequest)
    if sent.request.information == GoodsClearance.RELEASED:
        return _released(sent, now, final=final)
    return _given_back(sent, now, final=final)


def _trouble(sent: Sent, answer: ProcessedChedAnswer) -> str:
    """Why a read tells nothing, whenever it is made; empty when it does."""
    if is_empty(answer):
        return _GONE if sent.before else ""
    if answer.summary is None:
        return _NO_LEDGER
    now = holding_of(answer.summary, sent.declaration)
    return _BOTH if now.reserved and now.consumed else ""


def _not_as_asked(sent: Sent, now: Holding) -> Verdict[ReservationWord]:
    """The message has no effect any more, and what it asked for is not there."""
    before = sent.before
    if before is not None and before.consumed:
        return Verdict(None, _OTHER)
    if not now.reserved:
        return Verdict(ReservationWord.NOT_RESERVED, "the declaration holds nothing, nor what it may have held before")
    if _is_as_before(now.reserved, sent, () if before is None else before.reserved):
        return Verdict(ReservationWord.NOT_RESERVED, "the declaration holds what it held before")
    return Verdict(None, _OTHER)


def _released(sent: Sent, now: Holding, *, final: bool) -> Verdict[ClearanceWord]:
    if now.consumed:
        if are_older(now.consumed, sent.at):
            return Verdict(ClearanceWord.ALREADY, "it was written off before", by_this_message=False)
        return Verdict(ClearanceWord.DONE, "it is written off", _made_by(sent, now.consumed))
    if not final:
        return Verdict(None, _TOO_EARLY)
    if now.reserved:
        return Verdict(ClearanceWord.NOT_DONE, _STILL_HELD)
    return Verdict(ClearanceWord.NO_RECORD, _NOTHING)


def _given_back(sent: Sent, now: Holding, *, final: bool) -> Verdict[ClearanceWord]:
    if now.consumed:
        return Verdict(ClearanceWord.ALREADY, "it is written off, and cannot be given back by a clearance")
    if not final:
        return Verdict(None, _TOO_EARLY)
    if now.reserved:
        return Verdict(ClearanceWord.NOT_DONE, _STILL_HELD)
    if sent.before is not None and not sent.before.reserved:
        return Verdict(ClearanceWord.NO_RECORD, _NOTHING)
    return Verdict(ClearanceWord.DONE, "the declaration holds nothing any more")


def _intervened(sent: Sent, asked: ChedInterventionRequest, now: Holding, *, final: bool) -> Verdict[ClearanceWord]:
    deletes = asked.intervention == Intervention.DELETE
    if not deletes and are_as_asked(now.consumed, asked.items, asked.office):
        made = _made_by(sent, now.consumed)
        if made is False and asked.intervention == Intervention.FORCE:
            return Verdict(ClearanceWord.ALREADY, "it was written off before", made)
        return Verdict(ClearanceWord.DONE, "it is written off as asked", made)
    if not final:
        return Verdict(None, _TOO_EARLY)
    if deletes and not now.consumed:
        return Verdict(ClearanceWord.DONE, "nothing of the declaration is written off any more")
    if _is_as_before(now.consumed, sent, () if sent.before is None else sent.before.consumed):
        return Verdict(ClearanceWord.NOT_DONE, "what was written off before still is, and nothing else")
    return Verdict(None, _OTHER)


def _held(sent: Sent, now: Holding) -> Verdict[ReservationWord]:
    made = _made_by(sent, now.reserved)
    by_whom = ", by an earlier message of the same content" if made is False else ""
    return Verdict(ReservationWord.RESERVED, f"the declaration holds exactly what was asked{by_whom}", made)


def _is_as_before(now: Sequence[Allocated], sent: Sent, before: Sequence[Allocated]) -> bool:
    """Whether it stood so when the message left: as the caller read it, or by the moments that the ledger shows."""
    if sent.before is not None:
        return are_the_same(now, before)
    return are_older(now, sent.at)


def _made_by(sent: Sent, found: Sequence[Allocated]) -> bool | None:
    """Whether this message made it: a ledger shows moments cut to seconds, so two in one second look alike."""
    if are_older(found, sent.at):
        return False
    known = () if sent.before is None else (*sent.before.reserved, *sent.before.consumed)
    if were_made_at(found, sent.at) and not any(were_made_at([each], sent.at) for each in known):
        return True
    return None
