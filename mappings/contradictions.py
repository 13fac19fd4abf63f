"""What tables may not say together: each contradiction with the rows that make it.

`mappings.checks.check` refuses tables at the first one; ``imsoc mappings check`` lists them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from mappings.bijection import INWARDS, OUTWARDS, overlap, stands_for_several, without_return
from mappings.contexts import FORM
from mappings.models import Direction, Grade, Loss, Otherwise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from mappings.loading import Tables
    from mappings.models import Code, CodeList, CodeMap, Row

__all__ = ["Contradiction", "contradictions", "identities", "rows_left"]

_CHED_TYPES = frozenset({"A", "P", "PP", "D"})
_CHED = "636"
_DOCUMENT_TYPES = "document-type"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something that tables may not say, as IMG-0131 tells it."""

    where: str
    """The table, and the row where it is one row's own fault."""
    found: str
    expected: str
    rows: tuple[Row, ...] = ()
    """Those that make it: a program may mark them."""


def contradictions(tables: Tables) -> Iterator[Contradiction]:
    """Everything in the tables that contradicts itself, table by table."""
    for each in (*tables.lists.values(), *tables.own_lists.values()):
        if isinstance(each.codes, dict):  # one that is kept in the store is judged as it is loaded, not at every start
            yield from _of_list(each)
    general = {(code_map.system, code_map.list): code_map for code_map in tables.maps if not code_map.partner}
    for code_map in tables.maps:
        code_list = tables.lists.get(code_map.list)
        if code_list is None:
            yield Contradiction(code_map.name, code_map.list, "a list-*.csv")
            continue
        own = tables.own_lists.get((code_map.system, code_map.list))
        for row in code_map.rows:
            yield from _of_row(code_map, code_list, own, row)
            yield from _of_context(code_map, tables.lists.get(_DOCUMENT_TYPES), row)
        yield from _two_answers(code_map)
        below = general.get((code_map.system, code_map.list)) if code_map.partner else None
        left = rows_left(below.rows, code_map.rows) if below is not None else ()
        yield from _no_return(code_map, (*left, *code_map.rows))
        yield from _several(code_map, (*left, *code_map.rows))


def identities(code_map: CodeMap, code_list: CodeList) -> frozenset[str]:
    """The canonical codes that carry over unchanged: those that no row names on either side."""
    if code_map.otherwise is Otherwise.REFUSE:
        return frozenset()
    named = {row.code for row in code_map.rows if row.direction is not Direction.OUT}
    named |= {row.canonical for row in code_map.rows if row.direction is not Direction.IN}
    return frozenset(code_list.codes) - named


def rows_left(general: Iterable[Row], own: Iterable[Row]) -> tuple[Row, ...]:
    """The general rows that a partner's own rows leave in force.

    A general row gives way where the partner has a row in the same context that answers for its code inwards, or for
    its canonical code outwards: kept in part, it would lead to a code from which the partner's row leads elsewhere. A
    row inwards is a further way to write something, and stays whatever the partner's other ways are.
    """
    own = tuple(own)
    codes = {(row.code, row.context) for row in own if row.code and row.direction is not Direction.OUT}
    canonicals = {(row.canonical, row.context) for row in own if row.canonical and row.direction is not Direction.IN}
    return tuple(
        row
        for row in general
        if (row.code, row.context) not in codes
        and (row.direction is Direction.IN or (row.canonical, row.context) not in canonicals)
    )


def _of_list(code_list: CodeList) -> Iterator[Contradiction]:
    sound: set[str] = set()
    """Codes from which the way up is known to end."""
    for code in code_list.every():
        where = f"{code_list.name}: {code.code}"
        yield from _of_days(where, code.valid_from, code.valid_to)
        if not code.parent:
            continue
        if code.parent not in code_list.codes:
            yield Contradiction(where, f"parent {code.parent}", f"a code of {code_list.name}")
        elif (way := _way_up(code_list, code.code, sound)) is not None:
            yield Contradiction(where, " > ".join(way), "a hierarchy without a circle")
    for name, periods in code_list.periods.items():
        yield from _of_periods(code_list, name, periods)


def _of_periods(code_list: CodeList, name: str, periods: Sequence[Code]) -> Iterator[Contradiction]:
    """A code has one period on each day, and on the first of each no circle above it."""
    where = f"{code_list.name}: {name}"
    for first, second in pairwise(periods):
        if second.valid_from is None or first.valid_to is None or first.valid_to >= second.valid_from:
            days = ", ".join(f"{each.valid_from or '…'} to {each.valid_to or '…'}" for each in (first, second))
            yield Contradiction(where, days, "each code once for each day")
    for each in periods:
        day = each.valid_from
        if day is not None and each.parent and (way := _way_up(code_list, name, set(), day)) is not None:
            yield Contradiction(where, f"{' > '.join(way)} on {day}", "a hierarchy without a circle")


def _way_up(code_list: CodeList, code: str, sound: set[str], day: date | None = None) -> tuple[str, ...] | None:
    """The circle that begins and ends at this code, if there is one on a day; without one, in the newest periods."""
    way = [code]
    passed = {code}
    while code not in sound:
        above = code_list.codes.get(code) if day is None else code_list.find(code, day)
        parent = above.parent if above is not None else ""
        if not parent:
            break
        way.append(parent)
        if parent in passed:
            return tuple(way) if parent == way[0] else None
        passed.add(parent)
        code = parent
    sound.update(way)
    return None


