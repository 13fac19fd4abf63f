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
from mappings.shape import children

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

Figures = dict[str, list["_Element"]]
"""What the totals line and the numbering need of a line, by element name."""


def figures(line: _Element, run: Pass, _path: str) -> bool:
    """Note the figures of a line while the walk has its children in hand; the consignment's mapper comes later."""
    found: Figures = {}
    for child in children(line):
        if child.tag in _FIGURES:
            found.setdefault(child.tag, []).append(child)
    run.figures[line] = found
    return True


def to_traces(consignment: _Element, run: Pass, path: str) -> bool:
    """Shift if needed, then put the totals line first."""
    lines = _lines(consignment, path)
    if not lines:
        return True
    shifted = any(_value(line, run, where) == 0 for line, where in lines)
    if shifted:
        for line, where in lines:
            _renumber(line, 1, run, where)
    goods = [line for line, _ in lines]
    goods[0].addprevious(_totals(goods, run, shifted=shifted))
    run.report_form("totals-line", path, "", "0")
    return True


def to_ephyto(consignment: _Element, run: Pass, path: str) -> bool:
    """Take the totals line away and undo the shift."""
    lines = _lines(consignment, path)
    if not lines:
        return True
    (totals, where), goods = lines[0], lines[1:]
    if _value(totals, run, where) != 0:
        run.report_form("totals-content", path)
        return True
    item = totals.getparent()
    if item is None or not goods or goods[0][0].getparent() is not item:
        raise TranslationRefused("IMG-6006", where=where, found="a totals line alone", expected="lines of goods")
    shifted = totals.find(f"{_NOTE}/{qn(RAM21, 'SubjectCode')}[@listID='{GATEWAY_SUBJECTS}']") is not None
    same = _said(totals) == _said(_totals([line for line, _ in goods], run, shifted=shifted))
    run.report_form("totals-line" if same else "totals-content", where, "0")
    item.remove(totals)
    if shifted:
        for line, line_path in goods:
            _renumber(line, -1, run, line_path)
    return True


def _lines(consignment: _Element, path: str) -> list[tuple[_Element, str]]:
    """Every line with its path, before anything moves."""
    items = [child for child in children(consignment) if child.tag == _ITEM]
    return [
        (line, f"{path}/ram:IncludedSPSConsignmentItem[{item_number}]/ram:IncludedSPSTradeLineItem[{number}]")
        for item_number, item in enumerate(items, start=1)
        for number, line in enumerate((child for child in children(item) if child.tag == _LINE), start=1)
    ]


def _value(line: _Element, run: Pass, path: str) -> Decimal:
    number = _number(line, run)
    text = (number.text or "") if number is not None else ""
    try:
        return Decimal(text)
    except InvalidOperation:
        where = f"{path}/ram:SequenceNumeric"
        raise TranslationRefused("IMG-6006", where=where, found=text, expected="a number") from None


def _number(line: _Element, run: Pass) -> _Element | None:
    return next(iter(run.figures[line].get(_NUMBER, ())), None)


def _renumber(line: _Element, step: int, run: Pass, path: str) -> None:
    number = _number(line, run)
    if number is None:
        return
    text, value = number.text or "", _value(line, run, path)
    plain = text.isascii() and text.isdigit() and str(int(text)) == text
    number.text = f"{value + step:f}"
    run.report_form("line-number" if plain else "line-number-form", f"{path}/ram:SequenceNumeric", text, number.text)


def _totals(lines: Sequence[_Element], run: Pass, *, shifted: bool) -> _Element:
    """The totals line, in the shape that TRACES writes."""
    line = etree.Element(_LINE, nsmap={"ram": RAM21})
    etree.SubElement(line, _NUMBER).text = "0"
    etree.SubElement(line, _DESCRIPTION).text = "Consignment totals and summary"
    stated = [run.figures[each] for each in lines]
    for tag in _MEASURES:
        _sum_measure(line, tag, stated)
    if shifted:
        note = etree.SubElement(line, _NOTE)
        etree.SubElement(
            note, qn(RAM21, "Content"), languageID="en"
        ).text = "Each line number is one higher than in the original certificate."
        etree.SubElement(note, qn(RAM21, "SubjectCode"), listID=GATEWAY_SUBJECTS).text = _SHIFTED
    _sum_packages(line, stated)
    return line


def _sum_measure(line: _Element, tag: str, stated: Sequence[Figures]) -> None:
    """A sum is stated only when every line states the measure once, in one unit."""
    unit, total = "", Decimal(0)
    for each in stated:
        measures = each.get(tag, ())
        if len(measures) != 1:
            return
        own, value = measures[0].get("unitCode"), _decimal(measures[0].text)
        if not own or value is None or (unit and own != unit):
            return
        unit, total = own, total + value
    measure = etree.SubElement(line, tag)
    measure.set("unitCode", unit)
    measure.text = f"{total:f}"


def _sum_packages(line: _Element, stated: Sequence[Figures]) -> None:
    """Packages are added up only when each line has exactly one kind: of packages in packages no sum is true."""
    sums: dict[tuple[str, str], Decimal] = {}
    for each in stated:
        packages = each.get(_PACKAGE, ())
        if len(packages) != 1:
            return
        texts = {child.tag: child.text or "" for child in children(packages[0])}
        quantity = _decimal(texts.get(_QUANTITY))
        key = (texts.get(_LEVEL, ""), texts.get(_KIND, ""))
        if quantity is None or not all(key):
            return
        sums[key] = sums.get(key, Decimal(0)) + quantity
    for (level, kind), quantity in sums.items():
        total = etree.SubElement(line, _PACKAGE)
        etree.SubElement(total, _LEVEL).text = level
        etree.SubElement(total, _KIND).text = kind
        etree.SubElement(total, _QUANTITY).text = f"{quantity:f}"


def _decimal(text: str | None) -> Decimal | None:
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _said(element: _Element) -> tuple[object, ...]:
    """What an element says, whatever the prefixes."""
    return (element.tag, sorted(element.attrib.items()), element.text or "", [_said(child) for child in element])
