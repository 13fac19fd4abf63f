"""Codes of national systems as published: each example goes where it says and back, or its loss is declared."""

import csv
import os
import re
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import TranslationRefused
from gateway.xml.names import RAM21, SPS17, qn
from mappings import load_tables, translate
from mappings.bindings import structure_rules
from mappings.models import Direction, Grade, Loss
from mappings.transforms import TRANSFORMS

pytestmark = pytest.mark.short

TABLES = load_tables()
DAY = date(2026, 11, 22)
INDEX = TABLES.compile(DAY)
CONFIRMED = TABLES.compile(DAY, allow_unconfirmed=True)
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "national-examples.md").read_text("utf-8")

# System, list, context; the national code; the canonical one; what comes back.
BOTH = [
    ("ipaffs", "status", "", "IN_PROGRESS", "42", "IN_PROGRESS"),
    ("ipaffs", "status", "", "MODIFY", "42", "IN_PROGRESS"),
    ("ipaffs", "status", "", "SUBMITTED", "1", "SUBMITTED"),
    ("ipaffs", "status", "", "VALIDATED", "70", "VALIDATED"),
    ("ipaffs", "status", "", "PARTIALLY_REJECTED", "122", "PARTIALLY_REJECTED"),
    ("ipaffs", "ched-type", "", "CED", "D", "CED"),
    ("ipaffs", "ched-type", "", "CVEDA", "A", "CVEDA"),
    ("ipaffs", "ched-type", "", "CVEDP", "P", "CVEDP"),
    ("ipaffs", "ched-type", "", "CHEDPP", "PP", "CHEDPP"),
    ("ipaffs", "ched-purpose", "", "Import", "INTERNAL_MARKET", "For Import"),
    ("ipaffs", "ched-purpose", "", "For Import", "INTERNAL_MARKET", "For Import"),
    ("ipaffs", "ched-purpose", "", "For Transhipment to", "TRANSHIPMENT", "For Transhipment to"),
    ("ipaffs", "ched-purpose", "", "For Transfer To", "TRANSFER", "For Transfer To"),
    ("ipaffs", "ched-purpose", "", "For Transit to 3rd Country", "DIRECT_TRANSIT", "For Transit to 3rd Country"),
    ("ipaffs", "ched-purpose", "", "For Re-Import", "RE_ENTRY", "For Re-Import"),
    ("ipaffs", "ched-purpose", "", "For Private Import", "PRIVATE_IMPORT", "For Private Import"),
    ("ipaffs", "document-type", "", "importPermit", "521", "importPermit"),
    ("ipaffs", "document-type", "", "latestVeterinaryHealthCertificate", "916", "other"),
    ("ipaffs", "transport-mode", "", "ROAD_VEHICLE", "3", "ROAD_VEHICLE"),
    ("ipaffs", "country", "", "GB-NIR", "XI", "GB-NIR"),
    ("ipaffs", "country", "", "GB-ENG", "GB", "GB"),
    ("ipaffs", "country", "", "GB-SCT", "GB", "GB"),
    ("ipaffs", "country", "", "GB-WLS", "GB", "GB"),
    ("ipaffs", "country", "", "NA", "NA", "NA"),
    ("uk-customs", "ched-type", "", "C633", "PP", "C085"),
    ("uk-customs", "ched-type", "", "9115", "PP", "C085"),
    ("uk-customs", "ched-type", "", "N002", "PP", "C085"),
    ("uk-customs", "ched-type", "", "N851", "PP", "C085"),
    ("uk-customs", "ched-type", "", "C085", "PP", "C085"),
    ("uk-customs", "ched-type", "", "N852", "D", "C678"),
    ("uk-customs", "ched-type", "", "C641", "P", "N853"),
    ("uk-customs", "ched-type", "", "C673", "P", "N853"),
    ("uk-customs", "ched-type", "", "C640", "A", "C640"),
    ("customs", "ched-type", "", "N853", "P", "N853"),
    ("untdid1001", "accompanying-document-type", "", "521", "IMPORT_PERMIT", "521"),
    ("un-locode", "border-control-post", "", "GBBEL", "XIBEL1-DAERA", "GBBEL"),
    ("laos-nppo", "transport-mode", "", "1", "3", "1"),
    ("laos-nppo", "transport-mode", "", "2", "1", "2"),
    ("laos-nppo", "transport-mode", "", "3", "4", "3"),
    ("laos-nppo", "unit", "", "1", "KGM", "1"),
    ("laos-nppo", "unit", "", "2", "TNE", "2"),
    ("norway", "document-type", "", "phyto", "851", "phyto"),
    ("norway", "document-type", "", "re-export", "657", "re-export"),
    ("italy-adm", "ched-type", "", "03CV", "D", "C678"),
    ("italy-adm", "ched-type", "", "C678", "D", "C678"),
    ("traces-reference", "scoped-section", "EU", "BIRD-EST", "BIRD-EST:EU_EFTA", "BIRD-EST"),
    ("traces-reference", "scoped-section", "EFTA", "BIRD-EST", "BIRD-EST:EU_EFTA", "BIRD-EST"),
    ("traces-reference", "scoped-section", "THIRD_COUNTRIES", "BIRD-EST", "BIRD-EST:THIRD_COUNTRIES", "BIRD-EST"),
]
# The same, of rows that wait for an operator.
WAITING = [
    ("ipaffs", "status", "", "SPLIT_CONSIGNMENT", "68", "SPLIT_CONSIGNMENT"),
    ("ipaffs", "status", "", "AMEND", "85", "AMEND"),
    ("ipaffs", "document-type", "", "letterOfAuthority", "890", "letterOfAuthority"),
    ("ipaffs", "document-type", "", "conformityCertificate", "2", "conformityCertificate"),
    ("ipaffs", "border-control-post", "636/PP", "GBFXT1PP", "GBFXT1", "GBFXT1PP"),
    ("ipaffs", "border-control-post", "636/P", "GBFXT1", "GBFXT1", "GBFXT1"),
]


