"""A change beside the table that it changes, in a temporary database: what 10^6 rows add, close and contradict.

The database is SQLite's own temporary file (its name is empty): it needs no memory beyond its cache, nobody else sees
it, and it is gone when it is closed. A row is *held* (in the tables now) or *given* (by the change).
"""

from __future__ import annotations

import sqlite3
from itertools import groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from mappings.models import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["EVER", "Given", "Held", "Outcome", "Scratch", "Stands"]

EVER: Final = "9999-12-31"
"""The last day of a row that has none."""
_CACHE_KIB: Final = 32 * 1024
_AT_ONCE: Final = 5_000
_CELLS: Final = "code, canonical, context, direction, loss, first, last, grade, text, name, parent, labels"
_ALL: Final = f"number, line, id, {_CELLS}"


class Held(NamedTuple):
    """A row of the tables; ``last`` counts its closing."""

    id: str
    code: str
    canonical: str
    context: str
    direction: str
    loss: str
    first: str
    last: str
    grade: str
    text: str
    name: str = ""
    parent: str = ""
    labels: str = ""


class Given(NamedTuple):
    """A row of the change, from this line of its file."""

    line: int
    code: str
    canonical: str
    context: str
    direction: str
    loss: str
    first: str
    last: str
    grade: str
    text: str
    name: str = ""
    parent: str = ""
    labels: str = ""


class Stands(NamedTuple):
    """A row in the scratch database."""

    number: int
    line: int
    """0 for a held one."""
    id: str
    """Empty for a given one."""
    code: str
    canonical: str
    context: str
    direction: str
    loss: str
    first: str
    last: str
    grade: str
    text: str
    name: str
    parent: str
    labels: str

    @property
    def answer(self) -> tuple[str, ...]:
        """What it says, apart from when."""
        return (
            self.code,
            self.canonical,
            self.context,
            self.direction,
            self.loss,
            self.grade,
            self.text,
            self.name,
            self.parent,
            self.labels,
        )

    @property
    def until(self) -> str:
        """The last day, to compare."""
        return self.last or EVER

    @property
    def key(self) -> tuple[str, str, str]:
        """What a row is known by: its code, or its canonical code where it leads outwards only, and its context."""
        return key_of(self.code, self.canonical, self.context, self.direction)


def key_of(code: str, canonical: str, context: str, direction: str) -> tuple[str, str, str]:
    """See `Stands.key`."""
    return ("code", code, context) if code and direction != Direction.OUT else ("canonical", canonical, context)


class Outcome(NamedTuple):
    """What becomes of a row."""

    number: int
    last: str
    """Its last day; empty: a given one has none, a held one is withdrawn."""
    first: str = ""
    """Of a given one that is going to be added."""
    labels: str = ""
    """Of a given one."""


