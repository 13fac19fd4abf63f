"""What is asked all day costs the same with any number of settled rows, on both databases.

Cost is counted, not timed (`store_plans.cost`).
"""

from __future__ import annotations

import pytest
from sqlalchemy import text
from store_plans import cost, on_each

from gateway.store import (
    ImportState,
    add_envelopes,
    add_import,
    copies_of,
    envelope_content,
    find_answer,
    find_envelope,
    find_import,
    list_answers,
    list_imports,
    open_answers,
    open_store,
    open_trackings,
    settle_envelope,
    under_delivery,
    unfinished_imports,
    upgrade,
    waiting_envelopes,
)
from gateway.store.engines import make_engine, parse_url

ROWS = 110_000
"""Of these every eleventh is open: 10^5 settled, 10^4 waiting."""
PAGE = 10
LIMITS = {"sqlite": 2_500, "postgresql": 60}
"""Steps, or rows, for a page of ten or a change; the smallest scan would take 330,000 steps, or 10,000 rows."""
LAST = ROWS * 9 // 10

_SERIES = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :rows)",
    "postgresql": "WITH s AS (SELECT n FROM generate_series(1, :rows) AS g(n))",
}
_FILL = (
    (
        "INSERT INTO hub_envelopes (number, partner, recipient, from_country, to_country, certificate_type, "
        "certificate_status, certificate_number, state, message, origin, channel, size, repeat_key, created_at, "
        "updated_at) {series} SELECT 'N' || n, 'ar', 'nl', 'AR', 'NL', 851, 70, 'AR-' || n, "
        "CASE WHEN n % 11 = 0 THEN 'PendingDelivery' ELSE 'Delivered' END, '', "
        "CASE WHEN n % 5 = 0 THEN 'N' || (n - 1) END, NULL, 0, NULL, :now, :now FROM s"
    ),
    (
        "INSERT INTO hub_imports (id, partner, hub_number, from_country, to_country, certificate_type, "
        "certificate_status, certificate_number, state, verdict, message, code, exchange_id, received_at, updated_at, "
        "acknowledged_at) {series} SELECT 'I' || (1000000 + n), 'ephyto', 'N' || n, 'AR', 'NL', 851, 70, 'AR-' || n, "
        "CASE WHEN n % 1000 = 0 THEN 'held' ELSE 'imported' END, 'delivered', '', '', NULL, :now, :now, "
        "CASE WHEN n % 11 <> 0 THEN :now END FROM s"
    ),
    (
        "INSERT INTO hub_answers (id, import_id, hub, status, reason, payload, state, number, said, message, code, "
        "attempts, next_attempt_at, created_at, updated_at, settled_at) {series} SELECT 'A' || (1000000 + n), "
        "'I' || (1000000 + n), 'ephyto', 41, '', '', CASE WHEN n % 11 <> 0 THEN 'delivered' ELSE 'tracking' END, "
        "'H' || n, '', '', '', 1, :now, :now, :now, CASE WHEN n % 11 <> 0 THEN :now END FROM s"
    ),
    "INSERT INTO partners VALUES ('ephyto', '{{}}', 1, 'op', :now)",
    "INSERT INTO lanes VALUES ('ephyto', 0, NULL, NULL, 0, '')",
    "INSERT INTO documents VALUES ('D', 'AR', '851', '1', '70', 'D', 'NL', 'ar', :now)",
    (
        "INSERT INTO exchanges (id, partner, contract, operation, outcome, subject, transport, received_at) "
        "{series} SELECT 'X' || (1000000 + n), 'ar', '', '', 'refused', '', '{{}}', :now FROM s"
    ),
    (
        "INSERT INTO document_versions (exchange_id, document_id, status_code, digest, form, received_at) "
        "{series} SELECT 'X' || (1000000 + n), 'D', 'S' || n, '', 'inline', :now FROM s"
    ),
    (
        "INSERT INTO deliveries (id, lane, exchange_id, case_id, state, attempts, failures, fence, "
        "next_attempt_at, code, detail, created_at, updated_at, settled_at) {series} SELECT "
        "'X' || (1000000 + n) || '-1', 'ephyto', 'X' || (1000000 + n), 'D', 'tracking', 1, 0, 0, :now, '', '', :now, "
        ":now, :now FROM s"
    ),
    (
        "INSERT INTO hub_trackings (delivery_id, partner, number, state, message, created_at, next_check_at, "
        "settled_at) {series} SELECT 'X' || (1000000 + n) || '-1', 'ephyto', 'N' || n, 'Delivered', '', :now, :now, "
        "CASE WHEN n % 11 <> 0 THEN :now END FROM s"
    ),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request, tmp_path_factory):
    """A store with many settled and some open rows, that knows itself by its own statistics."""
    yield from on_each(request, tmp_path_factory, "plans", _filled)


