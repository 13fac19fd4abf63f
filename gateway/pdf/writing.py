"""Draws laid-out pages as one PDF file: header, footer, label, metadata; the same input gives the same bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Final

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel
from reportlab.lib.utils import TimeStamp
from reportlab.pdfgen.canvas import Canvas

from gateway.pdf.fonts import clean, runs_of, width_of
from gateway.pdf.marks import LEFT, PAGE_HEIGHT, PAGE_WIDTH, WIDTH, Frame, Rule, TextLine
from gateway.pdf.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.pdf.fonts import Run
    from gateway.pdf.marks import Mark, Page
    from gateway.pdf.wording import Wording

__all__ = ["Heading", "label_of", "write"]

_EDGE: Final = PAGE_HEIGHT - 30
_LABEL: Final = 76.0
"""Side of the optical label: 27 mm, so that a scanner at arm's length reads it."""
_MARK: Final = 18.0
"""Height of the contingency mark."""
_ADDRESS: Final = re.compile(r"https?://[!-~]{1,290}")
"""What a label may link to: the address of the electronic version comes out of the document."""
_SMALLEST: Final = 5.5

_drawing = Lock()
"""reportlab's fonts remember which of their characters a file uses."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands around the content of every page."""

    title: str
    kind: str
    """Under the title: what the document is for."""
    reference: str
    number: str
    """At the foot of every page: the reference, or the local one while there is no other."""
    facts: tuple[str, ...]
    """On the first page, at most three: what matters most comes first."""
    url: str
    contingency: str
    """The mark of a contingency document; empty for every other."""
    sealed: bool
    at: datetime

    @property
    def first_top(self) -> float:
        """Where content begins on the first page."""
        return _EDGE - _LABEL - 26 - (_MARK + 4 if self.contingency else 0)

    @property
    def top(self) -> float:
        """Where it begins on the others."""
        return _EDGE - 20 - (_MARK + 4 if self.contingency else 0)


def label_of(url: str) -> list[list[bool]]:
    """The modules of the optical label, row by row; empty for what is no web address or too long for a label."""
    if not _ADDRESS.fullmatch(url):
        return []
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(url)
    code.make()
    return [[bool(module) for module in row] for row in code.modules]


def write(pages: Sequence[Page], heading: Heading, wording: Wording) -> bytes:
    """The file.

    Args:
        pages: what was laid out, below the heights that ``heading`` says.
        heading: what stands around it.
        wording: the reader's language.
    """
    out = BytesIO()
    with _drawing:
        canvas = Canvas(out, pagesize=(PAGE_WIDTH, PAGE_HEIGHT), invariant=1, lang=wording.language, pageCompression=1)
        _dated(canvas, heading.at)
        canvas.setTitle(clean(f"{heading.title} {heading.reference}".strip()))
        canvas.setSubject(clean(heading.kind))
        canvas.setAuthor("IMSOC gateway")
        canvas.setCreator("imsoc-gateway")
        canvas.setProducer("imsoc-gateway, reportlab")
        canvas.setViewerPreference("DisplayDocTitle", "true")
        for number, page in enumerate(pages, 1):
            _head(canvas, heading, first=number == 1)
            for text in page.outline:
                canvas.bookmarkPage(f"{number}-{text}")
                canvas.addOutlineEntry(clean(text), f"{number}-{text}", 0)
            for mark in page.marks:
                _draw(canvas, mark)
            _foot(canvas, heading, wording, wording.word("page").format(page=number, pages=len(pages)))
            canvas.showPage()
        canvas.save()
    return out.getvalue()


def _dated(canvas: Canvas, at: datetime) -> None:
    """The dates in the file's metadata: the given time instead of the clock's."""
    stamp = TimeStamp(1)
    moment = at.astimezone(UTC)
    stamp.t, stamp.lt = moment.timestamp(), moment.utctimetuple()
    stamp.YMDhms = tuple(stamp.lt)[:6]
    canvas._doc._timeStamp = stamp  # noqa: SLF001 - reportlab has no other way to say the time


def _head(canvas: Canvas, heading: Heading, *, first: bool) -> None:
    if first:
        bottom = _first_head(canvas, heading)
    else:
        _text(canvas, LEFT, _EDGE - 8, 8, f"{heading.title} {heading.number}", bold=True, most=WIDTH)
        bottom = _EDGE - 14
    if heading.contingency:
        text, size = _shortened(heading.contingency, 11, WIDTH - 12, bold=True)
        canvas.setFillGray(0)
        canvas.rect(LEFT, bottom - _MARK, WIDTH, _MARK, stroke=1, fill=1)
        canvas.setFillGray(1)
        middle = LEFT + (WIDTH - width_of(text, size, bold=True)) / 2
        _runs(canvas, middle, bottom - 13, size, runs_of(text, bold=True))
        canvas.setFillGray(0)


