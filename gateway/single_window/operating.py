"""What an operator does to a ledger by hand: gives back what a declaration holds, freezes a CHED, thaws it.

Each is a unit of work like that of a message: the CHED is locked, the movement is an entry with who did it and why.
Nothing here gives back what was consumed: that is an intervention of the customs office.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from gateway.customs.judging import give_back, of_declaration
from gateway.errors import CustomsRefused
from gateway.single_window.following import Cause, fit_again, freeze_for, pass_on
from gateway.single_window.pushing import Pushes
from gateway.store import (
    AllocationState,
    LedgerChange,
    PushKind,
    apply_change,
    free_number,
    free_relayed,
    freeze_ledger,
    last_event,
    lock_ledger,
    read_ledger,
    record_audit,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store import AllocationRow, Declaration, LedgerState

__all__ = ["Freezing", "free_passed_on", "freeze_ched", "ledger_of", "release_holds", "thaw_ched"]


class Freezing(NamedTuple):
    """Why a ledger is frozen; empty where it is not."""

    was: str
    now: str


def ledger_of(state: LedgerState | None, reference: str) -> LedgerState:
    """The ledger that a command names.

    Raises:
        CustomsRefused: IMG-7413, there is no such CHED, or it has no ledger.
    """
    if state is None:
        raise CustomsRefused("IMG-7413", where=reference, found="no CHED of this reference (box I.2)")
    if not state.version:
        expected = "a CHED that was decided, or that customs reserved on"
        raise CustomsRefused("IMG-7413", where=reference, found="no ledger yet", expected=expected)
    return state


def release_holds(
    connection: Connection, reference: str, declaration: Declaration, *, actor: str, reason: str, at: datetime
) -> tuple[AllocationRow, ...]:
    """Give back everything that a declaration holds on a CHED. Call inside `Store.write`.

    From then on the number is anybody's: also where nothing stands for it, and a customs system keeps it.

    Args:
        connection: of the unit of work.
        reference: of the CHED, box I.2.
        declaration: whose holds; an MRN is never an LRN.
        actor: the operator.
        reason: why, for the entries and the audit.
        at: now.

    Returns:
        What was held.

    Raises:
        CustomsRefused: IMG-7413, it holds nothing, and is nobody's; what is consumed is not given back.
    """
    state = ledger_of(lock_ledger(connection, reference), reference)
    own = of_declaration(state, declaration)
    held = tuple(each for each in own if each.state is AllocationState.RESERVED)
    number = f"{declaration.type.value} {declaration.number}"
    detail = {"reference": reference, "declaration": number, "why": reason}
    last = None if own else last_event(connection, state.ched_id, declaration)
    if last is not None and last.partner:
        free_number(connection, state.ched_id, declaration, last)
        detail["was"] = last.partner
        record_audit(connection, at=at, actor=actor, action="customs release", subject=state.ched_id, detail=detail)
        return ()
    if not held:
        found = "its goods are consumed" if own else "nothing stands for it"
        raise CustomsRefused("IMG-7413", where=f"{reference}, {number}", found=found, expected="a hold")
    after = max(each.event_at for each in held) + timedelta(microseconds=1)  # of a clock that may be ahead of ours
    apply_change(
        connection,
        LedgerChange(
            ched_id=state.ched_id,
            at=at,
            partner="",
            actor=actor,
            reason=reason,
            movements=give_back(state, held, "", max(at, after)).movements,
        ),
    )
    cause = Cause(at=at, actor=actor)
    pass_on(connection, state, cause)
    record_audit(connection, at=at, actor=actor, action="customs release", subject=state.ched_id, detail=detail)
    pushes = Pushes()
    cause.tell(connection, pushes)
    pushes.changed(connection, state.ched_id, what=PushKind.LEDGER, at=at)
    return held


def free_passed_on(
    connection: Connection, reference: str, declaration: Declaration, *, actor: str, reason: str, at: datetime
) -> str:
    """Let any customs system of a national gateway take a number that is passed on. Call inside `Store.write`.

    What stands for it at TRACES stays there; by its office it is still told whose that is.

    Args:
        connection: of the unit of work.
        reference: of the CHED, box I.2.
        declaration: whose number.
        actor: the operator.
        reason: why, for the audit.
        at: now.

    Returns:
        Whose it was.

    Raises:
        CustomsRefused: IMG-7413, it is nobody's.
    """
    was = free_relayed(connection, reference, declaration)
    number = f"{declaration.type.value} {declaration.number}"
    if not was:
        raise CustomsRefused("IMG-7413", where=f"{reference}, {number}", found="nobody's here")
    detail = {"reference": reference, "declaration": number, "why": reason, "was": was}
    record_audit(connection, at=at, actor=actor, action="customs release", subject=reference, detail=detail)
    return was


def freeze_ched(connection: Connection, reference: str, why: str, *, actor: str, at: datetime) -> Freezing:
    """Let nothing more be reserved on a CHED. Call inside `Store.write`.

    What is held stays held, and can be cleared and given back. Where it is frozen already the reason is added.

    Args:
        connection: of the unit of work.
        reference: of the CHED, box I.2.
        why: the reason, which is shown with the ledger and kept in the audit.
        actor: the operator.
        at: now.

    Raises:
        CustomsRefused: IMG-7413, there is no ledger.
    """
    state = ledger_of(lock_ledger(connection, reference), reference)
    freeze_ledger(connection, state.ched_id, why, at=at, actor=actor)
    return Freezing(state.frozen, _why(connection, reference))


def thaw_ched(connection: Connection, reference: str, why: str, *, actor: str, at: datetime) -> Freezing:
    """Let a frozen CHED be reserved again. Call inside `Store.write`.

    A part first draws from its parent what it found too little of when its ledger was opened, and a successor carries
    what it had no room for. It is frozen again at once where goods that it sold itself are sold under the number of its
    predecessor too, and where goods of a part that was refused are not left on it yet.

    Args:
        connection: of the unit of work.
        reference: of the CHED, box I.2.
        why: for the audit; may be empty.
        actor: the operator.
        at: now.

    Raises:
        CustomsRefused: IMG-7413, there is no ledger, or it is not frozen.
    """
    cause = Cause(at=at, actor=actor)
    left = fit_again(connection, reference, cause)
    state = ledger_of(lock_ledger(connection, reference), reference)
    if not state.frozen:
        raise CustomsRefused("IMG-7413", where=reference, found="a ledger that is not frozen")
    freeze_ledger(connection, state.ched_id, "", at=at, actor=actor, reason=why)
    freeze_for(connection, reference, left, cause)
    cause.tell(connection, Pushes())
    return Freezing(state.frozen, _why(connection, reference))


def _why(connection: Connection, reference: str) -> str:
    state = read_ledger(connection, reference)
    return "" if state is None else state.frozen
