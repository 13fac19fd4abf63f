"""The register: this instance's own CHEDs (``ChedService`` in the role of TRACES, or of a national system by itself).

Every write goes the same way: a repeat is answered as before; the parts are judged by who may write them, the status by
the table of states, the document by the rules, the signatures by Article 41; then everything is committed at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from gateway.ched.access import Sight, require_sight, visibility_of
from gateway.ched.links import parts_accepted, predecessors, refused_part_of
from gateway.ched.models import ChedContent, SubmissionKind
from gateway.ched.parts import (
    check_amendment,
    check_author,
    check_follower,
    check_post,
    check_untouched,
    entered_by,
    writer_of,
)
from gateway.ched.projection import projected, shown_row
from gateway.ched.sealing import CounterSeals
from gateway.ched.signatures import Case, missing_signatures, require_signatures, verify_all
from gateway.ched.states import (
    DECIDED,
    EDITABLE,
    TERMINAL,
    ChedStatus,
    Mover,
    Operation,
    check_transition,
    decided_status,
)
from gateway.ched.writing import Change, Writer, message_digest
from gateway.documents.ched import Ched, Part, read_ched
from gateway.errors import ChedRefused, Finding, RulesRefused, Severity
from gateway.rules.ched import Facts, evaluate_ched
from gateway.store import (
    Cursors,
    ched_by_reference,
    ched_content,
    cheds_by_local_reference,
    find_cheds,
    read_ched_by_reference,
)
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.ched.links import Relative
    from gateway.ched.models import Actor, Receipt, SealedCopy
    from gateway.ched.signatures import Evidence
    from gateway.exchange import Context
    from gateway.soap import SoapCall
    from gateway.store import ChedQuery, ChedRow

__all__ = ["RegisterService", "Renderer"]

TRACES_ROLE: Final = "traces"
_SIGNED_DECISIONS: Final = "required"


class Renderer(Protocol):
    """Makes the printable CHED (``gateway.pdf``)."""

    def __call__(self, ched: Ched, *, language: str, url: str, contingency: str, signed: bool) -> bytes:
        """A PDF; PAdES when ``signed``.

        Raises:
            GatewayError: there is no key to sign with.
        """


class RegisterService:
    """The CHEDs of this instance.

    Args:
        context: the services.
        portal: base of the addresses of electronic versions.
        facts: what the rules ask beside the document.
        part_signatures: ``required``: a decision without the signatures of Article 41 is refused; ``recorded``: it is
            taken, and what is missing is a warning.
        render: the printable CHED; without it there is none.

    All methods may be called from any thread.
    """

    def __init__(
        self,
        context: Context,
        *,
        portal: str,
        facts: Facts | None = None,
        part_signatures: str = _SIGNED_DECISIONS,
        render: Renderer | None = None,
    ) -> None:
        self._context = context
        self._store = context.store
        self._facts = facts if facts is not None else Facts()
        self._signatures_required = part_signatures == _SIGNED_DECISIONS
        self._render = render
        self._cursors = Cursors()
        in_traces = TRACES_ROLE in context.policy.roles
        self._writer = Writer(context.store, portal=portal, allocates=in_traces)
        self._seals = CounterSeals(context) if in_traces else None

    # Reading

    def row(self, actor: Actor, reference: str) -> ChedRow:
        """Status and dates, without what the actor may not see.

        Raises:
            ChedRefused: IMG-7201.
            AccessDenied: IMG-2110.
        """
        with self._store.read() as connection:
            row = self._row(connection, actor, reference)
        return shown_row(row, require_sight(actor, row))

    def find(self, actor: Actor, query: ChedQuery) -> Sequence[ChedRow]:
        """One page of what the actor may see, newest first; what the query says about visibility is not believed."""
        visibility = visibility_of(actor)
        with self._store.read() as connection:
            rows = find_cheds(connection, replace(query, visibility=visibility), self._cursors)
        return tuple(shown_row(row, require_sight(actor, row)) for row in rows)

    def read(self, actor: Actor, reference: str) -> ChedContent:
        """The CHED as it stands, as much as the actor may see.

        Raises:
            ChedRefused: IMG-7201.
            AccessDenied: IMG-2110.
        """
        row, content, tests = self._content(actor, reference)
        sight = require_sight(actor, row)
        whole = sight is Sight.FULL
        return ChedContent(
            reference=row.reference,
            status_code=row.status_code,
            content=content if whole else projected(parse(content, limits=self._context.limits).root, sight),
            masked=not whole,
            laboratory_tests=tests if whole else b"",
        )

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
        """The printable CHED in the actor's language.

        Raises:
            ChedRefused: IMG-7201; IMG-7207, a signed one of a CHED that is not decided, or for somebody who sees only
                a copy; IMG-7203, nothing here makes PDFs.
            AccessDenied: IMG-2110.
        """
        row, content, _ = self._content(actor, reference)
        sight = require_sight(actor, row)
        if self._render is None:
            raise ChedRefused("IMG-7203", where="ID", found=reference)
        if signed and (sight is not Sight.FULL or row.status_code not in DECIDED):
            raise ChedRefused("IMG-7207", where="ID", found=reference)
        root = parse(content, limits=self._context.limits).root
        if sight is not Sight.FULL:
            root = parse(projected(root, sight), limits=self._context.limits).root
        ched = read_ched(root)
        return self._render(ched, language=actor.language, url=ched.url, contingency=ched.contingency, signed=signed)

    def complete_seals(self, limit: int = 50) -> int:
        """Make the seals of TRACES that are pending, oldest first; how many were made."""
        return self._seals.complete(limit) if self._seals is not None else 0

    # Writing

    def submit(self, actor: Actor, document: _Element, kind: SubmissionKind, call: SoapCall) -> Receipt:
        """Part I, and Part II for a decision in progress.

        Raises:
            AccessDenied: IMG-2112, the message is sent for no body.
            ChedRefused: IMG-7201 to IMG-7213.
            RulesRefused: IMG-5001 with every finding; a draft only gets them as warnings.
            SealRefused: IMG-40xx, IMG-4201 to IMG-4204.
        """
        operation = _OPERATIONS[kind]
        writer_of(actor)
        key = self._writer.repeat_key(actor, operation.value, message_digest(document))
        receipt = self._writer.repeated(actor, call, key)
        if receipt is not None:
            return receipt
        ched = read_ched(document)
        before, stored = self._stored(actor, ched)
        in_progress = kind is SubmissionKind.DECISION_IN_PROGRESS
        decided = decided_status(ched) if in_progress else None
        status = decided or _FIRST_STATUS[kind]
        check_transition(_status(before), status, Mover.POST if in_progress else Mover.OPERATOR, operation)
        if in_progress:
            check_post(actor, ched if stored is None else stored)
        else:
            check_author(actor, ched)
            check_untouched(stored or Ched(), ched, Part.II, Part.III)
        if in_progress and stored is not None:
            check_untouched(stored, ched, Part.I, Part.III)
        parts = (Part.I,) if not in_progress else (Part.II,) if stored is not None else (Part.I, Part.II)
        relatives = self._relatives(actor, ched) if before is None else ()
        findings = self._judge(ched, parts, before, call, relatives=relatives, draft=kind is SubmissionKind.DRAFT)
        evidence, missing = self._signatures(actor, document, (), call, Case.NATIONAL if decided else None)
        return self._commit(
            Change(
                actor=actor,
                call=call,
                operation=operation,
                repeat_key=key,
                ched=ched if stored is not None else replace(ched, issuer=entered_by(actor)),
                status=status,
                before=before,
                part=Part.II if in_progress else Part.I,
                evidence=evidence,
                findings=(*findings, *missing),
                relatives=(*relatives, *self._refused_parts(ched, status)),
                to_be_sealed=self._seals is not None and decided is not None and not missing,
            )
        )

    def decide(self, actor: Actor, document: _Element, seals: Sequence[SealedCopy], call: SoapCall) -> Receipt:
        """Part II with a conclusion, by the post of I.4 and nobody else.

        Raises:
            As `submit`; ChedRefused IMG-7214, there is no conclusion.
        """
        key, again = self._key(actor, Operation.DECIDE, document, seals, call)
        if again is not None:
            return again
        ched = read_ched(document)
        before, stored = self._existing(actor, ched)
        status = decided_status(ched, parts_accepted=self._parts_accepted(before))
        if status is None:
            raise ChedRefused("IMG-7214", where="II.9 to II.16", expected="a conclusion")
        check_transition(before.status_code, status, Mover.POST, Operation.DECIDE)
        check_post(actor, stored)
        check_untouched(stored, ched, Part.I, Part.III)
        findings = self._judge(ched, (Part.II,), before, call)
        evidence, missing = self._signatures(actor, document, seals, call, Case.IN_TRACES)
        return self._commit(
            Change(
                actor=actor,
                call=call,
                operation=Operation.DECIDE,
                repeat_key=key,
                ched=_kept(stored, ched),
                status=status,
                before=before,
                part=Part.II,
                evidence=evidence,
                findings=(*findings, *missing),
                relatives=self._refused_parts(ched, status),
                to_be_sealed=self._seals is not None and not missing,
            )
        )

    def follow_up(self, actor: Actor, document: _Element, seals: Sequence[SealedCopy], call: SoapCall) -> Receipt:
        """Part III; an arrival at the end of an onward movement validates the CHED.

        Raises:
            As `submit`; ChedRefused IMG-7214, there is no Part III.
        """
        key, again = self._key(actor, Operation.FOLLOW_UP, document, seals, call)
        if again is not None:
            return again
        ched = read_ched(document)
        before, stored = self._existing(actor, ched)
        if ched.follow_up is None:
            raise ChedRefused("IMG-7214", where="III.5", expected="Part III")
        arrived = ched.follow_up.arrived.code == "YES"
        status = ChedStatus.VALIDATED if arrived and before.requires_follow_up else ChedStatus(before.status_code)
        if before.status_code in _REFUSED:
            status = ChedStatus(before.status_code)
        check_transition(before.status_code, status, Mover.FOLLOWER, Operation.FOLLOW_UP)
        check_follower(actor, stored)
        check_untouched(stored, ched, Part.I, Part.II)
        findings = self._judge(ched, (Part.III,), before, call)
        evidence, _ = self._signatures(actor, document, seals, call, None)
        return self._commit(
            Change(
                actor=actor,
                call=call,
                operation=Operation.FOLLOW_UP,
                repeat_key=key,
                ched=_kept(stored, ched),
                status=status,
                before=before,
                part=Part.III,
                evidence=evidence,
                findings=findings,
                to_be_sealed=self._seals is not None and before.signed,
            )
        )

    def amend(self, actor: Actor, document: _Element, call: SoapCall) -> Receipt:
        """Part I again: a draft in whole, a submitted one in I.27 to I.29 (R-I27-LATE).

        Raises:
            As `submit`.
        """
        key, again = self._key(actor, Operation.AMEND, document, (), call)
        if again is not None:
            return again
        ched = read_ched(document)
        before, stored = self._existing(actor, ched)
        status = ChedStatus(before.status_code)
        check_transition(before.status_code, status, Mover.OPERATOR, Operation.AMEND)
        check_author(actor, stored)
        check_author(actor, ched)
        check_amendment(stored, ched, before.status_code)
        findings = self._judge(ched, (Part.I,), before, call, draft=status in EDITABLE)
        return self._commit(
            Change(
                actor=actor,
                call=call,
                operation=Operation.AMEND,
                repeat_key=key,
                ched=_kept(stored, ched),
                status=status,
                before=before,
                part=Part.I,
                findings=findings,
            )
        )

    def cancel(self, actor: Actor, reference: str, reason: str, call: SoapCall) -> Receipt:
        """A draft is deleted, a CHED that waits for its decision is cancelled.

        Raises:
            As `submit`.
        """
        key, again = self._key(actor, Operation.CANCEL, call.body, (), call)
        if again is not None:
            return again
        before, stored = self._existing(actor, Ched(reference=reference))
        status = ChedStatus.DELETED if before.status_code in EDITABLE else ChedStatus.CANCELLED
        check_transition(before.status_code, status, Mover.OPERATOR, Operation.CANCEL)
        check_author(actor, stored)
        return self._commit(
            Change(
                actor=actor,
                call=call,
                operation=Operation.CANCEL,
                repeat_key=key,
                ched=stored,
                status=status,
                before=before,
                detail={"reason": reason[:_MAX_REASON]},
            )
        )

    # Steps

    def _key(
        self, actor: Actor, operation: Operation, document: _Element, seals: Sequence[SealedCopy], call: SoapCall
    ) -> tuple[bytes, Receipt | None]:
        """What makes this message the same one again, and the receipt if it came before."""
        writer_of(actor)
        digest = message_digest(document, *(seal.content for seal in seals))
        key = self._writer.repeat_key(actor, operation.value, digest)
        return key, self._writer.repeated(actor, call, key)

    def _commit(self, change: Change) -> Receipt:
        receipt, row = self._writer.commit(change)
        if change.to_be_sealed and self._seals is not None and row.id and self._seals.try_seal(row.id):
            return replace(receipt, pending="")
        return receipt

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

    def _content(self, actor: Actor, reference: str) -> tuple[ChedRow, bytes, bytes]:
        with self._store.read() as connection:
            found = read_ched_by_reference(connection, reference) if reference else None
            if found is None:
                row = self._row(connection, actor, reference)
                parts = ched_content(connection, row)
            else:
                row, parts = found
        if parts is None:
            raise ChedRefused("IMG-7201", where="ID", found=reference)
        return row, parts.content, parts.laboratory_tests or b""

    def _stored(self, actor: Actor, ched: Ched) -> tuple[ChedRow, Ched] | tuple[None, None]:
        """The CHED that a submission is about, where it names one."""
        if not ched.reference:
            return None, None
        return self._existing(actor, ched)

    def _existing(self, actor: Actor, ched: Ched) -> tuple[ChedRow, Ched]:
        row, content, _ = self._content(actor, ched.reference or ched.local_reference)
        if require_sight(actor, row) is not Sight.FULL:
            raise ChedRefused("IMG-7210", where="ID", found=row.reference, expected="a CHED of the sender's own area")
        if row.status_code in TERMINAL:
            raise ChedRefused("IMG-7202", where="ID", found=f"status {row.status_code}", expected="a CHED that is open")
        return row, read_ched(parse(content, limits=self._context.limits).root)

    def _relatives(self, actor: Actor, ched: Ched) -> tuple[Relative, ...]:
        if not ched.previous:
            return ()
        with self._store.read() as connection:
            return predecessors(connection, actor, ched, self._context.limits)

    def _refused_parts(self, ched: Ched, status: ChedStatus) -> tuple[Relative, ...]:
        if status is not ChedStatus.REJECTED or not ched.previous:
            return ()
        with self._store.read() as connection:
            return refused_part_of(connection, ched, self._context.limits)

    def _parts_accepted(self, row: ChedRow) -> bool:
        if not row.reference:
            return False
        with self._store.read() as connection:
            return parts_accepted(connection, row.reference)

    def _judge(
        self,
        ched: Ched,
        parts: tuple[Part, ...],
        before: ChedRow | None,
        call: SoapCall,
        *,
        relatives: tuple[Relative, ...] = (),
        draft: bool = False,
    ) -> tuple[Finding, ...]:
        """The findings of the rules about the parts that are written.

        Raises:
            RulesRefused: IMG-5001, unless it is a draft.
        """
        known = replace(
            self._facts,
            reference=before.reference if before is not None else "",
            previous=relatives[0].ched if relatives else None,
        )
        on = call.received_at.date()
        found = tuple(each for part in parts for each in evaluate_ched(ched, on=on, known=known, part=part))
        found = tuple(dict.fromkeys(found))
        if draft:
            return tuple(_softened(each) for each in found)
        first = next((each for each in found if each.severity is Severity.SEVERE), None)
        if first is None:
            return found
        refused = RulesRefused(
            "IMG-5001", first.message, where=first.path, found=first.found, expected=first.expected, findings=found
        )
        refused.subject = ched.reference or ched.local_reference
        raise refused

    def _signatures(
        self, actor: Actor, document: _Element, seals: Sequence[SealedCopy], call: SoapCall, case: Case | None
    ) -> tuple[tuple[Evidence, ...], tuple[Finding, ...]]:
        """What was signed, and what Article 41 misses where nothing is refused for it."""
        partner = actor.principal.partner
        evidence = verify_all(
            document,
            seals,
            call,
            trust=self._context.trust.of(partner),
            at=call.received_at,
            limits=self._context.limits,
            stamped=self._signatures_required and partner.timestamp_required,
        )
        if case is None:
            return evidence, ()
        if self._signatures_required:
            require_signatures(case, evidence)
        return evidence, tuple(_softened(each) for each in missing_signatures(case, evidence))


_OPERATIONS: Final = {
    SubmissionKind.DRAFT: Operation.DRAFT,
    SubmissionKind.FOR_DECISION: Operation.SUBMIT,
    SubmissionKind.DECISION_IN_PROGRESS: Operation.IN_PROGRESS,
}
_FIRST_STATUS: Final = {
    SubmissionKind.DRAFT: ChedStatus.DRAFT,
    SubmissionKind.FOR_DECISION: ChedStatus.NEW,
    SubmissionKind.DECISION_IN_PROGRESS: ChedStatus.IN_PROGRESS,
}
_REFUSED: Final = frozenset({ChedStatus.REJECTED, ChedStatus.PARTIALLY_REJECTED})
_MAX_REASON: Final = 500
"""Characters of a reason of a cancellation in the audit."""


def _status(row: ChedRow | None) -> str | None:
    return row.status_code if row is not None else None


def _kept(stored: Ched, ched: Ched) -> Ched:
    """What a message may not say about a CHED that is there: who entered Part I, when, and what belongs together."""
    return replace(
        ched,
        issuer=stored.issuer,
        issued=stored.issued,
        previous=stored.previous,
        subsequent=stored.subsequent,
        contingency=stored.contingency,
        local_reference=stored.local_reference,
    )


def _softened(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.WARNING) if finding.severity is Severity.SEVERE else finding
