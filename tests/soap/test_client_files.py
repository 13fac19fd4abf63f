"""Clients that sign their messages, and files that travel beside envelopes, over loopback both ways."""

import base64
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from soap_bench import PATH, REPLY, REQUEST

from gateway.errors import SealRefused
from gateway.sandbox.pki import Authority
from gateway.soap import Part, SoapReply, SoapVersion
from gateway.soap.client import Credentials, SoapFaultReceived, open_client
from gateway.soap.envelope import write_envelope
from gateway.soap.mtom import pack
from gateway.soap.transport import UnusableReply
from gateway.trust import Anchor, BodySealer, Level, Purpose, Sealer, TrustStore, verify_body_signature
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import CX1, qn

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACCOUNT = Credentials("user", "secret", clock=lambda: NOW)
BOTH = pytest.mark.parametrize("version", SoapVersion)
FILE = Part("file@imsoc", "application/pdf", b"%PDF\r\n--\x00\xff" * 1000)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def serving(application):
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{PATH}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def authority():
    return Authority("Of the signer", now=NOW)


@pytest.fixture(scope="module")
def signer(authority):
    credential = authority.seal("Signer")
    return BodySealer(Sealer(credential.key, credential.certificate_der))


@pytest.fixture
def verifying(make_bench, authority):
    """A service that answers whom it has found to have signed."""
    anchor = Anchor("a", authority.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED)

    def answer(call):
        found = call.security.body_signature
        if found is None:
            raise SealRefused("IMG-4001")
        verdict = verify_body_signature(found, call.body, trust=TrustStore([anchor]), at=NOW)
        return SoapReply(REPLY.replace(b"kept", verdict.signer_subject.encode()))

    return make_bench(handler=answer, contract_options={"signed_bodies": True})


def connect(address, **options):
    return open_client("CertificateExchange.wsdl", address, **{"timeout": 5, "credentials": ACCOUNT, **options})


@BOTH
def test_a_client_signs_the_bytes_that_it_is_given(verifying, signer, version):
    with serving(verifying.application) as address:
        reply = connect(address, version=version, sign_with=signer).call("GetCertificateStatus", REQUEST.encode())
    assert "CN=Signer" in reply.body.get("a")


@BOTH
def test_typed_calls_of_zeep_are_signed_too(verifying, signer, version):
    with serving(verifying.application) as address:
        connect(address, version=version, sign_with=signer).service.GetCertificateStatus(MessageID="m-7")
    assert verifying.faults == []
    assert verifying.calls[0].body.findtext(qn(CX1, "MessageID")) == "m-7"


def test_without_a_signer_nothing_is_signed(verifying):
    with serving(verifying.application) as address, pytest.raises(SoapFaultReceived):
        connect(address).call("GetCertificateStatus", REQUEST.encode())
    assert [code for code, _ in verifying.faults] == ["IMG-4001"]


def test_a_signature_without_credentials_has_a_timestamp_of_its_own(make_bench, signer):
    bench = make_bench(contract_options={"signed_bodies": True})
    with serving(bench.application) as address:
        connect(address, credentials=None, sign_with=signer).call("GetCertificateStatus", REQUEST.encode())
    (call,) = bench.calls
    assert call.security.username_token is None
    assert call.security.timestamp.expires - call.security.timestamp.created == timedelta(minutes=2)


@pytest.fixture
def echoing(make_bench):
    """A service that gives the file back that it was given."""

    def answer(call):
        given = base64.b64decode(call.body.findtext(qn(CX1, "MessageID")))
        part = replace(FILE, content_id="given-back", content=given)
        return SoapReply(b'<r xmlns="urn:r">' + part.include + b"</r>", parts=(part,))

    return make_bench(handler=answer, contract_options={"mtom": True, "reply_version": SoapVersion.SOAP12})


INCLUDING = REQUEST.encode().replace(b"m-1", FILE.include)
INLINE = REQUEST.encode().replace(b"m-1", base64.b64encode(FILE.content))


@BOTH
@pytest.mark.parametrize(
    ("body", "options", "beside"),
    [
        (INCLUDING, {"parts": [FILE]}, True),
        (INLINE, {"takes_mtom": True}, True),
        (INLINE, {}, False),
    ],
    ids=["package", "accepted", "base64"],
)
def test_a_file_goes_there_and_back(echoing, version, body, options, beside):
    with serving(echoing.application) as address:
        reply = connect(address, version=version).call("GetCertificateStatus", body, **options)
    assert base64.b64decode(reply.body.text, validate=True) == FILE.content
    assert reply.version is SoapVersion.SOAP12
    assert (FILE.content in reply.raw) is beside


def test_a_package_is_not_signed_as_if_it_were_whole(echoing, signer):
    with serving(echoing.application) as address, pytest.raises(ValueError, match="signed"):
        connect(address, sign_with=signer).call("GetCertificateStatus", INCLUDING, parts=[FILE])
    assert echoing.calls == []


def test_a_reply_beyond_the_limits_of_texts_is_unusable(echoing):
    small = replace(DEFAULT_LIMITS, max_text_length=5_000)
    with serving(echoing.application) as address, pytest.raises(UnusableReply):
        connect(address, limits=small).call("GetCertificateStatus", INCLUDING, parts=[FILE])


def test_a_signature_covers_the_file_whichever_way_it_travels(make_bench, authority, signer):
    """A hop may take the base64 out of a signed Body and put the file beside it (MTOM 1.2): the message is the same."""
    anchor = Anchor("a", authority.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED)
    verified = []

    def answer(call):
        verified.append(
            verify_body_signature(call.security.body_signature, call.body, trust=TrustStore([anchor]), at=NOW)
        )
        return SoapReply(REPLY)

    bench = make_bench(handler=answer, contract_options={"mtom": True, "signed_bodies": True})
    root = parse(write_envelope(INLINE, SoapVersion.SOAP11)).root
    signer.sign(root, at=NOW)
    taken_out = serialise(root).replace(base64.b64encode(FILE.content), FILE.include)
    for part, status in ((FILE, 200), (replace(FILE, content=FILE.content + b"!"), 500)):
        content_type, message = pack(taken_out, SoapVersion.SOAP11, [part], token="1")
        assert bench.send(message, CONTENT_TYPE=content_type).status == status
    assert len(verified) == 1
    assert [code for code, _ in bench.faults] == ["IMG-4009"]
