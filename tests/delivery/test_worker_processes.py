"""kill -9 of a worker, at each named point and at random: in order, nothing lost, nothing taken twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway import faultpoints
from gateway.delivery import DeliveryOutcome, DeliveryResult, DeliverySettings, Worker
from gateway.store import DeliveryTranslation, Prepared, open_store
from gateway.store.finders import list_deliveries

fork = multiprocessing.get_context("fork")


class Inbox:
    """A partner behind a file, so that it outlives the worker: one line per document, repeats told by id."""

    def __init__(self, path):
        self.path = path
        path.touch()

    def ids(self):
        return self.path.read_text().split()

    def deliver(self, job):
        with self.path.open("a") as file:
            file.write(f"{job.id}\n")
        return DeliveryResult(DeliveryOutcome.DELIVERED)

    def resolve(self, job):
        there = job.id in self.ids()
        return DeliveryResult(DeliveryOutcome.DELIVERED if there else DeliveryOutcome.ABSENT)


class Repeated(Inbox):
    """A receiver that takes a repeat as what it is."""

    def resolve(self, job):
        return self.deliver(job)


def work(url, inbox, now, point=None):
    """A worker process whose clock stands; the next one's stands later, so that no test waits for a lease to end."""
    os.setsid()
    faultpoints._remaining = {point: 2} if point else {}
    settings = DeliverySettings(lanes_at_once=1)
    with open_store(url, exclusive=True) as store:
        worker = Worker(
            store,
            lambda _: inbox,
            lambda job: Prepared(job.id.encode(), DeliveryTranslation("1@000000000000", now.date(), b"", "[]")),
            settings=settings,
            clock=lambda: now,
        )
        while worker.run_once():
            pass


def killed_and_followed(world, url, inbox, point):
    """A worker is killed at its second passage of a point, and another does the rest a minute later."""
    world.store.close()
    process = fork.Process(target=work, args=(url, inbox, world.clock.now, point))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL

    process = fork.Process(target=work, args=(url, inbox, world.clock.now + timedelta(minutes=1)))
    process.start()
    process.join(30)
    return inbox


at_each_point = pytest.mark.parametrize(
    "point",
    [
        "delivery.claimed",
        "delivery.prepared",
        "delivery.payload-stored",
        "delivery.sent",
        "delivery.settled",
        "commit.before",
        "commit.after",
    ],
)


@at_each_point
def test_killed_at_a_named_point(world, store_url, tmp_path, point):
    expected = [f"{world.submit(str(number))}-1" for number in range(4)]
    inbox = killed_and_followed(world, store_url, Inbox(tmp_path / "inbox"), point)
    assert inbox.ids() == expected
    assert settled(store_url) == ["delivered"] * 4
    assert kept_together(store_url) == 4


@at_each_point
def test_killed_at_a_named_point_while_it_pushes(world, follow, store_url, tmp_path, point):
    """The next worker goes on where it was: in order, none lost; what was on the way may come twice, as allowed."""
    expected = follow(1).change(4)
    inbox = killed_and_followed(world, store_url, Repeated(tmp_path / "inbox"), point)
    taken = inbox.ids()
    assert list(dict.fromkeys(taken)) == expected
    assert taken == sorted(taken)
    assert len(taken) <= len(expected) + 1
    assert settled(store_url) == ["delivered"] * 4


def test_killed_at_random_with_several_workers(world, store_url, tmp_path):
    expected = [f"{world.submit(str(number))}-1" for number in range(200)]
    world.store.close()
    inbox = Inbox(tmp_path / "inbox")
    workers = 1 if store_url.startswith("sqlite") else 3
    chance = random.Random(2019_1715)

    for round_number in range(4):
        now = world.clock.now + timedelta(minutes=round_number)
        processes = [fork.Process(target=work, args=(store_url, inbox, now)) for _ in range(workers)]
        for process in processes:
            process.start()
        time.sleep(chance.uniform(0.05, 0.15))
        for process in processes:
            process.kill()
            process.join()
    process = fork.Process(target=work, args=(store_url, inbox, world.clock.now + timedelta(minutes=10)))
    process.start()
    process.join(60)

    assert inbox.ids() == expected
    assert settled(store_url) == ["delivered"] * 200
    assert kept_together(store_url) == 200


def settled(url):
    with open_store(url, exclusive=False) as store, store.read() as connection:
        return [row.state.value for row in list_deliveries(connection, limit=1_000)]


def kept_together(url):
    """How many payloads are kept with how they were translated; there is none without."""
    with open_store(url, exclusive=False) as store, store.read() as connection:
        joined = "delivery_parts p LEFT JOIN delivery_translations t ON t.seq = p.seq"
        counted = connection.execute(text(f"SELECT count(p.seq), count(t.seq) FROM {joined}")).one()
    assert counted[0] == counted[1]
    return counted[0]
