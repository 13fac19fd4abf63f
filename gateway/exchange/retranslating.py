"""The translation of a stored message once more, with the tables that it used: the same bytes, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from gateway.documents import normalise_order
from gateway.errors import ExchangeRefused
from gateway.ippc.content import document_limits
from gateway.store import Form, find_evidence
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import RAM21, SPS17, qn
from mappings import CANONICAL, report_from_json, translate
from mappings.bindings import structure_version
from mappings.differences import find_differences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.store import ExchangeParts, VersionParts
    from gateway.xml.limits import Limits
    from mappings import Index, TranslatedPlace
    from mappings.differences import Difference

__all__ = ["Kept", "Retranslation", "as_it_came", "kept_translation", "reasons_of", "retranslate"]

_STATUS: Final = f"{qn(SPS17, 'SPSExchangedDocument')}/{qn(RAM21, 'StatusCode')}"

_OTHERWISE: Final = "the translation itself is of another release: by the reports every row decides as it did"


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that was translated when it came."""

    exchange_id: str
    partner: str
    tables: str
    """Version of the tables that it used."""
    day: date
    """The day whose rows counted."""
    status_code: str
    form: Form
    parts: VersionParts


@dataclass(frozen=True, slots=True)
class Retranslation:
    """What came out now, beside what is stored."""

    kept: Kept
    again: bytes
    report: tuple[TranslatedPlace, ...]
    reasons: tuple[str, ...]
    """Why it is not the same, in words; empty when it is."""
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether every byte is the stored one."""
        return self.again == self.kept.parts.translated


def kept_translation(connection: Connection, exchange_id: str, *, tables: str = "") -> Kept:
    """A stored message with its translation; of a repeat, the one that it repeats.

    Args:
        connection: of `Store.read`.
        exchange_id: of the message.
        tables: a version to take instead of the recorded one.

    Raises:
        ExchangeRefused: IMG-6040, there is no such message, or no translation of it.
    """
    found = find_evidence(connection, exchange_id)
    if found is not None and found.exchange.repeat_of is not None:
        found = find_evidence(connection, found.exchange.repeat_of)
    if found is None:
        raise ExchangeRefused("IMG-6040", where=exchange_id, found="no such message", expected="imsoc messages list")
    if found.version is None or found.parts is None or found.parts.translated is None:
        what = f"{found.exchange.operation}, {found.exchange.outcome.value}: no translation is kept of it"
        raise ExchangeRefused("IMG-6040", where=exchange_id, found=what)
    version = tables or found.version.tables
    if not version:
        expected = "a message that was taken in since versions of tables are recorded, or --tables"
        raise ExchangeRefused("IMG-6040", where=exchange_id, found="no version of the tables", expected=expected)
    return Kept(
        found.exchange.id,
        found.exchange.partner,
        version,
        _came_on(found),
        found.version.status_code,
        found.version.form,
        found.parts,
    )


def _came_on(found: ExchangeParts) -> date:
    """The day on which it came: one that was held came earlier than it was taken over."""
    came = found.exchange.transport.get("received_at")
    return datetime.fromisoformat(came).date() if came else found.exchange.received_at.date()


def retranslate(kept: Kept, partner: Partner, index: Index, *, limits: Limits = DEFAULT_LIMITS) -> Retranslation:
    """Translate the document as it came once more.

    Args:
        kept: what is stored.
        partner: who sent it, as its record says now.
        index: the tables of the recorded version and day.
        limits: of documents.

    Raises:
        TranslationRefused: the tables or rules of now do not translate it any more.
    """
    root = as_it_came(kept.parts.content, kept.form, kept.status_code, limits=limits)
    translation = translate(root, source=partner.code_system, target=CANONICAL, index=index, partner=partner.id)
    again = serialise(translation.root)
    if again == kept.parts.translated:
        return Retranslation(kept, again, translation.report, (), ())
    stored = parse(kept.parts.translated or b"", limits=document_limits(limits)).root
    before = report_from_json(kept.parts.translation_report or "[]")
    reasons = tuple(reasons_of(before, translation.report, kept.tables, index)) or (_OTHERWISE,)
    return Retranslation(kept, again, translation.report, reasons, find_differences(stored, translation.root))


def as_it_came(content: bytes, form: Form, status_code: str, *, limits: Limits = DEFAULT_LIMITS) -> _Element:
    """A stored document as it was handed to the translation when it came."""
    root = parse(content, limits=document_limits(limits)).root
    if form is Form.ENVELOPE:
        root, _ = normalise_order(root)
        status = root.find(_STATUS)
        if status is not None:
            status.text = status_code  # the one that the envelope gave it
    return root


def reasons_of(
    before: tuple[TranslatedPlace, ...], after: tuple[TranslatedPlace, ...], tables: str, index: Index
) -> Iterator[str]:
    """What can have changed besides the tables, as far as the reports tell."""
    then = {place.version for place in before if place.row_id.startswith("structure/")}
    if then - {structure_version()}:
        yield f"the rules of form are of another release: {', '.join(sorted(then))} then, {structure_version()} now"
    if tables != index.version:
        yield f"the tables are {index.version}, not {tables}"
    systems = [{_system(place) for place in report} - {"structure"} for report in (before, after)]
    if systems[0] and systems[1] and systems[0] != systems[1]:
        was, now = (", ".join(sorted(each)) for each in systems)
        yield f"the code system in the partner's record changed: {was} then, {now} now"
    rows = [{(place.path, place.row_id) for place in report} for report in (before, after)]
    if rows[0] - rows[1]:
        path, row = min(rows[0] - rows[1])
        yield f"another row decides at {path}: {row} did"


def _system(place: TranslatedPlace) -> str:
    return place.row_id.partition("/")[0]
