"""Delivery to another gateway over a socket: each outcome as the worker needs it, and nothing sent twice by mistake."""

import socket
import ssl
import threading
from dataclasses import dataclass, replace

import pytest
from lxml import etree

from adapters import DeliveryOutcome, open_adapter
from gateway.errors import DeliveryError, Unavailable
from gateway.sandbox.pki import Authority, write
from gateway.sandbox.samples import certificate
from gateway.store import find_document, list_exchanges
from gateway.store.records import DocumentKey
from gateway.trust import INLINE_POLICY, Anchor, Level, Purpose, TrustStore, verify_sealed

SECRET = "secret of gw-a"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass(frozen=True)
class Target:
    """The delivery part of a partner record."""

    address: str
    adapter: str = "certificate-exchange"
    username: str = "gw-a"
    ca: str = ""
    client_certificate: str = ""
    client_key: str = ""
    timeout_seconds: float = 5.0


def exchanges(partner):
    with partner.gateway.context.store.read() as connection:
        return list_exchanges(connection)


def stored(partner, number):
    with partner.gateway.context.store.read() as connection:
        return find_document(connection, DocumentKey("AR", "851", number))


def connected(address, secret=SECRET, **options):
    return open_adapter(Target(address, **options), secret)


@pytest.fixture
def adapter(partner, served):
    return connected(served(partner))


def answering(status, content, kind="text/xml"):
    def application(environ, start_response):
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response(f"{status} x", [("Content-Type", kind), ("Content-Length", str(len(content)))])
        return [content]

    return application


def fault(code, detail=""):
    body = f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>no</faultstring>{detail}</s:Fault>"
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def test_delivered_with_the_partners_sealed_acknowledgement_as_receipt(partner, adapter):
    job = partner.job(partner.world.sealed(number="AR-1"))
    result = adapter.deliver(job)
    assert (result.outcome, result.code) == (DeliveryOutcome.DELIVERED, "")
    anchor = Anchor("b", partner.world.own.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED)
    receipt = etree.fromstring(result.receipt)
    verified = verify_sealed(receipt, policy=INLINE_POLICY, trust=TrustStore([anchor]), at=partner.world.now)
    assert "Gateway seal" in verified.seal.signer_subject
    assert stored(partner, "AR-1").status_code == "70"


def test_the_same_job_again_has_one_effect_and_the_same_receipt(partner, adapter):
    job = partner.job(partner.world.sealed(number="AR-1"))
    assert adapter.deliver(job).receipt == adapter.deliver(replace(job, attempt=2)).receipt
    assert len([row for row in exchanges(partner) if row.outcome == "accepted"]) == 1


def test_refused_with_the_partners_code_and_reason(partner, adapter):
    result = adapter.deliver(partner.job(certificate(number="AR-1", lines=1)))
    assert (result.outcome, result.code) == (DeliveryOutcome.REFUSED, "IMG-4001")
    assert "not sealed" in result.detail
    assert b"IMG-4001" in result.receipt
    assert stored(partner, "AR-1") is None


@pytest.mark.parametrize(
    ("secret", "username", "code"), [("wrong", "gw-a", "IMG-2001"), (SECRET, "b", "IMG-2001"), ("", "", "IMG-2005")]
)
def test_an_account_that_does_not_work_refuses_until_somebody_changes_it(partner, served, secret, username, code):
    adapter = connected(served(partner), secret, username=username)
    result = adapter.deliver(partner.job(partner.world.sealed()))
    assert (result.outcome, result.code) == (DeliveryOutcome.LATER, code)
    asked = adapter.resolve(partner.job(partner.world.sealed()))
    assert (asked.outcome, asked.code) == (DeliveryOutcome.UNKNOWN, code)


def test_a_partner_that_is_busy_is_asked_later(partner, adapter, monkeypatch):
    def busy(*_, **__):
        raise Unavailable("IMG-9001")

    job = partner.job(partner.world.sealed(number="AR-1"))
    with monkeypatch.context() as patch:
        patch.setattr("gateway.exchange.submission.record_submission", busy)
        result = adapter.deliver(job)
    assert (result.outcome, result.code) == (DeliveryOutcome.LATER, "IMG-9001")
    assert adapter.deliver(job).outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize(
    ("status", "content", "outcome"),
    [
        (500, fault("Server"), DeliveryOutcome.LATER),
        (500, fault("Client"), DeliveryOutcome.REFUSED),
        (500, fault("Client.Authentication"), DeliveryOutcome.LATER),
        (200, f'<s:Envelope xmlns:s="{SOAP}"><s:Body><x/></s:Body></s:Envelope>'.encode(), DeliveryOutcome.UNKNOWN),
    ],
)
def test_a_partner_that_is_no_gateway_of_ours(partner, served, status, content, outcome):
    result = connected(served(answering(status, content))).deliver(partner.job(b"<a/>"))
    assert result.outcome is outcome


@pytest.mark.parametrize(
    ("status", "content"),
    [(200, b"<html>maintenance</html>"), (502, b"Bad Gateway"), (200, b""), (200, b"\xff\xfe\x00"), (302, b"")],
)
def test_an_answer_that_cannot_be_used_leaves_the_outcome_unknown(partner, served, status, content):
    adapter = connected(served(answering(status, content)))
    with pytest.raises(DeliveryError) as caught:
        adapter.deliver(partner.job(b"<a/>"))
    assert caught.value.code == "IMG-8003"
    resolved = adapter.resolve(partner.job(b"<a/>"))
    assert (resolved.outcome, resolved.code) == (DeliveryOutcome.UNKNOWN, "IMG-8003")


