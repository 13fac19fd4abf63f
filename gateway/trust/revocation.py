"""CRLs and OCSP responses from the files of a partner record (ARCHITECTURE section 6: offline mode is stated)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.errors import ConfigurationError, SealRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

__all__ = ["RevocationData"]

OFFLINE = "offline, from the files of the partner record"
MAX_KNOWN = 1024
"""Certificates whose statements are remembered."""


@dataclass(frozen=True, slots=True)
class _Statement:
    """What one CRL or response says about one certificate."""

    revoked_at: datetime | None
    this_update: datetime
    next_update: datetime | None
    """None when the statement clears nothing: it can revoke, but not vouch."""

    def vouches(self, at: datetime) -> bool:
        return self.next_update is not None and self.this_update <= at <= self.next_update


class RevocationData:
    """Statements of authorities about their certificates, parsed once and looked up once per certificate.

    Args:
        crls: DER or PEM.
        ocsp_responses: DER.

    Raises:
        ConfigurationError: IMG-0141 when one cannot be read or says that it is none.
    """

    def __init__(self, crls: Sequence[bytes], ocsp_responses: Sequence[bytes]) -> None:
        try:
            self._crls = [_read_crl(data) for data in crls]
            self._responses = [_read_response(data) for data in ocsp_responses]
        except ValueError as error:
            raise ConfigurationError("IMG-0141", found="no CRL or OCSP response that can be used") from error
        self._known: dict[tuple[x509.Certificate, x509.Certificate], tuple[_Statement, ...]] = {}

    def judge(self, chain: Sequence[x509.Certificate], at: datetime) -> str:
        """Refuses a revoked certificate; otherwise says in words what is known.

        Only statements whose signature leads to the issuer in the chain count. A certificate revoked after ``at`` still
        passes: a time stamp proved that the seal is older (ETSI EN 319 102-1, 5.5).

        Args:
            chain: signer first, anchor last; the anchor itself is trusted by decree and not looked up.
            at: the time for which the seal is judged.

        Returns:
            ``good`` with the date of the oldest statement used, or ``not known`` with the reason.

        Raises:
            SealRefused: IMG-4023.
        """
        if not self._crls and not self._responses:
            return "not known: the partner record names no CRL and no OCSP response"
        newest: list[datetime] = []
        silent = ""
        for certificate, issuer in pairwise(chain):
            statements = self._statements(certificate, issuer)
            for statement in statements:
                if statement.revoked_at is not None and statement.revoked_at <= at:
                    raise SealRefused(
                        "IMG-4023",
                        where=certificate.subject.rfc4514_string(),
                        found=f"revoked on {statement.revoked_at:%Y-%m-%dT%H:%M:%SZ}",
                    )
            current = [statement.this_update for statement in statements if statement.vouches(at)]
            if current:
                newest.append(max(current))
            else:
                silent = silent or certificate.subject.rfc4514_string()
        if silent:
            return f"not known: no current statement about {silent} ({OFFLINE})"
        return f"good as of {min(newest):%Y-%m-%dT%H:%M:%SZ} ({OFFLINE})" if newest else "good: the anchor itself"

    def _statements(self, certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[_Statement, ...]:
        known = self._known.get((certificate, issuer))
        if known is None:
            known = (*_from_crls(self._crls, certificate, issuer), *_from_ocsp(self._responses, certificate, issuer))
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[(certificate, issuer)] = known
        return known


def _from_crls(
    crls: Sequence[x509.CertificateRevocationList], certificate: x509.Certificate, issuer: x509.Certificate
) -> Iterator[_Statement]:
    key = issuer.public_key()
    for crl in crls:
        if crl.issuer != certificate.issuer or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            continue
        if crl.is_signature_valid(key):
            entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            revoked_at = entry.revocation_date_utc if entry is not None else None
            yield _Statement(revoked_at, crl.last_update_utc, crl.next_update_utc)


def _from_ocsp(
    responses: Sequence[ocsp.OCSPResponse], certificate: x509.Certificate, issuer: x509.Certificate
) -> Iterator[_Statement]:
    for response in responses:
        if _is_about(response, certificate, issuer) and _is_signed_for(response, issuer):
            good = response.certificate_status is ocsp.OCSPCertStatus.GOOD
            until = response.next_update_utc if good else None
            yield _Statement(response.revocation_time_utc, response.this_update_utc, until)


def _read_crl(data: bytes) -> x509.CertificateRevocationList:
    crl = x509.load_pem_x509_crl(data) if b"-----BEGIN" in data else x509.load_der_x509_crl(data)
    if any(extension.critical for extension in crl.extensions):
        raise ValueError("a partial CRL (delta, indirect or by reason) cannot clear a certificate")
    return crl


def _read_response(data: bytes) -> ocsp.OCSPResponse:
    response = ocsp.load_der_ocsp_response(data)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError("an OCSP response that answers nothing")
    return response


def _is_about(response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if response.serial_number != certificate.serial_number:
        return False
    names = hashes.Hash(response.hash_algorithm)
    names.update(issuer.subject.public_bytes())
    keys = hashes.Hash(response.hash_algorithm)
    keys.update(_key_bits(issuer))
    return response.issuer_name_hash == names.finalize() and response.issuer_key_hash == keys.finalize()


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The content of the subjectPublicKey bit string, which is what OCSP hashes (RFC 6960 4.1.1)."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return b""


def _is_signed_for(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    """Signed by the issuer itself, or by a responder that the issuer certified for it (RFC 6960 4.2.2.2)."""
    for responder in (issuer, *response.certificates):
        if responder is not issuer and not _is_delegate(responder, issuer, response.this_update_utc):
            continue
        key = responder.public_key()
        algorithm = response.signature_hash_algorithm
        try:
            if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
                key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
            elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
                key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
            else:
                continue
        except InvalidSignature:
            continue
        return True
    return False


def _is_delegate(responder: x509.Certificate, issuer: x509.Certificate, at: datetime) -> bool:
    try:
        responder.verify_directly_issued_by(issuer)
        usage = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    valid = responder.not_valid_before_utc <= at <= responder.not_valid_after_utc
    return valid and ExtendedKeyUsageOID.OCSP_SIGNING in usage
