"""nginx ends mutual TLS in front of the gateway and hands the client certificate on (docs: server.trusted_proxies).

nginx connects from 127.0.0.2, the one trusted proxy; everybody else on this machine comes from 127.0.0.1, so a header
that a caller writes by himself can be tried on both ways in.
"""

from __future__ import annotations

import base64
import grp
import hashlib
import os
import pwd
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests
import zeep
from zeep.transports import Transport

from gateway.sandbox.pki import Authority, Credential, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import RunningGateway, World

pytestmark = [pytest.mark.interop]

PROXY = "127.0.0.2"
UNKNOWN = {"IssuerCountry": "AR", "TypeCode": "851", "ID": "AR-IT-NOWHERE"}
NO_CREDENTIALS = "IMG-2005"
NOT_FOUND = "IMG-7004"
"""Whoever gets this answer was let in."""

CONFIGURATION = """\
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 30m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    ssl_client_certificate {folder}/clients.pem; ssl_verify_client optional;
    location / {{
      proxy_pass {upstream}; proxy_bind {proxy}; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      # What the caller wrote under these names never gets through.
      proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
      proxy_set_header X-SSL-Client-Verify $ssl_client_verify;
      proxy_set_header Client-Cert "";
    }}
  }}
}}
"""


class Front:
    """nginx, the gateway behind it, and clients with certificates."""

    def __init__(self, address: str, gateway: RunningGateway, folder: Path) -> None:
        self.address = address
        self.gateway = gateway
        self.folder = folder
        self.pem = (folder / "partner.pem").read_text()
        self.der = ssl.PEM_cert_to_DER_cert(self.pem)

    def call(self, client: str = "", headers: dict[str, str] | None = None, *, direct: bool = False) -> Any:
        """The service, called with this client certificate and these extra headers."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.folder / "root.pem")
        if client:
            session.cert = (str(self.folder / f"{client}.pem"), str(self.folder / f"{client}.key"))
        session.headers.update(headers or {})
        soap = zeep.Client(self.gateway.wsdl, transport=Transport(session=session, timeout=10, operation_timeout=10))
        address = self.gateway.service if direct else f"{self.address}/CertificateExchange"
        return soap.create_service("{urn:imsoc:gateway:certificate-exchange:1}CertificateExchangeSoap11", address)

    def spoofed(self) -> list[dict[str, str]]:
        """The partner's certificate (certificates are public) in every header that a caller could write."""
        escaped, item = quote(self.pem, safe=""), ":" + base64.b64encode(self.der).decode() + ":"
        return [
            {"X-SSL-Client-Cert": escaped},
            {"X-SSL-Client-Cert": escaped, "X-SSL-Client-Verify": "SUCCESS"},
            {"X_SSL_Client_Cert": escaped},
            {"Client-Cert": item},
            {"Client_Cert": item},
            {"SSL-Client-Cert": escaped},
        ]


SPOOFED = range(6)


