"""Which boxes are filled, whose they are, and how places that no capture knows are read."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from ched_values import full
from lxml import etree

from gateway.documents import MASK, mask_personal
from gateway.documents.ched import (
    BOXES,
    SYSTEM_BOXES,
    Ched,
    ChedParty,
    ChedType,
    Coded,
    ControlPost,
    Country,
    Decision,
    Part,
    Purpose,
    Region,
    boxes,
    changed_boxes,
    conclusion_box,
    part_digest,
    part_of,
    purpose_box,
    read_ched,
    write_ched,
)
from gateway.documents.ched.places import CONCLUSION_BOX, PURPOSE_BOX, RAM, SPS
from gateway.xml.names import INTRA1, SPS17, qn

NOT_OF_TYPE = {
    ChedType.A: {"I.14", "I.16", "I.19", "I.20", "I.21", "I.22", "I.23", "I.24", "I.25"},
    ChedType.P: {"I.20", "I.21", "I.22", "I.23", "I.25", "I.26", "I.30", "II.7", "II.8"},
    ChedType.PP: {"I.16", "I.18", "I.19", "I.20", "I.22", "I.23", "I.24", "I.25", "I.26", "I.30", "II.7", "II.8"},
    ChedType.D: {"I.19", "I.21", "I.22", "I.23", "I.24", "I.25", "I.26", "I.30", "II.7", "II.8"},
}
OTHER_CONCLUSIONS = {"II.9", "II.10", "II.11", "II.12", "II.13", "II.14", "II.15"}
DOCS = Path(__file__).parents[2] / "docs" / "ched-boxes.md"


@pytest.mark.parametrize("kind", ChedType)
def test_the_boxes_of_a_full_ched(kind):
    found = boxes(read_ched(write_ched(full(kind))))
    assert set(found) == set(BOXES) - NOT_OF_TYPE[kind] - OTHER_CONCLUSIONS
    assert list(found) == [box for box in BOXES if box in found]


def test_the_boxes_are_those_of_the_annex():
    contracts = os.environ.get("IMSOC_CONTRACTS")
    dictionary = Path(contracts or "").parent / "domain" / "data" / "ched_boxes.json"
    if not contracts or not dictionary.is_file():
        pytest.skip("the data dictionary of Annex II is not here")
    assert [each["box"] for each in json.loads(dictionary.read_text(encoding="utf-8"))["boxes"]] == list(BOXES)


def test_an_empty_ched_has_no_boxes():
    assert boxes(Ched()) == {}
    assert boxes(read_ched(etree.Element("anything"))) == {}


def test_whose_a_box_is():
    assert [part_of(box) for box in ("I.35", "II.1", "III.6")] == [Part.I, Part.II, Part.III]
    for wrong in ("I.36", "IV.1", "II", ""):
        with pytest.raises(ValueError, match="no box"):
            part_of(wrong)


@pytest.mark.parametrize(("code", "box"), PURPOSE_BOX.items())
def test_a_purpose_is_in_its_box_with_the_code_that_was_sent(code, box):
    ched = read_ched(write_ched(Ched(purposes=(Purpose(Coded(code), box),))))
    assert boxes(ched) == {box: Purpose(Coded(code), box)}


@pytest.mark.parametrize(("code", "box"), CONCLUSION_BOX.items())
def test_a_conclusion_is_in_its_box(code, box):
    ched = read_ched(write_ched(Ched(decision=Decision((Coded(code),)))))
    assert boxes(ched) == {box: Coded(code)}
    assert ched.decision.decided


@pytest.mark.parametrize("code", ["PRIVATE_IMPORT", "IMPORT_RE_CONFORMITY_CHECK", "internal_market"])
def test_a_purpose_that_is_no_box_is_in_none(code):
    assert purpose_box(code) == ""
    assert boxes(read_ched(write_ched(Ched(purposes=(Purpose(Coded(code)),))))) == {}


def test_a_conclusion_that_is_no_box_is_in_none():
    assert conclusion_box("ACCEPTABLE_FOR_PRIVATE_IMPORT") == conclusion_box("HORSE_RE_ENTRY") == ""


def test_several_purposes_are_all_there():
    sent = (
        Purpose(Coded("TRANSFER"), "I.20"),
        Purpose(Coded("FREE_CIRCULATION"), "I.23"),
        Purpose(Coded("TRANSIT"), "I.22"),
    )
    ched = read_ched(write_ched(Ched(purposes=sent)))
    assert ched.purposes == sent
    assert list(boxes(ched)) == ["I.20", "I.22", "I.23"]


def test_two_codes_of_one_box_are_both_its_value():
    sent = tuple(Purpose(Coded(code), "I.23") for code in ("FREE_CIRCULATION", "INTERNAL_MARKET"))
    assert boxes(Ched(purposes=sent))["I.23"] == sent


def test_places_follow_the_only_purpose_under_another_code():
    """A translation of codes changes the clause and leaves the marker of the place alone."""
    tree = write_ched(Ched(purposes=(Purpose(Coded("N-20"), post=ControlPost("PLTER1", name="Terespol")),)))
    clause = next(content for content in tree.iter(f"{RAM}Content") if content.text == "N-20")
    clause.text = "TRANSFER"
    assert read_ched(tree).purposes == (
        Purpose(Coded("TRANSFER"), "I.20", post=ControlPost("PLTER1", name="Terespol")),
    )


def test_places_without_their_purpose_are_not_lost():
    tree = write_ched(Ched(purposes=(Purpose(Coded("TRANSIT"), "I.22", country="CH"),)))
    for signature in list(tree.iter(f"{RAM}SignatorySPSAuthentication")):
        signature.getparent().remove(signature)
    assert read_ched(tree).purposes == (Purpose(Coded("TRANSIT"), "I.22", country="CH"),)


def test_the_type_is_taken_from_the_number_when_no_note_says_it():
    tree = write_ched(Ched(reference="CHEDPP.NL.2026.0000001"))
    assert read_ched(tree).type is ChedType.PP
    assert read_ched(write_ched(Ched(reference="CHEDX.NL.2026.0000001"))).type is None


def test_the_control_post_of_the_decision_is_that_of_part_one_unless_it_says_another():
    post, other = ControlPost("NLRTM1", name="Rotterdam"), ControlPost("NLAMS4", name="Schiphol")
    decided = Decision((Coded("ACCEPTABLE_FOR_TRANSIT"),))
    assert boxes(Ched(post=post, decision=decided))["II.20"] == post
    assert boxes(Ched(post=post, decision=replace(decided, post=other)))["II.20"] == other
    assert "II.20" not in boxes(Ched(post=post, decision=Decision(documentary_check=Coded("YES"))))


def test_regions_and_origins_are_gathered_from_the_lines():
    ched = read_ched(write_ched(full(ChedType.PP)))
    assert ched.regions == (Region("ZA", "South Africa", "ZA-1"),)
    assert ched.origins == (Country("ZA", "South Africa"), Country("AR", "Argentina"))


def test_every_party_is_named():
    named = {party.name for party in full(ChedType.PP).all_parties}
    assert {"Consignor", "Facility", "Farm", "Carrier", "Officer", "Control unit", "Issuer"} <= named
    assert ChedParty("NL-ANON-1", "national_registry_number") in full(ChedType.A).all_parties
    assert Ched().all_parties == ()


def test_what_changed_is_named_by_box():
    ched = full(ChedType.P)
    assert changed_boxes(ched, ched) == ()
    later = replace(ched, transports_after=(), departure_from_post="2026-11-01T00:00:00Z")
    assert changed_boxes(ched, later) == ("I.27", "I.29")
    renamed = replace(ched, status_code="70", title="Autre", import_country=Country("NL", "Pays-Bas"))
    assert changed_boxes(ched, renamed) == ()


def test_numbers_are_compared_as_numbers():
    ched = full(ChedType.PP)
    package = replace(ched.lines[0].packages[0], count="10.0")
    same = replace(ched, lines=(replace(ched.lines[0], packages=(package,)), ched.lines[1]))
    assert changed_boxes(ched, same) == ()
    other = replace(ched, lines=(replace(ched.lines[0], packages=(replace(package, count="11"),)), ched.lines[1]))
    assert changed_boxes(ched, other) == ("I.31",)


@pytest.mark.parametrize("part", Part)
def test_the_digest_of_a_part_is_of_that_part_alone(part):
    ched = full(ChedType.A)
    changed = {
        Part.I: replace(ched, consignor=ched.consignee),
        Part.II: replace(ched, decision=replace(ched.decision, fees="56 EUR")),
        Part.III: replace(ched, follow_up=replace(ched.follow_up, text="It was not.")),
    }
    for other, after in changed.items():
        assert (part_digest(after, part) == part_digest(ched, part)) is (other is not part)
    assert len(part_digest(ched, part)) == 32


def test_what_the_system_fills_is_in_no_digest():
    ched = full(ChedType.D)
    moved = replace(ched, reference="CHEDD.NL.2026.0000002", previous=(), subsequent=(), status_code="44")
    assert all(part_digest(moved, part) == part_digest(ched, part) for part in Part)
    assert set(changed_boxes(ched, moved)) == SYSTEM_BOXES


def test_a_number_and_a_status_for_a_tree_that_has_no_place_for_them():
    empty = etree.Element(qn(INTRA1, "SPSCertificate"))
    filled = {"reference": "INTRA.EU.NL.2026.0000001", "url": "https://x.example", "status_code": "70"}
    numbered = read_ched(write_ched(replace(read_ched(empty), **filled)))
    assert (numbered.reference, numbered.status_code, numbered.url) == (
        "INTRA.EU.NL.2026.0000001",
        "70",
        "https://x.example",
    )
    assert len(empty) == 0


def test_what_is_not_read_of_a_changed_line_stays_in_it():
    tree = write_ched(full(ChedType.PP))
    line = next(
        each for each in tree.iter(f"{RAM}IncludedSPSTradeLineItem") if each.findtext(f"{RAM}SequenceNumeric") == "1"
    )
    use = etree.Element(f"{RAM}IntendedUse")
    use.text = "Seed"
    line.find(f"{RAM}ProductionBatchID").addnext(use)
    ched = read_ched(tree)
    written = write_ched(replace(ched, lines=(replace(ched.lines[0], batch="LOT-8"), ched.lines[1])))
    after = next(written.iter(f"{RAM}IntendedUse"))
    assert (after.text, after.getprevious().text, after.getnext().tag) == ("Seed", "LOT-8", f"{RAM}NetWeightMeasure")


def test_a_seal_over_a_ched_that_changed_is_left_out():
    tree = write_ched(full(ChedType.PP))
    seal = etree.SubElement(tree, "{http://www.w3.org/2000/09/xmldsig#}Signature")
    ched = read_ched(tree)
    assert write_ched(ched)[-1].tag == seal.tag
    assert [child.tag for child in write_ched(replace(ched, status_code="70"))] == [
        f"{SPS}SPSExchangedDocument",
        f"{SPS}SPSConsignment",
    ]


def test_what_repeats_what_may_be_there_once_stays():
    tree = write_ched(full(ChedType.PP))
    document = tree.find(qn(SPS17, "SPSExchangedDocument"))
    second = etree.SubElement(document, f"{RAM}SignatorySPSAuthentication")
    etree.SubElement(second, f"{RAM}TypeCode").text = "1"
    ched = read_ched(tree)
    assert ched == full(ChedType.PP)
    written = write_ched(replace(ched, status_code="70"))
    assert [sign.findtext(f"{RAM}TypeCode") for sign in written.iter(f"{RAM}SignatorySPSAuthentication")] == [
        "4",
        "1",
        "8",
        "1",
    ]


def test_an_approval_number_is_masked_with_its_operator():
    masked = mask_personal(write_ched(full(ChedType.PP)))
    shown = read_ched(etree.fromstring(masked))
    assert (shown.consignor.approval, shown.destination.approval) == (MASK, MASK)
    assert shown.consignor.activities[0].code == "IMPORTER"


def test_the_table_of_places_has_every_box():
    listed = re.findall(r"^\| (I{1,3}\.\d+)", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert list(dict.fromkeys(listed)) == list(BOXES)
