"""The periods of a code: what a list says about it from one day to another, and which of them a day is in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mappings.models import Code

__all__ = ["STORED", "AskedCodes", "by_code", "holds", "in_order", "installed", "period_on"]

STORED: Final = "#"
"""Begins the mark of a period in the store; its number follows."""


class AskedCodes(Mapping[str, "Code"]):
    """Codes that are kept in the store and asked one by one."""

    @abstractmethod
    def on(self, day: date) -> Self:
        """The same, each code in the period that the day is in."""

    @abstractmethod
    def about(self, code: str) -> tuple[Code, ...]:
        """Every period of a code, in the order of their first days; none of a code that the list has not."""


def holds(code: Code, on: date) -> bool:
    """Whether a code holds on a day, both ends included."""
    return not ((code.valid_from and on < code.valid_from) or (code.valid_to and on > code.valid_to))


def period_on(periods: Sequence[Code], day: date) -> Code:
    """The period that a day is in; where it is in none, the last one before it, or the first one after it.

    Args:
        periods: at least one, in the order of their first days.
        day: which.
    """
    held = next((each for each in reversed(periods) if holds(each, day)), None)
    begun = (each for each in reversed(periods) if each.valid_from is None or each.valid_from <= day)
    return held or next(begun, periods[0])


def by_code(codes: Iterable[Code]) -> tuple[dict[str, Code], dict[str, tuple[Code, ...]]]:
    """Periods as a `CodeList` keeps them: the newest of each code, and all of a code that has several."""
    newest: dict[str, Code] = {}
    several: dict[str, list[Code]] = {}
    for each in codes:
        before = newest.setdefault(each.code, each)
        if before is not each:
            several.setdefault(each.code, [before]).append(each)
    periods = {code: in_order(rows) for code, rows in several.items()}
    newest |= {code: rows[-1] for code, rows in periods.items()}
    return newest, {code: rows for code, rows in periods.items() if len(rows) > 1}


def in_order(periods: Iterable[Code]) -> tuple[Code, ...]:
    """The periods of one code in the order of their first days.

    One of the store goes before an installed one: a later release may install a code that an operator added before.
    The installed period then ends the day before that of the store.
    """
    rows = sorted(periods, key=_first_day)
    changed = [each for each in rows if each.mark.startswith(STORED)]
    if not changed or len(changed) == len(rows):
        return tuple(rows)
    return tuple(kept for each in rows if (kept := each if each in changed else _before(each, changed)) is not None)


def _before(period: Code, changed: Sequence[Code]) -> Code | None:
    """What is left of an installed period."""
    last = period.valid_to or date.max
    meet = [each for each in changed if _first_day(each) <= last and _first_day(period) <= (each.valid_to or date.max)]
    if not meet:
        return period
    first = _first_day(meet[0])
    return None if first <= _first_day(period) else replace(period, valid_to=first - timedelta(days=1))


def installed(codes: Iterable[Code]) -> tuple[dict[str, Code], dict[str, tuple[Code, ...]]]:
    """As `by_code`, of a list in a file: each further period of a code is marked by its first day."""
    newest, several = by_code(codes)
    periods = {
        code: (first, *(replace(each, mark=f"+{each.valid_from}") for each in further))
        for code, (first, *further) in several.items()
    }
    return newest | {code: rows[-1] for code, rows in periods.items()}, periods


def _first_day(code: Code) -> date:
    return code.valid_from or date.min
