"""The full-feature reference ePhyto comes in through each form of content, and nothing of it is lost."""

import base64
import hashlib
import os
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from polling_harness import HUB_RECORD, SOAP, House, MemoryHub

from adapters.ippc_hub.client import Pulled
from gateway.hub.importing import Importer
from gateway.hub.sources import RemoteSource, Waiting
from gateway.ippc import EnvelopeHeader
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise

CONTRACTS = os.environ.get("IMSOC_CONTRACTS", "")
REFERENCE = Path(CONTRACTS, "ippc-hub", "ephyto-full-feature.xml")
pytestmark = pytest.mark.skipif(
    not CONTRACTS or not REFERENCE.exists(), reason="IMSOC_CONTRACTS names no folder with the reference documents"
)

HUBENT = "http://ephyto.ippc.int/HUB.Entities"
HEADER = EnvelopeHeader("AR", "EC", 851, 70, "123ABC", "HUB-1", "PendingDelivery")
FIELDS = (
    "<h:From>AR</h:From><h:To>EC</h:To><h:CertificateType>851</h:CertificateType><h:CertificateStatus>70"
    "</h:CertificateStatus><h:NPPOCertificateNumber>123ABC</h:NPPOCertificateNumber>"
    "<h:hubDeliveryNumber>HUB-1</h:hubDeliveryNumber>"
)


def forms(document):
    body = document.decode()
    bare = body[body.index("?>") + 2 :]
    return {
        "escaped": f"<h:Content>{escape(body)}</h:Content>",
        "cdata": f"<h:Content><![CDATA[{body}]]></h:Content>",
        "base64": f"<h:Content>{base64.b64encode(document).decode()}</h:Content>",
        "child": bare,
    }


class Wire(MemoryHub):
    """Pulls what a test wrote, letter by letter."""

    content = ""

    def import_headers(self, country=""):
        return (HEADER,)

    def pull(self, number):
        raw = (
            f'<s:Envelope xmlns:s="{SOAP}"><s:Body><PULLSingleImportEnvelopeResponse xmlns="http://ephyto.ippc.int/">'
            f'<PULLSingleImportEnvelopeResult xmlns:h="{HUBENT}">{FIELDS}{self.content}'
            "</PULLSingleImportEnvelopeResult></PULLSingleImportEnvelopeResponse></s:Body></s:Envelope>"
        ).encode()
        return Pulled(raw, parse(raw).root[0][0][0])


def attachments(root):
    found = root.iter("{*}AttachmentBinaryObject")
    return sorted((each.get("filename"), hashlib.sha256((each.text or "").encode()).hexdigest()) for each in found)


@pytest.mark.parametrize("form", ["escaped", "cdata", "base64", "child"])
def test_nothing_of_the_reference_is_lost_on_the_way_in(store, form):
    house = House(store, {**HUB_RECORD, "country_pairs": ["*>EC"]})
    hub = Wire()
    hub.states["HUB-1"] = "PendingDelivery"
    document = REFERENCE.read_bytes()
    hub.content = forms(document)[form]
    importer = Importer(house.context, RemoteSource(house.partner(), hub), validate=house.validate)
    row = importer.take(Waiting(HEADER, house.partner()))
    assert (row.state, row.verdict) == ("imported", "delivered"), row.message
    content = house.one(f"SELECT content FROM exchange_parts WHERE exchange_id = '{row.exchange_id}'")
    sent, kept = parse(document).root, parse(bytes(content)).root
    assert canonicalise(kept, algorithm=C14n.EXCLUSIVE) == canonicalise(sent, algorithm=C14n.EXCLUSIVE)
    translated = house.one(f"SELECT translated FROM exchange_parts WHERE exchange_id = '{row.exchange_id}'")
    assert attachments(sent)
    assert attachments(parse(bytes(translated)).root) == attachments(sent)
