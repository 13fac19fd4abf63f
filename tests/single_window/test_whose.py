"""Whose a declaration is: by its own LRNs alone nobody is kept from an MRN, and what is given back stays its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from certex_harness import LRN, MRN, Goods

from gateway.single_window.operating import release_holds
from gateway.store import Declaration, DeclarationType

OWN = MRN("26XI00020000000001")
LITTLE = Goods("0.000001", "GRM")


@pytest.fixture
def ours(certex):
    return certex.caller("customs-xi")


@pytest.fixture
def theirs(certex):
    return certex.caller("customs-xi-other")


@pytest.mark.parametrize("number", [OWN, OWN.lower()])
def test_an_lrn_of_another_system_is_not_in_the_way_of_an_mrn(certex, ours, theirs, number):
    ched = certex.ched()
    assert ours.reserve(ched, OWN, Goods("600")).said == "reserved"
    assert theirs.reserve(ched, LRN(number), LITTLE).said == "reserved"
    certex.later(seconds=1)
    assert ours.release(ched, OWN).said == "outcome 01"
    assert ours.intervene(ched, OWN, "AmendWriteOff", Goods("500")).said == "outcome 01"
    assert ours.intervene(ched, OWN, "DeleteWriteOff").said == "outcome 01"
    (left,) = ours.read(ched).reserved
    assert (left.kind, left.number) == ("LRN", number)


def test_an_lrn_of_another_system_is_not_what_a_clearance_means(certex, ours, theirs):
    ched = certex.ched()
    assert theirs.reserve(ched, LRN(OWN), Goods("5")).said == "reserved"
    before = ours.read(ched).ledger
    assert ours.release(ched, OWN).said == "outcome 02"
    assert ours.delete(ched, OWN).said == "outcome 02"
    assert ours.read(ched).ledger == before


def lost_by_asking_for_too_much(ours, ched):
    assert ours.reserve(ched, OWN, Goods("9999")).said == "05 1/1"


def given_back(ours, ched):
    assert ours.delete(ched, OWN).said == "outcome 01"


def taken_back(ours, ched):
    assert ours.release(ched, OWN).said == "outcome 01"
    assert ours.intervene(ched, OWN, "DeleteWriteOff").said == "outcome 01"


@pytest.mark.parametrize("ending", [lost_by_asking_for_too_much, given_back, taken_back])
def test_a_declaration_of_which_nothing_stands_stays_its_systems(certex, ours, theirs, ending):
    ched = certex.ched()
    assert ours.reserve(ched, OWN, Goods("600")).said == "reserved"
    certex.later(seconds=1)
    ending(ours, ched)
    certex.later(seconds=1)
    before = ours.read(ched).ledger
    for said in (
        theirs.reserve(ched, OWN, Goods("5")).said,
        theirs.release(ched, OWN).said,
        theirs.intervene(ched, OWN, "ForceWriteOff", Goods("5")).said,
    ):
        assert said == "IMG-7407"
    assert ours.read(ched).ledger == before
    assert theirs.reserve(ched, LRN(OWN), Goods("5")).said == "reserved"
    assert ours.reserve(ched, OWN, Goods("5")).said == "reserved"


def test_what_an_operator_gave_back_is_free_though_its_clock_was_ahead(certex, ours, theirs):
    ched = certex.ched()
    ahead = f"{certex.now + timedelta(minutes=4):%FT%T}Z"
    assert theirs.reserve(ched, OWN, Goods("5"), at=ahead).said == "reserved"
    certex.later(seconds=1)
    whose = Declaration(DeclarationType.MRN, OWN)
    certex.store.write(
        lambda connection: release_holds(connection, ched, whose, actor="op", reason="not its own", at=certex.now)
    )
    certex.later(minutes=5)
    assert ours.reserve(ched, OWN, Goods("600")).said == "reserved"
    assert theirs.reserve(ched, OWN, Goods("5")).said == "IMG-7407"


def test_another_ched_says_nothing_about_whose_it_is(certex, ours, theirs):
    """Several systems may clear one declaration's goods, each on its own CHED."""
    assert ours.reserve(certex.ched(), OWN, Goods("5")).said == "reserved"
    assert theirs.reserve(certex.ched(), OWN, Goods("5")).said == "reserved"


def test_mrns_of_other_countries_are_not_moved_and_lrns_may_be(certex):
    system = certex.caller("customs-xi-mrns")
    ched = certex.ched()
    assert system.reserve(ched, OWN, Goods("5")).said == "IMG-2115"
    assert system.intervene(ched, OWN, "ForceWriteOff", Goods("5")).said == "IMG-2115"
    assert system.reserve(ched, MRN("26GBGBK0000000001X"), Goods("5")).said == "reserved"
    assert system.reserve(ched, LRN("XI-1"), Goods("5")).said == "reserved"
    assert system.read(ched).said == "read"
