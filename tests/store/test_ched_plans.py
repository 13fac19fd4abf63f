"""A search costs what it finds, and at worst what its rarest criterion has: never the CHEDs that are stored.

Cost is counted, not timed (`store_plans.cost`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from store_plans import cost, on_each

from gateway.store import (
    ChedQuery,
    ChedVisibility,
    Period,
    TextFilter,
    find_cheds,
    open_store,
    pending_cheds,
    read_ched_by_reference,
    record_ched,
    upgrade,
    waiting_contingency,
)
from gateway.store.ched_rows import to_columns
from gateway.store.ched_tables import cheds
from gateway.store.ched_terms import terms_of
from gateway.store.engines import make_engine, parse_url

ROWS = 60_000
PAGE = 10
LIMITS = {"sqlite": 30_000, "postgresql": 6_000}
"""Steps, or rows, for a page of ten; the smallest scan of a table would take 300,000 steps, or 60,000 rows."""
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
EVERYTHING = ChedVisibility(everything=True)
POST = ChedVisibility(partner="nobody", bodies=("AUTH1",), posts=("NLRTM1",), refusals=True)

_SERIES = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :rows)",
    "postgresql": "WITH s AS (SELECT n FROM generate_series(1, :rows) AS g(n))",
}
_MOMENT = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S', '2024-01-01', n || ' minutes') || '.000000+00:00'",
    "postgresql": "to_char(timestamp '2024-01-01' + n * interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS') "
    "|| '.000000+00:00'",
}
_TERMS = {
    "'t:' || CASE WHEN n % 2 = 0 THEN 'PP' ELSE 'P' END": "1 = 1",
    "'s:' || CASE WHEN n % 2 = 0 THEN '70' ELSE '64' END": "1 = 1",
    "'vo:NLRTM' || (n % 3)": "1 = 1",
    "'vo:NLRTM' || (n % 3) || '|' || CASE WHEN n % 2 = 0 THEN '70' ELSE '64' END": "1 = 1",
    "'vr'": "n % 50 = 0",
    "'f:transfer'": "n = 17",
    "'u:TRANSIT'": "n % 2 = 1",
    "'co:KE'": "n % 20 = 0",
    "'n:06'": "n % 5 = 0",
    "'l:L-' || n": "1 = 1",
}
"""What the rows have for terms: the same as `terms_of`, as far as the questions below go."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request, tmp_path_factory):
    """A store of many CHEDs that knows itself by its own statistics."""
    yield from on_each(request, tmp_path_factory, "ched_plans", _filled)


