"""The only place where bytes from outside become trees (ARCHITECTURE section 4).

Refused before anything looks at the tree: a DOCTYPE (and with it every entity), encodings other than UTF-8 and UTF-16,
documents beyond a limit of ``limits``, bodies that inflate too far. Nothing is ever fetched.

Speed comes from cheap upper bounds over the bytes (there are no more elements than ``<`` signs, no more attributes
than ``=`` signs, no longer names than runs of name characters): a document within them needs no further look. Only the
others are counted exactly, by a streaming ``Census``. Depth and attributes per element are one XPath each.
"""

from __future__ import annotations

import codecs
import re
import threading
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

from lxml import etree

from gateway.errors import XmlRefused
from gateway.xml.census import Census, refuse_beyond
from gateway.xml.limits import DEFAULT_LIMITS, LIBXML2_DEPTH, LIBXML2_TEXT, MAX_REFUSED_BYTES, Limits
from gateway.xml.names import PREFIXES, path_of

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "Encoding",
    "Parsed",
    "document_start",
    "inflate",
    "is_worn",
    "parse",
    "refuse_multi_references",
    "remember_refused",
]

Encoding = Literal["UTF-8", "UTF-16"]

_DECLARATION: Final = re.compile(
    rb"""<\?xml\s+version\s*=\s*["']1\.0["'](?:\s+encoding\s*=\s*["']([A-Za-z0-9._-]+)["'])?"""
    rb"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>"""
)
_MAX_DECLARATION: Final = 200
_NAME_RUN: Final = bytes(
    ord("x") if chr(byte).isalnum() or chr(byte) in "_-.:" or byte >= 0x80 else ord(" ")  # noqa: PLR2004 - not ASCII
    for byte in range(256)
)
_BEFORE_A_NAME: Final = (b"<", b"</", b"<?", b" ", b"\t", b"\n", b"\r", b"\f", b"\v")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document that passed the boundary."""

    root: _Element
    """The root; comments and processing instructions are kept."""
    raw: bytes
    """The bytes as they came, inflated."""
    encoding: Encoding


class _Parsers(threading.local):
    """One parser of each kind per thread: making one costs as much as parsing a small message."""

    def __init__(self) -> None:
        self.plain = self._make(huge=False)
        self.huge = self._make(huge=True)
        self.refused_bytes = 0

    @staticmethod
    def _make(*, huge: bool) -> etree.XMLParser:
        return etree.XMLParser(
            encoding="UTF-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=huge,
        )


_parsers = _Parsers()
_too_many_attributes: dict[int, etree.XPath] = {}
_too_deep: dict[int, etree.XPath] = {}
_HREF: Final = etree.XPath(
    "descendant-or-self::*/@href[starts-with(normalize-space(.), '#')][not(parent::xop:Include)]/..",
    namespaces=PREFIXES,
)


def parse(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Parsed:
    """Turn bytes from outside into a tree, or refuse them.

    Args:
        raw: the document, inflated, as received; kept in the result unchanged.
        limits: raised or lowered per call; beyond libxml2's own limits the exact count guards the parser.

    Raises:
        XmlRefused: IMG-1001 not well formed, 1002 DOCTYPE, 1003 to 1008 and 1013 limits, 1009 encoding.
    """
    if len(raw) > limits.max_bytes:
        refuse_beyond("IMG-1003", limits.max_bytes, "bytes")
    try:
        return _parse(raw, limits)
    except XmlRefused:
        remember_refused(len(raw))
        raise


def remember_refused(size: int) -> None:
    """Count the bytes of a document that this thread parsed and somebody refused (``MAX_REFUSED_BYTES`` says why)."""
    _parsers.refused_bytes += size


def is_worn() -> bool:
    """Whether the calling thread has parsed so much that was refused that it should be replaced by another."""
    return _parsers.refused_bytes > MAX_REFUSED_BYTES


def _parse(raw: bytes, limits: Limits) -> Parsed:
    encoding, text = _as_utf8(raw)
    _refuse_doctype(text)
    huge = (
        limits.max_depth > LIBXML2_DEPTH
        or limits.max_text_length > LIBXML2_TEXT
        or (len(text) > LIBXML2_TEXT and bool(limits.large_text))
    )
    if huge or _may_break_a_limit(text, limits):
        _count(text, limits)
    root = _feed(text, _parsers.huge if huge else _parsers.plain)
    docinfo = root.getroottree().docinfo
    if docinfo.internalDTD is not None or docinfo.externalDTD is not None:
        raise XmlRefused("IMG-1002")
    if _compiled(_too_deep, limits.max_depth, "boolean(" + "/*" * (limits.max_depth + 1) + ")")(root):
        refuse_beyond("IMG-1004", limits.max_depth, "levels of elements")
    most = limits.max_attributes_per_element
    crowded = text.count(b"=") > most and _compiled(
        _too_many_attributes, most, f"boolean(/descendant::*/@*[{most + 1}])"
    )(root)
    if crowded:
        refuse_beyond("IMG-1006", most, "attributes of one element")
    return Parsed(root, raw, encoding)


def inflate(raw: bytes, content_encoding: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Undo an HTTP Content-Encoding, never making more than the limits allow.

    Args:
        raw: the body as it came over the wire.
        content_encoding: the header's value; one of gzip, x-gzip, deflate (zlib form), identity, or empty.
        limits: ``max_bytes`` and ``max_inflated_ratio`` are used.

    Raises:
        XmlRefused: IMG-1010 it inflates too far, IMG-1011 the coding is unknown or the data corrupt.
    """
    coding = content_encoding.strip().lower()
    if coding in {"", "identity"}:
        return raw
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise XmlRefused("IMG-1011", where="Content-Encoding", found=content_encoding, expected="gzip or deflate")
    most = min(limits.max_bytes, len(raw) * limits.max_inflated_ratio)
    inflater = zlib.decompressobj(zlib.MAX_WBITS | (0 if coding == "deflate" else 16))
    try:
        inflated = inflater.decompress(raw, most + 1)
    except zlib.error as error:
        raise XmlRefused("IMG-1011", where="Content-Encoding") from error
    if len(inflated) > most:
        refuse_beyond("IMG-1010", most, "bytes after inflating")
    if not inflater.eof or inflater.unused_data:
        raise XmlRefused("IMG-1011", where="Content-Encoding", expected="one complete compressed stream")
    return inflated


