"""kill -9 of the whole process group at every named point of a submission and of its delivery."""

from __future__ import annotations

import os
import time

import pytest

from gateway.faultpoints import FAULT_POINTS as ALL_POINTS

pytestmark = pytest.mark.slow

FULL = "IMSOC_FAULTS" in os.environ
_OTHERS = ("quarantine.", "hub.", "tracking.", "ched.", "ledger.", "traces.")
FAULT_POINTS = tuple(point for point in ALL_POINTS if not point.startswith(_OTHERS))
"""Those of a submission and its delivery; an envelope of the hub has a test of its own."""
BEFORE_THE_COMMIT = FAULT_POINTS[: FAULT_POINTS.index("commit.after")]
OF_A_DELIVERY = tuple(point for point in FAULT_POINTS if point.startswith("delivery."))
OF_A_SUBMISSION = tuple(point for point in FAULT_POINTS if point not in OF_A_DELIVERY)
THROUGH_IMSOC_SERVE = FAULT_POINTS if FULL else ("submission.version", "commit.before", "commit.after", "delivery.sent")
ON_POSTGRESQL = FAULT_POINTS if FULL else ("submission.outbox", "commit.before", "commit.after", "delivery.sent")
AT_THE_RECEIVER = OF_A_SUBMISSION if FULL else ("submission.verified", "commit.before", "submission.committed")

TIDY_SECONDS = 0.3
DELIVERY = (
    "SELECT d.state, p.payload IS NOT NULL FROM deliveries d LEFT JOIN delivery_parts p ON p.seq = d.seq "
    "ORDER BY d.seq DESC LIMIT 1"
)
LEFT_BY = {
    "delivery.claimed": ("in-flight", False),
    "delivery.prepared": ("in-flight", False),
    "delivery.payload-stored": ("in-flight", True),
    "delivery.sent": ("in-flight", True),
    "delivery.settled": ("delivered", True),
}
"""State of the delivery, and whether what is sent was stored, when the process dies at that point."""


def start_armed(instance, point, *, real=False):
    """A start that ends when the first message passes a point; the worker tidies up, with a commit, at every start."""
    tidies = point.startswith("commit.")
    instance.start(f"{point}:{2 if tidies else 1}", real=real)
    if tidies:
        time.sleep(TIDY_SECONDS)


def die_at(point, a, b, ledger, *, real):
    """One kill at A, what it left, and how the next start makes it good."""
    steady, fatal = ledger.target.world.document(), ledger.target.world.document()
    a.start(real=real) if not a.starts else None
    assert ledger.submit(steady)
    a.wait_settled()
    a.kill()
    before = b.numbers()

    start_armed(a, point, real=real)
    answered = ledger.submit(fatal)
    assert a.died_of_its_fault_point()

    a.assert_sound()
    ledger.assert_kept()
    assert (fatal.number in a.numbers()) is (point not in BEFORE_THE_COMMIT)
    if point in OF_A_SUBMISSION:
        assert not answered
    else:
        state, stored = a.rows(DELIVERY)[0]
        assert (state, bool(stored)) == LEFT_BY[point]
        assert (fatal.number in b.numbers()) is (point in ("delivery.sent", "delivery.settled"))
    assert set(before) <= set(b.numbers())

    a.start(real=real)
    assert ledger.submit(fatal)
    assert ledger.submit(steady)


@pytest.mark.parametrize("real", [False, True], ids=["application", "imsoc-serve"])
def test_killed_at_every_named_point_nothing_acknowledged_is_lost_twice_or_half(pair, real):
    a, b, ledger = pair()
    for point in THROUGH_IMSOC_SERVE if real else FAULT_POINTS:
        die_at(point, a, b, ledger, real=real)
    a.wait_settled()
    ledger.assert_everything_arrived_once(b)
    ledger.assert_kept()
    a.assert_sound()
    b.assert_sound()


def test_killed_at_named_points_on_postgresql(pair, pg_url):
    a, b, ledger = pair(url=pg_url)
    for point in ON_POSTGRESQL:
        die_at(point, a, b, ledger, real=False)
    a.wait_settled()
    ledger.assert_everything_arrived_once(b)
    ledger.assert_kept()
    a.assert_sound()


def test_a_receiver_killed_at_named_points_gets_every_document_once(pair, world):
    a, b, ledger = pair(start_b=False)
    a.start()
    for point in AT_THE_RECEIVER:
        start_armed(b, point)
        document = world.document()
        assert ledger.submit(document)
        assert b.died_of_its_fault_point()
        b.assert_sound()
        assert (document.number in b.numbers()) is (point not in BEFORE_THE_COMMIT)
        b.start()
        a.wait_settled()
        b.kill()
    ledger.assert_everything_arrived_once(b)
    ledger.assert_kept()
    b.assert_sound()


def test_killed_among_many_senders_nothing_of_the_group_is_half(pair, world):
    """Several units share a flush on SQLite: the point is reached in the middle of a group."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - this test alone sends at once

    a, b, ledger = pair()
    for point, nth in (("submission.version", 5), ("commit.before", 3), ("submission.committed", 4)):
        documents = [world.document() for _ in range(8)]
        a.start(f"{point}:{nth}")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ledger.submit, documents))
        assert a.died_of_its_fault_point()
        a.assert_sound()
        ledger.assert_kept()
        a.start()
        assert all(map(ledger.submit, documents))
        a.wait_settled()
        a.kill()
    ledger.assert_everything_arrived_once(b)
