"""MTOM: files beside the envelope instead of base64 in it (SOAP MTOM 1.0, XOP 1.0, MIME Multipart/Related RFC 2387).

A package of a stranger is taken apart within limits, never by a general MIME parser: parts are few, flat and binary,
each is included once, in the Body, and becomes the base64 text that stands for it in the message (XOP 3.2), so that
readers, schemas and signatures see one and the same tree whichever way a file came. Nothing is fetched: an include
names a part of its own package or is refused.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from gateway.errors import SoapRefused, XmlRefused
from gateway.xml.names import XOP, path_of, qn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from gateway.soap.models import Part, SoapVersion
    from gateway.xml.limits import Limits

__all__ = ["MULTIPART", "XOP_TYPE", "Package", "inline", "pack", "resolve", "unpack"]

MULTIPART: Final = "multipart/related"
XOP_TYPE: Final = "application/xop+xml"

MAX_PARTS: Final = 20
"""Of one package, the envelope among them; the contracts carry one file in a call."""
MAX_PART_HEADERS: Final = 4_096
"""Bytes of the headers of one part; toolkits write about 200."""

_INCLUDE: Final = qn(XOP, "Include")
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
_HEADER: Final = re.compile(r"([A-Za-z0-9-]{1,64}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)", re.ASCII)
_CONTENT_ID: Final = re.compile(r"<([^<>\s]{1,256})>", re.ASCII)
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9._@-]{1,256}", re.ASCII)
_AS_THEY_ARE: Final = frozenset({"", "binary", "8bit", "7bit"})


@dataclass(frozen=True, slots=True)
class Package:
    """A multipart message taken apart."""

    root: bytes
    """The envelope."""
    files: Mapping[str, bytes]
    """The other parts by Content-ID, without its angle brackets."""


@dataclass(frozen=True, slots=True)
class _MimePart:
    content_id: str | None
    content_type: str
    content: bytes


def unpack(body: bytes, *, boundary: str, start: str | None) -> Package:
    """Take a multipart/related body apart.

    Args:
        body: within the limit of bytes already.
        boundary: the parameter of the Content-Type.
        start: the parameter that names the root part, or None for the first.

    Raises:
        SoapRefused: IMG-1118 it is none, IMG-1119 it has too many parts or too long headers.
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise _unreadable("Content-Type", f"boundary {boundary!r}", "1 to 70 characters of RFC 2046")
    parts = [_part(raw, number) for number, raw in enumerate(_split(body, boundary.encode()), start=1)]
    root = _root(parts, start)
    if root.content_type.partition(";")[0].strip().lower() != XOP_TYPE:
        raise _unreadable("root part", root.content_type or "no Content-Type", XOP_TYPE)
    files: dict[str, bytes] = {}
    for part in parts:
        if part is root:
            continue
        if part.content_id is None or part.content_id in files or part.content_id == root.content_id:
            raise _unreadable("Content-ID", str(part.content_id), "one for each part, each once")
        files[part.content_id] = part.content
    return Package(root.content, files)


