"""Rows are added with the CLI while certificates come in over HTTP: none fails, and reports show the new version."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.slow

SENDERS = 4
ENOUGH = 40
"""Messages by the first version before the rows come, and by the new one before the test ends."""
END_SECONDS = 120
USED = (
    "SELECT v.tables, p.translation_report FROM document_versions v "
    "JOIN exchange_parts p ON p.exchange_id = v.exchange_id ORDER BY v.exchange_id"
)


@pytest.mark.parametrize(("store", "workers"), [("sqlite", 1), ("postgresql", 2)])
def test_rows_added_while_requests_run_are_in_use_at_once_and_none_fails(
    make_instance, world, ledger_of, request, store, workers
):
    url = request.getfixturevalue("pg_url") if store == "postgresql" else ""
    gateway = make_instance("gateway-a", "traces", url=url, server=f"workers = {workers}")
    gateway.know(world.sender())
    gateway.start(real=True)
    ledger, enough, end = ledger_of(gateway), threading.Event(), time.monotonic() + END_SECONDS

    def send():
        while not enough.is_set():
            assert time.monotonic() < end
            assert ledger.submit(world.document()), "a request without an answer"

    with ThreadPoolExecutor(SENDERS) as pool:
        senders = [pool.submit(send) for _ in range(SENDERS)]
        try:
            wait_for(gateway, senders, 0, end)
            gateway.imsoc(
                *("mappings", "add", "ephyto", "unit", "KGM", "TNE", "--partner", "ar", "--direction", "in"),
                *("--loss", "widens", "--reason", "a test", "--author", "op", "--messages", "0", "--yes"),
            )
            wait_for(gateway, senders, 1, end)
        finally:
            enough.set()
        for sender in senders:
            sender.result()

    ledger.assert_kept()
    assert gateway.one("SELECT count(*) FROM exchanges WHERE outcome <> 'accepted'") == 0
    assert {(edition, *units) for edition, units in used(gateway)} == {(0, "KGM"), (1, "TNE")}


def wait_for(gateway, senders, edition, end):
    """Until so many messages were translated by this edition, while all senders send."""
    while sum(each == edition for each, _ in used(gateway)) < ENOUGH:
        assert time.monotonic() < end
        assert not any(sender.done() for sender in senders), [sender.exception() for sender in senders if sender.done()]
        time.sleep(0.05)


def used(gateway):
    """Of each accepted message: the edition that it names, and what its units became."""
    for tables, report in gateway.rows(USED):
        places = json.loads(report)
        yield int(tables.partition("@")[0]), {place["target_code"] for place in places if place["list"] == "unit"}
