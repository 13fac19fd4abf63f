"""Chains, what anchors are for, and revocation from files."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.errors import ConfigurationError, SealRefused
from gateway.sandbox.pki import Authority
from gateway.trust import Purpose, TrustStore, load_certificates

DAY = timedelta(days=1)


def refused(code, call):
    with pytest.raises(SealRefused) as refusal:
        call()
    assert refusal.value.code == code
    return refusal.value


def chain(store, credential, now, purpose=Purpose.SEAL, intermediates=None):
    links = credential.chain_der if intermediates is None else intermediates
    return store.verify_chain(credential.certificate_der, links, now, purpose)


def test_a_chain_is_built_over_the_certificates_that_came_along(world, now):
    assert chain(world.trust(), world.signer, now).der[-1] == world.root.certificate_der
    refused("IMG-4020", lambda: chain(world.trust(), world.signer, now, intermediates=()))


def test_an_issuing_authority_can_be_the_anchor(world, now):
    store = TrustStore([world.anchor(certificate_der=world.issuing.certificate_der)])
    assert len(chain(store, world.signer, now).der) == 2


def test_an_anchor_counts_for_its_purposes_only(world, now):
    stamps_only = TrustStore([world.anchor(purposes=frozenset({Purpose.TIMESTAMP}))])
    refused("IMG-4020", lambda: chain(stamps_only, world.signer, now))
    refused("IMG-4020", lambda: chain(TrustStore([]), world.signer, now))


def test_a_remembered_chain_is_judged_at_each_time_anew(world, now):
    store, brief = world.trust(), world.issuing.seal("Brief", not_after=now + DAY)
    chain(store, brief, now)
    refused("IMG-4021", lambda: chain(store, brief, now + 2 * DAY))
    refused("IMG-4022", lambda: chain(store, brief, now - DAY))
    chain(store, brief, now)


def test_many_strangers_do_not_fill_the_memory(world, now, monkeypatch):
    monkeypatch.setattr("gateway.trust.anchors.MAX_REMEMBERED", 2)
    store = world.trust()
    for number in range(5):
        chain(store, world.issuing.seal(f"Signer {number}"), now)
        assert len(store._remembered) <= 2


def test_an_expired_authority_is_named_as_such(world, now):
    old = Authority("Old root", now=now, not_after=now + DAY)
    leaf = old.seal("Outlives its root", not_after=now + 10 * DAY)
    store = TrustStore([world.anchor(certificate_der=old.certificate_der)])
    refusal = refused("IMG-4021", lambda: chain(store, leaf, now + 2 * DAY))
    assert "Old root" in refusal.where


@pytest.mark.parametrize(
    "usage", [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.TIME_STAMPING]
)
def test_a_certificate_for_something_else_makes_no_seal(usage, world, now):
    leaf = world.issuing.seal("Other use", extensions=[x509.ExtendedKeyUsage([usage])])
    refused("IMG-4024", lambda: chain(world.trust(), leaf, now))


def test_a_certificate_for_documents_or_mail_makes_seals(world, now):
    for usage in (ExtendedKeyUsageOID.EMAIL_PROTECTION, x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")):
        leaf = world.issuing.seal("Documents", extensions=[x509.ExtendedKeyUsage([usage])])
        assert chain(world.trust(), leaf, now).subject.startswith("CN=Documents")


def test_a_sealing_certificate_makes_no_time_stamps_and_no_connections(world, now):
    store = TrustStore([world.anchor(purposes=frozenset(Purpose))])
    refused("IMG-4024", lambda: chain(store, world.signer, now, Purpose.TIMESTAMP))
    clock = world.root.timestamping("Clock")
    refused("IMG-4024", lambda: chain(store, clock, now, Purpose.TLS))
    client = world.root.tls_client("client")
    assert chain(store, client, now, Purpose.TLS).anchor.name == "country"


def test_an_authority_itself_makes_no_seals(world, now):
    store = world.trust()
    refused("IMG-4024", lambda: store.verify_chain(world.issuing.certificate_der, (), now, Purpose.SEAL))


def test_a_leaf_cannot_issue_certificates(world, now):
    """The oldest hole of all: a sealing certificate used as an authority."""
    builder = world.stranger._leaf("Issued by a leaf", (key := world.stranger.seal("x").key), None, None)
    forged = builder.issuer_name(world.signer.certificate.subject).sign(world.signer.key, hashes.SHA256())
    links = (world.signer.certificate_der, *world.signer.chain_der)
    der = forged.public_bytes(Encoding.DER)
    assert key is not None
    refused("IMG-4020", lambda: world.trust().verify_chain(der, links, now, Purpose.SEAL))


def test_unreadable_anchors_are_configuration_errors(world):
    for make in (
        lambda: TrustStore([world.anchor(certificate_der=b"x")]),
        lambda: TrustStore([world.anchor(crls=(b"x",))]),
        lambda: TrustStore([world.anchor(ocsp_responses=(b"x",))]),
        lambda: load_certificates(b"x"),
    ):
        with pytest.raises(ConfigurationError) as refusal:
            make()
        assert refusal.value.code == "IMG-0141"


def test_certificates_are_read_from_pem_and_der(world):
    assert load_certificates(world.signer.certificate_pem) == (world.signer.certificate_der, *world.signer.chain_der)
    assert load_certificates(world.root.certificate_der) == (world.root.certificate_der,)


def test_a_revoked_certificate_is_refused_from_the_revocation_on(world, now):
    crl = world.issuing.crl([world.signer], at=now, valid_for=DAY)
    store = world.trust(crls=(crl,))
    refusal = refused("IMG-4023", lambda: store.revocation(chain(store, world.signer, now), now))
    assert "Authority of the country" in refusal.where
    assert store.revocation(chain(store, world.signer, now), now - DAY / 48).startswith("not known")


def test_a_revoked_issuing_authority_is_refused(world, now):
    entry = x509.RevokedCertificateBuilder().serial_number(world.issuing.certificate.serial_number)
    builder = x509.CertificateRevocationListBuilder().issuer_name(world.root.certificate.subject)
    builder = builder.last_update(now).next_update(now + DAY)
    builder = builder.add_revoked_certificate(entry.revocation_date(now).build())
    crl = builder.sign(world.root._key, hashes.SHA256()).public_bytes(Encoding.PEM)
    store = world.trust(crls=(crl,))
    refused("IMG-4023", lambda: store.revocation(chain(store, world.signer, now), now))


def test_good_is_said_only_with_a_current_statement_about_every_link(world, now):
    issuing = world.issuing.crl(at=now, valid_for=DAY)
    root = world.root.crl(at=now, valid_for=DAY)
    partial, full = world.trust(crls=(issuing,)), world.trust(crls=(issuing, root))
    signer = chain(full, world.signer, now)
    assert "Issuing" in partial.revocation(signer, now)
    assert full.revocation(signer, now).startswith("good as of 2026-03-01T12:00:00Z (offline")
    assert full.revocation(signer, now + 2 * DAY).startswith("not known")


def test_a_crl_by_somebody_else_says_nothing(world, now):
    impostor = Authority("Issuing", now=now, country="AR")
    store = world.trust(crls=(impostor.crl([world.signer], at=now, valid_for=DAY),))
    assert store.revocation(chain(store, world.signer, now), now).startswith("not known")


def test_a_partial_crl_is_not_taken_for_a_full_one(world, now):
    builder = x509.CertificateRevocationListBuilder().issuer_name(world.root.certificate.subject)
    builder = builder.last_update(now).next_update(now + DAY).add_extension(x509.DeltaCRLIndicator(1), critical=True)
    with pytest.raises(ConfigurationError):
        world.trust(crls=(builder.sign(world.root._key, hashes.SHA256()).public_bytes(Encoding.DER),))


def ocsp_response(credential, authority, responder, status, now, certificates=()):
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=credential.certificate,
        issuer=authority.certificate,
        algorithm=hashes.SHA1(),
        cert_status=status,
        this_update=now,
        next_update=now + DAY,
        revocation_time=now if revoked else None,
        revocation_reason=None,
    )
    certificate, key = responder
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
    if certificates:
        builder = builder.certificates(certificates)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("status", [ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN])
@pytest.mark.parametrize("delegated", [False, True])
def test_ocsp_responses_count_when_the_issuer_or_its_delegate_signed(status, delegated, world, now):
    signer = world.root.seal("Straight below the root")
    responder = world.root.seal("Responder", extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])])
    by = (responder.certificate, responder.key) if delegated else (world.root.certificate, world.root._key)
    response = ocsp_response(signer, world.root, by, status, now, [responder.certificate] if delegated else [])
    store = world.trust(ocsp_responses=(response,))
    if status is ocsp.OCSPCertStatus.REVOKED:
        refused("IMG-4023", lambda: store.revocation(chain(store, signer, now), now))
    else:
        expected = "good as of" if status is ocsp.OCSPCertStatus.GOOD else "not known"
        assert store.revocation(chain(store, signer, now), now).startswith(expected)


def test_an_ocsp_response_by_an_ordinary_certificate_says_nothing(world, now):
    signer, other = world.root.seal("Signer"), world.root.seal("No responder")
    response = ocsp_response(
        signer, world.root, (other.certificate, other.key), ocsp.OCSPCertStatus.GOOD, now, [other.certificate]
    )
    store = world.trust(ocsp_responses=(response,))
    assert store.revocation(chain(store, signer, now), now).startswith("not known")
