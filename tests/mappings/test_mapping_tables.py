"""Tables: what loads, what does not, which row answers on which day."""

from datetime import date
from pathlib import Path

import pycountry
import pytest

from gateway.errors import ConfigurationError, TranslationRefused
from mappings import load_tables
from mappings.bindings import bindings, structure_rules
from mappings.describe import describe
from mappings.models import Grade
from mappings.shape import shapes

PACKAGE = Path(__file__).parents[2] / "mappings"

HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
COLUMNS = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"
UNITS = (
    "# list: unit\n"
    + HEADER
    + "code,name,valid_from,valid_to,grade,note\nKGM,kilogram,,,,\nTNE,tonne,,,,\nLTR,litre,,,,\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "list-unit.csv").write_text(UNITS, "utf-8")

    def write(*rows, otherwise="refuse", extra="", name="map-land-unit.csv"):
        head = f"# list: unit\n# system: land\n# otherwise: {otherwise}\n{extra}{HEADER}{COLUMNS}"
        (tmp_path / name).write_text(head + "".join(f"{row}\n" for row in rows), "utf-8")
        return tmp_path

    return write


def inwards(folder, day="2026-11-22", partner="", **options):
    index = load_tables(folder).compile(date.fromisoformat(day), **options)
    return index.lookup("land", "traces", "unit", partner)


def outwards(folder, day="2026-11-22"):
    return load_tables(folder).compile(date.fromisoformat(day)).lookup("traces", "land", "unit")


def test_a_row_answers_both_ways_and_names_itself(folder):
    where = folder("1,KGM,,both,none,,,,kilo")
    assert inwards(where).find("1").target == "KGM"
    back = outwards(where).find("KGM")
    assert (back.target, back.row_id) == ("1", "land/unit/1")


def test_validity_counts_both_ends_and_says_what_is_wrong_outside(folder):
    where = folder("1,KGM,,both,none,2026-01-01,2026-06-30,,", "2,TNE,,both,none,2027-01-01,,,")
    assert inwards(where, "2026-01-01").find("1").target == "KGM"
    assert inwards(where, "2026-06-30").find("1").target == "KGM"
    for day, code in (("2025-12-31", "1"), ("2026-07-01", "1"), ("2026-12-31", "2")):
        with pytest.raises(TranslationRefused, match=r"IMG-6003.*valid from"):
            inwards(where, day).find(code)


def test_one_code_may_change_its_meaning_on_a_day(folder):
    where = folder("1,KGM,,in,widens,,2026-06-30,,", "1,TNE,,in,widens,2026-07-01,,,")
    assert inwards(where, "2026-06-30").find("1").target == "KGM"
    assert inwards(where, "2026-07-01").find("1").target == "TNE"


def test_context_goes_before_the_general_row_and_alone_it_is_no_answer_for_others(folder):
    where = folder("1,KGM,,in,widens,,,,", "1,TNE,851,in,widens,,,,", "2,LTR,657,in,widens,,,,")
    lookup = inwards(where)
    assert lookup.find("1", "851").target == "TNE"
    assert lookup.find("1", "657").target == "KGM"
    with pytest.raises(TranslationRefused, match=r"IMG-6002.*657.*851"):
        lookup.find("2", "851")


def test_unverified_rows_wait_for_an_operator(folder):
    where = folder("1,KGM,,both,none,,,unverified,hearsay")
    with pytest.raises(TranslationRefused, match=r"IMG-6004.*hearsay"):
        inwards(where).find("1")
    assert inwards(where, allow_unconfirmed=True).find("1").target == "KGM"


def test_identity_covers_the_canonical_list_and_nothing_else(folder):
    where = folder("KILO,KGM,,both,none,,,,", otherwise="identity")
    lookup = inwards(where)
    assert lookup.find("TNE").row_id == "land/unit/=TNE"
    for code in ("KGM", "XYZ"):  # KGM has a spelling of its own there; XYZ is in no list
        with pytest.raises(TranslationRefused, match="IMG-6001"):
            lookup.find(code)


def test_partner_rows_go_before_the_general_ones(folder):
    where = folder("1,KGM,,both,none,,,,", "3,LTR,,both,none,,,,")
    folder("1,TNE,,both,none,,,,", extra="# partner: atlantis\n", name="map-land-unit-atlantis.csv")
    assert inwards(where, partner="atlantis").find("1").target == "TNE"
    assert inwards(where, partner="atlantis").find("3").target == "LTR"
    assert inwards(where, partner="mu").find("1").target == "KGM"


def test_an_overlay_replaces_the_rows_about_its_codes(folder, tmp_path):
    where = folder("1,KGM,,both,none,,,,", "3,LTR,,both,none,,,,")
    overlay = tmp_path / "own"
    overlay.mkdir()
    (overlay / "map-land-unit.csv").write_text(
        f"# list: unit\n# system: land\n# otherwise: refuse\n{HEADER}{COLUMNS}1,TNE,,both,none,,,,\n", "utf-8"
    )
    index = load_tables(where, [overlay]).compile(date(2026, 11, 22))
    lookup = index.lookup("land", "traces", "unit")
    assert (lookup.find("1").target, lookup.find("3").target) == ("TNE", "LTR")
    assert lookup.version != inwards(where).version


@pytest.mark.parametrize(
    "rows",
    [
        ("1,KGM,,both,none,,,,", "1,TNE,,both,none,,,,"),  # one code, two answers
        ("1,KGM,,both,none,,,,", "2,KGM,,both,none,,,,"),  # two ways back
        ("1,KGM,,both,none,2026-01-01,2026-02-01,,", "1,TNE,,in,widens,2026-02-01,,,"),  # they meet on one day
        ("1,KGM,,in,none,,,,",),  # claims no loss and nothing leads back
        ("1,,,in,none,,,,",),  # leaves out and claims no loss
        ("1,,,both,none,,,,",),  # a pair with one side
        ("1,ZZZ,,both,none,,,,",),  # a code that the list does not hold
        ("1,KGM,,none,none,,,,", "1,KGM,,both,none,,,,"),  # refused and mapped
    ],
)
def test_tables_that_contradict_themselves_do_not_load(folder, rows):
    with pytest.raises(ConfigurationError, match="IMG-0131"):
        load_tables(folder(*rows))


@pytest.mark.parametrize(
    "row",
    [
        "1,KGM,,sideways,none,,,,",
        "1,KGM,,both,some,,,,",
        "1,KGM,,both,none,01.02.2026,,,",
        "1,KGM,,both,none,,,rumour,",
        "1,KGM,,both",
        '"1,KGM',
    ],
)
def test_a_line_that_is_no_row_is_named(folder, row):
    with pytest.raises(ConfigurationError, match="IMG-0130") as refused:
        load_tables(folder(row))
    assert refused.value.where.startswith("map-land-unit.csv")


def test_header_encoding_and_columns_are_checked(folder, tmp_path):
    where = folder("1,KGM,,both,none,,,,")
    file = tmp_path / "map-land-unit.csv"
    good = file.read_text("utf-8")
    for bad in (
        good.replace("# licence: none\n", ""),
        good.replace("code,canonical", "code,target"),
        good.replace("refuse", "guess"),
    ):
        file.write_text(bad, "utf-8")
        with pytest.raises(ConfigurationError, match="IMG-0130"):
            load_tables(where)
    file.write_bytes(good.replace("us", "é").encode("latin-1"))
    with pytest.raises(ConfigurationError, match="IMG-0130"):
        load_tables(where)


def test_a_map_needs_its_list(folder, tmp_path):
    where = folder("1,KGM,,both,none,,,,")
    (tmp_path / "list-unit.csv").unlink()
    with pytest.raises(ConfigurationError, match="IMG-0131"):
        load_tables(where)


# The tables of this package.


def test_every_iso_country_is_there_and_xi_and_no_guess(tables, index):
    codes = set(tables.lists["country"].codes)
    assert {country.alpha_2 for country in pycountry.countries} < codes
    lookup = index.lookup("ephyto", "traces", "country")
    assert lookup.find("NA").target == "NA"
    with pytest.raises(TranslationRefused, match="IMG-6004"):
        lookup.find("XK")  # unverified in the list: not used before somebody confirms it


def test_status_labels_are_those_of_traces_and_not_of_rec_24(tables):
    names = {code: entry.name for code, entry in tables.lists["status"].codes.items()}
    assert "transit" in names["99"].lower()
    assert "transfer" in names["124"].lower()
    assert names["70"] == "Issued (Validated)"


def test_every_table_says_where_it_comes_from(tables):
    for table in (*tables.lists.values(), *tables.maps):
        assert all((table.provenance.authority, table.provenance.source, table.provenance.licence)), table.name
    assert {row.grade for table in tables.maps for row in table.rows} >= {Grade.UNVERIFIED, Grade.SEEN}


def test_bindings_speak_of_places_that_un_cefact_has():
    types = shapes()
    own_types = {slot.type for slots in types.values() for slot in slots.values()}
    for place in bindings().places:
        if place.element:
            assert any(tag.endswith("}" + place.element) for tag in types[place.type]), place
        else:
            assert place.type in own_types, place
    assert all(any(tag.endswith("}" + role) for tag in types["SPSConsignmentType"]) for role in bindings().roles)


def test_every_rule_of_form_is_used_or_says_that_nothing_changes():
    source = "".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    unused = {rule for rule in structure_rules() if f'"{rule}"' not in source}
    assert unused == {"attachment", "treatment", "wrapper"}  # kept as they are: the page says so, no code does


def test_the_page_is_current(tables):
    page = PACKAGE.parent / "docs" / "mapping-ephyto-traces.md"
    assert page.read_text("utf-8") == describe(tables), "python -m mappings.describe > docs/mapping-ephyto-traces.md"
