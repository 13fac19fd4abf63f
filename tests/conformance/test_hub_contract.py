"""Our description of the hub's contract beside the hub's own: on the wire they agree, other differences are listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hub_shapes import (
    Description,
    X,
    enumerations,
    files_of,
    global_elements,
    inline_schemas,
    shape,
    type_names,
)
from lxml import etree

from gateway.ippc import Envelope, EnvelopeHeader, Forwarding, wire
from gateway.ippc.form import to_hub_form
from gateway.sandbox.samples import certificate, example
from gateway.soap.publish import Publication
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.names import ACK17, HUB, HUBENT, RAM21, SPS17, UDT21, qn
from gateway.xml.schema_files import schema_folder
from gateway.xml.schemas import SchemaName, is_valid

ROOT = Path(__file__).parents[2]
NAMESPACES = {HUB: "hub", HUBENT: "hubent", RAM21: "ram", UDT21: "udt", SPS17: "sps", ACK17: "ack"}

TYPES_MOVED = {
    # Type names stand on no wire. The hub has the parts of its documents in two namespaces, by the package of its Java
    # classes; here they stand with the elements that they describe.
    *(f"hub:{name}" for name in (
        "SPSAcknowledgement", "SPSCertificate", "affixedSPSSeal", "applicableSPSClassification",
        "applicableSPSProcessCharacteristic", "binaryObjectType", "completionSPSPeriod", "includedSPSNote",
        "measureType", "providerSPSParty", "referenceSPSReferencedDocument", "signatorySPSAuthentication",
        "specifiedSPSAddress", "spsIssuerSPSParty", "subordinateSPSCountrySubDivision",
        "utilizedSPSTransportEquipment", "allowedDocument", "channelRule", "signingCertificate",
    )),
}  # fmt: skip
TYPES_SHARED = {
    # types with the same content, one of ours for several of the hub's
    "hub:actualDateTime": "ram:moment",
    "hub:startDateTime": "ram:moment",
    "hub:endDateTime": "ram:moment",
    "hub:consignorSPSParty": "ram:traderSPSParty",
    "hub:consigneeSPSParty": "ram:traderSPSParty",
    "hub:issueSPSLocation": "ram:named",
    "hub:occurrenceSPSLocation": "ram:named",
    "hub:specifiedSPSPerson": "ram:named",
    "hub:usedSPSTransportMeans": "ram:named",
    "hub:transitSPSCountry": "ram:placeOnTheWay",
    "hub:unloadingBaseportSPSLocation": "ram:placeOnTheWay",
    "ram:exportSPSCountry": "ram:tradeSPSCountry",
    "ram:importSPSCountry": "ram:tradeSPSCountry",
    "ram:includedSPSNoteContent": "ram:textType",
    "hub:certificateType": "hubent:numbered",
    "hub:certificateStatus": "hubent:numbered",
}
ENUMERATIONS_MOVED = {
    ("channelRuleType", HUB, HUBENT),
    ("channelDirection", HUB, HUBENT),
}  # with the types that use them
ROOTS_LEFT_OUT = {
    # Elements that are declared globally there and are the root of no message: ours are declared where they stand.
    HUBENT: {"ArrayOfEnvelope", "ArrayOfEnvelopeHeader", "Envelope", "EnvelopeHeader", "HUBTrackingInfo"},
    HUB: {
        "AllowedDocument", "CertificateStatus", "CertificateType", "ChannelRule", "Signature", "channel",
        "countryResponseEnvelope", "envelopeForwarding", "envelopeHeader", "nppo",
    },
    SPS17: {"SPSExchangedDocument", "SPSConsignment"},
    ACK17: {"SPSAcknowledgementDocument"},
}  # fmt: skip
MISSPELT = {"OcurrenceSPSLocation", "SPSIssuerSPSParty", "MeasureType"}  # and these are used by no type at all


@pytest.fixture(scope="module")
def theirs(contracts):
    return Description(contracts / "ippc-hub/DeliveryService.wsdl")


@pytest.fixture(scope="module")
def ours():
    return Description(ROOT / "wsdl/DeliveryService.wsdl")


@pytest.fixture(scope="module")
def hub_schema(theirs, tmp_path_factory):
    """The schemas inside the hub's own file, compiled."""
    return etree.XMLSchema(etree.parse(files_of(inline_schemas(theirs.tree), tmp_path_factory.mktemp("hub"))))


