"""Held messages go by themselves when their rows arrive, and never more than were confirmed with the rows."""

import threading
from datetime import timedelta

import pytest
from quarantine_harness import Keeper, package, with_codes

from gateway.exchange import Quarantine


@pytest.fixture
def keeper(world, opened):
    return Keeper(world, opened(world.partner(untranslatable="quarantine")))


def hold(world, keeper, *numbers, codes=("X0",)):
    for number in numbers:
        world.now += timedelta(seconds=1)
        assert keeper.caller.submit(with_codes(world, *codes, number=number)).code == "IMG-6010"


def states(keeper):
    return {row.subject.rpartition("/")[2]: row.state.value for row in keeper.held()}


def test_as_many_go_as_were_confirmed_the_oldest_first_and_the_rest_waits(world, keeper):
    hold(world, keeper, "AR-1", "AR-2", "AR-3")
    assert keeper.quarantine.release_confirmed() == 0
    edition = keeper.publish(package("X0"), release_limit=2)
    assert keeper.quarantine.release_confirmed() == 2
    assert states(keeper) == {"AR-1": "released", "AR-2": "released", "AR-3": "held"}
    assert [row.subject for row in keeper.quarantine.ready()] == ["AR/851/AR-3"]
    assert keeper.quarantine.release_confirmed() == 0
    first, *_ = keeper.held()
    assert (first.actor, first.reason, first.counted) == ("gateway", f"edition {edition} of the tables", edition)
    with keeper.store.read() as connection:
        rows = connection.exec_driver_sql("SELECT edition, released FROM quarantine_releases").all()
    assert [tuple(row) for row in rows] == [(edition, 2)]


def test_without_a_confirmation_nothing_goes(world, keeper):
    hold(world, keeper, "AR-1")
    keeper.publish(package("X0"))
    assert keeper.quarantine.release_confirmed() == 0
    assert states(keeper) == {"AR-1": "held"}


def test_a_confirmation_of_other_rows_releases_nothing(world, keeper):
    hold(world, keeper, "AR-1")
    keeper.publish(package("X0"))
    keeper.publish(package("X9"), release_limit=10)
    assert keeper.quarantine.release_confirmed() == 0
    assert states(keeper) == {"AR-1": "held"}


def test_the_edition_that_brings_the_last_row_counts(world, keeper):
    hold(world, keeper, "AR-1", codes=("X0", "X1"))
    keeper.publish(package("X0"), release_limit=5)
    assert keeper.quarantine.release_confirmed() == 0
    last = keeper.publish(package("X1"), release_limit=5)
    assert keeper.quarantine.release_confirmed() == 1
    assert keeper.held()[0].counted == last


def test_a_row_that_begins_to_hold_tomorrow_releases_tomorrow(world, keeper):
    hold(world, keeper, "AR-1")
    tomorrow = (world.now + timedelta(days=1)).date().isoformat()
    keeper.publish(package("X0", valid_from=tomorrow), release_limit=1)
    assert keeper.quarantine.release_confirmed() == 0
    world.now += timedelta(days=1)
    assert keeper.quarantine.release_confirmed() == 1


def test_many_processes_together_release_no_more_than_one_may(world, keeper):
    hold(world, keeper, *(f"AR-{number}" for number in range(8)))
    keeper.publish(package("X0"), release_limit=3)
    assert keeper.quarantine.index().version.startswith("1@")
    start = threading.Barrier(6)
    released = []

    def work():
        quarantine = Quarantine(keeper.context)
        start.wait()
        released.append(quarantine.release_confirmed())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(released) == 3
    assert sorted(states(keeper).values()) == ["held"] * 5 + ["released"] * 3
    assert keeper.count("document_versions") == 3


def test_what_waits_for_a_held_version_is_counted_with_it_and_does_not_stay_behind(world, keeper):
    hold(world, keeper, "AR-1")
    world.now += timedelta(seconds=1)
    assert keeper.caller.submit(world.sealed(number="AR-1", status="40")).code == "IMG-6010"
    keeper.publish(package("X0"), release_limit=1)
    assert keeper.quarantine.release_confirmed() == 0
    keeper.publish(package("X1"), package("X0", context="851"), release_limit=2)
    assert keeper.quarantine.release_confirmed() == 2
    assert [row.state.value for row in keeper.held()] == ["released", "released"]
    assert keeper.caller.about("GetCertificateStatus", "AR-1").text("cx:StatusCode") == "40"


def test_what_is_refused_now_stays_held_and_says_why(world, keeper, store_url):
    hold(world, keeper, "AR-1")
    keeper.publish(package("X0"), release_limit=1)
    assert keeper.caller.submit(world.sealed(number="AR-1")).status == 200  # corrected by its sender
    assert keeper.quarantine.release_confirmed() == 0
    assert states(keeper) == {"AR-1": "superseded"}


def test_a_running_gateway_releases_by_itself(world, keeper):
    hold(world, keeper, "AR-1")
    keeper.publish(package("X0"), release_limit=1)
    releaser = keeper.gateway._parts.releaser
    gone = threading.Event()
    release = keeper.gateway._parts.quarantine.release_confirmed

    def watched(stopping):
        done = release(stopping)
        if done:
            gone.set()
        return done

    keeper.gateway._parts.quarantine.release_confirmed = watched
    releaser.start()
    try:
        assert gone.wait(30)
    finally:
        assert releaser.stop()
    assert states(keeper) == {"AR-1": "released"}
