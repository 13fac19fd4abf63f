"""Envelopes that came for us, from the moment their bytes are ours until the hub knows what became of them.

The order of the calls is the promise: `add_import` is committed before anybody looks inside, `decide_import` is in one
transaction with what the envelope became, and `mark_acknowledged` follows the hub's answer. Whoever begins again after
a crash asks `unfinished_imports` and goes on where it stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from gateway.store.hub_records import ImportRow, ImportState, ImportVerdict
from gateway.store.hub_tables import hub_import_parts, hub_imports
from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.portions import InsertLarge
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from gateway.store.hub_records import NewImport

__all__ = [
    "add_import",
    "decide_import",
    "find_import",
    "get_import",
    "held_after",
    "import_envelope_bytes",
    "list_imports",
    "mark_acknowledged",
    "unfinished_imports",
]

_insert = insert(hub_imports, otherwise="ON CONFLICT (partner, hub_number) DO NOTHING")
_insert_parts = InsertLarge(hub_import_parts, "envelope")
# What was imported or linked stays so; what was held or unreadable may be decided again (a mapping row was added, say).
_decide = Statement(
    "UPDATE hub_imports SET state = :state, verdict = :verdict, message = :message, code = :code, "
    "exchange_id = :exchange_id, updated_at = :now "
    "WHERE id = :id AND state IN ('pulled', 'held', 'unreadable') RETURNING partner, hub_number"
)
_acknowledge = Statement(
    "UPDATE hub_imports SET acknowledged_at = :now, updated_at = :now "
    "WHERE id = :id AND acknowledged_at IS NULL RETURNING partner, hub_number, verdict"
)


def add_import(connection: Connection, new: NewImport) -> bool:
    """Keep an envelope as it came. Call inside `Store.write`.

    Returns False, and keeps nothing, when this number of this partner is here already.
    """
    moment = to_text(new.received_at)
    added = _insert(
        connection,
        id=new.id,
        partner=new.partner,
        hub_number=new.hub_number,
        from_country=new.from_country,
        to_country=new.to_country,
        certificate_type=new.certificate_type,
        certificate_status=new.certificate_status,
        certificate_number=new.certificate_number,
        state=ImportState.PULLED,
        verdict=ImportVerdict.NONE,
        message="",
        code="",
        exchange_id=None,
        received_at=moment,
        updated_at=moment,
        acknowledged_at=None,
    )
    if not added.rowcount:
        return False
    _insert_parts(connection, id=new.id, envelope=new.envelope)
    return True


def decide_import(
    connection: Connection,
    import_id: str,
    *,
    state: ImportState,
    verdict: ImportVerdict,
    message: str = "",
    code: str = "",
    exchange_id: str | None = None,
    now: datetime,
) -> bool:
    """Write down what became of an envelope and what the hub is to be told. Call in the transaction that did it.

    Returns False, and changes nothing, when it was imported or linked by somebody else meanwhile, or is not there: the
    caller then undoes its own work.
    """
    row = _decide(
        connection,
        id=import_id,
        state=state,
        verdict=verdict,
        message=message,
        code=code,
        exchange_id=exchange_id,
        now=to_text(now),
    ).fetchone()
    if row is None:
        return False
    partner, number = row
    detail = {"number": number, "verdict": verdict, "code": code, "exchange": exchange_id}
    record_audit(connection, at=now, actor=partner, action=f"hub import {state}", subject=import_id, detail=detail)
    return True


def mark_acknowledged(connection: Connection, import_id: str, now: datetime) -> bool:
    """The hub has our acknowledgement; False when that was known before. Raises a constraint's error if undecided."""
    row = _acknowledge(connection, id=import_id, now=to_text(now)).fetchone()
    if row is None:
        return False
    partner, number, verdict = row
    detail = {"number": number, "verdict": verdict}
    record_audit(connection, at=now, actor=partner, action="hub import acknowledged", subject=import_id, detail=detail)
    return True


def unfinished_imports(connection: Connection, partner: str, limit: int, *, after: str = "") -> tuple[ImportRow, ...]:
    """What the hub does not know the end of yet, oldest first; ``after`` is the last id of the page before."""
    # Said as a range, so that the order is that of the index of unfinished rows and of no other (see envelopes.py).
    row = tuple_(hub_imports.c.partner, hub_imports.c.id)
    query = (
        select(hub_imports)
        .where(row > (partner, after), hub_imports.c.partner <= partner, hub_imports.c.acknowledged_at.is_(None))
        .order_by(hub_imports.c.partner, hub_imports.c.id)
        .limit(limit)
    )
    return tuple(_import(row) for row in connection.execute(query))


def find_import(connection: Connection, partner: str, hub_number: str) -> ImportRow | None:
    """The import of that number from that partner."""
    query = select(hub_imports).where(hub_imports.c.partner == partner, hub_imports.c.hub_number == hub_number)
    row = connection.execute(query).first()
    return _import(row) if row else None


def get_import(connection: Connection, import_id: str) -> ImportRow | None:
    """The import of that id."""
    row = connection.execute(select(hub_imports).where(hub_imports.c.id == import_id)).first()
    return _import(row) if row else None


def held_after(connection: Connection, row: ImportRow) -> tuple[ImportRow, ...]:
    """What came later about the same certificate and is held, oldest first: a withdrawal of what was held itself."""
    query = (
        select(hub_imports)
        .where(
            hub_imports.c.state == ImportState.HELD,
            hub_imports.c.id > row.id,
            hub_imports.c.partner == row.partner,
            hub_imports.c.from_country == row.from_country,
            hub_imports.c.certificate_type == row.certificate_type,
            hub_imports.c.certificate_number == row.certificate_number,
        )
        .order_by(hub_imports.c.id)
    )
    return tuple(_import(found) for found in connection.execute(query))


def import_envelope_bytes(connection: Connection, import_id: str) -> bytes | None:
    """The envelope as it was received."""
    row = connection.execute(select(hub_import_parts.c.envelope).where(hub_import_parts.c.id == import_id)).first()
    return bytes(row.envelope) if row else None


def list_imports(
    connection: Connection,
    *,
    partner: str | None = None,
    state: ImportState | None = None,
    hub_number: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> tuple[ImportRow, ...]:
    """Imports, newest first; ``before`` is the last id of the page before."""
    query = select(hub_imports).order_by(hub_imports.c.id.desc()).limit(limit)
    if partner is not None:
        query = query.where(hub_imports.c.partner == partner)
    if state is not None:
        query = query.where(hub_imports.c.state == state)
    if hub_number is not None:
        query = query.where(hub_imports.c.hub_number == hub_number)
    if before is not None:
        query = query.where(hub_imports.c.id < before)
    return tuple(_import(row) for row in connection.execute(query))


def _import(row: Row[Any]) -> ImportRow:
    return ImportRow(
        id=row.id,
        partner=row.partner,
        hub_number=row.hub_number,
        from_country=row.from_country,
        to_country=row.to_country,
        certificate_type=row.certificate_type,
        certificate_status=row.certificate_status,
        certificate_number=row.certificate_number,
        state=ImportState(row.state),
        verdict=ImportVerdict(row.verdict),
        message=row.message,
        code=row.code,
        exchange_id=row.exchange_id,
        received_at=from_text(row.received_at),
        updated_at=from_text(row.updated_at),
        acknowledged_at=from_text(row.acknowledged_at) if row.acknowledged_at else None,
    )
