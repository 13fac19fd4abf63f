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
from mappings.shape import first

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element

    from mappings.walk import Pass

_ITEM, _LINE = qn(RAM21, "IncludedSPSConsignmentItem"), qn(RAM21, "IncludedSPSTradeLineItem")
_NUMBER, _DESCRIPTION = qn(RAM21, "SequenceNumeric"), qn(RAM21, "Description")
_NOTE, _PACKAGE = qn(RAM21, "AdditionalInformationSPSNote"), qn(RAM21, "PhysicalSPSPackage")
_SHIFTED: Final = "LINES_SHIFTED_BY_ONE"
_MEASURES: Final = tuple(
    qn(RAM21, name) for name in ("NetWeightMeasure", "GrossWeightMeasure", "NetVolumeMeasure", "GrossVolumeMeasure")
)


def to_traces(consignment: _Element, run: Pass, path: str) -> bool:
    """Shift if needed, then put the totals line first."""
    lines = _lines(consignment)
    if not lines:
        return True
    shifted = any(_value(line, path) == 0 for line in lines)
    if shifted:
        for line in lines:
            _renumber(line, 1, run, path)
    totals = _totals(lines, shifted=shifted)
    lines[0].addprevious(totals)
    run.report_form("totals-line", path, "", "0")
    return True


def to_ephyto(consignment: _Element, run: Pass, path: str) -> bool:
    """Take the totals line away and undo the shift."""
    lines = _lines(consignment)
    if not lines:
        return True
    totals, goods = lines[0], lines[1:]
    if _value(totals, path) != 0:
        run.report_form("totals-content", path)
        return True
    if not goods or not _shares_item(totals, goods):
        raise TranslationRefused("IMG-6006", where=path, found="a totals line alone", expected="lines of goods")
    shifted = totals.find(f"{_NOTE}/{qn(RAM21, 'SubjectCode')}[@listID='{GATEWAY_SUBJECTS}']") is not None
    same = _said(totals) == _said(_totals(goods, shifted=shifted))
    run.report_form("totals-line" if same else "totals-content", path, "0")
    parent = totals.getparent()
    if parent is not None:
        parent.remove(totals)
    if shifted:
        for line in goods:
            _renumber(line, -1, run, path)
    return True


def _lines(consignment: _Element) -> list[_Element]:
    return [line for item in consignment.iterfind(_ITEM) for line in item.iterfind(_LINE)]


def _shares_item(totals: _Element, goods: Sequence[_Element]) -> bool:
    return goods[0].getparent() is totals.getparent()


def _value(line: _Element, path: str) -> Decimal:
    text = line.findtext(_NUMBER, "")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise TranslationRefused(
            "IMG-6006", where=f"{path}//ram:SequenceNumeric", found=text, expected="a number"
        ) from None


def _renumber(line: _Element, step: int, run: Pass, path: str) -> None:
    number = first(line, _NUMBER)
    if number is None:
        return
    text, value = number.text or "", _value(line, path)
    plain = text.isascii() and text.isdigit() and str(int(text)) == text
    number.text = f"{value + step:f}"
    run.report_form("line-number" if plain else "line-number-form", f"{path}//ram:SequenceNumeric", text, number.text)


def _totals(lines: Sequence[_Element], *, shifted: bool) -> _Element:
    """The totals line, in the shape that TRACES writes."""
    line = etree.Element(_LINE, nsmap={"ram": RAM21})
    etree.SubElement(line, _NUMBER).text = "0"
    etree.SubElement(line, _DESCRIPTION).text = "Consignment totals and summary"
    for tag in _MEASURES:
        _sum_measure(line, tag, [first(each, tag) for each in lines])
    if shifted:
        note = etree.SubElement(line, _NOTE)
        etree.SubElement(
            note, qn(RAM21, "Content"), languageID="en"
        ).text = "Each line number is one higher than in the original certificate."
        etree.SubElement(note, qn(RAM21, "SubjectCode"), listID=GATEWAY_SUBJECTS).text = _SHIFTED
    _sum_packages(line, [each.findall(_PACKAGE) for each in lines])
    return line


def _sum_measure(line: _Element, tag: str, measures: Iterable[_Element | None]) -> None:
    """A sum is stated only when every line states the measure, in one unit."""
    stated = list(measures)
    units = {measure.get("unitCode") if measure is not None else None for measure in stated}
    if len(units) != 1 or None in units:
        return
    values = [_decimal(measure) for measure in stated if measure is not None]
    unit = units.pop()
    if unit and None not in values:
        etree.SubElement(line, tag, unitCode=unit).text = f"{sum(value for value in values if value is not None):f}"


def _sum_packages(line: _Element, packages: Sequence[Sequence[_Element]]) -> None:
    """Packages are added up only when each line has exactly one kind: of packages in packages no sum is true."""
    if any(len(each) != 1 for each in packages):
        return
    sums: dict[tuple[str, str], Decimal] = {}
    for (package,) in packages:
        quantity = _decimal(package.find(qn(RAM21, "ItemQuantity")))
        key = (package.findtext(qn(RAM21, "LevelCode"), ""), package.findtext(qn(RAM21, "TypeCode"), ""))
        if quantity is None or not all(key):
            return
        sums[key] = sums.get(key, Decimal(0)) + quantity
    for (level, kind), quantity in sums.items():
        total = etree.SubElement(line, _PACKAGE)
        etree.SubElement(total, qn(RAM21, "LevelCode")).text = level
        etree.SubElement(total, qn(RAM21, "TypeCode")).text = kind
        etree.SubElement(total, qn(RAM21, "ItemQuantity")).text = f"{quantity:f}"


def _decimal(element: _Element | None) -> Decimal | None:
    try:
        value = Decimal((element.text or "").strip()) if element is not None else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() else None


def _said(element: _Element) -> tuple[object, ...]:
    """What an element says, whatever the prefixes."""
    return (element.tag, sorted(element.attrib.items()), element.text or "", [_said(child) for child in element])
