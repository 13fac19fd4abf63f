"""What layout works with: cells and rows before they have a place, marks on pages after it.

Lengths are points; ``y`` grows upwards, as in PDF.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.pdf.fonts import Run

__all__ = [
    "BOTTOM",
    "LEFT",
    "PAGE_HEIGHT",
    "PAGE_WIDTH",
    "WIDTH",
    "Cell",
    "Frame",
    "Mark",
    "Page",
    "Paragraph",
    "Row",
    "Rule",
    "TextLine",
    "Use",
]

PAGE_WIDTH: Final = 595.28
PAGE_HEIGHT: Final = 841.89
LEFT: Final = 34.0
WIDTH: Final = PAGE_WIDTH - 2 * LEFT
BOTTOM: Final = 46.0
"""Above it is content, below it the footer."""
_BODY: Final = 8.0


class Use(Enum):
    """How a box is shown."""

    FILLED = "filled"
    BLANK = "blank"
    """Not filled, and it still may or must be."""
    STRUCK = "struck"
    """Not used: struck through (rule G6)."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text that wraps."""

    text: str
    bold: bool = False
    size: float = _BODY


@dataclass(frozen=True, slots=True)
class Cell:
    """A framed cell; with a title it is a box."""

    title: str = ""
    paragraphs: tuple[Paragraph, ...] = ()
    use: Use = Use.FILLED


@dataclass(frozen=True, slots=True)
class TextLine:
    """Text at a place, ready to be drawn."""

    x: float
    y: float
    size: float
    runs: tuple[Run, ...]
    grey: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: float | None = None
    """Grey, 0 black to 1 white."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line that strikes something through."""

    x: float
    y: float
    to_x: float
    to_y: float


Mark = TextLine | Frame | Rule


@dataclass(frozen=True, slots=True)
class Page:
    """What is on one page, in reading order."""

    marks: list[Mark] = field(default_factory=list)
    outline: list[str] = field(default_factory=list)
    """Headings that begin here."""


@dataclass(frozen=True, slots=True)
class Row:
    """Cells side by side.

    Attributes:
        cells: from left to right.
        shares: of the width; equal ones when empty.
        heading: a row of column titles, in grey.
        joined: with the row below: a page does not end between them.
    """

    cells: tuple[Cell, ...]
    shares: tuple[float, ...] = ()
    heading: bool = False
    joined: bool = False
