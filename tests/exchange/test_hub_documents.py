"""A document that came by the hub, seen through CertificateExchange: with its form and without a route."""

import base64
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))  # the hub in memory of its tests

from polling_harness import HUB_RECORD, MemoryHub, envelope

from gateway.hub.polling import Poller


@pytest.fixture
def imported(world, opened, caller_of):
    """What a reader with a grant is asked about: the certificate that the hub brought, and the reader."""
    reader = world.partner("nl", kind="national", document_types=["*"], country_pairs=["*>*"], code_system="traces")
    gateway = opened(HUB_RECORD, reader, roles=("national",))
    hub, sent = MemoryHub(), envelope()
    hub.put(sent)
    poller = Poller(gateway.context, lambda _: hub, validate=lambda _: ())
    assert poller.run_once("the-hub").states == {"imported": 1}
    return sent, caller_of(gateway, "nl")


def test_its_status_has_no_route(imported):
    sent, reader = imported
    status = reader.about("GetCertificateStatus", sent.header.certificate_number)
    assert status.status == 200
    assert status.text("cx:StatusCode") == "70"
    assert status.body.find("{*}Version/{*}IssuingRoute") is None


def test_its_bytes_are_given_as_they_came_and_its_translation_under_our_seal(imported):
    sent, reader = imported
    original = reader.about("GetCertificate", sent.header.certificate_number)
    assert base64.b64decode(original.text("cx:SealedDocument")).decode() == sent.content
    more = "<cx:Representation>TRANSLATED</cx:Representation>"
    translated = reader.about("GetCertificate", sent.header.certificate_number, more=more)
    assert translated.status == 200
    assert translated.body.find(".//{http://www.w3.org/2000/09/xmldsig#}Signature") is not None


def test_its_evidence_is_for_the_hub_alone(imported):
    sent, reader = imported
    assert reader.about("GetEvidence", sent.header.certificate_number).code == "IMG-7004"
