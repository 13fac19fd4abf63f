"""The document in an envelope: text or Base64 of it (DIGEST 2.3, 2.6).

Whatever an XML declaration in the text names, the text is Unicode already, so the declaration is left aside and the
document read as UTF-8. Base64 holds bytes: UTF-8, or UTF-16 with a byte order mark.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.errors import HubRefused, XmlRefused
from gateway.xml.boundary import parse
from gateway.xml.limits import DEFAULT_LIMITS, Limits
from gateway.xml.names import ACK17, SPS17, qn, readable

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["ACKNOWLEDGEMENT", "CERTIFICATE", "Content", "ContentForm", "decode_content"]

CERTIFICATE: Final = qn(SPS17, "SPSCertificate")
ACKNOWLEDGEMENT: Final = qn(ACK17, "SPSAcknowledgement")

_BOM: Final = "\ufeff"
_SPACE: Final = " \t\r\n"
_DECLARATION: Final = re.compile(r"<\?xml(?:\s[^>]{0,200})?\?>")
_START: Final = 64
"""Characters that are looked at to tell markup from Base64."""


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


def decode_content(text: str | None, *, limits: Limits = DEFAULT_LIMITS) -> Content:
    """Read what stands in an envelope.

    Args:
        text: of Content, as it was parsed; None where an envelope has none.
        limits: of the document inside.

    Raises:
        HubRefused: IMG-7110 there is nothing, it is neither XML nor Base64 of XML, breaks a limit of the XML boundary,
            or is another document than a certificate or an acknowledgement.
    """
    start = (text or "")[:_START].strip(_SPACE + _BOM)
    if text is None or not (start or text.strip(_SPACE + _BOM)):
        raise _unreadable("nothing")
    form = ContentForm.XML_TEXT if start.startswith("<") or "<" in text else ContentForm.BASE64
    document = _utf8(text if form is ContentForm.XML_TEXT else _from_base64(text))
    try:
        root = parse(document, limits=limits).root
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


def _from_base64(text: str) -> str:
    """The document that the text is Base64 of; white space in it is as MIME and pretty printers leave it."""
    try:
        raw = base64.b64decode("".join(text.strip(_SPACE + _BOM).split()), validate=True)
    except (binascii.Error, ValueError):
        raise _unreadable("text that is neither XML nor Base64") from None
    coding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        decoded = raw.decode(coding)
    except UnicodeDecodeError:
        raise _unreadable(f"Base64 of bytes that are not {coding.upper()}") from None
    if "<" not in decoded[:_START]:
        raise _unreadable("Base64 of something else than XML")
    return decoded


def _utf8(text: str) -> bytes:
    text = text.strip(_SPACE + _BOM)
    declaration = _DECLARATION.match(text)
    if declaration is not None:
        text = text[declaration.end() :].lstrip(_SPACE)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _unreadable("half of a surrogate pair") from None


def _unreadable(found: str) -> HubRefused:
    return HubRefused(
        "IMG-7110", where="hubent:Content", found=found, expected="sps:SPSCertificate or ack:SPSAcknowledgement"
    )
