"""What every reader yields, and what every cell of a publisher's file must be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from gateway.errors import TranslationRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.models import Grade

__all__ = ["MAX_TEXT", "PublishedCode", "clean", "day_of", "refuse_cell"]

MAX_TEXT: Final = 4_000
"""Characters of a cell; the longest description of a heading has some 1,500."""
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_PUBLISHED: Final = re.compile(r"(\d\d)[-/.](\d\d)[-/.](\d{4})", re.ASCII)
_SERIAL: Final = re.compile(r"\d{1,6}(\.0+)?", re.ASCII)
_SPREADSHEET_EPOCH: Final = date(1899, 12, 30)
_LAST_SERIAL: Final = 2_958_465
"""31 December 9999 as a spreadsheet counts days."""


@dataclass(frozen=True, slots=True)
class PublishedCode:
    """One code as its publisher has it; both days count."""

    code: str
    name: str
    """In English, of an organism in Latin; the first language of the file where neither is there."""
    parent: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """Name by ISO 639-1 language, beside ``name``."""
    note: str = ""
    where: str = ""
    """File and line."""
    grade: Grade | None = None
    """Of this code alone, where it is not that of the whole list."""


def clean(text: str, where: str, column: str) -> str:
    """A cell without the white space around it and with single spaces inside.

    Raises:
        TranslationRefused: IMG-6031 it is too long or holds characters that steer a terminal.
    """
    if len(text) > MAX_TEXT:
        raise refuse_cell(where, column, f"{len(text)} characters", f"at most {MAX_TEXT}")
    if _CONTROL.search(text):
        raise refuse_cell(where, column, "a control character", "text")
    return " ".join(text.split())


def day_of(text: str, where: str, column: str) -> date | None:
    """A cell with a day as publishers write it (31-12-2026, 2026-12-31, a spreadsheet's number); None when empty.

    Raises:
        TranslationRefused: IMG-6031.
    """
    if not text:
        return None
    try:
        if found := _PUBLISHED.fullmatch(text):
            return date(int(found[3]), int(found[2]), int(found[1]))
        if _SERIAL.fullmatch(text) and 0 < int(float(text)) <= _LAST_SERIAL:
            return _SPREADSHEET_EPOCH + timedelta(days=int(float(text)))
        return date.fromisoformat(text[:10])
    except ValueError:
        raise refuse_cell(where, column, text, "a day, as 31-12-2026 or 2026-12-31") from None


def refuse_cell(where: str, column: str, found: str, expected: str) -> TranslationRefused:
    """The refusal of one cell: IMG-6031."""
    return TranslationRefused("IMG-6031", where=f"{where} {column}", found=found, expected=expected)
