"""Reading the lines of a CHED: I.31 with I.11 and I.12, and the totals of I.32 to I.34 on line 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched.leaves import (
    TYPE,
    attribute,
    read_code,
    read_countries,
    read_measure,
    read_note,
    text,
)
from gateway.documents.ched.models import NO_CODE, ChedClass, ChedLine, ChedPackage
from gateway.documents.ched.places import RAM

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.documents.ched.models import Country, LineNote
    from gateway.documents.parts import Measure

__all__ = ["LINE_TAGS", "read_line"]

_NUMBER: Final = f"{RAM}SequenceNumeric"
_DESCRIPTION: Final = f"{RAM}Description"
_SCIENTIFIC: Final = f"{RAM}ScientificName"
_BATCH: Final = f"{RAM}ProductionBatchID"
_NOTE: Final = f"{RAM}AdditionalInformationSPSNote"
_CLASS: Final = f"{RAM}ApplicableSPSClassification"
_PACKAGE: Final = f"{RAM}PhysicalSPSPackage"
_ORIGIN: Final = f"{RAM}OriginSPSCountry"
MEASURES: Final = {
    f"{RAM}NetWeightMeasure": "net_weight",
    f"{RAM}GrossWeightMeasure": "gross_weight",
    f"{RAM}NetVolumeMeasure": "net_volume",
    f"{RAM}GrossVolumeMeasure": "gross_volume",
}
_SYSTEM: Final = f"{RAM}SystemID"
_SYSTEM_NAME: Final = f"{RAM}SystemName"
_CLASS_CODE: Final = f"{RAM}ClassCode"
_CLASS_NAME: Final = f"{RAM}ClassName"
_LEVEL: Final = f"{RAM}LevelCode"
_COUNT: Final = f"{RAM}ItemQuantity"
LINE_TAGS: Final = frozenset({_NUMBER, _DESCRIPTION, _SCIENTIFIC, _BATCH, _NOTE, _CLASS, _PACKAGE, _ORIGIN, *MEASURES})
"""What is read of a line; anything else in it stays in the tree."""
_MAX_DIGITS: Final = 9


def read_line(element: _Element) -> ChedLine:
    """One line; what it does not say is empty."""
    number: int | None = None
    scientific = language = batch = ""
    descriptions: list[str] = []
    notes: list[LineNote] = []
    classes: list[ChedClass] = []
    packages: list[ChedPackage] = []
    origins: list[Country] = []
    measures: dict[str, Measure] = {}
    for child in element:
        tag = child.tag
        if tag == _CLASS:
            classes.append(_read_class(child))
        elif tag == _PACKAGE:
            packages.append(_read_package(child))
        elif tag in MEASURES:
            if (measure := read_measure(child)) is not None:
                measures.setdefault(MEASURES[tag], measure)
        elif tag == _NOTE:
            notes.append(read_note(child))
        elif tag == _ORIGIN:
            origins.extend(country for country in read_countries(child) if country.code or country.name)
        elif tag == _NUMBER:
            number = _number(text(child)) if number is None else number
        elif tag == _DESCRIPTION:
            if found := text(child):
                descriptions.append(found)
        elif tag == _SCIENTIFIC:
            if not scientific and (scientific := text(child)):
                language = attribute(child, "languageID")
        elif tag == _BATCH:
            batch = batch or text(child)
    return ChedLine(
        number,
        tuple(descriptions),
        scientific,
        language,
        measures.get("net_weight"),
        measures.get("gross_weight"),
        measures.get("net_volume"),
        measures.get("gross_volume"),
        tuple(notes),
        tuple(classes),
        tuple(packages),
        tuple(origins),
        batch,
    )


def _number(found: str) -> int | None:
    """A line number; None when it is no whole number of at most nine digits."""
    whole, _, zeros = found.partition(".")
    plain = whole.isascii() and whole.isdigit() and len(whole) <= _MAX_DIGITS and not zeros.strip("0")
    return int(whole) if plain else None


def _read_class(element: _Element) -> ChedClass:
    system = code = system_name = ""
    names: list[tuple[str, str]] = []
    for child in element:
        tag = child.tag
        if tag == _CLASS_NAME:
            if name := text(child):
                names.append((attribute(child, "languageID"), name))
        elif tag == _SYSTEM:
            system = system or text(child)
        elif tag == _SYSTEM_NAME:
            system_name = system_name or text(child)
        elif tag == _CLASS_CODE:
            code = code or text(child)
    return ChedClass(system, code, tuple(names), system_name)


def _read_package(element: _Element) -> ChedPackage:
    kind = level = NO_CODE
    count = ""
    for child in element:
        tag = child.tag
        if tag == TYPE:
            kind = kind or read_code(child)
        elif tag == _LEVEL:
            level = level or read_code(child)
        elif tag == _COUNT:
            count = count or text(child)
    return ChedPackage(kind, count, level)
