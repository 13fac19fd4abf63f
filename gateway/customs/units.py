"""Units of the ledger: which convert into which, and how many quanta one is (DIGEST 7.5, REFERENCE_DATA 4.4).

Every quantity is held as a whole number of quanta, the millionth part of its dimension's base unit, so that sums are
exact in every database and no number is ever rounded. Units convert within a dimension only: a count is no weight. A
unit that is not here is a dimension by itself: it agrees with the same unit and with no other.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["ABSENT_UNIT", "QUANTA", "Unit", "unit_of"]

QUANTA: Final = 1_000_000
"""Of each base unit: a millionth of a gram, litre, piece, metre, square metre."""

ABSENT_UNIT: Final = "TNE"
"""What a weight without a unit means by contract; believed only of partners whose record says so."""


class Unit(NamedTuple):
    """How a unit counts."""

    dimension: str
    """``weight``, ``volume``, ``count``, ``length``, ``area``, or ``unit:`` and the code."""
    quanta: int
    """How many quanta one is."""


def _of(dimension: str, **factors: int) -> dict[str, Unit]:
    return {code: Unit(dimension, factor) for code, factor in factors.items()}


_UNITS: Final = {
    # weights count in grams
    **_of("weight", MGM=1_000, CTM=200_000, GRM=QUANTA, KGM=1_000 * QUANTA),
    **_of("weight", DTN=100_000 * QUANTA, TNE=1_000_000 * QUANTA, KTN=10**9 * QUANTA),
    # volumes in litres
    **_of("volume", MLT=1_000, CMQ=1_000, DLT=100_000, LTR=QUANTA, DMQ=QUANTA, HLT=100 * QUANTA, MTQ=1_000 * QUANTA),
    # counts in pieces
    **_of("count", H87=QUANTA, NAR=QUANTA, C62=QUANTA, EA=QUANTA, HEA=QUANTA),
    **_of("count", DZN=12 * QUANTA, CEN=100 * QUANTA, MIL=1_000 * QUANTA),
    # lengths in metres, areas in square metres
    **_of("length", MMT=1_000, CMT=10_000, MTR=QUANTA, KMT=1_000 * QUANTA),
    **_of("area", CMK=100, MTK=QUANTA, HAR=10_000 * QUANTA, KMK=1_000_000 * QUANTA),
    # one unit under two codes: customs keep the old one
    **_of("unit:PR", PR=QUANTA, NPR=QUANTA),
}


def unit_of(code: str) -> Unit:
    """How a unit of Recommendation 20 or of customs counts.

    Args:
        code: as written, such as ``KGM``, ``H87``, ``KGMP``.
    """
    return _UNITS.get(code) or Unit(f"unit:{code}", QUANTA)
