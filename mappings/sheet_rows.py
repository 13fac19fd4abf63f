"""One line of a spreadsheet as a checked row: quickly where it is right, with every fault where it is not."""

from __future__ import annotations

import json
import unicodedata
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.store import RowKind
from mappings.contexts import FORM
from mappings.models import MAX_CODE, Direction, Grade, Loss
from mappings.sheet_cells import Odd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mappings.sheet_cells import Cell

__all__ = ["DANGEROUS", "LABEL", "LIST_COLUMNS", "MAP_COLUMNS", "RowReader", "SheetRow", "cell_faults", "guarded"]

MAP_COLUMNS: Final = (
    "code",
    "canonical",
    "context",
    "direction",
    "loss",
    "valid_from",
    "valid_to",
    "grade",
    "evidence",
)
LIST_COLUMNS: Final = ("code", "name", "valid_from", "valid_to", "grade", "note", "parent")
"""Beside these a list has any number of columns ``name:fr``: labels by language."""
LABEL: Final = "name:"
DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet begins to calculate."""
_MAX_TEXT: Final = 4000
_KEYS: Final = ("code", "canonical", "context", "parent")
_WORDS: Final = {"direction": frozenset(Direction), "loss": frozenset(Loss), "grade": frozenset(Grade)}
_DAYS: Final = ("valid_from", "valid_to")
_FORMULA: Final = "text; with an apostrophe before it where it must begin so"


class SheetRow(NamedTuple):
    """One row as the store takes it; ``text`` is the evidence of a map row or the note of a code."""

    line: int
    code: str
    canonical: str = ""
    context: str = ""
    direction: str = "both"
    loss: str = "none"
    valid_from: str = ""
    valid_to: str = ""
    grade: str = "own"
    text: str = ""
    name: str = ""
    parent: str = ""
    labels: str = ""


class CellFault(NamedTuple):
    """What is wrong with one cell."""

    column: str
    found: str
    expected: str
    code: str = "IMG-0135"


def guarded(text: str) -> str:
    """A cell's text as a spreadsheet may hold it: it begins no formula. `RowReader` takes the apostrophe off again."""
    return f"'{text}" if text.lstrip("'").startswith(DANGEROUS) else text


class RowReader:
    """Lines to rows, for the columns of one file.

    Args:
        columns: their names, in the order of the file.
        kind: of a map or of a list.
        grade: of rows that name none.
    """

    def __init__(self, columns: list[str], kind: RowKind, grade: str) -> None:
        self._columns = columns
        self._kind = kind
        self._grade = grade
        self._labels = [column for column in columns if column.startswith(LABEL)]
        place = {column: number for number, column in enumerate(columns)}
        text = "evidence" if kind is RowKind.MAP else "note"
        fields = ("code", "canonical", "context", "direction", "loss", *_DAYS, "grade", text, "name", "parent")
        defaults = {"direction": str(Direction.BOTH), "loss": str(Loss.NONE), "grade": grade}
        # The place of each field's cell; a cell behind the last one stands for a column that is not there.
        self._places = [place.get(field, len(columns)) for field in fields]
        self._defaults = [defaults.get(field, "") for field in fields]

    def row(self, line: int, cells: list[Cell]) -> SheetRow | None:
        """The row, or None where something is wrong: `faults` says what."""
        count = len(self._columns)
        if len(cells) < count or any(cells[count:]):
            return None
        if not all(map(_is_plain, self._columns, cells)):
            return None
        row = self._made_of(line, [str(cell) for cell in cells[:count]])
        plain = _plain_words(row.direction, row.loss, row.grade) and _plain_days(row.valid_from, row.valid_to)
        return row if plain and not _meaning(self._kind, row) else None

    def faults(self, line: int, cells: list[Cell]) -> Iterator[CellFault]:
        """Everything that is wrong with a line that is no row."""
        count = len(self._columns)
        if len(cells) < count or any(cells[count:]):
            yield CellFault(self._columns[-1], f"{len(cells)} cells", f"{count}, as the line of names has")
            return
        found = [
            fault for column, cell in zip(self._columns, cells, strict=False) for fault in cell_faults(column, cell)
        ]
        yield from found
        if not found:
            yield from _meaning(self._kind, self._made_of(line, [str(cell) for cell in cells[:count]]))

    def _made_of(self, line: int, cells: list[str]) -> SheetRow:
        """A row of cells of which each is right."""
        texts = [_bare(cell) if cell[:1] == "'" else cell for cell in cells]
        texts.append("")
        fields = [texts[place] or default for place, default in zip(self._places, self._defaults, strict=True)]
        return SheetRow._make([line, *fields, self._labels_of(texts) if self._labels else ""])

    def _labels_of(self, texts: list[str]) -> str:
        labels = {
            column.removeprefix(LABEL): text
            for column, text in zip(self._columns, texts, strict=False)
            if text and column.startswith(LABEL)
        }
        return json.dumps(labels, ensure_ascii=False, sort_keys=True) if labels else ""


