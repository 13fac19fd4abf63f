"""The tables of the quantity ledger: what a CHED certifies, what declarations hold of it and have taken.

::

    ledgers             one per CHED, from when it can be reserved on
    ledger_lines        its lines: certified, carried, reserved, consumed
    ledger_entries      every movement, append only: a trigger moves the totals of the line with it
    ledger_allocations  what stands now, per declaration, goods item and line
    customs_reports     customs documents reported for a CHED (II.23)
    customs_declarations  when the newest message about a declaration was sent, whether it moved anything or not

The position of a line is the sum of its entries, because nothing else moves it: a line begins with nothing, an entry
moves it, and no other UPDATE, no DELETE, no REPLACE and no TRUNCATE of lines or entries is let through. On PostgreSQL
the guard of a line asks whether a trigger is at work, on SQLite whether the UPDATE names a new entry and moves what
that entry says. That nothing is sold twice is a CHECK: carried, reserved and consumed never exceed what is certified.

Quantities are quanta, at most 10^18, so that no sum of two leaves 64 bits.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from gateway.store.tables import Key, Sequence, metadata

__all__ = [
    "TOTALS",
    "customs_declarations",
    "customs_reports",
    "ledger_allocations",
    "ledger_entries",
    "ledger_lines",
    "ledgers",
    "moved",
]

_MOST: Final = "1000000000000000000"
_DECLARED: Final = "declaration_type IN ('MRN', 'LRN')"

ledgers = Table(
    "ledgers",
    metadata,
    Column("ched_id", Key, ForeignKey("cheds.id"), primary_key=True),
    Column("version", Integer, nullable=False, comment="counts the changes, 1 for the opening"),
    Column("frozen", Text, nullable=False, comment="why nothing can be reserved; empty when it can"),
    Column("opened_at", Key, nullable=False),
    sqlite_with_rowid=False,
)

ledger_lines = Table(
    "ledger_lines",
    metadata,
    Column("ched_id", Key, ForeignKey("ledgers.ched_id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("code", Key, nullable=False, comment="CN digits as in the CHED"),
    Column("unit", Key, nullable=False),
    Column("dimension", Key, nullable=False),
    Column("certified", BigInteger, nullable=False, comment="quanta, as the next three"),
    Column("carried", BigInteger, nullable=False, comment="drawn by CHEDs that follow this one"),
    Column("reserved", BigInteger, nullable=False),
    Column("consumed", BigInteger, nullable=False),
    Column("entry", Sequence, nullable=False, comment="the newest that moved it"),
    CheckConstraint(f"certified >= 0 AND certified <= {_MOST}", name="certified"),
    CheckConstraint("carried >= 0 AND reserved >= 0 AND consumed >= 0", name="whole"),
    CheckConstraint("carried + reserved + consumed <= certified", name="never_oversold"),
    PrimaryKeyConstraint("ched_id", "line"),
    sqlite_with_rowid=False,
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("ched_id", Key, nullable=False, comment="the trigger sees that there is such a line: no foreign key"),
    Column("line", Integer, nullable=False),
    Column("version", Integer, nullable=False, comment="of the ledger after it"),
    Column("at", Key, nullable=False, comment="when it was recorded"),
    Column("kind", Key, nullable=False),
    Column("quanta", BigInteger, nullable=False),
    Column("declaration_type", Key, nullable=False, comment="MRN, LRN; empty, as all below, where there is none"),
    Column("declaration", Key, nullable=False),
    Column("goods_item", Integer, nullable=False),
    Column("quantity", Key, nullable=False, comment="as declared, as the unit"),
    Column("unit", Key, nullable=False),
    Column("class_code", Key, nullable=False),
    Column("office", Key, nullable=False),
    Column("event_at", Key, nullable=False),
    Column("other", Key, nullable=False, comment="reference of the CHED that carries it"),
    Column("partner", Key, nullable=False),
    Column("prefix", Key, nullable=False),
    Column("message_id", Key, nullable=False),
    Column("exchange_id", Key, nullable=False, comment="no foreign key: the exchange is written last"),
    Column("actor", Key, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint(
        "kind IN ('certified', 'reserved', 'returned', 'consumed', 'forced', 'reversed', 'carried', 'released')",
        name="kind",
    ),
    CheckConstraint(f"quanta > 0 AND quanta <= {_MOST}", name="quanta"),
    CheckConstraint(
        f"CASE WHEN kind IN ('certified', 'carried', 'released') THEN declaration = '' AND declaration_type = '' "
        f"ELSE declaration <> '' AND {_DECLARED} END",
        name="declared",
    ),
    sqlite_autoincrement=True,
)
Index("ix_ledger_entries_ched", ledger_entries.c.ched_id, ledger_entries.c.seq)
_OF_A_DECLARATION = text("declaration <> ''")
Index(
    "ix_ledger_entries_declaration",
    ledger_entries.c.ched_id,
    ledger_entries.c.declaration,
    ledger_entries.c.declaration_type,
    ledger_entries.c.event_at,
    sqlite_where=_OF_A_DECLARATION,
    postgresql_where=_OF_A_DECLARATION,
)

ledger_allocations = Table(
    "ledger_allocations",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("ched_id", Key, nullable=False),
    Column("line", Integer, nullable=False),
    Column("declaration_type", Key, nullable=False),
    Column("declaration", Key, nullable=False),
    Column("goods_item", Integer, nullable=False),
    Column("state", Key, nullable=False),
    Column("quanta", BigInteger, nullable=False),
    Column("quantity", Key, nullable=False, comment="as declared, as the unit"),
    Column("unit", Key, nullable=False),
    Column("class_code", Key, nullable=False, comment="six digits"),
    Column("office", Key, nullable=False),
    Column("partner", Key, nullable=False, comment="who holds it"),
    Column("event_at", Key, nullable=False, comment="SendingDate of the message that led to it"),
    CheckConstraint("state IN ('reserved', 'consumed')", name="state"),
    CheckConstraint(_DECLARED, name="declared"),
    CheckConstraint("quanta > 0", name="quanta"),
    ForeignKeyConstraint(
        ["ched_id", "line"], ["ledger_lines.ched_id", "ledger_lines.line"], name="fk_ledger_allocations_line"
    ),
    UniqueConstraint(
        "ched_id", "declaration", "declaration_type", "goods_item", "line", name="uq_ledger_allocations_item"
    ),
    sqlite_autoincrement=True,
)
Index("ix_ledger_allocations_declaration", ledger_allocations.c.declaration, ledger_allocations.c.ched_id)

customs_reports = Table(
    "customs_reports",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("ched_id", Key, ForeignKey("cheds.id"), nullable=False),
    Column("document", Key, nullable=False, comment="MRN or LRN"),
    Column("type_code", Key, nullable=False, comment="customs document code; empty where it is unknown"),
    Column("office", Key, nullable=False),
    Column("at", Key, nullable=False),
    Column("exchange_id", Key, nullable=False, comment="no foreign key: the exchange is written last"),
    UniqueConstraint("ched_id", "document", "type_code", name="uq_customs_reports_document"),
    sqlite_autoincrement=True,
)
Index("ix_customs_reports_document", customs_reports.c.document, customs_reports.c.ched_id)

customs_declarations = Table(
    "customs_declarations",
    metadata,
    Column("ched_id", Key, ForeignKey("cheds.id"), nullable=False),
    Column("declaration", Key, nullable=False),
    Column("declaration_type", Key, nullable=False),
    Column("partner", Key, nullable=False, comment="who sent it"),
    Column("sent_at", Key, nullable=False, comment="SendingDate of its newest message that was judged"),
    CheckConstraint(_DECLARED, name="declared"),
    PrimaryKeyConstraint("ched_id", "declaration", "declaration_type", "partner"),
    sqlite_with_rowid=False,
)

_MOVES: Final = {
    "certified": {"certified": "+"},
    "carried": {"carried": "+", "released": "-"},
    "reserved": {"reserved": "+", "returned": "-", "consumed": "-"},
    "consumed": {"consumed": "+", "forced": "+", "reversed": "-"},
}
"""Per total of a line, the kinds of entries that move it and which way. `ledger_checks.py` adds up by the same."""


TOTALS: Final = tuple(_MOVES)
"""Of a line, by their columns."""


def moved(total: str, entry: str) -> str:
    """SQL for what an entry adds to a total of its line.

    Args:
        total: name of the column.
        entry: how the row of the entry is called there, with its dot; may be empty.
    """
    cases = " ".join(f"WHEN '{kind}' THEN {sign}{entry}quanta" for kind, sign in _MOVES[total].items())
    return f"CASE {entry}kind {cases} ELSE 0 END"


_MOVE: Final = (
    "UPDATE ledger_lines SET "  # noqa: S608 - constants of this module
    + ", ".join(f"{total} = {total} + {moved(total, 'NEW.')}" for total in TOTALS)
    + ", entry = NEW.seq WHERE ched_id = NEW.ched_id AND line = NEW.line"
)
_FINAL: Final = "ledger_entries is append only"
_BY_ENTRIES: Final = "ledger_lines change by their entries alone"
_NO_LINE: Final = "the ledger has no such line"
_SOMETHING: Final = " OR ".join(f"NEW.{total} <> 0" for total in TOTALS)


def _sqlite_guard() -> tuple[str, ...]:
    same = " AND ".join(f"NEW.{name} = OLD.{name}" for name in ("ched_id", "line", "code", "unit", "dimension"))
    moves = " AND ".join(f"NEW.{total} = OLD.{total} + {moved(total, 'e.')}" for total in TOTALS)
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


@event.listens_for(metadata, "after_create")
def _guard(_metadata: MetaData, connection: Connection, **_: object) -> None:
    """The migration holds the same; a test compares them."""
    for statement in _sqlite_guard() if connection.dialect.name == "sqlite" else _postgresql_guard():
        connection.exec_driver_sql(statement)
