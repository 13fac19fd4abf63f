"""The hub's ten code lists: read from CSV, checked row by row, served as XML, and compared with a partner's.

A file is CSV in UTF-8 below ``# key: value`` lines that say where its rows come from; its columns are the wire's field
names in any order. ``# lastModified`` and ``# lastModifiedBy`` hold for rows that leave these cells empty, ``# base:
none`` says that an overlay's file is the whole list. What is no longer used is kept with ``active`` false: certificates
that name it are still read.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from io import StringIO
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from gateway.errors import ConfigurationError
from gateway.xml.names import HUB
from mappings.hub_fields import LISTS, STAMPS, ListSpec, Row, breaches, list_spec, row_key, rows_from_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from mappings.following import StoredFile, StoredFolder

__all__ = [
    "LISTS",
    "Change",
    "Drift",
    "HubLists",
    "ListSpec",
    "Row",
    "compare",
    "digest_of",
    "list_spec",
    "load_hub_lists",
    "rows_from_json",
    "rows_from_xml",
    "rows_to_csv",
    "rows_to_json",
]

_PROVENANCE: Final = ("list", "authority", "source", "version", "licence")


class HubLists:
    """All ten lists of this instance, with each getter's answer made once.

    Args:
        rows: by element name; a list that is missing is empty.
    """

    def __init__(self, rows: Mapping[str, Iterable[Row]]) -> None:
        self._rows = {spec.element: tuple(rows.get(spec.element, ())) for spec in LISTS}
        self._responses: dict[str, bytes] = {}
        self._active: dict[str, dict[str, bool]] = {}

    def now(self) -> HubLists:
        """These: `mappings.hub_live.LiveHubLists` has others after a change."""
        return self

    def items(self, element: str) -> tuple[Row, ...]:
        """The rows of a list, retired ones included, in the order in which they are served."""
        return self._rows[element]

    def codes(self, element: str, *, field: str = "code") -> frozenset[str]:
        """The codes of a list that are in use."""
        return frozenset(row[field] for row in self._rows[element] if row["active"] == "true")

    def is_active(self, element: str, code: str) -> bool | None:
        """Whether a code of a list is in use, False when it is retired, None when the list does not have it."""
        known = self._active.get(element)
        if known is None:
            field = "modeCode" if element == "MeanOfTransport" else "code"
            known = {}
            for row in self._rows[element]:
                known[row[field]] = known.get(row[field], False) or row["active"] == "true"
            self._active[element] = known
        return known.get(code)

    def response(self, element: str) -> bytes:
        """The body of the getter's answer, made when it is asked for first."""
        known = self._responses.get(element)
        if known is None:
            known = self._responses[element] = _response(list_spec(element), self._rows[element])
        return known


def _response(spec: ListSpec, rows: Sequence[Row]) -> bytes:
    name = f"{spec.operation}Response"
    items = "".join(
        f"<hub:{spec.element}>"
        + "".join(f"<{field}>{escape(row[field])}</{field}>" for field in spec.fields if row[field])
        + f"</hub:{spec.element}>"
        for row in rows
    )
    return f'<hub:{name} xmlns:hub="{HUB}">{items}</hub:{name}>'.encode()


def load_hub_lists(
    directory: Path | None = None, overlay: Path | None = None, *, stored: StoredFolder | None = None
) -> HubLists:
    """Read the lists.

    Args:
        directory: the base lists; the synthetic ones of this package when None.
        overlay: the operator's own rows under the same file names: a row there replaces the base's row about the same
            entry in its place, others are added at the end.
        stored: lists of the store, over both.

    Raises:
        ConfigurationError: IMG-0130 a file or a row cannot be read, IMG-0131 rows contradict each other; the file and
            the line are named.
    """
    base: Traversable = directory or resources.files("mappings").joinpath("hub")
    known = {spec.file for spec in LISTS}
    rows: dict[str, dict[tuple[str, ...], tuple[str, Row]]] = {spec.element: {} for spec in LISTS}
    layers: list[Traversable | StoredFolder] = [base, *([overlay] if overlay else []), *([stored] if stored else [])]
    for layer in layers:
        try:
            names = sorted(entry.name for entry in layer.iterdir() if entry.name.endswith(".csv"))
        except OSError as error:
            raise ConfigurationError("IMG-0130", where=str(layer), expected="a folder of lists") from error
        if strangers := [name for name in names if name not in known]:
            raise ConfigurationError(
                "IMG-0130", where=str(layer), found=strangers[0], expected=", ".join(sorted(known))
            )
        for spec in LISTS:
            if spec.file in names:
                header, found = _read(spec, layer.joinpath(spec.file))
                rows[spec.element] = found if header.get("base") == "none" else rows[spec.element] | found
    for spec in LISTS:
        _check_together(spec, rows[spec.element])
    return HubLists({element: [row for _, row in keyed.values()] for element, keyed in rows.items()})


