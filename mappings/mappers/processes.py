"""Treatments: ``AppliedSPSProcess`` of type ZZZ with TT* descriptions in ePhyto; in TRACES also steps of the journey.

Both sides can carry a treatment as ePhyto writes it, because UN/CEFACT has no other place for its properties; what
changes are the codes among its descriptions. A process with a type of UNTDID 7187, such as 44, transferring, with the
operator that does it, is no treatment and has no place in an ePhyto (DIGEST 10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.xml.names import RAM21, qn
from mappings.bindings import bindings
from mappings.shape import children, first

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

_TYPE, _DESCRIPTION = qn(RAM21, "TypeCode"), qn(RAM21, "Description")
TREATMENT: Final = "ZZZ"
"""Process type of every treatment: mutually defined (DIGEST 2.7)."""

_PAIR: Final = 2
"""A property and its value."""


def to_traces(element: _Element, run: Pass, path: str) -> bool:
    """A process of another type stays, and is marked because the way back leaves it out."""
    code = first(element, _TYPE)
    if code is not None and code.text and code.text != TREATMENT:
        run.report_form("process-foreign", path, code.text, code.text)
    return True


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """Treatments alone."""
    code = first(element, _TYPE)
    if code is not None and code.text and code.text != TREATMENT:
        run.report_form("process-foreign", path, code.text)
        return False
    return True


def characteristic(element: _Element, run: Pass, path: str) -> bool:
    """The first description names the property; where a list is bound to it, the second is a code of that list.

    A list for which the two systems have no table is carried as it is: the lists of treatments are the hub's.
    """
    texts = children(element)
    if len(texts) > _PAIR or (texts and texts[0].tag != _DESCRIPTION):
        texts = [child for child in texts if child.tag == _DESCRIPTION]
    name = bindings().treatments.get(texts[0].text or "") if len(texts) >= _PAIR else None
    if name is None or texts[1].tag != _DESCRIPTION or run.table(name) is None:
        return True
    code = (texts[1].text or "").strip()
    becomes = run.code(name, code, f"{path}/ram:Description[2]") if code else code
    if becomes is None:
        return False
    if becomes != code:
        texts[1].text = becomes
    return True
