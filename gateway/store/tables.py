"""The tables, once, for SQLite and PostgreSQL alike (ARCHITECTURE section 7).

::

    partners          who may talk to us: one JSON record each, versioned; history in ``audit``
    nonces            replay guard, one row per nonce or transport id, purged after expiry
    seal_values       every signature value ever accepted, and from whom
    exchanges         one row per message that somebody authenticated sent us  ── exchange_parts (bytes)
    documents         issuer country + type + number: the current version      ┐
    document_versions one per status transition, = one accepted exchange       ┘
    lanes             one per receiving partner: lease, fence, circuit
    deliveries        the outbox, in the order of ``seq``                      ── delivery_parts (bytes)
                      a document version or a push (``push_tables.py``)        ── delivery_translations (how)
    audit             append only, held by triggers

Those of the hub's contract are in ``hub_tables.py``.

How the shape follows from the load: ids are ULIDs, so that new rows land at the right-hand edge of every b-tree that
starts with one; rows that are looked up by such an id alone are clustered by it (``WITHOUT ROWID``); bytes live in
``*_parts`` tables of their own, so that pages of indexes and metadata stay dense with 10^6 messages stored.

Times are text in the one form that ``identifiers.to_text`` writes: fixed width, UTC, so that it sorts as it reads.
Text that is compared or ordered has the "C" collation on PostgreSQL, as SQLite's BINARY.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

__all__ = [
    "audit",
    "deliveries",
    "delivery_parts",
    "delivery_translations",
    "document_versions",
    "documents",
    "exchange_parts",
    "exchanges",
    "lanes",
    "metadata",
    "nonces",
    "partners",
    "seal_values",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Key = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is an identifier or a time: compared byte by byte."""

Sequence = BigInteger().with_variant(Integer(), "sqlite")
"""A row number in the order of insertion; SQLite's own row id needs the type INTEGER."""

