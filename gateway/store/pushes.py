"""Who follows which CHED, and the pushes in the outbox (docs/customs-push.md).

A push is numbered, written and put into its lane in the transaction of the change that it tells. Its subscription is
the case inside which order is kept, so a receiver that is away holds up the pushes of one CHED in their order, and a
change is never told before it is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gateway.store import tables
from gateway.store.ched_tables import cheds
from gateway.store.identifiers import from_text, new_id, to_text
from gateway.store.journal import record_audit
from gateway.store.outbox import withdraw
from gateway.store.push_tables import customs_pushes, customs_subscriptions
from gateway.store.records import DeliveryState
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, ScalarSelect

__all__ = [
    "MAX_WAITING_PUSHES",
    "PushEnd",
    "PushKind",
    "PushRow",
    "SubscriptionRow",
    "active_subscriptions",
    "end_subscription",
    "find_push",
    "find_subscription",
    "list_pushes",
    "list_subscriptions",
    "open_subscription",
    "queue_push",
    "waits_too_long",
]

MAX_WAITING_PUSHES = 1_000
"""Pushes of one subscription that wait; with the one that fills it the subscription ends."""


class PushKind(StrEnum):
    """What changed."""

    STATUS = "status"
    """The CHED: its status or what it says."""
    LEDGER = "ledger"
    DOCUMENT = "document"
    """A customs document was reported (II.23)."""


class PushEnd(StrEnum):
    """Why a subscription ended."""

    ASKED = "asked"
    """PushIndication false."""
    CHED = "ched-ended"
    BACKLOG = "backlog"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A customs system that is or was told of changes of a CHED."""

    id: str
    partner: str
    ched_id: str
    office: str
    since: datetime
    pushes: int
    """Queued so far."""
    ended_at: datetime | None
    why: PushEnd | None
    reason: str
    reference: str
    """I.2 of the CHED."""

    @property
    def active(self) -> bool:
        """Whether changes are pushed."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class PushRow:
    """One push with its delivery."""

    id: str
    """Of the delivery too."""
    subscription: str
    number: int
    partner: str
    reference: str
    """I.2 of the CHED."""
    what: PushKind
    at: datetime
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    """None when it is settled."""
    code: str
    detail: str


_open = insert(customs_subscriptions, otherwise="ON CONFLICT DO NOTHING")
_end = Statement(
    "UPDATE customs_subscriptions SET ended_at = :at, why = :why, reason = :reason "
    "WHERE id = :id AND ended_at IS NULL RETURNING partner, ched_id"
)
_active = Statement(
    "SELECT id, office, pushes FROM customs_subscriptions WHERE ched_id = :ched_id AND ended_at IS NULL ORDER BY id"
)
_count = Statement(
    "UPDATE customs_subscriptions SET pushes = :number WHERE id = :id AND ended_at IS NULL RETURNING partner"
)
_insert_push = insert(customs_pushes)
_insert_delivery = insert(tables.deliveries)
_waits = Statement("SELECT 1 FROM deliveries WHERE push_id = :id AND settled_at IS NULL")


def open_subscription(connection: Connection, *, partner: str, ched_id: str, office: str, at: datetime) -> None:
    """Tell a partner of changes of a CHED from now on; nothing when it is told already.

    Call inside `Store.write`, with the CHED's row locked before its position was read: otherwise a change between the
    two is in neither.
    """
    id_ = new_id(at)
    made = _open(
        connection,
        id=id_,
        partner=partner,
        ched_id=ched_id,
        office=office,
        since=to_text(at),
        pushes=0,
        ended_at=None,
        why="",
        reason="",
    )
    if made.rowcount:
        detail = {"ched": ched_id, "office": office}
        record_audit(connection, at=at, actor=partner, action="push opened", subject=id_, detail=detail)


def end_subscription(
    connection: Connection, subscription: str, why: PushEnd, *, at: datetime, actor: str = "", reason: str = ""
) -> bool:
    """End one that stands; False when it has ended. Call inside `Store.write`.

    Where the receiver asked for it, or an operator decided, nothing more is told: what waits is withdrawn. In the other
    cases what waits is still delivered, the last of it with the reason.

    Args:
        connection: of the unit of work.
        subscription: its id.
        why: it ends.
        at: aware.
        actor: for the audit; the partner when empty.
        reason: the operator's words.
    """
    ended = _end(connection, id=subscription, at=to_text(at), why=why, reason=reason).fetchone()
    if ended is None:
        return False
    partner, ched_id = ended
    detail: dict[str, Any] = {"ched": ched_id, "why": why}
    if why in {PushEnd.ASKED, PushEnd.OPERATOR}:
        words = reason or "the receiver told us to stop"
        detail["withdrawn"] = withdraw(connection, partner, subscription, why=words, now=at)
    if reason:
        detail["reason"] = reason
    record_audit(connection, at=at, actor=actor or partner, action="push ended", subject=subscription, detail=detail)
    return True


def active_subscriptions(connection: Connection, ched_id: str) -> list[tuple[str, str, int]]:
    """Id, office and number of the last push of each subscription that stands; hot, one look into an index."""
    return [tuple(row) for row in _active(connection, ched_id=ched_id).fetchall()]


def waits_too_long(connection: Connection, subscription: str, number: int, limit: int) -> bool:
    """Whether the push with this number fills what may wait: the one ``limit - 1`` before it is not settled."""
    return number >= limit and _waits(connection, id=_push_id(subscription, number - limit + 1)).fetchone() is not None


def queue_push(
    connection: Connection,
    subscription: str,
    number: int,
    *,
    what: PushKind,
    content: bytes,
    at: datetime,
) -> None:
    """Put one push into the lane of its receiver. Call inside `Store.write`, with the CHED's row locked.

    Nothing is queued when the subscription has ended since it was looked for.

    Args:
        connection: of the unit of work.
        subscription: its id.
        number: one more than that of its last push.
        what: changed.
        content: the message.
        at: when; aware.
    """
    push_id, moment = _push_id(subscription, number), to_text(at)
    counted = _count(connection, id=subscription, number=number).fetchone()
    if counted is None:
        return
    _insert_push(
        connection,
        id=push_id,
        subscription_id=subscription,
        number=number,
        what=what,
        at=moment,
        content=content,
    )
    _insert_delivery(
        connection,
        id=push_id,
        lane=counted[0],
        exchange_id=None,
        case_id=subscription,
        push_id=push_id,
        state=DeliveryState.PENDING,
        attempts=0,
        failures=0,
        fence=0,
        next_attempt_at=moment,
        code="",
        detail="",
        created_at=moment,
        updated_at=moment,
        settled_at=None,
    )
    connection.info["announce"] = True


def _push_id(subscription: str, number: int) -> str:
    return f"{subscription}-{number}"


def find_push(connection: Connection, push_id: str) -> tuple[str, bytes] | None:
    """Id of the CHED, and the message."""
    query = select(customs_subscriptions.c.ched_id, customs_pushes.c.content)
    joined = query.join(customs_subscriptions, customs_subscriptions.c.id == customs_pushes.c.subscription_id)
    row = connection.execute(joined.where(customs_pushes.c.id == push_id)).first()
    return (row[0], bytes(row[1])) if row else None


_OF_DELIVERY = ("lane", "state", "attempts", "next_attempt_at", "settled_at", "code", "detail")
_SUBSCRIPTION = (*customs_subscriptions.c, cheds.c.reference)
_newest = Statement(
    f"SELECT {', '.join(f's.{each.name}' for each in customs_subscriptions.c)}, c.reference "  # noqa: S608 - names come from the table definition
    "FROM customs_subscriptions s JOIN cheds c ON c.id = s.ched_id "
    "WHERE s.ched_id = :ched_id AND s.partner = :partner ORDER BY s.id DESC LIMIT 1"
)
_OF_CHED = customs_subscriptions.join(cheds, cheds.c.id == customs_subscriptions.c.ched_id)


def find_subscription(connection: Connection, partner: str, ched_id: str) -> SubscriptionRow | None:
    """The newest subscription of a partner to a CHED, whether it stands or has ended; hot, two looks into indexes."""
    row = _newest(connection, partner=partner, ched_id=ched_id).fetchone()
    return _subscription(row) if row else None


def list_subscriptions(
    connection: Connection, *, partner: str | None = None, reference: str | None = None, limit: int = 50
) -> tuple[SubscriptionRow, ...]:
    """Subscriptions, the newest first."""
    query = select(*_SUBSCRIPTION).select_from(_OF_CHED).order_by(customs_subscriptions.c.id.desc()).limit(limit)
    if partner is not None:
        query = query.where(customs_subscriptions.c.partner == partner)
    if reference is not None:
        query = query.where(customs_subscriptions.c.ched_id == _ched_of(reference))
    return tuple(_subscription(row) for row in connection.execute(query))


def list_pushes(
    connection: Connection, *, partner: str | None = None, reference: str | None = None, limit: int = 50
) -> tuple[PushRow, ...]:
    """Pushes with their deliveries, the newest first; deliveries of documents are not looked at."""
    sent, newest = tables.deliveries, ("at", "subscription_id", "number")
    chosen = (
        select(*(each for each in customs_pushes.c if each.name != "content"), cheds.c.reference)
        .select_from(
            customs_pushes.join(
                customs_subscriptions, customs_subscriptions.c.id == customs_pushes.c.subscription_id
            ).join(cheds, cheds.c.id == customs_subscriptions.c.ched_id)
        )
        .order_by(*(customs_pushes.c[name].desc() for name in newest))
        .limit(limit)
    )
    if partner is not None:
        chosen = chosen.where(customs_subscriptions.c.partner == partner)
    if reference is not None:
        chosen = chosen.where(customs_subscriptions.c.ched_id == _ched_of(reference))
    found = chosen.subquery()
    query = (
        select(*found.c, *(sent.c[name] for name in _OF_DELIVERY))
        .select_from(found.join(sent, sent.c.push_id == found.c.id))
        .order_by(*(found.c[name].desc() for name in newest))
    )
    return tuple(_push(row) for row in connection.execute(query))


def _ched_of(reference: str) -> ScalarSelect[str]:
    """Looked for first, and once: else SQLite reads every subscription in the order that is wanted."""
    return select(cheds.c.id).where(cheds.c.reference == reference, cheds.c.reference != "").scalar_subquery()


def _subscription(row: Sequence[Any]) -> SubscriptionRow:
    id_, partner, ched_id, office, since, pushes, ended_at, why, reason, reference = row
    return SubscriptionRow(
        id=id_,
        partner=partner,
        ched_id=ched_id,
        office=office,
        since=from_text(since),
        pushes=pushes,
        ended_at=from_text(ended_at) if ended_at else None,
        why=PushEnd(why) if why else None,
        reason=reason,
        reference=reference,
    )


def _push(row: Any) -> PushRow:
    return PushRow(
        id=row.id,
        subscription=row.subscription_id,
        number=row.number,
        partner=row.lane,
        reference=row.reference,
        what=PushKind(row.what),
        at=from_text(row.at),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_attempt_at=from_text(row.next_attempt_at) if row.settled_at is None else None,
        code=row.code,
        detail=row.detail,
    )
