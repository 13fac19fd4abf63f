"""Compares two messages as a client would: names, order, attributes and texts, without ids, times and prefixes.

``differences(ours, theirs)`` is empty for messages of the same shape. ``texts=False`` leaves element texts out.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from gateway.xml.boundary import parse

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
REFERENCE = re.compile(r"CHED(A|D|P|PP)\.[A-Z]{2}\.\d{4}\.\d{7}|\{\{\w+\}\}")


def differences(ours, theirs, *, texts=True) -> list[str]:
    """Where two messages (bytes or elements) differ, by the path in the second; nothing when they have one shape."""
    return list(_compare(_root(ours), _root(theirs), "", texts))


def _root(message):
    return parse(message).root if isinstance(message, bytes) else message


def _compare(ours, theirs, path, texts):
    here = f"{path}/{theirs.tag.rpartition('}')[2]}"
    if ours.tag != theirs.tag:
        yield f"{here}: {ours.tag} instead of {theirs.tag}"
        return
    if _attributes(ours) != _attributes(theirs):
        yield f"{here}: attributes {_attributes(ours)} instead of {_attributes(theirs)}"
    if texts and _text(ours) != _text(theirs):
        yield f"{here}: {_text(ours)!r} instead of {_text(theirs)!r}"
    for left, right in zip_longest(_elements(ours), _elements(theirs)):
        if left is None or right is None:
            extra, word = (right, "missing") if left is None else (left, "extra")
            yield f"{here}: {word} {extra.tag}"
            return
        yield from _compare(left, right, here, texts)


def _elements(element):
    return [child for child in element if isinstance(child.tag, str)]


def _attributes(element):
    return {name: _same(value) for name, value in element.attrib.items()}


def _text(element):
    text = " ".join((element.text or "").split())
    prefix, colon, local = text.partition(":")
    if colon and prefix in element.nsmap and local.isidentifier():
        return f"{{{element.nsmap[prefix]}}}{local}"
    return _same(text)


def _same(text):
    for pattern, word in ((UUID, "<uuid>"), (TIME, "<time>"), (REFERENCE, "<reference>")):
        text = pattern.sub(word, text)
    return text
