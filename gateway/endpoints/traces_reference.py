"""ReferenceDataServiceV1: trees, nodes, sections, metadata, laboratory tests, models, served from mappings/reference.

Everybody to whom the contract is granted sees the same: reference data hold nothing about anyone (DIGEST 5.5).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final

from gateway.endpoints.traces_common import serve
from gateway.errors import ChedRefused
from gateway.traces.contracts import REFERENCE
from gateway.traces.faults import PERMISSION, Detail, ServiceFaults, TypedFault
from gateway.traces.models import (
    CertificateModel,
    Metadata,
    NodeAttribute,
    NodeColumn,
    ReferenceTest,
    ReferenceTestCategory,
    Scope,
    Section,
    TaxonReference,
    Tree,
    TreeNode,
    TreeUpdate,
)
from gateway.traces.wire_reference import (
    categories_response,
    metadatas_response,
    model_response,
    node_response,
    read_metadatas_request,
    read_model_request,
    read_node_request,
    read_tests_request,
    read_tree_request,
    read_updates_request,
    sections_response,
    tests_response,
    tree_response,
    trees_response,
    updates_response,
)
from mappings import reference as known

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from gateway.endpoints.traces_common import Asked, Services
    from gateway.soap import Contract
    from mappings.reference import Reference, ReferenceData

__all__ = ["reference_data"]


def _empty(element: str, text: str) -> TypedFault:
    return TypedFault(element, text, Detail.EMPTY)


_FAULTS: Final = ServiceFaults(
    REFERENCE.namespace,
    permission=_empty(PERMISSION.element, PERMISSION.text),
    rules=None,
    by_code={
        "IMG-7310": _empty(PERMISSION.element, "Invalid classification tree ID"),
        "IMG-7311": _empty("NodeNotFoundException", "Node not found"),
        "IMG-7312": _empty("InvalidMetadataTypeException", "Invalid metadata type"),
        "IMG-7313": _empty("ModelNotFoundException", "Model not found"),
        "IMG-7314": _empty("LaboratoryTestCategoryNotFoundException", "Laboratory test category not found"),
        "IMG-7315": TypedFault("IllegalParametersException", "Illegal parameters"),
    },
)
"""The first two as captured, an unknown tree being a matter of permission; the others are named in DIGEST 5.5."""

_CHANGES: Final = {"ADDED": "CREATED", "CHANGED": "UPDATED", "REMOVED": "DELETED"}
_SUFFIX: Final = "NodeAttribute"
_LATIN: Final = "la"
_MAX_TREES: Final = 400
"""Replies that are kept: every tree in every language, for one day."""


def reference_data(reference: Reference, services: Services) -> Contract:
    """The contract with its handlers.

    Args:
        reference: what is served, as it holds when a call comes; the day of the call decides what holds.
        services: who admits, and what keeps.
    """
    trees = _Trees(reference)

    def bound(answer: Callable[[ReferenceData, Asked], bytes]) -> Callable[[Asked], bytes]:
        return lambda asked: answer(reference.now(), asked)

    return serve(
        REFERENCE,
        services,
        {
            "GetClassificationTrees": bound(_all_trees),
            "getClassificationTree": trees.answer,
            "getClassificationTreeUpdates": bound(_updates),
            "getClassificationTreeNodeDetail": bound(_detail),
            "getCertificateModel": bound(_model),
            "getLaboratoryTestCategories": bound(_categories),
            "getLaboratoryTests": bound(_tests),
            "getClassificationSections": bound(_sections),
            "getMetadatas": bound(_metadata),
        },
        _FAULTS,
    )


# --- trees -----------------------------------------------------------------------------------------------------------


class _Trees:
    """Whole trees: thousands of nodes that are the same for everybody all day, so their replies are kept."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._kept: tuple[ReferenceData | None, date | None, dict[tuple[str, str], bytes]] = (None, None, {})

    def answer(self, asked: Asked) -> bytes:
        """GetClassificationTree."""
        data = self._reference.now()
        tree, language, day = read_tree_request(asked.body), asked.headers.language, _day(asked)
        found = data.trees.tree(tree)
        kept_of, kept_for, replies = self._kept
        if kept_of is not data or kept_for != day or len(replies) > _MAX_TREES:
            replies = {}
            self._kept = (data, day, replies)
        reply = replies.get((found.id, language))
        if reply is None:
            reply = replies[found.id, language] = tree_response(_below(data, found, known.ROOT, language, day))
        asked.noted(found.id)
        return reply