@pytest.fixture(scope="module")
def front(
    external: Callable[[str], str], world: World, start_gateway: Callable[..., RunningGateway]
) -> Iterator[Front]:
    nginx = external("nginx")
    folder = world.folder / "nginx"
    root = world.tls_root
    partner = root.tls_client("ar-senasa")
    write(folder, "server", root.tls_server("localhost", "127.0.0.1"))
    write(folder, "partner", partner)
    write(folder, "colleague", root.tls_client("another client of the same authority"))
    write(folder, "stranger", Authority("Nobody", now=datetime.now(UTC) - timedelta(minutes=5)).tls_client("stranger"))
    for name in ("root", "clients"):
        (folder / f"{name}.pem").write_bytes(root.certificate_pem)
    port = world.free_port()
    address = f"https://localhost:{port}"
    gateway = start_gateway(
        "behind-nginx",
        f'client_certificates = ["{_fingerprint(partner)}"]',
        server=f'trusted_proxies = ["{PROXY}"]',
        base_url=address,
    )
    user = f"user {pwd.getpwuid(os.getuid()).pw_name} {grp.getgrgid(os.getgid()).gr_name};" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(folder=folder, port=port, upstream=gateway.address, proxy=PROXY, user=user)
    )
    log = folder / "error.log"
    process = subprocess.Popen([nginx, "-p", str(folder), "-e", str(log), "-c", str(folder / "nginx.conf")])
    try:
        _wait_for(address, folder, process)
        yield Front(address, gateway, folder)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str, folder: Path, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert process.poll() is None, (folder / "error.log").read_text()
        try:
            if requests.get(f"{address}/health/ready", verify=str(folder / "root.pem"), timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail((folder / "error.log").read_text())


def test_certificate_lets_the_partner_in(front: Front, world: World) -> None:
    sealed = world.sealed()
    partner = front.call("partner")
    acknowledgement = partner.SubmitCertificate(SealedDocument=sealed.content)
    assert acknowledgement.SPSAcknowledgementDocument.StatusCode["_value_1"] == "70"
    identity = {"IssuerCountry": "AR", "TypeCode": "851", "ID": sealed.number}
    assert partner.GetCertificate(Document=identity).SealedDocument == sealed.content


def test_published_address_is_that_of_the_front(front: Front) -> None:
    wsdl = requests.get(
        f"{front.address}/CertificateExchange?wsdl", verify=str(front.folder / "root.pem"), timeout=10
    ).text
    assert f'location="{front.address}/CertificateExchange"' in wsdl


@pytest.mark.parametrize("client", ["", "colleague"])
def test_without_the_registered_certificate_nobody_comes_in(front: Front, client: str) -> None:
    with pytest.raises(zeep.exceptions.Fault, match="IMG-20"):
        front.call(client).GetCertificate(Document=UNKNOWN)


def test_certificate_of_another_authority_does_not_pass_nginx(front: Front) -> None:
    answer = requests.post(
        f"{front.address}/CertificateExchange",
        data=b"<anything/>",
        cert=(str(front.folder / "stranger.pem"), str(front.folder / "stranger.key")),
        verify=str(front.folder / "root.pem"),
        timeout=10,
    )
    assert answer.status_code == 400
    assert "SSL certificate error" in answer.text


@pytest.mark.parametrize("which", SPOOFED)
def test_header_written_by_the_caller_is_stripped_by_nginx(front: Front, which: int) -> None:
    with pytest.raises(zeep.exceptions.Fault, match=NO_CREDENTIALS):
        front.call(headers=front.spoofed()[which]).GetCertificate(Document=UNKNOWN)


@pytest.mark.parametrize("which", SPOOFED)
def test_header_written_by_the_caller_does_not_replace_another_certificate(front: Front, which: int) -> None:
    with pytest.raises(zeep.exceptions.Fault, match="IMG-20"):
        front.call("colleague", front.spoofed()[which]).GetCertificate(Document=UNKNOWN)


@pytest.mark.parametrize("which", SPOOFED)
def test_header_is_not_believed_from_others_than_the_proxy(front: Front, which: int) -> None:
    with pytest.raises(zeep.exceptions.Fault, match=NO_CREDENTIALS):
        front.call(headers=front.spoofed()[which], direct=True).GetCertificate(Document=UNKNOWN)


@pytest.mark.parametrize("which", [0, 1, 3], ids=["nginx", "nginx verified", "RFC 9440"])
def test_the_same_header_from_the_proxy_is_believed(front: Front, which: int) -> None:
    """Without this, the refusals above could have another reason."""
    service = front.call(headers=front.spoofed()[which], direct=True)
    service._client.transport.session.mount("http://", _From(PROXY))
    with pytest.raises(zeep.exceptions.Fault, match=NOT_FOUND):
        service.GetCertificate(Document=UNKNOWN)


class _From(requests.adapters.HTTPAdapter):
    """Connects from another address of this machine."""

    def __init__(self, address: str) -> None:
        self._source = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(self._source, 0), **options)


def _fingerprint(credential: Credential) -> str:
    return "sha256:" + hashlib.sha256(credential.certificate_der).hexdigest()
