"""Envelopes wait for their receivers: added once, seen by whom they are for, settled once."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.errors import Unavailable
from gateway.store import (
    NumberTaken,
    add_envelopes,
    copies_of,
    envelope_content,
    envelopes,
    find_audit,
    find_envelope,
    open_store,
    settle_envelope,
    under_delivery,
    waiting_envelopes,
)

FINAL_STATES = ("Delivered", "FailedDelivery", "DeliveredWithWarnings", "DeliveredNotReadable")


@pytest.fixture
def add(store, now):
    """Add an envelope and its copies as their sender."""

    def adding(*new, at=now, **detail):
        return store.write(lambda c: add_envelopes(c, new, actor=new[0].partner, now=at, detail=detail))

    return adding


@pytest.fixture
def settle(store, now):
    def settling(number, state="Delivered", expected="PendingDelivery", message=""):
        return store.write(
            lambda c: settle_envelope(
                c, number, expected=expected, state=state, message=message, actor="nl-nppo", now=now
            )
        )

    return settling


def numbers(rows):
    return [row.number for row in rows]


def actions(store, number):
    with store.read() as connection:
        return [entry.action for entry in find_audit(connection, number)]


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20, (3 << 20) + 7])
def test_a_large_content_is_there_whole_or_not_at_all(store, add, make_envelope, now, size):
    content = bytes(number % 251 for number in range(1000)) * (size // 1000 + 1)
    new = make_envelope("1", content=content[:size])
    with pytest.raises(ZeroDivisionError):
        store.write(lambda c: (add_envelopes(c, [new], actor="ar-nppo", now=now), 1 / 0))
    with store.read() as connection:
        assert envelope_content(connection, "1") is None
    assert add(new).size == size
    with store.read() as connection:
        assert envelope_content(connection, "1") == new.content


def test_an_envelope_is_found_as_it_came(store, add, make_envelope, now):
    new = make_envelope("1", content="<ä/>".encode(), message="seen", channel="CH")
    added = add(new, address="192.0.2.1")
    with store.read() as connection:
        found = find_envelope(connection, "1")
        assert envelope_content(connection, "1") == "<ä/>".encode()
        (entry,) = find_audit(connection, "1")
    assert found == added
    assert not added.repeated
    kept = {name: getattr(found, name) for name in ("partner", "recipient", "from_country", "to_country", "state")}
    assert kept == {
        "partner": "ar-nppo",
        "recipient": "nl-nppo",
        "from_country": "AR",
        "to_country": "NL",
        "state": "PendingDelivery",
    }
    assert (found.certificate_type, found.certificate_status, found.certificate_number) == (851, 70, "AR-1")
    assert (found.message, found.channel, found.origin, found.size) == ("seen", "CH", None, len(new.content))
    assert (found.created_at, found.updated_at) == (now, now)
    assert (entry.actor, entry.action, entry.detail) == ("ar-nppo", "envelope added", {"address": "192.0.2.1"})


def test_an_unknown_number_has_neither_row_nor_content(store):
    with store.read() as connection:
        assert find_envelope(connection, "none") is None
        assert envelope_content(connection, "none") is None


def test_no_content_is_not_empty_content(store, add, make_envelope):
    without, empty = add(make_envelope("1", content=None)), add(make_envelope("2", content=b""))
    with store.read() as connection:
        assert [envelope_content(connection, number) for number in ("1", "2")] == [None, b""]
    assert (without.size, empty.size) == (0, 0)


def test_a_repeat_adds_nothing_while_the_first_one_waits(store, add, settle, make_envelope):
    first = make_envelope("1")
    added = add(first)
    again = add(replace(first, number="2"), make_envelope("2-copy", channel="CH"))
    assert again == replace(added, repeated=True)
    with store.read() as connection:
        assert find_envelope(connection, "2") is None
        assert find_envelope(connection, "2-copy") is None
    assert actions(store, "1") == ["envelope added", "envelope repeated"]

    assert settle("1")
    new = add(replace(first, number="3"))
    assert (new.number, new.repeated) == ("3", False)


def test_its_own_number_with_the_same_content_is_a_repeat_even_when_settled(add, settle, make_envelope):
    first = make_envelope("1")
    add(first)
    settle("1")
    again = add(first)
    assert (again.number, again.repeated, again.state) == ("1", True, "Delivered")


@pytest.mark.parametrize("key", [b"another", None])
def test_the_number_of_another_envelope_is_taken_and_a_second_number_may_follow(store, add, make_envelope, now, key):
    add(make_envelope("1"))
    other = make_envelope("1", repeat_key=key, certificate_number="another")

    def with_another_number(connection):
        with pytest.raises(NumberTaken):
            add_envelopes(connection, [other], actor="ar-nppo", now=now)
        return add_envelopes(connection, [replace(other, number="2")], actor="ar-nppo", now=now)

    assert store.write(with_another_number).certificate_number == "another"
    with store.read() as connection:
        assert find_envelope(connection, "1").certificate_number == "AR-1"


def test_envelopes_without_a_repeat_key_never_repeat(store, add, make_envelope):
    for number in ("1", "2"):
        assert not add(make_envelope(number, repeat_key=None)).repeated
    with store.read() as connection:
        assert numbers(waiting_envelopes(connection, "nl-nppo", limit=9)) == ["1", "2"]


def test_copies_have_numbers_of_their_own_and_the_content_of_their_origin(store, add, settle, make_envelope):
    copies = [
        make_envelope(f"1-{code}", recipient=f"{code}-channel", channel=code, content=None) for code in ("aa", "bb")
    ]
    main = add(make_envelope("1"), *copies)
    add(make_envelope("2"))
    with store.read() as connection:
        found = copies_of(connection, ["1", "2", "none"])
        assert found.keys() == {"1"}
        assert [(row.number, row.origin, row.channel, row.size) for row in found["1"]] == [
            ("1-aa", "1", "aa", main.size),
            ("1-bb", "1", "bb", main.size),
        ]
        assert envelope_content(connection, "1-bb") == make_envelope("1").content
        assert numbers(waiting_envelopes(connection, "bb-channel", limit=9)) == ["1-bb"]
        assert numbers(under_delivery(connection, "ar-nppo", limit=9)) == ["1", "2"]
        (entry,) = find_audit(connection, "1-aa")
        assert (entry.action, entry.detail) == ("envelope copied", {"origin": "1", "channel": "aa"})
        assert find_audit(connection, "1")[0].detail["copies"] == ["1-aa", "1-bb"]

    assert settle("1")
    with store.read() as connection:
        assert find_envelope(connection, "1-aa").state == "PendingDelivery"
        assert numbers(under_delivery(connection, "ar-nppo", limit=9)) == ["2"]


def test_copies_are_found_for_any_number_of_envelopes(store, add, make_envelope, monkeypatch):
    monkeypatch.setattr(envelopes, "_AT_ONCE", 2)
    for number in "abcde":
        add(make_envelope(number), make_envelope(f"{number}-copy", channel="CH", repeat_key=None))
    with store.read() as connection:
        found = copies_of(connection, iter("edcba"))
        assert copies_of(connection, []) == {}
    assert {number: numbers(rows) for number, rows in found.items()} == {one: [f"{one}-copy"] for one in "abcde"}


def test_a_failing_copy_takes_the_main_envelope_with_it(store, add, make_envelope):
    with pytest.raises(Exception, match=r"(?i)unique"):
        add(make_envelope("1"), make_envelope("1"))
    with store.read() as connection:
        assert find_envelope(connection, "1") is None
        assert find_audit(connection, "1") == ()


def test_waiting_is_by_recipient_and_country_in_order_of_arrival_page_by_page(store, add, settle, make_envelope):
    for number, country in zip("abcdef", itertools.cycle(("NL", "BE")), strict=False):
        add(make_envelope(number, to_country=country))
    add(make_envelope("other", recipient="fr-nppo"))
    add(make_envelope("ours", recipient=""))
    settle("c")
    with store.read() as connection:
        pages = [waiting_envelopes(connection, "nl-nppo", limit=2)]
        while pages[-1]:
            pages.append(waiting_envelopes(connection, "nl-nppo", limit=2, after_seq=pages[-1][-1].seq))
        assert [numbers(page) for page in pages] == [["a", "b"], ["d", "e"], ["f"], []]
        assert numbers(waiting_envelopes(connection, "nl-nppo", to_country="BE", limit=2)) == ["b", "d"]
        assert numbers(waiting_envelopes(connection, "nl-nppo", to_country="FR", limit=2)) == []
        assert numbers(waiting_envelopes(connection, "", limit=9)) == ["ours"]


def test_under_delivery_is_paged_too(store, add, make_envelope):
    for number in "abc":
        add(make_envelope(number))
    with store.read() as connection:
        first = under_delivery(connection, "ar-nppo", limit=2)
        assert numbers(under_delivery(connection, "ar-nppo", limit=2, after_seq=first[-1].seq)) == ["c"]
        assert under_delivery(connection, "br-nppo", limit=2) == ()


@pytest.mark.parametrize("state", FINAL_STATES)
def test_settling_is_compare_and_set_with_an_audit_line(store, add, settle, make_envelope, state):
    add(make_envelope("1"))
    assert not settle("1", state, expected="Delivered" if state != "Delivered" else "FailedDelivery")
    assert settle("1", state, message="as found")
    assert not settle("1", "Delivered", message="again")
    assert not settle("unknown")
    with store.read() as connection:
        found = find_envelope(connection, "1")
        assert (found.state, found.message) == (state, "as found")
        assert waiting_envelopes(connection, "nl-nppo", limit=9) == ()
        entry = find_audit(connection, "1")[-1]
    assert (entry.actor, entry.action) == ("nl-nppo", f"envelope {state}")
    assert entry.detail == {"from": "PendingDelivery", "message": "as found"}
    assert actions(store, "1") == ["envelope added", f"envelope {state}"]


@pytest.mark.parametrize("state", ["EnvelopeNotExists", "delivered", ""])
def test_no_envelope_is_in_a_state_that_is_none(add, make_envelope, state):
    with pytest.raises(Exception, match="ck_hub_envelopes_state"):
        add(make_envelope("1", state=state))


def test_settling_tells_when(store, add, make_envelope, now):
    add(make_envelope("1"))
    later = now + timedelta(minutes=3)
    store.write(
        lambda c: settle_envelope(
            c, "1", expected="PendingDelivery", state="Delivered", message="", actor="nl-nppo", now=later
        )
    )
    with store.read() as connection:
        found = find_envelope(connection, "1")
    assert (found.created_at, found.updated_at) == (now, later)


def test_of_many_with_the_same_envelope_one_adds_it(store_url, make_envelope, now):
    together = threading.Barrier(8)

    def deliver(number):
        together.wait(10)
        new = make_envelope(str(number), repeat_key=b"same")
        return store.write(lambda c: add_envelopes(c, [new], actor="ar-nppo", now=now))

    with open_store(store_url, exclusive=True) as store:
        with ThreadPoolExecutor(8) as pool:
            rows = list(pool.map(deliver, range(8)))
        assert len({row.number for row in rows}) == 1
        assert sorted(row.repeated for row in rows) == [False] + [True] * 7
        with store.read() as connection:
            assert len(waiting_envelopes(connection, "nl-nppo", limit=9)) == 1


def test_of_many_who_acknowledge_an_envelope_one_succeeds(store_url, make_envelope, now):
    together = threading.Barrier(8)

    def acknowledge(number):
        together.wait(10)
        return store.write(
            lambda c: settle_envelope(
                c, "1", expected="PendingDelivery", state="Delivered", message=str(number), actor="nl", now=now
            )
        )

    with open_store(store_url, exclusive=True) as store:
        store.write(lambda c: add_envelopes(c, [make_envelope("1")], actor="ar-nppo", now=now))
        with ThreadPoolExecutor(8) as pool:
            succeeded = list(pool.map(acknowledge, range(8)))
        assert sum(succeeded) == 1
        with store.read() as connection:
            assert find_envelope(connection, "1").message == str(succeeded.index(True))


def test_a_rival_that_is_always_faster_ends_in_try_again(add, make_envelope, monkeypatch):
    """The row that keeps ours out is settled between the insert and the look, every time."""
    add(make_envelope("1"))
    monkeypatch.setattr(envelopes, "_repeat_of", lambda *_: None)
    with pytest.raises(Unavailable) as refused:
        add(make_envelope("2", repeat_key=make_envelope("1").repeat_key))
    assert refused.value.code == "IMG-9001"
