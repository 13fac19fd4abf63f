"""One message that moves quantities as one unit of work; the ledger's row is locked first, the answer given last.

The CHED's row is locked before anything else is, so that messages about one CHED pass one after the other and none
waits for two (docs/adr/0019): neither its status nor its ledger moves while a message is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.ched.customs_box import find_reports
from gateway.customs.lines import lines_of
from gateway.documents.ched import read_ched
from gateway.errors import CustomsRefused, Unavailable
from gateway.single_window.access import check_sight, is_known
from gateway.single_window.checks import (
    check_newer,
    check_not_overtaken,
    check_owner,
    check_recorded,
    check_room,
    used_before,
)
from gateway.single_window.content import Stored
from gateway.single_window.following import Cause, is_missing, pass_on
from gateway.single_window.opening import open_ledger_of
from gateway.store import (
    CustomsMessage,
    CustomsReport,
    EntryKind,
    LedgerChange,
    PushKind,
    Undo,
    apply_change,
    ched_by_reference,
    ched_content,
    find_customs_message,
    last_event,
    lock_ledger,
    new_id,
    note_sent,
    read_ledger,
    record_customs_message,
    report_document,
    touch_ched,
)
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.certex.models import CertexHeader
    from gateway.exchange import Context
    from gateway.single_window.access import CustomsActor
    from gateway.single_window.pushing import PushKeeper
    from gateway.soap import SoapCall
    from gateway.store import ChedRow, Declaration, LedgerState, Movement, Recorded
    from gateway.xml.limits import Limits

__all__ = ["Message", "Moved", "Mover", "Verdict", "with_lines"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message, whatever it asks."""

    actor: CustomsActor
    header: CertexHeader
    call: SoapCall
    reference: str
    """ChedCertificateId."""
    office: str
    sent: datetime
    """SendingDate."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the ledger says to a message."""

    render: Callable[[LedgerState], bytes]
    """The answer without certificate and file, for the evidence, once the movements are made."""
    movements: tuple[Movement, ...] = ()
    declaration: Declaration | None = None
    """Whose; a message that is older than its last movement, or than the sender's last one about it, is refused."""
    document: str = ""
    """The customs document to show in II.23; empty for none."""
    type_code: str = ""
    """Its code (data element 12 03); empty when it is not known."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What stands when the message was answered."""

    stored: Stored
    push: tuple[bool, str]


