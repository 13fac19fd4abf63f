"""Recording messages: one call, one transaction, every invariant of ARCHITECTURE section 4 by a constraint.

The order of the statements is the order of the locks, the same for everybody: nonces, exchange, seal value, replaced
version, document. On PostgreSQL a rival's uncommitted row makes the INSERT wait, and then do nothing: so of many
processes with the same message exactly one finds it new, and the others read what it committed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from gateway.faultpoints import reach
from gateway.store import tables
from gateway.store.identifiers import idempotency_key, seal_hash, to_text
from gateway.store.journal import claim_nonces, insert_exchange, record_audit
from gateway.store.portions import InsertLarge
from gateway.store.records import NOT_DELIVERED, Conflict, Outcome, Recorded, RecordedKind, Submission
from gateway.store.statements import Statement, insert
from gateway.store.writer import Undo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

__all__ = ["record_submission"]

_UNLESS_THERE = "ON CONFLICT DO NOTHING"

_insert_exchange_parts = InsertLarge(tables.exchange_parts, "request", "content", "translated")
_insert_seal_value = insert(tables.seal_values, otherwise=_UNLESS_THERE)
_insert_document = insert(tables.documents, otherwise=_UNLESS_THERE)
_insert_version = insert(tables.document_versions, otherwise=_UNLESS_THERE)
_insert_delivery = insert(tables.deliveries)
_select_recorded = Statement(
    "SELECT e.id, e.contract, p.acknowledgement FROM exchanges e JOIN exchange_parts p ON p.exchange_id = e.id "
    "WHERE e.idempotency_key = :idempotency_key"
)
_select_recorded_by_id = Statement(
    "SELECT e.id, e.contract, p.acknowledgement FROM exchanges e JOIN exchange_parts p ON p.exchange_id = e.id "
    "WHERE e.id = :id"
)
_turn_into_repeat = Statement(
    "UPDATE exchanges SET outcome = 'repeat', idempotency_key = NULL, repeat_of = :repeat_of WHERE id = :id"
)
_drop_parts = Statement("DELETE FROM exchange_parts WHERE exchange_id = :id")
_select_seal_value = Statement("SELECT partner, exchange_id FROM seal_values WHERE value_hash = :value_hash")
_replace_document = Statement(
    "UPDATE documents SET status_code = :status_code, changed_at = :changed_at "
    "WHERE issuer_country = :issuer_country AND type_code = :type_code AND number = :number "
    "AND owner_partner = :partner AND status_code = :expected_status RETURNING version_id"
)
_mark_replaced = Statement(
    "UPDATE document_versions SET replaced_by = :replaced_by WHERE replaced_by IS NULL AND exchange_id = :exchange_id"
)
_change_document = Statement(
    "UPDATE documents SET status_code = :status_code, version_id = :version_id, changed_at = :changed_at, "
    "import_country = coalesce(:import_country, import_country) "
    "WHERE issuer_country = :issuer_country AND type_code = :type_code AND number = :number "
    "AND status_code = :expected_status AND owner_partner = :owner_partner RETURNING id"
)
_select_document = Statement(
    "SELECT d.owner_partner, d.status_code, v.exchange_id, v.digest FROM documents d LEFT JOIN document_versions v "
    "ON v.document_id = d.id AND v.status_code = :status_code "
    "WHERE d.issuer_country = :issuer_country AND d.type_code = :type_code AND d.number = :number"
)


def record_submission(connection: Connection, submission: Submission) -> Recorded:
    """Store an accepted message with all that follows from it, or say why it cannot stand. Call inside `Store.write`.

    NEW: everything was stored, deliveries included. REPEAT: the same message was accepted before; its acknowledgement
    bytes are returned, the fresh nonces are kept, and a row of outcome ``repeat`` points to the first exchange.
    REPLAY and CONFLICT: by way of `Undo`, the whole unit is undone and `Store.write` returns the result; record the
    refusal with `record_refusal` in a unit of its own.
    """
    claim_nonces(connection, submission.partner, submission.nonces)
    reach("submission.nonce")
    if (repeat := _claim_exchange(connection, submission)) is not None:
        return repeat
    reach("submission.exchange")
    if (repeat := _claim_seal_value(connection, submission)) is not None:
        return repeat
    _replace(connection, submission)
    document_id = _move_document(connection, submission)
    if isinstance(document_id, Recorded):
        return document_id
    reach("submission.document")
    _add_version(connection, submission, document_id)
    reach("submission.version")
    _fill_outbox(connection, submission, document_id)
    reach("submission.outbox")
    about: dict[str, Any] = {"document": str(submission.document)}
    if submission.not_delivered:
        about[NOT_DELIVERED] = dict(submission.not_delivered)
    _audit_message(connection, submission, Outcome.ACCEPTED, about)
    reach("submission.recorded")
    return Recorded(RecordedKind.NEW, submission.exchange_id, submission.acknowledgement, contract=submission.contract)


def _claim_exchange(connection: Connection, submission: Submission) -> Recorded | None:
    """Insert the exchange; a Recorded when the message was accepted before."""
    key = idempotency_key(
        partner=submission.partner,
        contract=submission.contract,
        issuer_country=submission.document.issuer_country,
        type_code=submission.document.type_code,
        number=submission.document.number,
        status_code=submission.status_code,
        digest=submission.digest,
    )
    if not _add_exchange(connection, submission, Outcome.ACCEPTED, key=key):
        recorded = _select_recorded(connection, idempotency_key=key).fetchone()
        if recorded is None:
            _conflict(Conflict.MESSAGE_ID, submission.sender_message_id or "")
        _add_exchange(connection, submission, Outcome.REPEAT, repeat_of=recorded[0])
        return _repeat(connection, submission, recorded)
    _insert_exchange_parts(
        connection,
        exchange_id=submission.exchange_id,
        request=submission.request,
        acknowledgement=submission.acknowledgement,
        content=submission.content,
        translated=submission.translated,
        translation_report=submission.translation_report,
        findings=submission.findings,
        seal_verdict=submission.seal_verdict,
        timestamp_token=submission.timestamp_token,
        certificates=submission.certificates,
    )
    return None


def _add_exchange(
    connection: Connection,
    submission: Submission,
    outcome: Outcome,
    *,
    key: bytes | None = None,
    repeat_of: str | None = None,
) -> int:
    return insert_exchange(
        connection,
        id=submission.exchange_id,
        partner=submission.partner,
        contract=submission.contract,
        operation=submission.operation,
        outcome=outcome,
        subject=str(submission.document),
        sender_message_id=submission.sender_message_id,
        idempotency_key=key,
        repeat_of=repeat_of,
        error_code=None,
        error_detail=None,
        transport=json.dumps(submission.transport),
        received_at=to_text(submission.received_at),
    ).rowcount


def _claim_seal_value(connection: Connection, submission: Submission) -> Recorded | None:
    """Insert the signature value; a Recorded when this partner sent it before, over another contract say."""
    if submission.seal_value is None:
        return None
    value_hash = seal_hash(submission.seal_value)
    claimed = _insert_seal_value(
        connection, value_hash=value_hash, partner=submission.partner, exchange_id=submission.exchange_id
    )
    if claimed.rowcount:
        return None
    partner, exchange_id = _select_seal_value(connection, value_hash=value_hash).fetchone()
    if partner != submission.partner:
        _conflict(Conflict.SEAL_VALUE)
    return _late_repeat(connection, submission, exchange_id)


def _replace(connection: Connection, submission: Submission) -> None:
    if submission.replaces is None:
        return
    replaced = _replace_document(
        connection,
        status_code=submission.replaced_status or submission.status_code,
        changed_at=to_text(submission.received_at),
        issuer_country=submission.replaces.issuer_country,
        type_code=submission.replaces.type_code,
        number=submission.replaces.number,
        partner=submission.partner,
        expected_status=submission.replaces_expected,
    ).fetchone()
    marked = (
        replaced and _mark_replaced(connection, replaced_by=submission.exchange_id, exchange_id=replaced[0]).rowcount
    )
    if not marked:
        _conflict(Conflict.REPLACED, str(submission.replaces))


def _move_document(connection: Connection, submission: Submission) -> str | Recorded:
    """Create the document or move it on, if it still is where the caller saw it; returns its id."""
    identity = {
        "issuer_country": submission.document.issuer_country,
        "type_code": submission.document.type_code,
        "number": submission.document.number,
    }
    change = {
        "status_code": submission.status_code,
        "version_id": submission.exchange_id,
        "import_country": submission.import_country,
        "owner_partner": submission.partner,
        "changed_at": to_text(submission.received_at),
    }
    if submission.expected_status is None:
        if _insert_document(connection, id=submission.exchange_id, **identity, **change).rowcount:
            return submission.exchange_id
    else:
        moved = _change_document(
            connection, expected_status=submission.expected_status, **identity, **change
        ).fetchone()
        if moved is not None:
            document_id: str = moved[0]
            return document_id
    found = _select_document(connection, status_code=submission.status_code, **identity).fetchone()
    if found is None:
        _conflict(Conflict.STATE, "not there")
    owner, status, exchange_id, digest = found
    if owner != submission.partner:
        _conflict(Conflict.OWNER)
    if exchange_id is None:
        _conflict(Conflict.STATE, status)
    if bytes(digest) != submission.digest:
        _conflict(Conflict.VERSION, status)
    return _late_repeat(connection, submission, exchange_id)


def _add_version(connection: Connection, submission: Submission, document_id: str) -> None:
    added = _insert_version(
        connection,
        exchange_id=submission.exchange_id,
        document_id=document_id,
        status_code=submission.status_code,
        digest=submission.digest,
        form=submission.form,
        route=submission.route,
        replaced_by=None,
        received_at=to_text(submission.received_at),
        tables=submission.tables,
    )
    if not added.rowcount:
        _conflict(Conflict.VERSION, submission.status_code)


def _fill_outbox(connection: Connection, submission: Submission, document_id: str) -> None:
    now = to_text(submission.received_at)
    for number, partner in enumerate(submission.deliveries, start=1):
        _insert_delivery(
            connection,
            id=f"{submission.exchange_id}-{number}",
            lane=partner,
            exchange_id=submission.exchange_id,
            push_id=None,
            case_id=document_id,
            state="pending",
            attempts=0,
            failures=0,
            fence=0,
            next_attempt_at=now,
            code="",
            detail="",
            created_at=now,
            updated_at=now,
            settled_at=None,
        )
    if submission.deliveries:
        connection.info["announce"] = True


def _late_repeat(connection: Connection, submission: Submission, exchange_id: str) -> Recorded:
    """The exchange row was inserted as accepted before a later constraint knew better: make it the repeat it is."""
    _turn_into_repeat(connection, id=submission.exchange_id, repeat_of=exchange_id)
    _drop_parts(connection, id=submission.exchange_id)
    return _repeat(connection, submission, _select_recorded_by_id(connection, id=exchange_id).fetchone())


def _repeat(connection: Connection, submission: Submission, recorded: tuple[str, str, bytes]) -> Recorded:
    exchange_id, contract, acknowledgement = recorded
    _audit_message(connection, submission, Outcome.REPEAT, {"of": exchange_id})
    return Recorded(RecordedKind.REPEAT, exchange_id, bytes(acknowledgement), contract=contract)


def _audit_message(connection: Connection, submission: Submission, outcome: Outcome, detail: Mapping[str, Any]) -> None:
    record_audit(
        connection,
        at=submission.received_at,
        actor=submission.actor or submission.partner,
        action=f"{submission.operation} {outcome}",
        subject=submission.exchange_id,
        detail=detail,
    )


def _conflict(conflict: Conflict, detail: str = "") -> NoReturn:
    raise Undo(Recorded(RecordedKind.CONFLICT, conflict=conflict, detail=detail))
