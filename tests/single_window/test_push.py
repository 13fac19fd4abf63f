"""A customs system that follows a CHED is told of every change, in order, until it is told to stop (PushIndication).

The receiver is a real HTTP server; it is written against docs/customs-push.md and nothing of the gateway's own.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import following_harness
import pytest
from certex_harness import CXB3, MRN, SECRET, CertexWorld, Goods, partner_records
from following_harness import Desk
from lxml import etree

from gateway.single_window.operating import release_holds, thaw_ched
from gateway.single_window.pushing import Pushes
from gateway.store import (
    Declaration,
    DeclarationType,
    PushEnd,
    changed_documents,
    find_push,
    find_subscription,
    list_deliveries,
    list_pushes,
    list_subscriptions,
    read_ledger,
    save_partner,
)
from gateway.store.finders import DocumentQuery
from gateway.xml.schemas import SchemaName, is_valid

PUSH = "{urn:imsoc:gateway:customs-push:1}"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
ON, OFF = (f'<PushMarker xmlns="{CXB3}">{marker}</PushMarker>' for marker in "12")
LOSE, BUSY, REFUSE = "lose", "busy", "refuse"
"""What the receiver may do instead of answering."""


@dataclass
class Seen:
    """One notification, read by name."""

    body: etree._Element

    def __getattr__(self, name):
        return self.body.findtext(f"{PUSH}{name}")

    @property
    def number(self):
        return int(self.Number)

    @property
    def status(self):
        return self.body.findtext(f"{PUSH}Ched/{PUSH}StatusCode")

    @property
    def reference(self):
        return self.body.findtext(f"{PUSH}Ched/{PUSH}Reference")

    @property
    def available(self):
        return [each.findtext(f"{PUSH}Quantity") for each in self.body.iter(f"{PUSH}Available")]

    def of(self, name):
        """(declaration, quantity, unit) of what is reserved or consumed."""
        return [
            (each.findtext(f"{PUSH}Declaration"), *_quantity(each.find(f"{PUSH}Quantity")))
            for each in self.body.iter(f"{PUSH}{name}")
        ]


def _quantity(element):
    return element.text, element.get("unit")


@dataclass
class Receiver:
    """A customs system that serves CustomsPush; takes a repeat as the same."""

    seen: list = field(default_factory=list)
    script: list = field(default_factory=list)
    before: object = None
    port: int = 0
    _server: object = None

    def start(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                request = etree.fromstring(self.rfile.read(int(self.headers["Content-Length"])))
                body = request.find(f"{{{SOAP11}}}Body")[0]
                assert is_valid(SchemaName.CUSTOMS_PUSH, body)
                receiver.seen.append(Seen(body))
                act = receiver.script.pop(0) if receiver.script else ""
                if act == LOSE:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                answer = _receipt(receiver.seen[-1]) if not act else _fault(act)
                self.send_response(500 if act else 200)
                self.send_header("Content-Type", "text/xml; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def away(self):
        self.stop()
        yield
        self.start()

    @property
    def taken(self):
        """(CHED, number) of what was receipted or seen, repeats as one."""
        return list(dict.fromkeys((each.reference, each.number) for each in self.seen))

    @property
    def numbers(self):
        return [each.number for each in self.seen]


def _envelope(body):
    return f'<s:Envelope xmlns:s="{SOAP11}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def _receipt(seen):
    fields = f"<p:Subscription>{seen.Subscription}</p:Subscription><p:Number>{seen.number}</p:Number>"
    return _envelope(f'<p:ChedChangeReceipt xmlns:p="{PUSH[1:-1]}">{fields}</p:ChedChangeReceipt>')


def _fault(act):
    code = "s:Client" if act == REFUSE else "s:Server"
    return _envelope(f"<s:Fault><faultcode>{code}</faultcode><faultstring>{act}</faultstring></s:Fault>")


@pytest.fixture
def receiver():
    receiver = Receiver()
    receiver.start()
    yield receiver
    receiver.stop()


def endpoint(receiver, folder):
    return {
        "adapter": "customs-push",
        "address": f"http://127.0.0.1:{receiver.port}/CustomsPush",
        "username": "gateway",
        "secret": f"file:{folder / 'secret.txt'}",
        "timeout_seconds": 5,
    }


@pytest.fixture
def world(tmp_path, store_url, seal_files, receiver):
    """Customs systems, of which ``customs-xi`` has an endpoint; the worker runs when a test says so."""
    records = [
        {**record, "delivery": endpoint(receiver, tmp_path)} if record["id"] == "customs-xi" else record
        for record in partner_records(tmp_path)
    ]
    world = CertexWorld(tmp_path, store_url, seal=seal_files, records=records)
    yield world
    world.close()


def deliver(world, rounds=1, **passing):
    """Let the worker do what is due, and time pass after each round."""
    worker = world.application._parts.worker
    for _ in range(rounds):
        worker.run_once()
        world.later(**passing or {"seconds": 1})


def followers(world):
    with world.store.read() as connection:
        return list_subscriptions(connection)


def states(world):
    with world.store.read() as connection:
        return [each.state.value for each in reversed(list_pushes(connection))]


def push_of(answer):
    return answer.text("c:PushActive"), answer.text("c:PushStopReason")


def test_every_change_arrives_in_order_until_it_is_told_to_stop(world, receiver):
    reference = world.ched()
    customs, other = world.caller(), world.caller("customs-xi-other")
    assert push_of(customs.read(reference, push=ON)) == ("true", None)
    assert push_of(customs.read(reference)) == ("true", None)
    assert customs.reserve(reference, MRN("26XI1"), Goods("300")).said == "reserved"
    assert other.reserve(reference, MRN("26XI2"), Goods("200000", "GRM")).said == "reserved"
    assert customs.reserve(reference, MRN("26XI3"), Goods("501")).said.startswith("05")
    world.later(seconds=1)
    assert customs.release(reference, "26XI1").said == "outcome 01"
    assert receiver.seen == [], "nothing is told before it is committed and due"
    deliver(world)

    assert receiver.numbers == [1, 2, 3]
    assert [each.Change for each in receiver.seen] == ["ledger", "ledger", "document"]
    assert [each.available for each in receiver.seen] == [["700"], ["500"], ["500"]]
    assert receiver.seen[1].of("Reserved") == [("26XI1", "300", "KGM"), ("26XI2", "200000", "GRM")]
    assert receiver.seen[2].of("Consumed") == [("26XI1", "300", "KGM")]
    assert {each.CompetentCustomsOffice for each in receiver.seen} == {"XI000002"}
    assert {(each.reference, each.status) for each in receiver.seen} == {(reference, "70")}
    assert [int(each.body.find(f"{PUSH}Ledger").get("version")) for each in receiver.seen] == [2, 3, 4]

    assert push_of(customs.read(reference, push=OFF)) == ("false", "01")
    other.delete(reference, "26XI2")
    deliver(world, 2)
    assert receiver.numbers == [1, 2, 3]
    assert push_of(customs.read(reference)) == ("false", "01")
    assert states(world) == ["delivered"] * 3


def test_nothing_is_kept_of_a_partner_without_an_endpoint(world, receiver):
    reference = world.ched()
    other = world.caller("customs-xi-other")
    assert push_of(other.read(reference, push=ON)) == ("false", None)
    assert push_of(other.reserve(reference, MRN("26XI1"), Goods(), push=ON)) == ("false", None)
    deliver(world)
    assert (followers(world), receiver.seen) == ((), [])


def test_a_reservation_may_ask_and_its_answer_is_the_first_position(world, receiver):
    reference = world.ched()
    customs = world.caller()
    answer = customs.reserve(reference, MRN("26XI1"), Goods("300"), push=ON)
    assert (answer.said, push_of(answer), answer.ledger[0]) == ("reserved", ("true", None), ["700"])
    deliver(world)
    assert receiver.seen == []
    world.later(seconds=1)
    customs.reserve(reference, MRN("26XI1"), Goods("100"))
    deliver(world)
    (seen,) = receiver.seen
    assert (seen.number, seen.available, seen.of("Reserved")) == (1, ["900"], [("26XI1", "100", "KGM")])


def test_failures_in_between_change_nothing_in_the_order(world, receiver):
    one, two = world.ched(), world.ched()
    customs = world.caller()
    for reference in (one, two):
        customs.read(reference, push=ON)
    receiver.script = ["", LOSE, LOSE, BUSY]
    for number in range(1, 5):
        world.later(seconds=1)
        customs.reserve(one, MRN(f"26XI{number}"), Goods("10"))
        customs.reserve(two, MRN(f"26XI{number}"), Goods("10"))
    deliver(world, 40)
    assert states(world) == ["delivered"] * 8
    assert len(receiver.seen) == 11
    for reference in (one, two):
        seen = [each for each in receiver.seen if each.reference == reference]
        assert [number for _, number in dict.fromkeys((reference, each.number) for each in seen)] == [1, 2, 3, 4]
        assert [each.number for each in seen] == sorted(each.number for each in seen)
        repeats = {}
        for each in seen:
            repeats.setdefault(each.number, set()).add(etree.tostring(each.body))
        assert all(len(same) == 1 for same in repeats.values()), "a repeat is the same message"


def test_a_ched_whose_push_waits_holds_up_no_other(world, receiver):
    one, two = world.ched(), world.ched()
    customs = world.caller()
    for reference in (one, two):
        world.later(seconds=1)  # of one moment either may be the first
        customs.read(reference, push=ON)
        customs.reserve(reference, MRN("26XI1"), Goods("10"))
    receiver.script = [BUSY]
    deliver(world)
    assert [each.reference for each in receiver.seen] == [one, two]
    assert states(world) == ["pending", "delivered"]


def test_a_receiver_that_is_away_gets_all_of_it_later(world, receiver):
    reference = world.ched()
    customs = world.caller()
    customs.read(reference, push=ON)
    with receiver.away():
        for number in range(1, 4):
            world.later(seconds=1)
            customs.reserve(reference, MRN(f"26XI{number}"), Goods("10"))
            deliver(world, 3, minutes=1)
    assert receiver.seen == []
    deliver(world, 20, minutes=10)
    assert receiver.numbers == [1, 2, 3]


def test_a_change_that_it_refuses_is_the_operators_and_the_next_one_goes(world, receiver):
    reference = world.ched()
    customs = world.caller()
    customs.read(reference, push=ON)
    receiver.script = [REFUSE]
    for number in (1, 2):
        world.later(seconds=1)
        customs.reserve(reference, MRN(f"26XI{number}"), Goods("10"))
    deliver(world)
    with world.store.read() as connection:
        second, first = list_pushes(connection)
    assert (first.state, first.code, first.detail) == ("refused", "IMG-8040", "Client: refuse")
    assert second.state == "delivered"


def test_a_message_that_is_refused_changes_nothing_and_tells_nothing(world, receiver):
    reference = world.ched()
    customs = world.caller()
    customs.read(reference, push=ON)
    customs.reserve(reference, MRN("26XI1"), Goods("10"), message_id="m-1")
    assert customs.reserve(reference, MRN("26XI2"), Goods("10"), message_id="m-1").code == "IMG-7405"
    deliver(world)
    assert receiver.numbers == [1]


def test_pushes_are_no_documents(world, receiver):
    reference = world.ched()
    customs = world.caller()
    customs.read(reference, push=ON)
    customs.reserve(reference, MRN("26XI1"), Goods("10"))
    deliver(world)
    with world.store.read() as connection:
        assert changed_documents(connection, DocumentQuery(visibility=None)) == ((), False)
        (row,) = list_deliveries(connection)
    assert (row.exchange_id, row.push_id) == (None, row.id)


def test_who_may_not_see_the_ched_any_more_is_told_nothing(world, receiver):
    reference = world.ched()
    customs = world.caller()
    customs.read(reference, push=ON)
    customs.reserve(reference, MRN("26XI1"), Goods("10"))
    record = next(each for each in partner_records(world.folder) if each["id"] == "customs-xi")
    record["delivery"] = endpoint(receiver, world.folder)
    record["customs"] = {**record["customs"], "countries": ["BE"]}
    world.store.write(lambda c: save_partner(c, "customs-xi", record, author="test", now=world.now))
    world.application.context.directory._monotonic = lambda: time.monotonic() + 3600  # records are read again
    deliver(world)
    assert (receiver.seen, states(world)) == ([], ["failed"])
    with world.store.read() as connection:
        assert list_pushes(connection)[0].code == "IMG-2110"


def test_what_is_in_no_answer_is_told_and_what_is_told_is_in_no_answer(world, receiver):
    """Who asks while others reserve misses nothing, however the two fall."""
    reference = world.ched()
    other, customs = world.caller("customs-xi-other"), world.caller()
    answers = []

    def reserve():
        for number in range(20):
            other.reserve(reference, MRN(f"26XI{number}"), Goods("1"))

    def ask():
        answers.append(customs.read(reference, push=ON))

    threads = [threading.Thread(target=each) for each in (reserve, ask)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    other.reserve(reference, MRN("26XILAST"), Goods("1"))
    deliver(world, 3)
    (left,) = answers[0].ledger[0]
    told = [int(quantity) for each in receiver.seen for quantity in each.available]
    assert told == list(range(int(left) - 1, 978, -1))


class TestCheds:
    """Changes of the CHED itself, through the register."""

    @pytest.fixture
    def desk(self, store, monkeypatch, receiver, tmp_path):
        monkeypatch.setattr(following_harness, "Told", Pushes)
        (tmp_path / "secret.txt").write_text(SECRET)
        desk = Desk(store)
        desk.records[-1]["delivery"] = endpoint(receiver, tmp_path)
        for record in desk.records:
            store.write(lambda c, record=record: save_partner(c, record["id"], record, author="t", now=desk.now))
        return desk

    def follow(self, desk, reference, *, on=True):
        def unit(connection):
            state = read_ledger(connection, reference)
            return desk.told.follow(connection, desk.customs(), state.ched_id, on=on, office="NL000510", at=desk.now)

        return desk.store.write(unit)

    def told(self, desk, reference):
        """(what, status, stop reason) of each push, in order."""
        with desk.store.read() as connection:
            rows = reversed(list_pushes(connection, reference=reference))
            bodies = [(row, Seen(etree.fromstring(find_push(connection, row.id)[1]))) for row in rows]
        return [(row.what.value, body.status, body.StopReason) for row, body in bodies]

    def test_a_status_is_told_with_the_ledger_that_comes_with_it(self, desk):
        reference = desk.certify()
        assert self.follow(desk, reference) == (True, "")
        desk.decide(reference)
        assert self.told(desk, reference) == [("status", "70", None)]

    def test_a_replaced_ched_is_followed_until_nothing_is_reserved_on_it(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        self.follow(desk, old)
        desk.validated(cites=(("ACW", old),))
        assert self.told(desk, old)[0] == ("status", "44", None)
        desk.give_back(old, "24NL1")
        assert self.told(desk, old)[-1] == ("ledger", "44", "ched-ended")
        assert self.follow(desk, old) == (False, "02")
        with desk.store.read() as connection:
            found = find_subscription(connection, "customs-nl", read_ledger(connection, old).ched_id)
        assert found.why is PushEnd.CHED

    def test_a_rejected_ched_ends_it_with_the_rejection(self, desk):
        reference = desk.certify()
        self.follow(desk, reference)
        desk.decide(reference, code="NOT_ACCEPTABLE")
        assert self.told(desk, reference) == [("status", "41", "ched-ended")]
        assert self.follow(desk, reference, on=None) == (False, "02")

    def test_the_ledger_of_a_successor_is_told_when_the_old_one_moves(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        new = desk.validated(cites=(("ACW", old),))
        self.follow(desk, new)
        desk.give_back(old, "24NL1")
        assert self.told(desk, new) == [("ledger", "70", None)]

    def test_a_position_is_told_when_all_that_moves_it_is_written(self, desk):
        whole = desk.validated()
        parent = desk.certify(300, cites=(("AXG", whole),))
        desk.validated(100, cites=(("AXG", parent),))
        self.follow(desk, whole)
        desk.decide(parent)
        assert desk.line(whole) == (500, 300, 0, 0, 200)
        with desk.store.read() as connection:
            (row,) = list_pushes(connection, reference=whole)
            body = Seen(etree.fromstring(find_push(connection, row.id)[1]))
        assert (row.what.value, body.available) == ("ledger", ["200"])
        assert body.body.find(f"{PUSH}Ledger").get("version") == str(desk.ledger(whole).version)

    def test_what_a_thaw_draws_and_carries_is_told_once(self, desk):
        parent = desk.validated()
        desk.reserve(parent, "24NL1", 450)
        part = desk.validated(120, cites=(("AXG", parent),))
        desk.give_back(parent, "24NL1")
        for each in (parent, part):
            self.follow(desk, each)
        desk.store.write(lambda c: thaw_ched(c, part, "", actor="op", at=desk.now))
        for each in (parent, part):
            assert self.told(desk, each) == [("ledger", "70", None)]

    def test_an_operators_release_is_told(self, desk):
        reference = desk.validated()
        desk.reserve(reference, "24NL1", 200)
        self.follow(desk, reference)
        mrn = Declaration(DeclarationType.MRN, "24NL1")
        desk.store.write(lambda c: release_holds(c, reference, mrn, actor="op", reason="gone", at=desk.now))
        assert self.told(desk, reference) == [("ledger", "70", None)]

    def test_what_an_operator_releases_on_the_old_one_is_told_of_the_new_one(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        new = desk.validated(cites=(("ACW", old),))
        self.follow(desk, new)
        mrn = Declaration(DeclarationType.MRN, "24NL1")
        desk.store.write(lambda c: release_holds(c, old, mrn, actor="op", reason="gone", at=desk.now))
        assert self.told(desk, new) == [("ledger", "70", None)]

    def test_too_many_that_wait_end_it_and_the_last_one_says_so(self, desk, monkeypatch):
        reference = desk.validated()
        monkeypatch.setattr(desk.told, "_limit", 3)
        self.follow(desk, reference)
        for number in range(1, 6):
            desk.reserve(reference, f"24NL{number}", 1)
        assert [reason for *_, reason in self.told(desk, reference)] == [None, None, "backlog"]
        assert self.follow(desk, reference, on=None) == (False, "03")
        assert self.follow(desk, reference) == (True, "")
