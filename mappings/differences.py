"""What is different between two documents of one system, place by place: what a round trip did not bring back."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from lxml import etree

from gateway.xml.names import readable
from mappings.shape import ROOT_TYPE, children, shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element

    from mappings.models import TranslatedPlace

__all__ = ["Difference", "declared", "find_differences"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place that is not the same; the path is an XPath into the first document, as reports of translations have it.

    For a place that only the second document has, the path says where it would stand in the first.
    """

    path: str
    before: str
    """Text or attribute value, a whole element as XML, empty where there is none."""
    after: str
    whole: bool = False
    """A whole element is there in one of the documents only."""


def find_differences(before: _Element, after: _Element) -> tuple[Difference, ...]:
    """The differences in document order; none where the two say the same, whatever their prefixes.

    Both are documents in normal form (`mappings.translate` with source and target equal), so that order, blanks and
    empty elements do not count.
    """
    return tuple(_of(before, after, f"/{readable(str(before.tag))}", ROOT_TYPE))


def declared(difference: Difference, losses: Iterable[TranslatedPlace]) -> TranslatedPlace | None:
    """The reported loss that explains a difference: at its place or above it, for a whole element also inside it."""
    inside = None
    for loss in losses:
        if loss.path == difference.path:
            return loss
        if _within(difference.path, loss.path) or (difference.whole and _within(loss.path, difference.path)):
            inside = inside or loss
    return inside


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _of(before: _Element, after: _Element, path: str, type_name: str) -> Iterator[Difference]:
    if (text := (before.text or "")) != (now := (after.text or "")):
        yield Difference(path, text, now)
    for name in sorted({*map(str, before.attrib), *map(str, after.attrib)}):
        if (value := before.get(name, "")) != (becomes := after.get(name, "")):
            yield Difference(f"{path}/@{readable(name)}", value, becomes)
    old, new = _Children(before, path, type_name), _Children(after, path, type_name)
    for each in _pairs(old, new):
        yield from each


class _Children:
    """The children of an element with their paths and what they say."""

    def __init__(self, element: _Element, path: str, type_name: str) -> None:
        slots = shapes().get(type_name, {})
        counts: dict[str, int] = {}
        self.elements = children(element)
        self.paths: list[str] = []
        self.types: list[str] = []
        for child in self.elements:
            tag = str(child.tag)
            counts[tag] = count = counts.get(tag, 0) + 1
            slot = slots.get(tag)
            repeats = count > 1 or (slot is not None and slot.repeatable)
            self.paths.append(f"{path}/{readable(tag)}[{count}]" if repeats else f"{path}/{readable(tag)}")
            self.types.append(slot.type if slot is not None else "")
        self.tags = [str(child.tag) for child in self.elements]
        self.said = [_said(child) for child in self.elements]


def _pairs(old: _Children, new: _Children) -> Iterator[Iterable[Difference]]:
    """Children that are the same are left out of it; between them those of one name are compared in their order."""
    for action, first, end, start, stop in SequenceMatcher(None, old.said, new.said, autojunk=False).get_opcodes():
        if action == "equal":
            continue
        left = list(range(start, stop))
        for number in range(first, end):
            other = next((each for each in left if new.tags[each] == old.tags[number]), None)
            if other is None:
                yield (Difference(old.paths[number], _shown(old.elements[number]), "", whole=True),)
            else:
                left.remove(other)
                yield _of(old.elements[number], new.elements[other], old.paths[number], old.types[number])
        for number in left:
            yield (Difference(new.paths[number], "", _shown(new.elements[number]), whole=True),)


def _said(element: _Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def _shown(element: _Element) -> str:
    """The element on one line, without namespaces."""
    attributes = "".join(f" {readable(str(name))}={value!r}" for name, value in element.items())
    name = readable(str(element.tag))
    inside = (element.text or "").strip() + "".join(_shown(child) for child in children(element))
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"
