"""A CERTEX for the client's tests, behind a real socket, that can lose, delay or falsify any of its answers.

Written from the contract and its captures and not with our modules, so that it cannot share their mistakes. It keeps
one CHED with one line; a message that is lost on its way arrives when the test lets it.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from lxml import etree

from adapters.certex import CertexClient, Patience, Port

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
CX = "http://ec.europa.eu/sanco/tracesnt/customs_certex/ched/v06"
CXB = "http://ec.europa.eu/sanco/tracesnt/customs_certex/base/v03"
SPS = "urn:un:unece:uncefact:data:standard:SPSCertificate:17"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
NS = {"s": SOAP, "c": CX, "b": CXB}
ACTION = "http://ec.europa.eu/tracesnt/ws/impl/customs_certex/ched/v06/CustomsCertexChedPort/"
NOW = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)
CHED = "CHEDP.XI.2026.0000875"
OFFICE = "XI000002"
LIMIT = timedelta(minutes=5)
GRAMS = {"GRM": Decimal(1), "KGM": Decimal(1000), "TNE": Decimal(1000000)}
BRUSSELS = timezone(timedelta(hours=1))

BEFORE = ("reset-before", "proxy-before")
"""Lost on the way there."""
AFTER = ("reset-after", "truncated", "garbage", "proxy-after", "empty", "error", "broken", "wrong-id", "no-header",
         "other-ched", "other-operation", "failed-operation", "twice", "no-holds", "hollow",
         "replayed", "other-fault")  # fmt: skip
"""Done, and the answer does not say so."""
LATE = "late"
"""Held up on the way there: it has its effect when the test says so."""


@dataclass
class Hold:
    goods: int
    line: int
    code: str
    unit: str
    quantity: str
    office: str
    event: datetime

    @property
    def grams(self):
        return Decimal(self.quantity) * GRAMS[self.unit]


@dataclass
class FakeCertex:
    """``script`` says, in order, what becomes of each request; without it every request is answered."""

    certified: Decimal = Decimal(1000)
    now: datetime = NOW
    status: str = "70"
    conclusion: str = "ACCEPTABLE_FOR_INTERNAL_MARKET"
    code: str = "0401"
    script: deque = field(default_factory=deque)
    held: dict = field(default_factory=dict)
    consumed: dict = field(default_factory=dict)
    last: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    waiting: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    def count(self, name):
        return sum(etree.QName(body(each)).localname == name for each in self.requests)

    # What it does

    def take(self, request):
        """One message: its effect, and the honest answer."""
        message = body(request)
        name = etree.QName(message).localname
        if name == "ProcessedChedRequest":
            return self.processed(message)
        if name == "ChedClearanceRequest":
            return self.cleared(message)
        return self.intervened(message)

    def processed(self, message):
        if text(message, "c:ChedCertificateId") != CHED:
            return response("ProcessedChedInformationResponse", outcome() + child("PushActive", "false"))
        result = ""
        if text(message, "c:QuantityManagementIndication") == "1":
            reason, place = self.reserve(message)
            result = child("ReservationResult", "0" if reason else "1")
            result += child("ReservationFailureReason", reason) if reason else ""
            result += f"<c:ReservationFailureConsignmentItem>{place}</c:ReservationFailureConsignmentItem>" * bool(
                place
            )
            made = (declaration(message), moment(message)) if not reason else (None, None)
        else:
            made = (None, None)
        inside = (
            certificate(CHED, self.status, self.conclusion)
            + self.summary(*made)
            + outcome()
            + result
            + child("PushActive", "false")
        )
        return response("ProcessedChedInformationResponse", inside)

    def reserve(self, message):
        who, sent = declaration(message), moment(message)
        if self.status != "70":
            return "04", ""
        if who in self.consumed:
            return "06", ""
        wanted = [self.wanted(each, message, sent) for each in message.findall("c:CommodityDescriptionForChed", NS)]
        for each in wanted:
            if (failed := self.misfit(each)) is not None:
                return failed
        others = sum(hold.grams for other, holds in self.all() if other != who for hold in holds)
        self.last[who] = sent
        if others + sum(each.grams for each in wanted) > self.certified * 1000:
            self.held.pop(who, None)
            return "05", leaf("GoodsItemNumber", wanted[0].goods) + leaf("DocumentLineItemNumber", 1)
        self.held[who] = wanted
        return "", ""

    def misfit(self, each):
        place = leaf("GoodsItemNumber", each.goods) + leaf("DocumentLineItemNumber", each.line)
        if each.line != 1:
            return "07", leaf("GoodsItemNumber", each.goods)
        if not each.code.startswith(self.code):
            return "03", place
        return None if each.unit in GRAMS else ("10", place)

    def wanted(self, item, message, sent):
        return Hold(
            int(text(item, "b:GoodsItemNumber")),
            int(text(item, "b:CertificateLineNumber")),
            text(item, "b:ClassCode"),
            text(item, "b:NetWeightUnitOfMeasure"),
            text(item, "b:NetWeightQuantity"),
            text(message, "c:CompetentCustomsOffice/b:ReferenceNumber"),
            sent,
        )

    def all(self):
        return [*self.held.items(), *self.consumed.items()]

    def cleared(self, message):
        who = ("MRN", text(message, "c:CustomsDocumentReference"))
        if who in self.consumed:
            told = "03"
        elif who not in self.held:
            told = "02"
        else:
            told, holds = "01", self.held.pop(who)
            self.last[who] = moment(message)
            if text(message, "c:GoodsClearanceInformation") == "01":
                self.consumed[who] = [Hold(**{**vars(hold), "event": moment(message)}) for hold in holds]
        return self.settled("ChedClearanceResponse", message, told)

    def intervened(self, message):
        who, sent = ("MRN", text(message, "c:CustomsDocumentReference")), moment(message)
        if text(message, "c:InterventionType") == "03":
            told = "01" if self.consumed.pop(who, None) else "02"
        elif who in self.held:
            told = "05"
        else:
            told = "01"
            self.consumed[who] = [self.wanted(each, message, sent) for each in message.findall("c:ConsignmentItem", NS)]
        self.last[who] = sent
        return self.settled("ChedInterventionResponse", message, told)

    def settled(self, name, message, told):
        at = moment(message).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        inside = child("QuantityManagementOutcome", told) + child("SendingDate", at) + outcome()
        return response(name, inside)

    def summary(self, made=None, sent=None):
        left = self.certified - sum((hold.grams for _, holds in self.all() for hold in holds), Decimal()) / 1000
        available = f"<b:AvailableQuantity>{code(self.code)}{document('KGM', plain(left), 1)}</b:AvailableQuantity>"
        reserved = "".join(
            allocated("ReservedQuantity", who, hold, sent if who == made else None)
            for who, holds in self.held.items()
            for hold in holds
        )
        gone = "".join(
            allocated("ConsumedQuantity", who, hold) for who, holds in self.consumed.items() for hold in holds
        )
        return f"<c:QuantityManagementSummary>{available}{reserved}{gone}</c:QuantityManagementSummary>"

    def arrive(self):
        """What was held up comes in, in any order that the list has; what is too old by now, or was overtaken, not."""
        for request in self.waiting:
            message = body(request)
            sent, who = moment(message), declaration(message)
            fresh = self.now - sent <= LIMIT and sent >= self.last.get(who, sent)
            if fresh:
                self.take(request)
        self.waiting.clear()

    # What it answers

    def reply(self, request):
        """The bytes that go out, or None for a connection that breaks; a number cuts them off."""
        what = self.script.popleft() if self.script else "answered"
        if what in BEFORE:
            return None if what == "reset-before" else (502, b"<html>bad gateway</html>", None)
        if what == LATE:
            self.waiting.append(request)
            return None
        honest = self.take(request)
        if what == "reset-after":
            return None
        return self.falsified(what, honest, request)

    def falsified(self, what, honest, request):
        if what in INSTEAD:
            return *INSTEAD[what], None
        if what in FAULTS:
            return 500, envelope(fault(*FAULTS[what]), ""), None
        echo = header(request)
        if what == "wrong-id":
            echo = re.sub(r"(?<=MessageId>)[0-9a-f]{8}", "0" * 8, echo)
        elif what == "no-header":
            echo = ""
        data = envelope(FALSIFIED.get(what, str)(honest), echo)
        return 200, data, len(data) // 2 if what == "truncated" else None

    def check(self, handler, request):
        """What a client must get right; collected, because an assertion in a server's thread fails no test."""
        message = body(request)
        name = etree.QName(message).localname
        if handler.headers.get("SOAPAction") != f'"{ACTION}{name}"':
            self.problems.append(handler.headers.get("SOAPAction"))
        ids = request.findall("s:Header/c:CertexHeader/b:MessageId", NS)
        if len(ids) != 1 or not re.fullmatch("[0-9a-f]{32}", ids[0].text):
            self.problems.append("MessageId")
        if text(request, "s:Header/c:CertexHeader/b:UniqRequesterPrefix") != OFFICE:
            self.problems.append("UniqRequesterPrefix")
        if name == "ProcessedChedRequest" and message.find("c:CustomsDeclarationReferenceNumber", NS) is None:
            self.problems.append("CustomsDeclarationReferenceNumber")


