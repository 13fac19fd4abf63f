"""ReferenceDataServiceV1 on the wire, both sides (DIGEST 5.5).

Trees, nodes with their attributes, sections and metadata lists are as in published captures. Updates, certificate
models by themselves and laboratory tests are inferred.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.traces.models import (
    CertificateModel,
    Metadata,
    ReferenceTest,
    ReferenceTestCategory,
    Scope,
    Section,
    Tree,
    TreeUpdate,
)
from gateway.traces.wire_common import (
    add,
    finish,
    instant,
    mandatory,
    read_instant,
    required,
    start,
    text_of,
)
from gateway.traces.wire_nodes import add_model, add_node, read_model, read_node
from gateway.xml.names import REF1, REFATTR1, REFLAB1, REFMODEL1, REFSECTION1, REFTREE1, XSI, qn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.traces.models import TreeNode

__all__ = [
    "categories_response",
    "empty_request",
    "metadatas_request",
    "metadatas_response",
    "model_request",
    "model_response",
    "node_request",
    "node_response",
    "read_categories_response",
    "read_metadatas_request",
    "read_metadatas_response",
    "read_model_request",
    "read_model_response",
    "read_node_request",
    "read_node_response",
    "read_sections_response",
    "read_tests_request",
    "read_tests_response",
    "read_tree_request",
    "read_tree_response",
    "read_trees_response",
    "read_updates_request",
    "read_updates_response",
    "sections_response",
    "tests_request",
    "tests_response",
    "tree_request",
    "tree_response",
    "trees_response",
    "updates_request",
    "updates_response",
]

_r = partial(qn, REF1)
_s = partial(qn, REFSECTION1)
_l = partial(qn, REFLAB1)
_TREE_ID: Final = _r("TreeID")
_TYPED: Final = (REFTREE1, REFMODEL1, REFATTR1, XSI)


def empty_request(local: str) -> bytes:
    """A request without content: GetClassificationTreesRequest and its like."""
    return finish(start(_r(local)))


# --- trees -----------------------------------------------------------------------------------------------------------


def trees_response(trees: Iterable[Tree]) -> bytes:
    """GetClassificationTreesResponse."""
    response = start(_r("GetClassificationTreesResponse"))
    for tree in trees:
        add(response, _r("ClassificationTree"), tree.name, treeID=tree.id, languageID=tree.language)
    return finish(response)


def read_trees_response(response: _Element) -> tuple[Tree, ...]:
    """The trees that there are."""
    return tuple(
        Tree(each.get("treeID") or "", (each.text or "").strip(), each.get("languageID") or "")
        for each in response.iterchildren(_r("ClassificationTree"))
    )


def tree_request(tree: str) -> bytes:
    """GetClassificationTreeRequest."""
    return _asked("GetClassificationTreeRequest", (_TREE_ID, tree))


def read_tree_request(request: _Element) -> str:
    """The tree that is asked for; SchemaInvalid IMG-3001 when none is."""
    return mandatory(request, _TREE_ID)


def tree_response(nodes: Sequence[TreeNode]) -> bytes:
    """GetClassificationTreeResponse: the nodes below the root, each with what is below it."""
    response = start(_r("GetClassificationTreeResponse"), REFTREE1, REFMODEL1)
    for node in nodes:
        add_node(response, qn(REFTREE1, "Node"), node)
    return finish(response)


def read_tree_response(response: _Element) -> tuple[TreeNode, ...]:
    """The nodes below the root."""
    return tuple(read_node(each) for each in response.iterchildren(qn(REFTREE1, "Node")))


def node_request(tree: str, *, path: str = "", cn_code: str = "") -> bytes:
    """GetClassificationTreeNodeDetailRequest: by path, or by CN code."""
    asked = (_r("Path"), path) if path else (_r("CNCode"), cn_code)
    return _asked("GetClassificationTreeNodeDetailRequest", (_TREE_ID, tree), asked)


def read_node_request(request: _Element) -> tuple[str, str, str]:
    """Tree, path and CN code, one of the two empty; SchemaInvalid IMG-3001 when no tree or neither is there."""
    path = text_of(request, _r("Path"))
    return mandatory(request, _TREE_ID), path, "" if path else mandatory(request, _r("CNCode"))


def node_response(node: TreeNode) -> bytes:
    """GetClassificationTreeNodeDetailResponse: one node with its attributes, without what is below it."""
    response = start(_r("GetClassificationTreeNodeDetailResponse"), *_TYPED)
    add_node(response, _r("Node"), node)
    return finish(response)


def read_node_response(response: _Element) -> TreeNode:
    """The node; SchemaInvalid IMG-3001 when there is none."""
    return read_node(required(response, _r("Node")))


def updates_request(tree: str, since: datetime) -> bytes:
    """GetClassificationTreeUpdatesRequest (inferred)."""
    return _asked("GetClassificationTreeUpdatesRequest", (_TREE_ID, tree), (_r("UpdatedSince"), instant(since)))


def read_updates_request(request: _Element) -> tuple[str, datetime]:
    """Tree and moment; SchemaInvalid IMG-3001 when one is missing."""
    name = _r("UpdatedSince")
    return mandatory(request, _TREE_ID), read_instant(mandatory(request, name), request, name)


def updates_response(updates: Iterable[TreeUpdate]) -> bytes:
    """GetClassificationTreeUpdatesResponse (inferred)."""
    response = start(_r("GetClassificationTreeUpdatesResponse"))
    for each in updates:
        add(response, _r("NodeUpdate"), path=each.path, type=each.kind, updatedOn=instant(each.at))
    return finish(response)


def read_updates_response(response: _Element) -> tuple[TreeUpdate, ...]:
    """What has changed; SchemaInvalid IMG-3001 for a moment that is none."""
    return tuple(
        TreeUpdate(
            path=each.get("path") or "",
            kind=each.get("type") or "",
            at=read_instant(each.get("updatedOn") or "", each, "@updatedOn"),
        )
        for each in response.iterchildren(_r("NodeUpdate"))
    )


def model_request(model: str) -> bytes:
    """GetCertificateModelRequest (inferred)."""
    return _asked("GetCertificateModelRequest", (_r("ModelID"), model))


def read_model_request(request: _Element) -> str:
    """The model that is asked for; SchemaInvalid IMG-3001 when none is."""
    return mandatory(request, _r("ModelID"))


def model_response(model: CertificateModel) -> bytes:
    """GetCertificateModelResponse (inferred): the element that nodes have, in this service's namespace."""
    response = start(_r("GetCertificateModelResponse"), REFMODEL1)
    add_model(response, _r("CertificateModel"), model)
    return finish(response)


