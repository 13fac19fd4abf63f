"""Who polls a partner: one at a time, however many processes there are.

The same lease as that of a delivery lane (`gateway.store.outbox`): a fence that grows with each lease, so that a poller
that lost its own changes nothing afterwards, whatever its clock says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.hub_records import PollerRow
from gateway.store.identifiers import from_text, to_text
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["acquire_poller", "due_poller", "find_poller", "release_poller", "renew_poller"]

_find = Statement(
    "SELECT partner, fence, lease_owner, lease_until, failures, not_before FROM pollers WHERE partner = :partner"
)
_insert = Statement(
    "INSERT INTO pollers (partner, fence, lease_owner, lease_until, failures, not_before) "
    "VALUES (:partner, 0, NULL, NULL, 0, '') ON CONFLICT DO NOTHING"
)
_FREE = (
    "SELECT partner FROM pollers WHERE partner = :partner AND not_before <= :now "
    "AND (lease_owner IS NULL OR lease_until <= :now)"
)
_ACQUIRE = (
    "UPDATE pollers SET fence = fence + 1, lease_owner = :owner, lease_until = :until "
    "WHERE partner = ({free}) RETURNING fence"
)
# SKIP LOCKED: of rivals at the same moment one wins and the others do not wait.
_acquire = {
    "sqlite": Statement(_ACQUIRE.format(free=_FREE)),
    "postgresql": Statement(_ACQUIRE.format(free=_FREE + " FOR UPDATE SKIP LOCKED")),
}
_renew = Statement(
    "UPDATE pollers SET lease_until = :until WHERE partner = :partner AND fence = :fence AND lease_owner IS NOT NULL"
)
_release = Statement(
    "UPDATE pollers SET lease_owner = NULL, lease_until = :now, not_before = :not_before, failures = :failures "
    "WHERE partner = :partner AND fence = :fence AND lease_owner IS NOT NULL"
)


def find_poller(connection: Connection, partner: str) -> PollerRow | None:
    """How the polling of a partner stands; None when it was never polled."""
    row = _find(connection, partner=partner).fetchone()
    if row is None:
        return None
    partner, fence, owner, until, failures, not_before = row
    return PollerRow(
        partner=partner,
        fence=fence,
        lease_owner=owner,
        lease_until=from_text(until) if until else None,
        failures=failures,
        not_before=from_text(not_before) if not_before else None,
    )


def due_poller(connection: Connection, partner: str, *, now: datetime) -> bool:
    """Whether it is time and nobody polls: a read, so that asking often costs no write. `acquire_poller` decides."""
    found = find_poller(connection, partner)
    if found is None:
        return True
    free = found.lease_owner is None or found.lease_until is None or found.lease_until <= now
    return free and (found.not_before is None or found.not_before <= now)


def acquire_poller(connection: Connection, partner: str, *, owner: str, now: datetime, until: datetime) -> int | None:
    """Take the lease; returns its fence, None when somebody else has it or it is not time. Inside `Store.write`."""
    _insert(connection, partner=partner)
    statement = _acquire[connection.dialect.name]
    row = statement(connection, partner=partner, owner=owner, now=to_text(now), until=to_text(until)).fetchone()
    return int(row[0]) if row else None


def renew_poller(connection: Connection, partner: str, *, fence: int, until: datetime) -> bool:
    """Keep the lease until then; False when it was lost: stop."""
    return bool(_renew(connection, partner=partner, fence=fence, until=to_text(until)).rowcount)


def release_poller(
    connection: Connection, partner: str, *, fence: int, now: datetime, not_before: datetime, failures: int
) -> bool:
    """Give the lease back and say when the next round may begin; False, and no change, when it was lost.

    Args:
        connection: of the unit of work.
        partner: who was polled.
        fence: of the lease.
        now: aware.
        not_before: the next round's earliest time.
        failures: rounds in a row without an answer, this one included; 0 after a good one.
    """
    given = _release(
        connection,
        partner=partner,
        fence=fence,
        now=to_text(now),
        not_before=to_text(not_before),
        failures=failures,
    )
    return bool(given.rowcount)
