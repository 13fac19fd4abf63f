import itertools
import re
from pathlib import Path

import pytest

from gateway.errors import HubRefused
from gateway.hub.states import TRANSITIONS, Mover, acknowledged_by, check_transition
from gateway.ippc import TrackingState
from gateway.ippc.models import FINAL

PENDING = TrackingState.PENDING_DELIVERY
ACKNOWLEDGED = {
    TrackingState.DELIVERED,
    TrackingState.DELIVERED_WITH_WARNINGS,
    TrackingState.DELIVERED_NOT_READABLE,
}


def test_every_step_that_is_not_in_the_table_is_refused():
    allowed = {(step.before, step.after, step.mover) for step in TRANSITIONS}
    for before, after, mover in itertools.product(TrackingState, TrackingState, Mover):
        if (before, after, mover) in allowed:
            assert check_transition(before, after.value, mover) is after
        else:
            with pytest.raises(HubRefused) as caught:
                check_transition(before, after.value, mover)
            assert caught.value.code == ("IMG-7103" if before is PENDING else "IMG-7102")


def test_nothing_follows_a_final_state_and_nobody_sets_that_an_envelope_is_not_there():
    assert not {step.before for step in TRANSITIONS} & FINAL
    assert TrackingState.ENVELOPE_NOT_EXISTS not in {step.after for step in TRANSITIONS}


def test_a_receiver_has_three_ways_to_acknowledge():
    assert {step.after for step in TRANSITIONS if step.mover is Mover.RECEIVER} == ACKNOWLEDGED
    assert acknowledged_by("AcknowledgeEnvelopeReceipt") is TrackingState.DELIVERED
    assert acknowledged_by("AdvancedAcknowledgeEnvelopeReceipt") is TrackingState.DELIVERED_WITH_WARNINGS
    assert acknowledged_by("AcknowledgeFailedEnvelopeReceipt") is TrackingState.DELIVERED_NOT_READABLE
    with pytest.raises(KeyError):
        acknowledged_by("SetTrackingInfoUpdate")


@pytest.mark.parametrize("word", ["", "delivered", "Arrived"])
def test_a_word_that_is_no_state_is_refused(word):
    with pytest.raises(HubRefused) as caught:
        check_transition(PENDING, word, Mover.RECEIVER)
    assert caught.value.code == "IMG-7103"
    assert "DeliveredWithWarnings" in caught.value.expected


def test_the_page_about_it_has_the_same_table():
    page = next((Path(__file__).parents[2] / "docs" / "adr").glob("0008-*.md")).read_text("utf-8")
    rows = re.findall(r"^\| (\S+) \| (\S+) \| ([a-z ]+) \| (.+) \|$", page, flags=re.MULTILINE)
    assert rows == [(step.before or "(none)", step.after, step.mover, ", ".join(step.by)) for step in TRANSITIONS]