def fault(kind, told="", message_id=""):
    other = leaf("MessageId", message_id) if message_id else ""
    said = leaf("errorMessage", told.replace("<", "&lt;"))
    detail = f"<detail><c:F xmlns:c='{CX}' xmlns:b='{CXB}'>{other}{said}</c:F></detail>" if told else ""
    return f"<S:Fault><faultcode>S:{kind}</faultcode><faultstring>dear you</faultstring>{detail}</S:Fault>"


def envelope(content, echo):
    text = f"<S:Envelope xmlns:S='{SOAP}'><S:Header>{echo}</S:Header><S:Body>{content}</S:Body></S:Envelope>"
    return text.encode()


def header(request):
    found = request.find("s:Header/c:CertexHeader", NS)
    return "" if found is None else etree.tostring(found, encoding="unicode", with_tail=False)


def response(name, inside):
    return f"<c:{name} xmlns:c='{CX}' xmlns:b='{CXB}'>{inside}</c:{name}>"


def outcome():
    return child("OperationCode", "0")


def child(name, value):
    return f"<c:{name}>{value}</c:{name}>"


def leaf(name, value):
    return f"<b:{name}>{value}</b:{name}>"


def code(value):
    return f"<b:CommodityCode>{leaf('HarmonizedSystemSubheadingcode', value)}</b:CommodityCode>"


