"""Every outcome, in order, from the outbox to the partner and back."""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from gateway.delivery import DeliveryOutcome, DeliveryResult
from gateway.delivery import worker as worker_module
from gateway.errors import DeliveryError, TranslationRefused, Unavailable
from gateway.store import (
    DeliveryTranslation,
    NewRow,
    Nonce,
    Prepared,
    RowKind,
    TableKey,
    add_rows,
    begin_change,
    record_read,
)
from gateway.store.finders import find_audit, find_evidence
from gateway.store.outbox import acquire_lane, claim_next, resend, settle, store_payload
from gateway.store.outbox_records import Settlement
from gateway.store.records import DeliveryState
from gateway.store.upkeep import counts

UNREACHABLE = DeliveryError("IMG-8001")
LOST = DeliveryError("IMG-8002")
HOW = DeliveryTranslation("1@000000000000", date(2026, 11, 22), b"", "[]")


def test_documents_arrive_in_order_and_leave_their_receipt(world):
    first = world.submit("1")
    for number in ("2", "3"):
        world.submit(number)

    assert world.worker.run_once() == 3

    assert world.partners["nl"].numbers == ["1", "2", "3"]
    assert world.states() == ["delivered"] * 3
    with world.store.read() as connection:
        ((row, parts),) = find_evidence(connection, first).deliveries
        actions = [entry.action for entry in find_audit(connection, first)]
    assert (parts.payload, parts.receipt) == (b"sealed 1 70 for nl", b"receipt")
    assert parts.translation == DeliveryTranslation("3@0123456789ab", world.clock.now.date(), b"d" * 32, "[]")
    assert (row.attempts, row.settled_at) == (1, world.clock.now)
    assert actions == ["SubmitCertificate accepted", "delivery delivered"]
    assert world.worker.run_once() == 0


def test_a_refused_document_does_not_hold_up_the_next(world):
    first = world.submit("1")
    world.submit("2")
    world.partners["nl"].answers.append(DeliveryResult(DeliveryOutcome.REFUSED, detail="no such importer"))

    world.worker.run_once()

    assert world.states() == ["refused", "delivered"]
    row = world.row(f"{first}-1")
    assert (row.code, row.detail) == ("IMG-8010", "no such importer")
    with world.store.read() as connection:
        assert counts(connection).deliveries[DeliveryState.REFUSED] == 1


def test_an_unknown_outcome_blocks_its_own_case_until_a_read_resolves_it(world):
    world.submit("1")
    world.submit("1", status="40", after="70")
    world.submit("2")
    nl = world.partners["nl"]
    nl.answers.append(LOST)

    world.worker.run_once()
    assert nl.numbers == ["1", "2"]
    assert world.states() == ["unknown", "pending", "delivered"]

    world.clock.turn(seconds=2)
    world.worker.run_once()
    assert nl.asked == ["1"]
    assert [entry[:2] for entry in nl.sent] == [("1", "70"), ("2", "70"), ("1", "40")]
    assert world.states() == ["delivered"] * 3


def test_an_unknown_document_that_is_not_there_is_sent_again_with_the_same_bytes(world):
    world.submit("1")
    nl = world.partners["nl"]
    nl.answers.extend([ValueError("a defect of the adapter"), DeliveryOutcome.ABSENT])

    world.worker.run_once()
    world.clock.turn(seconds=2)
    world.worker.run_once()

    assert nl.asked == ["1"]
    assert [payload for *_, payload in nl.sent] == [b"sealed 1 70 for nl"] * 2
    assert len(world.prepared) == 1
    assert world.states() == ["delivered"]


def test_an_unknown_document_is_asked_for_with_growing_pauses_and_never_given_up(world):
    world.submit("1")
    nl = world.partners["nl"]
    nl.answers.extend([LOST] * 50)
    asked_at = []
    for _ in range(150):
        before = len(nl.asked)
        world.worker.run_once()
        if len(nl.asked) > before:
            asked_at.append(world.clock.now)
        world.clock.turn(seconds=30)

    pauses = [later - earlier for earlier, later in pairwise(asked_at)]
    assert pauses == sorted(pauses)
    assert pauses[-1] >= timedelta(minutes=8)
    assert len(nl.sent) == 1
    assert world.states() == ["unknown"]


