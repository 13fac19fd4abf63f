"""Single codes that follow a rule: there and back, or a declared loss, and nothing that is not of the form."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TranslationRefused
from mappings import load_tables
from mappings.models import Loss
from mappings.transforms import TRANSFORMS, split_mark

pytestmark = pytest.mark.short

TABLES = load_tables()
INDEX = TABLES.compile(date(2026, 11, 22))
CODES = st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9_. -]{0,20}", fullmatch=True)
CONTEXTS = st.sampled_from(["", "851", "636", "636/A", "636/P", "636/PP", "636/D"])


@pytest.mark.parametrize(
    ("name", "code", "context", "canonical"),
    [
        ("lower-case", "responsible_for_the_load", "", "RESPONSIBLE_FOR_THE_LOAD"),
        ("as-written", "045", "", "045"),
        ("first-15", "LOT-2026-000001", "", "LOT-2026-000001"),
        ("uk-declaration-reference", "GBCHD2025.1234567", "636/PP", "CHEDPP.GB.2025.1234567"),
        ("uk-declaration-reference", "GBCHD2025.0000001", "636/A", "CHEDA.GB.2025.0000001"),
        ("uk-declaration-reference", "GBCHD2025.1234567", "636/P", "CHEDP.GB.2025.1234567"),
        ("uk-declaration-reference", "GBCHD2025.1234567", "636/D", "CHEDD.GB.2025.1234567"),
    ],
)
def test_there_and_back(name, code, context, canonical):
    assert TRANSFORMS[name].inward(code, context) == canonical
    assert TRANSFORMS[name].outward(canonical, context) == code


@pytest.mark.parametrize(
    ("name", "code", "context"),
    [
        ("lower-case", "Importer", ""),  # neither spelling
        ("lower-case", "établissement", ""),
        ("null-word", "null", ""),  # a word of somebody's
        ("null-word", "", ""),
        ("as-written", "", ""),
        ("first-15", "LOT-2026-0000001", ""),  # the partner cannot have written it
        ("uk-declaration-reference", "GBCHD2025.1234567", ""),  # of which type?
        ("uk-declaration-reference", "GBCHD2025.1234567", "851"),
        ("uk-declaration-reference", "GBCHD2025.123456", "636/PP"),
        ("uk-declaration-reference", "GBCHD2025.1234567X", "636/PP"),
        ("uk-declaration-reference", "GBCHD2025.1234567\n", "636/PP"),
        ("uk-declaration-reference", "FRCHD2025.1234567", "636/PP"),
        ("absent-unit-is-tonne", "KGM", ""),
    ],
)
def test_what_is_not_of_the_form_gets_no_answer(name, code, context):
    assert TRANSFORMS[name].inward(code, context) is None


@pytest.mark.parametrize(
    ("name", "code", "context"),
    [
        ("lower-case", "importer", ""),
        ("null-word", "NULL", ""),
        ("uk-declaration-reference", "CHEDPP.XI.2025.1234567", "636/PP"),
        ("uk-declaration-reference", "CHEDPP.GB.2025.1234567", "636/P"),
        ("uk-declaration-reference", "CHEDX.GB.2025.1234567", "636/X"),
        ("absent-unit-is-tonne", "KGM", ""),
    ],
)
def test_what_the_partner_cannot_say_gets_no_answer(name, code, context):
    assert TRANSFORMS[name].outward(code, context) is None


def test_what_is_lost_is_declared():
    assert TRANSFORMS["null-word"].inward("NULL", "") == ""
    assert TRANSFORMS["null-word"].loss is Loss.NARROWS

    assert TRANSFORMS["first-15"].outward("LOT-2026-000001-B", "") == "LOT-2026-000001"
    assert TRANSFORMS["first-15"].loss is Loss.NARROWS

    reference = TRANSFORMS["uk-declaration-reference"]
    for code, mark in (("GBCHD2025.1234567V", "V"), ("GBCHD2025.1234567R", "R"), ("GBCHD2025.1234567", "")):
        assert reference.inward(code, "636/PP") == "CHEDPP.GB.2025.1234567"
        assert split_mark(code) == mark
        assert reference.outward("CHEDPP.GB.2025.1234567", "636/PP") + split_mark(code) == code
    assert reference.loss is Loss.NARROWS
    assert split_mark("CHEDPP.GB.2025.1234567") == ""

    tonne = TRANSFORMS["absent-unit-is-tonne"]
    assert (tonne.inward("", ""), tonne.outward("TNE", ""), tonne.loss) == ("TNE", "TNE", Loss.WIDENS)


@given(CODES, CONTEXTS)
def test_without_a_declared_loss_there_and_back_is_the_same(code, context):
    for transform in TRANSFORMS.values():
        if transform.loss is not Loss.NONE:
            continue
        canonical = transform.inward(code, context)
        assert canonical is None or transform.outward(canonical, context) == code
        said = transform.outward(code, context)
        assert said is None or transform.inward(said, context) == code


@given(CODES, CONTEXTS)
def test_a_second_journey_loses_nothing_more(code, context):
    for transform in TRANSFORMS.values():
        said = transform.outward(code, context)
        if said:
            canonical = transform.inward(said, context)
            assert canonical is not None
            assert transform.outward(canonical, context) == said


def test_a_rule_goes_by_its_name():
    assert all(name == transform.name for name, transform in TRANSFORMS.items())


def test_no_table_takes_the_rule_that_guesses_about_a_partner():
    named = {each.transform for each in TABLES.maps if each.transform}
    assert "lower-case" in named
    assert named <= set(TRANSFORMS)
    assert "absent-unit-is-tonne" not in named
    for system in ("certex", "customs"):
        lookup = INDEX.lookups.get((system, "traces", "unit", ""))
        assert lookup is None or lookup.get("") is None


# Through a table.


def test_a_table_names_its_rule_and_the_report_cites_it():
    inwards = INDEX.lookup("traces-reference", "traces", "operator-activity-type")
    entry = inwards.find("importer")
    assert (entry.target, entry.loss) == ("IMPORTER", Loss.NONE)
    assert entry.row_id == "traces-reference/operator-activity-type/~lower-case"
    assert INDEX.lookup("traces", "traces-reference", "operator-activity-type").find("IMPORTER").target == "importer"


def test_every_activity_goes_there_and_back():
    inwards = INDEX.lookup("traces-reference", "traces", "operator-activity-type")
    outwards = INDEX.lookup("traces", "traces-reference", "operator-activity-type")
    for code in TABLES.lists["operator-activity-type"].codes:
        assert inwards.find(outwards.find(code).target).target == code


def test_a_rule_invents_no_code():
    for source, target, code in (
        ("traces-reference", "traces", "breeder"),
        ("traces", "traces-reference", "BREEDER"),
        ("traces-reference", "traces", "IMPORTER"),  # the spelling of certificates
    ):
        with pytest.raises(TranslationRefused) as refused:
            INDEX.lookup(source, target, "operator-activity-type").find(code)
        assert refused.value.code == "IMG-6001"
