"""All 27 operations against a hub written from the hub's own description, and the ways in which it can fail."""

from __future__ import annotations

import os
import socket
import ssl

import fake_hub
import pytest
from fake_hub import FakeHub, Kept
from lxml import etree

from adapters.ippc_hub import CodeList, HubFault, HubForbidden, IppcHubClient
from adapters.ippc_hub.faults import error_of
from gateway.access import DeliveryTarget
from gateway.errors import DeliveryError, HubRefused, SchemaInvalid
from gateway.ippc.form import to_hub_form
from gateway.ippc.models import Envelope, EnvelopeHeader, Forwarding
from gateway.sandbox.pki import Authority, write
from gateway.sandbox.samples import certificate
from gateway.soap.client import SoapFaultReceived
from gateway.soap.transport import UnusableReply

HEADER = EnvelopeHeader("AR", "NL", 851, 70, "AR-1")
ACKNOWLEDGEMENT = (
    b'<a:SPSAcknowledgement xmlns:a="urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17" '
    b'xmlns:r="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21">'
    b"<a:SPSAcknowledgementDocument><r:StatusCode>41</r:StatusCode>"
    b"<r:ReasonInformation>not complete</r:ReasonInformation></a:SPSAcknowledgementDocument></a:SPSAcknowledgement>"
)


@pytest.fixture
def hub(tmp_path):
    """Where the references are at hand, every request is held against the hub's own schema."""
    hub = FakeHub(schema=fake_hub.hub_schema(tmp_path) if os.environ.get("IMSOC_CONTRACTS") else None)
    yield hub
    assert not hub.problems


@pytest.fixture
def client(hub, served):
    return IppcHubClient.open(DeliveryTarget("ippc-hub", served(hub), timeout_seconds=1.0))


def in_hub_form(document):
    root = etree.fromstring(document)
    to_hub_form(root)
    del root.find("{*}SPSExchangedDocument/{*}Name").attrib["languageID"]
    return etree.tostring(root)


class TestDelivering:
    """Four operations that put an envelope into the hub."""

    def test_an_envelope_arrives_as_it_was_and_comes_back_with_its_number(self, hub, client):
        text = "<a>Üb &amp; über ]]&gt;\r\n\u2028</a>"
        header = client.deliver(Envelope(HEADER, text.encode()))
        assert header == EnvelopeHeader("AR", "NL", 851, 70, "AR-1", "HUB-0001", "PendingDelivery")
        assert hub.envelopes["HUB-0001"].content == text

    def test_the_content_may_be_longer_than_a_text_of_libxml2(self, hub, client):
        text = f"<a>{'x' * 10_100_000}</a>"
        assert client.deliver(Envelope(HEADER, text.encode())).hub_delivery_number == "HUB-0001"
        assert client.pull("HUB-0001").envelope.content == text.encode()

    def test_forwardings_are_asked_for(self, hub, client):
        client.deliver(Envelope(EnvelopeHeader("AR", "NL", 851, 70, "1", forwardings=(Forwarding("C1"),)), b"<a/>"))
        (body,) = hub.calls("DeliverEnvelope")
        assert body.findtext(".//ent:EnvelopeForwarding/ent:Code", None, fake_hub.NS) == "C1"

    def test_validated_first(self, hub, client):
        assert client.validate_and_deliver(Envelope(HEADER, b"<a/>")).tracking == "PendingDelivery"
        assert hub.envelopes["HUB-0001"].content == "<a/>"

    def test_a_certificate_as_xml(self, hub, client):
        document = in_hub_form(certificate(number="AR-1"))
        assert client.deliver_phyto(HEADER, document).hub_delivery_number == "HUB-0001"
        kept = etree.fromstring(hub.envelopes["HUB-0001"].content)
        assert etree.tostring(kept, method="c14n2") == etree.tostring(etree.fromstring(document), method="c14n2")

    def test_a_certificate_that_the_hubs_schema_refuses_does_not_leave_as_xml(self, hub, client):
        with pytest.raises(SchemaInvalid) as caught:
            client.deliver_phyto(HEADER, certificate(number="AR-1"))
        assert caught.value.code == "IMG-3001"
        assert not hub.requests

    def test_an_acknowledgement_goes_back(self, hub, client):
        assert client.deliver_country_response(HEADER, ACKNOWLEDGEMENT).hub_delivery_number == "HUB-0001"
        assert "not complete" in hub.envelopes["HUB-0001"].content

    def test_a_refused_header_is_an_answer(self, hub, client):
        fake_hub.header_with(
            HUBTrackingInfo="FailedDelivery", hubDeliveryErrorMessage="NL is not active", hubDeliveryNumber=None
        )(hub, "DeliverEnvelope")
        header = client.deliver(Envelope(HEADER, b"<a/>"))
        assert (header.tracking, header.error_message) == ("FailedDelivery", "NL is not active")
        assert header.hub_delivery_number == ""

    def test_what_xml_cannot_carry_does_not_leave(self, hub, client):
        with pytest.raises(HubRefused) as caught:
            client.deliver(Envelope(HEADER, b"<a>\x00</a>"))
        assert caught.value.code == "IMG-7191"
        assert not hub.requests


