"""What waits for the other side is exchanged in order, by one, and whoever died over it left it in doubt."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.store import (
    ContingencyState,
    add_contingency,
    add_notice,
    begin_outage,
    claim_contingency,
    end_outage,
    find_audit,
    get_contingency,
    list_contingency,
    list_notices,
    list_outages,
    open_outage,
    record_ched,
    refused_contingency,
    settle_contingency,
    steps_of_ched,
    waiting_contingency,
    withdraw_notice,
)

AWAY = {"partner": "traces", "functionality": "ched-submission"}


@pytest.fixture
def add(store, make_ched, make_write, now):
    """Write a CHED and what is to be exchanged about it, in one unit."""

    def adding(number, operation="submit"):
        write = make_write(make_ched(number), evidence=None)

        def unit(connection):
            record_ched(connection, write)
            return add_contingency(
                connection,
                ched_id=write.row.id,
                version_id=write.version_id,
                partner="traces",
                operation=operation,
                at=now,
            )

        return store.write(unit)

    return adding


@pytest.fixture
def claim(store, now):
    return lambda row: store.write(lambda c: claim_contingency(c, row, at=now))


@pytest.fixture
def settle(store, now):
    return lambda row, state, **told: store.write(lambda c: settle_contingency(c, row, state=state, at=now, **told))


@pytest.fixture
def waiting(store):
    def asking(**page):
        with store.read() as connection:
            return waiting_contingency(connection, "traces", **{"limit": 10, **page})

    return asking


def test_steps_wait_in_the_order_in_which_they_came(add, waiting):
    rows = [add(number) for number in (1, 2, 3)]
    assert waiting() == tuple(rows)
    assert waiting(limit=1, after=rows[0].seq) == (rows[1],)
    assert all(row.state is ContingencyState.WAITING and row.state.open for row in rows)


def test_a_version_goes_once_to_a_partner(store, add, now):
    row = add(1)
    again = store.write(
        lambda c: add_contingency(
            c, ched_id=row.ched_id, version_id=row.version_id, partner="traces", operation="submit", at=now
        )
    )
    assert again == row
    with store.read() as connection:
        assert steps_of_ched(connection, row.ched_id) == (row,)


def test_who_claims_it_leaves_it_in_doubt_until_the_answer_is_written_down(store, add, claim, settle, waiting):
    row = add(1)
    claimed = claim(row)
    assert (claimed.state, claimed.attempts) == (ContingencyState.UNKNOWN, 1)
    assert waiting() == (claimed,), "after a crash it is found so"

    assert settle(claimed, ContingencyState.EXCHANGED, reference="CHEDPP.NL.2026.0000001", detail="taken")
    assert waiting() == ()
    with store.read() as connection:
        done = get_contingency(connection, row.seq)
        actions = [entry.action for entry in find_audit(connection, row.version_id)]
    assert (done.state, done.reference, done.detail) == (
        ContingencyState.EXCHANGED,
        "CHEDPP.NL.2026.0000001",
        "taken",
    )
    assert not done.state.open
    assert actions[-2:] == ["contingency waiting", "contingency exchanged"]
    assert claim(done) is None
    assert not settle(done, ContingencyState.REFUSED)


def test_one_of_many_claims_it(store, add, now):
    row, barrier = add(1), threading.Barrier(6)

    def claim(_):
        barrier.wait()
        return store.write(lambda c: claim_contingency(c, row, at=now))

    with ThreadPoolExecutor(6) as pool:
        claimed = [found for found in pool.map(claim, range(6)) if found]
    assert [found.attempts for found in claimed] == [1]


def test_an_answer_that_comes_after_another_took_it_over_changes_nothing(add, claim, settle, waiting):
    first = claim(add(1))
    second = claim(first)
    assert second.attempts == 2
    assert not settle(first, ContingencyState.REFUSED)
    assert settle(second, ContingencyState.WAITING, code="IMG-8003", detail="surely not taken")
    (again,) = waiting()
    assert (again.state, again.attempts, again.code) == (ContingencyState.WAITING, 2, "IMG-8003")


def test_an_operator_lists_them_newest_first(store, add, claim, settle):
    rows = [add(number) for number in (1, 2, 3)]
    settle(claim(rows[1]), ContingencyState.REFUSED, code="IMG-5001")
    with store.read() as connection:
        assert [row.seq for row in list_contingency(connection)] == [rows[2].seq, rows[1].seq, rows[0].seq]
        assert [row.code for row in list_contingency(connection, state=ContingencyState.REFUSED)] == ["IMG-5001"]
        assert [row.seq for row in list_contingency(connection, before=rows[1].seq)] == [rows[0].seq]
        assert list_contingency(connection, partner="another") == ()


def test_what_was_refused_on_the_return_stays_until_its_ched_is_written_to(store, make_ched, make_write, now):
    def refused(number, code, **changes):
        write = make_write(replace(make_ched(number), **changes), evidence=None)

        def unit(connection):
            record_ched(connection, write)
            step = {"ched_id": write.row.id, "version_id": write.version_id, "partner": "traces"}
            row = claim_contingency(connection, add_contingency(connection, operation="submit", at=now, **step), at=now)
            settle_contingency(connection, row, state=ContingencyState.REFUSED, code=code, at=now)

        store.write(unit)
        return write.row.id

    kept = refused(1, "IMG-5001", contingency=True)
    refused(2, "IMG-5001", contingency=False)
    refused(3, "IMG-7220", contingency=True)
    refused(4, "IMG-5001", contingency=True, updated_at=now + timedelta(seconds=1))
    with store.read() as connection:
        found = refused_contingency(connection, limit=10, but="IMG-7220")
    assert [each.ched_id for each in found] == [kept]


def test_an_outage_begins_once_and_ends_once(store, now):
    later = now + timedelta(minutes=5)
    first = store.write(lambda c: begin_outage(c, **AWAY, at=now, reason="no answer"))
    same = store.write(lambda c: begin_outage(c, **AWAY, at=later, reason="still none"))
    assert first == same
    assert (first.began_at, first.ended_at, first.reason) == (now, None, "no answer")
    other = store.write(lambda c: begin_outage(c, partner="traces", functionality="reference-data", at=later))
    ended = store.write(lambda c: end_outage(c, **AWAY, at=later))
    assert (ended.id, ended.ended_at) == (first.id, later)
    assert store.write(lambda c: end_outage(c, **AWAY, at=later)) is None
    with store.read() as connection:
        assert open_outage(connection, **AWAY) is None
        assert open_outage(connection, "traces", "reference-data") == other
        assert [row.id for row in list_outages(connection)] == [other.id, first.id]
        assert list_outages(connection, partner="another") == ()
        actions = [entry.action for entry in find_audit(connection, "traces")]
    assert actions == ["outage began", "outage began", "outage ended"]
    again = store.write(lambda c: begin_outage(c, **AWAY, at=later + timedelta(hours=1)))
    assert again.id != first.id


def test_of_many_who_notice_it_at_once_one_begins_the_outage(store, now):
    barrier = threading.Barrier(6)

    def notice(_):
        barrier.wait()
        return store.write(lambda c: begin_outage(c, **AWAY, at=now))

    with ThreadPoolExecutor(6) as pool:
        assert len({row.id for row in pool.map(notice, range(6))}) == 1
    with store.read() as connection:
        assert len(list_outages(connection)) == 1


def test_notices_stand_until_they_are_over_or_withdrawn(store, now):
    def announce(days, hours=2.0, reason="maintenance"):
        begins = now + timedelta(days=days)
        ends = begins + timedelta(hours=hours) if hours else None
        return store.write(
            lambda c: add_notice(c, **AWAY, begins_at=begins, ends_at=ends, announced_at=now, reason=reason)
        )

    far, past, running, soon = announce(30), announce(-3), announce(-0.01), announce(14, hours=None)
    changed = announce(30, hours=4.0, reason="longer")
    assert (changed.id, changed.reason) == (far.id, "longer")
    assert changed.ends_at == changed.begins_at + timedelta(hours=4)
    with store.read() as connection:
        assert [row.id for row in list_notices(connection)] == [past.id, running.id, soon.id, far.id]
        assert [row.id for row in list_notices(connection, after=now)] == [running.id, soon.id, far.id]
        assert list_notices(connection, partner="another") == ()
    assert store.write(lambda c: withdraw_notice(c, soon.id, now))
    assert not store.write(lambda c: withdraw_notice(c, soon.id, now))
    with store.read() as connection:
        assert [row.id for row in list_notices(connection, after=now)] == [running.id, far.id]
    renewed = announce(14)
    assert (renewed.id, renewed.withdrawn_at) == (soon.id, None)
