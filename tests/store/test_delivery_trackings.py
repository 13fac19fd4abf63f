"""A delivery that a hub goes on with: out of the worker's way, followed until the hub's last word."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.errors import DeliveryError
from gateway.store import (
    DeliveryState,
    counts,
    find_audit,
    find_deliveries,
    find_tracking,
    get_tracking,
    list_deliveries,
    list_trackings,
    new_id,
    open_trackings,
    record_submission,
    record_tracking,
    save_partner,
)
from gateway.store.outbox import acquire_lane, claim_next, due_lanes, release_lane, resend, settle
from gateway.store.outbox_records import Settlement

MINUTE = timedelta(minutes=1)
LONG = timedelta(hours=1)


@pytest.fixture
def sent(store, make_submission, now):
    """Submit a document to the partner ``ephyto`` and settle its delivery as told; returns the delivery."""
    store.write(lambda c: save_partner(c, "ephyto", {}, author="op", now=now))

    def sending(number="1", state=DeliveryState.TRACKING, reference="H-1", *, again=False, **more):
        if not again:
            content = f"<{number} {more}/>".encode()
            submission = make_submission(number, content, deliveries=("ephyto",), **more)
            store.write(lambda c: record_submission(c, submission))
        fence = store.write(lambda c: acquire_lane(c, "ephyto", owner="w", now=now, until=now + LONG))
        claimed = store.write(lambda c: claim_next(c, "ephyto", fence=fence, now=now, until=now + LONG))
        outcome = Settlement(
            state=state,
            failures=0,
            next_attempt_at=now + MINUTE,
            lane_failures=0,
            lane_not_before=now,
            detail="taken",
            reference=reference,
            tracking="PendingDelivery",
        )
        assert store.write(lambda c: settle(c, claimed, outcome, now=now))
        store.write(lambda c: release_lane(c, "ephyto", fence=fence, now=now))
        return delivery(claimed.content.exchange_id)

    def delivery(exchange_id):
        with store.read() as connection:
            return find_deliveries(connection, exchange_id)[0]

    sending.look = delivery
    return sending


def told(store, delivery, now, state="PendingDelivery", message="", **more):
    return store.write(
        lambda c: record_tracking(
            c, delivery.id, state=state, message=message, next_check_at=now + 5 * MINUTE, now=now, **more
        )
    )


def open_at(store, now, limit=9):
    with store.read() as connection:
        return [row.number for row in open_trackings(connection, "ephyto", now=now, limit=limit)]


def test_a_tracked_delivery_is_settled_for_the_worker_and_open_for_the_tracker(store, sent, now):
    delivery = sent()
    assert (delivery.state, delivery.settled_at, delivery.detail) == (DeliveryState.TRACKING, now, "taken")
    with store.read() as connection:
        assert due_lanes(connection, now + LONG) == ()
        tracking = get_tracking(connection, delivery.id)
        assert find_tracking(connection, "H-1") == find_tracking(connection, "H-1", partner="ephyto") == tracking
        assert find_tracking(connection, "H-1", partner="other") is None
        assert find_tracking(connection, "H-2") is None
        assert get_tracking(connection, "none") is None
        assert counts(connection).deliveries[DeliveryState.TRACKING] == 1
        assert [row.id for row in list_deliveries(connection, state=DeliveryState.TRACKING)] == [delivery.id]
        entry = find_audit(connection, delivery.exchange_id)[-1]
    assert (tracking.partner, tracking.number, tracking.state) == ("ephyto", "H-1", "PendingDelivery")
    assert (tracking.message, tracking.created_at, tracking.checked_at) == ("taken", now, None)
    assert (tracking.next_check_at, tracking.settled_at) == (now + MINUTE, None)
    assert (entry.action, entry.detail["number"]) == ("delivery tracking", "H-1")


def test_the_case_goes_on_while_a_hub_has_its_first_delivery(sent):
    first = sent("1")
    second = sent("1", reference="H-2", status_code="40", expected_status="70")
    assert (first.case_id, second.state) == (second.case_id, DeliveryState.TRACKING)


def test_trackings_are_asked_for_when_it_is_time_the_longest_due_first(store, sent, now):
    ids = [new_id(now + timedelta(seconds=second)) for second in range(3)]
    deliveries = [sent(str(number), reference=f"H-{number}", exchange_id=ids[number]) for number in range(3)]
    assert open_at(store, now) == []
    assert open_at(store, now + MINUTE) == ["H-0", "H-1", "H-2"]
    assert told(store, deliveries[0], now + MINUTE)
    assert open_at(store, now + MINUTE) == ["H-1", "H-2"]
    assert open_at(store, now + LONG) == ["H-1", "H-2", "H-0"]
    assert open_at(store, now + LONG, limit=1) == ["H-1"]
    with store.read() as connection:
        assert open_trackings(connection, "other", now=now + LONG, limit=9) == ()
        assert get_tracking(connection, deliveries[0].id).checked_at == now + MINUTE
        assert [row.number for row in list_trackings(connection)] == ["H-2", "H-1", "H-0"]
        assert [row.number for row in list_trackings(connection, before=deliveries[2].id, limit=1)] == ["H-1"]
        assert list_trackings(connection, partner="other") == ()
    assert sent.look(deliveries[0].exchange_id).state is DeliveryState.TRACKING


@pytest.mark.parametrize(
    ("final", "word"),
    [
        (DeliveryState.DELIVERED, "DeliveredWithWarnings"),
        (DeliveryState.REFUSED, "DeliveredNotReadable"),
        (DeliveryState.FAILED, "EnvelopeNotExists"),
    ],
)
def test_the_last_word_moves_the_delivery_once(store, sent, now, final, word):
    delivery = sent()
    later = now + LONG
    assert told(store, delivery, later, word, "so it is", final=final, code="IMG-8010")
    assert not told(store, delivery, later, "Delivered", final=DeliveryState.DELIVERED)
    after = sent.look(delivery.exchange_id)
    assert (after.state, after.detail, after.code, after.settled_at) == (final, "so it is", "IMG-8010", later)
    assert open_at(store, later + LONG) == []
    with store.read() as connection:
        tracking = get_tracking(connection, delivery.id)
        entry = find_audit(connection, delivery.exchange_id)[-1]
    assert (tracking.state, tracking.message, tracking.settled_at) == (word, "so it is", later)
    assert (entry.actor, entry.action) == ("ephyto", f"delivery {final.value}")
    assert entry.detail == {"delivery": delivery.id, "number": "H-1", "said": word, "code": "IMG-8010"}


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.IN_FLIGHT, DeliveryState.TRACKING])
def test_no_end_that_is_none(store, sent, now, state):
    delivery = sent()
    with pytest.raises(ValueError, match="not final"):
        told(store, delivery, now, final=state)
    assert not state.final


def test_what_is_tracked_has_a_reference(now):
    with pytest.raises(ValueError, match="reference"):
        Settlement(state=DeliveryState.TRACKING, failures=0, next_attempt_at=now, lane_failures=0, lane_not_before=now)


def test_delivered_at_once_its_number_is_known_and_nobody_asks(store, sent, now):
    delivery = sent(state=DeliveryState.DELIVERED)
    with store.read() as connection:
        assert find_tracking(connection, "H-1").settled_at == now
    assert open_at(store, now + LONG) == []
    assert not told(store, delivery, now)


def test_unsettled_it_has_no_tracking_whatever_the_adapter_said(store, sent):
    delivery = sent(state=DeliveryState.UNKNOWN)
    with store.read() as connection:
        assert get_tracking(connection, delivery.id) is None


def test_sent_again_after_a_refusal_it_is_tracked_under_its_new_number(store, sent, now):
    delivery = sent()
    with pytest.raises(DeliveryError):
        store.write(lambda c: resend(c, delivery.id, actor="op", now=now))
    told(store, delivery, now, "FailedDelivery", "no", final=DeliveryState.REFUSED)
    store.write(lambda c: resend(c, delivery.id, actor="op", now=now))
    again = sent(reference="H-2", again=True)
    assert (again.id, again.state) == (delivery.id, DeliveryState.TRACKING)
    assert open_at(store, now + MINUTE) == ["H-2"]
    with store.read() as connection:
        assert find_tracking(connection, "H-1") is None
        tracking = find_tracking(connection, "H-2")
    assert (tracking.checked_at, tracking.settled_at, tracking.message) == (None, None, "taken")


def test_an_older_version_is_not_sent_after_one_that_a_hub_has(store, sent, now):
    first = sent("1", state=DeliveryState.REFUSED, reference="")
    sent("1", reference="H-2", status_code="40", expected_status="70")
    with pytest.raises(DeliveryError) as refused:
        store.write(lambda c: resend(c, first.id, actor="op", now=now))
    assert refused.value.code == "IMG-8012"
