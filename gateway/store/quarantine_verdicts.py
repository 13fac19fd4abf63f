"""What an operator refused for good, and may take back; and how much one partner has in quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.identifiers import to_text
from gateway.store.journal import record_audit
from gateway.store.quarantine import get_quarantine
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store.quarantine_records import QuarantineRow

__all__ = ["count_held_of", "find_discarded", "take_back"]

_select_discarded = Statement(
    "SELECT id FROM quarantine WHERE subject = :subject AND partner = :partner AND status_code = :status_code "
    "AND digest = :digest AND state = 'discarded' AND direction = 'in' AND contract <> 'ippc-hub' "
    "ORDER BY id DESC LIMIT 1"
)
# Nothing else may be held of the document and status: the words of the unique index.
_take_back = Statement(
    "UPDATE quarantine SET state = 'held', actor = :actor, reason = '', judged = '', counted = NULL, "
    "updated_at = :now WHERE id = :id AND state = 'discarded' AND NOT EXISTS (SELECT 1 FROM quarantine rival "
    "WHERE rival.partner = quarantine.partner AND rival.subject = quarantine.subject "
    "AND rival.status_code = quarantine.status_code AND rival.contract = quarantine.contract "
    "AND rival.direction = quarantine.direction AND rival.state = 'held' AND rival.contract <> 'ippc-hub')"
)
_count_held = Statement(
    "SELECT count(*) FROM quarantine WHERE partner = :partner AND state = 'held' AND contract <> 'ippc-hub' "
    "AND direction = 'in'"
)


def find_discarded(
    connection: Connection, *, partner: str, subject: str, status_code: str, digest: bytes
) -> QuarantineRow | None:
    """The entry of this very message that an operator discarded, whatever came of the document before or after.

    Envelopes of the hub are not asked about: each is decided by itself.
    """
    about = {"partner": partner, "subject": subject, "status_code": status_code, "digest": digest}
    row = _select_discarded(connection, **about).fetchone()
    return get_quarantine(connection, row[0]) if row else None


def take_back(connection: Connection, quarantine_id: str, *, actor: str, now: datetime) -> bool:
    """Hold a discarded entry again; False when it is not discarded, or something else is held in its place."""
    if not _take_back(connection, id=quarantine_id, actor=actor, now=to_text(now)).rowcount:
        return False
    record_audit(connection, at=now, actor=actor, action="quarantine taken back", subject=quarantine_id, detail={})
    return True


def count_held_of(connection: Connection, partner: str) -> int:
    """How many messages of a partner are held; envelopes of the hub and deliveries to it are not its own."""
    counted: int = _count_held(connection, partner=partner).fetchall()[0][0]
    return counted
