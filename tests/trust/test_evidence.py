"""Evidence containers, and verification of files."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from gateway.errors import XmlRefused
from gateway.trust import EvidenceParts, Indication, SubIndication, build_evidence, verify_file


@pytest.fixture
def container(stamped, sealed, world, now):
    return build_evidence(
        EvidenceParts(
            exchange_id="01TEST",
            received_at=now,
            request=b"<Envelope/>",
            document=stamped,
            acknowledgement=sealed,
            translation_report=b"[]",
            tokens=(world.stamp(b"x"),),
            certificates=(world.signer.certificate_der,),
            facts={"route": "iii"},
        )
    )


def rewritten(container, **changes):
    """The container with files replaced, removed (None) or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(container)) as old, zipfile.ZipFile(out, "w") as new:
        files = {name: old.read(name) for name in old.namelist()} | changes
        for name, content in files.items():
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def test_a_container_lists_all_it_holds_and_passes(container, world, now):
    with zipfile.ZipFile(io.BytesIO(container)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert set(archive.namelist()) == {"manifest.json", *manifest["files"]}
    assert manifest["facts"] == {"route": "iii"}
    assert manifest["exchange"] == "01TEST"
    assert "translation.xml" not in manifest["files"]
    report = verify_file(container, at=now, trust=world.trust())
    assert report.passed
    assert [seal.file for seal in report.seals] == ["document.xml", "acknowledgement.xml"]


def test_the_same_parts_give_the_same_bytes(now):
    parts = EvidenceParts("01", now, b"<a/>", facts={"b": "1", "a": "2"})
    assert build_evidence(parts) == build_evidence(parts)


def test_every_changed_file_is_named(container, world, now):
    altered = rewritten(
        container, **{"request.xml": b"<other/>", "certificates/1.der": None, "extra.txt": b"x", "findings.json": b"[]"}
    )
    report = verify_file(altered, at=now, trust=world.trust())
    assert not report.passed
    assert set(report.altered) == {
        "request.xml: altered",
        "certificates/1.der: missing",
        "extra.txt: not in the manifest",
        "findings.json: not in the manifest",
    }


def test_a_document_replaced_together_with_its_manifest_is_found_by_its_seal(container, world, now, stamped):
    forged = stamped.replace(b">120<", b">121<")
    with zipfile.ZipFile(io.BytesIO(container)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    import hashlib  # noqa: PLC0415 - the forger's own

    manifest["files"]["document.xml"]["sha256"] = hashlib.sha256(forged).hexdigest()
    report = verify_file(
        rewritten(container, **{"document.xml": forged, "manifest.json": json.dumps(manifest).encode()}),
        at=now,
        trust=world.trust(),
    )
    assert report.altered == ()
    assert report.seals[0].code == "IMG-4009"
    assert not report.passed


@pytest.mark.parametrize(
    "content",
    [
        b"PK garbage",
        b"PK\x03\x04",
        rewritten(build_evidence(EvidenceParts("1", __import__("datetime").datetime.now().astimezone(), b"")),
                  **{"manifest.json": b"[]"}),
        rewritten(build_evidence(EvidenceParts("1", __import__("datetime").datetime.now().astimezone(), b"")),
                  **{"manifest.json": b'{"format": "other", "files": {}}'}),
    ],
)  # fmt: skip
def test_what_is_no_container_of_ours_does_not_pass(content, world, now):
    report = verify_file(content, at=now, trust=world.trust())
    assert not report.passed
    assert report.altered


def test_a_container_beyond_measure_is_not_unpacked(container, world, now, monkeypatch):
    monkeypatch.setattr("gateway.trust.inspection.MAX_ENTRY_BYTES", 100)
    assert verify_file(container, at=now, trust=world.trust()).altered == ("the container cannot be read: ValueError",)


def test_without_anchors_intact_is_told_from_altered_and_never_passes(stamped, now):
    report = verify_file(stamped, at=now)
    assert (report.seals[0].indication, report.seals[0].sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )
    assert report.seals[0].seal.signer_subject.startswith("CN=Authority of the country")
    assert not report.passed
    altered = verify_file(stamped.replace(b">120<", b">121<"), at=now).seals[0]
    assert (altered.indication, altered.code) == (Indication.TOTAL_FAILED, "IMG-4009")


def test_a_file_without_a_seal_does_not_pass(world, now):
    report = verify_file(b"<a/>", at=now, trust=world.trust())
    assert not report.passed
    assert report.seals[0].code == "IMG-4001"
    with pytest.raises(XmlRefused):
        verify_file(b"no XML", at=now, trust=world.trust())


def test_a_sealed_element_in_an_envelope_is_found_and_named(sealed, world, now):
    report = verify_file(b"<E><B>" + sealed + b"</B></E>", at=now, trust=world.trust())
    assert report.passed
    assert report.seals[0].path == "/E/B/sps:SPSCertificate"


def test_parts_are_extracted_of_what_does_not_pass_too(sealed, world, now, tmp_path):
    verify_file(b"<a/>", at=now, trust=world.trust(), extract_to=tmp_path / "a")
    assert (tmp_path / "a" / "element.xml").read_bytes() == b"<a/>"
    verify_file(sealed, at=now, extract_to=tmp_path / "b")
    assert b"BEGIN CERTIFICATE" in (tmp_path / "b" / "certificates.pem").read_bytes()
    assert not (tmp_path / "b" / "anchor.pem").exists()


def test_containers_are_extracted_into_a_folder_per_document(container, world, now, tmp_path):
    verify_file(container, at=now, trust=world.trust(), extract_to=tmp_path)
    assert (tmp_path / "document" / "token-1.tsr").stat().st_size
    assert (tmp_path / "acknowledgement" / "commands.txt").read_text().startswith("xmlsec1 --verify")
