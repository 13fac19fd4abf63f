"""What the find operations of the TRACES services share: pages, ranges of moments, CN codes, rows by a table (base4).

The tables of the services name each field once, for both directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.errors import SchemaInvalid
from gateway.traces.models import MAX_PAGE, PAGE, CnFilter, DateTimeRange
from gateway.traces.wire_common import (
    BREACH,
    add,
    add_class,
    add_coded,
    add_flag,
    add_moment,
    add_text,
    class_of,
    coded_of,
    flag_of,
    instant,
    mandatory,
    moment_of,
    number_of,
    read_instant,
    text_of,
    texts_of,
)
from gateway.xml.names import BASE4, path_of, qn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from lxml.etree import _Element

__all__ = ["MAX_CRITERIA", "Row", "add_page", "page_of", "read_rows", "write_rows"]

Row = tuple[str, str, str]
"""Element, field, kind: text, texts, flag, moment, coded, class, range, cn; ``text!`` is written even when empty."""

_PAGE_SIZE: Final = "pageSize"
_OFFSET: Final = "offset"
MAX_CRITERIA: Final = 500
"""Elements of one search. The contract bounds no list of codes, and SQLite takes 1000 beginnings of one."""


def write_rows(parent: _Element, namespace: str, rows: Iterable[Row], value: object) -> None:
    """The fields of a value as children, in the order of the table; what is empty is left out."""
    for local, field, kind in rows:
        _KINDS[kind].write(parent, qn(namespace, local), getattr(value, field))


def read_rows(parent: _Element, namespace: str, rows: Iterable[Row]) -> dict[str, Any]:
    """The values of the fields, by field; SchemaInvalid IMG-3001 for what is not of its kind."""
    return {field: _KINDS[kind].read(parent, qn(namespace, local)) for local, field, kind in rows}


# --- pages -----------------------------------------------------------------------------------------------------------


def add_page(element: _Element, page_size: int, offset: int) -> None:
    """The two attributes, in requests and echoed in replies."""
    element.set(_PAGE_SIZE, str(page_size))
    element.set(_OFFSET, str(offset))


def page_of(element: _Element) -> tuple[int, int]:
    """Page size and offset of a search; 100 and 0 where they are not given.

    Raises:
        SchemaInvalid: IMG-3001 a page of none or of more than 200, a negative offset, or more criteria than a store
            takes in one question.
    """
    if len(element) > MAX_CRITERIA:
        raise SchemaInvalid(
            BREACH, where=path_of(element), found=f"{len(element)} criteria", expected=f"at most {MAX_CRITERIA}"
        )
    size = _attribute(element, _PAGE_SIZE, PAGE)
    offset = _attribute(element, _OFFSET, 0)
    for name, value, most in ((_PAGE_SIZE, size - 1, MAX_PAGE - 1), (_OFFSET, offset, None)):
        if value < 0 or (most is not None and value > most):
            raise SchemaInvalid(
                BREACH,
                where=f"{path_of(element)}/@{name}",
                found=element.get(name) or "",
                expected=f"1 to {MAX_PAGE}" if most is not None else "0 or more",
            )
    return size, offset


def _attribute(element: _Element, name: str, default: int) -> int:
    text = element.get(name)
    return default if text is None else number_of(text.strip(), element, f"@{name}")


# --- ranges, CN codes ------------------------------------------------------------------------------------------------


def _add_range(parent: _Element, name: str, found: DateTimeRange | None) -> None:
    if found is not None:
        element = add(parent, name)
        add(element, qn(BASE4, "From"), instant(found.start))
        add(element, qn(BASE4, "To"), instant(found.end))


def _range_of(parent: _Element, name: str) -> DateTimeRange | None:
    element = parent.find(name)
    if element is None:
        return None
    return DateTimeRange(_end(element, qn(BASE4, "From")), _end(element, qn(BASE4, "To")))


def _end(element: _Element, name: str) -> datetime:
    return read_instant(mandatory(element, name), element, name)


def _add_cn(parent: _Element, name: str, filters: Iterable[CnFilter]) -> None:
    for each in filters:
        add(parent, name, each.code, exactMatch="true" if each.exact else "")


def _cn_of(parent: _Element, name: str) -> tuple[CnFilter, ...]:
    return tuple(
        CnFilter((each.text or "").strip(), (each.get("exactMatch") or "").strip() in {"true", "1"})
        for each in parent.iterchildren(name)
    )


# --- the kinds of fields ---------------------------------------------------------------------------------------------


class _Kind(NamedTuple):
    write: Callable[[_Element, str, Any], object]
    read: Callable[[_Element, str], object]


def _add_texts(parent: _Element, name: str, texts: Iterable[str]) -> None:
    for text in texts:
        add(parent, name, text)


_KINDS: Final = {
    "text": _Kind(add_text, text_of),
    "text!": _Kind(add, text_of),
    "texts": _Kind(_add_texts, texts_of),
    "flag": _Kind(add_flag, flag_of),
    "moment": _Kind(add_moment, moment_of),
    "coded": _Kind(add_coded, lambda parent, name: coded_of(parent.find(name))),
    "class": _Kind(add_class, lambda parent, name: class_of(parent.find(name))),
    "range": _Kind(_add_range, _range_of),
    "cn": _Kind(_add_cn, _cn_of),
}
