"""The request headers of TRACES NT: client, language, body, options (DIGEST 4.3), read and written.

Three combinations of namespaces are on the wire: base v4 with body v3 (today's services), base v3 with body v1 (CERTEX)
and base v3 with body v3 (the first CHED submission). Every reader here takes all three; a message may not mix a header
with its own other version. Unknown header blocks are left alone, as the platform does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from gateway.errors import SoapRefused
from gateway.xml.names import BASE3, BASE4, BODY1, BODY3, qn, readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from gateway.soap import SoapCall

__all__ = [
    "KNOWN_HEADERS",
    "LANGUAGES",
    "BodyIdentity",
    "BodyKind",
    "CallHeaders",
    "Dialect",
    "read_header_blocks",
    "read_headers",
    "write_headers",
]

LANGUAGES: Final = frozenset(
    "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split()  # noqa: SIM905 - a table to read
)
"""The official languages of the Union: those that our labels exist in. Every other code means English (DIGEST 4.3)."""

MAX_CLIENT_ID: Final = 256
"""Characters of WebServiceClientId, which the platform leaves unbounded; it names a program, as a User-Agent does."""
MAX_OFFICE: Final = 32
"""Characters of a customs office's reference number; real ones have 8."""
MAX_ATTRIBUTES: Final = 50
MAX_ATTRIBUTE: Final = 512

_CLIENT: Final = "WebServiceClientId"
_LANGUAGE: Final = "LanguageCode"
_ATTRIBUTES: Final = "Attributes"
_BODY: Final = "BodyIdentity"
_OFFICE: Final = "CustomsOfficeReferenceNumber"
_NAMES: Final = {qn(base, local): local for base in (BASE4, BASE3) for local in (_CLIENT, _LANGUAGE, _ATTRIBUTES)} | {
    qn(body, local): local for body in (BODY3, BODY1) for local in (_BODY, _OFFICE)
}

KNOWN_HEADERS: Final = frozenset(_NAMES)
"""For ``Contract.known_headers``: what may say mustUnderstand."""


class BodyKind(StrEnum):
    """Whose identifier BodyIdentity carries, by the words of the partner records."""

    AUTHORITY = "authority"
    OPERATOR = "operator"
    CONTROL_BODY = "control-body"
    OTHER = "other"

    @property
    def element(self) -> str:
        """The local name of the one child of BodyIdentity."""
        return _ELEMENTS[self][0]

    @property
    def max_length(self) -> int:
        """Characters of the identifier at most (xsd of body v3)."""
        return _ELEMENTS[self][1]


_ELEMENTS: Final = {
    BodyKind.AUTHORITY: ("AuthorityActivityAccessIdentifier", 16),
    BodyKind.OPERATOR: ("OperatorAccessIdentifier", 16),
    BodyKind.CONTROL_BODY: ("OrganicControlBodyAccessIdentifier", 16),
    BodyKind.OTHER: ("OtherBodyAccessIdentifier", 32),
}
_KINDS: Final = {element: kind for kind, (element, _) in _ELEMENTS.items()}


class Dialect(Enum):
    """The combinations of namespaces that requests come in: base, then body."""

    CURRENT = (BASE4, BODY3)
    CERTEX = (BASE3, BODY1)
    FIRST = (BASE3, BODY3)

    def __init__(self, base: str, body: str) -> None:
        self.base = base
        self.body = body


@dataclass(frozen=True, slots=True)
class BodyIdentity:
    """The authority, operator or other body that a message is sent for."""

    kind: BodyKind
    id: str
    """The access identifier, white space collapsed."""


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """What the headers of one request say."""

    client_id: str
    """WebServiceClientId: the calling program."""
    language: str = "en"
    """ISO 639-1, lower case; one of ``LANGUAGES``."""
    body: BodyIdentity | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    customs_office: str = ""

    @property
    def required_body(self) -> BodyIdentity:
        """The body, where the operation cannot do without (DIGEST 5.2: submission).

        Raises:
            SoapRefused: IMG-1116 there is none.
        """
        if self.body is None:
            raise SoapRefused("IMG-1116", where=readable(qn(BODY3, _BODY)), expected="one access identifier in it")
        return self.body


def read_headers(call: SoapCall) -> CallHeaders:
    """The TRACES headers of a call.

    Raises:
        SoapRefused: IMG-1116 no WebServiceClientId, IMG-1117 a header twice, or with content that it may not have.
    """
    return read_header_blocks(call.headers)


