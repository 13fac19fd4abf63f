"""The descriptions of the TRACES services: complete, consistent with the tables, and held against what is published."""

from __future__ import annotations

import re
import sys
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import pytest
import zeep
from lxml import etree

from gateway.endpoints.ched_control import ched_control
from gateway.endpoints.traces_attachments import certificate_attachments
from gateway.endpoints.traces_certificate import ched_certificate
from gateway.endpoints.traces_common import Services
from gateway.endpoints.traces_reference import reference_data
from gateway.endpoints.traces_retrieval import docom, eu_intra
from gateway.endpoints.traces_submission import ched_submission
from gateway.errors import AccessDenied, ChedRefused, Finding, RulesRefused, SchemaInvalid, Severity, catalogue
from gateway.soap import SoapVersion
from gateway.soap.publish import Publication
from gateway.traces import wire_certificates, wire_ched, wire_submission
from gateway.traces.contracts import (
    ATTACHMENTS,
    CHED,
    CONTRACTS,
    CONTROL,
    DOCOM,
    INTRA,
    REFERENCE,
    SUBMISSION,
    SUBMISSION_01,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import (
    BASE3,
    BASE4,
    BODY3,
    MSG,
    SOAP11,
    WSDL,
    WSDL_SOAP11,
    WSDL_SOAP12,
    XSD,
    qn,
)
from gateway.xml.schema_files import schema_folder, schema_source, schema_tree
from gateway.xml.schemas import SchemaName, explain, is_valid, validate

sys.path.insert(0, str(Path(__file__).parents[1] / "traces"))  # the comparer of shapes is there

from shape import differences

IDS = [f"{each.name}-{each.wsdl.removesuffix('.wsdl')}" for each in CONTRACTS]
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=IDS)
XSD_FILES = sorted(
    path.relative_to(schema_folder()).as_posix()
    for path in [*(schema_folder() / "traces").glob("*.xsd"), schema_folder() / SchemaName.CHED_CONTROL]
)


def description(contract):
    return etree.fromstring(resources.files("wsdl").joinpath(contract.wsdl).read_bytes())


def expanded(element, name):
    prefix, _, local = name.rpartition(":")
    return qn(element.nsmap[prefix], local)


# --- the descriptions by themselves ----------------------------------------------------------------------------------


@each_contract
def test_every_operation_is_bound_document_literal_with_its_bare_action(contract):
    root = description(contract)
    bindings = list(root.iter(qn(WSDL, "binding")))
    assert bindings
    for binding in bindings:
        soap = WSDL_SOAP12 if binding.find(qn(WSDL_SOAP12, "binding")) is not None else WSDL_SOAP11
        assert binding.find(qn(soap, "binding")).get("style") == "document"
        actions = {
            each.get("name"): each.find(qn(soap, "operation")).get("soapAction")
            for each in binding.iterchildren(qn(WSDL, "operation"))
        }
        assert actions == {each.name: each.name for each in contract.operations}
        assert {body.get("use") for body in binding.iter(qn(soap, "body"), qn(soap, "fault"), qn(soap, "header"))} == {
            "literal"
        }
    addresses = {port.get("location") for port in root.iter(qn(WSDL_SOAP11, "address"), qn(WSDL_SOAP12, "address"))}
    assert addresses == {f"http://localhost:8080{contract.path}"}


@each_contract
def test_messages_are_those_of_the_table_and_of_the_schema(contract):
    root = description(contract)
    parts = {
        message.get("name"): expanded(part, part.get("element"))
        for message in root.iter(qn(WSDL, "message"))
        for part in message
    }
    for operation in root.find(qn(WSDL, "portType")).iterchildren(qn(WSDL, "operation")):
        known = contract.operation(operation.get("name"))
        for kind, name in (("input", known.request), ("output", known.response)):
            assert parts[operation.find(qn(WSDL, kind)).get("message").removeprefix("tns:")] == name
        assert operation.find(qn(WSDL, "documentation")).text
        for fault in operation.iterchildren(qn(WSDL, "fault")):
            assert parts[fault.get("message").removeprefix("tns:")] == qn(contract.namespace, fault.get("name"))
    declared = {
        qn(contract.namespace, each.get("name"))
        for each in schema_tree(contract.schema).iterchildren(qn(XSD, "element"))
    }
    assert declared == {name for name in parts.values() if name.startswith(f"{{{contract.namespace}}}")}


