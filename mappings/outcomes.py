"""The decision of a CHED and the measure of box II.16 in one code, for systems that know them together.

Customs answers with one code for both. The list ``decision-outcome`` holds the joined codes, ``DECISION+MEASURE``; a
word in brackets after the measure is its spelling in a national system, which TRACES does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.xml.names import RAM21, qn
from mappings.shape import first

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["decision_and_measure", "outcome_of"]

_CLAUSE, _NOTE = qn(RAM21, "IncludedSPSClause"), qn(RAM21, "IncludedSPSNote")
_ID, _CONTENT = qn(RAM21, "ID"), qn(RAM21, "Content")
_SUBJECT_CODE, _CONTENT_CODE = qn(RAM21, "SubjectCode"), qn(RAM21, "ContentCode")
_DECISION: Final = "DECISION_CONCLUSION"
_MEASURE: Final = "NOT_ACCEPTABLE_MEASURE"


def outcome_of(ched: _Element) -> str:
    """The code of the list ``decision-outcome`` for a CHED in the codes of TRACES; empty before the decision.

    Args:
        ched: an ``SPSCertificate``.
    """
    decision = _said(ched, _CLAUSE, _ID, _DECISION, _CONTENT)
    measure = _said(ched, _NOTE, _SUBJECT_CODE, _MEASURE, _CONTENT_CODE)
    return f"{decision}+{measure}" if decision and measure else decision


def decision_and_measure(outcome: str) -> tuple[str, str]:
    """The codes of the lists ``ched-decision`` and ``ched-not-acceptable-measure``; the measure may be empty."""
    decision, _, measure = outcome.partition("+")
    return decision, measure.partition("(")[0]


def _said(ched: _Element, tag: str, key: str, name: str, content: str) -> str:
    """What the clause or note of that name says first."""
    for element in ched.iter(tag):
        named, value = first(element, key), first(element, content)
        if named is not None and named.text == name and value is not None:
            return (value.text or "").strip()
    return ""
