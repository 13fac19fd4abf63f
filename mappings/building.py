"""One version of all tables, put together from the base, the operator's changes and the tables kept in the store."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Final

from gateway.store import Closing, NewRow, RowKind, StoredRow, TableKey
from mappings.index import Index
from mappings.loading import Tables
from mappings.merging import (
    Changes,
    code_of,
    edition_digest,
    key_of_list,
    key_of_map,
    merged,
    new_list,
    new_map,
    row_of,
)
from mappings.stored import StoredCodes, StoredTable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from gateway.store import Store
    from mappings.models import CodeList, CodeMap

__all__ = ["LARGE", "Builder", "TableChange", "TablesState"]

LARGE: Final = 20_000
"""Rows of one table in the store beyond which it is asked code by code instead of being read into memory."""
_DAYS_KEPT: Final = 4
Asked = tuple[str, str, str]
"""A map that is asked row by row: system, list, partner."""


@dataclass(frozen=True, slots=True)
class TableChange:
    """What would be published: rows that are added, and rows that get a last day."""

    rows: Sequence[NewRow] = ()
    closings: Sequence[Closing] = ()


@dataclass(frozen=True, slots=True)
class TablesState:
    """One version of all tables. Nothing of it ever changes."""

    edition: int
    version: str
    tables: Tables
    allow_unconfirmed: bool
    stored: Mapping[Asked, StoredTable] = field(default_factory=dict)
    """The maps that are asked row by row, by (system, list, partner)."""
    _days: OrderedDict[date, Index] = field(default_factory=OrderedDict, repr=False, compare=False)

    @property
    def days(self) -> tuple[date, ...]:
        """Those whose index was asked for of late."""
        return tuple(self._days)

    def on(self, day: date) -> Index:
        """The index of one day; kept for a few."""
        index = self._days.get(day)
        if index is None:
            index = Index.build(
                self.tables,
                day,
                allow_unconfirmed=self.allow_unconfirmed,
                version=self.version,
                stored=self.stored,
            )
            self._days[day] = index
            while len(self._days) > _DAYS_KEPT:
                self._days.popitem(last=False)
        return index


class Builder:
    """Puts one version together."""

    def __init__(self, base: Tables, store: Store | None, edition: int, trial: TableChange) -> None:
        self._base = base
        self._store = store
        self._edition = edition
        self._added: dict[TableKey, list[NewRow]] = {}
        for row in trial.rows:
            self._added.setdefault(row.table, []).append(row)
        self._ended: dict[TableKey, dict[str, str]] = {}
        for closing in trial.closings:
            self._ended.setdefault(closing.table, {})[closing.row_id] = closing.last_day

    def build(self, changes: Changes, sizes: Mapping[TableKey, int]) -> tuple[Tables, dict[Asked, StoredTable]]:
        """The tables, not checked yet, and those of their maps that are asked row by row."""
        large = self._large(sizes)
        changes = self._with_trial(changes, large)
        codes = self._stored_lists(changes, large)
        tables = merged(self._base, changes, codes)
        headers = {key_of_map(each): each for each in self._base.maps}
        stored: dict[Asked, StoredTable] = {}
        maps: list[CodeMap] = []
        for key in large:
            if key.kind is RowKind.MAP:
                raw = headers.get(key) or new_map(key)
                stored[key[1:]] = self._stored_map(key, raw)
        for code_map in tables.maps:
            key = key_of_map(code_map)
            if key in large:
                maps.append(replace(code_map, rows=()))
                continue
            maps.append(code_map)
        return Tables(tables.lists, tuple(maps), tables.own_lists, tables.systems), stored

    def _large(self, sizes: Mapping[TableKey, int]) -> frozenset[TableKey]:
        if self._store is None:
            return frozenset()
        every = {*sizes, *self._added}
        return frozenset(key for key in every if sizes.get(key, 0) + len(self._added.get(key, ())) > LARGE)

    def _with_trial(self, changes: Changes, large: Collection[TableKey]) -> Changes:
        if not self._added and not self._ended:
            return changes
        tried = changes.copy()
        rows = [row for key, rows in self._added.items() if key not in large for row in rows]
        tried.add(
            (_as_stored(row, number, self._edition + 1) for number, row in enumerate(rows, start=-len(rows))),
            (
                Closing(key, row_id, last_day, self._edition + 1)
                for key, ends in self._ended.items()
                if key not in large
                for row_id, last_day in ends.items()
            ),
        )
        tried.editions.update(dict.fromkeys({*self._added, *self._ended}, self._edition + 1))
        return tried

    def _stored_lists(self, changes: Changes, large: Collection[TableKey]) -> dict[TableKey, CodeList]:
        assert self._store is not None or not large
        known = {key_of_list(each): each for each in (*self._base.lists.values(), *self._base.own_lists.values())}
        lists: dict[TableKey, CodeList] = {}
        for key in large:
            if key.kind is RowKind.CODE and self._store is not None:
                header = known.get(key) or new_list(key)
                codes = StoredCodes(
                    self._store,
                    key,
                    self._edition,
                    header,
                    added=[code_of(row) for row in self._added.get(key, ())],
                    ended=self._ended.get(key),
                )
                digest = edition_digest(header.digest, changes.editions[key])
                lists[key] = replace(header, codes=codes, periods={}, digest=digest)
        return lists

    def _stored_map(self, key: TableKey, code_map: CodeMap) -> StoredTable:
        assert self._store is not None
        return StoredTable(
            self._store,
            key,
            self._edition,
            code_map,
            added=[row_of(row) for row in self._added.get(key, ())],
            ended=self._ended.get(key),
        )


def _as_stored(row: NewRow, number: int, edition: int) -> StoredRow:
    said = {each.name: getattr(row, each.name) for each in fields(NewRow)}
    return StoredRow(**said, seq=number, edition=edition)
