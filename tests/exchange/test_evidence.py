"""GetEvidence: one file that proves an exchange, complete, checkable by strangers' means, and for its sender only."""

import base64
import hashlib
import io
import json
import re
import zipfile

import pytest

from gateway.sandbox.samples import certificate
from gateway.trust import Anchor, Level, Purpose, TrustStore, verify_file

CX = "urn:imsoc:gateway:certificate-exchange:1"


def trust(world):
    return TrustStore(
        [
            Anchor("third", world.third.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED),
            Anchor("own", world.own.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED),
            Anchor("tsa", world.tsa_root.certificate_der, frozenset({Purpose.TIMESTAMP}), Level.QUALIFIED),
        ]
    )


def evidence(answer):
    assert answer.status == 200, answer.raw
    content = base64.b64decode(answer.text("cx:Evidence"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return content, {name: archive.read(name) for name in archive.namelist()}


def by_exchange(caller, exchange):
    return caller.call(
        f'<cx:GetEvidenceRequest xmlns:cx="{CX}"><cx:ExchangeID>{exchange}</cx:ExchangeID></cx:GetEvidenceRequest>'
    )


def changed(content, name, change):
    """The container with one file changed, everything else as it was."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(result, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            target.writestr(entry, change(data) if entry.filename == name else data)
    return result.getvalue()


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.fixture
def sent(world, caller):
    sealed = world.sealed(number="AR-1")
    acknowledged = caller.submit(sealed, message_id="m-1")
    return sealed, caller.last, acknowledged


def test_everything_is_in_it_and_every_seal_in_it_holds(world, caller, sent):
    sealed, request, acknowledged = sent
    content, files = evidence(caller.about("GetEvidence", "AR-1"))
    assert files["request.xml"] == request
    assert files["document.xml"] == sealed
    assert files["acknowledgement.xml"] in acknowledged.raw
    assert json.loads(files["seal-verdict.json"])["indication"] == "TOTAL-PASSED"
    assert json.loads(files["translation-report.json"])
    assert b"SPSCertificate" in files["translation.xml"]
    assert isinstance(json.loads(files["findings.json"]), list)
    assert "tokens/1.tst" in files
    assert files["certificates/1.der"] == world.credential.certificate_der
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["facts"]["issuing route (Art 39)"] == "iii"
    assert manifest["facts"]["document"] == "AR/851/AR-1"
    assert re.fullmatch("0@[0-9a-f]{12}", manifest["facts"]["mapping tables"])
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }
    report = verify_file(content, at=world.now, trust=trust(world))
    assert report.passed
    assert {seal.file for seal in report.seals} == {"document.xml", "acknowledgement.xml"}
    assert not report.altered


def test_a_changed_byte_is_named_in_whichever_file_it_is(world, caller, sent):
    content, files = evidence(caller.about("GetEvidence", "AR-1"))
    for name in files.keys() - {"manifest.json"}:
        report = verify_file(changed(content, name, flipped), at=world.now, trust=trust(world))
        assert not report.passed
        assert f"{name}: altered" in report.altered


def test_the_same_evidence_is_given_by_document_by_version_and_by_exchange(world, caller, sent):
    status = caller.about("GetCertificateStatus", "AR-1").text("cx:ExchangeID")
    by_document = caller.about("GetEvidence", "AR-1")
    assert by_document.text("cx:FileName") == f"evidence-{status}.zip"
    by_version = caller.about("GetEvidence", "AR-1", more="<cx:StatusCode>70</cx:StatusCode>")
    assert by_document.raw == by_version.raw == by_exchange(caller, status).raw
    assert caller.about("GetEvidence", "AR-1", more="<cx:StatusCode>40</cx:StatusCode>").code == "IMG-7004"


def test_a_refused_message_has_evidence_too(world, caller):
    refused = caller.submit(certificate(lines=1, number="AR-2"))
    request = caller.last
    content, files = evidence(by_exchange(caller, refused.fault("ExchangeID")))
    assert files["request.xml"] == request
    facts = json.loads(files["manifest.json"])["facts"]
    assert (facts["outcome"], facts["error"]) == ("refused", "IMG-4001")
    assert not verify_file(content, at=world.now, trust=trust(world)).altered


def test_only_the_sender_gets_evidence(world, opened, caller_of):
    everything = {"document_types": ["*"], "country_pairs": ["*>*"]}
    gateway = opened(world.partner(), world.partner("nl", kind="national", **everything))
    sender, reader = caller_of(gateway), caller_of(gateway, "nl")
    assert sender.submit(world.sealed(number="AR-1")).status == 200
    exchange = sender.about("GetCertificateStatus", "AR-1").text("cx:ExchangeID")
    assert reader.about("GetCertificate", "AR-1").status == 200
    assert reader.about("GetEvidence", "AR-1").code == "IMG-7004"
    assert by_exchange(reader, exchange).code == "IMG-7004"
    assert by_exchange(sender, exchange).status == 200
