"""Calls over loopback: bytes leave and arrive as they are, and every bad answer has its outcome."""

import gzip
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from soap_bench import PATH, REPLY, REQUEST

from gateway.errors import ConfigurationError, DeliveryError
from gateway.soap import SoapVersion
from gateway.soap.client import Credentials, SoapFaultReceived, open_client
from gateway.soap.security import password_digest
from gateway.soap.transport import PackageTransport, TlsSettings, UnusableReply
from gateway.xml.limits import DEFAULT_LIMITS, LIBXML2_TEXT
from gateway.xml.names import CX1, HUB, SOAP11, qn

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACCOUNT = Credentials("user", "secret", clock=lambda: NOW, random_bytes=lambda size: b"n" * size)
WSDL = "CertificateExchange.wsdl"
BOTH = pytest.mark.parametrize("version", SoapVersion)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Server(WSGIServer):
    request_queue_size = 20


@contextmanager
def serving(application):
    with make_server("127.0.0.1", 0, application, Server, Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{PATH}"
        server.shutdown()
        thread.join()


def answering(status, content, kind="text/xml", **headers):
    """A partner that answers every call alike."""

    def application(environ, start_response):
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        extra = [(name.replace("_", "-"), value) for name, value in headers.items()]
        start_response(f"{status} x", [("Content-Type", kind), ("Content-Length", str(len(content))), *extra])
        return [content]

    return serving(application)


def soap(body):
    return f'<s:Envelope xmlns:s="{SOAP11}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def connect(address, **options):
    return open_client(WSDL, address, **{"timeout": 5, **options})


@BOTH
def test_bytes_arrive_as_they_were_sent_and_the_reply_as_it_was_written(bench, version):
    sealed = REQUEST.replace("><", " \n><").encode()
    with serving(bench.application) as address:
        reply = connect(address, version=version, credentials=ACCOUNT).call("GetCertificateStatus", sealed)
    (call,) = bench.calls
    assert call.version is version
    assert sealed in call.raw
    assert REPLY in reply.raw
    assert reply.body.tag == qn(CX1, "GetCertificateStatusResponse")
    token = call.security.username_token
    assert (token.username, token.nonce, token.created) == ("user", b"n" * 16, NOW)
    assert token.digest == password_digest(b"n" * 16, token.created_text, "secret")
    assert call.security.timestamp.expires > NOW


@BOTH
def test_a_typed_call_of_zeep_carries_the_header_too(bench, version):
    with serving(bench.application) as address:
        connect(address, version=version, credentials=ACCOUNT).service.GetCertificateStatus(MessageID="m-7")
    assert bench.calls[0].body.findtext(qn(CX1, "MessageID")) == "m-7"
    assert bench.calls[0].security.username_token.username == "user"


@BOTH
def test_a_fault_is_data(bench, version):
    with serving(bench.application) as address, pytest.raises(SoapFaultReceived) as caught:
        connect(address, version=version).call("GetEvidence", f'<GetEvidenceRequest xmlns="{CX1}"/>'.encode())
    fault = caught.value
    assert fault.code == ("Server" if version is SoapVersion.SOAP11 else "Receiver")
    assert fault.reason.startswith("IMG-9001")
    assert fault.detail_name == "{urn:test}Detail"
    assert b"IMG-9001" in fault.detail
    assert not fault.is_ours_to_change


def test_the_code_of_another_gateway_is_read_from_the_detail():
    detail = (
        f'<d:GatewayFault xmlns:d="{CX1}"><d:Code>IMG-6001</d:Code><d:Retry>after-change</d:Retry></d:GatewayFault>'
    )
    fault = f"<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring><detail>{detail}</detail></s:Fault>"
    with answering(500, soap(fault)) as address, pytest.raises(SoapFaultReceived) as caught:
        connect(address).call("GetCertificateStatus", REQUEST.encode())
    assert (caught.value.detail_code, caught.value.retry) == ("IMG-6001", "after-change")
    assert caught.value.is_ours_to_change


def test_a_fault_without_detail_is_read():
    """As the TRACES platform says that nobody was authenticated (DIGEST 4.5)."""
    fault = "<s:Fault><faultcode>s:Client</faultcode><faultstring>UnauthenticatedException</faultstring></s:Fault>"
    with answering(500, soap(fault)) as address, pytest.raises(SoapFaultReceived) as caught:
        connect(address).call("GetCertificateStatus", REQUEST.encode())
    assert (caught.value.reason, caught.value.detail) == ("UnauthenticatedException", None)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (403, b"<html><p>Forbidden</html>"),
        (502, b"Bad gateway"),
        (200, b""),
        (200, b"<html/>"),
        (200, b'<!DOCTYPE a [<!ENTITY b "c">]>' + soap("<a>&b;</a>")),
        (200, soap("<a/>")[:-3]),
        (200, soap("")),
        (302, b""),
    ],
)
def test_an_answer_that_is_no_soap_says_so(status, content):
    with answering(status, content, Location="http://192.0.2.1/") as address, pytest.raises(UnusableReply) as caught:
        connect(address).call("GetCertificateStatus", REQUEST.encode())
    assert (caught.value.code, caught.value.status) == ("IMG-8003", status)


def test_a_typed_call_reads_no_doctype():
    content = b'<!DOCTYPE a [<!ENTITY b "c">]>' + soap("<a>&b;</a>")
    with answering(200, content) as address, pytest.raises(UnusableReply):
        connect(address).service.GetCertificateStatus(MessageID="m")


