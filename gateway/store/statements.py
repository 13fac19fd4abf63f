"""Prepared SQL for the hot path: written once, run on either driver with a plain execute.

Both sqlite3 and psycopg connections have ``execute(sql, params)`` and both databases read the same SQL as long as it
keeps to what they share (``ON CONFLICT DO NOTHING``, ``RETURNING``); only the placeholders differ. Going round
SQLAlchemy's execution context here saves about half the CPU of a submission; every colder path uses Core.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

__all__ = ["Rows", "Statement", "insert"]

_PLACEHOLDER = re.compile(r":(\w+)")


class Rows(Protocol):
    """What both drivers give back."""

    rowcount: int

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""


class Statement:
    """One SQL text with ``:name`` placeholders."""

    __slots__ = ("_postgresql", "_sqlite")

    def __init__(self, sql: str) -> None:
        self._sqlite = sql
        self._postgresql = _PLACEHOLDER.sub(r"%(\1)s", sql)

    def __call__(self, connection: Connection, /, **values: Any) -> Rows:
        """Run it in the connection's transaction.

        Raises:
            sqlite3.Error, psycopg.Error: the driver's own; `Store.write` turns them into the gateway's.
        """
        driver: Any = connection.connection.driver_connection
        rows: Rows = driver.execute(self.text(connection), values)
        return rows

    def many(self, connection: Connection, /, values: Sequence[dict[str, Any]]) -> int:
        """Run it once for each of them, in their order and without waiting for each; how many rows it changed in all.

        Raises:
            sqlite3.Error, psycopg.Error: as above, of the first that fails.
        """
        if not values:
            return 0
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        try:
            cursor.executemany(self.text(connection), values)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def text(self, connection: Connection) -> str:
        """The SQL with the placeholders of that connection's driver."""
        return self._sqlite if connection.dialect.name == "sqlite" else self._postgresql


def insert(table: Table, *, otherwise: str = "") -> Statement:
    """INSERT of every column except an autoincrement key, with ``otherwise`` (an ON CONFLICT clause) after it."""
    names = [column.name for column in table.columns if column is not table.autoincrement_column]
    values = ", ".join(f":{name}" for name in names)
    return Statement(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values}) {otherwise}".rstrip())  # noqa: S608 - names come from the table definition
