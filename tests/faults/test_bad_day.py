"""Everything around the gateway fails for a moment: it says so, keeps nothing half, and goes on by itself."""

from __future__ import annotations

import os
import pwd
import resource
import socket
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from wsgiref.simple_server import WSGIRequestHandler, make_server

import psycopg
import pytest

from gateway.sandbox.pki import Authority
from gateway.sandbox.tsa import TimestampAuthority

pytestmark = pytest.mark.slow

KEPT = "SELECT (SELECT count(*) FROM exchanges) + (SELECT count(*) FROM documents) + (SELECT count(*) FROM nonces)"


class Wire(ThreadingTCPServer):
    """Stands between A and B; may lose a request before B has it, or B's answer."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), _Passing)
        self.port, self.lose_requests, self.lose_answers = port, 0, 0
        self.seen = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passing(StreamRequestHandler):
    """One HTTP request per connection, told to close afterwards."""

    def handle(self):
        lines = []
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            lines.append(line)
        if not lines:
            return
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        body = self.rfile.read(int(fields.get(b"content-length", b"0")))
        name = b"SubmitCertificate" if b"SubmitCertificateRequest" in body else b"GetCertificateStatus"
        self.server.seen.append(name.decode())
        if name == b"SubmitCertificate" and self.server.lose_requests:
            self.server.lose_requests -= 1
            return
        kept = [line for line in lines if not line.lower().startswith((b"connection:", b"keep-alive:"))]
        with closing(socket.create_connection(("127.0.0.1", self.server.port), timeout=10)) as onward:
            onward.sendall(b"".join(kept) + b"Connection: close\r\n\r\n" + body)
            answer = b"".join(iter(lambda: onward.recv(65536), b""))
        if name == b"SubmitCertificate" and self.server.lose_answers:
            self.server.lose_answers -= 1
            return
        self.wfile.write(answer)


@pytest.fixture
def wire():
    """``wire(b)`` puts a wire before B; a list of one, so that a test can turn it off."""
    made = []

    def make(b):
        made.append(Wire(b.port))
        return made[-1].address

    make.made = made
    yield make
    for each in made:
        each.shutdown()
        each.server_close()


def refused_for_now(ledger, envelope, code):
    """The whole envelope is refused with the code and may come again as it is, nonce included."""
    status, body = ledger.post(envelope)
    assert (status, code.encode() in body, b"<cx:Retry>later</cx:Retry>" in body) == (500, True, True), body


def accepted(ledger, envelope, document):
    status, body = ledger.post(envelope)
    assert status == 200, body
    ledger.sent[document.number, document.status] = document
    assert ledger.submit(document), "a repeat gets the same answer"


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_lost_message_is_unknown_resolved_by_a_read_and_there_once(pair, world, wire, lost):
    a, b, ledger = pair(via=wire)
    (line,) = wire.made
    setattr(line, f"lose_{lost}s", 1)
    a.start()
    assert ledger.submit(world.document())
    a.wait_settled()

    assert line.seen[:2] == ["SubmitCertificate", "GetCertificateStatus"]
    assert line.seen[2:] == (["SubmitCertificate"] if lost == "request" else [])
    ledger.assert_everything_arrived_once(b)
    b.assert_sound()


def test_a_partner_that_is_away_gets_everything_later_in_order(pair, world):
    a, b, ledger = pair(start_b=False)
    a.start()
    documents = [world.document() for _ in range(3)]
    documents.append(world.document(documents[0].number, "40"))
    documents.insert(3, world.document())
    for document in documents:
        assert ledger.submit(document)
    time.sleep(0.7)
    assert set(a.rows("SELECT state FROM deliveries")) == {("pending",)}
    a.kill()
    a.start()
    b.start()
    a.wait_settled()

    arrived = b.rows(
        "SELECT d.number, v.status_code FROM exchanges e JOIN document_versions v ON v.exchange_id = e.id "
        "JOIN documents d ON d.id = v.document_id ORDER BY e.id"
    )
    assert arrived == [(document.number, document.status) for document in documents]
    ledger.assert_everything_arrived_once(b)
    assert b.one("SELECT count(*) FROM exchanges") == len(documents)


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        """No line per request."""


def test_no_time_stamping_authority_refuses_and_recovers_by_itself(world, make_instance, ledger_of):
    root = Authority("Time stamping", now=world.now)
    (world.folder / "tsa.pem").write_bytes(root.certificate_pem)
    stamping = TimestampAuthority(root.timestamping("unit"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    a = make_instance(
        "gateway-a",
        "traces",
        settings=f'timestamp = "required"\ntimestamp_authorities = ["http://127.0.0.1:{port}/"]\n'
        'timestamp_anchors = ["../tsa.pem"]',
    )
    a.know(world.sender())
    a.start()
    ledger, document = ledger_of(a), world.document()
    envelope = ledger.envelope(document)

    refused_for_now(ledger, envelope, "IMG-9003")
    refused_for_now(ledger, envelope, "IMG-9003")
    assert a.one(KEPT) == 0

    with make_server("127.0.0.1", port, stamping, handler_class=_QuietHandler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        accepted(ledger, envelope, document)
        server.shutdown()
    ledger.assert_kept()
    a.assert_sound()
    assert b"EncapsulatedTimeStamp" in ledger.acknowledged[document.number, document.status]


def test_a_locked_database_waits_then_refuses_and_recovers_by_itself(world, make_instance, ledger_of):
    a = make_instance("gateway-a", "traces")
    a.know(world.sender())
    a.start()
    ledger = ledger_of(a)
    short, long = world.document(), world.document()
    envelope = ledger.envelope(long)
    with closing(sqlite3.connect(a.url.removeprefix("sqlite:///"), isolation_level=None)) as rival:
        rival.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ledger.submit, short)
            time.sleep(0.5)
            rival.execute("ROLLBACK")
            assert waiting.result(), "a short lock is waited for"
        rival.execute("BEGIN IMMEDIATE")
        refused_for_now(ledger, envelope, "IMG-9001")
        rival.execute("ROLLBACK")
    accepted(ledger, envelope, long)
    ledger.assert_kept()
    a.assert_sound()


def test_a_full_disk_refuses_and_recovers_by_itself(pair, world):
    a, b, ledger = pair()
    a.start()
    first, second = world.document(), world.document()
    assert ledger.submit(first)
    a.wait_settled()
    file = Path(a.url.removeprefix("sqlite:///"))
    used = file.with_name(f"{file.name}-wal").stat().st_size  # what is committed goes to the end of this one
    envelope = ledger.envelope(second)
    resource.prlimit(a.process.pid, resource.RLIMIT_FSIZE, (used + 8192, resource.RLIM_INFINITY))
    refused_for_now(ledger, envelope, "IMG-9001")
    refused_for_now(ledger, envelope, "IMG-9001")
    assert a.get("/health/live") == 200
    assert second.number not in a.numbers()
    a.assert_sound()

    resource.prlimit(a.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    accepted(ledger, envelope, second)
    a.wait_settled()
    ledger.assert_kept()
    ledger.assert_everything_arrived_once(b)
    a.assert_sound()


def answered(ledger, document, refused):
    """Whether it was acknowledged; any refusal but "the store does not answer" fails the test."""
    status, body = ledger.post(ledger.envelope(document))
    if status == 200:
        return ledger.note(document, body)
    assert b"IMG-9001" in body, body
    refused.append(document)
    return False


def postmaster(url):
    """Restart program, data folder and its owner, of the server behind a URL."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        data = Path(connection.execute("SHOW data_directory").fetchone()[0])
    pid = int((data / "postmaster.pid").read_text().split()[0])
    program = Path(f"/proc/{pid}/exe").resolve().with_name("pg_ctl")
    return program, data, data.stat().st_uid


