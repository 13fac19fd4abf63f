"""What a step of the queue was when it was put there: the message, for whom, and what it has learnt since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.traces_nt import NOBODY, Caller
from gateway.ched.contingency import completed
from gateway.ched.states import Operation
from gateway.ched.steps import Step
from gateway.documents.ched import read_ched, write_ched
from gateway.errors import AccessDenied
from gateway.store import ched_version_content, ched_versions
from gateway.traces.headers import BodyIdentity, BodyKind
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from gateway.ched.steps import Answer
    from gateway.exchange import Context
    from gateway.store import ChedRow, ChedVersionRow, ContingencyRow

__all__ = ["Restorer"]


class Restorer:
    """Makes steps of rows. Safe to share between threads.

    Args:
        context: the services.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def step(self, row: ChedRow, claimed: ContingencyRow) -> Step:
        """The step with the reference that an earlier one of the same CHED led to.

        Raises:
            AccessDenied: IMG-2111, the partner or body that wrote it is gone.
        """
        with self._store.read() as connection:
            versions = ched_versions(connection, row.id)
            parts = ched_version_content(connection, claimed.version_id)
        version = next(each for each in versions if each.id == claimed.version_id)
        content = parts.content if parts is not None else b""
        if row.reference and content:
            content = self.with_reference(content, row)
        operation = Operation(claimed.operation)
        return Step(
            operation=Operation.IN_PROGRESS if operation is Operation.DECIDE else operation,
            content=content,
            type=row.type,
            reference=row.reference,
            local_reference=row.local_reference,
            made_at=version.at,
            body=self._body(version),
        )

    def with_reference(self, content: bytes, known: ChedRow | Answer) -> bytes:
        """A document with the reference that TRACES gave its CHED."""
        ched = read_ched(parse(content, limits=self._context.limits).root)
        if ched.reference == known.reference:
            return content
        return serialise(write_ched(completed(ched, known.reference, getattr(known, "url", ""))))

    def caller(self, row: ChedRow) -> Caller:
        """The body that decided."""
        with self._store.read() as connection:
            versions = [each for each in ched_versions(connection, row.id) if each.part == "II"]
        try:
            return Caller(self._body(versions[-1])) if versions else NOBODY
        except AccessDenied:
            return NOBODY

    def _body(self, version: ChedVersionRow) -> BodyIdentity | None:
        partner = self._context.directory.by_id(version.partner)
        bodies = partner.traces.by_id() if partner is not None and partner.traces is not None else {}
        body = bodies.get(version.body)
        if body is None:
            raise AccessDenied("IMG-2111", where="BodyIdentity", found=f"{version.body} of {version.partner}")
        return BodyIdentity(BodyKind(body.kind.value), body.id)
