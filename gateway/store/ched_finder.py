"""Searching CHEDs: the lists of all terms that are asked for, intersected from the newest on.

A window of each list is read, as many entries as are likely to be needed. The list whose window reaches furthest back
is the rarest just there: its entries are the candidates, and the others are asked about these alone. So a search costs
what its rarest criterion has, not what is stored; and where two frequent criteria never meet, windows grow and each
list is read once, which is a fraction of a microsecond an entry.

Paging is by ``seq`` inside. A page that is asked for by offset begins where the one before it ended, as long as
`Cursors` remembers that; else it is counted to.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from gateway.store.ched_lists import Everything, Fixed, Terms, Window, read_windows
from gateway.store.ched_rows import COLUMNS, from_columns
from gateway.store.ched_terms import FLAGS, asked_ranges, asked_terms
from gateway.store.identifiers import to_text
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from gateway.store.ched_lists import Lists
    from gateway.store.ched_query import ChedQuery
    from gateway.store.ched_records import ChedRow

__all__ = ["Cursors", "find_cheds"]

_FEW: Final = 5_000
"""Entries of a range of dates or of a beginning that are read as a whole; more of them are tested row by row."""

_SMALLEST_WINDOW: Final = 64
"""Where more than one list must meet, or rows are tested: fewer would hardly do."""

_LARGEST_WINDOW: Final = 8_192
_UNLUCKY: Final = 2
"""Windows without enough that passed the tests of rows, after which it is worth asking where the range lies."""

_PERIODS: Final = (
    ("created", "created_at"),
    ("updated", "updated_at"),
    ("status_changed", "status_changed_at"),
    ("declared", "declared_at"),
    ("decided", "decided_at"),
    ("prior_notification", "prior_notification_at"),
)
_POSITION: Final = {"sqlite": "instr", "postgresql": "strpos"}


class Cursors:
    """Where the pages of searches ended: one for each service, shared by its threads.

    Args:
        capacity: searches that are remembered.
        seconds: how long; a page that is asked for later is counted to again.
        clock: monotonic seconds.
    """

    def __init__(
        self, capacity: int = 1_024, seconds: float = 600.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._clock = clock
        self._ends: OrderedDict[tuple[ChedQuery, int], tuple[int, float]] = OrderedDict()
        self._mutex = threading.Lock()

    def before(self, query: ChedQuery) -> int | None:
        """The ``seq`` at which the page before this one ended; None when that is not known."""
        with self._mutex:
            end, noted = self._ends.get((replace(query, offset=0), query.offset), (None, 0.0))
            return end if end is not None and self._clock() - noted < self._seconds else None

    def note(self, query: ChedQuery, found: int, last: int) -> None:
        """This page had ``found`` entries, the last of them with that ``seq``."""
        key = (replace(query, offset=0), query.offset + found)
        with self._mutex:
            self._ends[key] = (last, self._clock())
            self._ends.move_to_end(key)
            if len(self._ends) > self._capacity:
                self._ends.popitem(last=False)


def find_cheds(connection: Connection, query: ChedQuery, cursors: Cursors | None = None) -> tuple[ChedRow, ...]:
    """One page of a search, newest first; fewer than ``page_size`` only at the end."""
    if query.page_size < 1:
        return ()
    before = cursors.before(query) if cursors is not None and query.offset else None
    skip = query.offset if before is None else 0
    found = _Search(connection, query).entries(before, skip + query.page_size)
    page = list(islice(found, skip, skip + query.page_size))
    if cursors is not None and len(page) == query.page_size:
        cursors.note(query, len(page), page[-1])
    return _rows(connection, page)


class _Search:
    """One search: its lists, and the tests that no list answers."""

    def __init__(self, connection: Connection, query: ChedQuery) -> None:
        self._connection = connection
        self._lists: list[Lists] = [Terms(connection, terms) for terms in asked_terms(query)]
        self._tests: list[str] = []
        self._values: dict[str, Any] = {}
        self._ranges: list[str] = []
        for name in FLAGS:
            if getattr(query, name) is False and name != "signed":
                self._tests.append(f"NOT {name}")
        self._periods(query)
        self._beginnings(query)
        if not self._lists:
            self._lists.append(Everything(connection))

    def entries(self, before: int | None, wanted: int) -> Iterator[int]:
        """The ``seq`` of what fits, newest first, below ``before``."""
        alone = len(self._lists) == 1 and not self._tests
        size = min(wanted if alone else max(wanted, _SMALLEST_WINDOW), _LARGEST_WINDOW)
        floor, passed, windows = 0, 0, 0
        while True:
            rarest, candidates = self._meet(before, size)
            fit = self._test(candidates)
            passed, windows = passed + len(fit), windows + 1
            yield from (seq for seq in fit if seq >= floor)
            if rarest.low <= floor:
                return
            before, size = rarest.low, min(size * 2, _LARGEST_WINDOW)
            if windows == _UNLUCKY and passed < wanted and self._ranges:
                floor, highest = self._bounds()
                before = min(before, highest + 1)

    def _meet(self, before: int | None, size: int) -> tuple[Window, list[int]]:
        """The window that reaches furthest back, and what of it is in every list."""
        windows = read_windows(self._connection, self._lists, before, size)
        order = sorted(range(len(windows)), key=lambda number: windows[number].low)
        rarest = windows[order[0]]
        candidates = rarest.entries
        for number in order[1:]:
            if not candidates:
                break
            window, known = windows[number], set(windows[number].entries)
            unread = [seq for seq in candidates if seq < window.low]
            if unread:
                known |= self._lists[number].among(unread)
            candidates = [seq for seq in candidates if seq in known]
        return rarest, candidates

    def _test(self, candidates: list[int]) -> list[int]:
        if not self._tests or not candidates:
            return candidates
        numbers = ",".join(map(str, candidates))
        statement = Statement(
            f"SELECT seq FROM cheds WHERE seq IN ({numbers}) AND {' AND '.join(self._tests)} "  # noqa: S608 - numbers, and texts of this module
            "ORDER BY seq DESC"
        )
        return [row[0] for row in statement(self._connection, **self._values).fetchall()]

    def _periods(self, query: ChedQuery) -> None:
        for name, column in _PERIODS:
            period = getattr(query, name)
            if period is None:
                continue
            inside = f"{column} BETWEEN :{name}_since AND :{name}_until"
            bounds = {f"{name}_since": to_text(period.since), f"{name}_until": to_text(period.until)}
            if not self._read(f"SELECT seq FROM cheds WHERE {inside}", bounds):  # noqa: S608 - texts of this module
                self._tests.append(inside)
                self._ranges.append(inside)
                self._values |= bounds

    def _beginnings(self, query: ChedQuery) -> None:
        for group, ranges in enumerate(asked_ranges(query)):
            bounds: dict[str, Any] = {}
            for number, (first, last) in enumerate(ranges):
                bounds |= {f"first_{group}_{number}": first, f"last_{group}_{number}": last}
            inside = " OR ".join(
                f"term BETWEEN :first_{group}_{number} AND :last_{group}_{number}" for number in range(len(ranges))
            )
            if self._read(f"SELECT seq FROM ched_terms WHERE {inside}", bounds):  # noqa: S608 - texts of this module
                continue
            position = _POSITION[self._connection.dialect.name]
            names = [f"fragment_{group}_{number}" for number in range(len(ranges))]
            self._tests.append(f"({' OR '.join(f'{position}(terms, :{name}) > 0' for name in names)})")
            self._values |= dict(zip(names, map(_fragment, ranges), strict=True))

    def _read(self, select: str, values: dict[str, Any]) -> bool:
        """Take what this selects as a list, if it is not too much for one."""
        rows = Statement(f"{select} LIMIT {_FEW + 1}")(self._connection, **values).fetchall()
        if len(rows) > _FEW:
            return False
        self._lists.append(Fixed(row[0] for row in rows))
        return True

    def _bounds(self) -> tuple[int, int]:
        """The lowest and the highest ``seq`` of what is in all ranges of dates that are tested row by row."""
        lowest, highest = 0, 1 << 62
        for inside in self._ranges:
            # Of an expression: for that of a plain column PostgreSQL would read all CHEDs from the newest on.
            statement = Statement(f"SELECT min(seq + 0), max(seq + 0) FROM cheds WHERE {inside}")  # noqa: S608 - texts of this module
            low, high = statement(self._connection, **self._values).fetchone()
            if low is None:
                return 1, 0
            lowest, highest = max(lowest, low), min(highest, high)
        return lowest, highest


def _fragment(bounds: tuple[str, str]) -> str:
    """What the stored terms of a CHED, JSON, hold where it has a term from ``first`` to ``last``."""
    first, last = bounds
    return json.dumps(first) if first == last else json.dumps(first)[:-1]


def _rows(connection: Connection, page: list[int]) -> tuple[ChedRow, ...]:
    if not page:
        return ()
    numbers = ",".join(map(str, page))
    statement = Statement(f"SELECT {COLUMNS} FROM cheds c WHERE c.seq IN ({numbers}) ORDER BY c.seq DESC")  # noqa: S608 - numbers, and names from the table definition
    return tuple(from_columns(row) for row in statement(connection).fetchall())
