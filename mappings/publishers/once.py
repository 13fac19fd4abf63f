"""Each code once per day: the one thing that every list must keep, whoever publishes it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from gateway.errors import TranslationRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mappings.publishers.rows import PublishedCode

__all__ = ["each_once"]


def each_once(codes: Iterable[PublishedCode]) -> Iterator[PublishedCode]:
    """The same codes, until one comes a second time for a day that it has already.

    Raises:
        TranslationRefused: IMG-6033.
    """
    seen: dict[str, tuple[tuple[date, date], ...]] = {}
    for each in codes:
        first, last = each.valid_from or date.min, each.valid_to or date.max
        spans = seen.get(each.code, ())
        if any(first <= end and start <= last for start, end in spans):
            raise TranslationRefused(
                "IMG-6033", where=each.where, found=each.code, expected="each code once for each day"
            )
        seen[each.code] = (*spans, (first, last))
        yield each
