"""Reads an envelope strictly: one Body with one element, no header that must be understood and is not.

spyne's reader raises AttributeError on an empty Body, ignores a second child and mandatory headers, and takes a foreign
envelope namespace for a client error (STACK, defects 2 and 4); here each has its own refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.errors import SoapRefused
from gateway.soap.models import SoapVersion
from gateway.soap.security import SECURITY
from gateway.xml.boundary import refuse_multi_references
from gateway.xml.names import WSA, qn, readable

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["Envelope", "NotUnderstood", "read_envelope", "version_of", "write_envelope"]

MESSAGE_ID: Final = qn(WSA, "MessageID")
ACTION: Final = qn(WSA, "Action")
MAX_MESSAGE_ID: Final = 512
"""Characters of wsa:MessageID; toolkits send about 45."""
_UNDERSTOOD: Final = frozenset({SECURITY, MESSAGE_ID, ACTION, qn(WSA, "To")})
_BY_TAG: Final = {qn(version.namespace, "Envelope"): version for version in SoapVersion}
_FOR_US: Final = frozenset(
    {
        "",
        "http://schemas.xmlsoap.org/soap/actor/next",
        "http://www.w3.org/2003/05/soap-envelope/role/next",
        "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
    }
)
_YES: Final = frozenset({"1", "true"})
_NO: Final = frozenset({"", "0", "false"})


class NotUnderstood(SoapRefused):
    """Headers that must be understood and are not (IMG-1107); ``names`` lists them for the SOAP 1.2 fault."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__("IMG-1107", where="soap:Header", found=", ".join(map(readable, names)))


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of an envelope that are meant for us."""

    version: SoapVersion
    headers: tuple[_Element, ...]
    body: _Element
    """The only child of the Body."""
    message_id: str | None
    action: str | None
    """wsa:Action."""


def version_of(root: _Element) -> SoapVersion:
    """The SOAP version of an envelope.

    Raises:
        SoapRefused: IMG-1103 an Envelope of another namespace, IMG-1102 no Envelope at all.
    """
    version = _BY_TAG.get(str(root.tag))
    if version is not None:
        return version
    if str(root.tag).rpartition("}")[2] == "Envelope":
        raise SoapRefused("IMG-1103", where="/", found=str(root.tag), expected=" or ".join(_BY_TAG))
    raise _malformed("/", readable(str(root.tag)), "a SOAP Envelope")


def read_envelope(root: _Element, version: SoapVersion, known_headers: frozenset[str]) -> Envelope:
    """Take an envelope apart.

    Args:
        root: the Envelope.
        version: from ``version_of``.
        known_headers: what the contract understands beyond WS-Security and WS-Addressing.

    Raises:
        NotUnderstood: IMG-1107.
        SoapRefused: IMG-1102 wrong structure, IMG-1108 a malformed header.
        XmlRefused: IMG-1012 a multi-reference in the Body.
    """
    header_name, body_name = qn(version.namespace, "Header"), qn(version.namespace, "Body")
    parts = _elements(root, "/Envelope")
    names = [part.tag for part in parts]
    if names not in ([body_name], [header_name, body_name]):
        found = ", ".join(readable(str(name)) for name in names[:5]) or "nothing"
        raise _malformed("/Envelope", found, "an optional Header, then one Body")
    contents = _elements(parts[-1], "/Envelope/Body")
    if len(contents) != 1:
        raise _malformed("/Envelope/Body", f"{len(contents)} elements", "exactly one element")
    refuse_multi_references(parts[-1])
    blocks = _elements(parts[0], "/Envelope/Header") if len(parts) > 1 else []
    headers = tuple(block for block in blocks if _is_for_us(block, version))
    understood = _UNDERSTOOD | known_headers
    missed = tuple(
        str(block.tag) for block in headers if block.tag not in understood and _must_be_understood(block, version)
    )
    if missed:
        raise NotUnderstood(missed)
    return Envelope(version, headers, contents[0], _single(headers, MESSAGE_ID), _single(headers, ACTION))


def write_envelope(body: bytes, version: SoapVersion, *, headers: bytes = b"") -> bytes:
    """An envelope around serialised header blocks and one serialised body element, whose bytes stay as they are."""
    header = b"<soap:Header>%s</soap:Header>" % headers if headers else b""
    return b'<soap:Envelope xmlns:soap="%s">%s<soap:Body>%s</soap:Body></soap:Envelope>' % (
        version.namespace.encode(),
        header,
        body,
    )


def _elements(parent: _Element, where: str) -> list[_Element]:
    """The child elements; comments and processing instructions may stand between them, text may not."""
    stray = parent.text
    elements = []
    for child in parent:
        if isinstance(child.tag, str):
            elements.append(child)
        stray = (stray or "") + (child.tail or "")
    if stray and not stray.isspace():
        raise _malformed(where, "text", "elements only")
    return elements


def _is_for_us(block: _Element, version: SoapVersion) -> bool:
    name = "actor" if version is SoapVersion.SOAP11 else "role"
    return block.get(qn(version.namespace, name), "").strip() in _FOR_US


def _must_be_understood(block: _Element, version: SoapVersion) -> bool:
    value = block.get(qn(version.namespace, "mustUnderstand"), "").strip()
    if value not in _YES | _NO:
        raise SoapRefused("IMG-1108", where=readable(str(block.tag)), found=value, expected="mustUnderstand 0 or 1")
    return value in _YES


def _single(headers: tuple[_Element, ...], name: str) -> str | None:
    """The text of a header that may stand once."""
    found = [header for header in headers if header.tag == name]
    if not found:
        return None
    text = "" if len(found[0]) else (found[0].text or "").strip()
    if len(found) > 1 or not 0 < len(text) <= MAX_MESSAGE_ID:
        raise SoapRefused("IMG-1108", where=readable(name), expected=f"once, with 1 to {MAX_MESSAGE_ID} characters")
    return text


def _malformed(where: str, found: str, expected: str) -> SoapRefused:
    return SoapRefused("IMG-1102", where=where, found=found, expected=expected)
