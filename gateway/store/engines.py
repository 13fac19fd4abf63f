"""Database URLs and the engines made from them, with every guarantee switched on."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import ConfigurationError

__all__ = ["database_file", "for_reading", "make_engine", "parse_url"]

_OLDEST_SQLITE = (3, 35, 0)
"""The first with RETURNING."""

_BUSY_MILLISECONDS = 5_000
_CHECKPOINT_PAGES = 4_000
"""16 MB of write-ahead log between checkpoints: each costs some fsyncs, so not every hundred messages."""


def parse_url(url: str) -> URL:
    """A database URL that this store can use; ``postgresql://`` means psycopg.

    Raises:
        ConfigurationError: IMG-0113, not such a URL, or a SQLite database that is no file or a library too old.
    """
    expected = "sqlite:///path/to/file.db or postgresql://user@host/database"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError("IMG-0113", where="store.url", expected=expected) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError("IMG-0113", where="store.url", found=parsed.drivername, expected=expected)
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ConfigurationError("IMG-0113", found=f"SQLite {sqlite3.sqlite_version}", expected="SQLite 3.35 or later")
    return parsed


def database_file(url: URL) -> Path | None:
    """The file of a SQLite URL, None for PostgreSQL."""
    if url.get_backend_name() != "sqlite":
        return None
    assert url.database is not None
    return Path(url.database)


def make_engine(url: URL, *, pool_size: int, pool_timeout: float, read_only: bool = False) -> Engine:
    """An engine whose connections keep the promises of ARCHITECTURE section 7.

    SQLite: write-ahead log, a flush to disk per commit, foreign keys on, transactions begun by us. PostgreSQL: commits
    wait for the disk whatever the server's default, READ COMMITTED (units of work rely on constraints, not on it),
    and no statement or idle transaction may hold locks for ever.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, pool_size, pool_timeout, read_only=read_only)
    options = (
        "-c synchronous_commit=on -c statement_timeout=30000 -c lock_timeout=10000 "
        "-c idle_in_transaction_session_timeout=60000"
    )
    if read_only:
        options += " -c default_transaction_read_only=on"
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": 5, "application_name": "imsoc-gateway"},
    )


def for_reading(engine: Engine) -> Engine:
    """The same connections for transactions that read one moment.

    SQLite shows a transaction one moment anyway. PostgreSQL is told with the BEGIN that is sent in any case, and the
    pool sets the connection back.
    """
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite_engine(url: URL, pool_size: int, pool_timeout: float, *, read_only: bool) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        connect_args={"check_same_thread": False, "timeout": _BUSY_MILLISECONDS / 1_000, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _promises(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=MEMORY")  # savepoints keep old pages: not in a file each time
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The writer runs in driver autocommit and begins its groups itself; a read has begun before it is used.
        driver: Any = connection.connection.driver_connection
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT" and not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")

    return engine
