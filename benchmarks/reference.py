"""Reference data: a million rows in the store, how they are looked up, and how soon a change of them is in use.

The rows have the size of TARIC and EPPO codes together and are invented. One process publishes, another uses the
tables: its start, its memory and the time until it uses a new edition are those of a gateway's process.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import time
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Self

import structlog

from benchmarks import postgresql, translation
from benchmarks.measure import percentile, resident_kib
from gateway.store import (
    NewRow,
    RowKind,
    TableKey,
    add_rows,
    begin_change,
    latest_edition,
    open_store,
    publish_change,
    upgrade,
)
from gateway.store.statements import Statement
from mappings import load_tables
from mappings.live import LiveTables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.connection import Connection

    from gateway.store import Store

__all__ = ["Follower", "fill", "measure"]

LIST: Final = "bench-goods"
CODES: Final = TableKey(RowKind.CODE, "traces", LIST)
MAP: Final = TableKey(RowKind.MAP, "customs", LIST)
SMALL: Final = TableKey(RowKind.MAP, "ephyto", "unit", "bench-sender")
PORTION: Final = 2_000
DELTA: Final = 10_000
ASKED: Final = 2_000
"""Codes that are looked up, each for the first time and then again."""
AGAIN: Final = 20
TODAY: Final = datetime.now(UTC).date()
_WAIT_SECONDS: Final = 30.0
_STEP: Final = 7_919
"""From one code to the next; rows come in the order of their codes, as in publishers' files."""

_select = Statement("SELECT canonical FROM reference_rows WHERE table_id = :table_id AND code = :code")
_table = Statement("SELECT id FROM reference_tables WHERE kind = 'map' AND list = :list")


def measure(folder: Path, *, rows: int, repeats: int) -> dict[str, Any]:
    """Everything, on SQLite and, where a server is installed, on PostgreSQL.

    Args:
        folder: where databases are put.
        rows: how many are imported, half of them codes of a list and half of them lines of a map.
        repeats: deltas and translations that are timed.
    """
    found: dict[str, Any] = {"rows": rows, "translation": translation.measure(repeats), "databases": {}}
    found["databases"]["SQLite"] = _database(f"sqlite:///{folder / 'reference.db'}", rows, repeats)
    with postgresql.server() as url:
        if url is not None:
            found["databases"]["PostgreSQL"] = _database(url, rows, repeats)
    return found


def fill(store: Store, rows: Iterable[NewRow]) -> dict[str, float]:
    """Import rows as one edition.

    Returns:
        Seconds of all of it, and milliseconds that one portion holds the database, median and 99th percentile.
    """
    began, held = time.perf_counter(), []
    change = store.write(lambda connection: begin_change(connection, at=_now(), author="bench"))
    remaining = iter(rows)
    while portion := list(islice(remaining, PORTION)):
        held.append(_seconds(partial(store.write, partial(add_rows, change=change, rows=portion))))
    with store.read() as connection:
        expected = latest_edition(connection)
    about: dict[str, Any] = {
        "author": "bench",
        "reason": "benchmark",
        "kind": "import",
        "effective_on": TODAY.isoformat(),
    }
    publish: Any = partial(publish_change, change=change, expected=expected, at=_now(), **about)
    assert store.write(publish) is not None
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "portion_ms": round(median(held) * 1e3, 1),
        "portion_p99_ms": round(percentile(held, 0.99) * 1e3, 1),
    }


def _now() -> datetime:
    return datetime.now(UTC)


def _seconds(run: Any) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _code(number: int) -> str:
    return f"{number * _STEP:010}"