def test_the_size_of_a_reply_holds_one_below_and_one_above():
    content = soap("<a/>")
    limits = replace(DEFAULT_LIMITS, max_bytes=len(content))
    with answering(200, content) as address:
        assert connect(address, limits=limits).call("GetCertificateStatus", REQUEST.encode()).raw == content
        lower = replace(limits, max_bytes=len(content) - 1)
        with pytest.raises(UnusableReply):
            connect(address, limits=lower).call("GetCertificateStatus", REQUEST.encode())


def test_a_compressed_reply_is_read_and_a_bomb_is_not():
    content = soap("<a/>")
    with answering(200, gzip.compress(content), Content_Encoding="gzip") as address:
        assert connect(address).call("GetCertificateStatus", REQUEST.encode()).raw == content
    bomb = gzip.compress(soap("<a>" + " " * 10_000_000 + "</a>"))
    with answering(200, bomb, Content_Encoding="gzip") as address, pytest.raises(UnusableReply):
        connect(address).call("GetCertificateStatus", REQUEST.encode())


def test_nothing_was_sent_when_nobody_listens():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with pytest.raises(DeliveryError) as caught:
            connect(address).call("GetCertificateStatus", REQUEST.encode())
    assert caught.value.code == "IMG-8001"


@pytest.mark.parametrize("address", ["http://", "nonsense", "ftp://127.0.0.1/"])
def test_an_address_that_is_none_sends_nothing(address):
    with pytest.raises(DeliveryError) as caught:
        connect(address).call("GetCertificateStatus", REQUEST.encode())
    assert caught.value.code == "IMG-8001"


@contextmanager
def raw_server(behave):
    """Accepts one connection, reads the request, and does what it is told."""

    def run():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            behave(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        try:
            connection.sendall(b" ")
        except OSError:
            return
        time.sleep(0.02)


@pytest.mark.parametrize(
    "behave",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<s:Envel"),
        lambda connection: time.sleep(0.5),
        drip,
    ],
    ids=["closed", "cut off", "silent", "dripping"],
)
def test_a_lost_answer_is_an_unknown_outcome(behave):
    with raw_server(behave) as address:
        started = time.monotonic()
        with pytest.raises(DeliveryError) as caught:
            connect(address, timeout=0.3).call("GetCertificateStatus", REQUEST.encode())
        assert time.monotonic() - started < 1.5
    assert caught.value.code == "IMG-8002"


def test_the_environment_has_no_say(monkeypatch, bench):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(bench.application) as address:
        assert connect(address).call("GetCertificateStatus", REQUEST.encode()).status == 200


def test_the_authorities_that_were_chosen_are_used(tmp_path):
    tls = TlsSettings(ca=tmp_path / "ca.pem", client_certificate=tmp_path / "c.pem", client_key=tmp_path / "k.pem")
    session = PackageTransport(timeout=1, limits=DEFAULT_LIMITS, tls=tls).session
    assert session.verify == str(tmp_path / "ca.pem")
    assert session.cert == (str(tmp_path / "c.pem"), str(tmp_path / "k.pem"))
    assert not session.trust_env


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/a.wsdl", "file:///etc/passwd", "/etc/passwd", "file:///wsdl/../setup.cfg"]
)
def test_nothing_outside_the_packages_is_loaded(url):
    transport = PackageTransport(timeout=1, limits=DEFAULT_LIMITS, tls=TlsSettings())
    with pytest.raises(ConfigurationError):
        transport.load(url)


def test_descriptions_and_operations_that_do_not_exist_are_named():
    with pytest.raises(ConfigurationError) as caught:
        open_client("Missing.wsdl", "http://127.0.0.1/", timeout=1)
    assert caught.value.found == "Missing.wsdl"
    with pytest.raises(ConfigurationError) as caught:
        connect("http://127.0.0.1:9/").call("Missing", b"<a/>")
    assert caught.value.found == "Missing"


def test_secrets_do_not_show():
    assert "secret" not in repr(ACCOUNT)
    assert "key.pem" not in repr(TlsSettings(client_key=Path("key.pem")))


def test_a_reply_with_a_large_text_is_read_where_the_limits_allow_it():
    name = "m" * (LIBXML2_TEXT + 1)
    fields = f'<h:AdvancedAcknowledgeEnvelopeReceiptResponse xmlns:h="{HUB}"><h:return>{name}</h:return>'
    reply = f"{fields}</h:AdvancedAcknowledgeEnvelopeReceiptResponse>"
    message = f'<s:Envelope xmlns:s="{SOAP11}"><s:Body>{reply}</s:Body></s:Envelope>'.encode()
    large = replace(DEFAULT_LIMITS, large_text=frozenset({qn(HUB, "return")}), max_large_text=len(name))
    operation = "AdvancedAcknowledgeEnvelopeReceipt"
    with answering(200, message) as address:
        client = open_client("DeliveryService.wsdl", address, timeout=20, limits=large)
        assert client.call(operation, b"<x/>").body[0].text == name
        assert client.service[operation](hubTrackingNumber="1", warningMessage="w") == name
        with pytest.raises(UnusableReply):
            open_client("DeliveryService.wsdl", address, timeout=20).call(operation, b"<x/>")
