"""Which codes of a list have rows, and which have none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mappings.models import Grade

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mappings.lookups import Entry, Lookup

__all__ = ["Coverage", "cover"]

MAX_NAMED: Final = 50
"""Codes that a coverage names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which codes of a list have an answer in any context."""

    codes: int
    both: int
    """Mapped there and back."""
    inwards: int
    """Something leads to them and nothing from them."""
    outwards: int
    """They lead somewhere and nothing leads to them."""
    unverified: int
    """No usable row, but one that waits for confirmation."""
    unmapped: int
    missing: tuple[str, ...]
    """The unmapped codes, at most `MAX_NAMED`."""


def cover(codes: Iterable[str], into: Lookup, out: Lookup, contexts: Collection[str] = ()) -> Coverage:
    """How many codes of the list that ``out`` starts from have answers, in any context.

    Args:
        codes: of one system.
        into: leads to these codes. Of a table in the store a code counts as reached where its own answer leads back.
        out: leads from these codes.
        contexts: those that rows of the table name.
    """
    reached = {entry.target for entry in into.entries.values() if entry.target}
    places = ("", *contexts)
    counts: Counter[str] = Counter()
    missing: list[str] = []
    for code in codes:
        answers = [(context, entry) for context in places if (entry := out.get(code, context)) is not None]
        leads = bool(answers)
        is_reached = code in reached or any(_leads_to(into, code, context, entry) for context, entry in answers)
        waits = any(row.grade is Grade.UNVERIFIED for row in out.refused.get(code, ()))
        state = _COVERED[leads, is_reached] if leads or is_reached else "unverified" if waits else "unmapped"
        counts[state] += 1
        if state == "unmapped" and len(missing) < MAX_NAMED:
            missing.append(code)
    return Coverage(
        codes=counts.total(),
        both=counts["both"],
        inwards=counts["inwards"],
        outwards=counts["outwards"],
        unverified=counts["unverified"],
        unmapped=counts["unmapped"],
        missing=tuple(missing),
    )


def _leads_to(lookup: Lookup, code: str, context: str, asked: Entry) -> bool:
    entry = lookup.get(asked.target, context) if asked.target else None
    return entry is not None and entry.target == code


_COVERED = {(True, True): "both", (True, False): "outwards", (False, True): "inwards"}
