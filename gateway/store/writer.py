"""Group commit for SQLite: one thread writes, a savepoint isolates each unit of work, one flush serves many.

Several writing connections gain nothing on SQLite and wait unfairly; one writer that takes whatever has queued up
during the last flush reaches several times the rate (STACK.md, "Store and queue").
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy.exc import DBAPIError

from gateway.errors import Unavailable
from gateway.faultpoints import reach

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

__all__ = ["GroupWriter", "Undo"]

MAX_BATCH = 64
"""Units per flush: bounds how long the first of them waits for the last."""

MAX_QUEUE = 1_024
"""Units waiting; beyond it the gateway says that it is busy instead of growing."""

_CACHE_KIB = 16_384
"""Pages that the writer keeps: the upper levels of every index; the system's own cache holds the rest."""


class Undo(Exception):
    """Raised inside a unit of work: undo what the unit did, and let ``write`` return ``result``."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


class _Unit:
    """One function to run, and the caller waiting for it."""

    __slots__ = ("committed", "done", "error", "function", "result")

    def __init__(self, function: Callable[[Connection], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self.committed = False
        # A bare lock, held until the unit is finished: the cheapest way for one thread to wait for another.
        self.done = threading.Lock()
        self.done.acquire()


class GroupWriter:
    """The one thread that writes to a SQLite database.

    Args:
        engine: gives the writer its connection.
        announce: called after each flush in which a unit set ``connection.info["announce"]``.
    """

    def __init__(self, engine: Engine, announce: Callable[[], None]) -> None:
        self._announce = announce
        self._queue: deque[_Unit] = deque()
        self._mutex = threading.Lock()
        self._work = threading.Condition(self._mutex)
        self._closed = False
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._driver = cast("sqlite3.Connection", self._connection.connection.driver_connection)
        self._driver.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def write(self, function: Callable[[Connection], Any]) -> Any:
        """Run ``function`` in the next group; return its result once it is on the disk.

        Raises:
            Unavailable: IMG-9001, the queue is full or the group could not be committed; nothing was kept.
        """
        unit = _Unit(function)
        with self._mutex:
            if self._closed or len(self._queue) >= MAX_QUEUE:
                raise Unavailable("IMG-9001", where="store.writer", found="closed" if self._closed else "queue full")
            self._queue.append(unit)
            self._work.notify()
        unit.done.acquire()
        if unit.error is not None:
            raise unit.error
        return unit.result

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._mutex:
            self._closed = True
            self._work.notify()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._commit(batch)
            except BaseException as error:  # noqa: BLE001 - whatever it was, nobody may wait for ever
                self._fail(batch, error)
            finally:
                while batch:  # nothing is held while the next one is waited for: a unit may be many megabytes
                    batch.pop().done.release()

    def _next(self) -> list[_Unit]:
        """What has queued up, at least one unit; empty when closed and drained."""
        with self._mutex:
            while not self._queue and not self._closed:
                self._work.wait()
            return [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]

    def _commit(self, batch: list[_Unit]) -> None:
        self._driver.execute("BEGIN IMMEDIATE")
        for unit in batch:
            self._attempt(unit)
        reach("commit.before")
        self._driver.execute("COMMIT")
        reach("commit.after")
        if self._connection.info.pop("announce", False):
            self._announce()

    def _attempt(self, unit: _Unit) -> None:
        """Run one unit between savepoints.

        SQLite ends the whole transaction by itself on some errors (disk full, I/O); then the units before this one
        are gone too, and the error goes on to `_run`, which fails all of them.
        """
        self._driver.execute("SAVEPOINT unit")
        try:
            unit.result = unit.function(self._connection)
        except BaseException as error:
            if not self._driver.in_transaction:
                raise
            self._driver.execute("ROLLBACK TO unit")
            if isinstance(error, Undo):
                unit.result = error.result
            else:
                unit.error = _gateways_own(error)
        self._driver.execute("RELEASE unit")

    def _fail(self, batch: list[_Unit], error: BaseException) -> None:
        """Nothing of the batch was kept; those that had failed on their own keep their own reason."""
        self._connection.info.pop("announce", None)
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")
        for unit in batch:
            unit.error = unit.error or _unavailable(error)


def _gateways_own(error: BaseException) -> BaseException:
    """A database that cannot be written is Unavailable; any other error is the unit's own."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return _unavailable(error) if isinstance(error, sqlite3.OperationalError) else error


def _unavailable(error: BaseException) -> Unavailable:
    refusal = Unavailable("IMG-9001", where="store.writer")
    refusal.__cause__ = error
    return refusal
