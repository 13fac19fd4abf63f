"""Reference data in the store: nobody sees a change before it is published, and nothing published ever changes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway import faultpoints
from gateway.store import (
    Closing,
    NewRow,
    RowKind,
    StoredRow,
    TableKey,
    add_closings,
    add_rows,
    begin_change,
    closings_between,
    closings_of,
    find_audit,
    find_base,
    find_list,
    find_lost_change,
    forget_change,
    get_edition,
    keep_base,
    keep_list,
    latest_edition,
    list_editions,
    lists_between,
    open_store,
    publish_change,
    reference_changes,
    reference_reads,
    rows_about,
    rows_between,
    rows_of,
    table_sizes,
    touched_tables,
)
from gateway.store.engines import make_engine, parse_url
from gateway.store.tables import metadata
from gateway.store.writer import Undo

fork = multiprocessing.get_context("fork")

UNITS = TableKey(RowKind.CODE, "traces", "units")
TARIC = TableKey(RowKind.MAP, "customs", "commodities")
OWN = TableKey(RowKind.MAP, "customs", "commodities", "nl-system")
KILO = NewRow(UNITS, "KGM", name="kilogram", labels='{"fr": "kilogramme"}', grade="confirmed", text="Rec 20")
GRAM = NewRow(UNITS, "GRM", valid_from="2026-01-01", valid_to="2026-12-31", parent="KGM", name="gram")
LEAF = NewRow(TARIC, "0601", "06.01", context="636/PP", direction="in", loss="narrows", text="as published")
FLOWER = NewRow(TARIC, "0603", "06.03")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def publish(store, now):
    """Publish rows, closings and lists as the next edition."""

    def run(*rows, closings=(), lists=(), expected=None, **changes):
        change = store.write(lambda c: begin_change(c, at=now, author="op"))
        store.write(lambda c: (add_rows(c, change, rows), add_closings(c, change, closings)))
        for name, content in dict(lists).items():
            store.write(lambda c, name=name, content=content: keep_list(c, change, name, content))
        if expected is None:
            with store.read() as connection:
                expected = latest_edition(connection)
        return publish_it(store, change, now, expected=expected, **changes)

    return run


def publish_it(store, change, now, *, expected, **changes):
    about = {"author": "op", "reason": "asked for", "kind": "change", "effective_on": "2026-11-23", **changes}
    return store.write(lambda c: publish_change(c, change, expected=expected, at=now, **about))


def plain(rows):
    """Without what the store gave them."""
    return [NewRow(*(getattr(row, name) for name in NewRow.__dataclass_fields__)) for row in rows]


def ask(store, question, *arguments, **named):
    with store.read() as connection:
        return question(connection, *arguments, **named)


def everything(store):
    with store.read() as connection:
        return list(rows_between(connection, 0, 99, None))


def test_an_edition_says_who_when_why_and_how_much(store, publish, now):
    assert ask(store, latest_edition) == 0
    assert ask(store, get_edition, 1) is None
    edition = publish(KILO, GRAM, LEAF, kind="import", source="units.csv", release_limit=7)
    publish(FLOWER, closings=[Closing(TARIC, "customs/commodities#3", "2026-11-22")])

    assert (edition.number, edition.added, edition.closed, edition.release_limit) == (1, 3, 0, 7)
    assert (edition.made_at, edition.author, edition.reason) == (now, "op", "asked for")
    assert (edition.kind, edition.effective_on, edition.source) == ("import", "2026-11-23", "units.csv")
    assert ask(store, get_edition, 1) == edition
    assert ask(store, latest_edition) == 2
    assert [(each.number, each.added, each.closed) for each in ask(store, list_editions, limit=9)] == [
        (2, 1, 1),
        (1, 3, 0),
    ]
    assert [each.number for each in ask(store, list_editions, limit=1)] == [2]
    assert [each.number for each in ask(store, list_editions, limit=9, table=UNITS)] == [1]
    assert ask(store, list_editions, limit=9, table=OWN) == ()
    (entry,) = ask(store, find_audit, "tables/1")
    assert (entry.actor, entry.action, entry.detail["added"]) == ("op", "tables changed", 3)


def test_rows_come_back_as_they_went_in(store, publish):
    publish(KILO, LEAF)
    publish(GRAM, FLOWER)
    found = ask(store, lambda c: list(rows_of(c, UNITS, 2)))
    assert plain(found) == [GRAM, KILO]
    assert [(type(row), row.edition) for row in found] == [(StoredRow, 2), (StoredRow, 1)]
    assert plain(ask(store, lambda c: list(rows_of(c, UNITS, 1)))) == [KILO]
    assert plain(everything(store)) == [KILO, LEAF, GRAM, FLOWER]
    assert len({row.seq for row in everything(store)}) == 4
    assert plain(ask(store, lambda c: list(rows_between(c, 1, 2, {TARIC})))) == [FLOWER]
    assert ask(store, lambda c: list(rows_between(c, 2, 2, None))) == []


def test_a_page_ends_anywhere(store, publish, monkeypatch):
    monkeypatch.setattr(reference_reads, "_PAGE", 3)
    rows = [NewRow(TARIC, f"{number // 5:02}", f"c{number}") for number in range(17)]
    publish(*rows[:10])
    publish(*reversed(rows[10:]))
    assert plain(ask(store, lambda c: list(rows_of(c, TARIC, 1)))) == rows[:10]
    assert sorted(plain(ask(store, lambda c: list(rows_of(c, TARIC, 2)))), key=lambda row: int(row.canonical[1:])) == (
        rows
    )
    assert plain(ask(store, lambda c: list(rows_between(c, 1, 2, None)))) == rows[:9:-1]


def test_a_code_is_asked_for_at_an_edition(store, publish):
    publish(LEAF, NewRow(OWN, "0601", "06.99"))
    publish(NewRow(TARIC, "0601", "06.02"), NewRow(TARIC, "0602", "06.01"))
    about = {"code": "0601"}
    assert plain(ask(store, rows_about, TARIC, 1, **about)) == [LEAF]
    assert [row.canonical for row in ask(store, rows_about, TARIC, 2, **about)] == ["06.01", "06.02"]
    assert [row.canonical for row in ask(store, rows_about, OWN, 2, **about)] == ["06.99"]
    assert [row.code for row in ask(store, rows_about, TARIC, 2, canonical="06.01")] == ["0601", "0602"]
    assert [row.code for row in ask(store, rows_about, TARIC, 1, canonical="06.01")] == ["0601"]
    assert ask(store, rows_about, TARIC, 2, canonical="none") == []
    assert ask(store, rows_about, UNITS, 2, code="0601") == []


def test_the_newest_closing_counts(store, publish):
    first, second = "customs/commodities:0601#1", "customs/commodities:0603"
    publish(closings=[Closing(TARIC, first, "2026-12-01"), Closing(TARIC, second, "2026-12-02")])
    publish(closings=[Closing(TARIC, first, ""), Closing(OWN, second, "2026-12-03")])
    known = [Closing(TARIC, first, "2026-12-01", 1), Closing(TARIC, second, "2026-12-02", 1)]
    assert ask(store, closings_between, 0, 1) == known
    assert ask(store, closings_between, 1, 2) == [Closing(TARIC, first, "", 2), Closing(OWN, second, "2026-12-03", 2)]
    assert ask(store, closings_of, TARIC, [first, second, "other"], 1) == {first: "2026-12-01", second: "2026-12-02"}
    assert ask(store, closings_of, TARIC, [first, second], 2) == {first: "", second: "2026-12-02"}
    assert ask(store, closings_of, TARIC, [], 2) == {}
    many = [f"none {number}" for number in range(450)]
    assert ask(store, closings_of, OWN, [*many, second], 2) == {second: "2026-12-03"}


def test_sizes_and_what_was_touched(store, publish):
    publish(KILO, GRAM, LEAF)
    publish(FLOWER, closings=[Closing(OWN, "x", "")])
    assert ask(store, table_sizes, 1) == {UNITS: 2, TARIC: 1}
    assert ask(store, table_sizes, 2) == {UNITS: 2, TARIC: 2}
    assert ask(store, touched_tables, 0, 2) == {UNITS: 2, TARIC: 2, OWN: 1}
    assert ask(store, touched_tables, 1, 2) == {TARIC: 1, OWN: 1}
    assert ask(store, touched_tables, 2, 2) == {}
    (kind,) = {key.kind for key in ask(store, table_sizes, 1) if key == TARIC}
    assert kind is RowKind.MAP


def test_a_list_as_a_whole_has_editions_too(store, publish):
    publish(KILO, lists={"tree-cheda": b"code\n1\n", "posts": b"code\nNLRTM1\n"})
    publish(lists={"posts": b"code\nNLRTM1\nNLAMS4\n"})
    publish(GRAM)
    assert ask(store, find_list, "posts", 1) == (1, b"code\nNLRTM1\n")
    assert ask(store, find_list, "posts", 3) == (2, b"code\nNLRTM1\nNLAMS4\n")
    assert ask(store, find_list, "posts", 0) is None
    assert ask(store, find_list, "other", 3) is None
    assert ask(store, lists_between, 0, 3) == ("posts", "tree-cheda")
    assert ask(store, lists_between, 1, 3) == ("posts",)
    assert ask(store, lists_between, 2, 3) == ()


def test_base_tables_are_kept_once(store, now):
    assert ask(store, find_base, "d1") is None
    for content in (b"first", b"never again"):
        store.write(lambda c, content=content: keep_base(c, "d1", content, now))
    assert ask(store, find_base, "d1") == b"first"


def test_before_it_is_published_nobody_sees_a_change(store, publish, now):
    publish(KILO)
    change = store.write(lambda c: begin_change(c, at=now, author="op"))
    store.write(lambda c: add_rows(c, change, [GRAM, LEAF]))
    store.write(lambda c: add_closings(c, change, [Closing(UNITS, "KGM", "2026-12-01")]))
    store.write(lambda c: keep_list(c, change, "posts", b""))

    assert ask(store, latest_edition) == 1
    assert plain(everything(store)) == plain(ask(store, lambda c: list(rows_of(c, UNITS, 9)))) == [KILO]
    assert ask(store, rows_about, UNITS, 9, code="GRM") == ask(store, rows_about, TARIC, 9, canonical="06.01") == []
    assert ask(store, table_sizes, 9) == ask(store, touched_tables, 0, 9) == {UNITS: 1}
    assert ask(store, closings_between, 0, 9) == []
    assert ask(store, closings_of, UNITS, ["KGM"], 9) == {}
    assert ask(store, find_list, "posts", 9) is None
    assert ask(store, lists_between, 0, 9) == ()

    edition = publish_it(store, change, now, expected=1)
    assert (edition.number, edition.added, edition.closed) == (2, 2, 1)
    assert plain(everything(store)) == [KILO, GRAM, LEAF]


def test_what_is_forgotten_is_gone_and_no_number_comes_again(store, publish, now, monkeypatch):
    monkeypatch.setattr(reference_changes, "_AT_ONCE", 3)
    change = store.write(lambda c: begin_change(c, at=now, author="op"))
    rows = [NewRow(TARIC, f"{number:04}") for number in range(8)]
    store.write(lambda c: add_rows(c, change, rows))
    store.write(lambda c: add_closings(c, change, [Closing(TARIC, "a", ""), Closing(TARIC, "b", "")]))
    store.write(lambda c: keep_list(c, change, "posts", b""))
    calls = 1
    while not store.write(lambda c: forget_change(c, change)):
        calls += 1
    assert calls == 3
    with store.read() as connection:
        for name in ("rows", "closings", "counts", "lists", "changes"):
            assert connection.execute(text(f"SELECT count(*) FROM reference_{name}")).scalar_one() == 0

    publish(KILO)
    (row,) = everything(store)
    assert row.seq > len(rows)
    assert row.edition == 1


def test_who_judged_for_another_edition_is_told(store, publish, now):
    change = store.write(lambda c: begin_change(c, at=now, author="op"))
    store.write(lambda c: add_rows(c, change, [LEAF]))
    publish(KILO)
    assert publish_it(store, change, now, expected=0) is None
    assert publish_it(store, change, now, expected=5) is None
    assert plain(everything(store)) == [KILO]
    assert publish_it(store, change, now, expected=1).number == 2
    assert plain(everything(store)) == [KILO, LEAF]
    assert [len(ask(store, find_audit, f"tables/{number}")) for number in (1, 2, 3)] == [1, 1, 0]


def test_of_many_publishers_of_one_number_one_wins(store, now):
    changes = [store.write(lambda c: begin_change(c, at=now, author="op")) for _ in range(8)]
    for change in changes:
        row = NewRow(UNITS, f"U{change}")
        store.write(lambda c, change=change, row=row: add_rows(c, change, [row]))
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda change: publish_it(store, change, now, expected=0), changes))
    winners = [change for change, edition in zip(changes, won, strict=True) if edition]
    assert len(winners) == 1
    assert ask(store, latest_edition) == 1
    assert [row.code for row in everything(store)] == [f"U{winners[0]}"]


@pytest.mark.parametrize("first_commits", [True, False])
def test_while_one_publishes_the_other_waits_for_its_word(pg_url, now, first_commits):
    """PostgreSQL: the rival's number is not committed yet when the second one takes it."""
    with open_store(pg_url, exclusive=True) as store:
        first, second = (store.write(lambda c: begin_change(c, at=now, author="op")) for _ in range(2))
        about = {"at": now, "author": "op", "reason": "asked for", "kind": "change", "effective_on": "2026-11-22"}
        published, decided = threading.Event(), threading.Event()

        def publish(connection):
            assert publish_change(connection, first, expected=0, **about).number == 1
            published.set()
            assert decided.wait(30)
            if not first_commits:
                raise Undo(None)

        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(store.write, publish)
            assert published.wait(30)
            other = pool.submit(publish_it, store, second, now, expected=0)
            waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            with store.read() as watching:
                while not watching.execute(waits).scalar_one():
                    assert not other.done()
            decided.set()
            one.result(timeout=30)
            edition = other.result(timeout=30)
        assert (edition is None) is first_commits
        assert ask(store, latest_edition) == 1


