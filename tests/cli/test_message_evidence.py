"""``imsoc messages evidence``: the operator's way to the proof of any message, also of one whose sender cannot ask."""

import json
import zipfile
from datetime import UTC, datetime

import pytest

from gateway.cli.desk import ExitCode
from gateway.store import DocumentKey, Form, Submission, open_store, record_submission

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VERDICT = {"level": "none", "level_reason": "no seal", "authenticated_by": "mutual TLS", "envelope": "4711"}


@pytest.fixture
def envelope(trial):
    """A document that came by the hub, and the same content again; the ids of both messages."""
    with open_store(f"sqlite:///{trial}/imsoc.db", exclusive=False) as store:
        for exchange in ("01TESTENVELOPE", "01TESTREPEAT"):
            submission = Submission(
                exchange_id=exchange,
                partner="third-country",
                contract="ippc-hub",
                operation="PULLSingleImportEnvelope",
                received_at=NOW,
                request=b"<envelope/>",
                acknowledgement=b"<acknowledgement/>",
                document=DocumentKey("AR", "851", "AR-EX-1"),
                status_code="70",
                expected_status=None,
                digest=b"d" * 32,
                content=b"<certificate/>",
                form=Form.ENVELOPE,
                seal_verdict=json.dumps(VERDICT),
            )
            store.write(lambda connection, submission=submission: record_submission(connection, submission))
    return "01TESTENVELOPE", "01TESTREPEAT"


def test_the_evidence_of_an_envelope_says_who_vouches_for_it(imsoc, envelope, tmp_path):
    first, _ = envelope
    answer = imsoc.json("messages", "evidence", first, "--out", tmp_path / "proof.zip")
    assert answer == {"file": str(tmp_path / "proof.zip"), "bytes": (tmp_path / "proof.zip").stat().st_size}
    with zipfile.ZipFile(tmp_path / "proof.zip") as archive:
        assert archive.read("request.xml") == b"<envelope/>"
        assert json.loads(archive.read("seal-verdict.json")) == VERDICT


def test_a_repeat_has_the_evidence_of_the_first_and_a_name_of_its_own(imsoc, envelope, trial):
    first, repeat = envelope
    imsoc("messages", "evidence", first)
    imsoc("messages", "evidence", repeat)
    files = [trial / f"evidence-{exchange}.zip" for exchange in (first, repeat)]
    contents = []
    for file in files:
        with zipfile.ZipFile(file) as archive:
            contents.append({name: archive.read(name) for name in archive.namelist()})
    assert contents[0] == contents[1]


def test_what_is_not_there_or_cannot_be_written_is_named(imsoc, envelope, trial):
    error = imsoc.json("messages", "evidence", "01NOTHING", code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"]) == ("IMG-0105", "01NOTHING")
    error = imsoc.json("messages", "evidence", envelope[0], "--out", trial, code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"]) == ("IMG-0104", str(trial))
