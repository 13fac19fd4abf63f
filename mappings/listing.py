"""Every row that a table has had, with its history: who added it, who closed it. Streams, whatever the size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeVar

from gateway.store import closings_of, rows_about, rows_of
from mappings.merging import closed, code_id, code_of, key_of_list, key_of_map, row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from gateway.store import Store, StoredRow, TableKey
    from mappings.loading import Tables
    from mappings.models import Code, Row

__all__ = ["ListedCode", "ListedRow", "list_codes", "list_rows"]

_AT_ONCE: Final = 200
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row of a map."""

    row: Row
    """With the last day that was given to it."""
    edition: int
    """The one that added it; 0 for a row of the installed tables."""
    withdrawn: bool = False
    """As if it had never held, from a later edition on."""


@dataclass(frozen=True, slots=True)
class ListedCode:
    """One code of a list."""

    id: str
    """As closings call it."""
    code: Code
    edition: int
    withdrawn: bool = False


def list_rows(
    base: Tables, store: Store | None, edition: int, table: TableKey, *, code: str = ""
) -> Iterator[ListedRow]:
    """The rows of a map at an edition, those of the installed tables first, closed and withdrawn ones among them.

    Args:
        base: the tables as installed.
        store: where changes are.
        edition: what was published later is not there.
        table: which map.
        code: only rows about this code, on either side.
    """
    installed = [row for each in base.maps if key_of_map(each) == table for row in each.rows]
    found = ((row, 0) for row in installed if code in ("", row.code, row.canonical))
    if store is None:
        yield from (ListedRow(row, number) for row, number in found)
        return
    with store.read() as connection:
        changed = ((row_of(each, each.seq), each.edition) for each in _rows(connection, table, edition, code))
        for some in _portions(chain(found, changed)):
            ends = closings_of(connection, table, [row.id for row, _ in some], edition)
            for row, number in some:
                left = closed([row], ends)
                yield ListedRow(left[0] if left else row, number, withdrawn=not left)


def list_codes(
    base: Tables, store: Store | None, edition: int, table: TableKey, *, code: str = ""
) -> Iterator[ListedCode]:
    """The codes of a list at an edition; as `list_rows`."""
    lists = (each for each in (*base.lists.values(), *base.own_lists.values()) if key_of_list(each) == table)
    installed = [each for known in lists for each in known.every()]
    found = ((code_id(table.system, table.list, each), each, 0) for each in installed if code in ("", each.code))
    if store is None:
        yield from (ListedCode(*each) for each in found)
        return
    with store.read() as connection:
        stored = ((code_of(row, row.seq), row.edition) for row in _rows(connection, table, edition, code))
        changed = ((code_id(table.system, table.list, each), each, number) for each, number in stored)
        for some in _portions(chain(found, changed)):
            ends = closings_of(connection, table, [row_id for row_id, _, _ in some], edition)
            for row_id, each, number in some:
                yield _ended(row_id, each, number, ends.get(row_id))


def _ended(row_id: str, code: Code, edition: int, last_day: str | None) -> ListedCode:
    if last_day is None:
        return ListedCode(row_id, code, edition)
    if not last_day:
        return ListedCode(row_id, code, edition, withdrawn=True)
    end = min(code.valid_to or date.max, date.fromisoformat(last_day))
    return ListedCode(row_id, replace(code, valid_to=end), edition)


def _rows(connection: Connection, table: TableKey, edition: int, code: str) -> Iterable[StoredRow]:
    if not code:
        return rows_of(connection, table, edition)
    about = {row.seq: row for row in rows_about(connection, table, edition, code=code)}
    about |= {row.seq: row for row in rows_about(connection, table, edition, canonical=code)}
    return (about[seq] for seq in sorted(about))


def _portions(items: Iterable[_Item]) -> Iterator[Sequence[_Item]]:
    following = iter(items)
    while some := list(islice(following, _AT_ONCE)):
        yield some
