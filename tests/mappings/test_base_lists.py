"""The base tables: where they come from, how many codes they have, the traps, what waits for an operator."""

import csv
import re
import tomllib
from datetime import date
from pathlib import Path

import pycountry
import pytest

from gateway.errors import ConfigurationError, TranslationRefused
from mappings import load_tables
from mappings.countries import iso_alpha_three, iso_countries
from mappings.describe_lists import describe_lists
from mappings.models import CANONICAL, Direction, Grade, Loss, Otherwise

pytestmark = pytest.mark.short

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "mappings" / "tables"
DAY = date(2026, 11, 22)
TABLES = load_tables()
INDEX = TABLES.compile(DAY)
CONFIRMED = TABLES.compile(DAY, allow_unconfirmed=True)
FILES = sorted(
    (*FOLDER.glob("list-*.csv"), *FOLDER.glob("map-*.csv"), FOLDER / "systems.csv"), key=lambda file: file.name
)
TERMS = (
    "Open Government Licence v3.0",
    "Apache-2.0 (package ",
    "MIT (package ",
    "taken as facts",
    "words of Annex II",
    "EUPL-1.2",
)
"""What a licence may say where labels are the publisher's words."""
LABELS_OF_TRACES = {
    f"list-{name}.csv"
    for name in ("accompanying-document-type", "package", "status", "party-role", "refusal-reason", "ched-decision")
}
OWN_WORDS = "own compilation of facts; no text of the publisher is copied"


def codes(name, system=CANONICAL):
    return (TABLES.lists[name] if system == CANONICAL else TABLES.own_lists[system, name]).codes


def inwards(system, name, code, context="", index=INDEX):
    return index.lookup(system, CANONICAL, name).find(code, context)


def outwards(system, name, code, context="", index=INDEX):
    return index.lookup(CANONICAL, system, name).find(code, context)


def both_ways(system, name, code, canonical):
    there, back = inwards(system, name, code), outwards(system, name, canonical)
    return (there.target, back.target, there.loss, back.loss) == (canonical, code, Loss.NONE, Loss.NONE)


# Where they come from.


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_says_where_its_rows_come_from_and_on_what_terms(file):
    lines = file.read_text("utf-8").splitlines()
    said = dict(
        re.findall(r"^# ([a-z]+): (.+)$", "\n".join(line for line in lines if line.startswith("#")), re.MULTILINE)
    )
    assert all(said.get(key) for key in ("authority", "source", "version", "licence", "grade")), file.name
    licence = said["licence"]
    assert licence == OWN_WORDS or any(form in licence for form in TERMS), file.name
    assert ("npm package" in said["source"]) >= ("(package " in licence), file.name
    if "DEFRA/trade-" in said["source"] and file.name in LABELS_OF_TRACES:
        assert "Open Government Licence v3.0" in licence, file.name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_row_was_read_from_is_named(file):
    """In nine years "a published mapper" leads nobody anywhere; a name and a day do."""
    text = file.read_text("utf-8")
    source = next(line for line in text.splitlines() if line.startswith("# source:"))
    vague = r"\bpublished (mapper|rules|schema|source|list|reader|code|client)|a secondary report|as captured"
    assert not re.search(vague, text), file.name
    if re.search(r"DEFRA|likablehair|loicleray|teamwork-ephyto|Mattilsynet/", source):
        assert re.search(r"2026-\d\d-\d\d", source), file.name
    if "third-party" in source:
        assert "not recorded" in source, file.name


def test_the_licences_of_packages_that_lists_were_taken_from_lie_beside_them():
    taken = {
        package
        for each in (*TABLES.lists.values(), *TABLES.own_lists.values(), *TABLES.maps)
        for package in re.findall(r"\(package @?([a-z./-]+)", each.provenance.licence)
    }
    assert taken == {"twin.org/standards-unece", "un-ece-recommendation"}
    assert "Apache License" in (FOLDER / "licence-twin-standards-unece.txt").read_text("utf-8")
    assert "Julien Scholz" in (FOLDER / "licence-un-ece-recommendation.txt").read_text("utf-8")


def test_a_table_does_not_let_through_what_its_list_withholds():
    rows = [
        row.id
        for each in TABLES.maps
        for row in each.rows
        if row.grade is not Grade.UNVERIFIED and row.direction is not Direction.NONE and row.canonical
        if TABLES.lists[each.list].codes[row.canonical].grade is Grade.UNVERIFIED
    ]
    assert rows == []