def refuse_multi_references(body: _Element) -> None:
    """Refuse SOAP-encoding references (an unqualified ``href="#…"``) in a body: document/literal has none.

    A reader that follows them can be shown another tree than the one that was verified (STACK, spyne defect 3). XOP's
    own ``Include/@href`` is another thing and passes.

    Raises:
        XmlRefused: IMG-1012 with the path of the first reference.
    """
    found = cast("list[_Element]", _HREF(body))
    if found:
        raise XmlRefused("IMG-1012", where=path_of(found[0]))


def document_start(first: bytes, name: str) -> bytes:
    """The first bytes of a file that is read piece by piece, without a mark, when it may be read at all.

    Args:
        first: with the XML declaration and, as a rule, the whole prolog.
        name: of the file, for refusals.

    Raises:
        XmlRefused: IMG-1001 or IMG-1009 its declaration, IMG-1002 a DOCTYPE in what was given.
    """
    try:
        encoding, text = _as_utf8(first)
        _refuse_doctype(text)
    except XmlRefused as refused:
        where = ", ".join(filter(None, (name, refused.where)))
        raise XmlRefused(refused.code, where=where, found=refused.found, expected=refused.expected) from None
    if encoding != "UTF-8":
        raise XmlRefused("IMG-1009", where=name, found=encoding, expected="UTF-8")
    return text


def _as_utf8(raw: bytes) -> tuple[Encoding, bytes]:
    """The document in UTF-8 without a byte order mark, and the encoding it came in."""
    encoding: Encoding = "UTF-8"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "UTF-16"
        try:
            text = raw.decode("utf-16").encode("utf-8")
        except UnicodeError as error:
            raise XmlRefused("IMG-1009", found="bytes that are not UTF-16") from error
    else:
        text = raw.removeprefix(codecs.BOM_UTF8)
    if text.startswith(b"<?xml") and not text.startswith(b"<?xml-"):
        declaration = _DECLARATION.match(text, 0, _MAX_DECLARATION)
        if declaration is None:
            raise XmlRefused("IMG-1001", where="XML declaration", expected='<?xml version="1.0" encoding="UTF-8"?>')
        declared = (declaration[1] or encoding.encode()).decode("ascii")
        if declared.upper() != encoding:
            raise XmlRefused(
                "IMG-1009", where="XML declaration", found=declared, expected="UTF-8, or UTF-16 with a mark"
            )
    elif text[:2] in {b"<\0", b"\0<"} or text.startswith((b"\0\0", b"<\0\0\0", b"+ADw")):
        raise XmlRefused("IMG-1009", expected="UTF-8, or UTF-16 with a byte order mark")
    return encoding, text


def _refuse_doctype(text: bytes) -> None:
    """Look through the prolog, the only place where a DOCTYPE may stand; text that only mentions one passes."""
    at = 0
    while True:
        at = text.find(b"<", at)
        if at < 0:
            return
        if text.startswith(b"<?", at):
            end = text.find(b"?>", at + 2)
        elif text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4)
        elif text.startswith(b"<!", at):
            raise XmlRefused("IMG-1002")
        else:
            return
        if end < 0:
            return
        at = end + 2


def _may_break_a_limit(text: bytes, limits: Limits) -> bool:
    """Whether an upper bound of some count exceeds its limit."""
    return (
        text.count(b"<") > limits.max_elements
        or text.count(b"=") > limits.max_attributes
        or text.count(b"xmlns") > limits.max_namespaces_in_scope
        or len(text) > min(limits.max_text_length, limits.max_large_text if limits.large_text else len(text))
        or _may_hold_a_long_name(text, limits.max_name_length)
    )


def _may_hold_a_long_name(text: bytes, most: int) -> bool:
    """Whether a run of name characters longer than ``most`` stands where a name can, that is after ``<`` or a space.

    Most documents have no such run anywhere. Base64 can have one by chance, and is then told from a name by its place.
    """
    runs, too_long = text.translate(_NAME_RUN), b"x" * (most + 1)
    at = runs.find(too_long)
    while at >= 0:
        if text[max(0, at - 2) : at].endswith(_BEFORE_A_NAME):
            return True
        end = runs.find(b" ", at)
        at = runs.find(too_long, end) if end >= 0 else -1
    return False


def _count(text: bytes, limits: Limits) -> None:
    """Count exactly, without a tree; the stubs do not know that lxml hands namespace declarations to ``start``."""
    target = cast("etree.ParserTarget", Census(limits))
    _feed(text, etree.XMLParser(encoding="UTF-8", resolve_entities=False, huge_tree=True, target=target))


def _feed(text: bytes, parser: etree.XMLParser) -> _Element:
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise XmlRefused("IMG-1001", where=f"line {line}, column {column}") from None


def _compiled(cache: dict[int, etree.XPath], limit: int, expression: str) -> etree.XPath:
    """An XPath that depends on a limit, compiled once (limits are few and come from configuration)."""
    try:
        return cache[limit]
    except KeyError:
        return cache.setdefault(limit, etree.XPath(expression, regexp=False))