def test_an_unreachable_partner_pauses_its_lane_only_and_loses_nothing(world):
    for number in ("1", "2"):
        world.submit(number, to=("nl", "de"))
    nl = world.partners["nl"]
    nl.answers.extend([UNREACHABLE] * 5)

    for _ in range(60):
        world.worker.run_once()
        world.clock.turn(seconds=1)

    assert world.partners["de"].numbers == ["1", "2"]
    assert nl.numbers == ["1"] * 6 + ["2"]
    assert world.states() == ["delivered"] * 4


def test_the_backoff_starts_anew_after_progress(world):
    world.submit("1")
    nl = world.partners["nl"]
    nl.answers.extend([UNREACHABLE] * 6)
    for _ in range(80):
        world.worker.run_once()
        world.clock.turn(seconds=1)
    assert world.states() == ["delivered"]

    world.submit("2")
    nl.answers.append(UNREACHABLE)
    world.worker.run_once()
    world.clock.turn(seconds=1)
    world.worker.run_once()

    assert world.states() == ["delivered"] * 2


def test_without_tls_nothing_was_sent_and_the_delivery_waits(world):
    world.submit("1")
    world.partners["nl"].answers.extend([DeliveryError("IMG-8007", found="alert unknown ca")] * 6)
    for _ in range(80):
        world.worker.run_once()
        world.clock.turn(seconds=1)
    assert world.states() == ["delivered"]


def test_a_paused_lane_is_counted(world):
    world.submit("1")
    world.partners["nl"].answers.append(UNREACHABLE)
    world.worker.run_once()
    with world.store.read() as connection:
        total = counts(connection)
    assert (total.lanes_paused, total.oldest_open_delivery) == (1, world.clock.now)


def test_a_silent_partner_is_given_a_rest_after_three_lost_answers(world):
    for number in "123456":
        world.submit(number)
    world.partners["nl"].answers.extend([LOST] * 3)

    world.worker.run_once()

    assert world.partners["nl"].numbers == ["1", "2", "3"]


def test_not_now_waits_for_as_long_as_the_partner_asked_and_ends_as_failed(world):
    world.submit("1")
    world.submit("2")
    nl = world.partners["nl"]
    later = DeliveryResult(DeliveryOutcome.LATER, retry_after=timedelta(minutes=1))
    nl.answers.append(later)
    world.worker.run_once()
    assert nl.numbers == ["1", "2"]

    nl.answers.extend([later] * 2)
    world.clock.turn(seconds=59)
    world.worker.run_once()
    assert nl.numbers == ["1", "2"]
    world.clock.turn(seconds=1)
    world.worker.run_once()
    world.clock.turn(minutes=1)
    world.worker.run_once()

    assert nl.numbers == ["1", "2", "1", "1"]
    assert world.states() == ["failed", "delivered"]
    with world.store.read() as connection:
        assert counts(connection).deliveries[DeliveryState.FAILED] == 1


def test_what_the_given_up_delivery_says(world):
    exchange = world.submit("1")
    world.partners["nl"].answers.extend([DeliveryOutcome.LATER] * 3)
    for _ in range(3):
        world.worker.run_once()
        world.clock.turn(minutes=1)
    assert (world.row(f"{exchange}-1").code, world.row(f"{exchange}-1").attempts) == ("IMG-8011", 3)


def test_a_document_that_cannot_be_rendered_fails_at_once_and_holds_up_nobody(world):
    exchange = world.submit("1")
    world.refuse_to_prepare = TranslationRefused("IMG-6001", where="/a", found="XX")
    world.worker.run_once()
    world.refuse_to_prepare = None
    world.submit("2")
    world.worker.run_once()

    assert world.partners["nl"].numbers == ["2"]
    row = world.row(f"{exchange}-1")
    assert (row.state, row.code) == (DeliveryState.FAILED, "IMG-6001")
    assert "XX" in row.detail


@pytest.mark.parametrize("error", [Unavailable("IMG-9001"), ZeroDivisionError("a defect")])
def test_trouble_of_our_own_is_tried_again(world, error):
    world.submit("1")
    world.refuse_to_prepare = error
    world.worker.run_once()
    assert world.states() == ["pending"]
    world.refuse_to_prepare = None
    world.clock.turn(seconds=1)
    world.worker.run_once()
    assert world.states() == ["delivered"]


