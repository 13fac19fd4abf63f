"""The copies of a CHED that others get: field by field over every box (R-9-2, R-36-5; REGULATION 7, column Pers.)."""

from dataclasses import fields, is_dataclass, replace
from decimal import Decimal

import pytest
from ched_harness import ched_a, ched_pp, element

from gateway.ched.access import Sight
from gateway.ched.projection import entry, projected, refusal, without_personal_data
from gateway.documents.ched import (
    BOXES,
    AccompanyingDocument,
    Address,
    ChedLink,
    ChedParty,
    Coded,
    Container,
    ControlPost,
    Decision,
    Declaration,
    FollowUp,
    LaboratoryTests,
    LineNote,
    Purpose,
    Redispatch,
    Region,
    Seal,
    Transport,
    TransportImpact,
    boxes,
    read_ched,
    write_ched,
)
from gateway.documents.parts import Measure
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise

PERSONAL = {"I.1", "I.6", "I.7", "I.8", "I.15", "I.28", "I.35", "II.18", "II.21", "III.6"}
"""Every word of these names a person or an operator, and a trader can be a natural person."""
FACILITIES = {"I.21", "I.24"}
"""Their facility is an operator; the rest is not."""


def person(box, scheme="national_registry_number", role=""):
    return ChedParty(
        identifier=f"Zq {box} number",
        scheme=scheme,
        name=f"Zq {box} name",
        role=role,
        address=Address((f"Zq {box} street",), f"Zq {box} postcode", f"Zq {box} city", "ZA", "South Africa"),
        person=f"Zq {box} person",
    )


def full(ched, purpose):
    """A CHED with something in every box that has a place, with words that are found again."""
    line = replace(
        ched.lines[0],
        descriptions=("Zq I.31 description",),
        origins=(Region("ZA", "South Africa", "ZA-7"),),
        notes=(LineNote(Coded("INDIVIDUAL_IDENTIFICATION_NUMBER"), text="Zq I.31 animal 7"),),
    )
    return replace(
        ched,
        reference="CHEDPP.NL.2026.0000001",
        local_reference="Zq I.3 local",
        issuer=replace(person("issuer", "operator_activity_id", "VJ"), activities=(Coded("OPERATOR"),)),
        consignor=person("I.1", role="EX"),
        post=ControlPost("NLRTM", "un_locode", "NL", "Zq I.4 city", "NLRTM1", "Zq I.4 post", "Zq I.4 quay", "NLRTM"),
        inspection_place="Zq I.4 place",
        consignee=person("I.6", role="CN"),
        destination=person("I.7", role="DP"),
        operator=person("I.8", role="CB"),
        documents=(AccompanyingDocument(Coded("851"), "ZZZ", "Zq I.9 number", "ZA"),),
        transports_before=(Transport(Coded("1"), "Zq I.13 ship", "ship_imo_number_before_bcp"),),
        establishments=(person("I.15"),),
        transport_conditions=Coded("CHILLED"),
        containers=(Container("Zq I.17 container", (Seal("Zq I.17 seal"),)),),
        certified_as=(Coded("OTHER"),),
        conformity=Coded("CONFORM"),
        purposes=(purpose,),
        transports_after=(Transport(Coded("3"), "Zq I.27 lorry", "road_vehicle_registration_after_bcp"),),
        transporter=person("I.28"),
        departure_from_post="2026-11-25T08:00:00.000+01:00",
        journey_log=Coded("YES"),
        lines=(line,),
        totals=replace(ched.totals, net_volume=Measure(Decimal(7), "H87")),
        declaration=Declaration(person("I.35"), "2026-11-20T08:00:00.000+00:00", "zq.i35@example.org"),
        previous=(ChedLink("CHEDPP.NL.2026.0000007", "AXG"),),
        subsequent=(ChedLink("CHEDPP.NL.2026.0000008", "ACE"),),
        customs_documents=(AccompanyingDocument(Coded("960"), "ACE", "Zq II.23 mrn", "NL"),),
        decision=Decision(
            conclusion=(Coded("NOT_ACCEPTABLE"),),
            documentary_check=Coded("YES"),
            documentary_result=Coded("SATISFACTORY"),
            identity_check=Coded("YES"),
            identity_result=Coded("SATISFACTORY"),
            physical_check=Coded("YES"),
            physical_result=Coded("NOT_SATISFACTORY"),
            laboratory=LaboratoryTests(done=True, motivation=Coded("RANDOM"), result=Coded("PENDING")),
            welfare=Coded("SATISFACTORY"),
            impact=TransportImpact("1", "2", "3", Coded("ESTIMATE")),
            measures=(Coded("DESTRUCTION"),),
            measures_due="2026-12-10",
            refusal_reasons=(Coded("PHYSICAL_HYGIENE_FAILURE"),),
            controlled_destination=person("II.18"),
            reseals=(Seal("Zq II.19 seal"),),
            officer=person("II.21"),
            signed="2026-11-20T09:30:00.000+00:00",
            email="zq.ii21@example.org",
            fees="120.50",
        ),
        follow_up=FollowUp(
            redispatch=Redispatch(Transport(Coded("1"), "Zq III.4 ship", "ship_imo_number_redispatch"), "ZA",
                                  ControlPost(country="NL", code="NLRTM1"), "2026-12-01"),
            role=Coded("EXIT_POST"),
            arrived=Coded("NO"),
            outcome=Coded("NOT_COMPLIANT"),
            text="Zq III.5 words of an officer about somebody",
            officer=person("III.6"),
            signed="2026-12-02T09:30:00.000+00:00",
        ),
        notes=(LineNote(Coded("REMARKS"), text="Zq remark about somebody"),),
    )  # fmt: skip


