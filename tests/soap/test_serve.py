"""The production servers as real processes: signals, killed parents, headers, client certificates."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.config import ServerSettings, Settings
from gateway.errors import ConfigurationError
from gateway.serve import Engine, check_tls, engine_for, serve

FACTORY = """
import hashlib, json, os, time
from gateway.soap.peer import OWN_CERTIFICATE

class Application:
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            open(f"{self.folder}/began", "w").close()
            time.sleep(0.7)
        seen = {name: value for name, value in environ.items() if isinstance(value, str)}
        seen["body"] = environ["wsgi.input"].read(100).decode()
        seen["pid"] = os.getpid()
        certificate = environ.get(OWN_CERTIFICATE)
        seen["certificate"] = certificate and hashlib.sha256(certificate).hexdigest()
        body = json.dumps(seen).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def close(self):
        with open(f"{self.folder}/closed", "a") as log:
            log.write("closed\\n")

def build(settings):
    return Application(settings.store.url)
"""
PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from gateway.config import Settings
from gateway.serve import serve
folder, port, proxies, tls = sys.argv[1:]
settings = Settings.load(None, {})
server = replace(settings.server, port=int(port), trusted_proxies=tuple(filter(None, [proxies])), threads=2)
if tls:
    server = replace(server, tls_certificate=Path(folder, "server.pem"), tls_key=Path(folder, "server.key"))
if tls == "mutual":
    server = replace(server, client_ca=Path(folder, "ca.pem"))
serve(replace(settings, server=server, store=replace(settings.store, url=folder)), factory="served_by_test:build")
"""
ENGINES = pytest.mark.parametrize("proxy", ["", "127.0.0.1"], ids=["granian", "gunicorn"])


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def fetch(port, path="/x", *, context=None, headers=(), body=None, chunked=False):
    kind = http.client.HTTPConnection if context is None else http.client.HTTPSConnection
    options = {} if context is None else {"context": context}
    connection = kind("127.0.0.1", port, timeout=10, **options)
    connection.putrequest("POST", path)
    for name, value in headers:
        connection.putheader(name, value)
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    elif body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body, encode_chunked=chunked)
    with connection.getresponse() as response:
        return json.loads(response.read())


