"""What the rows of a table keep on the way there and back, row by row, in words.

Every answer is asked of the compiled index, so that what is proven is what messages get. Rows come as an iterator and
proofs go as one: a table of a million rows needs no more memory than a small one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mappings.bijection import INWARDS, OUTWARDS
from mappings.contexts import is_below
from mappings.models import CANONICAL, Direction, Grade, Loss

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from mappings.index import Index
    from mappings.lookups import Entry, Lookup
    from mappings.models import Code, Row

__all__ = ["RowProof", "Verdict", "prove_rows"]


class Verdict(StrEnum):
    """What becomes of a row, or of a code on its way to another system and back."""

    BIJECTIVE = "bijective"
    """There and back gives the same, wherever it answers."""
    NARROWS = "narrows"
    """The target says less than the source; declared."""
    WIDENS = "widens"
    """The target is broader or spelt otherwise, the way back may choose another code; declared."""
    ONE_WAY = "one-way"
    """It leads somewhere from which nothing leads back; declared as a loss."""
    REFUSED = "refused"
    """Known to have no equivalent: refused with the evidence."""
    UNREACHABLE = "unreachable"
    """A row that is never chosen: closed, not yet valid, unconfirmed, or another row goes before it."""
    UNMAPPED = "unmapped"
    """A code without an answer."""
    CONTRADICTORY = "contradictory"
    """A row that says what the tables do not keep: another answers for the same key, or nothing leads back."""


@dataclass(frozen=True, slots=True)
class RowProof:
    """One row, or one code of a pair of systems, and what was found."""

    row: str
    """Id of the row; of a pair the rows on the way, separated by spaces."""
    source: str
    """The code on the side that was asked; of a row the system's own code."""
    target: str
    """What it becomes; of a row the canonical code. Empty: left out."""
    context: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class _Table:
    """What the rows of one table are proven against."""

    into: Lookup
    out: Lookup
    contexts: tuple[str, ...]
    labels: Mapping[str, Code]


def prove_rows(
    rows: Iterable[Row],
    index: Index,
    system: str,
    name: str,
    *,
    partner: str = "",
    contexts: Collection[str] = (),
    overlaid: bool = False,
) -> Iterator[RowProof]:
    """Prove the rows of one table against the answers of its day.

    Args:
        rows: of the table, closed and unconfirmed ones included.
        index: of the day.
        system: whose codes they are.
        name: the list.
        partner: whose answers are asked; with ``overlaid`` the rows are the general ones below this partner's.
        contexts: every context that rows of the table name.
        overlaid: another row for the same key hides a row and does not contradict it.

    Raises:
        TranslationRefused: IMG-6005, IMG-6009.
    """
    table = _Table(
        index.lookup(system, CANONICAL, name, partner),
        index.lookup(CANONICAL, system, name, partner),
        tuple(sorted(contexts)),
        index.labels.get(name, {}),
    )
    for row in rows:
        verdict, reason = _judge(row, table, overlaid=overlaid)
        yield RowProof(row.id, row.code, row.canonical, row.context, verdict, reason)


def _judge(row: Row, table: _Table, *, overlaid: bool) -> tuple[Verdict, str]:
    day = table.into.day
    if not row.valid_on(day):
        ended = row.valid_to is not None and day > row.valid_to
        return Verdict.UNREACHABLE, f"closed after {row.valid_to}" if ended else f"not valid before {row.valid_from}"
    if row.direction is Direction.NONE:
        return Verdict.REFUSED, f"has no equivalent: {row.evidence}"
    ways = [way for way in _ways(row, table) if way.known]
    rivals = [way for way in ways if not way.is_chosen(row.context)]
    if rivals and len(rivals) == len(ways) and row.grade is Grade.UNVERIFIED and not _answer(rivals):
        return Verdict.UNREACHABLE, "graded unverified and not confirmed"
    if rivals:
        other = _answer(rivals)
        instead = f"{other} goes before it" if other else "another row took its place"
        if overlaid or row.grade is Grade.UNVERIFIED:
            return Verdict.UNREACHABLE, instead
        return Verdict.CONTRADICTORY, f"{other or 'no row'} answers for the same code, context and day"
    return _way_back(row, table, ways)


def _way_back(row: Row, table: _Table, ways: Sequence[_Way]) -> tuple[Verdict, str]:
    places = [row.context, *(each for each in table.contexts if is_below(each, row.context))]
    returns = [way.back(context) for way in ways for context in places if way.is_chosen(context)]
    lost = next((each for each in returns if each.lost), None)
    remark = _not_in_list(row, table)
    if row.loss is Loss.NONE:
        if lost is not None:
            return Verdict.CONTRADICTORY, f"claims no loss, but {lost.words}"
        return Verdict.BIJECTIVE, f"there and back gives the same{remark}"
    declared = Verdict.NARROWS if row.loss is Loss.NARROWS else Verdict.WIDENS
    if lost is None:
        return declared, f"comes back the same, and is declared to lose{remark}"
    if lost.nothing and all(each.nothing for each in returns):
        return Verdict.ONE_WAY, f"{lost.words}{remark}"
    return declared, f"{lost.words}{remark}"


def _not_in_list(row: Row, table: _Table) -> str:
    """A remark on a canonical code that its list does not have, or not on the day."""
    if not row.canonical:
        return ""
    code = table.labels.get(row.canonical)
    day = table.into.day
    if code is None:
        return f"; {row.canonical!r} is not in its list"
    if (code.valid_from and day < code.valid_from) or (code.valid_to and day > code.valid_to):
        return f"; {row.canonical!r} is not valid in its list on this day"
    return ""


@dataclass(frozen=True, slots=True)
class _Return:
    words: str = ""
    lost: bool = False
    nothing: bool = False
    """Nothing leads back at all."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction of a row: the code that is asked, what the row answers, and both lookups."""

    row: Row
    known: str
    becomes: str
    there: Lookup
    way_back: Lookup

    def entry(self, context: str) -> Entry | None:
        return self.there.get(self.known, context)

    def is_chosen(self, context: str) -> bool:
        entry = self.entry(context)
        return entry is not None and entry.row_id == self.row.id and (entry.target or "") == self.becomes

    def back(self, context: str) -> _Return:
        if not self.becomes:
            return _Return(f"{self.known!r} is left out", lost=True)
        entry = self.way_back.get(self.becomes, context)
        if entry is None:
            return _Return(f"nothing leads back from {self.becomes!r}{_in(context)}", lost=True, nothing=True)
        if entry.target != self.known:
            returned = f"{entry.target!r}" if entry.target else "nothing"
            return _Return(f"{self.known!r} comes back as {returned}{_in(context)} ({entry.row_id})", lost=True)
        return _Return()


def _ways(row: Row, table: _Table) -> tuple[_Way, ...]:
    inwards = _Way(row, row.code, row.canonical, table.into, table.out)
    outwards = _Way(row, row.canonical, row.code, table.out, table.into)
    return (
        *((inwards,) if row.direction in INWARDS else ()),
        *((outwards,) if row.direction in OUTWARDS else ()),
    )


def _answer(ways: Iterable[_Way]) -> str:
    """The id of a row that answers in the place of another; empty where nothing does."""
    return next((entry.row_id for way in ways if (entry := way.entry(way.row.context)) is not None), "")


def _in(context: str) -> str:
    return f" in the context {context}" if context else ""