def refusal(lookup, code, context=""):
    with pytest.raises(TranslationRefused) as refused:
        lookup.find(code, context)
    return refused.value.code


@pytest.mark.parametrize(("system", "name", "context", "code", "canonical", "returns"), BOTH)
def test_a_published_code_goes_where_it_says(system, name, context, code, canonical, returns):
    entry = INDEX.lookup(system, "traces", name).find(code, context)
    assert entry.target == canonical
    assert INDEX.lookup("traces", system, name).find(canonical, context).target == returns
    if returns != code:
        assert entry.loss is not Loss.NONE


@pytest.mark.parametrize(("system", "name", "context", "code", "canonical", "returns"), WAITING)
def test_what_traces_was_not_seen_to_know_waits_for_an_operator(system, name, context, code, canonical, returns):
    assert refusal(INDEX.lookup(system, "traces", name), code, context) == "IMG-6004"
    assert CONFIRMED.lookup(system, "traces", name).find(code, context).target == canonical
    assert CONFIRMED.lookup("traces", system, name).find(canonical, context).target == returns


def through(source, target, name, code):
    """By way of the canonical code, as every translation between two partners goes."""
    canonical = INDEX.lookup(source, "traces", name).find(code).target
    return INDEX.lookup("traces", target, name).find(canonical).target


def test_ipaffs_and_customs_agree_on_the_type_of_a_ched():
    for target in ("uk-customs", "customs"):
        assert through("ipaffs", target, "ched-type", "CVEDP") == "N853"
        assert through(target, "ipaffs", "ched-type", "N853") == "CVEDP"
    for code in ("C633", "9115", "N002", "N851", "C085"):
        assert through("uk-customs", "ipaffs", "ched-type", code) == "CHEDPP"
    assert through("italy-adm", "customs", "ched-type", "03CV") == "C678"


