"""The printable CHED: parts and boxes of Annex II Part 1 of Regulation (EU) 2019/1715 on A4.

Which rule makes what: chosen options only (G5), boxes that are not used struck through (G6), an optical label that
leads to the electronic version (G3), the mark of contingency documents (R-46-5). The models of Part 2 are images in
every source that we have, so that the layout is our own (G7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched import part_of
from gateway.documents.ched.models import Part
from gateway.pdf.boxes import box_texts, outside_the_boxes
from gateway.pdf.layout import Flow
from gateway.pdf.marks import Cell, Paragraph, Row, Use
from gateway.pdf.phrases import DASH, Phrases, joined
from gateway.pdf.wording import FORM, Wording, moment
from gateway.pdf.writing import Heading, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from gateway.documents.ched import AccompanyingDocument, Ched, ChedLine

__all__ = ["documents_rows", "goods_rows", "render_ched"]

_TABLES: Final = frozenset({"I.9", "I.31"})
_LATE: Final = frozenset({"I.27", "I.28", "I.29"})
"""May still be filled after the prior notification (R-I27-LATE)."""
_DRAFT: Final = "47"
_DOCUMENTS: Final = (0.24, 0.24, 0.12, 0.16, 0.24)
_GOODS: Final = (0.05, 0.3, 0.15, 0.13, 0.13, 0.1, 0.14)


def render_ched(ched: Ched, *, language: str, url: str, contingency: str, now: datetime, sealed: bool = False) -> bytes:
    """The CHED as a PDF file; the same input gives the same bytes.

    Args:
        ched: as much of it as the reader may see; masked values are printed as they are.
        language: the reader's, ISO 639-1; English and French have a form, every other reads the English one.
        url: of the electronic version; the optical label leads there. Without a web address there is no label.
        contingency: the mark of a contingency document, such as ``Document de secours``; empty for every other.
        now: when it is printed, aware.
        sealed: whether the file is to be sealed; the footer says it.

    Raises:
        ChedRefused: IMG-7221 the document is longer than anything that can be printed.
    """
    wording = Wording(language)
    say = Phrases(wording)
    heading = _heading(ched, wording, url=url, contingency=contingency, now=now, sealed=sealed)
    flow = Flow(first_top=heading.first_top, top=heading.top, continued=wording.word("continued"))
    form = _Form(ched, say, by_hand=bool(contingency))
    for part in Part:
        flow.band(wording.word(f"part_{part}"))
        form.write(part, flow)
    return write(flow.pages, heading, wording)


def _heading(ched: Ched, wording: Wording, *, url: str, contingency: str, now: datetime, sealed: bool) -> Heading:
    kind = wording.word("short") + (f"-{ched.type}" if ched.type is not None else "")
    status = wording.label(ched.status_code, "statuses") if ched.status_code else ""
    if status == ched.status_code:
        status = joined(ched.status_code, ched.status_name)
    facts = (
        f"{wording.word('status')}: {status}" if status else "",
        f"I.3 {wording.name('I.3')}: {ched.local_reference}" if ched.local_reference else "",
        f"{wording.word('updated')}: {moment(ched.updated)}" if ched.updated else "",
    )
    return Heading(
        title=f"{wording.word('ched')} ({kind})",
        kind=wording.word(ched.type.value) if ched.type is not None else "",
        reference=ched.reference or f"{DASH} {wording.word('no_reference')} {DASH}",
        number=ched.reference or ched.local_reference,
        facts=tuple(filter(None, facts)),
        url=url,
        contingency=contingency,
        sealed=sealed,
        at=now,
    )


class _Form:
    """The boxes of one CHED as rows."""

    def __init__(self, ched: Ched, say: Phrases, *, by_hand: bool) -> None:
        self._ched = ched
        self._say = say
        self._wording = say.wording
        self._by_hand = by_hand
        self._texts = box_texts(ched, say)
        self._decided = ched.decision is not None and ched.decision.decided

    def write(self, part: Part, flow: Flow) -> None:
        """The boxes of a part, below its heading."""
        if missing := self._missing(part):
            flow.add(Row((Cell(paragraphs=(Paragraph(self._wording.word(missing)),)),)))
            return
        waiting: list[Cell] = []
        for box, form in FORM.items():
            if part_of(box) is not part:
                continue
            if box in _TABLES:
                flow.boxes(waiting)
                waiting = []
                flow.add(*self._table(box))
            elif box in self._texts or form.applies(self._ched.type):
                waiting.append(self._box(box))
        flow.boxes([*waiting, *self._others(part)])

    def _missing(self, part: Part) -> str:
        """Which word says that the part is not there; a contingency document has it empty, for a pen."""
        if self._by_hand:
            return ""
        if (
            part is Part.II
            and self._ched.decision is None
            and not any(map(self._texts.get, ("II.1", "II.23", "II.24")))
        ):
            return "not_decided"
        return "no_follow_up" if part is Part.III and self._ched.follow_up is None else ""

    def _box(self, box: str) -> Cell:
        title = f"{box} {self._wording.name(box)}"
        lines = self._texts.get(box, ())
        if lines:
            return Cell(title, tuple(map(Paragraph, lines)))
        return Cell(title, use=Use.STRUCK if self._is_struck(box) else Use.BLANK)

    def _is_struck(self, box: str) -> bool:
        """Whether nobody will fill it any more (rule G6); compulsory boxes stay empty, so that their lack is seen."""
        if not FORM[box].optional or self._ched.status_code == _DRAFT:
            return False
        match part_of(box):
            case Part.I:
                return self._decided or box not in _LATE
            case Part.II:
                return self._decided
            case _:
                return self._ched.follow_up is not None

    def _table(self, box: str) -> Iterable[Row]:
        title = f"{box} {self._wording.name(box)}"
        if box == "I.9" and self._ched.documents:
            return documents_rows(title, self._ched.documents, self._say)
        if box == "I.31" and self._ched.lines:
            return goods_rows(title, self._ched.lines, self._say)
        return (Row((self._box(box),)),)

    def _others(self, part: Part) -> Iterator[Cell]:
        purposes, conclusions = outside_the_boxes(self._ched, self._say)
        if part is Part.I and purposes:
            yield Cell(self._wording.word("other_purpose"), tuple(map(Paragraph, purposes)))
        if part is Part.II and conclusions:
            yield Cell(self._wording.word("other_conclusion"), tuple(map(Paragraph, conclusions)))


def documents_rows(title: str, documents: Iterable[AccompanyingDocument], say: Phrases) -> Iterator[Row]:
    """The accompanying documents as a table."""
    yield _title(title)
    words = ("document_type", "number", "issue_country", "issue_date", "remarks")
    yield _heads(map(say.wording.word, words), _DOCUMENTS)
    for each in documents:
        yield Row(_cells(say.document(each)), _DOCUMENTS)


def goods_rows(title: str, lines: Iterable[ChedLine], say: Phrases) -> Iterator[Row]:
    """The lines of goods as a table; what has no column stands below its line."""
    yield _title(title)
    words = ("line_number", "commodity", "species", "origin", "weight", "quantity", "packages")
    yield _heads(map(say.wording.word, words), _GOODS)
    for line in lines:
        weight, quantity, packages = say.quantities(line)
        origins = joined(*map(say.country, line.origins), by="; ")
        number = "" if line.number is None else str(line.number)
        details = say.details(line)
        texts = (number, say.goods(line), line.scientific_name, origins, weight, quantity, packages)
        yield Row(_cells(texts), _GOODS, joined=bool(details))
        if details:
            yield Row(_cells(("", details)), (_GOODS[0], 1 - _GOODS[0]))


def _title(text: str) -> Row:
    return Row((Cell(text),), joined=True)


def _heads(words: Iterable[str], shares: tuple[float, ...]) -> Row:
    cells = tuple(Cell(paragraphs=(Paragraph(word, bold=True, size=6.6),)) for word in words)
    return Row(cells, shares, heading=True, joined=True)


def _cells(texts: Iterable[str]) -> tuple[Cell, ...]:
    return tuple(Cell(paragraphs=(Paragraph(text, size=7.4),)) for text in texts)
