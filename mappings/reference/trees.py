"""Classification trees: goods by Combined Nomenclature code, and what each kind of goods asks of a CHED (DIGEST 5.5).

Whether a box is mandatory stands in the attributes ``…_ACCESS`` of a node. A row of ``attributes.csv`` holds for its
node and for everything below it until a node further down says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import ChedRefused
from mappings.reference.models import Access, NodeDetail, Update

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from mappings.reference.models import Attribute, Node, Tree

__all__ = ["ROOT", "CommodityAccess", "Trees"]

ROOT: Final = "R"
"""The path above the topmost nodes; attributes of ``R`` hold for the whole tree."""
_DIGITS: Final = 2
"""A code of the nomenclature grows by two digits a level."""
_MAX_CODE: Final = 20
"""base/v4 CNCode: one to ten pairs of digits."""


class Trees:
    """All trees of this instance.

    Args:
        trees: in the order in which they are listed.
        attributes: by tree and path, what stands at that node itself.
        aliases: further ids of a tree, as published requests spell them.
    """

    def __init__(
        self,
        trees: Iterable[Tree],
        attributes: Mapping[tuple[str, str], Mapping[str, Attribute]],
        aliases: Mapping[str, str],
    ) -> None:
        self._trees = {tree.id: tree for tree in trees}
        self._attributes = attributes
        self._aliases = {**aliases, **{tree: tree for tree in self._trees}}
        self._by_code: dict[str, dict[str, tuple[Node, ...]]] = {}
        for tree in self._trees.values():
            codes: dict[str, tuple[Node, ...]] = {}
            for node in tree.nodes.values():
                if node.cn:
                    codes[node.cn] = (*codes.get(node.cn, ()), node)
            self._by_code[tree.id] = codes
        self._effective: dict[tuple[str, str], dict[str, Attribute]] = {}

    def all(self) -> tuple[Tree, ...]:
        """Every tree."""
        return tuple(self._trees.values())

    def tree(self, tree: str) -> Tree:
        """One tree.

        Raises:
            ChedRefused: IMG-7310 there is no such tree.
        """
        found = self._trees.get(self._aliases.get(tree, ""))
        if found is None:
            raise ChedRefused("IMG-7310", found=tree, expected=", ".join(self._trees))
        return found

    def nodes(self, tree: str, on: date) -> tuple[Node, ...]:
        """The nodes of a tree on a day, each after the one above it.

        Raises:
            ChedRefused: IMG-7310.
        """
        found = self.tree(tree)
        kept: list[Node] = []
        waiting = list(reversed(found.children.get(ROOT, ())))
        while waiting:
            node = found.nodes[waiting.pop()]
            if node.valid_on(on):
                kept.append(node)
                waiting.extend(reversed(found.children.get(node.path, ())))
        return tuple(kept)

    def updates(self, tree: str, since: date, on: date) -> tuple[Update, ...]:
        """What came, changed or went from ``since`` to ``on``, both included, in the order of the tree.

        Raises:
            ChedRefused: IMG-7310.
        """
        found: list[Update] = []
        for node in self.tree(tree).nodes.values():
            if node.valid_to is not None and since <= node.valid_to < on:
                found.append(Update(node, "REMOVED", node.valid_to))
            elif node.valid_from is not None and since <= node.valid_from <= on:
                found.append(Update(node, "ADDED", node.valid_from))
            elif node.changed is not None and since <= node.changed <= on:
                found.append(Update(node, "CHANGED", node.changed))
        return tuple(found)

    def by_path(self, tree: str, path: str, on: date) -> NodeDetail:
        """A node with its attributes.

        Raises:
            ChedRefused: IMG-7310 no such tree, IMG-7311 no such node on that day.
        """
        found = self.tree(tree)
        node = found.nodes.get(path)
        if node is None or not node.valid_on(on):
            raise ChedRefused("IMG-7311", where=found.id, found=path)
        return NodeDetail(node, tuple(self._of(found.id, path).values()))

    def by_code(self, tree: str, cn_code: str, on: date) -> NodeDetail:
        """The node of exactly this code; the selectable one where several have it.

        Raises:
            ChedRefused: IMG-7310 no such tree, IMG-7311 no such node on that day.
        """
        found = self.tree(tree)
        node = _choose(self._by_code[found.id].get(cn_code, ()), on)
        if node is None:
            raise ChedRefused("IMG-7311", where=found.id, found=cn_code)
        return NodeDetail(node, tuple(self._of(found.id, node.path).values()))

    def covering(self, tree: str, cn_code: str, on: date) -> Node | None:
        """The nearest node at or above a code: a CHED may name ten digits where the tree ends at four.

        None for a tree or a code that is not known, whatever characters it has.
        """
        codes = self._by_code.get(self._aliases.get(tree, ""), {})
        for length in range(min(len(cn_code), _MAX_CODE), 0, -_DIGITS):
            node = _choose(codes.get(cn_code[:length], ()), on)
            if node is not None:
                return node
        return None

    def attribute(self, tree: str, node: Node, attribute: str) -> Attribute | None:
        """One attribute that holds for a node, None when nothing is said about it."""
        return self._of(self._aliases.get(tree, ""), node.path).get(attribute)

    def _of(self, tree: str, path: str) -> dict[str, Attribute]:
        """What holds for a node: its own rows over those of the nodes above."""
        known = self._effective.get((tree, path))
        if known is None:
            above = self._of(tree, path.rpartition("/")[0]) if "/" in path else {}
            known = {**above, **self._attributes.get((tree, path), {})}
            self._effective[tree, path] = known
        return known


class CommodityAccess:
    """What the rules of a CHED ask: must this box be filled for these goods? (REGULATION 7.2)."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._answers: tuple[date | None, dict[tuple[str, str, str], str]] = (None, {})

    def access(self, tree: str, cn_code: str, attribute: str, on: date) -> str:
        """MANDATORY, OPTIONAL, NOT_AVAILABLE or DISABLED; empty when the reference data say nothing.

        Args:
            tree: ``cheda``, ``chedp``, ``chedpp``, ``chedd`` or ``intra_trade`` (``intra``).
            cn_code: of the line, digits; the nearest node above counts where the tree is coarser.
            attribute: such as ``CERTIFIED_AS_ACCESS``; the name of a column of the table of goods (``QUANTITY``) asks
                for its cardinality.
            on: the day that counts.
        """
        day, answers = self._answers
        if day != on or len(answers) > _MAX_ANSWERS:
            answers = {}
            self._answers = (on, answers)
        key = (tree, cn_code, attribute)
        answer = answers.get(key)
        if answer is None:
            answer = answers[key] = self._look(tree, cn_code, attribute, on)
        return answer

    def _look(self, tree: str, cn_code: str, attribute: str, on: date) -> str:
        node = self._trees.covering(tree, cn_code, on)
        if node is None:
            return ""
        found = self._trees.attribute(tree, node, attribute)
        if found is not None:
            return found.value if found.value in _ACCESSES else ""
        return self._column(tree, node, attribute)

    def _column(self, tree: str, node: Node, column: str) -> str:
        for name in _COLUMN_ATTRIBUTES:
            columns = self._trees.attribute(tree, node, name)
            if columns is not None:
                return next((each.cardinality for each in columns.columns if each.id == column), "")
        return ""


_ACCESSES: Final = frozenset(Access)
_MAX_ANSWERS: Final = 10_000
"""Answers of one day that are kept: the codes come from documents, so that there may be any number."""
_COLUMN_ATTRIBUTES: Final = ("AVAILABLE_CHED_DESCRIPTOR_COLUMNS", "AVAILABLE_EU_INTRA_DESCRIPTOR_COLUMNS")


def _choose(nodes: tuple[Node, ...], on: date) -> Node | None:
    valid = [node for node in nodes if node.valid_on(on)]
    return next((node for node in valid if node.selectable), valid[0] if valid else None)
