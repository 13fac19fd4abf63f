"""UN/CEFACT's own shape of a certificate, read from the published strict schema.

The order of elements, which of them are required and which may repeat stand in one place, ``xsd``; nothing here can
drift from what the gateway validates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gateway.xml.boundary import parse
from gateway.xml.names import RAM21, SPS17, UDT21, XSD, qn
from gateway.xml.schema_files import schema_source

if TYPE_CHECKING:
    from lxml.etree import _Element

_FILES = {
    RAM21: "ReusableAggregateBusinessInformationEntity_21.xsd",
    SPS17: "SPSCertificate_17.xsd",
    UDT21: "UnqualifiedDataType_21.xsd",
}
ROOT_TYPE = "SPSCertificateType"


@dataclass(frozen=True, slots=True)
class Slot:
    """One element inside a type: its position, the name of its own type, whether it must be there or may repeat."""

    tag: str
    rank: int
    type: str
    required: bool
    repeatable: bool


@cache
def shapes() -> dict[str, dict[str, Slot]]:
    """For each complex type with children, its slots by qualified element name."""
    found: dict[str, dict[str, Slot]] = {}
    for namespace, file in _FILES.items():
        schema = parse(schema_source(f"uncefact/strict/{file}")).root
        for complex_type in schema.iterfind(qn(XSD, "complexType")):
            group = complex_type.find(qn(XSD, "sequence"))
            choice = group is None
            if group is None:
                group = complex_type.find(qn(XSD, "choice"))
            if group is not None:
                name = complex_type.get("name", "")
                found[name] = {
                    slot.tag: slot
                    for rank, element in enumerate(group.iterfind(qn(XSD, "element")))
                    if (slot := _slot(element, namespace, rank, choice=choice)) is not None
                }
    return found


def _slot(element: _Element, namespace: str, rank: int, *, choice: bool) -> Slot | None:
    name = element.get("name")
    if name is None:  # a reference: the seal's slot, which no translation carries
        return None
    return Slot(
        tag=qn(namespace, name),
        rank=rank,
        type=element.get("type", "").rpartition(":")[2],
        required=choice or element.get("minOccurs", "1") != "0",
        repeatable=element.get("maxOccurs", "1") != "1",
    )


def children(parent: _Element) -> list[_Element]:
    """The children at once: a slice costs lxml a fraction of an iteration, above all where they are in use already."""
    return parent[:]  # type: ignore[index, return-value]  # the stubs know no slices


def first(parent: _Element, tag: str) -> _Element | None:
    """The first child of that name; several times faster than ``find``, which compiles a path."""
    for child in children(parent):
        if child.tag == tag:
            return child
    return None


def insert(parent: _Element, type_name: str, child: _Element) -> None:
    """Put ``child`` at its place in UN/CEFACT order, after siblings of its own name."""
    slots = shapes()[type_name]
    rank = slots[str(child.tag)].rank
    for position, sibling in enumerate(children(parent)):
        slot = slots.get(str(sibling.tag))
        if slot is not None and slot.rank > rank:
            parent.insert(position, child)
            return
    parent.append(child)


def reorder(parent: _Element, type_name: str) -> None:
    """Bring the children into UN/CEFACT order; siblings of one name keep theirs."""
    slots = shapes()[type_name]
    parent[:] = sorted(parent, key=lambda child: slots[str(child.tag)].rank)
