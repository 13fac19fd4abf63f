"""``udt:DateTimeString`` in ePhyto, ``udt:DateTime`` in TRACES.

Only a full date-time with an offset is an instant, and only such a value becomes ``udt:DateTime``, its text unchanged.
A date alone, a time without offset or a text in a format of its own stays ``udt:DateTimeString``: UN/CEFACT allows
both, and nothing is invented. Both ways are exact.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.xml.names import UDT21, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

_TEXT, _INSTANT = qn(UDT21, "DateTimeString"), qn(UDT21, "DateTime")
_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
)


def to_traces(element: _Element, run: Pass, path: str) -> bool:
    """A text that is an instant becomes one."""
    for value in element:
        text = value.text or ""
        if value.tag == _INSTANT:
            run.report_form("date-time-form", path, text, text)
        elif not value.attrib and _is_instant(text):
            value.tag = _INSTANT
            run.report_form("date-time", path, text, text)
        elif text:
            run.report_form("partial-date", path, text, text)
    return True


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """Every instant becomes a text."""
    for value in element:
        text = value.text or ""
        if value.tag == _INSTANT:
            value.tag = _TEXT
            run.report_form("date-time" if _is_instant(text) else "date-time-form", path, text, text)
        elif not value.attrib and _is_instant(text):
            run.report_form("date-time-form", path, text, text)
    return True


def _is_instant(text: str) -> bool:
    if not _FORM.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:  # the form is right and the day is not: 30 February
        return False
    return True
