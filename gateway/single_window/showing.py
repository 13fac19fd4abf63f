"""A ledger as customs see it (DIGEST 7.3, 7.5): quantities as plain decimals, moments in the form of the captures."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from gateway.certex.models import Allocated, Available, DeclarationReference, Summary
from gateway.customs.quantities import quantity_of
from gateway.store import AllocationState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from gateway.store import AllocationRow, Declaration, LedgerLineRow, LedgerState

__all__ = ["echoed", "local", "summary_of"]


def summary_of(state: LedgerState, zone: tzinfo, made: Declaration | None = None) -> Summary:
    """The position of every line, and what stands for every declaration.

    Args:
        state: the ledger; of a CHED without one, its lines as they are certified.
        zone: whose local time moments are shown in.
        made: the declaration whose holds this very message made: their moment is the message's own, in UTC.
    """
    return Summary(
        available=tuple(map(_available, state.lines)),
        reserved=_allocated(state, AllocationState.RESERVED, zone, made),
        consumed=_allocated(state, AllocationState.CONSUMED, zone, None),
    )


def echoed(moment: datetime) -> str:
    """UTC to milliseconds: ``2026-09-29T14:12:02.966Z``; cut, not rounded."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local(moment: datetime, zone: tzinfo) -> str:
    """Local time cut to seconds, with milliseconds all the same: ``2026-09-29T16:12:02.000+02:00``."""
    return moment.astimezone(zone).replace(microsecond=0).isoformat(timespec="milliseconds")


def _available(line: LedgerLineRow) -> Available:
    return Available(code=line.code, unit=line.unit, quantity=quantity_of(line.available, line.unit), line=line.number)


def _allocated(
    state: LedgerState, wanted: AllocationState, zone: tzinfo, made: Declaration | None
) -> tuple[Allocated, ...]:
    rows: Iterable[AllocationRow] = (each for each in state.allocations if each.state is wanted)
    return tuple(
        _one(row, echoed(row.event_at) if row.declaration == made else local(row.event_at, zone)) for row in rows
    )


def _one(row: AllocationRow, event: str) -> Allocated:
    return Allocated(
        goods_item=row.goods_item,
        code=row.class_code,
        unit=row.unit,
        quantity=row.quantity,
        line=row.line,
        event=event,
        office=row.office,
        declaration=DeclarationReference(row.declaration.type.value, row.declaration.number),
    )