class TestPulling:
    """What waits, and what becomes of it."""

    def test_headers_of_all_countries_and_of_one(self, hub, client):
        hub.put(To="NL")
        hub.put(To="BE", NPPOCertificateNumber="AR-2")
        assert [header.to for header in client.import_headers()] == ["NL", "BE"]
        (header,) = client.import_headers("BE")
        assert header == EnvelopeHeader("AR", "BE", 851, 70, "AR-2", "HUB-0002", "PendingDelivery")

    def test_one_envelope_with_the_bytes_in_which_it_came(self, hub, client):
        number = hub.put("<?xml version='1.0'?><a>é</a>")
        pulled = client.pull(number)
        assert pulled.envelope.content == "<?xml version='1.0'?><a>é</a>".encode()
        assert pulled.envelope.header.hub_delivery_number == number
        assert pulled.raw.startswith(b"<S:Envelope")
        assert "é".encode() in pulled.raw

    def test_one_bad_header_does_not_hide_the_others(self, hub, client):
        good, bad = hub.put(), hub.put(CertificateType="many")
        nobody = Kept({}, "", None).xml("EnvelopeHeader")
        honest = hub.GetImportEnvelopeHeaders

        def with_nobody(body, _):
            return honest(body).replace("</h:GetImport", f"{nobody}</h:GetImport", 1)

        hub.lies["GetImportEnvelopeHeaders"].append(with_nobody)
        first, second = client.import_headers()
        assert (first.hub_delivery_number, second.hub_delivery_number) == (good, bad)
        assert second == EnvelopeHeader("", "", 0, 0, "", bad, "PendingDelivery")

    def test_an_envelope_whose_header_cannot_be_read_can_be_kept(self, hub, client):
        pulled = client.pull(hub.put("<kept/>", CertificateType="many"))
        assert b"&lt;kept/&gt;" in pulled.raw
        with pytest.raises(HubRefused) as caught:
            _ = pulled.envelope
        assert caught.value.code == "IMG-7190"

    def test_an_envelope_without_content(self, hub, client):
        number = hub.put()
        hub.lies["PULLSingleImportEnvelope"].append(
            lambda *_: fake_hub.result(
                "PULLSingleImportEnvelope", hub.envelopes[number].xml("PULLSingleImportEnvelopeResult", fake_hub.HUB)
            )
        )
        assert client.pull(number).envelope.content is None

    def test_all_at_once(self, hub, client):
        numbers = [hub.put("<a/>"), hub.put("<b/>")]
        pulled = client.pull_all()
        assert [envelope.header.hub_delivery_number for envelope in pulled] == numbers
        assert [envelope.content for envelope in pulled] == [b"<a/>", b"<b/>"]

    def test_nothing_waits(self, client):
        assert client.import_headers() == ()
        assert client.pull_all() == ()

    @pytest.mark.parametrize("operation", ["GetImportEnvelopeHeaders", "PULLImportEnvelope"])
    def test_a_list_that_is_left_out_is_empty(self, hub, client, operation):
        hub.lies[operation].append(lambda *_: fake_hub.response(operation, ""))
        assert (client.pull_all() if operation.startswith("PULL") else client.import_headers()) == ()

    def test_acknowledged_in_three_ways(self, hub, client):
        good, warned, bad = (hub.put() for _ in range(3))
        client.acknowledge(good)
        assert client.acknowledge_with_warnings(warned, "unit <unknown>") == "noted"
        assert client.acknowledge_failed(bad, "no XML") == "noted"
        states = [client.tracking(number) for number in (good, warned, bad)]
        assert [(header.tracking, header.error_message) for header in states] == [
            ("Delivered", ""),
            ("DeliveredWithWarnings", "unit <unknown>"),
            ("DeliveredNotReadable", "no XML"),
        ]
        assert client.import_headers() == ()

    def test_an_unknown_number_is_the_hubs_exception(self, client):
        with pytest.raises(HubFault) as caught:
            client.pull("HUB-4711")
        assert (caught.value.code, caught.value.text) == ("IMG-8006", "unknown 'HUB-4711'")