class Scratch:
    """The temporary database; close it."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            f"CREATE TABLE row (number INTEGER PRIMARY KEY, given, line, id, side, key, {_CELLS}, live, ended)",
            "BEGIN",  # never ended: nothing of it need be on a disk
        ):
            self._db.execute(statement)
        self.given = 0
        self.held = 0

    def add_given(self, rows: Iterable[Given]) -> None:
        """Take the rows of the change."""
        self.given += self._add((1, row.line, "", *_side(row), *row[1:], 0) for row in rows)

    def add_held(self, rows: Iterable[Held]) -> None:
        """Take the rows of the tables."""
        self.held += self._add((0, 0, row.id, *_side(row), *row[1:], 1) for row in rows)

    def _add(self, rows: Iterator[tuple[object, ...]]) -> int:
        marks = ", ".join("?" * 18)
        count = 0
        while portion := list(islice(rows, _AT_ONCE)):
            self._db.executemany(
                f"INSERT INTO row (given, line, id, side, key, {_CELLS}, live) VALUES ({marks})",  # noqa: S608 - names
                portion,
            )
            count += len(portion)
        return count

    def all_given(self) -> Iterator[Stands]:
        """The rows of the change."""
        return self._pages("given")

    def groups(self) -> Iterator[tuple[list[Stands], list[Stands]]]:
        """Given and held rows with one key, group by group; rows in the order of their first days."""
        self._db.execute("CREATE INDEX row_key ON row (side, key, context)")
        found = self._db.execute(f"SELECT {_ALL} FROM row ORDER BY side, key, context, first, number")  # noqa: S608
        for _, group in groupby(map(Stands._make, found), key=attrgetter("key")):
            given: list[Stands] = []
            held: list[Stands] = []
            for row in group:
                (held if row.id else given).append(row)
            yield given, held

    def decide(self, outcomes: Iterable[Outcome]) -> None:
        """Write down what becomes of rows."""
        self._db.execute("CREATE TABLE outcome (number INTEGER PRIMARY KEY, first, last, labels)")
        pending = iter(outcomes)
        while portion := list(islice(pending, _AT_ONCE)):
            self._db.executemany("INSERT INTO outcome (number, last, first, labels) VALUES (?, ?, ?, ?)", portion)
        self._db.execute(
            "UPDATE row SET live = 1, (first, last, labels) = "
            "(SELECT first, last, labels FROM outcome o WHERE o.number = row.number) "
            "WHERE given AND number IN (SELECT number FROM outcome)"
        )
        self._db.execute(
            "UPDATE row SET ended = (SELECT last FROM outcome o WHERE o.number = row.number) "
            "WHERE NOT given AND number IN (SELECT number FROM outcome)"
        )
        self._db.execute("UPDATE row SET live = 0 WHERE ended = ''")
        self._db.execute("CREATE INDEX row_code ON row (code, context) WHERE live")
        self._db.execute("CREATE INDEX row_canonical ON row (canonical, context) WHERE live")
        self._db.execute("CREATE TABLE touched (code PRIMARY KEY) WITHOUT ROWID")
        changed = "number IN (SELECT number FROM outcome)"
        self._db.execute(f"INSERT OR IGNORE INTO touched SELECT 'o' || code FROM row WHERE {changed}")  # noqa: S608
        self._db.execute(f"INSERT OR IGNORE INTO touched SELECT 'a' || canonical FROM row WHERE {changed}")  # noqa: S608

    def added(self) -> Iterator[Stands]:
        """The rows that are going to be added, in the order of their file."""
        return self._pages("given AND live")

    def ended(self) -> Iterator[tuple[Stands, str]]:
        """The rows that are going to be closed, each with its last day; empty: withdrawn."""
        for row in self._pages("ended IS NOT NULL"):
            (last_day,) = self._db.execute("SELECT ended FROM row WHERE number = ?", (row.number,)).fetchone()
            yield row, last_day

    def counts(self) -> tuple[int, int]:
        """How many rows are going to be added and closed."""
        added, ended = self._db.execute(
            "SELECT coalesce(sum(given AND live), 0), coalesce(sum(ended IS NOT NULL), 0) FROM row"
        ).fetchone()
        return added, ended

    def touches(self, code: str, canonical: str) -> bool:
        """Whether a row that is added or closed speaks of this code or of this canonical one."""
        wanted = (f"o{code}", f"a{canonical}")
        return self._db.execute("SELECT 1 FROM touched WHERE code IN (?, ?) LIMIT 1", wanted).fetchone() is not None

    def rivals(self, side: str, directions: tuple[str, ...]) -> Iterator[list[Stands]]:
        """Rows that answer for one code and context, where a new one is among them.

        Args:
            side: ``code`` or ``canonical``.
            directions: of rows that answer for it.
        """
        marks = ", ".join("?" * len(directions))
        wanted = f"live AND {side} <> '' AND direction IN ({marks})"
        keys = self._db.execute(
            f"SELECT {side}, context FROM row WHERE {wanted} "  # noqa: S608 - names of columns
            f"GROUP BY {side}, context HAVING count(*) > 1 AND max(given)",
            directions,
        )
        for code, context in keys:
            rows = self._db.execute(
                f"SELECT {self._after} FROM row WHERE {wanted} AND {side} = ? AND context = ? ORDER BY number",  # noqa: S608
                (*directions, code, context),
            )
            yield [Stands._make(row) for row in rows]

    def uncertain(self) -> Iterator[tuple[Stands, list[Stands]]]:
        """Rows without loss that may have lost their way back, each with all that share a code with it."""
        found = self._db.execute(
            f"SELECT {self._after} FROM row WHERE live AND loss = 'none' AND direction <> 'none' "  # noqa: S608
            "AND ('o' || code IN touched OR 'a' || canonical IN touched) AND (direction <> 'both' "
            "OR (SELECT count(*) FROM row x WHERE x.live AND x.code = row.code) > 1 "
            "OR (SELECT count(*) FROM row x WHERE x.live AND x.canonical = row.canonical) > 1)"
        )
        for row in map(Stands._make, found):
            about = self._db.execute(
                f"SELECT {self._after} FROM row WHERE live AND ((code = ? AND code <> '') "  # noqa: S608
                "OR (canonical = ? AND canonical <> ''))",
                (row.code, row.canonical),
            )
            yield row, [Stands._make(each) for each in about]

    def without_parent(self) -> Iterator[Stands]:
        """New codes of a list whose parent is no code of it."""
        return self._pages("given AND live AND parent <> '' AND parent NOT IN (SELECT code FROM row WHERE live)")

    _after: Final = _ALL.replace(" last,", " coalesce(ended, last) AS last,")
    """The columns as they are when the change holds."""

    def _pages(self, condition: str) -> Iterator[Stands]:
        """Rows in their order, read in pages: the caller may write to its store between them."""
        number = 0
        while page := self._db.execute(
            f"SELECT {_ALL} FROM row WHERE number > ? AND {condition} ORDER BY number LIMIT {_AT_ONCE}",  # noqa: S608
            (number,),
        ).fetchall():
            yield from map(Stands._make, page)
            number = page[-1][0]

    def close(self) -> None:
        """Throw it away."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _side(row: Given | Held) -> tuple[str, str]:
    return key_of(row.code, row.canonical, row.context, row.direction)[:2]
