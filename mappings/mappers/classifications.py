"""``SystemName`` holds the system's code in ePhyto, ``SystemID`` in TRACES; the class codes of each system.

The class code is a code of the list that its system names. Where a partner or a system has a table for that list, the
code is translated through it; the others are the same everywhere, as CN and EPPO codes are. Without a table the
Harmonized System and the Combined Nomenclature share six digits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import TranslationRefused
from gateway.xml.names import RAM21, qn
from mappings.bindings import bindings
from mappings.models import CANONICAL
from mappings.shape import children, first, insert

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

_ID, _NAME, _CODE = qn(RAM21, "SystemID"), qn(RAM21, "SystemName"), qn(RAM21, "ClassCode")
_LIST = "classification-system"
_HS_DIGITS: Final = 6
"""The Harmonized System ends there; the Combined Nomenclature and every national tariff go on in their own way."""
_TARIFF = re.compile("([0-9]{2}){1,5}")


def to_traces(element: _Element, run: Pass, path: str) -> bool:
    """SystemName to SystemID, with the label that TRACES shows."""
    by_tag = {child.tag: child for child in reversed(children(element))}
    name = by_tag.get(_NAME)
    if _ID in by_tag or name is None or not name.text:
        run.report_form("classification-label", path)
        return True
    source = name.text.strip()
    system = run.code(_LIST, source, f"{path}/ram:SystemName[1]")
    if system is None:
        return False
    identifier = etree.SubElement(element, _ID)
    identifier.text = system
    element.insert(0, identifier)
    _rename(name, run.label(_LIST, system), run, path, plain=name.text == source)
    run.report_form("classification", path, source, system)
    return _class_code(element, system, run, path, tariff=source == "HS")


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """SystemID to SystemName; systems without counterpart are left out as their row says."""
    identifier = first(element, _ID)
    if identifier is None or not identifier.text:
        run.report_form("classification-label", path)
        return True
    source = identifier.text.strip()
    system = run.code(_LIST, source, f"{path}/ram:SystemID")
    if system is None:
        return False
    name = first(element, _NAME)
    if name is None:
        name = etree.Element(_NAME)
        insert(element, "SPSClassificationType", name)
    label = run.label(_LIST, source)
    if identifier.attrib:
        run.report_form("classification-label", f"{path}/ram:SystemID", source)
    _rename(name, system, run, path, plain=(name.text or "") == label)
    element.remove(identifier)
    run.report_form("classification", path, source, system)
    return _class_code(element, source, run, path, tariff=system == "HS")


def same_form(element: _Element, run: Pass, path: str) -> bool:
    """Between TRACES and a national system both write SystemID; its label is carried."""
    identifier = first(element, _ID)
    source = (identifier.text or "").strip() if identifier is not None else ""
    if identifier is None or not source:
        return True
    system = run.code(_LIST, source, f"{path}/ram:SystemID")
    if system is None:
        return False
    if system != identifier.text:
        identifier.text = system
    return _class_code(element, source if run.source == CANONICAL else system, run, path, tariff=False)


def _class_code(element: _Element, system: str, run: Pass, path: str, *, tariff: bool) -> bool:
    """Translate the class code by the list of its canonical system; False: the classification is left out."""
    name = bindings().classes.get(system)
    if name is None or run.table(name) is None:
        if tariff:
            _tariff(element, run, path)
        return True
    code = first(element, _CODE)
    text = (code.text or "").strip() if code is not None else ""
    if code is None or not text:
        return True
    becomes = run.code(name, text, f"{path}/ram:ClassCode")
    if becomes is not None and becomes != code.text:
        code.text = becomes
    return becomes is not None


def _rename(name: _Element, text: str, run: Pass, path: str, *, plain: bool) -> None:
    """Replace the system name; what the sender said there beside the code is lost and declared."""
    if name.attrib or not plain:
        run.report_form("classification-label", f"{path}/ram:SystemName[1]", name.text or "", text)
        name.attrib.clear()
    name.text = text


def _tariff(element: _Element, run: Pass, path: str) -> None:
    """Keep the six digits that both nomenclatures share."""
    code = first(element, _CODE)
    if code is None or not (code.text or "").strip():
        return
    text = code.text or ""
    digits = text if text.isdigit() else re.sub(r"[.\s]", "", text)
    if not _TARIFF.fullmatch(digits):
        raise TranslationRefused(
            "IMG-6006", where=f"{path}/ram:ClassCode", found=text, expected="2, 4, 6, 8 or 10 digits"
        )
    if (shared := digits[:_HS_DIGITS]) != text:
        code.text = shared
        run.report_form("hs-digits", f"{path}/ram:ClassCode", text, shared)
