"""Interventions: an officer corrects what was written off (DIGEST 7.4; the body is inferred, what it does is ours).

A force writes off without a reservation; an amendment puts other quantities in the place of those that were written
off; a deletion takes them back. None can take more than the CHED certifies, nor more than those have left that took its
place (`gateway.single_window.moving` refuses that).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from gateway.certex.models import Intervention
from gateway.customs.judging import VALIDATED, force, take_back
from gateway.customs.releasing import lets_release
from gateway.customs.requests import ClearanceOutcome, Settled
from gateway.errors import CustomsRefused
from gateway.store import AllocationState, EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.customs.requests import Decision, Reservation
    from gateway.store import AllocationRow, LedgerState, Movement

__all__ = ["intervened"]

_REPLACED: Final = "44"
"""Those that took its place have the goods; they say whether there are any left and whether they may be released
(`gateway.single_window.following.pass_on` refuses that)."""


def intervened(state: LedgerState, own: tuple[AllocationRow, ...], kind: Intervention, asked: Reservation) -> Settled:
    """What an intervention does.

    Args:
        state: the ledger.
        own: what stands for the declaration.
        kind: what is asked.
        asked: the declaration with the quantities that are to be written off.

    Raises:
        CustomsRefused: IMG-7410, with what does not fit.
    """
    if any(each.state is AllocationState.RESERVED for each in own):
        return Settled(ClearanceOutcome.RESERVED)
    if kind is Intervention.FORCE and own:
        return Settled(ClearanceOutcome.CONSUMED)
    if kind is not Intervention.FORCE and not own:
        return Settled(ClearanceOutcome.NO_RECORD)
    if kind is Intervention.DELETE:
        return Settled(_done(state), take_back(own, asked.office, asked.at))
    if not state.version:
        found = f"status {state.status_code}"
        raise CustomsRefused("IMG-7410", where="ChedCertificateId", found=found, expected="a CHED that was validated")
    if not asked.items:
        raise CustomsRefused("IMG-7410", where="ConsignmentItem", found="none", expected="what is written off")
    decision = force(state, asked)
    if not decision.made:
        raise CustomsRefused(
            "IMG-7410", where=_place(decision), found=f"reason {decision.reason}", expected="goods that fit"
        )
    if _takes_more(decision.movements):
        _check_takeable(state)
    return Settled(_done(state), decision.movements)


def _takes_more(movements: Iterable[Movement]) -> bool:
    """Whether more is written off of any line than before."""
    more: dict[int, int] = defaultdict(int)
    for each in movements:
        more[each.line] += each.quanta if each.kind is EntryKind.FORCED else -each.quanta
    return any(quanta > 0 for quanta in more.values())


def _check_takeable(state: LedgerState) -> None:
    """Refuse to write off more of goods that nobody may release.

    Raises:
        CustomsRefused: IMG-7410.
    """
    status = VALIDATED if state.status_code == _REPLACED else state.status_code
    if state.frozen:
        found = "a ledger that is frozen"
    elif not lets_release(status, state.conclusion):
        found = f"status {state.status_code}, conclusion {state.conclusion or 'none'}"
    else:
        return
    raise CustomsRefused("IMG-7410", where="ChedCertificateId", found=found, expected="goods that may be released")


def _done(state: LedgerState) -> ClearanceOutcome:
    return ClearanceOutcome.DONE if state.status_code == VALIDATED else ClearanceOutcome.DONE_STATUS_CHANGED


def _place(decision: Decision) -> str:
    line = "" if decision.line is None else f", line {decision.line}"
    return f"ConsignmentItem {decision.goods_item}{line}"
