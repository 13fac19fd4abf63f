"""What only PostgreSQL does: deadlocks, lost connections, sessions that must not hang."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import ConfigurationError, Unavailable
from gateway.store import open_store, record_audit
from gateway.store.finders import find_audit
from gateway.store.partners import save_partner


def test_a_deadlock_is_tried_again_and_both_units_count_once(pg_url, now):
    met = threading.Barrier(2)
    tries = []

    def crossing(own, other):
        def unit(connection):
            tries.append(own)
            save_partner(connection, own, {}, author=own, now=now)
            if len(tries) <= 2:
                met.wait(10)
            save_partner(connection, other, {}, author=own, now=now)

        return unit

    with open_store(pg_url, exclusive=True) as store:
        store.write(lambda c: [save_partner(c, name, {}, author="op", now=now) for name in ("a", "b")])
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(store.write, [crossing("a", "b"), crossing("b", "a")]))
        assert len(tries) > 2
        with store.read() as connection:
            assert len(find_audit(connection, "a")) == len(find_audit(connection, "b")) == 3


def test_a_connection_that_is_cut_is_unavailable_and_the_next_one_works(pg_url, now):
    def cut(connection):
        record_audit(connection, at=now, actor="a", action="b", subject="cut")
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with open_store(pg_url, exclusive=True) as store:
        with pytest.raises(Unavailable) as refused:
            store.write(cut)
        assert refused.value.code == "IMG-9001"
        store.write(lambda c: record_audit(c, at=now, actor="a", action="b", subject="after"))
        with store.read() as connection:
            assert [len(find_audit(connection, subject)) for subject in ("cut", "after")] == [0, 1]


def test_sessions_wait_for_the_disk_and_not_for_ever(pg_url):
    settings = ("synchronous_commit", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with open_store(pg_url, exclusive=True) as store:
        found = store.write(lambda c: [c.exec_driver_sql(f"SHOW {name}").scalar() for name in settings])
    assert found == ["on", "30s", "10s", "1min"]


def test_a_store_opened_for_reading_does_not_write(store_url):
    with open_store(store_url, exclusive=False, read_only=True) as store:
        with pytest.raises(ConfigurationError) as refused:
            store.write(lambda _: None)
        assert refused.value.code == "IMG-0114"
        with store.read() as connection, pytest.raises(Exception, match=r"(?i)read.?only"):
            connection.exec_driver_sql("DELETE FROM partners")
