"""The tables of CHEDs: the register, what each CHED is found by, files, outages, what waits for the other side.

::

    cheds               one row per CHED as it stands
    ched_terms          (term, seq): what a CHED is found by and who may find it, newest first by the end of the index
    ched_versions       one per write  ── ched_parts (bytes), ched_seals (Article 41)
    ched_links          other CHEDs that one refers to
    ched_numbers        the last number given, per type, country and year
    attachments         ── attachment_parts (bytes), ched_attachments (which CHEDs cite them)
    contingency         what is exchanged when the other side is back, in the order of ``seq``
    outages, notices    when a functionality was away, or will be

A search has about thirty criteria in any combination, so no choice of composite indexes serves them. Instead every
property is a term, as in a text index, and ``ched_finder.py`` intersects the lists of the terms that are asked for.
Dates have indexes of their own. ``seq`` is the order of creation and never changes, so that a list is only added to.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gateway.store.tables import Key, Sequence, metadata

__all__ = [
    "attachment_parts",
    "attachments",
    "ched_attachments",
    "ched_links",
    "ched_numbers",
    "ched_parts",
    "ched_seals",
    "ched_terms",
    "ched_versions",
    "cheds",
    "contingency",
    "notices",
    "outages",
]


def _index(name: str, *columns: Column[str], where: str, unique: bool = False) -> None:
    Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


cheds = Table(
    "cheds",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("id", Key, nullable=False, unique=True, comment="ULID"),
    Column("version", Integer, nullable=False, comment="counts the writes: compare and set"),
    Column("content_id", Key, nullable=False, comment="the version that brought the document as it stands"),
    Column("reference", Key, nullable=False, comment="I.2; empty until it is given"),
    Column("local_reference", Key, nullable=False, comment="I.3"),
    Column("type", Key, nullable=False),
    Column("status_code", Key, nullable=False),
    Column("purpose", Key, nullable=False),
    Column("conclusion", Key, nullable=False),
    Column("pending", Key, nullable=False),
    Column("partner", Key, nullable=False, comment="who created it"),
    Column("body", Key, nullable=False),
    Column("post_code", Key, nullable=False),
    Column("post_locode", Key, nullable=False),
    Column("entry_country", Key, nullable=False),
    Column("dispatch_country", Key, nullable=False),
    Column("destination_country", Key, nullable=False),
    Column("transfer_country", Key, nullable=False),
    Column("issuance_country", Key, nullable=False),
    Column("consignor_country", Key, nullable=False),
    Column("consignor_name", Text, nullable=False),
    Column("consignee_country", Key, nullable=False),
    Column("consignee_name", Text, nullable=False),
    Column("transshipped", Boolean, nullable=False),
    Column("transfer", Boolean, nullable=False),
    Column("plant_health_non_compliance", Boolean, nullable=False),
    Column("pending_laboratory_tests", Boolean, nullable=False),
    Column("requires_follow_up", Boolean, nullable=False),
    Column("signed", Boolean, nullable=False),
    Column("contingency", Boolean, nullable=False),
    Column("refused", Boolean, nullable=False),
    Column("lists", Text, nullable=False, comment="what there may be several of, as JSON"),
    Column("terms", Text, nullable=False, comment="its rows of ched_terms, as JSON"),
    Column("created_at", Key, nullable=False),
    Column("updated_at", Key, nullable=False),
    Column("status_changed_at", Key, nullable=False),
    Column("declared_at", Key),
    Column("decided_at", Key),
    Column("prior_notification_at", Key),
    sqlite_autoincrement=True,
)
_index("uq_cheds_reference", cheds.c.reference, where="reference <> ''", unique=True)
_index("ix_cheds_local_reference", cheds.c.local_reference, cheds.c.seq, where="local_reference <> ''")
_index("ix_cheds_pending", cheds.c.seq, where="pending <> ''")
Index("ix_cheds_created_at", cheds.c.created_at, cheds.c.seq)
Index("ix_cheds_updated_at", cheds.c.updated_at, cheds.c.seq)
Index("ix_cheds_status_changed_at", cheds.c.status_changed_at, cheds.c.seq)
for _name in ("declared_at", "decided_at", "prior_notification_at"):
    _index(f"ix_cheds_{_name}", cheds.c[_name], cheds.c.seq, where=f"{_name} IS NOT NULL")

ched_terms = Table(
    "ched_terms",
    metadata,
    Column("term", Key, nullable=False),
    Column("seq", Sequence, nullable=False, comment="no foreign key: thirty checks a write"),
    PrimaryKeyConstraint("term", "seq"),
    sqlite_with_rowid=False,
)

ched_versions = Table(
    "ched_versions",
    metadata,
    Column("id", Key, primary_key=True, comment="ULID; that of the exchange where a message made it"),
    Column("ched_id", Key, ForeignKey("cheds.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="1 for the first"),
    Column("exchange_id", Key, ForeignKey("exchanges.id"), unique=True),
    Column("status_code", Key, nullable=False, comment="the one that it led to"),
    Column("part", Key, nullable=False, comment="I, II, III; empty when no part was written"),
    Column("operation", Text, nullable=False),
    Column("partner", Key, nullable=False, comment="who wrote"),
    Column("body", Key, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at", Key, nullable=False),
    Column("tables", Key, comment="version of the mapping tables that its translation used"),
    CheckConstraint("part IN ('', 'I', 'II', 'III')", name="part"),
    UniqueConstraint("ched_id", "number", name="uq_ched_versions_number"),
    sqlite_with_rowid=False,
)

ched_parts = Table(
    "ched_parts",
    metadata,
    Column("version_id", Key, ForeignKey("ched_versions.id"), primary_key=True),
    Column("laboratory_tests", LargeBinary),
    Column("original", LargeBinary, comment="as submitted, where its codes are others"),
    Column("content", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

ched_seals = Table(
    "ched_seals",
    metadata,
    Column("version_id", Key, ForeignKey("ched_versions.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("role", Key, nullable=False),
    Column("verdict", Text, nullable=False, comment="JSON"),
    Column("content", LargeBinary, nullable=False, comment="the file that bears the signature"),
    CheckConstraint("role IN ('operator', 'officer', 'authority', 'traces', 'transmission')", name="role"),
    PrimaryKeyConstraint("version_id", "number"),
)

ched_links = Table(
    "ched_links",
    metadata,
    Column("ched_id", Key, ForeignKey("cheds.id"), nullable=False),
    Column("relation", Key, nullable=False),
    Column("reference", Key, nullable=False),
    PrimaryKeyConstraint("ched_id", "relation", "reference"),
    sqlite_with_rowid=False,
)
Index("ix_ched_links_reference", ched_links.c.reference, ched_links.c.ched_id)

ched_numbers = Table(
    "ched_numbers",
    metadata,
    Column("type", Key, nullable=False),
    Column("country", Key, nullable=False),
    Column("year", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("type", "country", "year"),
    sqlite_with_rowid=False,
)

attachments = Table(
    "attachments",
    metadata,
    Column("document_id", Sequence, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", Integer, nullable=False, comment="bytes"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256"),
    Column("partner", Key, nullable=False, comment="who uploaded it"),
    Column("body", Key, nullable=False),
    Column("upstream", Key, nullable=False, comment="its document id at the instance upstream"),
    Column("created_at", Key, nullable=False),
    sqlite_autoincrement=True,
)

attachment_parts = Table(
    "attachment_parts",
    metadata,
    Column("document_id", Sequence, ForeignKey("attachments.document_id"), primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

ched_attachments = Table(
    "ched_attachments",
    metadata,
    Column("document_id", Sequence, ForeignKey("attachments.document_id"), nullable=False),
    Column("ched_id", Key, ForeignKey("cheds.id"), nullable=False),
    PrimaryKeyConstraint("document_id", "ched_id"),
    sqlite_with_rowid=False,
)

contingency = Table(
    "contingency",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("ched_id", Key, ForeignKey("cheds.id"), nullable=False),
    Column("version_id", Key, ForeignKey("ched_versions.id"), nullable=False),
    Column("partner", Key, nullable=False, comment="where it goes"),
    Column("operation", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, comment="also the fence: who claims it counts up"),
    Column("reference", Key, nullable=False, comment="I.2 as the other side gave it"),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("created_at", Key, nullable=False),
    Column("updated_at", Key, nullable=False),
    CheckConstraint("state IN ('waiting', 'unknown', 'exchanged', 'refused')", name="state"),
    UniqueConstraint("version_id", "partner", name="uq_contingency_step"),
    sqlite_autoincrement=True,
)
_index("ix_contingency_open", contingency.c.partner, contingency.c.seq, where="state = 'waiting' OR state = 'unknown'")

outages = Table(
    "outages",
    metadata,
    Column("id", Key, primary_key=True, comment="ULID"),
    Column("partner", Key, nullable=False),
    Column("functionality", Key, nullable=False),
    Column("began_at", Key, nullable=False),
    Column("ended_at", Key),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)
_index("uq_outages_open", outages.c.partner, outages.c.functionality, where="ended_at IS NULL", unique=True)

notices = Table(
    "notices",
    metadata,
    Column("id", Key, primary_key=True, comment="ULID"),
    Column("partner", Key, nullable=False),
    Column("functionality", Key, nullable=False),
    Column("begins_at", Key, nullable=False),
    Column("ends_at", Key),
    Column("announced_at", Key, nullable=False),
    Column("reason", Text, nullable=False),
    Column("withdrawn_at", Key),
    UniqueConstraint("partner", "functionality", "begins_at", name="uq_notices_begin"),
    sqlite_with_rowid=False,
)
Index("ix_notices_begins_at", notices.c.begins_at)
