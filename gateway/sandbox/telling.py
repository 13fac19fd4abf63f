"""How the demo tells its story: steps as data for ``--json``, and as text for a person at a terminal."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

__all__ = ["Step", "Teller", "TranslatedRow", "translated_rows"]

MAX_WIDTH: Final = 110
"""Columns; longer lines are hard to read even where the terminal is wider."""
TABLE_WIDTH: Final = 96
"""Columns below which a table of mapping rows would be folded beyond recognition."""
_INDENT: Final = 5


@dataclass(frozen=True, slots=True)
class TranslatedRow:
    """One row of the mapping tables and how often it was used with the same outcome."""

    place: str
    """Last steps of the XPath, without prefixes and positions."""
    source: str
    target: str
    row: str
    """Id of the row, without the code when that is ``source``."""
    times: int


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, whether it was what should happen, and why anybody should care."""

    title: str
    ok: bool
    why: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    rows: tuple[TranslatedRow, ...] = ()


def translated_rows(report: Iterable[Mapping[str, Any]]) -> tuple[TranslatedRow, ...]:
    """The places of a translation report whose code changed, equal ones together, in their first order."""
    counted = Counter(
        (_place(entry["path"]), entry["source_code"], entry["target_code"], entry["row_id"])
        for entry in report
        if entry["source_code"] != entry["target_code"]
    )
    return tuple(
        TranslatedRow(place, source, target, row.removesuffix(f"/{source}") if source else row, times)
        for (place, source, target, row), times in counted.items()
    )


def _place(path: str) -> str:
    steps = [re.sub(r"^\w+:|\[\d+\]$", "", re.sub(r"\[\d+\]$", "", step)) for step in path.split("/")]
    return "/".join(steps[-2:]) if steps[-1].startswith("@") else steps[-1]


class Teller:
    """Writes steps to a terminal, numbered, each as soon as it has happened.

    Args:
        console: where to; its width is used as far as it is readable.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def say(self, *lines: str) -> None:
        """Plain lines that are not wrapped, so that they can be pasted."""
        for line in lines:
            self._console.print(Text(line), soft_wrap=True)

    def heading(self, text: str) -> None:
        """A heading with room above it."""
        self._console.print(Text(f"\n{text}\n", "bold underline"))

    def facts(self, facts: Iterable[tuple[str, str]], *, indent: int = _INDENT) -> None:
        """Names on the left, values on the right, long values continued below themselves."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, min_width=14)
        grid.add_column(overflow="fold")
        for name, value in facts:
            grid.add_row(Text(name, "cyan"), Text(value))
        self._print(grid, indent)

    def step(self, step: Step) -> None:
        """One step: outcome and title, why it matters, what was seen."""
        self._number += 1
        outcome = Text("ok  ", "bold green") if step.ok else Text("FAIL", "bold red")
        title = Table.grid(padding=(0, 1, 0, 0))
        title.add_row(Text(f"{self._number:2}"), outcome, Text(step.title, "bold"))
        self._print(title, 0)
        if step.why:
            self._print(Text(step.why, "italic dim"), _INDENT + 3)
        self.facts(step.facts, indent=_INDENT + 3)
        if step.rows:
            self._rows(step.rows)
        self._console.print()

    def verdict(self, text: str, *, good: bool) -> None:
        """The last word."""
        self._console.print(Text(text, "bold green" if good else "bold red"))

    def _rows(self, rows: Iterable[TranslatedRow]) -> None:
        """A table where there is room for one, otherwise line by line."""
        told = [
            (row.place, f"{row.source or '(nothing)'} → {row.target}", f"{row.row} x{row.times}".removesuffix(" x1"))
            for row in rows
        ]
        if self._console.width < TABLE_WIDTH:
            self.facts([(place, f"{change}\n{row}") for place, change, row in told], indent=_INDENT + 3)
            return
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        for name, foldable in (("place", False), ("change", True), ("by this row of the tables", False)):
            table.add_column(Text(name, "cyan"), overflow="fold" if foldable else "ellipsis", no_wrap=not foldable)
        for line in told:
            table.add_row(*map(Text, line))
        self._console.print()
        self._print(table, _INDENT + 3)

    def _print(self, what: Any, indent: int) -> None:
        self._console.print(Padding(what, (0, 0, 0, indent), expand=False), width=min(self._console.width, MAX_WIDTH))
