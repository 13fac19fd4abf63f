"""A position that is not the sum of its entries is found, whatever was changed past the gateway."""

from __future__ import annotations

import pytest
from sqlalchemy import NullPool, create_engine, text
from store_ledgers import A, B, line, movement

from gateway.store import LedgerTrouble, check_ledgers
from gateway.store.engines import parse_url


@pytest.fixture
def manipulate(store_url):
    """SQL as of somebody who owns the database: without triggers and foreign keys."""
    engine = create_engine(parse_url(store_url), poolclass=NullPool)

    def run(statement):
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            else:
                names = connection.execute(
                    text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ledger%'")
                )
                for (name,) in names.all():
                    connection.execute(text(f"DROP TRIGGER {name}"))
            assert connection.execute(text(statement)).rowcount

    yield run
    engine.dispose()


@pytest.fixture
def reference(ledgers):
    """A ledger with everything in it: two lines, a hold, a consumption, something carried."""
    made = ledgers.open(1, line(1), line(2, 50))
    ledgers.move(made, movement("reserved", 300), movement("reserved", 5, line=2), movement("reserved", 7, B))
    ledgers.move(made, movement("consumed", 7, B), movement("carried", 100, None))
    ledgers.move(made, movement("returned", 300), movement("reserved", 310))
    return made


def troubles(store):
    with store.read() as connection:
        ids, found = check_ledgers(connection)
    assert len(ids) == 1
    return [(each.line, each.declaration, each.goods_item, each.found, each.expected) for each in found]


def test_nothing_is_found_where_only_the_gateway_wrote(store, reference):
    assert troubles(store) == []


MANIPULATED = {
    "UPDATE ledger_lines SET certified = 2000 WHERE line = 1": [
        (
            1,
            None,
            0,
            "certified 2000, carried 100, reserved 310, consumed 7",
            "certified 1000, carried 100, reserved 310, consumed 7",
        )
    ],
    "UPDATE ledger_lines SET carried = 0 WHERE line = 1": [
        (
            1,
            None,
            0,
            "certified 1000, reserved 310, consumed 7",
            "certified 1000, carried 100, reserved 310, consumed 7",
        )
    ],
    "UPDATE ledger_lines SET reserved = 0 WHERE line = 2": [
        (2, None, 0, "certified 50", "certified 50, reserved 5"),
    ],
    "UPDATE ledger_lines SET consumed = 8 WHERE line = 1": [
        (
            1,
            None,
            0,
            "certified 1000, carried 100, reserved 310, consumed 8",
            "certified 1000, carried 100, reserved 310, consumed 7",
        )
    ],
    "DELETE FROM ledger_lines WHERE line = 2": [(2, None, 0, "nothing", "certified 50, reserved 5")],
    "UPDATE ledger_allocations SET quanta = 4 WHERE line = 2": [(2, A, 1, "reserved 4", "reserved 5")],
    "UPDATE ledger_allocations SET state = 'reserved' WHERE state = 'consumed'": [
        (1, B, 1, "reserved 7", "consumed 7")
    ],
    "DELETE FROM ledger_allocations WHERE line = 2": [(2, A, 1, "nothing", "reserved 5")],
    "UPDATE ledger_allocations SET goods_item = 2 WHERE line = 2": [
        (2, A, 1, "nothing", "reserved 5"),
        (2, A, 2, "reserved 5", "nothing"),
    ],
    "DELETE FROM ledger_entries WHERE kind = 'carried'": [
        (
            1,
            None,
            0,
            "certified 1000, carried 100, reserved 310, consumed 7",
            "certified 1000, reserved 310, consumed 7",
        )
    ],
    "UPDATE ledger_entries SET quanta = 6 WHERE line = 2 AND kind = 'reserved'": [
        (2, None, 0, "certified 50, reserved 5", "certified 50, reserved 6"),
        (2, A, 1, "reserved 5", "reserved 6"),
    ],
    "DELETE FROM ledger_entries WHERE line = 2 AND kind = 'certified'": [
        (2, None, 0, "certified 50, reserved 5", "reserved 5")
    ],
}


@pytest.mark.parametrize("statement", MANIPULATED)
def test_what_was_changed_past_the_gateway_is_found(store, reference, manipulate, statement):
    manipulate(statement)
    assert troubles(store) == MANIPULATED[statement]


def test_pages_end_and_each_ledger_is_in_one(ledgers, store, manipulate):
    made = [ledgers.state(ledgers.open(number)).ched_id for number in range(1, 6)]
    manipulate(f"UPDATE ledger_lines SET certified = 1 WHERE ched_id = '{sorted(made)[3]}'")
    pages, found, after = [], [], ""
    with store.read() as connection:
        while True:
            ids, troubled = check_ledgers(connection, after=after, limit=2)
            if not ids:
                break
            pages.append(ids)
            found.append(troubled)
            after = ids[-1]
    assert [each for page in pages for each in page] == sorted(made)
    assert [len(page) for page in pages] == [2, 2, 1]
    (trouble,) = found[1]
    assert isinstance(trouble, LedgerTrouble)
    assert trouble.ched_id == sorted(made)[3]
    assert found[0] == found[2] == []
