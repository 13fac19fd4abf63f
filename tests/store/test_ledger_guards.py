"""What the database itself refuses, whoever asks: more than there is, and another past."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from store_ledgers import LRN, A, B, line, movement

from gateway.store import MAX_QUANTA
from gateway.store.engines import make_engine, parse_url

ENTRY = (
    "INSERT INTO ledger_entries (ched_id, line, version, at, kind, quanta, declaration_type, declaration, goods_item, "
    "quantity, unit, class_code, office, event_at, other, partner, prefix, message_id, exchange_id, actor, reason) "
    "SELECT ched_id, :line, 9, at, :kind, :quanta, :type, :declaration, 1, '', '', '', '', '', '', '', '', '', '', '', "
    "'' FROM ledger_entries WHERE kind = 'certified' AND line = 1"
)


@pytest.fixture
def direct(store_url):
    """SQL past the gateway, on the same database; the trouble it makes is returned as text."""
    engine = make_engine(parse_url(store_url), pool_size=1, pool_timeout=1)

    def run(statement, **values):
        try:
            with engine.begin() as connection:
                connection.execute(text(statement), values)
        except DBAPIError as error:
            return str(error.orig)
        return ""

    yield run
    engine.dispose()


def entry(kind, quanta, *, declaration=A, at=1):
    known = declaration or ("", "")
    return {"kind": kind, "quanta": quanta, "line": at, "type": known[0], "declaration": known[1]}


@pytest.mark.parametrize(
    ("kind", "quanta", "declaration"),
    [
        ("reserved", 401, B),
        ("forced", 401, B),
        ("carried", 401, None),
        ("returned", 301, A),
        ("consumed", 301, A),
        ("reversed", 201, B),
        ("released", 101, None),
        ("certified", MAX_QUANTA, None),
        ("reserved", MAX_QUANTA, B),
    ],
)
def test_a_movement_past_what_there_is_breaks_a_check_even_where_the_code_is_wrong(
    ledgers, direct, kind, quanta, declaration
):
    reference = ledgers.open()
    ledgers.move(reference, movement("reserved", 300), movement("consumed", 200, B), movement("carried", 100, None))
    assert ledgers.position(reference) == (400, 100, 300, 200)
    said = direct(ENTRY, **entry(kind, quanta, declaration=declaration))
    assert "ck_ledger_lines" in said or "constraint" in said.lower()
    assert ledgers.position(reference) == (400, 100, 300, 200)
    if quanta < MAX_QUANTA:
        assert direct(ENTRY, **entry(kind, quanta - 1, declaration=declaration)) == ""


def test_the_store_says_so_too(ledgers):
    reference = ledgers.open()
    with pytest.raises(Exception, match=r"(?i)never_oversold"):
        ledgers.move(reference, movement("reserved", 600), movement("reserved", 401, B))
    assert ledgers.position(reference) == (1_000, 0, 0, 0)
    assert ledgers.state(reference).version == 1


@pytest.mark.parametrize("certified", [-1, MAX_QUANTA + 1, 2**63 - 1])
def test_a_line_certifies_what_a_ledger_can_hold(ledgers, certified):
    with pytest.raises(Exception, match=r"(?i)check constraint|ck_ledger"):
        ledgers.open(1, line(1, certified))
    assert ledgers.state("CHEDPP.NL.2026.0000001").version == 0


@pytest.mark.parametrize(
    "values",
    [
        entry("reserved", 1, at=2),
        entry("reserved", 0),
        entry("reserved", -1),
        entry("reserved", MAX_QUANTA + 1),
        entry("given", 1),
        entry("reserved", 1, declaration=None),
        entry("reserved", 1, declaration=("DUCR", "1")),
        entry("reserved", 1, declaration=("MRN", "")),
        entry("carried", 1, declaration=A),
        entry("certified", 1, declaration=A),
    ],
)
def test_an_entry_is_of_a_line_a_kind_and_a_declaration(ledgers, direct, values):
    reference = ledgers.open()
    assert direct(ENTRY, **values)
    assert ledgers.position(reference) == (1_000, 0, 0, 0)


PAST = (
    "UPDATE ledger_entries SET quanta = 1",
    "UPDATE ledger_entries SET actor = 'somebody'",
    "DELETE FROM ledger_entries",
    "INSERT INTO ledger_entries SELECT * FROM ledger_entries WHERE seq = 1",
    "UPDATE ledger_lines SET reserved = 0",
    "UPDATE ledger_lines SET certified = certified + 1",
    "UPDATE ledger_lines SET reserved = 0, entry = entry + 1",
    "UPDATE ledger_lines SET reserved = 0, entry = 2",
    "UPDATE ledger_lines SET code = '02'",
    "UPDATE ledger_lines SET line = 7",
    "DELETE FROM ledger_lines",
    "INSERT INTO ledger_lines SELECT ched_id, 9, code, unit, dimension, 1, 0, 0, 0, 0 FROM ledger_lines",
    "INSERT INTO ledger_lines SELECT ched_id, 9, code, unit, dimension, 1, 0, 0, 1, 2 FROM ledger_lines",
    "INSERT INTO ledger_lines SELECT * FROM ledger_lines",
    "DELETE FROM ledgers",
    "DELETE FROM cheds",
    "UPDATE ledger_allocations SET state = 'given'",
    "UPDATE ledger_allocations SET declaration_type = 'DUCR'",
    "UPDATE ledger_allocations SET line = 9",
    "UPDATE ledger_allocations SET quanta = 0",
    (
        "INSERT INTO ledger_allocations SELECT 99, ched_id, line, declaration_type, declaration, goods_item, "
        "'consumed', quanta, quantity, unit, class_code, office, partner, event_at FROM ledger_allocations"
    ),
)
TRUNCATED = tuple(
    f"TRUNCATE {name} CASCADE" for name in ("ledger_entries", "ledger_lines", "ledgers", "cheds", "exchanges, cheds")
)
REPLACED = (
    "INSERT OR REPLACE INTO ledger_entries SELECT * FROM ledger_entries",
    "INSERT OR REPLACE INTO ledger_lines SELECT ched_id, line, code, unit, dimension, 0, 0, 0, 0, 0 FROM ledger_lines",
)


@pytest.mark.parametrize("statement", PAST)
def test_what_was_is_never_another(ledgers, direct, statement):
    _held(ledgers, direct, statement)


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", TRUNCATED)
def test_postgresql_empties_no_table(ledgers, direct, statement):
    _held(ledgers, direct, statement)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", REPLACED)
def test_sqlite_replaces_no_row(ledgers, direct, statement):
    _held(ledgers, direct, statement)


def _held(ledgers, direct, statement):
    reference = ledgers.open()
    ledgers.move(reference, movement("reserved", 300))
    before = ledgers.state(reference)
    assert direct(statement)
    assert ledgers.state(reference) == before
    ledgers.move(reference, movement("returned", 300))
    assert ledgers.position(reference) == (1_000, 0, 0, 0)


@pytest.mark.parametrize("kind", ["reserved", "consumed"])
def test_a_goods_item_stands_once_on_a_line(ledgers, kind):
    reference = ledgers.open()
    ledgers.move(reference, movement(kind, 300))
    with pytest.raises(Exception, match=r"(?i)unique"):
        ledgers.move(reference, movement("reserved", 100))
    with pytest.raises(Exception, match=r"(?i)unique"):
        ledgers.move(reference, movement("consumed", 100))
    ledgers.move(reference, movement("reserved", 100, LRN))
    assert ledgers.state(reference).version == 3
