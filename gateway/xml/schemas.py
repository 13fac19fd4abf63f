"""The contracts' schemas: libxml2 decides on the hot path, ``xmlschema`` explains a refusal (issue 2, part 5).

libxml2 checks an 8 KB certificate in well under 100 us; ``xmlschema`` needs some fifty times as long and therefore
looks only at small messages of authenticated partners that were refused already, and only as far as the first error.

An element is checked where it stands, inside its envelope: lxml lends its children to a temporary root, so nothing is
copied and no second tree comes into being. While that lasts no other thread may use the tree.

Nothing is fetched: the schemas are files of the ``xsd`` package, and libxml2 ignores ``xsi:schemaLocation`` when a
schema is given to it.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import xmlschema
from lxml import etree

from gateway.errors import Finding, SchemaInvalid, Severity
from gateway.xml.canonical import serialise
from gateway.xml.names import path_of, readable
from gateway.xml.schema_files import SchemaName, compiled, schema_folder, schema_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element, _LogEntry
    from xmlschema.aliases import ElementType

__all__ = ["SchemaName", "explain", "is_valid", "schema_source", "validate"]

SCHEMA_BREACH: Final = "IMG-3001"
SLOW_EXPLANATION_BYTES: Final = 64 * 1024
"""A larger message is explained by libxml2's own finding: ``xmlschema`` would take seconds over a megabyte."""
MAX_EXPECTED: Final = 200
CROWD: Final = 1_000
"""Children of one element beyond which a breach is first looked for in a stream; 1 MB of certificate has fewer."""
_PORTION: Final = 1 << 15


def is_valid(name: SchemaName, element: _Element) -> bool:
    """Whether libxml2 accepts the element and everything below it, as the root of a document."""
    return _streamed_breach(name, element) is None and compiled(name).validate(element)


def validate(name: SchemaName, element: _Element, *, explained: bool = False) -> None:
    """Refuses an element that breaks its schema.

    Args:
        name: the schema.
        element: the root of a document or, inside a larger tree, of the part that the schema speaks of.
        explained: let ``xmlschema`` word the refusal; for authenticated partners (see ``explain``).

    Raises:
        SchemaInvalid: IMG-3001 with the first breach: where, found, expected.
    """
    if is_valid(name, element):
        return
    finding = explain(name, element, allow_slow=explained)
    raise SchemaInvalid(
        SCHEMA_BREACH, finding.message, where=finding.path, found=finding.found, expected=finding.expected
    )


def explain(name: SchemaName, element: _Element, *, allow_slow: bool) -> Finding:
    """The first breach of an element that ``is_valid`` refused.

    Args:
        name: the schema.
        element: as for ``validate``.
        allow_slow: the sender is authenticated, so that ``xmlschema`` may spend its time, under 64 KB.

    Returns:
        A SEVERE finding; its path is absolute, with the prefixes of ``gateway.xml.names``.

    Raises:
        ValueError: the element is valid, so there is nothing to explain.
    """
    entry = _streamed_breach(name, element)
    if entry is None:
        schema = compiled(name)
        if schema.validate(element):
            raise ValueError(f"valid against {name}")
        entry = next(iter(cast("Iterable[_LogEntry]", schema.error_log)))
    breach = _fast_breach(entry, element)
    if allow_slow and _is_small(element):
        breach = _slow_breach(name, element, breach)
    return _finding(name, breach)


class _Breach(NamedTuple):
    where: str
    message: str
    found: str
    expected: str


def _finding(name: SchemaName, breach: _Breach) -> Finding:
    return Finding(
        rule=SCHEMA_BREACH,
        severity=Severity.SEVERE,
        message=breach.message,
        path=breach.where,
        found=_cap(breach.found),
        expected=_cap(breach.expected),
        source=f"xsd/{name}",
    )


def _cap(text: str) -> str:
    text = _CLARK.sub(lambda match: readable(match[0]), text)
    return text if len(text) <= MAX_EXPECTED else text[: MAX_EXPECTED - 1] + "…"


def _is_small(element: _Element) -> bool:
    """Whether the element takes less than ``SLOW_EXPLANATION_BYTES``, near enough; counted only as far as that."""
    size = 0
    for node in element.iter():
        size += len(node.text or "") + len(node.tail or "") + 2 * len(readable(str(node.tag))) + len("<></>")
        size += sum(len(str(name)) + len(value) for name, value in node.items())
        if size > SLOW_EXPLANATION_BYTES:
            return False
    return True


# --- many breaches at once -------------------------------------------------------------------------------------------

_IS_CROWDED: Final = etree.XPath(f"boolean(descendant-or-self::*[*[{CROWD + 1}]])")


def _streamed_breach(name: SchemaName, element: _Element) -> _LogEntry | None:
    """The first breach of an element somewhere in which very many stand side by side, without a path; else None.

    Over a tree libxml2 reports every breach, and for each counts its siblings: a hundred thousand of them cost a
    minute. Over a stream it can be stopped at the first. What passes here is still judged where it stands.
    """
    if not _IS_CROWDED(element):
        return None
    text = serialise(element)
    parser = etree.XMLParser(
        encoding="UTF-8", schema=compiled(name), resolve_entities=False, no_network=True, huge_tree=True
    )
    for at in range(0, len(text), _PORTION):
        parser.feed(text[at : at + _PORTION])
        for entry in cast("Iterable[_LogEntry]", parser.feed_error_log):
            return entry
    return None


