"""Table files to tables: each line is checked, and a set of tables that contradicts itself does not load.

A file is CSV in UTF-8 with a header of ``# key: value`` lines that says where its rows come from. ``list-*.csv`` holds
the codes of one list (the canonical ones, or with ``# system:`` those of another system), ``map-*.csv`` how one
system's codes relate to the canonical ones, ``systems.csv`` says which systems there are. Cells are text and nothing
else: ``NA`` is Namibia, ``045`` keeps its zero.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from io import StringIO
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigurationError
from mappings.checks import check
from mappings.contradictions import rows_left
from mappings.countries import BASE, base_label, iso_alpha_three, iso_countries
from mappings.models import (
    CANONICAL,
    Code,
    CodeList,
    CodeMap,
    CodeSystem,
    Direction,
    Grade,
    Loss,
    Otherwise,
    Provenance,
    Row,
)
from mappings.periods import installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from mappings.index import Index

CODE_COLUMNS: Final = ["code", "name", "valid_from", "valid_to", "grade", "note"]
"""Of a list; ``parent`` and labels such as ``name:fr`` may follow."""
MAP_COLUMNS: Final = [
    "code",
    "canonical",
    "context",
    "direction",
    "loss",
    "valid_from",
    "valid_to",
    "grade",
    "evidence",
]
SYSTEM_COLUMNS: Final = ["id", "name", "authority", "kind", "source", "grade"]
SYSTEMS: Final = "systems.csv"
_LABEL: Final = re.compile(r"name:[a-z]{2}")
_PROVENANCE: Final = ("authority", "source", "version", "licence", "grade")
_DIGEST_LENGTH: Final = 12
"""Hex digits of the SHA-256 that a version shows: enough to tell the revisions of one file apart."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All code lists and maps of this instance, checked against each other."""

    lists: dict[str, CodeList]
    """The canonical lists."""
    maps: tuple[CodeMap, ...]
    own_lists: dict[tuple[str, str], CodeList] = field(default_factory=dict)
    """Lists of other systems, by system and list."""
    systems: dict[str, CodeSystem] = field(default_factory=dict)
    _compiled: dict[tuple[date, bool], Index] = field(default_factory=dict, compare=False, repr=False)

    def compile(self, on: date, *, allow_unconfirmed: bool = False) -> Index:
        """The index for one day; kept, so that asking again costs a dictionary read.

        Args:
            on: the day whose rows count.
            allow_unconfirmed: also use rows that the sources grade as unverified (sandbox only).
        """
        from mappings.index import Index  # noqa: PLC0415  # the index reads tables, so it cannot be imported above

        key = (on, allow_unconfirmed)
        if key not in self._compiled:
            self._compiled[key] = Index.build(self, on, allow_unconfirmed=allow_unconfirmed)
        return self._compiled[key]


def load_tables(directory: Path | None = None, overlays: Sequence[Path] = ()) -> Tables:
    """Read the tables and check them against each other.

    Args:
        directory: the base tables; the ones of this package when None.
        overlays: directories of the operator's own tables; a row there replaces the base rows about the same code.

    Raises:
        ConfigurationError: IMG-0130 a file cannot be read as a table, IMG-0131 rows contradict each other.
    """
    tables = read_tables(files_of(directory, overlays))
    check(tables)
    return tables


def files_of(directory: Path | None = None, overlays: Sequence[Path] = ()) -> tuple[Traversable, ...]:
    """The files of the base tables and of those laid over them, in the order in which they count."""
    base: Traversable = directory or resources.files("mappings").joinpath("tables")
    layers = (sorted(layer.iterdir(), key=lambda entry: entry.name) for layer in (base, *overlays))
    return tuple(file for layer in layers for file in layer)


def read_tables(files: Iterable[Traversable]) -> Tables:
    """Tables of files as they are, which may contradict each other; a later one goes before the ones before it.

    Raises:
        ConfigurationError: IMG-0130.
    """
    lists: dict[str, CodeList] = {}
    own_lists: dict[tuple[str, str], CodeList] = {}
    systems: dict[str, CodeSystem] = {}
    maps: list[CodeMap] = []
    for file in files:
        if file.name.startswith("list-") and file.name.endswith(".csv"):
            code_list = read_list_file(file)
            if code_list.system == CANONICAL:
                lists[code_list.list] = code_list
            else:
                own_lists[code_list.system, code_list.list] = code_list
        elif file.name.startswith("map-") and file.name.endswith(".csv"):
            maps.append(read_map_file(file))
        elif file.name == SYSTEMS:
            systems |= _read_systems(file)
    return Tables(lists, tuple(_merge(maps)), own_lists, systems)


