import json
from datetime import UTC, datetime, timedelta

import pytest

import adapters
from adapters import DeliveryOutcome, DeliveryResult
from gateway.cli.desk import ExitCode
from gateway.sandbox.samples import certificate
from gateway.store import DocumentKey, Form, Nonce, Refusal, Submission, open_store, record_refusal, record_submission

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KEY = DocumentKey("AR", "851", "AR-EX-1")
PLACE = {"path": "/sps:SPSCertificate", "list": "unit", "source_code": "KGM", "target_code": "kg"}


@pytest.fixture
def store(trial):
    with open_store(f"sqlite:///{trial}/imsoc.db", exclusive=False) as store:
        yield store


@pytest.fixture
def accepted(store):
    """One accepted message with a delivery; its exchange id."""
    submission = Submission(
        exchange_id="01TESTACCEPTED",
        partner="third-country",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=NOW,
        request=b"<request/>",
        acknowledgement=b"<acknowledgement/>",
        document=KEY,
        status_code="70",
        expected_status=None,
        digest=b"d" * 32,
        content=b"<certificate/>",
        form=Form.SEALED,
        nonces=(Nonce("wsse", "n1", NOW + timedelta(hours=1)),),
        seal_value=b"s",
        route="iii",
        translation_report=json.dumps([PLACE]),
        tables="17@3fa9c1d2e4b5",
        findings=json.dumps([{"rule": "SPS-1", "severity": "INFO", "message": "noted"}]),
        seal_verdict=json.dumps({"indication": "TOTAL-PASSED", "signer_subject": "CN=\x1b[2Jevil"}),
        deliveries=("third-country",),
    )
    store.write(lambda connection: record_submission(connection, submission))
    return submission.exchange_id


@pytest.fixture
def refused(store):
    refusal = Refusal(
        exchange_id="01TESTREFUSED",
        partner="third-country",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=NOW + timedelta(seconds=1),
        request=b"<request/>",
        error_code="IMG-6001",
        error_detail={"found": "XYZ"},
    )
    store.write(lambda connection: record_refusal(connection, refusal))
    return refusal.exchange_id


def test_messages_are_listed_newest_first(imsoc, accepted, refused):
    rows = imsoc.json("messages", "list")["messages"]
    assert [(row["id"], row["outcome"]) for row in rows] == [(refused, "refused"), (accepted, "accepted")]
    assert rows[1]["received_at"] == "2026-11-20T12:00:00Z"
    assert accepted in imsoc("messages", "list").stdout


def test_messages_can_be_narrowed(imsoc, accepted, refused):
    assert [row["id"] for row in imsoc.json("messages", "list", "--refused")["messages"]] == [refused]
    assert imsoc.json("messages", "list", "--partner", "nobody")["messages"] == []
    assert len(imsoc.json("messages", "list", "--limit", "1")["messages"]) == 1


def test_a_message_is_explained_with_each_translated_place(imsoc, accepted):
    answer = imsoc.json("explain", accepted)
    assert answer["kind"] == "message"
    assert answer["translated"] == [PLACE]
    assert answer["route"] == "iii"
    assert answer["mapping_tables"] == "17@3fa9c1d2e4b5"
    assert answer["deliveries"][0]["state"] == "pending"
    text = imsoc("explain", accepted).stdout
    for word in ("TOTAL-PASSED", "KGM", "noted", "AR/851/AR-EX-1", "17@3fa9c1d2e4b5"):
        assert word in text


def test_what_a_partner_sent_cannot_steer_the_terminal(imsoc, accepted):
    assert "\x1b" not in imsoc("messages", "show", accepted).stdout


def test_a_refused_message_names_its_code(imsoc, refused):
    answer = imsoc.json("messages", "show", refused)
    assert (answer["error_code"], answer["refusal"]) == ("IMG-6001", {"found": "XYZ"})


def test_an_unknown_message_is_said(imsoc, trial):
    assert imsoc.json("messages", "show", "nothing", code=ExitCode.USAGE)["error"]["code"] == "IMG-0105"


def test_deliveries_are_listed_and_narrowed(imsoc, accepted):
    (row,) = imsoc.json("deliveries", "list")["deliveries"]
    assert (row["message"], row["state"], row["partner"]) == (accepted, "pending", "third-country")
    assert imsoc.json("deliveries", "list", "--state", "failed")["deliveries"] == []
    assert imsoc.json("deliveries", "list", "--state", "lost", code=ExitCode.USAGE)["error"]["found"] == "lost"


def test_a_pending_delivery_needs_no_retry(imsoc, accepted):
    (row,) = imsoc.json("deliveries", "list")["deliveries"]
    assert imsoc.json("deliveries", "retry", row["id"], code=ExitCode.REFUSED)["error"]["code"] == "IMG-8012"


class Recording:
    def __init__(self, outcome):
        self.outcome, self.jobs = outcome, []

    def deliver(self, job):
        self.jobs.append(job)
        return DeliveryResult(self.outcome, "IMG-8003", "said the partner")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (DeliveryOutcome.DELIVERED, ExitCode.OK),
        (DeliveryOutcome.REFUSED, ExitCode.REFUSED),
        (DeliveryOutcome.UNKNOWN, ExitCode.UNAVAILABLE),
        (DeliveryOutcome.UNREACHABLE, ExitCode.UNAVAILABLE),
    ],
)
def test_send_hands_the_file_to_the_partners_adapter(imsoc, trial, monkeypatch, outcome, code):
    text = (trial / "partner.toml").read_text("utf-8")
    text += '\n[partner.delivery]\nadapter = "certificate-exchange"\naddress = "http://127.0.0.1:9/x"\n'
    (trial / "partner.toml").write_text(text, "utf-8")
    imsoc("partners", "add", "partner.toml")
    (trial / "certificate.xml").write_bytes(certificate())
    recording = Recording(outcome)
    monkeypatch.setattr(adapters, "open_adapter", lambda _target, _secret: recording)
    answer = imsoc.json("send", "certificate.xml", "--to", "third-country", code=code)
    (job,) = recording.jobs
    assert job.payload == certificate()
    assert answer["document"] == "AR/851/AR-EX-2026-0000001"
    assert answer["outcome"] == outcome
    assert len(job.id) <= 64


def test_send_needs_a_partner_that_is_called(imsoc, trial):
    (trial / "certificate.xml").write_bytes(certificate())
    error = imsoc.json("send", "certificate.xml", "--to", "third-country", code=ExitCode.USAGE)["error"]
    assert "[partner.delivery]" in error["found"]


def test_to_whom_a_message_was_not_delivered_is_shown_with_why(imsoc, store):
    submission = Submission(
        exchange_id="01TESTKEPTBACK",
        partner="third-country",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=NOW,
        request=b"<request/>",
        acknowledgement=b"<acknowledgement/>",
        document=KEY,
        status_code="70",
        expected_status=None,
        digest=b"d" * 32,
        content=b"<certificate/>",
        form=Form.SEALED,
        not_delivered={"the-hub": "851 BE>AR is not granted"},
    )
    store.write(lambda connection: record_submission(connection, submission))
    shown = imsoc.json("messages", "show", "01TESTKEPTBACK")
    assert shown["not_delivered"] == [{"partner": "the-hub", "why": "851 BE>AR is not granted"}]
    text = imsoc("messages", "show", "01TESTKEPTBACK").stdout
    assert "Not delivered" in text
    assert "851 BE>AR is not granted" in text
    assert "Delivered to nobody" in text
