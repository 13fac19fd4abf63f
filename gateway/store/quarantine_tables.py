"""The tables of quarantine: messages that are right in all but their codes, and which codes those are.

::

    quarantine           one row per held message; its bytes stay where they came (exchange, import or delivery)
    quarantine_gaps      one row per code without an answer
    quarantine_releases  how many an edition of the tables has released by itself: compare and set

What is held is asked for all day ("is this one held", "what was not judged with these tables yet"), so those indexes
are partial and hold the held rows only.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from gateway.store.tables import Key, metadata

__all__ = ["quarantine", "quarantine_gaps", "quarantine_releases"]

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Key, primary_key=True, comment="ULID"),
    Column("direction", Text, nullable=False),
    Column("contract", Key, nullable=False),
    Column("operation", Text, nullable=False),
    Column("partner", Key, nullable=False, comment="who sent it; of an outgoing one, who is to get it"),
    Column("subject", Key, nullable=False, comment="identity of the document"),
    Column("status_code", Key, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the verified document"),
    Column("sender_message_id", Key),
    Column("held_in", Key, nullable=False, comment="the exchange, import or delivery that has the bytes"),
    Column("transport", Text, nullable=False, comment="JSON: how it came"),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False, comment="IMG code of the first gap; later of what stood against its release"),
    Column("tables", Text, nullable=False, comment="version of the tables that could not translate it"),
    Column("judged", Key, nullable=False, comment="version and day of the tables that it was judged with last"),
    Column("answer", Text, nullable=False, comment="JSON: what its sender was told"),
    Column("exchange_id", Key, comment="what it became"),
    Column("counted", Integer, comment="the edition that its release by itself was counted against"),
    Column("actor", Key, nullable=False, comment="who changed its state last"),
    Column("reason", Text, nullable=False),
    Column("received_at", Key, nullable=False),
    Column("updated_at", Key, nullable=False),
    CheckConstraint("direction IN ('in', 'out')", name="direction"),
    CheckConstraint("state IN ('held', 'released', 'discarded', 'superseded')", name="state"),
    sqlite_with_rowid=False,
)
_HELD = text("state = 'held'")
_ONE_OF_A_KIND = text(
    "state = 'held' AND contract <> 'ippc-hub'"
)  # the hub numbers its envelopes, each is held by itself
Index(
    "uq_quarantine_held",
    quarantine.c.partner,
    quarantine.c.subject,
    quarantine.c.status_code,
    quarantine.c.contract,
    quarantine.c.direction,
    unique=True,
    sqlite_where=_ONE_OF_A_KIND,
    postgresql_where=_ONE_OF_A_KIND,
)
Index("ix_quarantine_judged", quarantine.c.judged, quarantine.c.id, sqlite_where=_HELD, postgresql_where=_HELD)
Index("ix_quarantine_message_id", quarantine.c.partner, quarantine.c.sender_message_id)
Index("ix_quarantine_subject", quarantine.c.subject, quarantine.c.id)
Index("ix_quarantine_held_in", quarantine.c.held_in)

quarantine_gaps = Table(
    "quarantine_gaps",
    metadata,
    Column("quarantine_id", Key, ForeignKey("quarantine.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("source", Key, nullable=False, comment="code system"),
    Column("target", Key, nullable=False),
    Column("list", Key, nullable=False),
    Column("code", Key, nullable=False),
    Column("context", Key, nullable=False),
    Column("refusal", Key, nullable=False, comment="IMG-60xx"),
    Column("path", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("needed", Text, nullable=False, comment="the row that is missing, ready to complete"),
    sqlite_with_rowid=False,
)
Index("ix_quarantine_gaps_list", quarantine_gaps.c.list, quarantine_gaps.c.code)
Index("ix_quarantine_gaps_code", quarantine_gaps.c.code)

quarantine_releases = Table(
    "quarantine_releases",
    metadata,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("released", Integer, nullable=False, comment="by themselves; never more than the edition allows"),
    sqlite_with_rowid=False,
)