@each_contract
def test_headers_are_those_of_the_platform(contract):
    root = description(contract)
    base = BASE3 if contract is SUBMISSION_01 else BASE4
    headers = {qn(base, "WebServiceClientId"), qn(base, "LanguageCode")}
    headers |= {qn(BASE4, "Attributes")} if base == BASE4 else set()
    headers |= {qn(BODY3, "BodyIdentity")} if contract is not REFERENCE else set()
    parts = {
        message.get("name"): expanded(part, part.get("element"))
        for message in root.iter(qn(WSDL, "message"))
        for part in message
    }
    for way, expected in (("input", headers), ("output", {qn(MSG, "Message")})):
        for each in root.find(qn(WSDL, "binding")).iter(qn(WSDL, way)):
            named = each.iterchildren(qn(WSDL_SOAP11, "header"), qn(WSDL_SOAP12, "header"))
            assert {parts[header.get("message").removeprefix("tns:")] for header in named} == expected


def served(contract):
    """The contract as it is served, without anything behind it: enough to see what its faults look like."""
    services = Services(context=SimpleNamespace(limits=DEFAULT_LIMITS, clock=lambda: None), admission=SimpleNamespace())
    return {
        CHED: lambda: ched_certificate(None, services),
        SUBMISSION: lambda: ched_submission(None, services, SUBMISSION),
        SUBMISSION_01: lambda: ched_submission(None, services, SUBMISSION_01),
        INTRA: lambda: eu_intra(None, services),
        DOCOM: lambda: docom(None, services),
        ATTACHMENTS: lambda: certificate_attachments(None, services),
        REFERENCE: lambda: reference_data(None, services),
        CONTROL: lambda: ched_control(None, services),
    }[contract]()


FINDING = Finding("R-I5", Severity.SEVERE, "text", "I.5")
ERRORS = [
    AccessDenied("IMG-2110"),
    RulesRefused("IMG-5001", findings=(FINDING,)),
    *(ChedRefused(code) for code in sorted(catalogue()) if code[:6] in {"IMG-72", "IMG-73"}),
]


@each_contract
def test_every_typed_fault_is_declared_and_valid(contract):
    declared = faults_of(contract)
    seen = set()
    for error in ERRORS:
        rendered = parse(served(contract).render_fault(error, SoapVersion.SOAP11, None)).root
        for detail in rendered.iter("detail"):
            if not detail[0].tag.startswith(f"{{{contract.namespace}}}"):
                continue  # a plain fault of the gateway's own
            if detail[0].tag == qn(DOCOM.namespace, "DocomSignedPdfNotAvailableException"):
                continue  # never: there is no signed PDF of a DOCOM to ask for
            seen.add(etree.QName(detail[0]).localname)
            assert is_valid(contract.schema, detail[0]) or pytest.fail(etree.tostring(detail[0]).decode())
    assert seen <= declared
    assert any("PermissionDenied" in name for name in seen)


def faults_of(contract):
    return {fault.get("name") for fault in description(contract).find(qn(WSDL, "portType")).iter(qn(WSDL, "fault"))}


@each_contract
def test_the_published_form_is_whole(contract):
    publication = Publication(contract.wsdl)
    address = f"https://gateway.example{contract.path}"
    wsdl = publication.wsdl(address)
    assert wsdl.count(address.encode()) >= 2
    for name in publication.schemas:
        content = publication.schema(name, address)
        for reference in etree.fromstring(content).iter(qn(XSD, "import")):
            assert reference.get("schemaLocation").removeprefix(f"{address}?xsd=") in publication.schemas


@each_contract
def test_zeep_reads_the_description_and_builds_every_typed_request(contract):
    client = zeep.Client(str(resources.files("wsdl").joinpath(contract.wsdl)))
    port = next(iter(next(iter(client.wsdl.services.values())).ports.values()))
    assert set(port.binding.all()) == {each.name for each in contract.operations}
    for operation in contract.operations:
        values = typed_values(operation.name)
        base = BASE3 if contract is SUBMISSION_01 else BASE4
        message = client.create_message(
            client.bind(),
            operation.name,
            **values,
            _soapheaders={
                "webServiceClientId": "client",
                "languageCode": "en",
                **({} if contract is REFERENCE else {"bodyIdentity": {"AuthorityActivityAccessIdentifier": "A1"}}),
            },
        )
        body = message.find("{*}Body")[0]
        assert body.tag == operation.request
        assert is_valid(contract.schema, body) or pytest.fail(str(explain(contract.schema, body, allow_slow=True)))
        header = message.find("{*}Header")
        assert header.findtext(qn(base, "WebServiceClientId")) == "client"
        identity = header.find(qn(BODY3, "BodyIdentity"))
        assert identity is None or identity[0].tag == "AuthorityActivityAccessIdentifier", "in no namespace"
        assert (identity is None) == (contract is REFERENCE)


