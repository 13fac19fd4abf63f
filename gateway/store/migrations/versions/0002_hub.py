"""The ePhyto hub: envelopes, imports, trackings, pollers, partners' code lists; deliveries that a hub goes on with.

Frozen: later changes are later revisions. On SQLite the two tables whose constraints change are written anew; what they
were in 0001 stands here, because SQLite cannot be asked for it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

WAITING = sa.text("state = 'PendingDelivery'")
SENT = sa.text("state = 'PendingDelivery' AND origin IS NULL")
COPY = sa.text("origin IS NOT NULL")
UNFINISHED = sa.text("acknowledged_at IS NULL")
OPEN = sa.text("settled_at IS NULL")


def document_versions_0001() -> sa.Table:
    """The table of versions as 0001 made it."""
    return sa.Table(
        "document_versions",
        sa.MetaData(),
        sa.Column("exchange_id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("status_code", KEY, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("replaced_by", KEY, nullable=True),
        sa.Column("received_at", KEY, nullable=False),
        sa.CheckConstraint("form IN ('inline', 'sealed')", name="ck_document_versions_form"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_document_versions_document_id"),
        sa.ForeignKeyConstraint(["exchange_id"], ["exchanges.id"], name="fk_document_versions_exchange_id"),
        sa.ForeignKeyConstraint(["replaced_by"], ["exchanges.id"], name="fk_document_versions_replaced_by"),
        sa.PrimaryKeyConstraint("exchange_id", name="pk_document_versions"),
        sa.UniqueConstraint("document_id", "status_code", name="uq_document_versions_status"),
    )


def deliveries_0001() -> sa.Table:
    """The outbox as 0001 made it, with its indexes."""
    return sa.Table(
        "deliveries",
        sa.MetaData(),
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("lane", KEY, nullable=False),
        sa.Column("exchange_id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", KEY, nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.Column("settled_at", KEY, nullable=True),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (state IN ('pending', 'in-flight', 'unknown'))", name="ck_deliveries_settled"
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'in-flight', 'delivered', 'refused', 'unknown', 'failed')",
            name="ck_deliveries_state",
        ),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_deliveries_document_id"),
        sa.ForeignKeyConstraint(["exchange_id"], ["document_versions.exchange_id"], name="fk_deliveries_exchange_id"),
        sa.ForeignKeyConstraint(["lane"], ["lanes.partner"], name="fk_deliveries_lane"),
        sa.PrimaryKeyConstraint("seq", name="pk_deliveries"),
        sa.UniqueConstraint("exchange_id", "lane", name="uq_deliveries_target"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sa.Index("ix_deliveries_open", "lane", "seq", sqlite_where=OPEN),
        sa.Index("ix_deliveries_open_case", "lane", "document_id", "seq", sqlite_where=OPEN),
    )


def upgrade() -> None:
    """Widen two tables, create the new ones."""
    with op.batch_alter_table(
        "document_versions", copy_from=document_versions_0001(), table_kwargs={"sqlite_with_rowid": False}
    ) as versions:
        versions.drop_constraint(op.f("ck_document_versions_form"), type_="check")
        versions.create_check_constraint(
            op.f("ck_document_versions_form"), sa.text("form IN ('inline', 'sealed', 'envelope')")
        )
    with op.batch_alter_table(
        "deliveries", copy_from=deliveries_0001(), table_kwargs={"sqlite_autoincrement": True}
    ) as deliveries:
        deliveries.alter_column(
            "settled_at", existing_type=KEY, existing_nullable=True, comment="set when the worker is done with it"
        )
        deliveries.drop_constraint(op.f("ck_deliveries_state"), type_="check")
        deliveries.create_check_constraint(
            op.f("ck_deliveries_state"),
            sa.text("state IN ('pending', 'in-flight', 'tracking', 'delivered', 'refused', 'unknown', 'failed')"),
        )
    _envelopes()
    _imports()
    _sending_and_polling()


def _envelopes() -> None:
    op.create_table(
        "hub_envelopes",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("number", KEY, nullable=False, comment="hubDeliveryNumber"),
        sa.Column("partner", KEY, nullable=False, comment="who delivered it"),
        sa.Column(
            "recipient", KEY, nullable=False, comment="the partner that may pull it; empty: this instance itself"
        ),
        sa.Column("from_country", KEY, nullable=False),
        sa.Column("to_country", KEY, nullable=False),
        sa.Column("certificate_type", sa.Integer(), nullable=False),
        sa.Column("certificate_status", sa.Integer(), nullable=False),
        sa.Column("certificate_number", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False, comment="hubDeliveryErrorMessage"),
        sa.Column("origin", KEY, nullable=True, comment="number of the envelope that this is a copy of, for a channel"),
        sa.Column("channel", KEY, nullable=True, comment="code of the channel that gets it"),
        sa.Column("size", sa.Integer(), nullable=False, comment="of the content, in bytes"),
        sa.Column(
            "repeat_key",
            sa.LargeBinary(),
            nullable=True,
            comment="the same envelope again has the same; copies have none",
        ),
        sa.Column("created_at", KEY, nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.CheckConstraint(
            "state IN ('PendingDelivery', 'Delivered', 'FailedDelivery', 'DeliveredWithWarnings', "
            "'DeliveredNotReadable')",
            name=op.f("ck_hub_envelopes_state"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_hub_envelopes")),
        sa.UniqueConstraint("number", name=op.f("uq_hub_envelopes_number")),
        sqlite_autoincrement=True,
    )
    _partial_index("ix_hub_envelopes_waiting", "hub_envelopes", ["recipient", "seq"], WAITING)
    _partial_index("ix_hub_envelopes_under_delivery", "hub_envelopes", ["partner", "seq"], SENT)
    _partial_index("uq_hub_envelopes_repeat", "hub_envelopes", ["repeat_key"], WAITING, unique=True)
    _partial_index("ix_hub_envelopes_copies", "hub_envelopes", ["origin", "seq"], COPY)
    op.create_table(
        "hub_envelope_parts",
        sa.Column("seq", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column(
            "content",
            sa.LargeBinary(),
            nullable=False,
            comment="UTF-8 text of Content; a copy reads that of its origin",
        ),
        sa.ForeignKeyConstraint(["seq"], ["hub_envelopes.seq"], name=op.f("fk_hub_envelope_parts_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_hub_envelope_parts")),
    )


def _imports() -> None:
    op.create_table(
        "hub_imports",
        sa.Column("id", KEY, nullable=False, comment="ULID"),
        sa.Column(
            "partner", KEY, nullable=False, comment="where it came from: the hub, or the NPPO that delivered it to us"
        ),
        sa.Column("hub_number", KEY, nullable=False),
        sa.Column("from_country", KEY, nullable=False),
        sa.Column("to_country", KEY, nullable=False),
        sa.Column("certificate_type", sa.Integer(), nullable=False),
        sa.Column("certificate_status", sa.Integer(), nullable=False),
        sa.Column("certificate_number", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False, comment="what the hub is told; empty while undecided"),
        sa.Column("message", sa.Text(), nullable=False, comment="what the hub is told besides"),
        sa.Column("code", sa.Text(), nullable=False, comment="IMG code where it is held or unreadable"),
        sa.Column("exchange_id", KEY, nullable=True, comment="what it became"),
        sa.Column("received_at", KEY, nullable=False),
        sa.Column("updated_at", KEY, nullable=False),
        sa.Column("acknowledged_at", KEY, nullable=True, comment="when the hub had taken our acknowledgement"),
        sa.CheckConstraint("(state = 'pulled') = (verdict = '')", name=op.f("ck_hub_imports_decided")),
        sa.CheckConstraint("acknowledged_at IS NULL OR verdict <> ''", name=op.f("ck_hub_imports_acknowledged")),
        sa.CheckConstraint(
            "state IN ('pulled', 'imported', 'response', 'held', 'unreadable')", name=op.f("ck_hub_imports_state")
        ),
        sa.CheckConstraint("verdict IN ('', 'delivered', 'warnings', 'failed')", name=op.f("ck_hub_imports_verdict")),
        sa.ForeignKeyConstraint(["exchange_id"], ["exchanges.id"], name=op.f("fk_hub_imports_exchange_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_imports")),
        sa.UniqueConstraint("partner", "hub_number", name="uq_hub_imports_number"),
        sqlite_with_rowid=False,
    )
    _partial_index("ix_hub_imports_unfinished", "hub_imports", ["partner", "id"], UNFINISHED)
    op.create_index("ix_hub_imports_state", "hub_imports", ["state", "id"], unique=False)
    op.create_table(
        "hub_import_parts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False, comment="as received"),
        sa.ForeignKeyConstraint(["id"], ["hub_imports.id"], name=op.f("fk_hub_import_parts_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_import_parts")),
    )


def _sending_and_polling() -> None:
    op.create_table(
        "hub_trackings",
        sa.Column("delivery_id", KEY, nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="the hub that gave the number"),
        sa.Column("number", KEY, nullable=False, comment="hubDeliveryNumber"),
        sa.Column("state", sa.Text(), nullable=False, comment="the hub's word, as it was heard last"),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", KEY, nullable=False),
        sa.Column("checked_at", KEY, nullable=True, comment="when the hub was asked last, or told us"),
        sa.Column("next_check_at", KEY, nullable=False),
        sa.Column("settled_at", KEY, nullable=True, comment="set when the hub's word is final"),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_hub_trackings_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_hub_trackings")),
        sqlite_with_rowid=False,
    )
    _partial_index("ix_hub_trackings_open", "hub_trackings", ["partner", "next_check_at", "delivery_id"], OPEN)
    op.create_index("ix_hub_trackings_number", "hub_trackings", ["number", "partner"], unique=False)
    op.create_table(
        "pollers",
        sa.Column("partner", KEY, nullable=False, comment="no foreign key: this instance may poll itself"),
        sa.Column(
            "fence", sa.BigInteger(), nullable=False, comment="counts the leases; only the newest may give it back"
        ),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", KEY, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, comment="rounds in a row without an answer"),
        sa.Column("not_before", KEY, nullable=False),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_pollers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "partner_lists",
        sa.Column("partner", KEY, nullable=False),
        sa.Column("list", KEY, nullable=False),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="1 for the first; a row per change, never overwritten"
        ),
        sa.Column("fetched_at", KEY, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="the list's rows as JSON"),
        sa.PrimaryKeyConstraint("partner", "list", "version", name="pk_partner_lists"),
    )


def _partial_index(name: str, table: str, columns: list[str], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
