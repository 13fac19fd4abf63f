"""Whether rows that claim no loss lead there and back: on each day, in each context in which they answer.

The same choice as in `mappings.index`: of the rows about a code that hold on a day, the one with the longest context
that the place is in.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from mappings.contexts import chain, is_below
from mappings.models import Direction, Grade, Loss

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mappings.models import Row

__all__ = ["INWARDS", "OUTWARDS", "overlap", "stands_for_several", "without_return"]

INWARDS = (Direction.BOTH, Direction.IN)
OUTWARDS = (Direction.BOTH, Direction.OUT)


def overlap(first: Row, second: Row) -> bool:
    """Whether there is a day on which both hold."""
    starts = max(first.valid_from or date.min, second.valid_from or date.min)
    ends = min(first.valid_to or date.max, second.valid_to or date.max)
    return starts <= ends


def without_return(rows: Sequence[Row]) -> Iterator[tuple[Row, str, date | None, Row | None]]:
    """Rows with loss ``none`` that do not lead back, each once.

    Yields:
        The row, the context and the day on which it fails (None: its first), and the row that answers on the way back
        instead (None: nothing does).
    """
    inwards = _by(rows, "code", INWARDS)
    outwards = _by(rows, "canonical", OUTWARDS)
    for row in rows:
        if row.loss is not Loss.NONE or row.direction is Direction.NONE:
            continue
        about = [*inwards.get(row.code, ()), *outwards.get(row.canonical, ())]
        if row.direction is Direction.BOTH and all(other is row for other in about):
            continue
        failure = _failure(row, inwards.get(row.code, ()), outwards.get(row.canonical, ()))
        if failure is not None:
            yield (row, *failure)


def stands_for_several(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Rows inwards with loss ``none`` whose code another row writes for another canonical code; each once.

    There and back such a row gives the same, and yet what reads the code picks one of several meanings. The other way
    about nothing is lost: rows inwards are further ways to write one thing, and the row outwards names the one in use.

    Yields:
        The row, and one that writes its code for something else on one of its days, in a context that both are in.
    """
    rows = tuple(rows)
    written = _by((row for row in rows if row.direction is Direction.OUT), "code", OUTWARDS)
    for row in rows:
        if row.loss is not Loss.NONE or row.direction not in INWARDS:
            continue
        for other in written.get(row.code, ()):
            meet = row.context in chain(other.context) or is_below(row.context, other.context)
            if other.canonical != row.canonical and meet and overlap(row, other):
                yield row, other
                break


def _by(rows: Iterable[Row], side: str, directions: tuple[Direction, ...]) -> dict[str, list[Row]]:
    """The rows about each code: those that answer, and those that say that there is no answer."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.direction in (*directions, Direction.NONE) and getattr(row, side):
            found.setdefault(getattr(row, side), []).append(row)
    return found


def _failure(row: Row, there: Sequence[Row], back: Sequence[Row]) -> tuple[str, date | None, Row | None] | None:
    about = (*there, *back)
    contexts = [row.context, *sorted({other.context for other in about if is_below(other.context, row.context)})]
    modes = [False, True] if any(other.grade is Grade.UNVERIFIED for other in about) else [True]
    for unconfirmed in modes:
        if not unconfirmed and row.grade is Grade.UNVERIFIED:
            continue
        for day in _days(row, about):
            for context in contexts:
                into = _chosen(there, context, day, unconfirmed=unconfirmed)
                out = _chosen(back, context, day, unconfirmed=unconfirmed)
                if into is row and (out is None or out.code != row.code):
                    return context, _told(row, day), out
                if out is row and (into is None or into.canonical != row.canonical):
                    return context, _told(row, day), into
    return None


def _days(row: Row, about: Iterable[Row]) -> list[date]:
    """The first day of the row, and each later one of its days on which another row begins or has ended."""
    first, last = row.valid_from or date.min, row.valid_to or date.max
    days = {first}
    for other in about:
        if other.valid_from:
            days.add(other.valid_from)
        if other.valid_to and other.valid_to < date.max:
            days.add(other.valid_to + timedelta(days=1))
    return sorted(day for day in days if first <= day <= last)


def _told(row: Row, day: date) -> date | None:
    return None if day == (row.valid_from or date.min) else day


def _chosen(rows: Iterable[Row], context: str, day: date, *, unconfirmed: bool) -> Row | None:
    """The row that answers; None where nothing does, or where it is said that there is no answer."""
    places = chain(context)
    best: Row | None = None
    for row in rows:
        if row.context not in places or not row.valid_on(day):
            continue
        if row.grade is Grade.UNVERIFIED and not unconfirmed:
            continue
        if best is None or len(row.context) > len(best.context):
            best = row
    return None if best is None or best.direction is Direction.NONE else best
