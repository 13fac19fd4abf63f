"""Envelopes and hubs that cost more than they should, or stop the poller."""

import hashlib
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))  # the hub in memory of its tests

import hub_members
from polling_harness import HUB_RECORD, House, MemoryHub, envelope, poller_of

from adapters.ippc_hub.faults import HubFault
from gateway.errors import DeliveryError
from gateway.hub import HubService, responses, rounds, service
from gateway.hub.importing import MAX_FIELD
from gateway.hub.synchronising import synchronise_lists
from gateway.ippc.wire import text_part, written_size
from gateway.soap.transport import PackageTransport, TlsSettings, UnusableReply
from gateway.trust.timestamps import http_transport
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import ACK17, RAM21


@pytest.fixture
def house(store):
    return House(store)


@pytest.fixture
def hub():
    return MemoryHub()


def answer(inside):
    return (
        f'<ack:SPSAcknowledgement xmlns:ack="{ACK17}" xmlns:ram="{RAM21}"><ack:SPSAcknowledgementDocument>'
        f"<ram:StatusCode>41</ram:StatusCode>{inside}</ack:SPSAcknowledgementDocument></ack:SPSAcknowledgement>"
    )


def test_an_answer_with_countless_references_does_not_hold_up_every_writer(house, hub, monkeypatch):
    asked = []
    find = responses.find_tracking
    monkeypatch.setattr(responses, "find_tracking", lambda *given, **more: asked.append(given) or find(*given, **more))
    reference = "<ram:ReferenceSPSReferencedDocument><ram:ID>1</ram:ID></ram:ReferenceSPSReferencedDocument>"
    hub.put(envelope(content=answer(reference * 1000)))
    assert poller_of(house, hub).run_once("the-hub").states == {"response": 1}
    assert len(asked) == responses.MAX_REFERENCES


def test_reasons_of_an_answer_do_not_fill_the_audit(house, hub):
    hub.put(envelope(content=answer(f"<ram:ReasonInformation>{'x' * 10_000}</ram:ReasonInformation>" * 100)))
    assert poller_of(house, hub).run_once("the-hub").states == {"response": 1}
    assert house.one("SELECT max(length(detail)) FROM audit") < responses.MAX_REASONS * 2_500


def renamed(hub, number, new):
    """The hub gives an envelope another number."""
    given = hub.envelopes.pop(number)
    hub.envelopes[new] = replace(given, header=replace(given.header, hub_delivery_number=new))
    hub.states[new] = hub.states.pop(number)


def test_a_number_that_no_database_keeps_does_not_stop_the_others(house, hub):
    """PostgreSQL refuses keys beyond 2,700 bytes; that used to look like a store that is away, in every round."""
    endless = "".join(hashlib.sha256(bytes([seed])).hexdigest() for seed in range(100))
    renamed(hub, hub.put(envelope()), endless)
    good = hub.put(envelope())
    done = poller_of(house, hub).run_once("the-hub")
    assert (done.failure, done.states) == (None, {"imported": 1})
    assert (hub.states[good], hub.states[endless]) == ("Delivered", "PendingDelivery")


def test_header_fields_without_end_are_kept_in_the_envelope_alone(house, hub):
    hub.put(envelope(content="<a/>", certificate_number="9" * 100_000))
    assert poller_of(house, hub).run_once("the-hub").states == {"unreadable": 1}
    assert house.one("SELECT length(certificate_number) FROM hub_imports") == MAX_FIELD


def test_a_number_that_is_given_twice_does_not_lose_the_second_envelope(house, hub):
    """A hub whose numbers began again: what was never stored is never acknowledged."""
    poller = poller_of(house, hub)
    number = hub.put(envelope())
    assert poller.run_once("the-hub").states == {"imported": 1}
    hub.put(envelope())
    renamed(hub, "HUB-0002", number)
    done = poller.run_once("the-hub")
    assert [each.split(":")[1].split()[0] for each in done.troubled] == ["IMG-7122"]
    assert hub.states[number] == "PendingDelivery"
    assert house.one("SELECT count(*) FROM documents") == 1


def test_a_number_that_is_listed_twice_is_no_trouble(house, hub):
    hub.put(envelope())
    listed = hub.import_headers() * 2
    hub.import_headers = lambda: listed
    pull = hub.pull

    def waiting_only(number):
        if hub.states[number] != "PendingDelivery":
            raise HubFault(f"IMG-7102: acknowledged already | found {number} | retry never", sender=True)
        return pull(number)

    hub.pull = waiting_only
    done = poller_of(house, hub).run_once("the-hub")
    assert (done.failure, done.troubled, done.states) == (None, (), {"imported": 2})
    assert hub.acknowledged == ["HUB-0001"]