class TestFollowing:
    """What the sender can ask."""

    def test_what_is_under_delivery(self, hub, client):
        hub.put(state="Delivered")
        number = hub.put()
        assert [header.hub_delivery_number for header in client.under_delivery()] == [number]

    def test_an_unknown_number_does_not_exist(self, client):
        header = client.tracking("HUB-4711")
        assert (header.tracking, header.hub_delivery_number) == ("EnvelopeNotExists", "HUB-4711")

    def test_a_bare_answer_about_an_unknown_number_is_read_all_the_same(self, hub, client):
        bare = Kept({}, "", "HUB-4711", "EnvelopeNotExists").xml("GetEnvelopeTrackingInfoResult", fake_hub.HUB)
        hub.lies["GetEnvelopeTrackingInfo"].append(lambda *_: fake_hub.result("GetEnvelopeTrackingInfo", bare))
        assert client.tracking("HUB-4711").tracking == "EnvelopeNotExists"

    def test_a_bare_answer_that_claims_more_is_not(self, hub, client):
        bare = Kept({}, "", "HUB-1", "Delivered").xml("GetEnvelopeTrackingInfoResult", fake_hub.HUB)
        hub.lies["GetEnvelopeTrackingInfo"].append(lambda *_: fake_hub.result("GetEnvelopeTrackingInfo", bare))
        with pytest.raises(HubRefused):
            client.tracking("HUB-1")

    def test_tracking_is_set(self, hub, client):
        number = hub.put()
        client.set_tracking(EnvelopeHeader("AR", "NL", 851, 70, "AR-1", number, "DeliveredWithWarnings"))
        assert hub.envelopes[number].state == "DeliveredWithWarnings"


class TestReferenceData:
    """Who takes part, with which codes."""

    def test_validation(self, client):
        (finding,) = client.validate("<a>&</a>")
        assert (finding.area, finding.field, finding.level, finding.msg) == (
            "Mapping",
            "Box 5",
            "WARNING",
            "unknown code",
        )

    def test_authorities(self, client):
        (nppo,) = client.active_nppos()
        assert nppo == client.profile()
        assert (nppo.country, nppo.receive, nppo.send) == ("AR", True, False)
        assert (nppo.signature_dn, nppo.signature_certificate) == ("CN=invented", "AAAA")
        assert nppo.allows(851, 70)
        assert not nppo.allows(851, 40)
        (rule,) = nppo.rules
        assert (rule.id, rule.active, rule.rule, rule.type, rule.status) == (4, True, "FORWARD", 851, 70)
        assert (rule.country, rule.direction) == ("NL", "OUT")

    def test_channels(self, client):
        (channel,) = client.channels()
        assert (channel.code, channel.name, channel.receive, channel.send) == ("C1", "One", True, False)

    @pytest.mark.parametrize("which", CodeList)
    def test_each_list(self, hub, client, which):
        (item,) = client.code_list(which)
        assert item.tag == f"{{{fake_hub.HUB}}}{which}"
        assert item.findtext("code") == "1"
        assert fake_hub.LISTS[which.operation] == which


def test_the_methods_call_every_operation_of_the_contract(hub, client):
    """The tests above check them one by one; this one counts."""
    number = hub.put()
    client.deliver(Envelope(HEADER, b"<a/>"))
    client.validate_and_deliver(Envelope(HEADER, b"<a/>"))
    client.deliver_phyto(HEADER, in_hub_form(certificate()))
    client.deliver_country_response(HEADER, ACKNOWLEDGEMENT)
    client.import_headers()
    client.pull(number)
    client.pull_all()
    client.under_delivery()
    client.tracking(number)
    client.set_tracking(EnvelopeHeader("AR", "NL", 851, 70, "AR-1", number, "Delivered"))
    client.acknowledge(number)
    client.acknowledge_failed(number, "no")
    client.acknowledge_with_warnings(number, "so so")
    client.validate("<a/>")
    client.active_nppos()
    client.profile()
    client.channels()
    for which in CodeList:
        client.code_list(which)
    called = {operation for operation, _ in hub.requests}
    assert len(called) == 27
    assert called == client.operations