def test_every_system_that_a_table_speaks_of_is_described():
    spoken = {each.system for each in TABLES.maps} | {system for system, _ in TABLES.own_lists}
    assert spoken <= TABLES.systems.keys()
    assert {each.kind for each in TABLES.systems.values()} == {"canonical", "standard", "network", "national"}
    assert [each.id for each in TABLES.systems.values() if each.kind == "canonical"] == [CANONICAL]


def test_no_system_is_described_twice(tmp_path):
    for file in FOLDER.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    systems = tmp_path / "systems.csv"
    systems.write_text(systems.read_text("utf-8") + "vat,again,us,standard,us,own\n", "utf-8")
    with pytest.raises(ConfigurationError, match="IMG-0131") as refused:
        load_tables(tmp_path)
    assert refused.value.found == "vat"


# How many there are.


@pytest.mark.parametrize(
    ("system", "name", "count"),
    [
        (CANONICAL, "accompanying-document-type", 79),
        (CANONICAL, "package", 114),  # the 113 of TRACES and NA, which it writes where the kind is not known
        (CANONICAL, "transport-mode", 10),
        (CANONICAL, "party-role", 13),
        (CANONICAL, "authentication-type", 3),
        (CANONICAL, "ched-type", 4),
        ("untdid1001", "document-type", 803),
        ("untdid1153", "document-relation", 817),
        ("untdid4405", "status", 351),
        ("rec20", "unit", 2136),
        ("rec21", "package", 406),
        ("customs", "customs-document", 28),  # with those of the United Kingdom and Italy 33
        ("uk-customs", "customs-document", 3),
        ("italy-adm", "customs-document", 2),
        ("customs", "unit", 22),
        ("woah", "disease", 117),
        ("rasff", "product-category", 37),
        ("rasff", "hazard-category", 30),
        ("certex", "reservation-failure-reason", 11),
        ("ephyto", "treatment-description", 7),
    ],
)
def test_a_list_has_as_many_codes_as_its_source(system, name, count):
    assert len(codes(name, system)) == count


def test_countries_are_those_of_iso_and_two_beside_them():
    assert codes("country").keys() - iso_countries().keys() == {"XI", "XK"}
    assert len(iso_countries()) == len(pycountry.countries)


@pytest.mark.parametrize(
    ("name", "standard"),
    [
        ("document-type", "untdid1001"),
        ("document-relation", "untdid1153"),
        ("status", "untdid4405"),
        ("unit", "rec20"),
        ("package", "rec21"),
    ],
)
def test_canonical_codes_are_codes_of_their_standard(name, standard):
    assert codes(name).keys() <= codes(name, standard).keys()


def test_units_are_those_of_certificates():
    weights = {"KGM", "GRM", "TNE", "DTN", "MGM", "LBR", "ONZ", "STN", "LTN", "CTM", "KSD", "GIC"}
    counts = {"H87", "C62", "EA", "HEA", "NAR", "NMP", "PR", "DZN", "CEN", "MIL", "SET", "NIU"}
    others = {"LTR", "HLT", "MTQ", "LPA", "MTK", "HAR", "MTR", "KMT", "DAY", "CEL", "P1", "59", "GL"}
    assert weights | counts | others <= codes("unit").keys()
    assert not {"NPR", "KTM"} & codes("unit").keys()  # Recommendation 20 has others in their place


# The traps.


def test_na_is_namibia_among_countries_and_not_available_among_packages():
    assert codes("country")["NA"].name == "Namibia"
    assert both_ways("iso-3166-alpha-3", "country", "NAM", "NA")
    assert inwards("woah", "country", "NAM").target == "NA"
    assert codes("package")["NA"].name == "Not available"


def test_every_alpha_three_code_leads_to_its_country_and_back():
    others = {pair for pair in iso_alpha_three().items() if pair[0] != "GBR"}
    assert all(both_ways("iso-3166-alpha-3", "country", *pair) for pair in others)
    for system in ("iso-3166-alpha-3", "woah"):  # GBR holds Northern Ireland as well
        there, back = inwards(system, "country", "GBR"), outwards(system, "country", "GB")
        assert (there.target, there.loss, back.target) == ("GB", Loss.WIDENS, "GBR")


