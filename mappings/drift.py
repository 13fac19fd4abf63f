"""How the lists that a partner serves differ from ours, and which of our mapping rows are about what differs.

Nothing here changes anything: a drift tells the operator what to load and which rows to look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mappings.hub_fields import row_key
from mappings.hub_lists import compare, list_spec
from mappings.models import CANONICAL
from mappings.reference.trees import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from mappings.building import TablesState
    from mappings.hub_fields import Row
    from mappings.models import Row as MapRow
    from mappings.reference import LaboratoryTest, ReferenceData, Section, Tree
    from mappings.reference.served import ServedMetadata, ServedNode, ServedSection, ServedTest

__all__ = [
    "Difference",
    "How",
    "TouchedRow",
    "differences",
    "hub_differences",
    "our_metadata",
    "our_sections",
    "our_tests",
    "our_tree",
    "their_metadata",
    "their_sections",
    "their_tests",
    "their_tree",
    "touched_rows",
]

Entries = dict[str, dict[str, str]]
"""What a list says of each of its entries; ``code`` is the code by which tables and documents know it."""

_HUB_TABLES: Final = {
    "UnitMeasure": ("ephyto", "unit"),
    "PackageType": ("ephyto", "package"),
    "MeanOfTransport": ("ephyto", "transport-mode"),
}
"""Lists of the hub whose codes the tables translate; the others stay as they are on the way."""
_NOMENCLATURES: Final = ("cn", "taric", "hs")
_TREE: Final = "tree "
_METADATA: Final = "metadata "


class How(StrEnum):
    """What became of an entry on the other side, compared with ours."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RETIRED = "retired"
    """It is still there and no longer active."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that is not the same on both sides."""

    list: str
    entry: str
    """What tells it apart in its list: a path, a code, a code with its language."""
    how: How
    code: str = ""
    ours: str = ""
    """Of the fields that differ; empty for what is added."""
    theirs: str = ""


@dataclass(frozen=True, slots=True)
class TouchedRow:
    """A mapping row about a code that changed, went or was retired."""

    table: str
    row: str
    code: str
    canonical: str


# --- TRACES ----------------------------------------------------------------------------------------------------------


def our_tree(data: ReferenceData, tree: Tree, on: date) -> Entries:
    """The nodes of a tree of ours on a day, by path."""
    return {
        node.path: _node(node.cn, node.name("en")[1], node.model, selectable=node.selectable)
        for node in data.trees.nodes(tree.id, on)
    }


def their_tree(roots: Iterable[ServedNode]) -> Entries:
    """The nodes of a tree as it was served, by path."""
    found: Entries = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        model = node.model.id if node.model is not None else ""
        found[node.path] = _node(node.cn_code, node.description, model, selectable=node.selectable)
        waiting.extend(node.children)
    found.pop(ROOT, None)
    return found


def _node(code: str, name: str, model: str, *, selectable: bool) -> dict[str, str]:
    return {"code": code, "name": name, "model": model, "selectable": _truth(selectable)}


def our_sections(data: ReferenceData) -> Entries:
    """The sections of ours, by code and scope."""
    return dict(_section(each, each.name) for each in data.sections)


def their_sections(sections: Iterable[ServedSection]) -> Entries:
    """Sections as they were served, by code and scope."""
    return dict(_section(each, each.description) for each in sections)


def _section(each: ServedSection | Section, name: str) -> tuple[str, dict[str, str]]:
    said = {
        "code": each.code,
        "name": name,
        "chapter": each.chapter.code,
        "lms": _truth(each.lms),
        "active": _truth(each.active),
        "activities": " ".join(activity.code for activity in each.activities),
    }
    return " ".join((each.code, *(scope.code for scope in each.scopes))), said


def our_metadata(data: ReferenceData, kind: str, on: date) -> Entries:
    """A metadata list of ours on a day, by code.

    Raises:
        ChedRefused: IMG-7312, there is no such list.
    """
    return their_metadata(data.codes(kind, on))


def their_metadata(codes: Iterable[ServedMetadata]) -> Entries:
    """A metadata list as it was served, by code."""
    return {each.code: {"code": each.code, "name": each.name, "active": _truth(each.active)} for each in codes}


def our_tests(data: ReferenceData) -> Entries:
    """The laboratory tests of ours, by category and id."""
    return dict(_test(each, each.name) for each in data.tests)


def their_tests(tests: Iterable[ServedTest]) -> Entries:
    """Laboratory tests as they were served, by category and id."""
    return dict(_test(each, each.description) for each in tests)


