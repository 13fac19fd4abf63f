"""When a functionality of a partner was away, and when it is going to be (Article 46(2), (4), (6))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from gateway.store.ched_tables import notices, outages
from gateway.store.identifiers import from_text, new_id, to_text
from gateway.store.journal import record_audit
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = [
    "NoticeRow",
    "OutageRow",
    "add_notice",
    "begin_outage",
    "end_outage",
    "list_notices",
    "list_outages",
    "open_outage",
    "withdraw_notice",
]

_OUTAGE = "id, partner, functionality, began_at, ended_at, reason"
_NOTICE = "id, partner, functionality, begins_at, ends_at, announced_at, reason, withdrawn_at"

_begin = insert(outages, otherwise="ON CONFLICT (partner, functionality) WHERE ended_at IS NULL DO NOTHING")
_open = Statement(
    f"SELECT {_OUTAGE} FROM outages WHERE partner = :partner AND functionality = :functionality AND ended_at IS NULL"  # noqa: S608 - names above
)
_end = Statement(
    "UPDATE outages SET ended_at = :now WHERE partner = :partner AND functionality = :functionality "  # noqa: S608 - names above
    f"AND ended_at IS NULL RETURNING {_OUTAGE}"
)
_announce = insert(
    notices,
    otherwise="ON CONFLICT (partner, functionality, begins_at) DO UPDATE SET ends_at = excluded.ends_at, "
    "announced_at = excluded.announced_at, reason = excluded.reason, withdrawn_at = NULL "
    f"RETURNING {_NOTICE}",
)
_withdraw = Statement(
    "UPDATE notices SET withdrawn_at = :now WHERE id = :id AND withdrawn_at IS NULL RETURNING partner, functionality"
)


@dataclass(frozen=True, slots=True)
class OutageRow:
    """A time in which a functionality of a partner was away (Article 46(2), (4))."""

    id: str
    partner: str
    functionality: str
    began_at: datetime
    ended_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A planned unavailability that a partner announced (Article 46(6))."""

    id: str
    partner: str
    functionality: str
    begins_at: datetime
    ends_at: datetime | None
    announced_at: datetime
    reason: str
    withdrawn_at: datetime | None


def begin_outage(
    connection: Connection, *, partner: str, functionality: str, at: datetime, reason: str = ""
) -> OutageRow:
    """Note that a functionality is away since ``at``; the outage that is open already stays as it is."""
    begun = _begin(
        connection,
        id=new_id(at),
        partner=partner,
        functionality=functionality,
        began_at=to_text(at),
        ended_at=None,
        reason=reason,
    )
    if begun.rowcount:
        _audit(connection, at, partner, "outage began", functionality, reason)
    outage = open_outage(connection, partner, functionality)
    assert outage is not None
    return outage


def open_outage(connection: Connection, partner: str, functionality: str) -> OutageRow | None:
    """The outage of this functionality that has not ended; how long it lasts counts from ``began_at`` (R-46-2)."""
    found = _open(connection, partner=partner, functionality=functionality).fetchone()
    return _outage(found) if found else None


def end_outage(connection: Connection, *, partner: str, functionality: str, at: datetime) -> OutageRow | None:
    """Note that a functionality is back; None when it was not away."""
    found = _end(connection, partner=partner, functionality=functionality, now=to_text(at)).fetchone()
    if found is None:
        return None
    outage = _outage(found)
    _audit(connection, at, partner, "outage ended", functionality, outage.reason)
    return outage


def list_outages(connection: Connection, *, partner: str | None = None, limit: int = 50) -> tuple[OutageRow, ...]:
    """Outages, the newest first."""
    query = select(outages).order_by(outages.c.id.desc()).limit(limit)
    if partner is not None:
        query = query.where(outages.c.partner == partner)
    return tuple(map(_outage, connection.execute(query)))


def add_notice(
    connection: Connection,
    *,
    partner: str,
    functionality: str,
    begins_at: datetime,
    ends_at: datetime | None,
    announced_at: datetime,
    reason: str,
) -> NoticeRow:
    """Keep the notice of a planned unavailability; one with the same beginning takes the place of the former."""
    found = _announce(
        connection,
        id=new_id(announced_at),
        partner=partner,
        functionality=functionality,
        begins_at=to_text(begins_at),
        ends_at=to_text(ends_at) if ends_at else None,
        announced_at=to_text(announced_at),
        reason=reason,
        withdrawn_at=None,
    ).fetchone()
    _audit(connection, announced_at, partner, "unavailability announced", functionality, reason)
    return _notice(found)


def withdraw_notice(connection: Connection, notice_id: str, at: datetime) -> bool:
    """The unavailability will not take place; False when there is no such notice, or it was withdrawn before."""
    found = _withdraw(connection, id=notice_id, now=to_text(at)).fetchone()
    if found is None:
        return False
    _audit(connection, at, found[0], "unavailability withdrawn", found[1], "")
    return True


def list_notices(
    connection: Connection, *, partner: str | None = None, after: datetime | None = None
) -> tuple[NoticeRow, ...]:
    """Notices by their beginning; with ``after`` those that stand and are not over by then."""
    query = select(notices).order_by(notices.c.begins_at, notices.c.id)
    if partner is not None:
        query = query.where(notices.c.partner == partner)
    if after is not None:
        over = func.coalesce(notices.c.ends_at, to_text(after))
        query = query.where(notices.c.withdrawn_at.is_(None), over >= to_text(after))
    return tuple(map(_notice, connection.execute(query)))


def _audit(connection: Connection, at: datetime, partner: str, action: str, functionality: str, reason: str) -> None:
    detail = {"functionality": functionality, "reason": reason}
    record_audit(connection, at=at, actor=partner, action=action, subject=partner, detail=detail)


def _outage(values: Any) -> OutageRow:
    id_, partner, functionality, began_at, ended_at, reason = values
    return OutageRow(id_, partner, functionality, from_text(began_at), _time(ended_at), reason)


def _notice(values: Any) -> NoticeRow:
    id_, partner, functionality, begins_at, ends_at, announced_at, reason, withdrawn_at = values
    return NoticeRow(
        id_,
        partner,
        functionality,
        from_text(begins_at),
        _time(ends_at),
        from_text(announced_at),
        reason,
        _time(withdrawn_at),
    )


def _time(stored: str | None) -> datetime | None:
    return from_text(stored) if stored else None
