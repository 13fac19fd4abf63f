"""XLSX files as lines of cells, by openpyxl as a stream. A formula, a number or a date is told from text.

A workbook is a ZIP of XML files, so it is measured before anything of it is read: the sizes that its entries declare
(more than an entry declares is never unpacked), and no part with a DOCTYPE, which only an attack has.
"""

from __future__ import annotations

import zipfile
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from openpyxl import load_workbook

from gateway.errors import ConfigurationError
from mappings.sheet_cells import (
    MAX_COLUMNS,
    MAX_PART_BYTES,
    MAX_SHEET_BYTES,
    MAX_XLSX_BYTES,
    MAX_XLSX_ROWS,
    Odd,
    not_a_sheet,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mappings.sheet_cells import Cell

__all__ = ["xlsx_lines"]

_CHUNK: Final = 1024 * 1024
_MAX_PARTS: Final = 1000
_AS_TEXT: Final = "text: format the column as Text before the value is typed, or put an apostrophe before it"
_KINDS: Final = {"n": "the number {}", "b": "the truth value {}", "e": "the error {}"}


def xlsx_lines(file: Path, sheet: str = "") -> Iterator[tuple[int, list[Cell]]]:
    """The rows of one worksheet, with their number.

    Args:
        file: the workbook.
        sheet: name of the worksheet; may be empty where the workbook has one only.

    Raises:
        ConfigurationError: IMG-0134 too large, damaged, no workbook, no such worksheet.
    """
    try:
        _check_archive(file)
        with closing(load_workbook(file, read_only=True, data_only=False, keep_links=False)) as book:
            worksheet = _worksheet(book, file.name, sheet)
            worksheet.reset_dimensions()  # what the file says about its size need not be true
            yield from _rows(worksheet, file.name)
    except ConfigurationError:
        raise
    except Exception as error:  # a damaged part fails in openpyxl in many ways
        raise not_a_sheet(file.name, f"damaged ({type(error).__name__})", "an XLSX workbook") from error


def _rows(worksheet: Any, name: str) -> Iterator[tuple[int, list[Cell]]]:
    width = 0
    for number, row in enumerate(worksheet.iter_rows(), 1):
        where = f"{name} sheet {worksheet.title} line {number}"
        if number > MAX_XLSX_ROWS:
            raise not_a_sheet(where, "more rows", f"at most {MAX_XLSX_ROWS}: save a larger list as CSV UTF-8")
        if len(row) > MAX_COLUMNS:
            raise not_a_sheet(where, f"{len(row)} columns", f"at most {MAX_COLUMNS}")
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
        return Odd(f"a date cell ({value:%Y-%m-%d})" if hasattr(value, "year") else "a time cell", _AS_TEXT)
    return Odd(_KINDS.get(kind, "{}").format(value), _AS_TEXT)


def _worksheet(book: Any, name: str, wanted: str) -> Any:
    names = [worksheet.title for worksheet in book.worksheets]
    if wanted in names:
        return book[wanted]
    if wanted or len(names) != 1:
        raise not_a_sheet(name, wanted or f"{len(names)} worksheets", f"--sheet {' | '.join(names)}")
    return book.worksheets[0]


def _check_archive(file: Path) -> None:
    """Sizes and the beginning of every part, before openpyxl reads them."""
    if file.stat().st_size > MAX_XLSX_BYTES:
        raise not_a_sheet(file.name, f"{file.stat().st_size} bytes", f"at most {MAX_XLSX_BYTES}")
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        if "xl/workbook.xml" not in archive.namelist() or len(parts) > _MAX_PARTS:
            raise not_a_sheet(file.name, "another kind of file", "an XLSX workbook or a CSV file")
        for part in parts:
            most = MAX_SHEET_BYTES if part.filename.startswith("xl/worksheets/") else MAX_PART_BYTES
            if part.file_size > most:
                raise not_a_sheet(f"{file.name} {part.filename}", f"{part.file_size} bytes unpacked", f"at most {most}")
        for part in parts:
            if part.filename.endswith((".xml", ".rels", ".vml")):
                _check_xml(archive, part, file.name)


def _check_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    """UTF-8 without a DOCTYPE: what it would define is never read (entities that grow)."""
    before = b""
    with archive.open(part) as content:
        while chunk := content.read(_CHUNK):
            if b"<!DOCTYPE" in before + chunk or b"\0" in chunk:
                raise not_a_sheet(f"{name} {part.filename}", "a DOCTYPE or another encoding", "plain XML in UTF-8")
            before = chunk[-16:]