partners = Table(
    "partners",
    metadata,
    Column("id", Key, primary_key=True),
    Column("record", Text, nullable=False, comment="the partner record as JSON; secrets by reference only"),
    Column("version", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("updated_at", Key, nullable=False),
    sqlite_with_rowid=False,
)

nonces = Table(
    "nonces",
    metadata,
    Column("value_hash", LargeBinary, primary_key=True, comment="SHA-256 of partner, kind and value"),
    Column("kind", Text, nullable=False),
    Column("partner", Key, nullable=False),
    Column("expires_at", Key, nullable=False, index=True),
    sqlite_with_rowid=False,
)

seal_values = Table(
    "seal_values",
    metadata,
    Column("value_hash", LargeBinary, primary_key=True, comment="SHA-256 of the signature value"),
    Column("partner", Key, nullable=False),
    Column("exchange_id", Key, ForeignKey("exchanges.id"), nullable=False),
    sqlite_with_rowid=False,
)

exchanges = Table(
    "exchanges",
    metadata,
    Column("id", Key, primary_key=True, comment="ULID"),
    Column("partner", Key, nullable=False),
    Column("contract", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("subject", Key, nullable=False, comment="identity of the document, where one was read"),
    Column("sender_message_id", Key),
    Column("idempotency_key", LargeBinary, unique=True, comment="accepted messages only"),
    Column("repeat_of", Key, ForeignKey("exchanges.id")),
    Column("error_code", Text),
    Column("error_detail", Text, comment="the refusal as JSON"),
    Column("transport", Text, nullable=False, comment="address, transport message ids as JSON"),
    Column("received_at", Key, nullable=False),
    CheckConstraint("outcome IN ('accepted', 'refused', 'repeat')", name="outcome"),
    CheckConstraint("(outcome = 'accepted') = (idempotency_key IS NOT NULL)", name="accepted_once"),
    sqlite_with_rowid=False,
)
_ACCEPTED_ID = text("outcome = 'accepted' AND sender_message_id IS NOT NULL")
_OTHER_ID = text("outcome <> 'accepted' AND sender_message_id IS NOT NULL")
Index(
    "uq_exchanges_message_id",
    exchanges.c.partner,
    exchanges.c.sender_message_id,
    unique=True,
    sqlite_where=_ACCEPTED_ID,
    postgresql_where=_ACCEPTED_ID,
)
Index(
    "ix_exchanges_message_id",
    exchanges.c.partner,
    exchanges.c.sender_message_id,
    sqlite_where=_OTHER_ID,
    postgresql_where=_OTHER_ID,
)

exchange_parts = Table(
    "exchange_parts",
    metadata,
    Column("exchange_id", Key, ForeignKey("exchanges.id"), primary_key=True),
    Column("acknowledgement", LargeBinary, comment="as answered; of what is here, refused messages have the request"),
    Column("translation_report", Text),
    Column("findings", Text),
    Column("seal_verdict", Text),
    Column("timestamp_token", LargeBinary),
    Column("certificates", LargeBinary, comment="PEM, signer first"),
    Column("request", LargeBinary, nullable=False, comment="as received; this and all below: last (`portions.py`)"),
    Column("content", LargeBinary, comment="the document as received"),
    Column("translated", LargeBinary, comment="the canonical representation, where it differs"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Key, primary_key=True, comment="id of the exchange that brought its first version"),
    Column("issuer_country", Key, nullable=False),
    Column("type_code", Key, nullable=False),
    Column("number", Key, nullable=False),
    Column("status_code", Key, nullable=False),
    Column("version_id", Key, nullable=False, comment="current version; no foreign key: they are made together"),
    Column("import_country", Key),
    Column("owner_partner", Key, nullable=False, comment="who sent it, and alone may send its next version"),
    Column("changed_at", Key, nullable=False),
    UniqueConstraint("issuer_country", "type_code", "number", name="uq_documents_identity"),
    sqlite_with_rowid=False,
)
Index("ix_documents_changed_at", documents.c.changed_at, documents.c.id)
Index("ix_documents_number", documents.c.number)

document_versions = Table(
    "document_versions",
    metadata,
    Column("exchange_id", Key, ForeignKey("exchanges.id"), primary_key=True),
    Column("document_id", Key, ForeignKey("documents.id"), nullable=False),
    Column("status_code", Key, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the canonical content without its seal"),
    Column("form", Text, nullable=False),
    Column("route", Text, comment="Article 39 route: i to iv"),
    Column("replaced_by", Key, ForeignKey("exchanges.id"), comment="the version that took its place"),
    Column("received_at", Key, nullable=False),
    Column("tables", Key, comment="version of the mapping tables that its translation used"),
    CheckConstraint("form IN ('inline', 'sealed', 'envelope')", name="form"),
    UniqueConstraint("document_id", "status_code", name="uq_document_versions_status"),
    sqlite_with_rowid=False,
)

lanes = Table(
    "lanes",
    metadata,
    Column("partner", Key, ForeignKey("partners.id"), primary_key=True),
    Column("fence", BigInteger, nullable=False, comment="counts the leases; only the newest may settle"),
    Column("lease_owner", Text),
    Column("lease_until", Key),
    Column("failures", Integer, nullable=False, comment="in a row, without any answer: the circuit"),
    Column("not_before", Key, nullable=False),
    sqlite_with_rowid=False,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("id", Key, nullable=False, unique=True),
    Column("lane", Key, ForeignKey("lanes.partner"), nullable=False),
    Column("exchange_id", Key, ForeignKey("document_versions.exchange_id"), comment="the version that goes; or a push"),
    Column("case_id", Key, nullable=False, comment="document or subscription: order is kept inside it"),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, comment="sends, all in all"),
    Column("failures", Integer, nullable=False, comment="in a row, since the last progress"),
    Column("fence", BigInteger, nullable=False, comment="the lane's fence when it was claimed"),
    Column("next_attempt_at", Key, nullable=False),
    Column("code", Text, nullable=False, comment="IMG code or the partner's own, of the last outcome"),
    Column("detail", Text, nullable=False),
    Column("created_at", Key, nullable=False),
    Column("updated_at", Key, nullable=False),
    Column("settled_at", Key, comment="set when the worker is done with it"),
    Column("push_id", Key, ForeignKey("customs_pushes.id"), unique=True, comment="the push that goes; or a version"),
    CheckConstraint(
        "state IN ('pending', 'in-flight', 'tracking', 'delivered', 'refused', 'unknown', 'failed', 'withdrawn')",
        name="state",
    ),
    CheckConstraint("(settled_at IS NULL) = (state IN ('pending', 'in-flight', 'unknown'))", name="settled"),
    CheckConstraint("(exchange_id IS NULL) <> (push_id IS NULL)", name="content"),
    UniqueConstraint("exchange_id", "lane", name="uq_deliveries_target"),
    sqlite_autoincrement=True,
)
_OPEN = text("settled_at IS NULL")
Index("ix_deliveries_open", deliveries.c.lane, deliveries.c.seq, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index(
    "ix_deliveries_open_case",
    deliveries.c.lane,
    deliveries.c.case_id,
    deliveries.c.seq,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

delivery_parts = Table(
    "delivery_parts",
    metadata,
    Column("seq", Sequence, ForeignKey("deliveries.seq"), primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False, comment="rendered and sealed once, before the first send"),
    Column("receipt", LargeBinary, comment="the partner's answer"),
)

delivery_translations = Table(
    "delivery_translations",
    metadata,
    Column("seq", Sequence, ForeignKey("delivery_parts.seq"), primary_key=True, autoincrement=False),
    Column("tables", Key, nullable=False, comment="version of the mapping tables"),
    Column("effective_on", Key, nullable=False, comment="ISO day whose rows counted"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the document in the partner's codes, unsealed"),
    Column("report", Text, nullable=False, comment="JSON"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("at", Key, nullable=False),
    Column("actor", Key, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Key, nullable=False),
    Column("detail", Text, nullable=False, comment="JSON"),
    sqlite_autoincrement=True,
)
Index("ix_audit_subject", audit.c.subject, audit.c.seq)

_AUDIT_GUARD = {
    "sqlite": (
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END",
        (  # REPLACE deletes without a word to triggers of DELETE
            "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit "
            "WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'audit is append only'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit is append only'; END $$"
        ),
        (
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "EXECUTE FUNCTION audit_append_only()"
        ),
    ),
}


@event.listens_for(audit, "after_create")
def _guard_audit(_table: Table, connection: Connection, **_: object) -> None:
    """R-11-1, R-25-1: history is added to, never changed. The migration holds the same; a test compares them."""
    for statement in _AUDIT_GUARD[connection.dialect.name]:
        connection.exec_driver_sql(statement)
