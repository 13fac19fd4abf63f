"""Reference data that operators change: editions, rows, closings; and which version of the tables a message used.

Frozen: later changes are later revisions. What the columns mean stands in ``gateway/store/reference_tables.py``.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_OF_A_CHANGE: Final = ("reference_rows", "reference_closings", "reference_counts", "reference_lists")
_FINAL: Final = ("reference_editions", "reference_tables", "reference_bases")
_ALL: Final = (*_OF_A_CHANGE, *_FINAL, "reference_changes")


def _sqlite_guard() -> tuple[str, ...]:
    published = "EXISTS (SELECT 1 FROM reference_editions WHERE change_id = {row}.change_id)"
    stop = "BEGIN SELECT RAISE(ABORT, '{name} is append only'); END"
    statements = [f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} {stop.format(name=name)}" for name in _ALL]
    statements += [
        f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} {stop.format(name=name)}" for name in _FINAL
    ]
    for name in _OF_A_CHANGE:
        for action, row in (("insert", "NEW"), ("delete", "OLD")):
            statements.append(
                f"CREATE TRIGGER {name}_published_{action} BEFORE {action.upper()} ON {name} "
                f"WHEN {published.format(row=row)} {stop.format(name=name)}"
            )
    return tuple(statements)


def _postgresql_guard() -> tuple[str, ...]:
    """Per statement, not per row: an import adds thousands at once."""
    statements = [
        (
            "CREATE FUNCTION reference_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append only'; END $$"
        ),
        (
            "CREATE FUNCTION reference_published() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF EXISTS (SELECT 1 FROM touched t JOIN reference_editions e ON e.change_id = t.change_id) THEN "
            "RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append only'; END IF; RETURN NULL; END $$"
        ),
    ]
    for name in _ALL:
        events = "UPDATE OR DELETE OR TRUNCATE" if name in _FINAL else "UPDATE OR TRUNCATE"
        statements.append(
            f"CREATE TRIGGER {name}_append_only BEFORE {events} ON {name} EXECUTE FUNCTION reference_append_only()"
        )
    for name in _OF_A_CHANGE:
        for action, rows in (("insert", "NEW"), ("delete", "OLD")):
            statements.append(
                f"CREATE TRIGGER {name}_published_{action} AFTER {action.upper()} ON {name} "
                f"REFERENCING {rows} TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION reference_published()"
            )
    return tuple(statements)


def upgrade() -> None:
    """Create the tables, and add a column to the versions of documents and of CHEDs."""
    _changes()
    _rows()
    _others()
    guard = _sqlite_guard() if op.get_bind().dialect.name == "sqlite" else _postgresql_guard()
    for statement in guard:
        op.get_bind().exec_driver_sql(statement)
    for table in ("document_versions", "ched_versions"):
        op.add_column(
            table,
            sa.Column("tables", KEY, nullable=True, comment="version of the mapping tables that its translation used"),
        )


def _changes() -> None:
    """Which tables there are; what was begun, and what of it was published."""
    op.create_table(
        "reference_tables",
        sa.Column("id", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("system", KEY, nullable=False),
        sa.Column("list", KEY, nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="whose overlay it is; empty for everybody's"),
        sa.CheckConstraint("kind IN ('code', 'map')", name=op.f("ck_reference_tables_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_tables")),
        sa.UniqueConstraint("kind", "system", "list", "partner", name="uq_reference_tables_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reference_changes",
        sa.Column("id", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("made_at", KEY, nullable=False),
        sa.Column("author", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_changes")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reference_editions",
        sa.Column("number", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("change_id", SEQUENCE, nullable=False),
        sa.Column("made_at", KEY, nullable=False),
        sa.Column("author", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("effective_on", KEY, nullable=False, comment="ISO day"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("release_limit", sa.Integer(), nullable=False, comment="of messages in quarantine, as confirmed"),
        sa.CheckConstraint("kind IN ('change', 'import', 'load', 'confirm')", name=op.f("ck_reference_editions_kind")),
        sa.ForeignKeyConstraint(["change_id"], ["reference_changes.id"], name=op.f("fk_reference_editions_change_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_reference_editions")),
        sa.UniqueConstraint("change_id", name=op.f("uq_reference_editions_change_id")),
    )


def _rows() -> None:
    """What a change adds and closes, and how much that is."""
    op.create_table(
        "reference_rows",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column(
            "change_id", SEQUENCE, nullable=False, comment="no foreign key, nor the next: two checks for each of 10^6"
        ),
        sa.Column("table_id", SEQUENCE, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("canonical", KEY, nullable=False),
        sa.Column("context", KEY, nullable=False),
        sa.Column("direction", KEY, nullable=False),
        sa.Column("loss", KEY, nullable=False),
        sa.Column("valid_from", KEY, nullable=False, comment="ISO day; empty: open, as the next"),
        sa.Column("valid_to", KEY, nullable=False),
        sa.Column("grade", KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="evidence of a map's row, note of a code"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", KEY, nullable=False),
        sa.Column("labels", sa.Text(), nullable=False, comment="JSON, language to text; empty for none"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_reference_rows")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reference_rows_code", "reference_rows", ["table_id", "code", "seq"], unique=False)
    mapped = sa.text("canonical <> ''")
    op.create_index(
        "ix_reference_rows_canonical",
        "reference_rows",
        ["table_id", "canonical"],
        unique=False,
        sqlite_where=mapped,
        postgresql_where=mapped,
    )
    op.create_index("ix_reference_rows_change", "reference_rows", ["change_id", "table_id", "seq"], unique=False)
    op.create_table(
        "reference_closings",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("change_id", SEQUENCE, nullable=False, comment="no foreign key, as for rows"),
        sa.Column("table_id", SEQUENCE, nullable=False),
        sa.Column("row_id", KEY, nullable=False),
        sa.Column("last_day", KEY, nullable=False, comment="ISO day; empty: withdrawn"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_reference_closings")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reference_closings_row", "reference_closings", ["table_id", "row_id"], unique=False)
    op.create_index("ix_reference_closings_change", "reference_closings", ["change_id", "seq"], unique=False)
    op.create_table(
        "reference_counts",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("change_id", SEQUENCE, nullable=False),
        sa.Column("table_id", SEQUENCE, nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["reference_changes.id"], name=op.f("fk_reference_counts_change_id")),
        sa.ForeignKeyConstraint(["table_id"], ["reference_tables.id"], name=op.f("fk_reference_counts_table_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_reference_counts")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reference_counts_change", "reference_counts", ["change_id", "table_id"], unique=False)


def _others() -> None:
    """Lists as a whole, and the tables of the files as they were read."""
    op.create_table(
        "reference_lists",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("change_id", SEQUENCE, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="CSV"),
        sa.ForeignKeyConstraint(["change_id"], ["reference_changes.id"], name=op.f("fk_reference_lists_change_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_reference_lists")),
        sa.UniqueConstraint("change_id", "name", name="uq_reference_lists_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reference_lists_name", "reference_lists", ["name", "change_id"], unique=False)
    op.create_table(
        "reference_bases",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("made_at", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_reference_bases")),
    )