def _test(each: ServedTest | LaboratoryTest, name: str) -> tuple[str, dict[str, str]]:
    return f"{each.category} {each.id}", {"code": each.id, "name": name, "active": _truth(each.active)}


def _truth(value: bool) -> str:  # noqa: FBT001 - a value to write
    return "true" if value else "false"


def differences(name: str, ours: Entries, theirs: Entries) -> list[Difference]:
    """What differs in one list, in their order; what went comes last. What we know as inactive is not missed."""
    found: list[Difference] = []
    for entry, told in theirs.items():
        known = ours.get(entry)
        if known is None:
            found.append(Difference(name, entry, How.ADDED, told["code"], theirs=_said(told, told.keys())))
        elif fields := [field for field in told if told[field] != known.get(field, "")]:
            retired = "active" in fields and told["active"] == "false"
            how = How.RETIRED if retired else How.CHANGED
            found.append(Difference(name, entry, how, known["code"], _said(known, fields), _said(told, fields)))
    found += [
        Difference(name, entry, How.REMOVED, known["code"], ours=_said(known, known.keys()))
        for entry, known in ours.items()
        if entry not in theirs and known.get("active") != "false"
    ]
    return found


def _said(entry: Mapping[str, str], fields: Iterable[str]) -> str:
    return ", ".join(f"{field} {entry[field]}" for field in fields if field != "code" and entry.get(field))


# --- the hub ---------------------------------------------------------------------------------------------------------


def hub_differences(element: str, ours: Sequence[Row], theirs: Sequence[Row]) -> list[Difference]:
    """What differs in one list of the hub."""
    spec = list_spec(element)
    field = "modeCode" if "modeCode" in spec.fields else "code"
    drift = compare(element, ours, theirs)

    def told(row: Row, how: How, old: Row | None = None, fields: Iterable[str] = ()) -> Difference:
        said = ", ".join(f"{name} {row[name]}" for name in (fields or spec.fields) if row[name] and name != field)
        before = ", ".join(f"{name} {old[name]}" for name in fields if old[name]) if old is not None else ""
        gone = how in (How.REMOVED, How.RETIRED)
        ours_, theirs_ = (said, "") if gone else (before, said)
        return Difference(element, " ".join(filter(None, row_key(spec, row))), how, row[field], ours_, theirs_)

    return [
        *(told(row, How.ADDED) for row in drift.added),
        *(told(each.new, How.CHANGED, each.old, each.fields) for each in drift.changed),
        *(told(row, How.RETIRED) for row in drift.retired),
        *(told(row, How.REMOVED) for row in drift.removed),
    ]


# --- which rows of ours are about it ---------------------------------------------------------------------------------


def touched_rows(state: TablesState, data: ReferenceData, found: Iterable[Difference]) -> Iterator[TouchedRow]:
    """The mapping rows about codes that changed, went or were retired, each once.

    Args:
        state: the tables that hold.
        data: tells which metadata lists are lists of the tables.
        found: what differs.
    """
    told: set[tuple[str, str]] = set()
    for each in found:
        if each.how is How.ADDED or not each.code:
            continue
        for name, row in _rows_about(state, data, each):
            if (name, row.id) not in told:
                told.add((name, row.id))
                yield TouchedRow(name, row.id, row.code, row.canonical)


def _rows_about(state: TablesState, data: ReferenceData, each: Difference) -> Iterator[tuple[str, MapRow]]:
    system, lists = _table_of(data, each.list)
    for code_map in state.tables.maps:
        if code_map.list not in lists or system not in (CANONICAL, code_map.system):
            continue
        for row in code_map.rows:
            if each.code == (row.canonical if system == CANONICAL else row.code):
                yield code_map.name, row
    for (of_system, of_list, _), table in state.stored.items():
        if of_list in lists and system in (CANONICAL, of_system):
            rows = table.about(canonical=each.code) if system == CANONICAL else table.about(code=each.code)
            yield from ((table.code_map.name, row) for row in rows)


def _table_of(data: ReferenceData, name: str) -> tuple[str, Sequence[str]]:
    """The code system and the lists that a served list's codes are of."""
    if name in _HUB_TABLES:
        system, of_list = _HUB_TABLES[name]
        return system, (of_list,)
    if name.startswith(_TREE):
        return CANONICAL, _NOMENCLATURES
    code_list = data.code_lists.get(name.removeprefix(_METADATA))
    return CANONICAL, (code_list.list,) if code_list is not None else ()
