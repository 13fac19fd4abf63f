"""Translate a certificate from one system's codes and form to another's (R-37-2, DIGEST 10)."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from lxml import etree

from gateway.errors import TranslationRefused
from gateway.xml.names import DS, XSI, qn, readable
from mappings.document_types import context_of
from mappings.models import CANONICAL, TranslatedPlace, Translation
from mappings.walk import Pass, plan_for

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.index import Index

__all__ = ["copy_of", "steps", "translate"]


def translate(root: _Element, *, source: str, target: str, index: Index, partner: str = "") -> Translation:
    """Make a new document in the target's codes and form.

    The input is not touched and its ``ds:Signature`` is not carried: a translation is another representation, with a
    seal of its own (R-5-2). Between two partner systems the way goes through the canonical system. With source and
    target equal the result is the document in normal form (UN/CEFACT order, nothing empty, nothing unknown); without a
    declared loss, there and back gives exactly that.

    Args:
        root: an ``SPSCertificate`` element, alone or inside a larger tree.
        source: the code system in which the document is written, for example ``ephyto``.
        target: the one it is wanted in, for example ``traces``.
        index: the tables of the day that counts for this document.
        partner: use this partner's own rows before the general ones.

    Raises:
        TranslationRefused: IMG-60xx, with list, code, place and the row that is missing.
    """
    for system in (source, target):
        if system not in index.systems:
            raise TranslationRefused("IMG-6005", found=system, expected=", ".join(sorted(index.systems)))
    document = copy_of(root)
    places: list[TranslatedPlace] = []
    versions: dict[str, str] = {}
    for step_source, step_target in steps(source, target):
        run = Pass(index, step_source, step_target, partner, context_of(document, index, step_source, partner))
        run.walk(document, plan_for(step_source, step_target), f"/{readable(str(document.tag))}")
        places += run.places
        versions |= run.versions
    etree.cleanup_namespaces(document)
    return Translation(document, tuple(places), versions, index.version)


def steps(source: str, target: str) -> tuple[tuple[str, str], ...]:
    """The passes on the way from one system to another."""
    if source == target or CANONICAL in (source, target):
        return ((source, target),)
    return ((source, CANONICAL), (CANONICAL, target))


def copy_of(root: _Element) -> _Element:
    """A document of its own to work on, without seals, comments and processing instructions."""
    document = deepcopy(root)
    document.tail = None
    for signature in document.findall(qn(DS, "Signature")):
        document.remove(signature)
    etree.strip_tags(document, etree.Comment, etree.ProcessingInstruction)
    etree.strip_attributes(document, f"{{{XSI}}}*")
    return document