def test_nobody_listens(partner):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    adapter = connected(f"http://127.0.0.1:{port}/CertificateExchange")
    with pytest.raises(DeliveryError) as caught:
        adapter.deliver(partner.job(b"<a/>"))
    assert caught.value.code == "IMG-8001"
    assert adapter.resolve(partner.job(b"<a/>")).outcome is DeliveryOutcome.UNKNOWN


class Lossy:
    """A connection that takes the whole request to the partner and loses the answer, as often as it is told."""

    def __init__(self, address, losses):
        self._port = int(address.rsplit(":", 1)[1].split("/")[0])
        self._losses = losses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/CertificateExchange"
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, socket.create_connection(("127.0.0.1", self._port)) as onward:
                onward.sendall(self._request(connection))
                answer = b""
                while chunk := onward.recv(65536):
                    answer += chunk
                if self._losses:
                    self._losses -= 1
                else:
                    connection.sendall(answer)

    @staticmethod
    def _request(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        head, _, body = head.partition(b"\r\n\r\n")
        (length,) = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")]
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\nConnection: close\r\n\r\n" + body


def test_a_lost_answer_is_unknown_and_resolved_by_a_read_that_sends_nothing(partner, served):
    job = partner.job(partner.world.sealed(number="AR-1"))
    with Lossy(served(partner), losses=1) as between:
        adapter = connected(between.address)
        with pytest.raises(DeliveryError) as caught:
            adapter.deliver(job)
        assert caught.value.code == "IMG-8002"
        assert stored(partner, "AR-1") is not None
        before = exchanges(partner)
        resolved = adapter.resolve(job)
        assert resolved.outcome is DeliveryOutcome.DELIVERED
        assert b"GetCertificateStatusResponse" in resolved.receipt
        assert exchanges(partner) == before
        assert adapter.deliver(job).outcome is DeliveryOutcome.DELIVERED
    assert len([row for row in exchanges(partner) if row.outcome == "accepted"]) == 1


def test_what_never_arrived_is_absent(partner, adapter):
    assert adapter.resolve(partner.job(b"<a/>", "never-sent")).outcome is DeliveryOutcome.ABSENT


def test_what_was_refused_is_absent_when_asked(partner, adapter):
    job = partner.job(certificate(number="AR-1", lines=1))
    assert adapter.deliver(job).outcome is DeliveryOutcome.REFUSED
    assert adapter.resolve(job).outcome is DeliveryOutcome.ABSENT


def test_another_version_of_the_same_document_is_not_taken_for_this_one(partner, adapter):
    issued = partner.job(partner.world.sealed(number="AR-1"), "d-1")
    withdrawn = partner.job(partner.world.sealed(number="AR-1", status="40"), "d-2", status="40")
    assert adapter.deliver(issued).outcome is DeliveryOutcome.DELIVERED
    assert adapter.resolve(withdrawn).outcome is DeliveryOutcome.ABSENT
    assert adapter.deliver(withdrawn).outcome is DeliveryOutcome.DELIVERED
    assert adapter.resolve(withdrawn).outcome is DeliveryOutcome.DELIVERED
    assert adapter.resolve(issued).outcome is DeliveryOutcome.DELIVERED


class TestTls:
    """The partner is who its certificate says, or nothing is sent."""

    @pytest.fixture
    def secured(self, partner, served, tmp_path):
        authority = Authority("TLS", now=partner.world.now)
        (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
        (tmp_path / "other.pem").write_bytes(Authority("Other", now=partner.world.now).certificate_pem)

        def serve(host="127.0.0.1"):
            certificate_file, key = write(tmp_path, "server", authority.tls_server(host))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate_file, key)
            return served(partner, tls=context)

        return serve

    def test_over_the_right_authority(self, partner, secured, tmp_path):
        adapter = connected(secured(), ca=str(tmp_path / "ca.pem"))
        assert adapter.deliver(partner.job(partner.world.sealed())).outcome is DeliveryOutcome.DELIVERED

    @pytest.mark.parametrize(
        ("ca", "host"), [("other.pem", "127.0.0.1"), ("ca.pem", "partner.invalid"), ("", "127.0.0.1")]
    )
    def test_nothing_is_sent_to_somebody_else(self, partner, secured, tmp_path, ca, host):
        adapter = connected(secured(host), ca=str(tmp_path / ca) if ca else "")
        with pytest.raises(DeliveryError) as caught:
            adapter.deliver(partner.job(partner.world.sealed(number="AR-1")))
        assert caught.value.code == "IMG-8007"
        assert stored(partner, "AR-1") is None
        assert not exchanges(partner)

    def test_plain_http_at_a_tls_address_and_the_other_way_round(self, partner, served, secured, tmp_path):
        plain = connected(served(partner).replace("http:", "https:"), ca=str(tmp_path / "ca.pem"))
        with pytest.raises(DeliveryError) as caught:
            plain.deliver(partner.job(b"<a/>"))
        assert caught.value.code == "IMG-8007"
        other = connected(secured().replace("https:", "http:"))
        with pytest.raises(DeliveryError) as caught:
            other.deliver(partner.job(b"<a/>"))
        assert caught.value.code in {"IMG-8002", "IMG-8003"}
        assert not exchanges(partner)
