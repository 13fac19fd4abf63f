"""Wrapping: a really sealed document is rearranged so that a careless reader sees unsigned content.

Each arrangement keeps the original signature value intact. The reader of our contract takes the SPSCertificate at its
absolute place in the Body; it must get either a refusal or exactly what was sealed.
"""

from __future__ import annotations

import copy
import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SealRefused, XmlRefused
from gateway.trust import INLINE_POLICY, SEALED_DOCUMENT_POLICY, verify_sealed
from gateway.trust.sealer import Sealer
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.names import DS, SOAP11, SPS17, XADES132, qn

SIGNATURE = qn(DS, "Signature")
OBJECT = qn(DS, "Object")
REFERENCE = f"{qn(DS, 'SignedInfo')}/{qn(DS, 'Reference')}"
TRANSFORMS = qn(DS, "Transforms")
PLACE = f"{{{SOAP11}}}Body/request/{{{SPS17}}}SPSCertificate"


def forged(root):
    """The certificate with another weight and without its seal."""
    other = copy.deepcopy(root)
    other.remove(other.find(SIGNATURE))
    other.find(".//{*}GrossWeightMeasure").text = "999999"
    return other


def in_header(envelope, root, body):
    envelope.find(f"{{{SOAP11}}}Header").append(root)
    body.append(forged(root))


def in_header_with_seal_in_forgery(envelope, root, body):
    fake = forged(root)
    fake.append(root.find(SIGNATURE))
    etree.SubElement(envelope.find(f"{{{SOAP11}}}Header"), "wrapper").append(root)
    body.append(fake)


def as_sibling_before(envelope, root, body):
    body.append(etree.Element("wrapper"))
    body[0].append(root)
    body.append(forged(root))


def in_object(envelope, root, body):
    fake = forged(root)
    seal = root.find(SIGNATURE)
    fake.append(seal)
    etree.SubElement(seal, OBJECT).append(root)
    body.append(fake)


def in_the_properties_object(envelope, root, body):
    fake = forged(root)
    seal = root.find(SIGNATURE)
    fake.append(seal)
    seal.find(OBJECT).append(root)
    body.append(fake)


def in_unsigned_properties(envelope, root, body):
    fake = forged(root)
    seal = root.find(SIGNATURE)
    fake.append(seal)
    etree.SubElement(seal.find(f".//{{{XADES132}}}QualifyingProperties"), qn(XADES132, "UnsignedProperties")).append(
        root
    )
    body.append(fake)


def inside_forged_root(envelope, root, body):
    fake = forged(root)
    fake.append(root)
    body.append(fake)


def inside_forged_root_with_seal_moved_up(envelope, root, body):
    fake = forged(root)
    seal = root.find(SIGNATURE)
    fake.append(root)
    fake.append(seal)
    body.append(fake)


def reference_by_id(envelope, root, body):
    root.set("Id", "original")
    seal = root.find(SIGNATURE)
    seal.find(REFERENCE).set("URI", "#original")
    fake = forged(root)
    root.remove(seal)
    envelope.find(f"{{{SOAP11}}}Header").append(root)
    fake.append(seal)
    body.append(fake)


def reference_without_uri(envelope, root, body):
    del root.find(SIGNATURE).find(REFERENCE).attrib["URI"]
    body.append(root)


def reference_by_xpointer(envelope, root, body):
    root.find(SIGNATURE).find(REFERENCE).set("URI", "#xpointer(/)")
    body.append(root)


