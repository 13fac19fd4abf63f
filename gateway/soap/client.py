"""Calls partners: zeep knows the contract, we write and read the bytes.

zeep gives operations, actions and typed messages from the hand-written WSDL; it re-renders typed documents (which
breaks seals) and misreads some replies (STACK), so sealed messages leave as bytes through ``SoapClient.call``, and its
replies are read through the XML boundary, raw bytes kept.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import zeep
from lxml import etree
from zeep.plugins import Plugin
from zeep.wsdl.bindings.soap import Soap11Binding, Soap12Binding

from gateway.errors import ConfigurationError, GatewayError
from gateway.soap.envelope import read_envelope, version_of, write_envelope
from gateway.soap.models import SoapVersion
from gateway.soap.security import write_security
from gateway.soap.tls import TlsSettings
from gateway.soap.transport import PackageTransport, UnusableReply, location_of
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS, Limits
from gateway.xml.names import qn

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

__all__ = ["Credentials", "Reply", "SoapClient", "SoapFaultReceived", "open_client"]

MAX_REASON: Final = 500
"""Characters of a partner's fault text that are kept."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account at a partner, sent as UsernameToken with PasswordDigest."""

    username: str
    secret: str = field(repr=False)
    lifetime: timedelta = timedelta(minutes=2)
    """Of the Timestamp; the platform refuses what is older than a few minutes (DIGEST 4.2)."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    random_bytes: Callable[[int], bytes] = secrets.token_bytes

    def header(self) -> bytes:
        """A fresh WS-Security header for one message."""
        now, nonce = self.clock(), self.random_bytes(16)
        return write_security(self.username, self.secret, now=now, nonce=nonce, lifetime=self.lifetime)


@dataclass(frozen=True, slots=True)
class Reply:
    """A partner's answer."""

    version: SoapVersion
    body: _Element
    """The only child of the Body."""
    headers: tuple[_Element, ...]
    raw: bytes
    """The whole envelope as received."""
    status: int


@dataclass(eq=False)
class SoapFaultReceived(Exception):
    """The partner refused by a SOAP fault; its text is the partner's and goes into no answer of ours."""

    code: str
    """Local name: Client, Server, Sender, Receiver, VersionMismatch, MustUnderstand, or the partner's own."""
    reason: str
    status: int
    detail: bytes | None
    """The detail's first child, serialised."""
    detail_name: str = ""
    """Its name, ``{namespace}local``."""
    detail_code: str = ""
    """Text of a ``Code`` in it: the other side's stable code when it is a gateway."""
    retry: str = ""
    """Text of a ``Retry`` in it."""
    raw: bytes = b""

    def __str__(self) -> str:
        return f"{self.code} (HTTP {self.status}) {self.detail_code}".rstrip()

    @property
    def is_ours_to_change(self) -> bool:
        """Whether the other side says that the message, not the server, is at fault."""
        return self.code in {"Client", "Sender", "MustUnderstand", "VersionMismatch"}


class SoapClient:
    """One contract at one partner's address. Safe to share between threads.

    Args:
        client: a zeep client made by ``open_client``.
        address: where the partner serves the contract.
        version: which of the contract's ports to speak.
        limits: of replies.
        security: makes the WS-Security header of one message, or None without credentials.
    """

    def __init__(
        self,
        client: Any,
        address: str,
        *,
        version: SoapVersion,
        limits: Limits,
        security: Callable[[], bytes] | None,
    ) -> None:
        self._client = client
        self._address = address
        self._version = version
        self._limits = limits
        self._security = security
        self._binding = _binding(client, version)

    @property
    def operations(self) -> frozenset[str]:
        """The operations of the contract."""
        return frozenset(self._binding.all())

    @property
    def service(self) -> Any:
        """The typed proxy of zeep at this address, for requests without a sealed document."""
        return self._client.create_service(str(self._binding.name), self._address)

    def call(self, operation: str, body: bytes, *, headers: bytes = b"") -> Reply:
        """Send a body element as it is, sealed bytes included.

        Args:
            operation: name in the contract.
            body: the serialised request element.
            headers: further serialised header blocks.

        Raises:
            SoapFaultReceived: the partner refused.
            DeliveryError: IMG-8001 and IMG-8007 not sent, IMG-8002 sent and the answer lost (never repeat blindly).
            UnusableReply: IMG-8003 the answer is no SOAP.
        """
        security = self._security() if self._security is not None else b""
        message = write_envelope(body, self._version, headers=security + headers)
        reply = self._client.transport.exchange(self._address, message, self._http_headers(operation))
        return read_reply(reply.status, reply.content, self._limits)

    def _http_headers(self, operation: str) -> dict[str, str]:
        try:
            action = self._binding.get(operation).soapaction
        except (KeyError, ValueError) as error:
            raise ConfigurationError("IMG-0101", where="operation", found=operation) from error
        if self._version is SoapVersion.SOAP11:
            return {"Content-Type": self._version.content_type, "SOAPAction": f'"{action}"'}
        return {"Content-Type": f'{self._version.content_type}; action="{action}"'}


