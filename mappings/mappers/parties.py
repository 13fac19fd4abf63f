"""A registration number in ``TypeCode/@listName`` in ePhyto, in ``ID/@schemeID`` in TRACES; roles by place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from gateway.xml.names import RAM21, qn
from mappings.bindings import bindings
from mappings.shape import children, first, insert

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

_ID, _ROLE, _TYPE = qn(RAM21, "ID"), qn(RAM21, "RoleCode"), qn(RAM21, "TypeCode")
_LIST = "party-identifier"


def to_traces(element: _Element, run: Pass, path: str) -> bool:
    """The number moves to ID, and the party gets the role of its place."""
    by_tag = {child.tag: child for child in reversed(children(element))}
    if (identifier := by_tag.get(_ID)) is not None:
        if run.comes_back(_LIST, identifier.get("schemeID", "")):
            run.report_form("party-foreign", path, identifier.get("schemeID", ""))
    elif (number := by_tag.get(_TYPE)) is not None and set(number.attrib) == {"listName"}:
        _number_to_id(element, number, run, path)
    slot_role = bindings().roles.get(str(element.tag).rpartition("}")[2])
    if slot_role and by_tag:
        role = by_tag.get(_ROLE)
        if role is None:
            _add(element, _ROLE, slot_role)
            run.report_form("party-role", path, "", slot_role)
        elif _is_of_place(role, slot_role, element):
            run.report_form("party-foreign", f"{path}/ram:RoleCode", slot_role)
    return True


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """The inverse; what TRACES says beyond it is kept where UN/CEFACT has a place for it."""
    identifier = first(element, _ID)
    if identifier is not None:
        _id_to_number(element, identifier, run, path)
    elif (number := first(element, _TYPE)) is not None and _would_move(number, run):
        run.report_form("party-foreign", path, number.get("listName", ""))
    slot_role = bindings().roles.get(str(element.tag).rpartition("}")[2])
    role = first(element, _ROLE)
    if slot_role and role is None and len(element):
        run.report_form("party-foreign", f"{path}/ram:RoleCode")
    elif role is not None and slot_role and _is_of_place(role, slot_role, element):
        if role.attrib:
            run.report_form("party-foreign", f"{path}/ram:RoleCode", slot_role)
        element.remove(role)
        run.report_form("party-role", path, slot_role, "")
    return True


def _is_of_place(role: _Element, slot_role: str, party: _Element) -> bool:
    """Whether the ePhyto form goes without it: a party that says nothing else would go with it."""
    return role.text == slot_role and len(party) > 1


def _would_move(number: _Element, run: Pass) -> bool:
    """Whether the way back would take it for a registration number of an ePhyto."""
    return set(number.attrib) == {"listName"} and bool(run.comes_back(_LIST, number.get("listName", "")))


def _number_to_id(element: _Element, number: _Element, run: Pass, path: str) -> None:
    named = number.get("listName", "")
    entry = run.known(_LIST, named)
    if entry is None or entry.target is None:
        return
    run.report_code(_LIST, named, entry, f"{path}/ram:TypeCode[1]/@listName")
    element.remove(number)
    _add(element, _ID, number.text or "", schemeID=entry.target)
    run.report_form("party-identifier", path, number.text or "", number.text or "")


def _id_to_number(element: _Element, identifier: _Element, run: Pass, path: str) -> None:
    scheme = identifier.get("schemeID", "")
    entry = run.known(_LIST, scheme)
    if entry is None or entry.target is None:
        return
    run.report_code(_LIST, scheme, entry, f"{path}/ram:ID/@schemeID")
    if set(identifier.attrib) != {"schemeID"}:
        run.report_form("party-foreign", f"{path}/ram:ID", scheme)
    number = etree.Element(_TYPE, listName=entry.target)
    number.text = identifier.text
    element.remove(identifier)
    following = first(element, _TYPE)
    if following is None:
        insert(element, "SPSPartyType", number)
    else:
        following.addprevious(number)
    run.report_form("party-identifier", path, number.text or "", number.text or "")


def _add(element: _Element, tag: str, text: str, **attributes: str) -> None:
    child = etree.Element(tag, attributes)
    child.text = text
    insert(element, "SPSPartyType", child)
