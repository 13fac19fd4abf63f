"""What goes into quarantine and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.store.records import Refusal

__all__ = [
    "GapRow",
    "HeldMessage",
    "NewHold",
    "QuarantineCount",
    "QuarantineDirection",
    "QuarantineQuery",
    "QuarantineRow",
    "QuarantineState",
]


class QuarantineDirection(StrEnum):
    """Whose codes are not understood."""

    IN = "in"
    """It came from the partner, in codes of the partner that have no canonical ones."""
    OUT = "out"
    """It is to go to the partner, whose system has no codes for it."""


class QuarantineState(StrEnum):
    """What became of a held message."""

    HELD = "held"
    RELEASED = "released"
    """It was judged again and went its way; `QuarantineRow.exchange_id` says where."""
    DISCARDED = "discarded"
    """An operator refused it, with a reason that its sender is told."""
    SUPERSEDED = "superseded"
    """The same document came again with other content, or went another way."""


@dataclass(frozen=True, slots=True)
class GapRow:
    """A code without an answer."""

    source: str
    """Code system in which it stands."""
    target: str
    list: str
    code: str
    context: str
    refusal: str
    """IMG-60xx."""
    path: str
    message: str
    needed: str
    """The row that is missing, ready to complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHold:
    """A message for quarantine."""

    id: str
    direction: QuarantineDirection
    contract: str
    operation: str
    partner: str
    subject: str
    status_code: str
    digest: bytes
    held_in: str
    """Id of the exchange, import or delivery that has the bytes."""
    code: str
    tables: str
    """Version of the tables that could not translate it."""
    judged: str
    """Version and day."""
    gaps: tuple[GapRow, ...]
    received_at: datetime
    sender_message_id: str | None = None
    transport: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMessage:
    """A message of a partner that goes into quarantine, with what evidence keeps of it."""

    refusal: Refusal
    """How it is journalled: a held message was not accepted."""
    hold: NewHold
    content: bytes
    """The document as received."""
    findings: str
    seal_verdict: str | None = None
    timestamp_token: bytes | None = None
    certificates: bytes | None = None


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One line of ``imsoc quarantine list``."""

    id: str
    direction: QuarantineDirection
    contract: str
    operation: str
    partner: str
    subject: str
    status_code: str
    digest: bytes
    sender_message_id: str | None
    held_in: str
    transport: Mapping[str, Any]
    state: QuarantineState
    code: str
    tables: str
    judged: str
    answer: Mapping[str, Any]
    exchange_id: str | None
    counted: int | None
    """The edition that its release is counted against, 0 where an operator released it; written before it arrives."""
    actor: str
    reason: str
    received_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineQuery:
    """A search; what is empty is not asked for."""

    state: QuarantineState | None = None
    direction: QuarantineDirection | None = None
    partner: str = ""
    subject: str = ""
    """Identity of the document, or its number alone."""
    list: str = ""
    code: str = ""
    message_id: str = ""
    held_in: str = ""
    after: str = ""
    """Last id of the page before, oldest first."""
    before: str = ""
    """Last id of the page before, newest first."""
    oldest_first: bool = False
    limit: int = 50


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """What is held."""

    held: int
    oldest: datetime | None
