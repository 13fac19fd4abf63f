"""``ID`` 1 or 2 in ePhyto, a coded string with ``schemeID`` in TRACES."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.xml.names import RAM21, qn
from mappings.shape import first

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

STATEMENTS: Final = "ippc_statement"
"""schemeID of the hub's certifying statements (GetStatements) in the TRACES form."""

_ID = qn(RAM21, "ID")


def to_traces(element: _Element, run: Pass, path: str) -> bool:
    """Say of which list the number is."""
    number = first(element, _ID)
    text = (number.text or "") if number is not None else ""
    if number is None or number.attrib:
        run.report_form("clause-foreign", path, text)
    else:
        number.set("schemeID", STATEMENTS)
        run.report_form("clause", path, text, text)
    return True


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """The hub's own statements lose the mark; clauses of other lists have no place there."""
    number = first(element, _ID)
    text = (number.text or "") if number is not None else ""
    if number is None or number.attrib.items() != [("schemeID", STATEMENTS)]:
        run.report_form("clause-foreign", path, text)
        return False
    del number.attrib["schemeID"]
    run.report_form("clause", path, text, text)
    return True
