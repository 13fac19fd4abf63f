"""The elements that every TRACES message is made of: written and read in one way for all ``wire_*`` modules.

What is written here can stand anywhere: it declares its own prefixes. Reading leans on the schema of the message, but
does not trust it: a client's replies come from another's server.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.documents.ched.models import ChedClass, Coded
from gateway.errors import SchemaInvalid
from gateway.xml.canonical import serialise
from gateway.xml.names import PREFIXES, RAM21, path_of, qn, readable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

__all__ = [
    "add",
    "add_class",
    "add_coded",
    "add_file",
    "add_flag",
    "add_moment",
    "add_text",
    "bare",
    "class_of",
    "coded_of",
    "file_of",
    "finish",
    "flag_of",
    "instant",
    "mandatory",
    "moment_of",
    "number_of",
    "read_instant",
    "required",
    "spliced",
    "start",
    "text_of",
    "texts_of",
    "whole_text",
]

BREACH: Final = "IMG-3001"
_PREFIX_OF: Final = {namespace: prefix for prefix, namespace in PREFIXES.items()}
_INVALID: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION: Final = re.compile(rb"\s*<\?xml\s[^>]*\?>\s*")
_INSTANT: Final = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
_FRACTION: Final = re.compile(r"(\.\d{1,6})\d*")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_STRING: Final = etree.XPath("string()")
_BASE64_BLANKS: Final = str.maketrans("", "", " \t\r\n")


# --- writing ---------------------------------------------------------------------------------------------------------


def start(name: str, /, *namespaces: str, **attributes: str) -> _Element:
    """A new root element with the usual prefixes for its own namespaces and the others named."""
    qualified = (each[1:].partition("}")[0] for each in (name, *attributes) if each.startswith("{"))
    root = etree.Element(name, nsmap={_PREFIX_OF[each]: each for each in (*qualified, *namespaces)})
    return _dressed(root, "", attributes)


def add(parent: _Element, name: str, text: str = "", /, **attributes: str) -> _Element:
    """A new last child; attributes without a value are left out, characters that XML lacks become U+FFFD."""
    return _dressed(etree.SubElement(parent, name), text, attributes)


def add_text(parent: _Element, name: str, text: str) -> None:
    """A child with a text, unless there is none."""
    if text:
        add(parent, name, text)


def add_flag(parent: _Element, name: str, flag: bool | None) -> None:  # noqa: FBT001 - the value that is written
    """A boolean child, unless it is not asked for."""
    if flag is not None:
        add(parent, name, "true" if flag else "false")


def add_moment(parent: _Element, name: str, at: datetime | None) -> None:
    """A moment in UTC with milliseconds, as find results have it, unless there is none."""
    if at is not None:
        add(parent, name, instant(at))


def add_coded(parent: _Element, name: str, coded: Coded | None, *, label: str = "name") -> None:
    """A code with its label as an attribute, unless there is none."""
    if coded:
        add(parent, name, coded.code, **{"listID": coded.list_id, label: coded.label})


def add_class(parent: _Element, name: str, found: ChedClass | None) -> None:
    """An element of type SPSClassification with its four children in ram21, unless there is none."""
    if found is None:
        return
    element = add(parent, name)
    add(element, qn(RAM21, "SystemID"), found.system)
    add(element, qn(RAM21, "SystemName"), found.system_name)
    if found.code:
        add(element, qn(RAM21, "ClassCode"), found.code)
    for language, text in found.names:
        add(element, qn(RAM21, "ClassName"), text, languageID=language)


def add_file(parent: _Element, name: str, content: bytes, /, **attributes: str) -> _Element:
    """A child with a file as base64."""
    element = add(parent, name, **attributes)
    element.text = base64.b64encode(content).decode("ascii")
    return element


def finish(element: _Element) -> bytes:
    """The bytes of a finished element, without declaration."""
    return serialise(element)


def spliced(name: str, *parts: bytes, attributes: Mapping[str, str] | None = None) -> bytes:
    """An element around serialised children that stay byte by byte what they are, so that seals in them hold."""
    written = finish(start(name, **(attributes or {})))  # <p:Name .../>
    opened = written[: -len(b"/>")] + b">"
    tag = written[1:].split(b" ", 1)[0]
    return b"".join((opened, *(bare(part) for part in parts), b"</", tag, b">"))


def bare(document: bytes) -> bytes:
    """A serialised document without byte order mark and XML declaration."""
    document = document.removeprefix(codecs.BOM_UTF8)
    declaration = _DECLARATION.match(document)
    return document if declaration is None else document[declaration.end() :]


def instant(at: datetime) -> str:
    """An aware moment as xs:dateTime in UTC with milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _dressed(element: _Element, text: str, attributes: Mapping[str, str]) -> _Element:
    if text:
        element.text = _INVALID.sub("�", text)
    for key, value in attributes.items():
        if value:
            element.set(key, _INVALID.sub("�", value))
    return element