def _merge(maps: Iterable[CodeMap]) -> Iterator[CodeMap]:
    """One map per (system, list, partner): later files replace the rows about the same codes in earlier ones."""
    merged: dict[tuple[str, str, str], CodeMap] = {}
    for newer in maps:
        key = (newer.system, newer.list, newer.partner)
        older = merged.get(key)
        if older is None:
            merged[key] = newer
            continue
        digest = hashlib.sha256(f"{older.digest}{newer.digest}".encode()).hexdigest()[:_DIGEST_LENGTH]
        merged[key] = CodeMap(
            older.name,
            older.system,
            older.list,
            older.partner,
            older.otherwise,
            newer.provenance,
            digest,
            rows_left(older.rows, newer.rows) + newer.rows,
            newer.transform or older.transform,
        )
    return iter(merged.values())


def read_list_file(file: Traversable) -> CodeList:
    """One ``list-*.csv``.

    Raises:
        ConfigurationError: IMG-0130, IMG-0131.
    """
    header, lines, digest = _read(file, CODE_COLUMNS)
    provenance = _provenance(file, header)
    known: list[Code] = []
    if header.get("base") == BASE:
        known += iso_countries().values()
        provenance, digest = _on_base(provenance, digest, sorted(iso_countries()))
    seen = {(each.code, each.valid_from) for each in known}
    for number, cells in lines:
        where = f"{file.name} line {number}"
        first = _day(cells["valid_from"], where)
        if (cells["code"], first) in seen or not cells["code"]:
            raise ConfigurationError(
                "IMG-0131", where=where, found=cells["code"], expected="each code once for each day"
            )
        seen.add((cells["code"], first))
        known.append(
            Code(
                cells["code"],
                cells["name"],
                first,
                _day(cells["valid_to"], where),
                _grade(cells["grade"], provenance, where),
                cells["note"],
                cells.get("parent", ""),
                {name[5:]: text for name, text in cells.items() if name.startswith("name:") and text},
            )
        )
    codes, periods = installed(known)
    return CodeList(_stem(file), header["list"], provenance, digest, codes, header.get("system", CANONICAL), periods)


def read_map_file(file: Traversable) -> CodeMap:
    """One ``map-*.csv``.

    Raises:
        ConfigurationError: IMG-0130.
    """
    header, lines, digest = _read(file, MAP_COLUMNS)
    provenance = _provenance(file, header)
    system, name = header["system"], header["list"]
    rows: list[Row] = []
    if header.get("base") == BASE:
        provenance, digest = _on_base(provenance, digest, sorted(iso_alpha_three().items()))
    for number, cells in lines:
        where = f"{file.name} line {number}"
        try:
            direction, loss = Direction(cells["direction"]), Loss(cells["loss"])
        except ValueError as error:
            raise ConfigurationError("IMG-0130", where=where, found=str(error)) from error
        rows.append(
            Row(
                row_id(system, name, cells),
                cells["code"],
                cells["canonical"],
                cells["context"],
                direction,
                loss,
                _day(cells["valid_from"], where),
                _day(cells["valid_to"], where),
                _grade(cells["grade"], provenance, where),
                cells["evidence"],
            )
        )
    try:
        otherwise = Otherwise(header.get("otherwise", ""))
    except ValueError as error:
        raise ConfigurationError(
            "IMG-0130",
            where=f"{file.name} header",
            found=f"otherwise: {header.get('otherwise', '')}",
            expected=", ".join(Otherwise),
        ) from error
    if header.get("base") == BASE:  # the rows of the file go before those of the package
        base = (_iso_row(system, name, *pair) for pair in iso_alpha_three().items())
        rows[:0] = rows_left(base, rows)
    partner, transform = header.get("partner", ""), header.get("transform", "")
    return CodeMap(_stem(file), system, name, partner, otherwise, provenance, digest, tuple(rows), transform)


def _read_systems(file: Traversable) -> dict[str, CodeSystem]:
    _, lines, _ = _read(file, SYSTEM_COLUMNS)
    systems: dict[str, CodeSystem] = {}
    for number, cells in lines:
        where = f"{file.name} line {number}"
        if cells["id"] in systems or not cells["id"]:
            raise ConfigurationError("IMG-0131", where=where, found=cells["id"], expected="each system once")
        systems[cells["id"]] = CodeSystem(
            cells["id"],
            cells["name"],
            cells["authority"],
            cells["kind"],
            cells["source"],
            _grade(cells["grade"], None, where),
        )
    return systems