def test_northern_ireland_is_never_guessed():
    assert inwards("iso-3166-alpha-3", "country", "GBR").target == "GB"
    entry = outwards("iso-3166-alpha-3", "country", "XI")
    assert (entry.target, entry.loss) == ("GBR", Loss.WIDENS)
    assert both_ways("ipaffs", "country", "GB-NIR", "XI")
    assert inwards("ipaffs", "country", "GB").target == "GB"


def test_greece_is_gr_on_the_wire_and_el_in_vat_numbers():
    assert not {"EL", "UK"} & codes("country").keys()
    assert both_ways("vat", "country", "EL", "GR")
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        inwards("vat", "country", "GR")
    assert inwards("ephyto", "country", "EL").target == "GR"
    with pytest.raises(TranslationRefused, match="IMG-6004"):  # general knowledge: nobody was seen to write it
        inwards("ephyto", "country", "UK")
    assert inwards("ephyto", "country", "UK", index=CONFIRMED).target == "GB"


@pytest.mark.parametrize("code", ["CEU", "MEL"])
def test_ceuta_and_melilla_become_spain_and_lose_their_region(code):
    entry = inwards("woah", "country", code)
    assert (entry.target, entry.loss) == ("ES", Loss.NARROWS)
    assert outwards("woah", "country", "ES").target == "ESP"


@pytest.mark.parametrize("code", ["BT", "OK"])
def test_packages_with_another_meaning_are_refused_both_ways(code):
    assert codes("package")[code].name != codes("package", "rec21")[code].name
    for ask in (inwards, outwards):
        for system in ("rec21", "ephyto"):
            with pytest.raises(TranslationRefused, match="IMG-6007"):
                ask(system, "package", code)


def test_packages_with_a_coarser_label_keep_their_code():
    coarse = {"VR", "VY", "4F", "5H", "QR", "GR", "LZ", "QH"}
    named = [
        row for row in next(m for m in TABLES.maps if m.name == "map-rec21-package").rows if "coarser" in row.evidence
    ]
    assert {row.code for row in named} == coarse
    assert all(both_ways("rec21", "package", code, code) for code in coarse)
    assert both_ways("rec21", "package", "NE", "NE")  # unpacked


def test_deprecated_and_deleted_units():
    assert inwards("rec20", "unit", "KTM").target == "KMT"
    assert inwards("rec20", "unit", "NPR").target == "PR"
    assert both_ways("rec20", "unit", "HAR", "HAR")  # deprecated, still common
    said = codes("unit", "rec20")
    assert all(said[code].note for code in ("KTM", "NPR", "HAR"))
    assert not any(said[code].note for code in ("KMT", "PR", "KGM", "H87"))


def test_customs_units_with_a_qualifier_have_no_equivalent():
    for code in ("KGMP", "ASVX", "TNEE", "NCL", "DAP", "EUR"):
        with pytest.raises(TranslationRefused, match="IMG-6007"):
            inwards("customs", "unit", code)
        assert code in codes("unit", "customs")
        assert code not in codes("unit", "rec20") or code in {"NCL", "DAP"}


def test_customs_count_articles_and_pairs_in_their_own_way():
    assert inwards("customs", "unit", "NAR").target == "H87"
    assert outwards("customs", "unit", "H87").target == "NAR"
    assert both_ways("customs", "unit", "NPR", "PR")


@pytest.mark.parametrize("code", ["35", "55", "99", "124"])
def test_statuses_that_mean_something_else_in_untdid_are_refused(code):
    for ask in (inwards, outwards):
        with pytest.raises(TranslationRefused, match="IMG-6007"):
            ask("untdid4405", "status", code)


def test_statuses_have_their_number_once_and_no_prose_in_it():
    assert all(code.isdigit() for code in codes("status"))
    assert {code for code, known in codes("status").items() if known.grade is Grade.UNVERIFIED} == {"68", "85"}


def test_the_numbers_521_890_and_852():
    assert inwards("untdid1001", "accompanying-document-type", "521").target == "IMPORT_PERMIT"
    for system in ("untdid1001", "ephyto"):  # ePhyto documents use UNTDID 1001
        assert inwards(system, "document-type", "521").loss is Loss.WIDENS
        assert outwards(system, "document-type", "521").loss is Loss.WIDENS
    for name, code, number in (
        ("accompanying-document-type", "852", "IMG-6007"),
        ("accompanying-document-type", "890", "IMG-6004"),
        ("document-type", "890", "IMG-6007"),
    ):
        with pytest.raises(TranslationRefused, match=number):
            inwards("untdid1001", name, code)
    with pytest.raises(TranslationRefused, match="IMG-6007"):
        inwards("ephyto", "document-type", "890")
    assert "dangerous" in codes("document-type", "untdid1001")["890"].name.lower()


