"""Quarantine: messages that are right in all but their codes.

Frozen: later changes are later revisions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
HELD = sa.text("state = 'held'")
ONE_OF_A_KIND = sa.text("state = 'held' AND contract <> 'ippc-hub'")


def upgrade() -> None:
    """Create the tables; nothing that is there changes."""
    op.create_table(
        "quarantine",
        sa.Column("id", KEY, nullable=False, comment="ULID"),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("contract", KEY, nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="who sent it; of an outgoing one, who is to get it"),
        sa.Column("subject", KEY, nullable=False, comment="identity of the document"),
        sa.Column("status_code", KEY, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the verified document"),
        sa.Column("sender_message_id", KEY, nullable=True),
        sa.Column("held_in", KEY, nullable=False, comment="the exchange, import or delivery that has the bytes"),
        sa.Column("transport", sa.Text(), nullable=False, comment="JSON: how it came"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "code",
            sa.Text(),
            nullable=False,
            comment="IMG code of the first gap; later of what stood against its release",
        ),
        sa.Column("tables", sa.Text(), nullable=False, comment="version of the tables that could not translate it"),
        sa.Column("judged", KEY, nullable=False, comment="version and day of the tables that it was judged with last"),
        sa.Column("answer", sa.Text(), nullable=False, comment="JSON: what its sender was told"),
        sa.Column("exchange_id", KEY, nullable=True, comment="what it became"),
        sa.Column(
            "counted", sa.Integer(), nullable=True, comment="the edition that its release by itself was counted against"
        ),
        sa.Column("actor", KEY, nullable=False, comment="who changed its state last"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", KEY, nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_quarantine_direction")),
        sa.CheckConstraint(
            "state IN ('held', 'released', 'discarded', 'superseded')", name=op.f("ck_quarantine_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_quarantine_held",
        "quarantine",
        ["partner", "subject", "status_code", "contract", "direction"],
        unique=True,
        sqlite_where=ONE_OF_A_KIND,
        postgresql_where=ONE_OF_A_KIND,
    )
    op.create_index(
        "ix_quarantine_judged", "quarantine", ["judged", "id"], unique=False, sqlite_where=HELD, postgresql_where=HELD
    )
    op.create_index("ix_quarantine_message_id", "quarantine", ["partner", "sender_message_id"], unique=False)
    op.create_index("ix_quarantine_subject", "quarantine", ["subject", "id"], unique=False)
    op.create_index("ix_quarantine_held_in", "quarantine", ["held_in"], unique=False)
    op.create_table(
        "quarantine_gaps",
        sa.Column("quarantine_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", KEY, nullable=False, comment="code system"),
        sa.Column("target", KEY, nullable=False),
        sa.Column("list", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("context", KEY, nullable=False),
        sa.Column("refusal", KEY, nullable=False, comment="IMG-60xx"),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("needed", sa.Text(), nullable=False, comment="the row that is missing, ready to complete"),
        sa.ForeignKeyConstraint(["quarantine_id"], ["quarantine.id"], name=op.f("fk_quarantine_gaps_quarantine_id")),
        sa.PrimaryKeyConstraint("quarantine_id", "number", name=op.f("pk_quarantine_gaps")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_quarantine_gaps_list", "quarantine_gaps", ["list", "code"], unique=False)
    op.create_index("ix_quarantine_gaps_code", "quarantine_gaps", ["code"], unique=False)
    op.create_table(
        "quarantine_releases",
        sa.Column("edition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "released", sa.Integer(), nullable=False, comment="by themselves; never more than the edition allows"
        ),
        sa.PrimaryKeyConstraint("edition", name=op.f("pk_quarantine_releases")),
        sqlite_with_rowid=False,
    )