class _SecurityPlugin(Plugin):
    """Adds the WS-Security header to typed calls."""

    def __init__(self, security: Callable[[], bytes] | None, limits: Limits) -> None:
        self._security = security
        self._limits = limits

    def egress(self, envelope: _Element, http_headers: Any, operation: Any, binding_options: Any) -> Any:  # noqa: ARG002
        """Called by zeep with the finished envelope."""
        if self._security is not None:
            namespace = etree.QName(envelope).namespace or ""
            header = envelope.find(qn(namespace, "Header"))
            if header is None:
                header = etree.Element(qn(namespace, "Header"))
                envelope.insert(0, header)
            header.append(parse(self._security(), limits=self._limits).root)
        return envelope, http_headers


def open_client(
    wsdl: str,
    address: str,
    *,
    timeout: float,
    tls: TlsSettings = TlsSettings(),  # noqa: B008 - frozen
    credentials: Credentials | None = None,
    version: SoapVersion = SoapVersion.SOAP11,
    limits: Limits = DEFAULT_LIMITS,
) -> SoapClient:
    """A client of one contract; making one reads the whole description, so keep it.

    Args:
        wsdl: resource name in the package ``wsdl``; works from a zipped installation too.
        address: of the partner.
        timeout: seconds, as ``PackageTransport`` uses them; there is always one.
        tls: authorities and client certificate.
        credentials: of the account at the partner.
        version: of SOAP.
        limits: of replies.

    Raises:
        ConfigurationError: IMG-0101 no such description, or none for this SOAP version.
    """
    security = None if credentials is None else credentials.header
    transport = PackageTransport(timeout=timeout, limits=limits, tls=tls)
    # zeep parses again what the boundary has let pass: where that may be a large text, its own limit must not stop it
    huge = bool(limits.large_text)
    settings = zeep.Settings(
        strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=huge
    )
    try:
        client = zeep.Client(  # type: ignore[no-untyped-call]  # zeep is partly typed
            location_of(wsdl), transport=transport, settings=settings, plugins=[_SecurityPlugin(security, limits)]
        )
    except OSError as error:
        raise ConfigurationError("IMG-0101", where="wsdl", found=wsdl) from error
    return SoapClient(client, address, version=version, limits=limits, security=security)


def read_reply(status: int, content: bytes, limits: Limits = DEFAULT_LIMITS) -> Reply:
    """Read a partner's envelope strictly.

    Raises:
        SoapFaultReceived: it is a fault.
        UnusableReply: IMG-8003 it is no envelope that we can read.
    """
    try:
        parsed = parse(content, limits=limits)
        version = version_of(parsed.root)
        envelope = read_envelope(parsed.root, version, frozenset())
    except GatewayError as error:
        raise UnusableReply(status, error.message) from error
    if envelope.body.tag == qn(version.namespace, "Fault"):
        raise _fault(envelope.body, version, status, parsed.raw)
    return Reply(version, envelope.body, envelope.headers, parsed.raw, status)


def _fault(fault: _Element, version: SoapVersion, status: int, raw: bytes) -> SoapFaultReceived:
    def name(local: str) -> str:
        return qn(version.namespace, local)

    if version is SoapVersion.SOAP11:
        code, reason, detail = fault.findtext("faultcode"), fault.findtext("faultstring"), fault.find("detail")
    else:
        code = fault.findtext(f"{name('Code')}/{name('Value')}")
        reason = fault.findtext(f"{name('Reason')}/{name('Text')}")
        detail = fault.find(name("Detail"))
    entries = [] if detail is None else [child for child in detail if isinstance(child.tag, str)]
    first = entries[0] if entries else None
    texts = {} if first is None else {etree.QName(c).localname: c.text or "" for c in first if isinstance(c.tag, str)}
    return SoapFaultReceived(
        code=(code or "").rpartition(":")[2].strip()[:MAX_REASON],
        reason=(reason or "").strip()[:MAX_REASON],
        status=status,
        detail=None if first is None else serialise(first),
        detail_name="" if first is None else str(first.tag),
        detail_code=texts.get("Code", "")[:MAX_REASON],
        retry=texts.get("Retry", "")[:MAX_REASON],
        raw=raw,
    )


def _binding(client: Any, version: SoapVersion) -> Any:
    kind = Soap11Binding if version is SoapVersion.SOAP11 else Soap12Binding
    for binding in client.wsdl.bindings.values():
        if isinstance(binding, kind):
            return binding
    raise ConfigurationError("IMG-0101", where="wsdl", found=f"no port for {version.name}")