def _read(
    spec: ListSpec, file: Traversable | StoredFile
) -> tuple[dict[str, str], dict[tuple[str, ...], tuple[str, Row]]]:
    """The header of one file, and its rows by what tells them apart, each with its place."""
    try:
        lines = file.read_bytes().decode("utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("IMG-0130", where=file.name, expected="a file in UTF-8") from error
    header: dict[str, str] = {}
    while len(header) < len(lines) and (line := lines[len(header)]).startswith("#"):
        name, _, value = line[1:].partition(":")
        if name.strip() in header:
            raise ConfigurationError("IMG-0130", where=f"{file.name}:{len(header) + 1}", expected="each line once")
        header[name.strip()] = value.strip()
    if missing := [name for name in _PROVENANCE if name not in header]:
        raise ConfigurationError("IMG-0130", where=f"{file.name}:1", expected=f"a line # {missing[0]}: ...")
    reader = csv.reader(StringIO("".join(lines[len(header) :]), newline=""), strict=True)
    found: dict[tuple[str, ...], tuple[str, Row]] = {}
    try:
        columns = _columns(spec, next(reader, []), f"{file.name}:{len(header) + 1}")
        for cells in reader:
            where = f"{file.name}:{len(header) + reader.line_num}"
            row = _row(spec, columns, cells, header, where)
            key = row_key(spec, row)
            if key in found:
                raise ConfigurationError("IMG-0131", where=where, found=" ".join(key), expected="each entry once")
            found[key] = (where, row)
    except csv.Error as error:
        where = f"{file.name}:{len(header) + reader.line_num}"
        raise ConfigurationError("IMG-0130", where=where, found=str(error)) from error
    return header, found


def _columns(spec: ListSpec, columns: list[str], where: str) -> list[str]:
    if len(set(columns)) != len(columns) or not spec.required <= set(columns) <= set(spec.fields):
        raise ConfigurationError(
            "IMG-0130", where=where, found=",".join(columns), expected=f"of {','.join(spec.fields)}, each once"
        )
    return columns


def _row(spec: ListSpec, columns: list[str], cells: list[str], header: Mapping[str, str], where: str) -> Row:
    if len(cells) != len(columns):
        raise ConfigurationError(
            "IMG-0130", where=where, found=f"{len(cells)} cells", expected=f"{len(columns)}, as the columns"
        )
    given = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    row = {name: given.get(name) or (header.get(name, "") if name in STAMPS else "") for name in spec.fields}
    for name, found, expected in breaches(spec, row):
        raise ConfigurationError("IMG-0130", where=f"{where} {name}", found=found, expected=expected)
    return row


def _check_together(spec: ListSpec, rows: Mapping[tuple[str, ...], tuple[str, Row]]) -> None:
    """Hierarchy: a parent is in the list, in the same language, on a level above."""
    if "parentCode" not in spec.fields:
        return
    levels = {(row["code"], row["lang"]): row["level"] for _, row in rows.values()}
    for where, row in rows.values():
        parent = row["parentCode"]
        if parent and not levels.get((parent, row["lang"]), "x") < row["level"]:
            raise ConfigurationError(
                "IMG-0131",
                where=f"{where} parentCode",
                found=parent,
                expected=f"a code above level {row['level']} in {row['lang']}",
            )


def rows_to_csv(element: str, rows: Iterable[Row], provenance: Mapping[str, str]) -> str:
    """A whole list as `load_hub_lists` reads it, below its provenance (authority, source, version, licence)."""
    spec = list_spec(element)
    text = StringIO()
    for name, value in {"list": element, "base": "none", **provenance}.items():
        text.write(f"# {name}: {' '.join(value.split())}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(spec.fields)
    writer.writerows([row[name] for name in spec.fields] for row in rows)
    return text.getvalue()


def rows_to_json(element: str, rows: Iterable[Row]) -> str:
    """Rows as the store keeps them: the same rows give the same text, in whatever order they came."""
    spec = list_spec(element)
    ordered = sorted(rows, key=lambda row: [row[name] for name in (*spec.key, *spec.fields)])
    return json.dumps(ordered, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def rows_from_json(element: str, text: str) -> list[Row]:
    """What `rows_to_json` wrote; fields that came into the contract since are empty."""
    return [{name: row.get(name, "") for name in list_spec(element).fields} for row in json.loads(text)]


def digest_of(rows_json: str) -> bytes:
    """SHA-256 over the text of `rows_to_json`: 32 bytes, the same as long as no row changes."""
    return hashlib.sha256(rows_json.encode()).digest()


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that says something else than before."""

    old: Row
    new: Row

    @property
    def fields(self) -> tuple[str, ...]:
        """What differs, the stamps apart."""
        return tuple(name for name in self.old if name not in STAMPS and self.old[name] != self.new.get(name))


@dataclass(frozen=True, slots=True)
class Drift:
    """How a list moved between two readings; each entry stands in one of the four."""

    added: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    changed: tuple[Change, ...] = ()
    retired: tuple[Row, ...] = ()
    """Entries that are still there and no longer active."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.retired)


def compare(element: str, old: Iterable[Row], new: Iterable[Row]) -> Drift:
    """What changed from one reading of a list to the next, in the order of the new one.

    A row that was only stamped anew is no drift. A hub may send several rows about the same entry: those that are not
    on both sides as they are, are told as removed and added.
    """
    spec = list_spec(element)
    before, after = _grouped(spec, old), _grouped(spec, new)
    added: list[Row] = []
    removed: list[Row] = [row for key, rows in before.items() if key not in after for row in rows]
    changed: list[Change] = []
    retired: list[Row] = []
    for key, rows in after.items():
        gone = [row for row in before.get(key, []) if not any(_same(row, other) for other in rows)]
        come = [row for row in rows if not any(_same(row, other) for other in before.get(key, []))]
        if len(gone) == len(come) == 1:
            change = Change(gone[0], come[0])
            if "active" in change.fields and come[0]["active"] == "false":
                retired.append(come[0])
            else:
                changed.append(change)
        else:
            removed += gone
            added += come
    return Drift(tuple(added), tuple(removed), tuple(changed), tuple(retired))


def _same(one: Row, other: Row) -> bool:
    return not Change(one, other).fields


def _grouped(spec: ListSpec, rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
    grouped: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        grouped.setdefault(row_key(spec, row), []).append(row)
    return grouped
