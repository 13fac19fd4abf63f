"""What a spreadsheet file may hold at most, and cells that are no text: shared by the readers of CSV and XLSX."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.errors import ConfigurationError

__all__ = [
    "MAX_COLUMNS",
    "MAX_CSV_BYTES",
    "MAX_LINES_OF_A_ROW",
    "MAX_LINE_LETTERS",
    "MAX_OTHER_BYTES",
    "MAX_PART_BYTES",
    "MAX_RATIO",
    "MAX_ROWS",
    "MAX_SHEET_BYTES",
    "MAX_UNPACKED_BYTES",
    "MAX_XLSX_BYTES",
    "MAX_XLSX_ROWS",
    "Cell",
    "Odd",
    "not_a_sheet",
]

MAX_CSV_BYTES: Final = 512 * 1024 * 1024
MAX_ROWS: Final = 2_000_000
"""Rows of a CSV file: twice the largest list that is known (CN and EPPO together)."""
MAX_LINE_LETTERS: Final = 64 * 1024
MAX_LINES_OF_A_ROW: Final = 200
"""Lines over which one row's quoted cells may run: a quote that is never closed would take in the whole file."""
MAX_COLUMNS: Final = 64
MAX_XLSX_BYTES: Final = 64 * 1024 * 1024
MAX_XLSX_ROWS: Final = 200_000
"""Rows of an XLSX file, which is read ten times slower than CSV; larger lists are saved as CSV."""
MAX_SHEET_BYTES: Final = 256 * 1024 * 1024
"""Decompressed size of one worksheet; it is read as a stream."""
MAX_PART_BYTES: Final = 64 * 1024 * 1024
"""Decompressed size of the shared strings, which are held in memory, and of pictures."""
MAX_OTHER_BYTES: Final = 512 * 1024
"""Of a part in XML that holds no cells and no texts: a thousand styles with fonts and colours of their own are 150 kB,
and as many bytes as this of the shortest ones take openpyxl a few seconds."""
MAX_RATIO: Final = 200
"""Decompressed bytes per compressed one: sheets of repeating cells reach 60."""
MAX_UNPACKED_BYTES: Final = 1024 * 1024 * 1024
"""Decompressed size of all parts of a workbook."""


class Odd(NamedTuple):
    """A cell of a spreadsheet that is no text: a number, a date, a formula."""

    found: str
    expected: str
    formula: bool = False
    text: str = ""
    """Of a number or a day (ISO), for lists whose publisher writes them so; empty for everything else."""


Cell = str | Odd
"""As it stands in the file; empty is the empty text."""


def not_a_sheet(where: str, found: str, expected: str) -> ConfigurationError:
    """IMG-0134: the file as a whole cannot be used."""
    return ConfigurationError("IMG-0134", where=where, found=found, expected=expected)