def test_proposals_for_accompanying_documents_name_codes_that_untdid_has_and_wait():
    rows = next(each for each in TABLES.maps if each.name == "map-untdid1001-accompanying-document-type").rows
    assert {row.code for row in rows} <= codes("document-type", "untdid1001").keys()
    used = {row.canonical for row in rows if row.grade is not Grade.UNVERIFIED and row.direction is not Direction.NONE}
    assert used == {"IMPORT_PERMIT"}
    assert len([row for row in rows if row.grade is Grade.UNVERIFIED]) == 23


def test_customs_documents_stand_for_a_ched_or_support_one():
    pairs = {"C640": "A", "N853": "P", "C085": "PP", "C678": "D"}
    assert all(both_ways("customs", "ched-type", *pair) for pair in pairs.items())
    for code in ("N851", "N852"):
        with pytest.raises(TranslationRefused, match="IMG-6007"):
            inwards("customs", "ched-type", code)
    assert both_ways("customs", "document-type", "N851", "851")
    for code in ("N830", "N955"):  # UNTDID codes that TRACES was not seen to use
        with pytest.raises(TranslationRefused, match="IMG-6004"):
            inwards("customs", "document-type", code)
    for code in ("N852", "N853"):  # the same digits, another document
        with pytest.raises(TranslationRefused, match="IMG-6007"):
            inwards("customs", "document-type", code)


def test_modes_of_transport_of_customs():
    assert all(both_ways("sad-box-25", "transport-mode", code, code) for code in "1234578")
    for ask, code in ((inwards, "9"), (outwards, "9"), (outwards, "6"), (outwards, "0")):
        with pytest.raises(TranslationRefused, match="IMG-6007"):
            ask("sad-box-25", "transport-mode", code)


def test_one_place_may_have_several_posts_and_no_code_is_taken_apart():
    assert inwards("un-locode", "border-control-post", "GBBEL").target == "XIBEL1-DAERA"
    assert {outwards("un-locode", "border-control-post", code).target for code in ("XIBEL1", "XIBEL1-DAERA")} == {
        "GBBEL"
    }
    with pytest.raises(TranslationRefused, match=r"IMG-6008.*636, COI"):
        inwards("un-locode", "border-control-post", "GBLAR")
    assert inwards("un-locode", "border-control-post", "GBLAR", "636/PP").target == "XILAR1-DAERA"
    assert inwards("un-locode", "border-control-post", "GBLAR", "COI").target == "XILAR1-MEA-ORG"
    for code in ("ESMAD", "FRCDG", "NLRTM"):  # nothing is put together from letters
        with pytest.raises(TranslationRefused, match="IMG-6001"):
            inwards("un-locode", "border-control-post", code)


def test_posts_that_were_seen_are_the_same_in_the_lists_that_rules_ask():
    listed = csv.DictReader(
        line for line in (ROOT / "mappings/reference/data/posts.csv").read_text("utf-8").splitlines() if line[0] != "#"
    )
    seen = {row["code"] for row in listed if row["grade"] == "seen"}
    assert seen <= {code for code, known in codes("border-control-post").items() if known.grade is Grade.SEEN}
    assert codes("border-control-post")["NLRTM4P"].grade is Grade.UNVERIFIED


def test_codes_are_text():
    assert {"01", "11"} <= codes("reservation-failure-reason", "certex").keys()
    assert {"05", "06", "1A"} <= codes("unit", "rec20").keys()


def test_what_nobody_published_is_graded_so():
    assert {known.grade for known in codes("disease", "woah").values()} == {Grade.OWN}
    assert {known.grade for known in codes("hazard-category", "rasff").values()} == {Grade.SECONDARY}
    assert "no codes" in TABLES.own_lists["woah", "disease"].provenance.source


# What waits for an operator.


