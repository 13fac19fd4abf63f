"""An RFC 3161 time-stamping authority for development, as a WSGI application.

Fast enough to stand in a benchmark: the parts of a token that never change are encoded once.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from gateway.trust import der

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from gateway.sandbox.pki import Credential

__all__ = ["TimestampAuthority"]

POLICY = "1.3.6.1.4.1.32473.1.1"
"""An OID from the arc for examples (RFC 5612)."""

MAX_REQUEST_BYTES = 4096

_SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
_TST_INFO = der.oid("1.2.840.113549.1.9.16.1.4")
_SHA256 = der.encode(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")
_DIGEST_SIZES = {
    der.oid("2.16.840.1.101.3.4.2.1"): 32,
    der.oid("2.16.840.1.101.3.4.2.2"): 48,
    der.oid("2.16.840.1.101.3.4.2.3"): 64,
}
_REJECTION = 2
_BAD_ALGORITHM = b"\x07\x80"  # failure bit 0 of PKIFailureInfo
_BAD_FORMAT = b"\x02\x04"  # failure bit 5


@dataclass(frozen=True, slots=True)
class _Query:
    imprint: bytes
    nonce: bytes
    wants_certificates: bool
    fits: bool


class TimestampAuthority:
    """Answers time-stamp queries; also callable as WSGI.

    Args:
        credential: from ``Authority.timestamping``.
        clock: the time to stamp, aware.
    """

    def __init__(self, credential: Credential, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._key = credential.key
        self._clock = clock
        # DER orders a SET OF by its encodings (X.690 11.6)
        self._certificates = der.encode(0xA0, *sorted((credential.certificate_der, *credential.chain_der)))
        self._sid = der.encode(
            der.SEQUENCE,
            credential.certificate.issuer.public_bytes(),
            der.integer(credential.certificate.serial_number),
        )
        rsa_key = isinstance(credential.key, rsa.RSAPrivateKey)
        self._algorithm = der.encode(
            der.SEQUENCE,
            *((der.oid("1.2.840.113549.1.1.11"), b"\x05\x00") if rsa_key else (der.oid("1.2.840.10045.4.3.2"),)),
        )
        certificate_id = der.encode(
            der.SEQUENCE, der.encode(der.OCTET_STRING, hashlib.sha256(credential.certificate_der).digest())
        )
        self._signing_certificate = _attribute(
            "1.2.840.113549.1.9.16.2.47", der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, certificate_id))
        )
        self._content_type = _attribute("1.2.840.113549.1.9.3", _TST_INFO)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """POST application/timestamp-query in, application/timestamp-reply out (RFC 3161 3.4)."""
        length = environ.get("CONTENT_LENGTH", "")
        if environ.get("REQUEST_METHOD") != "POST" or not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
            start_response("400 Bad Request", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        reply = self.answer(environ["wsgi.input"].read(int(length)))
        headers = [("Content-Type", "application/timestamp-reply"), ("Content-Length", str(len(reply)))]
        start_response("200 OK", headers)
        return [reply]

    def answer(self, query: bytes) -> bytes:
        """The TimeStampResp (DER) for a TimeStampReq (DER); a rejection says why by its failure bit."""
        try:
            request = _read_query(query)
        except (ValueError, IndexError):
            return _rejection(_BAD_FORMAT)
        if not request.fits:
            return _rejection(_BAD_ALGORITHM)
        return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, der.integer(0)), self._token(request))

    def _token(self, request: _Query) -> bytes:
        info = der.encode(
            der.SEQUENCE,
            der.integer(1),
            der.oid(POLICY),
            request.imprint,
            der.integer(secrets.randbits(63) | 1),
            der.encode(der.GENERALIZED_TIME, self._clock().astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()),
            request.nonce,
        )
        digest = _attribute("1.2.840.113549.1.9.4", der.encode(der.OCTET_STRING, hashlib.sha256(info).digest()))
        attributes = sorted((self._content_type, digest, self._signing_certificate))
        signer = der.encode(
            der.SEQUENCE,
            der.integer(1),
            self._sid,
            _SHA256,
            der.encode(0xA0, *attributes),
            self._algorithm,
            der.encode(der.OCTET_STRING, self._sign(der.encode(der.SET, *attributes))),
        )
        signed = der.encode(
            der.SEQUENCE,
            der.integer(3),
            der.encode(der.SET, _SHA256),
            der.encode(der.SEQUENCE, _TST_INFO, der.encode(0xA0, der.encode(der.OCTET_STRING, info))),
            self._certificates if request.wants_certificates else b"",
            der.encode(der.SET, signer),
        )
        return der.encode(der.SEQUENCE, _SIGNED_DATA, der.encode(0xA0, signed))

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def _read_query(query: bytes) -> _Query:
    _version, imprint, *optional = der.read(query).expect(der.SEQUENCE).children()
    algorithm, digest = imprint.expect(der.SEQUENCE).children()
    size = _DIGEST_SIZES.get(algorithm.expect(der.SEQUENCE).children()[0].octets)
    return _Query(
        imprint=imprint.octets,
        nonce=next((node.octets for node in optional if node.tag == der.INTEGER), b""),
        wants_certificates=any(node.tag == der.BOOLEAN and node.contents != b"\x00" for node in optional),
        fits=size == len(digest.expect(der.OCTET_STRING).contents),
    )


def _attribute(kind: str, value: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.oid(kind), der.encode(der.SET, value))


def _rejection(failure: bytes) -> bytes:
    status = der.encode(der.SEQUENCE, der.integer(_REJECTION), der.encode(0x03, failure))
    return der.encode(der.SEQUENCE, status)
