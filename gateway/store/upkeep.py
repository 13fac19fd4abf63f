"""Keeping the store small and saying how it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gateway.store.identifiers import from_text, to_text
from gateway.store.records import DeliveryState, Outcome
from gateway.store.statements import Statement
from gateway.store.tables import deliveries, documents, exchanges, lanes, nonces, partners

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["Counts", "counts", "purge_nonces"]

_purge = Statement(
    "DELETE FROM nonces WHERE value_hash IN ("
    "SELECT value_hash FROM nonces WHERE expires_at < :now ORDER BY expires_at LIMIT :limit)"
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is; `imsoc doctor` and `/metrics` show it."""

    partners: int
    documents: int
    exchanges: Mapping[Outcome, int]
    deliveries: Mapping[DeliveryState, int]
    nonces: int
    oldest_open_delivery: datetime | None
    """When the delivery that waits longest was put into the outbox."""
    lanes_paused: int
    """Partners that gave no answer the last time (the circuit is open)."""


def purge_nonces(connection: Connection, now: datetime, *, limit: int = 1_000) -> int:
    """Forget nonces whose time is over, at most ``limit`` so that no message waits long; returns how many went.

    Call again while it returns ``limit``. A nonce is kept longer than the window in which its message would be fresh,
    so forgetting it lets nothing in.
    """
    return _purge(connection, now=to_text(now), limit=limit).rowcount


def counts(connection: Connection) -> Counts:
    """Count everything; reads whole indexes, so it is for a scrape per minute and not for a message."""
    by_outcome = dict.fromkeys(Outcome, 0)
    for outcome, number in connection.execute(select(exchanges.c.outcome, func.count()).group_by(exchanges.c.outcome)):
        by_outcome[Outcome(outcome)] = number
    by_state = dict.fromkeys(DeliveryState, 0)
    for state, number in connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state)):
        by_state[DeliveryState(state)] = number
    oldest = connection.execute(
        select(func.min(deliveries.c.created_at)).where(deliveries.c.settled_at.is_(None))
    ).scalar_one()
    return Counts(
        partners=connection.execute(select(func.count()).select_from(partners)).scalar_one(),
        documents=connection.execute(select(func.count()).select_from(documents)).scalar_one(),
        exchanges=by_outcome,
        deliveries=by_state,
        nonces=connection.execute(select(func.count()).select_from(nonces)).scalar_one(),
        oldest_open_delivery=from_text(oldest) if oldest else None,
        lanes_paused=connection.execute(
            select(func.count()).select_from(lanes).where(lanes.c.failures > 0)
        ).scalar_one(),
    )
