"""Answers to envelopes of the ePhyto hub: kept before they are sent, and until the hub has said its last word.

Frozen: later changes are later revisions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

OPEN = sa.text("settled_at IS NULL")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "hub_answers",
        sa.Column("id", KEY, nullable=False, comment="ULID"),
        sa.Column("import_id", KEY, nullable=False, comment="what it answers"),
        sa.Column("hub", KEY, nullable=False, comment="the partner that it goes through; empty: our own stand-in"),
        sa.Column("status", sa.Integer(), nullable=False, comment="UN/CEFACT 4405"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False, comment="the request, the same bytes at each attempt"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("number", KEY, nullable=False, comment="hubDeliveryNumber; empty until the hub has taken it"),
        sa.Column("said", sa.Text(), nullable=False, comment="the hub's word, as it was heard last"),
        sa.Column("message", sa.Text(), nullable=False, comment="the hub's text, or what went wrong"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="also the fence: who claims it counts up"),
        sa.Column("next_attempt_at", KEY, nullable=False, comment="when to send, to look, or to ask again"),
        sa.Column("created_at", KEY, nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.Column("settled_at", KEY, nullable=True, comment="set when the hub's word is final"),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'tracking', 'here', 'delivered', 'refused')",
            name=op.f("ck_hub_answers_state"),
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (state IN ('waiting', 'sending', 'tracking'))", name=op.f("ck_hub_answers_settled")
        ),
        sa.ForeignKeyConstraint(["import_id"], ["hub_imports.id"], name=op.f("fk_hub_answers_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_answers")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_hub_answers_open",
        "hub_answers",
        ["hub", "next_attempt_at", "id"],
        unique=False,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_hub_answers_import", "hub_answers", ["import_id", "id"], unique=False)
    op.create_index("ix_hub_answers_number", "hub_answers", ["number", "hub"], unique=False)