def _of_row(code_map: CodeMap, code_list: CodeList, own: CodeList | None, row: Row) -> Iterator[Contradiction]:
    where = f"{code_map.name}: {row.id}"
    if row.canonical and not _has(code_list, row.canonical, row):
        yield Contradiction(where, row.canonical, f"a code of {code_list.name}", (row,))
    if row.code and own is not None and not _has(own, row.code, row):
        yield Contradiction(where, row.code, f"a code of {own.name}", (row,))
    if _withheld(code_list, row):
        yield Contradiction(
            where, f"grade {row.grade}", f"unverified, as {row.canonical} is in {code_list.name}", (row,)
        )
    leaves_out = (row.direction is Direction.IN and not row.canonical) or (
        row.direction is Direction.OUT and not row.code
    )
    if leaves_out and row.loss is not Loss.NARROWS:
        yield Contradiction(where, f"loss {row.loss}", "loss narrows: it leaves out", (row,))
    if row.direction is Direction.BOTH and not (row.code and row.canonical):
        yield Contradiction(where, _pair(row), "a code on both sides", (row,))
    if not (row.code or row.canonical):
        yield Contradiction(where, "no code at all", "a code", (row,))
    yield from _of_days(where, row.valid_from, row.valid_to, row)


def _has(code_list: CodeList, code: str, row: Row) -> bool:
    """Whether a list has a code.

    A list in the store is not asked again about rows that are published: thousands of questions at every start.
    """
    return (_is_stored(row) and not isinstance(code_list.codes, dict)) or code in code_list.codes


def _withheld(code_list: CodeList, row: Row) -> bool:
    """Whether a row would let a code through that its own list withholds until somebody confirms it.

    A change has an author and a reason: there the row itself is the confirmation, and what it says of a code is for the
    days that it names.
    """
    if row.direction is Direction.NONE or row.grade is Grade.UNVERIFIED or not isinstance(code_list.codes, dict):
        return False
    code = code_list.codes.get(row.canonical)
    if code is None or code.grade is not Grade.UNVERIFIED or code.mark.startswith("#"):
        return False
    return "#" not in row.id


def _is_stored(row: Row) -> bool:
    return row.id.rpartition("#")[2].isdigit()


def _of_days(where: str, first: date | None, last: date | None, *rows: Row) -> Iterator[Contradiction]:
    if first and last and last < first:
        yield Contradiction(where, f"{first} to {last}", "a last day that is not before the first", rows)


def _of_context(code_map: CodeMap, types: CodeList | None, row: Row) -> Iterator[Contradiction]:
    """A context is empty, a document type, a CHED type below 636, or a word of its own that is no number."""
    if not row.context:
        return
    where = f"{code_map.name}: {row.id}"
    first, _, rest = row.context.partition("/")
    if not FORM.fullmatch(row.context):
        yield Contradiction(where, row.context, "a context: words between slashes, such as 851 or 636/P", (row,))
    elif first.isdigit() and types is not None and first not in types.codes:
        yield Contradiction(where, row.context, f"a document type of {types.name}", (row,))
    elif first == _CHED and rest and rest.partition("/")[0] not in _CHED_TYPES:
        yield Contradiction(where, row.context, "636/A, 636/P, 636/PP or 636/D", (row,))


def _two_answers(code_map: CodeMap) -> Iterator[Contradiction]:
    """In each direction a code has one answer per context and day."""
    for directions, side in ((INWARDS, "code"), (OUTWARDS, "canonical")):
        by_key: dict[tuple[str, str], list[Row]] = {}
        for row in code_map.rows:
            if row.direction in (*directions, Direction.NONE) and getattr(row, side):
                by_key.setdefault((getattr(row, side), row.context), []).append(row)
        for rows in by_key.values():
            for first, second in combinations(rows, 2):
                if overlap(first, second):
                    yield Contradiction(
                        code_map.name,
                        f"{first.id} ({_pair(first)}), {second.id} ({_pair(second)})",
                        f"one row per {side}, context and day; name a direction where several codes meet",
                        (first, second),
                    )


def _no_return(code_map: CodeMap, rows: Sequence[Row]) -> Iterator[Contradiction]:
    """A row that claims no loss leads there and back on each day and in each context in which it answers."""
    for row, context, day, instead in without_return(rows):
        place = f" in the context {context}" if context != row.context else ""
        since = f" on {day}" if day is not None else ""
        back = f"{instead.id} ({_pair(instead)}) answers" if instead is not None else "no row leads back"
        yield Contradiction(
            f"{code_map.name}: {row.id}",
            f"{_pair(row)}{place}{since}: {back}",
            "a loss (narrows or widens), or a row that leads back",
            (row,) if instead is None else (row, instead),
        )


def _several(code_map: CodeMap, rows: Sequence[Row]) -> Iterator[Contradiction]:
    """A row that claims no loss reads a code that stands for nothing else."""
    for row, other in stands_for_several(rows):
        yield Contradiction(
            f"{code_map.name}: {row.id}",
            f"{_pair(row)}: {other.id} writes {row.code} for {other.canonical} as well",
            "a loss (narrows or widens) of the row that reads a code of several meanings",
            (row, other),
        )


def _pair(row: Row) -> str:
    return f"{row.code}={row.canonical}"
