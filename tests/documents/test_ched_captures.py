"""Published CHEDs and intra certificates: what is read of them, and that nothing of them is lost."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.documents.ched import (
    ChedLink,
    ChedType,
    Coded,
    Decision,
    Part,
    boxes,
    part_digest,
    read_ched,
    write_ched,
)
from gateway.xml.boundary import parse
from gateway.xml.names import SPS17, qn

FOLDER = Path(os.environ.get("IMSOC_CONTRACTS", "")) / "traces-nt"
pytestmark = pytest.mark.skipif(
    not os.environ.get("IMSOC_CONTRACTS") or not FOLDER.is_dir(), reason="the published samples are not here"
)
PLANTS = "ched/GetChedResponse_CHEDPP.XI.2026.0000064.xml"
ANIMALS = "ched/GetChedResponse_CHEDA.template.xml"
HORSE = "ched/CreateAndSubmitChedForDecision-0101-Horse.xml"
REPLACING = "ched/CreateAndSubmitChedForDecision-0101-Horse-Replacing-CHEDA.ES.2019.0000011.xml"
INTRA = "intra/GetEuIntraCertificateResponse.xml"


def sample(name):
    tree = parse((FOLDER / name).read_bytes()).root
    return next(tree.iter("{*}SPSCertificate"))


def said(element):
    """What an element says: names, attributes and text without the white space that indentation adds."""
    children = [said(child) for child in element.iterchildren("*")]
    return element.tag, sorted(element.items()), " ".join((element.text or "").split()), children


@pytest.mark.parametrize("name", [PLANTS, ANIMALS, HORSE, REPLACING, INTRA])
def test_a_sample_is_written_as_it_was_read(name):
    tree = sample(name)
    assert said(write_ched(read_ched(tree))) == said(tree)


@pytest.mark.parametrize("name", [PLANTS, ANIMALS])
def test_a_capture_can_be_made_of_its_boxes_alone(name):
    tree = sample(name)
    assert said(write_ched(replace(read_ched(tree), source=None))) == said(tree)


@pytest.mark.parametrize("name", [PLANTS, ANIMALS, HORSE, REPLACING, INTRA])
def test_a_changed_sample_differs_in_nothing_else(name):
    tree = sample(name)
    changed = said(write_ched(replace(read_ched(tree), status_code="42")))
    expected = said(tree)
    status = next(child for child in expected[3][0][3] if child[0].endswith("}StatusCode"))
    position = expected[3][0][3].index(status)
    expected[3][0][3][position] = (status[0], status[1], "42", [])
    assert changed == expected


def test_the_boxes_of_the_ched_pp():
    ched = read_ched(sample(PLANTS))
    found = boxes(ched)
    assert list(found) == [
        *("I.1", "I.2", "I.4", "I.5", "I.6", "I.7", "I.8", "I.9", "I.10", "I.11", "I.13", "I.14", "I.23"),
        *("I.31", "I.32", "I.34", "I.35"),
    ]
    assert ched.type is ChedType.PP
    assert found["I.2"] == "CHEDPP.XI.2026.0000064"
    assert found["I.5"] == "XIBEL1"
    assert ched.post.locode == "GBBEL"
    assert found["I.23"].code == Coded("FREE_CIRCULATION", "For free circulation", "en")
    assert ched.issuer.activities[0].code == "AUTHORITY"
    assert (ched.lines[0].commodity, ched.lines[0].packages[0].count) == ("08051022", "10.0")
    assert ched.url.endswith("/CHEDPP.XI.2026.0000064")
    assert ched.decision is None
    assert ched.documents[0].country == "GB"


def test_the_boxes_of_the_ched_a():
    ched = read_ched(sample(ANIMALS))
    assert ched.type is ChedType.A
    assert [code.code for code in ched.certified_as] == ["REGISTERED_EQUIDAE"]
    assert ched.alternative_destination.code == "SAME_AS_BORDER_CONTROL_POST"
    assert ched.documents[0].attachment == "uri:documentid:771728"
    assert ched.documents[1].scheme == "BEFORE_BCP"
    assert ched.totals.net_volume.value == 5
    assert [line.number for line in ched.lines] == [1, 2, 3]
    assert ched.lines[0].notes[0].text == "123"
    assert ched.lines[2].classes[1].names == (("la", "Rhyncocephalia"),)
    assert "I.14" not in boxes(ched), "an empty country is no country"


def test_the_replacing_submission_of_2019():
    ched = read_ched(sample(REPLACING))
    assert ched.reference == ""
    assert ched.previous == (ChedLink("CHEDA.ES.2019.0000011", "ACW"),)
    assert ched.customs_documents[0].number == "CD-Pre-Decl-00123"
    assert ched.decision is None, "a customs document is no decision"
    assert ched.post.imsoc_code == "ESMAD4"
    assert ched.inspection_time == "2019-04-11T15:00:00.000+02:00"
    assert ched.declaration.party.name == "Bruno"
    assert read_ched(sample(HORSE)).purposes[0].box == "I.26"


def test_a_decision_leaves_part_one_as_it_was_sent():
    tree = sample(PLANTS)
    ched = read_ched(tree)
    decided = replace(ched, decision=Decision((Coded("ACCEPTABLE_FOR_TRANSIT"),), documentary_result=Coded("NOT_DONE")))
    written = write_ched(decided)
    again = read_ched(written)
    assert again == decided
    assert part_digest(again, Part.I) == part_digest(ched, Part.I)
    assert part_digest(again, Part.II) != part_digest(ched, Part.II)
    new = written[0].findall("{*}SignatorySPSAuthentication")
    assert [said(child) for child in written[0] if child is not new[1]] == [said(child) for child in tree[0]]
    assert said(written[1]) == said(tree[1])


def in_another_language(tree):
    """As a system hands it back that shows other labels."""
    other = deepcopy(tree)
    for element in other.iter("*"):
        if element.get("name") is not None:
            element.set("name", f"{element.text} en français")
    for clause in other.iter("{*}IncludedSPSClause"):
        for label in clause.findall("{*}Content")[1:]:
            label.text, label.attrib["languageID"] = f"{label.text} en français", "fr"
    return other


def test_a_part_is_the_same_in_another_language_and_form():
    tree = sample(ANIMALS)
    before = read_ched(tree)
    after = read_ched(in_another_language(tree))
    assert after != before
    assert (after.purposes[0].code.code, after.purposes[0].code.language) == ("FREE_CIRCULATION", "fr")
    assert after.status_name == "1 en français"
    assert part_digest(after, Part.I) == part_digest(before, Part.I)
    shifted = replace(before, arrival="2026-03-23T01:00:00+01:00")
    assert part_digest(shifted, Part.I) == part_digest(before, Part.I)
    assert part_digest(replace(before, arrival="2026-03-23T02:00:00+01:00"), Part.I) != part_digest(before, Part.I)


def test_a_number_is_written_into_a_submission():
    tree = sample(REPLACING)
    url = "https://traces.example/CHEDA.ES.2026.0000012"
    numbered = write_ched(replace(read_ched(tree), reference="CHEDA.ES.2026.0000012", url=url))
    ched = read_ched(numbered)
    assert (ched.reference, ched.url) == ("CHEDA.ES.2026.0000012", url)
    assert ched == replace(read_ched(tree), reference=ched.reference, url=ched.url)
    assert numbered[0].find("{*}ReferenceSPSReferencedDocument").findtext("{*}RelationshipTypeCode") == "CAW"
    assert read_ched(tree).reference == "", "the tree that was given is as it was"


def test_without_an_address_there_is_no_reference_to_itself():
    assert read_ched(write_ched(replace(read_ched(sample(PLANTS)), reference="", url=""))).url == ""


def test_fields_are_changed_in_the_tree():
    changed = {"local_reference": "XI-1", "contingency": "Document de secours"}
    tree = write_ched(replace(read_ched(sample(PLANTS)), **changed))
    ched = read_ched(tree)
    assert (ched.local_reference, ched.contingency) == ("XI-1", "Document de secours")
    assert tree.tag == qn(SPS17, "SPSCertificate")


def test_the_wrapper_of_an_intra_certificate_is_kept():
    tree = sample(INTRA)
    written = write_ched(replace(read_ched(tree), status_code="70"))
    assert written.tag == tree.tag
    assert read_ched(tree).transporter.role == "CA"