CERTIFICATE_VALUES = {
    "SPSExchangedDocument": {"ID": "CHEDA.NL.2026.0000001", "IncludedSPSNote": [{"SubjectCode": "CHED_TYPE"}]},
    "SPSConsignment": {"IncludedSPSConsignmentItem": [{"IncludedSPSTradeLineItem": [{"SequenceNumeric": "1"}]}]},
}


def typed_values(operation):
    special = {
        "findChedCertificate": {
            "Type": ["A", "PP"],
            "CNCode": [{"_value_1": "0101", "exactMatch": True}],
            "UpdateDateTimeRange": {"From": "2026-01-01T00:00:00Z", "To": "2026-02-01T00:00:00Z"},
            "pageSize": 50,
            "offset": 100,
        },
        "findEuIntraCertificate": {"pageSize": 10},
        "findDocomCertificate": {"Status": ["86"]},
        "getCertificateAttachment": {"FileName": "a.pdf", "DocumentId": 7},
        "submitCertificateAttachment": {"Attachment": b"%PDF", "fileName": "a.pdf", "contentType": "application/pdf"},
        "GetClassificationTrees": {},
        "getClassificationSections": {},
        "getLaboratoryTestCategories": {},
        "getClassificationTree": {"TreeID": "cheda"},
        "getClassificationTreeUpdates": {"TreeID": "cheda", "UpdatedSince": "2026-01-01T00:00:00Z"},
        "getClassificationTreeNodeDetail": {"TreeID": "cheda", "Path": "R/N-10000"},
        "getCertificateModel": {"ModelID": "11978"},
        "getLaboratoryTests": {"CategoryCode": "RESIDUES"},
        "getMetadatas": {"MetadataType": "ACCOMPANYING_DOCUMENT_TYPE"},
        "amendChed": {"SPSCertificate": CERTIFICATE_VALUES},
        "cancelChed": {"ID": "CHEDA.NL.2026.0000001", "Reason": "not coming"},
    }
    if operation in special:
        return special[operation]
    if operation.startswith("create"):
        return {"SPSCertificate": CERTIFICATE_VALUES}
    if operation in {"submitDecision", "submitFollowUp"}:
        return {"SPSCertificate": CERTIFICATE_VALUES, "Seal": [{"_value_1": b"<a/>", "role": "officer"}]}
    return {"ID": "INTRA.EU.NL.2026.0000001"}


@each_contract
def test_the_page_lists_every_service_and_every_operation(contract):
    page = (Path(__file__).parents[2] / "docs/contract-traces-nt.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{contract.path}` | `{contract.name}` |"))
    if contract is not SUBMISSION_01:
        assert set(re.findall(r"`(\w+)`", row.split("|")[3])) == {each.name for each in contract.operations}


# --- the schemas by themselves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", XSD_FILES)
def test_every_type_is_used_and_every_import_needed(name):
    text = schema_source(name).decode()
    everything = "".join(schema_source(each).decode() for each in XSD_FILES)
    for kind in re.findall(r'<xs:(?:complexType|simpleType|group|attributeGroup) name="(\w+)"', text):
        # attributes of nodes are told by xsi:type, so their types stand in no declaration
        assert f':{kind}"' in everything or kind.endswith("NodeAttribute"), kind
    own = re.search(r'targetNamespace="([^"]+)"', text)[1]
    for prefix, namespace in re.findall(r'xmlns:(\w+)="([^"]+)"', text):
        assert prefix == "xs" or namespace == own or f'"{prefix}:' in text, prefix


@each_contract
def test_a_breach_is_explained(contract):
    body = etree.Element(contract.operations[-1].request)
    etree.SubElement(body, qn(contract.namespace, "No"))
    with pytest.raises(SchemaInvalid) as refusal:
        validate(contract.schema, body, explained=True)
    assert refusal.value.code == "IMG-3001"
    assert refusal.value.where.endswith(":No")
    assert refusal.value.found.endswith(":No")


