"""Changing reference data: begun, filled in portions that hold nobody up, then published at once, or forgotten.

Until it is published nobody sees a change; what a crash left of one stays invisible. The edition's number is the key
of its row and one more than the newest: of two that publish beside each other one wins and the other hears of it.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.reference_records import Edition
from gateway.store.reference_tables import (
    reference_closings,
    reference_counts,
    reference_lists,
    reference_rows,
)
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from gateway.store.reference_records import Closing, NewRow, TableKey

__all__ = [
    "LOST_AFTER",
    "add_closings",
    "add_rows",
    "begin_change",
    "find_lost_change",
    "forget_change",
    "keep_base",
    "keep_list",
    "publish_change",
]

_AT_ONCE: Final = 10_000
"""Rows that `forget_change` takes away in one unit of work; also what counts as a large change."""
LOST_AFTER: Final = timedelta(days=1)
"""A change that is not published so long after it began is not written any more: its process is gone."""

_begin = Statement("INSERT INTO reference_changes (made_at, author) VALUES (:made_at, :author) RETURNING id")
_add_table = Statement(
    "INSERT INTO reference_tables (kind, system, list, partner) SELECT :kind, :system, :list, :partner "
    "WHERE NOT EXISTS (SELECT 1 FROM reference_tables WHERE kind = :kind AND system = :system AND list = :list "
    "AND partner = :partner) ON CONFLICT DO NOTHING"
)
_find_table = Statement(
    "SELECT id FROM reference_tables WHERE kind = :kind AND system = :system AND list = :list AND partner = :partner"
)
_count_added = Statement("SELECT coalesce(sum(added), 0) FROM reference_counts WHERE change_id = :change_id")
_analyse = Statement("ANALYZE reference_rows, reference_closings")
_insert_count = insert(reference_counts)
_insert_list = insert(reference_lists)
_insert_base = Statement(
    "INSERT INTO reference_bases (digest, made_at, content) SELECT :digest, :made_at, :content "
    "WHERE NOT EXISTS (SELECT 1 FROM reference_bases WHERE digest = :digest) ON CONFLICT DO NOTHING"
)
_publish = Statement(
    "INSERT INTO reference_editions "
    "(number, change_id, made_at, author, reason, kind, effective_on, source, added, closed, release_limit) "
    "SELECT :number, :change_id, :made_at, :author, :reason, :kind, :effective_on, :source, "
    "(SELECT coalesce(sum(added), 0) FROM reference_counts WHERE change_id = :change_id), "
    "(SELECT coalesce(sum(closed), 0) FROM reference_counts WHERE change_id = :change_id), :release_limit "
    "WHERE (SELECT coalesce(max(number), 0) FROM reference_editions) = :expected "
    "ON CONFLICT (number) DO NOTHING RETURNING number, added, closed"
)
_find_change = "SELECT id FROM reference_changes WHERE id = :change_id"
_hold = {"sqlite": Statement(_find_change), "postgresql": Statement(f"{_find_change} FOR UPDATE")}
"""Publishing and forgetting one change wait for each other; SQLite has one writer anyway."""
_is_whole = Statement(
    "SELECT EXISTS (SELECT 1 FROM reference_counts WHERE change_id = :change_id) OR NOT ("
    "EXISTS (SELECT 1 FROM reference_rows WHERE change_id = :change_id) OR "
    "EXISTS (SELECT 1 FROM reference_closings WHERE change_id = :change_id))"
)
_forget_first: Final = tuple(
    Statement(f"DELETE FROM {name} WHERE change_id = :change_id")  # noqa: S608 - names of tables
    for name in ("reference_counts", "reference_lists")
)
_forget: Final = tuple(
    Statement(
        f"DELETE FROM {name} WHERE seq IN (SELECT seq FROM {name} WHERE change_id = :change_id LIMIT :limit)"  # noqa: S608 - names of tables
    )
    for name in ("reference_rows", "reference_closings")
)
_forget_change = Statement("DELETE FROM reference_changes WHERE id = :change_id")
_find_lost = Statement(
    "SELECT id FROM reference_changes c WHERE made_at < :before "
    "AND NOT EXISTS (SELECT 1 FROM reference_editions e WHERE e.change_id = c.id) ORDER BY id LIMIT 1"
)


def begin_change(connection: Connection, *, at: datetime, author: str) -> int:
    """A new change, which nobody sees before `publish_change`. Call inside `Store.write`.

    Returns:
        Its id, for the functions below.
    """
    change: int = _begin(connection, made_at=to_text(at), author=author).fetchone()[0]
    return change


def add_rows(connection: Connection, change: int, rows: Sequence[NewRow]) -> None:
    """Add rows to a change. Call inside `Store.write`, with about 2,000 at a time: others wait for the database.

    Raises:
        DBAPIError, sqlite3.Error, psycopg.Error: the change is published already.
    """
    tables = _table_ids(connection, {row.table for row in rows})
    _insert_many(
        connection,
        reference_rows,
        [
            (
                change,
                tables[row.table],
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
            for row in rows
        ],
    )
    for table, count in Counter(row.table for row in rows).items():
        _insert_count(connection, change_id=change, table_id=tables[table], added=count, closed=0)


def add_closings(connection: Connection, change: int, closings: Sequence[Closing]) -> None:
    """Close rows in a change; as `add_rows`. ``Closing.edition`` is the store's and not read."""
    tables = _table_ids(connection, {closing.table for closing in closings})
    _insert_many(
        connection,
        reference_closings,
        [(change, tables[closing.table], closing.row_id, closing.last_day) for closing in closings],
    )
    for table, count in Counter(closing.table for closing in closings).items():
        _insert_count(connection, change_id=change, table_id=tables[table], added=0, closed=count)


