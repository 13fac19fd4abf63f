"""The published contract: complete, consistent, and typed for a client that knows nothing of us."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
import zeep
from lxml import etree
from zeep.exceptions import ValidationError

from gateway.sandbox.samples import certificate, example
from gateway.xml.names import ACK17, CX1, SOAP11, SPS17, WSDL, WSDL_SOAP11, WSDL_SOAP12, XSD, qn
from gateway.xml.schemas import SchemaName, explain, is_valid

OPERATIONS = {
    "SubmitCertificate",
    "ValidateCertificate",
    "GetCertificate",
    "GetCertificateStatus",
    "FindCertificates",
    "GetEvidence",
}
WSDL_FILE = Path(str(resources.files("wsdl").joinpath("CertificateExchange.wsdl")))
EXAMPLES = Path(__file__).parents[2] / "examples/requests"
PORTS = {"CertificateExchangeSoap11": WSDL_SOAP11, "CertificateExchangeSoap12": WSDL_SOAP12}


@pytest.fixture(scope="module")
def client() -> zeep.Client:
    return zeep.Client(str(WSDL_FILE))


def test_both_ports_bind_every_operation_document_literal_with_its_action():
    root = etree.parse(WSDL_FILE).getroot()
    assert {port.get("name") for port in root.iter(qn(WSDL, "port"))} == set(PORTS)
    for name, soap in PORTS.items():
        binding = next(b for b in root.iter(qn(WSDL, "binding")) if b.get("name") == name)
        assert binding.find(qn(soap, "binding")).get("style") == "document"
        actions = {
            operation.get("name"): operation.find(qn(soap, "operation")).get("soapAction")
            for operation in binding.iter(qn(WSDL, "operation"))
        }
        assert actions == {operation: f"{CX1}/{operation}" for operation in OPERATIONS}
        assert {body.get("use") for body in binding.iter(qn(soap, "body"), qn(soap, "fault"))} == {"literal"}


def test_every_message_is_one_element_of_the_schema():
    schema = etree.fromstring(resources.files("xsd").joinpath(SchemaName.CERTIFICATE_EXCHANGE).read_bytes())
    declared = {element.get("name") for element in schema.iterchildren(qn(XSD, "element"))}
    parts = [part.get("element") for part in etree.parse(WSDL_FILE).iter(qn(WSDL, "part"))]
    assert {part.removeprefix("cx:") for part in parts} == declared
    assert declared == {f"{name}{kind}" for name in OPERATIONS for kind in ("Request", "Response")} | {"GatewayFault"}


def test_every_type_of_the_schema_is_used():
    text = resources.files("xsd").joinpath(SchemaName.CERTIFICATE_EXCHANGE).read_text("utf-8")
    for name in re.findall(r'<xs:(?:complex|simple)Type name="(\w+)"', text):
        assert f'"cx:{name}"' in text, name


def test_no_client_has_to_know_wildcards_or_foreign_headers():
    root = etree.parse(WSDL_FILE).getroot()
    assert not list(root.iter(qn(WSDL_SOAP11, "header"), qn(WSDL_SOAP12, "header")))
    schema = resources.files("xsd").joinpath(SchemaName.CERTIFICATE_EXCHANGE).read_text("utf-8")
    assert "xs:any" not in schema.replace("xs:anyURI", "")


# --- typed clients ---------------------------------------------------------------------------------------------------


def typed_certificate(client: zeep.Client):
    """A certificate built field by field, the way an integrator's mapping code does."""

    def ram(name: str, **fields: object):
        return client.get_type(f"{{{RAM}}}SPS{name}Type")(**fields)

    RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"  # noqa: N806 - as elsewhere
    moment = {"DateTimeString": "2026-09-14T10:32:00-03:00"}
    return client.get_type(f"{{{SPS17}}}SPSCertificateType")(
        SPSExchangedDocument=ram(
            "ExchangedDocument",
            ID="AR-EX-2026-0000009",
            TypeCode="851",
            StatusCode={"_value_1": "70", "name": "Issued"},
            IssueDateTime=moment,
            IssuerSPSParty=ram("Party", Name="Servicio Fitosanitario de Ejemplo"),
            IncludedSPSNote=[{"Subject": "SPSFL", "Content": ["1"]}],
            SignatorySPSAuthentication=[{"ActualDateTime": moment, "IncludedSPSClause": [{"ID": "1"}]}],
        ),
        SPSConsignment=ram(
            "Consignment",
            ConsignorSPSParty={"Name": "Citrícola Inventada S.A."},
            ConsigneeSPSParty={"Name": "Voorbeeld Fruit Import B.V."},
            ExportSPSCountry={"ID": "AR"},
            ImportSPSCountry={"ID": "NL"},
            ExaminationSPSEvent={"OccurrenceSPSLocation": {"Name": ["Packing house 12"]}},
            IncludedSPSConsignmentItem=[
                {
                    "IncludedSPSTradeLineItem": [
                        {
                            "SequenceNumeric": 1,
                            "Description": [{"_value_1": "Lemons", "languageID": "en"}],
                            "NetWeightMeasure": {"_value_1": "21600", "unitCode": "KGM"},
                        }
                    ]
                }
            ],
        ),
    )


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("operation", ["SubmitCertificate", "ValidateCertificate"])
def test_zeep_builds_a_typed_certificate_that_is_valid(client, operation, port):
    service = client.bind("CertificateExchangeService", port)
    envelope = client.create_message(service, operation, SPSCertificate=typed_certificate(client))
    body = envelope.find("{*}Body")[0]
    assert body.tag == qn(CX1, f"{operation}Request")
    assert is_valid(SchemaName.CERTIFICATE_EXCHANGE, body)
    assert body.findtext(".//{*}NetWeightMeasure[@unitCode='KGM']") == "21600"


