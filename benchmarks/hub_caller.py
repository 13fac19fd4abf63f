"""A gateway in the hub's role with two members, and how the benchmark calls it: one connection, requests made ahead."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from benchmarks.http import free_port
from benchmarks.ours import make_gateway
from gateway.sandbox.pki import Authority
from gateway.sandbox.samples import certificate
from gateway.xml.names import HUB, HUBENT, SOAP11

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RECEIVER", "SENDER", "Caller", "Server", "deliver_request", "envelope", "expect", "hub_number", "request"]

PATH = "/hub/DeliveryService"
SENDER, RECEIVER = "bench-ar", "bench-nl"

_MEMBER = """
[partner]
id = "{id}"
name = "Member of the benchmark"
kind = "third-country"
country = "{country}"
contracts = ["ippc-hub"]
document_types = ["851"]
country_pairs = ["{country}>*", "*>{country}"]
code_system = "ephyto"
[partner.authentication]
client_certificates = ["sha256:{fingerprint}"]
[partner.hub]
countries = ["{country}"]
"""


class Server:
    """What a run needs to know of the gateway: its settings, its port, and the certificates of its members."""

    def __init__(self, keys: Path, name: str) -> None:
        root = Authority("Benchmark members", now=datetime.now(UTC))
        ders = {country: root.tls_client(f"Benchmark {country}").certificate_der for country in ("AR", "NL")}
        members = tuple(
            _MEMBER.format(id=id_, country=country, fingerprint=hashlib.sha256(ders[country]).hexdigest())
            for id_, country in ((SENDER, "AR"), (RECEIVER, "NL"))
        )
        self.certificates = {country: f":{base64.b64encode(der).decode()}:" for country, der in ders.items()}
        self.port = free_port()
        self.settings = make_gateway(
            keys,
            keys / name,
            port=self.port,
            roles=("traces", "hub"),
            server='trusted_proxies = ["127.0.0.1"]',
            partners=members,
        )

    def caller(self, country: str) -> Caller:
        return Caller(self.port, {"Client-Cert": self.certificates[country]})


class Caller:
    """One connection, opened with the first call and after each `fresh`."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Content-Type": "text/xml; charset=utf-8", "X-Forwarded-Proto": "https", **headers}

    def fresh(self) -> None:
        """A new connection: the server closes one that was idle for a while."""
        self._connection.close()
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, operation: str, body: bytes) -> tuple[float, bytes]:
        """Seconds and answer of one call of the hub's contract."""
        start = time.perf_counter()
        answer = self.post(PATH, f"{HUB}IDeliveryService/{operation}", body)
        return time.perf_counter() - start, answer

    def post(self, path: str, action: str, body: bytes) -> bytes:
        """The answer.

        Raises:
            RuntimeError: HTTP status other than 200.
        """
        self._connection.request("POST", path, body, {**self._headers, "SOAPAction": f'"{action}"'})
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"{action}: {response.status} {answer[:1500].decode(errors='replace')}")
        return answer


def envelope(number: str, size: int) -> bytes:
    return deliver_request(number, certificate(number=number, size_hint=size))


def deliver_request(number: str, document: bytes) -> bytes:
    return _soap(
        "DeliverEnvelope",
        f'<hub:env xmlns:e="{HUBENT}"><e:From>AR</e:From><e:To>NL</e:To><e:CertificateType>851</e:CertificateType>'
        f"<e:CertificateStatus>70</e:CertificateStatus><e:NPPOCertificateNumber>{escape(number)}</e:NPPOCertificateNumber>"
        f"<e:Content>{escape(document.decode())}</e:Content></hub:env>",
    )


def request(operation: str, number: str = "") -> bytes:
    return _soap(operation, f"<hub:hubTrackingNumber>{escape(number)}</hub:hubTrackingNumber>" if number else "")


def _soap(operation: str, inner: str) -> bytes:
    return (
        f'<soap:Envelope xmlns:soap="{SOAP11}" xmlns:hub="{HUB}"><soap:Body><hub:{operation}>{inner}</hub:{operation}>'
        "</soap:Body></soap:Envelope>"
    ).encode()


def hub_number(answer: bytes) -> str:
    found = re.search(rb"hubDeliveryNumber>([^<]+)<", answer)
    if found is None:
        raise RuntimeError(answer[:2000].decode(errors="replace"))
    return found[1].decode()


def expect(answer: bytes, expected: bytes) -> None:
    if expected not in answer:
        raise RuntimeError(answer[:2000].decode(errors="replace"))
