"""How much one message, and one CHED, may have: every answer about a CHED shows all that stands on it."""

from __future__ import annotations

import pytest
from certex_harness import MRN, CertexWorld, Goods, line

from adapters.traces_nt.limits import REPLY_LIMITS
from gateway.config import CustomsSettings
from gateway.settings_reader import kind_and_rule, type_hints
from gateway.single_window.checks import Bounds

A, B = MRN("26XI00020000000001"), MRN("26XI00020000000002")

MOST = int(kind_and_rule(type_hints(CustomsSettings)["max_allocations"])[1].high)
"""That the setting may be."""
LONG = 100
"""Characters by which numbers, offices and quantities may be longer than those of these tests."""


def goods(count, quantity="1", unit="GRM"):
    return [Goods(quantity, unit, item=str(number)) for number in range(1, count + 1)]


@pytest.fixture
def narrow(tmp_path, store_url, seal_files):
    settings = CustomsSettings(max_goods_items=3, max_allocations=5)
    world = CertexWorld(tmp_path, store_url, seal=seal_files, customs=settings)
    yield world
    world.close()


def test_the_settings_and_the_rules_have_the_same_defaults():
    settings = CustomsSettings()
    assert Bounds(goods_items=settings.max_goods_items, allocations=settings.max_allocations) == Bounds()


def test_a_message_has_no_more_goods_items_than_the_setting_says(narrow):
    ours, ched = narrow.caller(), narrow.ched()
    assert ours.reserve(ched, A, *goods(3)).said == "reserved"
    before = ours.read(ched).ledger
    assert ours.reserve(ched, A, *goods(4)).said == "IMG-7414"
    assert ours.intervene(ched, B, "ForceWriteOff", *goods(4)).said == "IMG-7414"
    assert ours.read(ched).ledger == before


def test_more_than_the_setting_says_does_not_stand_on_one_ched(narrow):
    ours, theirs = narrow.caller(), narrow.caller("customs-xi-other")
    ched, another = narrow.ched(), narrow.ched()
    assert ours.reserve(ched, A, *goods(3)).said == "reserved"
    before = ours.read(ched).ledger
    assert theirs.reserve(ched, B, *goods(3)).said == "IMG-7415"
    assert theirs.intervene(ched, B, "ForceWriteOff", *goods(3)).said == "IMG-7415"
    assert ours.read(ched).ledger == before
    assert theirs.reserve(another, B, *goods(3)).said == "reserved"
    assert theirs.reserve(ched, B, *goods(2)).said == "reserved"


def test_a_full_ched_takes_what_adds_nothing(narrow):
    ours, theirs = narrow.caller(), narrow.caller("customs-xi-other")
    ched = narrow.ched()
    assert ours.reserve(ched, A, *goods(3)).said == "reserved"
    assert theirs.reserve(ched, B, *goods(2)).said == "reserved"
    narrow.later(seconds=1)
    assert ours.reserve(ched, A, *goods(3, "2")).said == "reserved"
    assert theirs.reserve(ched, B, *goods(3)).said == "IMG-7415"
    assert ours.release(ched, A).said == "outcome 01"
    assert ours.intervene(ched, A, "AmendWriteOff", *goods(3)).said == "outcome 01"
    assert ours.intervene(ched, A, "DeleteWriteOff").said == "outcome 01"
    assert theirs.reserve(ched, B, *goods(3)).said == "reserved"


def test_a_full_ched_can_be_read_by_our_own_client(standing):
    """An answer with the most that may stand, and a CHED of a thousand lines beside it, stays within its limits."""
    ours, ched = standing.caller(), standing.ched(*(line(number) for number in range(1, 1000)))
    empty = ours.read(ched)
    assert ours.reserve(ched, A, Goods("1")).said == "reserved"
    one = ours.read(ched)
    elements = count(empty) + (count(one) - count(empty)) * MOST
    content = len(empty.raw) + (len(one.raw) - len(empty.raw) + LONG) * MOST
    assert elements <= REPLY_LIMITS.max_elements
    assert content <= REPLY_LIMITS.max_bytes


def count(answer):
    return sum(1 for _ in answer.body.getroottree().iter())
