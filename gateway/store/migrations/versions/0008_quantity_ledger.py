"""The quantity ledger of CHEDs: lines, entries, allocations, and the customs documents that were reported.

Frozen: later changes are later revisions. What the columns mean stands in ``gateway/store/ledger_tables.py``.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_MOST: Final = "1000000000000000000"
_DECLARED: Final = "declaration_type IN ('MRN', 'LRN')"
_MOVES: Final = {
    "certified": {"certified": "+"},
    "carried": {"carried": "+", "released": "-"},
    "reserved": {"reserved": "+", "returned": "-", "consumed": "-"},
    "consumed": {"consumed": "+", "forced": "+", "reversed": "-"},
}


def _moved(total: str, entry: str) -> str:
    """What an entry adds to a total of its line."""
    cases = " ".join(f"WHEN '{kind}' THEN {sign}{entry}quanta" for kind, sign in _MOVES[total].items())
    return f"CASE {entry}kind {cases} ELSE 0 END"


_TOTALS: Final = tuple(_MOVES)
_MOVE: Final = (
    "UPDATE ledger_lines SET "  # noqa: S608 - constants of this module
    + ", ".join(f"{total} = {total} + {_moved(total, 'NEW.')}" for total in _TOTALS)
    + ", entry = NEW.seq WHERE ched_id = NEW.ched_id AND line = NEW.line"
)
_FINAL: Final = "ledger_entries is append only"
_BY_ENTRIES: Final = "ledger_lines change by their entries alone"
_NO_LINE: Final = "the ledger has no such line"
_SOMETHING: Final = " OR ".join(f"NEW.{total} <> 0" for total in _TOTALS)


def _sqlite_guard() -> tuple[str, ...]:
    same = " AND ".join(f"NEW.{name} = OLD.{name}" for name in ("ched_id", "line", "code", "unit", "dimension"))
    moves = " AND ".join(f"NEW.{total} = OLD.{total} + {_moved(total, 'e.')}" for total in _TOTALS)
    ours = f"e.seq = NEW.entry AND e.seq > OLD.entry AND e.ched_id = OLD.ched_id AND e.line = OLD.line AND {same}"
    rules = (
        ("ledger_entries_no_update", "BEFORE UPDATE ON ledger_entries", "", _FINAL),
        ("ledger_entries_no_delete", "BEFORE DELETE ON ledger_entries", "", _FINAL),
        (
            "ledger_entries_no_replace",
            "BEFORE INSERT ON ledger_entries",
            "EXISTS (SELECT 1 FROM ledger_entries WHERE seq = NEW.seq)",
            _FINAL,
        ),
        (
            "ledger_entries_line",
            "BEFORE INSERT ON ledger_entries",
            "NOT EXISTS (SELECT 1 FROM ledger_lines WHERE ched_id = NEW.ched_id AND line = NEW.line)",
            _NO_LINE,
        ),
        (
            "ledger_lines_no_update",
            "BEFORE UPDATE ON ledger_lines",
            f"NOT EXISTS (SELECT 1 FROM ledger_entries e WHERE {ours} AND {moves})",  # noqa: S608 - as above
            _BY_ENTRIES,
        ),
        ("ledger_lines_no_delete", "BEFORE DELETE ON ledger_lines", "", _BY_ENTRIES),
        (
            "ledger_lines_empty",
            "BEFORE INSERT ON ledger_lines",
            f"{_SOMETHING} OR EXISTS (SELECT 1 FROM ledger_lines WHERE ched_id = NEW.ched_id AND line = NEW.line)",  # noqa: S608 - as above
            _BY_ENTRIES,
        ),
    )
    guards = tuple(
        f"CREATE TRIGGER {name} {when} {f'WHEN {only} ' if only else ''}BEGIN SELECT RAISE(ABORT, '{why}'); END"
        for name, when, only, why in rules
    )
    return (*guards, f"CREATE TRIGGER ledger_entries_moved AFTER INSERT ON ledger_entries BEGIN {_MOVE}; END")


def _postgresql_guard() -> tuple[str, ...]:
    raises = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{}'; END $$"
    return (
        f"CREATE FUNCTION ledger_append_only() {raises.format(_FINAL)}",
        f"CREATE FUNCTION ledger_by_entries() {raises.format(_BY_ENTRIES)}",
        (
            f"CREATE FUNCTION ledger_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_MOVE}; "
            f"IF NOT FOUND THEN RAISE EXCEPTION '{_NO_LINE}'; END IF; RETURN NULL; END $$"
        ),
        (
            "CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries "
            "EXECUTE FUNCTION ledger_append_only()"
        ),
        (
            "CREATE TRIGGER ledger_entries_moved AFTER INSERT ON ledger_entries FOR EACH ROW "
            "EXECUTE FUNCTION ledger_moved()"
        ),
        (
            "CREATE TRIGGER ledger_lines_no_update BEFORE UPDATE ON ledger_lines FOR EACH ROW "
            "WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_by_entries()"
        ),
        (
            "CREATE TRIGGER ledger_lines_no_delete BEFORE DELETE OR TRUNCATE ON ledger_lines "
            "EXECUTE FUNCTION ledger_by_entries()"
        ),
        (
            "CREATE TRIGGER ledger_lines_empty BEFORE INSERT ON ledger_lines FOR EACH ROW "
            f"WHEN ({_SOMETHING}) EXECUTE FUNCTION ledger_by_entries()"
        ),
    )


def upgrade() -> None:
    """Create the tables and their triggers; nothing that is there changes."""
    _lines()
    _entries()
    _others()
    guard = _sqlite_guard() if op.get_bind().dialect.name == "sqlite" else _postgresql_guard()
    for statement in guard:
        op.get_bind().exec_driver_sql(statement)


def _lines() -> None:
    """One ledger per CHED, and its lines."""
    op.create_table(
        "ledgers",
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts the changes, 1 for the opening"),
        sa.Column("frozen", sa.Text(), nullable=False, comment="why nothing can be reserved; empty when it can"),
        sa.Column("opened_at", KEY, nullable=False),
        sa.ForeignKeyConstraint(["ched_id"], ["cheds.id"], name=op.f("fk_ledgers_ched_id")),
        sa.PrimaryKeyConstraint("ched_id", name=op.f("pk_ledgers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_lines",
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("code", KEY, nullable=False, comment="CN digits as in the CHED"),
        sa.Column("unit", KEY, nullable=False),
        sa.Column("dimension", KEY, nullable=False),
        sa.Column("certified", sa.BigInteger(), nullable=False, comment="quanta, as the next three"),
        sa.Column("carried", sa.BigInteger(), nullable=False, comment="drawn by CHEDs that follow this one"),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("consumed", sa.BigInteger(), nullable=False),
        sa.Column("entry", SEQUENCE, nullable=False, comment="the newest that moved it"),
        sa.CheckConstraint(f"certified >= 0 AND certified <= {_MOST}", name=op.f("ck_ledger_lines_certified")),
        sa.CheckConstraint("carried + reserved + consumed <= certified", name=op.f("ck_ledger_lines_never_oversold")),
        sa.CheckConstraint("carried >= 0 AND reserved >= 0 AND consumed >= 0", name=op.f("ck_ledger_lines_whole")),
        sa.ForeignKeyConstraint(["ched_id"], ["ledgers.ched_id"], name=op.f("fk_ledger_lines_ched_id")),
        sa.PrimaryKeyConstraint("ched_id", "line", name=op.f("pk_ledger_lines")),
        sqlite_with_rowid=False,
    )


def _entries() -> None:
    """Every movement."""
    op.create_table(
        "ledger_entries",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("ched_id", KEY, nullable=False, comment="the trigger sees that there is such a line: no foreign key"),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="of the ledger after it"),
        sa.Column("at", KEY, nullable=False, comment="when it was recorded"),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("quanta", sa.BigInteger(), nullable=False),
        sa.Column(
            "declaration_type", KEY, nullable=False, comment="MRN, LRN; empty, as all below, where there is none"
        ),
        sa.Column("declaration", KEY, nullable=False),
        sa.Column("goods_item", sa.Integer(), nullable=False),
        sa.Column("quantity", KEY, nullable=False, comment="as declared, as the unit"),
        sa.Column("unit", KEY, nullable=False),
        sa.Column("class_code", KEY, nullable=False),
        sa.Column("office", KEY, nullable=False),
        sa.Column("event_at", KEY, nullable=False),
        sa.Column("other", KEY, nullable=False, comment="reference of the CHED that carries it"),
        sa.Column("partner", KEY, nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("exchange_id", KEY, nullable=False, comment="no foreign key: the exchange is written last"),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "CASE WHEN kind IN ('certified', 'carried', 'released') THEN declaration = '' AND declaration_type = '' "
            f"ELSE declaration <> '' AND {_DECLARED} END",
            name=op.f("ck_ledger_entries_declared"),
        ),
        sa.CheckConstraint(
            "kind IN ('certified', 'reserved', 'returned', 'consumed', 'forced', 'reversed', 'carried', 'released')",
            name=op.f("ck_ledger_entries_kind"),
        ),
        sa.CheckConstraint(f"quanta > 0 AND quanta <= {_MOST}", name=op.f("ck_ledger_entries_quanta")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_entries")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_entries_ched", "ledger_entries", ["ched_id", "seq"], unique=False)
    declared = sa.text("declaration <> ''")
    op.create_index(
        "ix_ledger_entries_declaration",
        "ledger_entries",
        ["ched_id", "declaration", "declaration_type", "event_at"],
        unique=False,
        sqlite_where=declared,
        postgresql_where=declared,
    )


def _others() -> None:
    """What stands now, and what was reported."""
    op.create_table(
        "ledger_allocations",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("declaration_type", KEY, nullable=False),
        sa.Column("declaration", KEY, nullable=False),
        sa.Column("goods_item", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("quanta", sa.BigInteger(), nullable=False),
        sa.Column("quantity", KEY, nullable=False, comment="as declared, as the unit"),
        sa.Column("unit", KEY, nullable=False),
        sa.Column("class_code", KEY, nullable=False, comment="six digits"),
        sa.Column("office", KEY, nullable=False),
        sa.Column("partner", KEY, nullable=False, comment="who holds it"),
        sa.Column("event_at", KEY, nullable=False, comment="SendingDate of the message that led to it"),
        sa.CheckConstraint(_DECLARED, name=op.f("ck_ledger_allocations_declared")),
        sa.CheckConstraint("quanta > 0", name=op.f("ck_ledger_allocations_quanta")),
        sa.CheckConstraint("state IN ('reserved', 'consumed')", name=op.f("ck_ledger_allocations_state")),
        sa.ForeignKeyConstraint(
            ["ched_id", "line"], ["ledger_lines.ched_id", "ledger_lines.line"], name="fk_ledger_allocations_line"
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_allocations")),
        sa.UniqueConstraint(
            "ched_id", "declaration", "declaration_type", "goods_item", "line", name="uq_ledger_allocations_item"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_allocations_declaration", "ledger_allocations", ["declaration", "ched_id"], unique=False)
    op.create_table(
        "customs_reports",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("ched_id", KEY, nullable=False),
        sa.Column("document", KEY, nullable=False, comment="MRN or LRN"),
        sa.Column("type_code", KEY, nullable=False, comment="customs document code; empty where it is unknown"),
        sa.Column("office", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("exchange_id", KEY, nullable=False, comment="no foreign key: the exchange is written last"),
        sa.ForeignKeyConstraint(["ched_id"], ["cheds.id"], name=op.f("fk_customs_reports_ched_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_customs_reports")),
        sa.UniqueConstraint("ched_id", "document", "type_code", name="uq_customs_reports_document"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_customs_reports_document", "customs_reports", ["document", "ched_id"], unique=False)
