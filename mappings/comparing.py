"""What is different between two versions of the tables, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.store import closings_between, rows_between
from mappings.held import HeldTable
from mappings.merging import key_of_list, key_of_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.store import Store, TableKey
    from mappings.building import TablesState
    from mappings.models import CodeList, CodeMap

__all__ = ["RowDifference", "compare"]


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that is not the same in both."""

    table: TableKey
    what: str
    """``added``, ``gone`` or ``changed``, seen from the first version."""
    row: str
    code: str
    canonical: str
    before: str
    """Days and grade; empty where it is not there."""
    after: str


def compare(store: Store | None, first: TablesState, second: TablesState) -> Iterator[RowDifference]:
    """The rows that differ, table by table. Of a large table those that were added or closed between the two."""
    old, new = _tables(first), _tables(second)
    for key in sorted({*old, *new}):
        if key in old and key in new and old[key].version == new[key].version:
            continue
        before, after = HeldTable(first, store, key), HeldTable(second, store, key)
        if before.is_large and after.is_large and store is not None:
            yield from _of_large(store, key, first.edition, second.edition)
        else:
            yield from _of_rows(before, after)


def _tables(state: TablesState) -> dict[TableKey, CodeMap | CodeList]:
    tables = state.tables
    lists = (*tables.lists.values(), *tables.own_lists.values())
    return {key_of_map(each): each for each in tables.maps} | {key_of_list(each): each for each in lists}


def _of_rows(before: HeldTable, after: HeldTable) -> Iterator[RowDifference]:
    old = {row.id: row for row in before.rows()}
    for row in after.rows():
        was = old.pop(row.id, None)
        if was == row:
            continue
        what = "added" if was is None else "changed"
        then = "" if was is None else _words(was.first, was.last, was.grade)
        yield RowDifference(
            after.table, what, row.id, row.code, row.canonical, then, _words(row.first, row.last, row.grade)
        )
    for row in old.values():
        said = _words(row.first, row.last, row.grade)
        yield RowDifference(before.table, "gone", row.id, row.code, row.canonical, said, "")


def _of_large(store: Store, table: TableKey, first: int, second: int) -> Iterator[RowDifference]:
    low, high = sorted((first, second))
    forwards = first <= second
    with store.read() as connection:
        for row in rows_between(connection, low, high, [table]):
            said = _words(row.valid_from, row.valid_to, row.grade)
            what, days = ("added", ("", said)) if forwards else ("gone", (said, ""))
            yield RowDifference(table, what, f"#{row.seq}", row.code, row.canonical, *days)
        for closing in closings_between(connection, low, high):
            if closing.table == table:
                said = f"ends {closing.last_day}" if closing.last_day else "withdrawn"
                days = ("", said) if forwards else (said, "")
                yield RowDifference(table, "changed", closing.row_id, "", "", *days)


def _words(first: str, last: str, grade: str) -> str:
    return f"{first or '…'} to {last or '…'}, {grade}"
