"""The tables of reference data: what operators add to, close in and import into the lists and maps of the files.

::

    reference_tables    which tables there are: rows refer to them by number
    reference_changes   one row per change that somebody began; nobody sees it before it is published
    reference_editions  the published ones, numbered without gaps: two publishers of one number cannot both win
    reference_rows      codes and lines of maps, each of the change that added it
    reference_closings  the last days of rows, each of the change that closed it
    reference_counts    how much each portion of a change added and closed: sizes without counting 10^6 rows
    reference_lists     lists that come as a whole (trees, posts, sections), each of the change that brought it
    reference_bases     the tables of the files as they were read, by digest: a past version is built from them again

Nothing here is ever overwritten (R-11-1): triggers hold that no row of any of them changes, that nothing is added to a
published change or taken from it, and that an edition has an author, a reason and a day. A change that never was
published may be forgotten.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from gateway.store.tables import Key, Sequence, metadata

__all__ = [
    "reference_bases",
    "reference_changes",
    "reference_closings",
    "reference_counts",
    "reference_editions",
    "reference_lists",
    "reference_rows",
    "reference_tables",
]

reference_tables = Table(
    "reference_tables",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("kind", Key, nullable=False),
    Column("system", Key, nullable=False),
    Column("list", Key, nullable=False),
    Column("partner", Key, nullable=False, comment="whose overlay it is; empty for everybody's"),
    CheckConstraint("kind IN ('code', 'map')", name="kind"),
    UniqueConstraint("kind", "system", "list", "partner", name="uq_reference_tables_key"),
    sqlite_autoincrement=True,
)

reference_changes = Table(
    "reference_changes",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("made_at", Key, nullable=False),
    Column("author", Key, nullable=False),
    sqlite_autoincrement=True,
)

reference_editions = Table(
    "reference_editions",
    metadata,
    Column("number", Sequence, primary_key=True, autoincrement=False),
    Column("change_id", Sequence, ForeignKey("reference_changes.id"), nullable=False, unique=True),
    Column("made_at", Key, nullable=False),
    Column("author", Key, nullable=False),
    Column("reason", Text, nullable=False),
    Column("kind", Key, nullable=False),
    Column("effective_on", Key, nullable=False, comment="ISO day"),
    Column("source", Text, nullable=False),
    Column("added", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    Column("release_limit", Integer, nullable=False, comment="of messages in quarantine, as confirmed"),
    CheckConstraint("kind IN ('change', 'import', 'load', 'confirm')", name="kind"),
)

reference_rows = Table(
    "reference_rows",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("change_id", Sequence, nullable=False, comment="no foreign key, nor the next: two checks for each of 10^6"),
    Column("table_id", Sequence, nullable=False),
    Column("code", Key, nullable=False),
    Column("canonical", Key, nullable=False),
    Column("context", Key, nullable=False),
    Column("direction", Key, nullable=False),
    Column("loss", Key, nullable=False),
    Column("valid_from", Key, nullable=False, comment="ISO day; empty: open, as the next"),
    Column("valid_to", Key, nullable=False),
    Column("grade", Key, nullable=False),
    Column("text", Text, nullable=False, comment="evidence of a map's row, note of a code"),
    Column("name", Text, nullable=False),
    Column("parent", Key, nullable=False),
    Column("labels", Text, nullable=False, comment="JSON, language to text; empty for none"),
    sqlite_autoincrement=True,
)
Index("ix_reference_rows_code", reference_rows.c.table_id, reference_rows.c.code, reference_rows.c.seq)
_MAPPED = text("canonical <> ''")
Index(
    "ix_reference_rows_canonical",
    reference_rows.c.table_id,
    reference_rows.c.canonical,
    sqlite_where=_MAPPED,
    postgresql_where=_MAPPED,
)
Index("ix_reference_rows_change", reference_rows.c.change_id, reference_rows.c.table_id, reference_rows.c.seq)

reference_closings = Table(
    "reference_closings",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("change_id", Sequence, nullable=False, comment="no foreign key, as for rows"),
    Column("table_id", Sequence, nullable=False),
    Column("row_id", Key, nullable=False),
    Column("last_day", Key, nullable=False, comment="ISO day; empty: withdrawn"),
    sqlite_autoincrement=True,
)
Index("ix_reference_closings_row", reference_closings.c.table_id, reference_closings.c.row_id)
Index("ix_reference_closings_change", reference_closings.c.change_id, reference_closings.c.seq)

reference_counts = Table(
    "reference_counts",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("change_id", Sequence, ForeignKey("reference_changes.id"), nullable=False),
    Column("table_id", Sequence, ForeignKey("reference_tables.id"), nullable=False),
    Column("added", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_reference_counts_change", reference_counts.c.change_id, reference_counts.c.table_id)

reference_lists = Table(
    "reference_lists",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("change_id", Sequence, ForeignKey("reference_changes.id"), nullable=False),
    Column("name", Key, nullable=False),
    Column("content", LargeBinary, nullable=False, comment="CSV"),
    UniqueConstraint("change_id", "name", name="uq_reference_lists_name"),
    sqlite_autoincrement=True,
)
Index("ix_reference_lists_name", reference_lists.c.name, reference_lists.c.change_id)

reference_bases = Table(
    "reference_bases",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("made_at", Key, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

_OF_A_CHANGE: Final = ("reference_rows", "reference_closings", "reference_counts", "reference_lists")
_FINAL: Final = ("reference_editions", "reference_tables", "reference_bases")
_ALL: Final = (*_OF_A_CHANGE, *_FINAL, "reference_changes")
_TABLE: Final = "kind = NEW.kind AND system = NEW.system AND list = NEW.list AND partner = NEW.partner"
_KEYS: Final = {
    **dict.fromkeys(_OF_A_CHANGE, "seq = NEW.seq"),
    "reference_lists": "seq = NEW.seq OR change_id = NEW.change_id AND name = NEW.name",
    "reference_editions": "number = NEW.number OR change_id = NEW.change_id",
    "reference_tables": f"id = NEW.id OR {_TABLE}",
    "reference_bases": "digest = NEW.digest",
    "reference_changes": "id = NEW.id",
}
"""What a row must not share with another, per table. SQLite's INSERT OR REPLACE would delete the other one, without a
word to the triggers of DELETE."""
_UNSAID: Final = "an edition has an author, a reason and a day"
"""Held by triggers, not by constraints: editions that are there are not judged, and no table is written anew."""


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
    statements += [
        f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name} "  # noqa: S608 - constants of this module
        f"WHEN EXISTS (SELECT 1 FROM {name} WHERE {key}) {stop.format(name=name)}"
        for name, key in _KEYS.items()
    ]
    statements.append(
        "CREATE TRIGGER reference_editions_said BEFORE INSERT ON reference_editions "
        "WHEN trim(NEW.author) = '' OR trim(NEW.reason) = '' "
        "OR NEW.effective_on NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' "
        f"BEGIN SELECT RAISE(ABORT, '{_UNSAID}'); END"
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
    statements += [
        (
            "CREATE FUNCTION reference_editions_said() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF trim(NEW.author) = '' OR trim(NEW.reason) = '' "
            "OR NEW.effective_on !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN "
            f"RAISE EXCEPTION '{_UNSAID}'; END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER reference_editions_said BEFORE INSERT ON reference_editions FOR EACH ROW "
            "EXECUTE FUNCTION reference_editions_said()"
        ),
    ]
    return tuple(statements)


@event.listens_for(metadata, "after_create")
def _guard(_metadata: MetaData, connection: Connection, **_: object) -> None:
    """The migration holds the same; a test compares them."""
    for statement in _sqlite_guard() if connection.dialect.name == "sqlite" else _postgresql_guard():
        connection.exec_driver_sql(statement)