def test_postgresql_restarted_in_the_middle(pair, world, pg_url):
    program, data, owner = postmaster(pg_url)
    if not program.exists():
        pytest.skip("pg_ctl is not installed beside the server")
    user = pwd.getpwuid(owner).pw_name if os.geteuid() == 0 and owner else None
    a, b, ledger = pair(url=pg_url)
    a.start()
    going, refused, failures = [True], [], []

    def send():
        try:
            while going:
                document = world.document()
                ledger.sent[document.number, document.status] = document
                while not answered(ledger, document, refused):
                    time.sleep(0.05)
                time.sleep(0.02)
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    for mode in ("immediate", "fast"):
        subprocess.run(
            [program, "restart", "--pgdata", data, "--mode", mode, "--wait", "--silent", "--log", data / "again.log"],
            check=True,
            user=user,
            cwd=data,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        time.sleep(0.5)
    going.clear()
    for thread in threads:
        thread.join()

    assert failures == []
    assert refused, "no message met the restart"
    a.wait_settled()
    ledger.assert_kept()
    ledger.assert_everything_arrived_once(b)
    a.assert_sound()


@pytest.mark.parametrize("server", ["", 'trusted_proxies = ["192.0.2.1"]'], ids=["granian", "gunicorn"])
def test_a_second_process_on_the_same_sqlite_file_refuses_to_start(pair, world, make_instance, server):
    a, _, ledger = pair()
    a.start()
    second = make_instance("gateway-second", "traces", url=a.url, server=server)
    second.launch(real=True)
    assert second.process.wait(30) == 2
    said = second.log.read_text()
    assert "IMG-0110" in said
    assert f"process {a.process.pid}" in said
    assert "what to do" in said
    assert "Traceback" not in said
    assert ledger.submit(world.document()), "the first is not disturbed"
