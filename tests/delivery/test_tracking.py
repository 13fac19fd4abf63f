"""What a hub took is asked for until the hub says a last word; what it says decides the delivery."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.delivery import DeliveryOutcome, DeliveryResult
from gateway.delivery.tracking import MAX_MESSAGE, Tracked, track
from gateway.errors import DeliveryError, HubRefused
from gateway.ippc.models import EnvelopeHeader
from gateway.store.finders import find_audit, find_evidence
from gateway.store.outbox import resend
from gateway.store.trackings import get_tracking, open_trackings

TAKEN = DeliveryResult(DeliveryOutcome.TRACKING, receipt=b"taken", reference="HUB-1", tracking="PendingDelivery")


class Hub:
    """Answers from a script by number, and PendingDelivery when the script is over."""

    def __init__(self):
        self.asked = []
        self.answers = defaultdict(deque)

    def tracking(self, number, /):
        self.asked.append(number)
        answer = self.answers[number].popleft() if self.answers[number] else "PendingDelivery"
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, EnvelopeHeader):
            return answer
        return EnvelopeHeader("AR", "NL", 851, 70, "1", number, answer, "in its own words")


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def ask(world, hub):
    return lambda **options: track(world.store, hub, "nl", clock=world.clock, **options)


def taken(world, number, reference, **options):
    """A delivery that the hub took under this reference."""
    world.partners["nl"].answers.append(replace(TAKEN, reference=reference))
    exchange = world.submit(number, **options)
    world.worker.run_once()
    world.clock.turn(seconds=2)
    return f"{exchange}-1"


def row_of(world, delivery):
    with world.store.read() as connection:
        return get_tracking(connection, delivery)


def test_a_hub_that_takes_a_document_does_not_hold_up_its_case(world):
    """A withdrawal must not wait until the receiver has fetched the certificate."""
    world.partners["nl"].answers.extend([TAKEN, replace(TAKEN, reference="HUB-2")])
    first = world.submit("1")
    world.submit("1", status="40", after="70")
    assert world.worker.run_once() == 2
    assert world.states() == ["tracking", "tracking"]
    row = row_of(world, f"{first}-1")
    assert (row.number, row.state, row.settled_at) == ("HUB-1", "PendingDelivery", None)
    with world.store.read() as connection:
        ((_, parts),) = find_evidence(connection, first).deliveries
    assert parts.receipt == b"taken"


@pytest.mark.parametrize(
    ("word", "state", "code"),
    [
        ("Delivered", "delivered", ""),
        ("DeliveredWithWarnings", "delivered", ""),
        ("DeliveredNotReadable", "refused", "IMG-8015"),
        ("FailedDelivery", "refused", "IMG-8014"),
        ("EnvelopeNotExists", "refused", "IMG-8013"),
    ],
)
def test_a_last_word_ends_it(world, hub, ask, word, state, code):
    delivery = taken(world, "1", "HUB-1")
    hub.answers["HUB-1"].append(word)
    assert ask() == Tracked(asked=1, finished=1, alarms=int(word == "EnvelopeNotExists"))
    row = world.row(delivery)
    assert (row.state, row.code, row.detail) == (state, code, "in its own words")
    assert row_of(world, delivery).state == word
    with world.store.read() as connection:
        assert f"delivery {state}" in [entry.action for entry in find_audit(connection, delivery[:-2])]
    world.clock.turn(days=1)
    assert ask() == Tracked()


@pytest.mark.parametrize("word", ["PendingDelivery", "OnItsWay", ""])
def test_another_word_is_none(world, hub, ask, word):
    delivery = taken(world, "1", "HUB-1")
    hub.answers["HUB-1"].append(word)
    assert ask() == Tracked(asked=1)
    assert world.states() == ["tracking"]
    assert row_of(world, delivery).state == word


def test_the_pauses_grow_with_the_age_of_the_envelope(world, hub, ask):
    taken(world, "1", "HUB-1")
    asked_at = []
    for _ in range(4000):
        before = len(hub.asked)
        ask()
        if len(hub.asked) > before:
            asked_at.append(world.clock.now)
        world.clock.turn(seconds=5)
    pauses = [later - earlier for earlier, later in pairwise(asked_at)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=5)
    assert pauses[-1] == timedelta(hours=1)
    assert len(pauses) < 40


def test_an_answer_about_another_envelope_changes_nothing(world, hub, ask):
    delivery = taken(world, "1", "HUB-1")
    hub.answers["HUB-1"].append(EnvelopeHeader("AR", "NL", 851, 70, "1", "HUB-2", "Delivered"))
    assert ask() == Tracked(asked=1)
    assert world.states() == ["tracking"]
    assert row_of(world, delivery).state == "PendingDelivery"


@pytest.mark.parametrize("error", [DeliveryError("IMG-8006", found="no"), HubRefused("IMG-7190")])
def test_trouble_with_one_number_does_not_stop_the_others(world, hub, ask, error):
    taken(world, "1", "HUB-1")
    taken(world, "2", "HUB-2")
    hub.answers["HUB-1"].append(error)
    hub.answers["HUB-2"].append("Delivered")
    assert ask() == Tracked(asked=2, finished=1)
    assert world.states() == ["tracking", "delivered"]


@pytest.mark.parametrize("code", ["IMG-8001", "IMG-8004", "IMG-8007"])
def test_a_hub_that_answers_nobody_ends_the_round_and_nothing_is_put_off(world, hub, ask, code):
    taken(world, "1", "HUB-1")
    taken(world, "2", "HUB-2")
    hub.answers["HUB-1"].append(DeliveryError(code))
    with pytest.raises(DeliveryError) as caught:
        ask()
    assert caught.value.code == code
    assert hub.asked == ["HUB-1"]
    with world.store.read() as connection:
        assert len(open_trackings(connection, "nl", now=world.clock.now, limit=9)) == 2


@pytest.mark.parametrize("code", ["IMG-8002", "IMG-8003"])
def test_a_number_that_never_gets_an_answer_steps_back(world, hub, ask, code):
    taken(world, "1", "HUB-1")
    taken(world, "2", "HUB-2")
    hub.answers["HUB-1"].extend([DeliveryError(code)] * 9)
    hub.answers["HUB-2"].append("Delivered")
    with pytest.raises(DeliveryError):
        ask()
    assert ask() == Tracked(asked=1, finished=1)
    assert hub.asked == ["HUB-1", "HUB-2"]


def test_a_round_asks_no_more_than_it_may_and_the_longest_due_first(world, hub, ask):
    for number in "123":
        taken(world, number, f"HUB-{number}")
    assert ask(limit=2) == Tracked(asked=2)
    assert ask(limit=2).asked >= 1
    assert hub.asked[:3] == ["HUB-1", "HUB-2", "HUB-3"]


def test_what_somebody_else_settled_meanwhile_is_not_counted(world, hub, ask):
    """Two processes, or a hub that tells us itself while it is asked."""
    delivery = taken(world, "1", "HUB-1")
    first = Hub()
    first.answers["HUB-1"].append("Delivered")

    class Slow(Hub):
        def tracking(self, number, /):
            track(world.store, first, "nl", clock=world.clock)
            return super().tracking(number)

    slow = Slow()
    slow.answers["HUB-1"].append("FailedDelivery")
    assert track(world.store, slow, "nl", clock=world.clock) == Tracked(asked=1)
    assert world.row(delivery).state == "delivered"


def test_words_without_end_are_cut(world, hub, ask):
    delivery = taken(world, "1", "HUB-1")
    hub.answers["HUB-1"].append(EnvelopeHeader("AR", "NL", 851, 70, "1", "HUB-1", "FailedDelivery", "x" * 99_999))
    ask()
    assert len(row_of(world, delivery).message) == MAX_MESSAGE


def test_a_refused_one_can_be_sent_again_and_is_tracked_under_its_new_number(world, hub, ask):
    delivery = taken(world, "1", "HUB-1")
    hub.answers["HUB-1"].append("EnvelopeNotExists")
    ask()
    world.partners["nl"].answers.append(replace(TAKEN, reference="HUB-9"))
    world.store.write(lambda c: resend(c, delivery, actor="op", now=world.clock.now))
    world.worker.run_once()
    assert world.states() == ["tracking"]
    assert row_of(world, delivery).number == "HUB-9"
    world.clock.turn(seconds=2)
    hub.answers["HUB-9"].append("Delivered")
    assert ask().finished == 1
    assert world.states() == ["delivered"]


def test_a_lost_answer_that_is_found_under_delivery_is_tracked(world, hub, ask):
    world.partners["nl"].answers.extend([DeliveryError("IMG-8002"), TAKEN])
    world.submit("1")
    world.worker.run_once()
    world.clock.turn(seconds=2)
    world.worker.run_once()
    assert world.states() == ["tracking"]
    assert len(world.partners["nl"].sent) == 1


def test_what_the_hub_finished_at_once_is_not_asked_for(world, hub, ask):
    answers = [
        DeliveryResult(DeliveryOutcome.DELIVERED, reference="HUB-1", tracking="Delivered"),
        DeliveryResult(DeliveryOutcome.REFUSED, "IMG-8014", reference="HUB-2", tracking="FailedDelivery"),
    ]
    world.partners["nl"].answers.extend(answers)
    for number in "12":
        world.submit(number)
    world.worker.run_once()
    world.clock.turn(days=1)
    assert ask() == Tracked()
    assert world.states() == ["delivered", "refused"]
