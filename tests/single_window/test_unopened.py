"""CHEDs from before there were ledgers: whoever looks first is told what is left, not what was certified."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from ched_harness import ched_pp
from following_harness import Desk

from gateway.errors import Unavailable
from gateway.single_window import opening
from gateway.single_window.lookup_models import ByDeclaration, ByReference, Window
from gateway.single_window.lookups import Lookups
from gateway.store import DeclarationType, lock_family


@pytest.fixture
def desk(store):
    return Desk(store)


@pytest.fixture
def split(desk):
    """A whole of 500 and its part of 100, neither with a ledger."""
    with desk.unfollowed():
        whole = desk.validated()
        part = desk.validated(100, cites=(("AXG", whole),))
    return whole, part


def ask(desk, question):
    return Lookups(desk.context).answer(desk.customs(), question, Window(20, 0), desk._call("GetChed")).cheds


def read(desk, reference):
    return [each.quantity for each in desk.read_out(reference).summary.available]


def look_up(desk, reference):
    (found,) = ask(desk, ByReference(reference))
    return [each.position and each.position.available for each in found.lines]


LOOKS = pytest.mark.parametrize("look", [read, look_up])


@LOOKS
@pytest.mark.parametrize("first", [0, 1], ids=["the whole first", "the part first"])
def test_a_part_and_its_whole_are_told_apart_whoever_is_looked_at_first(desk, split, look, first):
    shown = {each: look(desk, each) for each in (split[first], split[1 - first])}
    whole, part = split
    assert shown == {whole: ["400"], part: ["100"]}
    assert desk.reserve(whole, "24NL1", 400) == desk.reserve(part, "24NL2", 100) == ""


@LOOKS
def test_what_is_sold_under_one_number_is_not_shown_under_the_other(desk, split, look):
    whole, part = split
    assert desk.reserve(whole, "24NL1", 500) == "05", "a hundred of them are the part's"
    assert desk.reserve(part, "24NL2", 100) == ""
    assert desk.clear(part, "24NL2") == "01"
    assert (look(desk, whole), look(desk, part)) == (["400"], ["0"])


@LOOKS
def test_a_successor_shows_what_its_predecessor_has_left(desk, look):
    old = desk.validated()
    desk.reserve(old, "24NL1", 200)
    with desk.unfollowed():
        new = desk.validated(cites=(("ACW", old),))
    assert look(desk, new) == ["300"]


@LOOKS
def test_a_part_that_was_refused_before_is_drawn_too(desk, look):
    with desk.unfollowed():
        whole = desk.validated()
        post = replace(ched_pp().post, code="NLAMS4", city="Amsterdam", name="Another post")
        part = desk.submit(replace(desk.oranges(100, (("AXG", whole),)), post=post), "importer").reference
        desk.decide(part, "other post", code="NOT_ACCEPTABLE")
    assert look(desk, whole) == ["400"]


def test_a_list_opens_all_that_it_shows(desk, split):
    whole, part = split
    reported = desk.validated()
    for each in (whole, reported):
        assert desk.reserve(each, "24NL1", 10) == ""
    found = ask(desk, ByDeclaration(DeclarationType.MRN, "24NL1"))
    assert [each.lines[0].position.available for each in found] == ["390", "490"]
    assert desk.ledger(part).version > 0


@LOOKS
def test_what_waits_for_its_decision_is_shown_as_it_is_certified(desk, look):
    reference = desk.certify()
    assert look(desk, reference) == ["500"]
    assert desk.ledger(reference).version == 0


def test_a_look_is_answered_without_quantities_where_the_ledger_cannot_be_opened(desk, split, monkeypatch):
    def fail(*_):
        raise Unavailable("IMG-9001", where="store")

    monkeypatch.setattr(opening, "open_missing", fail)
    _, part = split
    shown = desk.read_out(part)
    assert (shown.summary.available, bool(shown.certificate)) == ((), True)
    (found,) = ask(desk, ByReference(part))
    assert [each.position for each in found.lines] == [None]
    assert (found.valid, found.not_valid_because) == (False, "how much of it is left is not known now")
    monkeypatch.undo()
    assert read(desk, part) == ["100"]


def test_a_look_does_not_wait_for_who_has_the_family(desk, split, store):
    """The writer lets go when the look was answered: it would wait for ever, were the look to wait for it."""
    if store.dialect == "sqlite":
        pytest.skip("SQLite has one writer, whose units of work are short")
    whole, part = split
    held, answered = threading.Event(), threading.Event()

    def write(connection):
        lock_family(connection, (whole,))
        held.set()
        assert answered.wait(8)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(store.write, write)
        assert held.wait(8)
        shown = [read(desk, part), look_up(desk, part)]
        answered.set()
        writing.result()
    assert shown == [[], [None]]
    assert read(desk, part) == ["100"]
