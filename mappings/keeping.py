"""The base tables as bytes, so that those of a past day can be had again whatever is installed by then."""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import date
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from mappings.models import (
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
    from mappings.loading import Tables

__all__ = ["DIGEST_LENGTH", "digest_of", "from_bytes", "to_bytes"]

DIGEST_LENGTH: Final = 12
"""Hex digits of the SHA-256 that a version shows."""
MAX_BYTES: Final = 256 * 2**20
"""Of tables, unpacked."""

_FORM: Final = 1


def to_bytes(tables: Tables) -> bytes:
    """The tables, compressed; equal tables give equal text inside."""
    return zlib.compress(_text(tables), 6)


def digest_of(tables: Tables) -> str:
    """What tells these tables from all others."""
    return hashlib.sha256(_text(tables)).hexdigest()[:DIGEST_LENGTH]


def from_bytes(content: bytes) -> Tables:
    """The inverse of `to_bytes`.

    Raises:
        ValueError: these are no kept tables.
    """
    from mappings.loading import Tables  # noqa: PLC0415 - it imports much that this module does not need

    packed = zlib.decompressobj()
    try:
        unpacked = packed.decompress(content, MAX_BYTES)
    except zlib.error as error:
        raise ValueError("not kept tables") from error
    if not packed.eof:
        raise ValueError("not kept tables: cut short, or too many")
    said = json.loads(unpacked)
    if said["form"] != _FORM:
        raise ValueError(f"tables in form {said['form']}")
    lists = [_list_from(each) for each in said["lists"]]
    return Tables(
        {each.list: each for each in lists[: said["canonical"]]},
        tuple(_map_from(each) for each in said["maps"]),
        {(each.system, each.list): each for each in lists[said["canonical"] :]},
        {each[0]: _system(each) for each in said["systems"]},
    )


def _text(tables: Tables) -> bytes:
    canonical = sorted(tables.lists.values(), key=attrgetter("list"))
    own = sorted(tables.own_lists.values(), key=attrgetter("system", "list"))
    said = {
        "form": _FORM,
        "canonical": len(canonical),
        "lists": [_list_to(each) for each in (*canonical, *own)],
        "maps": [_map_to(each) for each in sorted(tables.maps, key=attrgetter("system", "list", "partner"))],
        "systems": [
            [each.id, each.name, each.authority, each.kind, each.source, each.grade]
            for each in sorted(tables.systems.values(), key=attrgetter("id"))
        ],
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _list_to(code_list: CodeList) -> list[Any]:
    codes = [
        [
            code.code,
            code.name,
            _day_to(code.valid_from),
            _day_to(code.valid_to),
            code.grade,
            code.note,
            code.parent,
            dict(sorted(code.labels.items())),
        ]
        for code in code_list.every()
    ]
    return [
        code_list.name,
        code_list.list,
        code_list.system,
        _provenance_to(code_list.provenance),
        code_list.digest,
        codes,
    ]


def _list_from(said: list[Any]) -> CodeList:
    name, of, system, provenance, digest, codes = said
    known, periods = installed(
        Code(code, label, _day(first), _day(last), Grade(grade), note, parent, labels)
        for code, label, first, last, grade, note, parent, labels in codes
    )
    return CodeList(name, of, _provenance(provenance), digest, known, system, periods)


def _map_to(code_map: CodeMap) -> list[Any]:
    rows = [
        [
            row.id,
            row.code,
            row.canonical,
            row.context,
            row.direction,
            row.loss,
            _day_to(row.valid_from),
            _day_to(row.valid_to),
            row.grade,
            row.evidence,
        ]
        for row in code_map.rows
    ]
    return [
        code_map.name,
        code_map.system,
        code_map.list,
        code_map.partner,
        code_map.otherwise,
        _provenance_to(code_map.provenance),
        code_map.digest,
        code_map.transform,
        rows,
    ]


def _map_from(said: list[Any]) -> CodeMap:
    name, system, of, partner, otherwise, provenance, digest, transform, rows = said
    made = tuple(
        Row(
            identifier,
            code,
            canonical,
            context,
            Direction(direction),
            Loss(loss),
            _day(first),
            _day(last),
            Grade(grade),
            evidence,
        )
        for identifier, code, canonical, context, direction, loss, first, last, grade, evidence in rows
    )
    return CodeMap(name, system, of, partner, Otherwise(otherwise), _provenance(provenance), digest, made, transform)


def _provenance_to(provenance: Provenance) -> list[str]:
    return [provenance.authority, provenance.source, provenance.version, provenance.licence, provenance.grade]


def _provenance(said: list[str]) -> Provenance:
    authority, source, version, licence, grade = said
    return Provenance(authority, source, version, licence, Grade(grade))


def _system(said: list[str]) -> CodeSystem:
    identifier, name, authority, kind, source, grade = said
    return CodeSystem(identifier, name, authority, kind, source, Grade(grade))


def _day_to(day: date | None) -> str:
    return day.isoformat() if day else ""


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
