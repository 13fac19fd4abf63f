"""The development PKI."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from gateway.sandbox.pki import Authority, write, write_development_pki

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_everything_for_the_journey_is_written(tmp_path):
    files = write_development_pki(tmp_path / "new", now=NOW)
    assert {"gateway-root", "partner-root", "tsa-root", "seal", "seal-key", "partner-seal", "tsa"} <= set(files)
    for name, path in files.items():
        mode = stat.S_IMODE(Path(path).stat().st_mode)
        assert mode == 0o600 if name.endswith("-key") else Path(path).read_bytes().startswith(b"-----BEGIN CERT")


def test_each_authority_has_a_key_of_its_own(tmp_path):
    files = write_development_pki(tmp_path, now=NOW)
    roots = [
        x509.load_pem_x509_certificate(Path(files[name]).read_bytes())
        for name in ("gateway-root", "partner-root", "tsa-root")
    ]
    assert len({root.public_key().public_numbers() for root in roots}) == 3


def test_a_tls_server_is_believed_by_a_client_that_knows_the_root(tmp_path):
    root = Authority("TLS root", now=datetime.now(UTC))
    certificate, key = write(tmp_path, "server", root.tls_server("localhost", "127.0.0.1"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=root.certificate_pem.decode())
    assert handshake(client, server, "localhost")
    assert handshake(client, server, "127.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client, server, "other.invalid")


def handshake(client, server, name):
    """A TLS handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
    return not ends
