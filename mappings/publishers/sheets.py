"""The first sheet of a publisher's workbook, cells as text: numbers and days too, which publishers write as such.

Formulas are refused, not evaluated: no publisher's list has any, and what a spreadsheet would make of one is not what
stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openpyxl.utils.cell import get_column_letter

from gateway.errors import TranslationRefused
from mappings.sheet_cells import Odd
from mappings.sheet_xlsx import xlsx_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mappings.sheet_cells import Cell

__all__ = ["sheet_rows"]


def sheet_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Where each row stands, and its cells; empty cells at its end are left out.

    Raises:
        TranslationRefused: IMG-6030 it is no workbook or a damaged one, IMG-6031 a cell that is neither text nor a
            number nor a day, IMG-6032 it is too large.
    """
    for number, cells in xlsx_lines(path, first=True, unusable=_unusable, too_large=_too_large):
        where = f"{path.name} row {number}"
        texts = [_text(cell, where, column) for column, cell in enumerate(cells, 1)]
        while texts and not texts[-1]:
            texts.pop()
        yield where, texts


def _text(cell: Cell, where: str, column: int) -> str:
    if not isinstance(cell, Odd):
        return cell
    if not cell.text:
        place = f"{where} {get_column_letter(column)}{where.rpartition(' ')[2]}"
        raise TranslationRefused("IMG-6031", where=place, found=cell.found, expected="text, a number or a day")
    return cell.text


def _unusable(where: str, found: str, expected: str) -> TranslationRefused:
    return TranslationRefused("IMG-6030", where=where, found=found, expected=expected)


def _too_large(where: str, found: str, expected: str) -> TranslationRefused:
    return TranslationRefused("IMG-6032", where=where, found=found, expected=expected)
