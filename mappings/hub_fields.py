"""The ten code lists of the hub as data: their fields in wire order, what a row must hold, what tells rows apart.

A row is a mapping of the wire's own field names to texts (DIGEST 2.3); a field that is left out is an empty text. The
same form stands in the CSV files, in the store and in what a partner's lists are compared by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from gateway.xml.names import HUB, qn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lxml.etree import _Element

__all__ = ["LISTS", "STAMPS", "ListSpec", "Row", "breaches", "list_spec", "row_key", "rows_from_xml"]

Row = dict[str, str]
"""One entry of a list: every field of its `ListSpec`, in wire order, with an empty text for what is left out."""

STAMPS: Final = frozenset({"lastModified", "lastModifiedBy"})
"""When and by whom a row was changed last: no part of what it says."""

_UNIT_TYPES: Final = frozenset(["WEIGHT", "VOLUME", "DURATION", "TEMPERATURE", "CONCENTRATION", "AREA", "DISTANCE"])
_LANGUAGE: Final = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_NUMBER: Final = re.compile("[0-9]{1,9}")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEVEL: Final = re.compile("[0-9]")
_TRUTH: Final = {"1": "true", "0": "false"}


@dataclass(frozen=True, slots=True)
class ListSpec:
    """One list of the contract."""

    element: str
    """Name of the repeated element, in the namespace hub; its fields are in no namespace."""
    operation: str
    """The getter."""
    file: str
    """Name of its CSV file."""
    fields: tuple[str, ...]
    """Names in wire order."""
    key: tuple[str, ...]
    """The fields that tell two rows apart."""
    required: frozenset[str]
    """The fields that no row of ours leaves empty."""


def _spec(element: str, operation: str, file: str, fields: str, key: str, required: str) -> ListSpec:
    return ListSpec(
        element, operation, f"{file}.csv", tuple(fields.split()), tuple(key.split()), frozenset(required.split())
    )


_NAMED: Final = ("active code lang lastModified lastModifiedBy name", "code lang", "active code lang name")

LISTS: Final = tuple(
    _spec(*each)
    for each in (
        (
            "TreatmentType",
            "GetTreatmentTypes",
            "treatment-types",
            "active code description lang lastModified lastModifiedBy level parentCode",
            "code lang",
            "active code description lang level",
        ),
        (
            "AdditionalDeclaration",
            "GetAdditionalDeclarations",
            "additional-declarations",
            "active additionalCode code lang lastModified lastModifiedBy optionalText text",
            "code additionalCode lang",
            "active code lang text",
        ),
        ("IntendedUse", "GetIntendedUses", "intended-uses", *_NAMED),
        (
            "Pesticide",
            "GetPesticides",
            "pesticides",
            "active code description lastModified lastModifiedBy",
            "code",
            "active code description",
        ),
        ("ProductDescription", "GetProductDescriptions", "product-descriptions", *_NAMED),
        ("Condition", "GetConditions", "conditions", *_NAMED),
        (
            "UnitMeasure",
            "GetUnitMeasures",
            "unit-measures",
            "active code lastModified lastModifiedBy name symbol type",
            "code",
            "active code name type",
        ),
        (
            "MeanOfTransport",
            "GetMeanOfTransports",
            "means-of-transport",
            "active lang lastModified lastModifiedBy modeCode usedTransportMean",
            "modeCode lang usedTransportMean",
            "active lang modeCode usedTransportMean",
        ),
        (
            "PackageType",
            "GetPackageTypes",
            "package-types",
            "active code description lang lastModified lastModifiedBy",
            "code lang",
            "active code description lang",
        ),
        (
            "Statement",
            "GetStatements",
            "statements",
            "active code docTypeOnly lang lastModified lastModifiedBy text",
            "code docTypeOnly lang",
            "active code docTypeOnly lang text",
        ),
    )
)
"""All ten, as DIGEST 2.2 orders them; a test compares fields and order with the hub's own schema."""

_BY_ELEMENT: Final = {spec.element: spec for spec in LISTS}


def list_spec(element: str) -> ListSpec:
    """The list of a repeated element; KeyError for a name that is none of the ten."""
    return _BY_ELEMENT[element]


def row_key(spec: ListSpec, row: Row) -> tuple[str, ...]:
    """What tells a row apart from the others of its list."""
    return tuple(row[name] for name in spec.key)


def breaches(spec: ListSpec, row: Row) -> Iterable[tuple[str, str, str]]:
    """What is wrong with one row: field, what was found, what was expected."""
    for name, text in row.items():
        if name in spec.required and not text:
            yield name, "nothing", "a value"
        elif text and _NOT_XML.search(text):
            yield name, "a control character", "text that XML can carry"
        elif text and name in _CHECKS:
            allows, expected = _CHECKS[name]
            if not allows(text):
                yield name, text, expected


def _is_moment(text: str) -> bool:
    """xs:dateTime, whose offset may be left out."""
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return _MOMENT.fullmatch(text) is not None


_CHECKS: Final[dict[str, tuple[Callable[[str], object], str]]] = {
    "active": ({"true", "false"}.__contains__, "true or false"),
    "lang": (_LANGUAGE.fullmatch, "a language code, as en or pt-BR"),
    "lastModified": (_is_moment, "a dateTime, as 2026-11-22T00:00:00Z"),
    "level": (_LEVEL.fullmatch, "a level, 0 to 9"),
    "modeCode": (_NUMBER.fullmatch, "a number"),
    "docTypeOnly": (_NUMBER.fullmatch, "a document type code, 0 for all"),
    "type": (_UNIT_TYPES.__contains__, ", ".join(sorted(_UNIT_TYPES))),
}


def rows_from_xml(response: _Element) -> list[Row]:
    """The rows of a getter's answer, ours or another hub's: fields with or without namespace, in any order.

    Fields that the contract does not name are left behind, surrounding white space goes, and ``active`` is ``true`` or
    ``false`` however the sender writes a boolean.
    """
    rows = []
    for element in response.iterchildren("*"):
        spec = _BY_ELEMENT.get(str(element.tag).removeprefix(qn(HUB, "")))
        if spec is None:
            continue
        found = {str(child.tag).rpartition("}")[2]: (child.text or "").strip() for child in element.iterchildren("*")}
        row = {name: found.get(name, "") for name in spec.fields}
        row["active"] = _TRUTH.get(row["active"], row["active"])
        rows.append(row)
    return rows
