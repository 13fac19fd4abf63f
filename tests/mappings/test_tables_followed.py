"""Following editions beside messages: nobody waits, the last version holds while the store is away."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from gateway.errors import TranslationRefused, Unavailable
from gateway.store import (
    Closing,
    NewRow,
    RowKind,
    TableKey,
    add_closings,
    add_rows,
    begin_change,
    latest_edition,
    publish_change,
)
from mappings import building, live, load_tables
from mappings.live import LiveTables

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
UNITS = TableKey(RowKind.MAP, "land", "unit")
HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    (folder / "list-unit.csv").write_text(
        f"# list: unit\n{HEADER}code,name,valid_from,valid_to,grade,note\nKGM,kilogram,,,,\nTNE,tonne,,,,\n", "utf-8"
    )
    (folder / "map-land-unit.csv").write_text(
        f"# list: unit\n# system: land\n# otherwise: refuse\n{HEADER}"
        "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n1,KGM,,both,none,,,,\n",
        "utf-8",
    )
    return load_tables(folder)


@pytest.fixture(params=["in memory", "in the store"])
def size(request, monkeypatch):
    if request.param == "in the store":
        monkeypatch.setattr(building, "LARGE", 0)
        monkeypatch.setattr(live, "LARGE", 0)


@pytest.fixture
def clock():
    return Clock()


def publish(store, *rows, closings=()):
    change = store.write(lambda c: begin_change(c, at=NOW, author="op"))
    store.write(lambda c: (add_rows(c, change, rows), add_closings(c, change, closings)))
    with store.read() as connection:
        before = latest_edition(connection)
    about = {"at": NOW, "author": "op", "reason": "test", "kind": "change", "effective_on": "2026-11-22"}
    return store.write(lambda c: publish_change(c, change, expected=before, **about)).number


def becomes(canonical, **more):
    """What the code 2 becomes."""
    return NewRow(UNITS, "2", canonical, direction="in", loss="widens", **more)


def two(index):
    found = index.lookup("land", "traces", "unit").get("2")
    return found and found.target


def row_id(index):
    return index.lookup("land", "traces", "unit").find("2").row_id


def test_between_two_looks_nobody_asks_the_store(base, store, clock):
    tables = LiveTables(base, store, look_every=0.5, monotonic=clock)
    publish(store, becomes("TNE"))
    clock.now = 0.49
    assert two(tables.on(TODAY)) is None
    clock.now = 0.5
    assert two(tables.on(TODAY)) == "TNE"


def test_an_index_answers_for_its_edition_even_what_it_is_asked_later(base, store, size):
    tables = LiveTables(base, store, look_every=0)
    publish(store, becomes("TNE"))
    first = tables.on(TODAY)
    known = row_id(tables.on(date(2026, 11, 23)))
    publish(store, becomes("KGM"), closings=[Closing(UNITS, known, "")])
    second = tables.on(TODAY)
    publish(store, closings=[Closing(UNITS, row_id(second), "")])
    third = tables.on(TODAY)
    assert [index.version[:2] for index in (first, second, third)] == ["1@", "2@", "3@"]
    assert [two(index) for index in (third, second, first)] == [None, "KGM", "TNE"]


def test_while_one_thread_takes_an_edition_over_the_others_go_on_with_the_last(base, store, clock, monkeypatch):
    tables = LiveTables(base, store, look_every=0.5, monotonic=clock)
    build, begun, finish = building.Builder.build, threading.Event(), threading.Event()

    def slowly(*arguments):
        begun.set()
        assert finish.wait(30)
        return build(*arguments)

    monkeypatch.setattr(building.Builder, "build", slowly)
    publish(store, becomes("TNE"))
    clock.now = 1.0
    with ThreadPoolExecutor(1) as pool:
        taking_over = pool.submit(tables.on, TODAY)
        assert begun.wait(30)
        try:
            assert [two(tables.on(TODAY)) for _ in range(3)] == [None] * 3
            assert not taking_over.done()
        finally:
            finish.set()
        assert two(taking_over.result(30)) == "TNE"
    assert two(tables.on(TODAY)) == "TNE"


def test_threads_that_ask_while_editions_come_get_whole_ones(base, store, size):
    """Each edition takes the code from one unit to the other; an index that mixed two would have both, or none."""
    publish(store, becomes("TNE"))
    tables, publisher = (LiveTables(base, store, look_every=0) for _ in range(2))
    enough = threading.Event()

    def ask():
        seen = set()
        while not enough.is_set():
            index = tables.on(TODAY)
            seen.add((int(index.version.partition("@")[0]) % 2, two(index)))
        return seen

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            for edition in range(2, 8):
                old = row_id(publisher.on(TODAY))
                publish(store, becomes("KGM" if edition % 2 == 0 else "TNE"), closings=[Closing(UNITS, old, "")])
        finally:
            enough.set()
        seen = set().union(*(each.result(30) for each in asking))
    assert seen <= {(1, "TNE"), (0, "KGM")}
    assert tables.version.startswith("7@")


def test_while_the_store_is_away_the_last_version_holds_and_the_next_look_follows(base, store, clock, monkeypatch):
    tables = LiveTables(base, store, look_every=0.5, monotonic=clock)
    publish(store, becomes("TNE"))
    ask = live.latest_edition

    def away(_connection):
        raise Unavailable("IMG-9001", where="store")

    monkeypatch.setattr(live, "latest_edition", away)
    clock.now = 1.0
    assert two(tables.on(TODAY)) is None
    monkeypatch.setattr(live, "latest_edition", ask)
    assert two(tables.on(TODAY)) is None, "the next look is half a second later"
    clock.now = 1.5
    assert two(tables.on(TODAY)) == "TNE"


def test_what_two_processes_publish_in_turn_both_follow(base, store, size):
    one, other = (LiveTables(base, store, look_every=0) for _ in range(2))
    for number, (publisher, canonical) in enumerate(((one, "TNE"), (other, "KGM"), (one, "TNE")), 1):
        known = publisher.on(TODAY)
        closings = [Closing(UNITS, row_id(known), "")] if two(known) else []
        assert publish(store, becomes(canonical), closings=closings) == number
        assert two(one.on(TODAY)) == two(other.on(TODAY)) == canonical
        assert one.version == other.version


def test_every_version_of_a_history_is_had_again(base, store, size):
    tables, versions = LiveTables(base, store, look_every=0), []
    for turn in range(6):
        known = tables.on(TODAY)
        closings = [Closing(UNITS, row_id(known), "")] if two(known) else []
        publish(store, becomes("TNE" if turn % 2 else "KGM"), closings=closings)
        versions.append((tables.version, two(tables.on(TODAY))))
    again = LiveTables(base, store)
    for version, target in reversed(versions):
        assert two(again.at(version, TODAY)) == target
    with pytest.raises(TranslationRefused, match="IMG-6012"):
        again.at(f"7@{again.base_digest}", TODAY)
