"""One store, two databases: `open_store` gives the same promises on both.

- ``write(fn)`` runs ``fn`` in a transaction and returns after the commit is on the disk; what ``fn`` did is there as a
  whole or not at all.
- Invariants are constraints, so they hold however many processes share a PostgreSQL database.
- On SQLite one process serves: a second one that opens the file exclusively is refused.
"""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.errors import ConfigurationError, Unavailable
from gateway.faultpoints import reach
from gateway.store.engines import database_file, for_reading, make_engine, parse_url
from gateway.store.lock import InstanceLock
from gateway.store.schema import require_current
from gateway.store.turns import Turns
from gateway.store.writer import GroupWriter, Undo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import URL, Connection

__all__ = ["Store", "open_store"]

T = TypeVar("T")

_POOL_SIZE = 16
_POOL_TIMEOUT_SECONDS = 5.0
_MAX_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.005


class Store:
    """Where everything that must survive is kept. Made by `open_store`; safe to share between threads, not forks."""

    def __init__(self, url: URL, *, exclusive: bool, read_only: bool) -> None:
        file = database_file(url)
        if file is not None and not file.exists():
            raise ConfigurationError("IMG-0111", where="store.url", found="no such file", expected=str(file))
        self._lock = InstanceLock(file) if file and exclusive else None
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._read_only = read_only
        self.dialect = url.get_backend_name()
        self._engine = make_engine(url, pool_size=_POOL_SIZE, pool_timeout=_POOL_TIMEOUT_SECONDS, read_only=read_only)
        self._reading = for_reading(self._engine)
        self._writer: GroupWriter | None = None
        try:
            with _database_errors(), self._engine.connect() as connection:
                require_current(connection)
            if file and not read_only:
                self._writer = GroupWriter(self._engine, self._announce)
            self._turns = Turns(_POOL_SIZE - (self._writer is not None), _POOL_TIMEOUT_SECONDS)
        except BaseException:
            self.close()
            raise

    def write(self, function: Callable[[Connection], T]) -> T:
        """Run a unit of work and return its result after the durable commit.

        ``function`` must not call `write` or keep the connection. On PostgreSQL it may run more than once (a deadlock
        or serialisation failure undoes it and it is tried again), so it must not have effects outside the database.
        It may raise `Undo` to leave without a trace but with a result.

        Raises:
            Unavailable: IMG-9001, nothing was kept as far as this process can know.
            Whatever ``function`` raises: nothing was kept.
        """
        if self._read_only:
            raise ConfigurationError("IMG-0114")
        if self._writer is not None:
            result: T = self._writer.write(function)
            return result
        return self._write_shared(function)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment, that of its first statement, however many follow; no writer waits for it.

        Leave it before waiting for anything: it sees nothing that is committed meanwhile, and the database keeps for
        it what has changed. What is written through it is refused (PostgreSQL) or undone (SQLite).

        Raises:
            Unavailable: IMG-9001, the database does not answer.
        """
        with _database_errors(), self._turns, self._reading.connect() as connection:
            if self.dialect == "sqlite":  # psycopg begins by itself, with the level of the engine's option
                driver: Any = connection.connection.driver_connection
                driver.execute("BEGIN")
            yield connection  # the pool ends the transaction when it takes the connection back

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each commit in this process that added deliveries; returns how to stop that.

        It runs in the committing thread: it must only set a flag.
        """
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def close(self) -> None:
        """Finish queued writes, close connections, let go of the instance lock."""
        if self._writer is not None:
            self._writer.close()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _announce(self) -> None:
        for listener in self._listeners:
            listener()

    def _write_shared(self, function: Callable[[Connection], T]) -> T:
        """PostgreSQL: a transaction of its own, tried again when the database chose it as a deadlock's victim."""
        for attempt in range(_MAX_TRIES):
            if attempt:
                pause = _FIRST_PAUSE_SECONDS * 2**attempt
                time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads retries, guards nothing
            with _database_errors(), self._turns, self._engine.connect() as connection:
                try:
                    with connection.begin():
                        result = function(connection)
                        announce = connection.info.pop("announce", False)
                        reach("commit.before")
                    reach("commit.after")
                except Undo as undo:
                    connection.info.pop("announce", None)
                    undone: T = undo.result
                    return undone
                except BaseException as error:
                    connection.info.pop("announce", None)
                    if _is_rival(error):
                        continue
                    raise
            if announce:
                self._announce()
            return result
        raise Unavailable("IMG-9001", where="store", found=f"{_MAX_TRIES} deadlocks in a row")


def open_store(url: str, *, exclusive: bool, read_only: bool = False) -> Store:
    """Open a store whose schema is current.

    Args:
        url: ``sqlite:///file`` or ``postgresql://…``.
        exclusive: for a process that serves or delivers: on SQLite it takes the instance lock. Without it the store is
            opened beside a serving process, for reading and for an operator's occasional write.
        read_only: refuse writes, here and in the database session.

    Raises:
        ConfigurationError: IMG-0110 another process serves, IMG-0111 the schema is not current, IMG-0113 the URL.
        Unavailable: IMG-9001, the database does not answer.
    """
    return Store(parse_url(url), exclusive=exclusive, read_only=read_only)


_LIMIT_EXCEEDED: Final = "54"
"""SQLSTATE class: an index row that is too long, too many columns."""


def _is_rival(error: BaseException) -> bool:
    """Whether a concurrent transaction made this one fail, so that trying again is right."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


@contextmanager
def _database_errors() -> Iterator[None]:
    """A database that is away, full or too slow is `Unavailable`.

    A broken constraint, and a value that is beyond what the database can take, stay what they are: trying again cannot
    help, and nobody else's writes suffer from it.
    """
    try:
        yield
    except (DBAPIError, PoolTimeout, psycopg.Error, sqlite3.Error) as error:
        cause: Any = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        if isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith(_LIMIT_EXCEEDED):
            raise
        if isinstance(cause, psycopg.OperationalError | sqlite3.OperationalError | SQLAlchemyError):
            raise Unavailable("IMG-9001", where="store") from error
        raise