def test_a_document_that_is_no_ched_is_told_as_such():
    assert refusal(INDEX.lookup("uk-customs", "traces", "ched-type"), "9HCG") == "IMG-6007"
    assert refusal(INDEX.lookup("italy-adm", "traces", "ched-type"), "07YY") == "IMG-6007"
    for code in ("N851", "N852", "C084", "Y058", "Y900", "Y927", "Y929", "Y930", "Y931", "Y937", "Y978", "Y980"):
        assert refusal(INDEX.lookup("customs", "traces", "ched-type"), code) == "IMG-6007"


CHECKS = {
    "H218": ("PP", "C085 N002"),
    "H219": ("PP", "C085 9115 N851"),
    "H220": ("PP", "C085 N002"),
    "H221": ("A", "C640"),
    "H222": ("P", "N853"),
    "H223": ("D", "C678 N852"),
    "H224": ("P", "N853"),
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_of_uk_customs_takes_its_own_documents_and_no_others(check):
    inwards = INDEX.lookup("uk-customs", "traces", "checked-ched-type")
    kind, documents = CHECKS[check]
    for code in {each for _, codes in CHECKS.values() for each in codes.split()}:
        if code in documents.split():
            assert inwards.find(code, check).target == kind
        else:
            assert refusal(inwards, code, check) == "IMG-6002"
    assert INDEX.lookup("traces", "uk-customs", "checked-ched-type").find(kind, check).target == documents.split()[0]


def test_great_britain_never_becomes_northern_ireland():
    assert INDEX.lookup("ipaffs", "traces", "country").find("GB").target == "GB"
    assert INDEX.lookup("traces", "ipaffs", "country").find("GB").target == "GB"
    assert refusal(INDEX.lookup("ipaffs", "traces", "country"), "XI") == "IMG-6001"


def test_what_ipaffs_does_not_have_is_refused_with_the_reason():
    for name, code in (
        ("ched-purpose", "ONWARD_TRAVEL"),
        ("ched-purpose", "ONWARD_TRANSPORTATION"),
        ("ched-purpose", "TEMPORARY_ADMISSION"),
        ("status", "35"),
        ("status", "44"),
    ):
        assert refusal(INDEX.lookup("traces", "ipaffs", name), code) == "IMG-6007"
    assert refusal(INDEX.lookup("ipaffs", "traces", "status"), "REPLACED") == "IMG-6007"


def test_free_circulation_goes_out_and_comes_back_as_internal_market():
    entry = INDEX.lookup("traces", "ipaffs", "ched-purpose").find("FREE_CIRCULATION")
    assert (entry.target, entry.loss) == ("For Import", Loss.WIDENS)


def test_codes_of_posts_are_keys_and_nothing_is_read_from_their_letters():
    inwards = CONFIRMED.lookup("ipaffs", "traces", "border-control-post")
    assert (inwards.find("GBFXT1PP").target, inwards.find("GBFXT1PP").loss) == ("GBFXT1", Loss.NARROWS)
    for code in ("GBFXT2PP", "GBFXT2", "GBLHR4"):
        assert refusal(inwards, code, "636/PP") == "IMG-6001"
    own = TABLES.own_lists["ipaffs", "border-control-post"].codes
    for code in set(own) - {"GBFXT1", "GBFXT1PP"}:
        assert refusal(inwards, code, "636/P") == "IMG-6007"
    assert refusal(CONFIRMED.lookup("traces", "ipaffs", "border-control-post"), "GBFXT1") == "IMG-6008"


def test_the_integers_of_laos_are_no_digits_of_recommendation_19():
    for name in ("transport-mode", "unit"):
        for code in ("4", "01", "0", "KGM"):
            assert refusal(INDEX.lookup("laos-nppo", "traces", name), code) == "IMG-6001"
    assert refusal(INDEX.lookup("traces", "laos-nppo", "transport-mode"), "2") == "IMG-6001"  # rail


def test_a_german_code_goes_by_its_context():
    inwards = CONFIRMED.lookup("germany-atlas", "traces", "ched-type")
    assert inwards.find("3LNA", "636/D").target == "D"
    assert inwards.find("3LNA", "636/P").target == "P"
    assert CONFIRMED.lookup("traces", "customs", "ched-type").find("P").target == "N853"
    assert refusal(inwards, "3LNA") == "IMG-6008"
    assert refusal(INDEX.lookup("germany-atlas", "traces", "ched-type"), "3LNA", "636/D") == "IMG-6004"


def test_a_section_without_its_scope_is_ambiguous():
    assert refusal(INDEX.lookup("traces-reference", "traces", "scoped-section"), "BIRD-EST") == "IMG-6008"


def test_a_refusal_reason_has_its_heading():
    codes = TABLES.lists["refusal-reason"].codes
    for code, heading in (
        ("MISSING_CERTIFICATE", "DOCUMENTARY"),
        ("FAILED_IDENTITY_CHECK", "IDENTITY"),
        ("FAILED_PHYSICAL_CHECK", "PHYSICAL"),
        ("PROHIBITED_PRODUCT", "PHYSICAL"),
        ("PRESENCE_OF_HARMFUL_ORGANISM", "PHYSICAL"),
        ("UNSUITABLE_MEANS_TRANSPORT", "ANIMAL_WELFARE"),
    ):
        assert codes[code].parent == heading


def test_the_word_null_is_dropped_in_a_document():
    root = etree.Element(qn(SPS17, "SPSCertificate"))
    document = etree.SubElement(root, qn(SPS17, "SPSExchangedDocument"))
    etree.SubElement(document, qn(RAM21, "TypeCode")).text = "851"
    etree.SubElement(document, qn(RAM21, "Description")).text = "NULL"
    country = etree.SubElement(document, qn(RAM21, "IssueSPSCountry"))
    etree.SubElement(country, qn(RAM21, "ID")).text = "NULL"
    result = translate(root, source="ephyto", target="traces", index=INDEX)
    assert "NULL" not in "".join(result.root.itertext())
    assert "structure/null" in {place.row_id for place in result.report}


# A word of a national list, for an operator who has the list of EPPO codes and is sure of the word.

HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"


def test_the_row_for_a_french_word_is_ready_to_paste(tmp_path):
    row = re.search(r"is: (MANGUE,\S+)", PAGE).group(1)
    (tmp_path / "list-eppo.csv").write_text(
        f"# list: eppo\n{HEADER}code,name,valid_from,valid_to,grade,note\nMNGIN,Mangifera indica,,,,\n", "utf-8"
    )
    (tmp_path / "map-ci-rimm-eppo.csv").write_text(
        f"# list: eppo\n# system: ci-rimm\n# otherwise: refuse\n{HEADER}"
        f"code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n{row},,,,a word\n",
        "utf-8",
    )
    index = load_tables(overlays=[tmp_path]).compile(DAY)
    assert index.lookup("ci-rimm", "traces", "eppo").find("MANGUE").target == "MNGIN"


def test_a_code_keeps_its_zeros(tmp_path):
    (tmp_path / "list-applicator.csv").write_text(
        f"# list: applicator\n{HEADER}code,name,valid_from,valid_to,grade,note\n045,One,,,,\n45,Another,,,,\n", "utf-8"
    )
    (tmp_path / "map-ci-rimm-applicator.csv").write_text(
        f"# list: applicator\n# system: ci-rimm\n# otherwise: refuse\n# transform: as-written\n{HEADER}"
        "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n",
        "utf-8",
    )
    lookup = load_tables(overlays=[tmp_path]).compile(DAY).lookup("ci-rimm", "traces", "applicator")
    assert (lookup.find("045").target, lookup.find("45").target) == ("045", "45")
    assert refusal(lookup, "0045") == "IMG-6001"


# Every row of every table.


def _index_of(row):
    return TABLES.compile(row.valid_from or row.valid_to or DAY, allow_unconfirmed=True)


@pytest.mark.parametrize("code_map", TABLES.maps, ids=lambda code_map: f"{code_map.name} {code_map.partner}".strip())
def test_every_row_goes_where_it_says_and_back_where_it_claims_no_loss(code_map):
    for row in code_map.rows:
        index = _index_of(row)
        inwards = index.lookup(code_map.system, "traces", code_map.list, code_map.partner)
        outwards = index.lookup("traces", code_map.system, code_map.list, code_map.partner)
        for lookup, code, becomes, used in (
            (inwards, row.code, row.canonical, row.direction in (Direction.BOTH, Direction.IN)),
            (outwards, row.canonical, row.code, row.direction in (Direction.BOTH, Direction.OUT)),
        ):
            if used and code:
                entry = lookup.find(code, row.context)
                assert (entry.target or "", entry.row_id, entry.loss) == (becomes, row.id, row.loss)
            elif row.direction is Direction.NONE and code:
                assert refusal(lookup, code, row.context) == "IMG-6007"
        if row.direction is Direction.BOTH:
            assert outwards.find(inwards.find(row.code, row.context).target, row.context).target == row.code
        elif row.loss is Loss.NONE and row.direction is Direction.IN:
            assert outwards.find(row.canonical, row.context).target == row.code
        elif row.loss is Loss.NONE and row.direction is Direction.OUT:
            assert inwards.find(row.code, row.context).target == row.canonical


def test_an_unverified_row_answers_nobody_who_did_not_confirm_it():
    for code_map in TABLES.maps:
        for row in code_map.rows:
            if row.grade is Grade.UNVERIFIED and row.direction is not Direction.NONE:
                way = (code_map.system, "traces") if row.direction is not Direction.OUT else ("traces", code_map.system)
                code = row.code if row.direction is not Direction.OUT else row.canonical
                entry = INDEX.lookup(*way, code_map.list, code_map.partner).get(code, row.context)
                assert entry is None or entry.row_id != row.id


# The page.

EXAMPLES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| Field ")
]


