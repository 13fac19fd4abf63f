"""From a CHED of a national system to TRACES, whatever dies in between (Article 37(1), R-37-1).

A new CHED goes in three steps, each of which leaves a state that the next start goes on from::

    begin     -> the CHED and the step, committed: TRACES may be about to get it   (unknown)
    transmit  -> TRACES answers, refuses, or does not answer
    settle    -> what came of it and the CHED as it then stands, in one transaction   (exchanged, refused)

A step that is found unknown is looked for at TRACES before anything else is done about it (``steps.look``). A part that
is written to a CHED which TRACES knows needs no first step: TRACES has one reference, and one state of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from adapters.traces_nt import TracesRefused
from gateway.ched.codes import AsSent
from gateway.ched.rows import row_of
from gateway.ched.states import STATUS_NAMES, ChedStatus, Operation, decided_status
from gateway.ched.steps import look, send
from gateway.ched.upstream import is_away, nothing_was_sent, refusal_of
from gateway.ched.writing import conflict_of
from gateway.documents.ched import write_ched
from gateway.errors import AuthenticationFailed, ChedRefused, DeliveryError, GatewayError
from gateway.faultpoints import reach
from gateway.store import (
    ChedEvidence,
    ChedRow,
    ChedWrite,
    ContingencyState,
    Recorded,
    RecordedKind,
    add_contingency,
    ched_by_reference,
    claim_contingency,
    get_ched,
    new_id,
    record_ched,
    settle_contingency,
)
from gateway.traces.contracts import CHED, CONTROL, SUBMISSION
from gateway.traces.received_faults import FaultKind
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.ched.availability import Availability
    from gateway.ched.models import Actor
    from gateway.ched.steps import Answer, Step
    from gateway.ched.upstream import Upstream
    from gateway.documents.ched import Ched
    from gateway.exchange import Context
    from gateway.soap import SoapCall
    from gateway.store import ChedSeal, ContingencyRow

__all__ = ["COUNTER_SEAL", "Away", "Begun", "Outgoing", "Transmission"]

COUNTER_SEAL: Final = "counter-seal"
EXCHANGE: Final = "exchange"
"""What the history calls the writing down of TRACES' answer."""


