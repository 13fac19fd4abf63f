"""The table of statuses, its page in the documentation, and what a conclusion leads to."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from ched_harness import ched_pp, decision

from gateway.ched.states import (
    DECIDED,
    ONWARD,
    STATUS_NAMES,
    TERMINAL,
    TRANSITIONS,
    ChedStatus,
    Mover,
    Operation,
    check_transition,
    decided_status,
)
from gateway.errors import ChedRefused

CODES = {"47", "1", "42", "70", "41", "122", "44", "64", "55", "97", "146", "124", "35", "99"}
"""DIGEST 6."""
ADR = Path(__file__).parents[2] / "docs" / "adr" / "0009-statuses-and-decisions-of-cheds.md"


def test_every_status_of_traces_is_there_and_has_its_name():
    assert {status.value for status in ChedStatus} == CODES
    assert STATUS_NAMES.keys() == set(ChedStatus)


def test_nothing_leaves_the_end():
    assert not [step for step in TRANSITIONS if step.before in TERMINAL]
    assert TERMINAL.isdisjoint(DECIDED)


def test_every_status_is_reached():
    reached = {step.after for step in TRANSITIONS}
    assert reached == set(ChedStatus)


def test_only_a_post_decides():
    deciding = {step.mover for step in TRANSITIONS if step.after in ONWARD and step.before not in ONWARD}
    assert deciding == {Mover.POST}


def test_the_documentation_has_the_same_table():
    rows = re.findall(r"^\| ([^|]+) \| ([0-9, ]+) \| (\w+) \| (\w+) \|$", ADR.read_text("utf-8"), re.MULTILINE)
    documented = {
        (None if before == "none" else before, after, mover, by)
        for befores, afters, mover, by in rows
        for before in befores.split(", ")
        for after in afters.split(", ")
    }
    built = {(step.before and step.before.value, step.after.value, step.mover.value, step.by.value)
             for step in TRANSITIONS}  # fmt: skip
    assert documented == built


@pytest.mark.parametrize(
    ("before", "after", "mover", "by"),
    [
        ("70", ChedStatus.NEW, Mover.OPERATOR, Operation.SUBMIT),
        ("1", ChedStatus.VALIDATED, Mover.OPERATOR, Operation.DECIDE),
        ("64", ChedStatus.VALIDATED, Mover.POST, Operation.DECIDE),
        ("70", ChedStatus.CANCELLED, Mover.OPERATOR, Operation.CANCEL),
        (None, ChedStatus.VALIDATED, Mover.POST, Operation.DECIDE),
        ("47", ChedStatus.IN_PROGRESS, Mover.POST, Operation.IN_PROGRESS),
        ("41", ChedStatus.VALIDATED, Mover.FOLLOWER, Operation.FOLLOW_UP),
    ],
)
def test_other_steps_are_refused(before, after, mover, by):
    with pytest.raises(ChedRefused) as refused:
        check_transition(before, after, mover, by)
    assert refused.value.code == "IMG-7202"
    assert (before or "none") in refused.value.found


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ACCEPTABLE_FOR_TRANSHIPMENT", "146"),
        ("ACCEPTABLE_FOR_TRANSFER", "124"),
        ("ACCEPTABLE_FOR_ONWARD_TRAVEL", "35"),
        ("ACCEPTABLE_FOR_ONWARD_TRANSPORTATION", "97"),
        ("ACCEPTABLE_FOR_TRANSIT", "99"),
        ("ACCEPTABLE_FOR_INTERNAL_MARKET", "70"),
        ("ACCEPTABLE_FOR_FREE_CIRCULATION", "70"),
        ("ACCEPTABLE_FOR_MONITORING", "70"),
        ("HORSE_RE_ENTRY", "70"),
        ("NOT_ACCEPTABLE", "41"),
    ],
)
def test_a_conclusion_leads_to_its_status(code, status):
    assert decided_status(replace(ched_pp(), decision=decision(code))) == status


def test_without_a_conclusion_there_is_no_decision():
    assert decided_status(ched_pp()) is None
    assert decided_status(ched_pp(decision=decision(conclusion=()))) is None


def test_a_refusal_is_partial_once_a_part_was_accepted():
    refused = ched_pp(decision=decision("NOT_ACCEPTABLE"))
    assert decided_status(refused, parts_accepted=True) is ChedStatus.PARTIALLY_REJECTED
    accepted = ched_pp(decision=decision())
    assert decided_status(accepted, parts_accepted=True) is ChedStatus.VALIDATED
