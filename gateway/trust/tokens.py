"""RFC 3161 time-stamp tokens: read as DER, verified with cryptography, chained to the partner's anchors.

rfc3161-client was the first choice and is kept as the second opinion (``agrees``): it refuses tokens whose certificates
are not in DER SET order, which ``openssl ts -verify`` accepts, and it does not look at the signing-certificate
attribute (RFC 5035), the only thing that binds the authority's certificate to its signature.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from gateway.errors import SealRefused
from gateway.trust import der
from gateway.trust.models import Purpose, TimestampVerdict
from gateway.trust.signatures import holds

if TYPE_CHECKING:
    from gateway.trust.anchors import TrustStore
    from gateway.trust.der import Node

__all__ = ["MAX_TOKEN_BYTES", "TokenInfo", "agrees", "certificates_of", "read_info", "verify_token"]

MAX_TOKEN_BYTES = 64 * 1024
"""A token with its chain is 2 to 6 KB; one with revocation data stays below this."""

CLOCK_SKEW = timedelta(minutes=5)

_SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
_TST_INFO = der.oid("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE = der.oid("1.2.840.113549.1.9.16.2.12")
_SIGNING_CERTIFICATE_V2 = der.oid("1.2.840.113549.1.9.16.2.47")

_DIGESTS: dict[bytes, hashes.HashAlgorithm] = {
    der.oid("2.16.840.1.101.3.4.2.1"): hashes.SHA256(),
    der.oid("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
    der.oid("2.16.840.1.101.3.4.2.3"): hashes.SHA512(),
}
_SIGNATURES: dict[bytes, str] = {
    der.oid("1.2.840.113549.1.1.1"): "",  # rsaEncryption: the digest algorithm stands in its own field
    der.oid("1.2.840.113549.1.1.11"): "sha256",
    der.oid("1.2.840.113549.1.1.12"): "sha384",
    der.oid("1.2.840.113549.1.1.13"): "sha512",
    der.oid("1.2.840.10045.4.3.2"): "sha256",
    der.oid("1.2.840.10045.4.3.3"): "sha384",
    der.oid("1.2.840.10045.4.3.4"): "sha512",
}
_TIME = re.compile(rb"(\d{14})(?:\.(\d{1,6})\d{0,3})?Z")
_CONTEXT_0 = 0xA0


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """The TSTInfo of a token (RFC 3161 2.4.2), as far as the gateway uses it."""

    policy: str
    digest: hashes.HashAlgorithm
    imprint: bytes
    serial_number: int
    time: datetime
    nonce: int | None


@dataclass(frozen=True, slots=True)
class _Signed:
    """A token taken apart."""

    info_octets: bytes
    certificates: tuple[bytes, ...]
    attributes: dict[bytes, Node]
    attribute_octets: bytes
    digest: hashes.HashAlgorithm
    signature: bytes


def verify_token(token: bytes, data: bytes, trust: TrustStore, at: datetime) -> TimestampVerdict:
    """A time-stamp token over ``data``.

    Args:
        token: the CMS ContentInfo (a TimeStampToken, not a TimeStampResp), DER.
        data: the octets that the token has to cover.
        trust: anchors; those with purpose ``timestamp`` count.
        at: now, aware; a token from further ahead than the clock skew is refused.

    Raises:
        SealRefused: IMG-4031 unreadable or of another shape, IMG-4032 it covers other data, IMG-4033 it comes from the
            future, IMG-4035 its signature does not hold, IMG-4005 an algorithm is not accepted, and IMG-4008 to
            IMG-4024 for its certificate.
    """
    signed, info = _open(token)
    if not hmac.compare_digest(info.imprint, hashlib.new(info.digest.name, data).digest()):
        raise SealRefused("IMG-4032")
    digest = hashlib.new(signed.digest.name, signed.info_octets).digest()
    if not hmac.compare_digest(signed.attributes[_MESSAGE_DIGEST].contents, digest):
        raise SealRefused("IMG-4035", where="time stamp", found="another content than the one signed")
    if info.time > at + CLOCK_SKEW:
        raise SealRefused("IMG-4033", where="time stamp", found=f"{info.time:%Y-%m-%dT%H:%M:%SZ}", expected="the past")
    leaf = _signing_certificate(signed)
    chain = trust.verify_chain(leaf, signed.certificates, info.time, Purpose.TIMESTAMP)
    if not holds(chain.public_key, signed.digest, signed.signature, signed.attribute_octets):
        raise SealRefused("IMG-4035", where=chain.subject)
    return TimestampVerdict(
        time=info.time,
        level=chain.anchor.level,
        level_reason=chain.level_reason,
        authority=chain.subject,
        chain_der=chain.der,
        policy=info.policy,
        serial_number=info.serial_number,
        token_der=token,
        revocation=trust.revocation(chain, info.time),
    )


def read_info(token: bytes) -> TokenInfo:
    """What a token says, without judging it.

    Raises:
        SealRefused: IMG-4031, IMG-4005.
    """
    return _open(token)[1]


def certificates_of(token: bytes) -> tuple[bytes, ...]:
    """The certificates inside a token, DER, without judging it.

    Raises:
        SealRefused: IMG-4031, IMG-4005.
    """
    return _open(token)[0].certificates


def agrees(token: bytes, data: bytes, trust: TrustStore) -> bool | None:
    """The second opinion of rfc3161-client on a token; None where it cannot read it.

    Args:
        token: as for ``verify_token``.
        data: the octets that the token has to cover.
        trust: anchors; those with purpose ``timestamp`` count.
    """
    granted = der.encode(der.SEQUENCE, der.integer(0))
    try:
        decoded = decode_timestamp_response(der.encode(der.SEQUENCE, granted, token))
    except ValueError:
        return None
    builder = VerifierBuilder()
    for anchor in trust.anchors:
        if Purpose.TIMESTAMP in anchor.purposes:
            builder = builder.add_root_certificate(x509.load_der_x509_certificate(anchor.certificate_der))
    try:
        return builder.build().verify_message(decoded, data)
    except ValueError:  # InvalidSetOrdering appears only here
        return None
    except VerificationError:
        return False


def _open(token: bytes) -> tuple[_Signed, TokenInfo]:
    if len(token) > MAX_TOKEN_BYTES:
        raise _unreadable(f"{len(token)} bytes")
    try:
        signed = _read_signed(token)
        return signed, _read_info(der.read(signed.info_octets).expect(der.SEQUENCE).children())
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise _unreadable("no DER, or another structure") from error


def _read_signed(token: bytes) -> _Signed:
    """ContentInfo and SignedData (RFC 5652 3 and 5.1) with the one signature that RFC 3161 2.4.2 allows."""
    kind, content = der.read(token).expect(der.SEQUENCE).children()
    (signed,) = content.expect(_CONTEXT_0).children()
    _version, _digests, capsule, *optional, signers = signed.expect(der.SEQUENCE).children()
    inner_kind, inner = capsule.expect(der.SEQUENCE).children()
    if kind.octets != _SIGNED_DATA or inner_kind.octets != _TST_INFO:
        raise ValueError("no SignedData over a TSTInfo")
    (info,) = inner.expect(_CONTEXT_0).children()
    (signer,) = signers.expect(der.SET).children()
    _version, _sid, digest, attributes, algorithm, signature, *_unsigned = signer.expect(der.SEQUENCE).children()
    hash_algorithm = _digest_of(digest)
    bound = _SIGNATURES.get(algorithm.children()[0].octets)
    if bound is None or bound not in {"", hash_algorithm.name}:
        raise SealRefused("IMG-4005", where="time stamp", expected="RSA (PKCS#1) or ECDSA with SHA-256 and up")
    # signed as a SET OF, not with the context tag they travel under (RFC 5652 5.4)
    octets = bytes((der.SET,)) + attributes.expect(_CONTEXT_0).octets[1:]
    certificates = optional[0].children() if optional and optional[0].tag == _CONTEXT_0 else []
    return _Signed(
        info_octets=info.expect(der.OCTET_STRING).contents,
        certificates=tuple(node.octets for node in certificates if node.tag == der.SEQUENCE),
        attributes=_read_attributes(attributes),
        attribute_octets=octets,
        digest=hash_algorithm,
        signature=signature.expect(der.OCTET_STRING).contents,
    )


def _read_attributes(node: Node) -> dict[bytes, Node]:
    attributes: dict[bytes, Node] = {}
    for attribute in node.children():
        name, values = attribute.expect(der.SEQUENCE).children()
        (value,) = values.expect(der.SET).children()
        if name.octets in attributes:
            raise ValueError("a signed attribute twice")
        attributes[name.octets] = value
    if attributes[_CONTENT_TYPE].octets != _TST_INFO:
        raise ValueError("signed as another content type")
    attributes[_MESSAGE_DIGEST].expect(der.OCTET_STRING)
    return attributes


def _read_info(fields: list[Node]) -> TokenInfo:
    _version, policy, imprint, serial, time, *optional = fields
    digest, value = imprint.expect(der.SEQUENCE).children()
    matched = _TIME.fullmatch(time.expect(der.GENERALIZED_TIME).contents)
    if matched is None:
        raise ValueError("no time in UTC")
    moment = datetime.strptime(matched[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    nonces = [node for node in optional if node.tag == der.INTEGER]
    return TokenInfo(
        policy=der.dotted(policy),
        digest=_digest_of(digest),
        imprint=value.expect(der.OCTET_STRING).contents,
        serial_number=serial.integer(),
        time=moment + timedelta(microseconds=int((matched[2] or b"0").ljust(6, b"0"))),
        nonce=nonces[0].integer() if nonces else None,
    )


def _digest_of(algorithm: Node) -> hashes.HashAlgorithm:
    name = algorithm.expect(der.SEQUENCE).children()[0].octets
    if name not in _DIGESTS:
        raise SealRefused("IMG-4005", where="time stamp", expected="SHA-256, SHA-384 or SHA-512")
    return _DIGESTS[name]


def _signing_certificate(signed: _Signed) -> bytes:
    """The certificate that the signed attributes name by digest (RFC 3161 2.4.2, RFC 5816)."""
    try:
        name, digest = _named_certificate(signed.attributes)
    except (ValueError, IndexError, KeyError) as error:
        raise _unreadable("no signing certificate attribute") from error
    for certificate in signed.certificates:
        if hmac.compare_digest(hashlib.new(name, certificate).digest(), digest):
            return certificate
    raise SealRefused("IMG-4008", where="time stamp", expected="the authority's certificate in the token")


def _named_certificate(attributes: dict[bytes, Node]) -> tuple[str, bytes]:
    if _SIGNING_CERTIFICATE_V2 in attributes:
        certificates = attributes[_SIGNING_CERTIFICATE_V2].expect(der.SEQUENCE).children()[0]
        first = certificates.expect(der.SEQUENCE).children()[0].expect(der.SEQUENCE).children()
        # ESSCertIDv2: hashAlgorithm DEFAULT sha256, certHash, issuerSerial OPTIONAL
        name = _digest_of(first[0]).name if first[0].tag == der.SEQUENCE else "sha256"
        value = first[1] if first[0].tag == der.SEQUENCE else first[0]
    else:
        # the first form knows SHA-1 only; it merely picks a certificate, which is then validated by itself
        certificates = attributes[_SIGNING_CERTIFICATE].expect(der.SEQUENCE).children()[0]
        name = "sha1"
        value = certificates.expect(der.SEQUENCE).children()[0].children()[0]
    return name, value.expect(der.OCTET_STRING).contents


def _unreadable(found: str) -> SealRefused:
    return SealRefused("IMG-4031", where="time stamp", found=found, expected="an RFC 3161 token")