def read_model_response(response: _Element) -> CertificateModel:
    """The model; SchemaInvalid IMG-3001 when there is none."""
    return read_model(required(response, _r("CertificateModel")))


# --- sections and metadata -------------------------------------------------------------------------------------------


def sections_response(sections: Iterable[Section]) -> bytes:
    """GetClassificationSectionsResponse."""
    response = start(_r("GetClassificationSectionsResponse"), REFSECTION1)
    for each in sections:
        element = add(
            response, _r("ClassificationSection"), code=each.code, lms=_yes(each.lms), active=_yes(each.active)
        )
        add(element, _s("Description"), each.description, languageID=each.language)
        add(element, _s("ClassificationSectionChapter"), each.chapter.code, name=each.chapter.name)
        for scope in each.scopes:
            add(element, _s("MetaCountryGroupScope"), scope.code, name=scope.name)
        for activity in each.activities:
            _add_metadata(element, _s("OperatorActivityType"), activity)
    return finish(response)


def read_sections_response(response: _Element) -> tuple[Section, ...]:
    """The sections; SchemaInvalid IMG-3001 for one without description."""
    return tuple(
        Section(
            code=each.get("code") or "",
            description=mandatory(each, _s("Description")),
            chapter=_scope(required(each, _s("ClassificationSectionChapter"))),
            lms=_is(each.get("lms")),
            active=_is(each.get("active")),
            scopes=tuple(_scope(scope) for scope in each.iterchildren(_s("MetaCountryGroupScope"))),
            activities=tuple(_metadata(kind) for kind in each.iterchildren(_s("OperatorActivityType"))),
            language=required(each, _s("Description")).get("languageID") or "",
        )
        for each in response.iterchildren(_r("ClassificationSection"))
    )


