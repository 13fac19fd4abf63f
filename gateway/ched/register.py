"""The register: this instance's own CHEDs (``ChedService`` in the role of TRACES, or of a national system by itself).

Every write goes the same way: a repeat is answered as before; the parts are judged by who may write them, the status by
the table of states, the document by the rules, the signatures by Article 41; then everything is committed at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.ched.codes import Codes
from gateway.ched.composing import amended, arrived, entered, with_part
from gateway.ched.identities import places_of
from gateway.ched.judging import SIGNED_DECISIONS, Judge
from gateway.ched.labels import Labels
from gateway.ched.links import parts_accepted, predecessors, refused_part_of
from gateway.ched.models import SubmissionKind
from gateway.ched.parts import (
    check_amendment,
    check_author,
    check_begun,
    check_follower,
    check_only_part_one,
    check_own_follow_up,
    check_post,
    check_untouched,
    writer_of,
)
from gateway.ched.reading import ChedReader, Renderer
from gateway.ched.sealing import CounterSeals
from gateway.ched.signatures import Case
from gateway.ched.size import MAX_DRAFTS, check_size
from gateway.ched.states import EDITABLE, ONWARD, ChedStatus, Mover, Operation, check_transition, decided_status
from gateway.ched.writing import Change, Message, Writer, message_digest
from gateway.documents.ched import Ched, Part, read_ched
from gateway.errors import ChedRefused
from gateway.rules.ched import Facts
from gateway.store import ChedQuery, ChedVisibility, ched_versions, find_cheds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.ched.links import Relative
    from gateway.ched.models import Actor, Receipt, SealedCopy
    from gateway.errors import Finding
    from gateway.exchange import Context
    from gateway.soap import SoapCall
    from gateway.store import ChedRow, ChedWrite

__all__ = ["TRACES_ROLE", "RegisterService", "Renderer"]

TRACES_ROLE: Final = "traces"


class RegisterService(ChedReader):
    """The CHEDs of this instance.

    Args:
        context: the services.
        portal: base of the addresses of electronic versions.
        facts: what the rules ask beside the document.
        part_signatures: ``required``: a decision without the signatures of Article 41 is refused; ``recorded``: it is
            taken, and what is missing is a warning.
        render: the printable CHED; without it there is none.
        also: what is written in the unit of work of every new change, after it.
        labels: the marks of contingency documents, for printed CHEDs.
        translates: whether partners speak to it in codes of their own; not where a relay in front translates.

    All methods may be called from any thread.
    """

    def __init__(
        self,
        context: Context,
        *,
        portal: str,
        facts: Facts | None = None,
        part_signatures: str = SIGNED_DECISIONS,
        render: Renderer | None = None,
        also: Callable[[Connection, ChedWrite], None] | None = None,
        translates: bool = True,
        labels: Labels = Labels(),  # noqa: B008 - no state
    ) -> None:
        in_traces = TRACES_ROLE in context.policy.roles
        codes = Codes(context, translates=translates)
        super().__init__(context, CounterSeals(context) if in_traces else None, render, codes, labels)
        self._judge = Judge(context, facts if facts is not None else Facts(), part_signatures, codes)
        self._writer = Writer(
            context.store, portal=portal, allocates=in_traces, also=also, followers=context.ched_followers
        )

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
        message, again = self._message(actor, operation, document, call)
        if again is not None:
            return again
        message, ched = self._read(message, document)
        before, stored = self._stored(actor, ched)
        in_progress = kind is SubmissionKind.DECISION_IN_PROGRESS
        decided = decided_status(ched) if in_progress else None
        status = decided or _FIRST_STATUS[kind]
        check_transition(_status(before), status, Mover.POST if in_progress else Mover.OPERATOR, operation)
        if in_progress:
            check_post(actor, ched if stored is None else stored)
        else:
            check_author(actor, ched, before)
            check_only_part_one(stored or Ched(), ched)
        if stored is None:
            check_begun(ched)
        elif in_progress:
            check_untouched(stored, ched, Part.I, Part.III)
        draft = kind is SubmissionKind.DRAFT
        if draft and before is None:
            self._check_drafts(actor)
        begins = before is None or before.status_code in EDITABLE
        relatives = self._relatives(actor, ched if stored is None else stored) if begins else ()
        judged: tuple[Finding, ...] = ()
        if not in_progress or stored is None:
            judged = self._judge.rules(ched, Part.I, before, call, relatives=relatives, draft=draft)
        if in_progress:  # without a conclusion Part II is a draft of the post
            judged += self._judge.rules(ched, Part.II, before, call, draft=decided is None)
        evidence, missing = self._judge.signatures(actor, document, (), call, Case.NATIONAL if decided else None)
        return self._commit(
            Change(
                message=message,
                ched=entered(actor, ched, stored, in_progress=in_progress),
                base=stored if stored is not None and in_progress else ched,
                status=status,
                before=before,
                part=Part.II if in_progress else Part.I,
                evidence=evidence,
                findings=(*judged, *missing),
                # a draft moves nothing yet
                relatives=(*(() if draft else relatives), *self._refused_parts(ched, status)),
                to_be_sealed=self._seals is not None and decided is not None and not missing,
            )
        )

    def decide(
        self,
        actor: Actor,
        document: _Element,
        seals: Sequence[SealedCopy],
        call: SoapCall,
        *,
        laboratory_tests: bytes | None = None,
    ) -> Receipt:
        """Part II with a conclusion, by the post of I.4 and nobody else; tests take the place of earlier ones.

        Raises:
            As `submit`; ChedRefused IMG-7214, there is no conclusion.
        """
        message, again = self._message(actor, Operation.DECIDE, document, call, laboratory_tests)
        if again is not None:
            return again
        message, ched = self._read(message, document)
        before, stored = self.existing(actor, ched)
        status = decided_status(ched, parts_accepted=self._parts_accepted(before))
        if status is None:
            raise ChedRefused("IMG-7214", where="II.9 to II.16", expected="a conclusion")
        check_transition(before.status_code, status, Mover.POST, Operation.DECIDE)
        check_post(actor, stored)
        check_untouched(stored, ched, Part.I, Part.III)
        findings = self._judge.rules(ched, Part.II, before, call)
        evidence, missing = self._judge.signatures(actor, document, seals, call, Case.IN_TRACES)
        return self._commit(
            Change(
                message=message,
                ched=with_part(stored, ched, Part.II),
                base=stored,
                status=status,
                before=before,
                part=Part.II,
                evidence=evidence,
                findings=(*findings, *missing),
                relatives=self._refused_parts(ched, status),
                to_be_sealed=self._seals is not None and not missing,
            )
        )

    def follow_up(
        self,
        actor: Actor,
        document: _Element,
        seals: Sequence[SealedCopy],
        call: SoapCall,
        *,
        laboratory_tests: bytes | None = None,
    ) -> Receipt:
        """Part III; an arrival at the end of an onward movement validates the CHED.

        Raises:
            As `submit`; ChedRefused IMG-7214, there is no Part III.
        """
        message, again = self._message(actor, Operation.FOLLOW_UP, document, call, laboratory_tests)
        if again is not None:
            return again
        message, ched = self._read(message, document)
        before, stored = self.existing(actor, ched)
        if ched.follow_up is None:
            raise ChedRefused("IMG-7214", where="III.5", expected="Part III")
        status = ChedStatus(before.status_code)
        if status in ONWARD and arrived(ched, ched.follow_up):
            status = ChedStatus.VALIDATED
        check_transition(before.status_code, status, Mover.FOLLOWER, Operation.FOLLOW_UP)
        check_follower(actor, stored)
        self._check_own_follow_up(actor, before)
        check_untouched(stored, self.as_own(before, stored, ched), Part.I, Part.II)
        findings = self._judge.rules(ched, Part.III, before, call)
        evidence, _ = self._judge.signatures(actor, document, seals, call, None)
        return self._commit(
            Change(
                message=message,
                ched=with_part(stored, ched, Part.III),
                base=stored,
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
        message, again = self._message(actor, Operation.AMEND, document, call)
        if again is not None:
            return again
        message, ched = self._read(message, document)
        before, stored = self.existing(actor, ched)
        status = ChedStatus(before.status_code)
        check_transition(before.status_code, status, Mover.OPERATOR, Operation.AMEND)
        check_author(actor, stored, before)
        check_author(actor, ched, before)
        check_amendment(stored, ched, before.status_code)
        findings = self._judge.rules(ched, Part.I, before, call, draft=status in EDITABLE)
        evidence, _ = self._judge.signatures(actor, document, (), call, None)
        return self._commit(
            Change(
                message=message,
                evidence=evidence,
                ched=amended(stored, ched, status),
                base=ched if status in EDITABLE else stored,
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
        message, again = self._message(actor, Operation.CANCEL, call.body, call)
        if again is not None:
            return again
        before, stored = self.existing(actor, Ched(reference=reference))
        status = ChedStatus.DELETED if before.status_code in EDITABLE else ChedStatus.CANCELLED
        check_transition(before.status_code, status, Mover.OPERATOR, Operation.CANCEL)
        check_author(actor, stored, before)
        evidence, _ = self._judge.signatures(actor, call.body, (), call, None)
        return self._commit(
            Change(
                message=message,
                evidence=evidence,
                ched=stored,
                base=stored,
                status=status,
                before=before,
                detail={"reason": reason[:_MAX_REASON]},
            )
        )

    # Steps

    def _read(self, message: Message, document: _Element) -> tuple[Message, Ched]:
        """The boxes in TRACES' codes, and the message with what is kept of it as it came."""
        root, sent = self._codes.canonical(message.actor, document)
        ched = read_ched(root)
        check_size(ched)
        return replace(message, sent=sent), ched

    def _check_drafts(self, actor: Actor) -> None:
        """Refuse one draft more than a body may have at a time.

        Raises:
            ChedRefused: IMG-7215.
        """
        own = ChedVisibility(bodies=(writer_of(actor).id,))
        query = ChedQuery(visibility=own, statuses=(ChedStatus.DRAFT,), page_size=1, offset=MAX_DRAFTS - 1)
        with self._store.read() as connection:
            if find_cheds(connection, query):
                raise ChedRefused("IMG-7215", where="BodyIdentity", expected=f"at most {MAX_DRAFTS} drafts")

    def _check_own_follow_up(self, actor: Actor, row: ChedRow) -> None:
        """Refuse to write over what another authority wrote in Part III.

        Raises:
            ChedRefused: IMG-7212.
        """
        with self._store.read() as connection:
            written = [each for each in ched_versions(connection, row.id) if each.part == Part.III.value]
        if not written:
            return
        last = written[-1]
        partner = self._context.directory.by_id(last.partner)
        bodies = partner.traces.by_id() if partner is not None and partner.traces is not None else {}
        author = bodies.get(last.body)
        check_own_follow_up(actor, last.body, places_of(author) if author is not None else frozenset())

    def _message(
        self,
        actor: Actor,
        operation: Operation,
        document: _Element,
        call: SoapCall,
        laboratory_tests: bytes | None = None,
    ) -> tuple[Message, Receipt | None]:
        """The message with what makes it the same one again, and the receipt if it came before.

        Raises:
            AccessDenied: IMG-2112, it is sent for no body.
            AuthenticationFailed: IMG-2003.
        """
        writer_of(actor)
        digest = message_digest(document, *filter(None, (laboratory_tests,)))
        key = self._writer.repeat_key(actor, operation.value, digest)
        again = self._writer.repeated(actor, call, key)
        told = self._codes.told(actor, again) if again is not None else None
        return Message(actor, call, operation, digest, key, laboratory_tests=laboratory_tests), told

    def _commit(self, change: Change) -> Receipt:
        receipt, row = self._writer.commit(change)
        receipt = self._codes.told(change.message.actor, receipt)
        if change.to_be_sealed and self._seals is not None and row.id and self._seals.try_seal(row.id):
            self._seals.complete(_CAUGHT_UP)
            return replace(receipt, pending="")
        return receipt

    def _stored(self, actor: Actor, ched: Ched) -> tuple[ChedRow, Ched] | tuple[None, None]:
        """The CHED that a submission is about, where it names one."""
        if not ched.reference:
            return None, None
        return self.existing(actor, ched)

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
_CAUGHT_UP: Final = 5
"""Seals that were pending and are made when one could be made at last."""
_MAX_REASON: Final = 500
"""Characters of a reason of a cancellation in the audit."""


def _status(row: ChedRow | None) -> str | None:
    return row.status_code if row is not None else None
