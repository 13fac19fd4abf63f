"""Which codes exchanges use: the canonical lists of the tables, as reference data (Article 37(2), R-37-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.models import Grade
from mappings.periods import holds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mappings.models import Code, CodeList

__all__ = ["KnownCodes"]


class KnownCodes:
    """The codes of each canonical list.

    Args:
        lists: of the tables, by name.
        allow_unconfirmed: codes graded unverified count too (sandbox only).
    """

    def __init__(self, lists: Mapping[str, CodeList], *, allow_unconfirmed: bool = False) -> None:
        self._lists = lists
        self._allow_unconfirmed = allow_unconfirmed

    def knows(self, name: str, code: str, on: date) -> bool | None:
        """Whether a list has a code on that day, both ends included; None when there is no such list."""
        found = self._lists.get(name)
        if found is None:
            return None
        known = found.find(code, on)
        return known is not None and self.admits(known) and holds(known, on)

    def admits(self, code: Code) -> bool:
        """Whether a code may be used as far as its grade says."""
        return self._allow_unconfirmed or code.grade is not Grade.UNVERIFIED
