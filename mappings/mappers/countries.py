"""TRACES names a country beside its code; in ePhyto the name is often missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from gateway.xml.names import RAM21, qn
from mappings.shape import insert

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

_ID, _NAME = qn(RAM21, "ID"), qn(RAM21, "Name")
_ENGLISH = {"languageID": "en"}


def to_traces(element: _Element, run: Pass, path: str) -> bool:
    """Add the English name where there is none."""
    code = element.findtext(_ID, "")
    label = run.label("country", code)
    names = element.findall(_NAME)
    if label and not names:
        name = etree.Element(_NAME, _ENGLISH)
        name.text = label
        insert(element, "SPSCountryType", name)
        run.report_form("country-label", f"{path}/ram:Name", "", label)
    elif _is_label(names, label):
        run.report_form("label-lost", f"{path}/ram:Name", label)
    return True


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """Take the English name away; another name is the sender's and stays."""
    code = element.findtext(_ID, "")
    label = run.label("country", code)
    names = element.findall(_NAME)
    if _is_label(names, label):
        element.remove(names[0])
        run.report_form("country-label", f"{path}/ram:Name", label, "")
    elif label and not names:
        run.report_form("label-lost", f"{path}/ram:Name")
    return True


def _is_label(names: list[_Element], label: str) -> bool:
    return len(names) == 1 and bool(label) and names[0].text == label and dict(names[0].attrib) == _ENGLISH
