"""The header of CERTEX beside those of the platform: read from requests and replies, written into both (DIGEST 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from gateway.certex.models import MAX_MESSAGE_ID, CertexHeader
from gateway.errors import SoapRefused
from gateway.traces.headers import KNOWN_HEADERS as PLATFORM_HEADERS
from gateway.xml.names import CERTEX6, CERTEXBASE3, qn, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from gateway.soap import SoapCall

__all__ = ["KNOWN_HEADERS", "find_header", "header_block", "read_header", "read_header_block"]

MAX_PREFIX: Final = 35
"""Characters of UniqRequesterPrefix, which the contract leaves unbounded; captured ones are a customs office's 8."""

_HEADER: Final = qn(CERTEX6, "CertexHeader")
_MESSAGE: Final = qn(CERTEXBASE3, "MessageId")
_PREFIX: Final = qn(CERTEXBASE3, "UniqRequesterPrefix")

KNOWN_HEADERS: Final = PLATFORM_HEADERS | {_HEADER}
"""For ``Contract.known_headers``: what may say mustUnderstand."""


def read_header(call: SoapCall) -> CertexHeader:
    """The header of a call.

    Raises:
        SoapRefused: IMG-1116 there is none, IMG-1117 there are two, or one that cannot be read.
    """
    header = read_header_block(call.headers)
    if header is None:
        raise SoapRefused("IMG-1116", where=readable(_HEADER), expected="a MessageId and a UniqRequesterPrefix in it")
    return header


def read_header_block(blocks: Sequence[_Element]) -> CertexHeader | None:
    """The header among the header blocks of a request or a reply; None when there is none.

    Raises:
        SoapRefused: IMG-1117 there are two, or one that cannot be read.
    """
    found = [block for block in blocks if block.tag == _HEADER]
    if not found:
        return None
    if len(found) > 1:
        raise _malformed(_HEADER, "more than once", "once")
    children = [child for child in found[0] if isinstance(child.tag, str)]
    if [child.tag for child in children] != [_MESSAGE, _PREFIX]:
        names = ", ".join(readable(str(child.tag)) for child in children[:5]) or "nothing"
        raise _malformed(_HEADER, names, f"{readable(_MESSAGE)}, {readable(_PREFIX)}")
    return CertexHeader(_token(children[0], MAX_MESSAGE_ID), _token(children[1], MAX_PREFIX))


def find_header(call: SoapCall | None) -> CertexHeader:
    """What a fault says of the message that it answers: both texts are empty where the header cannot be read."""
    try:
        return (read_header_block(call.headers) if call is not None else None) or CertexHeader("", "")
    except SoapRefused:
        return CertexHeader("", "")


def header_block(header: CertexHeader) -> bytes:
    """The header, serialised."""
    return (
        f'<certex:CertexHeader xmlns:certex="{CERTEX6}" xmlns:certexbase="{CERTEXBASE3}">'
        f"<certexbase:MessageId>{escape(header.message_id)}</certexbase:MessageId>"
        f"<certexbase:UniqRequesterPrefix>{escape(header.prefix)}</certexbase:UniqRequesterPrefix>"
        "</certex:CertexHeader>"
    ).encode()


def _token(element: _Element, most: int) -> str:
    """An xs:token of 1 to ``most`` characters; a comment inside would show readers different values."""
    if len(element):
        raise _malformed(str(element.tag), "other content than text", "a text")
    value = " ".join((element.text or "").split())
    if not 0 < len(value) <= most:
        raise _malformed(str(element.tag), f"{len(value)} characters", f"1 to {most} characters")
    return value


def _malformed(name: str, found: str, expected: str) -> SoapRefused:
    return SoapRefused("IMG-1117", where=readable(name), found=found, expected=expected)
