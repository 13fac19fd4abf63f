"""Who is at the other end: the address, and the client certificate that a TLS handshake proved.

The certificate comes from the WSGI server itself (``gateway.serve`` shows it), or from a reverse proxy named in the
settings: RFC 9440's ``Client-Cert``, or nginx's escaped PEM in ``X-SSL-Client-Cert``. From everybody else both headers
are as if they were not there. WSGI writes ``Client-Cert`` and ``Client_Cert`` alike, so the server must drop names with
underscores before this module sees them (``gateway.serve`` does).
"""

from __future__ import annotations

import base64
import binascii
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from gateway.errors import ConfigurationError, SoapRefused
from gateway.soap.models import TransportPeer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["OWN_CERTIFICATE", "ProxyPolicy", "peer_of"]

OWN_CERTIFICATE: Final = "imsoc.client_certificate"
"""Where ``gateway.serve`` puts the DER of the handshake's certificate: no header can have this name."""
RFC9440: Final = "HTTP_CLIENT_CERT"
NGINX_PEM: Final = "HTTP_X_SSL_CLIENT_CERT"
NGINX_VERIFY: Final = "HTTP_X_SSL_CLIENT_VERIFY"
MAX_CERTIFICATE: Final = 16_384
"""Bytes of a certificate, and of a header that carries one; real ones have 1 to 3 KB."""
_DER_SEQUENCE: Final = 0x30


@dataclass(frozen=True, slots=True)
class ProxyPolicy:
    """The reverse proxies whose headers are believed."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, addresses: Iterable[str]) -> ProxyPolicy:
        """From addresses or networks as written in the settings.

        Raises:
            ConfigurationError: IMG-0101.
        """
        networks = []
        for address in addresses:
            try:
                networks.append(ip_network(address))
            except ValueError as error:
                raise ConfigurationError(
                    "IMG-0101", where="server.trusted_proxies", found=address, expected="an IP address or network"
                ) from error
        return cls(tuple(networks))

    def trusts(self, address: str) -> bool:
        """Whether this address is one of the proxies."""
        if not self.networks:
            return False
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self.networks)


def peer_of(environ: Mapping[str, Any], policy: ProxyPolicy) -> TransportPeer:
    """The peer of a request.

    Raises:
        SoapRefused: IMG-1112 when a trusted proxy sends more than one certificate, or one that cannot be read.
    """
    address = str(environ.get("REMOTE_ADDR", ""))
    secure = environ.get("wsgi.url_scheme") == "https"
    if not policy.trusts(address):
        return TransportPeer(address, secure, _own(environ) if secure else None)
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    secure = secure or str(environ.get("HTTP_X_FORWARDED_PROTO", "")).strip().lower() == "https"
    certificate = _forwarded(environ)
    return TransportPeer(forwarded or address, secure or certificate is not None, certificate, forwarded=True)


def _own(environ: Mapping[str, Any]) -> bytes | None:
    """The certificate that the WSGI server's own handshake proved."""
    certificate = environ.get(OWN_CERTIFICATE)
    return certificate if isinstance(certificate, bytes) else None


def _forwarded(environ: Mapping[str, Any]) -> bytes | None:
    values = {name: str(environ[name]).strip() for name in (RFC9440, NGINX_PEM) if environ.get(name)}
    if not values:
        return None
    if len(values) > 1 or any("," in value or len(value) > 3 * MAX_CERTIFICATE for value in values.values()):
        raise SoapRefused("IMG-1112", where="Client-Cert, X-SSL-Client-Cert", expected="one certificate in one header")
    verified = environ.get(NGINX_VERIFY)
    if verified is not None and verified != "SUCCESS":
        raise SoapRefused("IMG-1112", where="X-SSL-Client-Verify", found=str(verified), expected="SUCCESS")
    name, value = values.popitem()
    try:
        der = _from_binary_item(value) if name == RFC9440 else _from_escaped_pem(value)
    except (binascii.Error, ValueError) as error:
        raise SoapRefused("IMG-1112", where="Client-Cert" if name == RFC9440 else "X-SSL-Client-Cert") from error
    return der


def _from_binary_item(value: str) -> bytes:
    """A Byte Sequence of RFC 8941: base64 between colons."""
    if len(value) < 2 or value[0] != ":" or value[-1] != ":":  # noqa: PLR2004 - the two colons
        raise ValueError("no byte sequence")
    return _certificate(base64.b64decode(value[1:-1], validate=True))


def _from_escaped_pem(value: str) -> bytes:
    pem = unquote(value, errors="strict").strip()
    if pem.count("-----BEGIN CERTIFICATE-----") != 1:
        raise ValueError("not one certificate")
    return _certificate(ssl.PEM_cert_to_DER_cert(pem))


def _certificate(der: bytes) -> bytes:
    if not der or der[0] != _DER_SEQUENCE or len(der) > MAX_CERTIFICATE:
        raise ValueError("no certificate")
    return der
