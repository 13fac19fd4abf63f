"""A search finds what a plain reading of its criteria finds, in order and page by page, whatever the windows are."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import (
    ChedCommodity,
    ChedQuery,
    ChedRow,
    ChedVisibility,
    Cursors,
    Period,
    TextFilter,
    ched_finder,
    ched_lists,
    ched_terms,
    find_cheds,
    new_id,
    open_store,
    record_ched,
    visible,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ROWS = 90
COUNTRIES = ("NL", "BE", "XI")
SENDING = ("KE", "BR", "NL")
POSTS = ("NLRTM1", "BEANR1", "XIBEL1")
BODIES = ("OP1", "OP2", "AUTH1")
STATUSES = ("47", "1", "70", "41")
CODES = ("06031100", "0603110090", "06031200", "01012100", "0101")
TEXTS = ("NL-1", "NL-10", "NL-2", 'say "a"', "100%", "é", "")
FLAGS = (
    "transshipped",
    "transfer",
    "plant_health_non_compliance",
    "pending_laboratory_tests",
    "requires_follow_up",
    "signed",
)
PERIODS = {
    "created": "created_at",
    "updated": "updated_at",
    "status_changed": "status_changed_at",
    "declared": "declared_at",
    "decided": "decided_at",
    "prior_notification": "prior_notification_at",
}
SINGLE = (
    "issuance_country",
    "entry_country",
    "dispatch_country",
    "destination_country",
    "transfer_country",
    "consignor_country",
    "consignee_country",
)


def row_of(chance: random.Random, number: int) -> ChedRow:
    def some(values, most=2):
        return tuple(chance.sample(values, chance.randint(0, most)))

    def when(likely=0.7):
        return NOW + timedelta(hours=number + chance.randint(-40, 40)) if chance.random() < likely else None

    created = NOW + timedelta(hours=number)
    draft = chance.random() < 0.2
    place = chance.randrange(3)
    return ChedRow(
        id=new_id(created),
        reference=f"CHEDPP.NL.2026.{number:07}",
        local_reference=chance.choice(TEXTS),
        type=chance.choice(("A", "P", "PP", "D")),
        status_code="47" if draft else chance.choice(STATUSES),
        purpose=chance.choice(("", "INTERNAL_MARKET", "TRANSIT")),
        partner=chance.choice(("nl", "be")),
        bodies=some(BODIES),
        posts=() if draft else (POSTS[place],),
        areas=() if draft else (COUNTRIES[place],),
        sources=() if draft else some(SENDING),
        targets=() if draft else (COUNTRIES[place],),
        post_code=POSTS[place],
        post_locode=POSTS[place][:5],
        origin_countries=some(SENDING),
        commodities=tuple(ChedCommodity(code) for code in some(CODES)),
        phyto_references=some(TEXTS),
        phyto_local_references=some(TEXTS),
        refused=chance.random() < 0.1,
        created_at=created,
        updated_at=when(1.0),
        status_changed_at=when(1.0),
        declared_at=when(),
        decided_at=when(),
        prior_notification_at=when(),
        **{name: chance.random() < 0.3 for name in FLAGS},
        **{name: chance.choice(("", *COUNTRIES, *SENDING)) for name in SINGLE},
    )


def fits_text(wanted, values):
    return wanted is None or any(
        value == wanted.value if wanted.exact else value.startswith(wanted.value) for value in values if value
    )


def may_find(row, who):
    """Written without a look at terms."""
    return (
        who.everything
        or row.partner == who.partner
        or bool(set(row.bodies) & set(who.bodies))
        or bool(set(row.posts) & set(who.posts))
        or bool(set(row.areas) & set(who.areas))
        or (who.refusals and row.refused)
        or any(
            bool(row.sources)
            and bool(row.targets)
            and (sending is None or sending in row.sources)
            and (receiving is None or receiving in row.targets)
            for sending, receiving in who.country_pairs
        )
    )


def fits(row, query):
    """What the criteria say, one after the other."""
    return (
        may_find(row, query.visibility)
        and (not query.types or row.type in query.types)
        and (not query.statuses or row.status_code in query.statuses)
        and (not query.purposes or row.purpose in query.purposes)
        and all(getattr(query, name) in (None, getattr(row, name)) for name in FLAGS)
        and fits_text(query.local_reference, (row.local_reference,))
        and fits_text(query.phyto_reference, row.phyto_references)
        and fits_text(query.phyto_local_reference, row.phyto_local_references)
        and (not query.cn_codes or any(fits_text(code, [c.code for c in row.commodities]) for code in query.cn_codes))
        and (not query.post or query.post in (row.post_code, row.post_locode))
        and (not query.origin_country or query.origin_country in row.origin_countries)
        and all(getattr(query, name) in ("", getattr(row, name)) for name in SINGLE)
        and all(
            (period := getattr(query, name)) is None
            or ((at := getattr(row, column)) is not None and period.since <= at <= period.until)
            for name, column in PERIODS.items()
        )
    )


texts = st.none() | st.builds(
    TextFilter, st.sampled_from(("N", "NL-1", "NL-10", "say", 'say "', "1", "é", "x")), st.booleans()
)
codes = st.builds(
    TextFilter,
    st.sampled_from(("06", "0603", "06031100", "060311", "0603110", "0603110090", "0101", "99")),
    st.booleans(),
)
visibilities = st.builds(
    ChedVisibility,
    everything=st.booleans(),
    partner=st.sampled_from(("", "nl", "none")),
    bodies=st.lists(st.sampled_from((*BODIES, "none")), max_size=2).map(tuple),
    posts=st.lists(st.sampled_from(POSTS), max_size=2).map(tuple),
    areas=st.lists(st.sampled_from(COUNTRIES), max_size=1).map(tuple),
    refusals=st.booleans(),
    country_pairs=st.lists(
        st.tuples(st.none() | st.sampled_from(SENDING), st.none() | st.sampled_from(COUNTRIES)), max_size=2
    ).map(tuple),
)
periods = st.none() | st.builds(
    lambda start, length: Period(NOW + timedelta(hours=start), NOW + timedelta(hours=start + length)),
    st.integers(-50, ROWS),
    st.integers(-5, ROWS),
)


def rarely(values, default):
    """Criteria are many: each is asked for by few of the searches, or nothing would ever be found."""
    return st.sampled_from((False, False, False, False, False, True)).flatmap(
        lambda asked: values if asked else st.just(default)
    )


queries = st.builds(
    ChedQuery,
    visibility=visibilities,
    types=rarely(st.lists(st.sampled_from(("A", "P", "PP")), max_size=2).map(tuple), ()),
    statuses=rarely(st.lists(st.sampled_from(STATUSES), max_size=2).map(tuple), ()),
    purposes=rarely(st.just(("TRANSIT", "INTERNAL_MARKET")), ()),
    local_reference=rarely(texts, None),
    phyto_reference=rarely(texts, None),
    phyto_local_reference=rarely(texts, None),
    cn_codes=rarely(st.lists(codes, max_size=2).map(tuple), ()),
    post=rarely(st.sampled_from(("NLRTM1", "NLRTM", "BEANR1")), ""),
    origin_country=rarely(st.sampled_from(SENDING), ""),
    page_size=st.sampled_from((5, 20, 200)),
    **{name: rarely(st.booleans(), None) for name in FLAGS},
    **{name: rarely(st.sampled_from(COUNTRIES), "") for name in SINGLE},
    **{name: rarely(periods, None) for name in PERIODS},
)


@pytest.fixture(scope="module")
def rows():
    chance = random.Random(4)
    return [row_of(chance, number) for number in range(1, ROWS + 1)]


@pytest.fixture
def filled(store, rows, make_write):
    """A store with all of the rows, some of which were others before."""

    def fill(connection):
        for number, row in enumerate(rows):
            other = replace(rows[-number], id=row.id, reference=row.reference, updated_at=row.updated_at)
            before = other if number % 3 == 0 else row
            record_ched(connection, make_write(before, evidence=None))
            if before is not row:
                record_ched(connection, make_write(row, evidence=None, expected_version=1))

    store.write(fill)
    return store


def references(found):
    return [row.reference for row in found]


SMALL = {"_FEW": 4, "_SMALLEST_WINDOW": 2, "_LARGEST_WINDOW": 8, "_UNLUCKY": 1}


@pytest.mark.parametrize(("windows", "searches"), [("as they are", 30), ("small", 70)])
def test_a_search_finds_what_its_criteria_say(filled, rows, windows, searches, monkeypatch):
    if windows == "small":
        for name, value in SMALL.items():
            monkeypatch.setattr(ched_finder, name, value)
        monkeypatch.setattr(ched_lists, "_AT_ONCE", 2)
        monkeypatch.setattr(ched_terms, "_LISTS_OF_BOTH", 3)
    found_something = 0
    with filled.read() as connection:

        @settings(
            max_examples=searches,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        @given(query=queries)
        def check(query):
            nonlocal found_something
            expected = [row.reference for row in reversed(rows) if fits(row, query)]
            cursors, walked = Cursors(), []
            while True:
                page = find_cheds(connection, replace(query, offset=len(walked)), cursors)
                walked += references(page)
                if len(page) < query.page_size:
                    break
            assert walked == expected
            somewhere = replace(query, offset=3)
            assert references(find_cheds(connection, somewhere)) == expected[3 : 3 + query.page_size]
            found_something += bool(expected)

        check()
    assert found_something > searches // 6


def test_each_criterion_by_itself_keeps_out_what_it_should(filled, rows):
    """Each finds some and not all, so that none of them is passed over."""
    everything = ChedVisibility(everything=True)
    since = Period(NOW, NOW + timedelta(hours=ROWS // 2))
    criteria = {
        "types": ("PP",),
        "statuses": ("70",),
        "purposes": ("TRANSIT",),
        "local_reference": TextFilter("NL-1"),
        "phyto_reference": TextFilter("NL-1", exact=True),
        "phyto_local_reference": TextFilter("NL-1"),
        "cn_codes": (TextFilter("0603"),),
        "post": "NLRTM1",
        "origin_country": "KE",
        **dict.fromkeys(SINGLE, "NL"),
        **dict.fromkeys(PERIODS, since),
    }
    tried = [*criteria.items(), *((name, value) for name in FLAGS for value in (True, False))]
    assert {name for name, _ in tried} | {"visibility", "page_size", "offset"} == set(ChedQuery.__slots__)
    with filled.read() as connection:
        for name, value in tried:
            query = ChedQuery(visibility=everything, page_size=ROWS, **{name: value})
            found = references(find_cheds(connection, query))
            assert found == [row.reference for row in reversed(rows) if fits(row, query)], name
            assert 0 < len(found) < ROWS, name


@given(visibility=visibilities, seed=st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_who_may_see_one_is_who_finds_it(visibility, seed):
    row = row_of(random.Random(seed), 1)
    assert visible(row, visibility) is may_find(row, visibility)


def test_nobody_finds_anything_without_a_reason(filled):
    with filled.read() as connection:
        assert find_cheds(connection, ChedQuery(visibility=ChedVisibility())) == ()
        assert find_cheds(connection, ChedQuery(visibility=ChedVisibility(bodies=("",), posts=("",)))) == ()
        assert find_cheds(connection, ChedQuery(visibility=ChedVisibility(everything=True), page_size=0)) == ()


def test_pages_follow_each_other_while_new_ones_come(store, make_ched, make_write):
    """By offset alone the second page would begin with the end of the first."""
    query = ChedQuery(visibility=ChedVisibility(everything=True), page_size=2)
    clock = [0.0]
    cursors = Cursors(seconds=60, clock=lambda: clock[0])

    def add(number):
        store.write(lambda c: record_ched(c, make_write(make_ched(number), evidence=None)))

    def page(offset):
        with store.read() as connection:
            return [int(row.reference[-7:]) for row in find_cheds(connection, replace(query, offset=offset), cursors)]

    for number in range(1, 6):
        add(number)
    assert page(0) == [5, 4]
    add(6)
    assert page(2) == [3, 2]
    assert page(4) == [1]
    assert page(0) == [6, 5]
    assert page(2) == [4, 3]
    clock[0] = 61
    add(7)
    assert page(2) == [5, 4], "forgotten after its time: counted to"


def test_what_is_remembered_has_a_limit(filled):
    cursors = Cursors(capacity=3)
    with filled.read() as connection:
        for size in range(1, 10):
            find_cheds(connection, ChedQuery(visibility=ChedVisibility(everything=True), page_size=size), cursors)
        asked = [
            ChedQuery(visibility=ChedVisibility(everything=True), page_size=size, offset=size) for size in range(1, 10)
        ]
        assert [cursors.before(query) is not None for query in asked] == [False] * 6 + [True] * 3
        other = replace(asked[-1], visibility=ChedVisibility(partner="nl"))
        assert cursors.before(other) is None, "of another reader"


def test_a_search_by_a_read_only_process_beside_the_serving_one(sqlite_url, make_ched, make_write):
    with open_store(sqlite_url, exclusive=True) as store:
        store.write(lambda c: record_ched(c, make_write(make_ched(1))))
        with open_store(sqlite_url, exclusive=False, read_only=True) as beside, beside.read() as connection:
            assert len(find_cheds(connection, ChedQuery(visibility=ChedVisibility(everything=True)))) == 1
