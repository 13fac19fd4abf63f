"""Classification trees on the wire: the larger part of ReferenceDataServiceV1 (DIGEST 5.5), for ``wire_reference``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.traces.models import CertificateModel, Tree, TreeUpdate
from gateway.traces.wire_common import add, finish, instant, mandatory, read_instant, required, start, text_of
from gateway.traces.wire_nodes import add_model, add_node, read_model, read_node
from gateway.xml.names import REF1, REFATTR1, REFMODEL1, REFTREE1, XSI, qn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.traces.models import TreeNode

__all__ = [
    "asked",
    "model_request",
    "model_response",
    "node_request",
    "node_response",
    "read_model_request",
    "read_model_response",
    "read_node_request",
    "read_node_response",
    "read_tree_request",
    "read_tree_response",
    "read_trees_response",
    "read_updates_request",
    "read_updates_response",
    "tree_request",
    "tree_response",
    "trees_response",
    "updates_request",
    "updates_response",
]

_r = partial(qn, REF1)
_TREE_ID: Final = _r("TreeID")
_TYPED: Final = (REFTREE1, REFMODEL1, REFATTR1, XSI)


def asked(local: str, *children: tuple[str, str]) -> bytes:
    """A request of the service with texts as its children."""
    request = start(_r(local))
    for name, text in children:
        add(request, name, text)
    return finish(request)


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
    return asked("GetClassificationTreeRequest", (_TREE_ID, tree))


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
    place = (_r("Path"), path) if path else (_r("CNCode"), cn_code)
    return asked("GetClassificationTreeNodeDetailRequest", (_TREE_ID, tree), place)


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
    return asked("GetClassificationTreeUpdatesRequest", (_TREE_ID, tree), (_r("UpdatedSince"), instant(since)))


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
    return asked("GetCertificateModelRequest", (_r("ModelID"), model))


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
