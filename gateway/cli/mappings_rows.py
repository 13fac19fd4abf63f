"""Tables, rows and codes as records: what ``imsoc mappings list`` and ``show`` print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.cli.mappings_desk import history_of
from gateway.errors import TranslationRefused
from gateway.store import RowKind, TableKey
from mappings.listing import list_codes, list_rows
from mappings.merging import key_of_list, key_of_map
from mappings.models import CANONICAL, Grade

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from gateway.cli.mappings_desk import OpenTables
    from mappings.models import Code, CodeList, CodeMap, Row

__all__ = ["code_list", "code_map", "codes_of", "header", "in_tree", "rows_of", "tables"]


def tables(known: OpenTables) -> Iterator[dict[str, Any]]:
    """Every table: code lists first, then maps."""
    now = known.live.tables
    sizes = known.sizes()
    stored = known.live.state.stored
    for each in (*now.lists.values(), *now.own_lists.values()):
        key = key_of_list(each)
        large = not isinstance(each.codes, dict)
        yield _table(each, "codes", len(each.codes), large=large, changed=sizes.get(key, 0))
    for each_map in now.maps:
        key = key_of_map(each_map)
        large = key[1:] in stored and not each_map.rows
        rows = sizes.get(key, 0) if large else len(each_map.rows)
        yield _table(each_map, "rows", rows, large=large, changed=sizes.get(key, 0))


def _table(table: CodeList | CodeMap, kind: str, size: int, *, large: bool, changed: int) -> dict[str, Any]:
    return {
        "table": table.name,
        "kind": kind,
        "system": table.system,
        "list": table.list,
        "partner": getattr(table, "partner", ""),
        "rows": size,
        "changed": changed,
        "kept": "in the store" if large else "in memory",
        "grade": table.provenance.grade.value,
        "version": table.version,
        "source": table.provenance.source,
    }


def code_map(known: OpenTables, system: str, name: str, partner: str) -> CodeMap:
    """The map of that name.

    Raises:
        TranslationRefused: IMG-6005, there is none; IMG-6009, there is no such list.
    """
    now = known.live.tables
    for each in now.maps:
        if (each.system, each.list, each.partner) == (system, name, partner):
            return each
    lists = sorted({each.list for each in now.maps if each.system == system})
    if name not in now.lists and name not in lists:
        raise TranslationRefused("IMG-6009", where="LIST", found=name, expected=f"one of {', '.join(lists)}")
    whose = f" with rows of {partner} of their own" if partner else ""
    raise TranslationRefused("IMG-6005", where="LIST", found=f"{system} {name}{whose}", expected=", ".join(lists))


def code_list(known: OpenTables, system: str, name: str) -> CodeList:
    """The list of that name; as `code_map`."""
    now = known.live.tables
    found = now.lists.get(name) if system == CANONICAL else now.own_lists.get((system, name))
    if found is None:
        lists = sorted(now.lists) if system == CANONICAL else sorted(each for of, each in now.own_lists if of == system)
        code = "IMG-6009" if name not in now.lists else "IMG-6005"
        raise TranslationRefused(code, where="LIST", found=f"{system} {name}", expected=", ".join(lists))
    return found


def header(table: CodeList | CodeMap) -> dict[str, Any]:
    """What a table says about itself."""
    return {
        "table": table.name,
        "system": table.system,
        "list": table.list,
        "partner": getattr(table, "partner", ""),
        "authority": table.provenance.authority,
        "source": table.provenance.source,
        "version": table.version,
        "licence": table.provenance.licence,
        "grade": table.provenance.grade.value,
        "codes_without_row": _others(table),
    }


def _others(table: CodeList | CodeMap) -> str:
    transform = getattr(table, "transform", "")
    otherwise = getattr(table, "otherwise", "")
    return f"by the rule {transform}" if transform else {"identity": "the same", "refuse": "refused"}.get(otherwise, "")


def rows_of(known: OpenTables, table: CodeMap, code: str, day: date) -> Iterator[dict[str, Any]]:
    """The rows of a map with their history, and how each stands on a day."""
    editions = known.editions()
    unconfirmed = known.live.state.allow_unconfirmed
    for each in list_rows(known.base, known.store, known.edition, key_of_map(table), code=code):
        row = each.row
        yield {
            "id": row.id,
            "code": row.code,
            "canonical": row.canonical,
            "context": row.context,
            "direction": row.direction.value,
            "loss": row.loss.value,
            "valid_from": _iso(row.valid_from),
            "valid_to": _iso(row.valid_to),
            "grade": row.grade.value,
            "state": "withdrawn" if each.withdrawn else _state(row, day, unconfirmed=unconfirmed),
            "evidence": row.evidence,
            "added": history_of(editions.get(each.edition)),
        }


def codes_of(known: OpenTables, table: CodeList, code: str, day: date) -> Iterator[dict[str, Any]]:
    """The codes of a list, as `rows_of`."""
    editions = known.editions()
    unconfirmed = known.live.state.allow_unconfirmed
    key = TableKey(RowKind.CODE, table.system, table.list)
    for listed in list_codes(known.base, known.store, known.edition, key, code=code):
        each = listed.code
        yield {
            "id": listed.id,
            "code": each.code,
            "name": each.name,
            "labels": dict(each.labels),
            "parent": each.parent,
            "valid_from": _iso(each.valid_from),
            "valid_to": _iso(each.valid_to),
            "grade": each.grade.value,
            "state": "withdrawn" if listed.withdrawn else _state(each, day, unconfirmed=unconfirmed),
            "note": each.note,
            "added": history_of(editions.get(listed.edition)),
        }


def in_tree(codes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Codes for people: what is below a code follows it, moved to the right."""
    below: dict[str, list[dict[str, Any]]] = {}
    known = {each["code"] for each in codes}
    for each in codes:
        below.setdefault(each["parent"] if each["parent"] in known else "", []).append(each)
    told: list[dict[str, Any]] = []
    waiting = [(each, 0) for each in reversed(below.get("", []))]
    while waiting:
        each, depth = waiting.pop()
        told.append(each | {"code": "  " * depth + each["code"]})
        waiting += [(child, depth + 1) for child in reversed(below.get(each["code"], []))]
    return told


def _state(each: Row | Code, day: date, *, unconfirmed: bool) -> str:
    if each.valid_to and day > each.valid_to:
        return "closed"
    if each.valid_from and day < each.valid_from:
        return "not yet"
    return "unconfirmed" if each.grade is Grade.UNVERIFIED and not unconfirmed else "holds"


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