def _first_head(canvas: Canvas, heading: Heading) -> float:
    modules = label_of(heading.url)
    room = WIDTH - (_LABEL + 12 if modules else 0)
    y = _EDGE - 14
    _text(canvas, LEFT, y, 15, heading.title, bold=True, most=room)
    y -= 14
    _text(canvas, LEFT, y, 9, heading.kind, most=room)
    y -= 18
    _text(canvas, LEFT, y, 12, heading.reference, bold=True, most=room)
    for number, fact in enumerate(heading.facts[:3]):
        y -= 11
        _text(canvas, LEFT, y, 8, fact, most=room, bold=number == 0)
    if modules:
        _label(canvas, modules, heading.url)
        _text(canvas, LEFT, _EDGE - _LABEL - 15, 6.5, heading.url, most=WIDTH - 4)
    return _EDGE - _LABEL - 20


def _label(canvas: Canvas, modules: list[list[bool]], url: str) -> None:
    """The label (rule G3), with the four modules of quiet around it that ISO/IEC 18004 asks; a click opens it too."""
    x, y = LEFT + WIDTH - _LABEL, _EDGE - _LABEL
    side = _LABEL / (len(modules) + 8)
    path = canvas.beginPath()
    for row, line in enumerate(modules):
        column = 0
        while column < len(line):
            begin = column
            while column < len(line) and line[column]:
                column += 1
            if column > begin:
                bottom = y + _LABEL - (row + 5) * side
                path.rect(x + (begin + 4) * side, bottom, (column - begin) * side, side)
            column += 1
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.linkURL(url, (x, y, x + _LABEL, y + _LABEL), relative=0, thickness=0)


def _foot(canvas: Canvas, heading: Heading, wording: Wording, page: str) -> None:
    printed = wording.word("printed").format(at=f"{heading.at.astimezone(UTC):%Y-%m-%d %H:%M} (UTC)")
    left = " · ".join(filter(None, (heading.number, printed, wording.word("sealed") if heading.sealed else "")))
    canvas.setLineWidth(0.4)
    canvas.line(LEFT, 40, LEFT + WIDTH, 40)
    _text(canvas, LEFT, 31, 7, left, most=WIDTH - 80)
    width = width_of(page, 7)
    _text(canvas, LEFT + WIDTH - width, 31, 7, page, most=width + 1)
    if _ADDRESS.fullmatch(heading.url):
        _text(canvas, LEFT, 22, 6.5, wording.word("copy"), most=WIDTH)


def _text(canvas: Canvas, x: float, y: float, size: float, text: str, *, most: float, bold: bool = False) -> None:
    """One line of the frame around the content."""
    text, size = _shortened(text, size, most, bold=bold)
    _runs(canvas, x, y, size, runs_of(text, bold=bold))


def _shortened(text: str, size: float, most: float, *, bold: bool) -> tuple[str, float]:
    """A line that is too wide is made smaller, and cut where it would be too small to read.

    References, marks and titles fit; what does not is hostile, and stands in its box as a whole.
    """
    text = " ".join(clean(text).split())
    full = width_of(text, size, bold=bold)
    if full <= most:
        return text, size
    size = max(size * most / full, _SMALLEST)
    lines = wrapped(text, most / size, bold=bold)
    return (text if len(lines) == 1 else f"{lines[0][:-1]}…"), size


def _draw(canvas: Canvas, mark: Mark) -> None:
    match mark:
        case Frame(x, y, width, height, fill):
            canvas.setLineWidth(0.5)
            if fill is not None:
                canvas.setFillGray(fill)
            canvas.rect(x, y, width, height, stroke=1, fill=int(fill is not None))
            canvas.setFillGray(0)
        case Rule(x, y, to_x, to_y):
            canvas.setLineWidth(0.6)
            canvas.line(x, y, to_x, to_y)
        case TextLine(x, y, size, runs, grey):
            canvas.setFillGray(0.35 if grey else 0)
            _runs(canvas, x, y, size, runs)
            canvas.setFillGray(0)


def _runs(canvas: Canvas, x: float, y: float, size: float, runs: Sequence[Run]) -> None:
    text = canvas.beginText(x, y)
    for run in runs:
        text.setFont(run.font, size)
        text.textOut(run.text)
    canvas.drawText(text)
