"""A message that was overtaken by a later one of its declaration has no effect, whatever that one was answered."""

from __future__ import annotations

import pytest
from certex_harness import MRN, Goods
from sqlalchemy import text

LATE = MRN("26XILATE000000001")
UNKNOWN = "CHEDP.XI.2026.8888888"


@pytest.fixture
def xi(standing):
    return standing.caller()


def noted(world, reference):
    with world.store.read() as connection:
        rows = connection.execute(
            text(
                "SELECT declaration, declaration_type, d.partner FROM customs_declarations d JOIN cheds c "
                "ON c.id = d.ched_id WHERE c.reference = :reference ORDER BY 1, 2, 3"
            ),
            {"reference": reference},
        )
        return [tuple(row) for row in rows]


def test_a_deletion_that_came_first_wins(standing, xi):
    ched = standing.ched()
    sent = xi.instant()
    standing.later(seconds=5)
    assert xi.delete(ched, LATE).said == "outcome 02"
    standing.later(seconds=5)
    assert xi.reserve(ched, LATE, Goods("100"), at=sent).said == "IMG-7404"
    assert xi.read(ched).reserved == []
    assert xi.reserve(ched, LATE, Goods("100")).said == "reserved"


def test_a_refusal_that_came_first_wins_also_where_the_ched_takes_nothing(standing, xi):
    ched = standing.ched(status="1")
    sent = xi.instant()
    standing.later(seconds=5)
    assert xi.reserve(ched, LATE, Goods("1")).said == "04"
    standing.set_status(ched, "70")
    assert xi.reserve(ched, LATE, Goods("7"), at=sent).said == "IMG-7404"
    assert xi.read(ched).reserved == []


def test_messages_of_one_moment_are_taken_in_any_order(standing, xi):
    ched = standing.ched()
    sent = xi.instant()
    assert xi.delete(ched, LATE, at=sent).said == "outcome 02"
    assert xi.reserve(ched, LATE, Goods("1"), at=sent).said == "reserved"


def test_another_customs_system_overtakes_nobody(standing, xi):
    ched = standing.ched()
    sent = xi.instant()
    standing.later(seconds=5)
    assert standing.caller("customs-xi-other").delete(ched, LATE).said == "outcome 02"
    assert xi.reserve(ched, LATE, Goods("1"), at=sent).said == "reserved"
    assert noted(standing, ched) == [(LATE, "MRN", "customs-xi"), (LATE, "MRN", "customs-xi-other")]


def test_another_ched_is_another_matter(standing, xi):
    first, second = standing.ched(), standing.ched()
    sent = xi.instant()
    standing.later(seconds=5)
    assert xi.delete(first, LATE).said == "outcome 02"
    assert xi.reserve(second, LATE, Goods("1"), at=sent).said == "reserved"


def test_nothing_is_kept_of_what_was_not_judged(standing, xi):
    ched = standing.ched()
    assert xi.delete(UNKNOWN, LATE).said == "outcome 02"
    assert xi.reserve(ched, LATE, Goods("1"), Goods("1")).said == "IMG-7402"
    assert xi.delete(ched, "26XINEVER", office="XI000077").said == "IMG-2114"
    assert xi.read(ched).said == "read"
    assert noted(standing, ched) == []
