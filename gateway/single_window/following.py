"""The ledger follows its CHED: opened when a post decides, with what its relatives have of the same goods.

What a replaced CHED holds and has consumed is carried by its successor, what a part certifies is drawn from its
parent, so that no goods are sold twice under two numbers (docs/adr/0020). All of it happens in the unit of work of what
caused it. Whoever calls has locked the family, or goes from a CHED to what took its place only, which is the same order
(`gateway.store.lock_family`). Whoever made a `Cause` tells of the ledgers that moved for it, when all is written.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.ched.states import DECIDED, TERMINAL, ChedStatus
from gateway.customs.carrying import allotted, grown, is_known_goods
from gateway.customs.lines import lines_of
from gateway.customs.quantities import quantity_of
from gateway.customs.releasing import lets_release
from gateway.documents.ched import read_ched
from gateway.documents.ched.places import RELATION_REPLACES
from gateway.errors import CustomsRefused
from gateway.single_window.kin import Kin
from gateway.store import (
    EntryKind,
    LedgerChange,
    Movement,
    PushKind,
    apply_change,
    carried_between,
    ched_content,
    freeze_ledger,
    get_ched,
    lock_family,
    lock_ledger,
    open_ledger,
    read_family,
    read_lines,
)
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.single_window.pushing import PushKeeper
    from gateway.store import ChedRow, ChedWrite, Family, LedgerLineRow, LedgerState
    from gateway.xml.limits import Limits

__all__ = ["Cause", "LedgerFollower", "NoRoom", "fit_again", "freeze_for", "is_missing", "open_missing", "pass_on"]

_ENDED: Final = TERMINAL - {ChedStatus.REPLACED}
_MAX_REASON: Final = 500
"""Characters of what an operator is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why quantities of other CHEDs move: what stands in their entries."""

    at: datetime
    partner: str = ""
    exchange_id: str = ""
    actor: str = ""
    """The operator; empty for a message."""
    moved: dict[str, None] = field(default_factory=dict)
    """Ids of the CHEDs whose ledgers moved for it, in order."""

    def tell(self, connection: Connection, pushes: PushKeeper) -> None:
        """Tell of each ledger that moved, once and as it stands. Call when all of the unit of work is written."""
        for ched_id in self.moved:
            pushes.changed(connection, ched_id, what=PushKind.LEDGER, at=self.at)


class NoRoom(NamedTuple):
    """So much of one CHED finds no room on the one that took its place."""

    younger: str
    line: LedgerLineRow
    """Of the older one."""
    quanta: int
    older: str

    def __str__(self) -> str:
        return f"{_said(self.line, self.quanta)} of {self.older} have no room on {self.younger}"


class LedgerFollower:
    """Follows every write of a CHED (``Context.ched_followers``). Safe to share between threads.

    Args:
        limits: of documents.
        pushes: who is told of ledgers that moved.
    """

    def __init__(self, limits: Limits, pushes: PushKeeper) -> None:
        self._limits = limits
        self._pushes = pushes

    def __call__(self, connection: Connection, write: ChedWrite, before: ChedRow | None) -> None:
        """Open the ledger of a CHED that is decided, however it is; freeze one that ends."""
        row = write.row
        if before is not None and before.status_code == row.status_code:
            return
        exchange_id = write.version_id if write.evidence is not None else ""
        cause = Cause(at=write.at, partner=write.partner, exchange_id=exchange_id)
        if row.status_code in DECIDED and row.reference and write.content is not None:
            _Opening(connection, row.reference, cause).open(write.content, self._limits)
            cause.tell(connection, self._pushes)
        elif row.status_code in _ENDED:
            why = f"the CHED ended: status {row.status_code}"
            freeze_ledger(connection, row.id, why, at=write.at, actor=write.partner)


def is_missing(state: LedgerState) -> bool:
    """Whether goods of a CHED may be released and it has no ledger: it was decided before there were ledgers."""
    return not state.version and lets_release(state.status_code, state.conclusion)


def open_missing(connection: Connection, reference: str, limits: Limits, cause: Cause) -> None:
    """Open the ledger of a CHED that was decided before there were ledgers. Call inside `Store.write`, as all of it.

    Nothing happens where it is open, or where nothing of it may be released. Otherwise all of the family that is
    decided gets its ledger, the oldest first: what is left of one depends on the others.
    """
    family = lock_family(connection, (reference,))
    state = lock_ledger(connection, reference)
    if state is None or not is_missing(state):
        return
    members = {reference, *(name for link in family.links for name in (link.younger, link.older))}
    states = (read_lines(connection, member) for member in members)
    for each in sorted((found for found in states if found is not None), key=lambda found: found.ched_id):
        row = get_ched(connection, each.ched_id)
        parts = ched_content(connection, row) if row is not None and each.status_code in DECIDED else None
        if parts is not None:
            _Opening(connection, each.reference, cause).open(parts.content, limits)


def fit_again(connection: Connection, reference: str, cause: Cause) -> tuple[str, ...]:
    """Draw and carry what did not fit before, as far as it fits now. For an operator who thaws a ledger.

    A part draws from its parents what it found too little of; what they still have not stays carried by it. A successor
    carries what it had no room for, once those before it have done the same, and hands on what it carries. Parts whose
    goods nobody may release draw from a whole before it is thawed: what came back there may be theirs.

    Call inside `Store.write`, before anything is locked; the family is locked here.

    Returns:
        What still has no room although the goods are sold under the younger number too, and what refused parts still
        lack: it would be sold twice, or released, when a hold there is given back, so the ledger has to stay frozen.
        Goods that a successor or a whole has not at all are not named: what that means only an operator can say.
    """
    family = lock_family(connection, (reference,))
    before = lock_ledger(connection, reference)
    if before is None or not before.version:
        return ()
    kin = Kin(connection, family)
    left = (*map(str, _fit(connection, kin, reference, cause)), *_claim(connection, kin, reference, cause))
    for each in _hand_on(connection, kin, before, cause):
        freeze_for(connection, each.younger, (str(each),), cause)
    return left


def pass_on(connection: Connection, before: LedgerState, cause: Cause) -> tuple[NoRoom, ...]:
    """Let the successor of a replaced CHED carry what is held and consumed there now. Call inside `Store.write`.

    Args:
        connection: of the unit of work in which the ledger moved, which has locked it.
        before: the ledger as it was before it moved; nothing happens unless its CHED is replaced.
        cause: what moved it.

    Returns:
        What was taken now and has no room on a successor, which has sold it: undo the unit of work. What had no room
        already is not named again, so that it can be cleared, given back and corrected downwards.

    Raises:
        CustomsRefused: IMG-7410, more was taken than before, and nothing of it may be released under the number of the
            last that took its place.
    """
    if before.status_code != ChedStatus.REPLACED:
        return ()
    family = read_family(connection, (before.reference,))
    left = tuple(_hand_on(connection, Kin(connection, family), before, cause))
    if not left and grown(before.lines, _ledger(connection, before.reference).lines):
        for last in sorted(set(_last(family, before.reference))) or [before.reference]:
            _check_releasing(connection, last)
    return left


def _last(family: Family, reference: str) -> Iterator[str]:
    """The CHEDs that took the place of this one and that nothing took the place of, decided or not."""
    for younger in family.citing(reference, RELATION_REPLACES):
        yield from _last(family, younger) if family.citing(younger, RELATION_REPLACES) else (younger,)


def _check_releasing(connection: Connection, reference: str) -> None:
    """Refuse to take more of goods that a successor has, where nothing may be released under its number.

    Raises:
        CustomsRefused: IMG-7410.
    """
    state = lock_ledger(connection, reference)
    if state is None or not state.version or not lets_release(state.status_code, state.conclusion):
        found = f"the goods are those of {reference}, status {state.status_code if state else 'not known'}"
    elif state.frozen:
        found = f"the goods are those of {reference}, a ledger that is frozen"
    else:
        return
    raise CustomsRefused("IMG-7410", where="ChedCertificateId", found=found, expected="goods that may be released")


class _Opening:
    """Opens one ledger."""

    def __init__(self, connection: Connection, reference: str, cause: Cause) -> None:
        self._connection = connection
        self._reference = reference
        self._cause = cause
        self._kin = Kin(connection, read_family(connection, (reference,)))

    def open(self, content: bytes, limits: Limits) -> None:
        """With what its relatives have of the same goods; frozen where that does not fit.

        Where goods that were refused or sent on are not left on the CHEDs that they came from, those are frozen too:
        what is given back there would be the goods that nobody may release.
        """
        connection, reference, cause = self._connection, self._reference, self._cause
        state = read_lines(connection, reference)
        if state is None or state.version:
            return
        lines = lines_of(read_ched(parse(content, limits=limits).root))
        open_ledger(connection, state.ched_id, lines, cause.at, partner=cause.partner)
        self._kin.forget()
        troubles = self._carried()
        parents = self._kin.parents(reference)
        short = {line.number: line.certified for line in lines}
        above = tuple(dict.fromkeys(whole for parent in parents for whole in self._kin.stood_for(parent)))
        parts = {part: self._kin.has_drawn(part, above) for part in self._kin.parts(reference)}
        for part in (each for each, has_drawn in parts.items() if has_drawn):
            for drawn_by, whole in itertools.product(self._kin.stood_for(part), above):
                short = _take_over(connection, reference, whole, drawn_by, short, cause)
        missing = _draw(connection, reference, parents, short, cause)
        if not lets_release(state.status_code, state.conclusion):
            self._freeze_above(missing)
        troubles += missing
        for part in (each for each, has_drawn in parts.items() if not has_drawn):
            troubles += _draw(connection, part, (reference,), None, cause)
        freeze_for(connection, reference, troubles, cause)

    def _carried(self) -> list[str]:
        """Carry what stands on those that it took the place of; what was refused draws where the goods are frozen.

        Returns:
            What does not fit, and why those are frozen.
        """
        connection, reference, cause, kin = self._connection, self._reference, self._cause, self._kin
        troubles: list[str] = []
        for older in kin.sources(reference):
            troubles += map(str, _carry(connection, older, reference, cause))
            if frozen := _ledger(connection, older).frozen:
                troubles += [f"{older} is frozen: {frozen}", *_claim(connection, kin, reference, cause)]
        for parent in kin.parents(reference):
            if _ledger(connection, parent).frozen:
                _claim(connection, kin, parent, cause)
        return troubles

    def _freeze_above(self, missing: Iterable[str]) -> None:
        """Freeze those that goods which nobody may release came from, where these are not left there."""
        why = tuple(missing)
        for parent in self._kin.parents(self._reference):
            freeze_for(self._connection, parent, why, self._cause)
        for older in _before(self._kin, self._reference):
            lacking = _claim_for(self._connection, self._kin, older, self._cause)
            for parent in self._kin.parents(older):
                freeze_for(self._connection, parent, lacking, self._cause)


def _fit(connection: Connection, kin: Kin, reference: str, cause: Cause) -> tuple[NoRoom, ...]:
    """Draw and carry again, those that a CHED took the place of first; see `fit_again`."""
    older = tuple(kin.sources(reference))
    left = [each for source in older for each in _fit(connection, kin, source, cause)]
    _draw_again(connection, kin, reference, cause)
    _claim(connection, kin, reference, cause)
    for source in older:
        rest = _carry(connection, source, reference, cause)
        sold = [line for line in _ledger(connection, reference).lines if line.reserved or line.consumed]
        left += [each for each in rest if is_known_goods(each.line, sold)]
    return tuple(left)


def _claim(connection: Connection, kin: Kin, whole: str, cause: Cause) -> list[str]:
    """Let parts whose goods nobody may release draw what they lack of a whole, before anybody else takes it.

    Returns:
        What they lack still.
    """
    lacking: list[str] = []
    for part in kin.drawing(whole):
        state = _ledger(connection, part)
        if state.status_code != ChedStatus.REPLACED and not lets_release(state.status_code, state.conclusion):
            for older in _before(kin, part):
                lacking += _claim_for(connection, kin, older, cause)
            lacking += _draw_again(connection, kin, part, cause)
    return lacking


def _claim_for(connection: Connection, kin: Kin, replaced: str, cause: Cause) -> list[str]:
    """Draw what a part that was replaced lacks, for those that took its place."""
    before = _ledger(connection, replaced)
    lacking = _draw_again(connection, kin, replaced, cause)
    _hand_on(connection, kin, before, cause)
    return lacking


def _before(kin: Kin, reference: str) -> Iterator[str]:
    """The ledgers of all that a CHED took the place of, the oldest first."""
    for older in kin.sources(reference):
        yield from _before(kin, older)
        yield older


def _draw_again(connection: Connection, kin: Kin, reference: str, cause: Cause) -> list[str]:
    """Draw what a part carries because its parents, or what they took the place of, had not that much left.

    Returns:
        What they have not still.
    """
    lacking: list[str] = []
    part = _ledger(connection, reference)
    parents = kin.parents(reference)
    unit = {line.number: line for line in part.lines}
    for lacked in dict.fromkeys(whole for parent in parents for whole in kin.stood_for(parent)):
        short = carried_between(connection, part.ched_id, lacked)
        for parent in parents:
            drawn = _drawn(connection, reference, parent, short, cause)
            _move(connection, part.ched_id, lacked, {line: -quanta for line, quanta in drawn.items()}, "drawn", cause)
            short = {line: quanta - drawn.get(line, 0) for line, quanta in short.items()}
        lacking += [
            f"{_said(unit[line], quanta)} of {reference} are not left on {' or '.join(parents)}"
            for line, quanta in short.items()
            if quanta > 0
        ]
    return lacking


def _hand_on(connection: Connection, kin: Kin, before: LedgerState, cause: Cause) -> list[NoRoom]:
    """Let those that took the place of a CHED carry what stands there now, and those after them.

    Returns:
        What has no room, of the goods of which more is taken there than before.
    """
    left: list[NoRoom] = []
    more = grown(before.lines, _ledger(connection, before.reference).lines)
    for heir in kin.heirs(before.reference):
        state = lock_ledger(connection, heir)
        rest = _carry(connection, before.reference, heir, cause)
        left += [each for each in rest if is_known_goods(each.line, more)]
        if state is not None:
            left += _hand_on(connection, kin, state, cause)
    return left


def _carry(connection: Connection, older: str, younger: str, cause: Cause) -> list[NoRoom]:
    """Let a successor carry what stands on the lines of the CHED that it replaced; as it is now, however it was before.

    Returns:
        What does not fit.
    """
    source, target = _ledger(connection, older), _ledger(connection, younger)
    before = carried_between(connection, target.ched_id, older)
    taken = tuple((line, line.certified - line.available) for line in source.lines)
    room = tuple((line, line.available + before.get(line.number, 0)) for line in target.lines)
    shares, rest = allotted(taken, room)
    wanted: dict[int, int] = dict.fromkeys(before, 0)
    for share in shares:
        wanted[share.giving.number] = wanted.get(share.giving.number, 0) + share.quanta
    moves = {number: quanta - before.get(number, 0) for number, quanta in wanted.items()}
    _move(connection, target.ched_id, older, moves, f"{older} was replaced", cause)
    return [NoRoom(younger, line, left, older) for line, left in rest]


def _draw(
    connection: Connection, part: str, parents: tuple[str, ...], short: Mapping[int, int] | None, cause: Cause
) -> list[str]:
    """Draw what a part certifies from its parents.

    What they have not is carried by the part itself, where the goods are the same: it stands for what was taken under
    the parent's number. Where no parent has such goods at all, only an operator can say what that means.

    Args:
        connection: of the unit of work; all of them are locked.
        part: reference.
        parents: references; without any nothing is drawn.
        short: what is to be drawn, by line; None for all that the part certifies.
        cause: why.

    Returns:
        What does not fit.
    """
    if not parents:
        return []
    drawing = _ledger(connection, part)
    left = dict(short) if short is not None else {line.number: line.certified for line in drawing.lines}
    for parent in parents:
        drawn = _drawn(connection, part, parent, left, cause)
        left = {line: quanta - drawn.get(line, 0) for line, quanta in left.items()}
    goods = [line for parent in parents for line in _ledger(connection, parent).lines]
    missing = [(line, left[line.number]) for line in drawing.lines if left[line.number]]
    carried = {line.number: min(quanta, line.available) for line, quanta in missing if is_known_goods(line, goods)}
    _move(connection, drawing.ched_id, parents[0], carried, f"not left on {parents[0]}", cause)
    return [f"{_said(line, quanta)} of {part} are not left on {' or '.join(parents)}" for line, quanta in missing]


def _take_over(
    connection: Connection, reference: str, above: str, part: str, short: Mapping[int, int], cause: Cause
) -> dict[int, int]:
    """Draw in the place of a part that drew from a grandparent while its own parent had no ledger.

    What the part drew is drawn by its parent then, which carries it for the part: nothing is drawn twice. It is so
    where the grandparent was replaced since: there what one drew is drawn by the other, and its successor carries it.

    Returns:
        What is still to be drawn, by line.
    """
    giving, drawing = _ledger(connection, above), _ledger(connection, reference)
    before = carried_between(connection, giving.ched_id, part)
    wanting = tuple((line, short.get(line.number, 0)) for line in drawing.lines)
    shares, _ = allotted(wanting, tuple((line, before.get(line.number, 0)) for line in giving.lines))
    left = dict(short)
    for share in shares:
        line, other = share.wanting.number, share.giving.number
        _move(connection, giving.ched_id, part, {other: -share.quanta}, f"{reference} stands for {part}", cause)
        _move(connection, giving.ched_id, reference, {other: share.quanta}, f"{reference} stands for {part}", cause)
        _move(connection, drawing.ched_id, part, {line: share.quanta}, f"{part} is a part of it", cause)
        left[line] -= share.quanta
    return left


def _drawn(connection: Connection, part: str, parent: str, short: Mapping[int, int], cause: Cause) -> dict[int, int]:
    """Draw from one parent as much as it has; returns what came, by line of the part."""
    giving = _ledger(connection, parent)
    wanting = tuple((line, short.get(line.number, 0)) for line in _ledger(connection, part).lines)
    shares, _ = allotted(wanting, tuple((line, line.available) for line in giving.lines))
    drawn: dict[int, int] = {}
    given: dict[int, int] = {}
    for share in shares:
        drawn[share.wanting.number] = drawn.get(share.wanting.number, 0) + share.quanta
        given[share.giving.number] = given.get(share.giving.number, 0) + share.quanta
    _move(connection, giving.ched_id, part, given, f"{part} is a part of it", cause)
    return drawn


def _ledger(connection: Connection, reference: str) -> LedgerState:
    state = read_lines(connection, reference)
    if state is None:
        raise LookupError(reference)
    return state


def _move(
    connection: Connection, ched_id: str, other: str, moves: Mapping[int, int], reason: str, cause: Cause
) -> None:
    """Write what is carried more and less, by line; what is released first makes room."""
    movements = tuple(
        Movement(
            kind=EntryKind.CARRIED if quanta > 0 else EntryKind.RELEASED, line=line, quanta=abs(quanta), other=other
        )
        for line, quanta in sorted(moves.items(), key=lambda move: (move[1] > 0, move[0]))
        if quanta
    )
    if not movements:
        return
    change = LedgerChange(
        ched_id=ched_id,
        at=cause.at,
        partner=cause.partner,
        exchange_id=cause.exchange_id,
        actor=cause.actor,
        reason=reason,
        movements=movements,
    )
    apply_change(connection, change)
    cause.moved[ched_id] = None


def freeze_for(connection: Connection, reference: str, troubles: Iterable[str], cause: Cause) -> None:
    """Nothing is reserved where the quantities of relatives do not fit, until an operator has looked."""
    why = "; ".join(troubles)[:_MAX_REASON]
    state = read_lines(connection, reference)
    if why and state is not None:
        freeze_ledger(connection, state.ched_id, why, at=cause.at, actor=cause.actor or cause.partner)


def _said(line: LedgerLineRow, quanta: int) -> str:
    return f"{quantity_of(quanta, line.unit)} {line.unit} of line {line.number}"
