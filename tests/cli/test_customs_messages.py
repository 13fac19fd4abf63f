"""What a message of customs was answered, as `imsoc messages show` and `imsoc explain` tell it."""

from datetime import UTC, datetime

import pytest

from gateway.certex.contract import CERTEX, CLEARANCE, INTERVENTION, PROCESSED
from gateway.certex.models import ClearanceAnswer, ProcessedChedAnswer
from gateway.certex.wire import clearance_response, intervention_response, processed_response
from gateway.customs.requests import ClearanceOutcome, FailureReason
from gateway.store import CustomsMessage, open_store, record_customs_message

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def kept(trial):
    """``kept(operation, acknowledgement)`` is the id of such a message."""

    def keep(operation, acknowledgement, **detail):
        message = CustomsMessage(
            exchange_id="01TESTCUSTOMS",
            partner="third-country",
            contract=CERTEX.name,
            operation=operation,
            received_at=NOW,
            subject="CHEDP.NL.2026.0000001",
            prefix="NL000396",
            message_id="m1",
            request=b"<request/>",
            acknowledgement=acknowledgement,
            detail=detail,
        )
        with open_store(f"sqlite:///{trial}/imsoc.db", exclusive=False) as store:
            store.write(lambda connection: record_customs_message(connection, message))
        return message.exchange_id

    return keep


@pytest.mark.parametrize("command", [("messages", "show"), ("explain",)])
def test_a_refused_reservation_says_why(imsoc, kept, command):
    refused = ProcessedChedAnswer(result=False, reason="05", failed_item=2, failed_line=1)
    message = kept(PROCESSED, processed_response(refused))
    told = imsoc.json(*command, message)["customs"]
    assert (told["reservation_result"], told["reason"], told["goods_item"], told["line"]) == (0, "05", 2, 1)
    assert "not enough is left" in told["reason_in_words"]
    shown = imsoc(*command, message).stdout
    assert "not reserved" in shown
    assert "not enough is left" in shown


def test_a_reservation_that_was_made_says_so(imsoc, kept):
    message = kept(PROCESSED, processed_response(ProcessedChedAnswer(result=True)))
    assert imsoc.json("messages", "show", message)["customs"] == {"reservation_result": 1, "answer": "reserved"}


def test_a_reservation_on_no_ched_says_so(imsoc, kept):
    message = kept(PROCESSED, processed_response(ProcessedChedAnswer()))
    assert "no such CHED" in imsoc("messages", "show", message).stdout


@pytest.mark.parametrize(
    ("operation", "write"), [(CLEARANCE, clearance_response), (INTERVENTION, intervention_response)]
)
def test_an_outcome_is_said_in_words(imsoc, kept, operation, write):
    message = kept(operation, write(ClearanceAnswer(outcome="02", sending_date=NOW)))
    assert imsoc.json("messages", "show", message)["customs"]["outcome"] == "02"
    assert "nothing is held" in imsoc("messages", "show", message).stdout


def test_what_was_passed_on_says_as_what_and_what_came_of_it(imsoc, kept):
    message = kept(CLEARANCE, b"", passed_on="NL000396/ours", word="unknown", by_read=False)
    told = imsoc.json("messages", "show", message)["customs"]
    assert told == {"passed_on": "NL000396/ours", "word": "unknown", "by_read": False}


@pytest.mark.parametrize("code", sorted({*FailureReason, *ClearanceOutcome}))
def test_each_reason_and_outcome_is_explained(imsoc, code):
    told = imsoc.json("explain", code.value)
    assert told["kind"] == "customs"
    assert ("as the reason of a reservation" in told) == (code.value in set(FailureReason))
    assert ("as the outcome of a clearance or intervention" in told) == (code.value in set(ClearanceOutcome))
