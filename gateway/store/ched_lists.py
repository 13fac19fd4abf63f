"""Lists of CHEDs, newest first: what a search intersects."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

__all__ = ["Everything", "Fixed", "Lists", "Terms", "Window", "read_windows"]

_AT_ONCE: Final = 100
"""Lists in one statement; SQLite takes 500."""

_NEWEST: Final = 1 << 62

_IN_ONE: Final = {"sqlite": "group_concat(seq)", "postgresql": "array_agg(seq)"}

_ONE_BY_ONE: Final = (
    "WITH candidates (seq) AS (VALUES ({numbers})) SELECT t.seq FROM candidates "
    "CROSS JOIN ched_terms t ON t.term IN ({names}) AND t.seq = candidates.seq"
)
_AMONG: Final = {
    "sqlite": _ONE_BY_ONE,
    "postgresql": "SELECT seq FROM ched_terms WHERE term IN ({names}) AND seq IN ({numbers})",
}
"""Which of the candidates are in a list. SQLite is told to look up one after the other: by its statistics a term has
few entries, as most terms are references, and it would rather read a whole list: half of what is stored, maybe."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a list: everything in it from ``low`` on, below where it was to begin."""

    entries: list[int]
    """Descending."""
    low: int
    """0 when the list ends here."""


class Lists(Protocol):
    """One or several lists, of which a CHED must be in one."""

    terms: tuple[str, ...]
    """Those that `read_windows` reads for it; empty when it knows its window itself."""

    def window(self, before: int, size: int) -> Window:
        """The entries below ``before``, about ``size`` of them."""

    def among(self, candidates: Sequence[int]) -> set[int]:
        """Which of these are in it."""


class Terms:
    """The CHEDs that have one of these terms."""

    def __init__(self, connection: Connection, terms: tuple[str, ...]) -> None:
        self.terms = terms
        self._connection = connection

    def window(self, before: int, size: int) -> Window:
        """See `Lists`."""
        return read_windows(self._connection, [self], before, size)[0]

    def among(self, candidates: Sequence[int]) -> set[int]:
        """See `Lists`."""
        asking = _AMONG[self._connection.dialect.name]
        separator = "),(" if asking is _ONE_BY_ONE else ","
        numbers = separator.join(map(str, candidates))
        found: set[int] = set()
        for start in range(0, len(self.terms), _AT_ONCE):
            part = self.terms[start : start + _AT_ONCE]
            names = ",".join(f":term_{number}" for number in range(len(part)))
            values = {f"term_{number}": term for number, term in enumerate(part)}
            statement = Statement(asking.format(numbers=numbers, names=names))
            found.update(row[0] for row in statement(self._connection, **values).fetchall())
        return found


class Fixed:
    """Entries that were read before."""

    terms: tuple[str, ...] = ()

    def __init__(self, entries: Iterable[int]) -> None:
        self._known = set(entries)
        self._ascending = sorted(self._known)

    def window(self, before: int, size: int) -> Window:
        """See `Lists`."""
        end = bisect_left(self._ascending, before)
        start = max(0, end - size)
        entries = self._ascending[start:end][::-1]
        return Window(entries, entries[-1] if start else 0)

    def among(self, candidates: Sequence[int]) -> set[int]:
        """See `Lists`."""
        return self._known.intersection(candidates)


class Everything:
    """All CHEDs there are."""

    terms: tuple[str, ...] = ()
    _page = Statement("SELECT seq FROM cheds WHERE seq < :before ORDER BY seq DESC LIMIT :size")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def window(self, before: int, size: int) -> Window:
        """See `Lists`."""
        entries = [row[0] for row in self._page(self._connection, before=before, size=size).fetchall()]
        return Window(entries, entries[-1] if len(entries) == size else 0)

    def among(self, candidates: Sequence[int]) -> set[int]:
        """See `Lists`."""
        return set(candidates)


def read_windows(connection: Connection, lists: Sequence[Lists], before: int | None, size: int) -> list[Window]:
    """The next window of each, those of terms in one question."""
    limit = _NEWEST if before is None else before
    wanted = [term for each in lists for term in each.terms]
    read = iter(_read(connection, wanted, limit, size))
    windows = []
    for each in lists:
        if not each.terms:
            windows.append(each.window(limit, size))
            continue
        several = [next(read) for _ in each.terms]
        windows.append(several[0] if len(several) == 1 else _together(several))
    return windows


def _together(windows: list[Window]) -> Window:
    """What is in any of them: known as far as the one that reaches least far back."""
    low = max(window.low for window in windows)
    entries = {seq for window in windows for seq in window.entries if seq >= low}
    return Window(sorted(entries, reverse=True), low)


def _read(connection: Connection, terms: list[str], before: int, size: int) -> list[Window]:
    windows: list[Window] = []
    for start in range(0, len(terms), _AT_ONCE):
        part = terms[start : start + _AT_ONCE]
        values: dict[str, Any] = {f"term_{number}": term for number, term in enumerate(part)}
        reading = _reading(len(part), connection.dialect.name)
        for _, found in sorted(reading(connection, before=before, size=size, **values).fetchall()):
            # From text: a row for each entry would cost twice as much.
            entries = [*map(int, found.split(","))] if isinstance(found, str) else found or []
            entries.sort(reverse=True)
            windows.append(Window(entries, entries[-1] if len(entries) == size else 0))
    return windows


@cache
def _reading(count: int, dialect: str) -> Statement:
    """The newest entries of so many lists, a row for each; every list is read backwards from ``before``."""
    return Statement(
        " UNION ALL ".join(
            f"SELECT {number} AS number, {_IN_ONE[dialect]} FROM (SELECT seq FROM ched_terms "  # noqa: S608 - numbers
            f"WHERE term = :term_{number} AND seq < :before ORDER BY seq DESC LIMIT :size) AS list_{number}"
            for number in range(count)
        )
    )
