"""What a document is, in the codes of TRACES: rows may hold for one type of document, or for one kind of CHED, only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.xml.names import RAM21, SPS17, qn
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.index import Index

__all__ = ["CHED", "context_of", "document_type", "is_ched"]

CHED: Final = "636"
"""Document type of every CHED, canonical."""

_DOCUMENT: Final = qn(SPS17, "SPSExchangedDocument")
_TYPE_CODE: Final = f"{_DOCUMENT}/{qn(RAM21, 'TypeCode')}"
_NOTES: Final = f"{_DOCUMENT}/{qn(RAM21, 'IncludedSPSNote')}"
_SUBJECT_CODE, _CONTENT_CODE = qn(RAM21, "SubjectCode"), qn(RAM21, "ContentCode")
_KIND: Final = "CHED_TYPE"
"""Subject of the note that says which kind of CHED it is (DIGEST 6)."""


def document_type(document: _Element) -> str:
    """The document type code as it stands in the document."""
    return (document.findtext(_TYPE_CODE) or "").strip()


def is_ched(context: str) -> bool:
    """Whether a context is that of a CHED of any kind."""
    return context.partition("/")[0] == CHED


def context_of(document: _Element, index: Index, source: str, partner: str = "") -> str:
    """The context of a document's places: its type in the codes of TRACES, of a CHED with its kind, as in ``636/PP``.

    Empty for a type that the tables do not know; a kind that they do not know is left out. So only what the tables
    name becomes a context.

    Args:
        document: an ``SPSCertificate``.
        index: the tables of the day.
        source: the system in whose codes it is written.
        partner: whose own rows go before the general ones.
    """
    ways = _Ways(index, source, partner)
    kind = ways.canonical("document-type", document_type(document), "")
    if kind != CHED:
        return kind
    for note in document.iterfind(_NOTES):
        subject = ways.canonical("ched-note-subject", _text(note, _SUBJECT_CODE), CHED)
        if subject == _KIND:
            of_ched = ways.canonical("ched-type", _text(note, _CONTENT_CODE), CHED)
            return f"{CHED}/{of_ched}" if of_ched else CHED
    return CHED


class _Ways:
    """From one system's codes to the canonical ones, where the tables lead there."""

    def __init__(self, index: Index, source: str, partner: str) -> None:
        self._index = index
        self._source = source
        self._partner = partner

    def canonical(self, name: str, code: str, context: str) -> str:
        """The canonical code, empty where there is none; a system without that list writes the canonical codes."""
        lookups = self._index.lookups
        lookup = (
            lookups.get((self._source, CANONICAL, name, self._partner))
            or lookups.get((self._source, CANONICAL, name, ""))
            if self._source != CANONICAL
            else None
        )
        if lookup is None:
            return code if code in self._index.labels.get(name, ()) else ""
        entry = lookup.get(code, context)
        return (entry.target or "") if entry is not None else ""


def _text(note: _Element, tag: str) -> str:
    return (note.findtext(tag) or "").strip()
