"""Pushes to customs: who asked about which CHED, what each is told, and deliveries that carry a push.

Frozen: later changes are later revisions. What the columns mean stands in ``gateway/store/tables.py`` and
``push_tables.py``. On SQLite the outbox is written anew, row by row; on PostgreSQL no row is touched, and the new
constraints read the table once.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ACTIVE = sa.text("ended_at IS NULL")

_STATES: Final = (
    "state IN ('pending', 'in-flight', 'tracking', 'delivered', 'refused', 'unknown', 'failed', 'withdrawn')"
)
_SETTLED: Final = "(settled_at IS NULL) = (state IN ('pending', 'in-flight', 'unknown'))"
_CONTENT: Final = "(exchange_id IS NULL) <> (push_id IS NULL)"

_SQLITE: Final = (
    f"""CREATE TABLE deliveries_0010 (
        seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        lane TEXT NOT NULL,
        exchange_id TEXT,
        case_id TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        fence BIGINT NOT NULL,
        next_attempt_at TEXT NOT NULL,
        code TEXT NOT NULL,
        detail TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        settled_at TEXT,
        push_id TEXT,
        CONSTRAINT ck_deliveries_state CHECK ({_STATES}),
        CONSTRAINT ck_deliveries_settled CHECK ({_SETTLED}),
        CONSTRAINT ck_deliveries_content CHECK ({_CONTENT}),
        CONSTRAINT uq_deliveries_target UNIQUE (exchange_id, lane),
        CONSTRAINT uq_deliveries_id UNIQUE (id),
        CONSTRAINT uq_deliveries_push_id UNIQUE (push_id),
        CONSTRAINT fk_deliveries_lane FOREIGN KEY(lane) REFERENCES lanes (partner),
        CONSTRAINT fk_deliveries_exchange_id FOREIGN KEY(exchange_id) REFERENCES document_versions (exchange_id),
        CONSTRAINT fk_deliveries_push_id FOREIGN KEY(push_id) REFERENCES customs_pushes (id)
    )""",
    """INSERT INTO deliveries_0010 (seq, id, lane, exchange_id, case_id, state, attempts, failures, fence,
        next_attempt_at, code, detail, created_at, updated_at, settled_at)
        SELECT seq, id, lane, exchange_id, document_id, state, attempts, failures, fence,
        next_attempt_at, code, detail, created_at, updated_at, settled_at FROM deliveries ORDER BY seq""",
    "DROP TABLE deliveries",
    "ALTER TABLE deliveries_0010 RENAME TO deliveries",
    "CREATE INDEX ix_deliveries_open ON deliveries (lane, seq) WHERE settled_at IS NULL",
    "CREATE INDEX ix_deliveries_open_case ON deliveries (lane, case_id, seq) WHERE settled_at IS NULL",
)
_POSTGRESQL: Final = (
    "ALTER TABLE deliveries DROP CONSTRAINT fk_deliveries_document_id",
    "ALTER TABLE deliveries RENAME COLUMN document_id TO case_id",
    # PostgreSQL 18 gives NOT NULL a name of its own, which a renamed column keeps
    """DO $$ BEGIN
        IF EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'deliveries_document_id_not_null') THEN
            ALTER TABLE deliveries RENAME CONSTRAINT deliveries_document_id_not_null TO deliveries_case_id_not_null;
        END IF;
    END $$""",
    f"""ALTER TABLE deliveries ALTER COLUMN exchange_id DROP NOT NULL, DROP CONSTRAINT ck_deliveries_state,
        ADD COLUMN push_id TEXT COLLATE "C" CONSTRAINT uq_deliveries_push_id UNIQUE
        CONSTRAINT fk_deliveries_push_id REFERENCES customs_pushes (id),
        ADD CONSTRAINT ck_deliveries_state CHECK ({_STATES}),
        ADD CONSTRAINT ck_deliveries_content CHECK ({_CONTENT})""",
    "COMMENT ON COLUMN deliveries.exchange_id IS 'the version that goes; or a push'",
    "COMMENT ON COLUMN deliveries.case_id IS 'document or subscription: order is kept inside it'",
    "COMMENT ON COLUMN deliveries.push_id IS 'the push that goes; or a version'",
)


def upgrade() -> None:
    """Create the two tables, then let a delivery carry a push."""
    _subscriptions()
    _pushes()
    connection = op.get_bind()
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement)


def _subscriptions() -> None:
    op.create_table(
        "customs_subscriptions",
        sa.Column("id", KEY, nullable=False, comment="ULID"),
        sa.Column("partner", KEY, nullable=False),
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("office", KEY, nullable=False, comment="CompetentCustomsOffice of the message that asked"),
        sa.Column("since", KEY, nullable=False),
        sa.Column("pushes", sa.Integer(), nullable=False, comment="queued so far: the number of the last one"),
        sa.Column("ended_at", KEY, nullable=True, comment="while it is empty, changes are pushed"),
        sa.Column("why", KEY, nullable=False, comment="it ended: a code; empty while it stands"),
        sa.Column("reason", KEY, nullable=False, comment="the operator's words"),
        sa.CheckConstraint("(ended_at IS NULL) = (why = '')", name=op.f("ck_customs_subscriptions_ended")),
        sa.CheckConstraint(
            "why IN ('', 'asked', 'ched-ended', 'backlog', 'operator')", name=op.f("ck_customs_subscriptions_why")
        ),
        sa.ForeignKeyConstraint(["ched_id"], ["cheds.id"], name=op.f("fk_customs_subscriptions_ched_id")),
        sa.ForeignKeyConstraint(["partner"], ["lanes.partner"], name=op.f("fk_customs_subscriptions_partner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customs_subscriptions")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_customs_subscriptions_active",
        "customs_subscriptions",
        ["ched_id", "partner"],
        unique=True,
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
    )
    op.create_index("ix_customs_subscriptions_ched", "customs_subscriptions", ["ched_id", "partner", "id"])
    op.create_index("ix_customs_subscriptions_partner", "customs_subscriptions", ["partner", "id"])


def _pushes() -> None:
    op.create_table(
        "customs_pushes",
        sa.Column("id", KEY, nullable=False, comment="that of its delivery: subscription and number"),
        sa.Column("subscription_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1 for the first of its subscription"),
        sa.Column("what", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="the message, as the change left the CHED"),
        sa.CheckConstraint("number > 0", name=op.f("ck_customs_pushes_numbered")),
        sa.CheckConstraint("what IN ('status', 'ledger', 'document')", name=op.f("ck_customs_pushes_what")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["customs_subscriptions.id"], name=op.f("fk_customs_pushes_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customs_pushes")),
        sa.UniqueConstraint("subscription_id", "number", name="uq_customs_pushes_number"),
    )