def test_a_queue_too_long_to_be_listed_is_worked_off_all_the_same(house, hub):
    """Any authority that sends enough would else stop what all others send."""
    hub.put(envelope(), envelope())
    listed = hub.import_headers()
    hub.pull_all = lambda: [hub.envelopes[header.hub_delivery_number] for header in listed]

    def too_long(_country=""):
        raise UnusableReply(200, "more than 250,000 elements")

    hub.import_headers = too_long
    done = poller_of(house, hub).run_once("the-hub")
    assert (done.failure, done.states) == (None, {"imported": 2})
    assert set(hub.states.values()) == {"Delivered"}


def test_a_code_list_that_cannot_be_read_does_not_slow_the_poller_down(house, hub):
    """Each round failed by it, so that the pauses grew to a quarter of an hour."""

    def too_long(which):
        raise UnusableReply(200, f"{which} has more than 250,000 elements")

    hub.code_list = too_long
    hub.put(envelope())
    done = poller_of(house, hub, synchronise=synchronise_lists).run_once("the-hub")
    assert (done.failure, done.states, done.lists) == (None, {"imported": 1}, ())


def test_a_hub_that_invents_numbers_fills_neither_the_round_nor_the_memory(house, hub, monkeypatch):
    monkeypatch.setattr(rounds, "MAX_AVOIDED", 20)
    house.save({**HUB_RECORD, "polling": {"interval_seconds": 30, "batch": 10}})
    poller = poller_of(house, hub)
    for _ in range(35):
        hub.unpullable.add(hub.put(envelope()))
    hub.put(envelope())
    sizes = []
    for _ in range(4):
        done = poller.run_once("the-hub")
        sizes.append((len(done.troubled), done.states.total(), done.more))
    assert sizes == [(10, 0, True), (10, 0, True), (10, 0, True), (5, 1, False)]
    assert len(poller._intake._avoided) == 20


@contextmanager
def answering(head, pause):
    """A server that sends the head of an answer and then a byte now and then, for ever."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(head)
            while not over.wait(pause):
                connection.sendall(b"a")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        over.set()
        thread.join(10)
        listener.close()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_hub_that_drips_its_answer_does_not_hold_the_poller(head):
    """The time between two bytes was short, and the thread that polls was gone for ever."""
    transport = PackageTransport(timeout=0.5, limits=DEFAULT_LIMITS, tls=TlsSettings())
    with answering(head, 0.05) as address:
        start = time.monotonic()
        with pytest.raises(DeliveryError) as caught:
            transport.exchange(address, b"<a/>", {})
        assert time.monotonic() - start < 3
    assert caught.value.code == "IMG-8002"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-A: "])
def test_an_authority_that_drips_the_head_of_its_answer_is_given_up_in_time(head):
    with answering(head, 0.05) as address:
        start = time.monotonic()
        with pytest.raises((OSError, ValueError)):
            http_transport(timeout=0.5)(address, b"query")
        assert time.monotonic() - start < 3


def test_what_could_never_be_handed_out_is_not_taken_in(store, monkeypatch):
    """32 MB of & are 160 MB in the answer: its receiver could neither read nor acknowledge it, nor get past it."""
    monkeypatch.setattr(service, "MAX_WRITTEN", 1000)
    members = hub_members.directory()
    hub = HubService(store, members)
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    given = hub_members.envelope(content="&" * 201)
    refused = hub.deliver(members.by_id("ar-nppo"), given, now=now)
    assert refused.tracking == "FailedDelivery"
    assert refused.error_message.startswith("IMG-7123")
    assert hub.headers(members.by_id("be-nppo")) == []
    taken = hub.deliver(members.by_id("ar-nppo"), hub_members.envelope(content="&" * 200), now=now)
    assert taken.tracking == "PendingDelivery"


def test_an_answer_with_several_envelopes_is_bounded_as_it_is_written(store, monkeypatch):
    monkeypatch.setattr(service, "MAX_PULL_BYTES", 1000)
    members = hub_members.directory()
    hub = HubService(store, members)
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    for number in range(3):
        given = hub_members.envelope(content="&" * 150, certificate_number=f"AR-{number}")
        assert hub.deliver(members.by_id("ar-nppo"), given, now=now).tracking == "PendingDelivery"
    assert len(hub.pull_all(members.by_id("be-nppo"))) == 1


@pytest.mark.parametrize("text", ["", "a<b>c&d\r\n\té€", "&" * 100_000])
def test_the_written_size_is_that_of_what_is_written(text):
    assert written_size(text.encode()) == len(text_part("a", text)) - len(text_part("a", ""))
