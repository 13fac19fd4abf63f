"""Seals of several kinds: what passes, with which verdict, and what is refused by name."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from lxml import etree

from gateway.errors import ConfigurationError, SealRefused, Unavailable
from gateway.sandbox.tsa import TimestampAuthority
from gateway.trust import (
    INLINE_POLICY,
    SEALED_DOCUMENT_POLICY,
    Indication,
    Level,
    Sealer,
    SubIndication,
    TimestampClient,
    indications_of,
    verify_sealed,
)
from gateway.trust.policy import SHA1

SHA256 = b"http://www.w3.org/2001/04/xmlenc#sha256"
RSA_2048 = rsa.generate_private_key(65537, 2048)


def judge(sealed, world, now, policy=SEALED_DOCUMENT_POLICY, **changes):
    return verify_sealed(etree.fromstring(sealed), policy=policy, trust=world.trust(**changes), at=now, content=sealed)


def refused(code, sealed, world, now, policy=SEALED_DOCUMENT_POLICY, **changes):
    with pytest.raises(SealRefused) as refusal:
        judge(sealed, world, now, policy, **changes)
    assert refusal.value.code == code
    return refusal.value


def test_a_baseline_b_seal_passes_with_a_full_verdict(sealed, world, now, document_digest):
    verified = judge(sealed, world, now)
    seal = verified.seal
    assert verified.content == sealed
    assert verified.digest == document_digest
    assert (seal.indication, seal.sub_indication) == (Indication.TOTAL_PASSED, None)
    assert seal.level is Level.ADVANCED
    assert seal.signer_subject.startswith("CN=Authority of the country")
    assert seal.chain_der == (
        world.signer.certificate_der,
        world.issuing.certificate_der,
        world.root.certificate_der,
    )
    assert seal.signing_time == now - timedelta(minutes=1)
    assert seal.timestamp is None
    assert seal.revocation.startswith("not known")


def test_the_same_document_sealed_again_has_the_same_digest_and_another_value(world, now, document):
    first, second = (judge(world.sealer().seal(document, at=now), world, now) for _ in range(2))
    assert first.digest == second.digest
    assert first.seal.signature_value != second.seal.signature_value


def test_qualified_comes_only_from_the_record_and_says_so(world, now, document):
    statements = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"),
        # QcCompliance and QcType eseal, ETSI EN 319 412-5
        bytes.fromhex("301f300806060400 8e460101 3013 06060400 8e460106 3009 060704008e46010602".replace(" ", "")),
    )
    credential = world.root.seal("Qualified", extensions=[statements])
    sealed = world.sealer(credential).seal(document, at=now)
    modest = judge(sealed, world, now).seal
    assert modest.level is Level.ADVANCED
    assert "claims QcCompliance, QcType eseal" in modest.level_reason
    recorded = judge(sealed, world, now, level=Level.QUALIFIED).seal
    assert recorded.level is Level.QUALIFIED
    assert "no trusted list was read" in recorded.level_reason


def test_a_level_below_the_minimum_is_refused(sealed, world, now):
    refused("IMG-4026", sealed, world, now, level=Level.SIMPLE)
    refused("IMG-4026", sealed, world, now, replace(SEALED_DOCUMENT_POLICY, minimum_level=Level.QUALIFIED))


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1()), RSA_2048]
)
def test_other_keys_seal_too(key, world, now, document):
    credential = world.issuing.seal("Another key", key=key)
    sealed = world.sealer(credential).seal(document, at=now)
    assert judge(sealed, world, now, INLINE_POLICY).seal.indication is Indication.TOTAL_PASSED


def test_weak_keys_make_no_seal(world):
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())):
        credential = world.root.seal("Weak", key=key)
        with pytest.raises(ConfigurationError) as refusal:
            Sealer(credential.key, credential.certificate_der)
        assert refusal.value.code == "IMG-0140"


def test_a_curve_or_key_size_outside_the_policy_is_refused(world, now, document, sealed):
    refused("IMG-4005", sealed, world, now, replace(INLINE_POLICY, curves=(ec.SECP384R1,)))
    with_rsa = world.sealer(world.root.seal("RSA", key=RSA_2048)).seal(document, at=now)
    refused("IMG-4005", with_rsa, world, now, replace(INLINE_POLICY, min_rsa_bits=3072))
    refused("IMG-4005", with_rsa, world, now, replace(INLINE_POLICY, max_rsa_bits=1024))


def test_a_seal_by_an_unknown_authority_is_refused(world, now, document):
    sealed = world.sealer(world.stranger.seal("Stranger")).seal(document, at=now)
    refusal = refused("IMG-4020", sealed, world, now)
    assert indications_of(refusal) == (Indication.INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


def test_an_authority_with_the_same_name_and_another_key_is_refused(world, now, document):
    from gateway.sandbox.pki import Authority  # noqa: PLC0415 - only here

    twin = Authority("Root of the country", now=now, country="AR")
    refused("IMG-4020", world.sealer(twin.seal("Twin")).seal(document, at=now), world, now)


def test_an_expired_certificate_is_refused(world, now, document):
    old = world.root.seal("Old", not_before=now - timedelta(days=30), not_after=now - timedelta(days=1))
    refusal = refused("IMG-4021", world.sealer(old).seal(document, at=now - timedelta(days=2)), world, now)
    assert "valid until 2026-02-28" in refusal.found


def test_a_certificate_of_tomorrow_is_refused(world, now, document):
    young = world.root.seal("Young", not_before=now + timedelta(days=1))
    refused("IMG-4022", world.sealer(young).seal(document, at=now), world, now)


def test_a_time_stamp_from_its_lifetime_saves_a_seal_whose_certificate_expired(world, now, document):
    brief = world.root.seal("Brief", not_after=now + timedelta(days=1))
    later = now + timedelta(days=3)
    refused("IMG-4021", world.sealer(brief).seal(document, at=now), world, later)
    stamped = world.sealer(brief, stamped=True).seal(document, at=now)
    assert judge(stamped, world, later).seal.timestamp.time == now


def test_altered_content_is_refused(sealed, world, now):
    refusal = refused("IMG-4009", sealed.replace(b">120<", b">121<"), world, now)
    assert indications_of(refusal) == (Indication.TOTAL_FAILED, SubIndication.HASH_FAILURE)


def test_whitespace_outside_markup_is_content_too(sealed, world, now):
    refused("IMG-4009", sealed.replace(b"\n  <sps:SPSConsignment>", b"\n <sps:SPSConsignment>"), world, now)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"SigningTime>2026-03-01T11:59", b"SigningTime>2026-03-01T11:58", "IMG-4009"),
        (b"SigningTime>2026-03-01T11:59:00Z", b"SigningTime>2026-03-01T11:59:00", "IMG-4007"),
        (b"SigningTime>2026-03-01T", b"SigningTime>2026-13-01T", "IMG-4007"),
        (b"SigningTime>2026-03-01T", b"SigningTime>2026-03-02T", "IMG-4034"),
        (b"<ds:KeyInfo>", b"<ds:KeyInfo><ds:KeyName>x</ds:KeyName>", ""),
        (b'Target="#seal-', b'Target="#other-', "IMG-4007"),
        (b' Id="properties-', b' Id="1properties-', "IMG-4011"),
        (SHA256, SHA1.encode(), "IMG-4005"),
        (SHA256, b"http://www.w3.org/2001/04/xmldsig-more#md5", "IMG-4005"),
        (b"#ecdsa-sha256", b"#hmac-sha256", "IMG-4005"),
        (b"#ecdsa-sha256", b"#rsa-sha256", "IMG-4005"),
        (b"#ecdsa-sha256", b"#ecdsa-sha384", "IMG-4010"),
        (b"/2001/10/xml-exc-c14n#", b"/2001/10/xml-exc-c14n#WithComments", "IMG-4005"),
        (b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object/>", "IMG-4003"),
        (b"xades:SigningCertificateV2", b"xades:SigningCertificateV9", "IMG-4007"),
    ],
)  # fmt: skip
def test_a_changed_seal_is_refused_by_name(old, new, code, sealed, world, now):
    assert old in sealed
    changed = sealed.replace(old, new)
    if code:
        refused(code, changed, world, now, INLINE_POLICY)
    else:
        assert judge(changed, world, now, INLINE_POLICY).seal.indication is Indication.TOTAL_PASSED


def test_another_signature_value_is_refused(sealed, world, now):
    seal = etree.fromstring(sealed)
    value = seal.find(".//{*}SignatureValue")
    for text, code in (
        (value.text[::-1].lstrip("=") + "==", "IMG-4010"),
        ("AAAA", "IMG-4010"),
        ("not base64!", "IMG-4003"),
        ("", "IMG-4003"),
    ):
        value.text = text
        refused(code, etree.tostring(seal), world, now)


def test_a_foreign_certificate_in_key_info_does_not_replace_the_signer(sealed, world, now):
    tree = etree.fromstring(sealed)
    certificates = tree.findall(".//{*}X509Certificate")
    certificates[0].getparent().remove(certificates[0])
    refused("IMG-4008", etree.tostring(tree), world, now)
    for certificate in certificates[1:]:
        certificate.getparent().remove(certificate)
    refused("IMG-4008", etree.tostring(tree), world, now)


def test_garbage_as_certificate_is_refused(sealed, world, now):
    tree = etree.fromstring(sealed)
    garbage = b"garbage"
    tree.find(".//{*}X509Certificate").text = "Z2FyYmFnZQ=="
    digest = tree.find(".//{*}CertDigest/{*}DigestValue")
    from base64 import b64encode  # noqa: PLC0415 - only here

    digest.text = b64encode(hashlib.sha256(garbage).digest()).decode()
    refused("IMG-4008", etree.tostring(tree), world, now)


def test_a_processing_instruction_beside_the_root_is_refused_and_a_comment_is_not(sealed, world, now):
    refused("IMG-4006", b"<?xml-stylesheet href='x'?>" + sealed, world, now)
    assert judge(b"<!-- made by x -->" + sealed + b"<!-- end -->", world, now).seal.level is Level.ADVANCED


def test_a_required_time_stamp_that_is_missing_is_refused(sealed, world, now):
    refused("IMG-4030", sealed, world, now, replace(INLINE_POLICY, timestamp_required=True))


def test_a_baseline_t_seal_carries_the_time_stamp_in_its_verdict(stamped, world, now):
    policy = replace(INLINE_POLICY, timestamp_required=True, minimum_timestamp_level=Level.QUALIFIED)
    stamp = judge(stamped, world, now, policy).seal.timestamp
    assert (stamp.time, stamp.level) == (now, Level.QUALIFIED)
    assert stamp.authority.startswith("CN=Clock")


def test_a_time_stamp_below_the_asked_level_is_refused(stamped, world, now):
    from gateway.trust import TrustStore  # noqa: PLC0415 - only here

    trust = TrustStore([world.anchor(), world.stamp_anchor(level=Level.ADVANCED)])
    policy = replace(INLINE_POLICY, minimum_timestamp_level=Level.QUALIFIED)
    with pytest.raises(SealRefused) as refusal:
        verify_sealed(etree.fromstring(stamped), policy=policy, trust=trust, at=now)
    assert refusal.value.code == "IMG-4026"


def test_a_time_stamp_of_another_seal_is_refused(stamped, sealed, world, now):
    donor = etree.fromstring(stamped).find(".//{*}UnsignedProperties")
    tree = etree.fromstring(sealed)
    tree.find(".//{*}QualifyingProperties").append(donor)
    refused("IMG-4032", etree.tostring(tree), world, now)


def test_a_second_time_stamp_serves_where_the_first_one_does_not_hold(stamped, sealed, world, now):
    tree = etree.fromstring(stamped)
    properties = tree.find(".//{*}UnsignedSignatureProperties")
    properties.insert(0, copy.deepcopy(properties[0]))
    properties[0].find("{*}EncapsulatedTimeStamp").text = "AAAA"
    assert judge(etree.tostring(tree), world, now).seal.timestamp.time == now
    for _ in range(2):
        properties.append(copy.deepcopy(properties[0]))
    refused("IMG-4031", etree.tostring(tree), world, now)


def test_a_time_stamp_that_does_not_hold_is_not_overlooked(stamped, world, now):
    tree = etree.fromstring(stamped)
    tree.find(".//{*}EncapsulatedTimeStamp").text = "AAAA"
    refused("IMG-4031", etree.tostring(tree), world, now)


def test_a_time_stamp_before_the_signing_time_is_refused(world, now, document):
    credential = world.tsa_root.timestamping("Slow clock")
    slow = TimestampAuthority(credential, clock=lambda: now - timedelta(minutes=20))
    sealer = Sealer(world.signer.key, world.signer.certificate_der, world.signer.chain_der, world.stamper(slow))
    refused("IMG-4033", sealer.seal(document, at=now), world, now)


def test_a_sealed_document_survives_an_envelope_that_binds_its_prefixes_otherwise(sealed, world, now, document_digest):
    envelope = etree.fromstring(
        b'<E xmlns="urn:a" xmlns:sps="urn:b" xmlns:ds="urn:c" xmlns:xades="urn:d">' + sealed + b"\n</E>"
    )
    verified = verify_sealed(envelope[0], policy=INLINE_POLICY, trust=world.trust(), at=now)
    assert verified.digest == document_digest
    again = verify_sealed(
        etree.fromstring(verified.content), policy=SEALED_DOCUMENT_POLICY, trust=world.trust(), at=now
    )
    assert again.digest == document_digest


def test_what_cannot_be_verified_is_not_sealed(world, now):
    for content, code in (
        (b"<a><!-- x --><b/></a>", "IMG-4006"),
        (b"<a><?x y?><b/></a>", "IMG-4006"),
        (b"<a/>", "IMG-4002"),
    ):
        with pytest.raises(SealRefused) as refusal:
            world.sealer().seal(content, at=now)
        assert refusal.value.code == code


def test_keys_are_read_from_pem_and_pkcs12(world, now, document):
    signer = world.signer
    from_pem = Sealer.from_pem(signer.key_pem, signer.certificate_pem)
    container = pkcs12.serialize_key_and_certificates(
        b"x",
        signer.key,
        signer.certificate,
        [*signer.chain, world.root.certificate],
        BestAvailableEncryption(b"secret"),
    )
    from_pkcs12 = Sealer.from_pkcs12(container, b"secret")
    for sealer in (from_pem, from_pkcs12):
        assert sealer.chain == signer.chain_der
        assert judge(sealer.seal(document, at=now), world, now).seal.level is Level.ADVANCED
    for make in (
        lambda: Sealer.from_pkcs12(container, b"wrong"),
        lambda: Sealer.from_pem(b"garbage", signer.certificate_pem),
        lambda: Sealer(world.root.seal("x").key, signer.certificate_der),
    ):
        with pytest.raises(ConfigurationError) as refusal:
            make()
        assert refusal.value.code == "IMG-0140"
    with pytest.raises(ConfigurationError) as refusal:
        Sealer.from_pem(signer.key_pem, b"garbage")
    assert refusal.value.code == "IMG-0141"


def test_while_no_authority_answers_the_setting_decides(world, now, document):
    silent = TimestampClient([], world.trust())
    signer = world.signer
    with pytest.raises(Unavailable):
        Sealer(signer.key, signer.certificate_der, signer.chain_der, silent).seal(document, at=now)
    lenient = Sealer(signer.key, signer.certificate_der, signer.chain_der, silent, stamp_required=False)
    assert judge(lenient.seal(document, at=now), world, now).seal.timestamp is None
