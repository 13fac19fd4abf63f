"""From a submitted certificate to the hub and its last word: what is rendered, what is sent, what is tracked."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta

import fake_hub
import pytest
from exchange_harness import Caller, World, add_partners
from fake_hub import FakeHub
from lxml import etree

from adapters import DeliveryJob, open_adapter
from adapters.ippc_hub import IppcHubClient
from gateway.app import build_application
from gateway.delivery import Worker
from gateway.delivery.tracking import track
from gateway.errors import ConfigurationError, DeliveryError, RouteRefused
from gateway.exchange import payload_for
from gateway.sandbox.samples import certificate
from gateway.store import DocumentKey, Form, Submission, get_tracking, list_deliveries, new_id, record_submission
from mappings import translate

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21}"
ATTACHED = "JVBERi0xLjcKJcOkw7zDtsOf" * 40


class Sending:
    """A gateway that sends to a hub and to a neighbour, and the hub."""

    def __init__(self, world, hub, gateway):
        self.world, self.hub, self.gateway = world, hub, gateway
        self.now = world.now
        self.caller = Caller(world, gateway)
        context = gateway.context
        self.store = context.store
        targets = {each.id: each.delivery for each in context.directory.partners() if each.delivery}
        self.worker = Worker(
            context.store,
            lambda partner: open_adapter(targets[partner], ""),
            prepare=lambda job: payload_for(context, job),
            clock=lambda: self.now,
        )
        self.client = IppcHubClient.open(targets["hub"])

    def submit(self, number, *, status="70", **arguments):
        arguments = {"export": "AR", "import_": "UY", **arguments}
        answer = self.caller.submit(self.world.sealed(number=number, status=status, **arguments))
        assert answer.status == 200, answer.fault("Message")

    def unsealed(self, number, *, to, without=b"?"):
        """As a document is recorded that came by a hub: without seal and without route."""
        content = certificate(number=number, export="AR", import_="UY", lines=1)
        index = self.gateway.context.index.on(self.now.date())
        root = translate(etree.fromstring(content), source="ephyto", target="traces", index=index).root
        translated = etree.tostring(root, encoding="UTF-8").replace(b' name="Issued"', b"")
        translated = translated.replace(without, b"<ram:Name>Nowhere</ram:Name>" if b"<" in without else b"", 1)
        submission = Submission(
            exchange_id=new_id(self.now),
            partner="ar",
            contract="ippc-hub",
            operation="PULLSingleImportEnvelope",
            received_at=self.now,
            request=content,
            acknowledgement=b"<ack/>",
            document=DocumentKey("AR", "851", number),
            status_code="70",
            expected_status=None,
            digest=hashlib.sha256(content).digest(),
            content=content,
            form=Form.ENVELOPE,
            translated=translated,
            import_country=None if b"UY" in without else "UY",
            deliveries=(to,),
        )
        self.store.write(lambda connection: record_submission(connection, submission))

    def run(self, **later):
        self.worker.run_once()
        self.now += timedelta(**(later or {"seconds": 2}))

    def deliveries(self):
        with self.store.read() as connection:
            return list(reversed(list_deliveries(connection)))

    def states(self):
        return [(row.state.value, row.code) for row in self.deliveries()]

    def job(self, partner):
        row = next(row for row in self.deliveries() if row.partner == "hub")
        return DeliveryJob(
            id="d-1",
            partner=partner,
            exchange_id=row.exchange_id,
            document=DocumentKey("AR", "851", "AR-1"),
            status_code="70",
            sender="ar",
            attempt=1,
            deadline=self.now + timedelta(seconds=20),
        )


@pytest.fixture
def hub(tmp_path):
    schema = fake_hub.hub_schema(tmp_path) if os.environ.get("IMSOC_CONTRACTS") else None
    hub = FakeHub(schema=schema)
    yield hub
    assert not hub.problems


@pytest.fixture
def sending(tmp_path, store_url, served, hub):
    world = World(tmp_path)
    grants = {"kind": "third-country", "document_types": ["*"], "country_pairs": ["*>*"]}

    def target(adapter, address, *countries):
        return {"adapter": adapter, "address": address, "import_countries": list(countries), "timeout_seconds": 1.0}

    address = served(hub)
    records = [
        world.partner(),
        world.partner("hub", **grants, delivery=target("ippc-hub", address, "UY")),
        world.partner("next", **grants, delivery=target("certificate-exchange", address, "XX")),
        world.partner("odd", **grants, delivery=target("ippc-hub", address, "XX")) | {"code_system": "traces"},
    ]
    add_partners(store_url, records, world.now)
    gateway = build_application(world.settings(store_url, "traces"), clock=lambda: world.now)
    yield Sending(world, hub, gateway)
    gateway.close()


def test_a_certificate_goes_to_the_hub_and_is_followed_to_its_receiver(sending, hub):
    sending.submit("AR-1")
    sending.run()
    assert sending.states() == [("tracking", "")]
    kept = hub.envelopes["HUB-0001"]
    assert kept.header == dict(zip(fake_hub.FIELDS, ("AR", "UY", "851", "70", "AR-1"), strict=True))

    track(sending.store, sending.client, "hub", clock=lambda: sending.now)
    assert sending.states() == [("tracking", "")]
    kept.state, kept.message = "DeliveredWithWarnings", "box 5"
    sending.now += timedelta(seconds=10)
    track(sending.store, sending.client, "hub", clock=lambda: sending.now)
    assert sending.states() == [("delivered", "")]
    (row,) = sending.deliveries()
    with sending.store.read() as connection:
        tracking = get_tracking(connection, row.id)
    assert (tracking.number, tracking.state, tracking.message) == ("HUB-0001", "DeliveredWithWarnings", "box 5")


def test_a_withdrawal_goes_out_under_its_number_while_the_certificate_is_under_way(sending, hub):
    sending.submit("AR-1")
    sending.run()
    sending.submit("AR-1", status="40")
    sending.run()
    assert [kept.header["CertificateStatus"] for kept in hub.envelopes.values()] == ["70", "40"]
    assert {kept.header["NPPOCertificateNumber"] for kept in hub.envelopes.values()} == {"AR-1"}
    assert sending.states() == [("tracking", "")] * 2
    status = etree.fromstring(hub.envelopes["HUB-0002"].content).findtext(f".//{RAM}StatusCode")
    assert status == "40"


def test_a_replacement_goes_out_as_an_issue_that_names_the_old_number(sending, hub):
    sending.submit("AR-1")
    sending.submit("AR-2", status="44", replaces="AR-1")
    sending.run()
    sending.run()
    _, kept = hub.envelopes.values()
    assert (kept.header["NPPOCertificateNumber"], kept.header["CertificateStatus"]) == ("AR-2", "70")
    root = etree.fromstring(kept.content)
    assert root.findtext(f".//{RAM}StatusCode") == "70"
    notes = [[part.text for part in note] for note in root.iter(f"{RAM}IncludedSPSNote")]
    assert ["ADRPN", "AR-1"] in notes


def test_a_replacement_under_the_old_number_keeps_its_status(sending, hub):
    sending.submit("AR-1")
    sending.submit("AR-1", status="44", replaces="AR-1")
    sending.run()
    sending.run()
    assert [kept.header["CertificateStatus"] for kept in hub.envelopes.values()] == ["70", "44"]


def test_the_envelope_holds_the_certificate_in_the_hubs_codes_without_our_seal(sending, hub):
    sending.submit("AR-1")
    sending.run()
    root = etree.fromstring(hub.envelopes["HUB-0001"].content)
    assert root.find(".//{http://www.w3.org/2000/09/xmldsig#}Signature") is None
    assert root.findtext(f".//{RAM}IncludedSPSNote/{RAM}Subject") == "SPSFL"
    assert [line.text for line in root.iter(f"{RAM}SequenceNumeric")] == ["1"]
    assert root.findtext(".//{*}UtilizedSPSTransportEquipment/ID") == "EXMU4123450"


def test_an_attachment_arrives_character_by_character(sending, hub):
    reference = (
        "<ram:ReferenceSPSReferencedDocument><ram:TypeCode>851</ram:TypeCode>"
        "<ram:RelationshipTypeCode>ZZZ</ram:RelationshipTypeCode><ram:ID>PDF-1</ram:ID>"
        f'<ram:AttachmentBinaryObject filename="ü.pdf">{ATTACHED}</ram:AttachmentBinaryObject>'
        "</ram:ReferenceSPSReferencedDocument>"
    ).encode()
    document = certificate(number="AR-1", export="AR", import_="UY", lines=1)
    document = document.replace(b"<ram:SignatorySPSAuthentication>", reference + b"<ram:SignatorySPSAuthentication>")
    assert sending.caller.submit(sending.world.sealed(document)).status == 200
    sending.run()
    (attached,) = etree.fromstring(hub.envelopes["HUB-0001"].content).iter(f"{RAM}AttachmentBinaryObject")
    assert (attached.get("filename"), attached.text) == ("ü.pdf", ATTACHED)


def test_a_refused_header_ends_the_delivery_with_the_hubs_words(sending, hub):
    fake_hub.header_with(HUBTrackingInfo="FailedDelivery", hubDeliveryErrorMessage="UY is not active")(
        hub, "DeliverEnvelope"
    )
    sending.submit("AR-1")
    sending.run()
    (row,) = sending.deliveries()
    assert (row.state, row.code, row.detail) == ("refused", "IMG-8014", "UY is not active")


def test_a_lost_answer_sends_nothing_twice(sending, hub):
    hub.lies["DeliverEnvelope"].append(fake_hub.lost)
    sending.submit("AR-1")
    sending.run()
    assert sending.states() == [("unknown", "IMG-8002")]
    sending.run()
    assert sending.states() == [("tracking", "")]
    assert len(hub.envelopes) == 1


def test_a_lost_request_is_sent_again(sending, hub):
    hub.lies["DeliverEnvelope"].append(lambda *_: (hub.envelopes.clear(), fake_hub.page(502)(None, None))[1])
    sending.submit("AR-1")
    sending.run()
    sending.run()
    sending.run()
    assert sending.states() == [("tracking", "")]
    assert len(hub.calls("DeliverEnvelope")) == 2
    first, second = (etree.tostring(body) for body in hub.calls("DeliverEnvelope"))
    assert first == second


def test_credentials_that_do_not_work_keep_everything_waiting_and_give_nothing_up(sending, hub):
    """An expired certificate over a weekend must not end deliveries."""
    hub.lies["DeliverEnvelope"].extend([fake_hub.page(403)] * 30)
    sending.submit("AR-1")
    sending.submit("AR-2")
    for _ in range(30):
        sending.run(hours=2)
        assert sending.states()[0] == ("pending", "IMG-8004")
    sending.run()
    assert sending.states() == [("tracking", "")] * 2


def test_what_came_unsealed_is_no_certificate_for_a_gateway(sending):
    sending.unsealed("AR-1", to="next")
    sending.run()
    (row,) = sending.deliveries()
    assert (row.state, row.code) == ("failed", "IMG-4105")


def test_what_came_unsealed_goes_on_to_a_hub(sending, hub):
    sending.unsealed("AR-1", to="hub")
    sending.run()
    assert sending.states() == [("tracking", "")]
    assert hub.envelopes["HUB-0001"].header["NPPOCertificateNumber"] == "AR-1"


def test_a_hub_in_other_codes_is_a_mistake_in_its_record(sending):
    sending.submit("AR-1")
    with pytest.raises(ConfigurationError) as caught:
        payload_for(sending.gateway.context, sending.job("odd"))
    assert (caught.value.code, caught.value.where) == ("IMG-0120", "partner odd: code_system")


def test_without_its_route_nothing_is_rendered_for_a_gateway(sending):
    sending.unsealed("AR-1", to="hub")
    with pytest.raises(RouteRefused) as caught:
        payload_for(sending.gateway.context, sending.job("next"))
    assert caught.value.code == "IMG-4105"
    assert "phyto_routes" in caught.value.expected
    assert "com_informed_on" in caught.value.expected


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        (b"<ram:ID>UY</ram:ID>", "To"),
        (b"<ram:ID>AR</ram:ID>", "From"),
        (b"851", "CertificateType"),
        (b"70", "CertificateStatus"),
        (b"AR-1", "NPPOCertificateNumber"),
    ],
)
def test_an_envelope_without_an_address_is_not_sent(sending, hub, missing, field):
    sending.unsealed("AR-1", to="hub", without=missing)
    sending.run()
    (row,) = sending.deliveries()
    assert (row.state, row.code) == ("failed", "IMG-8005")
    assert field in row.detail
    assert not hub.requests
    with pytest.raises(DeliveryError) as caught:
        payload_for(sending.gateway.context, sending.job("hub"))
    assert (caught.value.code, caught.value.where) == ("IMG-8005", field)
