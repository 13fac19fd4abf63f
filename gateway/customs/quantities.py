"""Quantities: decimal texts to whole quanta and back, never by way of a float and never with an exponent."""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal, Inexact, Rounded
from typing import Final

from gateway.customs.units import unit_of
from gateway.xml.decimals import is_decimal

__all__ = ["exact_quanta", "number_of", "plain", "quanta_below", "quantity_of"]

_EXACT: Final = Context(prec=200, traps=[Inexact, Rounded])
"""More digits than any number of a message may have; what would be rounded is an error."""
_DOWN: Final = Context(prec=200, rounding=ROUND_DOWN)
_MAX_DIGITS: Final = 100
"""Digits of a number that is looked at."""


def number_of(text: str) -> Decimal | None:
    """An xs:decimal as written; None for anything else, an exponent included."""
    if len(text) > _MAX_DIGITS or not is_decimal(text):
        return None
    return Decimal(text)


def plain(number: Decimal) -> str:
    """The shortest plain form: ``0.002``, ``600``, ``0.000002``; no exponent, no zeros at the end, no minus zero."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def exact_quanta(number: Decimal, unit: str) -> int | None:
    """How many quanta a quantity is; None when it is finer than one.

    Args:
        number: the quantity.
        unit: its code.
    """
    quanta = _EXACT.multiply(number, Decimal(unit_of(unit).quanta))
    return int(quanta) if quanta == quanta.to_integral_value() else None


def quanta_below(number: Decimal, unit: str, most: int) -> int:
    """The whole quanta in a certified quantity: never more than was certified, nor than ``most``, nor below 0."""
    if number.is_nan() or number <= 0:
        return 0
    if number.is_infinite() or number.adjusted() > _MAX_DIGITS:
        return most
    return min(most, int(_DOWN.multiply(number, Decimal(unit_of(unit).quanta))))


def quantity_of(quanta: int, unit: str) -> str:
    """Quanta as a plain decimal in a unit.

    Exact for every decimal unit. In dozens a number of pieces may have no end: it is cut, so that never more is shown
    than there is.
    """
    per_unit = unit_of(unit).quanta
    whole, rest = divmod(quanta, per_unit)
    digits = list[str]()
    while rest and len(digits) < _PLACES:
        digit, rest = divmod(rest * 10, per_unit)
        digits.append(str(digit))
    return plain(Decimal(f"{whole}.{''.join(digits) or '0'}"))


_PLACES: Final = 12
"""A quantum in tonnes has twelve places."""