def test_the_page_names_rows_rules_and_transforms_that_exist():
    rows = {row.id for code_map in TABLES.maps for row in code_map.rows}
    rules = {rule.row_id for rule in structure_rules().values()}
    named = set()
    for example in EXAMPLES:
        names = re.findall(r"`([^`]+)`", example[4])
        assert names or example[4] == "none", example
        assert set(names) <= rows | rules | set(TRANSFORMS), example
        named |= set(names)
    assert named >= set(TRANSFORMS) - {"as-written"}
    assert [example[3] for example in EXAMPLES].count("look-up") == 9
    assert [example[3] for example in EXAMPLES].count("split") == 4
    assert [example[3] for example in EXAMPLES].count("form") == 4


def test_the_page_says_what_waits_and_what_is_lost():
    by_id = {row.id: row for code_map in TABLES.maps for row in code_map.rows}
    for example in EXAMPLES:
        rows = [by_id[name] for name in re.findall(r"`([^`]+)`", example[4]) if name in by_id]
        assert ("unverified" in example[5]) == any(row.grade is Grade.UNVERIFIED for row in rows), example
        for loss in (Loss.WIDENS, Loss.NARROWS):
            if any(row.loss is loss for row in rows):
                assert loss in example[5], example


_FOLDER = os.environ.get("IMSOC_CONTRACTS", "")
_FILE = Path(_FOLDER).parent / "domain" / "data" / "national_mapping_examples.csv"


@pytest.mark.skipif(not _FOLDER or not _FILE.exists(), reason="IMSOC_CONTRACTS has no reference data beside it")
def test_the_page_has_every_example_of_the_reference_file_and_the_rows_say_the_same():
    lines = list(csv.DictReader(_FILE.read_text("utf-8").splitlines()))
    keys = [[line["field"], line["source_system"], line["source_value"]] for line in lines]
    assert [example[:3] for example in EXAMPLES] == keys
    by_id = {row.id: row for code_map in TABLES.maps for row in code_map.rows}
    for line, example in zip(lines, EXAMPLES, strict=True):
        if example[3] == "look-up":
            rows = [by_id[name] for name in re.findall(r"`([^`]+)`", example[4])]
            pairs = {code for row in rows for code in (row.code, row.canonical)}
            assert {line["source_value"], line["target_value"]} <= pairs, example
