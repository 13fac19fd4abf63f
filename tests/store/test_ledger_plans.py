"""A look into one ledger costs that ledger: not the other ones, and not what moved in it before.

Cost is counted, not timed (`store_plans.cost`).
"""

from __future__ import annotations

import pytest
from sqlalchemy import text
from store_ledgers import NOW, A, movement
from store_plans import cost, on_each

from gateway.store import (
    Declaration,
    DeclarationType,
    LedgerChange,
    allocations_by_declaration,
    apply_change,
    carried_between,
    check_ledgers,
    cheds_accompanied_by,
    cheds_by_references,
    documents_numbered,
    entries_of,
    find_subscription,
    last_event,
    list_pushes,
    list_subscriptions,
    lock_ledger,
    open_store,
    read_family,
    read_ledger,
    read_ledger_content,
    reports_by_document,
    reports_shown,
    upgrade,
)
from gateway.store.ched_tables import ched_links, ched_parts, ched_versions, cheds
from gateway.store.engines import make_engine, parse_url
from gateway.store.ledger_tables import customs_reports, ledger_allocations, ledger_entries, ledger_lines, ledgers
from gateway.store.push_tables import customs_pushes, customs_subscriptions
from gateway.store.tables import deliveries, documents

ROWS = 6_000
MOVED_BEFORE = 2_000
"""Entries of the ledger that is asked for, of one declaration."""
PUSHES = 5
ONE = ROWS // 2
REFERENCE = f"CHEDPP.NL.2026.{ONE}"
LIMITS = {"sqlite": 3_000, "postgresql": 60}
"""Steps, or rows; the smallest scan would take 30,000 steps, or 6,000 rows."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request, tmp_path_factory):
    """A store of many ledgers that knows itself by its own statistics."""
    yield from on_each(request, tmp_path_factory, "ledger_plans", _filled)


def _filled(url):
    upgrade(url)
    engine = make_engine(parse_url(url), pool_size=1, pool_timeout=5)
    now = NOW.isoformat(timespec="microseconds")
    empty = {str(column.name): _nothing(column) for column in cheds.columns}
    numbers = range(1, ROWS + 1)
    held = {"declaration_type": "MRN", "goods_item": 1, "quantity": "1", "unit": "KGM", "class_code": "040100"}
    entry = {**held, "office": "XI000002", "event_at": now, "other": "", "partner": "xi", "at": now, "actor": ""}
    entry |= {"prefix": "", "message_id": "", "exchange_id": "", "reason": "", "version": 1}
    rows = {
        cheds: [
            {**empty, "seq": n, "id": f"C{n}", "content_id": f"V{n}", "reference": f"CHEDPP.NL.2026.{n}", "lists": "{}"}
            for n in numbers
        ],
        ched_versions: [
            {
                "id": f"V{n}",
                "ched_id": f"C{n}",
                "number": 1,
                "status_code": "70",
                "part": "I",
                "operation": "submit",
                "partner": "nl",
                "body": "",
                "digest": b"",
                "at": now,
            }
            for n in numbers
        ],
        ched_parts: [{"version_id": f"V{n}", "content": b"<content/>"} for n in numbers],
        ledgers: [{"ched_id": f"C{n}", "version": 1, "frozen": "", "opened_at": now} for n in numbers],
        ledger_lines: [
            {"ched_id": f"C{n}", "line": each, "code": "0401", "unit": "KGM", "dimension": "weight", "entry": 0}
            | dict.fromkeys(("certified", "carried", "reserved", "consumed"), 0)
            for n in numbers
            for each in (1, 2)
        ],
        ledger_entries: [
            {"ched_id": f"C{n}", "line": 1, "kind": "certified", "quanta": 9_000, "declaration": "", **entry}
            | {"declaration_type": "", "event_at": ""}
            for n in numbers
        ]
        + [
            {"ched_id": f"C{n}", "line": 1, "kind": "reserved", "quanta": 1, "declaration": f"M{n}-{each}", **entry}
            for n in numbers
            for each in (1, 2)
        ]
        + [
            {"ched_id": f"C{ONE}", "line": 1, "kind": kind, "quanta": 1, "declaration": A.number, **entry}
            for _ in range(MOVED_BEFORE // 2)
            for kind in ("reserved", "returned")
        ],
        ledger_allocations: [
            {"ched_id": f"C{n}", "line": 1, "declaration": f"M{n}-{each}", "state": "reserved", "quanta": 1, **held}
            | {"office": "XI000002", "partner": "xi", "event_at": now}
            for n in numbers
            for each in (1, 2)
        ]
        + [
            {"ched_id": f"C{ONE}", "line": 1, "declaration": f"M{ONE}", "state": "consumed", "quanta": 1, **held}
            | {"office": "XI000002", "partner": "xi", "event_at": now}
        ],
        ched_links: [
            {"ched_id": f"C{n}", "relation": "ACW", "reference": f"CHEDPP.NL.2026.{n - 1}"}
            for n in numbers
            if n % 2 == 0
        ],
        customs_reports: [
            {"ched_id": f"C{n}", "document": f"M{n}", "type_code": "", "office": "", "at": now, "exchange_id": ""}
            for n in numbers
        ],
    }
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(table.insert(), values)
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT setval('cheds_seq_seq', {ROWS})"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF" if sqlite else "SET session_replication_role = replica")
        for table, values in _sent(now).items():
            connection.execute(table.insert(), values)
        connection.exec_driver_sql("ANALYZE" if connection.dialect.name == "sqlite" else "VACUUM ANALYZE")
    engine.dispose()
    with open_store(url, exclusive=True) as store:
        yield store


def _sent(now):
    """A subscription of each CHED, few pushes, and after them many deliveries of documents, without what they carry."""
    delivery = {"lane": "xi", "case_id": "", "state": "delivered", "attempts": 1, "failures": 0, "fence": 1, "code": ""}
    delivery |= dict.fromkeys(("next_attempt_at", "created_at", "updated_at", "settled_at"), now) | {"detail": ""}
    followed = {"partner": "xi", "office": "XI000002", "since": now, "pushes": 0, "why": "", "reason": ""}
    push = {"number": 1, "what": "ledger", "at": now, "content": b""}
    pushed = range(ONE, ONE + PUSHES)
    numbers = range(1, ROWS + 1)
    of_document = {"type_code": "851", "status_code": "70", "version_id": "", "owner_partner": "za", "changed_at": now}
    return {
        customs_subscriptions: [{"id": f"S{n}", "ched_id": f"C{n}", **followed} for n in numbers],
        customs_pushes: [{"id": f"P{n}", "subscription_id": f"S{n}", **push} for n in pushed],
        deliveries: [{"id": f"P{n}", "push_id": f"P{n}", "exchange_id": None, **delivery} for n in pushed]
        + [{"id": f"D{n}", "push_id": None, "exchange_id": f"E{n}", **delivery} for n in numbers],
        documents: [{"id": f"E{n}", "issuer_country": "ZA", "number": f"N{n}", **of_document} for n in numbers],
    }


def _nothing(column):
    """A value for a column of a CHED that no look depends on."""
    if column.nullable:
        return None
    if str(column.type) == "BOOLEAN":
        return False
    if column.name.endswith("_at"):
        return NOW.isoformat(timespec="microseconds")
    return {"status_code": "70", "type": "PP", "version": 1}.get(column.name, "")


LOOKS = {
    "ledger": lambda c: read_ledger(c, REFERENCE),
    "ledger and document": lambda c: read_ledger_content(c, REFERENCE),
    "ledger, locked": lambda c: lock_ledger(c, REFERENCE),
    "last event": lambda c: last_event(c, f"C{ONE}", A),
    "first event": lambda c: not last_event(c, f"C{ONE}", Declaration(DeclarationType.MRN, "none")),
    "first entries": lambda c: entries_of(c, f"C{ONE}", limit=5),
    "CHEDs of a declaration": lambda c: allocations_by_declaration(c, f"M{ONE}-1", type=DeclarationType.MRN),
    "CHEDs of an LRN": lambda c: not allocations_by_declaration(c, f"M{ONE}-1", type=DeclarationType.LRN),
    "CHEDs of a report": lambda c: reports_by_document(c, f"M{ONE}"),
    "nobody's certificate": lambda c: not cheds_accompanied_by(c, "none"),
    "CHEDs by references": lambda c: list(cheds_by_references(c, [REFERENCE, "CHEDPP.NL.2026.1", "none"])),
    "certificates of a number": lambda c: documents_numbered(c, f"N{ONE}", limit=100),
    "reports that are shown": lambda c: reports_shown(c, f"C{ONE}", newest=99),
    "a family": lambda c: read_family(c, [REFERENCE]).links,
    "nothing carried": lambda c: not carried_between(c, "C1", "none"),
    "all pushes": lambda c: list_pushes(c, limit=PUSHES),
    "pushes of a partner": lambda c: list_pushes(c, partner="xi", limit=PUSHES + 1),
    "pushes of nobody": lambda c: not list_pushes(c, partner="none"),
    "pushes of a CHED": lambda c: list_pushes(c, reference=REFERENCE),
    "a subscription": lambda c: find_subscription(c, "xi", f"C{ONE}"),
    "newest subscriptions": lambda c: list_subscriptions(c, limit=PUSHES),
    "subscriptions of a partner": lambda c: list_subscriptions(c, partner="xi", limit=PUSHES),
    "subscriptions of a CHED": lambda c: list_subscriptions(c, reference=REFERENCE),
    "another page": lambda c: check_ledgers(c, after="C5999", limit=3),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_costs_what_it_finds(full, name):
    found, costs = cost(full, LOOKS[name])
    assert found
    assert costs <= LIMITS[full.dialect]


def test_a_movement_costs_a_movement(full):
    def move(connection):
        state = lock_ledger(connection, REFERENCE)
        change = LedgerChange(
            ched_id=state.ched_id, at=NOW, partner="xi", movements=(movement("reserved", 1), movement("returned", 1))
        )
        return apply_change(connection, change)

    _, costs = cost(full, move)
    assert costs <= 2 * LIMITS[full.dialect]


def test_the_measure_sees_a_scan(full):
    _, costs = cost(full, lambda c: c.execute(text("SELECT count(*) FROM ledger_allocations WHERE unit <> ''")).all())
    assert costs > 4 * LIMITS[full.dialect]
