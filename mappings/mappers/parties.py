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
    if _ID in by_tag:
        run.report_form("party-foreign", f"{path}/ram:ID")
    elif _TYPE in by_tag:
        _number_to_id(element, by_tag[_TYPE], run, path)
    slot_role = bindings().roles.get(str(element.tag).rpartition("}")[2])
    if _ROLE in by_tag:
        run.report_form("party-foreign", f"{path}/ram:RoleCode", by_tag[_ROLE].text or "")
    elif slot_role:
        _add(element, _ROLE, slot_role)
        run.report_form("party-role", path, "", slot_role)
    return True


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """The inverse; what TRACES says beyond it is kept where UN/CEFACT has a place for it."""
    identifier = first(element, _ID)
    if identifier is not None:
        _id_to_number(element, identifier, run, path)
    elif (number := first(element, _TYPE)) is not None and _movable(number, run):
        run.report_form("party-foreign", f"{path}/ram:TypeCode")
    slot_role = bindings().roles.get(str(element.tag).rpartition("}")[2])
    role = first(element, _ROLE)
    if role is not None and role.text == slot_role:
        if role.attrib:
            run.report_form("party-foreign", f"{path}/ram:RoleCode", role.text or "")
        element.remove(role)
        run.report_form("party-role", path, slot_role or "", "")
    elif role is not None or slot_role:
        run.report_form("party-foreign", f"{path}/ram:RoleCode", (role.text or "") if role is not None else "")
    return True


def _movable(number: _Element, run: Pass) -> bool:
    return set(number.attrib) == {"listName"} and run.lookup(_LIST).get(str(number.get("listName"))) is not None


def _number_to_id(element: _Element, number: _Element, run: Pass, path: str) -> None:
    if not _movable(number, run):
        return
    scheme = run.code(_LIST, str(number.get("listName")), f"{path}/ram:TypeCode/@listName")
    element.remove(number)
    _add(element, _ID, number.text or "", schemeID=scheme or "")
    run.report_form("party-identifier", path, number.text or "", number.text or "")


def _id_to_number(element: _Element, identifier: _Element, run: Pass, path: str) -> None:
    scheme = identifier.get("schemeID", "")
    entry = run.lookup(_LIST).get(scheme)
    if entry is None or entry.target is None:
        run.report_form("party-foreign", f"{path}/ram:ID", scheme)
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
