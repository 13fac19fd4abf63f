"""What customs ask of a ledger, and what it answers: plain values, free of any wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.store import Declaration, Movement

__all__ = [
    "ClearanceOutcome",
    "Decision",
    "DeclaredItem",
    "DeclaredQuantity",
    "FailureReason",
    "Reservation",
    "Settled",
]


class FailureReason(StrEnum):
    """Why a reservation was not made: the codes of CERTEX that this ledger gives."""

    CODE = "03"
    STATUS = "04"
    QUANTITY = "05"
    WRITTEN_OFF = "06"
    LINE = "07"
    UNIT = "10"
    NOT_VALID = "11"
    """Quantities cannot be validated: not above 0, none at all, or finer than the ledger counts."""


class ClearanceOutcome(StrEnum):
    """What became of a clearance or an intervention: the codes of CERTEX."""

    DONE = "01"
    NO_RECORD = "02"
    CONSUMED = "03"
    DONE_STATUS_CHANGED = "04"
    """Done, and the CHED is not validated any more: the quantity is still written off."""
    RESERVED = "05"
    """An active reservation stands; only interventions give this."""


@dataclass(frozen=True, slots=True)
class DeclaredQuantity:
    """A quantity as it was written."""

    quantity: str
    """xs:decimal, white space collapsed."""
    unit: str
    """Empty when it is absent."""


@dataclass(frozen=True, slots=True)
class DeclaredItem:
    """One goods item of a declaration on one line of the CHED."""

    goods_item: int
    line: int
    class_code: str
    weight: DeclaredQuantity | None = None
    volume: DeclaredQuantity | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A declaration's goods, whole: a reservation replaces what the declaration holds."""

    declaration: Declaration
    items: tuple[DeclaredItem, ...]
    office: str
    at: datetime
    """SendingDate."""
    absent_unit_is_tonne: bool = False
    """Whether a weight without a unit is one in tonnes: only for partners whose record says so."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the ledger says to a reservation."""

    reason: FailureReason | None = None
    """None: it is made."""
    goods_item: int | None = None
    """The first that failed."""
    line: int | None = None
    movements: tuple[Movement, ...] = ()
    """What to write; also a refusal may have some: 05 gives the old hold back."""

    @property
    def made(self) -> bool:
        """Whether the reservation stands."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Settled:
    """What the ledger says to a clearance or an intervention."""

    outcome: ClearanceOutcome
    movements: tuple[Movement, ...] = ()
