"""Our client at our own stand-in of the hub, over a socket: the two sides of the contract understand each other."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))  # importlib mode does not; the helper's name is unique

from hub_callers import PATH, HubWorld, client_cert
from lxml import etree

from adapters import DeliveryJob, DeliveryOutcome
from adapters.ippc_hub import CodeList, HubFault, HubForbidden, IppcHubAdapter, IppcHubClient
from gateway.access import DeliveryTarget
from gateway.errors import DeliveryError
from gateway.ippc import wire
from gateway.ippc.form import to_hub_form
from gateway.ippc.models import Envelope, EnvelopeHeader
from gateway.sandbox.samples import certificate
from gateway.store import DocumentKey

HEADER = EnvelopeHeader("AR", "BE", 851, 70, "AR-1")
ACKNOWLEDGEMENT = (
    b'<a:SPSAcknowledgement xmlns:a="urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17" '
    b'xmlns:r="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21">'
    b"<a:SPSAcknowledgementDocument><r:StatusCode>41</r:StatusCode>"
    b"<r:ReasonInformation>not complete</r:ReasonInformation></a:SPSAcknowledgementDocument></a:SPSAcknowledgement>"
)


@pytest.fixture(scope="module")
def hub_world(tmp_path_factory):
    return HubWorld(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def client_of(hub_world, sqlite_url, served):
    """Clients of members; what stands in front of the gateway ends TLS and hands the certificate on (RFC 9440)."""
    gateway = hub_world.open(sqlite_url)

    def client(member):
        def proxied(environ, start_response):
            shown = client_cert(hub_world.clients[member])
            return gateway({**environ, "REMOTE_ADDR": "127.0.0.2", "HTTP_CLIENT_CERT": shown}, start_response)

        address = served(proxied).rpartition("/")[0] + PATH
        return IppcHubClient.open(DeliveryTarget("ippc-hub", address))

    yield client
    gateway.close()


def phyto():
    root = etree.fromstring(certificate(number="AR-3", import_="BE"))
    to_hub_form(root)
    del root.find("{*}SPSExchangedDocument/{*}Name").attrib["languageID"]
    return etree.tostring(root)


def test_an_envelope_goes_from_one_member_to_another_and_the_sender_learns_of_it(client_of):
    sender, receiver = client_of("ar-nppo"), client_of("be-nppo")
    sent = sender.deliver(Envelope(HEADER, "<?xml version='1.0'?>\r\n<a>é &amp; ü</a>".encode()))
    assert sent.tracking == "PendingDelivery"
    number = sent.hub_delivery_number
    assert [header.hub_delivery_number for header in sender.under_delivery()] == [number]
    assert [header.hub_delivery_number for header in receiver.import_headers("BE")] == [number]
    pulled = receiver.pull(number)
    assert pulled.envelope.content == "<?xml version='1.0'?>\r\n<a>é &amp; ü</a>".encode()
    assert receiver.pull_all() == (pulled.envelope,)
    receiver.acknowledge_with_warnings(number, "box 5 <unknown>")
    header = sender.tracking(number)
    assert (header.tracking, header.error_message) == ("DeliveredWithWarnings", "box 5 <unknown>")
    assert sender.under_delivery() == receiver.import_headers() == ()


def test_every_operation_is_understood(client_of):
    sender, receiver = client_of("ar-nppo"), client_of("be-nppo")
    numbers = [
        sender.deliver(Envelope(HEADER, b"<a/>")).hub_delivery_number,
        sender.deliver(Envelope(EnvelopeHeader("AR", "BE", 851, 70, "AR-2"), b"<a/>")).hub_delivery_number,
        sender.deliver_phyto(EnvelopeHeader("AR", "BE", 851, 70, "AR-3"), phyto()).hub_delivery_number,
        sender.deliver_country_response(
            EnvelopeHeader("AR", "BE", 851, 70, "B-4"), ACKNOWLEDGEMENT
        ).hub_delivery_number,
    ]
    assert all(numbers)
    validated = sender.validate_and_deliver(Envelope(EnvelopeHeader("AR", "BE", 851, 70, "AR-3"), phyto()))
    assert validated.tracking in {"PendingDelivery", "FailedDelivery"}
    assert {header.hub_delivery_number for header in receiver.import_headers()} >= set(numbers)
    assert b"not complete" in receiver.pull(numbers[3]).envelope.content
    receiver.acknowledge(numbers[0])
    receiver.acknowledge_failed(numbers[1], "no XML")
    receiver.acknowledge_with_warnings(numbers[2], "so so")
    receiver.set_tracking(EnvelopeHeader("AR", "BE", 851, 70, "B-4", numbers[3], "Delivered"))
    assert [sender.tracking(number).tracking for number in numbers] == [
        "Delivered",
        "DeliveredNotReadable",
        "DeliveredWithWarnings",
        "Delivered",
    ]
    assert any(result.level == "SEVERE" for result in sender.validate("no XML at all"))
    assert {"AR", "BE"} <= {nppo.country for nppo in sender.active_nppos()}
    profile = sender.profile()
    assert profile.country == "AR"
    assert profile.signature_dn == "CN=Invented"
    assert profile.allows(851, 70)
    assert [rule.rule for rule in profile.rules] == ["FORWARD"]
    assert [(channel.code, channel.name) for channel in sender.channels()] == [("ARC", "Archive & window")]
    for which in CodeList:
        answer = sender.code_list(which)
        assert len(answer)
        assert all(item.tag == f"{{http://ephyto.ippc.int/}}{which}" for item in answer)


def test_refusals_are_told_apart(client_of):
    sender, receiver = client_of("ar-nppo"), client_of("be-nppo")
    refused = sender.deliver(Envelope(EnvelopeHeader("AR", "XX", 851, 70, "AR-1"), b"<a/>"))
    assert refused.tracking == "FailedDelivery"
    assert refused.error_message
    assert sender.tracking("no-such-number").tracking == "EnvelopeNotExists"
    number = sender.deliver(Envelope(HEADER, b"<a/>")).hub_delivery_number
    assert client_of("cl-nppo").tracking(number).tracking == "EnvelopeNotExists"
    receiver.acknowledge(number)
    codes = []
    for call in (lambda: receiver.pull("no-such-number"), lambda: receiver.acknowledge(number)):
        with pytest.raises(HubFault) as caught:
            call()
        codes.append((caught.value.hub_code, caught.value.is_final))
    assert codes == [("IMG-7101", True), ("IMG-7102", True)]


@pytest.mark.parametrize("member", ["stranger", "gone"])
def test_a_certificate_of_nobody_is_forbidden(client_of, member):
    with pytest.raises(HubForbidden) as caught:
        client_of(member).profile()
    assert caught.value.status == 403


def test_the_adapter_sends_and_finds_again_what_it_sent(client_of, utc_now):
    adapter = IppcHubAdapter(client_of("ar-nppo"))
    job = DeliveryJob(
        id="d-1",
        partner="hub",
        exchange_id="x",
        document=DocumentKey("AR", "851", "AR-1"),
        status_code="70",
        sender="ar",
        attempt=1,
        deadline=utc_now + timedelta(seconds=20),
        payload=wire.deliver_envelope(Envelope(HEADER, certificate(number="AR-1", import_="BE"))),
    )
    assert adapter.resolve(job).outcome is DeliveryOutcome.ABSENT
    sent = adapter.deliver(job)
    assert sent.outcome is DeliveryOutcome.TRACKING
    assert adapter.resolve(job).reference == sent.reference
    assert adapter.deliver(job).reference == sent.reference
    client_of("be-nppo").acknowledge(sent.reference)
    assert adapter.resolve(job).outcome is DeliveryOutcome.ABSENT


def test_a_caller_without_the_grant_is_told_so_and_tries_later(client_of):
    with pytest.raises(DeliveryError) as caught:
        client_of("one-grant").under_delivery()
    assert isinstance(caught.value, HubForbidden | HubFault)
    assert not getattr(caught.value, "is_final", False)
