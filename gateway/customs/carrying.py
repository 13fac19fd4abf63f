"""Which line of one CHED stands for which line of another (docs/adr/0020): the same goods, the same number first.

Pure: what is allotted is written by ``gateway.single_window.following``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.store import LedgerLineRow

__all__ = ["Share", "allotted", "grown", "is_known_goods", "same_goods"]


class Share(NamedTuple):
    """So much of a line of one CHED stands on a line of another."""

    wanting: LedgerLineRow
    """Whose quantity it is."""
    giving: LedgerLineRow
    """Where it finds room."""
    quanta: int


def same_goods(first: LedgerLineRow, second: LedgerLineRow) -> bool:
    """Whether two lines are of the same goods: the same CN code, and quantities that convert."""
    return first.code == second.code and first.dimension == second.dimension


def is_known_goods(line: LedgerLineRow, others: Iterable[LedgerLineRow]) -> bool:
    """Whether any of the other lines is of the same goods."""
    return any(same_goods(line, other) for other in others)


def grown(before: Iterable[LedgerLineRow], after: Sequence[LedgerLineRow]) -> tuple[LedgerLineRow, ...]:
    """The lines of goods of which more is taken than before, on all lines together; with the totals of after."""
    old = tuple(before)
    return tuple(line for line in after if _taken(line, after) > _taken(line, old))


def _taken(goods: LedgerLineRow, lines: Iterable[LedgerLineRow]) -> int:
    return sum(line.certified - line.available for line in lines if same_goods(line, goods))


def allotted(
    wanting: Sequence[tuple[LedgerLineRow, int]], giving: Sequence[tuple[LedgerLineRow, int]]
) -> tuple[tuple[Share, ...], tuple[tuple[LedgerLineRow, int], ...]]:
    """Find room for quantities on the lines of another CHED.

    Every line gets the room of its own number before any takes that of another number, so that what is allotted does
    not depend on the order of the lines. Nothing is allotted twice.

    Args:
        wanting: lines with the quanta that look for room.
        giving: lines with the quanta that they can take.

    Returns:
        What was allotted, and the lines that found too little room with the quanta that are left.
    """
    left = [quanta for _, quanta in wanting]
    room = [quanta for _, quanta in giving]
    shares: list[Share] = []
    for by_number in (True, False):
        for which, (line, _) in enumerate(wanting):
            for place, (other, _) in enumerate(giving):
                quanta = min(left[which], room[place])
                if quanta <= 0 or not same_goods(line, other) or (line.number == other.number) is not by_number:
                    continue
                shares.append(Share(line, other, quanta))
                left[which] -= quanta
                room[place] -= quanta
    rest = tuple((line, quanta) for (line, _), quanta in zip(wanting, left, strict=True) if quanta > 0)
    return tuple(shares), rest