def xpath_transform(envelope, root, body):
    transforms = root.find(SIGNATURE).find(REFERENCE).find(TRANSFORMS)
    transform = etree.Element(qn(DS, "Transform"), Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(transform, qn(DS, "XPath")).text = "ancestor-or-self::original"
    transforms.insert(1, transform)
    body.append(root)


def xpath_filter_transform(envelope, root, body):
    transforms = root.find(SIGNATURE).find(REFERENCE).find(TRANSFORMS)
    transforms[0].set("Algorithm", "http://www.w3.org/2002/06/xmldsig-filter2")
    body.append(root)


def xslt_transform(envelope, root, body):
    transforms = root.find(SIGNATURE).find(REFERENCE).find(TRANSFORMS)
    transform = etree.SubElement(
        transforms, qn(DS, "Transform"), Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"
    )
    etree.SubElement(transform, "{http://www.w3.org/1999/XSL/Transform}stylesheet", version="1.0")
    body.append(root)


def no_enveloped_transform(envelope, root, body):
    transforms = root.find(SIGNATURE).find(REFERENCE).find(TRANSFORMS)
    transforms.remove(transforms[0])
    body.append(root)


def second_seal(envelope, root, body):
    root.append(copy.deepcopy(root.find(SIGNATURE)))
    body.append(root)


def second_seal_deep_inside(envelope, root, body):
    root[0].append(copy.deepcopy(root.find(SIGNATURE)))
    body.append(root)


def seal_moved_into_a_child(envelope, root, body):
    root[0].append(root.find(SIGNATURE))
    body.append(root)


def seal_moved_to_the_front(envelope, root, body):
    root.insert(0, root.find(SIGNATURE))
    body.append(root)


def seal_moved_beside(envelope, root, body):
    seal = root.find(SIGNATURE)
    body.append(root)
    body.append(seal)


def detached(envelope, root, body):
    seal = root.find(SIGNATURE)
    root.remove(seal)
    envelope.find(f"{{{SOAP11}}}Header").append(seal)
    body.append(root)


def identifiers_twice(envelope, root, body):
    name = root.find(f".//{{{XADES132}}}SignedProperties").get("Id")
    root[0].set("Id", name)
    body.append(root)


def properties_twice(envelope, root, body):
    qualifying = root.find(f".//{{{XADES132}}}QualifyingProperties")
    qualifying.insert(0, copy.deepcopy(qualifying[0]))
    qualifying[0].find(".//{*}SigningTime").text = "2020-01-01T00:00:00Z"
    body.append(root)


def extra_reference(envelope, root, body):
    info = root.find(f"{SIGNATURE}/{qn(DS, 'SignedInfo')}")
    info.append(copy.deepcopy(info[2]))
    body.append(root)


def manifest_instead_of_document(envelope, root, body):
    reference = root.find(SIGNATURE).find(REFERENCE)
    reference.set("URI", "#manifest")
    reference.set("Type", "http://www.w3.org/2000/09/xmldsig#Manifest")
    body.append(root)


def content_changed(envelope, root, body):
    root.find(".//{*}GrossWeightMeasure").text = "999999"
    body.append(root)


def text_after_the_seal(envelope, root, body):
    root.find(SIGNATURE).tail = "999999"
    body.append(root)


def comment_splits_text(envelope, root, body):
    identifier = root.find(".//{*}ID")
    identifier.text = "AR-2026-"
    identifier.append(etree.Comment("x"))
    identifier[0].tail = "0001"
    body.append(root)


def processing_instruction_splits_text(envelope, root, body):
    root[1].append(etree.ProcessingInstruction("x", "y"))
    body.append(root)


ARRANGEMENTS = {
    in_header: "IMG-4001",
    in_header_with_seal_in_forgery: "IMG-4009",
    as_sibling_before: "IMG-4001",
    in_object: "IMG-4003",
    in_the_properties_object: "IMG-4003",
    in_unsigned_properties: "IMG-4009",
    inside_forged_root: "IMG-4002",
    inside_forged_root_with_seal_moved_up: "IMG-4009",
    reference_by_id: "IMG-4004",
    reference_without_uri: "IMG-4004",
    reference_by_xpointer: "IMG-4004",
    xpath_transform: "IMG-4004",
    xpath_filter_transform: "IMG-4004",
    xslt_transform: "IMG-4004",
    no_enveloped_transform: "IMG-4004",
    second_seal: "IMG-4002",
    second_seal_deep_inside: "IMG-4002",
    seal_moved_into_a_child: "IMG-4002",
    seal_moved_to_the_front: "IMG-4002",
    seal_moved_beside: "IMG-4001",
    detached: "IMG-4001",
    identifiers_twice: "IMG-4009",
    properties_twice: "IMG-4009",
    extra_reference: "IMG-4004",
    manifest_instead_of_document: "IMG-4004",
    content_changed: "IMG-4009",
    text_after_the_seal: "IMG-4009",
    comment_splits_text: "IMG-4006",
    processing_instruction_splits_text: "IMG-4006",
}


def envelope_of():
    envelope = etree.fromstring(f'<s:Envelope xmlns:s="{SOAP11}"><s:Header/><s:Body><request/></s:Body></s:Envelope>')
    return envelope, envelope.find(f"{{{SOAP11}}}Body/request")


@pytest.mark.parametrize("arrange", ARRANGEMENTS, ids=lambda function: function.__name__)
def test_every_arrangement_is_refused(arrange, sealed, world, now):
    envelope, body = envelope_of()
    arrange(envelope, etree.fromstring(sealed), body)
    envelope = etree.fromstring(etree.tostring(envelope))
    with pytest.raises(SealRefused) as refusal:
        verify_sealed(envelope.find(PLACE), policy=INLINE_POLICY, trust=world.trust(), at=now)
    assert refusal.value.code == ARRANGEMENTS[arrange]


@pytest.mark.parametrize(
    "arrange",
    [in_object, inside_forged_root, inside_forged_root_with_seal_moved_up, second_seal, in_unsigned_properties],
)
def test_the_policy_for_sealed_documents_refuses_them_too(arrange, sealed, world, now):
    envelope, body = envelope_of()
    arrange(envelope, etree.fromstring(sealed), body)
    document = etree.fromstring(etree.tostring(envelope.find(PLACE)))
    with pytest.raises(SealRefused):
        verify_sealed(document, policy=SEALED_DOCUMENT_POLICY, trust=world.trust(), at=now)


def test_the_original_inside_an_envelope_is_accepted(sealed, world, now, document_digest):
    envelope, body = envelope_of()
    body.append(etree.fromstring(sealed))
    assert (
        verify_sealed(
            etree.fromstring(etree.tostring(envelope)).find(PLACE), policy=INLINE_POLICY, trust=world.trust(), at=now
        ).digest
        == document_digest
    )


def test_nothing_unsigned_can_be_reached_from_the_verified_root(sealed, world, now, document_digest):
    envelope = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP11}" xmlns:evil="urn:evil" xml:lang="xx" xml:base="http://evil.invalid/">'
        f"<s:Header><evil:Weight>999999</evil:Weight></s:Header><s:Body><request>{sealed.decode()}tail</request>"
        "<forged/></s:Body></s:Envelope>"
    )
    root = verify_sealed(envelope.find(PLACE), policy=INLINE_POLICY, trust=world.trust(), at=now).root
    assert root.getparent() is None
    assert root.tail is None
    assert root.getnext() is None
    assert root.getroottree().getroot() is root
    assert root.xpath("/*") == [root]
    assert root.xpath("//*[local-name()='Weight' or local-name()='Signature' or local-name()='forged']") == []
    assert root.base is None
    assert root.xpath("ancestor-or-self::*/@xml:lang") == []
    assert hashlib.sha256(canonicalise(root, algorithm=C14n.EXCLUSIVE)).digest() == document_digest


