"""Calls partners: zeep knows the contract, we write and read the bytes.

zeep gives operations, actions and typed messages from the hand-written WSDL; it re-renders typed documents (which
breaks seals) and misreads some replies (STACK), so sealed messages leave as bytes through ``SoapClient.call``, and its
replies are read through the XML boundary, raw bytes kept.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import zeep
from lxml import etree
from zeep.plugins import Plugin
from zeep.wsdl.bindings.soap import Soap11Binding, Soap12Binding

from gateway.errors import ConfigurationError
from gateway.soap.answers import Reply, SoapFaultReceived, read_reply
from gateway.soap.envelope import write_envelope
from gateway.soap.models import SoapVersion
from gateway.soap.mtom import MULTIPART, pack
from gateway.soap.security import write_security
from gateway.soap.tls import TlsSettings
from gateway.soap.transport import PackageTransport, location_of
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS, Limits
from gateway.xml.names import qn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element

    from gateway.soap.models import BodySigner, Part

__all__ = ["Credentials", "Reply", "SoapClient", "SoapFaultReceived", "open_client", "read_reply"]


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
class _Signing:
    """How the messages of a client are signed, if they are."""

    signer: BodySigner | None
    clock: Callable[[], datetime]
    limits: Limits

    def message(self, message: bytes) -> bytes:
        """The message with its signature."""
        if self.signer is None:
            return message
        root = parse(message, limits=self.limits).root
        self.signer.sign(root, at=self.clock())
        return serialise(root)

    def envelope(self, envelope: _Element) -> None:
        """The same in place."""
        if self.signer is not None:
            self.signer.sign(envelope, at=self.clock())


class SoapClient:
    """One contract at one partner's address. Safe to share between threads.

    Args:
        client: a zeep client made by ``open_client``.
        address: where the partner serves the contract.
        version: which of the contract's ports to speak.
        limits: of replies.
        security: makes the WS-Security header of one message, or None without credentials.
        signing: signs each message.
    """

    def __init__(
        self,
        client: Any,
        address: str,
        *,
        version: SoapVersion,
        limits: Limits,
        security: Callable[[], bytes] | None,
        signing: _Signing,
    ) -> None:
        self._client = client
        self._address = address
        self._version = version
        self._limits = limits
        self._security = security
        self._signing = signing
        self._binding = _binding(client, version)

    @property
    def operations(self) -> frozenset[str]:
        """The operations of the contract."""
        return frozenset(self._binding.all())

    @property
    def service(self) -> Any:
        """The typed proxy of zeep at this address, for requests without a sealed document."""
        return self._client.create_service(str(self._binding.name), self._address)

    def call(
        self,
        operation: str,
        body: bytes,
        *,
        headers: bytes = b"",
        parts: Sequence[Part] = (),
        takes_mtom: bool = False,
    ) -> Reply:
        """Send a body element as it is, sealed bytes included.

        Args:
            operation: name in the contract.
            body: the serialised request element.
            headers: further serialised header blocks.
            parts: files that travel beside the envelope, their ``include`` in the body; not together with a signature,
                which is made over the Body as it stands.
            takes_mtom: whether to tell the partner that files may come beside the envelope; they are read either way.

        Raises:
            ValueError: files beside a message that is signed.
            SoapFaultReceived: the partner refused.
            DeliveryError: IMG-8001 and IMG-8007 not sent, IMG-8002 sent and the answer lost (never repeat blindly).
            UnusableReply: IMG-8003 the answer is no SOAP.
        """
        security = self._security() if self._security is not None else b""
        message = self._signing.message(write_envelope(body, self._version, headers=security + headers))
        http_headers = self._http_headers(operation)
        if takes_mtom or parts:
            http_headers["Accept"] = f"{MULTIPART}, {self._version.media_type}"
        if parts and self._signing.signer is not None:
            raise ValueError("a signed message has its files in the Body")
        if parts:
            content_type, message = pack(message, self._version, parts, token=secrets.token_hex(16))
            action = http_headers["Content-Type"].partition("; action=")[2]
            http_headers["Content-Type"] = content_type + (f"; action={action}" if action else "")
        reply = self._client.transport.exchange(self._address, message, http_headers)
        return read_reply(reply.status, reply.content, self._limits, content_type=reply.content_type, told=reply.told)

    def _http_headers(self, operation: str) -> dict[str, str]:
        try:
            action = self._binding.get(operation).soapaction
        except (KeyError, ValueError) as error:
            raise ConfigurationError("IMG-0101", where="operation", found=operation) from error
        if self._version is SoapVersion.SOAP11:
            return {"Content-Type": self._version.content_type, "SOAPAction": f'"{action}"'}
        return {"Content-Type": f'{self._version.content_type}; action="{action}"'}


class _SecurityPlugin(Plugin):
    """Adds the WS-Security header, and a signature, to typed calls."""

    def __init__(self, security: Callable[[], bytes] | None, signing: _Signing, limits: Limits) -> None:
        self._security = security
        self._signing = signing
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
        self._signing.envelope(envelope)
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
    sign_with: BodySigner | None = None,
) -> SoapClient:
    """A client of one contract; making one reads the whole description, so keep it.

    Args:
        wsdl: resource name in the package ``wsdl``; works from a zipped installation too.
        address: of the partner.
        timeout: seconds, as ``PackageTransport`` uses them; there is always one.
        tls: authorities and client certificate.
        credentials: of the account at the partner.
        version: of SOAP.
        limits: of replies, and of messages that are signed.
        sign_with: signs the Body of every message (``gateway.trust.BodySealer``).

    Raises:
        ConfigurationError: IMG-0101 no such description, or none for this SOAP version.
    """
    security = None if credentials is None else credentials.header
    clock = (lambda: datetime.now(UTC)) if credentials is None else credentials.clock
    signing = _Signing(sign_with, clock, limits)
    transport = PackageTransport(timeout=timeout, limits=limits, tls=tls)
    # zeep parses again what the boundary has let pass: where that may be a large text, its own limit must not stop it
    huge = bool(limits.large_text)
    settings = zeep.Settings(
        strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=huge
    )
    try:
        client = zeep.Client(  # type: ignore[no-untyped-call]  # zeep is partly typed
            location_of(wsdl),
            transport=transport,
            settings=settings,
            plugins=[_SecurityPlugin(security, signing, limits)],
        )
    except OSError as error:
        raise ConfigurationError("IMG-0101", where="wsdl", found=wsdl) from error
    return SoapClient(client, address, version=version, limits=limits, security=security, signing=signing)


def _binding(client: Any, version: SoapVersion) -> Any:
    kind = Soap11Binding if version is SoapVersion.SOAP11 else Soap12Binding
    for binding in client.wsdl.bindings.values():
        if isinstance(binding, kind):
            return binding
    raise ConfigurationError("IMG-0101", where="wsdl", found=f"no port for {version.name}")
