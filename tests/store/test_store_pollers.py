"""One poller per partner: a lease with a fence, a time before which nobody begins."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gateway.store import acquire_poller, due_poller, find_poller, open_store, release_poller, renew_poller

MINUTE = timedelta(minutes=1)


@pytest.fixture
def lease(store, now):
    def leasing(owner="one", partner="ephyto", at=now, length=MINUTE):
        return store.write(lambda c: acquire_poller(c, partner, owner=owner, now=at, until=at + length))

    return leasing


@pytest.fixture
def release(store, now):
    def releasing(fence, at=now, not_before=now, failures=0):
        return store.write(
            lambda c: release_poller(c, "ephyto", fence=fence, now=at, not_before=not_before, failures=failures)
        )

    return releasing


def due(store, now, partner="ephyto"):
    with store.read() as connection:
        return due_poller(connection, partner, now=now)


def test_a_partner_that_was_never_polled_is_due(store, lease, now):
    with store.read() as connection:
        assert find_poller(connection, "ephyto") is None
    assert due(store, now)
    assert lease() == 1
    with store.read() as connection:
        row = find_poller(connection, "ephyto")
    assert (row.partner, row.fence, row.lease_owner, row.lease_until) == ("ephyto", 1, "one", now + MINUTE)
    assert (row.failures, row.not_before) == (0, None)


def test_a_lease_keeps_others_out_until_it_ends(store, lease, now):
    assert lease() == 1
    assert lease("two") is None
    assert not due(store, now)
    assert lease("two", partner="other") == 1
    assert due(store, now + MINUTE)
    assert lease("two", at=now + MINUTE) == 2


def test_who_lost_the_lease_changes_nothing(store, lease, release, now):
    lost = lease()
    held = lease("two", at=now + MINUTE)
    until = now + 9 * MINUTE
    assert not store.write(lambda c: renew_poller(c, "ephyto", fence=lost, until=until))
    assert not release(lost, failures=7)
    assert store.write(lambda c: renew_poller(c, "ephyto", fence=held, until=until))
    with store.read() as connection:
        row = find_poller(connection, "ephyto")
    assert (row.lease_owner, row.lease_until, row.failures) == ("two", until, 0)


def test_a_lease_that_was_given_back_is_not_renewed_nor_given_back_again(store, lease, release, now):
    fence = lease()
    assert release(fence)
    assert not store.write(lambda c: renew_poller(c, "ephyto", fence=fence, until=now + MINUTE))
    assert not release(fence, failures=3)


def test_the_next_round_begins_at_its_time_and_knows_of_the_failures(store, lease, release, now):
    assert release(lease(), not_before=now + MINUTE, failures=2)
    assert not due(store, now)
    assert lease("two") is None
    with store.read() as connection:
        row = find_poller(connection, "ephyto")
    assert (row.failures, row.not_before, row.lease_owner) == (2, now + MINUTE, None)
    assert due(store, now + MINUTE)
    assert lease("two", at=now + MINUTE) == 2


def test_of_many_who_want_to_poll_one_does(store_url, now):
    together = threading.Barrier(8)

    def begin(number):
        together.wait(10)
        return store.write(lambda c: acquire_poller(c, "ephyto", owner=str(number), now=now, until=now + MINUTE))

    with open_store(store_url, exclusive=True) as store, ThreadPoolExecutor(8) as pool:
        fences = list(pool.map(begin, range(8)))
    assert [fence for fence in fences if fence is not None] == [1]
