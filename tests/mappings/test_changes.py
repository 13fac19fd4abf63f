"""What a change would do: planned against the tables in force, refused where it contradicts, published once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.errors import ConfigurationError, TranslationRefused
from gateway.store import RowKind, TableKey, latest_edition, list_editions, rows_of
from mappings import building, change_checks, changes, held, load_tables, publishing
from mappings.changes import RowsInHand, plan_change
from mappings.consequences import DAYS, consequences, judged_days, judged_rows, try_plan
from mappings.live import LiveTables
from mappings.publishing import publish
from mappings.settling import Mode
from mappings.sheet_rows import SheetRow
from mappings.sheet_writing import TableSheet
from mappings.sheets import open_sheet

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
UNITS = TableKey(RowKind.MAP, "national-b", "unit")
PLANTS = TableKey(RowKind.CODE, "traces", "unit")


@pytest.fixture(scope="session")
def base():
    return load_tables()


@pytest.fixture
def live(base):
    return LiveTables(base)


@pytest.fixture
def followed(base, store):
    return LiveTables(base, store, look_every=0)


def given(*rows, table=UNITS, languages=None):
    return RowsInHand("test.csv", table, tuple(SheetRow(number, *row) for number, row in enumerate(rows, 2)), languages)


def plan(live, *rows, table=UNITS, effective_on=TODAY, languages=None, **options):
    rows = given(*rows, table=table, languages=languages)
    return plan_change(live, rows, effective_on=effective_on, today=TODAY, **options)


def told(plan):
    added = [(row.code, row.canonical, row.first, row.last) for row in plan.entering()]
    return added, [(row.code, last) for row, last in plan.ending()]


def refusal(live, *rows, **options):
    with pytest.raises(ConfigurationError) as caught:
        plan(live, *rows, **options)
    return caught.value


def carry_out(store, live, *rows, author="someone", **options):
    with plan(live, *rows, **options) as made:
        return publish(store, made, author=author, reason="a test", at=NOW)


def becomes(live, code, day=TODAY):
    return live.on(day).lookup("national-b", "traces", "unit").find(code).target


def test_a_new_row_holds_from_the_effective_day(live):
    with plan(live, ("DOOS", "MTR")) as made:
        assert told(made) == ([("DOOS", "MTR", "2026-11-22", "")], [])
        assert (made.expected, made.unchanged, made.is_empty) == (0, 0, False)


def test_a_row_that_says_what_is_there_changes_nothing(live):
    with plan(live, ("KG", "KGM", "", "both", "none", "", "", "own", "kilogram")) as made:
        assert made.is_empty
        assert made.unchanged == 1


def test_a_row_about_the_same_question_takes_the_place_of_the_old_one(live):
    with plan(live, ("KG", "MTR"), effective_on=date(2027, 1, 1)) as made:
        assert told(made) == ([("KG", "MTR", "2027-01-01", "")], [("KG", "2026-12-31")])


def test_the_days_of_a_row_count_where_they_are_later(live):
    with plan(live, ("KG", "MTR", "", "both", "none", "2027-03-01", "2027-03-31")) as made:
        assert told(made) == ([("KG", "MTR", "2027-03-01", "2027-03-31")], [("KG", "2027-02-28")])


def test_a_last_day_alone_closes_the_row(live):
    with plan(live, ("KG", "KGM", "", "both", "none", "", "2026-12-31", "own", "kilogram")) as made:
        assert told(made) == ([], [("KG", "2026-12-31")])


def test_in_a_context_of_its_own_a_row_takes_nobodys_place(live):
    with plan(live, ("KG", "KGM", "851")) as made:
        assert told(made) == ([("KG", "KGM", "2026-11-22", "")], [])


def test_as_the_whole_table_it_closes_what_it_does_not_have(live):
    kilogram = ("KG", "KGM", "", "both", "none", "", "", "own", "kilogram")
    with plan(live, kilogram, mode=Mode.REPLACE) as made:
        assert told(made) == ([], [("TON", "2026-11-21"), ("STK", "2026-11-21")])


def test_two_rows_of_a_file_about_one_code_contradict_each_other(live):
    error = refusal(live, ("DOOS", "MTR"), ("ZAK", "LTR"), ("DOOS", "LTR", "", "in", "widens"))
    assert error.code == "IMG-0137"
    assert error.where == "test.csv line 2"
    assert "line 2 (DOOS=MTR both" in error.found
    assert "line 4 (DOOS=LTR in" in error.found


def test_on_days_that_do_not_meet_two_rows_stand_beside_each_other(live):
    first = ("DOOS", "MTR", "", "both", "none", "", "2026-12-31")
    with plan(live, first, ("DOOS", "LTR", "", "both", "none", "2027-01-01")) as made:
        assert [row[:3] for row in told(made)[0]] == [("DOOS", "MTR", "2026-11-22"), ("DOOS", "LTR", "2027-01-01")]


def test_a_row_that_meets_one_in_force_from_the_other_side_is_refused_with_both(live):
    """KILO is another code, so that KG would silently lose its way back."""
    error = refusal(live, ("KILO", "KGM"))
    assert error.code == "IMG-0137"
    assert error.found.startswith("line 2 (KILO=KGM both 2026-11-22 to …), national-b/unit/KG (KG=KGM both)")
    assert "direction in" in error.expected


def test_a_claim_without_a_way_back_is_refused(live):
    error = refusal(live, ("KILO", "KGM", "", "in", "none"))
    assert error.code == "IMG-0137"
    assert "claims no loss" in error.findings[0].message
    with plan(live, ("KILO", "KGM", "", "in", "widens")) as made:
        assert made.added == 1


def test_codes_that_no_list_holds_and_contexts_that_are_none_are_told_by_row(live):
    assert refusal(live, ("DOOS", "NOTHING")).expected == "a code of the list unit of traces"
    error = refusal(live, ("DOOS", "MTR", "636/Q"))
    assert (error.code, error.found, error.expected) == ("IMG-0135", "636/Q", "636/A, 636/P, 636/PP or 636/D")


def test_an_unknown_list_is_refused(live):
    for kind in RowKind:
        with pytest.raises(TranslationRefused) as caught:
            plan(live, ("A", "B"), table=TableKey(kind, "traces", "colours"))
        assert (caught.value.code, caught.value.found) == ("IMG-6009", "colours")


def test_a_list_gets_codes_names_and_ends(live):
    code = ("XYZ", "", "", "both", "none", "", "", "own", "", "thing")
    with plan(live, code, table=PLANTS) as made:
        assert told(made) == ([("XYZ", "", "2026-11-22", "")], [])
    table = TableKey(RowKind.CODE, "traces", "colours")
    with plan(live, code, table=table, new_list=True) as made:
        assert made.added == 1


def test_a_list_names_each_code_once_and_parents_that_there_are(live):
    code = ("XYZ", "", "", "both", "none", "", "", "own", "", "thing")
    error = refusal(live, code, code, table=PLANTS)
    assert (error.code, error.findings[0].message.partition(":")[0]) == ("IMG-0137", "the code stands there twice")
    error = refusal(live, (*code, "ABOVE"), table=PLANTS)
    assert "its parent ABOVE" in error.findings[0].message


def test_the_tables_of_this_package_import_as_no_change(live, tmp_path):
    """What an export writes is what is there; the header says which table it is."""
    for table in (
        UNITS,
        TableKey(RowKind.MAP, "ephyto", "status"),
        PLANTS,
        TableKey(RowKind.CODE, "traces", "country"),
    ):
        for name in ("table.csv", "table.xlsx"):
            sheet = TableSheet(held.HeldTable(live.state, None, table), live.version)
            if name.endswith(".csv"):
                with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
                    count = sheet.write_csv(file)
            else:
                count = sheet.write_xlsx(tmp_path / name)
            read = open_sheet(tmp_path / name)
            assert read.table == table
            with plan_change(live, read, effective_on=TODAY, mode=Mode.REPLACE) as made:
                assert (made.is_empty, made.unchanged) == (True, count)


def test_codes_that_lose_their_answer_and_their_way_back_are_told(live):
    with plan(live, ("KG", "MTR", "", "in", "widens")) as made:
        rows = judged_rows(made)
        found = consequences(made, rows, live.state, try_plan(live, made, rows, set()), (TODAY,))
    assert [(each.what, each.source, each.code, each.before, each.after) for each in found] == [
        ("unmapped", "traces", "KGM", "KG", "refused"),
        ("changed", "national-b", "KG", "KGM", "MTR"),
    ]


def judged(live, made):
    found = consequences(
        made, judged_rows(made), live.state, try_plan(live, made, judged_rows(made), set()), judged_days(made, TODAY)
    )
    return [(each.what, each.source, each.code, each.before, each.after, [*map(str, each.days)]) for each in found]


def test_a_row_that_is_withdrawn_by_a_day_of_the_past_is_told_for_today(store, followed):
    carry_out(store, followed, ("DOOS", "MTR"))
    with plan(
        followed, ("DOOS", "MTR", "", "both", "none", str(TODAY), "2020-01-01"), effective_on=date(2020, 1, 2)
    ) as made:
        assert ("unmapped", "national-b", "DOOS", "MTR", "refused", [str(TODAY)]) in judged(followed, made)


def test_another_answer_is_told_with_the_days_on_which_it_is_so(store, followed):
    carry_out(store, followed, ("DOOS", "MTR"))
    early = date(2020, 1, 1)
    with plan(followed, ("DOOS", "LTR", "", "in", "widens"), effective_on=early) as made:
        assert judged_days(made, TODAY) == (early, TODAY)
        found = judged(followed, made)
    assert ("mapped", "national-b", "DOOS", "refused", "LTR", [str(early)]) in found
    assert ("changed", "national-b", "DOOS", "MTR", "LTR", [str(TODAY)]) in found


def test_a_row_that_begins_later_and_ends_is_told_for_these_days(live):
    row = ("DOOS", "MTR", "", "in", "widens", "2030-01-01", "2030-06-30")
    with plan(live, row) as made:
        assert [*map(str, judged_days(made, TODAY))] == [str(TODAY), "2030-01-01", "2030-07-01"]
        assert judged(live, made)[-1] == ("mapped", "national-b", "DOOS", "refused", "MTR", ["2030-01-01"])


def test_of_many_days_those_nearest_to_today_are_judged(live):
    rows = [(f"D{day}", "MTR", "", "in", "widens", f"2030-01-{day:02}") for day in range(1, 21)]
    with plan(live, *rows) as made:
        days = judged_days(made, TODAY)
    assert len(days) == DAYS
    assert (days[0], days[-1]) == (TODAY, date(2030, 1, 7))


def test_a_published_change_holds_with_its_author_reason_and_day(store, followed):
    edition = carry_out(store, followed, ("KG", "MTR"), effective_on=TODAY + timedelta(days=1))
    assert (edition.number, edition.author, edition.reason, edition.added, edition.closed) == (
        1, "someone", "a test", 1, 1,
    )  # fmt: skip
    assert edition.effective_on == "2026-11-23"
    assert becomes(followed, "KG") == "KGM"
    assert becomes(followed, "KG", TODAY + timedelta(days=1)) == "MTR"
    with plan(followed, ("KG", "MTR")) as made:
        assert made.expected == 1


def test_a_stored_row_is_closed_and_replaced_like_one_of_a_file(store, followed):
    carry_out(store, followed, ("DOOS", "MTR"))
    with plan(followed, ("DOOS", "MTR")) as made:
        assert (made.is_empty, made.unchanged) == (True, 1)
    carry_out(store, followed, ("DOOS", "LTR"), effective_on=TODAY + timedelta(days=5))
    assert becomes(followed, "DOOS") == "MTR"
    assert becomes(followed, "DOOS", TODAY + timedelta(days=5)) == "LTR"


def test_a_row_that_had_not_begun_is_withdrawn_for_one_of_the_same_day(store, followed):
    planned = TODAY + timedelta(days=5)
    carry_out(store, followed, ("DOOS", "MTR"), effective_on=planned)
    carry_out(store, followed, ("DOOS", "LTR"), effective_on=planned)
    assert becomes(followed, "DOOS", TODAY + timedelta(days=9)) == "LTR"


def test_who_comes_second_is_refused_and_leaves_nothing_behind(store, followed, monkeypatch):
    with plan(followed, ("DOOS", "MTR")) as late:
        carry_out(store, followed, ("ZAK", "LTR"), author="the first")
        with pytest.raises(ConfigurationError) as caught:
            publish(store, late, author="the second", reason="late", at=NOW)
        assert caught.value.code == "IMG-0138"
        assert caught.value.found == "edition 1 by the first: a test"
        monkeypatch.setattr(publishing, "_require_newest", lambda *_: None)  # it came while the rows were written
        with pytest.raises(ConfigurationError) as caught:
            publish(store, late, author="the second", reason="late", at=NOW)
        assert caught.value.code == "IMG-0138"
    with store.read() as connection:
        assert latest_edition(connection) == 1
        assert [row.code for row in rows_of(connection, UNITS, 99)] == ["ZAK"]
    carry_out(store, followed, ("DOOS", "MTR"), author="the second")
    assert becomes(followed, "DOOS") == "MTR"


def test_nothing_is_visible_before_all_of_it_is(store, followed, monkeypatch):
    monkeypatch.setattr(publishing, "PORTION", 2)
    seen = []

    def step(what, count):
        with store.read() as connection:
            seen.append((what, count, latest_edition(connection), len(list(rows_of(connection, UNITS, 99)))))

    with plan(followed, *many(5), ("KG", "CMT")) as made:
        publish(store, made, author="someone", reason="a test", at=NOW, step=step)
    assert seen == [("rows written", count, 0, 0) for count in (2, 4, 6, 7)]
    assert followed.state.edition == 1


@pytest.mark.parametrize("stop", ["add_rows", "publish_change"])
def test_what_fails_on_the_way_leaves_nothing(store, followed, monkeypatch, stop):
    def fail(*_arguments, **_options):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(publishing, stop, fail)
    with plan(followed, ("DOOS", "MTR")) as made, pytest.raises(RuntimeError, match="full"):
        publish(store, made, author="someone", reason="a test", at=NOW)
    with store.read() as connection:
        for table in ("reference_changes", "reference_rows", "reference_editions"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0


@pytest.fixture
def small_limits(monkeypatch):
    """Tables count as large from four rows on, so that a test needs no 20,000."""
    for module in (building, held, changes):
        monkeypatch.setattr(module, "LARGE", 3)
    monkeypatch.setattr("mappings.live.LARGE", 3)


def many(count, first=0):
    return [
        (f"U{number}", code)
        for number, code in zip(range(first, first + count), ("MTR", "LTR", "MTQ", "MTK", "GRM"), strict=False)
    ]


@pytest.mark.parametrize("asked_at_most", [0, 2_000])
def test_large_tables_are_compared_in_the_store(store, followed, small_limits, monkeypatch, asked_at_most):
    monkeypatch.setattr(changes, "ASKED_AT_MOST", asked_at_most)
    monkeypatch.setattr(publishing, "PORTION", 2)
    monkeypatch.setattr(change_checks, "_ASKED", 1)
    carry_out(store, followed, *many(5))
    assert followed.state.stored[UNITS[1:]]
    with plan(followed, *many(5)) as made:
        assert (made.is_empty, made.unchanged, made.is_large) == (True, 5, True)
    with plan(followed, ("U1", "CMT", "", "both", "none")) as made:
        assert told(made)[1] == [("U1", "")]
    error = refusal(followed, ("NEW", "MTR"))
    assert error.code == "IMG-0137"
    assert "national-b/unit/U0" in error.found
    error = refusal(followed, ("NEW", "KGM"))
    assert "national-b/unit/KG (" in error.found


def test_a_large_list_is_compared_in_the_store(store, followed, small_limits):
    codes = [(f"P{number}", "", "", "both", "none", "", "", "own", "", f"plant {number}") for number in range(6)]
    table = TableKey(RowKind.CODE, "traces", "plants")
    with plan(followed, *codes, table=table, new_list=True) as made:
        publish(store, made, author="someone", reason="a list", at=NOW, kind="import")
    with plan(followed, *codes, table=table) as made:
        assert (made.is_empty, made.unchanged) == (True, 6)
    renamed = (*codes[2][:9], "another name")
    with plan(followed, renamed, *codes[3:], table=table, mode=Mode.REPLACE) as made:
        assert told(made) == ([("P2", "", "2026-11-22", "")], [("P0", ""), ("P1", ""), ("P2", "")])
        publish(store, made, author="someone", reason="another edition", at=NOW, kind="import")
    assert followed.tables.lists["plants"].codes["P2"].name == "another name"
    with store.read() as connection:
        assert [edition.closed for edition in list_editions(connection, limit=9)] == [3, 0]
