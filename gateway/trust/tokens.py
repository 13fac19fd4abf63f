"""RFC 3161 time-stamp tokens: read with asn1crypto, verified with cryptography, chained to the partner's anchors.

rfc3161-client was the first choice and is kept as the second opinion (``agrees``): it refuses tokens whose certificates
are not in DER SET order, which ``openssl ts -verify`` accepts, and it does not look at the signing-certificate
attribute (RFC 5035), the only thing that binds the authority's certificate to its signature.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from gateway.errors import SealRefused
from gateway.trust.models import Purpose, TimestampVerdict
from gateway.trust.signatures import holds

if TYPE_CHECKING:
    from gateway.trust.anchors import Chain, TrustStore

__all__ = ["MAX_TOKEN_BYTES", "agrees", "verify_token"]

MAX_TOKEN_BYTES = 64 * 1024
"""A token with its chain is 2 to 6 KB; one with revocation data stays below this."""

CLOCK_SKEW = timedelta(minutes=5)

_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def verify_token(token: bytes, data: bytes, trust: TrustStore, at: datetime) -> TimestampVerdict:
    """A time-stamp token over ``data``.

    Args:
        token: the CMS ContentInfo (a TimeStampToken, not a TimeStampResp), DER or BER.
        data: the octets that the token has to cover.
        trust: anchors; those with purpose ``timestamp`` count.
        at: now, aware; a token from further ahead than the clock skew is refused.

    Raises:
        SealRefused: IMG-4031 unreadable or of another shape, IMG-4032 it covers other data, IMG-4033 it comes from the
            future, IMG-4035 its signature does not hold, and IMG-4020 to IMG-4024 for its certificate.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise _unreadable(f"{len(token)} bytes")
    try:
        content = cms.ContentInfo.load(token, strict=True)
        if content["content_type"].native != "signed_data":
            raise _unreadable("no CMS SignedData")
        signed = content["content"]
        capsule = signed["encap_content_info"]
        if capsule["content_type"].native != "tst_info" or len(signed["signer_infos"]) != 1:
            raise _unreadable("no TSTInfo with one signature")
        signer = signed["signer_infos"][0]
        info_bytes: bytes = capsule["content"].contents
        info = tsp.TSTInfo.load(info_bytes, strict=True)
        time: datetime = info["gen_time"].native.astimezone(UTC)
        _require_imprint(info, data)
        attributes, digest = _signed_attributes(signer, info_bytes)
        candidates = [choice.chosen.dump() for choice in signed["certificates"] or () if choice.name == "certificate"]
        leaf = _signing_certificate(attributes, candidates)
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # what asn1crypto raises on hostile bytes
        raise _unreadable("no RFC 3161 token") from error
    if time > at + CLOCK_SKEW:
        raise SealRefused("IMG-4033", where="time stamp", found=f"{time:%Y-%m-%dT%H:%M:%SZ}", expected="not the future")
    chain = trust.verify_chain(leaf, candidates, time, Purpose.TIMESTAMP)
    # the attributes are signed as a SET OF, not with the context tag they travel under (RFC 5652 5.4)
    signed_octets = b"\x31" + signer["signed_attrs"].dump()[1:]
    if not holds(chain.public_key, digest, signer["signature"].native, signed_octets):
        raise SealRefused("IMG-4035", where=chain.subject)
    return _verdict(token, info, time, chain, trust.revocation(chain, time))


def agrees(token: bytes, data: bytes, trust: TrustStore) -> bool | None:
    """The second opinion of rfc3161-client on a token; None where it cannot read it.

    Args:
        token: as for ``verify_token``.
        data: the octets that the token has to cover.
        trust: anchors; those with purpose ``timestamp`` count.
    """
    response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": cms.ContentInfo.load(token)})
    try:
        decoded = decode_timestamp_response(response.dump())
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


def _verdict(token: bytes, info: Any, time: datetime, chain: Chain, revocation: str) -> TimestampVerdict:
    return TimestampVerdict(
        time=time,
        level=chain.anchor.level,
        level_reason=chain.level_reason,
        authority=chain.subject,
        chain_der=chain.der,
        policy=info["policy"].dotted,
        serial_number=info["serial_number"].native,
        token_der=token,
        revocation=revocation,
    )


def _require_imprint(info: Any, data: bytes) -> None:
    imprint = info["message_imprint"]
    name = imprint["hash_algorithm"]["algorithm"].native
    if name not in _DIGESTS:
        raise SealRefused("IMG-4005", where="time stamp", found=name)
    if not hmac.compare_digest(imprint["hashed_message"].native, hashlib.new(name, data).digest()):
        raise SealRefused("IMG-4032")


def _signed_attributes(signer: Any, info: bytes) -> tuple[dict[str, Any], hashes.HashAlgorithm]:
    """Content type and digest as RFC 5652 11 asks; returns all attributes and the digest algorithm."""
    attributes: dict[str, Any] = {}
    for attribute in signer["signed_attrs"]:
        name = attribute["type"].native
        if name in attributes or len(attribute["values"]) != 1:
            raise _unreadable(f"attribute {name} twice")
        attributes[name] = attribute["values"][0]
    name = signer["digest_algorithm"]["algorithm"].native
    algorithm = signer["signature_algorithm"]
    if name not in _DIGESTS or algorithm.signature_algo not in {"rsassa_pkcs1v15", "ecdsa"}:
        raise SealRefused("IMG-4005", where="time stamp", found=f"{name}, {algorithm['algorithm'].native}")
    if algorithm["algorithm"].native not in {"rsassa_pkcs1v15", "ecdsa"} and algorithm.hash_algo != name:
        raise _unreadable("two digest algorithms")
    if attributes["content_type"].native != "tst_info":
        raise _unreadable("content type")
    if not hmac.compare_digest(attributes["message_digest"].native, hashlib.new(name, info).digest()):
        raise SealRefused("IMG-4035", where="time stamp", found="another content than the one signed")
    return attributes, _DIGESTS[name]


def _signing_certificate(attributes: dict[str, Any], candidates: list[bytes]) -> bytes:
    """The certificate that the signed attributes name by digest (RFC 3161 2.4.2, RFC 5816)."""
    if "signing_certificate_v2" in attributes:
        named = attributes["signing_certificate_v2"]["certs"][0]
        name, digest = named["hash_algorithm"]["algorithm"].native, named["cert_hash"].native
    else:
        # RFC 3161's first form knows SHA-1 only; it merely picks a certificate that is then validated by itself
        name, digest = "sha1", attributes["signing_certificate"]["certs"][0]["cert_hash"].native
    if name not in {"sha1", *_DIGESTS}:
        raise SealRefused("IMG-4005", where="time stamp", found=name)
    for der in candidates:
        if hmac.compare_digest(hashlib.new(name, der).digest(), digest):
            return der
    raise SealRefused("IMG-4008", where="time stamp", expected="the authority's certificate in the token")


def _unreadable(found: str) -> SealRefused:
    return SealRefused("IMG-4031", where="time stamp", found=found, expected="an RFC 3161 token")
