"""What an operator should see of all ledgers at once: those that are frozen, holds that nobody ends.

These look at every row: they are for an operator's command, not for the path of a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.store.identifiers import from_text, to_text
from gateway.store.ledger_records import AllocationState, Declaration, DeclarationType
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["OldHold", "frozen_ledgers", "old_holds"]

_frozen = Statement(
    "SELECT c.reference, l.frozen FROM ledgers l JOIN cheds c ON c.id = l.ched_id "
    "WHERE l.frozen <> '' AND c.status_code = :status ORDER BY l.ched_id LIMIT :limit"
)
_old = Statement(
    "SELECT c.reference, a.declaration_type, a.declaration, min(a.event_at) FROM ledger_allocations a "
    "JOIN cheds c ON c.id = a.ched_id "
    "WHERE a.declaration_type = :type AND a.state = :state AND a.event_at < :before "
    "GROUP BY c.reference, a.declaration_type, a.declaration ORDER BY min(a.event_at), c.reference LIMIT :limit"
)


class OldHold(NamedTuple):
    """What a declaration has held on a CHED for long."""

    reference: str
    declaration: Declaration
    since: datetime


def frozen_ledgers(connection: Connection, status: str, *, limit: int = 1_000) -> list[tuple[str, str]]:
    """References of the CHEDs in a status on which nothing can be reserved all the same, and why, the oldest first.

    A CHED that has ended is frozen too, and nobody has to do anything about it: ask for validated ones.
    """
    return [(row[0], row[1]) for row in _frozen(connection, status=status, limit=limit).fetchall()]


def old_holds(connection: Connection, of: DeclarationType, before: datetime, *, limit: int = 1_000) -> list[OldHold]:
    """Holds that were made before a moment and still stand, the oldest first; one per declaration and CHED."""
    found = _old(connection, type=of, state=AllocationState.RESERVED, before=to_text(before), limit=limit).fetchall()
    return [OldHold(row[0], Declaration(DeclarationType(row[1]), row[2]), from_text(row[3])) for row in found]
