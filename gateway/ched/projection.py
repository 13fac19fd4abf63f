"""What a reader sees of a CHED (Articles 9 and 36): copies without what is not for it. The stored CHED stays as it is.

Default deny: a party is kept only where it is an authority, a text only where it is a code, a number, a date or one of
the subjects that describe goods. So a place that nobody thought of is hidden, not shown. No copy carries a seal: none
could hold.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.ched.access import Sight
from gateway.documents import MASK, mask_personal
from gateway.documents.ched import read_ched, write_ched
from gateway.documents.ched.places import LIST_APPROVAL
from gateway.documents.text import text_of
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import RAM21

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.store import ChedRow

__all__ = ["entry", "projected", "refusal", "shown_row", "without_personal_data"]

_RAM: Final = f"{{{RAM21}}}"
_PARTY: Final = re.compile(re.escape(_RAM) + r"\w*SPSParty")
_SIGNATORIES: Final = frozenset({f"{_RAM}ProviderSPSParty"})
"""Who signed boxes I.35, II.21 and III.6: a person, whatever else the party says."""
_CONSIGNOR: Final = f"{_RAM}ConsignorSPSParty"
_PERSONS: Final = (f"{_RAM}SpecifiedSPSPerson", f"{_RAM}DefinedSPSContact")
_COUNTRY: Final = frozenset({f"{_RAM}CountryID", f"{_RAM}CountryName"})
_PERSONAL_CLAUSES: Final = frozenset({"SIGNATORY_PERSON_EMAIL", "SIGNATORY_PERSON_NAME"})
_NOTE: Final = f"{_RAM}IncludedSPSNote"
_CLAUSE: Final = f"{_RAM}IncludedSPSClause"
_GOODS: Final = frozenset(
    {
        "INDIVIDUAL_IDENTIFICATION_NUMBER",
        "IDENTIFICATION_NUMBER",
        "PASSPORT_NUMBER",
    }
)
"""Subjects of free notes about goods: box I.31 holds no personal data (REGULATION 7)."""
_HARMLESS: Final = re.compile(
    r"[A-Z][A-Z0-9_]*|-?[0-9]{1,9}([.,][0-9]+)?|\d{4}-\d\d-\d\d([T ][0-9:.]+(Z|[+-]\d\d:\d\d)?)?"
)
"""A code, a number or a date, by its form; a number of ten digits or with a plus may be a telephone's."""


def projected(root: _Element, sight: Sight) -> bytes:
    """The copy for a reader who does not see the whole CHED.

    Args:
        root: ``SPSCertificate``; not changed.
        sight: how much the reader sees.

    Returns:
        UTF-8 bytes of an element that stands alone.
    """
    match sight:
        case Sight.ENTRY:
            return entry(root)
        case Sight.REFUSAL:
            return refusal(root)
        case _:
            return without_personal_data(root)


def shown_row(row: ChedRow, sight: Sight) -> ChedRow:
    """What a reader sees of the row: names of operators are for those who see the CHED."""
    if sight in (Sight.FULL, Sight.ENTRY):
        return row
    consignor = MASK if sight is Sight.MASKED and row.consignor_name else row.consignor_name
    consignee = MASK if row.consignee_name else ""
    return replace(row, consignor_name=consignor, consignee_name=consignee, operators=(), bodies=())


def entry(root: _Element) -> bytes:
    """The copy for customs (R-38-1): entry data and the decision, without Part III.

    Args:
        root: ``SPSCertificate``; not changed.
    """
    return serialise(write_ched(replace(read_ched(root), follow_up=None)))


def without_personal_data(root: _Element) -> bytes:
    """The copy for third countries and international organisations (R-9-2).

    Hidden: natural persons, contacts, e-mail addresses; name, identifiers and address of operators (I.1, I.6, I.7, I.8,
    I.21, I.24, I.28, II.18); who signed (I.35, II.21, III.6); free texts that are not about goods; files.

    Args:
        root: ``SPSCertificate``; not changed.

    Returns:
        UTF-8 bytes of an element that stands alone.
    """
    copy = deepcopy(root)
    for element in copy.iter(f"{_RAM}*"):
        tag = str(element.tag)
        if tag == _NOTE:
            _hide_note(element)
        elif tag == _CLAUSE:
            _hide_clause(element)
        elif _PARTY.fullmatch(tag) and (tag in _SIGNATORIES or not _is_authority(element)):
            _hide_party(element)
    return mask_personal(copy)


def refusal(root: _Element) -> bytes:
    """The copy for authorities that had no part in it: the refusal and what was ordered (R-36-5, Art 66(5) OCR).

    As `without_personal_data`, but name, address and identifiers of the consignor stay: by them and by the goods
    another post knows the consignment when it comes again.

    Args:
        root: ``SPSCertificate``; not changed.

    Returns:
        As `without_personal_data`.
    """
    shown = parse(without_personal_data(root)).root
    for hidden, original in zip(list(shown.iter(_CONSIGNOR)), list(root.iter(_CONSIGNOR)), strict=True):
        kept = deepcopy(original)
        kept.tail = hidden.tail
        for person in kept.iter(*_PERSONS):
            _hide_all(person)
        parent = hidden.getparent()
        if parent is not None:
            parent.replace(hidden, kept)
    return serialise(shown)


def _is_authority(party: _Element) -> bool:
    """Whether the party says that it is an authority: in the scheme of its identifier or in its kind of user."""
    identifier = party.find(f"{_RAM}ID")
    if identifier is not None and identifier.get("schemeID") == "authority_activity_id":
        return True
    return any(
        code.get("listID") == "user_body_role" and text_of(code) == "AUTHORITY"
        for code in party.iterchildren(f"{_RAM}TypeCode")
    )


def _hide_party(party: _Element) -> None:
    """Everything that names it; codes that say what it does, and its country, stay."""
    _hide(party.find(f"{_RAM}ID"))
    for name in party.iterchildren(f"{_RAM}Name"):
        _hide(name)
    for address in party.iterchildren(f"{_RAM}SpecifiedSPSAddress"):
        for leaf in address.iterchildren("*"):
            if leaf.tag not in _COUNTRY:
                _hide(leaf)
    for code in party.iterchildren(f"{_RAM}TypeCode"):
        if code.get("listID") in (None, LIST_APPROVAL):
            _hide(code)


def _hide_note(note: _Element) -> None:
    if text_of(note.find(f"{_RAM}SubjectCode")) in _GOODS:
        return
    for content in note.iterchildren(f"{_RAM}Content"):
        if not _HARMLESS.fullmatch(text_of(content)):
            _hide(content)


def _hide_clause(clause: _Element) -> None:
    """Texts of a clause are its code and the label of that code; without a code they are somebody's words."""
    contents = list(clause.iterchildren(f"{_RAM}Content"))
    personal = text_of(clause.find(f"{_RAM}ID")) in _PERSONAL_CLAUSES
    if personal or not any(_HARMLESS.fullmatch(text_of(content)) for content in contents):
        for content in contents:
            _hide(content)


def _hide_all(element: _Element) -> None:
    for leaf in element.iter("*"):
        _hide(leaf)


def _hide(element: _Element | None) -> None:
    if element is not None and not len(element) and text_of(element):
        element.text = MASK
