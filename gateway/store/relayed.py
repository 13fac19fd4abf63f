"""Whose a declaration is that a national gateway passes on to TRACES, which knows one account for all of them.

::

    relayed_declarations  per CHED and declaration: who sent its newest message, when, whether it is that partner's

The row is written in the unit of work that keeps the message before it leaves, so that of two customs systems with one
number one alone sends. It stays that partner's when its quantities are gone; a message that had no effect leaves it
with whom it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, Table, text

from gateway.store.identifiers import from_text, to_text
from gateway.store.ledger_records import Declaration, DeclarationType
from gateway.store.statements import Statement
from gateway.store.tables import Key, metadata

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = [
    "RelayedDeclaration",
    "claim_declaration",
    "close_relayed",
    "find_relayed",
    "free_relayed",
    "give_up_claim",
    "open_relayed",
]

relayed_declarations = Table(
    "relayed_declarations",
    metadata,
    Column("reference", Key, nullable=False, comment="of the CHED, which need not be known here"),
    Column("declaration", Key, nullable=False),
    Column("declaration_type", Key, nullable=False),
    Column("partner", Key, nullable=False, comment="who sent its newest message"),
    Column("sent_at", Key, nullable=False, comment="SendingDate of that message"),
    Column("owned", Integer, nullable=False, comment="1: it is that partner's, 0: anybody's"),
    Column("open", Key, nullable=False, comment="exchange of which nothing is known yet; empty for none"),
    CheckConstraint("declaration_type IN ('MRN', 'LRN')", name="declared"),
    CheckConstraint("owned IN (0, 1)", name="owned"),
    PrimaryKeyConstraint("reference", "declaration", "declaration_type"),
    sqlite_with_rowid=False,
)
_OPEN = text("open <> ''")
Index(
    "ix_relayed_declarations_open",
    relayed_declarations.c.open,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

_KEY = "reference = :reference AND declaration = :declaration AND declaration_type = :declaration_type"
_COLUMNS = "reference, declaration, declaration_type, partner, sent_at, owned, open"
_find = Statement(f"SELECT {_COLUMNS} FROM relayed_declarations WHERE {_KEY}")  # noqa: S608 - constants of this module
_alike = Statement(
    f"SELECT {_COLUMNS} FROM relayed_declarations WHERE reference = :reference AND declaration_type = 'MRN' "  # noqa: S608 - as above
    "AND lower(declaration) = lower(:declaration) AND owned = 1 AND partner <> :partner LIMIT 1"
)
_claim = Statement(
    f"INSERT INTO relayed_declarations ({_COLUMNS}) VALUES "  # noqa: S608 - as above
    "(:reference, :declaration, :declaration_type, :partner, :sent_at, 1, :open) "
    "ON CONFLICT (reference, declaration, declaration_type) DO UPDATE SET "
    "partner = excluded.partner, sent_at = excluded.sent_at, owned = 1, open = excluded.open "
    "WHERE CASE WHEN relayed_declarations.partner = excluded.partner "
    "THEN relayed_declarations.sent_at <= excluded.sent_at ELSE relayed_declarations.owned = 0 END "
    "RETURNING partner"
)
_close = Statement("UPDATE relayed_declarations SET open = '' WHERE open = :open")
_judged = Statement("UPDATE relayed_declarations SET owned = :owned, open = '' WHERE open = :exchange_id")
_forget = Statement("DELETE FROM relayed_declarations WHERE open = :open")
_put_back = Statement(
    "UPDATE relayed_declarations SET partner = :partner, sent_at = :sent_at, owned = :owned, open = :open "
    "WHERE open = :exchange_id"
)
_disown = Statement(f"UPDATE relayed_declarations SET owned = 0 WHERE {_KEY} AND owned = 1 RETURNING partner")  # noqa: S608 - as above
_list_open = Statement(
    f"SELECT {_COLUMNS} FROM relayed_declarations WHERE open <> '' ORDER BY open LIMIT :limit"  # noqa: S608 - as above
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedDeclaration:
    """What is known of a declaration that was passed on."""

    reference: str
    """Of the CHED."""
    declaration: Declaration
    partner: str
    """Who sent its newest message."""
    sent_at: datetime
    """SendingDate of that message."""
    owned: bool
    """Whether it is that partner's alone."""
    exchange_id: str
    """The message of which nothing is known yet; empty for none."""