def _below(data: ReferenceData, tree: known.Tree, path: str, language: str, day: date) -> tuple[TreeNode, ...]:
    nodes = (tree.nodes[child] for child in tree.children.get(path, ()))
    return tuple(
        replace(_node(data, node, language), children=_below(data, tree, node.path, language, day))
        for node in nodes
        if node.valid_on(day)
    )


def _all_trees(data: ReferenceData, asked: Asked) -> bytes:
    asked.noted("classification-trees")
    return trees_response(Tree(tree.id, tree.name) for tree in data.trees.all())


def _updates(data: ReferenceData, asked: Asked) -> bytes:
    tree, since = read_updates_request(asked.body)
    if since > asked.call.received_at:
        raise ChedRefused("IMG-7315", where="UpdatedSince", found=since.isoformat(), expected="a moment that has been")
    updates = data.trees.updates(tree, since.date(), _day(asked))
    asked.noted(tree, since=since.isoformat())
    return updates_response(
        TreeUpdate(update.node.path, _CHANGES[update.change], _midnight(update.day)) for update in updates
    )


def _detail(data: ReferenceData, asked: Asked) -> bytes:
    tree, path, code = read_node_request(asked.body)
    day = _day(asked)
    found = data.trees.by_path(tree, path, day) if path else data.trees.by_code(tree, code, day)
    asked.noted(tree, node=found.node.path)
    node = _node(data, found.node, asked.headers.language)
    return node_response(replace(node, attributes=tuple(_attribute(each) for each in found.attributes)))


def _node(data: ReferenceData, node: known.Node, language: str) -> TreeNode:
    spoken, description = node.name(language)
    return TreeNode(
        node.path,
        "certificate_model" if node.model else "nomenclature",
        node.selectable,
        description,
        spoken,
        node.cn,
        _wire_model(data.model(node.model)) if node.model else None,
    )


def _attribute(attribute: known.Attribute) -> NodeAttribute:
    values = (attribute.value,) if attribute.value else attribute.values
    taxa = (TaxonReference(each.name, each.id, each.eppo, language=_LATIN) for each in attribute.taxa)
    columns = (NodeColumn(each.id, each.type, each.name, each.cardinality) for each in attribute.columns)
    return NodeAttribute(
        attribute.kind.value.removesuffix(_SUFFIX),
        attribute.id,
        attribute.name,
        values=values,
        columns=tuple(columns),
        taxa=tuple(taxa),
    )


def _model(data: ReferenceData, asked: Asked) -> bytes:
    model = data.model(read_model_request(asked.body))
    asked.noted(model.id)
    return model_response(_wire_model(model))


def _wire_model(model: known.CertificateModel) -> CertificateModel:
    return CertificateModel(
        model.id,
        model.short_title,
        model.title,
        created=_midnight(model.created) if model.created else None,
        updated=_midnight(model.updated) if model.updated else None,
    )


# --- sections, metadata, laboratory tests ----------------------------------------------------------------------------


def _sections(data: ReferenceData, asked: Asked) -> bytes:
    asked.noted("classification-sections")
    return sections_response(
        Section(
            each.code,
            each.name,
            Scope(each.chapter.code, each.chapter.name),
            each.lms,
            each.active,
            tuple(Scope(scope.code, scope.name) for scope in each.scopes),
            tuple(_entry(activity) for activity in each.activities),
        )
        for each in data.sections
    )


def _metadata(data: ReferenceData, asked: Asked) -> bytes:
    kind = read_metadatas_request(asked.body)
    codes = data.codes(kind, _day(asked))
    asked.noted(kind)
    return metadatas_response(_entry(code) for code in codes)


def _entry(code: known.MetadataCode) -> Metadata:
    return Metadata(code.code, code.name, code.list, active=code.active)


def _categories(data: ReferenceData, asked: Asked) -> bytes:
    asked.noted("laboratory-test-categories")
    return categories_response(ReferenceTestCategory(each.id, each.name) for each in data.categories)


def _tests(data: ReferenceData, asked: Asked) -> bytes:
    category = read_tests_request(asked.body)
    tests = data.tests_of(category)
    asked.noted(category)
    return tests_response(ReferenceTest(each.id, each.name, each.category, active=each.active) for each in tests)


def _day(asked: Asked) -> date:
    """The day of the call, UTC: what holds, holds for whole days."""
    return asked.call.received_at.astimezone(UTC).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
