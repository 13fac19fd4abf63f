"""Pushes go through the same worker as documents: order, lost answers, receivers that are away, kill -9."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.delivery import DeliveryJob, DeliveryOutcome, DeliveryResult, PushJob
from gateway.errors import AccessDenied, DeliveryError
from gateway.store import (
    Prepared,
    PushEnd,
    find_push,
    list_pushes,
)

LOST = DeliveryError("IMG-8002")
AWAY = DeliveryError("IMG-8001")


class Receiver:
    """Adapter of a receiver: remembers what it saw, answers from a script."""

    def __init__(self, script=()):
        self.seen = []
        self.script = list(script)

    def deliver(self, job):
        assert isinstance(job, PushJob)
        assert job.payload.endswith(f">{job.number}</change>".encode())
        self.seen.append((job.subscription, job.number))
        answer = self.script.pop(0) if self.script else DeliveryOutcome.DELIVERED
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, DeliveryResult) else DeliveryResult(answer, receipt=b"<receipt/>")

    resolve = deliver

    @property
    def numbers(self):
        return [number for _, number in self.seen]


@pytest.fixture
def receiver(world):
    """The partner ``nl`` takes pushes."""
    world.partners["nl"] = receiver = Receiver()

    def prepare(job):
        if isinstance(job, DeliveryJob):
            return world.prepare(job)
        with world.store.read() as connection:
            return Prepared(find_push(connection, job.id)[1], None)

    world.worker = world.make_worker()
    world.worker._prepare = prepare
    return receiver


def run(world, rounds=30, **turn):
    for _ in range(rounds):
        world.worker.run_once()
        world.clock.turn(**turn or {"seconds": 5})


def test_pushes_arrive_in_order_whatever_happens_in_between(world, receiver, follow):
    ched = follow(1)
    receiver.script = [
        DeliveryOutcome.DELIVERED,
        LOST,
        LOST,
        AWAY,
        DeliveryResult(DeliveryOutcome.LATER, "IMG-8040"),
        DeliveryOutcome.DELIVERED,
        AWAY,
    ]
    ched.change(2)
    run(world, 3)
    ched.change(2)
    run(world)
    assert receiver.numbers == [1, 2, 2, 2, 2, 2, 3, 3, 4]
    assert world.states() == ["delivered"] * 4


def test_a_lost_answer_is_asked_for_by_the_same_message(world, receiver, follow):
    ched = follow(1)
    ched.change()
    receiver.script = [LOST]
    run(world)
    assert receiver.numbers == [1, 1]
    assert world.states() == ["delivered"]
    (row,) = list_rows(world)
    assert row.attempts == 1  # the second was the question


def test_a_receiver_that_is_silent_for_hours_loses_nothing(world, receiver, follow):
    ched = follow(1)
    ched.change(3)
    receiver.script = [LOST] * 40
    run(world, 400, minutes=5)
    assert receiver.numbers == [1] * 41 + [2, 3]
    assert world.states() == ["delivered"] * 3


def test_another_ched_is_not_held_up(world, receiver, follow):
    slow, quick = follow(1), follow(2)
    slow.change(2)
    receiver.script = [DeliveryResult(DeliveryOutcome.LATER, "IMG-8040", retry_after=timedelta(minutes=1))]
    quick.change(2)
    world.worker.run_once()
    assert receiver.seen == [(slow.subscription, 1), (quick.subscription, 1), (quick.subscription, 2)]
    assert world.states() == ["pending", "pending", "delivered", "delivered"]
    run(world)
    assert receiver.seen[3:] == [(slow.subscription, 1), (slow.subscription, 2)]


def test_a_refused_push_does_not_hold_up_the_next(world, receiver, follow):
    ched = follow(1)
    ched.change(2)
    receiver.script = [DeliveryResult(DeliveryOutcome.REFUSED, "IMG-8040", "no such CHED here")]
    run(world, 1)
    assert world.states() == ["refused", "delivered"]
    assert list_rows(world)[0].code == "IMG-8040"


def test_nothing_is_sent_after_the_stop(world, receiver, follow):
    ched = follow(1)
    ched.change(3)
    receiver.script = [DeliveryOutcome.DELIVERED, LOST]
    run(world, 1)
    ched.stop()
    run(world)
    assert receiver.numbers == [1, 2]
    assert world.states() == ["delivered", "withdrawn", "withdrawn"]


def test_what_waits_is_told_when_the_ched_has_ended(world, receiver, follow):
    ched = follow(1)
    ched.change(2)
    ched.stop(PushEnd.CHED)
    run(world, 1)
    assert receiver.numbers == [1, 2]


def test_a_partner_that_may_not_see_it_any_more_gets_nothing(world, receiver, follow):
    ched = follow(1)
    ched.change()
    world.worker._prepare = lambda _: (_ for _ in ()).throw(AccessDenied("IMG-2110"))
    run(world, 1)
    assert receiver.seen == []
    assert (world.states(), list_rows(world)[0].code) == (["failed"], "IMG-2110")


def test_one_worker_serves_documents_and_pushes(world, receiver, follow):
    ched = follow(1)
    ched.change()
    world.submit("1", to=("de",))
    run(world, 1)
    assert (receiver.numbers, world.partners["de"].numbers) == ([1], ["1"])


def list_rows(world):
    with world.store.read() as connection:
        return list(reversed(list_pushes(connection)))
