"""The outbox in SQL: who may work on a lane, what comes next in it, and how it ended.

A lane is one receiving partner. Whoever works on it holds a lease with a fence, a number that grows with each lease.
Claiming and settling first update the lane's row under that fence: a worker that lost its lease finds no row and
changes nothing, whatever its clock says. Inside a lane the order is that of ``seq`` within each case: a document, or
the subscription of a customs system. A delivery that waits holds up its own case only.

What goes is a version of a document or a push. `claim_next` says which, and nothing else here depends on it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gateway.errors import DeliveryError
from gateway.store.identifiers import to_text
from gateway.store.journal import record_audit
from gateway.store.outbox_records import Claimed, DocumentContent, PushContent
from gateway.store.records import DeliveryState, DocumentKey
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store.outbox_records import Settlement
    from gateway.store.records import Prepared

__all__ = [
    "acquire_lane",
    "claim_next",
    "due_lanes",
    "release_lane",
    "resend",
    "settle",
    "store_payload",
    "withdraw",
]

# Due, and nothing older of the same case is still open. Shared by the question "which lanes" and "what next".
_DUE = (
    "d.settled_at IS NULL AND d.next_attempt_at <= :now AND NOT EXISTS ("
    "SELECT 1 FROM deliveries older WHERE older.lane = d.lane AND older.case_id = d.case_id "
    "AND older.settled_at IS NULL AND older.seq < d.seq)"
)

_due_lanes = Statement(
    "SELECT l.partner FROM lanes l "  # noqa: S608 - put together from constants of this module
    "WHERE l.not_before <= :now AND (l.lease_owner IS NULL OR l.lease_until <= :now) "
    f"AND EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = l.partner AND {_DUE}) "
    "ORDER BY coalesce(l.lease_until, ''), l.partner"
)
# SKIP LOCKED: a rival that is taking the lane at this moment wins at once instead of making everybody wait.
_FREE_LANE = (
    "SELECT partner FROM lanes WHERE partner = :partner AND not_before <= :now "
    "AND (lease_owner IS NULL OR lease_until <= :now)"
)
_ACQUIRE = (
    "UPDATE lanes SET fence = fence + 1, lease_owner = :owner, lease_until = :until "
    "WHERE partner = ({free}) RETURNING fence"
)
_acquire = {
    "sqlite": Statement(_ACQUIRE.format(free=_FREE_LANE)),
    "postgresql": Statement(_ACQUIRE.format(free=_FREE_LANE + " FOR UPDATE SKIP LOCKED")),
}
_release = Statement(
    "UPDATE lanes SET lease_owner = NULL, lease_until = :now WHERE partner = :partner AND fence = :fence"
)
_renew = Statement(
    "UPDATE lanes SET lease_until = :until WHERE partner = :partner AND fence = :fence AND not_before <= :now "
    "AND lease_owner IS NOT NULL"
)
_next = Statement(
    "SELECT d.seq, d.id, d.state, d.attempts, d.failures, l.failures, p.payload, d.push_id, u.subscription_id, "  # noqa: S608 - put together from constants of this module
    "u.number, d.exchange_id, c.issuer_country, c.type_code, c.number, v.status_code, c.owner_partner "
    "FROM deliveries d JOIN lanes l ON l.partner = d.lane LEFT JOIN delivery_parts p ON p.seq = d.seq "
    "LEFT JOIN document_versions v ON v.exchange_id = d.exchange_id LEFT JOIN documents c ON c.id = v.document_id "
    "LEFT JOIN customs_pushes u ON u.id = d.push_id "
    f"WHERE d.lane = :partner AND {_DUE} ORDER BY d.seq LIMIT 1"
)
_claim = Statement(
    "UPDATE deliveries SET state = :state, fence = :fence, attempts = :attempts, updated_at = :now WHERE seq = :seq "
    "AND settled_at IS NULL"
)
_store_payload = Statement(
    "INSERT INTO delivery_parts (seq, payload) SELECT d.seq, :payload FROM deliveries d JOIN lanes l "
    "ON l.partner = d.lane WHERE d.seq = :seq AND d.fence = :fence AND l.fence = :fence AND d.state = 'in-flight' "
    "ON CONFLICT DO NOTHING"
)
_settle_lane = Statement(
    "UPDATE lanes SET failures = :failures, not_before = :not_before WHERE partner = :partner AND fence = :fence"
)
# What was withdrawn while it was sent stays so, unless its receiver has decided about it all the same.
_settle = Statement(
    "UPDATE deliveries SET state = :state, failures = :failures, next_attempt_at = :next_attempt_at, code = :code, "
    "detail = :detail, updated_at = :now, settled_at = :settled_at WHERE seq = :seq "
    "AND (state <> 'withdrawn' OR :state IN ('delivered', 'refused')) RETURNING seq"
)
_keep_receipt = Statement("UPDATE delivery_parts SET receipt = :receipt WHERE seq = :seq")
_resend = Statement(
    "UPDATE deliveries SET state = 'pending', failures = 0, next_attempt_at = :now, updated_at = :now, "
    "settled_at = NULL WHERE id = :id AND state IN ('refused', 'failed') AND NOT EXISTS ("
    "SELECT 1 FROM deliveries later WHERE later.lane = deliveries.lane AND later.case_id = deliveries.case_id "
    "AND later.seq > deliveries.seq AND later.state IN ('in-flight', 'unknown', 'tracking', 'delivered')) RETURNING seq"
)
_withdraw = Statement(
    "UPDATE deliveries SET state = 'withdrawn', detail = :why, updated_at = :now, settled_at = :now "
    "WHERE lane = :lane AND case_id = :case_id AND settled_at IS NULL"
)
# Sent again by an operator, it gets another number: the audit keeps the one before.
_track = Statement(
    "INSERT INTO hub_trackings (delivery_id, partner, number, state, message, created_at, checked_at, next_check_at, "
    "settled_at) VALUES (:delivery_id, :partner, :number, :state, :message, :now, NULL, :next_check_at, :settled_at) "
    "ON CONFLICT (delivery_id) DO UPDATE SET number = excluded.number, state = excluded.state, "
    "message = excluded.message, created_at = excluded.created_at, checked_at = NULL, "
    "next_check_at = excluded.next_check_at, settled_at = excluded.settled_at"
)
_select_payload = Statement("SELECT payload FROM delivery_parts WHERE seq = :seq")
_store_translation = Statement(
    "INSERT INTO delivery_translations (seq, tables, effective_on, digest, report) "
    "VALUES (:seq, :tables, :effective_on, :digest, :report)"
)
_drop_payload = Statement("DELETE FROM delivery_parts WHERE seq = :seq")
_drop_translation = Statement("DELETE FROM delivery_translations WHERE seq = :seq RETURNING tables")


def due_lanes(connection: Connection, now: datetime) -> tuple[str, ...]:
    """Lanes with something to do that nobody works on, the least recently served first."""
    return tuple(row[0] for row in _due_lanes(connection, now=to_text(now)).fetchall())


def acquire_lane(connection: Connection, partner: str, *, owner: str, now: datetime, until: datetime) -> int | None:
    """Take the lease of a lane; returns its fence, None when somebody else has it or the lane is paused."""
    statement = _acquire[connection.dialect.name]
    row = statement(connection, partner=partner, owner=owner, now=to_text(now), until=to_text(until)).fetchone()
    return int(row[0]) if row else None


def release_lane(connection: Connection, partner: str, *, fence: int, now: datetime) -> None:
    """Give the lease back; nothing happens when it was lost."""
    _release(connection, partner=partner, fence=fence, now=to_text(now))


def claim_next(connection: Connection, partner: str, *, fence: int, now: datetime, until: datetime) -> Claimed | None:
    """Renew the lease and take the next due delivery; None when there is none, or the lease is lost.

    A delivery found in flight was left by a worker that died. Without a stored payload nothing can have been sent, and
    it is simply sent; with one, it is unknown.
    """
    if not _renew(connection, partner=partner, fence=fence, now=to_text(now), until=to_text(until)).rowcount:
        return None
    row = _next(connection, partner=partner, now=to_text(now)).fetchone()
    if row is None:
        return None
    seq, id_, state, attempts, failures, lane_failures, payload, *content = row
    unknown = state != DeliveryState.PENDING and payload is not None
    attempts += not unknown
    taken = _claim(
        connection,
        seq=seq,
        fence=fence,
        state=DeliveryState.UNKNOWN if unknown else DeliveryState.IN_FLIGHT,
        attempts=attempts,
        now=to_text(now),
    )
    if not taken.rowcount:  # withdrawn since it was looked for
        return None
    return Claimed(
        seq=seq,
        id=id_,
        partner=partner,
        fence=fence,
        content=_content(*content),
        attempts=attempts,
        failures=failures,
        lane_failures=lane_failures,
        payload=bytes(payload) if payload is not None else None,
        unknown=unknown,
    )


def _content(
    push_id: str | None, subscription: str, push: int, exchange_id: str, *version: str
) -> DocumentContent | PushContent:
    """The one place that tells the two kinds apart."""
    if push_id is not None:
        return PushContent(push_id, subscription, push)
    country, type_code, number, status, sender = version
    return DocumentContent(exchange_id, DocumentKey(country, type_code, number), status, sender)


def store_payload(connection: Connection, claimed: Claimed, prepared: Prepared) -> bool:
    """Keep the rendered and sealed bytes and how they were translated, before they are sent for the first time.

    Returns:
        False, and nothing is kept, when the lease is lost.
    """
    if not _store_payload(connection, seq=claimed.seq, fence=claimed.fence, payload=prepared.payload).rowcount:
        return False
    if (made := prepared.translation) is None:
        return True
    day = made.effective_on.isoformat()
    _store_translation(
        connection, seq=claimed.seq, tables=made.tables, effective_on=day, digest=made.digest, report=made.report
    )
    return True


def settle(connection: Connection, claimed: Claimed, settlement: Settlement, *, now: datetime) -> bool:
    """Write down how the attempt ended; False, and no change, when the lease is lost.

    TRACKING ends the worker's part: the case goes on, and the tracking is first due at ``next_attempt_at``.
    """
    moment = to_text(now)
    held = _settle_lane(
        connection,
        partner=claimed.partner,
        fence=claimed.fence,
        failures=settlement.lane_failures,
        not_before=to_text(settlement.lane_not_before),
    )
    if not held.rowcount:
        return False
    kept = _settle(
        connection,
        seq=claimed.seq,
        state=settlement.state,
        failures=settlement.failures,
        next_attempt_at=to_text(settlement.next_attempt_at),
        code=settlement.code,
        detail=settlement.detail,
        now=moment,
        settled_at=moment if settlement.state.settled else None,
    ).fetchone()
    if settlement.receipt is not None:
        _keep_receipt(connection, seq=claimed.seq, receipt=settlement.receipt)
    tracked = settlement.reference and settlement.state.settled
    if tracked:
        _track(
            connection,
            delivery_id=claimed.id,
            partner=claimed.partner,
            number=settlement.reference,
            state=settlement.tracking,
            message=settlement.detail,
            now=moment,
            next_check_at=to_text(settlement.next_attempt_at),
            settled_at=moment if settlement.state.final else None,
        )
    if settlement.state.settled and kept is not None:
        detail = {"delivery": claimed.id, "code": settlement.code, "attempts": claimed.attempts}
        if tracked:
            detail["number"] = settlement.reference
        record_audit(
            connection,
            at=now,
            actor=claimed.partner,
            action=f"delivery {settlement.state}",
            subject=claimed.content.subject,
            detail=detail,
        )
    return True


def resend(connection: Connection, delivery_id: str, *, actor: str, now: datetime, afresh: bool = False) -> None:
    """Put a refused or failed delivery back into its lane, for an operator. Call inside `Store.write`.

    Args:
        connection: of the unit of work.
        delivery_id: of `DeliveryRow`.
        actor: who asked for it.
        now: aware.
        afresh: render and seal again (a mapping row was added, say) instead of repeating the same bytes.

    Raises:
        DeliveryError: IMG-8012, not there, not in such a state, or a later version has gone to the partner.
    """
    row = _resend(connection, id=delivery_id, now=to_text(now)).fetchone()
    if row is None:
        raise DeliveryError("IMG-8012", where=delivery_id)
    detail: dict[str, Any] = {"afresh": afresh}
    if afresh:
        dropped = _select_payload(connection, seq=row[0]).fetchone()
        if dropped is not None:
            detail["dropped_sha256"] = hashlib.sha256(dropped[0]).hexdigest()
            translated = _drop_translation(connection, seq=row[0]).fetchone()
            if translated is not None:
                detail["dropped_tables"] = translated[0]
            _drop_payload(connection, seq=row[0])
    record_audit(connection, at=now, actor=actor, action="delivery resent", subject=delivery_id, detail=detail)
    connection.info["announce"] = True


def withdraw(connection: Connection, lane: str, case_id: str, *, why: str, now: datetime) -> int:
    """Take what is not settled of a case out of its lane; returns how much. Call inside `Store.write`.

    One that is under way at this moment may arrive all the same, and then says so.
    """
    return _withdraw(connection, lane=lane, case_id=case_id, why=why, now=to_text(now)).rowcount