def test_tables_that_two_add_at_once_are_one(pg_url, now):
    keys = [TableKey(RowKind.CODE, "traces", f"list-{number}") for number in range(20)]
    with open_store(pg_url, exclusive=True) as store:

        def add(order):
            change = store.write(lambda c: begin_change(c, at=now, author="op"))
            store.write(lambda c: add_rows(c, change, [NewRow(key, "A") for key in order]))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(add, [keys, keys[::-1]]))
        with store.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM reference_tables")).scalar_one() == len(keys)


PUBLISHED = [
    "UPDATE reference_rows SET valid_to = '2020-01-01' WHERE code = 'KGM'",
    "UPDATE reference_rows SET change_id = (SELECT min(id) FROM reference_changes) WHERE code = 'GRM'",
    "UPDATE reference_closings SET last_day = ''",
    "UPDATE reference_counts SET added = 0",
    "UPDATE reference_lists SET content = ''",
    "UPDATE reference_changes SET author = 'somebody'",
    "UPDATE reference_editions SET reason = 'another'",
    "UPDATE reference_tables SET list = 'another'",
    "UPDATE reference_bases SET content = ''",
    "DELETE FROM reference_rows WHERE code = 'KGM'",
    "DELETE FROM reference_closings",
    "DELETE FROM reference_counts",
    "DELETE FROM reference_lists",
    "DELETE FROM reference_editions",
    "DELETE FROM reference_changes",
    "DELETE FROM reference_tables",
    "DELETE FROM reference_bases",
    (
        "INSERT INTO reference_rows SELECT 99, change_id, table_id, 'NEW', '', '', '', '', '', '', '', '', '', '', '' "
        "FROM reference_rows WHERE code = 'KGM'"
    ),
    "INSERT INTO reference_closings SELECT 99, change_id, table_id, 'x', '' FROM reference_closings",
    "INSERT INTO reference_counts SELECT 99, change_id, table_id, 1, 1 FROM reference_counts WHERE closed = 1",
    "INSERT INTO reference_lists SELECT 99, change_id, 'another', content FROM reference_lists",
    (
        "INSERT INTO reference_editions SELECT 2, change_id, made_at, 'op', 'why', kind, '2026-11-22', '', 0, 0, 0 "
        "FROM reference_editions"
    ),
    (
        "INSERT INTO reference_editions SELECT 2, 99, made_at, 'op', 'why', kind, '2026-11-22', '', 0, 0, 0 "
        "FROM reference_editions"
    ),
    (
        "INSERT INTO reference_editions SELECT 2, (SELECT max(id) FROM reference_changes), made_at, 'op', 'why', "
        "'whim', '2026-11-22', '', 0, 0, 0 FROM reference_editions"
    ),
    "INSERT INTO reference_tables SELECT 99, kind, system, list, partner FROM reference_tables WHERE kind = 'code'",
]


