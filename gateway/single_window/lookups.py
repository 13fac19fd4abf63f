"""The other lookups that customs need: by document code, by certificate, by declaration, by reference (Article 38).

Every answer is for one instant, leaves one trace, and shows only CHEDs of the partner's countries. What belongs to an
answer and may not be shown is counted in it; where nothing else is left the question is refused: an empty answer means
that there is nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from gateway.access import View, view_of
from gateway.ched.customs_box import find_reports
from gateway.errors import AccessDenied, ChedRefused, CustomsRefused
from gateway.exchange import spend
from gateway.single_window.access import check_sight, is_known
from gateway.single_window.following import is_missing
from gateway.single_window.lookup_codes import DocumentCodes
from gateway.single_window.lookup_models import (
    MAX_LIMIT,
    MAX_OFFSET,
    Answer,
    AskedAbout,
    ByCertificate,
    ByDeclaration,
    ByDocument,
    ByReference,
    NamedCode,
    Paged,
    Window,
)
from gateway.single_window.lookup_showing import Shower
from gateway.single_window.opening import open_to_show
from gateway.single_window.pushing import Pushes
from gateway.store import (
    DeclarationType,
    allocations_by_declaration,
    cheds_accompanied_by,
    cheds_by_references,
    documents_numbered,
    find_exchange,
    find_versions,
    read_ledger_content,
    reports_by_document,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.exchange import Context
    from gateway.exchange.journal import TracedCall
    from gateway.single_window.access import CustomsActor
    from gateway.single_window.lookup_models import Citation, FoundCertificate, FoundChed, Question
    from gateway.store import ChedRow, DocumentRow, LedgerState

__all__ = ["CONTRACT", "OPERATIONS", "Lookups"]

CONTRACT: Final = "customs-lookup"
"""What partner records grant, for SOAP and REST alike."""

OPERATIONS: Final = {
    "GetChed": ByReference,
    "FindByCustomsDocument": ByDocument,
    "FindByCertificate": ByCertificate,
    "FindByDeclaration": ByDeclaration,
}
"""The operations of the grant, each with its question."""

MAX_ROWS: Final = 10_000
"""Goods items of one declaration. What has as many is refused, as with the next two: a part would look like all."""
MAX_CITING: Final = 1_000
"""CHEDs that name a certificate of one number: more have a number that says nothing, as ``-``."""
MAX_SAME: Final = 100
"""Certificates of one number, by issuer and type."""

_FORMS: Final = {
    "code": (re.compile(r"[A-Za-z0-9._-]{1,32}"), "1 to 32 letters and digits, such as N853"),
    "country": (re.compile(r"[A-Z]{2}"), "two capital letters"),
    "type": (re.compile(r"[A-Za-z0-9]{1,10}"), "a code of UNTDID 1001, such as 851"),
}
_OPTIONAL: Final = frozenset({"country", "type"})
_NUMBER: Final = "1 to 128 characters that can be seen, no space at either end"
_MAX_NUMBER: Final = 128


@dataclass(frozen=True, slots=True)
class _Look:
    """One question on its way."""

    connection: Connection
    actor: CustomsActor
    codes: DocumentCodes
    shower: Shower
    window: Window
    missing: list[str]
    """Gets the CHEDs of the answer whose ledger has to be opened first."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a question led to."""

    question: AskedAbout
    cheds: tuple[FoundChed, ...] = ()
    certificates: tuple[FoundCertificate, ...] = ()
    more: bool = False
    withheld: int = 0


