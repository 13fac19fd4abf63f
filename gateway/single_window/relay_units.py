"""Quantities without a unit: CERTEX takes them for tonnes, so none is passed on as it came."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.customs.units import ABSENT_UNIT

if TYPE_CHECKING:
    from gateway.certex.models import Declared, Item

__all__ = ["with_units"]


def with_units(items: tuple[Item, ...], *, absent_is_tonne: bool) -> tuple[tuple[Item, ...], Item | None]:
    """The items with a unit at every quantity, and the first that cannot have one."""
    made = []
    for item in items:
        weight = item.weight
        if weight is not None and not weight.unit and absent_is_tonne:
            weight = replace(weight, unit=ABSENT_UNIT)
        known = replace(item, weight=_with_unit(weight), volume=_with_unit(item.volume))
        if known.weight is None and known.volume is None:
            return (), item
        made.append(known)
    return tuple(made), None


def _with_unit(declared: Declared | None) -> Declared | None:
    return declared if declared is not None and declared.unit else None
