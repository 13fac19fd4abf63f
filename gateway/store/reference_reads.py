"""Reading reference data as it was at an edition. Everything takes a connection of `Store.read`.

Rows are only ever added, and every question names its edition: the answer to it never changes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from gateway.store.identifiers import from_text
from gateway.store.reference_records import Closing, Edition, RowKind, StoredRow, TableKey
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

__all__ = [
    "closings_between",
    "closings_of",
    "find_base",
    "find_list",
    "get_edition",
    "latest_edition",
    "list_editions",
    "lists_between",
    "rows_about",
    "rows_between",
    "rows_of",
    "table_sizes",
    "touched_tables",
]

_PAGE: Final = 2_000
_IDS_AT_ONCE: Final = 200

_EDITION: Final = "number, made_at, author, reason, kind, effective_on, source, added, closed, release_limit"
_ROW: Final = (
    "r.code, r.canonical, r.context, r.direction, r.loss, r.valid_from, r.valid_to, r.grade, r.text, r.name, r.parent, "
    "r.labels, r.seq"
)
_TABLE: Final = (
    "SELECT id FROM reference_tables WHERE kind = :kind AND system = :system AND list = :list AND partner = :partner"
)
_STORED: Final = f"SELECT {_ROW}, e.number FROM reference_rows r JOIN reference_editions e ON e.change_id = r.change_id"  # noqa: S608 - constants, as in all below

_latest = Statement("SELECT max(number) FROM reference_editions")
_edition = Statement(f"SELECT {_EDITION} FROM reference_editions WHERE number = :number")  # noqa: S608
_editions = Statement(f"SELECT {_EDITION} FROM reference_editions ORDER BY number DESC LIMIT :limit")  # noqa: S608
_editions_of_table = Statement(
    f"SELECT {_EDITION} FROM reference_editions e WHERE EXISTS (SELECT 1 FROM reference_counts c "  # noqa: S608
    f"WHERE c.change_id = e.change_id AND c.table_id = ({_TABLE})) ORDER BY number DESC LIMIT :limit"
)
_sizes = Statement(
    "SELECT t.kind, t.system, t.list, t.partner, sum(c.added), sum(c.closed) FROM reference_editions e "
    "JOIN reference_counts c ON c.change_id = e.change_id JOIN reference_tables t ON t.id = c.table_id "
    "WHERE e.number > :after AND e.number <= :upto GROUP BY t.kind, t.system, t.list, t.partner "
    "ORDER BY t.kind, t.system, t.list, t.partner"
)
_touched = Statement(
    "SELECT e.number, e.change_id, t.id, t.kind, t.system, t.list, t.partner FROM reference_editions e "
    "JOIN reference_counts c ON c.change_id = e.change_id JOIN reference_tables t ON t.id = c.table_id "
    "WHERE e.number > :after AND e.number <= :upto AND c.added > 0 "
    "GROUP BY e.number, e.change_id, t.id, t.kind, t.system, t.list, t.partner ORDER BY e.number, t.id"
)
_rows_of_change = Statement(
    f"SELECT {_ROW} FROM reference_rows r WHERE r.change_id = :change_id AND r.table_id = :table_id "  # noqa: S608
    "AND r.seq > :seq ORDER BY r.seq LIMIT :limit"
)
_find_table = Statement(_TABLE)
_changes = Statement("SELECT change_id, number FROM reference_editions WHERE number <= :upto")
_rows_of_table = Statement(
    f"SELECT {_ROW}, r.change_id FROM reference_rows r WHERE r.table_id = :table_id "  # noqa: S608
    "AND (r.code, r.seq) > (:code, :seq) ORDER BY r.code, r.seq LIMIT :limit"
)
_rows_by_code = Statement(
    f"{_STORED} WHERE r.table_id = ({_TABLE}) AND r.code = :code AND e.number <= :upto ORDER BY r.seq"
)
_rows_by_canonical = Statement(
    f"{_STORED} WHERE r.table_id = ({_TABLE}) AND r.canonical = :canonical AND r.canonical <> '' "
    "AND e.number <= :upto ORDER BY r.seq"
)
_closings = Statement(
    "SELECT t.kind, t.system, t.list, t.partner, c.row_id, c.last_day, e.number FROM reference_editions e "
    "JOIN reference_closings c ON c.change_id = e.change_id JOIN reference_tables t ON t.id = c.table_id "
    "WHERE e.number > :after AND e.number <= :upto ORDER BY e.number, c.seq"
)
_list = Statement(
    "SELECT e.number, l.content FROM reference_lists l JOIN reference_editions e ON e.change_id = l.change_id "
    "WHERE l.name = :name AND e.number <= :upto ORDER BY e.number DESC LIMIT 1"
)
_lists = Statement(
    "SELECT DISTINCT l.name FROM reference_editions e JOIN reference_lists l ON l.change_id = e.change_id "
    "WHERE e.number > :after AND e.number <= :upto ORDER BY l.name"
)
_base = Statement("SELECT content FROM reference_bases WHERE digest = :digest")


def latest_edition(connection: Connection) -> int:
    """The number of the newest edition; 0 when nothing was ever changed."""
    return _latest(connection).fetchone()[0] or 0


def get_edition(connection: Connection, number: int) -> Edition | None:
    """The edition of that number."""
    found = _edition(connection, number=number).fetchone()
    return _to_edition(found) if found else None


def list_editions(connection: Connection, *, limit: int, table: TableKey | None = None) -> tuple[Edition, ...]:
    """Editions, newest first; those that added to a table or closed in it."""
    if table is None:
        found = _editions(connection, limit=limit)
    else:
        found = _editions_of_table(connection, limit=limit, **table._asdict())
    return tuple(_to_edition(row) for row in found.fetchall())


def table_sizes(connection: Connection, upto: int) -> dict[TableKey, int]:
    """How many rows each table has had by an edition, the closed ones included. Quick, however many they are."""
    return {_to_key(row): int(row[4]) for row in _sizes(connection, after=0, upto=upto).fetchall() if row[4]}


def touched_tables(connection: Connection, after: int, upto: int) -> dict[TableKey, int]:
    """The tables that the editions after one and up to another changed, with how many rows they added and closed."""
    return {_to_key(row): int(row[4] + row[5]) for row in _sizes(connection, after=after, upto=upto).fetchall()}


def rows_of(connection: Connection, table: TableKey, upto: int) -> Iterator[StoredRow]:
    """Every row that a table has had by an edition, by code, then in the order in which they came; in pages."""
    known = _find_table(connection, **table._asdict()).fetchone()
    if known is None:
        return
    editions = dict(_changes(connection, upto=upto).fetchall())  # joined, PostgreSQL would sort the table for each page
    code, seq = "", 0
    while page := _rows_of_table(connection, table_id=known[0], code=code, seq=seq, limit=_PAGE).fetchall():
        for *row, change in page:
            if change in editions:
                yield StoredRow(table, *(*row, editions[change]))
        code, seq = page[-1][0], page[-1][12]


def rows_between(
    connection: Connection, after: int, upto: int, tables: Collection[TableKey] | None
) -> Iterator[StoredRow]:
    """The rows that the editions after one and up to another added, by edition, table and order; in pages.

    Args:
        connection: of `Store.read`.
        after: this edition's own are not among them.
        upto: this one's are.
        tables: only of these; None for all.
    """
    for number, change, table_id, *key in _touched(connection, after=after, upto=upto).fetchall():
        table = _to_key(key)
        if tables is not None and table not in tables:
            continue
        seq = 0
        while page := _rows_of_change(connection, change_id=change, table_id=table_id, seq=seq, limit=_PAGE).fetchall():
            for row in page:
                yield StoredRow(table, *(*row, number))
            seq = page[-1][12]


def rows_about(
    connection: Connection, table: TableKey, upto: int, *, code: str = "", canonical: str = ""
) -> list[StoredRow]:
    """The rows that a table has had about a code, or else about a canonical code, by an edition, oldest first.

    One search in an index, with 10^6 rows as with ten. Closed rows are among them: see `closings_of`.
    """
    kind, system, list_name, partner = table
    if code:
        found = _rows_by_code(
            connection, kind=kind, system=system, list=list_name, partner=partner, upto=upto, code=code
        )
    else:
        found = _rows_by_canonical(
            connection, kind=kind, system=system, list=list_name, partner=partner, upto=upto, canonical=canonical
        )
    return [StoredRow(table, *row) for row in found.fetchall()]


def closings_between(connection: Connection, after: int, upto: int) -> list[Closing]:
    """What the editions after one and up to another closed, oldest first."""
    return [
        Closing(_to_key(row), row[4], row[5], row[6])
        for row in _closings(connection, after=after, upto=upto).fetchall()
    ]


def closings_of(connection: Connection, table: TableKey, row_ids: Collection[str], upto: int) -> dict[str, str]:
    """The last day of each of these rows that was closed by an edition, by row id; the newest closing counts."""
    found: dict[str, str] = {}
    wanted = sorted(row_ids)
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        part = wanted[start : start + _IDS_AT_ONCE]
        values = {f"row_{number}": row_id for number, row_id in enumerate(part)}
        found.update(_closings_of(len(part))(connection, upto=upto, **table._asdict(), **values).fetchall())
    return found


@cache
def _closings_of(count: int) -> Statement:
    names = ", ".join(f":row_{number}" for number in range(count))
    return Statement(
        "SELECT c.row_id, c.last_day FROM reference_closings c "  # noqa: S608 - numbers
        "JOIN reference_editions e ON e.change_id = c.change_id "
        f"WHERE c.table_id = ({_TABLE}) AND c.row_id IN ({names}) AND e.number <= :upto ORDER BY e.number, c.seq"
    )


def find_base(connection: Connection, digest: str) -> bytes | None:
    """What was kept under that digest with `keep_base`."""
    found = _base(connection, digest=digest).fetchone()
    return bytes(found[0]) if found else None


def find_list(connection: Connection, name: str, upto: int) -> tuple[int, bytes] | None:
    """The list of that name as it stood at an edition, with the edition that brought it; None when none has."""
    found = _list(connection, name=name, upto=upto).fetchone()
    return (found[0], bytes(found[1])) if found else None


def lists_between(connection: Connection, after: int, upto: int) -> tuple[str, ...]:
    """The names of the lists that the editions after one and up to another brought as a whole."""
    return tuple(row[0] for row in _lists(connection, after=after, upto=upto).fetchall())


def _to_key(values: Any) -> TableKey:
    return TableKey(RowKind(values[0]), values[1], values[2], values[3])


def _to_edition(values: Any) -> Edition:
    number, made_at, author, reason, kind, effective_on, source, added, closed, release_limit = values
    return Edition(
        number=number,
        made_at=from_text(made_at),
        author=author,
        reason=reason,
        kind=kind,
        effective_on=effective_on,
        source=source,
        added=added,
        closed=closed,
        release_limit=release_limit,
    )
