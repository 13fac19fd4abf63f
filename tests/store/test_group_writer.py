"""Group commit: units are isolated from each other, and no caller hears of success before the disk does."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from gateway.errors import Unavailable
from gateway.store import Undo, open_store, record_audit
from gateway.store import writer as writer_module
from gateway.store.finders import find_audit


@pytest.fixture
def store(sqlite_url):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield opened


@contextmanager
def one_group(store, size):
    """Holds the writer until ``size`` more units wait, so that they are committed together."""
    started, go = threading.Event(), threading.Event()

    def hold(_connection):
        started.set()
        go.wait(10)

    with ThreadPoolExecutor(size + 1) as pool:
        pool.submit(store.write, hold)
        started.wait(10)
        yield pool
        while len(store._writer._queue) < size:
            threading.Event().wait(0.001)
        go.set()


def note(subject, now, *, error=None):
    def unit(connection):
        record_audit(connection, at=now, actor="a", action="b", subject=subject)
        if error is not None:
            raise error
        return subject

    return unit


def noted(store, subject):
    with store.read() as connection:
        return len(find_audit(connection, subject))


def test_a_unit_that_fails_takes_no_other_with_it(store, now):
    with one_group(store, 3) as pool:
        first = pool.submit(store.write, note("first", now))
        failing = pool.submit(store.write, note("failing", now, error=LookupError("mine")))
        last = pool.submit(store.write, note("last", now))

    assert (first.result(), last.result()) == ("first", "last")
    with pytest.raises(LookupError, match="mine"):
        failing.result()
    assert [noted(store, subject) for subject in ("first", "failing", "last")] == [1, 0, 1]


def test_undo_returns_its_result_and_leaves_nothing(store, now):
    assert store.write(note("undone", now, error=Undo("why"))) == "why"
    assert noted(store, "undone") == 0


class _Driver:
    """The writer's connection; its second commit from now fails."""

    def __init__(self, driver):
        self._driver = driver
        self._commits = 0

    def __getattr__(self, name):
        return getattr(self._driver, name)

    def execute(self, sql, *arguments):
        self._commits += sql == "COMMIT"
        if sql == "COMMIT" and self._commits == 2:
            raise sqlite3.OperationalError("database or disk is full")
        return self._driver.execute(sql, *arguments)


def test_a_commit_that_fails_fails_every_unit_of_its_group(store, now):
    with one_group(store, 2) as pool:
        store._writer._driver = _Driver(store._writer._driver)
        units = [pool.submit(store.write, note(subject, now)) for subject in ("one", "two")]

    for unit in units:
        with pytest.raises(Unavailable) as refused:
            unit.result()
        assert refused.value.code == "IMG-9001"
    assert [noted(store, subject) for subject in ("one", "two")] == [0, 0]
    assert store.write(note("after", now)) == "after"


def test_a_transaction_that_sqlite_ended_by_itself_fails_the_units_before_it_too(store, now):
    def disk_full(connection):
        connection.connection.driver_connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    with one_group(store, 2) as pool:
        before = pool.submit(store.write, note("before", now))
        while len(store._writer._queue) < 1:
            threading.Event().wait(0.001)
        ending = pool.submit(store.write, disk_full)

    for unit in (before, ending):
        with pytest.raises(Unavailable):
            unit.result()
    assert noted(store, "before") == 0
    assert store.write(note("after", now)) == "after"


def test_a_full_queue_says_busy_at_once(store, now, monkeypatch):
    monkeypatch.setattr(writer_module, "MAX_QUEUE", 2)
    with one_group(store, 2) as pool:
        waiting = [pool.submit(store.write, note(subject, now)) for subject in ("one", "two")]
        while len(store._writer._queue) < 2:
            threading.Event().wait(0.001)
        with pytest.raises(Unavailable) as refused:
            store.write(note("three", now))
    assert refused.value.code == "IMG-9001"
    assert [unit.result() for unit in waiting] == ["one", "two"]


def test_closing_finishes_what_is_queued_and_takes_no_more(store, now):
    with one_group(store, 1) as pool:
        queued = pool.submit(store.write, note("queued", now))
    store.close()
    assert queued.result() == "queued"
    with pytest.raises(Unavailable):
        store.write(note("late", now))


def test_every_commit_is_flushed(store):
    settings = ("journal_mode", "synchronous", "foreign_keys")
    found = store.write(lambda c: [c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in settings])
    assert found == ["wal", 2, 1]