@pytest.mark.parametrize("statement", PUBLISHED)
def test_the_database_holds_that_nothing_published_changes(store_url, store, publish, now, statement):
    publish(KILO, closings=[Closing(UNITS, "GRM", "")], lists={"posts": b"code"})
    store.write(lambda c: keep_base(c, "d1", b"base", now))
    change = store.write(lambda c: begin_change(c, at=now, author="op"))
    store.write(lambda c: add_rows(c, change, [GRAM]))
    before = contents(store)
    engine = make_engine(parse_url(store_url), pool_size=1, pool_timeout=1)
    with engine.connect() as connection, pytest.raises(DBAPIError, match=r"(?i)constraint|append only"):
        connection.execute(text(statement))
    engine.dispose()
    assert contents(store) == before


NAMES = ("tables", "changes", "editions", "rows", "closings", "counts", "lists", "bases")
KEPT = [*(f"reference_{name}" for name in NAMES), "audit"]


def all_kept(store):
    with store.read() as connection:
        return [sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table}")))) for table in KEPT]


def refused_as_final(url, statement):
    engine = make_engine(parse_url(url), pool_size=1, pool_timeout=1)
    with engine.begin() as connection, pytest.raises(DBAPIError, match="append only"):
        connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize("table", KEPT)
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE"])
def test_sqlite_puts_no_other_row_in_the_place_of_one(sqlite_url, table, verb, now):
    """REPLACE deletes without a word to the triggers of DELETE."""
    columns = ", ".join(column.name for column in metadata.tables[table].columns)
    changed = columns.replace("author", "'somebody'").replace("content", "''").replace("actor", "'somebody'")
    with open_store(sqlite_url, exclusive=True) as store:
        fill(store, now)
        before = all_kept(store)
        refused_as_final(sqlite_url, f"{verb} INTO {table} SELECT {changed} FROM {table}")
        assert all_kept(store) == before
        assert all(before)


