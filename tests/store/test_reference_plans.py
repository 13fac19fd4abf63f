"""A code in 10^5 rows costs one search, and sizes are not counted; on both databases.

Cost is counted, not timed (`store_plans.cost`).
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from store_plans import cost, on_each

from gateway.store import (
    Closing,
    NewRow,
    RowKind,
    TableKey,
    add_closings,
    add_rows,
    begin_change,
    closings_of,
    latest_edition,
    lists_between,
    open_store,
    publish_change,
    rows_about,
    rows_between,
    rows_of,
    table_sizes,
    touched_tables,
    upgrade,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ROWS, PORTION = 100_000, 2_000
LARGE = TableKey(RowKind.MAP, "customs", "commodities")
SMALL = TableKey(RowKind.CODE, "traces", "units")
LIMITS = {"sqlite": 2_000, "postgresql": 150}
"""Steps, or rows; the counts of the fifty portions are among them, and a scan would be a hundred times that."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request, tmp_path_factory):
    """Edition 1 with many rows and some closings, edition 2 with one row; and a change that is not published."""
    yield from on_each(request, tmp_path_factory, "reference_plans", filled)


def filled(url):
    upgrade(url)
    with open_store(url, exclusive=True) as store:
        publish(store, begun(store, ROWS), 1)
        publish(store, begun(store, 1), 2)
        begun(store, ROWS)
        yield store


def begun(store, count):
    change = store.write(lambda c: begin_change(c, at=NOW, author="op"))
    for start in range(0, count, PORTION):
        rows = [NewRow(LARGE, f"{n:010}", f"E{n:06}") for n in range(start, min(start + PORTION, count))]
        store.write(lambda c, rows=rows: add_rows(c, change, rows))
    closings = [Closing(LARGE, f"customs/commodities#{n}", "2026-12-31") for n in range(0, count, 10)]
    store.write(lambda c: add_closings(c, change, closings))
    return change


def publish(store, change, number):
    about = {"at": NOW, "author": "op", "reason": "loaded", "kind": "load", "effective_on": "2026-11-22"}
    assert store.write(lambda c: publish_change(c, change, expected=number - 1, **about)).number == number


QUESTIONS = {
    "code": (lambda c: rows_about(c, LARGE, 2, code="0000077777"), 1),
    "canonical": (lambda c: rows_about(c, LARGE, 2, canonical="E077777"), 1),
    "unknown": (lambda c: rows_about(c, LARGE, 2, code="none"), 0),
    "unknown-canonical": (lambda c: rows_about(c, LARGE, 2, canonical="none"), 0),
    "unknown-table": (lambda c: rows_about(c, SMALL, 2, code="0000077777"), 0),
    "closing": (lambda c: closings_of(c, LARGE, ["customs/commodities#500", "customs/commodities#501"], 2), 1),
    "newest": (lambda c: [latest_edition(c)], 1),
    "sizes": (lambda c: table_sizes(c, 2), 1),
    "touched": (lambda c: touched_tables(c, 1, 2), 1),
    "delta": (lambda c: list(rows_between(c, 1, 2, None)), 1),
    "other-tables": (lambda c: list(rows_between(c, 0, 2, {SMALL})), 0),
    "lists": (lambda c: lists_between(c, 0, 2), 0),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_costs_a_search(full, question):
    ask, expected = QUESTIONS[question]
    found, costs = cost(full, ask)
    assert len(found) == expected
    assert costs <= LIMITS[full.dialect]


def test_the_first_rows_of_a_table_cost_a_page(full):
    """Pages of 2,000; the unpublished rows between them are passed over."""
    row, costs = cost(full, lambda c: next(rows_of(c, LARGE, 2)))
    assert row.code == "0000000000"
    assert costs <= {"sqlite": 150_000, "postgresql": 10_000}[full.dialect], costs


def test_the_measure_sees_a_scan(full):
    _, costs = cost(full, lambda c: c.execute(text("SELECT count(*) FROM reference_rows WHERE text <> ''")).all())
    assert costs > 100 * LIMITS[full.dialect]
