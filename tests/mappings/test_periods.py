"""What a list says about a code from one day to another: periods are chosen by day, planned ones stay."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.errors import ConfigurationError, TranslationRefused
from gateway.store import RowKind, TableKey
from mappings import building, changes, held, load_tables
from mappings.changes import RowsInHand, plan_change
from mappings.comparing import compare
from mappings.consequences import judged_rows, try_plan
from mappings.held import HeldTable
from mappings.keeping import digest_of, from_bytes, to_bytes
from mappings.listing import list_codes
from mappings.live import LiveTables
from mappings.publishing import publish
from mappings.reference import KnownCodes
from mappings.settling import Mode
from mappings.sheet_rows import SheetRow
from mappings.sheet_writing import TableSheet
from mappings.sheets import open_sheet

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
PLANNED = TODAY + timedelta(days=60)
EVE = PLANNED - timedelta(days=1)
UNITS = TableKey(RowKind.CODE, "traces", "unit")
ROWS = TableKey(RowKind.MAP, "land", "unit")
HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
COLUMNS = "code,name,valid_from,valid_to,grade,note"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "list-unit.csv").write_text(
        f"# list: unit\n{HEADER}{COLUMNS},name:fr,name:nl\nKGM,kilogram,,,,,kilogramme,kilo\nTNE,tonne,,,,,,\n"
        "MTR,metre,,,,,,\nOLD,old,,,unverified,,,\nGRM,gram,,,,,,\n",
        "utf-8",
    )
    (folder / "map-land-unit.csv").write_text(
        f"# list: unit\n# system: land\n# otherwise: identity\n{HEADER}"
        "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\nT,TNE,,both,none,,,,\n",
        "utf-8",
    )
    return folder


@pytest.fixture(params=["in memory", "in the store"])
def live(request, folder, store, monkeypatch):
    """The same tables as small and as large ones: the same questions have the same answers."""
    if request.param == "in the store":
        for module in (building, held, changes):
            monkeypatch.setattr(module, "LARGE", 0)
        monkeypatch.setattr("mappings.live.LARGE", 0)
    return LiveTables(load_tables(folder), store, look_every=0)


def code(text, name="", *, first="", last="", grade="own", labels=""):
    return SheetRow(2, text, valid_from=f"{first}", valid_to=f"{last}", grade=grade, name=name, labels=labels)


def row(text, canonical, *, first="", last="", direction="both", loss="none"):
    return SheetRow(2, text, canonical, "", direction, loss, f"{first}", f"{last}")


def plan(live, *rows, table=UNITS, on=TODAY, languages=None, mode=Mode.MERGE):
    given = RowsInHand("test.csv", table, rows, languages)
    return plan_change(live, given, effective_on=on, today=TODAY, mode=mode)


def carry_out(live, *rows, **options):
    with plan(live, *rows, **options) as made:
        edition = publish(live.store, made, author="someone", reason="a test", at=NOW)
    assert live.version == f"{edition.number}@{live.base_digest}", live.trouble
    return edition


def told(made):
    added = [(each.code, each.canonical or each.name, each.first, each.last) for each in made.entering()]
    return added, [(each.id, last) for each, last in made.ending()]


def becomes(live, text, day=TODAY):
    """What a code becomes, or why it does not."""
    try:
        return live.on(day).lookup("land", "traces", "unit").find(text).target
    except TranslationRefused as refused:
        return refused.code


def label(live, text, day=TODAY):
    return live.on(day).labels["unit"][text].name


def test_a_code_that_loses_its_confirmation_later_holds_until_then(live):
    with plan(live, code("KGM", "kilogram", grade="unverified"), on=PLANNED) as made:
        assert told(made) == ([("KGM", "kilogram", f"{PLANNED}", "")], [("traces/unit=KGM", f"{EVE}")])
        after = try_plan(live, made, judged_rows(made), set())
        assert [becomes(after, "KGM", day) for day in (TODAY, EVE, PLANNED)] == ["KGM", "KGM", "IMG-6004"]
    carry_out(live, code("KGM", "kilogram", grade="unverified"), on=PLANNED)
    assert [becomes(live, "KGM", day) for day in (TODAY, EVE, PLANNED)] == ["KGM", "KGM", "IMG-6004"]
    known = KnownCodes(live.tables.lists)
    assert [known.knows("unit", "KGM", day) for day in (TODAY, EVE, PLANNED)] == [True, True, False]


def test_a_code_with_another_label_later_goes_on_under_its_old_one(live):
    carry_out(live, code("KGM", "kilo", first=PLANNED))
    assert [becomes(live, "KGM", day) for day in (TODAY, EVE, PLANNED)] == ["KGM"] * 3
    assert [label(live, "KGM", day) for day in (TODAY, EVE, PLANNED)] == ["kilogram", "kilogram", "kilo"]
    assert [each.name for each in live.tables.lists["unit"].about("KGM")] == ["kilogram", "kilo"]


def test_a_new_code_is_not_accepted_before_its_day(live):
    carry_out(live, code("LTR", "litre"), on=PLANNED)
    assert [becomes(live, "LTR", day) for day in (TODAY, EVE, PLANNED)] == ["IMG-6001", "IMG-6001", "LTR"]
    assert label(live, "LTR") == "litre"
    assert "LTR" in live.on(TODAY).labels["unit"]


def test_periods_are_given_compared_and_written_as_they_are(live, folder, tmp_path):
    carry_out(live, code("KGM", "kilo", last=EVE), code("KGM", "kg", first=PLANNED))
    before = live.state
    assert carry_out(live, code("TNE", "ton"), on=PLANNED).closed == 1
    assert [label(live, "KGM", day) for day in (EVE, PLANNED)] == ["kilo", "kg"]
    listed = list_codes(load_tables(folder), live.store, 9, UNITS, code="KGM")
    rows = [(each.id.partition("#")[0], each.code.name) for each in listed]
    assert rows == [("traces/unit=KGM", "kilogram"), ("traces/unit=KGM", "kilo"), ("traces/unit=KGM", "kg")]
    assert {each.code for each in compare(live.store, before, live.state)} - {""} == {"TNE"}
    sheet = TableSheet(HeldTable(live.state, live.store, UNITS), live.version)
    with (tmp_path / "unit.csv").open("w", encoding="utf-8", newline="") as file:
        assert sheet.write_csv(file) == 8
    read = open_sheet(tmp_path / "unit.csv")
    with plan_change(live, read, effective_on=TODAY, today=TODAY, mode=Mode.REPLACE) as made:
        assert (made.is_empty, made.unchanged) == (True, 8)


def test_a_period_is_closed_by_its_id(live):
    carry_out(live, code("KGM", "kilo"), on=PLANNED)
    last = HeldTable(live.state, live.store, UNITS).find(
        f"traces/unit=KGM{live.tables.lists['unit'].codes['KGM'].mark}"
    )
    assert last.name == "kilo"
    end = PLANNED + timedelta(days=9)
    carry_out(live, SheetRow(1, *last._replace(last=f"{end}")[1:]), on=end + timedelta(days=1))
    days = (TODAY, EVE, PLANNED, end, end + timedelta(days=1))
    assert [becomes(live, "KGM", day) for day in days] == ["KGM", "KGM", "KGM", "KGM", "IMG-6001"]


def test_what_a_publisher_says_about_the_past_takes_the_place_of_what_stood_there(live):
    old = date(2020, 1, 1)
    carry_out(live, code("KGM", "kilogramme", last=date(2019, 12, 31)), code("KGM", "kilo", first=old))
    assert [label(live, "KGM", day) for day in (date(2019, 12, 31), old, TODAY)] == ["kilogramme", "kilo", "kilo"]
    with plan(live, code("KGM", "kilogramme", last=date(2019, 12, 31)), code("KGM", "kilo", first=old)) as made:
        assert made.is_empty


def test_two_periods_of_one_code_may_not_meet(live):
    with pytest.raises(ConfigurationError) as refused:
        plan(live, code("KGM", "a", last=PLANNED), code("KGM", "b", first=PLANNED))
    assert refused.value.code == "IMG-0137"
    assert refused.value.expected == "each code once for each day"


def test_a_change_of_today_leaves_what_is_planned(live):
    carry_out(live, row("X", "MTR"), table=ROWS, on=PLANNED)
    with plan(live, row("X", "KGM"), table=ROWS) as made:
        assert told(made) == ([("X", "KGM", f"{TODAY}", f"{EVE}")], [])
        (shortened,) = made.shortened
        assert (shortened.row.last, shortened.planned.canonical) == (f"{EVE}", "MTR")
    carry_out(live, row("X", "KGM"), table=ROWS)
    assert [becomes(live, "X", day) for day in (TODAY, EVE, PLANNED)] == ["KGM", "KGM", "MTR"]
    with plan(live, row("X", "KGM"), table=ROWS) as made:
        assert (made.is_empty, made.unchanged, made.shortened) == (True, 1, ())


def test_a_change_of_a_past_day_leaves_what_is_planned_and_corrects_what_holds(live):
    carry_out(live, row("X", "KGM"), table=ROWS, on=TODAY - timedelta(days=9))
    carry_out(live, row("X", "MTR"), table=ROWS, on=PLANNED)
    carry_out(live, row("X", "GRM"), table=ROWS, on=TODAY - timedelta(days=30))
    days = (TODAY - timedelta(days=30), TODAY, EVE, PLANNED)
    assert [becomes(live, "X", day) for day in days] == ["GRM", "GRM", "GRM", "MTR"]


def test_a_label_of_today_leaves_the_one_that_is_planned(live):
    carry_out(live, code("KGM", "later"), on=PLANNED)
    carry_out(live, code("KGM", "now"))
    assert [label(live, "KGM", day) for day in (TODAY - timedelta(days=1), TODAY, EVE, PLANNED)] == [
        "kilogram", "now", "now", "later"
    ]  # fmt: skip


def test_as_the_whole_table_a_change_withdraws_what_is_planned(live):
    carry_out(live, row("X", "MTR"), table=ROWS, on=PLANNED)
    with plan(live, row("X", "KGM"), row("T", "TNE"), table=ROWS, mode=Mode.REPLACE) as made:
        assert [last for _, last in told(made)[1]] == [""]
        assert told(made)[0] == [("X", "KGM", f"{TODAY}", "")]


def test_labels_in_languages_that_a_file_does_not_have_are_kept(live):
    carry_out(live, code("KGM", "kilo"), languages=())
    assert live.on(TODAY).labels["unit"]["KGM"].labels == {"fr": "kilogramme", "nl": "kilo"}
    carry_out(live, code("KGM", "kilo", labels='{"fr": "kilo"}'), on=PLANNED, languages=("fr",))
    assert live.on(PLANNED).labels["unit"]["KGM"].labels == {"fr": "kilo", "nl": "kilo"}
    carry_out(live, code("KGM", "kilo"), on=PLANNED, languages=("fr", "nl"))
    assert live.on(PLANNED).labels["unit"]["KGM"].labels == {}
    with plan(live, code("KGM", "kilo"), on=PLANNED, languages=()) as made:
        assert made.is_empty


def test_a_code_that_waits_to_be_confirmed_is_told_with_the_command(live):
    carry_out(live, code("NEW", "new", grade="unverified"))
    for of_list, mark in (("OLD", ""), ("NEW", live.tables.lists["unit"].codes["NEW"].mark)):
        for source, target in (("land", "traces"), ("traces", "land")):
            with pytest.raises(TranslationRefused) as refused:
                live.on(TODAY).lookup(source, target, "unit").find(of_list)
            assert refused.value.code == "IMG-6004"
            assert "imsoc mappings confirm" in refused.value.message
            assert f"traces/unit={of_list}{mark}" in refused.value.message


def test_a_release_that_installs_a_code_of_an_operator_leaves_what_the_operator_said(live, folder):
    carry_out(live, code("LTR", "litre of ours"), on=PLANNED)
    list_file = folder / "list-unit.csv"
    list_file.write_text(list_file.read_text("utf-8") + "LTR,litre,,,,,,\n", "utf-8")
    after = LiveTables(load_tables(folder), live.store, look_every=0)
    assert after.trouble is None
    assert [label(after, "LTR", day) for day in (EVE, PLANNED)] == ["litre", "litre of ours"]
    assert [becomes(after, "LTR", day) for day in (EVE, PLANNED)] == ["LTR", "LTR"]


def test_files_have_periods_too_and_are_kept_with_them(folder, store):
    (folder / "list-unit.csv").write_text(
        f"# list: unit\n{HEADER}{COLUMNS}\nKGM,kilogram,2027-01-01,,,\nKGM,kilo,,2026-12-31,,\nTNE,tonne,,,,\n", "utf-8"
    )
    base = load_tables(folder)
    again = from_bytes(to_bytes(base))
    assert digest_of(again) == digest_of(base)
    for tables in (base, again):
        marks = [(each.name, each.mark) for each in tables.lists["unit"].about("KGM")]
        assert marks == [("kilo", ""), ("kilogram", "+2027-01-01")]
    live = LiveTables(base, store, look_every=0)
    assert [label(live, "KGM", day) for day in (TODAY, date(2027, 1, 1))] == ["kilo", "kilogram"]
    found = HeldTable(live.state, store, UNITS).find("traces/unit=KGM+2027-01-01")
    assert found.name == "kilogram"


@pytest.mark.parametrize("rows", ["KGM,a,,,,\nKGM,b,2027-01-01,,,\n", "KGM,a,,2027-01-01,,\nKGM,b,2027-01-01,,,\n"])
def test_periods_of_a_file_may_not_meet(folder, rows):
    (folder / "list-unit.csv").write_text(f"# list: unit\n{HEADER}{COLUMNS}\n{rows}TNE,,,,,\n", "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_tables(folder)
    assert (refused.value.code, refused.value.expected) == ("IMG-0131", "each code once for each day")


def test_no_circle_begins_on_a_later_day(folder):
    """The parents are in order today, and in the newest periods of all codes."""
    (folder / "list-unit.csv").write_text(
        f"# list: unit\n{HEADER}{COLUMNS},parent\nA,,,2027-01-01,,,\n"
        "A,,2027-01-02,2027-01-03,,,TNE\nA,,2027-01-04,,,,\nTNE,,,,,,A\n",
        "utf-8",
    )
    with pytest.raises(ConfigurationError) as refused:
        load_tables(folder)
    assert "A > TNE > A" in refused.value.found
