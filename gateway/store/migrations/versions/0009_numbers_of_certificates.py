"""Certificates are found by their number alone, as customs declarations name them.

Frozen: later changes are later revisions.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index; nothing that is there changes."""
    op.create_index("ix_documents_number", "documents", ["number"], unique=False)
