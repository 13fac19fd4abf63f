"""The name beside a country's code: often missing in ePhyto, always shown by TRACES, with its language.

Names never decide anything. Towards TRACES a missing one is written as TRACES shows it, and the way back takes exactly
that text away again; a name in other words, or without a language, is the sender's and travels as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.xml.names import RAM21, qn
from mappings.shape import children, insert, shapes

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

    from mappings.walk import Mapper, Pass

_LANGUAGE: Final = "en"
_LIST: Final = "country"


def to_traces(type_name: str, code_name: str, label_name: str) -> Mapper:
    """The mapper of a type that has a country's code and name, towards TRACES.

    Args:
        type_name: UN/CEFACT type.
        code_name: its element with the code.
        label_name: its element with the name.
    """
    parts, label_tag = _parts(code_name, label_name), qn(RAM21, label_name)
    where = _place(type_name, label_name)

    def add(element: _Element, run: Pass, path: str) -> bool:
        code, name, alone = parts(element)
        label = run.label(_LIST, code.text or "") if code is not None else ""
        if not label or code is None:
            return True
        if name is None:
            name = etree.SubElement(element, label_tag)
            if code.getnext() is not name:
                insert(element, type_name, name)
        elif name.text or name.attrib or not alone:
            if alone and _is_label(name, label):
                run.report_form("country-name-own", f"{path}/{where}", label, label)
            return True
        name.set("languageID", _LANGUAGE)
        name.text = label
        run.report_form("country-name", path, "", label)
        return True

    return add


def to_ephyto(type_name: str, code_name: str, label_name: str) -> Mapper:
    """The inverse; arguments as for `to_traces`."""
    parts, where = _parts(code_name, label_name), _place(type_name, label_name)

    def take_away(element: _Element, run: Pass, path: str) -> bool:
        code, name, alone = parts(element)
        label = run.label(_LIST, run.comes_back(_LIST, code.text or "")) if code is not None else ""
        if not label:
            return True
        if name is None:
            run.report_form("country-name-own", path, "", label)
        elif alone and _is_label(name, label):
            element.remove(name)
            run.report_form("country-name", f"{path}/{where}", label, "")
        return True

    return take_away


def _parts(code_name: str, label_name: str) -> Callable[[_Element], tuple[_Element | None, _Element | None, bool]]:
    """A reader of the code, the first name and whether there is no other."""
    code_tag, label_tag = qn(RAM21, code_name), qn(RAM21, label_name)

    def parts(element: _Element) -> tuple[_Element | None, _Element | None, bool]:
        code = name = None
        alone = True
        for child in children(element):
            tag = child.tag
            if tag == code_tag:
                code = child
            elif tag == label_tag:
                alone = name is None
                name = child if name is None else name
        return code, name, alone

    return parts


def _place(type_name: str, label_name: str) -> str:
    """The first name in a path."""
    repeats = shapes()[type_name][qn(RAM21, label_name)].repeatable
    return f"ram:{label_name}[1]" if repeats else f"ram:{label_name}"


def _is_label(name: _Element, label: str) -> bool:
    return name.text == label and name.attrib.items() == [("languageID", _LANGUAGE)]
