"""The document in an envelope: text or Base64 of it (DIGEST 2.3, 2.6).

Whatever an XML declaration in the text names, the text came as part of a message and is UTF-8 here, so the declaration
is left aside. Base64 holds bytes: UTF-8, or UTF-16 with a byte order mark.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.errors import HubRefused, XmlRefused
from gateway.ippc.elements import ATTACHMENT, MAX_CONTENT, is_utf8
from gateway.xml.boundary import parse
from gateway.xml.limits import DEFAULT_LIMITS, Limits
from gateway.xml.names import ACK17, SPS17, qn, readable

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "ACKNOWLEDGEMENT",
    "CERTIFICATE",
    "DOCUMENT_LIMITS",
    "Content",
    "ContentForm",
    "decode_content",
    "document_limits",
]

CERTIFICATE: Final = qn(SPS17, "SPSCertificate")
ACKNOWLEDGEMENT: Final = qn(ACK17, "SPSAcknowledgement")

DOCUMENT_LIMITS: Final = Limits(max_bytes=MAX_CONTENT, large_text=frozenset({ATTACHMENT}), max_large_text=MAX_CONTENT)
"""Of a document in an envelope: it may be as large as a Content, and one file may be nearly all of it."""

_SPACE: Final = b" \t\r\n"
_AROUND: Final = _SPACE + codecs.BOM_UTF8
"""Bytes that may stand around a document; none of them begins or ends one."""
_DECLARATION: Final = re.compile(rb"<\?xml(?:\s[^>]{0,200})?\?>")
_START: Final = 64
"""Bytes that are looked at to tell markup from Base64."""


class ContentForm(StrEnum):
    """How the sender wrote it. Escaped text and CDATA are the same once they are parsed."""

    XML_TEXT = "xml"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True)
class Content:
    """A document that could be read."""

    root: _Element
    document: bytes
    """The document in UTF-8, without declaration, otherwise as the sender wrote it."""
    form: ContentForm


def decode_content(text: bytes | None, *, limits: Limits = DEFAULT_LIMITS) -> Content:
    """Read what stands in an envelope.

    Args:
        text: of Content, as it was parsed, in UTF-8; None where an envelope has none.
        limits: as the operator chose them; ``document_limits`` says what holds of the document inside.

    Raises:
        HubRefused: IMG-7110 there is nothing, it is neither XML nor Base64 of XML, breaks a limit of the XML boundary,
            or is another document than a certificate or an acknowledgement.
    """
    start = (text or b"")[:_START].strip(_AROUND)
    if text is None or not (start or text.strip(_AROUND)):
        raise _unreadable("nothing")
    form = ContentForm.XML_TEXT if start.startswith(b"<") or b"<" in text else ContentForm.BASE64
    document = _bare(text if form is ContentForm.XML_TEXT else _from_base64(text))
    try:
        root = parse(document, limits=document_limits(limits)).root
    except XmlRefused as error:
        raise HubRefused(
            "IMG-7110",
            where=" ".join(filter(None, ("hubent:Content", error.where))),
            found=f"{error.code} {error.message}",
            expected=error.expected or "one well-formed XML document",
        ) from error
    if root.tag not in {CERTIFICATE, ACKNOWLEDGEMENT}:
        raise _unreadable(readable(str(root.tag)))
    return Content(root, document, form)


def document_limits(own: Limits) -> Limits:
    """Of a document that came in an envelope, or leaves in one. What the operator chose otherwise, holds."""
    values = {
        name: getattr(DOCUMENT_LIMITS, name)
        for name in ("max_bytes", "max_large_text")
        if getattr(own, name) == getattr(DEFAULT_LIMITS, name)
    }
    return replace(own, large_text=DOCUMENT_LIMITS.large_text, **values)


def _from_base64(text: bytes) -> bytes:
    """The document that the text is Base64 of; white space in it is as MIME and pretty printers leave it."""
    try:
        raw = base64.b64decode(text.strip(_AROUND).translate(None, _SPACE), validate=True)
    except binascii.Error:
        raise _unreadable("text that is neither XML nor Base64") from None
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            raw = raw.decode("utf-16").encode()
        except UnicodeError:
            raise _unreadable("Base64 of bytes that are not UTF-16") from None
    elif not is_utf8(raw):
        raise _unreadable("text that is neither XML nor Base64 of it (read as Base64, its bytes are not UTF-8)")
    if b"<" not in raw[:_START]:
        raise _unreadable("Base64 of something else than XML")
    return raw


def _bare(text: bytes) -> bytes:
    """Without what may stand around a document, and without its declaration."""
    text = text.strip(_AROUND)
    declaration = _DECLARATION.match(text)
    return text if declaration is None else text[declaration.end() :].lstrip(_SPACE)


def _unreadable(found: str) -> HubRefused:
    return HubRefused(
        "IMG-7110", where="hubent:Content", found=found, expected="sps:SPSCertificate or ack:SPSAcknowledgement"
    )