class Lookups:
    """Answers questions from the CHEDs, ledgers and certificates of this instance. For any thread.

    Args:
        context: the services.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def answer(self, actor: CustomsActor, question: Question, window: Window, call: TracedCall) -> Answer:
        """What is known now, after its trace was left (R-11-1).

        Raises:
            AccessDenied: IMG-2110, all of it belongs to other countries.
            ChedRefused: IMG-7201, there is no such CHED.
            CustomsRefused: IMG-7408, 7420 to 7422.
            TranslationRefused: a code whose row may not be used.
        """
        _check(question, window)
        now = self._context.clock()
        tables = self._context.index.state
        codes = DocumentCodes(tables.on(now.date()), tables.tables, actor.principal.partner)
        shower = Shower(tables.tables, now.date(), codes, self._context.limits)
        missing: list[str] = []
        with self._context.store.read() as connection:
            found = _find(_Look(connection, actor, codes, shower, window, missing), question)
        if missing:
            open_to_show(self._context, Pushes(), missing, partner=actor.id, at=now)
            with self._context.store.read() as connection:
                found = _find(_Look(connection, actor, codes, shower, window, missing), question)
        answer = _answer(found, window, now)
        shown = [each.reference for each in answer.cheds]
        subject = found.question.reference or found.question.number
        spend(self._context, actor.principal, call, subject, {"cheds": shown, "withheld": found.withheld})
        return answer


def _answer(found: _Found, window: Window, now: datetime) -> Answer:
    page = Paged(limit=window.limit, offset=window.offset, more=found.more, withheld=found.withheld)
    return Answer(as_of=now, question=found.question, certificates=found.certificates, cheds=found.cheds, page=page)


def _find(look: _Look, question: Question) -> _Found:
    match question:
        case ByReference(reference):
            return _Found(AskedAbout(reference=reference), (_one(look, reference),))
        case ByDocument(code, number):
            return _by_document(look, code, number)
        case ByCertificate():
            asked = AskedAbout(number=question.number, country=question.country, type=question.type)
            return _by_certificate(look, asked)
        case ByDeclaration(kind, number):
            return _by_declaration(look, kind, number)


def _by_document(look: _Look, code: str, number: str) -> _Found:
    meaning = look.codes.meaning(code, number)
    asked = AskedAbout(document=NamedCode(code, meaning.name), number=number)
    if not meaning.reference:
        return _by_certificate(look, replace(asked, type=meaning.type))
    ched = _one(look, meaning.reference)
    if ched.type != meaning.ched_type:
        found = f"{ched.reference}, CHED-{ched.type}"
        expected = f"a CHED-{meaning.ched_type} for {code}"
        raise CustomsRefused("IMG-7408", where="number", found=found, expected=expected)
    if meaning.split_mark:
        why = f"the declaration names a part of it ({meaning.split_mark}): ask for the CHED of that part"
        ched = replace(ched, valid=False, not_valid_because=why)
    return _Found(replace(asked, reference=meaning.reference, split_mark=meaning.split_mark), (ched,))


def _one(look: _Look, reference: str) -> FoundChed:
    """The CHED that is asked for by name.

    Raises:
        AccessDenied: IMG-2110.
        ChedRefused: IMG-7201.
    """
    found = read_ledger_content(look.connection, reference)
    if found is None or not is_known(found[1]):
        expected = "a reference as in box I.2; one of a UK declaration together with its document code"
        refused = ChedRefused("IMG-7201", where="reference", found=reference, expected=expected)
        refused.subject = reference
        raise refused
    return _shown(look, found, ("asked",))


def _listed(look: _Look, reference: str, because: tuple[str, ...], citations: tuple[Citation, ...] = ()) -> FoundChed:
    """A CHED of a list."""
    found = read_ledger_content(look.connection, reference)
    if found is None:
        raise AssertionError("a CHED with a reference has a document")
    return _shown(look, found, because, citations)


def _shown(
    look: _Look,
    found: tuple[LedgerState, ChedRow, bytes],
    because: tuple[str, ...],
    citations: tuple[Citation, ...] = (),
) -> FoundChed:
    """What was seen in one look, if the partner may see it.

    Raises:
        AccessDenied: IMG-2110.
    """
    state, row, content = found
    check_sight(look.actor, row)
    if is_missing(state):
        look.missing.append(row.reference)
    return look.shower.ched(state, row, content, find_reports(look.connection, row.id), because, citations)


def _by_certificate(look: _Look, asked: AskedAbout) -> _Found:
    rows = cheds_accompanied_by(look.connection, asked.number, limit=MAX_CITING)
    if len(rows) == MAX_CITING:
        raise _too_many(asked.number, MAX_CITING)
    cited = [(row, look.shower.citations(row, asked.number, asked.country, asked.type)) for row in rows]
    seen, withheld = _sorted_out(look, [row for row, citations in cited if citations])
    certificates, hidden = _certificates(look, asked)
    if withheld + hidden and not seen and not certificates:
        raise AccessDenied("IMG-2110", where="number", found=asked.number)
    page, more = _page(seen, look.window)
    citations_of = {row.reference: citations for row, citations in cited}
    cheds = tuple(_listed(look, each, ("cited",), citations_of[each]) for each in page)
    return _Found(asked, cheds, certificates, more, withheld + hidden)


def _by_declaration(look: _Look, kind: DeclarationType, number: str) -> _Found:
    allocations = allocations_by_declaration(look.connection, number, type=kind, limit=MAX_ROWS)
    reports = reports_by_document(look.connection, number, limit=MAX_ROWS) if kind is DeclarationType.MRN else []
    if MAX_ROWS in {len(allocations), len(reports)}:
        raise _too_many(number, MAX_ROWS)
    why: dict[str, set[str]] = {}
    for reference, allocation in allocations:
        why.setdefault(reference, set()).add(allocation.state.value)
    for reference, _ in reports:
        why.setdefault(reference, set()).add("reported")
    seen, withheld = _sorted_out(look, cheds_by_references(look.connection, why))
    if withheld and not seen:
        raise AccessDenied("IMG-2110", where="number", found=number)
    page, more = _page(seen, look.window)
    cheds = tuple(_listed(look, each, tuple(sorted(why[each]))) for each in page)
    return _Found(AskedAbout(declaration_type=kind.value, number=number), cheds, (), more, withheld)


def _sorted_out(look: _Look, rows: Iterable[ChedRow]) -> tuple[list[str], int]:
    """The references of the CHEDs that the partner may see, in their order, and how many it may not."""
    seen, withheld = [], 0
    for row in rows:
        if not row.reference or not is_known(row):
            continue
        try:
            check_sight(look.actor, row)
        except AccessDenied:
            withheld += 1
        else:
            seen.append(row.reference)
    return sorted(seen), withheld


def _page(references: Sequence[str], window: Window) -> tuple[Sequence[str], bool]:
    end = window.offset + window.limit
    return references[window.offset : end], len(references) > end


def _certificates(look: _Look, asked: AskedAbout) -> tuple[tuple[FoundCertificate, ...], int]:
    """The certificates of that number as they stand in the exchange, and how many may not be seen."""
    rows = documents_numbered(look.connection, asked.number, limit=MAX_SAME)
    if len(rows) == MAX_SAME:
        raise _too_many(asked.number, MAX_SAME)
    fitting = [
        row for row in rows if asked.country in ("", row.key.issuer_country) and asked.type in ("", row.key.type_code)
    ]
    seen = [row for row in fitting if _may_see(look.actor, row)]
    return tuple(_certificate(look, row) for row in seen), len(fitting) - len(seen)


def _may_see(actor: CustomsActor, row: DocumentRow) -> bool:
    """Whether it is for import into a country of the partner, or within its grants for exchanges (R-9-1)."""
    importer = row.import_country or ""
    if actor.membership.covers({importer} - {""}):
        return True
    key = row.key
    view = view_of(actor.principal.partner, row.owner_partner, key.type_code, key.issuer_country, importer)
    return view is not View.NOTHING


def _certificate(look: _Look, row: DocumentRow) -> FoundCertificate:
    versions = find_versions(look.connection, row.id)
    current = next((each for each in versions if each.exchange_id == row.version_id), None)
    replacing = find_exchange(look.connection, current.replaced_by) if current and current.replaced_by else None
    replaced_by = replacing.subject.split("/", 2)[2] if replacing is not None else ""
    return look.shower.certificate(row, versions, replaced_by)


def _too_many(number: str, most: int) -> CustomsRefused:
    expected = f"a number that fewer than {most:,} documents share"
    return CustomsRefused("IMG-7422", where="number", found=number, expected=expected)


def _check(question: Question, window: Window) -> None:
    """Refuse what no document can be found by.

    Raises:
        CustomsRefused: IMG-7422.
    """
    for field in fields(question):
        value = getattr(question, field.name)
        form, expected = _FORMS.get(field.name, (None, _NUMBER))
        if isinstance(value, DeclarationType) or (field.name in _OPTIONAL and not value):
            continue
        if not (_is_number(value) if form is None else form.fullmatch(value)):
            raise CustomsRefused("IMG-7422", where=field.name, found=value, expected=expected)
    for name, most in (("limit", MAX_LIMIT), ("offset", MAX_OFFSET)):
        value = getattr(window, name)
        least = 1 if name == "limit" else 0
        if not least <= value <= most:
            raise CustomsRefused("IMG-7422", where=name, found=str(value), expected=f"{least} to {most}")


def _is_number(text: str) -> bool:
    return 0 < len(text) <= _MAX_NUMBER and text.isprintable() and text == text.strip()
