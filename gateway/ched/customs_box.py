"""Box II.23 as it is shown: the customs documents of the CHED itself, and those that customs reported for it.

What customs report is kept beside the CHED: no version is made of it, so the document and the seals over it stay as
they were signed, and a copy under a seal shows what was sealed (docs/adr/0020). Every other copy, and the printed CHED,
shows both, with the moment of the last report as that of its last update.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.ched.rewriting import rewritten
from gateway.ched.size import MAX_DOCUMENTS
from gateway.documents.ched import AccompanyingDocument, Coded, read_ched
from gateway.documents.ched.places import RELATION_RELATED
from gateway.store import reports_shown
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.documents.ched import Ched
    from gateway.store import CustomsReport
    from gateway.xml.limits import Limits

__all__ = ["find_reports", "shown_ched", "shown_content", "without_reported"]

_DECLARATION: Final = Coded("960", "Single administrative document")
"""UN/EDIFACT 1001, as TRACES writes box II.23."""
_EARLIER: Final = "Earlier customs documents are not shown"


def find_reports(connection: Connection, ched_id: str) -> list[CustomsReport]:
    """The customs documents to show for a CHED: the newest, one more than there is room for."""
    return reports_shown(connection, ched_id, newest=MAX_DOCUMENTS + 1)


def shown_ched(ched: Ched, reports: Sequence[CustomsReport], updated: datetime) -> Ched:
    """The CHED with the reported documents after its own, in the order of their report, each number once.

    Where there are more than a CHED may hold (500) the newest are shown, and the first of them says so: then whoever
    reads the CHED can still send it back.

    Args:
        ched: as it is stored.
        reports: as `find_reports` gives them; without any the CHED is returned as it is.
        updated: when the CHED or what it shows changed last.
    """
    if not reports:
        return ched
    known = {_key(each.number) for each in ched.customs_documents}
    new = {_key(each.document): each for each in reversed(reports) if _key(each.document) not in known}
    documents = [_document(each) for each in reversed(new.values())]
    room = max(0, MAX_DOCUMENTS - len(ched.customs_documents))
    if len(documents) > room:
        documents = documents[len(documents) - room :]
        documents[:1] = [replace(each, information=_EARLIER) for each in documents[:1]]
    return replace(
        ched,
        customs_documents=(*ched.customs_documents, *documents),
        updated=updated.isoformat(timespec="milliseconds"),
    )


def shown_content(content: bytes, reports: Sequence[CustomsReport], updated: datetime, limits: Limits) -> bytes:
    """The same of a stored document; its very bytes where nothing was reported."""
    if not reports:
        return content
    ched = read_ched(parse(content, limits=limits).root)
    return serialise(rewritten(ched, shown_ched(ched, reports, updated)))


def without_reported(sent: Ched, stored: Ched, reported: Iterable[str]) -> Ched:
    """What somebody sent back, without the customs documents that only the copy that was shown had.

    Args:
        sent: the message's CHED.
        stored: as it stands.
        reported: numbers of customs documents reported for it.
    """
    added = {_key(each) for each in reported} - {_key(each.number) for each in stored.customs_documents}
    kept = tuple(each for each in sent.customs_documents if _key(each.number) not in added)
    return sent if len(kept) == len(sent.customs_documents) else replace(sent, customs_documents=kept)


def _document(report: CustomsReport) -> AccompanyingDocument:
    return AccompanyingDocument(
        type=_DECLARATION,
        relation=RELATION_RELATED,
        number=report.document,
        issued=report.at.isoformat(timespec="milliseconds"),
    )


def _key(number: str) -> str:
    return "".join(number.split()).upper()
