"""kill -9 of the whole process group at random moments under a stream of submissions.

20 kills in `make test`; IMSOC_FAULTS=200 makes 200 with a seed of the day, and runs more of them through `imsoc serve`.
IMSOC_FAULTS_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("IMSOC_FAULTS", "20"))
SEED = int(os.environ.get("IMSOC_FAULTS_SEED", time.time_ns() if KILLS > 20 else 2019_1715))
SENDERS = 3
LONGEST_LIFE = 0.5
"""Seconds from readiness to the kill."""


class Stream:
    """Senders that go on whatever happens: each repeats its document until it is acknowledged, then sends the next."""

    def __init__(self, world, ledger, chance):
        self._world, self._ledger = world, ledger
        self._going = True
        self._mutex = threading.Lock()
        self.failures = []
        self.unanswered = 0
        self._chances = [random.Random(chance.random()) for _ in range(SENDERS)]
        self._threads = [threading.Thread(target=self._send, args=(own,)) for own in self._chances]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._going = False
        for thread in self._threads:
            thread.join()

    def _send(self, chance):
        earlier = []
        try:
            while self._going:
                with self._mutex:
                    document = self._world.document()
                self._submit(document)
                earlier.append(document)
                if chance.random() < 0.1:
                    self._submit(chance.choice(earlier))
                time.sleep(chance.uniform(0.02, 0.1))
        except BaseException as error:  # noqa: BLE001 - reported by the test
            self.failures.append(error)

    def _submit(self, document):
        while not self._ledger.submit(document):
            self.unanswered += 1
            time.sleep(0.05)


def kill_at_random(a, b, stream, chance, *, kills, real):
    for _ in range(kills):
        if chance.random() < 0.15:
            a.launch(real=real)  # and is killed while it starts
            time.sleep(chance.uniform(0.05, 1.5 if real else 0.4))
        else:
            a.start(real=real)
            time.sleep(chance.uniform(0.0, LONGEST_LIFE))
        if chance.random() < 0.2:
            b.kill()
            b.start()
        assert not stream.failures
        a.kill()
        a.assert_sound()


def everything_is_there_once(a, b, ledger):
    ledger.assert_kept()
    a.wait_settled(120)
    ledger.assert_everything_arrived_once(b)
    a.assert_sound()
    b.assert_sound()


@pytest.mark.parametrize("real", [False, True], ids=["application", "imsoc-serve"])
def test_killed_at_random_moments_under_a_stream(pair, world, real):
    a, b, ledger = pair()
    chance = random.Random(SEED + real)
    print(f"seed {SEED}")  # noqa: T201 - shown when the test fails: IMSOC_FAULTS_SEED repeats it
    share = max(KILLS // 4, 4)
    kills = share if real else KILLS - share
    with Stream(world, ledger, chance) as stream:
        kill_at_random(a, b, stream, chance, kills=kills, real=real)
        a.start(real=real)
    assert not stream.failures
    assert stream.unanswered, "no kill ever met a submission"
    everything_is_there_once(a, b, ledger)
    print(f"{kills} kills, {len(ledger.sent)} documents, {stream.unanswered} unanswered attempts")  # noqa: T201 - with -s


def test_killed_at_random_moments_on_postgresql(pair, world, pg_url):
    a, b, ledger = pair(url=pg_url)
    chance = random.Random(SEED)
    with Stream(world, ledger, chance) as stream:
        kill_at_random(a, b, stream, chance, kills=max(KILLS // 5, 4), real=False)
        a.start()
    assert not stream.failures
    everything_is_there_once(a, b, ledger)
