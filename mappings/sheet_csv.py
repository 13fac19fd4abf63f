"""CSV files as lines of text cells: UTF-8 with or without a byte order mark, separated by commas or semicolons."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigurationError
from mappings.sheet_cells import (
    MAX_COLUMNS,
    MAX_CSV_BYTES,
    MAX_LINE_LETTERS,
    MAX_LINES_OF_A_ROW,
    not_a_sheet,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from mappings.sheet_cells import Cell

__all__ = ["csv_lines"]

_CHUNK: Final = 1024 * 1024
_LONGEST_LETTER: Final = 4
"""Bytes of a letter in UTF-8 at most."""
NEWLINE: Final = b"\n"
_SAVE_AS: Final = 'UTF-8: in a spreadsheet save as "CSV UTF-8"'


def csv_lines(file: Path) -> Iterator[tuple[int, list[Cell]]]:
    """The lines of a CSV file; a line that begins with ``#`` before the column names is one cell.

    Raises:
        ConfigurationError: IMG-0133 another encoding, IMG-0134 too large or no CSV.
    """
    _check_bytes(file)
    with file.open(encoding="utf-8-sig", newline="") as text:
        lines = _Lines(text, file.name)
        try:
            yield from _cells(lines, file.name)
        except csv.Error as error:
            raise not_a_sheet(f"{file.name} line {lines.number}", str(error), "a CSV file") from error


def _cells(lines: _Lines, name: str) -> Iterator[tuple[int, list[Cell]]]:
    first = ""
    for first in lines:
        header = _header_line(first)
        if not header and first.strip(" \r\n,;"):
            break
        yield lines.number, [header]
    else:
        return
    delimiter = ";" if first.count(";") > first.count(",") else ","
    yield lines.number, list(next(csv.reader([first], delimiter=delimiter, strict=True)))
    lines.begin()
    for cells in csv.reader(lines, delimiter=delimiter, strict=True):
        if len(cells) > MAX_COLUMNS:
            raise not_a_sheet(f"{name} line {lines.number}", f"{len(cells)} cells", f"at most {MAX_COLUMNS}")
        yield lines.first, list(cells)
        lines.begin()


def _header_line(line: str) -> str:
    """A ``# key: value`` line as it was meant; a spreadsheet quotes it and adds separators. Empty for others."""
    text = line.strip().rstrip(",;").strip()
    if text.startswith('"#') and text.endswith('"'):
        text = text[1:-1].replace('""', '"')
    return text if text.startswith("#") else ""


class _Lines:
    """The physical lines, bounded: their length, and how many make one row."""

    def __init__(self, text: TextIO, name: str) -> None:
        self._text = text
        self._name = name
        self.number = 0
        """Of the line that was read last."""
        self._begun = 0

    @property
    def first(self) -> int:
        """The line with which the row began."""
        return self._begun + 1

    def begin(self) -> None:
        """The next line begins a row."""
        self._begun = self.number

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE_LETTERS + 1)
        if not line:
            raise StopIteration
        self.number += 1
        where = f"{self._name} line {self.number}"
        if len(line) > MAX_LINE_LETTERS:
            raise not_a_sheet(where, "a longer line", f"lines of at most {MAX_LINE_LETTERS} letters")
        if self._begun and self.number - self._begun > MAX_LINES_OF_A_ROW:
            found = f"a quote of line {self.first} that is not closed"
            raise not_a_sheet(where, found, f"at most {MAX_LINES_OF_A_ROW} lines in one row")
        return line


def _check_bytes(file: Path) -> None:
    """The whole file is UTF-8 text, before a row of it counts; the first byte that is not is named with its line."""
    size = file.stat().st_size
    if size > MAX_CSV_BYTES:
        raise not_a_sheet(file.name, f"{size} bytes", f"at most {MAX_CSV_BYTES}")
    line, passed, rest = 1, 0, b""
    with file.open("rb") as raw:
        while chunk := raw.read(_CHUNK):
            if not passed and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise ConfigurationError("IMG-0133", where=file.name, found="UTF-16", expected=_SAVE_AS)
            data = rest + chunk
            bad, rest = _first_bad(data, last=passed + len(data) == size)
            if bad is not None:
                where = f"{file.name} line {line + data.count(NEWLINE, 0, bad)}, byte {passed + bad + 1} of the file"
                raise ConfigurationError("IMG-0133", where=where, found=f"byte 0x{data[bad]:02X}", expected=_SAVE_AS)
            line += data.count(NEWLINE) - rest.count(NEWLINE)
            passed += len(data) - len(rest)


def _first_bad(data: bytes, *, last: bool) -> tuple[int | None, bytes]:
    """Where the first byte is that is no UTF-8 text, and the beginning of a letter that the next chunk ends."""
    rest = b""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if last or error.end < len(data) or len(data) - error.start > _LONGEST_LETTER - 1:
            return error.start, b""
        rest = data[error.start :]
    zero = data.find(b"\0")
    return (zero, b"") if zero >= 0 else (None, rest)