def _filled(url):
    upgrade(url)
    engine = make_engine(parse_url(url), pool_size=1, pool_timeout=5)
    dialect = engine.dialect.name
    plain = {
        "seq": "n",
        "id": "'C' || n",
        "version": "1",
        "content_id": "'C' || n",
        "reference": "'CHEDPP.NL.2026.' || n",
        "local_reference": "'L-' || n",
        "pending": "CASE WHEN n % 1000 = 0 THEN 'counter-seal' ELSE '' END",
        "lists": "'{{}}'".replace("{{}}", "{}"),
        "terms": "'[]'",
    }
    false = "0" if dialect == "sqlite" else "false"
    values = [
        plain.get(column.name)
        or (_MOMENT[dialect] if column.name.endswith("_at") else false if str(column.type) == "BOOLEAN" else "''")
        for column in cheds.columns
    ]
    names = ", ".join(column.name for column in cheds.columns)
    series = _SERIES[dialect]
    with engine.begin() as connection:
        fill = f"INSERT INTO cheds ({names}) {series} SELECT {', '.join(values)} FROM s".replace(":%M", r"\:%M")
        fill = fill.replace(":%S", r"\:%S").replace(":MI", r"\:MI").replace(":SS", r"\:SS").replace(":00'", r"\:00'")
        connection.execute(text(fill), {"rows": ROWS})
        for term, condition in _TERMS.items():
            one = (
                f"INSERT INTO ched_terms {series} SELECT {term.replace(':', chr(92) + ':')}, n FROM s WHERE {condition}"
            )
            connection.execute(text(one), {"rows": ROWS})
        if dialect == "postgresql":
            connection.execute(text(f"SELECT setval('cheds_seq_seq', {ROWS})"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if dialect == "sqlite" else "VACUUM ANALYZE")
    engine.dispose()
    with open_store(url, exclusive=True) as store:
        yield store


def _day(number, length=1):
    return Period(FIRST + timedelta(days=number), FIRST + timedelta(days=number + length))


SEARCHES = {
    "everything": (ChedQuery(visibility=EVERYTHING, page_size=PAGE), PAGE),
    "a post's": (ChedQuery(visibility=POST, page_size=PAGE), PAGE),
    "a post's by status": (ChedQuery(visibility=POST, statuses=("70",), page_size=PAGE), PAGE),
    "type and origin": (ChedQuery(visibility=POST, types=("PP",), origin_country="KE", page_size=PAGE), PAGE),
    "chapter": (ChedQuery(visibility=POST, cn_codes=(TextFilter("06"),), page_size=PAGE), PAGE),
    "nobody's": (ChedQuery(visibility=ChedVisibility(bodies=("X",)), types=("PP",), page_size=PAGE), 0),
    "a rare flag": (ChedQuery(visibility=EVERYTHING, transfer=True, types=("P",), page_size=PAGE), 1),
    "none of a flag": (ChedQuery(visibility=EVERYTHING, requires_follow_up=True, types=("P",)), 0),
    "not a flag": (ChedQuery(visibility=EVERYTHING, transshipped=False, page_size=PAGE), PAGE),
    "one local reference": (ChedQuery(visibility=EVERYTHING, local_reference=TextFilter("L-77", exact=True)), 1),
    "a beginning": (ChedQuery(visibility=EVERYTHING, local_reference=TextFilter("L-5999"), types=("P",)), 6),
    "lately changed": (ChedQuery(visibility=POST, updated=_day(41), page_size=PAGE), PAGE),
    "long ago": (ChedQuery(visibility=POST, declared=_day(1), types=("PP",), page_size=PAGE), PAGE),
    "years, newest": (ChedQuery(visibility=POST, decided=_day(-1_000, 9_000), page_size=PAGE), PAGE),
    "before there were any": (ChedQuery(visibility=POST, created=_day(-9)), 0),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_costs_what_it_finds(full, name):
    query, expected = SEARCHES[name]
    found, costs = cost(full, lambda c: find_cheds(c, query))
    assert len(found) == expected
    assert costs <= LIMITS[full.dialect]


READS = {
    "by reference": lambda c: read_ched_by_reference(c, f"CHEDPP.NL.2026.{ROWS // 2}"),
    "pending": lambda c: pending_cheds(c, limit=PAGE, after=ROWS // 2),
    "waiting": lambda c: waiting_contingency(c, "traces", limit=PAGE),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_costs_a_read(full, name):
    _, costs = cost(full, READS[name])
    assert costs <= {"sqlite": 1_500, "postgresql": 40}[full.dialect]


def test_a_write_costs_a_write(full, make_write):
    _, costs = cost(full, lambda c: record_ched(c, make_write()))
    assert costs <= {"sqlite": 10_000, "postgresql": 500}[full.dialect]


def test_two_frequent_ones_that_never_meet_cost_each_list_once(full):
    query = ChedQuery(visibility=EVERYTHING, statuses=("70",), purposes=("TRANSIT",))
    found, costs = cost(full, lambda c: find_cheds(c, query))
    assert found == ()
    assert costs <= {"sqlite": 20 * ROWS, "postgresql": 2 * ROWS}[full.dialect]


def test_a_long_time_long_ago_costs_that_time(full):
    """Not what came after it: 15 days of 41, from the third on."""
    query = ChedQuery(visibility=POST, types=("PP",), declared=_day(2, 15), page_size=PAGE)
    found, costs = cost(full, lambda c: find_cheds(c, query))
    assert len(found) == PAGE
    assert found[0].declared_at <= query.declared.until
    assert costs <= {"sqlite": 300_000, "postgresql": 35_000}[full.dialect]


def test_the_measure_sees_a_scan(full):
    _, costs = cost(full, lambda c: c.execute(text("SELECT count(*) FROM cheds WHERE consignor_name <> ''")).all())
    assert costs > 4 * LIMITS[full.dialect]


def test_the_rows_are_found_by_what_a_write_would_have_given_them(full, make_ched):
    """The terms above are those of `terms_of`, and the columns those that a write sets."""
    row = make_ched(
        type="PP",
        status_code="70",
        posts=("NLRTM1",),
        refused=True,
        transfer=True,
        purpose="TRANSIT",
        origin_countries=("KE",),
        local_reference="L-1",
    )
    terms = terms_of(row)
    assert {"t:PP", "s:70", "vo:NLRTM1", "vo:NLRTM1|70", "vr", "f:transfer", "u:TRANSIT", "co:KE", "l:L-1"} <= terms
    assert set(to_columns(row)) | {"seq", "version", "content_id", "terms"} == set(cheds.columns.keys())
    assert full.dialect in LIMITS