def metadatas_request(kind: str) -> bytes:
    """GetMetadatasRequest: a list by its name, such as ACCOMPANYING_DOCUMENT_TYPE."""
    return _asked("GetMetadatasRequest", (_r("MetadataType"), kind))


def read_metadatas_request(request: _Element) -> str:
    """The list that is asked for; SchemaInvalid IMG-3001 when none is."""
    return mandatory(request, _r("MetadataType"))


def metadatas_response(entries: Iterable[Metadata]) -> bytes:
    """GetMetadatasResponse."""
    response = start(_r("GetMetadatasResponse"))
    for each in entries:
        _add_metadata(response, _r("MetadataCode"), each)
    return finish(response)


def read_metadatas_response(response: _Element) -> tuple[Metadata, ...]:
    """The entries of a list."""
    return tuple(_metadata(each) for each in response.iterchildren(_r("MetadataCode")))


# --- laboratory tests ------------------------------------------------------------------------------------------------


def categories_response(categories: Iterable[ReferenceTestCategory]) -> bytes:
    """GetLaboratoryTestCategoriesResponse (inferred)."""
    response = start(_r("GetLaboratoryTestCategoriesResponse"), REFLAB1)
    for each in categories:
        element = add(response, _r("LaboratoryTestCategory"))
        add(element, _l("CategoryCode"), each.code)
        add(element, _l("Description"), each.description, languageID=each.language)
    return finish(response)


def read_categories_response(response: _Element) -> tuple[ReferenceTestCategory, ...]:
    """The categories; SchemaInvalid IMG-3001 for one without code or description."""
    return tuple(
        ReferenceTestCategory(
            code=mandatory(each, _l("CategoryCode")),
            description=mandatory(each, _l("Description")),
            language=required(each, _l("Description")).get("languageID") or "",
        )
        for each in response.iterchildren(_r("LaboratoryTestCategory"))
    )


def tests_request(category: str) -> bytes:
    """GetLaboratoryTestsRequest (inferred): the tests of one category."""
    return _asked("GetLaboratoryTestsRequest", (_r("CategoryCode"), category))


def read_tests_request(request: _Element) -> str:
    """The category that is asked for; SchemaInvalid IMG-3001 when none is."""
    return mandatory(request, _r("CategoryCode"))


def tests_response(tests: Iterable[ReferenceTest]) -> bytes:
    """GetLaboratoryTestsResponse (inferred)."""
    response = start(_r("GetLaboratoryTestsResponse"), REFLAB1)
    for each in tests:
        element = add(response, _r("LaboratoryTest"), active=_yes(each.active))
        add(element, _l("ID"), each.id)
        add(element, _l("Description"), each.description, languageID=each.language)
        add(element, _l("CategoryCode"), each.category)
    return finish(response)


def read_tests_response(response: _Element) -> tuple[ReferenceTest, ...]:
    """The tests; SchemaInvalid IMG-3001 for one without id or description."""
    return tuple(
        ReferenceTest(
            id=mandatory(each, _l("ID")),
            description=mandatory(each, _l("Description")),
            category=text_of(each, _l("CategoryCode")),
            language=required(each, _l("Description")).get("languageID") or "",
            active=_is(each.get("active")),
        )
        for each in response.iterchildren(_r("LaboratoryTest"))
    )


# --- pieces ----------------------------------------------------------------------------------------------------------


def _asked(local: str, *children: tuple[str, str]) -> bytes:
    request = start(_r(local))
    for name, text in children:
        add(request, name, text)
    return finish(request)


def _add_metadata(parent: _Element, name: str, entry: Metadata) -> None:
    values = {"active": _yes(entry.active), "listID": entry.list_id, "name": entry.name, "languageID": entry.language}
    add(parent, name, entry.code, **values)


def _metadata(element: _Element) -> Metadata:
    return Metadata(
        code=(element.text or "").strip(),
        name=element.get("name") or "",
        list_id=element.get("listID") or "",
        language=element.get("languageID") or "",
        active=_is(element.get("active")),
    )


def _scope(element: _Element) -> Scope:
    return Scope((element.text or "").strip(), element.get("name") or "")


def _yes(flag: bool) -> str:  # noqa: FBT001 - the value that is written
    return "true" if flag else "false"


def _is(text: str | None) -> bool:
    return (text or "").strip() in {"true", "1"}