# --- reading ---------------------------------------------------------------------------------------------------------


def required(parent: _Element, name: str) -> _Element:
    """A child that must be there.

    Raises:
        SchemaInvalid: IMG-3001 it is not.
    """
    child = parent.find(name)
    if child is None:
        raise SchemaInvalid(BREACH, where=path_of(parent), found="nothing", expected=readable(name))
    return child


def text_of(parent: _Element, name: str) -> str:
    """The trimmed text of a child; empty when it is missing."""
    child = parent.find(name)
    return "" if child is None else _text(child)


def mandatory(parent: _Element, name: str) -> str:
    """The trimmed text of a child that must be there; SchemaInvalid as for ``required``."""
    return _text(required(parent, name))


def texts_of(parent: _Element, name: str) -> tuple[str, ...]:
    """The trimmed texts of every child of that name, those without text left out."""
    return tuple(text for text in map(_text, parent.iterchildren(name)) if text)


def flag_of(parent: _Element, name: str) -> bool | None:
    """A boolean child; None when it is missing."""
    text = text_of(parent, name)
    return None if not text else text in {"true", "1"}


def number_of(text: str, parent: _Element, name: str) -> int:
    """A whole number of at most nine digits; SchemaInvalid IMG-3001 when it is none."""
    if not _NUMBER.fullmatch(text):
        raise _unfit(parent, name, text, "a whole number")
    return int(text)


def moment_of(parent: _Element, name: str) -> datetime | None:
    """A child of type xs:dateTime; None when it is missing, SchemaInvalid IMG-3001 when it is no moment."""
    text = text_of(parent, name)
    return read_instant(text, parent, name) if text else None


def read_instant(text: str, parent: _Element, name: str) -> datetime:
    """xs:dateTime as an aware moment in UTC; one without an offset is UTC. Errors as for ``moment_of``."""
    if _INSTANT.fullmatch(text.strip()):
        try:
            value = datetime.fromisoformat(_FRACTION.sub(lambda found: found[1].ljust(7, "0"), text.strip()))
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _unfit(parent, name, text, "a date and time")


def coded_of(element: _Element | None, *, label: str = "name") -> Coded | None:
    """An element that holds a code, its label in an attribute; None when it is missing or empty."""
    code = "" if element is None else _text(element)
    if element is None or not code:
        return None
    return Coded(code, element.get(label) or "", element.get("languageID") or "", element.get("listID") or "")


def class_of(element: _Element | None) -> ChedClass | None:
    """An element of type SPSClassification; None when it is missing."""
    if element is None:
        return None
    return ChedClass(
        system=text_of(element, qn(RAM21, "SystemID")),
        code=text_of(element, qn(RAM21, "ClassCode")),
        names=tuple(
            (name.get("languageID") or "", text)
            for name in element.iterchildren(qn(RAM21, "ClassName"))
            if (text := _text(name))
        ),
        system_name=text_of(element, qn(RAM21, "SystemName")),
    )


def file_of(element: _Element) -> bytes:
    """The file that an element holds as base64; SchemaInvalid IMG-3001 when it is none."""
    text = whole_text(element).translate(_BASE64_BLANKS)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SchemaInvalid(BREACH, where=path_of(element), found="other characters", expected="base64") from None


def whole_text(element: _Element) -> str:
    """The whole text of an element, what stands behind a comment in it too: a schema judges no other."""
    return str(_STRING(element)) if len(element) else element.text or ""


def _text(element: _Element) -> str:
    return whole_text(element).strip()


def _unfit(parent: _Element, name: str, found: str, expected: str) -> SchemaInvalid:
    return SchemaInvalid(BREACH, where=f"{path_of(parent)}/{readable(name)}", found=found, expected=expected)
