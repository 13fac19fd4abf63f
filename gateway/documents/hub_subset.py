"""How a certificate differs from the part of UN/CEFACT's that the ePhyto hub's contract declares (DIGEST 2.6).

The hub carries a certificate as text and refuses none for these differences; a receiver that reads by the hub's schema
stumbles over them. What may stand where, how often and of which type is read from our schema of the hub's subset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.documents.text import text_of
from gateway.errors import Finding, Severity
from gateway.xml.names import XSD, path_of, qn, readable
from gateway.xml.schema_files import schema_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

__all__ = ["hub_differences"]

_FOLDER: Final = "ippc"
_FILES: Final = ("SPSCertificate_17.xsd", "ReusableAggregateBusinessInformationEntity_21.xsd")
_ROOT_TYPE: Final = "SPSCertificate"
_SOURCE: Final = "DIGEST 2.6"
_MAX_INT: Final = 2**31 - 1
_INT: Final = re.compile(r"[+-]?[0-9]{1,10}")
_DOUBLE: Final = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class _Slot:
    """One child that a type of the hub may have."""

    type_name: str
    """A type with children of its own, else ``int``, ``double`` or any other name for text."""
    once: bool
    attributes: frozenset[str] | None
    """None where the schema allows any content."""


_Grammar = dict[str, dict[str, _Slot]]
"""Children by local name, by the name of the type; local names are unique within every type."""


def hub_differences(root: _Element, *, limit: int) -> tuple[Finding, ...]:
    """What the hub's schema has no place for, has only once, or declares as a number and finds as text.

    Args:
        root: an SPSCertificate in UN/CEFACT order and names, as ``normalise_order`` makes it; not changed.
        limit: findings beyond this number are left out.

    Returns:
        In document order: WARNING where a declared type is broken, INFO where a place is missing.
    """
    found: list[Finding] = []
    for finding in _differences(root, _ROOT_TYPE):
        if len(found) >= limit:
            break
        found.append(finding)
    return tuple(found)


def _differences(element: _Element, type_name: str) -> Iterator[Finding]:
    slots = _grammar()[type_name]
    seen: set[str] = set()
    for child in element.iterchildren("*"):
        name = etree.QName(child).localname
        slot = slots.get(name)
        if slot is None:
            yield _finding("HUB-NO-PLACE", Severity.INFO, "The hub's contract has no such element here", child)
            continue
        if slot.once and name in seen:
            yield _finding("HUB-ONCE", Severity.INFO, "The hub's contract has this element once", child)
        seen.add(name)
        yield from _strange_attributes(child, slot)
        if slot.type_name in _grammar():
            yield from _differences(child, slot.type_name)
        elif (expected := _TYPES.get(slot.type_name)) and not _holds(slot.type_name, text_of(child)):
            message = "The hub's contract declares a number here"
            yield _finding("HUB-TYPE", Severity.WARNING, message, child, text_of(child), expected)


def _strange_attributes(element: _Element, slot: _Slot) -> Iterator[Finding]:
    if slot.attributes is not None:
        for name in element.attrib:
            if str(name) not in slot.attributes:
                message = "The hub's contract has no such attribute here"
                yield _finding("HUB-NO-PLACE", Severity.INFO, message, element, f"@{readable(str(name))}")


_TYPES: Final = {"int": f"a whole number up to {_MAX_INT}", "double": "a decimal number"}


def _holds(type_name: str, text: str) -> bool:
    if not text:
        return True  # missing content is another question
    if type_name == "int":
        return _INT.fullmatch(text) is not None and abs(int(text)) <= _MAX_INT
    return _DOUBLE.fullmatch(text) is not None


def _finding(
    rule: str, severity: Severity, message: str, element: _Element, found: str = "", expected: str = ""
) -> Finding:
    found = found or readable(str(element.tag))
    return Finding(rule, severity, message, path_of(element), found[:200], expected, _SOURCE)


@cache
def _grammar() -> _Grammar:
    declared = {
        str(declared.get("name")): declared
        for name in _FILES
        for declared in schema_tree(f"{_FOLDER}/{name}").iterchildren(qn(XSD, "complexType"))
    }
    return {
        type_name: {str(element.get("name")): _slot(element, declared) for element in elements}
        for type_name, definition in declared.items()
        if (elements := [element for element in definition.iter(qn(XSD, "element")) if element.get("name")])
    }


def _slot(element: _Element, declared: dict[str, _Element]) -> _Slot:
    type_name = _local(element.get("type"))
    definition = declared.get(type_name)
    attributes: frozenset[str] | None = None if type_name == "anyType" else frozenset()
    if definition is not None:
        attributes = frozenset(str(attribute.get("name")) for attribute in definition.iter(qn(XSD, "attribute")))
        base = next(definition.iter(qn(XSD, "extension")), None)
        if base is not None:
            type_name = _local(base.get("base"))
    return _Slot(type_name, element.get("maxOccurs", "1") == "1", attributes)


def _local(name: object) -> str:
    return str(name or "").rpartition(":")[2]
