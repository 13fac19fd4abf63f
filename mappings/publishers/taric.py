"""Combined Nomenclature and TARIC, as the Commission exports them: ``Nomenclature EN.xlsx`` and its other languages.

The export (CIRCABC, one workbook per language) has the columns Goods code, Start date, End date, Language, Hier. Pos.,
Indent, Description, Descr. start date. Confirmed by several public programs that read it: the columns and their order,
goods codes of ten digits and a suffix of two, days as 31-12-2026 or as a spreadsheet's number, Hier. Pos. 2 to 10,
indents as dashes, and that the order of the lines together with the dashes is the tree, while Hier. Pos. of one code
may span several levels. From memory, not confirmed: that an end date is the last day that counts. The same columns as
CSV are read too; whether the Commission offers that form was not seen.

Suffix 80 marks goods; other suffixes are headings between them, which nobody declares. Terms: reuse of Commission
documents (Decision 2011/833/EU) is what this project assumes; whoever loads a file looks at the terms of that file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, groupby, pairwise
from typing import TYPE_CHECKING, Final

from gateway.errors import TranslationRefused
from mappings.publishers.files import csv_lines, open_file
from mappings.publishers.once import each_once
from mappings.publishers.rows import PublishedCode, clean, day_of, refuse_cell
from mappings.publishers.sheets import sheet_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from mappings.publishers.files import Line

    _Labels = Mapping[tuple[str, str, date | None], Mapping[str, str]]

__all__ = ["COLUMNS", "Nomenclature", "read_taric"]

COLUMNS: Final = (
    "Goods code",
    "Start date",
    "End date",
    "Language",
    "Hier. Pos.",
    "Indent",
    "Description",
)
DESCRIPTION_DAY: Final = "Descr. start date"
GOODS: Final = "80"
"""The suffix of goods."""
_CN_LEVEL: Final = 8
_HEADING_LEVEL: Final = 4
_MAIN: Final = "en"
_CODE: Final = re.compile(r"\d{12}", re.ASCII)
_LEVEL: Final = re.compile(r"(2|4|6|8|10)(\.0+)?", re.ASCII)
_DASHES: Final = re.compile(r"[- \u2013]*")
_LANGUAGE: Final = re.compile("[A-Za-z]{2}")


class Nomenclature(StrEnum):
    """Which of the two lists is wanted; they come in one file."""

    CN = "cn"
    """Codes of two to eight digits."""
    TARIC = "taric"
    """Codes of ten digits, and the headings between them."""


@dataclass(frozen=True, slots=True)
class _Entry:
    goods: str
    suffix: str
    first: date | None
    last: date | None
    language: str
    level: int
    depth: int
    text: str
    described: date | None
    where: str

    @property
    def key(self) -> tuple[str, str, date | None]:
        return self.goods, self.suffix, self.first


def read_taric(paths: Sequence[Path], nomenclature: Nomenclature = Nomenclature.TARIC) -> Iterator[PublishedCode]:
    """The codes of an export, each after the one above it.

    Args:
        paths: workbooks (``.xlsx``) or CSV files; each line says its language. English gives the names, else the
            language of the first line; all others become labels.
        nomenclature: which of the two lists.

    Raises:
        TranslationRefused: IMG-6030 to IMG-6034.
    """
    main, labels = _labels(paths)
    entries = (each for each in _entries(paths) if each.language == main)
    newest = (max(same, key=_described) for _, same in groupby(entries, key=lambda each: each.key))
    return each_once(_cn(newest, labels) if nomenclature is Nomenclature.CN else _taric(newest, labels))


def _labels(paths: Sequence[Path]) -> tuple[str, dict[tuple[str, str, date | None], dict[str, str]]]:
    """The language of the names, and all other texts by what they describe."""
    main = ""
    for each in _entries(paths):
        main = main or each.language
        if each.language == _MAIN:
            main = _MAIN
            break
    found: dict[tuple[str, str, date | None], dict[str, str]] = {}
    for each in _entries(paths):
        if each.language != main:
            found.setdefault(each.key, {})[each.language] = each.text
    return main, found


def _described(entry: _Entry) -> str:
    return entry.described.isoformat() if entry.described else ""


def _taric(entries: Iterable[_Entry], labels: _Labels) -> Iterator[PublishedCode]:
    above: list[tuple[int, str]] = []
    for entry in entries:
        while above and above[-1][0] >= entry.depth:
            above.pop()
        code = entry.goods if entry.suffix == GOODS else f"{entry.goods}-{entry.suffix}"
        note = "" if entry.suffix == GOODS else "a heading: not declared"
        yield _published(entry, code, above[-1][1] if above else "", labels, note)
        above.append((entry.depth, code))


def _cn(entries: Iterable[_Entry], labels: _Labels) -> Iterator[PublishedCode]:
    """Without headings and the two digits of TARIC; goods that the CN does not divide have eight digits besides."""
    above: list[tuple[int, str]] = []
    for entry, following in pairwise(chain(entries, (None,))):
        while entry is not None and above and above[-1][0] >= entry.depth:
            above.pop()
        if entry is None or entry.suffix != GOODS or entry.level > _CN_LEVEL:
            continue
        code = entry.goods[: entry.level]
        yield _published(entry, code, above[-1][1] if above else "", labels)
        above.append((entry.depth, code))
        divided = following is not None and following.depth > entry.depth and following.level <= _CN_LEVEL
        if _HEADING_LEVEL <= entry.level < _CN_LEVEL and not divided:
            yield _published(entry, entry.goods[:_CN_LEVEL], code, labels)


def _published(entry: _Entry, code: str, parent: str, labels: _Labels, note: str = "") -> PublishedCode:
    texts = labels.get(entry.key, {})
    return PublishedCode(code, entry.text, parent, entry.first, entry.last, texts, note, entry.where)


def _entries(paths: Sequence[Path]) -> Iterator[_Entry]:
    for path in paths:
        for where, cells in _workbook(path) if path.suffix.lower() == ".xlsx" else _csv(path):
            yield _entry(where, cells)


def _csv(path: Path) -> Iterator[Line]:
    with open_file(path) as source:
        yield from csv_lines(source, path.name, COLUMNS, also=frozenset({DESCRIPTION_DAY}))


def _workbook(path: Path) -> Iterator[Line]:
    rows = sheet_rows(path)
    where, found = next(rows, (f"{path.name} row 1", []))
    known = {each.casefold(): each for each in (*COLUMNS, DESCRIPTION_DAY)}
    columns = [known.get(" ".join(cell.split()).casefold(), "") for cell in found]
    if not set(COLUMNS) <= set(columns) or "" in columns:
        raise TranslationRefused("IMG-6030", where=where, found=",".join(found)[:200], expected=",".join(COLUMNS))
    for at, cells in rows:
        if len(cells) > len(columns):
            raise TranslationRefused("IMG-6031", where=at, found=f"{len(cells)} cells", expected=str(len(columns)))
        if cells:
            yield at, dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=True))


def _entry(where: str, cells: dict[str, str]) -> _Entry:
    digits = "".join(cells["Goods code"].split())
    if not _CODE.fullmatch(digits):
        raise refuse_cell(where, "Goods code", cells["Goods code"], "ten digits and a suffix of two")
    level, language = cells["Hier. Pos."].strip(), cells["Language"].strip()
    if not _LEVEL.fullmatch(level):
        raise refuse_cell(where, "Hier. Pos.", level, "2, 4, 6, 8 or 10")
    if not _LANGUAGE.fullmatch(language):
        raise refuse_cell(where, "Language", language, "two letters")
    if not _DASHES.fullmatch(cells["Indent"]):
        raise refuse_cell(where, "Indent", cells["Indent"], "dashes")
    first = day_of(cells["Start date"].strip(), where, "Start date")
    last = day_of(cells["End date"].strip(), where, "End date")
    if first and last and last < first:
        raise refuse_cell(where, "End date", last.isoformat(), f"{first} or later")
    position = int(float(level))
    dashes = len(cells["Indent"].replace(" ", ""))
    return _Entry(
        digits[:10],
        digits[10:],
        first,
        last,
        language.lower(),
        position,
        0 if position == 2 else 1 + dashes,  # noqa: PLR2004 - a chapter
        clean(cells["Description"], where, "Description"),
        day_of(cells.get(DESCRIPTION_DAY, "").strip(), where, DESCRIPTION_DAY),
        where,
    )
