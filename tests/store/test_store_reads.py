"""A read sees one moment, whatever it asks with; it holds up no write and leaves nothing behind on its connection."""

from __future__ import annotations

from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import text

from gateway.errors import Unavailable
from gateway.store import record_audit
from gateway.store.statements import Statement

_count = Statement("SELECT count(*) FROM audit")


class Own(Exception):
    """A reader's own error."""


def add(store, now):
    store.write(lambda c: record_audit(c, at=now, actor="a", action="b", subject="c"))


def counted(connection):
    return _count(connection).fetchone()[0]


def as_text(connection):
    return connection.execute(text("SELECT count(*) FROM audit")).scalar_one()


@pytest.mark.parametrize("look", [counted, as_text])
def test_two_looks_in_one_read_see_one_moment_and_the_write_between_them_does_not_wait(store, now, look):
    with store.read() as connection:
        before = look(connection)
        add(store, now)
        assert (look(connection), counted(connection), as_text(connection)) == (before,) * 3
    with store.read() as connection:
        assert look(connection) == before + 1


def test_two_reads_at_once_each_see_their_own_moment(store, now):
    with store.read() as older:
        first = counted(older)
        add(store, now)
        with store.read() as newer:
            assert (counted(newer), counted(older)) == (first + 1, first)


def read_and_leave(store):
    with store.read() as connection:
        counted(connection)


def read_in_both_ways_and_leave(store):
    with store.read() as connection:
        counted(connection)
        as_text(connection)


def leave_before_the_first_look(store):
    with store.read():
        pass


def fail_with_an_own_error(store):
    with suppress(Own), store.read() as connection:
        counted(connection)
        raise Own


def fail_in_the_database(store):
    with suppress(Unavailable, psycopg.Error), store.read() as connection:
        counted(connection)
        Statement("SELECT nothing FROM nowhere")(connection)


@pytest.mark.parametrize(
    "read",
    [
        read_and_leave,
        read_in_both_ways_and_leave,
        leave_before_the_first_look,
        fail_with_an_own_error,
        fail_in_the_database,
    ],
)
def test_a_read_leaves_no_transaction_open_and_no_level_behind(store, held, now, read):
    add(store, now)
    read(store)
    assert not held()
    add(store, now)  # on PostgreSQL with the connection of the read
    with store.read() as connection:
        assert counted(connection) == 2
    if store.dialect == "postgresql":
        ask = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
        assert tuple(store.write(lambda c: c.exec_driver_sql(ask).one())) == ("read committed", "off")


def test_an_open_read_is_seen_as_such(store, held, now):
    """Else the test before could not fail."""
    with store.read() as connection:
        counted(connection)
        add(store, now)
        assert held()


def test_what_is_written_through_a_read_is_not_kept(store):
    add_one = Statement("INSERT INTO audit (at, actor, action, subject, detail) VALUES ('', '', '', '', '{}')")
    try:
        with store.read() as connection:
            add_one(connection)
    except psycopg.errors.ReadOnlySqlTransaction:
        assert store.dialect == "postgresql"
    with store.read() as connection:
        assert counted(connection) == 0
