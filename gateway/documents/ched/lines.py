"""Reading the lines of a CHED: I.31 with I.11 and I.12, and the totals of I.32 to I.34 on line 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.documents.ched.leaves import (
    TYPE,
    read_code,
    read_countries,
    read_measure,
    read_note,
    text,
)
from gateway.documents.ched.models import NO_CODE, NO_COUNTRY, ChedClass, ChedLine, ChedPackage
from gateway.documents.ched.places import RAM

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

    from gateway.documents.ched.models import Country, LineNote

    _Single = Callable[[_Element, dict[str, Any]], None]

__all__ = ["LINE_TAGS", "read_line"]

_DESCRIPTION: Final = f"{RAM}Description"
_NOTE: Final = f"{RAM}AdditionalInformationSPSNote"
_CLASS: Final = f"{RAM}ApplicableSPSClassification"
_PACKAGE: Final = f"{RAM}PhysicalSPSPackage"
_ORIGIN: Final = f"{RAM}OriginSPSCountry"
_SYSTEM: Final = f"{RAM}SystemID"
_SYSTEM_NAME: Final = f"{RAM}SystemName"
_CLASS_CODE: Final = f"{RAM}ClassCode"
_CLASS_NAME: Final = f"{RAM}ClassName"
_LEVEL: Final = f"{RAM}LevelCode"
_COUNT: Final = f"{RAM}ItemQuantity"
_MAX_DIGITS: Final = 9


def read_line(element: _Element) -> ChedLine:
    """One line; what it does not say is empty."""
    descriptions: list[str] = []
    notes: list[LineNote] = []
    classes: list[ChedClass] = []
    packages: list[ChedPackage] = []
    origins: list[Country] = []
    single: dict[str, Any] = {}
    for child in element:
        tag = child.tag
        if tag == _CLASS:
            classes.append(_read_class(child))
        elif tag == _PACKAGE:
            packages.append(_read_package(child))
        elif tag == _NOTE:
            notes.append(read_note(child))
        elif tag == _ORIGIN:
            origins.extend(country for country in read_countries(child) if country != NO_COUNTRY)
        elif tag == _DESCRIPTION:
            if found := text(child):
                descriptions.append(found)
        elif tag in _SINGLE:
            _SINGLE[tag](child, single)
    return ChedLine(
        single.pop("number", None),
        tuple(descriptions),
        notes=tuple(notes),
        classes=tuple(classes),
        packages=tuple(packages),
        origins=tuple(origins),
        **single,
    )


def _measured(name: str) -> _Single:
    def read(element: _Element, single: dict[str, Any]) -> None:
        if name not in single and (measure := read_measure(element)) is not None:
            single[name] = measure

    return read


def _numbered(element: _Element, single: dict[str, Any]) -> None:
    if "number" not in single and (number := _number(text(element))) is not None:
        single["number"] = number


def _named(element: _Element, single: dict[str, Any]) -> None:
    if "scientific_name" not in single and (found := text(element)):
        single["scientific_name"] = found
        single["scientific_language"] = element.get("languageID", "")


def _batched(element: _Element, single: dict[str, Any]) -> None:
    if "batch" not in single and (found := text(element)):
        single["batch"] = found


_SINGLE: Final[dict[Any, _Single]] = {
    f"{RAM}SequenceNumeric": _numbered,
    f"{RAM}ScientificName": _named,
    f"{RAM}ProductionBatchID": _batched,
    f"{RAM}NetWeightMeasure": _measured("net_weight"),
    f"{RAM}GrossWeightMeasure": _measured("gross_weight"),
    f"{RAM}NetVolumeMeasure": _measured("net_volume"),
    f"{RAM}GrossVolumeMeasure": _measured("gross_volume"),
}
LINE_TAGS: Final = frozenset({_DESCRIPTION, _NOTE, _CLASS, _PACKAGE, _ORIGIN, *_SINGLE})
"""What is read of a line; anything else in it stays in the tree."""


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
                names.append((child.get("languageID", ""), name))
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
