"""What is different between two documents of one system, place by place: what a round trip did not bring back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import count, zip_longest
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.xml.names import readable
from mappings.shape import ROOT_TYPE, children, shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element

    from mappings.models import TranslatedPlace

__all__ = ["Difference", "declared", "find_differences"]

_MOST_PAIRS: Final = 10_000
"""Elements of one name that are compared each with each; of more the first belongs to the first."""


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
    old, new = _by_name(before), _by_name(after)
    slots = shapes().get(type_name, {})
    for tag in dict.fromkeys((*old, *new)):
        slot = slots.get(tag)
        for number, one, other in _pairs(old.get(tag, []), new.get(tag, [])):
            repeats = number > 1 or (slot is not None and slot.repeatable)
            here = f"{path}/{readable(tag)}[{number}]" if repeats else f"{path}/{readable(tag)}"
            if one is None or other is None:
                yield Difference(here, _shown(one), _shown(other), whole=True)
            else:
                yield from _of(one, other, here, slot.type if slot is not None else "")


def _by_name(element: _Element) -> dict[str, list[_Element]]:
    found: dict[str, list[_Element]] = {}
    for child in children(element):
        found.setdefault(str(child.tag), []).append(child)
    return found


def _pairs(old: list[_Element], new: list[_Element]) -> Iterator[tuple[int, _Element | None, _Element | None]]:
    """Elements of one name with their counterparts; the number is the position in the first document.

    No mapper changes their order, so as many on both sides belong together by position; otherwise those that say the
    same do.
    """
    if len(old) == len(new):
        yield from zip(count(1), old, new, strict=False)
        return
    matcher = SequenceMatcher(None, [*map(_said, old)], [*map(_said, new)], autojunk=False)
    for action, first, end, start, stop in matcher.get_opcodes():
        if action != "equal":
            for number, other in _alike(old[first:end], new[start:stop]):
                at = first + number
                yield at + 1, old[at] if number < end - first else None, other


def _alike(old: list[_Element], new: list[_Element]) -> list[tuple[int, _Element | None]]:
    """For each of the first its counterpart among the second, those that say most of the same; then what is left over.

    In their order, as both have it: the longest common subsequence, weighted by what two elements share.
    """
    if len(old) * len(new) > _MOST_PAIRS:
        return list(enumerate(other for _, other in zip_longest(old, new)))
    says, said = [_leaves(each) for each in old], [_leaves(each) for each in new]
    best = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for one in reversed(range(len(old))):
        for other in reversed(range(len(new))):
            shared = best[one + 1][other + 1] + 1 + (says[one] & said[other]).total()
            best[one][other] = max(shared, best[one + 1][other], best[one][other + 1])
    found: list[tuple[int, _Element | None]] = []
    left: list[tuple[int, _Element | None]] = []
    one = other = 0
    while one < len(old) or other < len(new):
        if other < len(new) and (one == len(old) or best[one][other] == best[one][other + 1]):
            left.append((len(old) + len(left), new[other]))
            other += 1
        elif other == len(new) or best[one][other] == best[one + 1][other]:
            found.append((one, None))
            one += 1
        else:
            found.append((one, new[other]))
            one, other = one + 1, other + 1
    return [*found, *left]


def _leaves(element: _Element) -> Counter[tuple[str, str]]:
    return Counter((str(each.tag), each.text or "") for each in element.iter() if not len(each))


def _said(element: _Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def _shown(element: _Element | None) -> str:
    """The element on one line, without namespaces; nothing for none."""
    if element is None:
        return ""
    attributes = "".join(f" {readable(str(name))}={value!r}" for name, value in element.items())
    name = readable(str(element.tag))
    inside = (element.text or "").strip() + "".join(_shown(child) for child in children(element))
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"
