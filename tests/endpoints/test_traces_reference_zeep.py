"""A foreign client: zeep with our published description, typed requests, every operation of the reference data."""

import sys
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
import requests
import zeep
from lxml import etree
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; its name is unique

from reference_service import Service

from gateway.store import open_store
from gateway.traces.contracts import REFERENCE
from gateway.xml.names import BASE4, WSU, qn
from mappings import load_tables
from mappings.reference import load_reference


class InProcess(Transport):
    """Posts to the WSGI application instead of the network."""

    def __init__(self, service):
        super().__init__()
        self.service = service

    def post(self, address, message, headers):
        status, content = self.service.send(message, content_type=headers["Content-Type"], action=headers["SOAPAction"])
        response = requests.Response()
        response.status_code, response._content = status, content
        response.headers["Content-Type"] = "text/xml; charset=utf-8"
        return response


@pytest.fixture
def client(sqlite_url, tmp_path):
    with open_store(sqlite_url, exclusive=True) as store:
        service = Service(store, tmp_path, load_reference(load_tables()), now=None)
        now = datetime.now(UTC)
        stamp = etree.Element(qn(WSU, "Timestamp"))
        for name, moment in (("Created", now), ("Expires", now + timedelta(minutes=2))):
            etree.SubElement(stamp, qn(WSU, name)).text = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        token = UsernameToken("reader", "secret", use_digest=True, timestamp_token=stamp)
        wsdl = resources.files("wsdl").joinpath(REFERENCE.wsdl)
        made = zeep.Client(str(wsdl), transport=InProcess(service), wsse=token)
        header = etree.Element(qn(BASE4, "WebServiceClientId"))
        header.text = "zeep"
        yield lambda operation, **parameters: made.service[operation](**parameters, _soapheaders=[header])


ASKED = {
    "GetClassificationTrees": {},
    "getClassificationTree": {"TreeID": "cheda"},
    "getClassificationTreeUpdates": {"TreeID": "cheda", "UpdatedSince": datetime(2020, 1, 1, tzinfo=UTC)},
    "getClassificationTreeNodeDetail": {"TreeID": "cheda", "CNCode": "0101"},
    "getCertificateModel": {"ModelID": "12151"},
    "getLaboratoryTestCategories": {},
    "getLaboratoryTests": {"CategoryCode": "RESIDUES"},
    "getClassificationSections": {},
    "getMetadatas": {"MetadataType": "ACCOMPANYING_DOCUMENT_TYPE"},
}


def test_every_operation_is_asked():
    assert ASKED.keys() == {operation.name for operation in REFERENCE.operations}


@pytest.mark.parametrize("operation", ASKED)
def test_zeep_asks_and_reads_the_answer(client, operation):
    body = client(operation, **ASKED[operation]).body
    if operation == "getClassificationTreeUpdates":
        assert body.NodeUpdate == []  # nothing has changed in the delivered tree
    else:
        assert body


def test_zeep_reads_a_node_with_its_typed_attributes(client):
    text = str(client("getClassificationTreeNodeDetail", TreeID="cheda", Path="R/N-10000/N-10065"))
    assert "CERTIFIED_AS_ACCESS" in text
    assert "MANDATORY" in text


def test_zeep_reads_a_fault(client):
    with pytest.raises(zeep.exceptions.Fault, match="Invalid classification tree ID"):
        client("getClassificationTree", TreeID="nowhere")
