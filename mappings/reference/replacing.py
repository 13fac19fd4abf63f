"""A list that a partner serves in the place of ours: what came, what changed and what went, each with its day.

Nothing is dropped without a word: a node that is no longer there stays with the day before as its last one, so that
getClassificationTreeUpdates tells it; a section, a code or a test that is no longer there stays and is not active.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mappings.reference.files import SPECS, write_list
from mappings.reference.live import list_name
from mappings.reference.models import AttributeKind
from mappings.reference.trees import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from mappings.reference.files import Record
    from mappings.reference.served import (
        ServedAttribute,
        ServedCategory,
        ServedMetadata,
        ServedModel,
        ServedNode,
        ServedSection,
        ServedTest,
    )

__all__ = ["Source", "replace_metadata", "replace_sections", "replace_tests", "replace_tree"]

Source = dict[str, str]
"""What the header of a list says of its origin: authority, source, version, licence, grade."""
Cells = dict[str, str]

_SPECS: Final = {spec.name: spec for spec in SPECS}
_ENGLISH: Final = "en"
_KINDS: Final = {kind.value.removesuffix("NodeAttribute"): kind for kind in AttributeKind}


def replace_tree(
    known: Mapping[str, Sequence[Record]],
    tree: str,
    roots: Mapping[str, Sequence[ServedNode]],
    *,
    name: str,
    day: date,
    source: Source,
    details: Mapping[str, ServedNode] | None = None,
) -> dict[str, bytes]:
    """The lists that change when a tree is loaded, by their names in the store.

    Args:
        known: the rows of all lists as they are now, by list.
        tree: its id.
        roots: by language, the nodes below the root; the English ones give the names, else those of the first language.
        name: of the tree, where it is a new one.
        day: from which it holds.
        source: for the headers.
        details: nodes with their attributes, by path; without them the attributes of nodes that stay are kept.
    """
    main = _ENGLISH if _ENGLISH in roots else next(iter(roots))
    served = {node.path: node for node in _walk(roots[main])}
    before = {record["path"]: record.cells for record in known["nodes"] if record["tree"] == tree}
    labels = {
        (node.path, language): node.description
        for language, nodes in roots.items()
        if language != main
        for node in _walk(nodes)
        if node.path in served
    }
    kept_names = {
        (record["path"], record["language"]): record["name"]
        for record in known["node-names"]
        if record["tree"] == tree and record["path"] in served and record["language"] not in roots
    }
    old_names = {
        (record["path"], record["language"]): record["name"] for record in known["node-names"] if record["tree"] == tree
    }
    renamed = {path for (path, language), text in labels.items() if old_names.get((path, language)) not in (None, text)}
    nodes = [_node_row(tree, node, before.get(node.path), node.path in renamed, day) for node in served.values()]
    nodes += [_gone(cells, day) for path, cells in before.items() if path not in served]
    names = [
        {"tree": tree, "path": path, "language": language, "name": text}
        for (path, language), text in sorted({**kept_names, **labels}.items())
    ]
    lists = {
        list_name("nodes", tree): write_list(_SPECS["nodes"], nodes, source, replaces=tree),
        list_name("node-names", tree): write_list(_SPECS["node-names"], names, source, replaces=tree),
    }
    if not any(record["tree"] == tree for record in known["trees"]):
        row = {"tree": tree, "name": name}
        lists[list_name("trees", tree)] = write_list(_SPECS["trees"], [row], source, replaces="")
    models = {node.model.id: node.model for node in served.values() if node.model is not None}
    if models:
        rows = [_model_row(model) for model in models.values()]
        lists[list_name("models", tree)] = write_list(_SPECS["models"], rows, source, replaces="")
    return lists | _attribute_lists(known, tree, details or {}, {row["path"] for row in nodes}, source)


def _walk(nodes: Iterable[ServedNode]) -> Iterator[ServedNode]:
    waiting = list(reversed(list(nodes)))
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def _node_row(tree: str, node: ServedNode, before: Mapping[str, str] | None, renamed: bool, day: date) -> Cells:  # noqa: FBT001 - private
    row = {
        "tree": tree,
        "path": node.path,
        "cn": node.cn_code,
        "name": node.description,
        "selectable": "true" if node.selectable else "false",
        "model": node.model.id if node.model is not None else "",
    }
    if before is None or (before["valid_to"] and before["valid_to"] < day.isoformat()):
        return row | {"valid_from": day.isoformat()}
    stays = {column: before[column] for column in ("changed", "valid_from", "valid_to")}
    same = all(before[column] == row[column] for column in ("cn", "name", "model")) and not renamed
    if same and (before["selectable"] or "false") == row["selectable"]:
        return row | stays
    return row | stays | {"changed": day.isoformat()}


def _gone(cells: Mapping[str, str], day: date) -> Cells:
    """A node that is no longer served; one that went before stays as it is."""
    last = (day - timedelta(days=1)).isoformat()
    return {**cells, "valid_to": min(cells["valid_to"] or last, last)}


def _model_row(model: ServedModel) -> Cells:
    return {
        "id": model.id,
        "short_title": model.short_title,
        "title": model.long_title,
        "created": model.created.date().isoformat() if model.created else "",
        "updated": model.updated.date().isoformat() if model.updated else "",
    }


# --- attributes ------------------------------------------------------------------------------------------------------


def _attribute_lists(
    known: Mapping[str, Sequence[Record]],
    tree: str,
    details: Mapping[str, ServedNode],
    paths: set[str],
    source: Source,
) -> dict[str, bytes]:
    """Attributes of nodes that are not asked for stay; a row of a node whose attributes came makes place for them."""
    rows: list[Cells] = [
        dict(record.cells)
        for record in known["attributes"]
        if record["tree"] == tree and (record["path"] == ROOT or record["path"] in paths - details.keys())
    ]
    names: dict[str, Cells] = {}
    columns: dict[str, Cells] = {}
    for path, node in details.items():
        above = _told(details.get(path.rpartition("/")[0]))
        for attribute in node.attributes:
            kind = _KINDS.get(attribute.kind)
            value = _value(attribute, kind) if kind else ""
            if kind is None or above.get(attribute.id) == value:
                continue
            rows.append({"tree": tree, "path": path, "attribute": attribute.id, "value": value})
            names[attribute.id] = {"id": attribute.id, "kind": kind.name, "name": attribute.description}
            columns |= {
                each.id: {"id": each.id, "type": each.type, "name": each.description} for each in attribute.columns
            }
    lists = {list_name("attributes", tree): write_list(_SPECS["attributes"], rows, source, replaces=tree)}
    for name, found in (("attribute-names", names), ("columns", columns)):
        if found:
            lists[list_name(name, tree)] = write_list(_SPECS[name], found.values(), source, replaces="")
    return lists


def _told(node: ServedNode | None) -> dict[str, str]:
    """What the node above says already, so that only what differs is a row of its own."""
    if node is None:
        return {}
    return {each.id: _value(each, _KINDS[each.kind]) for each in node.attributes if each.kind in _KINDS}


def _value(attribute: ServedAttribute, kind: AttributeKind) -> str:
    if kind is AttributeKind.COLUMNS:
        return " ".join(f"{each.id}={each.cardinality}" for each in attribute.columns)
    if kind is AttributeKind.TAXA:
        return "; ".join(f"{each.id}|{each.eppo_code}|{each.name}" for each in attribute.taxa)
    return " ".join(attribute.values)


# --- sections, metadata, tests ---------------------------------------------------------------------------------------


def replace_sections(
    known: Mapping[str, Sequence[Record]], sections: Iterable[ServedSection], source: Source
) -> dict[str, bytes]:
    """The sections, with the chapters, groups of countries and activities that they name and no list has."""
    rows: dict[tuple[str, str], Cells] = {}
    codes: dict[tuple[str, str], Cells] = {}
    for each in sections:
        row = {
            "code": each.code,
            "scope": " ".join(scope.code for scope in each.scopes),
            "name": each.description,
            "chapter": each.chapter.code,
            "lms": "true" if each.lms else "false",
            "active": "true" if each.active else "false",
            "activities": " ".join(activity.code for activity in each.activities),
        }
        rows[row["code"], row["scope"]] = row
        named = [("CLASSIFICATION_SECTION_CHAPTER", each.chapter)]
        named += [("META_COUNTRY_GROUP", scope) for scope in each.scopes]
        named += [("OPERATOR_ACTIVITY_TYPE", activity) for activity in each.activities]
        for kind, code in named:
            codes[kind, code.code] = {"list": kind, "code": code.code, "name": code.name, "active": "true"}
    for record in known["sections"]:
        rows.setdefault((record["code"], record["scope"]), {**record.cells, "active": "false"})
    lists = {list_name("sections"): write_list(_SPECS["sections"], rows.values(), source)}
    have = {(record["list"], record["code"]) for record in known["metadata"]}
    new = [cells for key, cells in codes.items() if key not in have]
    if new:
        lists[list_name("metadata", "sections")] = write_list(_SPECS["metadata"], new, source, replaces="")
    return lists


def replace_metadata(
    known: Mapping[str, Sequence[Record]], kind: str, codes: Iterable[ServedMetadata], source: Source
) -> dict[str, bytes]:
    """One metadata list."""
    rows = {
        each.code: {"list": kind, "code": each.code, "name": each.name, "active": "true" if each.active else "false"}
        for each in codes
    }
    for record in known["metadata"]:
        if record["list"] == kind:
            rows.setdefault(record["code"], {**record.cells, "active": "false"})
    return {list_name("metadata", kind): write_list(_SPECS["metadata"], rows.values(), source, replaces=kind)}


def replace_tests(
    known: Mapping[str, Sequence[Record]],
    categories: Iterable[ServedCategory],
    tests: Iterable[ServedTest],
    source: Source,
) -> dict[str, bytes]:
    """The laboratory tests with their categories; a category that no test is left in stays with the old ones."""
    rows = {
        (each.id, each.category): {
            "id": each.id,
            "category": each.category,
            "name": each.description,
            "active": "true" if each.active else "false",
        }
        for each in tests
    }
    for record in known["tests"]:
        rows.setdefault((record["id"], record["category"]), {**record.cells, "active": "false"})
    named = {each.code: {"id": each.code, "name": each.description} for each in categories}
    used = {cells["category"] for cells in rows.values()}
    for record in known["test-categories"]:
        if record["id"] in used:
            named.setdefault(record["id"], dict(record.cells))
    return {
        list_name("test-categories"): write_list(_SPECS["test-categories"], named.values(), source),
        list_name("tests"): write_list(_SPECS["tests"], rows.values(), source),
    }