# --- libxml2's own explanation ---------------------------------------------------------------------------------------

_CLARK: Final = re.compile(r"\{[^{}]*\}[^\s,'(){}]+")
_SUBJECT: Final = re.compile(
    r"Element '(?P<element>[^']*)'(?:, attribute '(?P<attribute>[^']*)')?: (?P<said>.*)", re.DOTALL
)
_SAYINGS: Final = tuple(
    (re.compile(pattern, re.DOTALL), message)
    for pattern, message in (
        (
            r"This element is not expected\.(?: Expected is (?:one of )?\( (?P<expected>.*) \)\.)?",
            "This element is not expected here",
        ),
        (
            r"Missing child element\(s\)\. Expected is (?:one of )?\( (?P<expected>.*) \)\.",
            "A child element is missing",
        ),
        (r"'(?P<found>.*)' is not a valid value of the (?P<expected>.*)\.", "The value is not of its type"),
        (
            r"\[facet '\w+'\] The value '(?P<found>.*)' is not accepted by the (?P<expected>pattern .*)\.",
            "The value does not have the form of its code list",
        ),
        (
            r"\[facet '\w+'\] The value '(?P<found>.*)' is not an element of the set \{(?P<expected>.*)\}\.",
            "The value is not on its list",
        ),
        (
            r"\[facet '\w+'\] The value has a (?P<found>length of '\d+'); this \w+ the allowed (?P<expected>.*)\.",
            "The value is too short or too long",
        ),
        (r"\[facet '\w+'\] The value '(?P<found>.*)' is (?P<expected>.*)\.", "The value is out of its range"),
        (r"The attribute '(?P<found>.*)' is not allowed\.", "This attribute is not allowed here"),
        (r"The attribute '(?P<expected>.*)' is required but missing\.", "An attribute is missing"),
        (r"(?P<found>Character content) other than whitespace .*", "Text is not allowed between these elements"),
        (r"No matching global declaration available.*", "This element is not a root of the schema"),
    )
)
_STEP: Final = re.compile(r"(?:(?P<prefix>[^:\[\]]+):)?(?P<local>[^:\[\]]+)(?:\[(?P<position>\d+)\])?")


def _fast_breach(entry: _LogEntry, element: _Element) -> _Breach:
    """libxml2's first error in our own words: its text is no part of the contract and quotes whole enumerations."""
    node = _follow(entry.path or "", element)
    where = path_of(node)
    subject = _SUBJECT.fullmatch(entry.message or "")
    if subject is None:
        return _Breach(where, "The message breaks its schema", "", "")
    if subject["attribute"]:
        where = f"{where}/@{readable(subject['attribute'])}"
    for pattern, message in _SAYINGS:
        said = pattern.fullmatch(subject["said"])
        if said is not None:
            groups = said.groupdict()
            return _Breach(
                where, message, groups.get("found", readable(subject["element"])), groups.get("expected") or ""
            )
    return _Breach(where, "The content does not fit its place in the schema", readable(subject["element"]), "")


def _follow(path: str, element: _Element) -> _Element:
    """The node that libxml2's path means; the nearest ancestor that can be found when the path is unusual.

    libxml2 writes the document's own prefixes, ``*`` for names in a default namespace, and positions among equals.
    """
    node = element
    for step in path.split("/")[2:]:
        match = _STEP.fullmatch(step)
        if match is None:
            break
        same = [
            child
            for child in node.iterchildren("*")
            if match["local"] == "*"
            or (child.prefix == match["prefix"] and etree.QName(child).localname == match["local"])
        ]
        position = int(match["position"] or 1) - 1
        if position >= len(same):
            break
        node = same[position]
    return node


# --- xmlschema's explanation -----------------------------------------------------------------------------------------

_explaining = threading.Lock()


def _slow_breach(name: SchemaName, element: _Element, fast: _Breach) -> _Breach:
    """The first error of ``xmlschema``, in libxml2's place; ``fast`` where it has nothing better to say."""
    with _explaining:
        schema = _explainer(name)
        try:
            error = next(schema.iter_errors(cast("ElementType", element), use_location_hints=False), None)
        except xmlschema.XMLSchemaException:  # an xsi:type that names no type, say: it raises where it should report
            return fast
    if error is None:
        return fast
    node = cast("_Element", error.elem) if error.elem is not None else element
    if isinstance(error, xmlschema.XMLSchemaChildrenValidationError):
        expected = ", ".join(str(particle.name) for particle in error.expected or () if particle.name)
        if error.invalid_child is None:
            return _Breach(path_of(node), "A child element is missing", readable(str(node.tag)), expected)
        child = cast("_Element", error.invalid_child)
        return _Breach(path_of(child), "This element is not expected here", readable(str(child.tag)), expected)
    where = path_of(node)
    if fast.where.startswith(where):
        return _Breach(fast.where, _cap(error.reason or fast.message), fast.found, fast.expected)
    return _Breach(where, _cap(error.reason or fast.message), error.obj if isinstance(error.obj, str) else "", "")


@cache
def _explainer(name: SchemaName) -> xmlschema.XMLSchema10:
    """Compiled once per process, about 0.2 s; under the lock that also guards its use."""
    return xmlschema.XMLSchema10(str(schema_folder() / name), allow="local", defuse="always")
