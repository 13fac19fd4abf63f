"""Canonical forms and standalone bytes of subtrees.

Everything that is digested or spliced goes through here, because lxml has two traps: canonicalising a comment or
processing instruction node ends the process with a segmentation fault (STACK), and the inclusive forms do not inherit
``xml:*`` attributes of ancestors as the recommendation asks.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from lxml import etree

from gateway.errors import XmlRefused
from gateway.xml.names import XML

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

__all__ = ["C14n", "canonicalise", "serialise"]


class C14n(StrEnum):
    """The W3C canonicalisation algorithms, by URI."""

    INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    INCLUSIVE_WITH_COMMENTS = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
    INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
    INCLUSIVE_11_WITH_COMMENTS = "http://www.w3.org/2006/12/xml-c14n11#WithComments"
    EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
    EXCLUSIVE_WITH_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"

    @property
    def exclusive(self) -> bool:
        """Whether only the namespaces in visible use are rendered."""
        return self in _EXCLUSIVE

    @property
    def with_comments(self) -> bool:
        """Whether comments are rendered."""
        return self.endswith("#WithComments")


_EXCLUSIVE = frozenset({C14n.EXCLUSIVE, C14n.EXCLUSIVE_WITH_COMMENTS})
_name_parser = etree.XMLParser(encoding="UTF-8", recover=True, resolve_entities=False, no_network=True)
_XML_ATTRIBUTE = f"{{{XML}}}"

_MAX_LOOKS = 200_000_000
"""About a second. A certificate of 25 MB with 30 namespaces declared at its root stays below it."""


def canonicalise(element: _Element, *, algorithm: C14n, inclusive_prefixes: Sequence[str] = ()) -> bytes:
    """The canonical octets of an element and all below it, without its tail.

    The inclusive forms render the namespaces that are in scope from ancestors. 1.0 and 1.1 give the same octets except
    where an ancestor carries an ``xml:*`` attribute, and there lxml follows neither: such a place is refused.

    Args:
        element: an element of any tree; the tree is not changed.
        algorithm: one of the W3C algorithms.
        inclusive_prefixes: the InclusiveNamespaces PrefixList of the exclusive forms; ignored by the others.

    Raises:
        XmlRefused: IMG-1014 when the node is no element, the place cannot be canonicalised faithfully, or it would cost
            far more than an honest document does.
    """
    if not isinstance(element.tag, str):
        raise XmlRefused("IMG-1014", found="a comment or processing instruction", expected="an element")
    if not algorithm.exclusive or inclusive_prefixes:
        _refuse_costly(element, None if not algorithm.exclusive else len(inclusive_prefixes))
    if algorithm.exclusive:
        _make_known(inclusive_prefixes)
        return etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=algorithm.with_comments,
            inclusive_ns_prefixes=list(inclusive_prefixes) or None,
        )
    for ancestor in element.iterancestors():
        if any(str(name).startswith(_XML_ATTRIBUTE) for name in ancestor.attrib):
            raise XmlRefused(
                "IMG-1014", found="an xml: attribute on an ancestor", expected="exclusive canonicalisation"
            )
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=algorithm.with_comments)


def _refuse_costly(element: _Element, prefixes: int | None) -> None:
    """Add up how often libxml2 will look at a namespace declaration, and refuse beyond ``_MAX_LOOKS``.

    At each element the inclusive forms look up every namespace in scope, and for each walk through those before it; the
    exclusive forms do so for the prefixes of their list. A small message could cost minutes that way.
    """
    parent = element.getparent()
    scope = len(parent.nsmap) if parent is not None else 0
    looks = 0
    for event, _ in etree.iterwalk(element, events=("start", "start-ns", "end-ns")):
        if event == "start-ns":
            scope += 1
        elif event == "end-ns":
            scope -= 1
        else:
            looks += scope * (scope if prefixes is None else prefixes)
            if looks > _MAX_LOOKS:
                raise XmlRefused(
                    "IMG-1014",
                    found="too many elements below too many namespace declarations",
                    expected="exclusive canonicalisation, or fewer namespace declarations",
                )


def _make_known(prefixes: Sequence[str]) -> None:
    """Let lxml see each prefix of a list.

    lxml silently drops those that are not in the name table of the calling thread: ``#default`` always, and others when
    the tree was parsed by another thread (both tried). Namespace names enter that table when they are parsed.
    """
    for prefix in prefixes:
        etree.fromstring(f"<a xmlns:p={quoteattr(prefix)}/>".encode(), _name_parser)


def serialise(element: _Element) -> bytes:
    """The bytes of an element as a document of its own: UTF-8, no declaration, no tail.

    Every namespace in scope is declared on it and no prefix is renamed, so a seal over the exclusive canonical form of
    the element, or of anything in it, still holds.

    Raises:
        XmlRefused: IMG-1014 when the node is no element.
    """
    if not isinstance(element.tag, str):
        raise XmlRefused("IMG-1014", found="a comment or processing instruction", expected="an element")
    return etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False)