def find_relayed(connection: Connection, reference: str, declaration: Declaration) -> RelayedDeclaration | None:
    """What is known of a declaration; None when nothing of it was passed on."""
    found = _find(connection, **_key(reference, declaration)).fetchone()
    return None if found is None else _relayed(found)


def claim_declaration(
    connection: Connection, reference: str, declaration: Declaration, *, partner: str, at: datetime, exchange_id: str
) -> RelayedDeclaration | None:
    """Take a declaration for a message that is about to leave. Call inside `Store.write`.

    Args:
        connection: of the unit of work that keeps the message.
        reference: of the CHED.
        declaration: that the message is about.
        partner: who sent it.
        at: its SendingDate.
        exchange_id: of its record; open from now on.

    Returns:
        None: it is taken. Otherwise what is in the way: another partner's, or a newer message of this one.
    """
    if declaration.type is DeclarationType.LRN:
        alike = _alike(connection, reference=reference, declaration=declaration.number, partner=partner).fetchone()
        if alike is not None:
            return _relayed(alike)
    key = _key(reference, declaration)
    if _claim(connection, **key, partner=partner, sent_at=to_text(at), open=exchange_id).fetchone() is not None:
        return None
    return _relayed(_find(connection, **key).fetchone())


def close_relayed(connection: Connection, exchange_id: str) -> None:
    """What came of a message is known, and the declaration stays with who sent it. Call inside `Store.write`."""
    _close(connection, open=exchange_id)


def give_up_claim(connection: Connection, exchange_id: str, before: RelayedDeclaration | None, *, judged: bool) -> None:
    """What came of a message is known: it had no effect. Call inside `Store.write`.

    Args:
        connection: of the unit of work.
        exchange_id: of the message.
        before: the declaration as `find_relayed` had it before it was taken.
        judged: whether it was answered, so that older messages of this partner are overtaken by it.
    """
    if before is None and not judged:
        _forget(connection, open=exchange_id)
    elif judged:
        _judged(connection, exchange_id=exchange_id, owned=int(before is not None and before.owned))
    elif before is not None:
        _put_back(
            connection,
            exchange_id=exchange_id,
            partner=before.partner,
            sent_at=to_text(before.sent_at),
            owned=int(before.owned),
            open=before.exchange_id,
        )


def free_relayed(connection: Connection, reference: str, declaration: Declaration) -> str:
    """Let any customs system take a declaration. Call inside `Store.write`.

    Returns:
        Whose it was; empty when it was nobody's.
    """
    found = _disown(connection, **_key(reference, declaration)).fetchone()
    return found[0] if found is not None else ""


def open_relayed(connection: Connection, *, limit: int) -> list[RelayedDeclaration]:
    """Messages of which it is not known what came, or which are on their way; oldest first."""
    return [_relayed(row) for row in _list_open(connection, limit=limit).fetchall()]


def _key(reference: str, declaration: Declaration) -> dict[str, str]:
    return {
        "reference": reference,
        "declaration": declaration.number,
        "declaration_type": declaration.type.value,
    }


def _relayed(row: tuple[str, str, str, str, str, int, str]) -> RelayedDeclaration:
    reference, number, kind, partner, sent_at, owned, exchange_id = row
    return RelayedDeclaration(
        reference=reference,
        declaration=Declaration(DeclarationType(kind), number),
        partner=partner,
        sent_at=from_text(sent_at),
        owned=bool(owned),
        exchange_id=exchange_id,
    )
