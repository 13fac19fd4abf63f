"""Partner records: one JSON document each, a version that only grows, history in the audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from gateway.errors import ConfigurationError
from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.records import PartnerRow
from gateway.store.statements import Statement
from gateway.store.tables import partners

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["find_partner", "list_partners", "partners_edition", "save_partner"]

ANY_VERSION = -1
"""For `save_partner`: whatever is there, or nothing."""

_upsert = Statement(
    "INSERT INTO partners (id, record, version, author, updated_at) "
    "VALUES (:id, :record, 1, :author, :updated_at) "
    "ON CONFLICT (id) DO UPDATE SET record = excluded.record, version = partners.version + 1, "
    "author = excluded.author, updated_at = excluded.updated_at "
    "WHERE :expected < 0 OR partners.version = :expected RETURNING version"
)
_insert_lane = Statement(
    "INSERT INTO lanes (partner, fence, lease_owner, lease_until, failures, not_before) "
    "VALUES (:partner, 0, NULL, NULL, 0, '') ON CONFLICT DO NOTHING"
)


def save_partner(
    connection: Connection,
    partner: str,
    record: Mapping[str, Any],
    *,
    author: str,
    now: datetime,
    expected_version: int = ANY_VERSION,
) -> PartnerRow:
    """Add a partner or a new edition of its record. Call inside `Store.write`.

    Args:
        connection: of the unit of work.
        partner: its id.
        record: JSON-able; secrets by reference, because it goes into the audit as it is.
        author: who changed it.
        now: aware.
        expected_version: the version that the author looked at, 0 for "new".

    Raises:
        ConfigurationError: IMG-0112, the stored version is another.
    """
    text = json.dumps(record, ensure_ascii=False, sort_keys=True)
    saved = _upsert(
        connection, id=partner, record=text, author=author, updated_at=to_text(now), expected=expected_version
    ).fetchone()
    if saved is None or (expected_version > 0 and saved[0] != expected_version + 1):
        raise ConfigurationError("IMG-0112", where=partner, expected=f"version {expected_version}")
    _insert_lane(connection, partner=partner)
    version: int = saved[0]
    detail = {"version": version, "record": record}
    record_audit(connection, at=now, actor=author, action="partner saved", subject=partner, detail=detail)
    return PartnerRow(partner, record, version, author, now)


def find_partner(connection: Connection, partner: str) -> PartnerRow | None:
    """The current record of a partner."""
    row = connection.execute(select(partners).where(partners.c.id == partner)).first()
    return _partner(row) if row else None


def list_partners(connection: Connection) -> tuple[PartnerRow, ...]:
    """All current records, by id."""
    return tuple(_partner(row) for row in connection.execute(select(partners).order_by(partners.c.id)))


def partners_edition(connection: Connection) -> int:
    """A number that grows with every change of any partner record: a cache compares it to know that it is stale."""
    return int(connection.execute(select(func.coalesce(func.sum(partners.c.version), 0))).scalar_one())


def _partner(row: Row[Any]) -> PartnerRow:
    return PartnerRow(row.id, json.loads(row.record), row.version, row.author, from_text(row.updated_at))
