"""Views over certificates: what they say, what they do not do, and what a stranger cannot make them say."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from gateway.documents import DocumentIdentity, Measure, Moment, SpsCertificate, text_of
from gateway.sandbox.samples import Example, certificate, example
from gateway.xml.names import RAM21, SPS17, qn


def view(raw: bytes) -> SpsCertificate:
    return SpsCertificate(etree.fromstring(raw))


def test_the_ephyto_example_reads_as_written():
    seen = view(example(Example.EPHYTO))
    assert seen.identity == DocumentIdentity("AR", "851", "AR-EX-2026-0004711")
    assert str(seen.identity) == "AR/851/AR-EX-2026-0004711"
    assert (seen.status_code, seen.export_country, seen.import_country) == ("70", "AR", "NL")
    assert seen.is_phytosanitary
    assert seen.transit_countries == ("UY", "BR")
    assert seen.issued.utc == datetime(2026, 9, 14, 13, 32, tzinfo=UTC)
    assert seen.issuer.name == "Servicio Fitosanitario de Ejemplo"
    assert seen.consignor.address_lines[0] == "Ruta 14 km 312"
    assert seen.consignee.name == "Voorbeeld Fruit Import B.V."
    assert [reference.relation for reference in seen.references] == ["ZZZ", "AWR", "ZZZ"]
    assert seen.references[1].type_code == "851"
    assert seen.references[0].issued.day == date(2026, 9, 10)
    assert seen.references[0].file_names == ("laboratory-report.pdf",)
    signatory = seen.signatories[0]
    assert (signatory.party.person, signatory.place) == ("Lucía Inventada", "Puerto Ejemplo, Buenos Aires")
    assert signatory.clause_ids == ("1",)
    assert seen.notes[0].subject == "SPSFL"
    assert seen.notes[0].text == "2"


def test_the_lines_of_the_ephyto_example():
    lines = view(example(Example.EPHYTO)).lines
    assert [line.number for line in lines] == [1, 2, 3]
    assert lines[0].net_weight == Measure(Decimal(21600), "KGM")
    assert lines[0].net_volume == Measure(Decimal("36.5"), "MTQ")
    assert lines[1].net_volume is None
    assert lines[0].scientific_names == ("Citrus limon",)
    assert lines[1].origin_countries == ("AR", "UY")
    assert [(c.system, c.code) for c in lines[0].classifications] == [
        ("HS", "08055010"),
        ("IPPCPCVP", ""),
        ("IPPCPCC", ""),
    ]
    assert [(p.type_code, p.count) for p in lines[0].packages] == [("BX", 1200), ("PX", 20)]
    assert {note.subject for note in lines[2].notes} >= {"RPCST", "RPCCO", "RPCRF"}


def test_the_veterinary_example_reads_as_traces_writes_it():
    seen = view(example(Example.VETERINARY))
    assert seen.identity == DocumentIdentity("UY", "853", "UY-VET-2026-000318")
    assert not seen.is_phytosanitary
    assert seen.issued.utc == datetime(2026, 9, 21, 18, 4, tzinfo=UTC)
    note = seen.notes[1]
    assert (note.subject, note.codes, note.text) == ("PRODUCT_TEMPERATURE", ("FROZEN",), "FROZEN")
    assert [line.number for line in seen.lines] == [0, 1]
    assert seen.lines[1].classifications[0].system == "CN"
    assert seen.consignor.country == "UY"
    assert seen.issuer.identifier == "UY00001"
    assert seen.signatories[0].action_code == "1"


@pytest.mark.parametrize(
    ("issuer", "export", "expected"), [("UY", "AR", "UY"), ("", "AR", "AR"), (None, "AR", "AR"), (None, "", None)]
)
def test_the_issuer_country_is_the_issuers_else_the_country_of_export(issuer, export, expected):
    root = etree.fromstring(certificate(export=export))
    if issuer is not None:
        address = etree.SubElement(root.find(".//{*}IssuerSPSParty"), qn(RAM21, "SpecifiedSPSAddress"))
        etree.SubElement(address, qn(RAM21, "CountryID")).text = issuer
    assert SpsCertificate(root).issuer_country == expected


@pytest.mark.parametrize("place", ["ID", "TypeCode"])
def test_without_one_of_its_parts_there_is_no_identity(place):
    root = etree.fromstring(certificate())
    element = root[0].find(qn(RAM21, place))
    element.text = " "
    assert SpsCertificate(root).identity is None
    root[0].remove(element)
    assert SpsCertificate(root).identity is None


def test_a_comment_inside_a_number_does_not_cut_it():
    # canonicalisation drops the comment, so the seal would hold for both
    seen = view(certificate(number="AR-1").replace(b">AR-1<", b">AR-1<!-- -->999<?pi x?>8<"))
    assert seen.number == "AR-19998"
    assert text_of(etree.fromstring("<a><!--x-->b<!--y--></a>")) == "b"


def test_white_space_does_not_make_another_number():
    assert view(certificate(number=" AR \n 1 ")).number == "AR 1"


def test_the_first_of_a_name_is_read_and_no_other_depth():
    raw = certificate(number="AR-1").replace(
        b"<ram:TypeCode>851", b"<ram:IncludedSPSNote><ram:ID>AR-2</ram:ID></ram:IncludedSPSNote><ram:TypeCode>851", 1
    )
    assert view(raw).number == "AR-1"


def test_an_empty_root_reads_as_nothing():
    seen = SpsCertificate(etree.Element(qn(SPS17, "SPSCertificate")))
    assert seen.identity is None
    assert seen.issuer_country is None
    assert seen.import_country is None
    assert seen.issued is None
    assert (seen.number, seen.notes, seen.lines, seen.consignor, seen.replaced_number) == ("", (), (), None, None)
    assert not seen.is_phytosanitary


@pytest.mark.parametrize("namespace", ["euintra/v1", "docom/retrieval/v1"])
def test_the_root_may_be_a_wrapper_of_another_contract(namespace):
    root = etree.Element(f"{{http://ec.europa.eu/tracesnt/certificate/{namespace}}}SPSCertificate")
    root.extend(etree.fromstring(certificate()))
    assert SpsCertificate(root).identity.type_code == "851"


def test_a_replacement_names_what_it_replaces():
    assert view(certificate(status="44", replaces="AR-OLD")).replaced_number == "AR-OLD"
    assert view(certificate()).replaced_number is None
    assert view(example(Example.EPHYTO)).replaced_number == "AR-EX-2026-0004698"  # by the ePhyto note ADRPN


def test_views_cannot_be_changed_and_change_nothing():
    root = etree.fromstring(example())
    before = etree.tostring(root)
    seen = SpsCertificate(root)
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen.root = root
    for thing in (seen, seen.consignor, seen.lines[0], seen.notes[0], seen.references[0], seen.signatories[0]):
        for name in dir(type(thing)):
            if not name.startswith("_"):
                getattr(thing, name)
    assert etree.tostring(root) == before


@pytest.mark.parametrize(
    ("text", "day", "utc"),
    [
        ("2016-04-22T13:53:08-03:00", date(2016, 4, 22), datetime(2016, 4, 22, 16, 53, 8, tzinfo=UTC)),
        ("2026-09-21T23:04:00.123+02:00", date(2026, 9, 21), datetime(2026, 9, 21, 21, 4, 0, 123000, tzinfo=UTC)),
        ("2024-02-26T10:15:00Z", date(2024, 2, 26), datetime(2024, 2, 26, 10, 15, tzinfo=UTC)),
        ("2023-10-04T07:49:49", date(2023, 10, 4), None),  # no offset: nobody knows the instant
        ("2021-09-10", date(2021, 9, 10), None),
        ("2021-02-30", None, None),
        ("2021-13-01T00:00:00Z", None, None),
        ("2021-09-10T25:00:00Z", date(2021, 9, 10), None),
        ("0001-01-01T00:00:00+05:00", date(1, 1, 1), None),  # before the first year in UTC
        ("10 September 2021", None, None),
        ("20210910", None, None),
        ("NULL", None, None),
    ],
)
def test_moments(text, day, utc):
    assert Moment(text).day == day
    assert Moment(text).utc == utc


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "1E400", "1e5", "--1", "1.2.3", "9" * 41, "٣"])
def test_what_is_no_decimal_is_no_quantity(text):
    raw = certificate(lines=1).replace(b">1</ram:SequenceNumeric>", f">{text}</ram:SequenceNumeric>".encode())
    assert view(raw).lines[0].number is None


def test_a_fraction_is_no_line_number():
    raw = certificate(lines=1).replace(b">1</ram:SequenceNumeric>", b">1.5</ram:SequenceNumeric>")
    assert view(raw).lines[0].number is None
    raw = certificate(lines=1).replace(b">1</ram:SequenceNumeric>", b">1.0</ram:SequenceNumeric>")
    assert view(raw).lines[0].number == 1