def document(unit, quantity, line):
    inside = leaf("UnitOfMeasure", unit) + leaf("Quantity", quantity) + leaf("CertificateLineNumber", line)
    return f"<b:SwSupportingDocument>{inside}</b:SwSupportingDocument>"


def allocated(name, who, hold, sent=None):
    shown = hold.event.astimezone(BRUSSELS).replace(microsecond=0).isoformat(timespec="milliseconds")
    if sent is not None:
        shown = sent.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    office = f"<b:CompetentCustomsOffice>{leaf('ReferenceNumber', hold.office)}</b:CompetentCustomsOffice>"
    inside = leaf("GoodsItemNumber", hold.goods) + code(hold.code.ljust(6, "0")[:6])
    inside += document(hold.unit, plain(Decimal(hold.quantity)), hold.line)
    inside += leaf("EventDateTime", shown) + office + leaf(*who)
    return f"<b:{name}>{inside}</b:{name}>"


def certificate(reference, status="70", conclusion="ACCEPTABLE_FOR_INTERNAL_MARKET"):
    clause = f"<y:ID schemeID='ched_decision_clause'>DECISION_CONCLUSION</y:ID><y:Content>{conclusion}</y:Content>"
    part = f"<y:TypeCode>1</y:TypeCode><y:IncludedSPSClause>{clause}</y:IncludedSPSClause>"
    number = (
        f"<x:SPSExchangedDocument xmlns:y='{RAM}'><y:ID>{reference}</y:ID><y:StatusCode>{status}</y:StatusCode>"
        f"<y:SignatorySPSAuthentication>{part}</y:SignatorySPSAuthentication></x:SPSExchangedDocument>"
    )
    return f"<c:ChedCertificate><x:SPSCertificate xmlns:x='{SPS}'>{number}</x:SPSCertificate></c:ChedCertificate>"


