"""A document that came by the hub, seen through CertificateExchange: with its form and without a route."""

import base64
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import pytest
from lxml import etree

from gateway.trust import Anchor, Level, Purpose, TrustStore, verify_file

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


def test_its_bytes_are_given_as_they_came_and_its_translation_without_a_seal_that_it_never_had(imported):
    sent, reader = imported
    original = reader.about("GetCertificate", sent.header.certificate_number)
    assert base64.b64decode(original.text("cx:SealedDocument")) == sent.content
    more = "<cx:Representation>TRANSLATED</cx:Representation>"
    translated = reader.about("GetCertificate", sent.header.certificate_number, more=more)
    assert translated.status == 200
    assert translated.body.find(".//{*}SPSCertificate") is not None
    assert translated.body.find(".//{http://www.w3.org/2000/09/xmldsig#}Signature") is None


def test_its_evidence_is_for_the_hub_alone(imported):
    sent, reader = imported
    assert reader.about("GetEvidence", sent.header.certificate_number).code == "IMG-7004"


def test_a_sealed_document_does_not_become_an_unsealed_one_by_cutting_its_seal_out(world, caller):
    """The acknowledgement of a sealed document names no envelope, so nothing but the seal can vouch for it."""
    assert caller.submit(world.sealed(number="AR-1"), message_id="m-1").status == 200
    packed = base64.b64decode(caller.about("GetEvidence", "AR-1").text("cx:Evidence"))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    root = etree.fromstring(files["document.xml"])
    root.remove(root.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    files["document.xml"] = etree.tostring(root)
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["document.xml"] = {
        "sha256": hashlib.sha256(files["document.xml"]).hexdigest(),
        "size": len(files["document.xml"]),
    }
    files["manifest.json"] = json.dumps(manifest).encode()
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    anchors = [
        Anchor(name, authority.certificate_der, frozenset({Purpose.SEAL, Purpose.TIMESTAMP}), Level.QUALIFIED)
        for name, authority in (("own", world.own), ("third", world.third), ("tsa", world.tsa_root))
    ]
    report = verify_file(again.getvalue(), at=world.now, trust=TrustStore(anchors))
    assert not report.altered
    assert not report.unsealed
    assert not report.passed
    assert ("document.xml", "IMG-4001") in {(seal.file, seal.code) for seal in report.seals}