def test_a_partner_whose_record_allows_no_adapter_fails_its_deliveries_and_no_others(world):
    world.submit("1", to=("nl", "de"))
    del world.partners["nl"]
    world.worker.run_once()
    assert world.states(partner="de") == ["delivered"]
    assert world.states(partner="nl") == ["pending"]


def test_a_refused_document_can_be_resent_rendered_afresh(world):
    exchange = world.submit("1")
    world.partners["nl"].answers.append(DeliveryOutcome.REFUSED)
    world.worker.run_once()
    delivery = f"{exchange}-1"

    def again(afresh):
        world.store.write(lambda c: resend(c, delivery, actor="op", now=world.clock.now, afresh=afresh))

    again(afresh=True)
    world.partners["nl"].answers.append(DeliveryOutcome.REFUSED)
    world.worker.run_once()
    again(afresh=False)
    world.worker.run_once()

    assert len(world.prepared) == 2
    assert world.states() == ["delivered"]
    with world.store.read() as connection:
        first, second = find_audit(connection, delivery)
    assert (first.actor, len(first.detail["dropped_sha256"]), second.detail) == ("op", 64, {"afresh": False})
    assert first.detail["dropped_tables"] == "3@0123456789ab"
    with pytest.raises(DeliveryError) as refused:
        again(afresh=False)
    assert refused.value.code == "IMG-8012"


def test_an_old_version_is_not_resent_after_a_later_one_went_out(world):
    exchange = world.submit("1")
    world.submit("1", status="40", after="70")
    world.partners["nl"].answers.append(DeliveryOutcome.REFUSED)
    world.worker.run_once()
    assert world.states() == ["refused", "delivered"]
    with pytest.raises(DeliveryError) as refused:
        world.store.write(lambda c: resend(c, f"{exchange}-1", actor="op", now=world.clock.now))
    assert refused.value.code == "IMG-8012"


def lease(world, owner, seconds=30):
    now = world.clock.now
    until = now + timedelta(seconds=seconds)
    fence = world.store.write(lambda c: acquire_lane(c, "nl", owner=owner, now=now, until=until))
    if fence is None:
        return None, None
    return fence, world.store.write(lambda c: claim_next(c, "nl", fence=fence, now=now, until=until))


DELIVERED = {"state": DeliveryState.DELIVERED, "failures": 0, "lane_failures": 0}


def test_a_worker_whose_lease_went_to_another_cannot_claim_keep_or_settle_anything(world):
    world.submit("1")
    world.submit("2")
    slow_fence, slow = lease(world, "slow")
    assert lease(world, "rival") == (None, None)
    world.clock.turn(seconds=31)
    rival_fence, rival = lease(world, "rival")
    now = world.clock.now
    outcome = Settlement(next_attempt_at=now, lane_not_before=now, **DELIVERED)

    assert rival_fence > slow_fence
    assert rival.seq == slow.seq
    assert not world.store.write(lambda c: store_payload(c, slow, Prepared(b"late", HOW)))
    assert not world.store.write(lambda c: settle(c, slow, outcome, now=now))
    assert world.store.write(lambda c: claim_next(c, "nl", fence=slow_fence, now=now, until=now)) is None
    assert world.states() == ["in-flight", "pending"]
    assert world.store.write(lambda c: store_payload(c, rival, Prepared(b"sealed", HOW)))
    assert world.store.write(lambda c: settle(c, rival, outcome, now=now))
    assert world.states() == ["delivered", "pending"]


def test_left_in_flight_without_a_payload_it_is_sent_and_with_one_it_is_asked_for(world):
    world.submit("1")
    _, claimed = lease(world, "dies")
    world.clock.turn(seconds=31)
    _, claimed = lease(world, "dies too")
    assert not claimed.unknown
    world.store.write(lambda c: store_payload(c, claimed, Prepared(b"sealed", HOW)))
    world.clock.turn(seconds=31)

    world.worker.run_once()

    assert (world.partners["nl"].asked, world.partners["nl"].sent) == (["1"], [])
    assert world.states() == ["delivered"]


