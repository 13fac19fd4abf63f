"""What tables may not say together, and what a partner's rows leave of the general ones."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.errors import ConfigurationError, TranslationRefused
from mappings import Index, load_tables
from mappings.asked import Compiled
from mappings.contradictions import contradictions

pytestmark = pytest.mark.short

HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
COLUMNS = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"
CODE_COLUMNS = "code,name,valid_from,valid_to,grade,note"
DAY = date(2026, 11, 22)


@pytest.fixture
def write(tmp_path):
    def write_codes(name, *codes, columns=CODE_COLUMNS, system=""):
        head = f"# list: {name}\n" + (f"# system: {system}\n" if system else "") + HEADER + columns + "\n"
        file = tmp_path / f"list-{system}{name}.csv"
        file.write_text(head + "".join(f"{code}\n" for code in codes), "utf-8")

    def write(*rows, otherwise="refuse", partner=""):
        extra = f"# partner: {partner}\n" if partner else ""
        head = f"# list: unit\n# system: land\n# otherwise: {otherwise}\n{extra}{HEADER}{COLUMNS}"
        (tmp_path / f"map-land-unit{partner}.csv").write_text(head + "".join(f"{row}\n" for row in rows), "utf-8")
        return tmp_path

    write.codes = write_codes
    write_codes("unit", *(f"{code},,,,," for code in ("KGM", "TNE", "LTR")))
    write_codes("document-type", "851,,,,,", "636,,,,,")
    return write


def refusal(folder):
    with pytest.raises(ConfigurationError) as refused:
        load_tables(folder)
    assert refused.value.code == "IMG-0131"
    return refused.value


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        # The way back is another row's, in a narrower context only.
        (("1,KGM,,both,none,,,,", "1,TNE,851,in,widens,,,,"), "in the context 851: land/unit/1@851 (1=TNE) answers"),
        # The way back is another row's, on later days only.
        (
            ("1,KGM,,in,none,,,,", "1,KGM,,out,none,,2026-06-30,,", "2,KGM,,out,widens,2026-07-01,,,"),
            "on 2026-07-01: land/unit/2<KGM+2026-07-01 (2=KGM) answers",
        ),
        # The way back ends.
        (("1,KGM,,in,none,,,,", "1,KGM,,out,none,,2026-06-30,,"), "on 2026-07-01: no row leads back"),
        # The way back waits for an operator.
        (("1,KGM,,in,none,,,,", "1,KGM,,out,none,,,unverified,"), "no row leads back"),
        # The way back is said not to exist in one context.
        (("1,KGM,,both,none,,,,", "9,KGM,636/A,none,none,,,,"), "in the context 636/A: no row leads back"),
        (("1,KGM,,in,none,,,,",), "no row leads back"),
        (("1,KGM,,in,none,,,,", "2,KGM,,out,widens,,,,"), "land/unit/2<KGM (2=KGM) answers"),
    ],
)
def test_a_row_that_claims_no_loss_leads_back_on_all_days_and_in_all_contexts(write, rows, words):
    refused = refusal(write(*rows))
    assert words in refused.found
    assert "land/unit/1" in refused.where


@pytest.mark.parametrize(
    "rows",
    [
        ("1,KGM,,in,none,,,,", "1,KGM,,out,none,,,,"),
        ("1,KGM,,both,none,,2026-06-30,,", "1,TNE,,both,none,2026-07-01,,,"),  # the meaning changes on a day
        ("1,KGM,,both,none,,,,", "1,TNE,851,both,none,,,,", "2,KGM,851,both,none,,,,"),  # and in a context
        ("1,KGM,,both,none,,,,", "1,KGM,636/A,none,none,,,,"),  # no answer there in either direction
        ("1,KGM,,in,widens,,,,", "1,TNE,851,in,widens,,,,"),
    ],
)
def test_rows_that_keep_their_word_load(write, rows):
    assert len(load_tables(write(*rows)).maps[0].rows) == len(rows)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("1,KGM,,both,none,,,,", "1,TNE,,out,widens,,,,"), "land/unit/1<TNE writes 1 for TNE as well"),
        (("1,KGM,,in,none,,,,", "1,KGM,,out,widens,,,,", "1,TNE,,out,widens,,,,"), "writes 1 for TNE as well"),
        (("1,KGM,851,both,none,,,,", "1,TNE,,out,widens,,,,"), "writes 1 for TNE as well"),
        (("1,KGM,,both,none,,,,", "1,TNE,636/A,out,widens,,,,"), "writes 1 for TNE as well"),
        (("1,KGM,,both,none,,2026-06-30,,", "1,TNE,,out,widens,2026-06-30,,,"), "writes 1 for TNE as well"),
        (("1,KGM,,both,none,,,,", "1,TNE,,out,widens,,,unverified,"), "writes 1 for TNE as well"),
    ],
)
def test_a_row_that_claims_no_loss_reads_a_code_of_one_meaning(write, rows, words):
    refused = refusal(write(*rows))
    assert refused.where == f"map-land-unit: land/unit/1{'@851' if ',851,' in rows[0] else ''}"
    assert words in refused.found
    assert "a loss" in refused.expected


@pytest.mark.parametrize(
    "rows",
    [
        ("1,KGM,,both,widens,,,,", "1,TNE,,out,widens,,,,"),
        ("1,KGM,,both,none,,2026-06-29,,", "1,TNE,,out,widens,2026-06-30,,,"),  # one after the other
        ("1,KGM,636/A,both,none,,,,", "1,TNE,636/P,out,widens,,,,"),  # nowhere both
        ("1,KGM,,both,none,,,,", "2,KGM,,in,widens,,,,"),  # a further way to write the same
        ("1,KGM,,in,narrows,,,,", "1,KGM,,out,none,,,,", "1,TNE,,out,widens,,,,"),  # only the way in is uncertain
    ],
)
def test_a_code_of_several_meanings_loads_where_its_reading_has_a_loss(write, rows):
    assert len(load_tables(write(*rows)).maps[0].rows) == len(rows)


@pytest.mark.parametrize("direction", ["both", "in", "out"])
def test_a_row_does_not_let_a_code_through_that_its_list_withholds(write, direction):
    write.codes("unit", "KGM,,,,unverified,", "TNE,,,,,", "LTR,,,,,")
    refused = refusal(write(f"1,KGM,,{direction},widens,,,seen,"))
    assert (refused.found, refused.expected) == ("grade seen", "unverified, as KGM is in list-unit")
    assert load_tables(write(f"1,KGM,,{direction},widens,,,unverified,"))
    assert load_tables(write("1,KGM,,none,none,,,seen,"))  # lets nothing through


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1,KGM,999,both,none,,,,", "999"),  # no document type
        ("1,KGM,636/X,both,none,,,,", "636/X"),  # no type of CHED
        ("1,KGM,636//A,both,none,,,,", "636//A"),
        ("1,KGM,85 1,both,none,,,,", "85 1"),
        ("1,KGM,,both,none,2026-02-01,2026-01-31,,", "2026-02-01 to 2026-01-31"),
        (",,,in,narrows,,,,", "no code at all"),
    ],
)
def test_a_row_that_can_never_hold_is_refused(write, row, words):
    assert refusal(write(row)).found == words


@pytest.mark.parametrize("context", ["851", "636", "636/PP", "THIRD_COUNTRIES", "636/A/part-2"])
def test_contexts_of_each_form_load(write, context):
    assert load_tables(write(f"1,KGM,{context},both,none,,,,")).maps[0].rows[0].context == context


def test_both_rows_of_two_answers_are_named(write):
    found = refusal(write("1,KGM,,in,widens,,,,", "1,TNE,,in,widens,2026-07-01,,,")).found
    assert found == "land/unit/1 (1=KGM), land/unit/1+2026-07-01 (1=TNE)"


def test_a_partner_code_stands_in_the_list_of_its_own_system(write):
    write.codes("unit", "1,,,,,", system="land")
    assert load_tables(write("1,KGM,,both,none,,,,"))
    assert refusal(write("2,TNE,,both,none,,,,")).found == "2"


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        (("A,,,,,,B", "B,,,,,,C", "C,,,,,,A"), "A > B > C > A"),
        (("A,,,,,,A",), "A > A"),
        (("A,,,,,,Z",), "parent Z"),
        (("A,,2026-02-01,2026-01-01,,,",), "2026-02-01 to 2026-01-01"),
    ],
)
def test_a_hierarchy_ends_at_the_top(write, codes, found):
    folder = write("1,KGM,,both,none,,,,")
    write.codes("tree", *codes, columns=f"{CODE_COLUMNS},parent")
    assert refusal(folder).found == found


def test_a_deep_hierarchy_loads(write):
    folder = write("1,KGM,,both,none,,,,")
    write.codes("tree", "N0,,,,,,", *(f"N{n},,,,,,N{n - 1}" for n in range(1, 3000)), columns=f"{CODE_COLUMNS},parent")
    assert len(load_tables(folder).lists["tree"].codes) == 3000


# Where a partner has rows of its own.


def test_a_general_row_gives_way_to_a_partners_row_about_either_of_its_codes(write):
    write("1,KGM,,both,none,,,,", "3,LTR,,both,none,,,,")
    index = load_tables(write("1,TNE,,both,none,,,,", partner="atlantis")).compile(DAY)
    out = index.lookup("traces", "land", "unit", "atlantis")
    assert (out.find("TNE").target, out.find("LTR").target) == ("1", "3")
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        out.find("KGM")  # as 1 it would come back as TNE
    assert index.lookup("traces", "land", "unit").find("KGM").target == "1"


@pytest.mark.parametrize("general", ["3,KGM,,in,widens,,,,", "1,KGM,,both,none,,,,"])
def test_a_partners_further_way_to_write_something_leaves_the_general_ways(write, general):
    write(general)
    index = load_tables(write("KILO,KGM,,in,widens,,,,", partner="atlantis")).compile(DAY)
    into = index.lookup("land", "traces", "unit", "atlantis")
    assert (into.find(general[0]).target, into.find("KILO").target) == ("KGM", "KGM")
    if ",both," in general:
        assert index.lookup("traces", "land", "unit", "atlantis").find("KGM").target == "1"


def test_a_general_way_to_write_something_stays_beside_the_partners_pair(write):
    write("3,KGM,,in,widens,,,,", "1,KGM,,both,none,,,,")
    index = load_tables(write("KILO,KGM,,both,none,,,,", partner="atlantis")).compile(DAY)
    into = index.lookup("land", "traces", "unit", "atlantis")
    assert (into.find("3").target, index.lookup("traces", "land", "unit", "atlantis").find("KGM").target) == (
        "KGM",
        "KILO",
    )
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        into.find("1")


def test_a_general_row_outwards_gives_way_where_the_partner_reads_its_code_otherwise(write):
    write("1,KGM,,out,widens,,,,")
    index = load_tables(write("1,TNE,,in,widens,,,,", partner="atlantis")).compile(DAY)
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        index.lookup("traces", "land", "unit", "atlantis").find("KGM")


def test_a_code_that_a_partner_spells_otherwise_is_not_the_same_on_both_sides_any_more(write):
    write(otherwise="identity")
    index = load_tables(write("KILO,KGM,,both,none,,,,", partner="atlantis")).compile(DAY)
    into = index.lookup("land", "traces", "unit", "atlantis")
    assert (into.find("KILO").target, into.find("TNE").target) == ("KGM", "TNE")
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        into.find("KGM")
    assert index.lookup("land", "traces", "unit").find("KGM").target == "KGM"


def test_a_partners_row_that_breaks_a_general_one_in_a_context_is_refused(write):
    write("1,KGM,,both,none,,,,")
    refused = refusal(write("1,TNE,851,both,none,,,,", partner="atlantis"))
    assert "in the context 851" in refused.found


# Where it is known that there is no equivalent.


def test_a_wider_row_does_not_answer_where_there_is_known_to_be_no_equivalent(write):
    index = load_tables(write("1,KGM,,both,none,,,,", "1,KGM,636/A,none,none,,,,never of animals")).compile(DAY)
    into = index.lookup("land", "traces", "unit")
    assert into.find("1", "636/P").target == "KGM"
    for context in ("636/A", "636/A/part-2"):
        with pytest.raises(TranslationRefused, match=r"IMG-6007.*never of animals"):
            into.find("1", context)
    assert into.under("636/A") == {}


# All of them at once.


def test_every_contradiction_is_told_not_only_the_first(write):
    tables = load_tables(write("1,KGM,,both,none,,,,"))
    row = replace(tables.maps[0].rows[0], canonical="ZZZ", context="999")
    told = contradictions(replace(tables, maps=(replace(tables.maps[0], rows=(row,)),)))
    assert [(each.found, each.rows) for each in told] == [("ZZZ", (row,)), ("999", (row,))]


def test_rows_of_one_code_have_ids_of_their_own(write):
    rows = load_tables(write("1,KGM,,both,widens,,,,", "1,TNE,,out,widens,,,,", "1,LTR,,out,widens,,,,")).maps[0].rows
    assert [row.id for row in rows] == ["land/unit/1", "land/unit/1<TNE", "land/unit/1<LTR"]


@pytest.mark.parametrize("stored", ["general", "own", "both"])
def test_no_half_pair_is_left_where_one_of_the_tables_is_kept_in_the_store(write, stored):
    write("1,KGM,,both,none,,,,", "3,LTR,,both,none,,,,")
    tables = load_tables(write("1,TNE,,both,none,,,,", partner="atlantis"))
    whole = {each.partner: Compiled(each) for each in tables.maps}
    in_store = {
        "": whole[""] if stored != "own" else None,
        "atlantis": whole["atlantis"] if stored != "general" else None,
    }
    maps = tuple(replace(each, rows=() if in_store[each.partner] else each.rows) for each in tables.maps)
    index = Index.build(
        replace(tables, maps=maps),
        DAY,
        allow_unconfirmed=False,
        stored={("land", "unit", partner): table for partner, table in in_store.items() if table},
    )
    into = index.lookup("land", "traces", "unit", "atlantis")
    out = index.lookup("traces", "land", "unit", "atlantis")
    assert (into.find("1").target, out.find("TNE").target) == ("TNE", "1")
    assert (into.find("3").target, out.find("LTR").target) == ("LTR", "3")
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        out.find("KGM")
    assert out.sources("1") == ("TNE",)
    assert index.lookup("traces", "land", "unit").find("KGM").target == "1"
