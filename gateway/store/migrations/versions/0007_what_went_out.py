"""How what is sent to a partner was translated; and no reference data or audit is replaced by an INSERT.

Frozen: later changes are later revisions. What the columns mean stands in ``gateway/store/tables.py``.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_TABLE: Final = "kind = NEW.kind AND system = NEW.system AND list = NEW.list AND partner = NEW.partner"
_KEYS: Final = {
    "reference_rows": "seq = NEW.seq",
    "reference_closings": "seq = NEW.seq",
    "reference_counts": "seq = NEW.seq",
    "reference_lists": "seq = NEW.seq OR change_id = NEW.change_id AND name = NEW.name",
    "reference_editions": "number = NEW.number OR change_id = NEW.change_id",
    "reference_tables": f"id = NEW.id OR {_TABLE}",
    "reference_bases": "digest = NEW.digest",
    "reference_changes": "id = NEW.id",
    "audit": "seq = NEW.seq",
}

_SQLITE: Final = (
    *(
        f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name} "  # noqa: S608 - constants of this module
        f"WHEN EXISTS (SELECT 1 FROM {name} WHERE {key}) "
        f"BEGIN SELECT RAISE(ABORT, '{name} is append only'); END"
        for name, key in _KEYS.items()
    ),
    (
        "CREATE TRIGGER reference_editions_said BEFORE INSERT ON reference_editions "
        "WHEN trim(NEW.author) = '' OR trim(NEW.reason) = '' "
        "OR NEW.effective_on NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' "
        "BEGIN SELECT RAISE(ABORT, 'an edition has an author, a reason and a day'); END"
    ),
)
_POSTGRESQL: Final = (
    (
        "CREATE FUNCTION reference_editions_said() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF trim(NEW.author) = '' OR trim(NEW.reason) = '' "
        "OR NEW.effective_on !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN "
        "RAISE EXCEPTION 'an edition has an author, a reason and a day'; END IF; RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER reference_editions_said BEFORE INSERT ON reference_editions FOR EACH ROW "
        "EXECUTE FUNCTION reference_editions_said()"
    ),
)


def upgrade() -> None:
    """Create the triggers and the table; nothing that is there changes."""
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.get_bind().exec_driver_sql(statement)
    op.create_table(
        "delivery_translations",
        sa.Column("seq", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("tables", KEY, nullable=False, comment="version of the mapping tables"),
        sa.Column("effective_on", KEY, nullable=False, comment="ISO day whose rows counted"),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the document in the partner's codes, unsealed",
        ),
        sa.Column("report", sa.Text(), nullable=False, comment="JSON"),
        sa.ForeignKeyConstraint(["seq"], ["delivery_parts.seq"], name=op.f("fk_delivery_translations_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_delivery_translations")),
    )
