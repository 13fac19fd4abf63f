"""Invented lists of the size of the real ones, for tests and benchmarks: ``python -m mappings.synthetic KIND -o FILE``.

Nothing in them is anybody's code list: digits follow the form of a nomenclature and nothing else, names are made of
syllables. The same arguments give the same bytes. By the name of the file they come in the publisher's form
(``.xlsx`` and ``.csv`` of the nomenclature, ``.zip``, ``.xml`` and ``.txt`` of EPPO codes) or, with ``--as-change``, as
a file that ``imsoc mappings import`` takes. ``map`` is a map of an invented national system, always such a file.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import zipfile
from datetime import date
from itertools import islice
from pathlib import Path
from random import Random
from typing import IO, TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape

from mappings.loading import CODE_COLUMNS, MAP_COLUMNS
from mappings.publishers import eppo, taric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Goods", "eppo_names", "goods", "map_rows", "write"]

ROWS: Final = {"taric": 29_800, "eppo": 100_000, "map": 1_000_000}
"""As many as there are: some 20,000 TARIC codes with 9,800 of the CN among and above them, 100,000 EPPO codes."""
SYSTEM: Final = "synthetic"
"""The code system of the map."""
LANGUAGES: Final = ("en", "fr", "de")
MAPPED: Final = 100_000
"""Codes that the rows of a map are about; more rows are more years of the same codes."""
_FIRST_YEAR: Final = 2017
_SEED: Final = 20261122
_EPOCH: Final = (1980, 1, 1)
_SYLLABLES: Final = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "la",
    "me",
    "ni",
    "po",
    "ru",
    "sa",
    "te",
    "vi",
    "zu",
    "bra",
    "cle",
    "stre",
)
_KINDS: Final = (("pfl", 5), ("gai", 6), ("gaf", 6), ("ntx", 6))
_TONGUES: Final = ("la", "en", "fr", "de", "es", "it", "nl", "pt")
_LETTERS: Final = 26
_SPREAD: Final = 7_368_787
"""A prime: numbers one after another become codes all over the alphabet, each once."""


class Goods(NamedTuple):
    """One line of the nomenclature."""

    goods: str
    suffix: str
    first: date
    last: date | None
    level: int
    indent: int
    words: int
    """Seed of its description."""


def _day(number: int) -> date:
    return date.fromordinal(date(*_EPOCH).toordinal() + number)


def _words(seed: int, count: int) -> str:
    random = Random(seed)  # noqa: S311 - names, no secrets
    return " ".join(
        "".join(random.choice(_SYLLABLES) for _ in range(random.randint(2, 4))) for _ in range(count)
    ).capitalize()


def _description(seed: int, language: str) -> str:
    return f"{_words(seed * 31 + LANGUAGES.index(language), 3 + seed % 5)} ({language})"


def goods(rows: int) -> Iterator[Goods]:
    """So many lines: chapters, headings, subheadings, CN and TARIC codes, headings between them, closed ones."""
    headings = max(1, -(-rows // (97 * 20)))
    return islice((line for chapter in range(1, 98) for line in _chapter(chapter, headings)), rows)


def _chapter(chapter: int, headings: int) -> Iterator[Goods]:
    random = Random(_SEED + chapter)  # noqa: S311
    yield _line(random, f"{chapter:02}", 2, 0)
    for heading in range(1, min(headings, 99) + 1):
        yield _line(random, f"{chapter:02}{heading:02}", 4, 0)
        for six in range(1, random.randint(2, 6) + 1):
            stem = f"{chapter:02}{heading:02}{six}0"
            yield _line(random, stem, 6, 1)
            for eight in range(1, random.randint(1, 3) + 1):
                yield _line(random, f"{stem}{eight}0", 8, 2)
                yield from _divided(random, f"{stem}{eight}0")


def _divided(random: Random, stem: str) -> Iterator[Goods]:
    """TARIC codes below one of the CN, sometimes with a heading before them."""
    count = random.choice((0, 0, 1, 1, 2))
    if count > 1:
        yield _line(random, f"{stem}10", 10, 3, suffix="10")
    for ten in range(1, count + 1):
        yield _line(random, f"{stem}{ten}0", 10, 4 if count > 1 else 3)


def _line(random: Random, digits: str, level: int, indent: int, suffix: str = taric.GOODS) -> Goods:
    first = random.randrange(12_000)
    last = _day(first + random.randrange(1, 4_000)) if level == 10 and random.random() < 0.05 else None  # noqa: PLR2004
    return Goods(digits.ljust(10, "0"), suffix, _day(first), last, level, indent, random.randrange(1 << 30))


def goods_lines(rows: int, languages: Sequence[str] = ("en",)) -> Iterator[list[str]]:
    """Lines as the Commission exports them, without that of the columns."""
    for language in languages:
        for each in goods(rows):
            yield [
                f"{each.goods} {each.suffix}",
                f"{each.first:%d-%m-%Y}",
                f"{each.last:%d-%m-%Y}" if each.last else "",
                language.upper(),
                str(each.level),
                " ".join("-" * each.indent),
                _description(each.words, language),
                f"{each.first:%d-%m-%Y}",
            ]


def eppo_code(number: int, length: int = 6) -> str:
    """The code of a number; different numbers have different codes as long as the alphabet lasts."""
    left = (number * _SPREAD) % _LETTERS**length
    letters = ""
    for _ in range(length):
        left, digit = divmod(left, _LETTERS)
        letters = chr(ord("A") + digit) + letters
    return letters


def eppo_names(rows: int) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """(datatype, code, names by language) of so many codes, the Latin name first."""
    for number in range(rows):
        datatype, length = _KINDS[number % len(_KINDS)]
        genus, species = _words(number // 20, 1), _words(number, 1).lower()
        tongues = _TONGUES[1 : 1 + number % 4]
        names = [("la", f"{genus} {species}"), *((tongue, f"{species} {tongue}") for tongue in tongues)]
        yield datatype, eppo_code(number, length), names


def _eppo_lines(rows: int, datatype: str = "") -> Iterator[list[str]]:
    identifier = 0
    for kind, code, names in eppo_names(rows):
        for preferred, (tongue, name) in zip((1, *[0] * len(names)), names, strict=False):
            identifier += 1
            if datatype in ("", kind):
                yield [
                    str(identifier),
                    kind.upper(),
                    code,
                    tongue,
                    "1",
                    str(preferred),
                    "A",
                    "2000-01-01",
                    "2020-01-01",
                    "",
                    name,
                    "Inv." if preferred else "",
                    name[:20],
                ]


def map_rows(rows: int) -> Iterator[list[str]]:
    """Rows of a map: the same codes year by year, so that each has one answer on each day."""
    for number in range(rows):
        code, year = number % MAPPED, _FIRST_YEAR + number // MAPPED
        canonical = eppo_code(code, _KINDS[code % len(_KINDS)][1])
        yield [f"S{code:06}", canonical, "", "both", "none", f"{year}-01-01", f"{year}-12-31", "own", "invented"]


def write(
    kind: str, target: Path, rows: int = 0, languages: Sequence[str] = ("en",), *, as_change: bool = False
) -> None:
    """Write one list.

    Args:
        kind: ``taric``, ``eppo`` or ``map``.
        target: the file; its ending chooses the publisher's form.
        rows: lines of the nomenclature, codes of EPPO, rows of the map; the size of the real list when 0.
        languages: of the nomenclature, of `LANGUAGES`.
        as_change: the form of ``imsoc mappings import`` instead of the publisher's.

    Raises:
        ValueError: the publisher has no form with this ending.
    """
    rows = rows or ROWS[kind]
    if kind == "map" or as_change:
        _write_csv(target, *_change(kind, rows, languages))
    elif kind == "taric" and target.suffix == ".xlsx":
        _write_workbook(target, [(*taric.COLUMNS, taric.DESCRIPTION_DAY)], goods_lines(rows, languages))
    elif kind == "taric" and target.suffix == ".csv":
        _write_csv(target, [(*taric.COLUMNS, taric.DESCRIPTION_DAY)], goods_lines(rows, languages))
    elif kind == "eppo" and target.suffix == ".zip":
        _write_archive(target, rows)
    elif kind == "eppo" and target.suffix == ".xml":
        _write_xml(target, rows)
    elif kind == "eppo" and target.suffix == ".txt":
        _write_csv(target, [eppo.COLUMNS], _eppo_lines(rows), mark="\ufeff")
    else:
        raise ValueError(f"{kind} has no form {target.suffix}")


def _change(kind: str, rows: int, languages: Sequence[str]) -> tuple[Iterable[Sequence[str]], Iterable[Sequence[str]]]:
    """The lines before the columns with them, and the rows."""
    provenance = [
        "authority: nobody",
        "source: invented by mappings.synthetic",
        "version: 1",
        "licence: none",
        "grade: own",
    ]
    if kind == "map":
        said = ["list: eppo", f"system: {SYSTEM}", "otherwise: refuse", *provenance]
        return [*([f"# {each}"] for each in said), MAP_COLUMNS], map_rows(rows)
    others = [each for each in languages if each != "en"] if kind == "taric" else list(_TONGUES[1:])
    columns = [*CODE_COLUMNS, "parent", *(f"name:{each}" for each in others)]
    body = _goods_codes(rows, others) if kind == "taric" else _eppo_codes(rows, others)
    return [*([f"# {each}"] for each in (f"list: {kind}", *provenance)), columns], body


def _goods_codes(rows: int, others: Sequence[str]) -> Iterator[list[str]]:
    above: list[tuple[int, str]] = []
    for each in goods(rows):
        depth = 0 if each.level == 2 else 1 + each.indent  # noqa: PLR2004 - a chapter
        while above and above[-1][0] >= depth:
            above.pop()
        code = each.goods if each.suffix == taric.GOODS else f"{each.goods}-{each.suffix}"
        parent = above[-1][1] if above else ""
        above.append((depth, code))
        last = each.last.isoformat() if each.last else ""
        texts = [_description(each.words, language) for language in ("en", *others)]
        yield [code, texts[0], each.first.isoformat(), last, "own", "", parent, *texts[1:]]


def _eppo_codes(rows: int, others: Sequence[str]) -> Iterator[list[str]]:
    for _, code, names in eppo_names(rows):
        known = dict(names)
        yield [code, known["la"], "", "", "own", "Inv.", "", *(known.get(tongue, "") for tongue in others)]


def _write_csv(target: Path, head: Iterable[Sequence[str]], rows: Iterable[Sequence[str]], *, mark: str = "") -> None:
    with target.open("w", encoding="utf-8", newline="") as out:
        out.write(mark)
        _csv(out, head, rows)


def _csv(out: IO[str], head: Iterable[Sequence[str]], rows: Iterable[Sequence[str]]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    for line in head:
        if line[0].startswith("# "):
            out.write(f"{line[0]}\n")
        else:
            writer.writerow(line)
    writer.writerows(rows)


def _member(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the time of writing is no part of what is written
    made.compress_type = zipfile.ZIP_DEFLATED
    return made


def _write_archive(target: Path, rows: int) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for datatype, _ in _KINDS:
            with io.TextIOWrapper(archive.open(_member(f"{datatype}name.txt"), "w"), "utf-8", newline="") as out:
                out.write("\ufeff")
                _csv(out, [eppo.COLUMNS], _eppo_lines(rows, datatype))


def _write_xml(target: Path, rows: int) -> None:
    with target.open("w", encoding="utf-8", newline="") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<codes dateexport="2026-11-22" version="1">\n')
        for number, (datatype, code, names) in enumerate(eppo_names(rows), 1):
            out.write(
                f'<code id="{number}" type="{datatype.upper()}" isactive="true"><eppocode>{code}</eppocode><names>'
            )
            for preferred, (tongue, name) in zip(("true", *["false"] * len(names)), names, strict=False):
                out.write(
                    f'<name ispreferred="{preferred}" isactive="true"><fullname>{escape(name)}</fullname>'
                    f"<lang>{tongue}</lang></name>"
                )
            out.write("</names></code>\n")
        out.write("</codes>\n")


_WORKBOOK: Final = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="xl/workbook.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Nomenclature" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": "<Relationships "
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="worksheets/sheet1.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/></Relationships>',
}


def _write_workbook(target: Path, head: Iterable[Sequence[str]], rows: Iterable[Sequence[str]]) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in _WORKBOOK.items():
            archive.writestr(_member(name), text)
        sheet = archive.open(_member("xl/worksheets/sheet1.xml"), "w")
        with io.TextIOWrapper(sheet, "utf-8", newline="") as out:
            out.write('<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for lines in (head, rows):
                for line in lines:
                    cells = "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in line)
                    out.write(f"<row>{cells}</row>")
            out.write("</sheetData></worksheet>")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m mappings.synthetic", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("kind", choices=sorted(ROWS))
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--languages", default="en", help="of the nomenclature: en,fr,de")
    parser.add_argument("--as-change", action="store_true")
    said = parser.parse_args(arguments)
    write(said.kind, said.output, said.rows, said.languages.split(","), as_change=said.as_change)


if __name__ == "__main__":
    main(sys.argv[1:])
