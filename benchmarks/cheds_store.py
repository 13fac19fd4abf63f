"""Reading and searching CHEDs with a thousand stored and with a million.

``python benchmarks/cheds_store.py [--stored 1000 --stored 1000000] [--keep FOLDER]`` fills a SQLite database for each
number (a million takes a few minutes; ``--keep`` uses a folder again), asks each the same questions in turns, and
prints the median of each question and how they compare. ``--url`` measures one PostgreSQL database instead, filled
with the last number.

What is asked: the CHED of a reference, and searches as authorities, operators and customs make them. The worst cases
match few of many rows in ways that no single index answers; they are printed apart.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from gateway.store import (
    ChedCommodity,
    ChedQuery,
    ChedRow,
    ChedVisibility,
    Period,
    TextFilter,
    find_cheds,
    new_id,
    open_store,
    read_ched_by_reference,
    upgrade,
)
from gateway.store.ched_rows import to_columns
from gateway.store.ched_tables import cheds
from gateway.store.ched_terms import terms_of
from gateway.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from gateway.store import Store

__all__ = ["SEARCHES", "WORST", "Search", "ched", "fill", "get_once", "measure"]

BATCH = 20_000
LAST = datetime(2026, 11, 1, tzinfo=UTC)
"""When the newest was created; those before it at `SPACING`, so that a million are about three years."""
SPACING = timedelta(seconds=90)
PAGE = 10
ROUNDS = 300
TYPES = ("PP",) * 10 + ("P",) * 5 + ("D",) * 3 + ("A",) * 2
STATUSES = ("70",) * 8 + ("1",) * 7 + ("42", "41", "122", "64", "97")
"""So many new ones that a post has a page of them among a thousand CHEDs too: what differs is then the store alone."""
COUNTRIES = ("NL", "BE", "DE", "FR", "ES")
ORIGINS = ("BR", "AR", "KE", "EC", "US", "MA", "ZA", "CL", "PE", "CO")
CODES = ("06031100", "06031200", "07020000", "08030010", "02013000", "03061792", "01012100", "09024000")
POSTS = 20
OPERATORS = 40


def ched(number: int, stored: int) -> ChedRow:
    """An invented CHED; what it is depends on its number alone, the newest has the highest."""
    chance = random.Random(number)
    created = LAST - (stored - number) * SPACING
    kind, status = chance.choice(TYPES), chance.choice(STATUSES)
    entry, origin = chance.choice(COUNTRIES), chance.choice(ORIGINS)
    post = f"{entry}P{chance.randrange(POSTS // len(COUNTRIES))}"
    operator = f"OPR{chance.randrange(OPERATORS):05}"
    decided = created + timedelta(hours=30) if status not in {"1", "42"} else None
    codes = chance.sample(CODES, chance.randint(1, 3))
    return ChedRow(
        id=new_id(created, lambda _: number.to_bytes(10, "big")),
        reference=f"CHED{kind}.{entry}.2026.{number:07}",
        local_reference=f"{entry}-{created.year}-{number:07}",
        type=kind,
        status_code=status,
        purpose="INTERNAL_MARKET",
        partner=f"system-{entry.lower()}",
        body=operator,
        operators=(operator,),
        bodies=(operator, f"AUTH{post}"),
        posts=(post,),
        areas=(entry,),
        sources=(origin,),
        targets=(entry,),
        post_code=post,
        post_locode=f"{entry}XXX",
        entry_country=entry,
        dispatch_country=origin,
        origin_countries=(origin,),
        destination_country=chance.choice(COUNTRIES),
        issuance_country=entry,
        consignor_country=origin,
        consignor_name="Invented Exports",
        consignee_country=entry,
        consignee_name="Invented Imports",
        commodities=tuple(ChedCommodity(code, ("a chapter", "a heading", "goods")) for code in codes),
        phyto_references=(f"{origin}-{number}",) if kind == "PP" else (),
        signed=decided is not None,
        requires_follow_up=status == "97",
        pending_laboratory_tests=number % 100_000 == 7,
        refused=status in {"41", "122"},
        created_at=created,
        updated_at=decided or created,
        status_changed_at=decided or created,
        declared_at=created,
        decided_at=decided,
        prior_notification_at=created + timedelta(hours=24),
    )


def fill(
    store: Store, stored: int, progress: Callable[[int], None] = lambda _: None, document: bytes = b"<small/>" * 8
) -> None:
    """Store so many CHEDs as writes leave them: rows, terms, versions and small documents."""
    if store.dialect == "sqlite":
        store.write(lambda connection: connection.exec_driver_sql("PRAGMA cache_size=-1000000").close())
    for first in range(1, stored + 1, BATCH):
        numbers = range(first, min(first + BATCH, stored + 1))
        store.write(partial(_add, numbers=numbers, stored=stored, document=document))
        progress(numbers[-1])
    if store.dialect == "postgresql":
        store.write(lambda c: c.exec_driver_sql("SELECT setval('cheds_seq_seq', max(seq)) FROM cheds").close())


def _add(connection: Connection, numbers: range, stored: int, document: bytes) -> None:
    rows: dict[str, list[tuple[object, ...]]] = {"cheds": [], "ched_terms": [], "ched_versions": [], "ched_parts": []}
    columns = [column.name for column in cheds.columns]
    for number in numbers:
        row = ched(number, stored)
        terms = terms_of(row)
        stands = {"seq": number, "version": 1, "content_id": row.id, "terms": json.dumps(sorted(terms))}
        values = {**to_columns(row), **stands}
        rows["cheds"].append(tuple(values[name] for name in columns))
        rows["ched_terms"].extend([(term, number) for term in terms])
        written = ("I", "submit", row.partner, row.body, b"", values["created_at"], None)
        rows["ched_versions"].append((row.id, row.id, 1, None, row.status_code, *written))
        rows["ched_parts"].append((row.id, None, None, document))
    rows["ched_terms"].sort()
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    for table, several in rows.items():
        places = ", ".join(mark for _ in several[0])
        names = ", ".join(column.name for column in metadata.tables[table].columns)
        connection.connection.cursor().executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", several)


@dataclass(frozen=True, slots=True)
class Search:
    """A search that somebody makes."""

    name: str
    query: Callable[[random.Random, int], ChedQuery]
    """Of a chance and the number of CHEDs stored."""


def _post(chance: random.Random) -> str:
    return f"{chance.choice(COUNTRIES)}P{chance.randrange(POSTS // len(COUNTRIES))}"


def _authority(chance: random.Random) -> ChedVisibility:
    post = _post(chance)
    return ChedVisibility(partner="none", bodies=(f"AUTH{post}",), posts=(post,), refusals=True)


def _operator(chance: random.Random) -> ChedVisibility:
    return ChedVisibility(bodies=(f"OPR{chance.randrange(OPERATORS):05}",))


def _country(chance: random.Random) -> ChedVisibility:
    country = chance.choice(COUNTRIES)
    return ChedVisibility(partner=f"system-{country.lower()}", areas=(country,), refusals=True)


def _newest(days: float) -> Period:
    return Period(LAST - timedelta(days=days), LAST + timedelta(days=2))


SEARCHES = (
    Search("an operator's own", lambda chance, _: ChedQuery(visibility=_operator(chance), page_size=PAGE)),
    Search(
        "a post's, new", lambda chance, _: ChedQuery(visibility=_authority(chance), statuses=("1",), page_size=PAGE)
    ),
    Search(
        "a post's, by type", lambda chance, _: ChedQuery(visibility=_authority(chance), types=("P",), page_size=PAGE)
    ),
    Search(
        "a country's, lately changed",
        lambda chance, _: ChedQuery(visibility=_country(chance), updated=_newest(0.3), page_size=PAGE),
    ),
    Search(
        "a country's, by chapter",
        lambda chance, _: ChedQuery(visibility=_country(chance), cn_codes=(TextFilter("06"),), page_size=PAGE),
    ),
    Search(
        "everything by origin and status",
        lambda chance, _: ChedQuery(
            visibility=ChedVisibility(everything=True),
            origin_country=chance.choice(ORIGINS),
            statuses=("70",),
            page_size=PAGE,
        ),
    ),
    Search(
        "by local reference",
        lambda chance, stored: ChedQuery(
            visibility=ChedVisibility(everything=True),
            local_reference=TextFilter(ched(chance.randint(1, stored), stored).local_reference, exact=True),
            page_size=PAGE,
        ),
    ),
)
"""What is asked all day."""

WORST = (
    Search(
        "nothing of this reader's",
        lambda _chance, _: ChedQuery(visibility=ChedVisibility(bodies=("NOBODY",)), types=("PP",), statuses=("70",)),
    ),
    Search(
        "two frequent ones that never meet",
        lambda chance, _: ChedQuery(visibility=_country(chance), statuses=("70",), requires_follow_up=True),
    ),
    Search(
        "an unread half: refused ones without refusals",
        lambda chance, _: ChedQuery(
            visibility=ChedVisibility(posts=(_post(chance),)), statuses=("1",), plant_health_non_compliance=True
        ),
    ),
    Search(
        "a rare flag",
        lambda chance, _: ChedQuery(visibility=_country(chance), pending_laboratory_tests=True),
    ),
    Search(
        "not signed, validated: the exception that is not there",
        lambda chance, _: ChedQuery(visibility=_country(chance), statuses=("70",), signed=False),
    ),
    Search(
        "not to be followed up, of those under way",
        lambda chance, _: ChedQuery(visibility=_country(chance), statuses=("97",), requires_follow_up=False),
    ),
    Search(
        "a month long ago",
        lambda chance, stored: ChedQuery(
            visibility=_authority(chance),
            declared=Period(LAST - stored * SPACING * 0.8, LAST - stored * SPACING * 0.8 + timedelta(days=30)),
        ),
    ),
    Search(
        "a year long ago, of an operator",
        lambda chance, stored: ChedQuery(
            visibility=_operator(chance),
            updated=Period(LAST - stored * SPACING, LAST - stored * SPACING * 0.65),
        ),
    ),
    Search(
        "decided before it was declared",
        lambda chance, stored: ChedQuery(
            visibility=_country(chance),
            declared=Period(LAST - stored * SPACING * 0.4, LAST),
            decided=Period(LAST - stored * SPACING, LAST - stored * SPACING * 0.6),
        ),
    ),
    Search(
        "a beginning that half of them have",
        lambda chance, _: ChedQuery(
            visibility=_operator(chance), local_reference=TextFilter(f"{chance.choice(COUNTRIES)}-202"), types=("A",)
        ),
    ),
    Search(
        "page 101 of everything, not remembered",
        lambda _chance, _: ChedQuery(visibility=ChedVisibility(everything=True), types=("PP", "P"), offset=10_000),
    ),
)
"""What matches few of many, or is far away."""


def get_once(connection: Connection, chance: random.Random, stored: int) -> None:
    """Read one CHED with its document, by its reference."""
    number = chance.randint(1, stored)
    row = ched(number, stored)
    started = time.perf_counter()
    found = read_ched_by_reference(connection, row.reference)
    _Clock.last = time.perf_counter() - started
    assert found is not None
    assert found[0].seq == number


class _Clock:
    """Seconds that the last question took, without making it up."""

    last = 0.0


def measure(
    stores: dict[int, Store], searches: Sequence[Search], rounds: int
) -> Iterator[tuple[str, dict[int, float]]]:
    """The median seconds of each search, for each number stored; the stores take turns. With `SEARCHES` get too."""
    if searches is SEARCHES:
        yield "get", _medians(stores, get_once, rounds * 4)
    for search in searches:

        def ask(connection: Connection, chance: random.Random, stored: int, search: Search = search) -> None:
            query = search.query(chance, stored)
            started = time.perf_counter()
            find_cheds(connection, query)
            _Clock.last = time.perf_counter() - started

        yield search.name, _medians(stores, ask, rounds)


def _medians(
    stores: dict[int, Store], ask: Callable[[Connection, random.Random, int], None], rounds: int
) -> dict[int, float]:
    taken: dict[int, list[float]] = {stored: [] for stored in stores}
    warm = max(3, rounds // 10)
    for turn in range(rounds + warm):
        for stored, store in stores.items():
            with store.read() as connection:
                ask(connection, random.Random(turn), stored)
            if turn >= warm:
                taken[stored].append(_Clock.last)
    return {stored: median(seconds) for stored, seconds in taken.items()}


def _warm(url: str) -> None:
    """Let the system read a database's file once: what a disk takes to be read is not asked here."""
    if url.startswith("sqlite:///"):
        with Path(url.removeprefix("sqlite:///")).open("rb") as file:
            while file.read(1 << 24):
                pass