def plain(number):
    shown = format(number, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def body(request):
    return request.find("s:Body", NS)[0]


def text(element, path):
    return element.findtext(path, "", NS)


def moment(message):
    return datetime.fromisoformat(text(message, "c:SendingDate"))


def declaration(message):
    for kind in ("MRN", "LRN"):
        number = message.findtext(f"c:CustomsDeclarationReferenceNumber/b:{kind}", None, NS)
        if number:
            return kind, number
    return "MRN", text(message, "c:CustomsDocumentReference")


INSTEAD = {"garbage": (200, b"<html/>"), "proxy-after": (403, b"no"), "empty": (200, b""), "error": (500, b"<html/>")}
FAULTS = {
    "broken": ("Server",),
    "replayed": ("Client", "IMG-7405 This message id was used before."),
    "other-fault": ("Client", "no", "0" * 32),
}
FALSIFIED = {
    "other-ched": lambda honest: honest.replace(CHED, "CHEDP.XI.2026.0000001").replace(">01<", ">99<"),
    "other-operation": lambda honest: response(
        "ChedClearanceResponse" if "PushActive" in honest else "ProcessedChedInformationResponse",
        outcome() + child("PushActive", "false"),
    ),
    "failed-operation": lambda honest: honest.replace(outcome(), child("OperationCode", "1")),
    "twice": lambda honest: honest.replace(outcome(), outcome() * 2),
    "not-validated": lambda honest: honest.replace("StatusCode>70<", "StatusCode>41<"),
    "old-holds": lambda honest: re.sub("EventDateTime>[0-9]{4}", "EventDateTime>1999", honest),
    "no-certificate": lambda honest: re.sub("<c:ChedCertificate>.*</c:ChedCertificate>", "", honest),
    "no-holds": lambda honest: re.sub(
        "<b:ReservedQuantity>.*</b:ReservedQuantity>|<c:QuantityManagementOutcome>.*?e>", "", honest
    ),
    "hollow": lambda honest: re.sub(
        "<c:QuantityManagementSummary>.*</c:QuantityManagementSummary>", "", honest
    ).replace("QuantityManagementOutcome>01<", "QuantityManagementOutcome>05<"),
}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        fake = self.server.fake
        request = etree.fromstring(self.rfile.read(int(self.headers["Content-Length"])))
        fake.check(self, request)
        fake.requests.append(request)
        answer = fake.reply(request)
        self.close_connection = True
        if answer is None:
            return
        status, data, sent = answer
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:sent])

    def log_message(self, *_):
        pass


@contextmanager
def certex(**changes):
    """A server and a client of it whose time is the server's."""
    fake = FakeCertex(**changes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.fake = fake
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        fake.address = f"http://127.0.0.1:{server.server_port}/tracesnt/ws"
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def target(address, **changes):
    values = {
        "adapter": "traces-nt",
        "address": address,
        "username": "customs",
        "ca": "",
        "client_certificate": "",
        "client_key": "",
        "timeout_seconds": 3.0,
        **changes,
    }
    return SimpleNamespace(**values)


def port_at(address):
    return Port.at(target(address), "secret", client_id="customs-xi", clock=lambda: datetime.now(UTC))


def client_of(fake, **patience):
    """A client that sleeps by moving the server's time on."""

    def sleep(seconds):
        fake.now += timedelta(seconds=seconds)

    return CertexClient(
        port_at(fake.address),
        patience=Patience(**patience),
        clock=lambda: fake.now,
        monotonic=lambda: (fake.now - NOW) / timedelta(seconds=1),
        sleep=sleep,
    )