PURPOSES = {
    "I.20": Purpose(Coded("TRANSFER"), "I.20", post=ControlPost(country="DE", code="DEHAM9P")),
    "I.21": Purpose(Coded("ONWARD_TRANSPORTATION"), "I.21", facility=person("I.21")),
    "I.22": Purpose(Coded("TRANSIT"), "I.22", country="CH", post=ControlPost(country="DE", code="DEWTR4")),
    "I.23": Purpose(Coded("INTERNAL_MARKET"), "I.23"),
    "I.24": Purpose(Coded("NON_CONFORMING_GOODS"), "I.24", facility=person("I.24"), place=Coded("FREE_ZONE")),
    "I.25": Purpose(Coded("RE_ENTRY"), "I.25"),
    "I.26": Purpose(Coded("TEMPORARY_ADMISSION"), "I.26", exit_date="2026-12-24"),
}


def words(value):
    """Every text of a box that this test put there."""
    if isinstance(value, str):
        return {value} if value.lower().startswith("zq") else set()
    if isinstance(value, tuple):
        return set().union(*map(words, value)) if value else set()
    if is_dataclass(value):
        return set().union(*(words(getattr(value, field.name)) for field in fields(value)))
    return set()


def codes(value):
    """Every code of a box."""
    if isinstance(value, Coded):
        return {value.code}
    if isinstance(value, tuple):
        return set().union(*map(codes, value)) if value else set()
    if is_dataclass(value):
        return set().union(*(codes(getattr(value, field.name)) for field in fields(value)))
    return set()


def every_box():
    """(base, purpose box, box) for each box of Annex II that can be filled."""
    for purpose_box, purpose in PURPOSES.items():
        base = ched_a if purpose_box == "I.26" else ched_pp
        filled = read_ched(element(full(base(), purpose)))
        for box in boxes(filled):
            if purpose_box in (box, "I.23"):
                yield pytest.param(filled, box, id=box)


def test_every_box_is_in_this_test():
    tested = {parameter.values[1] for parameter in every_box()}
    other_conclusions = {f"II.{number}" for number in range(9, 16)}
    assert set(BOXES) - tested == other_conclusions


@pytest.mark.parametrize(("ched", "box"), list(every_box()))
def test_a_third_country_reads_the_box_without_personal_data(ched, box):
    copy = without_personal_data(ched.source)
    value = boxes(ched)[box]
    for word in words(value):
        hidden = box in PERSONAL or (box in FACILITIES and word.startswith(f"Zq {box}")) or word.startswith("Zq III.5")
        assert (word.encode() not in copy) is hidden, word
    assert codes(boxes(read_ched(parse(copy).root)).get(box)) == codes(value)


@pytest.mark.parametrize(("ched", "box"), list(every_box()))
def test_an_authority_without_a_part_reads_of_a_refusal_the_consignor_too(ched, box):
    copy = refusal(ched.source)
    for word in words(boxes(ched)[box]):
        hidden = box in PERSONAL | FACILITIES or word.startswith("Zq III.5")
        if box == "I.1":
            hidden = word.endswith("person")
        assert (word.encode() not in copy) is hidden, word


FULL = read_ched(element(full(ched_pp(), PURPOSES["I.23"])))


def test_what_is_no_box_is_hidden_too():
    copy = without_personal_data(FULL.source)
    for word in words(FULL.issuer) | {"zq.i35@example.org", "zq.ii21@example.org", "Zq remark about somebody"}:
        assert word.encode() not in copy, word


def test_a_party_in_a_place_that_nobody_thought_of_is_hidden():
    tree = element(full(ched_pp(), PURPOSES["I.23"]))
    consignment = tree[1]
    stranger = parse(
        b'<r:InspectionSPSParty xmlns:r="urn:un:unece:uncefact:data:standard:'
        b'ReusableAggregateBusinessInformationEntity:21"><r:Name>Zq unforeseen</r:Name></r:InspectionSPSParty>'
    ).root
    consignment.insert(3, stranger)
    assert b"Zq unforeseen" not in without_personal_data(tree)


def test_an_authority_keeps_its_name():
    party = replace(person("I.1", "authority_activity_id"), role="VJ", activities=())
    copy = without_personal_data(element(replace(FULL, issuer=party, source=None)))
    issuer = read_ched(parse(copy).root).issuer
    assert issuer.name == "Zq I.1 name"
    assert issuer.person == "***"


def test_files_are_left_out():
    document = AccompanyingDocument(Coded("851"), "ZZZ", "P-1", "ZA", attachment="uri:documentid:7", file_name="Zq.pdf")
    copy = without_personal_data(element(ched_pp(documents=(document,))))
    assert b"Zq.pdf" not in copy
    assert read_ched(parse(copy).root).documents[0].number == "P-1"


@pytest.mark.parametrize("sight", [Sight.MASKED, Sight.REFUSAL, Sight.ENTRY])
def test_the_original_stays_as_it_was(sight):
    before = canonicalise(FULL.source, algorithm=C14n.EXCLUSIVE)
    projected(FULL.source, sight)
    assert canonicalise(FULL.source, algorithm=C14n.EXCLUSIVE) == before


def test_customs_read_everything_but_part_three():
    seen = read_ched(parse(entry(FULL.source)).root)
    assert seen == replace(FULL, follow_up=None)
    assert b"III.4" not in entry(FULL.source)


@pytest.mark.parametrize("tree", ["<a/>", "<a><b>x</b></a>"])
def test_any_tree_is_projected(tree):
    root = parse(tree.encode()).root
    for sight in (Sight.MASKED, Sight.REFUSAL, Sight.ENTRY):
        assert parse(projected(root, sight)).root.tag == "a"
    assert write_ched(read_ched(root)).tag == "a"
