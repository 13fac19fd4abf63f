"""The journal of messages: refusals, reads, audit, and the nonces that each of them uses up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.store import tables
from gateway.store.identifiers import nonce_hash, to_text
from gateway.store.records import Nonce, Outcome, Recorded, RecordedKind, Refusal
from gateway.store.statements import Statement, insert
from gateway.store.writer import Undo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["claim_nonces", "insert_exchange", "journal_refusal", "record_audit", "record_read", "record_refusal"]

insert_exchange = insert(tables.exchanges, otherwise="ON CONFLICT DO NOTHING")
_insert_nonce = insert(tables.nonces, otherwise="ON CONFLICT DO NOTHING")
_insert_request = Statement("INSERT INTO exchange_parts (exchange_id, request) VALUES (:exchange_id, :request)")
_insert_audit = insert(tables.audit)


def claim_nonces(connection: Connection, partner: str, nonces: tuple[Nonce, ...]) -> None:
    """Use the nonces up; a nonce that was used before undoes the unit with the result REPLAY."""
    for nonce in nonces:
        claimed = _insert_nonce(
            connection,
            value_hash=nonce_hash(partner, nonce.kind, nonce.value),
            kind=nonce.kind,
            partner=partner,
            expires_at=to_text(nonce.expires_at),
        )
        if not claimed.rowcount:
            raise Undo(Recorded(RecordedKind.REPLAY, detail=nonce.kind))


def record_refusal(connection: Connection, refusal: Refusal) -> Recorded:
    """Keep a refused message of a known partner: request, code, nonces, audit.

    Returns NEW; or, through `Undo`, REPLAY when a nonce was used before. A caller that refuses because of a replay
    leaves ``nonces`` empty.
    """
    claim_nonces(connection, refusal.partner, refusal.nonces)
    journal_refusal(connection, refusal)
    _insert_request(connection, exchange_id=refusal.exchange_id, request=refusal.request)
    return Recorded(RecordedKind.NEW, refusal.exchange_id, contract=refusal.contract)


def journal_refusal(connection: Connection, refusal: Refusal, *, repeat_of: str | None = None) -> None:
    """Its line in the journal and in the audit; the bytes are the caller's to keep."""
    insert_exchange(
        connection,
        id=refusal.exchange_id,
        partner=refusal.partner,
        contract=refusal.contract,
        operation=refusal.operation,
        outcome=Outcome.REFUSED,
        subject=refusal.subject,
        sender_message_id=refusal.sender_message_id,
        idempotency_key=None,
        repeat_of=repeat_of,
        error_code=refusal.error_code,
        error_detail=json.dumps(refusal.error_detail),
        transport=json.dumps(refusal.transport),
        received_at=to_text(refusal.received_at),
    )
    record_audit(
        connection,
        at=refusal.received_at,
        actor=refusal.partner,
        action=f"{refusal.operation} {Outcome.REFUSED}",
        subject=refusal.exchange_id,
        detail={"code": refusal.error_code},
    )


def record_read(
    connection: Connection,
    *,
    partner: str,
    operation: str,
    subject: str,
    at: datetime,
    nonces: tuple[Nonce, ...] = (),
    detail: Mapping[str, Any] | None = None,
) -> Recorded:
    """Note who read what (R-11-1) and use up the nonces of the request. NEW, or REPLAY through `Undo`."""
    claim_nonces(connection, partner, nonces)
    record_audit(connection, at=at, actor=partner, action=operation, subject=subject, detail=detail)
    return Recorded(RecordedKind.NEW)


def record_audit(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line to the audit, which nothing can change afterwards."""
    _insert_audit(
        connection, at=to_text(at), actor=actor, action=action, subject=subject, detail=json.dumps(detail or {})
    )
