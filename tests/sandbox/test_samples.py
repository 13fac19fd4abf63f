"""The invented certificates are valid, of the asked size, and the same every time."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.documents import SpsCertificate
from gateway.sandbox.samples import Example, certificate, example, with_reference
from gateway.xml.names import RAM21, qn
from gateway.xml.schemas import SchemaName, is_valid


@pytest.mark.parametrize("which", Example)
def test_the_examples_are_valid(which):
    assert is_valid(SchemaName.SPS_STRICT, etree.fromstring(example(which)))


def test_the_ephyto_example_uses_every_part_that_the_form_has():
    root = etree.fromstring(example(Example.EPHYTO))
    subjects = {element.text for element in root.iter(qn(RAM21, "Subject"))}
    assert subjects >= {"SPSFL", "DMCL", "ADEDL", "ADIPEDL", "ADDIEDL", "ADAOEDL", "ADRP", "ADRPN", "ADRD", "ADRPR"}
    assert subjects >= {"DMTLIL", "ADTLIL", "ADIPTLIL", "ADDITLIL", "ADAOTLIL", "OQU", "OQV", "OPTND"}
    assert subjects >= {f"RPC{end}" for end in ("ST", "CO", "RF", "OR", "TC", "PK", "RP", "OC", "NC", "PC", "AI")}
    treatments = {element.text for element in root.iter(qn(RAM21, "Description"))}
    assert treatments >= {"TTL1", "TTL2", "TTCH", "TTTM", "TTCO", "TTAI", "TTFT"}
    assert {element.text for element in root.iter(qn(RAM21, "SystemName"))} == {"HS", "IPPCPCVP", "IPPCPCC"}
    for name in ("TransitSPSCountry", "AffixedSPSSeal", "AttachmentBinaryObject", "CompletionSPSPeriod"):
        assert root.find(f".//{qn(RAM21, name)}") is not None
    assert len(example(Example.EPHYTO)) < 64 * 1024


@pytest.mark.parametrize("size", [5_000, 8 * 1024, 60 * 1024, 60 * 1024 + 1, 1024 * 1024])
def test_a_certificate_has_the_size_that_was_asked_for(size):
    raw = certificate(size_hint=size)
    assert len(raw) == size
    assert is_valid(SchemaName.SPS_STRICT, etree.fromstring(raw))
    assert raw == certificate(size_hint=size)


def test_a_certificate_is_never_smaller_than_one_line():
    raw = certificate(size_hint=10)
    assert is_valid(SchemaName.SPS_STRICT, etree.fromstring(raw))
    assert len(SpsCertificate(etree.fromstring(raw)).lines) == 1


def test_the_arguments_are_in_the_document():
    raw = certificate(
        number="X & <Y>", type_code="657", status="44", export="CL", import_="BE", lines=2, replaces="OLD & 1"
    )
    seen = SpsCertificate(etree.fromstring(raw))
    assert str(seen.identity) == "CL/657/X & <Y>"
    assert (seen.status_code, seen.import_country, seen.replaced_number) == ("44", "BE", "OLD & 1")
    assert len(seen.lines) == 2
    assert is_valid(SchemaName.SPS_STRICT, seen.root)


def test_a_reference_and_its_attachment_come_before_the_signatory():
    raw = with_reference(certificate(), "A & 1", relation="AWR", type_code="851", attachment=('a "b".pdf', b"%PDF"))
    root = etree.fromstring(raw)
    assert is_valid(SchemaName.SPS_STRICT, root)
    (reference,) = root.iter(qn(RAM21, "ReferenceSPSReferencedDocument"))
    assert [(etree.QName(part).localname, part.text) for part in reference] == [
        ("TypeCode", "851"),
        ("RelationshipTypeCode", "AWR"),
        ("ID", "A & 1"),
        ("AttachmentBinaryObject", "JVBERg=="),
    ]
    assert reference[-1].get("filename") == 'a "b".pdf'