def read_header_blocks(blocks: Sequence[_Element]) -> CallHeaders:
    """The same from the header blocks themselves.

    Raises:
        SoapRefused: IMG-1116, IMG-1117.
    """
    found: dict[str, _Element] = {}
    for block in blocks:
        local = _NAMES.get(str(block.tag))
        if local is None:
            continue
        if local in found:
            raise _malformed(block, "more than once", "once, in one version of its namespace")
        found[local] = block
    client = _token(found[_CLIENT], MAX_CLIENT_ID) if _CLIENT in found else ""
    if not client:
        raise SoapRefused("IMG-1116", where=readable(qn(BASE4, _CLIENT)), expected="the name of the calling system")
    language = _token(found[_LANGUAGE], MAX_CLIENT_ID).lower() if _LANGUAGE in found else "en"
    return CallHeaders(
        client_id=client,
        language=language if language in LANGUAGES else "en",
        body=_body(found[_BODY]) if _BODY in found else None,
        attributes=_attributes(found[_ATTRIBUTES]) if _ATTRIBUTES in found else {},
        customs_office=_token(found[_OFFICE], MAX_OFFICE) if _OFFICE in found else "",
    )


def write_headers(headers: CallHeaders, dialect: Dialect = Dialect.CURRENT) -> bytes:
    """The header blocks of a request, serialised, in the order of the EC's own samples."""
    base, body = quoteattr(dialect.base), quoteattr(dialect.body)
    parts = [f"<base:{_LANGUAGE} xmlns:base={base}>{escape(headers.language)}</base:{_LANGUAGE}>"]
    if headers.body is not None:
        element = headers.body.kind.element
        parts.append(f"<body:{_BODY} xmlns:body={body}><{element}>{escape(headers.body.id)}</{element}></body:{_BODY}>")
    if headers.customs_office:
        parts.append(f"<body:{_OFFICE} xmlns:body={body}>{escape(headers.customs_office)}</body:{_OFFICE}>")
    if headers.attributes:
        options = "".join(
            f"<base:Attribute key={quoteattr(key)}>{escape(value)}</base:Attribute>"
            for key, value in headers.attributes.items()
        )
        parts.append(f"<base:{_ATTRIBUTES} xmlns:base={base}>{options}</base:{_ATTRIBUTES}>")
    parts.append(f"<base:{_CLIENT} xmlns:base={base}>{escape(headers.client_id)}</base:{_CLIENT}>")
    return "".join(parts).encode()


def _body(element: _Element) -> BodyIdentity:
    """The one child: in no namespace as the platform's schema has it, or in the header's own as some clients write."""
    own = str(element.tag).rpartition("}")[0] + "}"
    children = _children(element)
    kind = _KINDS.get(str(children[0].tag).removeprefix(own)) if len(children) == 1 else None
    if kind is None:
        names = ", ".join(readable(str(child.tag)) for child in children[:5]) or "nothing"
        raise _malformed(element, names, " or ".join(name for name, _ in _ELEMENTS.values()))
    identifier = _token(children[0], kind.max_length)
    if not identifier:
        raise _malformed(children[0], "an empty identifier", f"1 to {kind.max_length} characters")
    return BodyIdentity(kind, identifier)


def _attributes(element: _Element) -> dict[str, str]:
    children = _children(element)
    name = str(element.tag).removesuffix(_ATTRIBUTES) + "Attribute"
    if not 0 < len(children) <= MAX_ATTRIBUTES or any(child.tag != name for child in children):
        raise _malformed(element, f"{len(children)} elements", f"1 to {MAX_ATTRIBUTES} Attribute elements")
    attributes: dict[str, str] = {}
    for child in children:
        key = " ".join(child.get("key", "").split())
        if not key or len(key) > MAX_ATTRIBUTE or key in attributes:
            raise _malformed(child, f"key {key!r}", "a key, each once")
        attributes[key] = _token(child, MAX_ATTRIBUTE)
    return attributes


def _children(element: _Element) -> list[_Element]:
    """Child elements; a text between them is nothing that the contract knows."""
    texts = [element.text, *(child.tail for child in element)]
    if any(text and not text.isspace() for text in texts):
        raise _malformed(element, "text", "elements only")
    return [child for child in element if isinstance(child.tag, str)]


def _token(element: _Element, most: int) -> str:
    """An xs:token: the whole text, white space collapsed; a comment inside would show readers different values."""
    if len(element):
        raise _malformed(element, "other content than text", "a text")
    value = " ".join((element.text or "").split())
    if len(value) > most:
        raise _malformed(element, f"{len(value)} characters", f"at most {most} characters")
    return value


def _malformed(element: _Element, found: str, expected: str) -> SoapRefused:
    return SoapRefused("IMG-1117", where=readable(str(element.tag)), found=found, expected=expected)
