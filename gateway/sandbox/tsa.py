"""An RFC 3161 time-stamping authority for development, as a WSGI application.

Fast enough to stand in a benchmark: the parts of a token that never change are encoded once.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from gateway.sandbox.pki import Credential

__all__ = ["TimestampAuthority"]

POLICY = "1.3.6.1.4.1.32473.1.1"
"""An OID from the arc for examples (RFC 5612)."""

MAX_REQUEST_BYTES = 4096
_DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}


class TimestampAuthority:
    """Answers time-stamp queries; also callable as WSGI.

    Args:
        credential: from ``Authority.timestamping``.
        clock: the time to stamp, aware.
    """

    def __init__(self, credential: Credential, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._key = credential.key
        self._clock = clock
        leaf = asn1_x509.Certificate.load(credential.certificate_der)
        self._certificates = [leaf, *(asn1_x509.Certificate.load(der) for der in credential.chain_der)]
        self._sid = cms.SignerIdentifier(
            "issuer_and_serial_number",
            cms.IssuerAndSerialNumber({"issuer": leaf.issuer, "serial_number": leaf.serial_number}),
        )
        essence = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(credential.certificate_der).digest()})
        self._signing_certificate = tsp.SigningCertificateV2({"certs": [essence]})
        family = "sha256_rsa" if isinstance(self._key, rsa.RSAPrivateKey) else "sha256_ecdsa"
        self._signature_algorithm = algos.SignedDigestAlgorithm({"algorithm": family})
        self._digest_algorithm = algos.DigestAlgorithm({"algorithm": "sha256"})

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
            request = tsp.TimeStampReq.load(query, strict=True)
            imprint = request["message_imprint"]
            name = imprint["hash_algorithm"]["algorithm"].native
            fits = _DIGEST_SIZES.get(name) == len(imprint["hashed_message"].native)
            nonce, wanted = request["nonce"].native, bool(request["cert_req"].native)
        except (ValueError, TypeError):
            return _rejection("bad_data_format")
        if not fits:
            return _rejection("bad_alg")
        token = self._token(imprint, nonce, with_certificates=wanted)
        return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())

    def _token(self, imprint: Any, nonce: int | None, *, with_certificates: bool) -> Any:
        fields = {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": imprint,
            "serial_number": secrets.randbits(63) | 1,
            "gen_time": self._clock().astimezone(UTC).replace(microsecond=0),
        }
        if nonce is not None:
            fields["nonce"] = nonce
        info = tsp.TSTInfo(fields).dump()
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(info).digest()]}),
                cms.CMSAttribute({"type": "signing_certificate_v2", "values": [self._signing_certificate]}),
            ]
        )
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": self._sid,
                "digest_algorithm": self._digest_algorithm,
                "signed_attrs": attributes,
                "signature_algorithm": self._signature_algorithm,
                "signature": self._sign(attributes.dump()),
            }
        )
        signed = {
            "version": "v3",
            "digest_algorithms": [self._digest_algorithm],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
            "signer_infos": [signer],
        }
        if with_certificates:
            signed["certificates"] = self._certificates
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def _rejection(reason: str) -> bytes:
    status = tsp.PKIStatusInfo({"status": "rejection", "fail_info": {reason}})
    return bytes(tsp.TimeStampResp({"status": status}).dump())
