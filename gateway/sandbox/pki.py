"""A development PKI made in code: authorities, sealing, time-stamping and TLS certificates. Never for production.

Each authority is a root with leaves straight below it or below one issuing certificate. Keys exist in memory until
``write`` puts them into a folder.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Authority", "Credential", "write", "write_development_pki"]

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_LIFETIME = timedelta(days=825)
_BACKDATED = timedelta(hours=1)
"""Certificates begin a little in the past, so that a machine whose clock is a minute slow can use them at once."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key, its certificate, and the certificates between it and the root (without the root)."""

    key: Key
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def certificate_der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        """The chain as DER."""
        return tuple(link.public_bytes(serialization.Encoding.DER) for link in self.chain)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate and its chain as PEM."""
        links = (self.certificate, *self.chain)
        return b"".join(link.public_bytes(serialization.Encoding.PEM) for link in links)

    @property
    def key_pem(self) -> bytes:
        """The key as unencrypted PKCS#8 PEM: development only."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


class Authority:
    """A certification authority for development and tests.

    Args:
        name: common name; the organisation is marked as invented.
        now: when it is made, aware UTC; certificates begin an hour before and live 825 days unless said otherwise.
        country: ISO 3166-1 alpha-2.
        parent: makes this an issuing authority below another one; a root otherwise.
        not_after: end of validity.
    """

    def __init__(
        self,
        name: str,
        *,
        now: datetime,
        country: str = "XX",
        parent: Authority | None = None,
        not_after: datetime | None = None,
    ) -> None:
        self._now = now
        self._country = country
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name, country)
        builder = _builder(subject, self._key.public_key(), now, not_after).add_extension(
            x509.BasicConstraints(ca=True, path_length=None if parent is None else 0), critical=True
        )
        builder = builder.add_extension(_usage(authority=True), critical=True)
        issuer = parent if parent is not None else self
        self._subject = subject
        self.chain: tuple[x509.Certificate, ...] = ()
        self.certificate = issuer.sign(builder)
        if parent is not None:
            self.chain = (self.certificate, *parent.chain)

    @property
    def certificate_der(self) -> bytes:
        """The authority's own certificate as DER: what an anchor holds."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def certificate_pem(self) -> bytes:
        """The authority's own certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """Issues what ``builder`` describes; public so that tests can issue odd certificates."""
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.issuer_name(self._subject).add_extension(identifier, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def seal(
        self,
        name: str,
        *,
        key: Key | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        extensions: Sequence[x509.ExtensionType] = (),
    ) -> Credential:
        """A credential to seal documents with: key usage digitalSignature and contentCommitment."""
        builder = self._leaf(name, key := key or _new_key(), not_after, not_before)
        builder = builder.add_extension(_usage(commitment=True), critical=True)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return Credential(key, self.sign(builder), self.chain)

    def timestamping(self, name: str, *, key: Key | None = None) -> Credential:
        """A credential for an RFC 3161 authority: extended key usage timeStamping, alone and critical."""
        builder = self._leaf(name, key := key or _new_key(), None, None)
        builder = builder.add_extension(_usage(), critical=True).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
        return Credential(key, self.sign(builder), self.chain)

    def tls_server(self, *hosts: str) -> Credential:
        """A TLS server credential for host names and addresses."""
        builder = self._leaf(hosts[0], key := _new_key(), None, None)
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        builder = builder.add_extension(_usage(), critical=True).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        return Credential(key, self.sign(builder), self.chain)

    def tls_client(self, name: str) -> Credential:
        """A TLS client credential."""
        builder = self._leaf(name, key := _new_key(), None, None)
        builder = builder.add_extension(_usage(), critical=True).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        return Credential(key, self.sign(builder), self.chain)

    def crl(self, revoked: Sequence[Credential] = (), *, at: datetime, valid_for: timedelta) -> bytes:
        """A full CRL (DER) that revokes the given credentials as of ``at``."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._subject)
            .last_update(at)
            .next_update(at + valid_for)
        )
        for credential in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(credential.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(at).build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _leaf(
        self, name: str, key: Key, not_after: datetime | None, not_before: datetime | None
    ) -> x509.CertificateBuilder:
        builder = _builder(_name(name, self._country), key.public_key(), self._now, not_after, not_before)
        return builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)


def write(folder: Path, name: str, credential: Credential) -> tuple[Path, Path]:
    """Writes ``name``.pem (certificate and chain) and ``name``.key (mode 0600) and returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(credential.certificate_pem)
    key.touch(mode=0o600)
    key.write_bytes(credential.key_pem)
    return certificate, key


def write_development_pki(folder: Path, *, now: datetime) -> dict[str, str]:
    """Everything that two gateways and a third country need to try the journey, each below its own root.

    Args:
        folder: made when absent.
        now: aware UTC.

    Returns:
        What each file is for and its path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    gateways, partner, clock = (
        Authority("Sandbox gateways", now=now),
        Authority("Sandbox third country", now=now),
        Authority("Sandbox time stamping", now=now),
    )
    credentials = {
        "seal": gateways.seal("Sandbox gateway seal"),
        "tls-server": gateways.tls_server("localhost", "127.0.0.1", "::1"),
        "partner-seal": partner.seal("Sandbox third country seal"),
        "partner-client": partner.tls_client("Sandbox third country client"),
        "tsa": clock.timestamping("Sandbox time stamp"),
    }
    files: dict[str, str] = {}
    for name, authority in {"gateway-root": gateways, "partner-root": partner, "tsa-root": clock}.items():
        path = folder / f"{name}.pem"
        path.write_bytes(authority.certificate_pem)
        files[name] = str(path)
    for name, credential in credentials.items():
        certificate, key = write(folder, name, credential)
        files[name], files[f"{name}-key"] = str(certificate), str(key)
    return files


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _name(name: str, country: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "IMSOC gateway sandbox (invented)"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _builder(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    now: datetime,
    not_after: datetime | None,
    not_before: datetime | None = None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - _BACKDATED)
        .not_valid_after(not_after or now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool = False, commitment: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
