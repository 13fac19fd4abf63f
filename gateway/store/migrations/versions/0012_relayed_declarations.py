"""Whose a declaration is that a national gateway passes on, and its message of which nothing is known yet.

Frozen: later changes are later revisions. What the columns mean stands in ``gateway/store/relayed.py``.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "relayed_declarations",
        sa.Column("reference", KEY, nullable=False, comment="of the CHED, which need not be known here"),
        sa.Column("declaration", KEY, nullable=False),
        sa.Column("declaration_type", KEY, nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="who sent its newest message"),
        sa.Column("sent_at", KEY, nullable=False, comment="SendingDate of that message"),
        sa.Column("owned", sa.Integer(), nullable=False, comment="1: it is that partner's, 0: anybody's"),
        sa.Column("open", KEY, nullable=False, comment="exchange of which nothing is known yet; empty for none"),
        sa.CheckConstraint("declaration_type IN ('MRN', 'LRN')", name=op.f("ck_relayed_declarations_declared")),
        sa.CheckConstraint("owned IN (0, 1)", name=op.f("ck_relayed_declarations_owned")),
        sa.PrimaryKeyConstraint("reference", "declaration", "declaration_type", name=op.f("pk_relayed_declarations")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_relayed_declarations_open",
        "relayed_declarations",
        ["open"],
        sqlite_where=sa.text("open <> ''"),
        postgresql_where=sa.text("open <> ''"),
    )
