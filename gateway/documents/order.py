"""Bringing a document of a looser sender into UN/CEFACT order, for reading only (ARCHITECTURE section 5).

The hub and TRACES let documents through that their own schemas refuse (DIGEST 2.6, 3): elements out of sequence, names
without their namespace, the word NULL, empty elements, dates as bare text. The copy made here has none of that, each
difference is a finding, and the original bytes stay what they are.

What may stand where is read from the tolerant schema, so that there is one list of names and not two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.documents.text import text_of
from gateway.errors import Finding, SchemaInvalid, Severity
from gateway.xml.names import DS, RAM21, SPS17, UDT21, XSD, XSI, path_of, qn, readable
from gateway.xml.schema_files import schema_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

__all__ = ["MAX_FINDINGS", "normalise_order"]

MAX_FINDINGS: Final = 100
"""A hostile document can be wrong in more places than anybody wants to read."""
ROOTS: Final = frozenset(
    {
        qn(SPS17, "SPSCertificate"),
        qn("http://ec.europa.eu/tracesnt/certificate/euintra/v1", "SPSCertificate"),
        qn("http://ec.europa.eu/tracesnt/certificate/docom/retrieval/v1", "SPSCertificate"),
    }
)
"""UN's own root and the wrappers of INTRA and DOCOM (DIGEST trap 5)."""
_FOLDER: Final = "uncefact/tolerant"
_NIL: Final = qn(XSI, "nil")
_TRUE: Final = frozenset({"true", "1"})
_SOURCE: Final = "DIGEST 2.6"


@dataclass(frozen=True, slots=True)
class _Place:
    """One child that a type may have."""

    position: int
    name: str
    type_name: str
    """Name of the child's type; a key of the grammar for every type that has children."""


_Grammar = dict[str, dict[str, _Place]]
"""Children by local name, by the name of the type: local names are unique within every type."""


def normalise_order(root: _Element) -> tuple[_Element, tuple[Finding, ...]]:
    """Copies a certificate into UN/CEFACT order.

    Args:
        root: an SPSCertificate of UN, INTRA or DOCOM; not changed.

    Returns:
        The copy (without seal, comments and whatever could not be placed), and what was different, in document order:
        at most ``MAX_FINDINGS``, the last of which then says that there are more.

    Raises:
        SchemaInvalid: IMG-3001, the element is no SPSCertificate.
    """
    if root.tag not in ROOTS:
        raise SchemaInvalid(
            "IMG-3001", where=path_of(root), found=readable(str(root.tag)), expected="sps:SPSCertificate"
        )
    copying = _Copying()
    if root.tag != qn(SPS17, "SPSCertificate"):
        copying.note("SPS-NAMESPACE", Severity.INFO, "The root is a wrapper of another contract", root)
    target = etree.Element(qn(SPS17, "SPSCertificate"), nsmap={"sps": SPS17, "ram": RAM21, "udt": UDT21})
    copying.children(root, target, "SPSCertificateType")
    return target, tuple(copying.findings)


class _Copying:
    """One pass over one document."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._grammar = _grammar()

    def note(
        self, rule: str, severity: Severity, message: str, element: _Element, found: str = "", expected: str = ""
    ) -> None:
        if len(self.findings) < MAX_FINDINGS - 1:
            where = path_of(element)
            self.findings.append(Finding(rule, severity, message, where, found[:200], expected, _SOURCE))
        elif len(self.findings) == MAX_FINDINGS - 1:
            self.findings.append(Finding("SPS-MORE", Severity.WARNING, "There are more findings than are listed"))

    def children(self, source: _Element, target: _Element, type_name: str) -> None:
        """Copies the children of a structured element in the order of its type."""
        places = self._grammar[type_name]
        known = self._known(source, places)
        self._report_disorder(known)
        for place, child in sorted(known, key=lambda pair: pair[0].position):
            copy = etree.SubElement(target, place.name)
            if place.type_name in self._grammar:
                self.children(child, copy, place.type_name)
            else:
                self._leaf(child, copy)
            if not len(copy) and not copy.text and not copy.attrib:
                target.remove(copy)
        if not len(target) and _is_choice(places) and (text := text_of(source)):
            self.note("SPS-BARE-DATE", Severity.INFO, "Bare text stands where UN/CEFACT has an element", source, text)
            etree.SubElement(target, next(iter(places.values())).name).text = text

    def _known(self, source: _Element, places: dict[str, _Place]) -> list[tuple[_Place, _Element]]:
        known = []
        for child in source.iterchildren("*"):
            name = etree.QName(child)
            place = places.get(name.localname)
            if place is not None and child.tag != place.name and name.namespace is None:
                self.note("SPS-NAMESPACE", Severity.INFO, "The name lacks its namespace", child, name.localname)
            elif place is None or child.tag != place.name:
                if child.tag != qn(DS, "Signature"):
                    message = "UN/CEFACT has no such element here; it is not read"
                    self.note("SPS-UNKNOWN", Severity.WARNING, message, child, readable(str(child.tag)))
                continue
            known.append((place, child))
        return known

    def _report_disorder(self, known: Iterable[tuple[_Place, _Element]]) -> None:
        """One finding per parent: the first child that stands behind one that UN/CEFACT puts after it."""
        highest: _Place | None = None
        for place, child in known:
            if highest is not None and place.position < highest.position:
                message = "The element stands later than UN/CEFACT has it"
                expected = f"before {readable(highest.name)}"
                self.note("SPS-ORDER", Severity.WARNING, message, child, readable(place.name), expected)
                return
            highest = place

    def _leaf(self, source: _Element, copy: _Element) -> None:
        for name, value in source.attrib.items():
            if etree.QName(str(name)).namespace != XSI:
                copy.set(name, value)
        text = (source.text or "") + "".join(child.tail or "" for child in source)
        if text.strip() == "NULL":
            self.note("SPS-NULL", Severity.WARNING, "The word NULL stands for an empty element", source, "NULL")
        elif text.strip():
            copy.text = text
        elif not copy.attrib and source.get(_NIL) not in _TRUE:  # a nil says itself that nothing is there
            self.note("SPS-EMPTY", Severity.INFO, "The element is empty and is read as missing", source)
        for child in source.iterchildren("*"):
            message = "UN/CEFACT has no element here; it is not read"
            self.note("SPS-UNKNOWN", Severity.WARNING, message, child, readable(str(child.tag)))


def _is_choice(places: dict[str, _Place]) -> bool:
    return all(place.name.startswith(f"{{{UDT21}}}") for place in places.values())


@cache
def _grammar() -> _Grammar:
    grammar: _Grammar = {}
    for name, namespace in (
        ("SPSCertificate_17.xsd", SPS17),
        ("ReusableAggregateBusinessInformationEntity_21.xsd", RAM21),
        ("UnqualifiedDataType_21.xsd", UDT21),
    ):
        for declared in schema_tree(f"{_FOLDER}/{name}").iterchildren(qn(XSD, "complexType")):
            places = {
                local: _Place(position, qn(namespace, local), str(element.get("type", "")).rpartition(":")[2])
                for position, element in enumerate(declared.iter(qn(XSD, "element")))
                if (local := str(element.get("name", "")))
            }
            if places:
                grammar[str(declared.get("name"))] = places
    return grammar
