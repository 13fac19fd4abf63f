"""The form of a certificate that the hub's own schema asks for, and that nothing of it is lost on the way there."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date

import fake_hub
import pytest
from lxml import etree

from gateway.ippc.form import to_hub_form
from gateway.sandbox.samples import certificate
from gateway.xml.schemas import SchemaName, validate
from mappings import load_tables, translate

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


@pytest.fixture(scope="module")
def index():
    return load_tables().compile(on=date(2026, 11, 22))


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return fake_hub.hub_schema(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def reference():
    return etree.parse(fake_hub.contract() / "ephyto-full-feature.xml", etree.XMLParser(huge_tree=True)).getroot()


def there_and_back(root, index):
    """What a certificate becomes on its way through the gateway: to the canonical form and out to a hub."""
    canonical = translate(root, source="ephyto", target="traces", index=index).root
    out = translate(canonical, source="traces", target="ephyto", index=index).root
    to_hub_form(out)
    return out


def texts(root):
    """What every element says, as often as it is said; the word NULL says nothing."""
    found = (" ".join((element.text or "").split()) for element in root.iter("*"))
    return Counter(text for text in found if text and text != "NULL")


def attachments(root):
    """By the digest of the Base64 text, character by character: one of the reference's own is broken off."""
    return {
        (element.get("filename"), hashlib.sha256(element.text.encode()).hexdigest())
        for element in root.iter(f"{RAM}AttachmentBinaryObject")
        if (element.text or "").strip()
    }


def small(**changes):
    """An example within the hub's part of UN's schema: it has no language of a title."""
    root = etree.fromstring(certificate(**changes))
    del root.find(f"*/{RAM}Name").attrib["languageID"]
    return root


@pytest.mark.parametrize("changes", [{}, {"status": "40"}, {"type_code": "657", "replaces": "AR-0"}, {"lines": 40}])
def test_what_goes_out_is_valid_by_the_hubs_own_schema(index, schema, changes):
    out = there_and_back(small(**changes), index)
    schema.assertValid(out)
    validate(SchemaName.HUB_PHYTO, out)


def test_the_reference_with_all_features_is_valid_but_for_two_attributes_of_its_own(index, schema, reference):
    out = there_and_back(reference, index)
    assert not schema.validate(out)
    for element in out.iter(f"{RAM}ModeCode"):
        element.attrib.pop("name", None)
    for element in out.iter(f"{RAM}UsedSPSTransportMeans"):
        element.find(f"{RAM}Name").attrib.pop("languageID", None)
    schema.assertValid(out)


def test_every_text_and_attachment_of_the_reference_goes_out_again_but_for_declared_losses(index, reference):
    """Two digits of the tariff beyond the Harmonized System, and a note where UN has none: the translation says so."""
    declared = translate(reference, source="ephyto", target="traces", index=index).losses
    assert {place.row_id.rpartition("/")[2] for place in declared} >= {"hs-digits", "unknown"}
    out = there_and_back(reference, index)
    assert texts(reference) - texts(out) == Counter(["06029048", "DMTLIL", "Lot number 8888"])
    assert texts(out)["060290"] == texts(reference)["060290"] + 1
    assert len(attachments(reference)) > 1
    assert attachments(out) == attachments(reference)


def test_the_three_places_that_differ_from_un():
    root = etree.fromstring(
        f"<r xmlns='{RAM[1:-1]}' xmlns:u='urn:un:unece:uncefact:data:standard:UnqualifiedDataType:21'>"
        "<ReferenceSPSReferencedDocument><IssueDateTime><u:DateTimeString>2021-09-10</u:DateTimeString></IssueDateTime>"
        "<ID>1</ID></ReferenceSPSReferencedDocument>"
        "<ReferenceSPSReferencedDocument><TypeCode>851</TypeCode></ReferenceSPSReferencedDocument>"
        "<NatureIdentificationSPSCargo><TypeCode>12</TypeCode></NatureIdentificationSPSCargo>"
        "<NatureIdentificationSPSCargo><TypeCode>13</TypeCode></NatureIdentificationSPSCargo>"
        "<UtilizedSPSTransportEquipment><ID>E</ID><AffixedSPSSeal><ID>S</ID></AffixedSPSSeal>"
        "<AffixedSPSSeal><ID>T</ID></AffixedSPSSeal></UtilizedSPSTransportEquipment></r>"
    )
    to_hub_form(root)
    first, second, cargo, more, equipment = root
    assert [etree.QName(child).localname for child in first] == ["IssueDateTime", "TypeCode", "ID"]
    assert (first[0].text, len(first[0])) == ("2021-09-10", 0)
    assert first[1].get(f"{XSI}nil") == "true"
    assert [(child.tag, child.text, dict(child.attrib)) for child in second] == [(f"{RAM}TypeCode", "851", {})]
    assert [(each.tag, each[0].tag, each[0].text) for each in (cargo, more)] == [
        ("NatureIdentificationSPSCargo", "TypeCode", "12"),
        ("NatureIdentificationSPSCargo", "TypeCode", "13"),
    ]
    assert [(child.tag, child.text) for child in equipment.iter("ID")] == [("ID", "E"), ("ID", "S"), ("ID", "T")]


def test_a_date_with_more_to_say_stays_an_element():
    root = etree.fromstring(
        f"<r xmlns='{RAM[1:-1]}' xmlns:u='urn:un:unece:uncefact:data:standard:UnqualifiedDataType:21'>"
        "<ReferenceSPSReferencedDocument><IssueDateTime><u:DateTimeString format='102'>20210910</u:DateTimeString>"
        "</IssueDateTime></ReferenceSPSReferencedDocument></r>"
    )
    to_hub_form(root)
    assert root[0][0][0].get("format") == "102"


def test_what_goes_out_is_read_again_as_it_was(index):
    root = small(lines=2)
    out = there_and_back(root, index)
    canonical = [translate(each, source="ephyto", target="traces", index=index).root for each in (root, out)]
    assert etree.tostring(canonical[0], method="c14n2") == etree.tostring(canonical[1], method="c14n2")
