"""Which codes exchanges use: the canonical lists of the tables, as reference data (Article 37(2), R-37-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.models import Grade

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mappings.models import CodeList

__all__ = ["KnownCodes"]


class KnownCodes:
    """The codes of each canonical list.

    Args:
        lists: of the tables, by name.
        allow_unconfirmed: codes graded unverified count too (sandbox only).
    """

    def __init__(self, lists: Mapping[str, CodeList], *, allow_unconfirmed: bool = False) -> None:
        self._days = {
            name: {
                code.code: (code.valid_from, code.valid_to)
                for code in each.codes.values()
                if allow_unconfirmed or code.grade is not Grade.UNVERIFIED
            }
            for name, each in lists.items()
        }

    def knows(self, name: str, code: str, on: date) -> bool | None:
        """Whether a list has a code on that day, both ends included; None when there is no such list."""
        codes = self._days.get(name)
        if codes is None:
            return None
        days = codes.get(code)
        if days is None:
            return False
        first, last = days
        return (first is None or first <= on) and (last is None or on <= last)
