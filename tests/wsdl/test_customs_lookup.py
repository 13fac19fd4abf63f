"""CustomsLookup as published: complete, consistent, and every type of its schema in use."""

from __future__ import annotations

import re
from importlib import resources

import pytest
import zeep
from lxml import etree
from zeep.exceptions import ValidationError

from gateway.single_window.lookups import OPERATIONS
from gateway.xml.names import LOOKUP1, WSDL, WSDL_SOAP11, WSDL_SOAP12, XSD, qn
from gateway.xml.schema_files import SchemaName, schema_source, schema_tree

pytestmark = pytest.mark.short

WSDL_FILE = resources.files("wsdl").joinpath("CustomsLookup.wsdl")
PORTS = {"CustomsLookupSoap11": WSDL_SOAP11, "CustomsLookupSoap12": WSDL_SOAP12}


@pytest.fixture(scope="module")
def published():
    return etree.fromstring(WSDL_FILE.read_bytes())


def test_both_ports_bind_every_operation_document_literal_with_its_action(published):
    assert {port.get("name") for port in published.iter(qn(WSDL, "port"))} == set(PORTS)
    for name, soap in PORTS.items():
        (binding,) = (each for each in published.iter(qn(WSDL, "binding")) if each.get("name") == name)
        assert binding.find(qn(soap, "binding")).get("style") == "document"
        actions = {
            operation.get("name"): operation.find(qn(soap, "operation")).get("soapAction")
            for operation in binding.iter(qn(WSDL, "operation"))
        }
        assert actions == {operation: f"{LOOKUP1}/{operation}" for operation in OPERATIONS}
        assert {body.get("use") for body in binding.iter(qn(soap, "body"), qn(soap, "fault"))} == {"literal"}


def test_every_message_is_one_element_of_the_schema(published):
    schema = schema_tree(SchemaName.CUSTOMS_LOOKUP)
    declared = {element.get("name") for element in schema.iterchildren(qn(XSD, "element"))}
    parts = [part.get("element") for part in published.iter(qn(WSDL, "part"))]
    assert {part.removeprefix("cl:") for part in parts} == declared
    assert declared == {f"{name}{kind}" for name in OPERATIONS for kind in ("Request", "Response")} | {"LookupFault"}


def test_every_type_of_the_schema_is_used():
    text = schema_source(SchemaName.CUSTOMS_LOOKUP).decode()
    for name in re.findall(r'<xs:(?:complex|simple)Type name="(\w+)"', text):
        assert f'type="cl:{name}"' in text, name


def test_a_client_refuses_by_itself_what_is_no_question():
    client = zeep.Client(str(WSDL_FILE))
    message = client.create_message(client.service, "FindByDeclaration", Type="MRN", Number="26NL1", limit=5)
    (asked,) = message.iter(qn(LOOKUP1, "FindByDeclarationRequest"))
    assert (asked.get("limit"), asked.findtext(qn(LOOKUP1, "Number"))) == ("5", "26NL1")
    with pytest.raises(ValidationError):
        client.create_message(client.service, "FindByDeclaration", Type="MRN")
