"""Animals are counted: in the weight's place by some national systems, in the volume's place by TRACES (DIGEST 2).

TRACES writes ``NetVolumeMeasure`` in pieces and a ``NetWeightMeasure`` of 0 without unit. A system with this
difference has a count alone, as a net weight in pieces. A line with a weight of its own is the same on both sides.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import TranslationRefused
from gateway.xml.names import RAM21, qn
from mappings.shape import first, insert

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

_WEIGHT, _VOLUME = qn(RAM21, "NetWeightMeasure"), qn(RAM21, "NetVolumeMeasure")
_PIECE: Final = "H87"
_NOTHING: Final = "0"
"""The weight as TRACES writes it where there is a count."""


def to_traces(line: _Element, run: Pass, path: str) -> bool:
    """A net weight in pieces becomes a net volume in pieces and a weight of 0.

    Raises:
        TranslationRefused: IMG-6006 a net volume beside it: TRACES has one place for both.
    """
    weight, volume = first(line, _WEIGHT), first(line, _VOLUME)
    if weight is None or not _only_unit(weight, _PIECE):
        return True
    where = f"{path}/ram:NetWeightMeasure"
    if volume is not None:
        raise TranslationRefused("IMG-6006", where=where, found="a count and a net volume", expected="one of them")
    count = etree.Element(_VOLUME, unitCode=_PIECE)
    count.text = weight.text
    insert(line, "SPSTradeLineItemType", count)
    run.report_form("animal-count", where, weight.text or "", _NOTHING)
    weight.text = _NOTHING
    del weight.attrib["unitCode"]
    return True


def to_national(line: _Element, run: Pass, path: str) -> bool:
    """The inverse; the unit has the system's own code by now. A zero that is spelt otherwise comes back as 0."""
    weight, volume = first(line, _WEIGHT), first(line, _VOLUME)
    piece = run.lookup("unit").get(_PIECE, run.context)
    if weight is None or volume is None or piece is None or not piece.target or not _only_unit(volume, piece.target):
        return True
    if weight.attrib or not _is_zero(weight.text):
        return True
    said = weight.text or ""
    rule = "animal-count" if said == _NOTHING else "animal-count-form"
    run.report_form(rule, f"{path}/ram:NetVolumeMeasure", said, volume.text or "")
    weight.text = volume.text
    weight.set("unitCode", piece.target)
    line.remove(volume)
    return True


def _only_unit(measure: _Element, unit: str) -> bool:
    return measure.attrib.items() == [("unitCode", unit)]


def _is_zero(text: str | None) -> bool:
    try:
        return Decimal((text or "").strip()) == 0
    except InvalidOperation:
        return False