@pytest.fixture(scope="module")
def our_schemas():
    return [etree.parse(path).getroot() for path in sorted((schema_folder() / "ippc").glob("*.xsd"))]


def short(name):
    namespace, _, local = name.removeprefix("{").partition("}")
    return f"{NAMESPACES.get(namespace, namespace)}:{local}"


# --- the descriptions ------------------------------------------------------------------------------------------------


def test_service_port_and_binding_are_those_of_the_hub(theirs, ours):
    assert ours.names() == theirs.names()
    assert ours.names()["headers"] == 0


def test_there_are_the_27_operations_with_their_actions(theirs, ours):
    assert len(ours.actions()) == 27
    assert ours.actions() == theirs.actions()
    irregular = {name for name, (action, *_) in ours.actions().items() if action != wire.ACTIONS + name}
    assert irregular == {"AdvancedAcknowledgeEnvelopeReceipt"}


def test_messages_and_their_parts_have_the_names_of_the_hub(theirs, ours):
    assert ours.messages() == theirs.messages()


def test_every_element_of_every_message_agrees_in_name_order_occurrence_and_type(theirs, ours):
    bodies, other = dict(ours.bodies()), dict(theirs.bodies())
    assert bodies.keys() == other.keys()
    assert len(bodies) == 3 * 27
    compared = 0
    for message, element in bodies.items():
        expected = list(shape(other[message]))
        assert list(shape(element)) == expected, message
        compared += len(expected)
    assert compared > 500


def test_enumerations_agree(theirs, our_schemas):
    expected = enumerations(inline_schemas(theirs.tree))
    found = enumerations(our_schemas)
    for name, there, here in ENUMERATIONS_MOVED:
        expected[here, name] = expected.pop((there, name))
    assert found == expected


def test_names_of_types_differ_only_as_listed(theirs, ours):
    bodies, other = dict(ours.bodies()), dict(theirs.bodies())
    differ = {}
    for message, element in bodies.items():
        for (_, here), (_, there) in zip(type_names(element), type_names(other[message]), strict=True):
            if here != there:
                differ.setdefault(short(there), set()).add(short(here))
    moved = {
        name: {f"{kept}:{name.partition(':')[2]}" for kept in ("ram", "sps", "ack", "hubent")} for name in TYPES_MOVED
    }
    for name, here in list(differ.items()):
        if name in moved:
            assert here <= moved[name], name
            assert len(here) == 1, name
            del differ[name], moved[name]
    assert not moved
    assert differ == {there: {here} for there, here in TYPES_SHARED.items()}


def test_every_root_of_ours_is_one_of_the_hubs_and_those_left_out_are_listed(theirs, our_schemas):
    expected, found = global_elements(inline_schemas(theirs.tree)), global_elements(our_schemas)
    assert found <= expected
    missing = {}
    for name in expected - found:
        namespace, _, local = name.removeprefix("{").partition("}")
        missing.setdefault(namespace, set()).add(local)
    parts = missing.pop(RAM21)
    assert missing == ROOTS_LEFT_OUT
    declared = {element.get("name") for schema in our_schemas for element in schema.iter(f"{X}element")}
    assert parts - declared == MISSPELT


def test_the_table_of_differences_names_what_this_test_lists():
    text = (ROOT / "docs/contract-ippc-hub.md").read_text("utf-8")
    for name in {*TYPES_SHARED.values(), *(name for name, _, _ in ENUMERATIONS_MOVED), *MISSPELT}:
        assert name.partition(":")[2] in text if ":" in name else name in text, name


def test_the_published_description_holds_every_file_and_our_address():
    publication = Publication("DeliveryService.wsdl")
    address = "https://gateway.example/hub/DeliveryService"
    assert f'location="{address}"'.encode() in publication.wsdl(address)
    assert {name for name in publication.schemas if not name.startswith("ippc/")} == set()
    assert not [name for name in publication.schemas if "served" in name]
    for name in publication.schemas:
        locations = re.findall(rb'schemaLocation="([^"]*)"', publication.schema(name, address))
        assert all(location.startswith(f"{address}?xsd=ippc/".encode()) for location in locations)


