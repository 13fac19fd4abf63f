"""Gateways whose tables an operator can change while they run, and messages with codes that nobody knows."""

from __future__ import annotations

from datetime import UTC, datetime

from exchange_harness import Caller

from gateway.exchange import Quarantine
from gateway.sandbox.samples import certificate
from gateway.store import (
    NewRow,
    QuarantineQuery,
    RowKind,
    TableKey,
    add_closings,
    add_rows,
    begin_change,
    gaps_of,
    get_quarantine,
    latest_edition,
    list_quarantine,
    publish_change,
)
from mappings import load_tables
from mappings.live import LiveTables

PACKAGES = TableKey(RowKind.MAP, "ephyto", "package")


def follow_changes(gateway):
    """The gateway looks for new editions with every question."""
    context = gateway.context
    tables = LiveTables(load_tables(), context.store, look_every=0)
    object.__setattr__(context, "index", tables)
    return tables


def publish(store, *rows, closings=(), release_limit=0, at=None, reason="a row"):
    """Publish rows as an edition, as an operator does; returns its number."""
    at = at or datetime.now(UTC)
    change = store.write(lambda connection: begin_change(connection, at=at, author="operator"))
    store.write(lambda connection: (add_rows(connection, change, rows), add_closings(connection, change, closings)))
    with store.read() as connection:
        expected = latest_edition(connection)
    edition = store.write(
        lambda connection: publish_change(
            connection,
            change,
            expected=expected,
            at=at,
            author="operator",
            reason=reason,
            kind="change",
            effective_on=at.date().isoformat(),
            release_limit=release_limit,
        )
    )
    assert edition is not None
    return edition.number


def package(code, canonical="BX", **changes):
    """The row that makes a package code of an ePhyto known."""
    return NewRow(
        table=PACKAGES,
        code=code,
        canonical=canonical,
        direction="in",
        loss="widens",
        text="as the test says",
        **changes,
    )


def with_codes(world, *codes, number, **arguments):
    """A sealed certificate with a line for each package code."""
    document = certificate(lines=len(codes), number=number, **arguments)
    for code in codes:
        document = document.replace(b"<ram:TypeCode>BX<", f"<ram:TypeCode>{code}<".encode(), 1)
    return world.sealed(document)


class Keeper:
    """A gateway with a partner whose messages are held, seen by its operator."""

    def __init__(self, world, gateway, username="ar"):
        self.world = world
        self.gateway = gateway
        self.context = gateway.context
        self.store = gateway.context.store
        self.tables = follow_changes(gateway)
        self.caller = Caller(world, gateway, username)
        self.quarantine = Quarantine(self.context)

    def publish(self, *rows, **changes):
        return publish(self.store, *rows, at=self.world.now, **changes)

    def held(self, **query):
        with self.store.read() as connection:
            return list_quarantine(connection, QuarantineQuery(oldest_first=True, **query))

    def entry(self, quarantine_id):
        with self.store.read() as connection:
            return get_quarantine(connection, quarantine_id)

    def gaps(self, quarantine_id):
        with self.store.read() as connection:
            return gaps_of(connection, quarantine_id)

    def count(self, table):
        with self.store.read() as connection:
            return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
