"""The answers of customs lookups on the wire: one rule for JSON and one for XML, so that both say the same.

A field ``as_of`` is ``asOf`` in JSON and ``AsOf`` in XML; what there may be several of is an array in JSON and repeated
elements with a name in the singular in XML. What is empty is left out, but for arrays in JSON.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from gateway.endpoints.rendering import instant, text

__all__ = ["ONE_OF", "as_json", "as_xml"]

ONE_OF: Final = {
    "allocations": "Allocation",
    "because": "Because",
    "certificates": "Certificate",
    "cheds": "Ched",
    "citations": "Citation",
    "customs_documents": "CustomsDocument",
    "descriptions": "Description",
    "lines": "Line",
    "versions": "Version",
}
"""The element of each field that may hold several."""


def as_json(value: Any) -> Any:
    """A value of an answer as ``json.dumps`` takes it; quantities stay texts."""
    if is_dataclass(value):
        shown = ((_camel(each.name), getattr(value, each.name)) for each in fields(value))
        return {name: as_json(inner) for name, inner in shown if inner is not None and inner != ""}
    if isinstance(value, tuple):
        return [as_json(each) for each in value]
    return instant(value) if isinstance(value, datetime) else value


def as_xml(name: str, value: Any, prefix: str) -> str:
    """A value of an answer as an element.

    Args:
        name: of the element, without prefix.
        value: of the answer.
        prefix: of the contract's namespace, with its colon.
    """
    return f"<{prefix}{name}>{_content(value, prefix)}</{prefix}{name}>"


def _content(value: Any, prefix: str) -> str:
    if is_dataclass(value):
        return "".join(_field(each.name, getattr(value, each.name), prefix) for each in fields(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return text(instant(value) if isinstance(value, datetime) else value)


def _field(name: str, value: Any, prefix: str) -> str:
    if isinstance(value, tuple):
        return "".join(as_xml(ONE_OF[name], each, prefix) for each in value)
    if value is None or value == "":
        return ""
    camel = _camel(name)
    return as_xml(camel[0].upper() + camel[1:], value, prefix)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
