"""Reads CHEDs of the register: as much of each as the reader may see."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from gateway.ched.access import Sight, require_sight, visibility_of
from gateway.ched.customs_box import find_reports, shown_content, without_reported
from gateway.ched.models import ChedContent
from gateway.ched.projection import projected, shown_row
from gateway.ched.states import DECIDED, TERMINAL, ChedStatus
from gateway.documents.ched import Ched, read_ched
from gateway.errors import ChedRefused
from gateway.store import (
    Cursors,
    ched_by_reference,
    ched_content,
    cheds_by_local_reference,
    find_cheds,
    read_ched_by_reference,
    reports_of,
)
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.ched.codes import Codes
    from gateway.ched.labels import Labels
    from gateway.ched.models import Actor
    from gateway.ched.sealing import CounterSeals
    from gateway.exchange import Context
    from gateway.store import ChedQuery, ChedRow

__all__ = ["ChedReader", "Renderer"]


_STATUSES: Final = frozenset(ChedStatus)
"""Others can only come from TRACES, and what may follow them is not known here."""


class Renderer(Protocol):
    """Makes the printable CHED (``gateway.pdf``)."""

    def __call__(self, ched: Ched, *, language: str, url: str, contingency: str, signed: bool) -> bytes:
        """A PDF; PAdES when ``signed``.

        Raises:
            GatewayError: there is no key to sign with.
        """


class ChedReader:
    """The reading half of the register.

    Args:
        context: the services.
        seals: the seals of TRACES; None where this instance is not TRACES.
        render: the printable CHED; without it there is none.
        codes: of the partners that read.
        labels: the marks of contingency documents.
    """

    def __init__(
        self,
        context: Context,
        seals: CounterSeals | None,
        render: Renderer | None,
        codes: Codes,
        labels: Labels,
    ) -> None:
        self._labels = labels
        self._context = context
        self._codes = codes
        self._store = context.store
        self._seals = seals
        self._render = render
        self._cursors = Cursors()

    def row(self, actor: Actor, reference: str) -> ChedRow:
        """Status and dates, without what the actor may not see.

        Raises:
            ChedRefused: IMG-7201.
            AccessDenied: IMG-2110.
        """
        with self._store.read() as connection:
            row = self._row(connection, actor, reference)
        return self._codes.shown(actor, shown_row(row, require_sight(actor, row)))

    def find(self, actor: Actor, query: ChedQuery) -> Sequence[ChedRow]:
        """One page of what the actor may see, newest first; what the query says about visibility is not believed."""
        wanted = replace(self._codes.asked(actor, query), visibility=visibility_of(actor))
        with self._store.read() as connection:
            rows = find_cheds(connection, wanted, self._cursors)
        return tuple(self._codes.shown(actor, shown_row(row, require_sight(actor, row))) for row in rows)

    def read(self, actor: Actor, reference: str) -> ChedContent:
        """The CHED as it stands, as much as the actor may see, with what customs reported in II.23.

        Raises:
            ChedRefused: IMG-7201.
            AccessDenied: IMG-2110.
        """
        row, content, tests = self._shown(actor, reference)
        sight = require_sight(actor, row)
        whole = sight is Sight.FULL
        seen = ChedContent(
            reference=row.reference,
            status_code=row.status_code,
            content=content if whole else projected(parse(content, limits=self._context.limits).root, sight),
            masked=not whole,
            laboratory_tests=tests if whole else b"",
        )
        return self._codes.own(actor, seen)

    def sealed_xml(self, actor: Actor, reference: str) -> bytes:
        """The decided CHED under the seal of TRACES (Article 41(2)); a seal that is still pending is made now.

        Raises:
            ChedRefused: IMG-7201; IMG-7207, it is not decided or not signed, or the actor sees only a copy of it, which
                no seal covers.
            AccessDenied: IMG-2110.
            Unavailable: IMG-9003, no time stamp can be had now.
        """
        row, content, _ = self._content(actor, reference)
        if require_sight(actor, row) is not Sight.FULL or self._seals is None:
            raise ChedRefused("IMG-7207", where="ID", found=reference)
        return self._seals.sealed(row, content)

    def pdf(self, actor: Actor, reference: str, *, signed: bool) -> bytes:
        """The printable CHED in the actor's language, with what customs reported in II.23.

        Raises:
            ChedRefused: IMG-7201; IMG-7207, a signed one of a CHED that is not decided, or for somebody who sees only
                a copy; IMG-7203, nothing here makes PDFs.
            AccessDenied: IMG-2110.
        """
        row, content, _ = self._shown(actor, reference)
        sight = require_sight(actor, row)
        if signed and (sight is not Sight.FULL or row.status_code not in DECIDED):
            raise ChedRefused("IMG-7207", where="ID", found=reference)
        root = parse(content, limits=self._context.limits).root
        if sight is not Sight.FULL:
            root = parse(projected(root, sight), limits=self._context.limits).root
        return self.printed(read_ched(root), actor.language, signed=signed)

    def printed(self, ched: Ched, language: str, *, signed: bool = False) -> bytes:
        """A CHED that somebody may see, as a PDF.

        Raises:
            ChedRefused: IMG-7203, nothing here makes PDFs.
        """
        if self._render is None:
            raise ChedRefused("IMG-7203", where="ID", found=ched.reference)
        mark = ched.contingency
        if mark and not self._labels.is_mark(mark):  # whatever its sender wrote would stand in a frame on each page
            mark = self._labels.of(language)
        return self._render(ched, language=language, url=ched.url, contingency=mark, signed=signed)

    def existing(self, actor: Actor, ched: Ched) -> tuple[ChedRow, Ched]:
        """A CHED that is to be changed: its row and its boxes.

        Raises:
            ChedRefused: IMG-7201; IMG-7202, it has come to its end; IMG-7210, it is not of the sender's own area.
            AccessDenied: IMG-2110.
        """
        row, content, _ = self._content(actor, ched.reference or ched.local_reference)
        if require_sight(actor, row) is not Sight.FULL:
            raise ChedRefused("IMG-7210", where="ID", found=row.reference, expected="a CHED of the sender's own area")
        if row.status_code in TERMINAL or row.status_code not in _STATUSES:
            raise ChedRefused("IMG-7202", where="ID", found=f"status {row.status_code}", expected="a CHED that is open")
        return row, read_ched(parse(content, limits=self._context.limits).root)

    def _row(self, connection: Connection, actor: Actor, reference: str) -> ChedRow:
        row = ched_by_reference(connection, reference) if reference else None
        if row is None and reference:
            partner = actor.principal.partner.id
            local = cheds_by_local_reference(connection, reference, partner=partner)
            row = next((each for each in local if not each.reference), None)
        if row is None:
            refused = ChedRefused("IMG-7201", where="ID", found=reference)
            refused.subject = reference
            raise refused
        return row

    def as_own(self, row: ChedRow, stored: Ched, sent: Ched) -> Ched:
        """What somebody sent back, without the customs documents that only the copy that was shown had."""
        if sent.customs_documents == stored.customs_documents:
            return sent
        with self._store.read() as connection:
            reported = {each.document for each in reports_of(connection, row.id)}
        return without_reported(sent, stored, reported)

    def _shown(self, actor: Actor, reference: str) -> tuple[ChedRow, bytes, bytes]:
        """The CHED as copies of it show it."""
        with self._store.read() as connection:
            row, content, tests = self._found(connection, actor, reference)
            reports = find_reports(connection, row.id)
        return row, shown_content(content, reports, row.updated_at, self._context.limits), tests

    def _content(self, actor: Actor, reference: str) -> tuple[ChedRow, bytes, bytes]:
        """The CHED as it is stored."""
        with self._store.read() as connection:
            return self._found(connection, actor, reference)

    def _found(self, connection: Connection, actor: Actor, reference: str) -> tuple[ChedRow, bytes, bytes]:
        found = read_ched_by_reference(connection, reference) if reference else None
        if found is None:
            row = self._row(connection, actor, reference)
            parts = ched_content(connection, row)
        else:
            row, parts = found
        if parts is None:
            raise ChedRefused("IMG-7201", where="ID", found=reference)
        return row, parts.content, parts.laboratory_tests or b""