class Away(Exception):
    """TRACES did not answer; ``sent`` says whether it may have got the message all the same."""

    def __init__(self, *, sent: bool) -> None:
        self.sent = sent
        super().__init__("sent" if sent else "not sent")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of a national system in canonical codes, ready to be handed on."""

    actor: Actor
    call: SoapCall
    operation: Operation
    ched: Ched
    step: Step
    repeat_key: bytes
    sent: AsSent = field(default_factory=AsSent)
    """As it came, where it came in other codes."""
    seals: tuple[ChedSeal, ...] = ()
    part: str = ""
    decision: bool = False
    """Whether it came as a decision (ChedControl), and not as a submission."""
    digest: bytes = b""
    """SHA-256 of the message's canonical document and files."""

    @property
    def decides(self) -> bool:
        """Whether it brings a conclusion, of which there is one."""
        return self.operation in {Operation.IN_PROGRESS, Operation.DECIDE} and decided_status(self.ched) is not None

    def evidence(self, key: bytes | None) -> ChedEvidence:
        """The message as it is kept; its single-use values were kept when it came."""
        return ChedEvidence(
            contract=self.call.contract,
            operation=self.call.operation,
            request=self.call.raw,
            acknowledgement=b"",
            repeat_key=key,
            sender_message_id=self.call.message_id,
            transport={"method": self.actor.principal.method},
            translation_report=self.sent.report,
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """A new CHED on its way."""

    row: ChedRow
    step: ContingencyRow


class Transmission:
    """Hands messages on and keeps what came of them. Safe to share between threads.

    Args:
        context: the services.
        upstream: TRACES.
        partner: id of its record.
        availability: whether it is there.
    """

    def __init__(self, context: Context, upstream: Upstream, partner: str, availability: Availability) -> None:
        self._context = context
        self._store = context.store
        self._upstream = upstream
        self._partner = partner
        self._availability = availability

    def begin(self, going: Outgoing) -> Begun | Recorded:
        """Write a new CHED down before TRACES hears of it; Recorded when the same message came before."""
        at = going.call.received_at
        version_id = new_id(at)
        begun: list[Begun] = []

        def unit(connection: Connection) -> Recorded:
            begun.clear()
            row = row_of(going.ched, going.actor, chid=version_id, before=None, at=at)
            recorded = record_ched(
                connection,
                ChedWrite(
                    version_id=version_id,
                    row=row,
                    expected_version=None,
                    at=at,
                    operation=going.operation.value,
                    partner=going.actor.principal.partner.id,
                    body=row.body,
                    part=going.part,
                    content=going.step.content,
                    original=going.sent.original,
                    tables=going.sent.tables,
                    seals=going.seals,
                    evidence=going.evidence(going.repeat_key),
                ),
            )
            if recorded.kind is RecordedKind.NEW:
                step = self.add_step(connection, version_id, version_id, going.operation, at, claimed=True)
                begun.append(Begun(replace(row, version=1), step))
            return recorded

        recorded = self._store.write(unit)
        _raise_for(recorded)
        reach("traces.begun")
        return begun[0] if begun else recorded

    def add_step(
        self, connection: Connection, chid: str, version_id: str, operation: Operation, at: datetime, *, claimed: bool
    ) -> ContingencyRow:
        """Put a step into the queue; ``claimed`` when it may be at TRACES already, or is about to be."""
        step = add_contingency(
            connection,
            ched_id=chid,
            version_id=version_id,
            partner=self._partner,
            operation=operation.value,
            at=at,
        )
        return (claim_contingency(connection, step, at=at) or step) if claimed else step

    def transmit(self, step: Step) -> Answer:
        """Have TRACES do it.

        Raises:
            Away: it does not answer.
            GatewayError: it refuses.
        """
        functionality = functionality_of(step.operation)
        if not self._availability.is_worth_trying(functionality):
            raise Away(sent=False)
        try:
            answer = send(self._upstream, step, now=self._context.clock())
        except DeliveryError as error:
            answer = self._after(step, error, functionality)
        reach("traces.sent")
        self._availability.answered(functionality)
        return answer

    def look(self, step: Step, chid: str) -> Answer | None:
        """What TRACES has of a step that may have arrived; None when it has nothing.

        Raises:
            Away: it does not answer.
            GatewayError: it refuses to tell.
        """
        try:
            found = look(
                self._upstream,
                step,
                limits=self._context.limits,
                now=self._context.clock(),
                is_another=lambda reference: self._is_another(reference, chid),
            )
        except DeliveryError as error:
            if not is_away(error):
                raise refusal_of(error, step.reference) from error
            self._availability.lost(CHED.name, error)
            raise Away(sent=True) from error
        self._availability.answered(CHED.name)
        return found

    def settle(self, begun: Begun, ched: Ched, answer: Answer, *, pending: str = "") -> ChedRow:
        """Write down that TRACES has it, and the reference that it gave.

        Raises:
            ChedRefused: IMG-7206, it gave the reference of another CHED.
        """
        at = self._context.clock()
        content = _answered(ched, answer)

        def unit(connection: Connection) -> ChedRow | None:
            state = ContingencyState.EXCHANGED
            if not settle_contingency(connection, begun.step, state=state, reference=answer.reference, at=at):
                return get_ched(connection, begun.row.id)
            row = exchanged(get_ched(connection, begun.row.id) or begun.row, answer, at, pending=pending)
            self.record(connection, row, at, EXCHANGE, content=content)
            return row

        row = self._store.write(unit)
        if isinstance(row, Recorded):  # by way of Undo: its reference is another's here
            _raise_for(row)
        reach("traces.settled")
        return row if isinstance(row, ChedRow) else begun.row

    def withdraw(self, connection: Connection, begun: Begun, *, code: str, detail: str = "") -> None:
        """Write down that TRACES has not got it and will not: the CHED ends, and its message may come again."""
        at = self._context.clock()
        state = ContingencyState.REFUSED
        if settle_contingency(connection, begun.step, state=state, code=code, detail=detail[:200], at=at):
            row = get_ched(connection, begun.row.id) or begun.row
            ended = replace(
                row,
                status_code=ChedStatus.DELETED.value,
                local_reference="",  # free for the message when it comes again
                partner="",  # nobody finds it
                bodies=(),
                posts=(),
                areas=(),
                sources=(),
                targets=(),
                updated_at=at,
            )
            self.record(connection, ended, at, "withdraw", terminal=True)

    def record(
        self,
        connection: Connection,
        row: ChedRow,
        at: datetime,
        operation: str,
        *,
        content: bytes | None = None,
        seals: tuple[ChedSeal, ...] = (),
        terminal: bool = False,
    ) -> None:
        """A write of this instance's own, without a message; undone when somebody else was faster."""
        write = ChedWrite(
            version_id=new_id(at),
            row=row,
            expected_version=row.version,
            at=at,
            operation=operation,
            partner=self._partner,
            content=content,
            seals=seals,
            terminal=terminal,
        )
        record_ched(connection, write)

    def keep(self, going: Outgoing, answer: Answer, *, pending: str = "") -> ChedRow:
        """Keep a part that TRACES took for a CHED that it knew, whether the CHED was known here or not.

        Raises:
            ChedRefused: IMG-7206, somebody else wrote it here meanwhile; TRACES has the part all the same.
        """
        at = going.call.received_at
        ched = replace(going.ched, reference=answer.reference, status_code=answer.status_code)
        content = _answered(going.ched, answer)

        def unit(connection: Connection) -> tuple[Recorded, ChedRow]:
            before = ched_by_reference(connection, answer.reference)
            version_id = new_id(at)
            row = row_of(ched, going.actor, chid=before.id if before else version_id, before=before, at=at)
            row = replace(row, pending=pending, content_id=version_id)
            write = ChedWrite(
                version_id=version_id,
                row=row,
                expected_version=before.version if before is not None else None,
                at=at,
                operation=going.operation.value,
                partner=going.actor.principal.partner.id,
                body=going.actor.body.id if going.actor.body is not None else "",
                part=going.part,
                content=content,
                original=going.sent.original,
                tables=going.sent.tables,
                seals=going.seals,
                # The same decision again is answered as this one; a change may be made, undone and made again.
                evidence=going.evidence(going.repeat_key if going.decides else None),
            )
            return record_ched(connection, write), row

        written = self._store.write(unit)
        if isinstance(written, Recorded):  # by way of Undo
            _raise_for(written)
            raise ChedRefused("IMG-7206", where="ID", found=answer.reference)
        reach("traces.settled")
        return written[1]

    def _after(self, step: Step, error: DeliveryError, functionality: str) -> Answer:
        """What is known of a step that was not answered with a receipt.

        Raises:
            Away: nothing.
            GatewayError: TRACES refused it.
        """
        if is_away(error):
            self._availability.lost(functionality, error)
            found = None if nothing_was_sent(error) else self._look_at_once(step)
            if found is None:
                raise Away(sent=not nothing_was_sent(error)) from error
            return found
        # A part that it took a moment ago, in a message whose answer was lost, is refused the second time.
        repeated = isinstance(error, TracesRefused) and error.reply.kind is FaultKind.RULES and step.reference
        found = self._look_at_once(step) if repeated else None
        if found is None:
            raise refusal_of(error, step.reference or step.local_reference) from error
        return found

    def _look_at_once(self, step: Step) -> Answer | None:
        """The connection broke, and perhaps only that. That nothing is there yet may be too early to be believed."""
        try:
            return self.look(step, "")
        except (Away, GatewayError):
            return None

    def _is_another(self, reference: str, chid: str) -> bool:
        with self._store.read() as connection:
            row = ched_by_reference(connection, reference)
        return row is not None and row.id != chid


def functionality_of(operation: Operation) -> str:
    """What is away when it fails: the contract (R-46-2 speaks of functionalities)."""
    own = operation in {Operation.FOLLOW_UP, Operation.AMEND, Operation.CANCEL}
    return CONTROL.name if own else SUBMISSION.name


def exchanged(row: ChedRow, answer: Answer, at: datetime, *, pending: str = "") -> ChedRow:
    """The row with what TRACES made of the CHED."""
    moved = answer.status_code != row.status_code
    return replace(
        row,
        reference=answer.reference or row.reference,
        status_code=answer.status_code or row.status_code,
        pending=pending,
        updated_at=at,
        status_changed_at=at if moved else row.status_changed_at,
    )


def _answered(ched: Ched, answer: Answer) -> bytes:
    """The document as it stands with TRACES' answer, in canonical codes."""
    status = ChedStatus(answer.status_code) if answer.status_code in set(ChedStatus) else None
    known = replace(
        ched,
        reference=answer.reference,
        status_code=answer.status_code,
        status_name=STATUS_NAMES[status] if status is not None else ched.status_name,
        url=answer.url or ched.url,
    )
    return serialise(write_ched(known))


def _raise_for(recorded: Recorded) -> None:
    if recorded.kind is RecordedKind.REPLAY:
        raise AuthenticationFailed("IMG-2003", found=recorded.detail)
    if recorded.kind is RecordedKind.CONFLICT:
        raise conflict_of(recorded.conflict, recorded.detail)
