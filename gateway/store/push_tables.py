"""The tables of pushes: which customs system is told of changes of which CHED, and what it is told.

::

    customs_subscriptions  who asked (PushIndication) about which CHED, and until when
    customs_pushes         one row per change and subscription, numbered without a gap ── deliveries, which carry it

A push waits, is sent and is settled as any delivery is: the subscription is the case inside which order is kept.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from gateway.store.tables import Key, metadata

__all__ = ["customs_pushes", "customs_subscriptions"]

customs_subscriptions = Table(
    "customs_subscriptions",
    metadata,
    Column("id", Key, primary_key=True, comment="ULID"),
    Column("partner", Key, ForeignKey("lanes.partner"), nullable=False),
    Column("ched_id", Key, ForeignKey("cheds.id"), nullable=False),
    Column("office", Key, nullable=False, comment="CompetentCustomsOffice of the message that asked"),
    Column("since", Key, nullable=False),
    Column("pushes", Integer, nullable=False, comment="queued so far: the number of the last one"),
    Column("ended_at", Key, comment="while it is empty, changes are pushed"),
    Column("why", Key, nullable=False, comment="it ended: a code; empty while it stands"),
    Column("reason", Key, nullable=False, comment="the operator's words"),
    CheckConstraint("(ended_at IS NULL) = (why = '')", name="ended"),
    CheckConstraint("why IN ('', 'asked', 'ched-ended', 'backlog', 'operator')", name="why"),
    sqlite_with_rowid=False,
)
_ACTIVE = text("ended_at IS NULL")
Index(
    "uq_customs_subscriptions_active",
    customs_subscriptions.c.ched_id,
    customs_subscriptions.c.partner,
    unique=True,
    sqlite_where=_ACTIVE,
    postgresql_where=_ACTIVE,
)
Index(
    "ix_customs_subscriptions_ched",
    customs_subscriptions.c.ched_id,
    customs_subscriptions.c.partner,
    customs_subscriptions.c.id,
)
Index("ix_customs_subscriptions_partner", customs_subscriptions.c.partner, customs_subscriptions.c.id)

customs_pushes = Table(
    "customs_pushes",
    metadata,
    Column("id", Key, primary_key=True, comment="that of its delivery: subscription and number"),
    Column("subscription_id", Key, ForeignKey("customs_subscriptions.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="1 for the first of its subscription"),
    Column("what", Key, nullable=False),
    Column("at", Key, nullable=False),
    Column("content", LargeBinary, nullable=False, comment="the message, as the change left the CHED"),
    CheckConstraint("what IN ('status', 'ledger', 'document')", name="what"),
    CheckConstraint("number > 0", name="numbered"),
    UniqueConstraint("subscription_id", "number", name="uq_customs_pushes_number"),
)
