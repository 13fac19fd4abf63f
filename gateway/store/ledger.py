"""Writing the quantity ledger: open it, move quantities, freeze it, keep the message that did so.

One unit of work has this order, which is what keeps 32 customs offices on one CHED from waiting for each other in a
circle: `lock_ledger` (`gateway.store.ledger_reads`) first, before anything else is written; then `open_ledger`,
`apply_change`, `report_document`; last `record_customs_message`, which inserts the nonces and the exchange.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

from gateway.faultpoints import reach
from gateway.store import tables
from gateway.store.identifiers import from_text, repeat_key, to_text
from gateway.store.journal import claim_nonces, insert_exchange, record_audit
from gateway.store.ledger_records import AllocationState, EntryKind, LedgerChange, Movement
from gateway.store.ledger_tables import customs_declarations, customs_reports, ledger_allocations, ledger_entries
from gateway.store.portions import InsertLarge
from gateway.store.records import Conflict, Outcome, Recorded, RecordedKind
from gateway.store.statements import Statement, insert
from gateway.store.writer import Undo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store.ledger_records import CustomsMessage, CustomsReport, Declaration, LastEvent, LedgerLineRow

__all__ = [
    "apply_change",
    "find_customs_message",
    "free_number",
    "freeze_ledger",
    "note_sent",
    "open_ledger",
    "record_customs_message",
    "report_document",
]

_MAX_REASONS = 2_000
"""Characters of all the reasons for which a ledger is frozen."""

_ITEM = (
    "WHERE ched_id = :ched_id AND declaration = :declaration AND declaration_type = :declaration_type "
    "AND goods_item = :goods_item AND line = :line"
)
_open = Statement(
    "INSERT INTO ledgers (ched_id, version, frozen, opened_at) VALUES (:ched_id, 1, '', :at) ON CONFLICT DO NOTHING"
)
_insert_line = Statement(
    "INSERT INTO ledger_lines (ched_id, line, code, unit, dimension, certified, carried, reserved, consumed, entry) "
    "VALUES (:ched_id, :line, :code, :unit, :dimension, 0, 0, 0, 0, 0)"
)
_insert_entry = insert(ledger_entries)
_advance = Statement("UPDATE ledgers SET version = version + 1 WHERE ched_id = :ched_id RETURNING version")
_freeze = Statement(
    "UPDATE ledgers SET frozen = :frozen, version = version + 1 WHERE ched_id = :ched_id AND frozen <> :frozen"
)
_why = Statement("SELECT frozen FROM ledgers WHERE ched_id = :ched_id")
_hold = insert(ledger_allocations)
_give_back = Statement(f"DELETE FROM ledger_allocations {_ITEM} AND state = 'reserved' AND quanta = :quanta")  # noqa: S608 - constants of this module
_reverse = Statement(f"DELETE FROM ledger_allocations {_ITEM} AND state = 'consumed' AND quanta = :quanta")  # noqa: S608 - as above
_consume = Statement(
    "UPDATE ledger_allocations SET state = 'consumed', office = :office, event_at = :event_at "  # noqa: S608 - as above
    f"{_ITEM} AND state = 'reserved' AND quanta = :quanta RETURNING quantity, unit, class_code"
)
_insert_report = insert(customs_reports, otherwise="ON CONFLICT DO NOTHING")
_OF_DECLARATION = (
    "ched_id = :ched_id AND declaration = :declaration AND declaration_type = :declaration_type AND partner = :partner"
)
_note_sent = insert(
    customs_declarations,
    otherwise="ON CONFLICT (ched_id, declaration, declaration_type, partner) DO UPDATE SET sent_at = excluded.sent_at "
    "WHERE customs_declarations.sent_at <= excluded.sent_at RETURNING sent_at",
)
_newest_sent = Statement(f"SELECT sent_at FROM customs_declarations WHERE {_OF_DECLARATION}")  # noqa: S608 - as above
_insert_exchange_parts = InsertLarge(tables.exchange_parts, "request", "content", "translated")
_select_message = Statement("SELECT id FROM exchanges WHERE idempotency_key = :key")


def open_ledger(
    connection: Connection, ched_id: str, lines: Sequence[LedgerLineRow], at: datetime, *, partner: str = ""
) -> None:
    """Open the ledger of a CHED with what its lines certify; nothing when it is open. Call inside `Store.write`.

    Args:
        connection: of the unit of work, after `lock_ledger`.
        ched_id: our id of the CHED.
        lines: what is certified; what else they hold is not read. `MAX_QUANTA` is the most.
        at: now.
        partner: for whose message it is opened, for the entries.

    Raises:
        DBAPIError, sqlite3.Error, psycopg.Error: no such CHED, or a quantity that the ledger cannot hold.
    """
    if not _open(connection, ched_id=ched_id, at=to_text(at)).rowcount:
        return
    opening = LedgerChange(ched_id=ched_id, at=at, partner=partner, reason="opened", movements=())
    for line in lines:
        _insert_line(
            connection,
            ched_id=ched_id,
            line=line.number,
            code=line.code,
            unit=line.unit,
            dimension=line.dimension,
        )
        if line.certified:
            certified = Movement(kind=EntryKind.CERTIFIED, line=line.number, quanta=line.certified, unit=line.unit)
            _insert_entry(connection, **_entry(opening, 1, certified))


def apply_change(connection: Connection, change: LedgerChange) -> int:
    """Make the movements of a change, in their order. Call inside `Store.write`, after `lock_ledger`.

    RESERVED adds an allocation, RETURNED takes the whole of it away. CONSUMED turns the hold of its quantity into a
    consumption with the office and time of the movement; where there is no hold it adds one and is recorded as FORCED.
    REVERSED takes a consumption away. CARRIED and RELEASED move what another CHED draws.

    Returns:
        The new version of the ledger.

    Raises:
        ValueError: there is no open ledger, or no allocation of that quantity to give back or reverse.
        DBAPIError, sqlite3.Error, psycopg.Error: the database refuses: more than there is, no such line, a second
        allocation of a goods item on a line.
    """
    advanced = _advance(connection, ched_id=change.ched_id).fetchone()
    if advanced is None:
        raise ValueError(f"no ledger is open for {change.ched_id}")
    version: int = advanced[0]
    recorded: list[Movement] = []
    for kind, movements in groupby(change.movements, attrgetter("kind")):
        recorded += _allocate(connection, change, kind, list(movements))
    _insert_entry.many(connection, [_entry(change, version, each) for each in recorded])
    reach("ledger.moved")
    return version


def freeze_ledger(
    connection: Connection, ched_id: str, why: str, *, at: datetime, actor: str, reason: str = ""
) -> bool:
    """Let nothing be reserved any more, or let it again with an empty ``why``. Call inside `Store.write`.

    Where a ledger is frozen already the reason is added to those that it has, once; one that has no place any more is
    in the audit. ``reason`` is for the audit: why it may be reserved again.

    Returns:
        Whether that changed anything or said anything new; it does not where no ledger is open.
    """
    found = _why(connection, ched_id=ched_id).fetchone()
    old: str = found[0] if found is not None else ""
    if found is None or (f"; {why}; " in f"; {old}; " if why else not old):
        return False
    _freeze(connection, ched_id=ched_id, frozen=f"{old}; {why}"[:_MAX_REASONS] if old and why else why)
    action = "ledger frozen" if why else "ledger thawed"
    said = why or reason
    record_audit(connection, at=at, actor=actor, action=action, subject=ched_id, detail={"why": said} if said else {})
    return True


def note_sent(
    connection: Connection, ched_id: str, declaration: Declaration, *, partner: str, at: datetime
) -> datetime | None:
    """Keep when a message about a declaration was sent, whatever is answered. Call inside `Store.write`.

    Args:
        connection: of the unit of work, after `lock_ledger`.
        ched_id: our id of the CHED.
        declaration: that the message is about.
        partner: who sent it.
        at: its SendingDate.

    Returns:
        When a newer one of this partner was sent, and then nothing is kept; None where this is the newest.
    """
    key = {
        "ched_id": ched_id,
        "declaration": declaration.number,
        "declaration_type": declaration.type,
        "partner": partner,
    }
    if _note_sent(connection, **key, sent_at=to_text(at)).fetchone() is not None:
        return None
    newest = _newest_sent(connection, **key).fetchone()
    return from_text(newest[0]) if newest else None


def free_number(connection: Connection, ched_id: str, declaration: Declaration, last: LastEvent) -> None:
    """Let any customs system take the number of a declaration of which nothing stands. Call inside `Store.write`.

    Args:
        connection: of the unit of work, after `lock_ledger`.
        ched_id: our id of the CHED.
        declaration: whose number.
        last: its newest movement; whoever moves it after that has it.
    """
    note_sent(connection, ched_id, declaration, partner="", at=last.at)


def report_document(connection: Connection, report: CustomsReport) -> bool:
    """Keep that customs reported a document for a CHED. Call inside `Store.write`.

    Returns:
        Whether it is new; the first report of a document under one code stands.
    """
    return bool(
        _insert_report(
            connection,
            ched_id=report.ched_id,
            document=report.document,
            type_code=report.type_code,
            office=report.office,
            at=to_text(report.at),
            exchange_id=report.exchange_id,
        ).rowcount
    )


def find_customs_message(connection: Connection, *, partner: str, prefix: str, message_id: str) -> str | None:
    """The id of the accepted exchange in which a partner used this message id before."""
    found = _select_message(connection, key=_message_key(partner, prefix, message_id)).fetchone()
    return found[0] if found else None


def record_customs_message(connection: Connection, message: CustomsMessage) -> Recorded:
    """Keep a message that was judged, with its answer. Call it last in the unit of work.

    Returns:
        NEW. By way of `Undo`, with the whole unit undone: REPLAY, a nonce was used before; CONFLICT with MESSAGE_ID,
        the partner used the message id before (``exchange_id`` is that of the first). Record the refusal with
        `record_refusal` in a unit of its own.
    """
    claim_nonces(connection, message.partner, message.nonces)
    added = insert_exchange(
        connection,
        id=message.exchange_id,
        partner=message.partner,
        contract=message.contract,
        operation=message.operation,
        outcome=Outcome.ACCEPTED,
        subject=message.subject,
        sender_message_id=f"{message.prefix}/{message.message_id}",
        idempotency_key=_message_key(message.partner, message.prefix, message.message_id),
        repeat_of=None,
        error_code=None,
        error_detail=None,
        transport=json.dumps(message.transport),
        received_at=to_text(message.received_at),
    )
    if not added.rowcount:
        _used(connection, message)
    _insert_exchange_parts(
        connection,
        exchange_id=message.exchange_id,
        acknowledgement=message.acknowledgement,
        translation_report=None,
        findings=None,
        seal_verdict=None,
        timestamp_token=None,
        certificates=None,
        request=message.request,
        content=None,
        translated=None,
    )
    about = {"reference": message.subject, "content": message.content_id, **message.detail}
    record_audit(
        connection,
        at=message.received_at,
        actor=message.partner,
        action=f"{message.operation} {Outcome.ACCEPTED}",
        subject=message.exchange_id,
        detail=about,
    )
    reach("ledger.recorded")
    return Recorded(RecordedKind.NEW, message.exchange_id, message.acknowledgement, contract=message.contract)


def _message_key(partner: str, prefix: str, message_id: str) -> bytes:
    return repeat_key("certex", partner, prefix, message_id, digest=b"")


def _used(connection: Connection, message: CustomsMessage) -> NoReturn:
    first = find_customs_message(
        connection, partner=message.partner, prefix=message.prefix, message_id=message.message_id
    )
    detail = f"{message.prefix}/{message.message_id}"
    raise Undo(Recorded(RecordedKind.CONFLICT, first or "", conflict=Conflict.MESSAGE_ID, detail=detail))


def _allocate(
    connection: Connection, change: LedgerChange, kind: EntryKind, movements: Sequence[Movement]
) -> list[Movement]:
    """Change what stands for declarations; returns the movements as they are to be recorded.

    Args:
        connection: of the unit of work.
        change: what they are part of.
        kind: of all of them.
        movements: what is moved.
    """
    if kind is EntryKind.CONSUMED:
        return [_written_off(connection, change, each) for each in movements]
    declared = [each for each in movements if each.declaration is not None]
    if kind in {EntryKind.RETURNED, EntryKind.REVERSED}:
        take_away = _give_back if kind is EntryKind.RETURNED else _reverse
        if take_away.many(connection, [_item(change, each) for each in declared]) != len(declared):
            raise ValueError(f"nothing of one of {len(declared)} to take away: {declared[0]} and what is with it")
    else:
        _hold.many(connection, [_held(change, each) for each in declared])
    return list(movements)


def _written_off(connection: Connection, change: LedgerChange, movement: Movement) -> Movement:
    """A hold becomes a consumption; where there is none, one is added."""
    if movement.declaration is None:
        return movement
    if (held := _consume(connection, **_item(change, movement), **_since(movement)).fetchone()) is not None:
        quantity, unit, class_code = held
        return replace(movement, quantity=quantity, unit=unit, class_code=class_code)
    forced = replace(movement, kind=EntryKind.FORCED)
    _hold(connection, **_held(change, forced))
    return forced


def _held(change: LedgerChange, movement: Movement) -> dict[str, Any]:
    """An allocation, as its row."""
    reserved = movement.kind is EntryKind.RESERVED
    return {
        **_item(change, movement),
        **_since(movement),
        "state": AllocationState.RESERVED if reserved else AllocationState.CONSUMED,
        "quantity": movement.quantity,
        "unit": movement.unit,
        "class_code": movement.class_code,
        "partner": change.partner,
    }


def _since(movement: Movement) -> dict[str, str]:
    if movement.event_at is None:
        raise ValueError(f"an allocation has a time: {movement}")
    return {"office": movement.office, "event_at": to_text(movement.event_at)}


def _item(change: LedgerChange, movement: Movement) -> dict[str, Any]:
    """What one allocation is found by."""
    kind, number = movement.declaration or ("", "")
    return {
        "ched_id": change.ched_id,
        "line": movement.line,
        "declaration_type": kind,
        "declaration": number,
        "goods_item": movement.goods_item,
        "quanta": movement.quanta,
    }


def _entry(change: LedgerChange, version: int, movement: Movement) -> dict[str, Any]:
    """A movement, as the row that records it; the trigger of the table moves the totals of the line with it."""
    kind, number = movement.declaration or ("", "")
    return {
        "ched_id": change.ched_id,
        "line": movement.line,
        "version": version,
        "at": to_text(change.at),
        "kind": movement.kind,
        "quanta": movement.quanta,
        "declaration_type": kind,
        "declaration": number,
        "goods_item": movement.goods_item,
        "quantity": movement.quantity,
        "unit": movement.unit,
        "class_code": movement.class_code,
        "office": movement.office,
        "event_at": to_text(movement.event_at) if movement.event_at else "",
        "other": movement.other,
        "partner": change.partner,
        "prefix": change.prefix,
        "message_id": change.message_id,
        "exchange_id": change.exchange_id,
        "actor": change.actor,
        "reason": change.reason,
    }
