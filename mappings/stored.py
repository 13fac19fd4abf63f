"""Tables that are too large for memory (TARIC, EPPO, ...): asked code by code at one edition, each answer remembered.

Rows are only ever added, and each belongs to an edition: whoever asks at edition 17 gets the same answer for ever,
whatever was published since.
"""

from __future__ import annotations

from collections import defaultdict
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from gateway.store import closings_of, rows_about, rows_of
from mappings.contexts import chain
from mappings.layers import usable_row, withheld_code
from mappings.lookups import Entry
from mappings.merging import closed, code_id, code_of, codes_until, row_of
from mappings.models import Code, CodeList, CodeMap, Direction, Grade, Loss, Otherwise, Row
from mappings.periods import AskedCodes, holds, in_order, period_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from gateway.store import Store, TableKey

__all__ = ["StoredCodes", "StoredTable"]

MAX_REMEMBERED: Final = 100_000
"""Codes of one list."""


class StoredCodes(AskedCodes):
    """The codes of a list that is kept in the store. Safe to share between threads.

    Args:
        store: where they are.
        table: the list.
        edition: what was published later is not seen.
        base: the installed list, to which those of the store are added.
        size: how many rows the store has, for ``len``.
        added: periods that are not published yet, to try them.
        ended: closings that are not published yet.
    """

    def __init__(
        self,
        store: Store,
        table: TableKey,
        edition: int,
        base: CodeList,
        size: int,
        *,
        added: Sequence[Code] = (),
        ended: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._table = table
        self._edition = edition
        self._base = base
        self._size = size
        self._added: dict[str, list[Code]] = defaultdict(list)
        for each in added:
            self._added[each.code].append(each)
        self._ended = ended or {}
        self._day: date | None = None
        self._known: dict[str, tuple[Code, ...]] = {}

    @property
    def installed(self) -> CodeList:
        """The installed list, as it was."""
        return self._base

    def on(self, day: date) -> Self:
        """The same, each code in the period that the day is in; what is remembered is shared."""
        dated = copy(self)
        dated._day = day  # noqa: SLF001 - of its own class
        return dated

    def about(self, code: str) -> tuple[Code, ...]:
        """Every period of a code, in the order of their first days."""
        found = self._known.get(code)
        if found is None:
            with self._store.read() as connection:
                found = self._ask(connection, code)
            if len(self._known) > MAX_REMEMBERED:
                self._known.clear()
            if found:
                self._known[code] = found
        return found

    def __getitem__(self, code: str) -> Code:
        periods = self.about(code)
        if not periods:
            raise KeyError(code)
        return periods[-1] if self._day is None or len(periods) == 1 else period_on(periods, self._day)

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and bool(self.about(code))

    def __iter__(self) -> Iterator[str]:
        seen: set[str] = set()
        with self._store.read() as connection:
            for row in rows_of(connection, self._table, self._edition):
                if row.code not in seen:
                    seen.add(row.code)
                    if self._ask(connection, row.code):
                        yield row.code
        yield from (code for code in {**self._base.codes, **self._added} if code not in seen)

    def __len__(self) -> int:
        return self._size

    def _ask(self, connection: Connection, code: str) -> tuple[Code, ...]:
        rows = rows_about(connection, self._table, self._edition, code=code)
        every = [*self._base.about(code), *(code_of(row, row.seq) for row in rows)]
        ids = [code_id(self._table.system, self._table.list, each) for each in every]
        ends = {**closings_of(connection, self._table, ids, self._edition), **self._ended} if ids else {}
        kept = [*codes_until(every, self._table, ends), *self._added.get(code, ())]
        return in_order(kept)


class StoredTable:
    """The rows of one map that is kept in the store. Safe to share between threads.

    Args:
        store: where they are.
        table: the map.
        edition: what was published later is not seen.
        code_map: its header, and the rows of the installed table as they were.
        codes: the canonical list.
        added: rows that are not published yet, to try them.
        ended: closings that are not published yet.
    """

    def __init__(
        self,
        store: Store,
        table: TableKey,
        edition: int,
        code_map: CodeMap,
        codes: CodeList | None,
        *,
        added: Sequence[Row] = (),
        ended: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._table = table
        self._edition = edition
        self.code_map = code_map
        self._codes = codes
        self._here = (*code_map.rows, *added)
        self._ended = dict(ended or {})

    def answers(self, version: str, on: date, *, inwards: bool, allow_unconfirmed: bool) -> _Answers:
        """Its answers one way on one day."""
        return _Answers(self, version, on, inwards=inwards, allow_unconfirmed=allow_unconfirmed)

    def about(self, *, code: str = "", canonical: str = "") -> tuple[Row, ...]:
        """Every row that names this partner code, or this canonical one, with the last days given to it."""
        here = self._by_code.get(code, ()) if code else self._by_canonical.get(canonical, ())
        with self._store.read() as connection:
            found = rows_about(connection, self._table, self._edition, code=code, canonical=canonical)
            rows = (*here, *(row_of(each, each.seq) for each in found))
            ends = closings_of(connection, self._table, [row.id for row in rows], self._edition) if rows else {}
        return closed(rows, {**ends, **self._ended})

    def is_same(self, code: str, on: date, *, allow_unconfirmed: bool) -> bool:
        """Whether a code carries over unchanged: the canonical list has it, and no row names it on either side."""
        if self.code_map.otherwise is Otherwise.REFUSE:
            return False
        known = self._codes.find(code, on) if self._codes is not None else None
        if known is None or not holds(known, on) or (known.grade is Grade.UNVERIFIED and not allow_unconfirmed):
            return False
        return not self._is_named(code)

    def withheld(self, code: str, on: date) -> Row | None:
        """A code that would carry over unchanged if somebody confirmed it, as the row that may not be used."""
        if self.code_map.otherwise is Otherwise.REFUSE or self._codes is None:
            return None
        known = self._codes.find(code, on)
        return None if known is None or self._is_named(code) else withheld_code(known, self._codes, on)

    def _is_named(self, code: str) -> bool:
        return any(row.direction is not Direction.OUT for row in self.about(code=code)) or any(
            row.direction is not Direction.IN for row in self.about(canonical=code)
        )

    @cached_property
    def _by_code(self) -> dict[str, list[Row]]:
        return _grouped(self._here, "code")

    @cached_property
    def _by_canonical(self) -> dict[str, list[Row]]:
        return _grouped(self._here, "canonical")


def _grouped(rows: Sequence[Row], side: str) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[getattr(row, side)].append(row)
    return dict(grouped)


class _Answers:
    """One table, one way, one day; `Lookup` remembers what it says."""

    def __init__(self, table: StoredTable, version: str, on: date, *, inwards: bool, allow_unconfirmed: bool) -> None:
        self._table = table
        self._version = version
        self._on = on
        self._inwards = inwards
        self._allow_unconfirmed = allow_unconfirmed

    def get(self, code: str, context: str) -> Entry | None:
        """The answer of the row with the longest context."""
        rows = self._rows(code)
        usable = {row.context: row for row in rows if self._holds(row)}
        none = {row.context for row in rows if row.direction is Direction.NONE and row.valid_on(self._on)}
        for each in chain(context):
            row = usable.get(each)
            if row is None and each in none:
                return None
            if row is not None:
                becomes = row.canonical if self._inwards else row.code
                return Entry(becomes or None, row.id, self._version, row.loss)
        if self._table.is_same(code, self._on, allow_unconfirmed=self._allow_unconfirmed):
            code_map = self._table.code_map
            return Entry(code, f"{code_map.system}/{code_map.list}/={code}", self._version, Loss.NONE)
        return None

    def refused(self, code: str) -> tuple[Row, ...]:
        """Rows about the code that give no answer on this day."""
        other = Direction.OUT if self._inwards else Direction.IN
        rows = tuple(row for row in self._rows(code) if row.direction is not other and not self._holds(row))
        withheld = None if self._allow_unconfirmed else self._table.withheld(code, self._on)
        return rows if withheld is None else (*rows, withheld)

    def contexts(self, code: str) -> tuple[str, ...]:
        """The contexts in which there is an answer."""
        return tuple(row.context for row in self._rows(code) if self._holds(row))

    def sources(self, target: str, context: str) -> tuple[str, ...]:
        """The codes that rows turn into this one."""
        rows = self._table.about(canonical=target) if self._inwards else self._table.about(code=target)
        found = (row.code if self._inwards else row.canonical for row in rows if self._holds(row))
        same = self._table.is_same(target, self._on, allow_unconfirmed=self._allow_unconfirmed)
        codes = dict.fromkeys((*found, *([target] if same else ())))
        return tuple(code for code in codes if (answer := self.get(code, context)) and answer.target == target)

    def _rows(self, code: str) -> tuple[Row, ...]:
        if not code:
            return ()
        return self._table.about(code=code) if self._inwards else self._table.about(canonical=code)

    def _holds(self, row: Row) -> bool:
        return usable_row(row, self._on, inwards=self._inwards, allow_unconfirmed=self._allow_unconfirmed)