@contextmanager
def running(folder, proxy="", tls=""):
    (folder / "served_by_test.py").write_text(FACTORY)
    port = free_port()
    environ = {**os.environ, "PYTHONPATH": str(folder), "A_SECRET": "leaks", "HTTP_FORGED": "leaks"}
    arguments = [sys.executable, "-c", PROGRAM, str(folder), str(port), proxy, tls]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(arguments, env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield process, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@ENGINES
def test_requests_are_served_and_nothing_of_the_process_leaks_into_them(tmp_path, proxy):
    with running(tmp_path, proxy) as (_, port):
        seen = fetch(port, headers=[("Client-Cert", ":AA==:"), ("X-Other", "y")], body=b"abc", chunked=True)
        assert (seen["body"], seen["HTTP_CLIENT_CERT"], seen["HTTP_X_OTHER"]) == ("abc", ":AA==:", "y")
        assert seen["REMOTE_ADDR"] == "127.0.0.1"
        assert "leaks" not in seen.values()
        assert not {"A_SECRET", "HTTP_FORGED", "PATH", "PYTHONPATH"} & set(seen)


def test_where_certificates_matter_an_underscore_does_not_overwrite_the_header(tmp_path):
    with running(tmp_path, "127.0.0.1") as (_, port):
        for order in (1, -1):
            headers = [("Client-Cert", ":AA==:"), ("Client_Cert", ":Qg==:"), ("X_SSL_Client_Cert", "forged")][::order]
            seen = fetch(port, headers=headers, body=b"")
            assert seen["HTTP_CLIENT_CERT"] == ":AA==:"
            assert "HTTP_X_SSL_CLIENT_CERT" not in seen
        seen = fetch(port, headers=[("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "198.51.100.4")], body=b"")
        assert (seen["wsgi.url_scheme"], seen["REMOTE_ADDR"]) == ("http", "127.0.0.1"), "our own policy decides"


@ENGINES
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_progress_ends_before_the_server_does(tmp_path, proxy, number):
    with running(tmp_path, proxy) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            while not (tmp_path / "began").exists():
                time.sleep(0.02)
            process.send_signal(number)
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 200")
        assert process.wait(15) == 0
        assert (tmp_path / "closed").read_text() == "closed\n", "the application was closed once"


@ENGINES
def test_no_worker_outlives_a_killed_parent(tmp_path, proxy):
    with running(tmp_path, proxy) as (process, port):
        worker = fetch(port, body=b"")["pid"]
        assert worker != process.pid
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and _alive(worker):
            time.sleep(0.1)
        assert not _alive(worker)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a line of the kernel
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _usage(*, authority):
    names = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign")
    others = dict.fromkeys((*names, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, **others)


def _certificate(folder, name, issuer=None, *, authority=False):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_key, issuer_name = (key, subject) if issuer is None else issuer
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_usage(authority=authority), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return (key, subject), certificate.fingerprint(hashes.SHA256()).hex()


def test_the_application_sees_the_certificate_of_the_handshake(tmp_path):
    authority, _ = _certificate(tmp_path, "ca", authority=True)
    _certificate(tmp_path, "server", authority)
    _, fingerprint = _certificate(tmp_path, "client", authority)
    _certificate(tmp_path, "stranger")
    with running(tmp_path, tls="mutual") as (_, port):
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        forged = [("imsoc.client_certificate", "x"), ("Client-Cert", ":AA==:")]
        assert fetch(port, context=context, headers=forged, body=b"")["certificate"] is None
        context.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        seen = fetch(port, context=context, headers=forged, body=b"")
        assert (seen["certificate"], seen["wsgi.url_scheme"]) == (fingerprint, "https")
        strange = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        strange.load_cert_chain(tmp_path / "stranger.pem", tmp_path / "stranger.key")
        with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
            fetch(port, context=strange, body=b"")


def test_tls_without_client_certificates(tmp_path):
    authority, _ = _certificate(tmp_path, "ca", authority=True)
    _certificate(tmp_path, "server", authority)
    with running(tmp_path, tls="plain") as (_, port):
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        assert fetch(port, context=context, body=b"")["wsgi.url_scheme"] == "https"


def _damage(folder, file, what):
    if what == "missing":
        (folder / file).unlink()
    elif what == "another's":
        (folder / file).write_bytes((folder / "stranger.key").read_bytes())
    elif what == "encrypted":
        key = serialization.load_pem_private_key((folder / file).read_bytes(), None)
        secret = serialization.BestAvailableEncryption(b"secret")
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (folder / file).write_bytes(key.private_bytes(*form, secret))
    else:
        (folder / file).write_text(what)


@pytest.mark.parametrize(
    ("file", "what", "where", "found"),
    [
        ("ca.pem", "missing", "server.client_ca", "No such file"),
        ("ca.pem", "nothing of the kind", "server.client_ca", "no certificate or crl found"),
        ("server.key", "missing", "server.tls_key", "No such file"),
        ("server.key", "another's", "server.tls_certificate, server.tls_key", "key values mismatch"),
        ("server.key", "encrypted", "server.tls_certificate, server.tls_key", "not PEM, or encrypted"),
        ("server.key", "nothing of the kind", "server.tls_certificate, server.tls_key", "not PEM"),
        ("server.pem", "nothing of the kind", "server.tls_certificate, server.tls_key", "not PEM"),
    ],
)
def test_tls_files_that_cannot_be_used_are_named_before_anything_listens(tmp_path, file, what, where, found):
    authority, _ = _certificate(tmp_path, "ca", authority=True)
    _certificate(tmp_path, "server", authority)
    _certificate(tmp_path, "stranger")
    port = free_port()
    server = ServerSettings(
        port=port,
        tls_certificate=tmp_path / "server.pem",
        tls_key=tmp_path / "server.key",
        client_ca=tmp_path / "ca.pem",
    )
    check_tls(server)
    _damage(tmp_path, file, what)
    with pytest.raises(ConfigurationError) as caught:
        serve(replace(Settings.load(None, {}), server=server), factory="gateway.errors:catalogue")
    assert (caught.value.code, caught.value.where) == ("IMG-0101", where)
    assert found in caught.value.found
    assert str(tmp_path / file) in caught.value.found


@pytest.mark.parametrize(("tls", "scheme"), [("", "http"), ("plain", "https"), ("mutual", "https")])
def test_the_start_is_told_alike_by_both_servers(tmp_path, tls, scheme):
    authority, _ = _certificate(tmp_path, "ca", authority=True)
    _certificate(tmp_path, "server", authority)
    with running(tmp_path, tls=tls) as (_, port):
        deadline = time.monotonic() + 10
        line = f"[INFO] Listening at: {scheme}://127.0.0.1:{port}\n"
        while line not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (tmp_path / "log").read_text().count(line) == 1


def test_the_engine_follows_from_the_need(tmp_path):
    assert engine_for(ServerSettings()) is Engine.GRANIAN
    assert engine_for(ServerSettings(trusted_proxies=("127.0.0.1",))) is Engine.GUNICORN
    assert engine_for(ServerSettings(client_ca=tmp_path)) is Engine.GUNICORN


@pytest.mark.parametrize(
    ("server", "factory", "where"),
    [
        ({}, "gateway.missing:build", "factory"),
        ({}, "gateway.errors:missing", "factory"),
        ({}, "nonsense", "factory"),
        ({"tls_key": "k.pem"}, "gateway.errors:catalogue", "server.tls_certificate, server.tls_key"),
        ({"client_ca": "c.pem"}, "gateway.errors:catalogue", "server.client_ca"),
    ],
)
def test_what_cannot_be_served_is_named_before_anything_starts(server, factory, where):
    settings = Settings.load(None, {})
    with pytest.raises(ConfigurationError) as caught:
        serve(replace(settings, server=replace(settings.server, **server)), factory=factory)
    assert caught.value.where == where


@pytest.mark.parametrize("proxy", [(), ("127.0.0.1",)], ids=["granian", "gunicorn"])
def test_a_port_in_use_is_not_shared(proxy):
    settings = Settings.load(None, {})
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = replace(settings.server, port=other.getsockname()[1], trusted_proxies=proxy)
        with pytest.raises(ConfigurationError) as caught:
            serve(replace(settings, server=server), factory="gateway.errors:catalogue")
    assert caught.value.code == "IMG-0115"
    assert str(server.port) in caught.value.found


def test_an_address_of_another_machine_is_named():
    settings = Settings.load(None, {})
    with pytest.raises(ConfigurationError) as caught:
        serve(replace(settings, server=replace(settings.server, host="192.0.2.1")), factory="gateway.errors:catalogue")
    assert (caught.value.code, caught.value.where) == ("IMG-0115", "server.host, server.port")
