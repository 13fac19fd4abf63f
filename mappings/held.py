"""The rows of one table as they are in force, with the ids by which they are closed: to compare a change with.

Small tables are in memory. Large ones are read as a stream, or asked only about the codes that a small change names.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from gateway.store import RowKind, closings_between, rows_of, table_sizes, touched_tables
from mappings.building import LARGE
from mappings.loading import row_id
from mappings.merging import code_id, code_of, key_of_list, key_of_map
from mappings.scratch import Held
from mappings.stored import StoredCodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from sqlalchemy import Connection

    from gateway.store import Store, StoredRow, TableKey
    from mappings.building import TablesState
    from mappings.models import Code, CodeList, CodeMap, Row
    from mappings.scratch import Stands

__all__ = ["ASKED_AT_MOST", "HeldTable"]

ASKED_AT_MOST: Final = 2_000
"""Rows of a change up to which a large table is asked about its codes instead of being read."""


class HeldTable:
    """One table in one version.

    Args:
        state: the version.
        store: where changes are; None for the tables as installed.
        table: which one.
    """

    def __init__(self, state: TablesState, store: Store | None, table: TableKey) -> None:
        self._state = state
        self._store = store
        self.table = table
        self.is_large = False
        if store is not None:
            with store.read() as connection:
                self.is_large = table_sizes(connection, state.edition).get(table, 0) > LARGE

    @property
    def code_map(self) -> CodeMap | None:
        """The map; None for a list, or where there is no such map yet."""
        return next((each for each in self._state.tables.maps if key_of_map(each) == self.table), None)

    @property
    def code_list(self) -> CodeList | None:
        """The list; None for a map, or where there is no such list yet."""
        tables = self._state.tables
        lists = (*tables.lists.values(), *tables.own_lists.values())
        return next((each for each in lists if key_of_list(each) == self.table), None)

    def rows(self) -> Iterator[Held]:
        """All rows, those that have ended too."""
        if self.table.kind is RowKind.CODE:
            yield from self._codes()
        elif not self.is_large:
            yield from map(_of_row, self.code_map.rows if self.code_map else ())
        else:
            assert self._store is not None
            asked = self._state.stored[self.table.system, self.table.list, self.table.partner]
            with self._store.read() as connection:
                ends = self._ends(connection)
                yield from _until((_of_row(row) for row in asked.code_map.rows), ends)
                stored = rows_of(connection, self.table, self._state.edition)
                yield from _until((self._of_stored(row) for row in stored), ends)

    def find(self, row_id: str) -> Held | None:
        """The row of that id, unless it was withdrawn."""
        if self.is_large and self.table.kind is RowKind.MAP:
            named = re.match(r"[^/]*/[^/]*/([^<#]*?)(?:<([^#]*?))?(?:@[^#+]*)?(?:\+[0-9-]{10})?(?:#\d+)?$", row_id)
            code, canonical = named.groups() if named else ("", "")
            asked = self._state.stored[self.table.system, self.table.list, self.table.partner]
            about = asked.about(code=code) if code else asked.about(canonical=canonical or "")
            return next((_of_row(row) for row in about if row.id == row_id), None)
        return next((row for row in self.rows() if row.id == row_id), None)

    def about(self, given: Iterable[Stands]) -> Iterator[Held]:
        """Of a large table: the rows that share a code with the given ones, and those that share one with these."""
        given = list(given)
        if self.table.kind is RowKind.CODE:
            yield from self._codes_about({code for row in given for code in (row.code, row.parent) if code})
            return
        asked = self._state.stored[self.table.system, self.table.list, self.table.partner]
        known: dict[str, Row] = {}
        codes = {("code", row.code) for row in given} | {("canonical", row.canonical) for row in given}
        seen: set[tuple[str, str]] = set()
        for _ in range(2):
            found = [row for side, code in codes - seen if code for row in asked.about(**{side: code})]
            seen |= codes
            known.update((row.id, row) for row in found)
            codes = {("code", row.code) for row in found} | {("canonical", row.canonical) for row in found}
        yield from map(_of_row, known.values())

    def _codes(self) -> Iterator[Held]:
        """The periods of the codes of the list."""
        found = self.code_list
        codes = found.codes if found is not None else {}
        if found is None or not isinstance(codes, StoredCodes):
            yield from map(self._of_code, found.every() if found is not None else ())
            return
        assert self._store is not None
        with self._store.read() as connection:
            ends = self._ends(connection)
            yield from _until(map(self._of_code, codes.installed.every()), ends)
            stored = rows_of(connection, self.table, self._state.edition)
            yield from _until((self._of_stored(row) for row in stored), ends)

    def _codes_about(self, codes: Iterable[str]) -> Iterator[Held]:
        known = self.code_list
        for code in sorted(codes):
            yield from map(self._of_code, known.about(code) if known is not None else ())

    def _ends(self, connection: Connection) -> dict[str, str]:
        """The last days that changes gave to rows of this table."""
        edition = self._state.edition
        added = table_sizes(connection, edition).get(self.table, 0)
        if touched_tables(connection, 0, edition).get(self.table, 0) == added:
            return {}
        return {
            each.row_id: each.last_day for each in closings_between(connection, 0, edition) if each.table == self.table
        }

    def _stored_id(self, row: StoredRow) -> str:
        if self.table.kind is RowKind.CODE:
            return code_id(*self.table[1:3], code_of(row, row.seq))
        cells = {name: getattr(row, name) for name in ("code", "canonical", "context", "direction", "valid_from")}
        return f"{row_id(*self.table[1:3], cells)}#{row.seq}"

    def _of_stored(self, row: StoredRow) -> Held:
        return Held(
            self._stored_id(row),
            row.code,
            row.canonical,
            row.context,
            row.direction,
            row.loss,
            row.valid_from,
            row.valid_to,
            row.grade,
            row.text,
            row.name,
            row.parent,
            row.labels,
        )

    def _of_code(self, code: Code) -> Held:
        labels = json.dumps(dict(code.labels), ensure_ascii=False, sort_keys=True) if code.labels else ""
        first, last = _text(code.valid_from), _text(code.valid_to)
        return Held(
            code_id(*self.table[1:3], code),
            code.code,
            "",
            "",
            "both",
            "none",
            first,
            last,
            str(code.grade),
            code.note,
            code.name,
            code.parent,
            labels,
        )


def _until(rows: Iterable[Held], ends: Mapping[str, str]) -> Iterator[Held]:
    """The rows with the last days given to them, without those that were withdrawn."""
    for row in rows:
        end = ends.get(row.id)
        if end is None:
            yield row
        elif end:
            yield row._replace(last=_earlier(row.last, end))


def _earlier(own: str, given: str | None) -> str:
    return min(own, given) if own and given else given or own


def _of_row(row: Row) -> Held:
    return Held(
        row.id,
        row.code,
        row.canonical,
        row.context,
        str(row.direction),
        str(row.loss),
        _text(row.valid_from),
        _text(row.valid_to),
        str(row.grade),
        row.evidence,
    )


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""
