"""The development time-stamping authority, judged by openssl and rfc3161-client."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from asn1crypto import core, tsp
from cryptography.hazmat.primitives.asymmetric import rsa
from rfc3161_client import TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response

from gateway.sandbox.pki import Authority
from gateway.sandbox.tsa import TimestampAuthority

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DATA = b"to be stamped"
KEYS = {"P-256": lambda: None, "RSA": lambda: rsa.generate_private_key(65537, 2048)}


def post(application, body, method="POST", length=None):
    status = []
    environ = {
        "REQUEST_METHOD": method,
        "CONTENT_LENGTH": str(len(body)) if length is None else length,
        "wsgi.input": io.BytesIO(body),
    }
    answer = b"".join(application(environ, lambda line, headers: status.extend([line, dict(headers)])))
    return status[0], status[1], answer


@pytest.mark.parametrize("key", KEYS)
def test_rfc3161_client_accepts_its_tokens(key):
    root = Authority("Time", now=NOW)
    issuing = Authority("Time issuing", now=NOW, parent=root)
    tsa = TimestampAuthority(issuing.timestamping("Clock", key=KEYS[key]()), clock=lambda: NOW)
    request = TimestampRequestBuilder().data(DATA).cert_request(cert_request=True).build()
    status, headers, answer = post(tsa, request.as_bytes())
    assert (status, headers["Content-Type"]) == ("200 OK", "application/timestamp-reply")
    response = decode_timestamp_response(answer)
    assert response.tst_info.gen_time == NOW
    verifier = VerifierBuilder.from_request(request).add_root_certificate(root.certificate).build()
    assert verifier.verify_message(response, DATA)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("key", KEYS)
def test_openssl_accepts_its_tokens(key, tmp_path):
    root = Authority("Time", now=NOW)
    tsa = TimestampAuthority(root.timestamping("Clock", key=KEYS[key]()), clock=lambda: NOW)
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "root.pem").write_bytes(root.certificate_pem)

    def openssl(*arguments):
        return subprocess.run(["openssl", "ts", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert openssl("-query", "-data", "data", "-sha512", "-cert", "-out", "q").returncode == 0
    (tmp_path / "r").write_bytes(tsa.answer((tmp_path / "q").read_bytes()))
    at = str(int(NOW.timestamp()))
    verify = ("-verify", "-queryfile", "q", "-in", "r", "-CAfile", "root.pem", "-attime", at)
    done = openssl(*verify)
    assert done.returncode == 0, done.stderr
    shown = openssl("-reply", "-in", "r", "-text").stdout
    assert "Status: Granted" in shown
    assert "Mar  1 12:00:00 2026" in shown
    (tmp_path / "data").write_bytes(b"other")
    assert openssl(*verify[:1], "-data", "data", *verify[3:]).returncode != 0


def test_serial_numbers_differ_and_nonces_are_returned():
    root = Authority("Time", now=NOW)
    tsa = TimestampAuthority(root.timestamping("Clock"), clock=lambda: NOW)
    request = TimestampRequestBuilder().data(DATA).build()
    infos = [decode_timestamp_response(tsa.answer(request.as_bytes())).tst_info for _ in range(2)]
    assert infos[0].serial_number != infos[1].serial_number
    assert {info.nonce for info in infos} == {request.nonce}


def test_certificates_are_left_out_unless_asked_for():
    root = Authority("Time", now=NOW)
    tsa = TimestampAuthority(root.timestamping("Clock"), clock=lambda: NOW)
    request = TimestampRequestBuilder().data(DATA).cert_request(cert_request=False).build()
    assert not decode_timestamp_response(tsa.answer(request.as_bytes())).signed_data.certificates


def refusal_of(answer):
    """Status and failure bits; asn1crypto's own TimeStampResp insists on a token."""
    (status,) = core.SequenceOf.load(answer, spec=tsp.PKIStatusInfo)
    return status["status"].native, status["fail_info"].native


def test_refusals_say_why():
    tsa = TimestampAuthority(Authority("Time", now=NOW).timestamping("Clock"))
    assert refusal_of(tsa.answer(b"garbage")) == ("rejection", {"bad_data_format"})
    imprint = {"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": hashlib.sha1(DATA).digest()}
    request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint}).dump()
    assert refusal_of(tsa.answer(request)) == ("rejection", {"bad_alg"})


@pytest.mark.parametrize(
    ("method", "length"), [("GET", "0"), ("POST", ""), ("POST", "-1"), ("POST", "4097"), ("POST", "x")]
)
def test_what_is_no_query_over_http_is_refused(method, length):
    tsa = TimestampAuthority(Authority("Time", now=NOW).timestamping("Clock"))
    assert post(tsa, b"", method, length)[0] == "400 Bad Request"