# --- what we send, against the hub's own schema ----------------------------------------------------------------------

HEADER = EnvelopeHeader("AR", "NO", 851, 70, "EZ & <sons>\r\n1")
FULL = EnvelopeHeader(
    "AR", "NO", 657, 40, "2", "N-1", "Delivered", 'it\'s "good" > bad', (Forwarding("ASYCUDA", "N-2"), Forwarding("X"))
)
ACKNOWLEDGEMENT = (
    f'<?xml version="1.0"?><a:SPSAcknowledgement xmlns:a="{ACK17}" xmlns:r="{RAM21}"><a:SPSAcknowledgementDocument>'
    "<r:StatusCode>41</r:StatusCode><r:ReasonInformation>No</r:ReasonInformation></a:SPSAcknowledgementDocument>"
    "</a:SPSAcknowledgement>"
).encode()


def hub_certificate() -> bytes:
    """A certificate of ours as the hub has it: the parts that its schema declares."""
    return (
        f'<s:SPSCertificate xmlns:s="{SPS17}" xmlns:r="{RAM21}" xmlns:u="{UDT21}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:SPSExchangedDocument><r:Name/><r:ID>EZ 1</r:ID>'
        "<r:TypeCode>851</r:TypeCode><r:StatusCode>70</r:StatusCode><r:IssueDateTime><u:DateTimeString>2026-03-01"
        "</u:DateTimeString></r:IssueDateTime><r:ReferenceSPSReferencedDocument><r:IssueDateTime>2026-03-01"
        '</r:IssueDateTime><r:TypeCode xsi:nil="true"/><r:AttachmentBinaryObject filename="a.pdf">JVBERg=='
        "</r:AttachmentBinaryObject></r:ReferenceSPSReferencedDocument></s:SPSExchangedDocument><s:SPSConsignment>"
        "<r:UtilizedSPSTransportEquipment><ID>TGHU 1</ID><r:AffixedSPSSeal><ID>S 1</ID></r:AffixedSPSSeal>"
        "</r:UtilizedSPSTransportEquipment><r:IncludedSPSConsignmentItem><NatureIdentificationSPSCargo>"
        "<TypeCode>1</TypeCode></NatureIdentificationSPSCargo></r:IncludedSPSConsignmentItem></s:SPSConsignment>"
        "</s:SPSCertificate>"
    ).encode()


REQUESTS = {
    "DeliverEnvelope": wire.deliver_envelope(Envelope(FULL, certificate())),
    "DeliverEnvelope without content": wire.deliver_envelope(Envelope(HEADER)),
    "ValidateAndDeliverEnvelope": wire.validate_and_deliver(Envelope(HEADER, b"")),
    "DeliverPhytoEnvelope": wire.deliver_phyto(HEADER, hub_certificate()),
    "DeliverCountryResponseEnvelope": wire.country_response(HEADER, ACKNOWLEDGEMENT),
    "GetImportEnvelopeHeaders": wire.import_headers(),
    "GetImportEnvelopeHeaders of one country": wire.import_headers("AR"),
    "PULLSingleImportEnvelope": wire.single("PULLSingleImportEnvelope", "N-1"),
    "GetEnvelopeTrackingInfo": wire.single("GetEnvelopeTrackingInfo", "N-1"),
    "SetTrackingInfoUpdate": wire.set_tracking(FULL),
    "AcknowledgeEnvelopeReceipt": wire.acknowledge("N-1"),
    "AdvancedAcknowledgeEnvelopeReceipt": wire.acknowledge_with_warning("N-1", "quantity missing"),
    "AcknowledgeFailedEnvelopeReceipt": wire.acknowledge_failed("N-1", "no XML"),
    "ValidatePhytoXML": wire.validate_phyto(certificate().decode()),
    **{
        name: wire.request(name)
        for name in (
            "PULLImportEnvelope", "GetUnderDeliveryEnvelope", "GetActiveNppos", "GetProfile", "GetAvailableChannels",
            "GetTreatmentTypes", "GetAdditionalDeclarations", "GetIntendedUses", "GetPesticides",
            "GetProductDescriptions", "GetConditions", "GetUnitMeasures", "GetMeanOfTransports", "GetPackageTypes",
            "GetStatements",
        )
    },
}  # fmt: skip
REPLIES = {
    "a header": wire.response("DeliverEnvelope", wire.header_xml(FULL, qn(HUB, "DeliverEnvelopeResult"))),
    "headers": wire.response(
        "GetImportEnvelopeHeaders", wire.array_xml([HEADER, FULL], qn(HUB, "GetImportEnvelopeHeadersResult"))
    ),
    "envelopes": wire.response(
        "PULLImportEnvelope",
        wire.array_xml([Envelope(FULL, b"<x/>"), Envelope(HEADER)], qn(HUB, "PULLImportEnvelopesResult")),
    ),
    "an envelope": wire.response(
        "PULLSingleImportEnvelope",
        wire.envelope_xml(Envelope(FULL, b"<x/>"), qn(HUB, "PULLSingleImportEnvelopeResult")),
    ),
    "a text": wire.response("AcknowledgeFailedEnvelopeReceipt", wire.text_part("return", "done")),
    "nothing": wire.response("AcknowledgeEnvelopeReceipt"),
    "a fault": wire.wrapped("HubWebException", [wire.text_part("message", "no")]),
}


