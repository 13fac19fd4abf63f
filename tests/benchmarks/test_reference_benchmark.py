"""The benchmark of reference data measures what it says, and misses its bars by the figures."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy

import pytest

from benchmarks import reference, report, translation
from benchmarks.reference import DELTA, Follower, fill, measure
from gateway.store import latest_edition, open_store, table_sizes

DATABASE = {
    "import": {"seconds": 18.1, "portion_ms": 30.2, "portion_p99_ms": 44.4},
    "floor": {"dict_us": 0.031, "select_us": 8.3},
    "start": {"seconds": 0.11, "base_mib": 79.1, "resident_mib": 83.2},
    "lookups": {"first_us": 65.5, "first_p99_us": 129.7, "again_us": 0.246},
    "delta of a large table": {"seconds": 0.163, "longest_question_ms": 20.8},
    "delta of a table in memory": {"seconds": 0.575, "longest_question_ms": 226.6},
    "memory": {"peak_mib": 94.95},
}
RESULT = {
    "reference": {
        "rows": 1_000_000,
        "translation": {
            "8 KB": {
                "ms": 0.431,
                "floor_ms": 0.08,
                "ours/floor": 5.4,
                "us_per_element": 2.71,
                "floor_us_per_element": 0.501,
            },
            "60 KB": {
                "ms": 2.87,
                "floor_ms": 0.559,
                "ours/floor": 5.1,
                "us_per_element": 2.28,
                "floor_us_per_element": 0.444,
            },
            "1 MB": {
                "ms": 53.6,
                "floor_ms": 13.247,
                "ours/floor": 4.0,
                "us_per_element": 2.54,
                "floor_us_per_element": 0.628,
            },
        },
        "databases": {"SQLite": DATABASE, "PostgreSQL": deepcopy(DATABASE)},
    }
}


@pytest.fixture
def filled(store_url):
    """A store with both kinds of rows, one edition."""
    with open_store(store_url, exclusive=False) as store:
        fill(store, reference._rows(0, 50_000))
        yield store_url, store


def test_rows_are_imported_as_one_edition(filled):
    _, store = filled
    with store.read() as connection:
        assert latest_edition(connection) == 1
        assert set(table_sizes(connection, 1).values()) == {25_000}


def test_another_process_has_the_tables_looks_codes_up_and_follows(filled):
    url, store = filled
    with Follower(url) as follower:
        assert follower.started["resident_mib"] >= follower.started["base_mib"] > 0
        looked = follower.ask("look up", 50_000)
        assert 0 < looked["again_us"] < looked["first_us"]
        fill(store, reference._small_rows(DELTA, 0))
        followed = follower.ask("follow", 2)
        assert followed["seconds"] > 0
        assert follower.ask("memory")["peak_mib"] >= follower.started["resident_mib"]


def test_translation_alone_is_measured_at_each_size():
    found = translation.measure(1)
    assert list(found) == ["8 KB", "60 KB", "1 MB"]
    assert found["8 KB"]["ms"] < found["60 KB"]["ms"] < found["1 MB"]["ms"]
    for figures in found.values():
        assert figures.keys() == RESULT["reference"]["translation"]["8 KB"].keys()
        assert 0 < figures["floor_us_per_element"] < figures["us_per_element"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("databases", "PostgreSQL", "start", "seconds"), 10.1),
        (("databases", "SQLite", "memory", "peak_mib"), 601.0),
        (("databases", "PostgreSQL", "lookups", "again_us"), 2.1),
        (("databases", "SQLite", "delta of a large table", "seconds"), 2.1),
        (("databases", "PostgreSQL", "delta of a table in memory", "seconds"), 2.1),
        (("translation", "8 KB", "ms"), 0.51),
        (("translation", "1 MB", "us_per_element"), 3.0),
    ],
)
def test_each_bar_is_missed_by_its_own_figure(place, value):
    assert [bar["met"] for bar in report.bars(RESULT)] == [True] * 6
    worse = deepcopy(RESULT)
    *way, last = place
    inner = worse["reference"]
    for step in way:
        inner = inner[step]
    inner[last] = value
    assert [bar["met"] for bar in report.bars(worse)].count(False) == 1


def test_the_page_has_every_figure():
    text = report.as_text({**RESULT, "bars": report.bars(RESULT)})
    for group in (*DATABASE.values(), *RESULT["reference"]["translation"].values()):
        for figure in group.values():
            assert str(figure) in text


def test_without_a_server_it_is_sqlite_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.postgresql.server", lambda: nullcontext(None))
    found = measure(tmp_path, rows=44_000, repeats=1)
    assert list(found["databases"]) == ["SQLite"]
    assert set(found["databases"]["SQLite"]) == set(DATABASE)
    assert len(report.bars({"reference": found})) == 6