def test_the_longest_waiting_lane_is_served_first_and_turns_are_bounded(world):
    world.settings = type(world.settings)(turn=2)
    worker = world.make_worker()
    for number in "123":
        world.submit(number, to=("nl",))
    world.submit("4", to=("de",))
    assert worker.run_once() == 3
    assert world.partners["nl"].numbers == ["1", "2"]
    assert world.partners["de"].numbers == ["4"]
    assert worker.run_once() == 1


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_in_the_background_new_work_is_seen_at_once(world):
    world.settings = type(world.settings)(poll=timedelta(seconds=60))
    worker = world.make_worker()
    worker.start()
    try:
        time.sleep(0.05)
        begun = time.monotonic()
        world.submit("1")
        wait_for(lambda: world.states() == ["delivered"])
        assert time.monotonic() - begun < 5
    finally:
        assert worker.stop()


def test_in_the_background_work_of_others_is_seen_by_polling(world):
    world.submit("1")
    world.partners["nl"].answers.append(DeliveryOutcome.LATER)
    world.settings = type(world.settings)(poll=timedelta(seconds=0.01))
    worker = world.make_worker()
    worker.start()
    try:
        wait_for(lambda: world.states() == ["pending"] and world.partners["nl"].sent)
        world.clock.turn(seconds=1)
        wait_for(lambda: world.states() == ["delivered"])
    finally:
        assert worker.stop()


def test_one_partner_that_hangs_does_not_stop_the_others_and_stopping_does_not_wait_for_it(world):
    hanging = threading.Event()
    world.partners["nl"].deliver = lambda _: hanging.wait(30) and DeliveryResult(DeliveryOutcome.DELIVERED)
    world.submit("1", to=("nl", "de"))
    world.worker.start()
    wait_for(lambda: world.states(partner="de") == ["delivered"])
    begun = time.monotonic()
    assert not world.worker.stop(timedelta(seconds=0.1))
    assert time.monotonic() - begun < 5
    assert world.states(partner="nl") == ["in-flight"]
    hanging.set()
    assert world.worker.stop()


def test_a_store_that_is_away_for_a_while_does_not_end_the_worker(world, monkeypatch):
    world.settings = type(world.settings)(poll=timedelta(seconds=0.01), lanes_at_once=1)
    worker = world.make_worker()
    real, failures = worker.run_once, [Unavailable("IMG-9001")] * 3

    def sometimes():
        if failures:
            raise failures.pop()
        return real()

    monkeypatch.setattr(worker, "run_once", sometimes)
    world.submit("1")
    worker.start()
    wait_for(lambda: world.states() == ["delivered"])
    assert worker.stop()


def test_in_the_background_expired_nonces_are_forgotten(world):
    def nonces():
        with world.store.read() as connection:
            return counts(connection).nonces

    now = world.clock.now
    kept, old = (Nonce("wsse", name, now + timedelta(seconds=s)) for name, s in (("kept", 60), ("old", -1)))
    read = {"partner": "nl", "operation": "GetCertificate", "subject": "x", "at": now, "nonces": (kept, old)}
    world.store.write(lambda c: record_read(c, **read))
    world.worker.start()
    try:
        wait_for(lambda: nonces() == 1)
    finally:
        assert world.worker.stop()


def test_between_two_looks_a_worker_keeps_no_moment_of_the_store(world, held):
    """What is read in one look is told of no later change, and a moment that is kept makes the database grow."""
    world.worker.start()
    try:
        world.submit("1")
        wait_for(lambda: world.states() == ["delivered"])
        wait_for(lambda: not held())
    finally:
        assert world.worker.stop()


def test_in_the_background_what_a_lost_change_of_tables_left_is_forgotten(world, monkeypatch):
    monkeypatch.setattr(worker_module, "_LOST_ROWS", 2)
    now, units = world.clock.now, TableKey(RowKind.MAP, "national-b", "unit")

    def rows():
        with world.store.read() as connection:
            return connection.execute(text("SELECT code FROM reference_rows ORDER BY seq")).scalars().all()

    for began, codes in ((now - timedelta(days=1, seconds=1), "ABCDE"), (now - timedelta(hours=23), "FG")):
        change = world.store.write(lambda c, began=began: begin_change(c, at=began, author="op"))
        added = [NewRow(units, code) for code in codes]
        world.store.write(lambda c, change=change, added=added: add_rows(c, change, added))
    assert rows() == [*"ABCDEFG"]
    world.worker.start()
    try:
        wait_for(lambda: rows() == [*"FG"])
    finally:
        assert world.worker.stop()