def test_every_operation_has_a_request_here(ours):
    assert {name.partition(" ")[0] for name in REQUESTS} == set(ours.actions())


@pytest.mark.parametrize("message", [*REQUESTS.values(), *REPLIES.values()], ids=[*REQUESTS, *REPLIES])
def test_what_we_write_is_valid_by_the_hubs_own_schema_and_by_ours(hub_schema, message):
    element = etree.fromstring(message)
    hub_schema.assertValid(element)
    assert is_valid(SchemaName.DELIVERY_SERVICE, element)
    assert is_valid(SchemaName.DELIVERY_SERVICE_TYPED, element)


def test_the_hubs_schema_refuses_what_ours_refuses(hub_schema):
    for broken in (
        REQUESTS["DeliverEnvelope"].replace(b"hubent:To>", b"hubent:to>"),
        REQUESTS["DeliverEnvelope"].replace(b"hub:env>", b"hub:Env>").replace(b"<hub:env ", b"<hub:Env "),
        REQUESTS["SetTrackingInfoUpdate"].replace(b"HubDeliveryNumber", b"hubDeliveryNumber"),
        REQUESTS["DeliverPhytoEnvelope"].replace(b"<ID>TGHU 1</ID>", b"<r:ID>TGHU 1</r:ID>"),
        REPLIES["a fault"].replace(b"hub:message", b"message"),
    ):
        element = etree.fromstring(broken)
        assert not hub_schema.validate(element), broken
        assert not is_valid(SchemaName.DELIVERY_SERVICE_TYPED, element), broken


def test_the_full_feature_certificate_is_refused_by_typed_schemas_and_taken_by_the_served_one(contracts, hub_schema):
    """Real senders keep no order (DIGEST 2.6): a server that held them to the published schema would refuse them."""
    document = (contracts / "ippc-hub/ephyto-full-feature.xml").read_bytes()
    element = etree.fromstring(wire.deliver_phyto(HEADER, document))
    assert not hub_schema.validate(element)
    assert not is_valid(SchemaName.DELIVERY_SERVICE_TYPED, element)
    assert is_valid(SchemaName.DELIVERY_SERVICE, element)
    read = wire.read_envelope(element[0])
    assert c14n(etree.fromstring(read.content)) == c14n(etree.fromstring(document))


@pytest.mark.parametrize("document", [certificate(), certificate(status="40"), example()], ids=["small", "40", "full"])
def test_the_hubs_form_of_our_certificates_has_the_same_verdict_by_both_schemas(hub_schema, document):
    root = etree.fromstring(document)
    to_hub_form(root)
    assert is_valid(SchemaName.HUB_PHYTO, root) == hub_schema.validate(etree.fromstring(etree.tostring(root)))


def test_a_certificate_in_the_hubs_order_is_valid_alone(hub_schema):
    root = etree.fromstring(hub_certificate())
    assert is_valid(SchemaName.HUB_PHYTO, root)
    assert hub_schema.validate(root)
    assert is_valid(SchemaName.HUB_ACK, etree.fromstring(ACKNOWLEDGEMENT))


def c14n(element):
    return canonicalise(element, algorithm=C14n.EXCLUSIVE)
