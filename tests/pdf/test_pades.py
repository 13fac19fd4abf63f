"""The seal on printed documents, as independent readers see it: pyHanko's validator and openssl."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from datetime import timedelta
from io import BytesIO

import pytest
from asn1crypto import x509 as asn1_x509
from ched_values import full
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from gateway.documents.ched import ChedType
from gateway.errors import ChedRefused, Unavailable
from gateway.pdf import CertificatePdf, ChedPdf, render_ched
from gateway.pdf_signing import PadesSealer
from gateway.sandbox.pki import Authority
from gateway.sandbox.tsa import TimestampAuthority
from gateway.trust import Anchor, Purpose, Sealer, TimestampClient, TrustStore


@pytest.fixture(scope="module")
def root(now):
    return Authority("Root of the country", now=now - timedelta(days=1))


@pytest.fixture(scope="module")
def issuing(root, now):
    return Authority("Issuing", now=now - timedelta(days=1), parent=root)


@pytest.fixture(scope="module")
def clock_root(now):
    return Authority("Root of time", now=now - timedelta(days=1))


@pytest.fixture(scope="module")
def make_sealer(issuing, clock_root, now):
    def make(*, key=None, stamped=False, answers=True):
        credential = issuing.seal("Authority of Nowhere", key=key)
        timestamper = None
        if stamped:
            authority = TimestampAuthority(clock_root.timestamping("Clock"), clock=lambda: now)
            anchor = Anchor("time", clock_root.certificate_der, frozenset({Purpose.TIMESTAMP}))

            def ask(_url, query):
                if not answers:
                    raise Unavailable("IMG-9003", where="http://tsa.invalid")
                return authority.answer(query)

            timestamper = TimestampClient(["http://tsa.invalid"], TrustStore([anchor]), ask)
        return PadesSealer(Sealer(credential.key, credential.certificate_der, credential.chain_der, timestamper))

    return make


def sealed(sealer, now, kind=ChedType.PP):
    ched = full(kind)
    return ChedPdf(lambda: now, sealer)(ched, language="en", url=ched.url, contingency="", signed=True)


@pytest.fixture(scope="module")
def verdict(root, clock_root, now):
    anchors = [asn1_x509.Certificate.load(each.certificate_der) for each in (root, clock_root)]

    def of(data):
        signature = PdfFileReader(BytesIO(data)).embedded_signatures[0]
        context = ValidationContext(trust_roots=anchors, moment=now, allow_fetching=False)
        return signature, asyncio.run(async_validate_pdf_signature(signature, context, context))

    return of


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="P-256"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP521R1()), id="P-521"),
        pytest.param(lambda: rsa.generate_private_key(65537, 2048), id="RSA-2048"),
    ],
)
def test_a_seal_is_valid_and_covers_the_whole_file(make_sealer, verdict, now, key):
    signature, status = verdict(sealed(make_sealer(key=key()), now))
    assert (status.intact, status.valid, status.trusted) == (True, True, True)
    assert status.coverage.name == "ENTIRE_FILE"
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.self_reported_timestamp == now
    assert "signing_certificate_v2" in {each["type"].native for each in signature.signer_info["signed_attrs"]}
    assert status.timestamp_validity is None


def test_with_an_authority_the_seal_bears_a_valid_time_stamp(make_sealer, verdict, now):
    _, status = verdict(sealed(make_sealer(stamped=True), now))
    stamp = status.timestamp_validity
    assert status.bottom_line
    assert (stamp.intact, stamp.valid, stamp.trusted, stamp.timestamp) == (True, True, True, now)


def test_a_required_stamp_that_nobody_gives_makes_no_seal(make_sealer, now):
    with pytest.raises(Unavailable, match="IMG-9003"):
        sealed(make_sealer(stamped=True, answers=False), now)


def test_a_byte_changed_under_the_seal_is_seen(make_sealer, verdict, now):
    data = bytearray(sealed(make_sealer(), now))
    at = data.index(b"/Producer")
    data[at + 12] ^= 1
    _, status = verdict(bytes(data))
    assert not status.intact


def test_the_sealed_file_is_the_printed_one_with_an_update_behind_it(make_sealer, printed, now):
    ched = full(ChedType.PP)
    plain = ChedPdf(lambda: now)(ched, language="en", url=ched.url, contingency="", signed=False)
    data = sealed(make_sealer(), now)
    assert "This file bears an electronic seal." in printed(data).text
    assert "electronic seal" not in printed(plain).text
    bare = render_ched(ched, language="en", url=ched.url, contingency="", now=now, sealed=True)
    assert data.startswith(bare)
    assert data.count(b"%%EOF") == 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_the_cms(make_sealer, root, now, tmp_path):
    data = sealed(make_sealer(), now)
    begin, first, second, rest = map(int, re.search(rb"/ByteRange ?\[(\d+) (\d+) (\d+) (\d+)", data).groups())
    (tmp_path / "content").write_bytes(data[begin : begin + first] + data[second : second + rest])
    cms = bytes.fromhex(data[first + 1 : second - 1].decode())
    (tmp_path / "seal.der").write_bytes(cms)
    (tmp_path / "root.pem").write_bytes(root.certificate_pem)
    command = "openssl cms -verify -binary -inform DER -in seal.der -content content -CAfile root.pem -out out"
    done = subprocess.run(
        [*command.split(), "-purpose", "any", "-attime", str(int(now.timestamp()))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == (tmp_path / "content").read_bytes()


@pytest.mark.parametrize("maker", [ChedPdf, CertificatePdf])
def test_without_a_key_there_is_no_signed_document(maker, now):
    contingency = {"contingency": ""} if maker is ChedPdf else {}
    with pytest.raises(ChedRefused, match="IMG-7207"):
        maker(lambda: now)(full(ChedType.P), language="en", url="https://x.example/1", signed=True, **contingency)
