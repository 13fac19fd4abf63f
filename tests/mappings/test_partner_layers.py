"""A partner's rows over the general ones mean the same wherever either table, or the list of the codes, is kept."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import MappingProxyType

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway.errors import TranslationRefused
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
from mappings import Index, building
from mappings.asked import Compiled
from mappings.bijection import INWARDS, OUTWARDS, overlap
from mappings.live import LiveTables
from mappings.loading import Tables
from mappings.models import (
    Code,
    CodeList,
    CodeMap,
    CodeSystem,
    Direction,
    Grade,
    Loss,
    Otherwise,
    Provenance,
    Row,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = NOW.date()
ENDED = date(2026, 6, 30)
GENERAL = TableKey(RowKind.MAP, "land", "unit")
OWN = GENERAL._replace(partner="p")
CODES = TableKey(RowKind.CODE, "traces", "unit")
US = Provenance("us", "us", "1", "none", Grade.OWN)
LIST = CodeList(
    "list-unit", "unit", US, "0", {each: Code(each, each, None, None, Grade.OWN, "") for each in ("KGM", "TNE", "LTR")}
)
LAND = CodeSystem("land", "Land", "us", "national", "us", Grade.OWN)
PLACES = ("", "636", "636/P", "851")


def code_map(partner="", *rows, otherwise=Otherwise.REFUSE, transform=""):
    name = f"map-land-unit{partner}"
    return CodeMap(name, "land", "unit", partner, otherwise, US, "0", rows, transform)


def answer(lookup, code, place):
    try:
        return lookup.find(code, place).said
    except TranslationRefused as refused:
        return refused.code


# The store.


def row(code, canonical, **more):
    return {"direction": "in", "loss": "widens"} | more | {"code": code, "canonical": canonical}


def publish(store, rows, closings=()):
    change = store.write(lambda connection: begin_change(connection, at=NOW, author="op"))
    store.write(lambda connection: add_rows(connection, change, rows))
    store.write(lambda connection: add_closings(connection, change, closings))
    with store.read() as connection:
        before = latest_edition(connection)
    said = {"at": NOW, "author": "op", "reason": "test", "kind": "change", "effective_on": "2026-11-22"}
    assert store.write(lambda connection: publish_change(connection, change, expected=before, **said)) is not None


@pytest.fixture(params=["none", "general", "partner", "general partner", "list", "general partner list"])
def kept(request, monkeypatch):
    """Which tables are kept in the store: those that are filled up beyond what is kept in memory."""
    monkeypatch.setattr(building, "LARGE", 5)
    monkeypatch.setattr("mappings.live.LARGE", 5)
    return request.param.split()


def asked(store, kept, general, own, otherwise=Otherwise.REFUSE):
    """What the partner is told about code 1 in three places, and the index."""
    rows = [NewRow(GENERAL, **each) for each in general] + [NewRow(OWN, **each) for each in own]
    filler = range(90, 96)
    rows += [NewRow(GENERAL, **row(f"x{number}", "TNE")) for number in filler if "general" in kept]
    rows += [NewRow(OWN, **row(f"x{number}", "TNE")) for number in filler if "partner" in kept]
    rows += [NewRow(CODES, f"C{number}", name="filler") for number in filler if "list" in kept]
    publish(store, rows)
    maps = (code_map(otherwise=otherwise), code_map("p", otherwise=otherwise))
    base = Tables({"unit": LIST}, maps, {}, {"land": LAND})
    live = LiveTables(base, store, look_every=0)
    assert {key[2] for key in live.state.stored} == ({""} if "general" in kept else set()) | (
        {"p"} if "partner" in kept else set()
    )
    index = live.on(DAY)
    lookup = index.lookup("land", "traces", "unit", "p")
    return [said if isinstance(said := answer(lookup, "1", place), str) else said[0] for place in ("", "636", "636/P")]


LITRE = row("1", "LTR")
NONE = row("1", "TNE", direction="none", loss="none")


@pytest.mark.parametrize(
    ("general", "own", "expected"),
    [
        ([LITRE], [NONE], ["IMG-6007", "IMG-6007", "IMG-6007"]),
        ([LITRE], [NONE | {"context": "636/P"}], ["LTR", "LTR", "IMG-6007"]),
        ([LITRE | {"context": "636/P"}], [row("1", "TNE")], ["TNE", "TNE", "LTR"]),
        ([NONE | {"context": "636/P"}], [row("1", "TNE")], ["TNE", "TNE", "IMG-6007"]),
        ([LITRE], [row("1", "TNE", valid_to=str(ENDED))], ["LTR", "LTR", "LTR"]),
        ([LITRE], [row("1", "TNE", valid_from="2027-01-01")], ["LTR", "LTR", "LTR"]),
        ([LITRE], [row("1", "TNE", grade="unverified")], ["LTR", "LTR", "LTR"]),
        ([], [row("1", "TNE", valid_to=str(ENDED))], ["IMG-6003", "IMG-6003", "IMG-6003"]),
        ([], [row("1", "TNE", grade="unverified")], ["IMG-6004", "IMG-6004", "IMG-6004"]),
        ([LITRE | {"grade": "unverified"}], [row("1", "TNE", context="636/P")], ["IMG-6008", "IMG-6008", "TNE"]),
    ],
)
def test_where_rows_are_kept_changes_no_answer(store, kept, general, own, expected):
    assert asked(store, kept, general, own) == expected


@pytest.mark.parametrize(
    ("general", "own", "expected"),
    [
        ([], [], "KGM"),
        ([row("KGM", "TNE")], [], "TNE"),
        ([], [row("KGM", "TNE")], "TNE"),
        ([], [row("KILO", "KGM", direction="both", loss="none")], "IMG-6001"),
        ([row("KILO", "KGM", direction="both", loss="none")], [], "IMG-6001"),
        ([], [row("KGM", "TNE", direction="none", loss="none")], "IMG-6007"),
        ([row("KGM", "TNE", direction="out")], [], "KGM"),
        ([row("KGM", "TNE", valid_to=str(ENDED))], [], "IMG-6003"),
    ],
)
def test_codes_that_stay_the_same_do_so_wherever_rows_are_kept(store, kept, general, own, expected):
    asked(store, kept, general, own)
    maps = (code_map(otherwise=Otherwise.IDENTITY), code_map("p", otherwise=Otherwise.IDENTITY))
    live = LiveTables(Tables({"unit": LIST}, maps, {}, {"land": LAND}), store, look_every=0)
    found = answer(live.on(DAY).lookup("land", "traces", "unit", "p"), "KGM", "")
    assert (found if isinstance(found, str) else found[0]) == expected


def test_a_row_that_an_installation_takes_up_answers_under_one_name(store, kept):
    first = Row("land/unit/1", "1", "KGM", "", Direction.IN, Loss.WIDENS, None, None, Grade.OWN, "")
    asked(store, kept, [row("1", "KGM")], [])
    tables = LiveTables(Tables({"unit": LIST}, (code_map("", first),), {}, {"land": LAND}), store, look_every=0)
    assert tables.on(DAY).lookup("land", "traces", "unit").find("1").row_id == "land/unit/1"


def test_a_list_in_the_store_names_each_code_once_and_none_that_is_withdrawn(store, monkeypatch):
    monkeypatch.setattr(building, "LARGE", 2)
    monkeypatch.setattr("mappings.live.LARGE", 2)
    new = [NewRow(CODES, each, name="new") for each in ("GRM", "KGM", "MTR", "MTR")]
    publish(store, new, [Closing(CODES, "traces/unit=TNE", "")])
    with_all = LiveTables(Tables({"unit": LIST}, (), {}, {}), store, look_every=0).tables.lists["unit"].codes
    assert sorted(with_all) == ["GRM", "KGM", "LTR", "MTR"]
    assert len(with_all) == 4
    publish(store, [], [Closing(CODES, "traces/unit=GRM#1", ""), Closing(CODES, "traces/unit=KGM#2", "")])
    left = LiveTables(Tables({"unit": LIST}, (), {}, {}), store, look_every=0).tables.lists["unit"].codes
    assert sorted(left) == ["KGM", "LTR", "MTR"]
    assert {code: left[code].name for code in left} == {"KGM": "KGM", "LTR": "LTR", "MTR": "new"}


def test_codes_of_a_list_in_the_store_are_gone_through_in_few_questions(store, monkeypatch):
    monkeypatch.setattr(building, "LARGE", 2)
    monkeypatch.setattr("mappings.live.LARGE", 2)
    publish(store, [NewRow(CODES, f"C{number}", name="new") for number in range(2_500)])
    codes = LiveTables(Tables({"unit": LIST}, (), {}, {}), store, look_every=0).tables.lists["unit"].codes
    questions = []

    def counted(_connection, _table, ids, _edition):
        questions.append(len(ids))
        return {}

    monkeypatch.setattr("mappings.stored.closings_of", counted)
    assert sum(1 for _ in codes) == 2_503
    assert questions == [1_000, 1_000, 500, 3]


# Whatever the tables say.


@st.composite
def rows(draw):
    """Rows that give each code one answer per context and day."""
    kept = []
    for number in range(draw(st.integers(0, 5))):
        direction = draw(st.sampled_from(list(Direction)))
        made = Row(
            f"land/unit/{number}",
            draw(st.sampled_from(["1", "2", "KGM", "kgm"])),
            draw(st.sampled_from(["KGM", "TNE"])),
            draw(st.sampled_from(["", "636", "636/P"])),
            direction,
            draw(st.sampled_from([Loss.NONE, Loss.WIDENS])),
            None,
            draw(st.sampled_from([None, None, None, ENDED])),
            draw(st.sampled_from([Grade.OWN, Grade.OWN, Grade.UNVERIFIED])),
            "",
        )
        if direction is not Direction.BOTH and draw(st.booleans()) and draw(st.booleans()):
            made = replace(made, **{"canonical" if direction is Direction.IN else "code": ""})
        if not any(_two(made, other) for other in kept):
            kept.append(made)
    return tuple(kept)


def _two(first, second):
    if first.context != second.context or not overlap(first, second):
        return False
    return any(
        getattr(first, side) == getattr(second, side)
        and all(each.direction in (*ways, Direction.NONE) for each in (first, second))
        for ways, side in ((INWARDS, "code"), (OUTWARDS, "canonical"))
    )


MAPS = st.builds(
    lambda found, otherwise, transform: (found, otherwise, transform),
    rows(),
    st.sampled_from(list(Otherwise)),
    st.sampled_from(["", "lower-case", "as-written"]),
)


def every_answer(index, partner):
    found = {}
    for source, target in (("land", "traces"), ("traces", "land")):
        lookup = index.lookup(source, target, "unit", partner)
        for code in ("1", "2", "KGM", "kgm", "TNE", "LTR", "tne", "?", ""):
            for place in PLACES:
                found[source, code, place] = answer(lookup, code, place), sorted(lookup.sources(code, place))
    return found


@settings(max_examples=60, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(MAPS, MAPS, st.booleans())
def test_every_answer_is_the_same_in_every_arrangement(general, own, allow_unconfirmed):
    whole = [
        code_map(partner, *found, otherwise=otherwise, transform=transform)
        for partner, (found, otherwise, transform) in (("", general), ("p", own))
    ]
    whole[1] = replace(whole[1], rows=tuple(replace(each, id=f"{each.id}#1") for each in whole[1].rows))
    expected = None
    for codes in (LIST, replace(LIST, codes=MappingProxyType(LIST.codes))):
        for kept in ((), ("",), ("p",), ("", "p")):
            maps = tuple(replace(each, rows=()) if each.partner in kept else each for each in whole)
            index = Index.build(
                Tables({"unit": codes}, maps, {}, {"land": LAND}),
                DAY,
                allow_unconfirmed=allow_unconfirmed,
                stored={("land", "unit", each.partner): Compiled(each) for each in whole if each.partner in kept},
            )
            found = {partner: every_answer(index, partner) for partner in ("", "p")}
            expected = expected or found
            assert found == expected, kept
