"""Which stored messages would translate differently after a change of tables, before it is made.

Only messages whose stored report names a code of the change are translated again: with the tables as they are, and with
the change. What is stored stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.errors import TranslationRefused
from gateway.exchange.going import going, held
from gateway.exchange.retranslating import as_it_came
from gateway.store import (
    Outcome,
    RowKind,
    find_evidence,
    find_version_parts,
    gaps_of,
    list_exchanges,
)
from gateway.xml.limits import DEFAULT_LIMITS
from mappings import CANONICAL, report_from_json, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.store import ExchangeRow, QuarantineRow, Store, VersionRow
    from gateway.xml.limits import Limits
    from mappings import Index, TranslatedPlace, Translation
    from mappings.changes import ChangePlan

__all__ = ["Candidate", "MessageDifference", "differences", "find_candidates", "gap_codes", "releasable"]

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored message that a change concerns, as far as its report tells."""

    exchange: ExchangeRow
    version: VersionRow
    content: bytes
    codes: frozenset[str]
    """The codes of the changed list that were met in it."""


@dataclass(frozen=True, slots=True)
class MessageDifference:
    """One place of a stored message that would say something else."""

    message: str
    subject: str
    place: str
    """An XPath into the document as it came."""
    code: str
    before: str
    after: str
    """A code, or the refusal of the whole message."""


def find_candidates(
    store: Store,
    plan: ChangePlan,
    partners: Mapping[str, Partner],
    *,
    limit: int,
    step: Callable[[str, int], None] = lambda _what, _count: None,
) -> Iterator[Candidate]:
    """The messages that a change concerns, newest first.

    Args:
        store: where they are.
        plan: the change.
        partners: by id; messages of others are passed over.
        limit: look at so many accepted messages.
        step: told how many were looked at.
    """
    before, looked = None, 0
    while looked < limit:
        with store.read() as connection:
            page = list_exchanges(connection, outcome=Outcome.ACCEPTED, before=before, limit=min(_PAGE, limit - looked))
            found = [
                each for row in page if row.partner in partners for each in _concerned(connection, plan, row, partners)
            ]
        yield from found
        if not page:
            return
        looked += len(page)
        before = page[-1].id
        step("messages looked at", looked)


def differences(
    candidate: Candidate, partner: Partner, before: Index, after: Index, *, limits: Limits = DEFAULT_LIMITS
) -> list[MessageDifference]:
    """What would be different in one message.

    Args:
        candidate: from `find_candidates`.
        partner: who sent it, as its record says now.
        before: the tables of the effective day without the change.
        after: with it.
        limits: of documents.
    """
    root = as_it_came(candidate.content, candidate.version.form, candidate.version.status_code, limits=limits)
    was, now = (_translated(root, partner, index) for index in (before, after))
    if isinstance(was, TranslationRefused) and isinstance(now, TranslationRefused):
        return []
    if isinstance(was, TranslationRefused) or isinstance(now, TranslationRefused):
        refusal = was if isinstance(was, TranslationRefused) else now
        assert isinstance(refusal, TranslationRefused)
        said = (f"refused: {refusal.code}", "translated")
        told = said if refusal is was else said[::-1]
        return [_difference(candidate, refusal.where, refusal.found, *told)]
    old, new = _by_place(was), _by_place(now)
    return [
        _difference(candidate, path, (old.get(path) or new[path]).source_code, _target(old, path), _target(new, path))
        for path in sorted({*old, *new})
        if _target(old, path) != _target(new, path)
    ]


def _concerned(
    connection: Connection, plan: ChangePlan, row: ExchangeRow, partners: Mapping[str, Partner]
) -> Iterator[Candidate]:
    partner, table = partners[row.partner], plan.table
    if table.kind is RowKind.MAP and table.system != partner.code_system:
        return
    if table.partner not in ("", partner.id):
        return
    parts = find_version_parts(connection, row.id)
    if parts is None or f'"list":"{table.list}"' not in (parts.translation_report or ""):
        return
    codes = frozenset(
        place.source_code
        for place in report_from_json(parts.translation_report or "[]")
        if place.list == table.list and plan.touches(place.source_code, place.target_code)
    )
    found = find_evidence(connection, row.id) if codes else None
    version = found.version if found is not None else None
    if version is not None:
        yield Candidate(row, version, parts.content, codes)


def _translated(root: _Element, partner: Partner, index: Index) -> Translation | TranslationRefused:
    try:
        return translate(root, source=partner.code_system, target=CANONICAL, index=index, partner=partner.id)
    except TranslationRefused as refusal:
        return refusal


def _by_place(translation: Translation) -> dict[str, TranslatedPlace]:
    return {place.path: place for place in translation.report}


def _target(places: Mapping[str, TranslatedPlace], path: str) -> str:
    return places[path].target_code if path in places else "(unchanged)"


def _difference(candidate: Candidate, path: str, code: str, before: str, after: str) -> MessageDifference:
    return MessageDifference(candidate.exchange.id, candidate.exchange.subject, path, code, before, after)


def releasable(store: Store, index: Index) -> Iterator[QuarantineRow]:
    """The messages in quarantine that would go with these tables, as far as their missing codes tell, oldest first.

    A later version of a document goes after the one that it waits for, and counts like it.
    """
    return going(store, index, followers=True)


def gap_codes(store: Store, name: str) -> set[str]:
    """The codes of one list that messages in quarantine wait for."""
    codes: set[str] = set()
    for row in held(store, name):
        with store.read() as connection:
            codes |= {gap.code for gap in gaps_of(connection, row.id) if gap.list == name}
    return codes
