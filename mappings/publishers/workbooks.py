"""The first sheet of a workbook (XLSX, ECMA-376), row by row: cells as text, nothing calculated.

A workbook is a ZIP archive with XML files. Formulas are refused, not evaluated: no publisher's list has any, and what
a spreadsheet would make of one is not what stands there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.errors import TranslationRefused
from gateway.xml.stream import stream
from mappings.publishers.files import MAX_ROWS, open_archive

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator
    from pathlib import Path

    from lxml.etree import _Element

__all__ = ["sheet_rows"]

_CELL: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_MAX_COLUMNS: Final = 64
_STRINGS: Final = "xl/sharedStrings.xml"
_SHEET: Final = re.compile(r"xl/worksheets/sheet(\d+)\.xml")


def sheet_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Where each row stands, and its cells; empty cells at its end are left out.

    Raises:
        TranslationRefused: IMG-6030 it is no workbook, IMG-6031 a cell that is none or has a formula, IMG-6032 it is
            too large.
        XmlRefused: IMG-10xx a part of it is no XML.
    """
    with open_archive(path) as archive:
        sheets = sorted((int(found[1]), found[0]) for found in map(_SHEET.fullmatch, archive.namelist()) if found)
        if not sheets:
            raise TranslationRefused("IMG-6030", where=path.name, found="no sheet", expected="a workbook (XLSX)")
        shared = _shared_strings(archive, path.name)
        name = f"{path.name} {sheets[0][1]}"
        with archive.open(sheets[0][1]) as sheet:
            for number, row in enumerate(stream(sheet, "{*}row", name=name), 1):
                if number > MAX_ROWS:
                    raise TranslationRefused(
                        "IMG-6032", where=name, found="more rows", expected=f"at most {MAX_ROWS:,}"
                    )
                where = f"{path.name} row {row.get('r') or number}"
                yield where, _cells(row, shared, where)


def _shared_strings(archive: zipfile.ZipFile, name: str) -> list[str]:
    if _STRINGS not in archive.namelist():
        return []
    with archive.open(_STRINGS) as source:
        return [_text(item) for item in stream(source, "{*}si", name=f"{name} {_STRINGS}")]


def _text(element: _Element) -> str:
    """Of plain and of rich text, without the phonetic reading beside it."""
    found = ""
    for child in element:
        local = _local(child)
        if local == "t":
            found += child.text or ""
        elif local in ("r", "is"):
            found += _text(child)
    return found


def _local(element: _Element) -> str:
    """Workbooks have one of two namespaces, transitional or strict; the names are the same."""
    return str(element.tag).rpartition("}")[2]


def _cells(row: _Element, shared: list[str], where: str) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if _local(cell) != "c":
            continue
        column = _column(cell.get("r") or "", len(cells), where)
        if column > len(cells):
            cells += [""] * (column - len(cells))
        cells.append(_value(cell, shared, where))
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _column(reference: str, after: int, where: str) -> int:
    """Column of a cell, from 0; cells without reference follow one another."""
    found = _CELL.fullmatch(reference)
    column = after
    if reference:
        column = -1
        for letter in found[1] if found else "":
            column = (column + 1) * 26 + ord(letter) - ord("A")
    if not after <= column < _MAX_COLUMNS:
        raise TranslationRefused("IMG-6031", where=where, found=f"a cell {reference or column}", expected="A to BL")
    return column


def _value(cell: _Element, shared: list[str], where: str) -> str:
    parts = {_local(child): child for child in cell}
    if "f" in parts:
        raise TranslationRefused("IMG-6031", where=f"{where} {cell.get('r') or ''}".rstrip(), found="a formula")
    kind = cell.get("t")
    if kind == "inlineStr":
        return _text(cell)
    text = parts["v"].text or "" if "v" in parts else ""
    if kind != "s" or not text:
        return text
    if not (text.isascii() and text.isdecimal()) or int(text) >= len(shared):
        raise TranslationRefused("IMG-6031", where=where, found=f"string {text}", expected="a shared string")
    return shared[int(text)]