def keep_list(connection: Connection, change: int, name: str, content: bytes) -> None:
    """Add a list as a whole to a change, in the form of its file. Call inside `Store.write`."""
    _insert_list(connection, change_id=change, name=name, content=content)


def publish_change(  # noqa: PLR0913 - what an edition says of itself, each by its name
    connection: Connection,
    change: int,
    *,
    expected: int,
    at: datetime,
    author: str,
    reason: str,
    kind: str,
    effective_on: str,
    source: str = "",
    release_limit: int = 0,
) -> Edition | None:
    """Make a change the next edition: from the commit on everybody sees all of it. Call inside `Store.write`.

    Args:
        connection: of the unit of work.
        change: from `begin_change`.
        expected: the newest edition that its author looked at (0: none); the change was judged for it.
        at: now, aware.
        author: who answers for it.
        reason: why.
        kind: ``change``, ``import``, ``load`` or ``confirm``.
        effective_on: ISO day.
        source: where the rows came from.
        release_limit: how many messages in quarantine it may release.

    Returns:
        The edition; None when another came since ``expected``, and then the change is as before: judge it anew and
        publish it again, or forget it. None as well when it was open so long that it was taken for lost, and forgotten
        at least in part.
    """
    if not _whole(connection, change):
        return None
    values: dict[str, Any] = {
        "author": author,
        "reason": reason,
        "kind": kind,
        "effective_on": effective_on,
        "source": source,
        "release_limit": release_limit,
    }
    made_at = to_text(at)
    _know_the_rows(connection, change)
    won = _publish(
        connection, number=expected + 1, expected=expected, change_id=change, made_at=made_at, **values
    ).fetchone()
    if won is None:
        return None
    number, added, closed = won
    edition = Edition(number=number, made_at=from_text(made_at), added=added, closed=closed, **values)
    detail = {"edition": number, "reason": reason, "kind": kind, "source": source, "added": added, "closed": closed}
    detail["effective_on"] = effective_on
    record_audit(connection, at=at, actor=author, action="tables changed", subject=f"tables/{number}", detail=detail)
    return edition


def forget_change(connection: Connection, change: int, *, limit: int | None = None) -> bool:
    """Take away what a change that was never published has added. Call inside `Store.write`, again until it is True.

    Args:
        connection: of the unit of work.
        change: from `begin_change` or `find_lost_change`.
        limit: rows that one call takes away; 10,000 unless said otherwise.

    Returns:
        Whether nothing of it is left: with very many rows one call takes away only a part, and others get their turn.

    Raises:
        DBAPIError, sqlite3.Error, psycopg.Error: the change is published.
    """
    limit = limit or _AT_ONCE
    _hold[connection.dialect.name](connection, change_id=change)
    for forget in _forget_first:  # without them the rest cannot be published any more
        forget(connection, change_id=change)
    for forget in _forget:
        if forget(connection, change_id=change, limit=limit).rowcount == limit:
            return False
    _forget_change(connection, change_id=change)
    return True


def find_lost_change(connection: Connection, now: datetime) -> int | None:
    """A change that began more than a day before ``now`` and was not published: its process ended in it."""
    row = _find_lost(connection, before=to_text(now - LOST_AFTER)).fetchone()
    return None if row is None else int(row[0])


def keep_base(connection: Connection, digest: str, content: bytes, at: datetime) -> None:
    """Keep the tables of the files under their digest, unless they are there. Call inside `Store.write`."""
    _insert_base(connection, digest=digest, made_at=to_text(at), content=content)


def _whole(connection: Connection, change: int) -> bool:
    """Whether nothing of a change was forgotten; nothing will be before this unit of work ends."""
    if _hold[connection.dialect.name](connection, change_id=change).fetchone() is None:
        return False
    return bool(_is_whole(connection, change_id=change).fetchone()[0])


def _know_the_rows(connection: Connection, change: int) -> None:
    """PostgreSQL: with statistics from before a large import it would sort a table for each page of it."""
    if connection.dialect.name != "postgresql":
        return
    if _count_added(connection, change_id=change).fetchone()[0] >= _AT_ONCE:
        _analyse(connection)


def _table_ids(connection: Connection, keys: Iterable[TableKey]) -> dict[TableKey, int]:
    """The numbers of tables, given now where they have none; in one order, so that rivals wait and do not deadlock."""
    found = {}
    for key in sorted(keys):
        values: dict[str, Any] = key._asdict()
        row = _find_table(connection, **values).fetchone()
        if row is None:
            _add_table(connection, **values)
            row = _find_table(connection, **values).fetchone()
        found[key] = row[0]
    return found


def _insert_many(connection: Connection, table: Table, values: list[tuple[Any, ...]]) -> None:
    """Each driver's fastest way; the columns are those of the table after ``seq``."""
    names = ", ".join(column.name for column in table.columns if column.name != "seq")
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * (len(table.columns) - 1))
        driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", values)  # noqa: S608 - names come from the table definition
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for each in values:
            copy.write_row(each)
