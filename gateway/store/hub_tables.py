"""The tables of the ePhyto hub's contract: what is delivered to us as a hub, what we fetch from one, what we send.

::

    hub_envelopes     we are the hub: envelopes waiting for their receivers  ── hub_envelope_parts (content)
    hub_imports       envelopes for us: pulled, decided, acknowledged         ── hub_import_parts (bytes as received)
    hub_answers       our answers to imports, each sent until the hub has taken it
    hub_trackings     our deliveries that a hub took and has not finished: one row per delivery
    pollers           one per partner that is polled: lease, fence, circuit
    partner_lists     code lists of a partner, every version of them

The questions that are asked all day ("what waits for me", "what of mine is under way", "what is not acknowledged yet")
have partial indexes that hold the open rows only, so that they cost the same with any number of settled ones.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
    "hub_answers",
    "hub_envelope_parts",
    "hub_envelopes",
    "hub_import_parts",
    "hub_imports",
    "hub_trackings",
    "partner_lists",
    "pollers",
]

hub_envelopes = Table(
    "hub_envelopes",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("number", Key, nullable=False, unique=True, comment="hubDeliveryNumber"),
    Column("partner", Key, nullable=False, comment="who delivered it"),
    Column("recipient", Key, nullable=False, comment="the partner that may pull it; empty: this instance itself"),
    Column("from_country", Key, nullable=False),
    Column("to_country", Key, nullable=False),
    Column("certificate_type", Integer, nullable=False),
    Column("certificate_status", Integer, nullable=False),
    Column("certificate_number", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False, comment="hubDeliveryErrorMessage"),
    Column("origin", Key, comment="number of the envelope that this is a copy of, for a channel"),
    Column("channel", Key, comment="code of the channel that gets it"),
    Column("size", Integer, nullable=False, comment="of the content, in bytes"),
    Column("repeat_key", LargeBinary, comment="the same envelope again has the same; copies have none"),
    Column("created_at", Key, nullable=False),
    Column("updated_at", Key, nullable=False),
    CheckConstraint(
        "state IN ('PendingDelivery', 'Delivered', 'FailedDelivery', 'DeliveredWithWarnings', 'DeliveredNotReadable')",
        name="state",
    ),
    sqlite_autoincrement=True,
)
_WAITING = text("state = 'PendingDelivery'")
_SENT = text("state = 'PendingDelivery' AND origin IS NULL")
_COPY = text("origin IS NOT NULL")
Index(
    "ix_hub_envelopes_waiting",
    hub_envelopes.c.recipient,
    hub_envelopes.c.seq,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index(
    "ix_hub_envelopes_under_delivery",
    hub_envelopes.c.partner,
    hub_envelopes.c.seq,
    sqlite_where=_SENT,
    postgresql_where=_SENT,
)
Index(
    "uq_hub_envelopes_repeat",
    hub_envelopes.c.repeat_key,
    unique=True,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index(
    "ix_hub_envelopes_copies",
    hub_envelopes.c.origin,
    hub_envelopes.c.seq,
    sqlite_where=_COPY,
    postgresql_where=_COPY,
)

hub_envelope_parts = Table(
    "hub_envelope_parts",
    metadata,
    Column("seq", Sequence, ForeignKey("hub_envelopes.seq"), primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False, comment="UTF-8 text of Content; a copy reads that of its origin"),
)

hub_imports = Table(
    "hub_imports",
    metadata,
    Column("id", Key, primary_key=True, comment="ULID"),
    Column("partner", Key, nullable=False, comment="where it came from: the hub, or the NPPO that delivered it to us"),
    Column("hub_number", Key, nullable=False),
    Column("from_country", Key, nullable=False),
    Column("to_country", Key, nullable=False),
    Column("certificate_type", Integer, nullable=False),
    Column("certificate_status", Integer, nullable=False),
    Column("certificate_number", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("verdict", Text, nullable=False, comment="what the hub is told; empty while undecided"),
    Column("message", Text, nullable=False, comment="what the hub is told besides"),
    Column("code", Text, nullable=False, comment="IMG code where it is held or unreadable"),
    Column("exchange_id", Key, ForeignKey("exchanges.id"), comment="what it became"),
    Column("received_at", Key, nullable=False),
    Column("updated_at", Key, nullable=False),
    Column("acknowledged_at", Key, comment="when the hub had taken our acknowledgement"),
    CheckConstraint("state IN ('pulled', 'imported', 'response', 'held', 'unreadable')", name="state"),
    CheckConstraint("verdict IN ('', 'delivered', 'warnings', 'failed')", name="verdict"),
    CheckConstraint("(state = 'pulled') = (verdict = '')", name="decided"),
    CheckConstraint("acknowledged_at IS NULL OR verdict <> ''", name="acknowledged"),
    UniqueConstraint("partner", "hub_number", name="uq_hub_imports_number"),
    sqlite_with_rowid=False,
)
_UNFINISHED = text("acknowledged_at IS NULL")
Index(
    "ix_hub_imports_unfinished",
    hub_imports.c.partner,
    hub_imports.c.id,
    sqlite_where=_UNFINISHED,
    postgresql_where=_UNFINISHED,
)
Index("ix_hub_imports_state", hub_imports.c.state, hub_imports.c.id)

hub_import_parts = Table(
    "hub_import_parts",
    metadata,
    Column("id", Key, ForeignKey("hub_imports.id"), primary_key=True),
    Column("envelope", LargeBinary, nullable=False, comment="as received"),
)

hub_answers = Table(
    "hub_answers",
    metadata,
    Column("id", Key, primary_key=True, comment="ULID"),
    Column("import_id", Key, ForeignKey("hub_imports.id"), nullable=False, comment="what it answers"),
    Column("hub", Key, nullable=False, comment="the partner that it goes through; empty: our own stand-in"),
    Column("status", Integer, nullable=False, comment="UN/CEFACT 4405"),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False, comment="the request, the same bytes at each attempt"),
    Column("state", Text, nullable=False),
    Column("number", Key, nullable=False, comment="hubDeliveryNumber; empty until the hub has taken it"),
    Column("said", Text, nullable=False, comment="the hub's word, as it was heard last"),
    Column("message", Text, nullable=False, comment="the hub's text, or what went wrong"),
    Column("code", Text, nullable=False),
    Column("attempts", Integer, nullable=False, comment="also the fence: who claims it counts up"),
    Column("next_attempt_at", Key, nullable=False, comment="when to send, to look, or to ask again"),
    Column("created_at", Key, nullable=False),
    Column("updated_at", Key, nullable=False),
    Column("settled_at", Key, comment="set when the hub's word is final"),
    CheckConstraint("state IN ('waiting', 'sending', 'tracking', 'here', 'delivered', 'refused')", name="state"),
    CheckConstraint("(settled_at IS NULL) = (state IN ('waiting', 'sending', 'tracking'))", name="settled"),
    sqlite_with_rowid=False,
)
_UNSETTLED = text("settled_at IS NULL")
Index(
    "ix_hub_answers_open",
    hub_answers.c.hub,
    hub_answers.c.next_attempt_at,
    hub_answers.c.id,
    sqlite_where=_UNSETTLED,
    postgresql_where=_UNSETTLED,
)
Index("ix_hub_answers_import", hub_answers.c.import_id, hub_answers.c.id)
Index("ix_hub_answers_number", hub_answers.c.number, hub_answers.c.hub)

hub_trackings = Table(
    "hub_trackings",
    metadata,
    Column("delivery_id", Key, ForeignKey("deliveries.id"), primary_key=True),
    Column("partner", Key, nullable=False, comment="the hub that gave the number"),
    Column("number", Key, nullable=False, comment="hubDeliveryNumber"),
    Column("state", Text, nullable=False, comment="the hub's word, as it was heard last"),
    Column("message", Text, nullable=False),
    Column("created_at", Key, nullable=False),
    Column("checked_at", Key, comment="when the hub was asked last, or told us"),
    Column("next_check_at", Key, nullable=False),
    Column("settled_at", Key, comment="set when the hub's word is final"),
    sqlite_with_rowid=False,
)
_OPEN = text("settled_at IS NULL")
Index(
    "ix_hub_trackings_open",
    hub_trackings.c.partner,
    hub_trackings.c.next_check_at,
    hub_trackings.c.delivery_id,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
Index("ix_hub_trackings_number", hub_trackings.c.number, hub_trackings.c.partner)

pollers = Table(
    "pollers",
    metadata,
    Column("partner", Key, primary_key=True, comment="no foreign key: this instance may poll itself"),
    Column("fence", BigInteger, nullable=False, comment="counts the leases; only the newest may give it back"),
    Column("lease_owner", Text),
    Column("lease_until", Key),
    Column("failures", Integer, nullable=False, comment="rounds in a row without an answer"),
    Column("not_before", Key, nullable=False),
    sqlite_with_rowid=False,
)

partner_lists = Table(
    "partner_lists",
    metadata,
    Column("partner", Key, nullable=False),
    Column("list", Key, nullable=False),
    Column("version", Integer, nullable=False, comment="1 for the first; a row per change, never overwritten"),
    Column("fetched_at", Key, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("content", Text, nullable=False, comment="the list's rows as JSON"),
    PrimaryKeyConstraint("partner", "list", "version", name="pk_partner_lists"),
)
