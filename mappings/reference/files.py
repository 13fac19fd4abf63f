"""Reads one list of reference data: CSV in UTF-8 below ``# key: value`` lines that say where its rows come from.

An operator's folder may hold files of the same names: a row there replaces the base row with the same key in its
place, others are added at the end; ``# base: none`` makes the operator's file the whole list, and ``# replaces: cheda``
takes the rows out that have this in their first key, before it adds its own.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import TYPE_CHECKING, Final, Protocol

from gateway.errors import ConfigurationError
from mappings.models import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["SPECS", "FileSpec", "Layer", "ListFile", "Record", "read_list", "write_list"]

_PROVENANCE: Final = ("list", "authority", "source", "version", "licence", "grade")
_TRUTH: Final = {"true": True, "false": False, "": False}


@dataclass(frozen=True, slots=True)
class FileSpec:
    """Columns of a list and which of them tell rows apart."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def file(self) -> str:
        """Its file name."""
        return f"{self.name}.csv"


class ListFile(Protocol):
    """A list's file: in a folder, in the package or in the store."""

    @property
    def name(self) -> str:
        """For complaints."""

    def is_file(self) -> bool:
        """Whether it is there."""

    def read_bytes(self) -> bytes:
        """Its content."""


class Layer(Protocol):
    """A folder of lists."""

    def joinpath(self, name: str, /) -> ListFile:
        """One of its files, which need not be there."""


def _spec(name: str, columns: str, key: str) -> FileSpec:
    return FileSpec(name, tuple(columns.split()), tuple(key.split()))


SPECS: Final = (
    _spec(
        "posts",
        "code name country city locode address categories types active kind valid_from valid_to grade",
        "code valid_from",
    ),
    _spec("languages", "country languages grade", "country"),
    _spec("trees", "tree alias name grade", "tree"),
    _spec("nodes", "tree path cn name selectable model changed valid_from valid_to grade", "tree path"),
    _spec("node-names", "tree path language name grade", "tree path language"),
    _spec("attribute-names", "id kind name grade", "id"),
    _spec("attributes", "tree path attribute value grade", "tree path attribute"),
    _spec("columns", "id type name grade", "id"),
    _spec("sections", "code scope name chapter lms active activities grade", "code scope"),
    _spec("metadata", "list code name active grade", "list code"),
    _spec("test-categories", "id name grade", "id"),
    _spec("tests", "id category name active grade", "id category"),
    _spec("models", "id short_title title created updated grade", "id"),
)
"""Every list of reference data, in the order in which they are read."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row with its place, which every complaint names."""

    where: str
    cells: dict[str, str]
    grade: Grade

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def words(self, column: str) -> tuple[str, ...]:
        """A cell that holds several codes, separated by spaces."""
        return tuple(self.cells[column].split())

    def day(self, column: str) -> date | None:
        """A cell that holds a date, None when it is empty.

        Raises:
            ConfigurationError: IMG-0130.
        """
        text = self.cells[column]
        try:
            return date.fromisoformat(text) if text else None
        except ValueError as error:
            raise self.wrong(column, "YYYY-MM-DD") from error

    def truth(self, column: str) -> bool:
        """A cell that holds true or false; empty is false.

        Raises:
            ConfigurationError: IMG-0130.
        """
        try:
            return _TRUTH[self.cells[column]]
        except KeyError as error:
            raise self.wrong(column, "true, false") from error

    def wrong(self, column: str, expected: str) -> ConfigurationError:
        """The complaint about a cell: IMG-0130."""
        return ConfigurationError(
            "IMG-0130", where=f"{self.where} {column}", found=self.cells[column], expected=expected
        )


def read_list(spec: FileSpec, layers: Sequence[Layer]) -> list[Record]:
    """The rows of one list from all folders that have it, the later ones on top.

    Raises:
        ConfigurationError: IMG-0130 a file or a row cannot be read, IMG-0131 a file holds the same entry twice.
    """
    rows: dict[tuple[str, ...], Record] = {}
    for layer in layers:
        file = layer.joinpath(spec.file)
        if file.is_file():
            header, found = _read(spec, file)
            replaced = header.get("replaces", "")
            if header.get("base") == "none":
                rows = {}
            elif replaced:
                rows = {key: row for key, row in rows.items() if key[0] != replaced}
            rows = rows | found
    return list(rows.values())


def write_list(
    spec: FileSpec,
    rows: Iterable[Mapping[str, str]],
    provenance: Mapping[str, str],
    *,
    replaces: str | None = None,
) -> bytes:
    """A list as `read_list` reads it.

    Args:
        spec: which list.
        rows: cells by column; a column that is not there is empty.
        provenance: authority, source, version, licence, grade.
        replaces: the first key of the rows that these take the place of; empty when each takes that of its own key
            only; None when they are the whole list.
    """
    text = StringIO()
    base = {"base": "none"} if replaces is None else {"replaces": replaces} if replaces else {}
    for name, value in {"list": spec.name, **base, **provenance}.items():
        text.write(f"# {name}: {' '.join(value.split())}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(spec.columns)
    writer.writerows([row.get(column, "") for column in spec.columns] for row in rows)
    return text.getvalue().encode()


def _read(spec: FileSpec, file: ListFile) -> tuple[dict[str, str], dict[tuple[str, ...], Record]]:
    try:
        lines = file.read_bytes().decode("utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("IMG-0130", where=file.name, expected="a file in UTF-8") from error
    header: dict[str, str] = {}
    body = 0
    while body < len(lines) and lines[body].startswith("#"):
        name, _, value = lines[body][1:].partition(":")
        header[name.strip()] = value.strip()
        body += 1
    if missing := [name for name in _PROVENANCE if name not in header]:
        raise ConfigurationError("IMG-0130", where=f"{file.name} header", expected=f"a line # {missing[0]}: ...")
    reader = csv.reader(StringIO("".join(lines[body:]), newline=""), strict=True)
    rows: dict[tuple[str, ...], Record] = {}
    try:
        columns = next(reader, [])
        if columns != list(spec.columns):
            raise ConfigurationError("IMG-0130", where=f"{file.name} line {body + 1}", expected=",".join(spec.columns))
        for cells in reader:
            where = f"{file.name} line {body + reader.line_num}"
            if len(cells) != len(columns):
                raise ConfigurationError(
                    "IMG-0130", where=where, found=f"{len(cells)} cells", expected=f"{len(columns)}, as the columns"
                )
            values = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
            key = tuple(values[column] for column in spec.key)
            if key in rows:
                raise ConfigurationError("IMG-0131", where=where, found=" ".join(key), expected="each entry once")
            rows[key] = Record(where, values, _grade(values["grade"] or header["grade"], where))
    except csv.Error as error:
        where = f"{file.name} line {body + reader.line_num}"
        raise ConfigurationError("IMG-0130", where=where, found=str(error)) from error
    return header, rows


def _grade(text: str, where: str) -> Grade:
    try:
        return Grade(text)
    except ValueError as error:
        raise ConfigurationError("IMG-0130", where=where, found=text, expected=", ".join(Grade)) from error
