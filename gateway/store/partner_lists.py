"""Code lists of a partner, every edition of them: what a code meant on a day stays known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from gateway.errors import Unavailable
from gateway.store.hub_records import ListVersion, PartnerList
from gateway.store.hub_tables import partner_lists
from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["find_partner_list", "latest_list", "list_versions", "save_list"]

_TRIES = 5

_latest = Statement(
    "SELECT version, digest FROM partner_lists WHERE partner = :partner AND list = :list ORDER BY version DESC LIMIT 1"
)
_insert = insert(partner_lists, otherwise="ON CONFLICT DO NOTHING")


def save_list(
    connection: Connection, partner: str, list_name: str, rows_json: str, digest: bytes, now: datetime
) -> tuple[int, bool]:
    """Keep an edition of a list if it differs from the newest one. Call inside `Store.write`.

    Args:
        connection: of the unit of work.
        partner: whose list it is.
        list_name: ``TreatmentType``, say.
        rows_json: what is in it.
        digest: of what is in it, in an order that means nothing else; equal digests are equal lists.
        now: aware.

    Returns:
        The number of the newest edition, and whether it is this one.

    Raises:
        Unavailable: IMG-9001, rivals saved editions again and again at this moment.
    """
    for _ in range(_TRIES):
        newest = _latest(connection, partner=partner, list=list_name).fetchone()
        if newest is not None and bytes(newest[1]) == digest:
            return newest[0], False
        version: int = newest[0] + 1 if newest else 1
        added = _insert(
            connection,
            partner=partner,
            list=list_name,
            version=version,
            fetched_at=to_text(now),
            digest=digest,
            content=rows_json,
        )
        if added.rowcount:
            detail = {"list": list_name, "version": version, "sha256": digest.hex()}
            record_audit(connection, at=now, actor=partner, action="code list saved", subject=partner, detail=detail)
            return version, True
    raise Unavailable("IMG-9001", where="store.partner_lists", found=f"{partner} {list_name}")


def latest_list(connection: Connection, partner: str, list_name: str) -> PartnerList | None:
    """The newest edition of a list; None when none was ever saved."""
    return _one(connection, partner, list_name, None)


def find_partner_list(connection: Connection, partner: str, list_name: str, version: int) -> PartnerList | None:
    """One edition of a list."""
    return _one(connection, partner, list_name, version)


def list_versions(connection: Connection, partner: str, list_name: str | None = None) -> tuple[ListVersion, ...]:
    """All editions of a partner's lists, or of one of them, without what is in them; by list, then oldest first."""
    table = partner_lists.c
    query = (
        select(table.partner, table.list, table.version, table.fetched_at, table.digest)
        .where(table.partner == partner)
        .order_by(table.list, table.version)
    )
    if list_name is not None:
        query = query.where(table.list == list_name)
    return tuple(
        ListVersion(row.partner, row.list, row.version, from_text(row.fetched_at), bytes(row.digest))
        for row in connection.execute(query)
    )


def _one(connection: Connection, partner: str, list_name: str, version: int | None) -> PartnerList | None:
    table = partner_lists.c
    query = select(partner_lists).where(table.partner == partner, table.list == list_name)
    if version is not None:
        query = query.where(table.version == version)
    row = connection.execute(query.order_by(table.version.desc()).limit(1)).first()
    if row is None:
        return None
    return PartnerList(row.partner, row.list, row.version, from_text(row.fetched_at), bytes(row.digest), row.content)