def test_zeep_knows_the_types_of_certificate_fields(client):
    signature = client.get_element(qn(SPS17, "SPSCertificate")).type.signature(schema=client.wsdl.types)
    assert "SPSExchangedDocument:" in signature
    with pytest.raises((ValidationError, TypeError)):
        client.create_message(client.service, "SubmitCertificate", SPSCertificate={"NoSuchField": "1"})


def test_zeep_reads_a_typed_certificate_out_of_a_reply(client):
    reply = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP11}" xmlns:cx="{CX1}"><s:Body><cx:GetCertificateResponse><cx:Document>'
        "<cx:IssuerCountry>AR</cx:IssuerCountry><cx:TypeCode>851</cx:TypeCode><cx:ID>X</cx:ID></cx:Document>"
        "<cx:StatusCode>70</cx:StatusCode><cx:Representation>ORIGINAL</cx:Representation><cx:Masked>false</cx:Masked>"
        "</cx:GetCertificateResponse></s:Body></s:Envelope>"
    )
    response = reply[0][0]
    response.append(etree.fromstring(example()))
    assert is_valid(SchemaName.CERTIFICATE_EXCHANGE, response)
    port = client.wsdl.services["CertificateExchangeService"].ports["CertificateExchangeSoap11"]
    read = port.binding.get("GetCertificate").output.deserialize(reply)
    assert read.Masked is False
    document = read.SPSCertificate.SPSExchangedDocument
    assert document.ID._value_1 == "AR-EX-2026-0004711"
    assert document.IssueDateTime.DateTimeString._value_1 == "2026-09-14T10:32:00-03:00"
    items = read.SPSCertificate.SPSConsignment.IncludedSPSConsignmentItem[0].IncludedSPSTradeLineItem
    assert next(item.ScientificName[0]._value_1 for item in items) == "Citrus limon"


# --- what the bodies allow -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.xml")), ids=lambda file: file.stem)
def test_the_example_requests_are_valid(file):
    body = etree.parse(file).getroot().find(f"{{{SOAP11}}}Body")
    assert len(body) == 1
    assert is_valid(SchemaName.CERTIFICATE_EXCHANGE, body[0])


def test_there_is_an_example_of_every_operation():
    bodies = {etree.QName(etree.parse(file).getroot().find(f"{{{SOAP11}}}Body")[0]) for file in EXAMPLES.glob("*.xml")}
    assert {name.localname.removesuffix("Request") for name in bodies} == OPERATIONS