def test_the_identifier_of_a_body_is_in_no_namespace_and_of_limited_length():
    schema = etree.XMLSchema(etree.parse(schema_folder() / "traces/Body_3.xsd"))

    def identity(child):
        return etree.fromstring(f'<b:BodyIdentity xmlns:b="{BODY3}">{child}</b:BodyIdentity>')

    for name, longest in (
        ("AuthorityActivityAccessIdentifier", 16),
        ("OperatorAccessIdentifier", 16),
        ("OrganicControlBodyAccessIdentifier", 16),
        ("OtherBodyAccessIdentifier", 32),
    ):
        assert schema.validate(identity(f"<{name}> {'x' * longest}\n</{name}>"))
        assert not schema.validate(identity(f"<{name}>{'x' * (longest + 1)}</{name}>"))
        assert not schema.validate(identity(f"<b:{name}>x</b:{name}>"))
    assert not schema.validate(identity(""))


@pytest.mark.parametrize(
    ("content", "accepted"),
    [
        ('pageSize="1" offset="0">', True),
        ('pageSize="200">', True),
        ('pageSize="201">', False),
        ('pageSize="0">', False),
        ('offset="-1">', False),
        ("><c:Type>PP</c:Type><c:Status>1</c:Status><c:CNCode exactMatch='true'>0805</c:CNCode>", True),
        ("><c:Status>1</c:Status><c:Type>PP</c:Type>", False),
        ("><c:Type>X</c:Type>", False),
        ("><c:CNCode>080</c:CNCode>", False),
        ("><c:CountryOfEntry>XI</c:CountryOfEntry>", True),
        ("><c:CountryOfEntry>NLD</c:CountryOfEntry>", False),
        ("><c:Transshipped>maybe</c:Transshipped>", False),
        ("><c:Unknown/>", False),
    ],
)
def test_criteria_have_the_order_and_the_limits_of_the_platform(content, accepted):
    text = f'<c:FindChedCertificateRequest xmlns:c="{CHED.namespace}" {content}</c:FindChedCertificateRequest>'
    assert is_valid(CHED.schema, etree.fromstring(text)) is accepted


# --- against what is published ---------------------------------------------------------------------------------------


def body_of(contracts, name, **values):
    text = (contracts / "traces-nt" / name).read_text("utf-8").strip()
    for key, value in values.items():
        text = text.replace(f"{{{{{key}}}}}", value)
    return parse(text.encode()).root.find(qn(SOAP11, "Body"))[0]


PUBLISHED = [
    (SUBMISSION_01, "ched/CreateAndSubmitChedForDecision-0101-Horse.xml"),
    (SUBMISSION_01, "ched/CreateAndSubmitChedForDecision-0101-Horse-Replacing-CHEDA.ES.2019.0000011.xml"),
    (CHED, "ched/GetChedResponse_CHEDA.template.xml"),
    (CHED, "ched/GetChedResponse_CHEDPP.XI.2026.0000064.xml"),
    (CHED, "ched/FindChedCertificateResponse.xml"),
    (SUBMISSION, "ched/SubmitChedResponse.template.xml"),
    (INTRA, "intra/GetEuIntraCertificateResponse.xml"),
]


@pytest.mark.parametrize(("contract", "name"), PUBLISHED, ids=[name for _, name in PUBLISHED])
def test_every_published_body_is_valid(contracts, contract, name):
    body = body_of(contracts, name)
    assert body.tag.startswith(f"{{{contract.namespace}}}")
    assert is_valid(contract.schema, body) or pytest.fail(str(explain(contract.schema, body, allow_slow=True)))


def test_every_published_body_is_looked_at(contracts):
    folder = contracts / "traces-nt"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.xml")}
    assert found == {name for _, name in PUBLISHED} | {path for path in found if path.startswith("faults/")}


@pytest.mark.parametrize(
    ("contract", "name"),
    [
        (CHED, "GetChedCertificateResponse.PERMISSION_DENIED"),
        (REFERENCE, "GetClassificationTreeNodeDetailResponse.NOT_FOUND"),
        (REFERENCE, "GetClassificationTreeResponse.INVALID"),
    ],
)
def test_every_published_fault_detail_is_valid(contracts, contract, name):
    fault = body_of(contracts, f"faults/{name}.xml")
    assert is_valid(contract.schema, fault.find("detail")[0])