def fill(store, now):
    """One published change with something in every table, and one that is not published."""
    change, _ = (store.write(lambda c: begin_change(c, at=now, author="op")) for _ in range(2))
    store.write(lambda c: (add_rows(c, change, [KILO]), add_closings(c, change, [Closing(UNITS, "GRM", "")])))
    store.write(lambda c: keep_list(c, change, "posts", b"code"))
    publish_it(store, change, now, expected=0)
    store.write(lambda c: keep_base(c, "d1", b"base", now))


@pytest.mark.parametrize(
    "statement",
    [
        (
            "reference_editions SELECT 9, change_id, '', 'op', 'x', kind, '2026-11-22', '', 0, 0, 0 "
            "FROM reference_editions"
        ),
        "reference_tables SELECT 9, kind, system, list, partner FROM reference_tables",
        "reference_rows SELECT seq, 2, table_id, 'X', '', '', '', '', '', '', '', '', '', '', '' FROM reference_rows",
        "reference_closings SELECT seq, 2, table_id, 'X', '' FROM reference_closings",
        "reference_counts SELECT seq, 2, table_id, 7, 7 FROM reference_counts",
        "reference_lists SELECT seq, 2, 'posts', '' FROM reference_lists",
    ],
)
def test_sqlite_replaces_by_no_other_key_and_from_no_other_change(sqlite_url, statement, now):
    with open_store(sqlite_url, exclusive=True) as store:
        fill(store, now)
        before = all_kept(store)
        refused_as_final(sqlite_url, f"INSERT OR REPLACE INTO {statement}")
        assert all_kept(store) == before


