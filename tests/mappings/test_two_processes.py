"""One process imports 100,000 rows while another translates: every message uses one version of the tables, and says it.

The rows of the first edition turn every code into kilograms, those of the second into tonnes: a message that mixed
them would show both.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import count, cycle, islice

import pytest
from lxml import etree

from gateway.sandbox.samples import certificate
from gateway.store import (
    Closing,
    NewRow,
    RowKind,
    TableKey,
    add_closings,
    add_rows,
    begin_change,
    latest_edition,
    open_store,
    publish_change,
    rows_of,
)
from gateway.xml.names import RAM21, qn
from mappings import load_tables, translate
from mappings.live import LiveTables
from mappings.merging import row_of

pytestmark = pytest.mark.slow

fork = multiprocessing.get_context("fork")

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PARTNER = "land-partner"
UNITS = TableKey(RowKind.MAP, "ephyto", "unit", PARTNER)
ROWS, MESSAGES, USED, PORTION = 100_000, 10_000, 2_000, 2_000
BEFORE, AFTER = 1_000, 1_000
"""Messages before the import begins, and with the new version at least."""
TICKS = 50
"""Messages from one look for a new edition to the next: the clock of the tables counts messages."""
BECOMES = {1: "KGM", 2: "TNE"}


def portions(items):
    remaining = iter(items)
    while portion := list(islice(remaining, PORTION)):
        yield portion


def publish(store, edition):
    """Replace every row of the table: the old ones are withdrawn."""
    with store.read() as connection:
        old = [row_of(row, row.seq).id for row in rows_of(connection, UNITS, edition - 1)]
    change = store.write(lambda c: begin_change(c, at=NOW, author="op"))
    rows = (NewRow(UNITS, f"U{number:05}", BECOMES[edition], direction="in", loss="widens") for number in range(ROWS))
    for portion in portions(rows):
        store.write(lambda c, portion=portion: add_rows(c, change, portion))
    for portion in portions(Closing(UNITS, row_id, "") for row_id in old):
        store.write(lambda c, portion=portion: add_closings(c, change, portion))
    about = {"author": "op", "reason": "new units", "kind": "import", "effective_on": "2026-11-22"}
    made = store.write(lambda c: publish_change(c, change, expected=edition - 1, at=NOW, **about))
    assert (made.added, made.closed) == (ROWS, len(old))


def messages():
    """Certificates whose ten weights are each in another unit of the partner's own."""
    numbers = cycle(range(USED))
    made = []
    for _ in range(USED // 10):
        root = etree.fromstring(certificate(lines=5))
        for name in ("NetWeightMeasure", "GrossWeightMeasure"):
            for weight in root.iter(qn(RAM21, name)):
                weight.set("unitCode", f"U{next(numbers):05}")
        made.append(root)
    return made


def run(tables, root):
    """One message: takes one index and keeps it."""
    index = tables.on(NOW.date())
    return translate(root, source="ephyto", target="traces", index=index, partner=PARTNER)


def what_it_used(translation):
    """The edition that the message names, and those that its places show."""
    weights = [place for place in translation.report if place.list == "unit"]
    assert len(weights) == 10
    shown = {1 if int(place.row_id.rpartition("#")[2]) <= ROWS else 2 for place in weights}
    assert {place.target_code for place in weights} == {BECOMES[edition] for edition in shown}
    return int(translation.tables.partition("@")[0]), shown


def test_while_one_imports_every_message_of_the_other_uses_one_version_and_says_which(store_url, capsys):
    begin, published = fork.Event(), fork.Event()
    published_at = fork.Value("d", 0.0)

    def import_the_second():
        with open_store(store_url, exclusive=False) as store:
            begin.wait(60)
            publish(store, 2)
        published_at.value = time.monotonic()
        published.set()

    importer = fork.Process(target=import_the_second)
    importer.start()
    with open_store(store_url, exclusive=True) as store:
        publish(store, 1)
        ticks = count()
        tables = LiveTables(load_tables(), store, look_every=TICKS, monotonic=lambda: next(ticks))
        first_version, used, late = tables.version, Counter(), 0
        waiting = cycle(messages())
        kept = run(tables, sample := next(waiting))
        while used.total() < MESSAGES or used[2] < AFTER:
            if used.total() == BEFORE:
                begin.set()
            after = published.is_set()
            edition, shown = what_it_used(run(tables, next(waiting)))
            assert shown == {edition}
            if edition == 2 and not used[2]:
                active_at = time.monotonic()
            used[edition] += 1
            late += after and edition == 1
            assert late <= TICKS, "not in use after one look"
        importer.join(30)

        assert importer.exitcode == 0
        assert used[1] >= BEFORE
        assert (tables.version, latest(store)) == (first_version.replace("1@", "2@"), 2)
        again = translate(
            sample, source="ephyto", target="traces", index=tables.at(first_version, NOW.date()), partner=PARTNER
        )
    assert again.tables == kept.tables == first_version
    assert etree.tostring(again.root, method="c14n") == etree.tostring(kept.root, method="c14n")
    with capsys.disabled():
        sys.stdout.write(
            f"\n{store_url.partition(':')[0]}: {used[1]} messages by edition 1, {used[2]} by edition 2; "
            f"in use {active_at - published_at.value:.3f} s after it was published\n"
        )


def latest(store):
    with store.read() as connection:
        return latest_edition(connection)
