"""Recording a message that goes into quarantine: journalled as refused, kept whole, its single-use values spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.faultpoints import reach
from gateway.store import tables
from gateway.store.journal import claim_nonces, journal_refusal
from gateway.store.portions import InsertLarge
from gateway.store.quarantine import add_hold, find_held, get_quarantine, last_of, supersede_held
from gateway.store.quarantine_records import QuarantineState
from gateway.store.records import Conflict, Recorded, RecordedKind
from gateway.store.statements import Statement
from gateway.store.writer import Undo

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.store.quarantine_records import HeldMessage, QuarantineRow
    from gateway.store.records import Refusal

__all__ = ["guard_held", "record_held", "record_held_again"]

_insert_parts = InsertLarge(tables.exchange_parts, "request", "content", "translated")
_accepted_id = Statement(
    "SELECT id FROM exchanges WHERE partner = :partner AND sender_message_id = :message_id AND outcome = 'accepted'"
)
_held_id = Statement(
    "SELECT id FROM quarantine WHERE partner = :partner AND sender_message_id = :message_id AND state = 'held' "
    "AND subject || '/' || status_code <> :about"
)


def record_held(connection: Connection, message: HeldMessage) -> Recorded:
    """Put a message into quarantine. Call inside `Store.write`.

    NEW: it is held; what was held of the same document with other content is superseded. HELD: it is there already,
    or an operator discarded it (`QuarantineRow.state` says which); the repeat is journalled without its bytes. In both
    cases ``exchange_id`` is the id of the entry. REPLAY and CONFLICT, by way of `Undo`, as `record_submission`.
    """
    new, refusal = message.hold, message.refusal
    claim_nonces(connection, new.partner, refusal.nonces)
    known = last_of(
        connection, partner=new.partner, subject=new.subject, status_code=new.status_code, contract=new.contract
    )
    same = known is not None and known.digest == new.digest
    if known is not None and same and known.state in (QuarantineState.HELD, QuarantineState.DISCARDED):
        journal_refusal(connection, refusal, repeat_of=known.held_in)
        return Recorded(RecordedKind.HELD, known.id, contract=new.contract)
    if new.sender_message_id:
        _check_message_id(connection, new.partner, new.sender_message_id, f"{new.subject}/{new.status_code}")
    supersede_held(connection, new, reason=f"the same document came with other content: {new.id}")
    journal_refusal(connection, refusal)
    _insert_parts(
        connection,
        exchange_id=refusal.exchange_id,
        request=refusal.request,
        acknowledgement=None,
        content=message.content,
        translated=None,
        translation_report=None,
        findings=message.findings,
        seal_verdict=message.seal_verdict,
        timestamp_token=message.timestamp_token,
        certificates=message.certificates,
    )
    reach("quarantine.kept")
    if not add_hold(connection, new):
        raise Undo(Recorded(RecordedKind.CONFLICT, conflict=Conflict.STATE, detail="held by a rival"))
    reach("quarantine.held")
    return Recorded(RecordedKind.NEW, new.id, contract=new.contract)


def guard_held(
    connection: Connection,
    *,
    partner: str,
    subject: str,
    status_code: str,
    contract: str,
    digest: bytes,
    message_id: str | None,
) -> QuarantineRow | None:
    """What is held of a document that is about to be accepted, and has other content than it.

    Raises:
        Undo: HELD, this very message is in quarantine: it leaves by being released; CONFLICT, its message id belongs
            to another message there.
    """
    held = find_held(connection, partner=partner, subject=subject, status_code=status_code, contract=contract)
    if held is not None and held.digest == digest:
        raise Undo(Recorded(RecordedKind.HELD, held.id, contract=contract))
    if (
        message_id
        and _held_id(connection, partner=partner, message_id=message_id, about=f"{subject}/{status_code}").fetchone()
    ):
        raise Undo(Recorded(RecordedKind.CONFLICT, conflict=Conflict.MESSAGE_ID, detail=message_id))
    return held


def record_held_again(connection: Connection, refusal: Refusal, quarantine_id: str) -> Recorded:
    """Note a message that is in quarantine already: its single-use values, and that it came."""
    claim_nonces(connection, refusal.partner, refusal.nonces)
    known = get_quarantine(connection, quarantine_id)
    journal_refusal(connection, refusal, repeat_of=known.held_in if known else None)
    return Recorded(RecordedKind.HELD, quarantine_id, contract=refusal.contract)


def _check_message_id(connection: Connection, partner: str, message_id: str, about: str) -> None:
    accepted = _accepted_id(connection, partner=partner, message_id=message_id).fetchone()
    if accepted or _held_id(connection, partner=partner, message_id=message_id, about=about).fetchone():
        raise Undo(Recorded(RecordedKind.CONFLICT, conflict=Conflict.MESSAGE_ID, detail=message_id))
