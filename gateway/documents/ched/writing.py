"""Writing a CHED: the boxes into the tree that they came from.

A CHED as somebody sent it says more than its boxes: labels in his language, elements that we do not read, forms of his
own. So an unchanged CHED is written as the tree that was read, and a changed one element by element: an element that
still says what its box says is kept as it was sent, one that says something else is written anew, and one that says
nothing to us stays. Only then does a decision leave Part I alone, to the last label (R-40-3).
"""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from gateway.documents.ched.building_document import build_ched
from gateway.documents.ched.collecting import Reading
from gateway.documents.ched.document import EMPTY_CHED
from gateway.documents.ched.lines import LINE_TAGS
from gateway.documents.ched.places import RAM
from gateway.documents.ched.reading import IN_ITEM, PARTS, read_ched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from gateway.documents.ched.document import Ched
    from gateway.documents.ched.reading import Handlers

    _Unit = tuple[_Element, Ched | None]
    """An element and what it says by itself."""

__all__ = ["write_ched"]

_ITEM: Final = f"{RAM}IncludedSPSConsignmentItem"
_LINE: Final = f"{RAM}IncludedSPSTradeLineItem"
_NUMBER: Final = f"{RAM}SequenceNumeric"


def write_ched(ched: Ched) -> _Element:
    """A tree of a CHED, always a new one.

    Args:
        ched: its ``source`` is not changed; a seal over it is left out as soon as a box differs from it.

    Returns:
        SPSCertificate in UN/CEFACT order with the root that the source has, and that reads as ``ched`` again.
    """
    source = ched.source
    if source is None:
        return build_ched(ched)
    before = read_ched(source)
    if before == ched:
        return deepcopy(source)
    same_lines = (before.totals, before.lines) == (ched.totals, ched.lines)
    root = _like(source)
    for part in build_ched(replace(ched, totals=None, lines=()) if same_lines else ched):
        base = next(source.iterchildren(part.tag), None)
        root.append(part if base is None else _merged(base, part, PARTS[part.tag], same_lines=same_lines))
    return root


def _like(element: _Element) -> _Element:
    """An element of the same name with the same attributes and prefixes, and nothing in it."""
    names: dict[Any, str] = dict(element.nsmap)
    return etree.Element(element.tag, {str(name): str(value) for name, value in element.items()}, nsmap=names)


def _merged(base: _Element, fresh: _Element, handlers: Handlers, *, same_lines: bool = False) -> _Element:
    """The children of ``fresh``, each as ``base`` has it where both say the same, and what only ``base`` can say.

    With ``same_lines`` the items of ``base`` are kept unseen: most writers change no line, and most of it is lines.
    """
    order = {tag: position for position, tag in enumerate(handlers)}
    singly = {tag: handler for tag, handler in handlers.items() if tag != _ITEM}
    reading = Reading()
    if handlers is not IN_ITEM:  # where nothing can be there once only
        reading.read(base, singly)
    repeated = set(reading.repeated)
    groups: dict[int, list[_Unit]] = {}
    last = -1
    for child in base:
        last = order.get(child.tag, last)
        groups.setdefault(last, []).append((child, None if child in repeated else _value(child, singly)))
    written: dict[int, list[_Unit]] = {}
    for child in fresh:
        written.setdefault(order[child.tag], []).append((child, _value(child, singly)))
    merged = _like(base)
    for position in sorted({*groups, *written}):
        ours, theirs = written.get(position, []), groups.get(position, [])
        if position != order.get(_ITEM):
            merged.extend(_group(theirs, ours))
        elif same_lines:
            merged.extend(deepcopy(child) for child, _ in theirs)
        else:
            merged.extend(_items(theirs, [child for child, _ in ours]))
    for child in merged:
        child.tail = None
    return merged


def _items(base: Sequence[_Unit], fresh: list[_Element]) -> list[_Element]:
    """The consignment items become one, line by line; what stands between or behind them stays behind it."""
    before = [child for child, _ in base if child.tag == _ITEM]
    rest = [deepcopy(child) for child, _ in base if child.tag != _ITEM]
    return [*([_merged(_pooled(before), fresh[0], IN_ITEM)] if before and fresh else fresh), *rest]


def _value(element: _Element, handlers: Handlers) -> Ched | None:
    """What one element says by itself; None when it says nothing to us."""
    if element.tag not in handlers:
        return None
    reading = Reading()
    reading.read((element,), handlers)
    value = reading.finish(None)
    return None if value == EMPTY_CHED else value


def _group(base: Sequence[_Unit], fresh: Sequence[_Unit]) -> list[_Element]:
    """Elements of one name: those of ``fresh`` in their order, and what says nothing to us where it stood.

    Senders leave elements empty that others fill, such as the ID of a CHED: the first value takes their place.

    Linear in both: the place of a value among the new ones is looked up, never searched.
    """
    wanted = [(child, value) for child, value in fresh if value is not None]
    places: dict[Ched, deque[int]] = {}
    for place, (_, says) in enumerate(wanted):
        places.setdefault(says, deque()).append(place)
    done = 0
    out: list[_Element] = []
    dropped: dict[str, list[_Element]] = {}
    filled = {child.tag for child, _ in wanted} - {child.tag for child, value in base if value is not None}
    for child, value in base:
        if value is None:
            if child.tag not in filled or not _is_blank(child):
                out.append(deepcopy(child))
            continue
        left = places.get(value, deque())
        while left and left[0] < done:
            left.popleft()
        if not left:
            dropped.setdefault(_number(child), []).append(child)
            continue
        out.extend(_renewed(new, dropped) for new, _ in wanted[done : left[0]])
        out.append(deepcopy(child))
        done = left[0] + 1
    out.extend(_renewed(new, dropped) for new, _ in wanted[done:])
    return out


def _is_blank(element: _Element) -> bool:
    """Whether it holds neither text nor, in what stands in it, an attribute."""
    return not any(text.strip() for text in element.itertext()) and not any(
        each.attrib for each in element.iterdescendants()
    )


def _number(element: _Element) -> str:
    return (element.findtext(_NUMBER) or "").strip()


def _renewed(fresh: _Element, dropped: dict[str, list[_Element]]) -> _Element:
    """A line that changed keeps what its predecessor says beyond the boxes; anything else is as written."""
    before = dropped.pop(_number(fresh), None) if fresh.tag == _LINE else None
    return fresh if before is None else _with_unread(fresh, before[0])


def _pooled(items: Sequence[_Element]) -> _Element:
    """One item with the lines of all."""
    if len(items) == 1:
        return items[0]
    pool = deepcopy(items[0])
    for item in items[1:]:
        pool.extend(deepcopy(line) for line in item.iterchildren(_LINE))
    return pool


def _with_unread(line: _Element, before: _Element) -> _Element:
    """Puts what is not read of a line behind the sibling that it followed."""
    ends = {child.tag: child for child in line}
    last: _Element | None = None
    for child in before.iterchildren("*"):
        if child.tag in LINE_TAGS:
            last = ends.get(child.tag, last)
            continue
        unread = deepcopy(child)
        unread.tail = None
        if last is None:
            line.insert(0, unread)
        else:
            last.addnext(unread)
        last = unread
    return line