@pytest.mark.parametrize("table", KEPT)
def test_no_insert_updates_what_is_there(store_url, store, table, now):
    fill(store, now)
    before = all_kept(store)
    described = metadata.tables[table]
    (key,) = described.primary_key
    *_, last = described.columns
    refused_as_final(
        store_url,
        f"INSERT INTO {table} SELECT * FROM {table} WHERE TRUE "
        f"ON CONFLICT ({key.name}) DO UPDATE SET {last.name} = excluded.{last.name}",
    )
    assert all_kept(store) == before


@pytest.mark.parametrize(
    "said", [{"author": " "}, {"reason": ""}, {"effective_on": ""}, {"effective_on": "tomorrow"}], ids=str
)
def test_an_edition_says_who_why_and_from_which_day(store_url, store, now, said):
    change = store.write(lambda c: begin_change(c, at=now, author="op"))
    with pytest.raises(Exception, match="an edition has an author, a reason and a day"):
        publish_it(store, change, now, expected=0, **said)
    assert ask(store, latest_edition) == 0
    assert publish_it(store, change, now, expected=0).number == 1
    (entry,) = ask(store, find_audit, "tables/1")
    assert entry.detail["effective_on"] == "2026-11-23"


@pytest.mark.parametrize("table", [f"reference_{name}" for name in ("rows", "closings", "editions", "bases")])
def test_postgresql_empties_none_of_them(pg_url, table):
    engine = make_engine(parse_url(pg_url), pool_size=1, pool_timeout=1)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append only"):
        connection.execute(text(f"TRUNCATE {table} CASCADE"))
    engine.dispose()


