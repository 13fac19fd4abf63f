"""zeep against `imsoc serve`, over HTTP and mutual TLS: all 27 operations, by the hub's own description and by ours.

The server runs in a process of its own, once behind a trusted proxy (the client certificate comes in the header of RFC
9440) and once with TLS of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import requests
import zeep
from hub_callers import HUB, client_cert, envelope
from hub_server import Server
from lxml import etree
from zeep.transports import Transport

from gateway.ippc import wire
from gateway.sandbox.samples import certificate
from mappings.hub_lists import LISTS

BINDING = f"{{{HUB}}}DeliveryServiceSoapBinding"
OPERATIONS = {
    "DeliverEnvelope", "ValidateAndDeliverEnvelope", "DeliverPhytoEnvelope", "DeliverCountryResponseEnvelope",
    "GetImportEnvelopeHeaders", "PULLSingleImportEnvelope", "PULLImportEnvelope", "GetUnderDeliveryEnvelope",
    "GetEnvelopeTrackingInfo", "SetTrackingInfoUpdate", "AcknowledgeEnvelopeReceipt",
    "AcknowledgeFailedEnvelopeReceipt", "AdvancedAcknowledgeEnvelopeReceipt", "ValidatePhytoXML", "GetActiveNppos",
    "GetProfile", "GetAvailableChannels", *(spec.operation for spec in LISTS),
}  # fmt: skip


def client(server, member, wsdl):
    session = server.session(server.world.clients[member])
    return zeep.Client(wsdl or f"{server.address}?wsdl", transport=Transport(session=session, timeout=30))


def service(server, member, wsdl):
    return Recording(client(server, member, wsdl).create_service(BINDING, server.address))


class Recording:
    """A zeep service that knows what was called."""

    def __init__(self, service):
        self.service = service
        self.called = set()

    def __getattr__(self, name):
        self.called.add(name)
        return getattr(self.service, name)


@pytest.fixture(scope="module", params=["proxy", "tls"])
def server(request, tmp_path_factory):
    running = Server(tmp_path_factory.mktemp(f"hub-{request.param}"), tls=request.param == "tls")
    yield running
    running.stop()


@pytest.fixture(params=["theirs", "ours"])
def wsdl(request):
    """The hub's own file, or None for what the server publishes."""
    if request.param == "ours":
        return None
    contracts = os.environ.get("IMSOC_CONTRACTS")
    if not contracts:
        pytest.skip("IMSOC_CONTRACTS is not set: the hub's own WSDL is not here")
    return str(Path(contracts) / "ippc-hub" / "DeliveryService.wsdl")


def header(number, **changes):
    return {
        "From": "AR",
        "To": "BE",
        "CertificateType": 851,
        "CertificateStatus": 70,
        "NPPOCertificateNumber": number,
        **changes,
    }


def phyto(number):
    """As a typed client writes it: only what its own description knows."""
    return {
        "SPSExchangedDocument": {
            "Name": "Phytosanitary certificate",
            "ID": number,
            "TypeCode": 851,
            "StatusCode": 70,
            "IncludedSPSNote": [{"Subject": "DMCL", "Content": "Marks & numbers"}],
        },
        "SPSConsignment": {
            "ExportSPSCountry": {"ID": "AR", "Name": "Argentina"},
            "ImportSPSCountry": {"ID": "BE", "Name": "Belgium"},
            "IncludedSPSConsignmentItem": [
                {"IncludedSPSTradeLineItem": [{"SequenceNumeric": 1, "ScientificName": ["Citrus limon"]}]}
            ],
        },
    }


def test_every_operation_is_completed(server, wsdl):
    """One story in which each of the 27 operations has its place."""
    which = "ours" if wsdl is None else "theirs"
    argentina, belgium = service(server, "ar-nppo", wsdl), service(server, "be-nppo", wsdl)
    content = certificate(lines=2, number=f"{which}-1").decode()

    sent = argentina.DeliverEnvelope(env={**header(f"{which}-1"), "Content": content})
    assert sent.HUBTrackingInfo == "PendingDelivery"
    validated = argentina.ValidateAndDeliverEnvelope(envelope={**header(f"{which}-2"), "Content": content})
    assert (validated.HUBTrackingInfo, validated.hubDeliveryErrorMessage) == ("PendingDelivery", None)
    typed = argentina.DeliverPhytoEnvelope(
        ePhytoEnvelope={**header(f"{which}-3"), "SPSCertificate": phyto(f"{which}-3")}
    )
    refused = argentina.DeliverEnvelope(env={**header(f"{which}-4", To="FR"), "Content": content})
    assert refused.HUBTrackingInfo == "FailedDelivery"
    assert refused.hubDeliveryErrorMessage.startswith("IMG-7113")

    numbers = [sent.hubDeliveryNumber, validated.hubDeliveryNumber, typed.hubDeliveryNumber]
    waiting = belgium.GetImportEnvelopeHeaders(countryCode="")
    assert [each.hubDeliveryNumber for each in waiting] == numbers
    assert waiting[0].From == "AR"
    pulled = belgium.PULLSingleImportEnvelope(hubTrackingNumber=numbers[0])
    assert pulled.Content == content
    everything = belgium.PULLImportEnvelope()
    assert [each.hubDeliveryNumber for each in everything] == numbers
    given = etree.fromstring(everything[2].Content)
    assert given.findtext(".//{*}SPSExchangedDocument/{*}ID") == f"{which}-3"
    assert [each.text for each in given.iter("{*}ScientificName")] == ["Citrus limon"]
    findings = belgium.ValidatePhytoXML(ePhytoXML=everything[2].Content)
    assert {(each.area, each.level) for each in findings} >= {("MandatoryElements", "SEVERE")}

    under_way = argentina.GetUnderDeliveryEnvelope()
    assert [each.hubDeliveryNumber for each in under_way] == numbers
    assert belgium.AcknowledgeEnvelopeReceipt(hubTrackingNumber=numbers[0]) is None
    said = belgium.AdvancedAcknowledgeEnvelopeReceipt(hubTrackingNumber=numbers[1], warningMessage="odd & old")
    assert said == "DeliveredWithWarnings"
    said = belgium.AcknowledgeFailedEnvelopeReceipt(hubTrackingNumber=numbers[2], message="not for us")
    assert said == "DeliveredNotReadable"
    _tracking_is_told(argentina, belgium, numbers)
    _a_response_travels_back(argentina, belgium, f"{which}-1")
    _reference_data_is_given(argentina)
    assert argentina.called | belgium.called == OPERATIONS


