"""The first journey: partners, replay guard, exchanges, documents, outbox, audit.

Frozen: later changes are later revisions. What the columns mean stands in ``gateway/store/tables.py``; a test holds
that this history ends in exactly those tables, on both databases.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

AUDIT_GUARD = {
    "sqlite": (
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END",
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


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "audit",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, comment="JSON"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_subject", "audit", ["subject", "seq"], unique=False)
    op.create_table(
        "documents",
        sa.Column("id", KEY, nullable=False, comment="id of the exchange that brought its first version"),
        sa.Column("issuer_country", KEY, nullable=False),
        sa.Column("type_code", KEY, nullable=False),
        sa.Column("number", KEY, nullable=False),
        sa.Column("status_code", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False, comment="current version; no foreign key: they are made together"),
        sa.Column("import_country", KEY, nullable=True),
        sa.Column("owner_partner", KEY, nullable=False, comment="who sent it, and alone may send its next version"),
        sa.Column("changed_at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("issuer_country", "type_code", "number", name="uq_documents_identity"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_documents_changed_at", "documents", ["changed_at", "id"], unique=False)
    op.create_table(
        "exchanges",
        sa.Column("id", KEY, nullable=False, comment="ULID"),
        sa.Column("partner", KEY, nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("subject", KEY, nullable=False, comment="identity of the document, where one was read"),
        sa.Column("sender_message_id", KEY, nullable=True),
        sa.Column("idempotency_key", sa.LargeBinary(), nullable=True, comment="accepted messages only"),
        sa.Column("repeat_of", KEY, nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True, comment="the refusal as JSON"),
        sa.Column("transport", sa.Text(), nullable=False, comment="address, transport message ids as JSON"),
        sa.Column("received_at", KEY, nullable=False),
        sa.CheckConstraint(
            "(outcome = 'accepted') = (idempotency_key IS NOT NULL)", name=op.f("ck_exchanges_accepted_once")
        ),
        sa.CheckConstraint("outcome IN ('accepted', 'refused', 'repeat')", name=op.f("ck_exchanges_outcome")),
        sa.ForeignKeyConstraint(["repeat_of"], ["exchanges.id"], name=op.f("fk_exchanges_repeat_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchanges")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_exchanges_idempotency_key")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_exchanges_message_id",
        "exchanges",
        ["partner", "sender_message_id"],
        unique=False,
        sqlite_where=sa.text("outcome <> 'accepted' AND sender_message_id IS NOT NULL"),
        postgresql_where=sa.text("outcome <> 'accepted' AND sender_message_id IS NOT NULL"),
    )
    op.create_index(
        "uq_exchanges_message_id",
        "exchanges",
        ["partner", "sender_message_id"],
        unique=True,
        sqlite_where=sa.text("outcome = 'accepted' AND sender_message_id IS NOT NULL"),
        postgresql_where=sa.text("outcome = 'accepted' AND sender_message_id IS NOT NULL"),
    )
    op.create_table(
        "nonces",
        sa.Column("value_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of partner, kind and value"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("partner", KEY, nullable=False),
        sa.Column("expires_at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("value_hash", name=op.f("pk_nonces")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_nonces_expires_at"), "nonces", ["expires_at"], unique=False)
    op.create_table(
        "partners",
        sa.Column("id", KEY, nullable=False),
        sa.Column("record", sa.Text(), nullable=False, comment="the partner record as JSON; secrets by reference only"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "document_versions",
        sa.Column("exchange_id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("status_code", KEY, nullable=False),
        sa.Column(
            "digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the canonical content without its seal"
        ),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=True, comment="Article 39 route: i to iv"),
        sa.Column("replaced_by", KEY, nullable=True, comment="the version that took its place"),
        sa.Column("received_at", KEY, nullable=False),
        sa.CheckConstraint("form IN ('inline', 'sealed')", name=op.f("ck_document_versions_form")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_document_versions_document_id")),
        sa.ForeignKeyConstraint(["exchange_id"], ["exchanges.id"], name=op.f("fk_document_versions_exchange_id")),
        sa.ForeignKeyConstraint(["replaced_by"], ["exchanges.id"], name=op.f("fk_document_versions_replaced_by")),
        sa.PrimaryKeyConstraint("exchange_id", name=op.f("pk_document_versions")),
        sa.UniqueConstraint("document_id", "status_code", name="uq_document_versions_status"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "exchange_parts",
        sa.Column("exchange_id", KEY, nullable=False),
        sa.Column(
            "acknowledgement",
            sa.LargeBinary(),
            nullable=True,
            comment="as answered; of what is here, refused messages have the request",
        ),
        sa.Column("translation_report", sa.Text(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=True),
        sa.Column("seal_verdict", sa.Text(), nullable=True),
        sa.Column("timestamp_token", sa.LargeBinary(), nullable=True),
        sa.Column("certificates", sa.LargeBinary(), nullable=True, comment="PEM, signer first"),
        sa.Column(
            "request",
            sa.LargeBinary(),
            nullable=False,
            comment="as received; this and all below: last (`portions.py`)",
        ),
        sa.Column("content", sa.LargeBinary(), nullable=True, comment="the document as received"),
        sa.Column(
            "translated", sa.LargeBinary(), nullable=True, comment="the canonical representation, where it differs"
        ),
        sa.ForeignKeyConstraint(["exchange_id"], ["exchanges.id"], name=op.f("fk_exchange_parts_exchange_id")),
        sa.PrimaryKeyConstraint("exchange_id", name=op.f("pk_exchange_parts")),
    )
    op.create_table(
        "lanes",
        sa.Column("partner", KEY, nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False, comment="counts the leases; only the newest may settle"),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", KEY, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row, without any answer: the circuit"),
        sa.Column("not_before", KEY, nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.id"], name=op.f("fk_lanes_partner")),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_lanes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seal_values",
        sa.Column("value_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the signature value"),
        sa.Column("partner", KEY, nullable=False),
        sa.Column("exchange_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["exchange_id"], ["exchanges.id"], name=op.f("fk_seal_values_exchange_id")),
        sa.PrimaryKeyConstraint("value_hash", name=op.f("pk_seal_values")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deliveries",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("lane", KEY, nullable=False),
        sa.Column("exchange_id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False, comment="the case: order is kept inside it"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="sends, all in all"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row, since the last progress"),
        sa.Column("fence", sa.BigInteger(), nullable=False, comment="the lane's fence when it was claimed"),
        sa.Column("next_attempt_at", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="IMG code or the partner's own, of the last outcome"),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", KEY, nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.Column(
            "settled_at",
            KEY,
            nullable=True,
            comment="set when delivered, refused or failed: the worker no longer looks at it",
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (state IN ('pending', 'in-flight', 'unknown'))", name=op.f("ck_deliveries_settled")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'in-flight', 'delivered', 'refused', 'unknown', 'failed')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_deliveries_document_id")),
        sa.ForeignKeyConstraint(
            ["exchange_id"], ["document_versions.exchange_id"], name=op.f("fk_deliveries_exchange_id")
        ),
        sa.ForeignKeyConstraint(["lane"], ["lanes.partner"], name=op.f("fk_deliveries_lane")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("exchange_id", "lane", name="uq_deliveries_target"),
        sa.UniqueConstraint("id", name=op.f("uq_deliveries_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["lane", "seq"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(
        "ix_deliveries_open_case",
        "deliveries",
        ["lane", "document_id", "seq"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "delivery_parts",
        sa.Column("seq", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column(
            "payload", sa.LargeBinary(), nullable=False, comment="rendered and sealed once, before the first send"
        ),
        sa.Column("receipt", sa.LargeBinary(), nullable=True, comment="the partner's answer"),
        sa.ForeignKeyConstraint(["seq"], ["deliveries.seq"], name=op.f("fk_delivery_parts_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_delivery_parts")),
    )
    for statement in AUDIT_GUARD[op.get_bind().dialect.name]:
        op.execute(statement)