class Mover:
    """Makes messages move quantities.

    Args:
        context: the services.
        pushes: who follows CHEDs.
        most: allocations that may stand on one CHED.
    """

    def __init__(self, context: Context, pushes: PushKeeper, most: int) -> None:
        self._context = context
        self._pushes = pushes
        self._most = most

    def move(
        self,
        message: Message,
        judge: Callable[[LedgerState, ChedRow], Verdict],
        unknown: Callable[[], bytes],
        *,
        push: bool | None = None,
    ) -> Moved | None:
        """Lock, judge, write, commit.

        Args:
            message: what came.
            judge: gives the verdict over the ledger as it stands; raises what is a fault.
            unknown: the answer for a CHED that is not here.
            push: whether the sender wants to be told of changes; None says nothing.

        Returns:
            What stands then; None for a CHED that is not known.

        Raises:
            AccessDenied: IMG-2110.
            AuthenticationFailed: IMG-2003.
            CustomsRefused: IMG-7404, IMG-7405, IMG-7410, and whatever ``judge`` raises.
            Unavailable: IMG-9001.
        """
        moved: list[Moved] = []

        def unit(connection: Connection) -> Recorded | None:
            moved.clear()
            exchange_id = new_id(message.call.received_at)
            row = self._locked(connection, message)
            if row is None:
                return self._keep(connection, message, exchange_id, unknown())
            self._check_unused(connection, message)
            state, content = self._opened(connection, row)
            verdict = judge(state, row)
            if verdict.declaration is not None:
                last = last_event(connection, state.ched_id, verdict.declaration)
                check_owner(message.actor, verdict.declaration.number, last)
                check_newer(message.sent, last)
                newer = note_sent(
                    connection, state.ched_id, verdict.declaration, partner=message.actor.id, at=message.sent
                )
                check_not_overtaken(message.sent, newer)
            check_room(state, verdict.movements, self._most)
            state = self._written(connection, message, state, verdict, exchange_id)
            follows = self._pushes.follow(
                connection,
                message.actor,
                state.ched_id,
                on=push,
                office=message.office,
                at=message.call.received_at,
            )
            moved.append(Moved(Stored(row, content, find_reports(connection, row.id)), follows))
            return self._keep(connection, message, exchange_id, verdict.render(state), state.content_id)

        recorded = self._context.store.write(unit)
        if recorded is None:
            call = message.call
            open_ledger_of(
                self._context, self._pushes, message.reference, partner=message.actor.id, at=call.received_at
            )
            recorded = self._context.store.write(unit)
        if recorded is None:
            raise Unavailable("IMG-9001", where=message.reference, found="its ledger could not be opened")
        check_recorded(recorded, message.header)
        return moved[0] if moved else None

    def _locked(self, connection: Connection, message: Message) -> ChedRow | None:
        """The CHED, locked; None when it is not known here."""
        if lock_ledger(connection, message.reference) is None:
            return None
        row = ched_by_reference(connection, message.reference)
        if row is None or not is_known(row):
            return None
        check_sight(message.actor, row)
        return row

    def _check_unused(self, connection: Connection, message: Message) -> None:
        """Refuse a message id that was used, before anything else is said that would be true of a new message only."""
        header = message.header
        partner = message.actor.id
        if find_customs_message(connection, partner=partner, prefix=header.prefix, message_id=header.message_id):
            raise used_before(header)

    def _opened(self, connection: Connection, row: ChedRow) -> tuple[LedgerState, bytes]:
        """The ledger and the document.

        Raises:
            Undo: with None, the CHED has to have a ledger and has none yet.
        """
        parts = ched_content(connection, row)
        state = read_ledger(connection, row.reference)
        if parts is None or state is None:
            raise CustomsRefused("IMG-7413", where="ChedCertificateId", found=row.reference)
        if is_missing(state):
            raise Undo(None)
        return with_lines(state, parts.content, self._context.limits), parts.content

    def _written(
        self, connection: Connection, message: Message, state: LedgerState, verdict: Verdict, exchange_id: str
    ) -> LedgerState:
        at = message.call.received_at
        if not verdict.movements:
            return state
        change = LedgerChange(
            ched_id=state.ched_id,
            at=at,
            partner=message.actor.id,
            message_id=message.header.message_id,
            prefix=message.header.prefix,
            exchange_id=exchange_id,
            actor=message.actor.id,
            movements=verdict.movements,
        )
        apply_change(connection, change)
        if verdict.document:
            report = CustomsReport(
                ched_id=state.ched_id,
                document=verdict.document,
                type_code=verdict.type_code,
                office=message.office,
                at=message.sent,
                exchange_id=exchange_id,
            )
            report_document(connection, report)
        if verdict.document or any(each.kind is EntryKind.REVERSED for each in verdict.movements):
            touch_ched(connection, state.ched_id, at)
        cause = Cause(at=at, partner=message.actor.id, exchange_id=exchange_id)
        if left := pass_on(connection, state, cause):
            found = "; ".join(map(str, left))
            raise CustomsRefused("IMG-7410", where="ConsignmentItem", found=found, expected="goods that fit")
        cause.tell(connection, self._pushes)
        what = PushKind.DOCUMENT if verdict.document else PushKind.LEDGER
        self._pushes.changed(connection, state.ched_id, what=what, at=at)
        return read_ledger(connection, state.reference) or state

    def _keep(
        self, connection: Connection, message: Message, exchange_id: str, acknowledgement: bytes, content_id: str = ""
    ) -> Recorded:
        return record_customs_message(
            connection,
            CustomsMessage(
                exchange_id=exchange_id,
                partner=message.actor.id,
                content_id=content_id,
                prefix=message.header.prefix,
                message_id=message.header.message_id,
                contract=message.call.contract,
                operation=message.call.operation,
                subject=message.reference,
                request=message.call.raw,
                acknowledgement=acknowledgement,
                nonces=message.actor.principal.nonces,
                transport={"method": message.actor.principal.method},
                received_at=message.call.received_at,
            ),
        )


def with_lines(state: LedgerState, content: bytes, limits: Limits) -> LedgerState:
    """A ledger with the lines that its CHED certifies, where it needs none yet.

    One that has to have a ledger and has none gets no lines: how much is left of them is not known.
    """
    if state.version or is_missing(state):
        return state
    return replace(state, lines=lines_of(read_ched(parse(content, limits=limits).root)))
