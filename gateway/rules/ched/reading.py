"""Small questions that several checks put to a CHED's values; none of them raises on any value."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.documents.ched import ChedLine, ChedPackage, ChedParty, Coded
    from gateway.documents.parts import Measure
    from gateway.rules.ched.models import Question

__all__ = [
    "codes",
    "country_of",
    "day_of",
    "is_count",
    "is_identified",
    "lacks",
    "line_name",
    "moment_of",
    "needs",
    "package_count",
    "quantity",
    "total_of",
]

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S*", re.ASCII)
_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(T\S*)?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d{1,24}(\.\d{0,24})?|\.\d{1,24})", re.ASCII)
_MAX_MAGNITUDE: Final = 24
"""Powers of ten either way: no consignment weighs more, and sums stay exact."""
_KILOGRAMS: Final = {
    "KGM": Decimal(1),
    "GRM": Decimal("0.001"),
    "DTN": Decimal(100),
    "TNE": Decimal(1000),
}
"""Recommendation 20."""
_MANDATORY: Final = "MANDATORY"
_ABSENT: Final = frozenset({"NOT_AVAILABLE", "DISABLED"})


def is_identified(party: ChedParty | None) -> bool:
    """Whether it says who it is: by an identifier, an approval number or a name."""
    return party is not None and bool(party.identifier or party.approval or party.name or party.person)


def country_of(party: ChedParty | None) -> str:
    """Its country's code; empty when it has none."""
    return party.address.country if party is not None else ""


def codes(coded: Iterable[Coded]) -> str:
    """Codes as a message lists them."""
    return ", ".join(each.code for each in coded)


def moment_of(text: str) -> datetime | None:
    """A date with a time, naive where it has no offset; None for any other text."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def day_of(text: str) -> date | None:
    """The day of a date or of a date with a time, as it is written; None for any other text."""
    found = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def line_name(line: ChedLine, position: int) -> str:
    """A line's own number, or its place (from 0) among the lines as a number from 1."""
    return str(position + 1 if line.number is None else line.number)


def quantity(measure: Measure | None) -> Measure | None:
    """A measure that says something and can be reckoned with.

    Zero without a unit says nothing: TRACES writes it where no weight was given (captured CHED-A).
    """
    if measure is None or not measure.value.is_finite() or (measure.value == 0 and not measure.unit):
        return None
    return measure if -_MAX_MAGNITUDE < measure.value.adjusted() < _MAX_MAGNITUDE else None


def is_count(text: str) -> bool:
    """Whether it is a number that is not negative."""
    return _NUMBER.fullmatch(text) is not None and not text.startswith("-")


def package_count(packages: Iterable[ChedPackage]) -> Decimal | None:
    """How many packages there are; None when none is counted, or one is counted with something else than a number."""
    counts = [package.count for package in packages if package.count]
    if not counts or not all(_NUMBER.fullmatch(count) for count in counts):
        return None
    return sum((Decimal(count) for count in counts), Decimal(0))


def total_of(measures: Iterable[Measure | None], unit: str) -> Decimal | None:
    """The sum in a unit; None when nothing is stated, or a unit among them cannot be turned into that one."""
    total = Decimal(0)
    stated = False
    for measure in measures:
        usable = quantity(measure)
        if usable is None:
            continue
        stated = True
        if usable.unit == unit:
            total += usable.value
        elif usable.unit in _KILOGRAMS and unit in _KILOGRAMS:
            total += usable.value * _KILOGRAMS[usable.unit] / _KILOGRAMS[unit]
        else:
            return None
    return total if stated else None


def needs(question: Question, attribute: str) -> bool | None:
    """Whether one of the commodities needs what an attribute stands for; None when reference data do not say."""
    answers = {answer for _, answer in _answers(question, attribute)} - {""}
    return _MANDATORY in answers if answers else None


def lacks(question: Question, attribute: str) -> str:
    """The first commodity for which reference data say that what an attribute stands for does not exist."""
    return next((commodity for commodity, answer in _answers(question, attribute) if answer in _ABSENT), "")


def _answers(question: Question, attribute: str) -> list[tuple[str, str]]:
    if question.known.access is None:
        return []
    return [(commodity, question.access(commodity, attribute)) for commodity in question.commodities]
