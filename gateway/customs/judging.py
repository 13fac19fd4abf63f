"""What a declaration may take of a CHED, as CERTEX answers it (DIGEST 7.5; docs/customs-answers.md).

Pure: a ledger and a question give a decision with its movements; who asks keeps the ledger locked until they are
written. The order of the refusals is that of the captures as far as they show one: the CHED (04), the declaration (06),
its items (07, 03, 11, 10), and only then the quantities (05), because 05 alone takes the old hold away.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from gateway.customs.codes import agrees, subheading
from gateway.customs.quantities import exact_quanta, number_of, plain
from gateway.customs.releasing import VALIDATED, lets_release
from gateway.customs.requests import (
    ClearanceOutcome,
    Decision,
    DeclaredQuantity,
    FailureReason,
    Settled,
)
from gateway.customs.units import ABSENT_UNIT, unit_of
from gateway.store import AllocationState, EntryKind, Movement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from gateway.customs.requests import DeclaredItem, Reservation
    from gateway.store import AllocationRow, Declaration, LedgerLineRow, LedgerState

__all__ = [
    "VALIDATED",
    "force",
    "give_back",
    "judge_items",
    "judge_reservation",
    "of_declaration",
    "take_back",
    "write_off",
]


class _Refused(Exception):
    """One item that cannot be."""

    def __init__(self, reason: FailureReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class _Taken(NamedTuple):
    """One item that can be, as far as it says itself."""

    item: DeclaredItem
    quantity: str
    unit: str
    quanta: int


def of_declaration(state: LedgerState, declaration: Declaration) -> tuple[AllocationRow, ...]:
    """What stands for a declaration; an MRN is never an LRN."""
    return tuple(each for each in state.allocations if each.declaration == declaration)


def judge_reservation(state: LedgerState, asked: Reservation) -> Decision:
    """Whether the goods of a declaration can be reserved.

    Args:
        state: the ledger as it stands, opened.
        asked: the whole of what the declaration is to hold; what it held before is given back.
    """
    if not lets_release(state.status_code, state.conclusion) or state.frozen:
        return Decision(FailureReason.STATUS)
    own = of_declaration(state, asked.declaration)
    if any(each.state is AllocationState.CONSUMED for each in own):
        return Decision(FailureReason.WRITTEN_OFF)
    old = tuple(_moved(EntryKind.RETURNED, each, asked.office, asked.at) for each in own)
    freed: dict[int, int] = defaultdict(int)
    for each in own:
        freed[each.line] += each.quanta
    return judge_items(state, asked, freed, old)


def judge_items(
    state: LedgerState, asked: Reservation, freed: Mapping[int, int], old: tuple[Movement, ...]
) -> Decision:
    """Whether the items fit, when ``freed`` quanta by line come back with the movements ``old`` first."""
    lines = {line.number: line for line in state.lines}
    taken = []
    for item in asked.items:
        try:
            taken.append(_taken(item, lines.get(item.line), absent_is_tonne=asked.absent_unit_is_tonne))
        except _Refused as refused:
            known = None if refused.reason is FailureReason.LINE else item.line
            return Decision(refused.reason, item.goods_item, known)
    needed: dict[int, int] = defaultdict(int)
    for each in taken:
        number = each.item.line
        needed[number] += each.quanta
        if needed[number] > lines[number].available + freed.get(number, 0):
            return Decision(FailureReason.QUANTITY, each.item.goods_item, number, old)
    return Decision(movements=(*old, *(_reserved(each, asked) for each in taken)))


def write_off(state: LedgerState, own: Iterable[AllocationRow], office: str, at: datetime) -> Settled:
    """Goods released (01): what the declaration holds is consumed, with the office and the moment of the clearance."""
    return _settled(state, own, EntryKind.CONSUMED, office, at)


def give_back(state: LedgerState, own: Iterable[AllocationRow], office: str, at: datetime) -> Settled:
    """Goods not released (02): what the declaration holds is given back; nothing that is consumed comes back so."""
    return _settled(state, own, EntryKind.RETURNED, office, at)


def force(state: LedgerState, asked: Reservation) -> Decision:
    """Consume what was never reserved, or, for a declaration that has consumed, other quantities instead.

    Whether the declaration may is the caller's question; whether the quantities are there is this one's.
    """
    own = of_declaration(state, asked.declaration)
    freed: dict[int, int] = defaultdict(int)
    for each in own:
        freed[each.line] += each.quanta
    old = tuple(_moved(EntryKind.REVERSED, each, asked.office, asked.at) for each in own)
    decision = judge_items(state, asked, freed, old)
    if not decision.made:
        return Decision(decision.reason, decision.goods_item, decision.line)
    return Decision(
        movements=tuple(
            replace(each, kind=EntryKind.FORCED) if each.kind is EntryKind.RESERVED else each
            for each in decision.movements
        )
    )


def take_back(own: Iterable[AllocationRow], office: str, at: datetime) -> tuple[Movement, ...]:
    """The movements that take a consumption back."""
    return tuple(_moved(EntryKind.REVERSED, each, office, at) for each in own)


def _settled(state: LedgerState, own: Iterable[AllocationRow], kind: EntryKind, office: str, at: datetime) -> Settled:
    found = tuple(own)
    held = [each for each in found if each.state is AllocationState.RESERVED]
    if not held:
        return Settled(ClearanceOutcome.CONSUMED if found else ClearanceOutcome.NO_RECORD)
    movements = tuple(_moved(kind, each, office, at) for each in held)
    changed = kind is EntryKind.CONSUMED and state.status_code != VALIDATED
    return Settled(ClearanceOutcome.DONE_STATUS_CHANGED if changed else ClearanceOutcome.DONE, movements)


def _taken(item: DeclaredItem, line: LedgerLineRow | None, *, absent_is_tonne: bool) -> _Taken:
    """One item as the ledger counts it.

    Raises:
        _Refused: with the reason.
    """
    if line is None:
        raise _Refused(FailureReason.LINE)
    if not agrees(item.class_code, line.code):
        raise _Refused(FailureReason.CODE)
    declared = _fitting(item, line, absent_is_tonne=absent_is_tonne)
    number, quanta = number_of(declared.quantity), _quanta(declared)
    if number is None or quanta is None:
        raise _Refused(FailureReason.NOT_VALID)
    return _Taken(item, plain(number), declared.unit, quanta)


def _fitting(item: DeclaredItem, line: LedgerLineRow, *, absent_is_tonne: bool) -> DeclaredQuantity:
    """The weight or the volume of an item, whichever has a unit of the line's dimension.

    Raises:
        _Refused: 11 there is neither, or both fit and are different quantities; 10 none fits.
    """
    weight = item.weight
    if weight is not None and not weight.unit and absent_is_tonne:
        weight = DeclaredQuantity(weight.quantity, ABSENT_UNIT)
    given = [each for each in (weight, item.volume) if each is not None]
    if not given:
        raise _Refused(FailureReason.NOT_VALID)
    fit = [each for each in given if each.unit and unit_of(each.unit).dimension == line.dimension]
    if not fit:
        raise _Refused(FailureReason.UNIT)
    if len({_quanta(each) for each in fit}) > 1:
        raise _Refused(FailureReason.NOT_VALID)
    return fit[0]


def _quanta(declared: DeclaredQuantity) -> int | None:
    """How many quanta it is; None where it is no number of them above 0."""
    number = number_of(declared.quantity)
    return None if number is None or number <= 0 else exact_quanta(number, declared.unit)


def _reserved(taken: _Taken, asked: Reservation) -> Movement:
    return Movement(
        kind=EntryKind.RESERVED,
        line=taken.item.line,
        quanta=taken.quanta,
        declaration=asked.declaration,
        goods_item=taken.item.goods_item,
        quantity=taken.quantity,
        unit=taken.unit,
        class_code=subheading(taken.item.class_code),
        office=asked.office,
        event_at=asked.at,
    )


def _moved(kind: EntryKind, row: AllocationRow, office: str, at: datetime) -> Movement:
    return Movement(
        kind=kind,
        line=row.line,
        quanta=row.quanta,
        declaration=row.declaration,
        goods_item=row.goods_item,
        quantity=row.quantity,
        unit=row.unit,
        class_code=row.class_code,
        office=office,
        event_at=at,
    )
