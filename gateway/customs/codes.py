"""Commodity codes in the ledger (DIGEST 7.5): what agrees with a line, and how an allocation shows its code."""

from __future__ import annotations

from typing import Final

__all__ = ["SUBHEADING", "agrees", "subheading"]

SUBHEADING: Final = 6
"""Digits of a subheading of the Harmonized System."""


def agrees(declared: str, certified: str) -> bool:
    """Whether goods of a declaration fall under the line's CN code: the declared code starts with it."""
    return bool(certified) and declared.isascii() and declared.isdigit() and declared.startswith(certified)


def subheading(declared: str) -> str:
    """The code of an allocation: padded with zeros to six digits as captured, longer ones cut to six (our choice)."""
    return declared[:SUBHEADING].ljust(SUBHEADING, "0")