CERTIFICATE = certificate(lines=1).decode()
DOCUMENT = (
    "<cx:Document><cx:IssuerCountry>AR</cx:IssuerCountry><cx:TypeCode>851</cx:TypeCode><cx:ID>1</cx:ID></cx:Document>"
)
ACKNOWLEDGEMENT = (
    f'<a:SPSAcknowledgement xmlns:a="{ACK17}" '
    'xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21" '
    'xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:21"><a:SPSAcknowledgementDocument>'
    "<ram:IssueDateTime><udt:DateTime>2026-09-14T13:32:00Z</udt:DateTime></ram:IssueDateTime>"
    "<ram:StatusCode>1</ram:StatusCode><ram:ReferenceSPSReferencedDocument><ram:ID>1</ram:ID>"
    "</ram:ReferenceSPSReferencedDocument></a:SPSAcknowledgementDocument></a:SPSAcknowledgement>"
)
FINDING = "<cx:Finding><cx:Rule>R-1</cx:Rule><cx:Severity>WARNING</cx:Severity><cx:Message>m</cx:Message></cx:Finding>"
BODIES = [
    ("SubmitCertificateRequest", CERTIFICATE, True),
    ("SubmitCertificateRequest", "<cx:SealedDocument>QQ==</cx:SealedDocument>", True),
    ("SubmitCertificateRequest", f"{CERTIFICATE}<cx:SealedDocument>QQ==</cx:SealedDocument>", False),  # one of the two
    ("SubmitCertificateRequest", "", False),
    ("SubmitCertificateRequest", "<cx:SealedDocument/>", False),
    ("SubmitCertificateRequest", "<cx:SealedDocument>not base64!</cx:SealedDocument>", False),
    ("SubmitCertificateRequest", f"<cx:MessageID>{'m' * 64}</cx:MessageID>{CERTIFICATE}", True),
    ("SubmitCertificateRequest", f"<cx:MessageID>{'m' * 65}</cx:MessageID>{CERTIFICATE}", False),
    ("SubmitCertificateRequest", f"<cx:IssuingRoute>iii</cx:IssuingRoute>{CERTIFICATE}", True),
    ("SubmitCertificateRequest", f"<cx:IssuingRoute>v</cx:IssuingRoute>{CERTIFICATE}", False),
    ("SubmitCertificateResponse", ACKNOWLEDGEMENT, True),
    ("ValidateCertificateRequest", f"{CERTIFICATE}<cx:TargetPartner>nl</cx:TargetPartner>", True),
    (
        "ValidateCertificateResponse",
        (
            "<cx:Acceptable>true</cx:Acceptable><cx:SealVerdict><cx:Indication>TOTAL_PASSED</cx:Indication>"
            f"<cx:Level>advanced</cx:Level></cx:SealVerdict>{FINDING}<cx:TranslatedPlace><cx:Path>/x</cx:Path>"
            "<cx:List>unit</cx:List><cx:From>KGM</cx:From><cx:To>KG</cx:To></cx:TranslatedPlace>"
            f"<cx:Translation>{CERTIFICATE}</cx:Translation>"
        ),
        True,
    ),
    ("GetCertificateRequest", DOCUMENT, True),
    ("GetCertificateRequest", DOCUMENT.replace("AR<", "ar<"), False),
    ("GetCertificateStatusRequest", DOCUMENT, True),
    ("GetCertificateStatusRequest", f"{DOCUMENT}<cx:MessageID>m</cx:MessageID>", False),
    (
        "GetCertificateStatusResponse",
        (
            f"{DOCUMENT}<cx:StatusCode>70</cx:StatusCode><cx:ExchangeID>x</cx:ExchangeID><cx:Version><cx:StatusCode>70"
            f"</cx:StatusCode><cx:ReceivedAt>2026-09-14T13:32:00Z</cx:ReceivedAt><cx:Digest>{'0' * 64}</cx:Digest>"
            "<cx:IssuingRoute>iii</cx:IssuingRoute></cx:Version><cx:Delivery><cx:Partner>nl</cx:Partner><cx:State>pending"
            "</cx:State><cx:Attempts>0</cx:Attempts><cx:UpdatedAt>2026-09-14T13:32:00Z</cx:UpdatedAt></cx:Delivery>"
        ),
        True,
    ),
    ('FindCertificatesRequest pageSize="200" offset="0"', "", True),
    ('FindCertificatesRequest pageSize="201"', "", False),
    ('FindCertificatesRequest pageSize="0"', "", False),
    ('FindCertificatesRequest offset="-1"', "", False),
    ('FindCertificatesResponse pageSize="50" offset="0" more="false"', "", True),
    ("FindCertificatesResponse", "", False),
    ("GetEvidenceRequest", f"{DOCUMENT}<cx:StatusCode>70</cx:StatusCode>", True),
    ("GetEvidenceRequest", "<cx:ExchangeID>x</cx:ExchangeID>", True),
    ("GetEvidenceRequest", f"{DOCUMENT}<cx:ExchangeID>x</cx:ExchangeID>", False),
    ("GetEvidenceResponse", "<cx:FileName>e.zip</cx:FileName><cx:Evidence>UEs=</cx:Evidence>", True),
    ("GatewayFault", f"<cx:Code>IMG-1003</cx:Code><cx:Message>m</cx:Message><cx:Retry>never</cx:Retry>{FINDING}", True),
    ("GatewayFault", "<cx:Code>1003</cx:Code><cx:Message>m</cx:Message><cx:Retry>never</cx:Retry>", False),
]


@pytest.mark.parametrize(("tag", "content", "accepted"), BODIES)
def test_bodies(tag, content, accepted):
    name = tag.partition(" ")[0]
    body = etree.fromstring(f'<cx:{tag} xmlns:cx="{CX1}">{content}</cx:{name}>')
    verdict = is_valid(SchemaName.CERTIFICATE_EXCHANGE, body)
    assert verdict is accepted, None if verdict else explain(SchemaName.CERTIFICATE_EXCHANGE, body, allow_slow=True)
