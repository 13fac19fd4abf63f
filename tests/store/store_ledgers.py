"""Ledgers for tests: one call opens, moves or reads one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gateway.store import (
    Declaration,
    DeclarationType,
    EntryKind,
    LedgerChange,
    LedgerLineRow,
    LedgerState,
    Movement,
    apply_change,
    lock_ledger,
    new_id,
    open_ledger,
    read_ledger,
    record_ched,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.store import Store

NOW = datetime(2026, 11, 22, 9, 30, 0, 123_000, tzinfo=UTC)
A = Declaration(DeclarationType.MRN, "26GB1669CAPTUREA01")
B = Declaration(DeclarationType.MRN, "26GB1669CAPTUREB01")
LRN = Declaration(DeclarationType.LRN, A.number)


def line(number: int = 1, certified: int = 1_000, **changes: Any) -> LedgerLineRow:
    values = {"code": "0401", "unit": "KGM", "dimension": "weight", **changes}
    return LedgerLineRow(number=number, certified=certified, **values)


def movement(kind: str, quanta: int, declaration: Declaration | None = A, **changes: Any) -> Movement:
    values: dict[str, Any] = {"line": 1, "declaration": declaration}
    if declaration is not None:
        values |= {
            "goods_item": 1,
            "quantity": str(quanta),
            "unit": "GRM",
            "class_code": "040100",
            "office": "XI000002",
            "event_at": NOW,
        }
    return Movement(kind=EntryKind(kind), quanta=quanta, **{**values, **changes})


@dataclass
class Ledgers:
    """The ledgers of a store; `make` writes a CHED."""

    store: Store
    make: Callable[..., Any]

    def open(self, number: int = 1, *lines: LedgerLineRow, **changes: Any) -> str:
        """A CHED with its ledger; returns the reference."""
        write = self.make(number, status_code="70", **changes)
        self.store.write(lambda connection: record_ched(connection, write))
        lines = lines or (line(),)
        self.store.write(lambda connection: open_ledger(connection, write.row.id, lines, NOW))
        return write.row.reference

    def move(self, reference: str, *movements: Movement, at: datetime = NOW, **changes: Any) -> int:
        """Lock, move; returns the version."""

        def unit(connection: Any) -> int:
            state = lock_ledger(connection, reference)
            change = LedgerChange(
                ched_id=state.ched_id, at=at, **{"partner": "customs-xi", "movements": movements, **changes}
            )
            return apply_change(connection, change)

        return self.store.write(unit)

    def state(self, reference: str) -> LedgerState:
        with self.store.read() as connection:
            return read_ledger(connection, reference)

    def position(self, reference: str, number: int = 1) -> tuple[int, int, int, int]:
        """Available, carried, reserved, consumed of a line."""
        (found,) = (each for each in self.state(reference).lines if each.number == number)
        return found.available, found.carried, found.reserved, found.consumed


def later(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def fresh_id() -> str:
    return new_id(NOW)