def _tracking_is_told(argentina, belgium, numbers):
    tracked = [argentina.GetEnvelopeTrackingInfo(hubTrackingNumber=number) for number in numbers]
    assert [each.HUBTrackingInfo for each in tracked] == ["Delivered", "DeliveredWithWarnings", "DeliveredNotReadable"]
    assert tracked[1].hubDeliveryErrorMessage == "odd & old"
    lost = argentina.GetEnvelopeTrackingInfo(hubTrackingNumber="NOWHERE")
    assert lost.HUBTrackingInfo == "EnvelopeNotExists"
    with pytest.raises(zeep.exceptions.Fault, match="IMG-7102") as fault:
        belgium.AcknowledgeEnvelopeReceipt(hubTrackingNumber=numbers[0])
    assert fault.value.detail[0].tag == f"{{{HUB}}}HubWebException"
    assert fault.value.detail[0][0].text.startswith("IMG-7102: ")


def _a_response_travels_back(argentina, belgium, certificate_number):
    answer = belgium.DeliverCountryResponseEnvelope(
        CountryResponseEnvelope={
            **header(certificate_number, From="BE", To="AR", CertificateStatus=41),
            "SPSAcknowledgement": {"SPSAcknowledgementDocument": {"StatusCode": 41, "ReasonInformation": "rejected"}},
        }
    )
    back = argentina.PULLSingleImportEnvelope(hubTrackingNumber=answer.hubDeliveryNumber)
    assert "rejected" in back.Content
    update = header(certificate_number, From="BE", To="AR", CertificateStatus=41)
    argentina.SetTrackingInfoUpdate(
        header={**update, "hubDeliveryNumber": answer.hubDeliveryNumber, "HUBTrackingInfo": "Delivered"}
    )
    assert belgium.GetEnvelopeTrackingInfo(hubTrackingNumber=answer.hubDeliveryNumber).HUBTrackingInfo == "Delivered"


def _reference_data_is_given(argentina):
    nppos = argentina.GetActiveNppos()
    assert "BE" in [each.Country for each in nppos]
    profile = argentina.GetProfile()
    assert (profile.Country, profile.Signature.dn) == ("AR", "CN=Invented")
    assert profile.AllowedDocument[0].certificateType.number == 851
    assert profile.ChannelRules.ChannelRule[0].ruleType == "FORWARD"
    assert argentina.GetAvailableChannels()[0].Code == "ARC"
    for spec in LISTS:
        rows = getattr(argentina, spec.operation)()
        assert {row.active for row in rows} == {True, False}
        assert rows[0].lastModified.tzinfo is not None


def test_both_descriptions_know_these_operations_and_no_others(server, wsdl):
    (described,) = client(server, "ar-nppo", wsdl).wsdl.services.values()
    (port,) = described.ports.values()
    assert set(port.binding.all()) == OPERATIONS
    assert len(OPERATIONS) == 27


def test_a_certificate_that_is_not_registered_is_forbidden(server):
    for credential in (None, server.world.clients["stranger"], server.world.root.tls_client("Another")):
        answer = server.post(credential, wire.import_headers())
        assert answer.status_code == 403
        assert b"<hub:message>IMG-2010: " in answer.content
    assert server.post(server.world.clients["ar-nppo"], wire.import_headers()).status_code == 200


def test_zeep_tells_a_stranger_why(server, wsdl):
    with pytest.raises(zeep.exceptions.Fault, match="IMG-2010"):
        service(server, "stranger", wsdl).GetProfile()


@pytest.mark.parametrize("server", ["tls"], indirect=True)
def test_a_certificate_of_another_authority_does_not_get_through_tls(server):
    stranger = server.other_root.tls_client("ar-nppo")
    with pytest.raises(requests.ConnectionError):
        server.post(stranger, wire.import_headers())


@pytest.mark.parametrize("server", ["tls"], indirect=True)
def test_a_header_that_a_caller_writes_is_not_believed_without_a_proxy(server):
    raw = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>' + wire.import_headers()
    answer = server.session(None).post(
        server.address,
        raw + b"</s:Body></s:Envelope>",
        headers={"Content-Type": "text/xml", "Client-Cert": client_cert(server.world.clients["ar-nppo"])},
        timeout=30,
    )
    assert answer.status_code == 403


def test_a_large_envelope_goes_through_http(server):
    argentina, belgium = server.world.clients["ar-nppo"], server.world.clients["be-nppo"]
    body = wire.deliver_envelope(envelope(f"LARGE-{server.tls}", f"<a>{'x' * 12_000_000}</a>"))
    answer = server.post(argentina, body)
    assert answer.status_code == 200
    number = etree.fromstring(answer.content).findtext(".//{*}hubDeliveryNumber")
    pulled = server.post(belgium, wire.single("PULLSingleImportEnvelope", number))
    assert pulled.content.count(b"x") > 12_000_000
    assert server.post(belgium, wire.acknowledge(number)).status_code == 200
