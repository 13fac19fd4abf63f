"""The copy of a certificate without personal data (R-9-2).

Partial access for third countries and international organisations excludes personal data, unless R-9-3 lets it through
for one partner. The copy is a representation of its own: it carries no seal, because none could hold, and the original
stays as it is.

Masked: natural persons and contacts anywhere; name, identifiers and address of operators (a trader can be a natural
person, and nobody can tell from the name); free text of clauses that hold an e-mail address. Left out: attached files,
which nobody can look through, comments and processing instructions. Kept: authorities, countries, goods, codes.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Final

from gateway.documents.text import text_of
from gateway.xml.canonical import serialise
from gateway.xml.names import DS, RAM21, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["MASK", "mask_personal"]

MASK: Final = "***"
"""Stands where personal data stood, so that a reader can tell masked from missing."""

_RAM: Final = f"{{{RAM21}}}"
_OPERATORS: Final = frozenset(
    _RAM + name
    for name in (
        "ConsignorSPSParty",
        "ConsigneeSPSParty",
        "CarrierSPSParty",
        "DespatchSPSParty",
        "DeliverySPSParty",
        "CustomsTransitAgentSPSParty",
        "OperatorSPSParty",
    )
)
_PROVIDERS: Final = frozenset({_RAM + "ProviderSPSParty", _RAM + "LocationProviderSPSParty"})
_NUMBERS: Final = frozenset({None, "approval_number"})
"""Lists of a party's TypeCode that are no lists of codes."""
_DECLARATION: Final = "4"
"""UN/EDIFACT 9417 of an operator's declaration (DIGEST 6, box I.35): here the signing party is an operator."""
_PERSONS: Final = frozenset({_RAM + "SpecifiedSPSPerson", _RAM + "DefinedSPSContact"})
_ADDRESS: Final = tuple(
    f"{_RAM}SpecifiedSPSAddress/{_RAM}{name}"
    for name in ("PostcodeCode", "LineOne", "LineTwo", "LineThree", "LineFour", "LineFive", "CityName", "CityID")
)
_E_MAIL: Final = re.compile(r"(?<![^\s@<>()])[^\s@<>()]++@[^\s@<>()]+\.[^\s@<>()]+")
"""Begins only where a word begins and never gives back: linear in the text, whatever a stranger writes."""


def mask_personal(root: _Element) -> bytes:
    """A copy of a certificate without personal data and without a seal.

    Args:
        root: the certificate; not changed.

    Returns:
        UTF-8 bytes that stand alone, valid against every schema that the original is valid against.
    """
    copy = deepcopy(root)
    _take_out(copy)
    for element in copy.iter("*"):
        tag = element.tag
        if tag in _OPERATORS or (tag in _PROVIDERS and _is_declaration(element)):
            _mask_operator(element)
        elif tag in _PERSONS:
            for leaf in element.iter("*"):
                _mask(leaf)
        elif not len(element) and "@" in (element.text or ""):
            element.text = _E_MAIL.sub(MASK, element.text or "")
    return serialise(copy)


def _take_out(copy: _Element) -> None:
    for element in list(copy.iter()):
        if not isinstance(element.tag, str) or element.tag in {qn(DS, "Signature"), f"{_RAM}AttachmentBinaryObject"}:
            parent = element.getparent()
            if parent is not None:
                _remove(parent, element)


def _remove(parent: _Element, element: _Element) -> None:
    """Removes an element and keeps the text behind it: a comment can stand in the middle of a value."""
    tail = element.tail
    previous = element.getprevious()
    if tail and previous is not None:
        previous.tail = (previous.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _is_declaration(provider: _Element) -> bool:
    parent = provider.getparent()
    return parent is not None and text_of(parent.find(f"{_RAM}TypeCode")) == _DECLARATION


def _mask_operator(party: _Element) -> None:
    _mask(party.find(f"{_RAM}ID"))
    _mask(party.find(f"{_RAM}Name"))
    for path in _ADDRESS:
        _mask(party.find(path))
    for code in party.iterchildren(f"{_RAM}TypeCode"):
        if (
            code.get("listID") in _NUMBERS
        ):  # registration numbers, of ePhyto and of CHEDs; else a code of the list listID
            _mask(code)


def _mask(element: _Element | None) -> None:
    if element is not None and not len(element) and text_of(element):
        element.text = MASK
