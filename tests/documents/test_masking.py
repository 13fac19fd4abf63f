"""mask_personal (R-9-2): no personal data leaves, the rest stays readable, the original is untouched."""

from __future__ import annotations

from time import process_time

import pytest
from lxml import etree

from gateway.documents import MASK, SpsCertificate, mask_personal
from gateway.sandbox.samples import Example, certificate, example
from gateway.xml.names import DS, RAM21, qn
from gateway.xml.schemas import SchemaName, is_valid

PERSONAL = {
    Example.EPHYTO: [
        "Lucía Inventada",
        "Inspectora",
        "Citrícola Inventada",
        "30000000017",
        "Ruta 14",
        "Villa Ejemplo</",
        "Voorbeeld",
        "Kade 7",
    ],
    Example.VETERINARY: [
        "Martín Ficticio",
        "UY-OP-0042",
        "Frigorífico",
        "Camino Ejemplo",
        "Voorbeeld",
        "Kade 11",
        "3000 AA",
        "NL000000042",
        "UY-EST-0007",
    ],
}
KEPT = {
    Example.EPHYTO: ["Servicio Fitosanitario de Ejemplo", "Citrus limon", "AR-EX-2026-0004711", "NL-PERMIT-2026-118"],
    Example.VETERINARY: ["Autoridad Veterinaria de Ejemplo", "UY00001", "02023090", "Uruguay", "operator_activity_id"],
}


@pytest.mark.parametrize("which", Example)
def test_personal_data_goes_and_everything_else_stays(which):
    root = etree.fromstring(example(which))
    before = etree.tostring(root)
    masked = mask_personal(root)
    text = masked.decode()
    assert [word for word in PERSONAL[which] if word in text] == []
    assert [word for word in KEPT[which] if word not in text] == []
    assert MASK in text
    assert "AttachmentBinaryObject" not in text
    assert etree.tostring(root) == before
    copy = etree.fromstring(masked)
    assert is_valid(SchemaName.SPS_STRICT, copy)
    assert SpsCertificate(copy).identity == SpsCertificate(root).identity


def test_no_seal_is_left_that_could_not_hold():
    root = etree.fromstring(certificate())
    etree.SubElement(root, qn(DS, "Signature"))
    assert b"Signature" not in mask_personal(root).replace(b"Signatory", b"")


def test_nothing_hides_in_comments_and_text_around_them_stays():
    raw = certificate(number="AR-12").replace(b">AR-12<", b">AR-<!-- Lucia -->12<?x Lucia?><")
    masked = mask_personal(etree.fromstring(raw))
    assert b"Lucia" not in masked
    assert SpsCertificate(etree.fromstring(masked)).number == "AR-12"


def test_a_name_split_by_a_comment_is_masked_whole():
    raw = certificate().replace("Lucía Inventada".encode(), "Lucía<!-- -->Inventada".encode())
    assert "Inventada<" not in mask_personal(etree.fromstring(raw)).decode()


def test_e_mail_addresses_go_wherever_they_stand():
    raw = certificate().replace(b"Lots of the packing house", b"Ask a.person@example.org, lot 5")
    masked = mask_personal(etree.fromstring(raw))
    assert b"example.org" not in masked
    assert f"Ask {MASK}".encode() in masked


@pytest.mark.parametrize("text", ["a" * 300_000 + " @", "a@" + "b" * 300_000, "a@" * 150_000, "@" + "." * 300_000])
def test_looking_for_addresses_takes_no_longer_than_reading(text):
    raw = certificate().replace(b"Lots of the packing house", text.encode())
    started = process_time()
    mask_personal(etree.fromstring(raw))
    assert process_time() - started < 2  # a second pass over each letter would take minutes


def test_contacts_and_the_operator_of_a_declaration_are_masked_and_an_officers_authority_is_not():
    def signed(action: str) -> str:
        root = etree.fromstring(certificate())
        signatory = root.find(".//{*}SignatorySPSAuthentication")
        code = etree.Element(qn(RAM21, "TypeCode"))
        code.text = action
        signatory.insert(0, code)
        party = signatory.find("{*}ProviderSPSParty")
        name = etree.Element(qn(RAM21, "Name"))
        name.text = "Provider of the signature"
        party.insert(0, name)
        contact = etree.Element(qn(RAM21, "DefinedSPSContact"))
        etree.SubElement(contact, qn(RAM21, "PersonName")).text = "Some Person"
        party.insert(1, contact)
        assert is_valid(SchemaName.SPS_STRICT, root)
        return mask_personal(root).decode()

    assert "Some Person" not in signed("1") + signed("4")
    assert "Provider of the signature" in signed("1")
    assert "Provider of the signature" not in signed("4")


def test_a_certificate_inside_an_envelope_is_masked_alone():
    envelope = etree.fromstring(b"<e>" + certificate() + b"tail</e>")
    masked = mask_personal(envelope[0])
    assert etree.fromstring(masked).tag == envelope[0].tag
    assert b"tail" not in masked
