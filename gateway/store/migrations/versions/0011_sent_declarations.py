"""When the newest message about a declaration was sent, also of those that moved nothing.

Frozen: later changes are later revisions. What the columns mean stands in ``gateway/store/ledger_tables.py``. Earlier
movements keep their own time in ``ledger_entries``, so nothing is filled in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "customs_declarations",
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("declaration", KEY, nullable=False),
        sa.Column("declaration_type", KEY, nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="who sent it"),
        sa.Column("sent_at", KEY, nullable=False, comment="SendingDate of its newest message that was judged"),
        sa.CheckConstraint("declaration_type IN ('MRN', 'LRN')", name=op.f("ck_customs_declarations_declared")),
        sa.ForeignKeyConstraint(["ched_id"], ["cheds.id"], name=op.f("fk_customs_declarations_ched_id")),
        sa.PrimaryKeyConstraint(
            "ched_id", "declaration", "declaration_type", "partner", name=op.f("pk_customs_declarations")
        ),
        sqlite_with_rowid=False,
    )
