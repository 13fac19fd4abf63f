"""The exact count of what a document holds, made while it streams by, without a tree.

The boundary takes this slow way (about 1 us per element) only for documents whose cheap upper bounds exceed a limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from gateway.errors import XmlRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.xml.limits import Limits


def refuse_beyond(code: str, limit: int, what: str) -> NoReturn:
    """Refuse a document that goes beyond one limit."""
    raise XmlRefused(code, expected=f"at most {limit:,} {what}", found="more")


class Census:
    """A parser target (lxml's target interface) that stops at the first limit broken."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._elements = 0
        self._attributes = 0
        self._text = 0
        self._scopes: list[int] = [0]
        self._text_limits: list[int] = [limits.max_text_length]

    def start(self, tag: str | bytes, attributes: Mapping[Any, Any], declarations: Mapping[Any, Any]) -> None:
        """An element begins."""
        limits = self._limits
        self._node()
        self._attributes += len(attributes) + len(declarations)
        self._scopes.append(self._scopes[-1] + len(declarations))
        large = tag in limits.large_text
        self._text_limits.append(limits.max_large_text if large else limits.max_text_length)
        if len(self._scopes) - 1 > limits.max_depth:
            refuse_beyond("IMG-1004", limits.max_depth, "levels of elements")
        if len(attributes) > limits.max_attributes_per_element:
            refuse_beyond("IMG-1006", limits.max_attributes_per_element, "attributes of one element")
        if self._attributes > limits.max_attributes:
            refuse_beyond("IMG-1006", limits.max_attributes, "attributes in all")
        if self._scopes[-1] > limits.max_namespaces_in_scope:
            refuse_beyond("IMG-1013", limits.max_namespaces_in_scope, "namespace declarations in scope")
        self._name(str(tag))
        for name, value in attributes.items():
            self._name(name)
            self._length(len(value))
        for prefix, uri in declarations.items():
            self._name(prefix or "")
            self._length(len(uri))

    def end(self, tag: str | bytes) -> None:  # noqa: ARG002 - lxml's interface
        """An element ends."""
        self._text = 0
        self._scopes.pop()
        self._text_limits.pop()

    def data(self, data: str | bytes) -> None:
        """A piece of a text node."""
        self._text += len(data)
        if self._text > self._text_limits[-1]:
            refuse_beyond("IMG-1008", self._text_limits[-1], "characters in a text")

    def comment(self, text: str | bytes) -> None:
        """A comment."""
        self._node()
        self._length(len(text))

    def pi(self, target: str | bytes, data: str | bytes | None = None) -> None:
        """A processing instruction."""
        self._node()
        self._name(str(target))
        self._length(len(data or b""))

    def close(self) -> None:
        """The document has ended and kept every limit."""

    def _node(self) -> None:
        """Elements, comments and processing instructions take about the same memory, so they share one limit."""
        self._text = 0
        self._elements += 1
        if self._elements > self._limits.max_elements:
            refuse_beyond("IMG-1005", self._limits.max_elements, "elements, comments and processing instructions")

    def _name(self, name: str) -> None:
        if len(name.rpartition("}")[2]) > self._limits.max_name_length:
            refuse_beyond("IMG-1007", self._limits.max_name_length, "characters in a name")

    def _length(self, length: int) -> None:
        if length > self._limits.max_text_length:
            refuse_beyond("IMG-1008", self._limits.max_text_length, "characters in a text or value")
