"""The hub's contract as we publish it, without the hub's own file at hand: complete, consistent, usable by types."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
import zeep
from lxml import etree

from gateway.xml.names import ACK17, HUB, HUBENT, RAM21, SOAP11, SPS17, UDT21, WSDL, WSDL_SOAP11, WSDL_SOAP12, XSD, qn
from gateway.xml.schema_files import schema_folder
from gateway.xml.schemas import SchemaName, explain, is_valid

WSDL_FILE = Path(str(resources.files("wsdl").joinpath("DeliveryService.wsdl")))
FOLDER = schema_folder() / "ippc"
FIELDS = {
    # DIGEST 2.2: operation -> children of the request, children of the response
    "DeliverEnvelope": (["hub:env"], ["hub:DeliverEnvelopeResult"]),
    "ValidateAndDeliverEnvelope": (["hub:envelope"], ["hub:ValidateAndDeliverEnvelopeResult"]),
    "DeliverPhytoEnvelope": (["hub:ePhytoEnvelope"], ["hub:DeliverPhytoEnvelopeResult"]),
    "DeliverCountryResponseEnvelope": (["hub:CountryResponseEnvelope"], ["hub:DeliverCountryResponseEnvelopeResult"]),
    "GetImportEnvelopeHeaders": (["hub:countryCode"], ["hub:GetImportEnvelopeHeadersResult"]),
    "PULLSingleImportEnvelope": (["hub:hubTrackingNumber"], ["hub:PULLSingleImportEnvelopeResult"]),
    "PULLImportEnvelope": ([], ["hub:PULLImportEnvelopesResult"]),
    "GetUnderDeliveryEnvelope": ([], ["hub:GetUnderDeliveryEnvelopeResult"]),
    "GetEnvelopeTrackingInfo": (["hub:hubTrackingNumber"], ["hub:GetEnvelopeTrackingInfoResult"]),
    "SetTrackingInfoUpdate": (["hub:header"], []),
    "AcknowledgeEnvelopeReceipt": (["hub:hubTrackingNumber"], []),
    "AdvancedAcknowledgeEnvelopeReceipt": (["hub:hubTrackingNumber", "hub:warningMessage"], ["hub:return"]),
    "AcknowledgeFailedEnvelopeReceipt": (["hub:hubTrackingNumber", "hub:message"], ["hub:return"]),
    "ValidatePhytoXML": (["hub:ePhytoXML"], ["hub:ValidationResult"]),
    "GetActiveNppos": ([], ["hub:GetActiveNpposResult"]),
    "GetProfile": ([], ["hub:GetProfileResult"]),
    "GetAvailableChannels": ([], ["hub:GetAvailableChannelsResult"]),
    "GetTreatmentTypes": ([], ["hub:TreatmentType"]),
    "GetAdditionalDeclarations": ([], ["hub:AdditionalDeclaration"]),
    "GetIntendedUses": ([], ["hub:IntendedUse"]),
    "GetPesticides": ([], ["hub:Pesticide"]),
    "GetProductDescriptions": ([], ["hub:ProductDescription"]),
    "GetConditions": ([], ["hub:Condition"]),
    "GetUnitMeasures": ([], ["hub:UnitMeasure"]),
    "GetMeanOfTransports": ([], ["hub:MeanOfTransport"]),
    "GetPackageTypes": ([], ["hub:PackageType"]),
    "GetStatements": ([], ["hub:Statement"]),
}


@pytest.fixture(scope="module")
def client():
    return zeep.Client(str(WSDL_FILE))


def test_it_has_the_27_operations_with_the_fields_of_the_hub(client):
    (binding,) = client.wsdl.bindings.values()
    operations = binding.all()
    assert len(operations) == 27

    def children(element):
        return [f"hub:{child.qname.localname}" for _, child in element.type.elements if child.qname.namespace == HUB]

    found = {name: (children(each.input.body), children(each.output.body)) for name, each in operations.items()}
    assert found == FIELDS


def test_it_speaks_soap_11_literal_with_the_two_irregular_actions():
    root = etree.parse(WSDL_FILE).getroot()
    assert not list(root.iter(qn(WSDL_SOAP12, "binding"), qn(WSDL_SOAP11, "header")))
    assert {body.get("use") for body in root.iter(qn(WSDL_SOAP11, "body"), qn(WSDL_SOAP11, "fault"))} == {"literal"}
    base = f"{HUB}IDeliveryService/"
    bound = {
        operation.get("name"): operation.find(qn(WSDL_SOAP11, "operation")).get("soapAction").removeprefix(base)
        for operation in root.find(qn(WSDL, "binding")).iter(qn(WSDL, "operation"))
    }
    assert bound == {
        **{name: name for name in FIELDS},
        "AdvancedAcknowledgeEnvelopeReceipt": "NegativeAcknowledgeEnvelopeReceipt",
    }
    action = qn("http://www.w3.org/2007/05/addressing/metadata", "Action")
    addressed = {
        operation.get("name"): operation.find(qn(WSDL, "input")).get(action).removeprefix(base)
        for operation in root.find(qn(WSDL, "portType")).iter(qn(WSDL, "operation"))
    }
    assert addressed == {**bound, "AcknowledgeFailedEnvelopeReceipt": "NegativeAcknowledgeEnvelopeReceipt"}


def test_every_message_is_an_element_of_the_schema_and_every_operation_is_described():
    root = etree.parse(WSDL_FILE).getroot()
    declared = {element.get("name") for element in etree.parse(FOLDER / "DeliveryService_1.xsd").getroot()}
    parts = {part.get("element").removeprefix("hub:") for part in root.iter(qn(WSDL, "part"))}
    assert parts <= declared
    assert len(parts) == 2 * 27 + 1
    for operation in root.find(qn(WSDL, "portType")).iter(qn(WSDL, "operation")):
        assert operation.findtext(qn(WSDL, "documentation")), operation.get("name")
        assert len(operation.findall(qn(WSDL, "fault"))) == 1


def test_every_type_of_its_schemas_is_used():
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.xsd"))
    declared = re.findall(r'<xs:(?:complex|simple)Type name="(\w+)"', text)
    unused = {name for name in declared if not re.search(rf'(?:type|base)="\w+:{name}"', text)}
    assert unused == {"HUBTrackingInfo"}  # named by the hub, and used by its clients; the header's field is any text


def test_what_has_no_namespace_has_none():
    """DIGEST 2.6: four elements of a certificate, and the fields of findings and of list entries."""
    loose = {
        (path.stem.partition("_")[0], element.get("name"))
        for path in FOLDER.glob("*.xsd")
        for element in etree.parse(path).getroot().iter(qn(XSD, "element"))
        if element.get("form") == "unqualified"
    }
    certificate = {name for file, name in loose if file.startswith("Reusable")}
    assert certificate == {"NatureIdentificationSPSCargo", "TypeCode", "ID"}
    assert {name for file, name in loose if file == "HubEntities"} == {
        "certificateType", "certificateStatus", "dn", "certificate",
    }  # fmt: skip
    assert {"active", "level", "msg", "docTypeOnly", "modeCode"} <= {name for file, name in loose if file[0] == "D"}


def test_a_typed_client_writes_what_the_schema_takes(client):
    header = {
        "From": "AR",
        "To": "NO",
        "CertificateType": 851,
        "CertificateStatus": 70,
        "NPPOCertificateNumber": "1",
        "Forwardings": {"EnvelopeForwarding": [{"Code": "C"}]},
    }
    certificate = {"SPSExchangedDocument": {"TypeCode": 851, "StatusCode": 70}}
    phyto = {**header, "SPSCertificate": certificate}
    messages = (
        client.create_message(client.service, "DeliverEnvelope", env={**header, "Content": "<a/>"}),
        client.create_message(client.service, "DeliverPhytoEnvelope", ePhytoEnvelope=phyto),
        client.create_message(client.service, "SetTrackingInfoUpdate", header=header),
    )
    for message in messages:
        body = message.find(qn(SOAP11, "Body"))[0]
        assert is_valid(SchemaName.DELIVERY_SERVICE_TYPED, body)
        assert is_valid(SchemaName.DELIVERY_SERVICE, body)


def test_the_served_schema_takes_any_document_and_nothing_else_that_is_loose():
    def request(child: str, *, to: str = "<e:To>NO</e:To>") -> etree._Element:
        return etree.fromstring(
            f'<h:DeliverPhytoEnvelope xmlns:h="{HUB}" xmlns:e="{HUBENT}" xmlns:s="{SPS17}" xmlns:a="{ACK17}" '
            f'xmlns:r="{RAM21}" xmlns:u="{UDT21}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<h:ePhytoEnvelope><e:From>AR</e:From>{to}<e:CertificateType>851</e:CertificateType><e:CertificateStatus>"
            f"70</e:CertificateStatus><e:NPPOCertificateNumber>1</e:NPPOCertificateNumber>{child}</h:ePhytoEnvelope>"
            "</h:DeliverPhytoEnvelope>"
        )

    inside = '<r:TypeCode xsi:nil="true"/><r:CityName/>NULL'
    odd = f'<s:SPSConsignment/><s:SPSExchangedDocument x="1">{inside}</s:SPSExchangedDocument>'
    for document in (f"<s:SPSCertificate>{odd}</s:SPSCertificate>", "<s:SPSCertificate/>", ""):
        assert is_valid(SchemaName.DELIVERY_SERVICE, request(document)), document
    for broken in (
        request("<a:SPSAcknowledgement/>"),
        request("<s:SPSCertificate/><s:SPSCertificate/>"),
        request("<s:SPSExchangedDocument/>"),
        request("", to=""),
        request("<e:Content/>"),
    ):
        assert not is_valid(SchemaName.DELIVERY_SERVICE, broken)
        for slow in (False, True):
            assert explain(SchemaName.DELIVERY_SERVICE, broken, allow_slow=slow).path.startswith("/hub:DeliverPhyto")
