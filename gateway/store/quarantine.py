"""Quarantine in SQL: what is held, why, and how it left. Each change of state is compare and set on ``held``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.quarantine_records import (
    GapRow,
    NewHold,
    QuarantineCount,
    QuarantineDirection,
    QuarantineQuery,
    QuarantineRow,
    QuarantineState,
)
from gateway.store.quarantine_tables import quarantine, quarantine_gaps
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = [
    "add_hold",
    "count_quarantine",
    "find_held",
    "gaps_of",
    "get_quarantine",
    "list_quarantine",
    "note_gaps",
    "note_judged",
    "settle_quarantine",
    "supersede_held",
    "unjudged_quarantine",
]

_insert = insert(quarantine, otherwise="ON CONFLICT DO NOTHING")
_insert_gap = insert(quarantine_gaps)
_drop_gaps = Statement("DELETE FROM quarantine_gaps WHERE quarantine_id = :id")
# The words of the partial index, so that the question costs the same however much was ever held.
_OPEN = (
    "partner = :partner AND subject = :subject AND status_code = :status_code AND contract = :contract "
    "AND direction = :direction AND state = 'held' AND contract <> 'ippc-hub'"
)
_select_held = Statement(f"SELECT id FROM quarantine WHERE {_OPEN}")  # noqa: S608 - constants of this module
_supersede = Statement(
    "UPDATE quarantine SET state = 'superseded', actor = :actor, reason = :reason, exchange_id = :exchange_id, "  # noqa: S608 - constants of this module
    f"updated_at = :now WHERE {_OPEN} RETURNING id"
)
_settle = Statement(
    "UPDATE quarantine SET state = :state, exchange_id = :exchange_id, actor = :actor, reason = :reason, "
    "updated_at = :now WHERE id = :id AND state = 'held' RETURNING partner"
)


def add_hold(connection: Connection, new: NewHold) -> bool:
    """Put a message into quarantine. Call inside `Store.write`.

    What is held of the same document and status gives way first: `supersede_held`. Returns False, and adds nothing,
    when a rival was faster.
    """
    moment = to_text(new.received_at)
    added = _insert(
        connection,
        id=new.id,
        direction=new.direction,
        contract=new.contract,
        operation=new.operation,
        partner=new.partner,
        subject=new.subject,
        status_code=new.status_code,
        digest=new.digest,
        sender_message_id=new.sender_message_id,
        held_in=new.held_in,
        transport=json.dumps(new.transport),
        state=QuarantineState.HELD,
        code=new.code,
        tables=new.tables,
        judged=new.judged,
        answer=json.dumps(new.answer),
        exchange_id=None,
        counted=None,
        actor=new.partner,
        reason="",
        received_at=moment,
        updated_at=moment,
    )
    if not added.rowcount:
        return False
    _add_gaps(connection, new.id, new.gaps)
    _note(connection, new.id, "held", actor=new.partner, now=new.received_at, detail={"in": new.held_in})
    return True


def supersede_held(connection: Connection, new: NewHold, *, reason: str, exchange_id: str | None = None) -> str:
    """End what is held of this document and status; returns its id, empty when nothing was."""
    row = _supersede(
        connection,
        **_key(new.partner, new.subject, new.status_code, new.contract, new.direction),
        actor=new.partner,
        reason=reason,
        exchange_id=exchange_id,
        now=to_text(new.received_at),
    ).fetchone()
    if row is None:
        return ""
    detail = {"reason": reason}
    _note(connection, row[0], "superseded", actor=new.partner, now=new.received_at, detail=detail)
    superseded: str = row[0]
    return superseded


def find_held(
    connection: Connection,
    *,
    partner: str,
    subject: str,
    status_code: str,
    contract: str,
    direction: QuarantineDirection = QuarantineDirection.IN,
) -> QuarantineRow | None:
    """What is held of this document and status; asked with every message, so it costs one look into an index."""
    row = _select_held(connection, **_key(partner, subject, status_code, contract, direction)).fetchone()
    return get_quarantine(connection, row[0]) if row else None


def get_quarantine(connection: Connection, quarantine_id: str) -> QuarantineRow | None:
    """One entry."""
    row = connection.execute(select(quarantine).where(quarantine.c.id == quarantine_id)).first()
    return _entry(row) if row else None


def gaps_of(connection: Connection, quarantine_id: str) -> tuple[GapRow, ...]:
    """The codes without an answer, in the order of the document."""
    query = select(quarantine_gaps).where(quarantine_gaps.c.quarantine_id == quarantine_id)
    rows = connection.execute(query.order_by(quarantine_gaps.c.number))
    return tuple(GapRow(*row[2:]) for row in rows)


def list_quarantine(connection: Connection, query: QuarantineQuery) -> tuple[QuarantineRow, ...]:
    """Entries that a search finds, newest first unless it says otherwise."""
    entry, gap = quarantine.c, quarantine_gaps.c
    order = entry.id if query.oldest_first else entry.id.desc()
    statement = select(quarantine).order_by(order).limit(query.limit)
    if query.state is not None:
        statement = statement.where(entry.state == query.state)
    if query.direction is not None:
        statement = statement.where(entry.direction == query.direction)
    if query.subject:
        whole = "/" in query.subject
        statement = statement.where(
            entry.subject == query.subject if whole else entry.subject.endswith(f"/{query.subject}", autoescape=True)
        )
    wanted = {entry.partner: query.partner, entry.sender_message_id: query.message_id, entry.held_in: query.held_in}
    for column, value in wanted.items():
        if value:
            statement = statement.where(column == value)
    if query.list or query.code:
        missing = select(gap.quarantine_id)
        missing = missing.where(gap.list == query.list) if query.list else missing
        missing = missing.where(gap.code == query.code) if query.code else missing
        statement = statement.where(entry.id.in_(missing))
    if query.after:
        statement = statement.where(entry.id > query.after)
    if query.before:
        statement = statement.where(entry.id < query.before)
    return tuple(_entry(row) for row in connection.execute(statement))


def unjudged_quarantine(connection: Connection, judged: str, limit: int) -> tuple[QuarantineRow, ...]:
    """What is held and was last judged with other tables or on another day, oldest first."""
    entry = quarantine.c
    query = select(quarantine).where(entry.state == QuarantineState.HELD, entry.judged != judged)
    return tuple(_entry(row) for row in connection.execute(query.order_by(entry.id).limit(limit)))


def note_judged(connection: Connection, ids: Collection[str], judged: str) -> None:
    """They were judged with these tables, and stay held."""
    connection.execute(update(quarantine).where(quarantine.c.id.in_(ids)).values(judged=judged))


def note_gaps(
    connection: Connection, quarantine_id: str, gaps: Sequence[GapRow], *, code: str, reason: str, judged: str
) -> None:
    """What stands against the release of a held entry now; no gaps: the known ones stay."""
    held = quarantine.c.state == QuarantineState.HELD
    changed = connection.execute(
        update(quarantine).where(quarantine.c.id == quarantine_id, held).values(code=code, reason=reason, judged=judged)
    )
    if changed.rowcount and gaps:
        _drop_gaps(connection, id=quarantine_id)
        _add_gaps(connection, quarantine_id, gaps)


def settle_quarantine(
    connection: Connection,
    quarantine_id: str,
    state: QuarantineState,
    *,
    actor: str,
    reason: str,
    now: datetime,
    exchange_id: str | None = None,
) -> bool:
    """Let a held entry leave; False, and no change, when it is not held any more."""
    row = _settle(
        connection,
        id=quarantine_id,
        state=state,
        exchange_id=exchange_id,
        actor=actor,
        reason=reason,
        now=to_text(now),
    ).fetchone()
    if row is None:
        return False
    _note(
        connection,
        quarantine_id,
        state.value,
        actor=actor,
        now=now,
        detail={"reason": reason, "exchange": exchange_id},
    )
    return True


def count_quarantine(connection: Connection) -> QuarantineCount:
    """How many are held, and since when the oldest is."""
    query = select(func.count(), func.min(quarantine.c.received_at)).where(quarantine.c.state == QuarantineState.HELD)
    held, oldest = connection.execute(query).one()
    return QuarantineCount(held, from_text(oldest) if oldest else None)


def _key(partner: str, subject: str, status_code: str, contract: str, direction: QuarantineDirection) -> dict[str, str]:
    return {
        "partner": partner,
        "subject": subject,
        "status_code": status_code,
        "contract": contract,
        "direction": direction,
    }


def _add_gaps(connection: Connection, quarantine_id: str, gaps: Sequence[GapRow]) -> None:
    for number, gap in enumerate(gaps, start=1):
        _insert_gap(
            connection,
            quarantine_id=quarantine_id,
            number=number,
            source=gap.source,
            target=gap.target,
            list=gap.list,
            code=gap.code,
            context=gap.context,
            refusal=gap.refusal,
            path=gap.path,
            message=gap.message,
            needed=gap.needed,
        )


def _note(
    connection: Connection, quarantine_id: str, what: str, *, actor: str, now: datetime, detail: dict[str, Any]
) -> None:
    record_audit(connection, at=now, actor=actor, action=f"quarantine {what}", subject=quarantine_id, detail=detail)


def _entry(row: Row[Any]) -> QuarantineRow:
    return QuarantineRow(
        id=row.id,
        direction=QuarantineDirection(row.direction),
        contract=row.contract,
        operation=row.operation,
        partner=row.partner,
        subject=row.subject,
        status_code=row.status_code,
        digest=bytes(row.digest),
        sender_message_id=row.sender_message_id,
        held_in=row.held_in,
        transport=json.loads(row.transport),
        state=QuarantineState(row.state),
        code=row.code,
        tables=row.tables,
        judged=row.judged,
        answer=json.loads(row.answer),
        exchange_id=row.exchange_id,
        counted=row.counted,
        actor=row.actor,
        reason=row.reason,
        received_at=from_text(row.received_at),
        updated_at=from_text(row.updated_at),
    )