def contents(store):
    with store.read() as connection:
        return [sorted(map(tuple, connection.execute(text(f"SELECT * FROM reference_{name}")))) for name in NAMES]


def test_only_changes_older_than_a_day_that_no_edition_names_are_lost(store, publish, now):
    publish(KILO)
    lost, other = (store.write(lambda c, at=at: begin_change(c, at=at, author="op")) for at in (now, now + MINUTE))
    store.write(lambda c: add_rows(c, lost, [GRAM]))
    assert ask(store, find_lost_change, now + DAY) is None
    assert ask(store, find_lost_change, now + DAY + MINUTE) == lost
    assert store.write(lambda c: forget_change(c, lost))
    assert ask(store, find_lost_change, now + DAY + MINUTE) is None
    assert ask(store, find_lost_change, now + DAY + 2 * MINUTE) == other
    assert plain(everything(store)) == [KILO]


def test_of_a_change_that_is_forgotten_half_way_nothing_is_published(store, publish, now):
    """Its process was held up for a day, and begins again."""
    for kept in (["posts"], []):
        change = store.write(lambda c: begin_change(c, at=now, author="op"))
        store.write(lambda c, change=change: add_rows(c, change, [GRAM, LEAF, FLOWER]))
        for name in kept:
            store.write(lambda c, change=change, name=name: keep_list(c, change, name, b""))
        assert not store.write(lambda c, change=change: forget_change(c, change, limit=2))
        assert publish_it(store, change, now, expected=0) is None
        assert store.write(lambda c, change=change: forget_change(c, change, limit=2))
        assert publish_it(store, change, now, expected=0) is None
    assert publish(KILO).number == 1
    assert plain(everything(store)) == [KILO]


def test_publishing_and_forgetting_wait_for_each_other(store, now, store_url):
    """On PostgreSQL both could run at once, and each would not see what the other does."""
    with open_store(store_url, exclusive=False) as other:
        for _ in range(20):
            change = store.write(lambda c: begin_change(c, at=now, author="op"))
            store.write(lambda c, change=change: add_rows(c, change, [GRAM, LEAF, FLOWER]))
            with ThreadPoolExecutor(2) as threads:
                forgotten = threads.submit(other.write, lambda c, change=change: forget_change(c, change, limit=2))
                newest = ask(store, latest_edition)
                edition = publish_it(store, change, now, expected=newest)
            if edition is None:
                assert forgotten.result() is False
            else:
                with pytest.raises(Exception, match="append only"):
                    forgotten.result()
                assert len(everything(store)) == 3 * edition.number


def test_a_published_change_takes_no_rows_and_is_not_forgotten(store, publish):
    publish(KILO)
    with store.read() as connection:
        (change,) = connection.execute(text("SELECT id FROM reference_changes")).scalars()
    for unit in (
        lambda c: add_rows(c, change, [GRAM]),
        lambda c: add_closings(c, change, [Closing(UNITS, "KGM", "")]),
        lambda c: keep_list(c, change, "posts", b""),
        lambda c: forget_change(c, change),
    ):
        with pytest.raises(Exception, match="append only"):
            store.write(unit)
    assert plain(everything(store)) == [KILO]


@pytest.mark.parametrize(
    ("point", "count", "kept"),
    [("commit.before", 3, 1), ("commit.after", 3, 2), ("commit.before", 4, 2), ("commit.after", 4, 2)],
)
def test_killed_before_it_is_published_a_change_is_invisible_and_can_be_forgotten(store_url, now, point, count, kept):
    """The commits are: begun, a portion, a portion, published."""

    def work():
        os.setsid()
        with open_store(store_url, exclusive=True) as store:
            faultpoints._remaining = {point: count}
            change = store.write(lambda c: begin_change(c, at=now, author="op"))
            for row in (KILO, GRAM):
                store.write(lambda c, row=row: add_rows(c, change, [row]))
            publish_it(store, change, now, expected=0)

    process = fork.Process(target=work)
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL

    published = (point, count) == ("commit.after", 4)
    with open_store(store_url, exclusive=True) as store:
        assert ask(store, latest_edition) == len(ask(store, list_editions, limit=9)) == int(published)
        assert plain(everything(store)) == ([KILO, GRAM] if published else [])
        with store.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM reference_rows")).scalar_one() == kept
            (change,) = connection.execute(text("SELECT id FROM reference_changes")).scalars()
        if not published:
            assert store.write(lambda c: forget_change(c, change))
            with store.read() as connection:
                assert connection.execute(text("SELECT count(*) FROM reference_rows")).scalar_one() == 0
