"""The worker's questions are answered from the small indexes of open deliveries, however many are settled."""

from __future__ import annotations

import pytest

from gateway.store import open_store, outbox


@pytest.mark.parametrize(
    ("statement", "index"), [("_next", "ix_deliveries_open"), ("_due_lanes", "ix_deliveries_open")]
)
def test_only_open_deliveries_are_looked_at(sqlite_url, statement, index):
    values = {"partner": "nl", "now": "2026"}
    with open_store(sqlite_url, exclusive=False, read_only=True) as store, store.read() as connection:
        sql = getattr(outbox, statement).text(connection)
        used = {name: value for name, value in values.items() if f":{name}" in sql}
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", used)]
    about_deliveries = [step for step in plan if step.split()[1] in {"d", "older"}]
    assert len(about_deliveries) == 2
    assert all(f"INDEX {index}" in step for step in about_deliveries)
    assert all(step.startswith("SEARCH") for step in about_deliveries)
