"""hub_differences: what the hub's own schema has no place for, or declares as a number."""

import pytest
from lxml import etree

from gateway.documents import hub_differences, normalise_order
from gateway.errors import Severity
from gateway.ippc.form import to_hub_form
from gateway.sandbox.samples import certificate, example
from gateway.xml.schemas import SchemaName, is_valid

NAMED = '<ram:Name languageID="en">Phytosanitary certificate</ram:Name>'
"""The document's name has no language in the hub's schema."""


def read(raw):
    ordered, _ = normalise_order(etree.fromstring(raw))
    return ordered


def plain(lines):
    raw = certificate(lines=lines).decode()
    assert NAMED in raw
    return raw.replace(NAMED, "")


def changed(old, new):
    raw = plain(2)
    assert old in raw
    return read(raw.replace(old, new, 1))


def test_a_certificate_that_the_hub_declares_differs_in_nothing():
    root = read(plain(3))
    assert hub_differences(root, limit=100) == ()
    to_hub_form(root)
    assert is_valid(SchemaName.HUB_PHYTO, root)


def test_what_the_hub_has_no_place_for_is_told_and_is_no_fault():
    found = hub_differences(read(example()), limit=100)
    assert {finding.severity for finding in found} == {Severity.INFO}
    assert {finding.found for finding in found} == {
        "@languageID",
        "ram:Description",
        "ram:AttainedSPSQualification",
        "ram:AvailabilityDueDateTime",
        "ram:ExportExitDateTime",
        "ram:LoadingBaseportSPSLocation",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<ram:LevelCode>1<", "<ram:LevelCode>outer<"),
        ("<ram:SequenceNumeric>1<", "<ram:SequenceNumeric>1.5<"),
        ("<ram:SequenceNumeric>1<", "<ram:SequenceNumeric>2147483648<"),
        ("<ram:ItemQuantity>10<", "<ram:ItemQuantity>1,000<"),
        ('unitCode="KGM">100<', 'unitCode="KGM">100 kg<'),
        ("<ram:ModeCode>1<", "<ram:ModeCode>sea<"),
    ],
)
def test_text_where_the_hub_declares_a_number_breaks_its_schema_and_is_told(old, new):
    root = changed(old, new)
    (finding,) = hub_differences(root, limit=100)
    assert (finding.rule, finding.severity) == ("HUB-TYPE", Severity.WARNING)
    assert finding.found in new
    assert finding.expected
    to_hub_form(root)
    assert not is_valid(SchemaName.HUB_PHYTO, root)


@pytest.mark.parametrize("written", ["1e3", ".5", "-3", "+7.25", "007"])
def test_every_decimal_of_the_schema_is_one(written):
    root = changed("<ram:ItemQuantity>10<", f"<ram:ItemQuantity>{written}<")
    assert hub_differences(root, limit=100) == ()
    to_hub_form(root)
    assert is_valid(SchemaName.HUB_PHYTO, root)


def test_what_the_hub_has_once_is_told_when_it_stands_twice():
    seal = "<ram:UtilizedSPSTransportEquipment><ram:ID>EXMU1</ram:ID></ram:UtilizedSPSTransportEquipment>"
    root = changed("<ram:UtilizedSPSTransportEquipment>", f"{seal}<ram:UtilizedSPSTransportEquipment>")
    (finding,) = hub_differences(root, limit=100)
    assert (finding.rule, finding.severity) == ("HUB-ONCE", Severity.INFO)
    assert finding.path.endswith("ram:UtilizedSPSTransportEquipment[2]")


def test_findings_end_at_the_limit():
    root = read(plain(30).replace("<ram:LevelCode>1<", "<ram:LevelCode>x<"))
    assert len(hub_differences(root, limit=100)) == 30
    assert len(hub_differences(root, limit=7)) == 7
