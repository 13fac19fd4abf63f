"""Writes the fields that a register fills into a CHED, without taking the whole CHED apart.

``write_ched`` compares every element of the tree; for a status and a reference most of that is the goods, which cannot
have changed. Where only fields of SPSExchangedDocument did, the consignment is copied as it stands. The outcome is the
same (tests/ched/test_rewriting.py).
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from gateway.documents.ched import Ched, Decision, read_ched, write_ched
from gateway.xml.names import SPS17, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["rewritten"]

_DOCUMENT: Final = qn(SPS17, "SPSExchangedDocument")
_CONSIGNMENT: Final = qn(SPS17, "SPSConsignment")
_FILLED: Final = (
    "reference",
    "local_reference",
    "status_code",
    "status_name",
    "issued",
    "updated",
    "url",
    "issuer",
    "customs_documents",
    "previous",
    "subsequent",
)
"""Fields of ``Ched`` that stand in SPSExchangedDocument and nowhere else."""
_ELSEWHERE: Final = ("controlled_destination", "reseals", "post")
"""Fields of a decision that stand in the consignment."""
_NO_DECISION: Final = Decision()
_REST: Final = tuple(field.name for field in fields(Ched) if field.name not in {*_FILLED, "decision", "source"})


def rewritten(base: Ched, ched: Ched) -> _Element:
    """The tree of a changed CHED, always a new one.

    Args:
        base: as it was read from its tree.
        ched: the same with other values.
    """
    source = base.source
    if source is None or not _same_consignment(base, ched):
        return write_ched(ched)
    parts = {str(part.tag): part for part in source.iterchildren("*")}
    document = parts.get(_DOCUMENT)
    if document is None or parts.keys() - {_DOCUMENT, _CONSIGNMENT} or len(parts) != len(source):
        return write_ched(ched)
    head = _like(source)
    head.append(deepcopy(document))
    values = {name: getattr(ched, name) for name in _FILLED}
    decision = ched.decision and replace(ched.decision, controlled_destination=None, reseals=(), post=None)
    changed = write_ched(replace(read_ched(head), **values, decision=decision))
    root = _like(source)
    root.append(next(changed.iterchildren(_DOCUMENT)))
    if _CONSIGNMENT in parts:
        root.append(deepcopy(parts[_CONSIGNMENT]))
    for part in root:
        part.tail = None
    return root


def _like(element: _Element) -> _Element:
    """An element of the same name with the same attributes and prefixes, and nothing in it."""
    names: dict[Any, str] = dict(element.nsmap)
    return etree.Element(element.tag, {str(name): str(value) for name, value in element.items()}, nsmap=names)


def _same_consignment(base: Ched, ched: Ched) -> bool:
    """Whether nothing changed that stands in the consignment, or that this module does not know."""
    if any(getattr(base, name) != getattr(ched, name) for name in _REST):
        return False
    before, after = base.decision or _NO_DECISION, ched.decision or _NO_DECISION
    return all(getattr(before, name) == getattr(after, name) for name in _ELSEWHERE)
