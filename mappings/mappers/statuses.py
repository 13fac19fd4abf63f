"""TRACES shows a status with a name of its own; ePhyto has the number alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.xml.names import RAM21, qn
from mappings.shape import first

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

_STATUS = qn(RAM21, "StatusCode")


def to_traces(element: _Element, run: Pass, path: str) -> bool:
    """Add the name."""
    status = first(element, _STATUS)
    if status is not None and status.text:
        label, own = run.label("status", status.text), status.get("name")
        status.set("name", label)
        rule = "status-label" if own is None else "label-lost"
        run.report_form(rule, f"{path}/ram:StatusCode/@name", own or "", label)
    return True


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """Take the name away."""
    status = first(element, _STATUS)
    if status is not None and status.text:
        label, own = run.label("status", status.text), str(status.attrib.pop("name", ""))
        rule = "status-label" if own == label else "label-lost"
        run.report_form(rule, f"{path}/ram:StatusCode/@name", own, "")
    return True
