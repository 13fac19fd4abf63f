"""Trust anchors of one partner: chains built by cryptography's X.509 verifier and remembered by certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from gateway.errors import ConfigurationError, SealRefused
from gateway.trust.levels import explain_level
from gateway.trust.models import Anchor, Purpose
from gateway.trust.revocation import RevocationData

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
    from cryptography.x509.verification import ClientVerifier, Policy

__all__ = ["Chain", "TrustStore", "load_certificates", "subject_of"]

MAX_REMEMBERED = 512
"""Chains kept per store. A partner seals with a handful of certificates; the bound is against a flood of others."""

MAX_INTERMEDIATES = 8
"""Certificates a sender may hand over: a real chain has one to three, and each one more costs path building."""

_MAX_DEPTH = 4

_SEALING_USAGES = frozenset(
    {
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
        x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),  # id-kp-documentSigning, RFC 9336
        x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),  # Microsoft document signing
        x509.ObjectIdentifier("1.2.840.113583.1.1.5"),  # Adobe PDF signing
    }
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A path from a certificate to an anchor, signer first, and the time in which all of it is valid."""

    certificates: tuple[x509.Certificate, ...]
    der: tuple[bytes, ...]
    anchor: Anchor
    not_before: datetime
    not_after: datetime
    public_key: CertificatePublicKeyTypes
    """Of the leaf; loading it again for each message would cost as much as a verification."""
    subject: str
    """Of the leaf, RFC 4514."""
    level_reason: str


@dataclass(frozen=True, slots=True)
class _Trusted:
    anchor: Anchor
    certificate: x509.Certificate


class TrustStore:
    """The anchors of one partner record, or our own; immutable, safe to share between threads.

    Args:
        anchors: what is trusted, each for its purposes only.

    Raises:
        ConfigurationError: IMG-0141 when an anchor, CRL or OCSP response cannot be read.
    """

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self.anchors = tuple(anchors)
        self._trusted = {
            purpose: {
                anchor.certificate_der: _Trusted(anchor, _read_anchor(anchor))
                for anchor in anchors
                if purpose in anchor.purposes
            }
            for purpose in Purpose
        }
        self._stores = {
            purpose: Store([trusted.certificate for trusted in entries.values()])
            for purpose, entries in self._trusted.items()
            if entries
        }
        self._revocation = RevocationData(
            crls=tuple(crl for anchor in anchors for crl in anchor.crls),
            ocsp_responses=tuple(response for anchor in anchors for response in anchor.ocsp_responses),
        )
        self._remembered: dict[tuple[Purpose, bytes], Chain] = {}

    def verify_chain(self, leaf: bytes, intermediates: Sequence[bytes], at: datetime, purpose: Purpose) -> Chain:
        """A valid path from ``leaf`` to an anchor of this purpose.

        Revocation is not judged here, see ``revocation``.

        Args:
            leaf: DER of the certificate in question.
            intermediates: DER of other certificates that came along; used only as links, never trusted.
            at: when it has to be valid, aware.
            purpose: what the leaf was used for; decides which anchors count and which key usages it needs.

        Raises:
            SealRefused: IMG-4020 no path to an anchor, IMG-4021 expired, IMG-4022 not yet valid, IMG-4024 a certificate
                that may not be used for this.
        """
        chain = self._remembered.get((purpose, leaf))
        if chain is None:
            chain = self._build(leaf, intermediates, at, purpose)
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[(purpose, leaf)] = chain
        for certificate in chain.certificates if not chain.not_before <= at <= chain.not_after else ():
            _require_valid(certificate, at)
        return chain

    def revocation(self, chain: Chain, at: datetime) -> str:
        """What the record's files say about revocation of the chain, in words for the verdict.

        Raises:
            SealRefused: IMG-4023 when a certificate of the chain was revoked at or before ``at``.
        """
        return self._revocation.judge(chain.certificates, at)

    def _build(self, leaf: bytes, intermediates: Sequence[bytes], at: datetime, purpose: Purpose) -> Chain:
        certificate = _read(leaf)
        _require_valid(certificate, at)
        links = [_read(der) for der in intermediates[:MAX_INTERMEDIATES] if der != leaf]
        store = self._stores.get(purpose)
        trusted = self._trusted[purpose]
        if store is None:
            raise SealRefused("IMG-4020", found=subject_of(certificate), expected=f"an anchor for purpose {purpose}")
        try:
            path = _verifier(store, at).verify(certificate, links).chain
        except (VerificationError, ValueError) as error:
            _explain_expired_authority(certificate, [*links, *(t.certificate for t in trusted.values())], at)
            raise SealRefused(
                "IMG-4020",
                found=f"{subject_of(certificate)}, issued by {certificate.issuer.rfc4514_string()}",
                expected="a chain to an anchor of the partner record",
            ) from error
        _require_usage(certificate, purpose)
        der = (leaf, *(link.public_bytes(Encoding.DER) for link in path[1:]))
        return Chain(
            certificates=tuple(path),
            der=der,
            anchor=trusted[der[-1]].anchor,
            not_before=max(link.not_valid_before_utc for link in path),
            not_after=min(link.not_valid_after_utc for link in path),
            public_key=certificate.public_key(),
            subject=subject_of(certificate),
            level_reason=explain_level(trusted[der[-1]].anchor, certificate),
        )


