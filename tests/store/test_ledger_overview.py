"""What an operator sees of all ledgers at once, and one ledger that is added up by itself; on both databases."""

from datetime import timedelta

import pytest

from gateway.store import (
    Declaration,
    DeclarationType,
    EntryKind,
    LedgerChange,
    LedgerLineRow,
    Movement,
    apply_change,
    check_ledger,
    freeze_ledger,
    frozen_ledgers,
    lock_ledger,
    old_holds,
    open_ledger,
    open_store,
    record_ched,
)

LINE = LedgerLineRow(number=1, code="0401", unit="KGM", dimension="weight", certified=1000)
LRN = Declaration(DeclarationType.LRN, "L1")


@pytest.fixture
def store(store_url):
    with open_store(store_url, exclusive=True) as opened:
        yield opened


@pytest.fixture
def opened(store, make_ched, make_write, now):
    """Two CHEDs with ledgers: (id, reference) of each."""
    found = []
    for number in (1, 2):
        write = make_write(make_ched(number, status_code="70"))
        store.write(lambda connection, write=write: record_ched(connection, write))
        store.write(lambda connection, write=write: open_ledger(connection, write.row.id, [LINE], now))
        found.append((write.row.id, write.row.reference))
    return found


def hold(store, ched, declaration, at, kind=EntryKind.RESERVED, goods_item=1):
    movement = Movement(
        kind=kind,
        line=1,
        quanta=100,
        declaration=declaration,
        goods_item=goods_item,
        quantity="0.1",
        unit="GRM",
        class_code="040100",
        office="NL000396",
        event_at=at,
    )

    def unit(connection):
        lock_ledger(connection, ched[1])
        apply_change(connection, LedgerChange(ched_id=ched[0], at=at, partner="p", movements=(movement,)))

    store.write(unit)


def test_frozen_ledgers_are_found_with_the_reason(store, opened, now):
    with store.read() as connection:
        assert frozen_ledgers(connection, "70") == []
    store.write(lambda connection: freeze_ledger(connection, opened[1][0], "does not add up", at=now, actor="operator"))
    with store.read() as connection:
        assert frozen_ledgers(connection, "70") == [(opened[1][1], "does not add up")]
        assert frozen_ledgers(connection, "64") == []
    store.write(lambda connection: freeze_ledger(connection, opened[1][0], "", at=now, actor="operator"))
    with store.read() as connection:
        assert frozen_ledgers(connection, "70") == []


def test_old_holds_are_found_once_per_declaration_and_ched(store, opened, now):
    old = now - timedelta(days=40)
    hold(store, opened[0], LRN, old)
    hold(store, opened[0], LRN, old + timedelta(days=1), goods_item=2)
    hold(store, opened[1], LRN, old - timedelta(days=1))
    hold(store, opened[0], Declaration(DeclarationType.LRN, "L2"), now)
    hold(store, opened[0], Declaration(DeclarationType.MRN, "L1"), old)
    with store.read() as connection:
        found = old_holds(connection, DeclarationType.LRN, now - timedelta(days=30))
        assert found == [(opened[1][1], LRN, old - timedelta(days=1)), (opened[0][1], LRN, old)]
        assert old_holds(connection, DeclarationType.LRN, now - timedelta(days=30), limit=1) == found[:1]


def test_what_was_consumed_is_no_hold(store, opened, now):
    old = now - timedelta(days=40)
    hold(store, opened[0], LRN, old)
    hold(store, opened[0], LRN, old, kind=EntryKind.CONSUMED)
    with store.read() as connection:
        assert old_holds(connection, DeclarationType.LRN, now) == []


def test_one_ledger_is_added_up_by_itself(store, opened, now):
    """The trouble of another one is not told."""
    hold(store, opened[0], LRN, now)
    hold(store, opened[1], LRN, now)
    store.write(
        lambda connection: connection.exec_driver_sql("UPDATE ledger_allocations SET quanta = 90 WHERE seq = 1")
    )
    with store.read() as connection:
        (trouble,) = check_ledger(connection, opened[0][0])
        assert (trouble.ched_id, trouble.declaration, trouble.found, trouble.expected) == (
            opened[0][0],
            LRN,
            "reserved 90",
            "reserved 100",
        )
        assert check_ledger(connection, opened[1][0]) == []
