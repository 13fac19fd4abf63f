"""TLS towards partners that do not trust us or whom we do not trust: the reason is said, and nothing was sent."""

import os
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from socket import create_server

import pytest

from gateway.errors import DeliveryError
from gateway.sandbox.pki import Authority, write
from gateway.soap.tls import TlsSettings, reason_of, try_handshake
from gateway.soap.transport import PackageTransport
from gateway.xml.limits import DEFAULT_LIMITS


@pytest.fixture
def files(tmp_path):
    """Two authorities, each with a server and a client."""
    for name in ("ours", "theirs"):
        authority = Authority(name, now=datetime.now(UTC))
        (tmp_path / f"{name}.pem").write_bytes(authority.certificate_pem)
        write(tmp_path, f"{name}-server", authority.tls_server("127.0.0.1"))
        write(tmp_path, f"{name}-client", authority.tls_client("caller"))
    return tmp_path


@contextmanager
def serving(files, *, newest=ssl.TLSVersion.TLSv1_3, wanted="", behave=None):
    """One connection: the handshake, a read, and what it is told. Requests that it read are in the list."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "ours-server.pem", files / "ours-server.key")
    context.maximum_version = newest
    if wanted:
        context.load_verify_locations(files / f"{wanted}.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    read = []

    def run():
        connection, _ = listener.accept()
        connection.settimeout(5)
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            read.append(secured.recv(65_536))
            if behave is not None:
                behave(secured)
        connection.close()

    with create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1], read
        thread.join(5)


def tls(files, *, ca="ours", client=""):
    if not client:
        return TlsSettings(ca=files / f"{ca}.pem")
    return TlsSettings(files / f"{ca}.pem", files / f"{client}-client.pem", files / f"{client}-client.key")


def post(port, settings, host="127.0.0.1"):
    transport = PackageTransport(timeout=3, limits=DEFAULT_LIMITS, tls=settings)
    with pytest.raises(DeliveryError) as caught:
        transport.exchange(f"https://{host}:{port}/", b"<a/>", {"Content-Type": "text/xml"})
    return caught.value


def test_a_server_of_an_authority_that_we_do_not_trust(files):
    with serving(files) as (port, read):
        refused = post(port, tls(files, ca="theirs"))
    assert refused.code == "IMG-8007"
    assert refused.found.startswith("certificate verify failed: ")
    assert "ca" in refused.expected
    assert not any(read)


def test_a_server_of_another_host(files):
    with serving(files) as (port, read):
        refused = post(port, tls(files), "localhost")
    assert refused.code == "IMG-8007"
    assert "Hostname mismatch" in refused.found
    assert not any(read)


@pytest.mark.parametrize(("client", "reason"), [("theirs", "alert unknown ca"), ("", "alert")])
def test_a_server_that_does_not_take_our_certificate(files, client, reason):
    with serving(files, wanted="ours", newest=ssl.TLSVersion.TLSv1_2) as (port, read):
        refused = post(port, tls(files, client=client))
    assert refused.code == "IMG-8007"
    assert refused.found.startswith(reason)
    assert not any(read)


def test_in_tls_1_3_the_alert_comes_when_we_have_written_and_may_be_lost(files):
    with serving(files, wanted="ours") as (port, read):
        refused = post(port, tls(files, client="theirs"))
    assert refused.code in {"IMG-8007", "IMG-8002"}
    if refused.code == "IMG-8007":
        assert (refused.found, "client_certificate" in refused.expected) == ("alert unknown ca", True)
    assert not any(read)


def test_what_breaks_after_the_request_leaves_the_outcome_open(files):
    """It was taken for unsent, and would have been sent again."""

    def garble(secured):
        os.write(secured.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
        with suppress(OSError):  # closed with something unread, the reset may overtake what was written
            while os.read(secured.fileno(), 65_536):
                pass

    with serving(files, behave=garble) as (port, read):
        refused = post(port, tls(files))
    assert refused.code == "IMG-8002"
    assert "bad record mac" in refused.found
    assert any(read)


def test_a_server_without_tls(files):
    def plain():
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=plain)
        thread.start()
        refused = post(listener.getsockname()[1], tls(files))
        thread.join()
    assert (refused.code, "does not speak TLS" in refused.found) == ("IMG-8007", True)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_is_tried_with_the_files(files, newest):
    with serving(files, wanted="ours", newest=newest) as (port, _):
        assert try_handshake("127.0.0.1", port, tls(files, client="ours"), seconds=3) in {"TLSv1.2", "TLSv1.3"}
    for settings, reason in (
        (tls(files, client="theirs"), "alert unknown ca"),
        (tls(files), "alert"),
        (tls(files, ca="theirs", client="ours"), "certificate verify failed"),
    ):
        with serving(files, wanted="ours", newest=newest) as (port, _), pytest.raises(ssl.SSLError) as caught:
            try_handshake("127.0.0.1", port, settings, seconds=3)
        assert reason_of(caught.value).startswith(reason)
