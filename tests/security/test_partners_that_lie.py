"""What the other ends of our own calls can do to us: partners and time-stamping authorities."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from adapters.certificate_exchange import CertificateExchangeAdapter
from adapters.protocol import DeliveryJob, DeliveryOutcome
from gateway.access import DeliveryTarget
from gateway.store import DocumentKey
from gateway.trust.timestamps import http_transport

CX = "urn:imsoc:gateway:certificate-exchange:1"
ACK = "urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def _read_request(connection):
    """All of it: a connection that is closed with something unread is reset, and the answer may be lost."""
    with connection.makefile("rb") as stream:
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        stream.read(length)


@contextmanager
def server(*portions, pause=0.0, status="200 OK", headers="Content-Type: text/xml; charset=utf-8\r\n"):
    """Answers every connection with these bytes, a portion at a time; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    over = threading.Event()

    def serve():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                try:
                    _read_request(connection)
                    connection.sendall(f"HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n".encode())
                    for portion in portions:
                        if over.wait(pause):
                            return
                        connection.sendall(portion)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        over.set()
        thread.join(10)
        listener.close()


def test_an_authority_that_drips_is_given_up_in_time():
    """A byte now and then kept the time between two packets short, and a serving thread for hours."""
    with server(*[b"0"] * 100, pause=0.1) as address:
        start = time.monotonic()
        with pytest.raises((OSError, ValueError)):
            http_transport(timeout=0.5)(address, b"query")
        assert time.monotonic() - start < 3


def test_an_authority_that_answers_too_much_is_cut_off():
    with server(b"0" * 1_000_000) as address:
        start = time.monotonic()
        with pytest.raises((OSError, ValueError)):
            http_transport(timeout=2)(address, b"query")
        assert time.monotonic() - start < 2


def test_an_authority_that_compresses_is_not_unpacked():
    with server(b"0" * 100, headers="Content-Encoding: gzip\r\n") as address, pytest.raises((OSError, ValueError)):
        http_transport(timeout=2)(address, b"query")


def test_an_authority_that_redirects_is_not_followed():
    with (
        server(b"elsewhere") as elsewhere,
        server(status="302 Found", headers=f"Location: {elsewhere}\r\n") as address,
        pytest.raises(ValueError, match="302"),
    ):
        http_transport(timeout=2)(address, b"query")


JOB = DeliveryJob(
    id="01-1",
    partner="nl",
    exchange_id="01",
    document=DocumentKey("AR", "851", "AR-1"),
    status_code="70",
    sender="ar",
    attempt=1,
    deadline=datetime.now(UTC),
    payload=f'<cx:SubmitCertificateRequest xmlns:cx="{CX}"/>'.encode(),
)


def adapter(address):
    target = DeliveryTarget("certificate-exchange", address, timeout_seconds=1)
    return CertificateExchangeAdapter.open(target, "")


def envelope(body):
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def acknowledgement(number, *, relation="AWR", name="SubmitCertificateResponse"):
    return envelope(
        f'<cx:{name} xmlns:cx="{CX}"><ack:SPSAcknowledgement xmlns:ack="{ACK}" xmlns:ram="{RAM}">'
        "<ack:SPSAcknowledgementDocument><ram:StatusCode>70</ram:StatusCode><ram:ReferenceSPSReferencedDocument>"
        f"<ram:RelationshipTypeCode>{relation}</ram:RelationshipTypeCode><ram:ID>{number}</ram:ID>"
        "</ram:ReferenceSPSReferencedDocument></ack:SPSAcknowledgementDocument></ack:SPSAcknowledgement>"
        f"</cx:{name}>"
    )


def fault(code="Client", detail="", text="no"):
    return envelope(
        f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>{text}</faultstring><detail>"
        f'<cx:GatewayFault xmlns:cx="{CX}">{detail}</cx:GatewayFault></detail></s:Fault>'
    )


def outcome(*portions, **arguments):
    with server(*portions, **arguments) as address:
        try:
            return adapter(address).deliver(JOB)
        except Exception as error:  # noqa: BLE001 - the worker takes any for "the answer is lost"
            return error


def test_an_acknowledgement_of_this_document_delivers_it():
    assert outcome(acknowledgement("AR-1")).outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize(
    "answer",
    [
        acknowledgement("AR-2"),
        acknowledgement("AR-1", relation="ACW"),
        acknowledgement("AR-1", name="ValidateCertificateResponse"),
        acknowledgement("AR-1").replace(b"SPSAcknowledgement:17", b"SPSAcknowledgement:5"),
        envelope(f'<cx:SubmitCertificateResponse xmlns:cx="{CX}"/>'),
    ],
)
def test_an_answer_about_something_else_delivers_nothing(answer):
    """A cache or a mixed-up proxy in between must not end a delivery."""
    assert outcome(answer).outcome is DeliveryOutcome.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>login</html>",
        b"<a",
        acknowledgement("AR-1").replace(b"<s:Body>", b"<s:Body/><s:Body>"),
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + acknowledgement("AR-1"),
        acknowledgement("AR-1").replace(b"<ack:SPSAck", b"<a>" * 300 + b"<ack:SPSAck", 1),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "301 Moved", "500 Oops"])
def test_what_is_no_soap_leaves_the_outcome_open(answer, status):
    assert isinstance(outcome(answer, status=status), Exception)


def test_a_reply_that_does_not_end_is_given_up_in_time():
    start = time.monotonic()
    assert isinstance(outcome(*[b" "] * 100, pause=0.1), Exception)
    assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    ("code", "retry"), [("IMG-2002", "later"), ("IMG-2003", "after-change"), ("IMG-2004", "later")]
)
def test_a_wrong_clock_between_us_refuses_no_document(code, retry):
    answer = fault(detail=f"<cx:Code>{code}</cx:Code><cx:Message>no</cx:Message><cx:Retry>{retry}</cx:Retry>")
    assert outcome(answer, status="500 Oops").outcome is DeliveryOutcome.LATER


def test_what_a_partner_writes_into_a_fault_is_kept_short():
    answer = fault(text="x" * 100_000, detail=f"<cx:Code>{'y' * 100_000}</cx:Code>")
    result = outcome(answer, status="500 Oops")
    assert max(len(result.code), len(result.detail)) <= 500
