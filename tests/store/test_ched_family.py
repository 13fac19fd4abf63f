"""CHEDs that belong together are found and locked in one order; a moment of update never goes back."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.store import (
    ChedLinkRow,
    FamilyLink,
    ched_by_reference,
    lock_family,
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
