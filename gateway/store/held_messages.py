"""Recording a message that goes into quarantine: journalled as refused, kept whole, its single-use values spent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gateway.faultpoints import reach
from gateway.store import tables
from gateway.store.journal import claim_nonces, journal_refusal
from gateway.store.portions import InsertLarge
from gateway.store.quarantine import add_hold, find_held, get_quarantine
from gateway.store.quarantine_families import end_all, held_of_document, stands_still, with_waiting
from gateway.store.quarantine_verdicts import find_discarded
from gateway.store.records import Conflict, Recorded, RecordedKind
from gateway.store.statements import Statement
from gateway.store.writer import Undo

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.store.quarantine_records import HeldMessage, NewHold, QuarantineRow
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

    NEW: it is held; what was held of the same document and status with other content is superseded, with what was held
    of the document after that and all that waits behind these: its answer names them as ``ended``. HELD: it is there
    already, or an operator discarded it (`QuarantineRow.state` says which); the repeat is journalled without its bytes.
    In both cases ``exchange_id`` is the id of the entry. REPLAY and CONFLICT, by way of `Undo`, as `record_submission`;
    CONFLICT of the state when a rival was faster, or what it waits for is not held any more.
    """
    new, refusal = message.hold, message.refusal
    claim_nonces(connection, new.partner, refusal.nonces)
    about: dict[str, Any] = {"partner": new.partner, "subject": new.subject, "status_code": new.status_code}
    known = find_held(connection, **about, contract=new.contract)
    if known is None or known.digest != new.digest:
        known = find_discarded(connection, **about, digest=new.digest)
    if known is not None:
        journal_refusal(connection, refusal, repeat_of=known.held_in)
        return Recorded(RecordedKind.HELD, known.id, contract=new.contract)
    if new.sender_message_id:
        _check_message_id(connection, new.partner, new.sender_message_id, f"{new.subject}/{new.status_code}")
    awaited = new.transport.get("waits_for")
    if awaited and not stands_still(connection, awaited):
        raise Undo(Recorded(RecordedKind.CONFLICT, conflict=Conflict.STATE, detail=awaited))
    new, refusal = _in_place_of(connection, new, refusal)
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
) -> tuple[QuarantineRow, ...]:
    """What is held of a document that is about to be accepted, of any status, and has other content than it.

    Raises:
        Undo: HELD, this very message is in quarantine: it leaves by being released, and what an operator discarded
            stays refused; CONFLICT, its message id belongs to another message there.
    """
    discarded = find_discarded(connection, partner=partner, subject=subject, status_code=status_code, digest=digest)
    if discarded is not None:
        raise Undo(Recorded(RecordedKind.HELD, discarded.id, contract=contract))
    held = held_of_document(connection, partner=partner, subject=subject, contract=contract)
    for row in held:
        if row.status_code == status_code and row.digest == digest:
            raise Undo(Recorded(RecordedKind.HELD, row.id, contract=contract))
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


def _in_place_of(connection: Connection, new: NewHold, refusal: Refusal) -> tuple[NewHold, Refusal]:
    """End what a message takes the place of, and say so in its answer."""
    held = held_of_document(connection, partner=new.partner, subject=new.subject, contract=new.contract)
    former = [row for row in held if row.status_code == new.status_code]
    if not former:
        return new, refusal
    later = [row for row in held if row.id > former[0].id]
    ended = end_all(
        connection,
        with_waiting(connection, [*former, *later]),
        actor=new.partner,
        reason=f"the same document came with other content: {new.id}",
        now=new.received_at,
    )
    told = {"ended": [each._asdict() for each in ended]}
    return (
        replace(new, answer={**new.answer, **told}),
        replace(refusal, error_detail={**(refusal.error_detail or {}), **told}),
    )
