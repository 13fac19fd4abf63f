"""Hub line 0 is goods, TRACES line 0 is the totals line (DIGEST 11, trap 6).

Towards TRACES the lines are shifted by one where the ePhyto begins with 0, and a totals line is put first. A shift
is written into the totals line as a note, so that a reader can find the line of the original and the way back is exact.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import TranslationRefused
from gateway.xml.names import RAM21, qn
from mappings.mappers.notes import GATEWAY_SUBJECTS
from mappings.shape import children, first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from mappings.walk import Pass

_ITEM, _LINE = qn(RAM21, "IncludedSPSConsignmentItem"), qn(RAM21, "IncludedSPSTradeLineItem")
_NUMBER, _DESCRIPTION = qn(RAM21, "SequenceNumeric"), qn(RAM21, "Description")
_NOTE, _PACKAGE = qn(RAM21, "AdditionalInformationSPSNote"), qn(RAM21, "PhysicalSPSPackage")
_LEVEL, _KIND, _QUANTITY = qn(RAM21, "LevelCode"), qn(RAM21, "TypeCode"), qn(RAM21, "ItemQuantity")
_SHIFTED: Final = "LINES_SHIFTED_BY_ONE"
_MEASURES: Final = tuple(
    qn(RAM21, name) for name in ("NetWeightMeasure", "GrossWeightMeasure", "NetVolumeMeasure", "GrossVolumeMeasure")
)
_FIGURES: Final = frozenset({_NUMBER, _PACKAGE, *_MEASURES})


class Sums:
    """What the lines of a consignment add up to, kept while the walk passes each line; the lines are not held."""

    def __init__(self) -> None:
        self.count = 0
        self.first: _Element | None = None
        self.number = Decimal(0)
        """Of the first line."""
        self.shifted = False
        """A line that was added has the number 0."""
        self._measures: dict[str, tuple[str, Decimal]] = dict.fromkeys(_MEASURES, ("", Decimal(0)))
        """Unit and sum, as far as every line states the measure once, in one unit."""
        self._packages: dict[tuple[str, str], Decimal] | None = {}
        """None where a line has not exactly one kind: of packages in packages no sum is true."""

    def add(self, found: dict[str, list[_Element]]) -> None:
        """The figures of one more line of goods."""
        for tag, (unit, total) in tuple(self._measures.items()):
            of_line = found.get(tag)
            if of_line is None or len(of_line) > 1:
                del self._measures[tag]
                continue
            own, value = of_line[0].get("unitCode"), _decimal(of_line[0].text)
            if not own or value is None or (unit and own != unit):
                del self._measures[tag]
            else:
                self._measures[tag] = own, total + value
        if self._packages is not None:
            packages = found.get(_PACKAGE, ())
            known = _package(packages[0]) if len(packages) == 1 else None
            if known is None:
                self._packages = None
            else:
                kind, quantity = known
                self._packages[kind] = self._packages.get(kind, Decimal(0)) + quantity

    def line(self, *, shifted: bool) -> _Element:
        """The totals line, in the shape that TRACES writes."""
        line = etree.Element(_LINE, nsmap={"ram": RAM21})
        etree.SubElement(line, _NUMBER).text = "0"
        etree.SubElement(line, _DESCRIPTION).text = "Consignment totals and summary"
        for tag, (unit, total) in self._measures.items():
            measure = etree.SubElement(line, tag)
            measure.set("unitCode", unit)
            measure.text = f"{total:f}"
        if shifted:
            note = etree.SubElement(line, _NOTE)
            etree.SubElement(
                note, qn(RAM21, "Content"), languageID="en"
            ).text = "Each line number is one higher than in the original certificate."
            etree.SubElement(note, qn(RAM21, "SubjectCode"), listID=GATEWAY_SUBJECTS).text = _SHIFTED
        for (level, kind), quantity in (self._packages or {}).items():
            package = etree.SubElement(line, _PACKAGE)
            etree.SubElement(package, _LEVEL).text = level
            etree.SubElement(package, _KIND).text = kind
            etree.SubElement(package, _QUANTITY).text = f"{quantity:f}"
        return line


def add_up(line: _Element, run: Pass, path: str) -> bool:
    """Note the figures of a line while the walk has its children in hand; the consignment's mapper comes later.

    Raises:
        TranslationRefused: IMG-6006 the line has no number.
    """
    sums, found = _begin(line, run), _figures(line)
    if _value(found.get(_NUMBER), path) == 0:
        sums.shifted = True
    sums.add(found)
    return True


def add_up_goods(line: _Element, run: Pass, path: str) -> bool:
    """The same for a document of TRACES, whose first line holds the totals when its number is 0."""
    sums, found = _begin(line, run), _figures(line)
    if sums.count == 1:
        sums.number = _value(found.get(_NUMBER), path)
    else:
        sums.add(found)
    return True


def to_traces(consignment: _Element, run: Pass, path: str) -> bool:
    """Shift if needed, then put the totals line first."""
    sums, run.sums = run.sums, None
    if sums is None or sums.first is None:
        return True
    if sums.shifted:
        for line, where in _lines(consignment, path):
            _renumber(line, 1, run, where)
    sums.first.addprevious(sums.line(shifted=sums.shifted))
    run.report_form("totals-line", path, "", "0")
    return True


def to_ephyto(consignment: _Element, run: Pass, path: str) -> bool:
    """Take the totals line away and undo the shift."""
    sums, run.sums = run.sums, None
    if sums is None or sums.first is None:
        return True
    if sums.number != 0:
        run.report_form("totals-content", path)
        return True
    (totals, where), *goods = _lines(consignment, path)
    item = totals.getparent()
    if item is None or not goods or goods[0][0].getparent() is not item:
        raise TranslationRefused("IMG-6006", where=where, found="a totals line alone", expected="lines of goods")
    shifted = totals.find(f"{_NOTE}/{qn(RAM21, 'SubjectCode')}[@listID='{GATEWAY_SUBJECTS}']") is not None
    same = _said(totals) == _said(sums.line(shifted=shifted))
    run.report_form("totals-line" if same else "totals-content", where, "0")
    item.remove(totals)
    if shifted:
        for line, line_path in goods:
            _renumber(line, -1, run, line_path)
    return True


def _begin(line: _Element, run: Pass) -> Sums:
    if run.sums is None:
        run.sums = Sums()
        run.sums.first = line
    run.sums.count += 1
    return run.sums


def _figures(line: _Element) -> dict[str, list[_Element]]:
    found: dict[str, list[_Element]] = {}
    for child in children(line):
        if child.tag in _FIGURES:
            found.setdefault(child.tag, []).append(child)
    return found


def _lines(consignment: _Element, path: str) -> list[tuple[_Element, str]]:
    """Every line with its path, before anything moves."""
    items = [child for child in children(consignment) if child.tag == _ITEM]
    return [
        (line, f"{path}/ram:IncludedSPSConsignmentItem[{item_number}]/ram:IncludedSPSTradeLineItem[{number}]")
        for item_number, item in enumerate(items, start=1)
        for number, line in enumerate((child for child in children(item) if child.tag == _LINE), start=1)
    ]


def _value(numbers: Sequence[_Element] | None, path: str) -> Decimal:
    text = (numbers[0].text or "") if numbers else ""
    try:
        return Decimal(text)
    except InvalidOperation:
        where = f"{path}/ram:SequenceNumeric"
        raise TranslationRefused("IMG-6006", where=where, found=text, expected="a number") from None


def _renumber(line: _Element, step: int, run: Pass, path: str) -> None:
    number = first(line, _NUMBER)
    if number is None:
        return
    text, value = number.text or "", _value([number], path)
    plain = text.isascii() and text.isdigit() and str(int(text)) == text
    number.text = f"{value + step:f}"
    run.report_form("line-number" if plain else "line-number-form", f"{path}/ram:SequenceNumeric", text, number.text)


def _package(package: _Element) -> tuple[tuple[str, str], Decimal] | None:
    """Level and kind, and how many."""
    texts = {child.tag: child.text or "" for child in children(package)}
    level, kind, quantity = texts.get(_LEVEL), texts.get(_KIND), _decimal(texts.get(_QUANTITY))
    return ((level, kind), quantity) if level and kind and quantity is not None else None


def _decimal(text: str | None) -> Decimal | None:
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _said(element: _Element) -> tuple[object, ...]:
    """What an element says, whatever the prefixes."""
    return (element.tag, sorted(element.attrib.items()), element.text or "", [_said(child) for child in element])
