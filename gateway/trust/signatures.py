"""Public-key verification of one signature value, for seals (XMLDSig) and time stamps (CMS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gateway.errors import SealRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from gateway.trust.policy import SignatureAlgorithm, SignaturePolicy

__all__ = ["holds", "require_strong_key", "verify_xml_signature"]


def require_strong_key(key: CertificatePublicKeyTypes, policy: SignaturePolicy, family: str) -> None:
    """Refuses a key that the policy finds too small, too large or of another kind than the algorithm.

    Raises:
        SealRefused: IMG-4005.
    """
    if family == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, policy.curves):
            raise SealRefused("IMG-4005", found=f"curve {key.curve.name}")
    elif family.startswith("rsa") and isinstance(key, rsa.RSAPublicKey):
        if not policy.min_rsa_bits <= key.key_size <= policy.max_rsa_bits:
            expected = f"{policy.min_rsa_bits} to {policy.max_rsa_bits}"
            raise SealRefused("IMG-4005", found=f"RSA {key.key_size} bits", expected=expected)
    else:
        raise SealRefused("IMG-4005", found=f"a key that does not fit {family}")


def verify_xml_signature(
    key: CertificatePublicKeyTypes, algorithm: SignatureAlgorithm, value: bytes, data: bytes
) -> bool:
    """Whether ``value`` is the key's signature over ``data`` in XMLDSig's form (ECDSA: r and s of equal length)."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        size = (key.key_size + 7) // 8
        if len(value) != 2 * size:
            return False
        value = encode_dss_signature(int.from_bytes(value[:size], "big"), int.from_bytes(value[size:], "big"))
    return holds(key, algorithm.digest, value, data, pss=algorithm.family == "rsa-pss")


def holds(
    key: CertificatePublicKeyTypes, digest: hashes.HashAlgorithm, value: bytes, data: bytes, *, pss: bool = False
) -> bool:
    """Whether ``value`` is the key's signature over ``data``; ECDSA in DER."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, data, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey) and pss:
            key.verify(value, data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(value, data, padding.PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True
