"""What becomes of rows when a change meets a table: one key at a time, from the day on which the change holds."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.store import RowKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mappings.scratch import Scratch, Stands

__all__ = ["WITHDRAWN", "Mode", "Settler"]

WITHDRAWN = ""
"""Last day of a row that would only have begun with or after the one that takes its place."""
Outcome = tuple[int, str, str | None]


class Mode(StrEnum):
    """What happens to rows that the change does not name."""

    MERGE = "merge"
    """They stay."""
    REPLACE = "replace"
    """They end the day before: the change is the whole table."""


class Settler:
    """Decides which rows are added and which end.

    Args:
        effective_on: the day from which the change holds.
        mode: whether rows that are not named stay.
        kind: of a list the newest row about a code counts on every day, so that none has to end for another.
    """

    def __init__(self, effective_on: date, mode: Mode, kind: RowKind) -> None:
        self._day = effective_on.isoformat()
        self._mode = mode
        self._is_list = kind is RowKind.CODE
        self.unchanged = 0
        """Given rows that say what is there already."""

    def outcomes(self, scratch: Scratch) -> Iterator[Outcome]:
        """As `Scratch.decide` takes them."""
        for given, held in scratch.groups():
            if given or self._mode is Mode.REPLACE:
                yield from self._of_group(given, held)

    def _of_group(self, given: list[Stands], held: list[Stands]) -> Iterator[Outcome]:
        left = list(held)
        new: list[Stands] = []
        for row in given:
            same = next((each for each in left if self._is_said(row, each)), None)
            if same is None:
                new.append(row)
            else:
                left.remove(same)
                self.unchanged += 1
        ends: dict[int, str] = {}
        for row in new:
            shortened = next((each for each in left if self._is_shortened(row, each)), None)
            if shortened is not None:
                left.remove(shortened)
                ends[shortened.number] = row.last if row.last >= shortened.first else WITHDRAWN
            else:
                yield row.number, self._take_in(row, left, ends), None
        if self._mode is Mode.REPLACE:
            for each in left:
                if each.until >= self._day:
                    _end(ends, each, self._day)
        yield from ((number, "", last) for number, last in ends.items())

    def _take_in(self, row: Stands, left: list[Stands], ends: dict[int, str]) -> str:
        """The first day of a new row; what stands in its way ends before it."""
        if self._is_list:
            start = row.first or (left[-1].first if left else self._day)
            left.clear()
            return start
        if row.last and row.last < self._day:  # over already: history that replaces nothing
            return row.first
        start = max(row.first, self._day)
        rivals = [each for each in left if each.first <= row.until and each.until >= start]
        for each in rivals:
            _end(ends, each, start)
        return start if rivals else row.first or self._day

    def _is_said(self, row: Stands, held: Stands) -> bool:
        """Whether a held row says the same, at least from the effective day on."""
        return row.answer == held.answer and row.last == held.last and self._begins_with(row, held)

    def _is_shortened(self, row: Stands, held: Stands) -> bool:
        """Whether the change only gives a held row an earlier last day."""
        return row.answer == held.answer and row.until < held.until and self._begins_with(row, held)

    def _begins_with(self, row: Stands, held: Stands) -> bool:
        return row.first == held.first or (row.until >= self._day >= max(row.first, held.first))


def _end(ends: dict[int, str], row: Stands, start: str) -> None:
    """The row ends the day before; of several last days the earliest counts."""
    before = (date.fromisoformat(start) - timedelta(days=1)).isoformat()
    last = WITHDRAWN if row.first >= start else before
    ends[row.number] = min(last, ends.get(row.number, last))
