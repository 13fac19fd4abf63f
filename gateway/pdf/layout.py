"""Puts framed cells on pages of A4: what fits is kept whole, what does not goes on over the page, nothing is cut.

The first pass makes pages of marks, and only then is it known how many there are; ``writing`` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.pdf.fonts import runs_of
from gateway.pdf.marks import BOTTOM, LEFT, WIDTH, Frame, Page, Paragraph, Row, Rule, TextLine, Use
from gateway.pdf.wrapping import MAX_CHARACTERS, too_long, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.pdf.fonts import Run
    from gateway.pdf.marks import Cell

__all__ = ["Flow"]

_TITLE: Final = 6.6
_LEADING: Final = 1.27
_PAD: Final = 3.0
_BLANK: Final = 20.0
"""Height of an empty box that a hand can fill."""
_LEAST: Final = 60.0
"""A cell is not begun in less."""
_KEEP: Final = 0.45
"""Of a page: what is lower than this is not divided."""
MAX_PAGES: Final = 400


@dataclass(frozen=True, slots=True)
class _Line:
    """A wrapped line, not yet at its place."""

    runs: tuple[Run, ...]
    size: float
    grey: bool = False

    @property
    def height(self) -> float:
        return self.size * _LEADING

    @property
    def width(self) -> float:
        return sum(run.width for run in self.runs) * self.size


@dataclass(frozen=True, slots=True)
class _Column:
    """A cell whose lines are wrapped."""

    x: float
    width: float
    title: tuple[_Line, ...]
    lines: tuple[_Line, ...]
    use: Use

    @property
    def height(self) -> float:
        title, lines = _height(self.title), _height(self.lines)
        return 2 * _PAD + title + (lines or (_BLANK - _TITLE if self.use is Use.BLANK else 0.0))

    def divided(self, room: float) -> tuple[_Column, _Column]:
        """What fits into the height, and the rest."""
        left = room - 2 * _PAD - _height(self.title)
        taken = 0
        for line in self.lines:
            left -= line.height
            if left < 0:
                break
            taken += 1
        return replace(self, lines=self.lines[:taken]), replace(self, lines=self.lines[taken:])


class _Stacks:
    """Two columns of boxes that end at the same height."""

    def __init__(self, left: _Column, right: _Column) -> None:
        self._placed = [(left, 0.0), (right, 0.0)]
        self._filled = [left.height, right.height]
        self._at = (left.x, right.x)
        self._width = left.width

    @property
    def height(self) -> float:
        """Of the taller one."""
        return max(self._filled)

    def take(self, cell: Cell) -> bool:
        """Puts a box below the shorter column, if the other one is tall enough for it."""
        side = 0 if self._filled[0] < self._filled[1] else 1
        column = _column(cell, self._at[side], self._width)
        if self._filled[side] + column.height > self.height + 0.1:
            return False
        self._placed.append((column, self._filled[side]))
        self._filled[side] += column.height
        return True

    def placed(self) -> list[tuple[_Column, float, float]]:
        """Each box, how far below the top it begins, and its height; both columns end together."""
        last = {column.x: index for index, (column, _) in enumerate(self._placed)}
        return [
            (column, top, self.height - top if last[column.x] == index else column.height)
            for index, (column, top) in enumerate(self._placed)
        ]


def _height(lines: Iterable[_Line]) -> float:
    return sum(line.height for line in lines)


class Flow:
    """Fills pages from top to bottom.

    Args:
        first_top: where content begins on the first page.
        top: where it begins on every other page.
        continued: what stands behind a heading that is repeated on a new page.
    """

    def __init__(self, *, first_top: float, top: float, continued: str) -> None:
        self._top = top
        self._continued = continued
        self._y = first_top
        self._characters = 0
        self._band: tuple[_Line, ...] = ()
        self._heading: tuple[Row, ...] = ()
        self.pages: list[Page] = [Page()]

    def band(self, text: str) -> None:
        """The heading of a part, repeated on the pages that it goes on to."""
        if self._y - BOTTOM < _LEAST * 1.5:
            self._band = ()
            self._turn()
        self._band = _wrap(Paragraph(f"{text} ({self._continued})", bold=True, size=9), WIDTH - 2 * _PAD)
        self._draw_band(_wrap(Paragraph(text, bold=True, size=9), WIDTH - 2 * _PAD))
        self.pages[-1].outline.append(text)

    def add(self, *rows: Row) -> None:
        """Rows one below the other; a heading among them is repeated on new pages until the call ends.

        Raises:
            ChedRefused: IMG-7221 the document is longer than anything that can be printed.
        """
        for index, row in enumerate(rows):
            columns = self._columns(row)
            wanted = max(column.height for column in columns)
            after = index
            while rows[after].joined and after + 1 < len(rows):
                after += 1
                wanted += max(column.height for column in self._columns(rows[after], count=False))
            self._make_room(wanted)
            self._place(columns, heading=row.heading)
            if row.heading:
                self._heading = (*map(self._repeated, rows[:index]), row)
        self._heading = ()

    def boxes(self, cells: Sequence[Cell]) -> None:
        """Boxes in two columns: each beside the one before, small ones one below the other beside a tall one.

        Raises:
            ChedRefused: IMG-7221.
        """
        rest = list(cells)
        while len(rest) > 1:
            pair = self._columns(Row((rest.pop(0), rest.pop(0))))
            if max(column.height for column in pair) > (self._top - BOTTOM) * _KEEP:
                self._make_room(max(column.height for column in pair))
                self._place(pair)
                continue
            stacks = _Stacks(*pair)
            while rest and stacks.take(rest[0]):
                self._count(rest.pop(0))
            self._make_room(stacks.height)
            for column, top, height in stacks.placed():
                self._draw_cell(column, self._y - top, height)
            self._y -= stacks.height
        for cell in rest:
            self.add(Row((cell,)))

    def _count(self, cell: Cell) -> None:
        self._characters += len(cell.title) + sum(len(each.text) for each in cell.paragraphs)
        if self._characters > MAX_CHARACTERS:
            raise too_long("more", f"at most {MAX_CHARACTERS} characters")

    def _columns(self, row: Row, *, count: bool = True) -> list[_Column]:
        shares = row.shares or (1 / len(row.cells),) * len(row.cells)
        if count:
            for cell in row.cells:
                self._count(cell)
        x, columns = LEFT, []
        for cell, share in zip(row.cells, shares, strict=True):
            width = share * WIDTH
            columns.append(_column(cell, x, width))
            x += width
        return columns

    def _make_room(self, wanted: float) -> None:
        room = self._y - BOTTOM
        if wanted <= room:
            return
        whole = self._top - BOTTOM
        if wanted <= whole * _KEEP or room < _LEAST:
            self._turn()

    def _place(self, columns: Sequence[_Column], *, heading: bool = False) -> None:
        """Draws the cells, over as many pages as they need."""
        while (height := max(column.height for column in columns)) > (room := self._y - BOTTOM):
            parts = [column.divided(room) for column in columns]
            self._draw([first for first, _ in parts], room, heading=heading)
            columns = [replace(rest, title=_again(rest, self._continued)) for _, rest in parts]
            self._turn()
        self._draw(columns, height, heading=heading)

    def _draw(self, columns: Sequence[_Column], height: float, *, heading: bool) -> None:
        for column in columns:
            self._draw_cell(column, self._y, height, heading=heading)
        self._y -= height

    def _draw_cell(self, column: _Column, top: float, height: float, *, heading: bool = False) -> None:
        marks = self.pages[-1].marks
        bottom = top - height
        marks.append(Frame(column.x, bottom, column.width, height, fill=0.9 if heading else None))
        y = top - _PAD
        for line in (*column.title, *column.lines):
            y -= line.height
            x = column.x + _PAD
            baseline = y + line.size * (_LEADING - 1)
            marks.append(TextLine(x, baseline, line.size, line.runs, line.grey))
            if column.use is Use.STRUCK:
                middle = baseline + line.size * 0.3
                marks.append(Rule(x - 1, middle, x + line.width + 1, middle))
        if column.use is Use.STRUCK and height > _BLANK:
            marks.append(Rule(column.x + _PAD, bottom + _PAD, column.x + column.width - _PAD, y - _PAD))

    def _draw_band(self, lines: tuple[_Line, ...]) -> None:
        height = 2 * _PAD + _height(lines)
        self._y -= height
        marks = self.pages[-1].marks
        marks.append(Frame(LEFT, self._y, WIDTH, height, fill=0.82))
        y = self._y + height - _PAD
        for line in lines:
            y -= line.height
            marks.append(TextLine(LEFT + _PAD, y + line.size * (_LEADING - 1), line.size, line.runs))

    def _turn(self) -> None:
        if len(self.pages) >= MAX_PAGES:
            raise too_long("more", f"at most {MAX_PAGES} pages")
        self.pages.append(Page())
        self._y = self._top
        if self._band:
            self._draw_band(self._band)
        for row in self._heading:
            columns = self._columns(row)
            self._draw(columns, max(column.height for column in columns), heading=row.heading)

    def _repeated(self, row: Row) -> Row:
        return replace(row, cells=tuple(replace(each, title=f"{each.title} ({self._continued})") for each in row.cells))


def _column(cell: Cell, x: float, width: float) -> _Column:
    inner = width - 2 * _PAD
    struck = cell.use is Use.STRUCK
    title = _wrap(Paragraph(cell.title, bold=not struck, size=_TITLE), inner, grey=struck) if cell.title else ()
    lines = tuple(line for paragraph in cell.paragraphs for line in _wrap(paragraph, inner))
    return _Column(x, width, title, lines, cell.use)


def _again(column: _Column, continued: str) -> tuple[_Line, ...]:
    """The title of a cell that goes on, once with the mark that it does."""
    if not column.title or not column.lines:
        return column.title
    last = column.title[-1]
    mark = runs_of(f" ({continued})")
    return column.title if last.runs[-1:] == mark[-1:] else (*column.title[:-1], replace(last, runs=last.runs + mark))


def _wrap(paragraph: Paragraph, width: float, *, grey: bool = False) -> tuple[_Line, ...]:
    return tuple(
        _Line(runs_of(text, bold=paragraph.bold), paragraph.size, grey)
        for text in wrapped(paragraph.text, width / paragraph.size, bold=paragraph.bold)
    )