def _filled(url):
    upgrade(url)
    engine = make_engine(parse_url(url), pool_size=1, pool_timeout=5)
    with engine.begin() as connection:
        for statement in _FILL:
            sql = statement.format(series=_SERIES[engine.dialect.name])
            values = {
                "rows": ROWS if "INTO hub_" in sql and "trackings" not in sql else ROWS // 10,
                "now": "2026-11-22T09:30:00.000000+00:00",
            }
            connection.execute(text(sql), {name: value for name, value in values.items() if f":{name}" in sql})
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    with open_store(url, exclusive=True) as store:
        yield store


READS = {
    "waiting-first": (lambda c, _: waiting_envelopes(c, "nl", limit=PAGE), PAGE),
    "waiting-last": (lambda c, _: waiting_envelopes(c, "nl", limit=PAGE, after_seq=LAST), PAGE),
    "waiting-country": (lambda c, _: waiting_envelopes(c, "nl", to_country="NL", limit=PAGE, after_seq=LAST), PAGE),
    "waiting-none": (lambda c, _: waiting_envelopes(c, "fr", limit=PAGE), 0),
    "under-delivery-first": (lambda c, _: under_delivery(c, "ar", limit=PAGE), PAGE),
    "under-delivery-last": (lambda c, _: under_delivery(c, "ar", limit=PAGE, after_seq=LAST), PAGE),
    "find": (lambda c, _: [find_envelope(c, f"N{LAST}")], 1),
    "content": (lambda c, _: [envelope_content(c, f"N{LAST}")], 1),
    "copies": (lambda c, _: copies_of(c, [f"N{LAST - 1}", "none"]), 1),
    "copies-of-many": (lambda c, _: copies_of(c, [f"N{LAST - 1 - n}" for n in range(PAGE * 5)]), PAGE),
    "unfinished-first": (lambda c, _: unfinished_imports(c, "ephyto", PAGE), PAGE),
    "unfinished-last": (lambda c, _: unfinished_imports(c, "ephyto", PAGE, after=f"I{1_000_000 + LAST}"), PAGE),
    "find-import": (lambda c, _: [find_import(c, "ephyto", f"N{LAST}")], 1),
    "held": (lambda c, _: list_imports(c, state=ImportState.HELD, limit=PAGE), PAGE),
    "newest": (lambda c, _: list_imports(c, limit=PAGE), PAGE),
    "answers": (lambda c, now: open_answers(c, "ephyto", now=now, limit=PAGE), PAGE),
    "answers-to-one": (lambda c, _: list_answers(c, import_id=f"I{1_000_000 + LAST}"), 1),
    "newest-answers": (lambda c, _: list_answers(c, limit=PAGE), PAGE),
    "answer-of-number": (lambda c, _: [find_answer(c, "ephyto", f"H{LAST}")], 1),
    "trackings": (lambda c, now: open_trackings(c, "ephyto", now=now, limit=PAGE), PAGE),
}


@pytest.mark.parametrize("question", READS)
def test_a_page_costs_a_page_wherever_it_is(full, now, question):
    ask, expected = READS[question]
    found, costs = cost(full, lambda c: ask(c, now))
    assert len(found) == expected
    assert costs <= LIMITS[full.dialect]


def test_a_change_costs_a_change(full, make_envelope, make_import, now):
    done = {"expected": "PendingDelivery", "state": "Delivered", "message": "", "actor": "nl", "now": now}
    units = {
        "add": lambda c: add_envelopes(c, [make_envelope("new"), make_envelope("copy")], actor="ar", now=now),
        "repeat": lambda c: add_envelopes(c, [make_envelope("new")], actor="ar", now=now).repeated,
        "settle": lambda c: settle_envelope(c, f"N{11 * 9_000}", **done),
        "import": lambda c: add_import(c, make_import("new")),
    }
    costs = {name: cost(full, unit) for name, unit in units.items()}
    assert all(result for result, _ in costs.values())
    assert max(steps for _, steps in costs.values()) <= LIMITS[full.dialect], costs


def test_the_measure_sees_a_scan(full):
    _, costs = cost(full, lambda c: c.execute(text("SELECT count(*) FROM hub_envelopes WHERE message <> ''")).all())
    assert costs > 100 * LIMITS[full.dialect]
