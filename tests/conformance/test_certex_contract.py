"""The description of CERTEX: complete, consistent with its table, and held against the captured exchanges."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
import xmlschema
import zeep
from lxml import etree

from gateway.certex import wire
from gateway.certex.contract import CERTEX, CLEARANCE, CRFL, INTERVENTION, PROCESSED
from gateway.certex.headers import header_block, read_header_block
from gateway.certex.models import (
    CertexHeader,
    ClearanceAnswer,
    DeclarationReference,
    Declared,
    GoodsClearance,
    Item,
    ProcessedChedAnswer,
)
from gateway.soap.publish import Publication
from gateway.traces.headers import read_header_blocks
from gateway.traces.replies import read_reply_headers, write_reply_header
from gateway.xml.boundary import parse
from gateway.xml.names import BASE3, BODY1, CERTEX6, CERTEXBASE3, MSG, SOAP11, WSDL, WSDL_SOAP11, XSD, qn
from gateway.xml.schema_files import schema_folder, schema_source, schema_tree
from gateway.xml.schemas import explain, is_valid

WSDL_FILE = Path(str(resources.files("wsdl").joinpath(CERTEX.wsdl)))
SCHEMAS = ("certex/Ched_06.xsd", "certex/Base_03.xsd", "traces/Body_1.xsd")
CAPTURES = {
    "01-read.request": wire.read_processed_request,
    "02-reserveA.request": wire.read_processed_request,
    "02-reserveA.response": wire.read_processed_response,
    "03-read.response": wire.read_processed_response,
    "05-releaseA.request": wire.read_clearance_request,
    "05-releaseA.response": wire.read_clearance_response,
    "13-over.response": wire.read_processed_response,
    "16-unknown-ched.response": wire.read_processed_response,
}
WRITERS = {
    wire.read_processed_request: wire.processed_request,
    wire.read_processed_response: wire.processed_response,
    wire.read_clearance_request: wire.clearance_request,
    wire.read_clearance_response: wire.clearance_response,
}
each_capture = pytest.mark.parametrize("name", CAPTURES)
each_operation = pytest.mark.parametrize("operation", CERTEX.operations, ids=lambda each: each.name)


def description():
    return etree.parse(WSDL_FILE).getroot()


def expanded(element, name):
    prefix, _, local = name.rpartition(":")
    return qn(element.nsmap[prefix], local)


def parts():
    return {
        message.get("name"): expanded(part, part.get("element"))
        for message in description().iter(qn(WSDL, "message"))
        for part in message
    }


# --- the description by itself ---------------------------------------------------------------------------------------


def test_every_operation_is_bound_document_literal_with_the_action_of_its_request():
    root = description()
    (binding,) = root.iter(qn(WSDL, "binding"))
    assert binding.find(qn(WSDL_SOAP11, "binding")).get("style") == "document"
    actions = {
        each.get("name"): each.find(qn(WSDL_SOAP11, "operation")).get("soapAction")
        for each in binding.iterchildren(qn(WSDL, "operation"))
    }
    port = "http://ec.europa.eu/tracesnt/ws/impl/customs_certex/ched/v06/CustomsCertexChedPort"
    assert actions == {each.name: each.action for each in CERTEX.operations}
    assert actions == {
        PROCESSED: f"{port}/ProcessedChedRequest",
        CLEARANCE: f"{port}/ChedClearanceRequest",
        INTERVENTION: f"{port}/ChedInterventionRequest",
        CRFL: f"{port}/ChedCRFLRequest",
    }
    used = {each.get("use") for each in binding.iter(*(qn(WSDL_SOAP11, kind) for kind in ("body", "fault", "header")))}
    assert used == {"literal"}
    assert [each.get("location") for each in root.iter(qn(WSDL_SOAP11, "address"))] == [
        f"http://localhost:8080{CERTEX.path}"
    ]


def test_messages_are_those_of_the_table_and_of_the_schema():
    elements = parts()
    for operation in description().find(qn(WSDL, "portType")).iterchildren(qn(WSDL, "operation")):
        known = CERTEX.operation(operation.get("name"))
        named = {each.tag.rpartition("}")[2]: each.get("message").removeprefix("tns:") for each in operation[1:]}
        assert elements[named["input"]] == known.request
        assert elements[named["output"]] == known.response
        assert elements[named["fault"]] == known.request + "Fault"
        assert operation.find(qn(WSDL, "documentation")).text
    declared = {qn(CERTEX6, each.get("name")) for each in schema_tree(CERTEX.schema).iterchildren(qn(XSD, "element"))}
    assert declared == {name for name in elements.values() if name.startswith(f"{{{CERTEX6}}}")}


def test_headers_are_in_base_v3_and_body_v1_and_the_header_of_certex_is_echoed():
    elements = parts()
    asked = {
        qn(BASE3, "WebServiceClientId"),
        qn(BASE3, "LanguageCode"),
        qn(BODY1, "CustomsOfficeReferenceNumber"),
        qn(CERTEX6, "CertexHeader"),
    }
    for way, expected in (("input", asked), ("output", {qn(MSG, "Message"), qn(CERTEX6, "CertexHeader")})):
        for each in description().find(qn(WSDL, "binding")).iter(qn(WSDL, way)):
            named = each.iterchildren(qn(WSDL_SOAP11, "header"))
            assert {elements[header.get("message").removeprefix("tns:")] for header in named} == expected


def test_the_published_form_is_whole():
    publication = Publication(CERTEX.wsdl)
    address = f"https://gateway.example{CERTEX.path}"
    assert publication.wsdl(address).count(address.encode()) >= 2
    assert set(SCHEMAS) <= publication.schemas
    for name in publication.schemas:
        for reference in etree.fromstring(publication.schema(name, address)).iter(qn(XSD, "import")):
            assert reference.get("schemaLocation").removeprefix(f"{address}?xsd=") in publication.schemas


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_type_is_used_and_every_import_needed(name):
    text = schema_source(name).decode()
    everything = "".join(schema_source(each).decode() for each in SCHEMAS)
    for kind in re.findall(r'<xs:(?:complexType|simpleType) name="(\w+)"', text):
        assert f':{kind}"' in everything, kind
    own = re.search(r'targetNamespace="([^"]+)"', text)[1]
    for prefix, namespace in re.findall(r'xmlns:(\w+)="([^"]+)"', text):
        assert prefix == "xs" or namespace == own or f'"{prefix}:' in text, prefix


@pytest.fixture(scope="module")
def client():
    return zeep.Client(str(WSDL_FILE))


HEADERS = {
    "webServiceClientId": "client",
    "languageCode": "en",
    "customsOfficeReferenceNumber": "XI000002",
    "certexHeader": {"MessageId": "24ecc7102a494669ae881a6708e6e732", "UniqRequesterPrefix": "XI000002"},
}
OFFICE = {"ReferenceNumber": "XI000002"}
ASKED = {
    "SendingDate": "2026-09-29T14:10:42.090741Z",
    "ChedCertificateId": "CHEDP.XI.2026.0000875",
    "CompetentCustomsOffice": OFFICE,
    "Language": "en",
}
GOODS = {
    "GoodsItemNumber": 1,
    "CertificateLineNumber": 1,
    "ClassCode": "040100",
    "NetWeightQuantity": "0.001",
    "NetWeightUnitOfMeasure": "KGM",
}
DOCUMENT = {"CompetentCustomsOffice": OFFICE, "SendingDate": ASKED["SendingDate"]}
DOCUMENT |= {"CustomsDocumentReference": "26GB1669CAPTUREA01", "ChedCertificateId": ASKED["ChedCertificateId"]}
TYPED = [
    (PROCESSED, ASKED | {"CustomsDeclarationReferenceNumber": {}, "QuantityManagementIndication": 0}),
    (
        PROCESSED,
        ASKED
        | {
            "CustomsDeclarationReferenceNumber": {"LRN": "26GB1669CAPTUREA01"},
            "CommodityDescriptionForChed": [GOODS],
            "QuantityManagementIndication": 1,
            "PushIndication": {"PushMarker": "1", "ValidityPeriodForThePush": {"DateTimeTo": ASKED["SendingDate"]}},
        },
    ),
    (CLEARANCE, DOCUMENT | {"GoodsClearanceInformation": "01"}),
    (INTERVENTION, DOCUMENT | {"TARICDocument": "N853", "ConsignmentItem": [GOODS], "InterventionType": "03"}),
    (CRFL, {"CRFLMSFilters4CHED": {"ChedType": ["P"], "BCPCodeRUnLocode": ["GBBEL4"]}}),
]


@pytest.mark.parametrize(("operation", "values"), TYPED, ids=[f"{name}-{at}" for at, (name, _) in enumerate(TYPED)])
def test_zeep_builds_every_typed_request(client, operation, values):
    (service,) = client.wsdl.services.values()
    (port,) = service.ports.values()
    assert set(port.binding.all()) == {each.name for each in CERTEX.operations}
    message = client.create_message(client.bind(), operation, **values, _soapheaders=HEADERS)
    body, header = message.find("{*}Body")[0], message.find("{*}Header")
    assert body.tag == CERTEX.operation(operation).request
    assert is_valid(CERTEX.schema, body) or pytest.fail(str(explain(CERTEX.schema, body, allow_slow=True)))
    assert header.findtext(qn(BASE3, "WebServiceClientId")) == "client"
    assert header.findtext(qn(BODY1, "CustomsOfficeReferenceNumber")) == "XI000002"
    assert read_header_block(list(header)) == CertexHeader("24ecc7102a494669ae881a6708e6e732", "XI000002")


def test_zeep_tells_who_leaves_out_the_declaration(client):
    with pytest.raises(zeep.exceptions.ValidationError, match="CustomsDeclarationReferenceNumber"):
        client.create_message(client.bind(), PROCESSED, **ASKED, QuantityManagementIndication=0, _soapheaders=HEADERS)


def test_the_page_lists_every_operation_and_every_field():
    page = (Path(__file__).parents[2] / "docs/contract-certex.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `") and "Response`" in line]
    named = [tuple(re.findall(r"`(\w+)`", row)[:3]) for row in rows]
    local = {
        each.name: (each.request.rpartition("}")[2], each.response.rpartition("}")[2]) for each in CERTEX.operations
    }
    assert named == [(name, *elements) for name, elements in local.items()]
    root = schema_tree(CERTEX.schema)
    messages = {field.get("name") for field in root.iterfind(f".//{qn(XSD, 'sequence')}/{qn(XSD, 'element')}")} - {None}
    assert [name for name in messages if f"`{name}`" not in page] == []


# --- against the captures --------------------------------------------------------------------------------------------


def envelope(contracts, name):
    return parse((contracts / f"certex/{name}.xml").read_bytes()).root


def body_of(contracts, name):
    return envelope(contracts, name).find(qn(SOAP11, "Body"))[0]


def headers_of(contracts, name):
    return [each for each in envelope(contracts, name).find(qn(SOAP11, "Header")) if isinstance(each.tag, str)]


def plain(element):
    """Names, attributes, texts and order, and nothing of prefixes, declarations, comments and layout."""
    children = [plain(child) for child in element if isinstance(child.tag, str)]
    return element.tag, dict(element.attrib), (element.text or "").strip(), children


def test_every_capture_is_looked_at(contracts):
    assert {path.stem for path in (contracts / "certex").glob("*.xml")} == set(CAPTURES)


@each_capture
def test_every_captured_body_is_valid(contracts, name):
    body = body_of(contracts, name)
    assert is_valid(CERTEX.schema, body) or pytest.fail(str(explain(CERTEX.schema, body, allow_slow=True)))
    schema = xmlschema.XMLSchema10(str(schema_folder() / CERTEX.schema), allow="local", defuse="always")
    assert list(schema.iter_errors(etree.fromstring(etree.tostring(body)))) == []


@each_capture
def test_what_is_read_from_a_capture_is_written_as_it_was_captured(contracts, name):
    body = body_of(contracts, name)
    read = CAPTURES[name]
    written = parse(WRITERS[read](read(body))).root
    assert plain(written) == plain(body)


@pytest.mark.parametrize("name", [name for name in CAPTURES if name.endswith("request")])
def test_captured_headers_are_read(contracts, name):
    blocks = headers_of(contracts, name)
    headers = read_header_blocks(blocks)
    assert (headers.client_id, headers.language, headers.customs_office) == ("REDACTED", "en", "XI000002")
    header = read_header_block(blocks)
    assert (len(header.message_id), header.prefix) == (32, "XI000002")


@pytest.mark.parametrize("name", [name for name in CAPTURES if name.endswith("response")])
def test_captured_reply_headers_are_those_that_are_written(contracts, name):
    blocks = headers_of(contracts, name)
    header, told = read_header_block(blocks), read_reply_headers(blocks)
    local = datetime.fromisoformat(envelope(contracts, name).findtext(".//{*}Created"))
    ours = write_reply_header(local, told.request_id) + header_block(header)
    again = parse(b"<h>" + ours + b"</h>").root
    assert [plain(each) for each in again] == [plain(each) for each in blocks]


def test_a_captured_read_says_what_it_says(contracts):
    asked = wire.read_processed_request(body_of(contracts, "01-read.request"))
    assert asked.sending_date == datetime(2026, 9, 29, 14, 10, 42, 90741, tzinfo=UTC)
    assert (asked.reference, asked.office, asked.language) == ("CHEDP.XI.2026.0000875", "XI000002", "en")
    assert (asked.declaration, asked.items, asked.reserve, asked.push) == (None, (), False, None)


def test_a_captured_reservation_says_what_it_says(contracts):
    asked = wire.read_processed_request(body_of(contracts, "02-reserveA.request"))
    assert asked.declaration == DeclarationReference("MRN", "26GB1669CAPTUREA01")
    assert asked.items == (Item(goods_item=1, line=1, class_code="040100", weight=Declared("0.001", "KGM")),)
    assert asked.reserve
    answer = wire.read_processed_response(body_of(contracts, "02-reserveA.response"))
    assert (answer.result, answer.reason, answer.push_active) == (True, "", False)
    assert [(each.code, each.quantity, each.unit) for each in answer.summary.available] == [("0401", "399.999", "KGM")]
    assert [(each.code, each.event) for each in answer.summary.reserved] == [("040100", "2026-09-29T14:12:02.966Z")]
    assert [each.event for each in answer.summary.consumed] == ["2026-09-28T16:28:40.000+02:00"]


def test_a_captured_refusal_says_what_it_says(contracts):
    answer = wire.read_processed_response(body_of(contracts, "13-over.response"))
    assert (answer.result, answer.reason, answer.failed_item, answer.failed_line) == (False, "05", 1, 1)
    assert [each.quantity for each in answer.summary.consumed] == ["600", "0.002"]


def test_a_captured_clearance_says_what_it_says(contracts):
    asked = wire.read_clearance_request(body_of(contracts, "05-releaseA.request"))
    assert (asked.document, asked.information) == ("26GB1669CAPTUREA01", GoodsClearance.RELEASED)
    answer = wire.read_clearance_response(body_of(contracts, "05-releaseA.response"))
    assert (answer.outcome, answer.status_code) == ("01", "")
    assert answer.sending_date == datetime(2026, 9, 29, 14, 12, 53, 330000, tzinfo=UTC)
    echo = wire.clearance_response(ClearanceAnswer(outcome="01", sending_date=asked.sending_date))
    assert plain(parse(echo).root) == plain(body_of(contracts, "05-releaseA.response"))


def test_a_captured_unknown_ched_is_the_answer_of_all_defaults(contracts):
    body = body_of(contracts, "16-unknown-ched.response")
    assert plain(parse(wire.processed_response(ProcessedChedAnswer())).root) == plain(body)


def test_fields_are_in_the_base_namespace_and_children_in_the_messages_own(contracts):
    for name in CAPTURES:
        body = body_of(contracts, name)
        children = [each for each in body if isinstance(each.tag, str)]
        assert {etree.QName(each).namespace for each in (body, *children)} == {CERTEX6}
        below = {etree.QName(each).namespace for child in children for each in child.iterdescendants("*")}
        assert below <= {CERTEXBASE3}
