"""What goes into the quantity ledger and what comes out of it.

Quantities are whole *quanta*: 10^-6 of the base unit of a line's dimension (gram, litre, piece, metre, square metre, or
the unit itself where it converts to nothing). Times are aware. An empty text means that nobody said it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.store.records import Nonce

__all__ = [
    "MAX_QUANTA",
    "AllocationRow",
    "AllocationState",
    "CustomsMessage",
    "CustomsReport",
    "Declaration",
    "DeclarationType",
    "EntryKind",
    "EntryRow",
    "LastEvent",
    "LedgerChange",
    "LedgerLineRow",
    "LedgerState",
    "LedgerTrouble",
    "Movement",
]

MAX_QUANTA: Final = 10**18
"""The most that a line can hold: a million tonnes, 10^12 pieces. The caller checks; the database refuses more."""


class DeclarationType(StrEnum):
    """What the number of a declaration is: an MRN is not an LRN with the same characters."""

    MRN = "MRN"
    LRN = "LRN"


class Declaration(NamedTuple):
    """A customs declaration."""

    type: DeclarationType
    number: str


class EntryKind(StrEnum):
    """What a movement does to its line."""

    CERTIFIED = "certified"
    """What the CHED certifies; written when the ledger is opened."""
    RESERVED = "reserved"
    """A hold for a declaration."""
    RETURNED = "returned"
    """A hold given back."""
    CONSUMED = "consumed"
    """A hold written off."""
    FORCED = "forced"
    """Written off without a hold, by intervention."""
    REVERSED = "reversed"
    """A consumption taken back by intervention."""
    CARRIED = "carried"
    """What another CHED that follows this one draws."""
    RELEASED = "released"
    """The same given back."""


class AllocationState(StrEnum):
    """How a declaration stands on a line."""

    RESERVED = "reserved"
    CONSUMED = "consumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLineRow:
    """A line of a CHED in its ledger, in quanta."""

    number: int
    code: str
    """CN digits as in the CHED."""
    unit: str
    """As in the CHED."""
    dimension: str
    """``weight``, ``volume``, ``count``, ``length``, ``area`` or ``unit:XXX``."""
    certified: int
    carried: int = 0
    reserved: int = 0
    consumed: int = 0

    @property
    def available(self) -> int:
        """What is left; the database never lets it fall below 0."""
        return self.certified - self.carried - self.reserved - self.consumed


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRow:
    """What stands for one goods item of a declaration on one line."""

    declaration: Declaration
    goods_item: int
    line: int
    state: AllocationState
    quanta: int
    quantity: str
    """As declared, a plain decimal."""
    unit: str
    """As declared."""
    class_code: str
    """Six digits."""
    office: str
    partner: str
    """Who holds it."""
    event_at: datetime
    """The SendingDate of the message that led to it."""
    seq: int = 0
    """Order in which they came; given by the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement on one line."""

    kind: EntryKind
    line: int
    quanta: int
    """Above 0."""
    declaration: Declaration | None = None
    """None for `EntryKind.CERTIFIED`, ``CARRIED`` and ``RELEASED``."""
    goods_item: int = 0
    quantity: str = ""
    unit: str = ""
    class_code: str = ""
    office: str = ""
    event_at: datetime | None = None
    other: str = ""
    """Reference of the other CHED, for what is carried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """A ledger as it stands, with what decides about its CHED."""

    ched_id: str
    reference: str
    status_code: str
    conclusion: str
    """Of Part II; empty while there is none."""
    type: str
    content_id: str
    version: int
    """Counts the changes; 0 while no ledger was opened."""
    frozen: str
    """Why nothing can be reserved although the status would let it; empty when it can."""
    lines: tuple[LedgerLineRow, ...]
    allocations: tuple[AllocationRow, ...]
    """In the order in which they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChange:
    """What one message or one operator moves, complete."""

    ched_id: str
    at: datetime
    partner: str
    message_id: str = ""
    prefix: str = ""
    exchange_id: str = ""
    actor: str = ""
    """The operator; empty for a message."""
    reason: str = ""
    movements: tuple[Movement, ...]
    """In the order in which they are made: what is given back first makes room for what follows."""


class LastEvent(NamedTuple):
    """The newest movement of a declaration on a CHED."""

    at: datetime
    """When it happened, by whom it came from."""
    partner: str
    """Whose message made it; empty for an operator's, and where an operator freed the number since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """A movement as it was recorded. Never changed afterwards."""

    seq: int
    ched_id: str
    version: int
    """Of the ledger after the change that it belongs to."""
    at: datetime
    """When it was recorded."""
    partner: str
    prefix: str
    message_id: str
    exchange_id: str
    actor: str
    reason: str
    kind: EntryKind
    line: int
    quanta: int
    declaration: Declaration | None
    goods_item: int
    quantity: str
    unit: str
    class_code: str
    office: str
    event_at: datetime | None
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsReport:
    """A customs document that was reported for a CHED (box II.23)."""

    ched_id: str
    document: str
    """MRN or LRN, as text."""
    type_code: str
    """Customs document code; empty where it is unknown."""
    office: str
    at: datetime
    exchange_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsMessage:
    """A message that moved a ledger: kept as received, with its answer, and used once."""

    exchange_id: str
    """ULID; `LedgerChange.exchange_id` of what it moved."""
    partner: str
    contract: str
    operation: str
    received_at: datetime
    subject: str
    """Reference of the CHED."""
    prefix: str
    message_id: str
    request: bytes
    acknowledgement: bytes
    """The body of the answer, without the certificate and the PDF in it."""
    content_id: str = ""
    """The version of the CHED whose document was in the answer."""
    nonces: tuple[Nonce, ...] = ()
    transport: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    """For the audit, JSON-able."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTrouble:
    """A place where a position is not the sum of its entries."""

    ched_id: str
    line: int
    declaration: Declaration | None
    """None for the totals of the line."""
    goods_item: int
    found: str
    """What stands: ``certified 5, reserved 2``, in quanta."""
    expected: str
    """What the entries add up to, in the same form."""
