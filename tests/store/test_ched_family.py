"""CHEDs that belong together are found and locked in one order; a moment of update never goes back."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import Unavailable
from gateway.store import (
    ChedLinkRow,
    Family,
    FamilyLink,
    ched_by_reference,
    ched_family,
    lock_family,
    lock_ledger,
    new_id,
    open_store,
    read_family,
    record_ched,
    touch_ched,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
"""As of the rows that ``make_ched`` makes."""


def ref(number):
    return f"CHEDPP.NL.2026.{number:07}"


def grown(store, make_ched, make_write, links, drafts=()):
    """CHEDs 1, 2, … of which some cite others: ``{2: [("ACW", 1)]}``."""
    for number in range(1, max((1, *links)) + 1):
        cited = tuple(ChedLinkRow(relation, ref(other)) for relation, other in links.get(number, ()))
        status = "47" if number in drafts else "70"
        row = make_ched(number, status_code=status, id=new_id(NOW))
        store.write(lambda connection, row=row, cited=cited: record_ched(connection, make_write(row, links=cited)))


def family(store, number):
    with store.read() as connection:
        return read_family(connection, (ref(number),)).links


def free(store, number):
    """Whether nobody else has locked a CHED."""
    query = f"SELECT 1 FROM cheds WHERE reference = '{ref(number)}' FOR NO KEY UPDATE SKIP LOCKED"
    return store.write(lambda connection: connection.exec_driver_sql(query).fetchone()) is not None


@contextmanager
def behind(store, number, unit):
    """A unit of work that waits, in here, for somebody who has locked a CHED; it is done when this is left."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    locked, leave = threading.Event(), threading.Event()

    def hold(connection):
        lock_ledger(connection, ref(number))
        locked.set()
        leave.wait(30)

    with ThreadPoolExecutor(2) as pool:
        holder = pool.submit(store.write, hold)
        try:
            assert locked.wait(30)
            waiter = pool.submit(store.write, unit)
            while not store.write(lambda connection: connection.exec_driver_sql(query).scalar()):
                assert not waiter.done(), waiter.result()
                time.sleep(0.01)
            yield
        finally:
            leave.set()
        holder.result()
        waiter.result()