def test_a_short_id_of_intra_breaks_the_schema_as_it_does_at_the_platform(contracts):
    assert b"minLength '17'" in (contracts / "traces-nt/faults/GetEuIntraCertificateInvalidId.xml").read_bytes()
    name = INTRA.operation("getEuIntraCertificate").request
    for reference, accepted in (("", False), ("INTRA.EU.XI.2026", False), ("INTRA.EU.XI.2026.1", True)):
        body = parse(wire_ched.id_request(name, reference)).root
        assert is_valid(INTRA.schema, body) is accepted


def test_find_results_are_written_as_they_were_captured(contracts):
    body = body_of(contracts, "ched/FindChedCertificateResponse.xml")
    results = wire_ched.read_find_ched_response(body)
    assert [each.reference for each in results] == ["CHEDA.XI.2026.0000043", "CHEDA.XI.2026.0000042"]
    assert not differences(wire_ched.find_ched_response(results, 100, 0), body)


def test_a_receipt_is_written_as_it_was_captured(contracts):
    body = body_of(
        contracts,
        "ched/SubmitChedResponse.template.xml",
        ISSUE_DATETIME="2026-04-27T10:36:34.986+02:00",
        CHED_ID="CHEDA.XI.2026.0000043",
        SCHEME_AGENCY_ID="AL-1",
        DOCUMENT_ID="7",
        FILENAME="a.pdf",
    )
    receipt = wire_submission.read_submit_response(body)
    assert (receipt.reference, receipt.status.code) == ("CHEDA.XI.2026.0000043", "1")
    assert [(each.number, each.attachment) for each in receipt.documents] == [("AL-1", "uri:documentid:7")]
    assert not differences(wire_submission.submit_response(receipt), body)


@pytest.mark.parametrize("name", ["GetChedResponse_CHEDA.template", "GetChedResponse_CHEDPP.XI.2026.0000064"])
def test_a_captured_ched_is_served_again_as_it_came(contracts, name):
    body = body_of(contracts, f"ched/{name}.xml")
    certificate, laboratory = wire_ched.read_get_ched_response(body)
    again = parse(wire_ched.get_ched_response(etree.tostring(certificate, with_tail=False))).root
    assert not laboratory
    assert not differences(again, body)
    assert canonicalise(again[0], algorithm=C14n.EXCLUSIVE) == canonicalise(certificate, algorithm=C14n.EXCLUSIVE)


def test_a_captured_intra_certificate_keeps_its_root_in_the_services_namespace(contracts):
    body = body_of(contracts, "intra/GetEuIntraCertificateResponse.xml")
    document = wire_certificates.read_get_response(body)
    assert is_valid(SchemaName.SPS_TOLERANT, document)
    assert not differences(parse(wire_certificates.get_response(document, INTRA.namespace)).root, body)


def test_the_headers_of_the_published_samples_are_declared(contracts):
    text = (contracts / "traces-nt/ched/CreateAndSubmitChedForDecision-0101-Horse.xml").read_text("utf-8").strip()
    schema = etree.XMLSchema(etree.parse(schema_folder() / "traces/Body_3.xsd"))
    base = etree.XMLSchema(etree.parse(schema_folder() / "traces/Base_3.xsd"))
    header = parse(text.encode()).root.find(qn(SOAP11, "Header"))
    assert schema.validate(header.find(qn(BODY3, "BodyIdentity")))
    for name in ("WebServiceClientId", "LanguageCode"):
        assert base.validate(header.find(qn(BASE3, name)))


def test_the_platforms_own_header_schemas_agree_with_ours(contracts):
    """Every form that the platform's files allow for what we declare too."""
    theirs = (contracts / "traces-nt/base/xsd2-body-v3.xsd").read_text("utf-8")
    ours = schema_source("traces/Body_3.xsd").decode()
    for name in re.findall(r'<xs:element name="(\w+AccessIdentifier)" type="body:\w+" maxOccurs', theirs):
        assert f'name="{name}"' in ours
    assert "elementFormDefault" not in theirs
    assert 'elementFormDefault="' not in ours
    base = (contracts / "traces-nt/base/xsd1-base-v4.xsd").read_text("utf-8")
    for value in ('<xs:maxInclusive value="200"/>', '<xs:pattern value="([0-9][0-9]){1,10}"/>', 'maxOccurs="50"'):
        assert value in base
        assert value in schema_source("traces/Base_4.xsd").decode()
