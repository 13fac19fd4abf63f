"""How calls leave: one HTTP session per partner that fetches nothing, trusts no environment and reads no endless reply.

zeep's own transport loads descriptions from anywhere, has no limit of time for a call and none of size for a reply, and
requests lets ``REQUESTS_CA_BUNDLE`` override the authorities that were chosen (STACK). None of that is left here.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, NewConnectionError
from zeep.transports import Transport

from gateway.errors import ConfigurationError, DeliveryError, XmlRefused
from gateway.soap.faults import ERROR_HEADER
from gateway.soap.in_time import InTime
from gateway.soap.tls import HandshakeFailed, TlsSettings, reason_of, refuses_certificate
from gateway.xml.boundary import inflate, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.xml.limits import Limits

__all__ = ["HttpReply", "PackageTransport", "TlsSettings", "UnusableReply", "location_of"]

_BASE: Final = "file:///"
_PACKAGES: Final = frozenset({"wsdl", "xsd"})
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back, inflated."""

    status: int
    content_type: str
    content: bytes
    told: str = ""
    """Text of ``X-IMSOC-Error``: a gateway's stable code beside a fault whose form has no place for it."""


class UnusableReply(DeliveryError):
    """IMG-8003: something answered, but not the contract; ``status`` is its HTTP status."""

    def __init__(self, status: int, found: str) -> None:
        self.status = status
        super().__init__("IMG-8003", where=f"HTTP {status}", found=found, expected="a SOAP reply")


def location_of(wsdl: str) -> str:
    """The address that stands for a resource of the package ``wsdl``; relative imports resolve against it."""
    return f"{_BASE}wsdl/{wsdl}"


class PackageTransport(Transport):
    """zeep's transport, reading descriptions from package data only and posting within limits.

    Args:
        timeout: seconds for connecting, for the head of the reply, and for the reply up to its last byte.
        limits: of the reply.
        tls: authorities and client certificate.
    """

    def __init__(self, *, timeout: float, limits: Limits, tls: TlsSettings) -> None:
        session = requests.Session()
        session.trust_env = False
        for scheme in ("https://", "http://"):
            session.mount(scheme, InTime())
        session.verify = True if tls.ca is None else str(tls.ca)
        if tls.client_certificate is not None:
            key = tls.client_key
            session.cert = str(tls.client_certificate) if key is None else (str(tls.client_certificate), str(key))
        super().__init__(  # type: ignore[no-untyped-call]  # zeep is partly typed
            session=session, timeout=timeout, operation_timeout=timeout
        )
        session.headers.update({"User-Agent": "imsoc-gateway", "Accept-Encoding": "gzip"})
        self._timeout = timeout
        self._limits = limits

    def load(self, url: str) -> bytes:
        """A resource of the packages ``wsdl`` and ``xsd``; anything else is refused, nothing is fetched.

        Raises:
            ConfigurationError: IMG-0101.
        """
        parts = PurePosixPath(urlsplit(url).path).parts[1:]
        if not url.startswith(_BASE) or not parts or parts[0] not in _PACKAGES or ".." in parts:
            raise ConfigurationError(
                "IMG-0101", where="wsdl", found=url, expected="a file of the packages wsdl and xsd"
            )
        return resources.files(parts[0]).joinpath(*parts[1:]).read_bytes()

    def exchange(self, address: str, message: bytes, headers: dict[str, str]) -> HttpReply:
        """Send one message once and read the reply.

        Raises:
            DeliveryError: IMG-8001 or, of TLS, IMG-8007 nothing was sent; IMG-8002 it was sent and the answer was lost.
            UnusableReply: IMG-8003 the reply is too large or cannot be inflated.
        """
        ends = time.monotonic() + self._timeout
        try:
            response = self.session.post(
                address, data=message, headers=headers, timeout=self._timeout, stream=True, allow_redirects=False
            )
        except requests.exceptions.SSLError as error:
            raise _tls_failure(error) from error
        except requests.ConnectTimeout as error:
            raise DeliveryError("IMG-8001", found=type(error).__name__) from error
        except requests.ConnectionError as error:
            code = "IMG-8001" if _never_connected(error) else "IMG-8002"
            raise DeliveryError(code, found=type(error).__name__) from error
        except requests.RequestException as error:
            code = "IMG-8001" if isinstance(error, ValueError) else "IMG-8002"  # ValueError: the address is none
            raise DeliveryError(code, found=type(error).__name__) from error
        with response:
            try:
                content = self._read(response, ends)
            except (requests.RequestException, HTTPError, OSError) as error:
                raise DeliveryError("IMG-8002", found=type(error).__name__) from error
        try:
            content = inflate(content, response.headers.get("Content-Encoding", ""), self._limits)
        except XmlRefused as error:
            raise UnusableReply(response.status_code, error.message) from error
        told = response.headers.get(ERROR_HEADER, "")
        return HttpReply(response.status_code, response.headers.get("Content-Type", ""), content, told)

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> requests.Response:
        """What zeep's typed calls use: the bounded exchange as the object that zeep expects.

        zeep parses the reply again, so the boundary looks at it first.
        """
        reply = self.exchange(address, message, headers)
        try:
            parse(reply.content, limits=self._limits)
        except XmlRefused as error:
            raise UnusableReply(reply.status, error.message) from error
        response = requests.Response()
        response.status_code = reply.status
        response.headers["Content-Type"] = reply.content_type
        response._content = reply.content  # noqa: SLF001 - requests has no public way to make a Response
        return response

    def _read(self, response: requests.Response, ends: float) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._limits.max_bytes:
                raise UnusableReply(response.status_code, f"more than {self._limits.max_bytes:,} bytes")
            if time.monotonic() > ends:
                raise DeliveryError("IMG-8002", found="a reply that does not end")
        return b"".join(chunks)


def _never_connected(error: BaseException) -> bool:
    """Whether the failure came before a connection: then nothing of the message can have arrived."""
    return any(isinstance(cause, NewConnectionError) for cause in _causes(error))


def _tls_failure(error: BaseException) -> DeliveryError:
    """Who did not trust whom; what fails later, in the middle of an exchange, leaves its outcome open."""
    for cause in _causes(error):
        if isinstance(cause, HandshakeFailed) or (isinstance(cause, ssl.SSLError) and refuses_certificate(cause)):
            if refuses_certificate(cause):
                expected = "client_certificate and client_key that the partner knows"
            else:
                expected = "a server certificate of this host by an authority in ca (the public ones without it)"
            return DeliveryError("IMG-8007", found=reason_of(cause), expected=expected)
    return DeliveryError("IMG-8002", found=reason_of(list(_causes(error))[-1]))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The failure and what led to it, as requests and urllib3 wrap it."""
    seen = 0
    while error is not None and seen < 10:  # noqa: PLR2004 - chains are short; a circle must end
        yield error
        reason = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        inner = getattr(error, "reason", None)
        error = (inner if isinstance(inner, BaseException) else None) or reason or error.__cause__ or error.__context__
        seen += 1