class TestFamily:
    def test_up_and_down_by_replacements_and_splits(self, store, make_ched, make_write):
        links = {2: [("ACW", 1)], 3: [("AXG", 2)], 5: [("ACW", 4)], 6: [("ACE", 1)]}
        grown(store, make_ched, make_write, links)
        wanted = (FamilyLink(ref(2), "ACW", ref(1)), FamilyLink(ref(3), "AXG", ref(2)))
        assert family(store, 1) == family(store, 2) == family(store, 3) == wanted
        assert family(store, 6) == ()
        with store.read() as connection:
            found = read_family(connection, (ref(1),))
        assert found.cited(ref(2), "ACW") == (ref(1),)
        assert found.citing(ref(2), "AXG") == (ref(3),)
        assert found.cited(ref(2), "AXG") == found.citing(ref(2), "ACW") == ()

    def test_a_draft_belongs_to_nobody_yet(self, store, make_ched, make_write):
        grown(store, make_ched, make_write, {2: [("ACW", 1)], 3: [("AXG", 1)]}, drafts={2})
        assert family(store, 1) == (FamilyLink(ref(3), "AXG", ref(1)),)

    def test_a_large_one_is_found_whole(self, store, make_ched, make_write):
        grown(store, make_ched, make_write, {number: [("AXG", 1)] for number in range(2, 252)})
        assert len(family(store, 1)) == 250
        store.write(lambda connection: lock_family(connection, (ref(251),)))

    def test_no_statement_names_more_than_a_portion(self, pg_url, make_ched, make_write, monkeypatch):
        sizes = []
        named = ched_family._named

        def noted(names):
            sizes.append(len(names))
            return named(names)

        monkeypatch.setattr(ched_family, "_named", noted)
        monkeypatch.setattr(ched_family, "_AT_ONCE", 3)
        with open_store(pg_url, exclusive=True) as store:
            grown(store, make_ched, make_write, {number: [("AXG", 1)] for number in range(2, 9)})

            def unit(connection):
                lock_family(connection, (ref(5),))
                return [free(store, number) for number in range(1, 9)]

            assert store.write(unit) == [False] * 8
        assert max(sizes) == 3

    def test_each_is_locked_after_what_it_cites(self, store, make_ched, make_write):
        grown(store, make_ched, make_write, {1: [("ACW", 3)], 2: [("AXG", 1)], 3: [], 4: [("AXG", 3)]})
        with store.read() as connection:
            found = read_family(connection, (ref(4),))
        assert list(found.generations()) == [(ref(3),), (ref(1), ref(4)), (ref(2),)]

    def test_a_ring_ends(self):
        ring = Family((FamilyLink("A", "ACW", "B"), FamilyLink("B", "ACW", "A"), FamilyLink("C", "AXG", "A")))
        assert list(ring.generations()) == [("A", "B", "C")]

    def test_one_that_was_begun_before_what_it_replaces_is_locked_after_it(self, pg_url, make_ched, make_write):
        """As who clears a hold goes from the CHED that was replaced to its successor."""
        with open_store(pg_url, exclusive=True) as store:
            grown(store, make_ched, make_write, {1: [("ACW", 2)], 2: []})
            with behind(store, 2, lambda connection: lock_family(connection, (ref(1),))):
                assert free(store, 1)

    def test_what_joined_while_it_waited_is_locked_too(self, pg_url, make_ched, make_write):
        with open_store(pg_url, exclusive=True) as store:
            grown(store, make_ched, make_write, {2: [("AXG", 1)]})
            seen = []

            def unit(connection):
                family = lock_family(connection, (ref(2),))
                seen.append((family.members, [free(store, number) for number in (1, 2, 3)]))

            with behind(store, 1, unit):
                row = make_ched(3, status_code="70", id=new_id(NOW))
                write = make_write(row, links=(ChedLinkRow("AXG", ref(1)),))
                store.write(lambda connection: record_ched(connection, write))
            assert seen == [({ref(1), ref(2), ref(3)}, [False, False, False])]

    def test_one_that_grows_each_time_is_told_as_busy(self, pg_url, make_ched, make_write, monkeypatch):
        with open_store(pg_url, exclusive=True) as store:
            grown(store, make_ched, make_write, {2: [("AXG", 1)]})
            numbers = itertools.count(2)

            def growing(_connection, _references):
                return Family((FamilyLink(ref(next(numbers)), "AXG", ref(1)),))

            monkeypatch.setattr(ched_family, "read_family", growing)
            with pytest.raises(Unavailable) as refused:
                store.write(lambda connection: lock_family(connection, (ref(1),)))
            assert refused.value.code == "IMG-9001"
            assert next(numbers) < 10

    def test_two_who_lock_it_wait_for_each_other_in_order(self, pg_url, make_ched, make_write):
        with open_store(pg_url, exclusive=True) as store:
            grown(store, make_ched, make_write, {2: [("ACW", 1)], 3: [("AXG", 2)]})
            inside = []
            ready = threading.Barrier(2)

            def run(name, start):
                def unit(connection):
                    lock_family(connection, (ref(start),))
                    inside.append((name, "in"))
                    connection.exec_driver_sql("SELECT pg_sleep(0.02)")
                    inside.append((name, "out"))

                ready.wait()
                for _ in range(5):
                    store.write(unit)

            threads = [threading.Thread(target=run, args=each) for each in (("a", 1), ("b", 3))]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            assert len(inside) == 20
            assert all(first == (second[0], "in") and second[1] == "out"
                       for first, second in zip(inside[::2], inside[1::2], strict=True))  # fmt: skip


class TestTouch:
    def test_the_moment_moves_and_nothing_else(self, store, make_ched, make_write):
        grown(store, make_ched, make_write, {})
        with store.read() as connection:
            before = ched_by_reference(connection, ref(1))
        later = NOW + timedelta(hours=1)
        for moment in (later, NOW):
            store.write(lambda connection, moment=moment: touch_ched(connection, before.id, moment))
            with store.read() as connection:
                assert ched_by_reference(connection, ref(1)) == replace(before, updated_at=later)

    def test_a_write_of_somebody_who_read_before_does_not_turn_it_back(self, store, make_ched, make_write):
        grown(store, make_ched, make_write, {})
        with store.read() as connection:
            before = ched_by_reference(connection, ref(1))
        later = NOW + timedelta(hours=1)
        store.write(lambda connection: touch_ched(connection, before.id, later))
        write = make_write(replace(before, pending="x"), expected_version=1, evidence=None)
        store.write(lambda connection: record_ched(connection, write))
        with store.read() as connection:
            assert ched_by_reference(connection, ref(1)).updated_at == later
