"""Makes XAdES baseline B and T seals.

The bytes of SignedInfo and SignedProperties are written in their exclusive canonical form, each with its own namespace
declarations, and go into the document as they were digested: no second rendering that could differ.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12
from lxml import etree

from gateway.errors import ConfigurationError, SealRefused, Unavailable
from gateway.trust.anchors import load_certificates
from gateway.trust.elements import SIGNATURE
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise
from gateway.xml.names import DS, XADES132

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lxml.etree import _Element

__all__ = ["Sealer", "SealingKey", "Timestamper", "stamp_properties"]

SealingKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"
_ECDSA: dict[int, tuple[str, hashes.HashAlgorithm]] = {
    256: (f"{_MORE}ecdsa-sha256", hashes.SHA256()),
    384: (f"{_MORE}ecdsa-sha384", hashes.SHA384()),
    521: (f"{_MORE}ecdsa-sha512", hashes.SHA512()),
}
_MIN_RSA_BITS = 2048
_NOT_SEALABLE = (etree.Comment, etree.ProcessingInstruction, etree.Entity, SIGNATURE)


class Timestamper(Protocol):
    """What a sealer needs of a time-stamping authority."""

    def stamp(self, data: bytes, at: datetime) -> bytes:
        """An RFC 3161 token (DER) over ``data``, verified."""


class Sealer:
    """The gateway's own seal, or a partner's in tests and the demo; safe to share between threads.

    Args:
        key: EC on P-256, P-384 or P-521, or RSA of at least 2048 bits.
        certificate: DER, for this key.
        chain: DER of the certificates between it and the anchor; they travel in KeyInfo.
        timestamper: makes every seal a baseline T one; None for baseline B.
        stamp_required: False makes baseline B seals while no authority answers, instead of none.

    Raises:
        ConfigurationError: IMG-0140 when key and certificate do not belong together or are too weak.
    """

    def __init__(
        self,
        key: SealingKey,
        certificate: bytes,
        chain: Sequence[bytes] = (),
        timestamper: Timestamper | None = None,
        *,
        stamp_required: bool = True,
    ) -> None:
        self.certificate = certificate
        self.chain = tuple(chain)
        self._key = key
        self._timestamper = timestamper
        self._stamp_required = stamp_required
        self.algorithm, self._hash = _algorithm_of(key)
        if _spki(key.public_key()) != _spki(x509.load_der_x509_certificate(certificate).public_key()):
            raise ConfigurationError("IMG-0140", found="a certificate for another key")
        self._certificates = "".join(
            f"<ds:X509Certificate>{_b64(der)}</ds:X509Certificate>" for der in (certificate, *self.chain)
        )
        self._certificate_digest = _b64(hashlib.sha256(certificate).digest())

    @classmethod
    def from_pem(
        cls,
        key: bytes,
        certificate: bytes,
        chain: bytes = b"",
        password: bytes | None = None,
        timestamper: Timestamper | None = None,
        *,
        stamp_required: bool = True,
    ) -> Sealer:
        """From PEM files; the certificate file may carry the chain after it.

        Raises:
            ConfigurationError: IMG-0140, IMG-0141.
        """
        first, *rest = load_certificates(certificate)
        more = load_certificates(chain) if chain else ()
        try:
            private = serialization.load_pem_private_key(key, password)
        except (ValueError, TypeError) as error:
            raise ConfigurationError("IMG-0140", found="a key that cannot be read with this password") from error
        return cls(_sealing_key(private), first, (*rest, *more), timestamper, stamp_required=stamp_required)

    @classmethod
    def from_pkcs12(
        cls,
        data: bytes,
        password: bytes | None,
        timestamper: Timestamper | None = None,
        *,
        stamp_required: bool = True,
    ) -> Sealer:
        """From a PKCS#12 file with key, certificate and chain.

        Raises:
            ConfigurationError: IMG-0140.
        """
        try:
            private, certificate, others = pkcs12.load_key_and_certificates(data, password)
        except ValueError as error:
            raise ConfigurationError("IMG-0140", found="a PKCS#12 file that this password does not open") from error
        if certificate is None:
            raise ConfigurationError("IMG-0140", found="a PKCS#12 file without certificate")
        chain = [other.public_bytes(Encoding.DER) for other in others if other.issuer != other.subject]
        return cls(
            _sealing_key(private),
            certificate.public_bytes(Encoding.DER),
            chain,
            timestamper,
            stamp_required=stamp_required,
        )

    def seal(self, document: _Element | bytes, *, at: datetime) -> bytes:
        """The document as a file of its own, with a seal as last child of its root.

        Args:
            document: an element (any tree, not changed) or the bytes of a document.
            at: the claimed signing time, aware.

        Returns:
            UTF-8 without XML declaration, ready to be stored or spliced; the seal survives any envelope.

        Raises:
            SealRefused: IMG-4002 sealed already or without children, IMG-4006 comments or processing instructions.
            XmlRefused: the bytes may not become a tree.
            Unavailable: IMG-9003 when a time stamp is required and no authority answers.
        """
        root = parse(document).root if isinstance(document, bytes) else document
        _require_sealable(root)
        digest = hashlib.sha256(canonicalise(root, algorithm=C14n.EXCLUSIVE)).digest()
        text = serialise(root)
        end = text.rindex(b"</")
        return text[:end] + self._signature(digest, at).encode() + text[end:]

    def _signature(self, digest: bytes, at: datetime) -> str:
        time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = _name_of(digest, time, self.certificate)
        properties = self._signed_properties(name, time)
        signed_info = self._signed_info(name, digest, hashlib.sha256(properties.encode()).digest())
        value = (
            f'<ds:SignatureValue xmlns:ds="{DS}" Id="value-{name}">'
            f"{_b64(self.sign(signed_info.encode()))}</ds:SignatureValue>"
        )
        return (
            f'<ds:Signature xmlns:ds="{DS}" Id="seal-{name}">{signed_info}{value}'
            f"<ds:KeyInfo><ds:X509Data>{self._certificates}</ds:X509Data></ds:KeyInfo>"
            f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES132}" Target="#seal-{name}">'
            f"{properties}{self._unsigned_properties(value, at)}"
            f"</xades:QualifyingProperties></ds:Object></ds:Signature>"
        )

    def _signed_info(self, name: str, document: bytes, properties: bytes) -> str:
        return (
            f'<ds:SignedInfo xmlns:ds="{DS}">'
            f'<ds:CanonicalizationMethod Algorithm="{C14n.EXCLUSIVE}"></ds:CanonicalizationMethod>'
            f'<ds:SignatureMethod Algorithm="{self.algorithm}"></ds:SignatureMethod>'
            f'<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{_ENVELOPED}"></ds:Transform>'
            f'<ds:Transform Algorithm="{C14n.EXCLUSIVE}"></ds:Transform></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
            f"<ds:DigestValue>{_b64(document)}</ds:DigestValue></ds:Reference>"
            f'<ds:Reference Type="{_PROPERTIES_TYPE}" URI="#properties-{name}"><ds:Transforms>'
            f'<ds:Transform Algorithm="{C14n.EXCLUSIVE}"></ds:Transform></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
            f"<ds:DigestValue>{_b64(properties)}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )

    def _signed_properties(self, name: str, time: str) -> str:
        return (
            f'<xades:SignedProperties xmlns:xades="{XADES132}" Id="properties-{name}">'
            f"<xades:SignedSignatureProperties><xades:SigningTime>{time}</xades:SigningTime>"
            f"<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
            f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{_SHA256}"></ds:DigestMethod>'
            f'<ds:DigestValue xmlns:ds="{DS}">{self._certificate_digest}</ds:DigestValue>'
            f"</xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
            f"</xades:SignedProperties>"
        )

    def _unsigned_properties(self, value: str, at: datetime) -> str:
        token = self.stamp(value.encode(), at)
        return "" if token is None else stamp_properties(token)

    def stamp(self, data: bytes, at: datetime) -> bytes | None:
        """A time-stamp token over ``data`` (DER); None where none is made, or none is there and none is required.

        Raises:
            Unavailable: IMG-9003 a stamp is required and no authority answers.
        """
        if self._timestamper is None:
            return None
        try:
            return self._timestamper.stamp(data, at)
        except Unavailable:
            if self._stamp_required:
                raise
            return None

    def sign(self, data: bytes) -> bytes:
        """The signature over ``data`` in XMLDSig's form (ECDSA: r and s of equal length), by ``algorithm``."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), self._hash)
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(self._hash)))
        size = (self._key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def stamp_properties(token: bytes) -> str:
    """The unsigned properties of XAdES baseline T with one stamp; ``ds`` and ``xades`` are declared around them."""
    return (
        f"<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp>"
        f'<ds:CanonicalizationMethod Algorithm="{C14n.EXCLUSIVE}"/>'
        f"<xades:EncapsulatedTimeStamp>{_b64(token)}</xades:EncapsulatedTimeStamp>"
        f"</xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
    )


def _name_of(digest: bytes, time: str, certificate: bytes) -> str:
    """What the identifiers of a seal are made from: nobody can put them into the content beforehand."""
    return hashlib.sha256(digest + time.encode() + certificate).hexdigest()[:32]


def _require_sealable(root: _Element) -> None:
    """What ``verify_sealed`` would refuse is not sealed in the first place."""
    for node in root.iter(*_NOT_SEALABLE):
        if node.tag == SIGNATURE:
            raise SealRefused("IMG-4002", found="a seal", expected="a document without one")
        raise SealRefused("IMG-4006")
    if not len(root):
        raise SealRefused("IMG-4002", found="an empty root", expected="a document with content")


def _algorithm_of(key: SealingKey) -> tuple[str, hashes.HashAlgorithm]:
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _MIN_RSA_BITS:
            raise ConfigurationError("IMG-0140", found=f"RSA {key.key_size} bits", expected=f"{_MIN_RSA_BITS} or more")
        return f"{_MORE}rsa-sha256", hashes.SHA256()
    if key.curve.name not in {"secp256r1", "secp384r1", "secp521r1"}:
        raise ConfigurationError("IMG-0140", found=f"curve {key.curve.name}", expected="P-256, P-384 or P-521")
    return _ECDSA[key.key_size]


def _sealing_key(key: object) -> SealingKey:
    if not isinstance(key, SealingKey):
        raise ConfigurationError("IMG-0140", found="another kind of key", expected="EC or RSA")
    return key


def _spki(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