def load_certificates(data: bytes) -> tuple[bytes, ...]:
    """The certificates of a PEM or DER file, as DER, in file order.

    Raises:
        ConfigurationError: IMG-0141 when there is none.
    """
    try:
        pem = b"-----BEGIN" in data
        found = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
    except ValueError as error:
        raise ConfigurationError("IMG-0141", found="no certificate", expected="PEM or DER") from error
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in found)


def subject_of(certificate: x509.Certificate) -> str:
    """The subject as RFC 4514 text."""
    return certificate.subject.rfc4514_string()


def _read_anchor(anchor: Anchor) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(anchor.certificate_der)
    except ValueError as error:
        raise ConfigurationError("IMG-0141", where=anchor.name, found="no certificate") from error


def _read(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        _ = certificate.extensions
    except Exception as error:  # cryptography raises its own errors for odd keys and duplicate extensions
        raise SealRefused("IMG-4008", found="a certificate that cannot be read") from error
    return certificate


def _verifier(store: Store, at: datetime) -> ClientVerifier:
    return (
        PolicyBuilder()
        .store(store)
        .time(at)
        .max_chain_depth(_MAX_DEPTH)
        .extension_policies(
            ca_policy=ExtensionPolicy.permit_all()
            .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _require_authority)
            .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _require_certificate_signing),
            ee_policy=ExtensionPolicy.permit_all(),
        )
        .build_client_verifier()
    )


def _require_authority(_policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("not a certification authority")


def _require_certificate_signing(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("may not sign certificates")


def _require_valid(certificate: x509.Certificate, at: datetime) -> None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at > end:
        raise SealRefused("IMG-4021", where=subject_of(certificate), found=f"valid until {end:%Y-%m-%dT%H:%M:%SZ}")
    if at < start:
        raise SealRefused("IMG-4022", where=subject_of(certificate), found=f"valid from {start:%Y-%m-%dT%H:%M:%SZ}")


def _explain_expired_authority(leaf: x509.Certificate, authorities: list[x509.Certificate], at: datetime) -> None:
    """No path was found: if the issuer is known but not valid at the time, that is the better answer."""
    for authority in authorities:
        if authority.subject == leaf.issuer:
            _require_valid(authority, at)


def _require_usage(leaf: x509.Certificate, purpose: Purpose) -> None:
    """Whether the leaf may be used for this (RFC 5280 4.2.1.3 and 4.2.1.12, RFC 3161 2.3)."""
    extensions = {type(extension.value): extension for extension in leaf.extensions}
    basic = extensions.get(x509.BasicConstraints)
    if basic is not None and basic.value.ca:
        raise SealRefused("IMG-4024", where=subject_of(leaf), found="a certification authority")
    usage = extensions.get(x509.KeyUsage)
    if usage is not None and not (usage.value.digital_signature or usage.value.content_commitment):
        raise SealRefused(
            "IMG-4024", where=subject_of(leaf), expected="key usage digitalSignature or contentCommitment"
        )
    extended = extensions.get(x509.ExtendedKeyUsage)
    usages = frozenset(extended.value) if extended is not None else frozenset()
    if purpose is Purpose.TIMESTAMP:
        fits = extended is not None and extended.critical and usages == {ExtendedKeyUsageOID.TIME_STAMPING}
        expected = "extended key usage timeStamping, alone and critical (RFC 3161 2.3)"
    elif purpose is Purpose.SEAL:
        fits = not usages or bool(usages & _SEALING_USAGES)
        expected = "no extended key usage, or one for documents or e-mail"
    else:
        fits = not usages or ExtendedKeyUsageOID.CLIENT_AUTH in usages
        expected = "extended key usage clientAuth"
    if not fits:
        raise SealRefused("IMG-4024", where=subject_of(leaf), expected=expected)