def _read(file: Traversable, columns: list[str]) -> tuple[dict[str, str], list[tuple[int, dict[str, str]]], str]:
    """The header, the lines with their number, and the digest of the file."""
    raw = file.read_bytes()
    try:
        lines = raw.decode("utf-8").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise ConfigurationError("IMG-0130", where=file.name, expected="UTF-8") from error
    header: dict[str, str] = {}
    body = 0
    while body < len(lines) and lines[body].startswith("#"):
        key, _, value = lines[body][1:].partition(":")
        header[key.strip()] = value.strip()
        body += 1
    needed = {*_PROVENANCE}
    needed |= {"list"} if columns is not SYSTEM_COLUMNS else set()
    needed |= {"system", "otherwise"} if columns is MAP_COLUMNS else set()
    if missing := sorted(needed - header.keys()):
        lines_missing = ", ".join(f"# {key}: ..." for key in missing)
        raise ConfigurationError("IMG-0130", where=f"{file.name} header", expected=f"lines {lines_missing}")
    reader = csv.reader(StringIO("".join(lines[body:])), strict=True)
    numbered: list[tuple[int, dict[str, str]]] = []
    names = columns
    try:
        for cells in reader:
            number = body + reader.line_num
            if number == body + 1:
                names = cells
                if not _are_columns(cells, columns):
                    raise ConfigurationError("IMG-0130", where=f"{file.name} line {number}", expected=",".join(columns))
            elif len(cells) != len(names):
                raise ConfigurationError(
                    "IMG-0130",
                    where=f"{file.name} line {number}",
                    found=f"{len(cells)} cells",
                    expected=f"{len(names)}",
                )
            else:
                numbered.append((number, dict(zip(names, cells, strict=True))))
    except csv.Error as error:
        raise ConfigurationError("IMG-0130", where=file.name, found=str(error)) from error
    return header, numbered, hashlib.sha256(raw).hexdigest()[:_DIGEST_LENGTH]


def _are_columns(cells: list[str], columns: list[str]) -> bool:
    """The columns of the form; a list may have a parent and labels beside them."""
    further = cells[len(columns) :]
    return (
        cells[: len(columns)] == columns
        and len(set(further)) == len(further)
        and (columns is CODE_COLUMNS or not further)
        and all(name == "parent" or _LABEL.fullmatch(name) for name in further)
    )


def _on_base(provenance: Provenance, digest: str, base: object) -> tuple[Provenance, str]:
    """Provenance and digest of a table that a package is part of."""
    return (
        replace(provenance, version=f"{provenance.version}+{base_label()}"),
        hashlib.sha256(f"{digest}{base}".encode()).hexdigest()[:_DIGEST_LENGTH],
    )


def _iso_row(system: str, name: str, code: str, canonical: str) -> Row:
    """An alpha-3 code and its alpha-2 one."""
    cells = {"code": code, "canonical": canonical, "context": "", "valid_from": ""}
    identity = row_id(system, name, cells)
    return Row(identity, code, canonical, "", Direction.BOTH, Loss.NONE, None, None, Grade.OFFICIAL, "ISO 3166-1")


def row_id(system: str, name: str, cells: Mapping[str, str]) -> str:
    """Stable as long as the row's key is: system, list, code, context, first day; outwards the canonical code is it."""
    outwards = cells.get("direction") == Direction.OUT or not cells["code"]
    pair = f"{cells['code']}<{cells['canonical']}" if outwards else cells["code"]
    context = f"@{cells['context']}" if cells["context"] else ""
    since = f"+{cells['valid_from']}" if cells["valid_from"] else ""
    return f"{system}/{name}/{pair}{context}{since}"


def _provenance(file: Traversable, header: dict[str, str]) -> Provenance:
    grade = _grade(header["grade"], None, f"{file.name} header")
    return Provenance(header["authority"], header["source"], header["version"], header["licence"], grade)


def _grade(text: str, provenance: Provenance | None, where: str) -> Grade:
    if not text and provenance is not None:
        return provenance.grade
    try:
        return Grade(text)
    except ValueError as error:
        raise ConfigurationError("IMG-0130", where=where, found=text, expected=", ".join(Grade)) from error


def _day(text: str, where: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigurationError("IMG-0130", where=where, found=text, expected="YYYY-MM-DD") from error


def _stem(file: Traversable) -> str:
    return file.name.removesuffix(".csv")
