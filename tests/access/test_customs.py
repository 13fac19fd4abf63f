"""The table [partner.customs]: which offices a partner's system speaks for, and whose CHEDs it may ask for."""

import json

import pytest

from gateway.access import AbsentUnit, CustomsMembership, partner_from_record
from gateway.errors import ConfigurationError

pytestmark = pytest.mark.short

TABLE = {"offices": ["NL000396", "NL0005*"], "countries": ["NL", "XI"]}


def record(kind="customs", **changes):
    return {
        "id": "nl-customs",
        "name": "Invented customs",
        "kind": kind,
        "country": "NL",
        "contracts": ["customs-certex-ched"],
        "customs": {**TABLE, **changes},
    }


def membership(**changes):
    return partner_from_record(record(**changes)).customs


def test_nobody_is_customs_unless_the_record_says_so():
    plain = record()
    del plain["customs"]
    assert partner_from_record(plain).customs is None


def test_the_table_is_read_and_what_it_leaves_out_is_strict():
    assert membership() == CustomsMembership(
        offices=("NL000396", "NL0005*"), countries=("NL", "XI"), absent_unit=AbsentUnit.REFUSE, time_zone=""
    )


def test_tonnes_and_a_zone_are_read():
    read = membership(absent_unit="tonne", time_zone="Europe/London")
    assert (read.absent_unit, read.time_zone) == (AbsentUnit.TONNE, "Europe/London")


def test_a_stored_record_reads_as_the_one_that_was_written():
    written = record(absent_unit="tonne", time_zone="Europe/Lisbon", mrn_countries=["NL"])
    assert partner_from_record(json.loads(json.dumps(written))) == partner_from_record(written)


@pytest.mark.parametrize(
    ("office", "its"),
    [
        ("NL000396", True),
        ("NL000397", False),
        ("NL000512", True),
        ("nl000512", False),
        ("BE000512", False),
        ("NL00039", False),
        ("NL0005*", False),
        ("NL0005", False),
        ("NL0005123", False),
        ("NL0005ZZZZZZZZZZZZZZ", False),
        ("NL0005 9", False),
        ("NL00051\u200b", False),
        ("NL00051\u0661", False),
        ("NL000512\n", False),
        ("NL0005aa", False),
        ("NL0005AA", True),
        ("", False),
    ],
)
def test_it_speaks_for_its_offices_only(office, its):
    assert membership().speaks_for(office) is its


@pytest.mark.parametrize(
    ("of", "concerns", "covered"),
    [
        (["NL", "XI"], ["BE", "NL"], True),
        (["NL", "XI"], ["XI"], True),
        (["NL", "XI"], ["BE", "DE"], False),
        (["NL", "XI"], [], False),
        (["*"], ["DE"], True),
        (["*"], [], True),
    ],
)
def test_it_covers_the_cheds_of_its_countries(of, concerns, covered):
    assert membership(countries=of).covers(iter(concerns)) is covered


@pytest.mark.parametrize(
    ("of", "mrn", "its"),
    [
        ([], "26GBGBK0000000001X", True),
        ([], "26", True),
        (["GB", "XI"], "26GBGBK0000000001X", True),
        (["GB", "XI"], "26XI00020000000001", True),
        (["GB", "XI"], "26NL00020000000001", False),
        (["GB", "XI"], "GB26", False),
        (["XI"], "26X", False),
        (["XI"], "", False),
    ],
)
def test_its_declarations_have_mrns_of_the_countries_that_the_record_names(of, mrn, its):
    assert membership(mrn_countries=of).declares(mrn) is its


@pytest.mark.parametrize("kind", ["customs", "national", "traces"])
def test_kinds_that_may_be_customs(kind):
    assert membership(kind=kind).offices


@pytest.mark.parametrize("kind", ["third-country", "international-organisation", "hub"])
def test_partners_of_other_kinds_are_no_customs(kind):
    with pytest.raises(ConfigurationError) as refused:
        partner_from_record(record(kind=kind))
    assert (refused.value.code, refused.value.where) == ("IMG-0120", "partner.customs")
    assert kind in refused.value.found


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"offices": []}, "partner.customs.offices"),
        ({"offices": "NL000396"}, "partner.customs.offices"),
        ({"offices": ["NL00396"]}, "partner.customs.offices"),
        ({"offices": ["NL000396 "]}, "partner.customs.offices"),
        ({"offices": ["nl000396"]}, "partner.customs.offices"),
        ({"offices": ["*"]}, "partner.customs.offices"),
        ({"offices": ["N*"]}, "partner.customs.offices"),
        ({"offices": ["NL*96"]}, "partner.customs.offices"),
        ({"offices": ["NL000396*"]}, "partner.customs.offices"),
        ({"offices": ["NL000396", "NL000396"]}, "partner.customs.offices"),
        ({"countries": []}, "partner.customs.countries"),
        ({"countries": ["Netherlands"]}, "partner.customs.countries"),
        ({"countries": ["NL", "NL"]}, "partner.customs.countries"),
        ({"mrn_countries": ["*"]}, "partner.customs.mrn_countries"),
        ({"mrn_countries": ["xi"]}, "partner.customs.mrn_countries"),
        ({"mrn_countries": "XI"}, "partner.customs.mrn_countries"),
        ({"mrn_countries": ["XI", "XI"]}, "partner.customs.mrn_countries"),
        ({"absent_unit": "kilogram"}, "partner.customs.absent_unit"),
        ({"time_zone": "Europe"}, "partner.customs.time_zone"),
        ({"time_zone": "Europe/Nowhere"}, "partner.customs.time_zone"),
        ({"time_zone": "../../etc/passwd"}, "partner.customs.time_zone"),
        ({"office": "NL000396"}, "partner.customs.office"),
    ],
)
def test_what_is_wrong_is_named(change, where):
    with pytest.raises(ConfigurationError) as refused:
        membership(**change)
    assert (refused.value.code, refused.value.where) == ("IMG-0120", where)


@pytest.mark.parametrize("missing", ["offices", "countries"])
def test_neither_offices_nor_countries_may_be_left_out(missing):
    table = record()
    del table["customs"][missing]
    with pytest.raises(ConfigurationError) as refused:
        partner_from_record(table)
    assert (refused.value.code, refused.value.where) == ("IMG-0120", f"partner.customs.{missing}")
