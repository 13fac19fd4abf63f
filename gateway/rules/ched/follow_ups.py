"""Checks of Part III: boxes III.4 to III.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched import Part
from gateway.rules.ched.decisions import joined
from gateway.rules.ched.models import Breach
from gateway.rules.ched.reading import day_of, is_identified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.rules.ched.models import Check, Question

__all__ = ["DAYS_TO_REDISPATCH", "FOLLOW_UPS"]

DAYS_TO_REDISPATCH: Final = 60
"""Refused goods leave before this many days have passed (R-III4-60)."""
_ARRIVALS: Final = frozenset({"ARRIVED", "NOT_ARRIVED"})


def redispatch_is_in_time(question: Question) -> Iterable[Breach]:
    decision, follow_up = question.ched.decision, question.ched.follow_up
    if question.conclusion_box != "II.16" or decision is None or follow_up is None or follow_up.redispatch is None:
        return ()
    refused, left = day_of(decision.signed), day_of(follow_up.redispatch.date)
    if refused is None or left is None or (left - refused).days < DAYS_TO_REDISPATCH:
        return ()
    return (Breach(follow_up.redispatch.date, {"refused": refused}),)


def redispatch_is_described(question: Question) -> Iterable[Breach]:
    follow_up = question.ched.follow_up
    redispatch = follow_up.redispatch if follow_up is not None else None
    if redispatch is None:
        return ()
    stated = (
        ("its means of transport", redispatch.transport),
        ("the country", redispatch.country),
        ("the exit post", redispatch.post),
        ("the date", redispatch.date),
    )
    missing = [name for name, value in stated if not value]
    return (Breach(more={"missing": ", ".join(missing)}),) if missing else ()


def follow_up_says_something(question: Question) -> Iterable[Breach]:
    follow_up = question.ched.follow_up
    if follow_up is None:
        return (Breach(),) if question.part is Part.III else ()
    said = (
        follow_up.arrived,
        follow_up.conform,
        follow_up.outcome,
        follow_up.reasons,
        follow_up.text,
        follow_up.redispatch,
    )
    return () if any(said) else (Breach(),)


def arrival_is_answered(question: Question) -> Iterable[Breach]:
    follow_up = question.ched.follow_up
    onward = question.conclusion_box == "II.10" or question.conclusion == "ACCEPTABLE_FOR_TRANSFER"
    if follow_up is None or not onward or follow_up.arrived or follow_up.outcome.code in _ARRIVALS:
        return ()
    return (Breach(question.conclusion),)


def officer_is_named(question: Question) -> Iterable[Breach]:
    follow_up = question.ched.follow_up
    if follow_up is None:
        return ()
    stated = (
        ("the certifying officer", is_identified(follow_up.officer)),
        ("the day of the follow-up", follow_up.signed),
    )
    missing = [name for name, value in stated if not value]
    return (Breach(more={"missing": joined(missing)}),) if missing else ()


FOLLOW_UPS: Final[Mapping[str, Check]] = {
    "R-III4-60": redispatch_is_in_time,
    "R-III4-M": redispatch_is_described,
    "R-III5-M": follow_up_says_something,
    "R-III5-ARRIVED": arrival_is_answered,
    "R-III6-M": officer_is_named,
}
