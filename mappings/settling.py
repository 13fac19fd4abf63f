"""What becomes of rows when a change meets a table: one key at a time, from the day on which the change holds.

A key is a row's code (or its canonical code, where it leads outwards only) and context; of a list it is the code. A new
row ends what answers in its place the day before it begins, and ends itself the day before a row that is planned for a
later day: what was published for the future stays, unless the change is the whole table.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.store import RowKind
from mappings.scratch import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from mappings.scratch import Scratch, Stands

__all__ = ["WITHDRAWN", "Mode", "Settler", "Shortened"]

WITHDRAWN = ""
"""Last day of a row that would only have begun with or after the one that takes its place."""
_TOLD: Final = 20


class Mode(StrEnum):
    """What happens to rows that the change does not name."""

    MERGE = "merge"
    """They stay."""
    REPLACE = "replace"
    """They end the day before: the change is the whole table."""


class Shortened(NamedTuple):
    """A row of the change that ends earlier than it says, because another one is planned."""

    row: Stands
    """With the last day that it gets."""
    planned: Stands


class Settler:
    """Decides which rows are added and which end.

    Args:
        effective_on: the day from which the change holds.
        mode: whether rows that are not named stay.
        kind: of maps or of a list.
        today: rows that begin later are planned.
        languages: those for which the change says labels of codes; the labels in others stay. None: it says all.
    """

    def __init__(
        self,
        effective_on: date,
        mode: Mode,
        kind: RowKind,
        *,
        today: date,
        languages: Collection[str] | None = None,
    ) -> None:
        self._day = effective_on.isoformat()
        self._today = today.isoformat()
        self._mode = mode
        self._is_list = kind is RowKind.CODE
        self._languages = languages
        self._planned: dict[int, Stands] = {}
        """By number of a given row: the one before which it ends."""
        self.unchanged = 0
        """Given rows that say what is there already."""
        self.shortened: list[Shortened] = []
        """Given rows that end before a planned one, the first of them."""

    def outcomes(self, scratch: Scratch) -> Iterator[Outcome]:
        """As `Scratch.decide` takes them."""
        for given, held in scratch.groups():
            if given or self._mode is Mode.REPLACE:
                yield from self._of_group(given, held)

    def _of_group(self, given: list[Stands], held: list[Stands]) -> Iterator[Outcome]:
        self._planned.clear()
        left = list(held)
        new: list[Stands] = []
        for row in (self._as_meant(each, given, held) for each in given):
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
                if row.number in self._planned and len(self.shortened) < _TOLD:
                    self.shortened.append(Shortened(row, self._planned[row.number]))
                yield Outcome(row.number, row.last, self._take_in(row, left, ends), row.labels)
        if self._mode is Mode.REPLACE:
            for each in left:
                if each.until >= self._day:
                    _end(ends, each, self._day)
        yield from (Outcome(number, last) for number, last in ends.items())

    def _as_meant(self, row: Stands, given: Sequence[Stands], held: Sequence[Stands]) -> Stands:
        """The row with the labels that the change is silent about, until the day before a planned one."""
        start = max(row.first, self._day)
        if self._languages is not None:
            row = row._replace(labels=self._labels(row, held, start))
        if self._mode is Mode.REPLACE or row.until < start:
            return row
        named = {each.first for each in given}
        planned = next(
            (each for each in held if max(start, self._today) < each.first <= row.until and each.first not in named),
            None,
        )
        if planned is None:
            return row
        self._planned[row.number] = planned
        return row._replace(last=_day_before(planned.first))

    def _labels(self, row: Stands, held: Sequence[Stands], start: str) -> str:
        """Those of the row, and of languages that it cannot speak of those of the period that it takes the place of."""
        begun = [each for each in held if each.first <= start]
        before = begun[-1] if begun else held[0] if held else None
        if before is None or not before.labels:
            return row.labels
        kept = {name: text for name, text in json.loads(before.labels).items() if name not in (self._languages or ())}
        labels = kept | (json.loads(row.labels) if row.labels else {})
        return json.dumps(labels, ensure_ascii=False, sort_keys=True) if labels else ""

    def _take_in(self, row: Stands, left: list[Stands], ends: dict[int, str]) -> str:
        """The first day of a new row; what stands in its way ends before it."""
        is_over = bool(row.last) and row.last < self._day
        if is_over and not self._is_list:  # history that replaces nothing
            return row.first
        start = row.first if is_over else max(row.first, self._day)
        rivals = [each for each in left if each.first <= row.until and _until(each, ends) >= start]
        for each in rivals:
            _end(ends, each, start)
        return start if rivals else row.first or ("" if is_over else self._day)

    def _is_said(self, row: Stands, held: Stands) -> bool:
        """Whether a held row says the same, at least from the effective day on."""
        return row.answer == held.answer and row.last == held.last and self._begins_with(row, held)

    def _is_shortened(self, row: Stands, held: Stands) -> bool:
        """Whether the change only gives a held row an earlier last day."""
        return row.answer == held.answer and row.until < held.until and self._begins_with(row, held)

    def _begins_with(self, row: Stands, held: Stands) -> bool:
        return row.first == held.first or (row.until >= self._day >= max(row.first, held.first))


def _until(row: Stands, ends: dict[int, str]) -> str:
    """The last day of a held row, with what the change gives it; nothing of one that it withdraws."""
    return ends.get(row.number, row.until)


def _end(ends: dict[int, str], row: Stands, start: str) -> None:
    """The row ends the day before; of several last days the earliest counts."""
    last = WITHDRAWN if row.first >= start else _day_before(start)
    ends[row.number] = min(last, ends.get(row.number, last))


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
