"""Connections are given in the order in which they were asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from gateway.errors import Unavailable
from gateway.store.turns import Turns

WAIT = 30.0


def until(turns, waiting):
    """Threads queue up one by one; there is no event for "it waits now"."""
    while turns.waiting != waiting:
        Event().wait(0.001)


def test_who_asked_first_is_served_first():
    turns, served = Turns(1, WAIT), []

    def client(number):
        with turns:
            served.append(number)

    with ThreadPoolExecutor(8) as pool:
        with turns:
            waiting = []
            for number in range(8):
                waiting.append(pool.submit(client, number))
                until(turns, number + 1)
        for each in waiting:
            each.result(WAIT)
    assert served == list(range(8))
    with turns:
        assert turns.waiting == 0


def test_who_comes_while_others_wait_takes_nobodys_place():
    """The one that leaves asks again at once: it is last."""
    turns, served = Turns(2, WAIT), []

    def client(number):
        with turns:
            served.append(number)

    with ThreadPoolExecutor(3) as pool:
        with turns:
            with turns:
                waiting = [pool.submit(client, 1)]
                until(turns, 1)
                waiting.append(pool.submit(client, 2))
                until(turns, 2)
            for each in waiting:
                each.result(WAIT)
        client(3)
    assert served == [1, 2, 3]


def test_places_come_back_after_an_error_and_after_a_wait_in_vain():
    turns = Turns(1, 0.001)
    with turns, pytest.raises(Unavailable) as refused, turns:
        pass
    assert (refused.value.code, refused.value.found) == ("IMG-9001", "every connection is in use")
    assert turns.waiting == 0
    with pytest.raises(ZeroDivisionError), turns:
        raise ZeroDivisionError
    with turns:
        pass


def test_a_place_that_comes_as_one_gives_up_is_taken():
    turns = Turns(1, WAIT)
    with turns, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(turns.__enter__)
        until(turns, 1)
        mine = turns._waiting[0]
        assert turns._gave_up(mine) is True
        assert turns._gave_up(mine) is False
        mine.release()
        waiting.result(WAIT)


def test_as_many_as_there_are_places_are_inside_at_once():
    turns = Turns(3, WAIT)
    with turns, turns, turns:
        assert turns.waiting == 0