def _opened(url: str, stored: int) -> Store:
    upgrade(url)
    store = open_store(url, exclusive=True)
    with store.read() as connection:
        (there,) = connection.exec_driver_sql("SELECT count(*) FROM cheds").one()
    if there != stored:
        started = time.perf_counter()
        fill(store, stored, lambda done: print(f"\r  {done:,} of {stored:,}", end="", flush=True))
        print(f"\r  {stored:,} stored in {time.perf_counter() - started:.0f} s")
        if store.dialect == "postgresql":
            with store.read() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    _warm(url)
    return store


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--stored", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--url")
    options = parser.parse_args()
    numbers = options.stored or [1_000, 1_000_000]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        urls = {number: options.url or f"sqlite:///{folder}/cheds-{number}.db" for number in numbers}
        if options.url:
            urls = {numbers[-1]: options.url}
        stores = {number: _opened(url, number) for number, url in urls.items()}
        try:
            for title, searches, rounds in (
                ("asked all day", SEARCHES, options.rounds),
                ("worst cases", WORST, max(5, options.rounds // 20)),
            ):
                print(f"\n{title}: median ms for {', '.join(f'{number:,}' for number in stores)} stored")
                for name, medians in measure(stores, searches, rounds):
                    few, *_, many = (*medians.values(), *medians.values())
                    times = "".join(f"{seconds * 1_000:10.3f}" for seconds in medians.values())
                    print(f"  {name:<55}{times}  x{many / few:.2f}")
        finally:
            for store in stores.values():
                store.close()


if __name__ == "__main__":
    main()
