"""What the register and the relay change in a CHED's tree: its reference, its status, its labels, single boxes.

Every function gives a new tree and leaves the one it was given alone.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from gateway.documents.ched.building import Builder
from gateway.documents.ched.labels import STATUSES, TYPES
from gateway.documents.ched.leaves import ID, TYPE, text
from gateway.documents.ched.models import AccompanyingDocument, Coded
from gateway.documents.ched.places import HEALTH_CERTIFICATE, RAM, RELATION_SELF, SPS
from gateway.documents.ched.reading import IN_DOCUMENT, read_ched
from gateway.documents.ched.writing import write_ched

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

__all__ = ["relabel", "with_fields", "with_reference", "with_status"]

_DOCUMENT: Final = f"{SPS}SPSExchangedDocument"
_STATUS: Final = f"{RAM}StatusCode"
_REFERENCE: Final = f"{RAM}ReferenceSPSReferencedDocument"
_RELATION: Final = f"{RAM}RelationshipTypeCode"
_CLAUSE: Final = f"{RAM}IncludedSPSClause"
_CONTENT: Final = f"{RAM}Content"
_ORDER: Final = {tag: position for position, tag in enumerate(IN_DOCUMENT)}
_LISTS: Final = {
    _STATUS: "status_code",
    f"{RAM}RoleCode": "party_role",
    f"{RAM}ModeCode": "transport_mode",
    _RELATION: "referenced_document_relationship",
}
"""Lists of codes that stand without a listID."""


def with_reference(root: _Element, reference: str, url: str = "") -> _Element:
    """The CHED with its number (I.2) and the reference to itself.

    Args:
        root: of the CHED.
        reference: such as ``CHEDPP.NL.2026.0000001``; empty for a contingency CHED (R-46).
        url: of its electronic version; empty leaves the reference to itself without one out.
    """
    copy = deepcopy(root)
    document = _document(copy)
    _child(document, ID).text = reference or None
    itself = next(filter(_is_itself, document.iterchildren(_REFERENCE)), None)
    place = None
    if itself is not None:
        place = itself.getnext()
        document.remove(itself)
    if url:
        holder = etree.Element(document.tag, nsmap={"ram": RAM[1:-1]})
        certificate = Coded(HEALTH_CERTIFICATE, TYPES[HEALTH_CERTIFICATE])
        entry = AccompanyingDocument(certificate, RELATION_SELF, reference, attachment=url)
        Builder("").reference(holder, entry, format="url", mimeCode="text/url")
        if place is None:
            _insert(document, holder[0], first=True)
        else:
            place.addprevious(holder[0])
    return copy


def with_status(root: _Element, code: str, name: str = "") -> _Element:
    """The CHED with another status (UN/EDIFACT 4405) and its label; TRACES' English one unless another is given."""
    copy = deepcopy(root)
    status = _child(_document(copy), _STATUS)
    status.text = code
    label = name or STATUSES.get(code, "")
    status.attrib.pop("name", "")
    if label:
        status.set("name", label)
    return copy


def with_fields(root: _Element, **values: Any) -> _Element:
    """The CHED with other values in fields of ``Ched``; every other element stays as it was sent."""
    return write_ched(replace(read_ched(root), **values))


def relabel(root: _Element, language: str, label_of: Callable[[str, str], str]) -> _Element:
    """The CHED with the labels of another language.

    Args:
        root: of the CHED.
        language: ISO 639-1 of the labels.
        label_of: gives the label of (list, code), empty when it has none: then the label stays as it is. Lists are
            named as the wire names them (``listID``, a clause's ``schemeID``), and ``status_code``, ``party_role``,
            ``transport_mode``, ``referenced_document_relationship`` where it names none.
    """
    copy = deepcopy(root)
    for element in copy.iter("*"):
        listed = element.get("listID") or _LISTS.get(str(element.tag))
        if listed and element.get("name") is not None:
            label = label_of(listed, text(element))
            if label:
                element.set("name", label)
        elif element.tag == _CLAUSE:
            _relabel_clause(element, language, label_of)
    return copy


def _relabel_clause(clause: _Element, language: str, label_of: Callable[[str, str], str]) -> None:
    contents = list(clause.iterchildren(_CONTENT))
    scheme = next((found for child in clause.iterchildren(ID) if (found := child.get("schemeID"))), "")
    if len(contents) > 1 and (label := label_of(scheme, text(contents[0]))):
        contents[1].text = label
        contents[1].set("languageID", language)


def _document(copy: _Element) -> _Element:
    document = next(copy.iterchildren(_DOCUMENT), None)
    if document is None:
        document = etree.Element(_DOCUMENT)
        copy.insert(0, document)
    return document


def _child(document: _Element, tag: str) -> _Element:
    child = next(document.iterchildren(tag), None)
    if child is None:
        child = etree.Element(tag)
        _insert(document, child)
    for inner in list(child):
        child.remove(inner)
    return child


def _insert(document: _Element, new: _Element, *, first: bool = False) -> None:
    """Puts a child where UN/CEFACT has it: behind others of its name, or before them."""
    place = _ORDER[str(new.tag)]
    after = next(
        (each for each in document if _ORDER.get(each.tag, -1) > place or (first and each.tag == new.tag)), None
    )
    if after is None:
        document.append(new)
    else:
        after.addprevious(new)


def _is_itself(reference: _Element) -> bool:
    relation = any(text(child) == RELATION_SELF for child in reference.iterchildren(_RELATION))
    return relation and any(text(child) == HEALTH_CERTIFICATE for child in reference.iterchildren(TYPE))
