"""Pushes to a customs system behind a real socket: what it gets, and what its answers mean."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from adapters import DeliveryOutcome, PushJob, open_adapter
from gateway.access import DeliveryTarget
from gateway.certex.models import Allocated, Available, DeclarationReference, Summary
from gateway.certex.pushes import ChedChange, notification, receipt
from gateway.errors import DeliveryError
from gateway.soap.transport import UnusableReply
from gateway.xml.schemas import SchemaName, is_valid

AT = datetime(2026, 11, 22, 9, 30, 5, 250_000, tzinfo=UTC)
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
PUSH = "urn:imsoc:gateway:customs-push:1"
ACTION = '"urn:imsoc:gateway:customs-push:1:notifyChedChange"'
ALLOCATION = Allocated(
    goods_item=2,
    code="040100",
    unit="GRM",
    quantity="1500.5",
    line=1,
    event="2026-11-22T09:30:05.000+00:00",
    office="NL000396",
    declaration=DeclarationReference("MRN", "26NL000396A0000001"),
)
CHANGE = ChedChange(
    subscription="01M0000000000000000000FOLL",
    number=7,
    moment=AT,
    what="ledger",
    office="NL000396",
    reference="CHEDP.NL.2026.0000001",
    type="P",
    status_code="70",
    version=3,
    summary=Summary(
        available=(Available(code="0401", unit="KGM", quantity="998.4995", line=1),),
        reserved=(ALLOCATION,),
        consumed=(),
    ),
)


@dataclass
class Receiver:
    """A customs system: answers as it is told, and keeps what it got."""

    answer: bytes = b""
    status: str = "200 OK"
    seen: list = None

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.seen = [*(self.seen or []), (dict(environ), etree.fromstring(body))]
        start_response(self.status, [("Content-Type", "text/xml; charset=utf-8")])
        return [self.answer]


def envelope(body):
    return f'<s:Envelope xmlns:s="{SOAP11}"><s:Body>{body.decode()}</s:Body></s:Envelope>'.encode()


def fault(code, text="no"):
    return envelope(
        f'<s:Fault xmlns:s="{SOAP11}"><faultcode>{code}</faultcode><faultstring>{text}</faultstring></s:Fault>'.encode()
    )


@pytest.fixture
def receiver():
    return Receiver(envelope(receipt(CHANGE.subscription, CHANGE.number)))


@pytest.fixture
def push(receiver, served):
    """Sends the push; ``again``: because the answer before was lost."""
    target = DeliveryTarget("customs-push", served(receiver), username="gateway", timeout_seconds=2.0)
    adapter = open_adapter(target, "an invented secret")
    job = PushJob(
        id=f"{CHANGE.subscription}-7",
        partner="nl",
        attempt=1,
        deadline=datetime.now(UTC) + timedelta(seconds=20),
        payload=notification(CHANGE),
        subscription=CHANGE.subscription,
        number=CHANGE.number,
    )
    return lambda *, again=False: adapter.resolve(job) if again else adapter.deliver(job)


def test_a_receipt_ends_the_push(push, receiver):
    result = push()
    assert result.outcome is DeliveryOutcome.DELIVERED
    assert b"ChedChangeReceipt" in result.receipt
    ((environ, request),) = receiver.seen
    assert (environ["HTTP_SOAPACTION"], environ["CONTENT_TYPE"]) == (ACTION, "text/xml; charset=utf-8")
    body = request.find(f"{{{SOAP11}}}Body")[0]
    assert is_valid(SchemaName.CUSTOMS_PUSH, body)
    said = {etree.QName(each).localname: each.text for each in body if not len(each)}
    assert said == {
        "Subscription": CHANGE.subscription,
        "Number": "7",
        "Moment": "2026-11-22T09:30:05.250Z",
        "Change": "ledger",
        "CompetentCustomsOffice": "NL000396",
    }
    ledger = body.find(f"{{{PUSH}}}Ledger")
    assert ledger.get("version") == "3"
    available, reserved = ledger
    assert [each.text for each in available] == ["1", "0401", "998.4995"]
    assert [each.text for each in reserved] == [
        "26NL000396A0000001",
        "2",
        "1",
        "040100",
        "1500.5",
        "NL000396",
        "2026-11-22T09:30:05.000+00:00",
    ]
    assert (reserved[0].get("type"), reserved[4].get("unit")) == ("MRN", "GRM")


def test_the_gateway_proves_who_it_is(push, receiver):
    push()
    token = receiver.seen[0][1].find(".//{*}UsernameToken")
    fields = ("Username", "Password", "Nonce", "Created")
    name, password, nonce, created = (token.findtext(f"{{*}}{each}") for each in fields)
    made = hashlib.sha1(base64.b64decode(nonce) + created.encode() + b"an invented secret").digest()
    assert (name, password) == ("gateway", base64.b64encode(made).decode())


def test_what_may_have_arrived_is_sent_again_as_it_was(push, receiver):
    first, second = push(), push(again=True)
    assert first.outcome is second.outcome is DeliveryOutcome.DELIVERED
    bodies = [etree.tostring(request.find(f"{{{SOAP11}}}Body")[0]) for _, request in receiver.seen]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    "answer",
    [
        receipt(CHANGE.subscription, 8),
        receipt("01M0000000000000000000OTHE", 7),
        b"<push:ChedChangeReceipt xmlns:push='urn:imsoc:gateway:customs-push:1'/>",
        receipt(CHANGE.subscription, 7).replace(b">7<", b">seven<"),
        b"<ok/>",
    ],
)
def test_an_answer_about_something_else_is_no_success(push, receiver, answer):
    receiver.answer = envelope(answer)
    result = push()
    assert (result.outcome, result.code) == (DeliveryOutcome.UNKNOWN, "IMG-8003")


@pytest.mark.parametrize(
    ("answer", "status", "outcome"),
    [
        (fault("s:Client", "no such CHED here"), "500 Error", DeliveryOutcome.REFUSED),
        (fault("s:Server", "we are busy"), "500 Error", DeliveryOutcome.LATER),
        (fault("wsse:FailedAuthentication", "who are you"), "500 Error", DeliveryOutcome.LATER),
        (fault("s:Client", "who are you"), "403 Forbidden", DeliveryOutcome.LATER),
    ],
)
def test_a_fault_is_a_refusal_of_this_change_or_a_time_to_wait(push, receiver, answer, status, outcome):
    receiver.answer, receiver.status = answer, status
    result = push()
    assert (result.outcome, result.code) == (outcome, "IMG-8040")
    assert result.detail.partition(": ")[2] == etree.fromstring(answer).findtext(".//faultstring")


def test_what_is_no_soap_is_no_success(push, receiver):
    receiver.answer = b"<html>maintenance</html>"
    with pytest.raises(UnusableReply):
        push()


def test_nothing_was_sent_where_nobody_listens():
    adapter = open_adapter(DeliveryTarget("customs-push", "http://127.0.0.1:9/", timeout_seconds=1.0), "")
    job = PushJob(
        id="S-1", partner="nl", attempt=1, deadline=datetime.now(UTC), payload=b"<a/>", subscription="S", number=1
    )
    with pytest.raises(DeliveryError) as refused:
        adapter.deliver(job)
    assert refused.value.code == "IMG-8001"