_LOOK: Final = frozenset((*DANGEROUS, " "))
_CONTEXT: Final = "context"


def _is_plain(column: str, cell: Cell) -> bool:
    """Whether a cell may be taken: at a glance for nearly all of them."""
    if not cell:
        return True
    return (
        isinstance(cell, str)
        and column != _CONTEXT
        and len(cell) <= MAX_CODE
        and cell[0] not in _LOOK
        and cell[-1] != " "
        and cell.isprintable()
    ) or not any(cell_faults(column, cell))


def _bare(cell: str) -> str:
    """The text without the apostrophe that keeps it from being a formula."""
    return cell[1:] if cell.lstrip("'").startswith(DANGEROUS) else cell


def cell_faults(column: str, cell: Cell) -> Iterator[CellFault]:
    """What is wrong with a cell by itself, in a column of this name."""
    if isinstance(cell, Odd):
        yield CellFault(column, cell.found, cell.expected, "IMG-0136" if cell.formula else "IMG-0135")
        return
    if cell.startswith(DANGEROUS):
        yield CellFault(column, repr(cell), _FORMULA, "IMG-0136")
        return
    most = MAX_CODE if column in _KEYS else _MAX_TEXT
    if len(cell) > most:
        yield CellFault(column, f"{len(cell)} letters", f"at most {most}")
    if column in _KEYS and cell != cell.strip():
        yield CellFault(column, repr(cell), "no blanks around it")
    elif column in _KEYS and not cell.isprintable():
        yield CellFault(column, repr(cell), "letters that can be seen")
    elif any(unicodedata.category(letter) == "Cc" and letter not in "\n\r" for letter in cell):
        yield CellFault(column, repr(cell), "no control characters")
    if column == _CONTEXT and not FORM.fullmatch(cell):
        yield CellFault(column, repr(cell), "a document type, or a path such as 636/P")
    if cell and column in _WORDS and cell not in _WORDS[column]:
        yield CellFault(column, repr(cell), " | ".join(sorted(_WORDS[column])))
    if cell and column in _DAYS and not _is_day(cell):
        yield CellFault(column, repr(cell), "YYYY-MM-DD")


@lru_cache(maxsize=256)
def _plain_words(direction: str, loss: str, grade: str) -> bool:
    return direction in _WORDS["direction"] and loss in _WORDS["loss"] and grade in _WORDS["grade"]


@lru_cache(maxsize=4096)
def _plain_days(first: str, last: str) -> bool:
    return not (first or last) or all(_is_day(day) for day in (first, last) if day)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _meaning(kind: RowKind, row: SheetRow) -> list[CellFault]:
    """What is wrong with a row whose cells are right; as ``mappings.checks`` asks of a table."""
    found: list[CellFault] = []
    if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
        found.append(CellFault("valid_to", row.valid_to, f"a day not before {row.valid_from}"))
    if kind is RowKind.CODE:
        if not row.code:
            found.append(CellFault("code", "nothing", "a code"))
        return found
    if row.code and row.canonical:
        return found
    if not (row.code or row.canonical):
        found.append(CellFault("code", "nothing", "a code on one side at least"))
    elif row.direction == Direction.BOTH:
        found.append(CellFault("direction", row.direction, "in, out or none: a code on one side only"))
    elif row.loss != Loss.NARROWS and row.direction != Direction.NONE:
        found.append(CellFault("loss", row.loss, "narrows: the place is left out"))
    return found
