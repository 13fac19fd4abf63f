"""Who follows a CHED, and its pushes in the outbox: on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.store import (
    DocumentQuery,
    Prepared,
    PushEnd,
    PushKind,
    active_subscriptions,
    changed_documents,
    end_subscription,
    find_audit,
    find_delivery,
    find_evidence,
    find_push,
    find_subscription,
    list_deliveries,
    list_exchanges,
    list_pushes,
    list_subscriptions,
    open_subscription,
    queue_push,
    record_ched,
    save_partner,
    waits_too_long,
)
from gateway.store.outbox import acquire_lane, claim_next, resend, settle, store_payload
from gateway.store.outbox_records import PushContent, Settlement
from gateway.store.records import DeliveryState


class Register:
    """A store with two CHEDs, and two customs systems that may follow them."""

    def __init__(self, store, writes, now):
        self.store, self.now = store, now
        for name in ("nl", "de"):
            store.write(lambda c, name=name: save_partner(c, name, {}, author="op", now=now))
        for write in writes:
            store.write(lambda c, write=write: record_ched(c, write))
        self.cheds = [write.row for write in writes]

    def follow(self, partner="nl", ched=0, at=None):
        row = self.cheds[ched]
        values = {"partner": partner, "ched_id": row.id, "office": "NL000396", "at": at or self.now}
        self.store.write(lambda c: open_subscription(c, **values))
        return self.found(partner, ched)

    def found(self, partner="nl", ched=0):
        with self.store.read() as connection:
            return find_subscription(connection, partner, self.cheds[ched].id)

    def push(self, subscription, number, content=b"<change/>", **changes):
        values = {"what": PushKind.LEDGER, "content": content, "at": self.now} | changes
        self.store.write(lambda c: queue_push(c, subscription.id, number, **values))

    def end(self, subscription, why, **changes):
        at = {"at": self.now} | changes
        return self.store.write(lambda c: end_subscription(c, subscription.id, why, **at))

    def claim(self, partner="nl", at=None):
        now = at or self.now
        lease = {"now": now, "until": now + timedelta(seconds=30)}
        fence = self.store.write(lambda c: acquire_lane(c, partner, owner="w", **lease))
        return self.store.write(lambda c: claim_next(c, partner, fence=fence, **lease))

    def settle(self, claimed, state):
        ends = Settlement(state=state, failures=0, next_attempt_at=self.now, lane_failures=0, lane_not_before=self.now)
        return self.store.write(lambda c: settle(c, claimed, ends, now=self.now))

    def states(self, **wanted):
        with self.store.read() as connection:
            return [row.state.value for row in reversed(list_pushes(connection, **wanted))]


@pytest.fixture
def register(store, make_ched, make_write, now):
    return Register(store, [make_write(make_ched(number)) for number in (1, 2)], now)


def test_a_partner_follows_a_ched_once_however_often_it_asks(register, now):
    first = register.follow()
    again = register.follow(at=now + timedelta(hours=1))
    assert again == first
    assert (first.active, first.office, first.reference, first.pushes) == (
        True,
        "NL000396",
        "CHEDPP.NL.2026.0000001",
        0,
    )
    register.follow("de", at=now + timedelta(hours=2))
    with register.store.read() as connection:
        assert [row.partner for row in list_subscriptions(connection)] == ["de", "nl"]
        assert [each[0] for each in active_subscriptions(connection, first.ched_id)] == [
            first.id,
            register.found("de").id,
        ]
        assert active_subscriptions(connection, register.cheds[1].id) == []
        assert [entry.action for entry in find_audit(connection, first.id)] == ["push opened"]


def test_who_asks_again_after_the_end_has_a_new_subscription(register, now):
    first = register.follow()
    register.push(first, 1)
    assert register.end(first, PushEnd.ASKED)
    assert not register.end(first, PushEnd.OPERATOR)
    second = register.follow(at=now + timedelta(seconds=1))
    assert (second.id != first.id, second.pushes, second.active) == (True, 0, True)
    with register.store.read() as connection:
        old = list_subscriptions(connection, partner="nl")[1]
    assert (old.id, old.active, old.why, old.pushes) == (first.id, False, PushEnd.ASKED, 1)


def test_a_push_is_a_delivery_and_no_document(register):
    following = register.follow()
    register.push(following, 1, b"<one/>")
    push_id = f"{following.id}-1"
    with register.store.read() as connection:
        (row,) = list_deliveries(connection)
        assert (row.id, row.push_id, row.exchange_id, row.case_id) == (push_id, push_id, None, following.id)
        assert find_push(connection, push_id) == (following.ched_id, b"<one/>")
        assert find_push(connection, "none") is None
        assert changed_documents(connection, DocumentQuery(visibility=None)) == ((), False)
        assert find_evidence(connection, push_id) is None
        assert {each.operation for each in list_exchanges(connection)} == {"createAndSubmitForDecision"}  # the CHEDs
    claimed = register.claim()
    assert claimed.content == PushContent(push_id, following.id, 1)
    register.store.write(lambda c: store_payload(c, claimed, Prepared(b"<one/>", None)))
    assert register.settle(claimed, DeliveryState.DELIVERED)
    with register.store.read() as connection:
        _, parts = find_delivery(connection, push_id)
        assert (parts.payload, parts.translation) == (b"<one/>", None)
        (told,) = list_pushes(connection)
        assert find_audit(connection, following.id)[-1].action == "delivery delivered"
    assert (told.number, told.what, told.state, told.attempts, told.next_attempt_at) == (
        1,
        PushKind.LEDGER,
        DeliveryState.DELIVERED,
        1,
        None,
    )


def test_the_pushes_of_one_ched_keep_their_order_and_hold_up_no_other(register):
    one, two = register.follow(ched=0), register.follow(ched=1)
    for number in (1, 2):
        register.push(one, number)
    register.push(two, 1)
    first = register.claim()
    second = register.claim(at=register.now + timedelta(minutes=1))
    assert (first.content.push_id, second.content.push_id) == (f"{one.id}-1", f"{one.id}-1")  # the lease was lost
    register.store.write(lambda c: store_payload(c, second, Prepared(b"", None)))
    later = Settlement(
        state=DeliveryState.PENDING,
        failures=1,
        next_attempt_at=register.now + timedelta(hours=1),
        lane_failures=0,
        lane_not_before=register.now,
    )
    register.store.write(lambda c: settle(c, second, later, now=register.now))
    third = register.claim(at=register.now + timedelta(minutes=2))
    assert third.content.push_id == f"{two.id}-1"


def test_what_waits_is_withdrawn_when_it_is_no_longer_wanted(register):
    following = register.follow()
    for number in (1, 2, 3):
        register.push(following, number)
    flying = register.claim()
    register.store.write(lambda c: store_payload(c, flying, Prepared(b"", None)))
    register.end(following, PushEnd.OPERATOR, actor="op", reason="their system is away")
    assert register.states() == ["withdrawn"] * 3
    assert register.settle(flying, DeliveryState.UNKNOWN)
    assert register.states() == ["withdrawn"] * 3
    with register.store.read() as connection:
        entry = find_audit(connection, following.id)[-1]
        assert {row.detail for row in list_pushes(connection)} == {"their system is away"}
    assert (entry.action, entry.actor, entry.detail["withdrawn"]) == ("push ended", "op", 3)
    assert register.claim(at=register.now + timedelta(minutes=1)) is None


def test_what_arrived_all_the_same_says_so(register):
    following = register.follow()
    register.push(following, 1)
    flying = register.claim()
    register.store.write(lambda c: store_payload(c, flying, Prepared(b"", None)))
    register.end(following, PushEnd.ASKED)
    register.settle(flying, DeliveryState.DELIVERED)
    assert register.states() == ["delivered"]


def test_what_is_withdrawn_before_it_was_sent_is_not_sent(register):
    following = register.follow()
    register.push(following, 1)
    flying = register.claim()
    register.end(following, PushEnd.ASKED)
    assert not register.store.write(lambda c: store_payload(c, flying, Prepared(b"", None)))


@pytest.mark.parametrize("why", [PushEnd.CHED, PushEnd.BACKLOG])
def test_what_waits_is_still_told_when_the_ched_or_the_queue_ended_it(register, why):
    following = register.follow()
    register.push(following, 1)
    register.end(following, why)
    assert register.states() == ["pending"]
    register.push(following, 2)
    assert register.states() == ["pending"]
    assert register.found().pushes == 1


def test_a_queue_is_full_when_its_oldest_waits(register):
    following = register.follow()
    for number in (1, 2, 3):
        register.push(following, number)
    with register.store.read() as connection:
        assert [waits_too_long(connection, following.id, number, 3) for number in (1, 2, 3, 4)] == [
            False,
            False,
            True,
            True,
        ]
    claimed = register.claim()
    register.store.write(lambda c: store_payload(c, claimed, Prepared(b"", None)))
    register.settle(claimed, DeliveryState.DELIVERED)
    with register.store.read() as connection:
        assert not waits_too_long(connection, following.id, 3, 3)


def test_a_refused_push_is_sent_again_with_the_same_message(register):
    following = register.follow()
    register.push(following, 1, b"<one/>")
    claimed = register.claim()
    register.store.write(lambda c: store_payload(c, claimed, Prepared(b"<one/>", None)))
    register.settle(claimed, DeliveryState.REFUSED)
    register.store.write(lambda c: resend(c, claimed.id, actor="op", now=register.now, afresh=True))
    with register.store.read() as connection:
        row, parts = find_delivery(connection, claimed.id)
    assert (row.state, parts) == (DeliveryState.PENDING, None)
    assert register.claim(at=register.now + timedelta(minutes=1)).content == claimed.content


def test_every_number_is_given_once(register):
    following = register.follow()
    register.push(following, 1)
    with pytest.raises(Exception, match=r"(?i)unique"):
        register.push(following, 1)
    assert register.states() == ["pending"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE deliveries SET exchange_id = 'X'",
        "UPDATE deliveries SET push_id = NULL",
        "UPDATE deliveries SET push_id = 'none'",
        "UPDATE customs_pushes SET what = 'weather'",
        "UPDATE customs_pushes SET number = 0",
        "UPDATE customs_subscriptions SET why = 'asked'",
        "UPDATE customs_subscriptions SET ended_at = since",
        "UPDATE customs_subscriptions SET partner = 'nobody'",
        "DELETE FROM customs_pushes",
    ],
)
def test_what_a_push_promises_is_held_by_the_database(register, statement):
    following = register.follow()
    register.push(following, 1)
    with pytest.raises(Exception, match=r"(?i)constraint"):
        register.store.write(lambda c: c.execute(text(statement)))
