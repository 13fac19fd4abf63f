"""Tables that are too large for memory (TARIC, EPPO, ...): asked code by code at one edition, each answer remembered.

Rows are only ever added, and each belongs to an edition: whoever asks at edition 17 gets the same answer for ever,
whatever was published since.
"""

from __future__ import annotations

from collections import defaultdict
from copy import copy
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final, Self

from gateway.store import closings_of, rows_about, rows_of
from mappings.merging import closed, code_id, code_of, codes_until, row_of, with_added
from mappings.periods import STORED, AskedCodes, in_order, period_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from gateway.store import Store, TableKey
    from mappings.models import Code, CodeList, CodeMap, Row

__all__ = ["StoredCodes", "StoredTable"]

MAX_REMEMBERED: Final = 100_000
"""Codes of one list."""
_PORTION: Final = 1_000
"""Rows whose closings are asked for at once."""


class StoredCodes(AskedCodes):
    """The codes of a list that is kept in the store. Safe to share between threads.

    Args:
        store: where they are.
        table: the list.
        edition: what was published later is not seen.
        base: the installed list, to which those of the store are added.
        added: periods that are not published yet, to try them.
        ended: closings that are not published yet.
    """

    def __init__(
        self,
        store: Store,
        table: TableKey,
        edition: int,
        base: CodeList,
        *,
        added: Sequence[Code] = (),
        ended: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._table = table
        self._edition = edition
        self._base = base
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
        seen: set[str] = set(self._added)
        yield from self._added
        with self._store.read() as connection:
            rows = rows_of(connection, self._table, self._edition)
            name = f"{self._table.system}/{self._table.list}"
            while portion := tuple(islice(rows, _PORTION)):
                ids = {f"{name}={row.code}{STORED}{row.seq}": row.code for row in portion}
                yield from self._left(connection, ids, seen)
            base = self._base.every()
            while codes := tuple(islice(base, _PORTION)):
                yield from self._left(connection, {self._id(code): code.code for code in codes}, seen)

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        return sum(1 for _ in self)

    def _id(self, code: Code) -> str:
        return code_id(self._table.system, self._table.list, code)

    def _left(self, connection: Connection, ids: Mapping[str, str], seen: set[str]) -> Iterator[str]:
        """The codes of these rows that are not withdrawn, each once."""
        ends = {**closings_of(connection, self._table, ids.keys(), self._edition), **self._ended}
        for row_id, code in ids.items():
            if ends.get(row_id) != "" and code not in seen:
                seen.add(code)
                yield code

    def _ask(self, connection: Connection, code: str) -> tuple[Code, ...]:
        rows = rows_about(connection, self._table, self._edition, code=code)
        every = [*self._base.about(code), *(code_of(row, row.seq) for row in rows)]
        ids = [self._id(each) for each in every]
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
        added: rows that are not published yet, to try them.
        ended: closings that are not published yet.
    """

    def __init__(
        self,
        store: Store,
        table: TableKey,
        edition: int,
        code_map: CodeMap,
        *,
        added: Sequence[Row] = (),
        ended: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._table = table
        self._edition = edition
        self.code_map = code_map
        self._added = tuple(added)
        self._ended = dict(ended or {})

    def about(self, *, code: str = "", canonical: str = "") -> tuple[Row, ...]:
        """Every row that names this partner code, or this canonical one, with the last days given to it."""
        here = self._by_code.get(code, ()) if code else self._by_canonical.get(canonical, ())
        tried = [row for row in self._added if (row.code == code if code else row.canonical == canonical)]
        with self._store.read() as connection:
            found = rows_about(connection, self._table, self._edition, code=code, canonical=canonical)
            added = [row_of(each, each.seq) for each in found]
            ids = [row.id for row in (*here, *added)]
            ends = {**closings_of(connection, self._table, ids, self._edition), **self._ended} if ids else {}
        return with_added(closed(here, ends), closed((*added, *tried), ends))

    @cached_property
    def _by_code(self) -> dict[str, list[Row]]:
        return _grouped(self.code_map.rows, "code")

    @cached_property
    def _by_canonical(self) -> dict[str, list[Row]]:
        return _grouped(self.code_map.rows, "canonical")


def _grouped(rows: Sequence[Row], side: str) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[getattr(row, side)].append(row)
    return dict(grouped)
