"""What waits here for its receivers when this instance is the hub: for its operator, over all receivers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from gateway.store.hub_records import EnvelopeRow
from gateway.store.hub_tables import hub_envelopes
from gateway.store.identifiers import from_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["Backlog", "backlogs", "list_waiting"]

_WAITING = text("state = 'PendingDelivery'")  # as the partial index has it
_COLUMNS = tuple(each.name for each in fields(EnvelopeRow) if each.name in hub_envelopes.c)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one receiver."""

    recipient: str
    """The partner that may pull it; empty for this instance itself."""
    to_country: str
    envelopes: int
    size: int
    """Of all contents, in bytes."""
    oldest: datetime


def backlogs(connection: Connection) -> tuple[Backlog, ...]:
    """What waits, by receiver; who waits longest is the first."""
    table = hub_envelopes.c
    oldest = func.min(table.created_at)
    query = (
        select(table.recipient, table.to_country, func.count(), func.sum(table.size), oldest)
        .where(_WAITING)
        .group_by(table.recipient, table.to_country)
        .order_by(oldest)
    )
    return tuple(
        Backlog(recipient, country, envelopes, int(size), from_text(since))
        for recipient, country, envelopes, size, since in connection.execute(query)
    )


def list_waiting(connection: Connection, *, recipient: str | None = None, limit: int) -> tuple[EnvelopeRow, ...]:
    """Envelopes that wait, the oldest first."""
    query = select(*(hub_envelopes.c[name] for name in _COLUMNS)).where(_WAITING).order_by(hub_envelopes.c.seq)
    if recipient is not None:
        query = query.where(hub_envelopes.c.recipient == recipient)
    rows = connection.execute(query.limit(limit)).mappings()
    return tuple(
        EnvelopeRow(**{**row, **{name: from_text(row[name]) for name in ("created_at", "updated_at")}}) for row in rows
    )
