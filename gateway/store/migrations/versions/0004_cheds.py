"""CHEDs: the register, what they are found by, their files, outages and what waits for the other side.

Frozen: later changes are later revisions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables; nothing that is there changes."""
    _register()
    _history()
    _files()
    _being_away()


def _register() -> None:
    """The register, its terms, its numbers."""
    op.create_table(
        "cheds",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False, comment="ULID"),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts the writes: compare and set"),
        sa.Column("content_id", KEY, nullable=False, comment="the version that brought the document as it stands"),
        sa.Column("reference", KEY, nullable=False, comment="I.2; empty until it is given"),
        sa.Column("local_reference", KEY, nullable=False, comment="I.3"),
        sa.Column("type", KEY, nullable=False),
        sa.Column("status_code", KEY, nullable=False),
        sa.Column("purpose", KEY, nullable=False),
        sa.Column("conclusion", KEY, nullable=False),
        sa.Column("pending", KEY, nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="who created it"),
        sa.Column("body", KEY, nullable=False),
        sa.Column("post_code", KEY, nullable=False),
        sa.Column("post_locode", KEY, nullable=False),
        sa.Column("entry_country", KEY, nullable=False),
        sa.Column("dispatch_country", KEY, nullable=False),
        sa.Column("destination_country", KEY, nullable=False),
        sa.Column("transfer_country", KEY, nullable=False),
        sa.Column("issuance_country", KEY, nullable=False),
        sa.Column("consignor_country", KEY, nullable=False),
        sa.Column("consignor_name", sa.Text(), nullable=False),
        sa.Column("consignee_country", KEY, nullable=False),
        sa.Column("consignee_name", sa.Text(), nullable=False),
        sa.Column("transshipped", sa.Boolean(), nullable=False),
        sa.Column("transfer", sa.Boolean(), nullable=False),
        sa.Column("plant_health_non_compliance", sa.Boolean(), nullable=False),
        sa.Column("pending_laboratory_tests", sa.Boolean(), nullable=False),
        sa.Column("requires_follow_up", sa.Boolean(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("contingency", sa.Boolean(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("lists", sa.Text(), nullable=False, comment="what there may be several of, as JSON"),
        sa.Column("terms", sa.Text(), nullable=False, comment="its rows of ched_terms, as JSON"),
        sa.Column("created_at", KEY, nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.Column("status_changed_at", KEY, nullable=False),
        sa.Column("declared_at", KEY, nullable=True),
        sa.Column("decided_at", KEY, nullable=True),
        sa.Column("prior_notification_at", KEY, nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_cheds")),
        sa.UniqueConstraint("id", name=op.f("uq_cheds_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cheds_created_at", "cheds", ["created_at", "seq"], unique=False)
    _partial_index("ix_cheds_decided_at", "cheds", ["decided_at", "seq"], "decided_at IS NOT NULL")
    _partial_index("ix_cheds_declared_at", "cheds", ["declared_at", "seq"], "declared_at IS NOT NULL")
    _partial_index("ix_cheds_local_reference", "cheds", ["local_reference", "seq"], "local_reference <> ''")
    _partial_index("ix_cheds_pending", "cheds", ["seq"], "pending <> ''")
    _partial_index(
        "ix_cheds_prior_notification_at", "cheds", ["prior_notification_at", "seq"], "prior_notification_at IS NOT NULL"
    )
    op.create_index("ix_cheds_status_changed_at", "cheds", ["status_changed_at", "seq"], unique=False)
    op.create_index("ix_cheds_updated_at", "cheds", ["updated_at", "seq"], unique=False)
    _partial_index("uq_cheds_reference", "cheds", ["reference"], "reference <> ''", unique=True)
    op.create_table(
        "ched_terms",
        sa.Column("term", KEY, nullable=False),
        sa.Column("seq", SEQUENCE, nullable=False, comment="no foreign key: thirty checks a write"),
        sa.PrimaryKeyConstraint("term", "seq", name=op.f("pk_ched_terms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ched_numbers",
        sa.Column("type", KEY, nullable=False),
        sa.Column("country", KEY, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("type", "country", "year", name=op.f("pk_ched_numbers")),
        sqlite_with_rowid=False,
    )


def _history() -> None:
    """What was written, with its bytes."""
    op.create_table(
        "ched_versions",
        sa.Column("id", KEY, nullable=False, comment="ULID; that of the exchange where a message made it"),
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1 for the first"),
        sa.Column("exchange_id", KEY, nullable=True),
        sa.Column("status_code", KEY, nullable=False, comment="the one that it led to"),
        sa.Column("part", KEY, nullable=False, comment="I, II, III; empty when no part was written"),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="who wrote"),
        sa.Column("body", KEY, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.CheckConstraint("part IN ('', 'I', 'II', 'III')", name=op.f("ck_ched_versions_part")),
        sa.ForeignKeyConstraint(["ched_id"], ["cheds.id"], name=op.f("fk_ched_versions_ched_id")),
        sa.ForeignKeyConstraint(["exchange_id"], ["exchanges.id"], name=op.f("fk_ched_versions_exchange_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ched_versions")),
        sa.UniqueConstraint("ched_id", "number", name="uq_ched_versions_number"),
        sa.UniqueConstraint("exchange_id", name=op.f("uq_ched_versions_exchange_id")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ched_parts",
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("laboratory_tests", sa.LargeBinary(), nullable=True),
        sa.Column("original", sa.LargeBinary(), nullable=True, comment="as submitted, where its codes are others"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["ched_versions.id"], name=op.f("fk_ched_parts_version_id")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_ched_parts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ched_seals",
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("role", KEY, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="the file that bears the signature"),
        sa.CheckConstraint(
            "role IN ('operator', 'officer', 'authority', 'traces', 'transmission')", name=op.f("ck_ched_seals_role")
        ),
        sa.ForeignKeyConstraint(["version_id"], ["ched_versions.id"], name=op.f("fk_ched_seals_version_id")),
        sa.PrimaryKeyConstraint("version_id", "number", name=op.f("pk_ched_seals")),
    )
    op.create_table(
        "ched_links",
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("relation", KEY, nullable=False),
        sa.Column("reference", KEY, nullable=False),
        sa.ForeignKeyConstraint(["ched_id"], ["cheds.id"], name=op.f("fk_ched_links_ched_id")),
        sa.PrimaryKeyConstraint("ched_id", "relation", "reference", name=op.f("pk_ched_links")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ched_links_reference", "ched_links", ["reference", "ched_id"], unique=False)


def _files() -> None:
    """Attachments."""
    op.create_table(
        "attachments",
        sa.Column("document_id", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256"),
        sa.Column("partner", KEY, nullable=False, comment="who uploaded it"),
        sa.Column("body", KEY, nullable=False),
        sa.Column("upstream", KEY, nullable=False, comment="its document id at the instance upstream"),
        sa.Column("created_at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_attachments")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "attachment_parts",
        sa.Column("document_id", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["attachments.document_id"], name=op.f("fk_attachment_parts_document_id")
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_attachment_parts")),
    )
    op.create_table(
        "ched_attachments",
        sa.Column("document_id", SEQUENCE, nullable=False),
        sa.Column("ched_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["ched_id"], ["cheds.id"], name=op.f("fk_ched_attachments_ched_id")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["attachments.document_id"], name=op.f("fk_ched_attachments_document_id")
        ),
        sa.PrimaryKeyConstraint("document_id", "ched_id", name=op.f("pk_ched_attachments")),
        sqlite_with_rowid=False,
    )


def _being_away() -> None:
    """What waits for the other side, and when it was or will be away."""
    op.create_table(
        "contingency",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="where it goes"),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="also the fence: who claims it counts up"),
        sa.Column("reference", KEY, nullable=False, comment="I.2 as the other side gave it"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", KEY, nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'unknown', 'exchanged', 'refused')", name=op.f("ck_contingency_state")
        ),
        sa.ForeignKeyConstraint(["ched_id"], ["cheds.id"], name=op.f("fk_contingency_ched_id")),
        sa.ForeignKeyConstraint(["version_id"], ["ched_versions.id"], name=op.f("fk_contingency_version_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_contingency")),
        sa.UniqueConstraint("version_id", "partner", name="uq_contingency_step"),
        sqlite_autoincrement=True,
    )
    _partial_index("ix_contingency_open", "contingency", ["partner", "seq"], "state = 'waiting' OR state = 'unknown'")
    op.create_table(
        "outages",
        sa.Column("id", KEY, nullable=False, comment="ULID"),
        sa.Column("partner", KEY, nullable=False),
        sa.Column("functionality", KEY, nullable=False),
        sa.Column("began_at", KEY, nullable=False),
        sa.Column("ended_at", KEY, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outages")),
        sqlite_with_rowid=False,
    )
    _partial_index("uq_outages_open", "outages", ["partner", "functionality"], "ended_at IS NULL", unique=True)
    op.create_table(
        "notices",
        sa.Column("id", KEY, nullable=False, comment="ULID"),
        sa.Column("partner", KEY, nullable=False),
        sa.Column("functionality", KEY, nullable=False),
        sa.Column("begins_at", KEY, nullable=False),
        sa.Column("ends_at", KEY, nullable=True),
        sa.Column("announced_at", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("partner", "functionality", "begins_at", name="uq_notices_begin"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_notices_begins_at", "notices", ["begins_at"], unique=False)


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
