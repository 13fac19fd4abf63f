"""Translations whose result is not stored as it came out, once more: what was sent to a partner, and CHEDs.

What is sent is sealed or put into an envelope, so the digest of the translated document is compared. Into the document
of a CHED the register writes numbers and statuses, so only its report can be compared, row by row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.errors import ExchangeRefused
from gateway.exchange.retranslating import reasons_of
from gateway.ippc.content import document_limits
from gateway.store import find_ched_translation, find_delivery, find_version_parts
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS
from mappings import CANONICAL, report_from_json, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.xml.limits import Limits
    from mappings import Index, TranslatedPlace

__all__ = ["KeptKind", "KeptReport", "Repeated", "RowDifference", "kept_report", "repeat"]

_EXPECTED: Final = "one of since versions of tables are recorded, or --tables"
_OTHERWISE: Final = (
    "every row decides as it did: the translation itself, or the form that it gives, is of another release"
)


class KeptKind(StrEnum):
    """What was translated."""

    DELIVERY = "delivery"
    CHED = "ched"


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A translation of which the document before it and the report are kept."""

    kind: KeptKind
    id: str
    """Of the delivery, or of the message that brought the CHED."""
    partner: str
    """Whose codes they are."""
    tables: str
    day: date
    document: bytes
    """What is translated: the canonical document of a delivery, a CHED as it came."""
    report: str
    digest: bytes | None
    """SHA-256 of what came out; None where only the report tells."""


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A place where the translation decided otherwise; empty where it touched nothing."""

    path: str
    before: str
    """The codes, and the row that decided."""
    after: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """What came out now, beside what is kept."""

    kept: KeptReport
    again: bytes
    report: tuple[TranslatedPlace, ...]
    same_codes: bool | None
    """Whether the document is that of its day to the byte; None where none is kept to compare with."""
    differences: tuple[RowDifference, ...]
    reasons: tuple[str, ...]
    """Why it is not the same, in words; empty when it is."""

    @property
    def same(self) -> bool:
        """Whether every code and row that can be compared is the same."""
        return self.same_codes is not False and not self.differences


def kept_report(connection: Connection, subject: str, *, tables: str = "") -> KeptReport | None:
    """A delivery, or the message of a CHED, with its translation; None when the id is of neither.

    Args:
        connection: of `Store.read`.
        subject: id of the delivery or message.
        tables: a version to take instead of the recorded one.

    Raises:
        ExchangeRefused: IMG-6040, nothing was translated, or it was before reports of it were kept.
    """
    delivery = find_delivery(connection, subject)
    if delivery is not None:
        row, parts = delivery
        made = parts.translation if parts else None
        if made is None or row.exchange_id is None:
            what = "nothing was prepared yet" if parts is None else "no version of the tables"
            raise ExchangeRefused("IMG-6040", where=subject, found=f"{row.state}: {what}", expected=_EXPECTED)
        version = find_version_parts(connection, row.exchange_id)
        content = (version.translated if version else None) or b""
        tables = tables or made.tables
        return KeptReport(
            KeptKind.DELIVERY, row.id, row.partner, tables, made.effective_on, content, made.report, made.digest
        )
    ched = find_ched_translation(connection, subject)
    if ched is None:
        return None
    if ched.original is None or not (tables or ched.tables):
        what = "it came in canonical codes" if ched.original is None else "no version of the tables"
        raise ExchangeRefused("IMG-6040", where=subject, found=what, expected=_EXPECTED)
    tables = tables or ched.tables or ""
    return KeptReport(
        KeptKind.CHED, subject, ched.partner, tables, ched.at.date(), ched.original, ched.report or "[]", None
    )


def repeat(kept: KeptReport, partner: Partner, index: Index, *, limits: Limits = DEFAULT_LIMITS) -> Repeated:
    """Translate it once more.

    Args:
        kept: what is stored.
        partner: whose codes they are, as its record says now.
        index: the tables of the recorded version and day.
        limits: of documents.

    Raises:
        TranslationRefused: the tables or rules of now do not translate it any more.
    """
    outwards = kept.kind is KeptKind.DELIVERY
    source, target = (CANONICAL, partner.code_system) if outwards else (partner.code_system, CANONICAL)
    limits = document_limits(limits) if outwards else limits
    done = translate(
        parse(kept.document, limits=limits).root, source=source, target=target, index=index, partner=partner.id
    )
    again = serialise(done.root)
    before = report_from_json(kept.report)
    differences = tuple(_compared(before, done.report))
    same = None if kept.digest is None else hashlib.sha256(again).digest() == kept.digest
    if same is not False and not differences:
        return Repeated(kept, again, done.report, same, (), ())
    reasons = tuple(reasons_of(before, done.report, kept.tables, index)) or (_OTHERWISE,)
    return Repeated(kept, again, done.report, same, differences, reasons)


def _compared(before: Iterable[TranslatedPlace], after: Iterable[TranslatedPlace]) -> Iterator[RowDifference]:
    then, now = _by_place(before), _by_place(after)
    for path in dict.fromkeys([*then, *now]):
        was, is_now = "; ".join(then.get(path, ())), "; ".join(now.get(path, ()))
        if was != is_now:
            yield RowDifference(path, was, is_now)


def _by_place(report: Iterable[TranslatedPlace]) -> dict[str, list[str]]:
    """What was decided at each place, in order; a place may be touched by several rows."""
    places: dict[str, list[str]] = {}
    for each in report:
        places.setdefault(each.path, []).append(f"{each.source_code} > {each.target_code}: {each.row_id}, {each.loss}")
    return places