def _rows(first: int, count: int) -> Iterator[NewRow]:
    """As many codes as lines of the map that lead to them."""
    for number in range(first, first + count // 2):
        yield NewRow(
            CODES, f"E{number:07}", name=f"Invented goods {number}", parent=f"E{number // 10:07}" if number else ""
        )
    for number in range(first, first + count // 2):
        yield NewRow(MAP, _code(number), f"E{number:07}")


def _small_rows(count: int, turn: int) -> Iterator[NewRow]:
    """For a table that is held in memory: ways in to a unit, which a partner may have many of."""
    for number in range(count):
        yield NewRow(SMALL, f"U{turn}-{number:05}", "KGM", direction="in", loss="widens")


def _database(url: str, rows: int, repeats: int) -> dict[str, Any]:
    upgrade(url)
    with open_store(url, exclusive=False) as store:
        found: dict[str, Any] = {"import": fill(store, _rows(0, rows))}
        found["floor"] = _floor(store, rows)
        with Follower(url) as follower:
            found["start"] = follower.started
            found["lookups"] = follower.ask("look up", rows)
            taken = []
            for turn in range(repeats):
                fill(store, _rows(rows + turn * DELTA, DELTA))
                taken.append(follower.ask("follow", turn + 2))
            found["delta of a large table"] = _worst(taken)
        with Follower(url) as follower:
            fill(store, _small_rows(DELTA, 0))
            taken = [follower.ask("follow", repeats + 2)]
            found["delta of a table in memory"] = _worst(taken)
            found["memory"] = follower.ask("memory")
    return found


def _worst(taken: list[dict[str, float]]) -> dict[str, float]:
    return {name: max(each[name] for each in taken) for name in taken[0]}


def _floor(store: Store, rows: int) -> dict[str, float]:
    """What nobody can do with less: one read of a dict, one prepared SELECT by an index."""
    known = {_code(number): f"E{number:07}" for number in range(ASKED)}
    codes = list(known)
    gc.collect()
    reads = min(_seconds(lambda: [known.get(code) for code in codes]) for _ in range(AGAIN)) / ASKED
    with store.read() as connection:
        table_id = _table(connection, list=LIST).fetchone()[0]
        asked = [_code(number) for number in range(0, rows // 2, max(1, rows // 2 // ASKED))]
        selects = _seconds(lambda: [_select(connection, table_id=table_id, code=code).fetchone() for code in asked])
    return {"dict_us": round(reads * 1e6, 3), "select_us": round(selects / len(asked) * 1e6, 1)}


class Follower:
    """A process that uses the tables of a store, asked over a pipe."""

    def __init__(self, url: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_follow, args=(theirs, url), daemon=True)
        self._process.start()
        theirs.close()
        self.started: dict[str, float] = self._pipe.recv()
        """Seconds that it took to have the tables, and its memory before and after."""

    def ask(self, question: str, argument: int = 0) -> dict[str, float]:
        """``look up``, ``follow`` (until an edition is in use) or ``memory``."""
        self._pipe.send((question, argument))
        answer: dict[str, float] = self._pipe.recv()
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send(("", 0))
        self._process.join(30)


def _follow(pipe: Connection, url: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    base = load_tables()
    before = resident_kib()
    with open_store(url, exclusive=False) as store:
        began = time.perf_counter()
        tables = LiveTables(base, store)
        tables.on(TODAY)
        seconds = time.perf_counter() - began
        pipe.send({"seconds": round(seconds, 2), "base_mib": _mib(before), "resident_mib": _mib(resident_kib())})
        while True:
            question, argument = pipe.recv()
            if question == "look up":
                pipe.send(_look_up(tables, argument))
            elif question == "follow":
                pipe.send(_until(tables, argument))
            elif question == "memory":
                pipe.send({"peak_mib": _mib(_peak_kib())})
            else:
                return


def _look_up(tables: LiveTables, rows: int) -> dict[str, float]:
    lookup = tables.on(TODAY).lookup("customs", "traces", LIST)
    step = max(1, rows // 2 // ASKED)
    codes = [_code(number) for number in range(0, rows // 2, step)][:ASKED]
    gc.collect()
    first = [_seconds(partial(lookup.find, code)) for code in codes]
    again = min(_seconds(lambda: [lookup.find(code) for code in codes]) for _ in range(AGAIN)) / len(codes)
    return {
        "first_us": round(median(first) * 1e6, 1),
        "first_p99_us": round(sorted(first)[len(first) * 99 // 100] * 1e6, 1),
        "again_us": round(again * 1e6, 3),
    }


def _until(tables: LiveTables, edition: int) -> dict[str, float]:
    """Ask for the tables as messages do until an edition is in use.

    Returns:
        How long after its publication that was, and how long the longest question took.
    """
    store, longest = tables.store, 0.0
    assert store is not None
    with store.read() as connection:
        made_at = connection.exec_driver_sql(
            f"SELECT made_at FROM reference_editions WHERE number = {int(edition)}"
        ).scalar_one()
    end = time.monotonic() + _WAIT_SECONDS
    used = 0
    while used < edition and time.monotonic() < end:
        began = time.perf_counter()
        used = int(tables.on(TODAY).version.partition("@")[0])
        longest = max(longest, time.perf_counter() - began)
        time.sleep(0.001)
    return {
        "seconds": round((_now() - datetime.fromisoformat(made_at)).total_seconds(), 3),
        "longest_question_ms": round(longest * 1e3, 1),
    }


def _peak_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines() if Path("/proc/self/status").exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _mib(kib: int) -> float:
    return round(kib / 1024, 1)