def test_the_given_tree_is_not_changed(sealed, world, now):
    tree = etree.fromstring(sealed)
    before = etree.tostring(tree)
    verify_sealed(tree, policy=SEALED_DOCUMENT_POLICY, trust=world.trust(), at=now)
    assert etree.tostring(tree) == before


def test_an_identifier_that_is_a_second_attribute_of_the_sealed_content_is_refused(world, now, document, monkeypatch):
    """The forger is the sealer here, so that every digest holds: only the ambiguity itself is left to find."""
    tree = etree.fromstring(document)
    tree[0].set("Id", "seal-" + "0" * 32)
    monkeypatch.setattr("gateway.trust.sealer._name_of", lambda *_: "0" * 32)
    twice = world.sealer().seal(tree, at=now)
    with pytest.raises(SealRefused) as refusal:
        verify_sealed(etree.fromstring(twice), policy=SEALED_DOCUMENT_POLICY, trust=world.trust(), at=now)
    assert refusal.value.code == "IMG-4011"


def test_a_second_copy_of_a_seal_is_not_made(world, sealed, now):
    with pytest.raises(SealRefused) as refusal:
        world.sealer().seal(sealed, at=now)
    assert refusal.value.code == "IMG-4002"
    assert isinstance(world.sealer(), Sealer)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_byte_changes_what_is_read(stamped, world, now, document_digest, data):
    """Whatever becomes of a sealed file, it is refused with a code, or reads exactly as it was sealed."""
    position = data.draw(st.integers(0, len(stamped) - 1))
    piece = data.draw(st.sampled_from([b"", b"<", b"&", b"\x00", b" ", b"A", b"/>", b"<!---->"]))
    changed = stamped[:position] + piece + stamped[position + data.draw(st.integers(0, 2)) :]
    try:
        root = parse(changed).root
        verified = verify_sealed(root, policy=SEALED_DOCUMENT_POLICY, trust=world.trust(), at=now)
    except (SealRefused, XmlRefused):
        return
    assert verified.digest == document_digest
