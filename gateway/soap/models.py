"""What a SOAP call is, once the envelope has been read: plain data for the layers above."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from gateway.xml.names import SOAP11, SOAP12, XOP

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.errors import GatewayError
    from gateway.xml.limits import Limits

__all__ = [
    "BodySignature",
    "BodySigner",
    "Contract",
    "Operation",
    "Part",
    "SecurityHeader",
    "SoapCall",
    "SoapReply",
    "SoapVersion",
    "Timestamp",
    "TransportPeer",
    "UsernameToken",
]


class SoapVersion(Enum):
    """The two SOAP versions, told apart by envelope namespace and media type."""

    SOAP11 = (SOAP11, "text/xml")
    SOAP12 = (SOAP12, "application/soap+xml")

    def __init__(self, namespace: str, media_type: str) -> None:
        self.namespace = namespace
        self.media_type = media_type

    @property
    def content_type(self) -> str:
        """The Content-Type of replies."""
        return f"{self.media_type}; charset=utf-8"


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """A WS-Security UsernameToken with PasswordDigest, as sent; not judged yet."""

    username: str
    digest: bytes
    """20 bytes: SHA-1 over nonce, created and secret (DIGEST 4.2)."""
    nonce: bytes
    created: datetime
    created_text: str
    """The characters that the digest was made over."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A WS-Security Timestamp as sent, both in UTC; not judged yet."""

    created: datetime
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class BodySignature:
    """The XML signature of a wsse:Security header and the X.509 token beside it: found, not judged.

    ``gateway.trust.body_signature`` verifies it over the tree that it stands in, which is the tree of the call.
    """

    element: _Element
    """The ds:Signature, in the tree that the boundary parsed."""
    token: bytes
    """What the BinarySecurityToken that the signature names holds: DER."""
    is_path: bool = False
    """Whether that is a PKIPath (its last certificate the signer's) and not the one certificate."""


class BodySigner(Protocol):
    """What signs the messages of a client (``gateway.trust.BodySealer``); soap knows no keys."""

    def sign(self, envelope: _Element, *, at: datetime) -> None:
        """Add an X.509 signature over the Body to an envelope, in place."""


@dataclass(frozen=True, slots=True)
class SecurityHeader:
    """The one wsse:Security header of a message."""

    username_token: UsernameToken | None
    timestamp: Timestamp | None
    body_signature: BodySignature | None = None
    """Only where the contract takes signed bodies (``Contract.signed_bodies``); the handler has it verified."""


@dataclass(frozen=True, slots=True)
class TransportPeer:
    """Who is at the other end of the connection."""

    address: str
    """IP address; behind a trusted proxy the one that the proxy saw."""
    secure: bool
    """Whether the connection, or the one before the trusted proxy, is TLS."""
    client_certificate: bytes | None = None
    """DER of the certificate that the TLS handshake proved, if any."""
    forwarded: bool = False
    """Whether a trusted proxy stands between, so that ``address`` is what it says and not what we see."""


@dataclass(frozen=True, slots=True)
class SoapCall:
    """One request that is a call of a contract's operation."""

    contract: str
    operation: str
    version: SoapVersion
    body: _Element
    """The operation element, still in the tree that the boundary parsed: what is verified is what is read."""
    headers: tuple[_Element, ...]
    security: SecurityHeader | None
    message_id: str | None
    """wsa:MessageID."""
    peer: TransportPeer
    raw: bytes
    """The whole request as received, inflated."""
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a reply that travels beside the envelope where the client takes MTOM, and as base64 where not."""

    content_id: str
    """Letters, digits, ``.``, ``-``, ``_`` and ``@``; unique in its reply."""
    content_type: str
    content: bytes

    @property
    def include(self) -> bytes:
        """What stands in the reply's body where the base64 would stand; exactly these bytes, once."""
        return f'<xop:Include xmlns:xop="{XOP}" href="cid:{self.content_id}"/>'.encode()


@dataclass(frozen=True, slots=True)
class SoapReply:
    """What a handler answers."""

    body: bytes
    """One serialised element in UTF-8, without declaration; spliced into the envelope as it is, so that seals hold."""
    header: bytes = b""
    """Serialised header blocks, after those of ``Contract.reply_header``."""
    parts: tuple[Part, ...] = ()
    """Files whose ``include`` stands in the body."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a contract."""

    name: str
    request: str
    """Name of the body element, ``{namespace}local``."""
    action: str
    """SOAPAction of SOAP 1.1, action parameter of SOAP 1.2."""
    handler: Callable[[SoapCall], SoapReply]
    """Answers, or raises a GatewayError."""
    other_actions: frozenset[str] = frozenset()
    """Further actions that a client may name: where a description gives wsa:Action another value than SOAPAction."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A published contract and what serves it."""

    name: str
    path: str
    wsdl: str
    """Resource name in the package ``wsdl``."""
    operations: tuple[Operation, ...]
    versions: frozenset[SoapVersion] = frozenset(SoapVersion)
    fault_detail: Callable[[GatewayError], bytes | None] = lambda _error: None
    """The contract's own detail element for an error, serialised, or None for a fault without detail."""
    known_headers: frozenset[str] = frozenset()
    """Header blocks that the handlers understand, as ``{namespace}local``, beyond WS-Security and WS-Addressing."""
    limits: Limits | None = None
    """Of this contract's requests; the application's own when None."""
    check_peer: Callable[[TransportPeer], None] = lambda _peer: None
    """Refuses by AuthenticationFailed whom the connection alone shows to be a stranger, before anything is parsed."""
    fault_status: Callable[[GatewayError], int | None] = lambda _error: None
    """The HTTP status of a fault where the contract has a custom of its own; None for SOAP's."""
    render_fault: Callable[[GatewayError, SoapVersion, SoapCall | None], bytes] | None = None
    """Writes the whole envelope of a fault in the contract's own form, in the version given; None for ours."""
    reply_header: Callable[[SoapCall], bytes] | None = None
    """Serialised header blocks of every reply that is no fault, made when it leaves."""
    reply_version: SoapVersion | None = None
    """The version of every reply and fault, whatever the request came in (DIGEST 4.1); None for the request's."""
    mtom: bool = False
    """Whether requests may be multipart/related with XOP and replies are, for clients that take it; others are
    refused as another media type."""
    signed_bodies: bool = False
    """Whether wsse:Security may hold an X.509 token and a signature over the Body: the handlers have it verified."""
