"""XLSX files as lines of cells, by openpyxl as a stream. A formula, a number or a date is told from text.

A workbook is a ZIP of XML files, and openpyxl reads worksheets with a parser that expands what a DOCTYPE defines (it
fetches nothing). So a workbook is looked at before openpyxl sees anything of it: the sizes that its parts declare (more
than a part declares is never unpacked); no part with a DOCTYPE, which only an attack has; and rows and cells in the
order in which every spreadsheet writes them, because openpyxl leaves out without a word what stands elsewhere.
"""

from __future__ import annotations

import zipfile
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from openpyxl import load_workbook
from openpyxl.utils.cell import column_index_from_string, coordinate_from_string

from gateway.errors import GatewayError
from gateway.xml.stream import stream
from mappings.sheet_cells import (
    MAX_COLUMNS,
    MAX_OTHER_BYTES,
    MAX_PART_BYTES,
    MAX_RATIO,
    MAX_SHEET_BYTES,
    MAX_UNPACKED_BYTES,
    MAX_XLSX_BYTES,
    MAX_XLSX_ROWS,
    Odd,
    not_a_sheet,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lxml.etree import _Element

    from mappings.sheet_cells import Cell

    Refuse = Callable[[str, str, str], GatewayError]

__all__ = ["xlsx_lines"]

_CHUNK: Final = 1024 * 1024
_MAX_PARTS: Final = 1000
_SMALL: Final = 64 * 1024
"""Bytes below which the ratio says nothing."""
_SHEETS: Final = "xl/worksheets/"
_STRINGS: Final = "xl/sharedstrings.xml"
_XML: Final = (".xml", ".rels", ".vml")
_BEFORE_XML: Final = b"\xef\xbb\xbf\xfe\xff\0 \t\r\n"
"""Bytes that may stand before the first ``<`` in one encoding or another."""
_AS_TEXT: Final = "text: format the column as Text before the value is typed, or put an apostrophe before it"
_KINDS: Final = {"n": "the number {}", "b": "the truth value {}", "e": "the error {}"}


class _Unusable(Exception):
    """The file as a whole; raised as what the caller wants it to be."""

    def __init__(self, where: str, found: str, expected: str, *, large: bool = False) -> None:
        super().__init__(where, found, expected)
        self.large = large


def xlsx_lines(
    file: Path,
    sheet: str = "",
    *,
    first: bool = False,
    unusable: Refuse = not_a_sheet,
    too_large: Refuse = not_a_sheet,
) -> Iterator[tuple[int, list[Cell]]]:
    """The rows of one worksheet, with their number.

    Args:
        file: the workbook.
        sheet: name of the worksheet; may be empty where the workbook has one only.
        first: take the first worksheet.
        unusable: the refusal of a file that cannot be read, is damaged, no workbook, or has no such worksheet, from
            where, what was found and what was expected; IMG-0134 unless said otherwise.
        too_large: that of one beyond a limit.

    Raises:
        GatewayError: what these two make.
    """
    try:
        _check_archive(file)
        with closing(load_workbook(file, read_only=True, data_only=False, keep_links=False)) as book:
            worksheet = _worksheet(book, file.name, sheet, first=first)
            worksheet.reset_dimensions()  # what the file says about its size need not be true
            yield from _rows(worksheet, file.name)
    except _Unusable as refusal:
        raise (too_large if refusal.large else unusable)(*refusal.args) from None
    except OSError as error:
        raise unusable(str(file), error.strerror or "not readable", "an XLSX workbook") from error
    except Exception as error:  # a damaged part fails in openpyxl in many ways
        found = error.code if isinstance(error, GatewayError) else type(error).__name__
        raise unusable(file.name, f"damaged ({found})", "an XLSX workbook") from error


def _rows(worksheet: Any, name: str) -> Iterator[tuple[int, list[Cell]]]:
    width = 0
    for number, row in enumerate(worksheet.iter_rows(), 1):
        where = f"{name} sheet {worksheet.title} line {number}"
        if number > MAX_XLSX_ROWS:
            expected = f"at most {MAX_XLSX_ROWS}: save a larger list as CSV UTF-8"
            raise _Unusable(where, "more rows", expected, large=True)
        if len(row) > MAX_COLUMNS:
            raise _Unusable(where, f"{len(row)} columns", f"at most {MAX_COLUMNS}", large=True)
        width = max(width, len(row))  # a row ends with its last cell that is not empty
        yield number, [*map(_cell, row), *[""] * (width - len(row))]


def _cell(cell: Any) -> Cell:
    value, kind = cell.value, cell.data_type
    if value is None:
        return ""
    if kind == "f":
        return Odd("a formula", "the value itself, as text", formula=True)
    if isinstance(value, str) and kind == "s":
        return value
    if kind == "d":
        day = f"{value:%Y-%m-%d}" if hasattr(value, "year") else ""
        return Odd(f"a date cell ({day})" if day else "a time cell", _AS_TEXT, text=day)
    return Odd(_KINDS.get(kind, "{}").format(value), _AS_TEXT, text=str(value) if kind == "n" else "")


def _worksheet(book: Any, name: str, wanted: str, *, first: bool) -> Any:
    names = [worksheet.title for worksheet in book.worksheets]
    if not names:
        raise _Unusable(name, "no worksheet", "an XLSX workbook (Strict Open XML is not read: save it without Strict)")
    if wanted in names:
        return book[wanted]
    if not first and (wanted or len(names) != 1):
        raise _Unusable(name, wanted or f"{len(names)} worksheets", f"--sheet {' | '.join(names)}")
    return book.worksheets[0]


def _check_archive(file: Path) -> None:
    """Sizes and every part, before openpyxl reads them."""
    if file.stat().st_size > MAX_XLSX_BYTES:
        raise _Unusable(file.name, f"{file.stat().st_size} bytes", f"at most {MAX_XLSX_BYTES}", large=True)
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        if "xl/workbook.xml" not in archive.namelist() or len(parts) > _MAX_PARTS:
            raise _Unusable(file.name, "another kind of file", "an XLSX workbook or a CSV file")
        for part in parts:
            most = MAX_SHEET_BYTES if part.filename.startswith(_SHEETS) else MAX_PART_BYTES
            _check_size(f"{file.name} {part.filename}", part.file_size, most)
        _check_size(file.name, sum(part.file_size for part in parts), MAX_UNPACKED_BYTES)
        for part in parts:
            if part.file_size > _SMALL and part.file_size > MAX_RATIO * max(part.compress_size, 1):
                where, expected = f"{file.name} {part.filename}", f"at most {MAX_RATIO} times its compressed size"
                raise _Unusable(where, f"{part.file_size} bytes unpacked", expected, large=True)
        for part in parts:
            _check_part(archive, part, file.name)
        for part in parts:
            if part.filename.startswith(_SHEETS) and part.filename.endswith(".xml"):
                _check_order(archive, part, file.name)


def _check_size(where: str, size: int, most: int) -> None:
    if size > most:
        raise _Unusable(where, f"{size} bytes unpacked", f"at most {most}", large=True)


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    """UTF-8 without a DOCTYPE: what it would define is never read (entities that grow).

    A part that is named otherwise (a picture) may be anything but XML: the workbook says itself which part is a sheet.
    """
    before = b""
    with archive.open(part) as content:
        while chunk := content.read(_CHUNK):
            named = before or part.filename.lower().endswith(_XML)
            if not named and chunk.lstrip(_BEFORE_XML)[:1] not in (b"<", b""):
                return
            if not before:
                _check_other(part, name)
            if b"<!DOCTYPE" in before + chunk or b"\0" in chunk:
                raise _Unusable(f"{name} {part.filename}", "a DOCTYPE or another encoding", "plain XML in UTF-8")
            before = chunk[-16:]


def _check_other(part: zipfile.ZipInfo, name: str) -> None:
    """Styles and the like, of which openpyxl makes objects a hundred times their size."""
    if not part.filename.startswith(_SHEETS) and part.filename.lower() != _STRINGS:
        _check_size(f"{name} {part.filename}", part.file_size, MAX_OTHER_BYTES)


def _check_order(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    """Each row below the one before it, each cell to the right; those without a place follow."""
    last = 0
    with archive.open(part) as content:
        for row in stream(content, "{*}row", name=part.filename, max_file=MAX_SHEET_BYTES, max_piece=MAX_PART_BYTES):
            number = int(row.get("r") or last + 1)
            if number <= last or not _in_order(row):
                where = f"{name} {part.filename} row {number}"
                raise _Unusable(where, "rows or cells that are not in order", "a workbook as spreadsheets save it")
            last = number


def _in_order(row: _Element) -> bool:
    last = 0
    for cell in row:
        place = cell.get("r")
        column = column_index_from_string(coordinate_from_string(place)[0]) if place else last + 1
        if column <= last:
            return False
        last = column
    return True
