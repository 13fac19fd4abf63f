"""Ledgers of CHEDs as ``imsoc customs`` prints them: quantities as plain decimals, times in UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.customs.quantities import quantity_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.store import (
        AllocationRow,
        AuditEntry,
        CustomsReport,
        Declaration,
        EntryRow,
        LedgerLineRow,
        LedgerState,
        LedgerTrouble,
    )

__all__ = [
    "ENTRIES",
    "HOLDS",
    "LINES",
    "REPORTS",
    "STANDING",
    "TROUBLES",
    "entry_row",
    "head_row",
    "hold_row",
    "line_row",
    "report_row",
    "standing_row",
    "trouble_row",
]

LINES: Final = ("line", "code", "unit", "certified", "available", "reserved", "consumed", "carried")
HOLDS: Final = ("declaration", "goods_item", "line", "state", "quantity", "unit", "code", "office", "partner", "at")
REPORTS: Final = ("document", "ched_code", "office", "at")
ENTRIES: Final = (
    "seq", "version", "recorded_at", "kind", "line", "quantity", "unit", "declaration", "goods_item", "office", "at",
    "who", "message_id", "exchange_id", "reason",
)  # fmt: skip
STANDING: Final = {"ledger frozen": "frozen", "ledger thawed": "thawed"}
"""Actions of the audit that a history tells, and what it calls them."""
TROUBLES: Final = ("ched", "line", "declaration", "goods_item", "found", "expected")


def head_row(state: LedgerState) -> dict[str, Any]:
    """What a listing begins with."""
    return {
        "reference": state.reference,
        "type": state.type,
        "status": state.status_code,
        "version": state.version,
        "frozen": state.frozen,
    }


def line_row(line: LedgerLineRow) -> dict[str, Any]:
    """The position of a line, in the unit of the CHED."""
    totals = ("certified", "available", "reserved", "consumed", "carried")
    shown = {name: quantity_of(getattr(line, name), line.unit) for name in totals}
    return {"line": line.number, "code": line.code, "unit": line.unit, **shown}


def hold_row(row: AllocationRow) -> dict[str, Any]:
    """What stands for a goods item of a declaration, as it was declared."""
    return {
        "declaration": _declared(row.declaration),
        "goods_item": row.goods_item,
        "line": row.line,
        "state": row.state.value,
        "quantity": row.quantity,
        "unit": row.unit,
        "code": row.class_code,
        "office": row.office,
        "partner": row.partner,
        "at": _moment(row.event_at),
    }


def entry_row(row: EntryRow, units: Mapping[int, str]) -> dict[str, Any]:
    """A movement; one that no declaration made is in the unit of its line."""
    unit = row.unit or units.get(row.line, "")
    return {
        "seq": row.seq,
        "version": row.version,
        "recorded_at": _moment(row.at),
        "kind": row.kind.value,
        "line": row.line,
        "quantity": row.quantity or quantity_of(row.quanta, unit),
        "unit": unit,
        "declaration": _declared(row.declaration) if row.declaration else row.other,
        "goods_item": row.goods_item or "",
        "office": row.office,
        "at": _moment(row.event_at) if row.event_at else "",
        "who": row.actor or row.partner,
        "prefix": row.prefix,
        "message_id": row.message_id,
        "exchange_id": row.exchange_id,
        "reason": row.reason,
    }


def standing_row(entry: AuditEntry) -> dict[str, Any]:
    """That the ledger was frozen, or was let be reserved again: what moves nothing has no number."""
    return {
        **dict.fromkeys(ENTRIES, ""),
        "recorded_at": _moment(entry.at),
        "kind": STANDING[entry.action],
        "prefix": "",
        "who": entry.actor,
        "reason": str(entry.detail.get("why", "")),
    }


def report_row(report: CustomsReport) -> dict[str, Any]:
    """A customs document of box II.23; ``ched_code`` is the code of the CHED (N853…) under which it was reported."""
    return {
        "document": report.document,
        "ched_code": report.type_code,
        "office": report.office,
        "at": _moment(report.at),
    }


def trouble_row(reference: str, trouble: LedgerTrouble) -> dict[str, Any]:
    """Where a position is not the sum of its entries; in quanta."""
    return {
        "ched": reference,
        "line": trouble.line,
        "declaration": _declared(trouble.declaration) if trouble.declaration else "",
        "goods_item": trouble.goods_item or "",
        "found": trouble.found,
        "expected": trouble.expected,
    }


def _declared(declaration: Declaration) -> str:
    return f"{declaration.type.value} {declaration.number}"


def _moment(at: datetime) -> str:
    """UTC to milliseconds: two messages of one second have an order."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