def resolve(envelope: _Element, body: _Element, files: Mapping[str, bytes], limits: Limits) -> None:
    """Put the base64 of each file where its xop:Include stands, in place.

    Args:
        envelope: the root of the tree.
        body: the element in the soap:Body: nothing outside it is included.
        files: as ``unpack`` gives them; each is included exactly once.
        limits: of texts; a file counts as the base64 text that it becomes.

    Raises:
        SoapRefused: IMG-1118 an include that is misplaced, malformed, or names no file, or a file without one.
        XmlRefused: IMG-1008 the text would be too long for its place.
    """
    waiting = dict(files)
    for include in list(envelope.iter(_INCLUDE)):
        parent = include.getparent()
        where = path_of(include)
        inside = parent is not None and any(each is body for each in (parent, *parent.iterancestors()))
        if parent is None or not inside:
            raise _unreadable(where, "an xop:Include outside the Body's element", "inside it")
        texts = (parent.text, include.tail, include.text)
        if len(parent) != 1 or len(include) or any(text and not text.isspace() for text in texts):
            raise _unreadable(where, "other content beside or in xop:Include", "the only content of its element")
        href = include.get("href", "")
        name = unquote(href.removeprefix("cid:"))
        if not href.startswith("cid:") or len(include.attrib) != 1 or name not in waiting:
            raise _unreadable(where, href, "href with cid: and the Content-ID of a part that nothing else includes")
        content = waiting.pop(name)
        most = limits.max_large_text if str(parent.tag) in limits.large_text else limits.max_text_length
        if 4 * ((len(content) + 2) // 3) > most:
            raise XmlRefused("IMG-1008", where=path_of(parent), expected=f"at most {most:,} characters of base64")
        parent.remove(include)
        parent.text = base64.b64encode(content).decode()
    if waiting:
        raise _unreadable("multipart", f"a part that nothing includes: {next(iter(waiting))}", "an xop:Include")


def inline(body: bytes, parts: Sequence[Part]) -> bytes:
    """A reply's body for a client that takes no MTOM: each file as base64 in its place.

    Raises:
        ValueError: the body does not include each part exactly once.
    """
    for part in parts:
        _require_included(body, part)
        body = body.replace(part.include, base64.b64encode(part.content))
    return body


def pack(envelope: bytes, version: SoapVersion, parts: Sequence[Part], *, token: str) -> tuple[str, bytes]:
    """A package of an envelope and files.

    Args:
        envelope: with the ``include`` of each part in it.
        version: of the envelope.
        parts: the files.
        token: fresh random letters and digits, of which boundary and root identifier are made.

    Returns:
        Content-Type and body.

    Raises:
        ValueError: a part is not included exactly once, has a malformed identifier, or holds the boundary.
    """
    boundary, root = f"imsoc-{token}", f"root-{token}@imsoc"
    if len({part.content_id for part in parts}) < len(parts):
        raise ValueError("a part stands more than once in a package")
    head = f'Content-Type: {XOP_TYPE}; charset=UTF-8; type="{version.media_type}"\r\n'
    chunks = [_delimited(boundary, head, root), envelope]
    for part in parts:
        _require_included(envelope, part)
        if not _PLAIN_ID.fullmatch(part.content_id) or not _HEADER.fullmatch(f"Content-Type: {part.content_type}"):
            raise ValueError("a Content-ID or Content-Type that cannot be written")
        chunks += [b"\r\n", _delimited(boundary, f"Content-Type: {part.content_type}\r\n", part.content_id)]
        chunks.append(part.content)
    if any(boundary.encode() in chunk for chunk in chunks if not chunk.startswith(b"--" + boundary.encode())):
        raise ValueError("the boundary occurs in a part")
    chunks.append(f"\r\n--{boundary}--\r\n".encode())
    content_type = (
        f'{MULTIPART}; boundary="{boundary}"; type="{XOP_TYPE}"; start="<{root}>"; start-info="{version.media_type}"'
    )
    return content_type, b"".join(chunks)


def _delimited(boundary: str, head: str, content_id: str) -> bytes:
    return f"--{boundary}\r\n{head}Content-Transfer-Encoding: binary\r\nContent-ID: <{content_id}>\r\n\r\n".encode()


def _require_included(body: bytes, part: Part) -> None:
    if body.count(part.include) != 1:
        raise ValueError("a part is not included exactly once")


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """The parts with their headers.

    A delimiter is a line of its own (RFC 2046 5.1.1); what precedes the first and follows the last must be empty.
    """
    delimiter = b"\r\n--" + boundary
    whole = b"\r\n" + body
    at = whole.find(delimiter)
    if at < 0 or whole[:at].strip():
        raise _unreadable("multipart", "no delimiter at its start", "the boundary of the Content-Type")
    parts: list[bytes] = []
    while True:
        at += len(delimiter)
        if whole.startswith(b"--", at):
            if whole[at + 2 :].strip():
                raise _unreadable("multipart", "content after the last part", "nothing")
            return parts
        line = whole.find(b"\r\n", at, at + 100)
        if line < 0 or whole[at:line].strip(b" \t"):
            raise _unreadable("multipart", "a delimiter that is no line of its own", "CRLF after the boundary")
        following = whole.find(delimiter, line)
        if following < 0:
            raise _unreadable("multipart", "no closing delimiter", "the whole message")
        parts.append(whole[line + 2 : following])
        if len(parts) > MAX_PARTS:
            raise SoapRefused("IMG-1119", where="multipart", expected=f"at most {MAX_PARTS} parts")
        at = following


def _part(raw: bytes, number: int) -> _MimePart:
    where = f"part {number}"
    if raw.startswith(b"\r\n"):
        end, head = 2, b""
    else:
        end = raw.find(b"\r\n\r\n", 0, MAX_PART_HEADERS)
        if end < 0 and len(raw) < MAX_PART_HEADERS:
            raise _unreadable(where, "no empty line after the headers", "headers and content")
        if end < 0:
            raise SoapRefused("IMG-1119", where=where, expected=f"headers of at most {MAX_PART_HEADERS} bytes")
        head, end = raw[:end], end + 4
    headers: dict[str, str] = {}
    for line in re.sub(rb"\r\n[ \t]+", b" ", head).decode("latin-1").split("\r\n") if head else ():
        matched = _HEADER.fullmatch(line)
        if matched is None or matched[1].lower() in headers:
            raise _unreadable(where, line, "headers, each once")
        headers[matched[1].lower()] = matched[2].strip()
    encoding = headers.get("content-transfer-encoding", "").lower()
    content_type = headers.get("content-type", "")
    if encoding not in _AS_THEY_ARE:
        raise _unreadable(where, f"Content-Transfer-Encoding {encoding}", "binary")
    if content_type.lower().startswith(("multipart/", "message/")):
        raise _unreadable(where, content_type, "no parts in parts")
    return _MimePart(_identifier(headers, where), content_type, raw[end:])


def _identifier(headers: Mapping[str, str], where: str) -> str | None:
    value = headers.get("content-id")
    if value is None:
        return None
    matched = _CONTENT_ID.fullmatch(value)
    if matched is None:
        raise _unreadable(where, f"Content-ID {value}", "<identifier>")
    return matched[1]


def _root(parts: Sequence[_MimePart], start: str | None) -> _MimePart:
    if not parts:
        raise _unreadable("multipart", "no parts", "the envelope")
    if start is None:
        return parts[0]
    named = [part for part in parts if part.content_id == start.removeprefix("<").removesuffix(">")]
    if len(named) != 1:
        raise _unreadable("Content-Type", f"start {start}", "the Content-ID of one part")
    return named[0]


def _unreadable(where: str, found: str, expected: str) -> SoapRefused:
    return SoapRefused("IMG-1118", where=where, found=found, expected=expected)
