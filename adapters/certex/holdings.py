"""What one declaration has in a ledger that was read, and whether that is what was asked.

Quantities are compared as numbers and never as texts or floats: 1.0 KGM is 1 KGM, and it is not 1000 GRM, because an
allocation is shown as it was declared (DIGEST 7.5). Codes are compared at six digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from adapters.certex.faults import AnswerMismatch
from gateway.customs.codes import subheading
from gateway.xml.decimals import is_decimal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.certex.models import Allocated, DeclarationReference, Declared, Item, Summary

__all__ = [
    "NOTHING",
    "Holding",
    "are_as_asked",
    "are_older",
    "are_the_same",
    "check_ledger",
    "holding_of",
    "newest_of",
    "were_made_at",
]

_MAX_LENGTH: Final = 80
"""Characters of a quantity."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a declaration has at a CHED."""

    reserved: tuple[Allocated, ...] = ()
    consumed: tuple[Allocated, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.reserved or self.consumed)


NOTHING: Final = Holding()


def check_ledger(summary: Summary) -> None:
    """Refuse a ledger whose quantities are no quantities.

    Raises:
        AnswerMismatch: IMG-8032.
    """
    quantities = [each.quantity for each in summary.available]
    quantities += [each.quantity for each in (*summary.reserved, *summary.consumed)]
    for quantity in quantities:
        if not is_decimal(quantity) or quantity[0] in "+-" or len(quantity) > _MAX_LENGTH:
            raise AnswerMismatch("Quantity", quantity, "a plain decimal, not below 0")


def holding_of(summary: Summary | None, declaration: DeclarationReference) -> Holding:
    """What a declaration has; an MRN is never the LRN of the same characters.

    Args:
        summary: a ledger; None: of a CHED without one.
        declaration: whose.

    Raises:
        AnswerMismatch: IMG-8032, the ledger shows a goods item of it twice on a line, or quantities that are none.
    """
    if summary is None:
        return NOTHING
    check_ledger(summary)
    holding = Holding(
        tuple(each for each in summary.reserved if each.declaration == declaration),
        tuple(each for each in summary.consumed if each.declaration == declaration),
    )
    places = [_place(each) for each in (*holding.reserved, *holding.consumed)]
    if len(set(places)) != len(places):
        raise AnswerMismatch("QuantityManagementSummary", "a goods item twice on one line", "once")
    return holding


def are_as_asked(found: Sequence[Allocated], items: Sequence[Item], office: str) -> bool:
    """Whether allocations are exactly the goods that were asked for: nothing else, nothing less."""
    by_place = {_place(each): each for each in found}
    return len(found) == len(items) and all(
        (each := by_place.get((item.goods_item, item.line))) is not None and _is(each, item, office) for item in items
    )


def are_the_same(found: Sequence[Allocated], before: Sequence[Allocated]) -> bool:
    """Whether allocations are those that were there before, whatever form their moments are written in."""
    return sorted(map(_identity, found)) == sorted(map(_identity, before))


def are_older(found: Iterable[Allocated], than: datetime) -> bool:
    """Whether all of them were made before that moment; not when one of them does not say."""
    moments = [_moment(each) for each in found]
    return all(moment is not None and moment < _second(than) for moment in moments)


def newest_of(holding: Holding) -> datetime | None:
    """When the newest of what a declaration has was made, cut to seconds; None where the ledger does not say."""
    moments = [_moment(each) for each in (*holding.reserved, *holding.consumed)]
    return max((moment for moment in moments if moment is not None), default=None)


def were_made_at(found: Iterable[Allocated], moment: datetime) -> bool:
    """Whether all of them bear that moment, as exactly as a ledger shows it (cut to seconds)."""
    return all(_moment(each) == _second(moment) for each in found)


def _is(held: Allocated, item: Item, office: str) -> bool:
    return (
        subheading(held.code) == subheading(item.class_code)
        and held.office == office
        and any(_equals(held, declared) for declared in (item.weight, item.volume) if declared is not None)
    )


def _equals(held: Allocated, declared: Declared) -> bool:
    return held.unit == declared.unit and Decimal(held.quantity) == Decimal(declared.quantity)


def _place(each: Allocated) -> tuple[int, int]:
    return each.goods_item, each.line


def _identity(each: Allocated) -> tuple[int, int, str, str, Decimal, str]:
    return each.goods_item, each.line, subheading(each.code), each.unit, Decimal(each.quantity), each.office


def _moment(each: Allocated) -> datetime | None:
    """EventDateTime cut to seconds, aware; None where it is none."""
    try:
        moment = datetime.fromisoformat(each.event)
    except ValueError:
        return None
    return None if moment.tzinfo is None else _second(moment)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