WAITING = [
    pytest.param(code_map, row, id=row.id)
    for code_map in TABLES.maps
    for row in code_map.rows
    if row.grade is Grade.UNVERIFIED and row.direction is not Direction.NONE
]


@pytest.mark.parametrize(("code_map", "row"), WAITING)
def test_an_unverified_row_answers_only_when_it_is_confirmed(code_map, row):
    ways = {
        Direction.IN: [(code_map.system, CANONICAL, row.code)],
        Direction.OUT: [(CANONICAL, code_map.system, row.canonical)],
    }
    ways[Direction.BOTH] = ways[Direction.IN] + ways[Direction.OUT]
    for source, target, code in ways[row.direction]:
        before = INDEX.lookup(source, target, code_map.list).get(code, row.context)
        after = CONFIRMED.lookup(source, target, code_map.list).get(code, row.context)
        assert before is None or before.row_id != row.id
        assert after is not None
        assert after.row_id == row.id


def test_an_unverified_code_is_the_same_on_both_sides_only_when_it_is_confirmed():
    waits = [
        (code_map, code)
        for code_map in TABLES.maps
        if code_map.otherwise is Otherwise.IDENTITY
        for code, known in TABLES.lists[code_map.list].codes.items()
        if known.grade is Grade.UNVERIFIED and not any(code in (row.code, row.canonical) for row in code_map.rows)
    ]
    assert {("untdid4405", "68"), ("ephyto", "220"), ("customs", "XK")} <= {(each.system, code) for each, code in waits}
    for code_map, code in waits:
        assert INDEX.lookup(code_map.system, CANONICAL, code_map.list).get(code) is None
        assert CONFIRMED.lookup(code_map.system, CANONICAL, code_map.list).get(code).target == code


# Hierarchy and labels.


def test_every_way_up_ends():
    with_parents = set()
    for each in (*TABLES.lists.values(), *TABLES.own_lists.values()):
        for known in each.codes.values():
            passed, above = {known.code}, known.parent
            while above:
                with_parents.add(each.list)
                assert above in each.codes, (each.name, known.code)
                assert above not in passed, (each.name, known.code)
                passed.add(above)
                above = each.codes[above].parent
    assert with_parents >= {"refusal-reason", "border-control-post-category"}


def test_refusal_reasons_stand_below_the_heading_that_the_rules_use():
    options = tomllib.loads((ROOT / "gateway/rules/ched/imsoc-2019/options.toml").read_text("utf-8"))["reasons"]
    headings = {known.parent for known in codes("refusal-reason").values()} - {""}
    for code, known in codes("refusal-reason").items():
        assert (known.parent or code) in headings | {"OTHERS"}
        assert options[code] == (options[known.parent] if known.parent else options[code])


def test_countries_have_names_in_the_languages_of_the_union():
    germany = codes("country")["DE"].labels
    assert (germany["el"], germany["fr"], germany["de"]) == ("Γερμανία", "Allemagne", "Deutschland")
    assert len(germany) == 23
    assert all(label for known in codes("country").values() for label in known.labels.values())
    assert codes("country")["XI"].labels == {}


def test_french_labels_are_the_words_of_printed_documents():
    words = tomllib.loads((ROOT / "gateway/pdf/words.toml").read_text("utf-8"))
    said = {key: value for part in words.values() for key, value in part.items() if isinstance(value, list)}
    labelled = {
        (name, code): known.labels["fr"]
        for name, code_list in TABLES.lists.items()
        for code, known in code_list.codes.items()
        if known.labels and name not in {"country", "ched-type"}
    }
    assert {name for name, _ in labelled} >= {"ched-decision", "ched-purpose", "ched-boolean", "refusal-reason"}
    assert all(label == said[code][1] for (_, code), label in labelled.items())
    assert [codes("ched-type")[code].labels["fr"] for code in ("A", "P", "PP", "D")] == [
        "DSCE-A",
        "DSCE-P",
        "DSCE-PP",
        "DSCE-D",
    ]


def test_lists_of_other_systems_are_no_canonical_ones():
    assert not {"disease", "hazard-category", "customs-document"} & TABLES.lists.keys()
    assert {"disease", "document-type", "unit"} <= {name for _, name in TABLES.own_lists}


def test_the_page_is_current():
    page = ROOT / "docs" / "code-lists.md"
    assert page.read_text("utf-8") == describe_lists(TABLES), "python -m mappings.describe_lists > docs/code-lists.md"
