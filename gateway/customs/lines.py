"""What a CHED certifies, line by line: where its ledger begins (DIGEST 7.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.customs.quantities import quanta_below
from gateway.customs.units import unit_of
from gateway.store import MAX_QUANTA, LedgerLineRow

if TYPE_CHECKING:
    from gateway.documents.ched import Ched, ChedLine
    from gateway.documents.parts import Measure

__all__ = ["lines_of"]


def lines_of(ched: Ched) -> tuple[LedgerLineRow, ...]:
    """The lines of the ledger, in the order of the CHED.

    The certified quantity is the net weight when it is above 0, else the net volume (animals and pieces in H87). Line 0
    holds totals and is never in the ledger, nor is a line without a quantity, a unit or a CN code: a declaration that
    names it is refused with reason 07. Of two lines with one number the first counts.
    """
    found: dict[int, LedgerLineRow] = {}
    for line in ched.lines:
        number = line.number
        measure = _certified(line)
        code = "".join(line.commodity.split())
        if not number or number in found or measure is None or not (code.isascii() and code.isdigit()):
            continue
        found[number] = LedgerLineRow(
            number=number,
            code=code,
            unit=measure.unit,
            dimension=unit_of(measure.unit).dimension,
            certified=quanta_below(measure.value, measure.unit, MAX_QUANTA),
        )
    return tuple(found.values())


def _certified(line: ChedLine) -> Measure | None:
    weight, volume = line.net_weight, line.net_volume
    if weight is not None and weight.value > 0 and weight.unit:
        return weight
    if volume is not None and volume.value > 0 and volume.unit:
        return volume
    return None
