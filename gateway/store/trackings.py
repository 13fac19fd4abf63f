"""Deliveries of ours that a hub took and has not finished: the number it gave, and what it says about it.

A row is made by `gateway.store.outbox.settle` when the settlement carries a reference. From then on the outbox worker
is done with the delivery; whoever asks the hub, or is told by it, writes here, and the final word moves the delivery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gateway.store.hub_records import TrackingRow
from gateway.store.hub_tables import hub_trackings
from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from gateway.store.records import DeliveryState

__all__ = ["find_tracking", "get_tracking", "list_trackings", "open_trackings", "record_tracking"]

_update = Statement(
    "UPDATE hub_trackings SET state = :state, message = :message, checked_at = :now, next_check_at = :next_check_at, "
    "settled_at = :settled_at WHERE delivery_id = :delivery_id AND settled_at IS NULL RETURNING partner, number"
)
_finish = Statement(
    "UPDATE deliveries SET state = :state, code = :code, detail = :detail, updated_at = :now, settled_at = :now "
    "WHERE id = :id AND state = 'tracking' RETURNING exchange_id"
)


def open_trackings(connection: Connection, partner: str, *, now: datetime, limit: int) -> tuple[TrackingRow, ...]:
    """What it is time to ask this hub about, the longest due first."""
    query = (
        select(hub_trackings)
        .where(
            hub_trackings.c.partner == partner,
            hub_trackings.c.settled_at.is_(None),
            hub_trackings.c.next_check_at <= to_text(now),
        )
        .order_by(hub_trackings.c.next_check_at, hub_trackings.c.delivery_id)
        .limit(limit)
    )
    return tuple(_tracking(row) for row in connection.execute(query))


def find_tracking(connection: Connection, number: str, *, partner: str | None = None) -> TrackingRow | None:
    """The delivery that has this number at this hub; without a partner the newest at any.

    Ask with the partner wherever the number comes from outside: numbers of two hubs may be equal.
    """
    query = select(hub_trackings).where(hub_trackings.c.number == number).order_by(hub_trackings.c.delivery_id.desc())
    if partner is not None:
        query = query.where(hub_trackings.c.partner == partner)
    row = connection.execute(query.limit(1)).first()
    return _tracking(row) if row else None


def get_tracking(connection: Connection, delivery_id: str) -> TrackingRow | None:
    """How a delivery stands at its hub; None when it never got a number."""
    row = connection.execute(select(hub_trackings).where(hub_trackings.c.delivery_id == delivery_id)).first()
    return _tracking(row) if row else None


def list_trackings(
    connection: Connection, *, partner: str | None = None, before: str | None = None, limit: int = 50
) -> tuple[TrackingRow, ...]:
    """What was sent to hubs, newest first; ``before`` is the last delivery id of the page before."""
    query = select(hub_trackings).order_by(hub_trackings.c.delivery_id.desc()).limit(limit)
    if partner is not None:
        query = query.where(hub_trackings.c.partner == partner)
    if before is not None:
        query = query.where(hub_trackings.c.delivery_id < before)
    return tuple(_tracking(row) for row in connection.execute(query))


def record_tracking(
    connection: Connection,
    delivery_id: str,
    *,
    state: str,
    message: str,
    next_check_at: datetime,
    now: datetime,
    final: DeliveryState | None = None,
    code: str = "",
) -> bool:
    """Write down what the hub says about a delivery. Call inside `Store.write`.

    Args:
        connection: of the unit of work.
        delivery_id: of `TrackingRow`.
        state: the hub's word.
        message: the hub's text.
        next_check_at: when to ask again; means nothing with ``final``.
        now: aware.
        final: what the delivery has become (delivered, refused, failed); None while the hub is not done.
        code: IMG code of the delivery, for an operator, with ``final``.

    Returns False, and changes nothing, when the final word was written before.

    Raises:
        ValueError: ``final`` is no end.
    """
    if final is not None and not final.final:
        raise ValueError(f"{final} is not final")
    moment = to_text(now)
    row = _update(
        connection,
        delivery_id=delivery_id,
        state=state,
        message=message,
        now=moment,
        next_check_at=to_text(next_check_at),
        settled_at=moment if final else None,
    ).fetchone()
    if row is None:
        return False
    if final is not None:
        partner, number = row
        finished = _finish(connection, id=delivery_id, state=final, code=code, detail=message, now=moment).fetchone()
        assert finished is not None, "an open tracking belongs to a delivery that is tracked"
        detail = {"delivery": delivery_id, "number": number, "said": state, "code": code}
        record_audit(connection, at=now, actor=partner, action=f"delivery {final}", subject=finished[0], detail=detail)
    return True


def _tracking(row: Row[Any]) -> TrackingRow:
    return TrackingRow(
        delivery_id=row.delivery_id,
        partner=row.partner,
        number=row.number,
        state=row.state,
        message=row.message,
        created_at=from_text(row.created_at),
        checked_at=from_text(row.checked_at) if row.checked_at else None,
        next_check_at=from_text(row.next_check_at),
        settled_at=from_text(row.settled_at) if row.settled_at else None,
    )