class TestTrouble:
    """Each failure as the worker and the poller need it."""

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("text", ["<html>Forbidden</html>", "", None])
    def test_a_certificate_that_the_hub_does_not_know(self, hub, client, status, text):
        lie = fake_hub.fault("who are you", status=status) if text is None else fake_hub.page(status, text)
        hub.lies["GetProfile"].append(lie)
        with pytest.raises(HubForbidden) as caught:
            client.profile()
        assert (caught.value.code, caught.value.status) == ("IMG-8004", status)

    def test_a_fault_in_the_hubs_words(self, hub, client):
        hub.lies["GetProfile"].append(fake_hub.fault("the <database> is & was away"))
        with pytest.raises(HubFault) as caught:
            client.profile()
        fault = caught.value
        assert (fault.text, fault.hub_code, fault.is_final) == ("the <database> is & was away", "", False)
        assert b"HubWebException" in fault.receipt

    @pytest.mark.parametrize(
        ("text", "code", "final"),
        [
            ("IMG-7101: no such number | found HUB-1 | retry never", "Server", True),
            ("IMG-7101: no such number | found HUB-1 | retry after-change", "Server", True),
            ("IMG-9001: not now | retry later", "Client", False),
            ("IMG-2101: no grant | retry after-change", "Client", False),
            ("IMG-2001: who are you | retry never", "Client", False),
            ("Unmarshalling Error", "Client", True),
            ("Unmarshalling Error", "Server", False),
        ],
    )
    def test_whether_the_same_message_would_be_refused_again(self, text, code, final):
        detail = f'<HubWebException xmlns="{fake_hub.HUB}"><message>{text}</message></HubWebException>'.encode()
        fault = SoapFaultReceived(code, "x", 500, detail, f"{{{fake_hub.HUB}}}HubWebException")
        assert error_of(fault).is_final is final

    def test_a_fault_without_the_exception_has_its_reason(self, hub, client):
        plain = "<S:Fault><faultcode>S:Client</faultcode><faultstring>no such operation</faultstring></S:Fault>"
        hub.lies["GetProfile"].append(lambda *_: (500, plain, None))
        with pytest.raises(HubFault) as caught:
            client.profile()
        assert caught.value.text == "no such operation"

    @pytest.mark.parametrize("lie", [fake_hub.page(200), fake_hub.page(502), fake_hub.page(302, "")])
    def test_an_answer_that_is_no_answer(self, hub, client, lie):
        hub.lies["GetProfile"].append(lie)
        with pytest.raises(UnusableReply) as caught:
            client.profile()
        assert caught.value.code == "IMG-8003"

    def test_an_answer_to_another_question(self, hub, client):
        hub.lies["GetProfile"].append(lambda *_: fake_hub.response("GetStatements", ""))
        with pytest.raises(UnusableReply):
            client.profile()

    def test_an_answer_without_a_result(self, hub, client):
        hub.lies["GetProfile"].append(lambda *_: fake_hub.response("GetProfile", ""))
        with pytest.raises(UnusableReply):
            client.profile()

    @pytest.mark.parametrize("lie", [fake_hub.lost, fake_hub.slow(1.3)])
    def test_a_lost_answer(self, hub, client, lie):
        hub.lies["GetProfile"].append(lie)
        with pytest.raises(DeliveryError) as caught:
            client.profile()
        assert caught.value.code == "IMG-8002"

    def test_nobody_listens(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        client = IppcHubClient.open(DeliveryTarget("ippc-hub", f"http://127.0.0.1:{port}/"))
        with pytest.raises(DeliveryError) as caught:
            client.profile()
        assert caught.value.code == "IMG-8001"


def test_the_client_certificate_is_shown(hub, served, tmp_path, utc_now):
    authority = Authority("TLS", now=utc_now)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    server, server_key = write(tmp_path, "server", authority.tls_server("127.0.0.1"))
    own, own_key = write(tmp_path, "own", authority.tls_client("nppo"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server, server_key)
    tls.load_verify_locations(tmp_path / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    address = served(hub, tls=tls)
    shown = DeliveryTarget(
        "ippc-hub", address, ca=str(tmp_path / "ca.pem"), client_certificate=str(own), client_key=str(own_key)
    )
    assert IppcHubClient.open(shown).profile().country == "AR"
    with pytest.raises(DeliveryError) as caught:
        IppcHubClient.open(DeliveryTarget("ippc-hub", address, ca=str(tmp_path / "ca.pem"))).profile()
    assert caught.value.code in {"IMG-8007", "IMG-8002"}  # in TLS 1.3 its alert may be lost
