"""Signature policies: what may occur in a seal. Everything else is refused before any cryptography runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.trust.models import Level
from gateway.xml.canonical import C14n

if TYPE_CHECKING:
    from datetime import date

__all__ = [
    "DIGESTS",
    "ENVELOPED",
    "INLINE_POLICY",
    "SEALED_DOCUMENT_POLICY",
    "SIGNATURES",
    "SignatureAlgorithm",
    "SignaturePolicy",
]

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_ENC = "http://www.w3.org/2001/04/xmlenc#"

SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"

DIGESTS: dict[str, str] = {
    SHA1: "sha1",
    f"{_ENC}sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    f"{_ENC}sha512": "sha512",
}
"""Digest algorithm URIs and their names in hashlib; a policy says which of them it accepts."""


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A signature algorithm URI taken apart."""

    family: str
    """``rsa`` (PKCS#1 v1.5), ``rsa-pss`` (RFC 6931 2.3.10) or ``ecdsa``."""
    digest: hashes.HashAlgorithm


SIGNATURES: dict[str, SignatureAlgorithm] = {
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": SignatureAlgorithm("rsa", hashes.SHA1()),  # noqa: S303 - known so that it can be refused by name, or accepted until a date
    f"{_MORE}rsa-sha256": SignatureAlgorithm("rsa", hashes.SHA256()),
    f"{_MORE}rsa-sha384": SignatureAlgorithm("rsa", hashes.SHA384()),
    f"{_MORE}rsa-sha512": SignatureAlgorithm("rsa", hashes.SHA512()),
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": SignatureAlgorithm("rsa-pss", hashes.SHA256()),
    "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1": SignatureAlgorithm("rsa-pss", hashes.SHA384()),
    "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1": SignatureAlgorithm("rsa-pss", hashes.SHA512()),
    f"{_MORE}ecdsa-sha256": SignatureAlgorithm("ecdsa", hashes.SHA256()),
    f"{_MORE}ecdsa-sha384": SignatureAlgorithm("ecdsa", hashes.SHA384()),
    f"{_MORE}ecdsa-sha512": SignatureAlgorithm("ecdsa", hashes.SHA512()),
}

_STRONG_DIGESTS = frozenset(uri for uri in DIGESTS if uri != SHA1)
_STRONG_SIGNATURES = frozenset(uri for uri, algorithm in SIGNATURES.items() if algorithm.digest.name != "sha1")


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """What a seal of one contract must look like.

    The place is no option: the one ``ds:Signature`` is the last child of the sealed root, its one document reference is
    ``URI=""`` and means that root as a document of its own. What differs between contracts is below; derive others
    with ``dataclasses.replace``.
    """

    name: str
    canonicalisations: frozenset[C14n]
    """Accepted for the document, SignedProperties, SignedInfo and the time stamp."""
    implied_canonicalisation: bool = False
    """Whether a reference may leave its canonicalisation out, which means inclusive 1.0 (XMLDSig 4.4.3.2)."""
    inclusive_prefixes: bool = False
    """Whether exclusive canonicalisation may carry an InclusiveNamespaces PrefixList."""
    embedded: bool = True
    """Whether the root may stand inside another document; only exclusive canonicalisation survives that."""
    digests: frozenset[str] = _STRONG_DIGESTS
    signatures: frozenset[str] = _STRONG_SIGNATURES
    min_rsa_bits: int = 2048
    max_rsa_bits: int = 8192
    """A bound on the work that a stranger's key can ask for."""
    curves: tuple[type[ec.EllipticCurve], ...] = (
        ec.SECP256R1,
        ec.SECP384R1,
        ec.SECP521R1,
        ec.BrainpoolP256R1,
        ec.BrainpoolP384R1,
        ec.BrainpoolP512R1,
    )
    minimum_level: Level = Level.ADVANCED
    timestamp_required: bool = False
    minimum_timestamp_level: Level = Level.SIMPLE
    """R-39-2 asks for a qualified one; until trusted lists exist only the anchor's record can say so."""
    sha1_until: date | None = None
    """A partner's dated exception for SHA-1, its last day included."""
    clock_skew: timedelta = timedelta(minutes=5)
    """How far claimed and stamped times may lie ahead of ours, or a stamp before the claimed signing time."""


INLINE_POLICY = SignaturePolicy(name="inline", canonicalisations=frozenset({C14n.EXCLUSIVE}))
"""An SPSCertificate inside an envelope (ARCHITECTURE section 6)."""

SEALED_DOCUMENT_POLICY = SignaturePolicy(
    name="sealed-document",
    canonicalisations=frozenset({C14n.EXCLUSIVE, C14n.INCLUSIVE, C14n.INCLUSIVE_11}),
    implied_canonicalisation=True,
    inclusive_prefixes=True,
    embedded=False,
)
"""A document of its own that travelled as base64: its seal need not survive an envelope."""
