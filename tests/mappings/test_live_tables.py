"""The tables that hold: published changes are followed, the past is had again, large tables answer like small ones."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.errors import ConfigurationError, TranslationRefused
from gateway.store import (
    Closing,
    NewRow,
    RowKind,
    TableKey,
    add_closings,
    add_rows,
    begin_change,
    keep_base,
    latest_edition,
    publish_change,
)
from mappings import building, load_tables
from mappings.building import TableChange
from mappings.keeping import to_bytes
from mappings.live import LiveTables
from mappings.loading import Tables
from mappings.models import Direction, Grade, Loss

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
UNITS = TableKey(RowKind.MAP, "land", "unit")
CODES = TableKey(RowKind.CODE, "traces", "unit")
HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"


@pytest.fixture
def base(tmp_path) -> Tables:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "list-unit.csv").write_text(
        f"# list: unit\n{HEADER}code,name,valid_from,valid_to,grade,note\nKGM,kilogram,,,,\nTNE,tonne,,,,\n", "utf-8"
    )
    (folder / "map-land-unit.csv").write_text(
        f"# list: unit\n# system: land\n# otherwise: identity\n{HEADER}"
        "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n1,KGM,,both,none,,,,\n",
        "utf-8",
    )
    return load_tables(folder)


@pytest.fixture(params=["in memory", "in the store"])
def size(request, monkeypatch) -> str:
    """Whether the tables of the test count as large: the same questions have the same answers."""
    if request.param == "in the store":
        monkeypatch.setattr(building, "LARGE", 0)
        monkeypatch.setattr("mappings.live.LARGE", 0)
    return request.param


def publish(store, rows=(), closings=(), expected=None) -> int:
    change = store.write(lambda connection: begin_change(connection, at=NOW, author="op"))
    store.write(lambda connection: add_rows(connection, change, rows))
    store.write(lambda connection: add_closings(connection, change, closings))
    with store.read() as connection:
        before = latest_edition(connection) if expected is None else expected
    said = {"at": NOW, "author": "op", "reason": "test", "kind": "change", "effective_on": "2026-11-22"}
    edition = store.write(lambda connection: publish_change(connection, change, expected=before, **said))
    assert edition is not None
    return edition.number


def row(code, canonical, table=UNITS, **more) -> NewRow:
    return NewRow(table, code, canonical, **more)


def unit(code, **more) -> NewRow:
    return NewRow(CODES, code, name=code.lower(), **more)


def live(base, store, **more) -> LiveTables:
    return LiveTables(base, store, look_every=0, **more)


def inwards(tables, code, day=TODAY, context="") -> str | None:
    return tables.on(day).lookup("land", "traces", "unit").find(code, context).target


def outwards(tables, code, day=TODAY) -> str | None:
    return tables.on(day).lookup("traces", "land", "unit").find(code).target


def refusal(tables, code, day=TODAY, context="") -> str:
    with pytest.raises(TranslationRefused) as refused:
        inwards(tables, code, day, context)
    return refused.value.code


def test_without_a_store_the_base_is_all_there_is(base):
    tables = LiveTables(base)
    assert inwards(tables, "1") == "KGM"
    assert tables.version == f"0@{tables.base_digest}"
    assert tables.at(tables.version, TODAY).version == tables.version
    with pytest.raises(TranslationRefused, match="IMG-6012"):
        tables.at("1@000000000000", TODAY)


def test_a_published_row_is_followed_and_the_past_stays(base, store, size):
    tables = live(base, store)
    tables.keep_base(NOW)
    before = tables.version
    taken = tables.on(TODAY)
    assert refusal(tables, "2") == "IMG-6001"
    publish(store, [row("2", "TNE")])
    assert inwards(tables, "2") == "TNE"
    assert outwards(tables, "TNE") == "2"
    assert inwards(tables, "1") == "KGM"
    assert tables.version == f"1@{tables.base_digest}"
    assert taken.version == before
    with pytest.raises(TranslationRefused):
        taken.lookup("land", "traces", "unit").find("2")
    assert tables.at(before, TODAY).lookup("traces", "land", "unit").find("TNE").target == "TNE"


def test_between_two_looks_no_moment_of_the_store_is_kept(base, store, size, held):
    tables = live(base, store)
    publish(store, [row("2", "TNE")])
    assert inwards(tables, "2") == "TNE"
    assert not held()


def test_what_carries_over_unchanged_ends_where_a_row_names_it(base, store, size):
    tables = live(base, store)
    assert inwards(tables, "TNE") == "TNE"
    publish(store, [row("2", "TNE", direction="out", loss="widens")])
    assert refusal(tables, "TNE") == "IMG-6001"
    assert outwards(tables, "TNE") == "2"
    back = tables.on(TODAY).lookup("traces", "land", "unit")
    assert (back.sources("1"), back.sources("2"), back.sources("TNE")) == (("KGM",), ("TNE",), ())


def test_a_row_of_the_base_is_closed_and_another_takes_its_place(base, store, size):
    tables = live(base, store)
    publish(store, [row("1", "TNE", valid_from="2026-12-01")], [Closing(UNITS, "land/unit/1", "2026-11-30")])
    assert inwards(tables, "1", date(2026, 11, 30)) == "KGM"
    assert inwards(tables, "1", date(2026, 12, 1)) == "TNE"
    withdrawn = tables.on(date(2026, 12, 1)).lookup("land", "traces", "unit").find("1").row_id
    publish(store, (), [Closing(UNITS, withdrawn, "")])
    assert refusal(tables, "1", date(2026, 12, 1)) == "IMG-6003"
    assert inwards(tables, "1", date(2026, 11, 30)) == "KGM"


def test_refusals_say_the_same_wherever_the_table_is(base, store, size):
    tables = live(base, store)
    publish(
        store,
        [
            row("3", "TNE", direction="in", loss="widens", valid_from="2027-01-01"),
            row("4", "TNE", direction="in", loss="widens", valid_to="2025-12-31"),
            row("5", "TNE", direction="in", loss="widens", grade="unverified"),
            row("6", "TNE", direction="none"),
            row("7", "TNE", direction="in", loss="widens", context="636/A"),
        ],
    )
    assert [refusal(tables, code) for code in "34567"] == [
        "IMG-6003", "IMG-6003", "IMG-6004", "IMG-6007", "IMG-6008"
    ]  # fmt: skip
    assert refusal(tables, "7", context="851") == "IMG-6002"
    assert inwards(tables, "7", context="636/A") == "TNE"
    assert inwards(live(base, store, allow_unconfirmed=True), "5") == "TNE"


def test_codes_of_a_list_come_and_go(base, store, size):
    tables = live(base, store)
    publish(store, [unit("LTR", parent="KGM", labels='{"fr": "litre"}'), unit("XXX", valid_to="2026-01-01")])
    assert inwards(tables, "LTR") == "LTR"
    known = tables.on(TODAY).labels["unit"]
    assert (known["LTR"].labels, known["LTR"].parent) == ({"fr": "litre"}, "KGM")
    assert known["KGM"].name == "kilogram"
    assert "YYY" not in known
    assert {"KGM", "TNE", "LTR", "XXX"} == set(known)
    assert refusal(tables, "XXX") == "IMG-6001"
    litre = known["LTR"].mark
    publish(
        store,
        [unit("LTR", valid_to="2026-06-30")],
        [Closing(CODES, "traces/unit=KGM", "2026-06-30"), Closing(CODES, f"traces/unit=LTR{litre}", "")],
    )
    assert refusal(tables, "LTR") == "IMG-6001"
    assert tables.on(TODAY).labels["unit"]["KGM"].valid_to == date(2026, 6, 30)


def test_rows_of_one_partner_go_before_the_others(base, store, size):
    tables = live(base, store)
    publish(store, [row("1", "TNE", TableKey(RowKind.MAP, "land", "unit", "p"), direction="in", loss="widens")])
    found = tables.on(TODAY).lookup("land", "traces", "unit", "p")
    assert found.find("1").target == "TNE"
    assert found.find("TNE").target == "TNE"
    assert inwards(tables, "1") == "KGM"


def test_a_past_version_is_rebuilt_by_another_process_with_other_base_tables(base, store, size):
    tables = live(base, store)
    tables.keep_base(NOW)
    publish(store, [row("2", "TNE")])
    then = tables.on(TODAY)
    publish(store, [], [Closing(UNITS, then.lookup("land", "traces", "unit").find("2").row_id, "")])
    newer = Tables(base.lists, tuple(replace(each, rows=()) for each in base.maps))
    other = live(newer, store)
    assert other.version == f"2@{other.base_digest}" != tables.version
    again = other.at(then.version, TODAY)
    assert again.version == then.version
    for code in ("1", "2", "TNE"):
        old, new = (index.lookup("land", "traces", "unit").get(code) for index in (then, again))
        assert (old and old.said) == (new and new.said)


@pytest.mark.parametrize("version", ["", "x", "9@{}", "-1@{}", "1", "0@ffffffffffff", "999999999999999999@{}"])
def test_versions_that_nobody_knows(base, store, version):
    tables = live(base, store)
    with pytest.raises(TranslationRefused) as refused:
        tables.at(version.format(tables.base_digest), TODAY)
    assert refused.value.code == "IMG-6012"


def test_a_change_is_tried_without_being_made(base, store, size):
    tables = live(base, store)
    tried = tables.try_change(TableChange([row("2", "TNE"), unit("LTR")], [Closing(UNITS, "land/unit/1", "")]))
    lookup = tried.on(TODAY).lookup("land", "traces", "unit")
    assert (lookup.find("2").target, lookup.find("LTR").target) == ("TNE", "LTR")
    assert lookup.get("1") is None
    assert tried.version.startswith("trial of 0@")
    assert refusal(tables, "2") == "IMG-6001"
    assert inwards(tables, "1") == "KGM"


def test_a_contradictory_change_is_refused_before_and_not_followed_after(base, store):
    tables = live(base, store)
    wrong = [row("1", "TNE", direction="in", loss="widens")]
    with pytest.raises(ConfigurationError) as refused:
        tables.try_change(TableChange(wrong))
    assert refused.value.code == "IMG-0131"
    publish(store, wrong)
    assert inwards(tables, "1") == "KGM"
    assert tables.version.startswith("0@")
    assert tables.trouble is not None
    assert tables.trouble.code == "IMG-0131"
    publish(store, (), [Closing(UNITS, "land/unit/1", "")])
    assert inwards(tables, "1") == "TNE"
    assert tables.trouble is None


def with_rows(base, *rows) -> Tables:
    """The tables of another installation."""
    return Tables(base.lists, tuple(replace(each, rows=(*each.rows, *rows)) for each in base.maps))


def test_an_installation_may_take_up_what_an_operator_had_added(base, store):
    publish(store, [row("2", "TNE"), row("3", "KGM", direction="in", loss="widens", valid_from="2026-01-01")])
    newer = with_rows(base, *(each for each in live(base, store).tables.maps[0].rows if each.code != "1"))
    tables = live(newer, store)
    assert tables.trouble is None
    assert inwards(tables, "2") == "TNE"
    publish(store, (), [Closing(UNITS, tables.on(TODAY).lookup("land", "traces", "unit").find("2").row_id, "")])
    assert refusal(tables, "2") == "IMG-6001"


def test_an_installation_that_contradicts_serves_what_holds_and_can_be_mended(base, store):
    publish(store, [row("2", "TNE", direction="in", loss="widens")])
    publish(store, [row("4", "KGM", direction="in", loss="widens")])
    then = live(base, store)
    then.keep_base(NOW)
    used = then.version
    first = base.maps[0].rows[0]
    other = replace(first, id="land/unit/4", code="4", canonical="TNE", direction=Direction.IN, loss=Loss.WIDENS)
    tables = live(with_rows(base, other), store)
    assert tables.trouble is not None
    assert tables.trouble.code == "IMG-0131"
    assert tables.version.startswith("1@")
    assert (inwards(tables, "2"), inwards(tables, "4")) == ("TNE", "TNE")
    assert tables.at(used, TODAY).lookup("land", "traces", "unit").find("4").target == "KGM"
    assert tables.latest.edition == 2
    wrong = next(
        each.id for each in tables.latest.tables.maps[0].rows if each.id.startswith("land/unit/4") and "#" in each.id
    )
    change = TableChange((), [Closing(UNITS, wrong, "")])
    assert tables.try_change(change).on(TODAY).lookup("land", "traces", "unit").find("4").target == "TNE"
    with pytest.raises(ConfigurationError, match="IMG-0131"):
        tables.try_change(TableChange([row("9", "KGM", direction="in", loss="widens")]))
    publish(store, (), change.closings)
    assert tables.version.startswith("3@")
    assert tables.trouble is None


def test_whether_unconfirmed_rows_were_used_is_part_of_the_version(base, store):
    publish(store, [row("2", "TNE", direction="in", loss="widens", grade="unverified")])
    strict, loose = live(base, store), live(base, store, allow_unconfirmed=True)
    assert loose.version == f"{strict.version}+u"
    assert strict.at(loose.version, TODAY).lookup("land", "traces", "unit").find("2").target == "TNE"
    assert loose.at(strict.version, TODAY).lookup("land", "traces", "unit").get("2") is None


def test_kept_tables_are_held_against_their_digest(base, store):
    tables = live(base, store)
    store.write(lambda connection: keep_base(connection, "0123456789ab", to_bytes(base), NOW))
    store.write(lambda connection: keep_base(connection, "ba9876543210", b"garbage", NOW))
    for version in ("0@0123456789ab", "0@ba9876543210"):
        with pytest.raises(TranslationRefused) as refused:
            tables.at(version, TODAY)
        assert refused.value.code == "IMG-6013"


def test_a_table_that_grows_beyond_memory_goes_on_answering(base, store, monkeypatch):
    monkeypatch.setattr(building, "LARGE", 3)
    monkeypatch.setattr("mappings.live.LARGE", 3)
    tables = live(base, store)
    for number in range(2, 8):
        publish(store, [row(str(number), "TNE", direction="in", loss="widens")])
        assert [inwards(tables, str(each)) for each in range(2, number + 1)] == ["TNE"] * (number - 1)
    assert inwards(tables, "1") == "KGM"
    assert next(each for each in tables.tables.maps if each.list == "unit").rows == ()


def test_an_operators_row_confirms_a_code_that_its_list_withholds(base, store):
    codes = dict(base.lists["unit"].codes)
    codes["TNE"] = replace(codes["TNE"], grade=Grade.UNVERIFIED)
    tables = live(Tables({"unit": replace(base.lists["unit"], codes=codes)}, base.maps), store)
    confirming = row("2", "TNE", direction="in", loss="widens", grade="official")
    tried = tables.try_change(TableChange([confirming]))
    assert tried.on(TODAY).lookup("land", "traces", "unit").find("2").target == "TNE"
    publish(store, [confirming])
    assert inwards(tables, "2") == "TNE"


def test_a_code_that_is_going_to_be_unconfirmed_contradicts_no_installed_row(base, store):
    tables = live(base, store)
    publish(store, [unit("KGM", grade="unverified", valid_from="2027-01-01")])
    assert tables.trouble is None
    assert inwards(tables, "1") == "KGM"
