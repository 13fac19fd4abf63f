"""Writes of a national system: to TRACES, or while it is away to where contingency documents are taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from adapters.traces_nt import Caller
from gateway.ched.accepting import Acceptance, as_accepted
from gateway.ched.models import Receipt
from gateway.ched.parts import writer_of
from gateway.ched.preparing import Preparer
from gateway.ched.single_use import keep_values, values_kept
from gateway.ched.states import ChedStatus, Operation, decided_status
from gateway.ched.transmission import COUNTER_SEAL, Away, Begun, Outgoing, Transmission
from gateway.ched.upstream import is_away, refusal_of
from gateway.errors import ChedRefused, DeliveryError, GatewayError, Unavailable
from gateway.store import (
    Recorded,
    ched_by_reference,
    ched_of_exchange,
    cheds_by_local_reference,
    find_ched_repeat,
    steps_of_ched,
)
from gateway.traces.contracts import CONTROL
from gateway.traces.headers import BodyIdentity, BodyKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.ched.accepting import Also
    from gateway.ched.availability import Availability
    from gateway.ched.counter_seals import CounterSealReader
    from gateway.ched.models import Actor, SealedCopy
    from gateway.ched.preparing import RelaySettings
    from gateway.ched.register import RegisterService
    from gateway.ched.steps import Answer
    from gateway.ched.upstream import Upstream
    from gateway.documents.ched import Part
    from gateway.exchange import Context
    from gateway.soap import SoapCall
    from gateway.store import ChedRow

__all__ = ["Relaying"]

_TAKEN: Final = "Message has been successfully processed"


class Relaying:
    """What a relay writes. Safe to share between threads.

    Args:
        context: the services.
        upstream: TRACES.
        register: makes this instance's own register, with what is to be written in the same unit of work.
        transmission: hands messages on.
        seals: fetches counter-seals.
        settings: the operator's choices.
        availability: whether TRACES is there.
    """

    def __init__(
        self,
        context: Context,
        upstream: Upstream,
        *,
        register: Callable[[Also | None], RegisterService],
        transmission: Transmission,
        seals: CounterSealReader,
        settings: RelaySettings,
        availability: Availability,
    ) -> None:
        self.context = context
        self.upstream = upstream
        self.availability = availability
        self.partner = settings.partner
        self.goes_on = settings.goes_on
        self._store = context.store
        self._register = register
        self._transmission = transmission
        self._seals = seals
        self._settings = settings
        self._preparer = Preparer(context, settings)
        self._acceptance = Acceptance(context, register=register, transmission=transmission, labels=settings.labels)

    def register(self) -> RegisterService:
        """What stands here."""
        return self._register(None)

    def caller(self, actor: Actor, *, required: bool = False) -> Caller:
        """For whom TRACES is asked: the body of the national system, whose rights TRACES knows.

        Raises:
            AccessDenied: IMG-2112, there is none and it is required.
        """
        body = writer_of(actor) if required else actor.body
        identity = BodyIdentity(BodyKind(body.kind.value), body.id) if body is not None else None
        return Caller(identity, actor.language)

    def row_of(self, reference: str) -> ChedRow | None:
        """The CHED of that I.2 or I.3, as it stands here."""
        with self._store.read() as connection:
            row = ched_by_reference(connection, reference) if reference else None
            if row is None and reference:
                row = next(iter(cheds_by_local_reference(connection, reference)), None)
            return row

    def waits(self, connection: Connection, row: ChedRow) -> bool:
        """Whether something of this contingency CHED has still to be exchanged."""
        return row.contingency and any(step.state.open for step in steps_of_ched(connection, row.id))

    def outgoing(
        self,
        actor: Actor,
        document: _Element,
        operation: Operation,
        part: Part,
        copies: Sequence[SealedCopy],
        call: SoapCall,
        *,
        decision: bool = False,
    ) -> Outgoing:
        """A message in canonical codes, its signatures verified; as `Preparer.outgoing`."""
        return self._preparer.outgoing(actor, document, operation, part, copies, call, decision=decision)

    def write(self, going: Outgoing) -> Receipt:
        """Have TRACES do it, or keep it until TRACES can.

        Raises:
            GatewayError: as TRACES refused.
            Unavailable: IMG-9010 TRACES is away, IMG-9011 whether it has it is not known yet.
        """
        keep_values(self._store, going.actor)
        with values_kept():
            again = self._repeated(going)
            if again is not None:
                return again
            if self._is_behind(going):
                return self._acceptance.take(going, None, sent=False, known=True)
            return self._change(going) if going.step.reference else self._create(going)

    def cancel(self, actor: Actor, reference: str, reason: str, call: SoapCall) -> Receipt:
        """End a CHED.

        Raises:
            As `write`.
        """
        caller = self.caller(actor, required=True)
        row = self.row_of(reference)
        if row is not None and not row.reference:
            return self._acceptance.cancel(actor, reference, reason, call)
        self._preparer.verify(actor, call)
        if not self.availability.is_worth_trying(CONTROL.name):
            raise Unavailable("IMG-9010", where=CONTROL.name)
        keep_values(self._store, actor)
        with values_kept():
            return self._cancelled(row, reference, reason, caller)

    # Steps

    def _cancelled(self, row: ChedRow | None, reference: str, reason: str, caller: Caller) -> Receipt:
        """TRACES ends it."""
        try:
            receipt = self.upstream.cancel_ched(reference, reason, caller)
        except DeliveryError as error:
            if not is_away(error):
                raise refusal_of(error, reference) from error
            self.availability.lost(CONTROL.name, error)
            raise Unavailable("IMG-9010", where=CONTROL.name, found=error.code) from error
        self.availability.answered(CONTROL.name)
        at = self.context.clock()
        if row is not None:
            ended = replace(row, status_code=receipt.status, updated_at=at, status_changed_at=at)
            self._store.write(
                lambda connection: self._transmission.record(
                    connection, ended, at, Operation.CANCEL.value, terminal=True
                )
            )
        return Receipt(reference, receipt.local_reference, receipt.status, at, "", exchange_id=receipt.exchange_id)

    def _create(self, going: Outgoing) -> Receipt:
        begun = self._transmission.begin(going)
        if isinstance(begun, Recorded):
            again = self._repeated(going)
            if again is None:
                raise ChedRefused("IMG-7206", where="ID", found="the same message a moment ago")
            return again
        try:
            answer = self._transmission.transmit(going.step)
        except Away as away:
            return self._without(going, begun, away)
        except GatewayError as refusal:
            self._withdraw(begun, refusal.code, refusal.message)
            raise
        row = self._transmission.settle(begun, going.ched, answer, pending=self._pending(going))
        return self._receipt(going, answer, row, begun.row.id)

    def _change(self, going: Outgoing) -> Receipt:
        try:
            answer = self._transmission.transmit(going.step)
        except Away as away:
            return self._without(going, None, away)
        row = self._transmission.keep(going, answer, pending=self._pending(going))
        return self._receipt(going, answer, row, row.content_id)

    def _without(self, going: Outgoing, begun: Begun | None, away: Away) -> Receipt:
        """TRACES does not answer: the policy decides."""
        if self.goes_on and (begun is not None or self.row_of(going.step.reference) is not None):
            try:
                known = begun is None and bool(going.step.reference)
                return self._acceptance.take(going, begun, sent=away.sent, known=known)
            except GatewayError as refusal:
                if begun is not None and not away.sent:
                    self._withdraw(begun, refusal.code, refusal.message)
                raise
        if away.sent:
            raise Unavailable("IMG-9011", where="ID", found=going.step.reference or going.step.local_reference)
        if begun is not None:
            self._withdraw(begun, "IMG-9010")
        raise Unavailable("IMG-9010", where=going.operation.value)

    def _withdraw(self, begun: Begun, code: str, detail: str = "") -> None:
        self._store.write(lambda connection: self._transmission.withdraw(connection, begun, code=code, detail=detail))

    def _repeated(self, going: Outgoing) -> Receipt | None:
        """The receipt of the same message when it came before; looks at TRACES where that is still open."""
        with self._store.read() as connection:
            found = find_ched_repeat(connection, going.repeat_key)
            if found is None and self.goes_on:
                found = find_ched_repeat(connection, self._acceptance.key(going))
            row = ched_of_exchange(connection, found.exchange_id) if found is not None else None
            steps = steps_of_ched(connection, row.id) if row is not None else ()
        if found is None or row is None:
            return None
        first = next((step for step in steps if step.state.open), None)
        if first is not None and not row.contingency:
            begun = Begun(row, first)
            try:
                answer = self._transmission.look(going.step, row.id)
            except Away as away:
                raise Unavailable("IMG-9011", where="ID", found=row.local_reference) from away
            if answer is not None:
                row = self._transmission.settle(begun, going.ched, answer, pending=self._pending(going))
            elif self.context.clock() - first.updated_at < self._settings.lease:
                raise Unavailable("IMG-9011", where="ID", found=row.local_reference)
            else:
                self._withdraw(begun, "IMG-9010")
                return None
        receipt = Receipt(
            reference=row.reference,
            local_reference=row.local_reference,
            status_code=row.status_code,
            at=row.created_at,
            url=going.ched.url,
            documents=going.ched.documents,
            contingency=row.contingency,
            pending=row.pending,
            exchange_id=found.exchange_id,
        )
        return as_accepted(receipt) if row.contingency and not row.reference else receipt

    def _is_behind(self, going: Outgoing) -> bool:
        """Whether the message is about a CHED of which earlier steps wait: it must not overtake them."""
        if going.operation in {Operation.DRAFT, Operation.SUBMIT} and not going.step.reference:
            return False
        with self._store.read() as connection:
            row = _local(connection, going)
            return row is not None and self.waits(connection, row)

    def _pending(self, going: Outgoing) -> str:
        """Article 41(2): a decision that was transmitted is complete with TRACES' seal."""
        is_decision = going.operation is Operation.IN_PROGRESS and decided_status(going.ched) is not None
        return COUNTER_SEAL if is_decision else ""

    def _receipt(self, going: Outgoing, answer: Answer, row: ChedRow, exchange_id: str) -> Receipt:
        pending = row.pending
        if pending and self._seals.fetch(row, going.step.caller):
            pending = ""
        return Receipt(
            reference=answer.reference,
            local_reference=row.local_reference,
            status_code=answer.status_code,
            at=answer.at,
            url=answer.url,
            documents=answer.documents or going.ched.documents,
            reason=next(iter(answer.reasons), _TAKEN),
            pending=pending,
            exchange_id=exchange_id,
        )


def _local(connection: Connection, going: Outgoing) -> ChedRow | None:
    step = going.step
    if step.reference:
        return ched_by_reference(connection, step.reference)
    partner = going.actor.principal.partner.id
    rows = cheds_by_local_reference(connection, step.local_reference, partner=partner)
    return next((row for row in rows if row.contingency and row.status_code != ChedStatus.DELETED), None)
