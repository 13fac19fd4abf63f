"""Which held messages would go with given tables, as far as the codes tell that they miss; no document is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.exchange.confirmed import fills
from gateway.store import QuarantineQuery, QuarantineState, gaps_of, get_quarantine, list_quarantine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

    from gateway.store import QuarantineRow, Store
    from mappings import Index

__all__ = ["WAITING", "going", "held", "would_go"]

WAITING: Final = "waits_for"
"""Key of ``QuarantineRow.transport``: the entry that this one goes after."""
_PAGE: Final = 100


def would_go(connection: Connection, row: QuarantineRow, index: Index, gone: Collection[str] = ()) -> bool:
    """Whether a held message would go with these tables; one that waits for another, when that one is not held.

    Args:
        connection: to the store.
        row: the message.
        index: the tables.
        gone: messages that are taken as gone already.
    """
    awaited = row.transport.get(WAITING)
    if awaited is None:
        return fills(index, gaps_of(connection, row.id), row.partner)
    entry = None if awaited in gone else get_quarantine(connection, awaited)
    return entry is None or entry.state is not QuarantineState.HELD


def going(store: Store, index: Index, *, followers: bool = False) -> Iterator[QuarantineRow]:
    """The held messages that would go with these tables, oldest first.

    Args:
        store: where they are.
        index: the tables.
        followers: with the later versions of a document that go after one of these.
    """
    gone: set[str] = set()
    for rows in _pages(store, QuarantineQuery()):
        found = []
        with store.read() as connection:
            for row in rows:
                if would_go(connection, row, index, gone):
                    found.append(row)
                    gone.update([row.id] if followers else ())
        yield from found


def held(store: Store, name: str) -> Iterator[QuarantineRow]:
    """The held messages that wait for a code of one list, oldest first."""
    for rows in _pages(store, QuarantineQuery(list=name)):
        yield from rows


def _pages(store: Store, query: QuarantineQuery) -> Iterator[tuple[QuarantineRow, ...]]:
    after = ""
    while True:
        page = replace(query, state=QuarantineState.HELD, after=after, oldest_first=True, limit=_PAGE)
        with store.read() as connection:
            rows = list_quarantine(connection, page)
        yield rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].id
