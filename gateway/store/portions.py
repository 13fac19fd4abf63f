"""Rows with bytes in them that may be many megabytes.

As a parameter SQLite has a large value in memory twice more: copied, and in the row that it makes of it. So the row is
made with room for it, which takes none, and the room is filled in portions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

__all__ = ["LARGE", "InsertLarge"]

LARGE: Final = 1 << 20
"""Bytes of a value that is written in portions of this size."""


class InsertLarge:
    """INSERT into a table whose last columns hold bytes of any length.

    Args:
        table: has a rowid on SQLite.
        columns: these, its last: SQLite makes room without memory only where nothing but room follows.
    """

    def __init__(self, table: Table, *columns: str) -> None:
        names = [column.name for column in table.columns]
        if tuple(names[-len(columns) :]) != columns:
            raise AssertionError(f"not the last columns of {table.name}: {columns}")
        values = ", ".join(f"zeroblob(:{name})" if name in columns else f":{name}" for name in names)
        self._table = table.name
        self._columns = columns
        self._whole = insert(table)
        self._room = Statement(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values}) RETURNING rowid")  # noqa: S608 - names come from the table definition

    def __call__(self, connection: Connection, /, **values: Any) -> None:
        """Run it in the connection's transaction."""
        given = [values[name] for name in self._columns]
        if connection.dialect.name != "sqlite" or None in given or max(map(len, given)) <= LARGE:
            self._whole(connection, **values)
            return
        sizes = {name: len(values[name]) for name in self._columns}
        ((rowid,),) = self._room(connection, **{**values, **sizes}).fetchall()
        driver: Any = connection.connection.driver_connection
        for name, data in zip(self._columns, given, strict=True):
            with driver.blobopen(self._table, name, rowid) as blob:
                for start in range(0, len(data), LARGE):
                    blob.write(data[start : start + LARGE])
