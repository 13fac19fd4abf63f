"""Gateways in process groups of their own that may be killed, a sender that keeps a ledger, and a look at what is left.

Gateway A takes a third country's certificates and delivers them to gateway B, as in the sandbox. A gateway is either
the real ``imsoc serve`` (``real=True``) or the same application over a real socket, forked by ``runner.py``.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from lxml import etree

from gateway.sandbox.pki import Authority, write
from gateway.sandbox.samples import certificate
from gateway.store import open_store, save_partner, upgrade
from gateway.trust.sealer import Sealer

HERE = Path(__file__).parent
CX = "urn:imsoc:gateway:certificate-exchange:1"
WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
START_SECONDS = 60.0
SETTLE_SECONDS = 60.0

LEFT = {
    "an accepted exchange without its version": "SELECT e.id FROM exchanges e LEFT JOIN document_versions v "
    "ON v.exchange_id = e.id WHERE e.outcome = 'accepted' AND v.exchange_id IS NULL",
    "a version without an accepted exchange": "SELECT v.exchange_id FROM document_versions v LEFT JOIN exchanges e "
    "ON e.id = v.exchange_id AND e.outcome = 'accepted' WHERE e.id IS NULL",
    "a version without its parts": "SELECT v.exchange_id FROM document_versions v LEFT JOIN exchange_parts p "
    "ON p.exchange_id = v.exchange_id WHERE p.acknowledgement IS NULL OR p.content IS NULL OR p.translated IS NULL "
    "OR p.seal_verdict IS NULL OR p.certificates IS NULL",
    "parts that belong to nothing": "SELECT p.exchange_id FROM exchange_parts p LEFT JOIN exchanges e "
    "ON e.id = p.exchange_id WHERE e.id IS NULL OR e.outcome = 'repeat'",
    "a document without its current version": "SELECT d.id FROM documents d LEFT JOIN document_versions v "
    "ON v.exchange_id = d.version_id AND v.document_id = d.id AND v.status_code = d.status_code "
    "WHERE v.exchange_id IS NULL",
    "a version that is not in the outbox of every receiver": "SELECT v.exchange_id FROM document_versions v "
    "CROSS JOIN lanes l LEFT JOIN deliveries d ON d.exchange_id = v.exchange_id AND d.lane = l.partner "
    "WHERE d.id IS NULL AND l.partner = 'gateway-b'",
    "an accepted exchange without its seal value": "SELECT e.id FROM exchanges e LEFT JOIN seal_values s "
    "ON s.exchange_id = e.id WHERE e.outcome = 'accepted' AND s.exchange_id IS NULL",
    "an exchange that is not in the audit once": "SELECT e.id FROM exchanges e LEFT JOIN audit a "
    "ON a.subject = e.id AND a.action LIKE 'SubmitCertificate %' WHERE e.operation = 'SubmitCertificate' "
    "GROUP BY e.id HAVING count(a.seq) <> 1",
    "a settled delivery without payload or receipt": "SELECT d.id FROM deliveries d LEFT JOIN delivery_parts p "
    "ON p.seq = d.seq WHERE d.state = 'delivered' AND p.receipt IS NULL",
}
"""What must never be found, however the process ended."""

NONCES = "SELECT count(*) FROM nonces WHERE kind = 'nonce'"
CALLS = "SELECT (SELECT count(*) FROM exchanges) + (SELECT count(*) FROM audit WHERE action = 'GetCertificateStatus')"
ACCEPTED = (
    "SELECT d.number, v.status_code, p.acknowledgement, p.content, e.id FROM documents d JOIN document_versions v "
    "ON v.document_id = d.id JOIN exchanges e ON e.id = v.exchange_id JOIN exchange_parts p ON p.exchange_id = e.id"
)


@dataclass(frozen=True)
class Document:
    """A sealed certificate of the third country."""

    number: str
    status: str
    content: bytes


@dataclass
class World:
    """The authorities and files of one test."""

    folder: Path
    stable: Stable

    def __post_init__(self):
        self.now = datetime.now(UTC) - timedelta(minutes=1)
        self.third, self.own = Authority("Third country", now=self.now, country="AR"), Authority("Own", now=self.now)
        seal = self.third.seal("Organisation")
        self.sealer = Sealer(seal.key, seal.certificate_der, seal.chain_der)
        self.numbers = itertools.count(1)
        write(self.folder, "seal", self.own.seal("Gateway seal"))

    def document(self, number=None, status="70"):
        number = number or f"AR-FAULT-{next(self.numbers):07d}"
        content = self.sealer.seal(certificate(number=number, status=status, lines=1), at=datetime.now(UTC))
        return Document(number, status, content)

    def secret(self, name):
        path = self.folder / f"{name}.secret"
        path.write_text(f"secret of {name}")
        return f"file:{path}"

    def partner(self, partner_id, kind, root, **more):
        anchor = {"name": "root", "certificate_pem": root.certificate_pem.decode(), "purposes": ["seal"]}
        return {
            "id": partner_id,
            "name": "invented",
            "kind": kind,
            "country": "*",
            "contracts": ["certificate-exchange"],
            "document_types": ["*"],
            "country_pairs": ["*>*"],
            "timestamp": "optional",
            "authentication": {"username": partner_id, "secret": self.secret(partner_id)},
            "anchors": [{**anchor, "level": "advanced"}],
            **more,
        }

    def sender(self):
        return self.partner("ar", "third-country", self.third, country="AR", code_system="ephyto")

    def receiver(self, address, timeout=5.0):
        return self.partner(
            "gateway-b",
            "national",
            self.own,
            code_system="national-b",
            delivery={
                "adapter": "certificate-exchange",
                "address": f"{address}/CertificateExchange",
                "username": "gateway-a",
                "secret": self.secret("gateway-a"),
                "timeout_seconds": timeout,
            },
        )

    def upstream(self):
        return self.partner("gateway-a", "traces", self.own, code_system="national-b")


class Stable:
    """``runner.py``, started when it is first needed."""

    def __init__(self):
        self._process = None

    def ask(self, **command):
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "runner.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean()
            )
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(10)


class Spawned(subprocess.Popen):
    """A process whose `wait` gives None when it still runs."""

    def wait(self, timeout=None):
        try:
            return super().wait(timeout)
        except subprocess.TimeoutExpired:
            return None


class Forked:
    """A process of the stable, with what the tests use of ``subprocess.Popen``."""

    def __init__(self, stable, pid):
        self.stable, self.pid, self.returncode = stable, pid, None

    def wait(self, seconds):
        if self.returncode is None:
            self.returncode = self.stable.ask(wait=self.pid, seconds=seconds)
        return self.returncode


@dataclass
class Instance:
    """One gateway: its files, its database, and the process that serves them at the moment."""

    world: World
    name: str
    role: str
    url: str
    settings: str = ""
    server: str = ""
    port: int = 0
    process: object = None
    starts: int = 0

    def __post_init__(self):
        self.port = self.port or free_port()
        self.folder = self.world.folder / self.name
        self.folder.mkdir()
        self.log = self.folder / "log.txt"
        self.config = self.folder / "imsoc.toml"
        self.config.write_text(
            f'[instance]\nid = "{self.name}"\nroles = ["{self.role}"]\n[server]\nport = {self.port}\n{self.server}\n'
            f'[store]\nurl = "{self.url}"\n[trust]\nrequire_timestamp = false\n'
            "[delivery]\nbackoff_first_seconds = 0.1\nbackoff_max_seconds = 0.5\nlease_seconds = 1\n"
            f'[seal]\nkey = "../seal.key"\ncertificate = "../seal.pem"\n{self.settings}\n'
        )

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def know(self, *records):
        with open_store(self.url, exclusive=True) as store:
            for record in records:
                store.write(partial(save_partner, partner=record["id"], record=record, author="test", now=world_now()))

    def launch(self, fault="", *, real=False):
        """Start, without waiting for readiness."""
        self.starts += 1
        if real:
            extra = {"IMSOC_FAULTPOINT": fault} if fault else {}
            with self.log.open("ab") as log:
                self.process = Spawned(
                    [sys.executable, "-m", "gateway", "--config", str(self.config), "serve"],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean() | extra, start_new_session=True,
                )  # fmt: skip
        else:
            stable = self.world.stable
            self.process = Forked(stable, stable.ask(start=str(self.config), fault=fault, log=str(self.log)))

    def start(self, fault="", *, real=False):
        self.launch(fault, real=real)
        self.wait_ready()
        return self

    def wait_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with suppress(OSError, http.client.HTTPException):
                if self.get("/health/ready") == 200:
                    return
            if self.process.wait(0.02) is not None:
                break
        pytest.fail(f"{self.name} did not come up:\n{self.log.read_text()[-2000:]}")

    def get(self, path):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("GET", path)
            return connection.getresponse().status

    def kill(self):
        """SIGKILL to the whole group, as if the power had gone."""
        os.killpg(self.process.pid, signal.SIGKILL)
        assert self.process.wait(30) == -signal.SIGKILL

    def died_of_its_fault_point(self, seconds=30):
        """Whether it ended by SIGKILL; nobody but its armed fault point sends one here."""
        return self.process.wait(seconds) == -signal.SIGKILL

    def stop(self):
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def imsoc(self, *arguments):
        """The command beside the server, in a process of its own; its answer."""
        command = [sys.executable, "-m", "gateway", "--config", str(self.config), *arguments, "--json"]
        done = subprocess.run(command, env=clean(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def rows(self, sql):
        if not self.url.startswith("sqlite"):
            with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
                return connection.execute(sql).fetchall()
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)) as connection:
            return connection.execute(sql).fetchall()

    def one(self, sql):
        return self.rows(sql)[0][0]

    def numbers(self):
        return [row[0] for row in self.rows("SELECT number FROM documents ORDER BY id")]

    def assert_sound(self):
        """None half: every invariant, and the database's own."""
        if self.url.startswith("sqlite"):
            assert self.rows("PRAGMA integrity_check") == [("ok",)]
            assert self.rows("PRAGMA foreign_key_check") == []
        for wrong, sql in LEFT.items():
            assert self.rows(sql) == [], f"{self.name}: {wrong}"
        assert self.one(NONCES) == self.one(CALLS), (
            f"{self.name}: a nonce without its call, or a call without its nonce"
        )

    def wait_settled(self, seconds=SETTLE_SECONDS):
        """Until the outbox is empty; every delivery must have arrived."""
        end = time.monotonic() + seconds
        while self.one("SELECT count(*) FROM deliveries WHERE settled_at IS NULL"):
            if time.monotonic() > end:
                states = self.rows("SELECT state, code, detail, attempts FROM deliveries WHERE settled_at IS NULL")
                pytest.fail(f"{self.name} did not deliver: {states[:5]}\n{self.log.read_text()[-2000:]}")
            time.sleep(0.03)
        assert {state for (state,) in self.rows("SELECT DISTINCT state FROM deliveries")} <= {"delivered"}


@dataclass
class Ledger:
    """The third country's system: what it sent, and which acknowledgement it got for it."""

    target: Instance
    username: str = "ar"
    acknowledged: dict[tuple[str, str], bytes] = field(default_factory=dict)
    sent: dict[tuple[str, str], Document] = field(default_factory=dict)

    def envelope(self, document, nonce=None):
        stamp = datetime.now(UTC)
        nonce = nonce or secrets.token_bytes(16)
        created = f"{stamp:%Y-%m-%dT%H:%M:%SZ}"
        digest = hashlib.sha1(nonce + created.encode() + f"secret of {self.username}".encode()).digest()
        return (
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
            f'<e:Security xmlns:e="{WSS}wssecurity-secext-1.0.xsd" xmlns:u="{WSS}wssecurity-utility-1.0.xsd">'
            f"<u:Timestamp><u:Created>{created}</u:Created>"
            f"<u:Expires>{stamp + timedelta(minutes=4):%Y-%m-%dT%H:%M:%SZ}</u:Expires></u:Timestamp>"
            f"<e:UsernameToken><e:Username>{self.username}</e:Username>"
            f'<e:Password Type="{WSS}username-token-profile-1.0#PasswordDigest">{_b64(digest)}</e:Password>'
            f'<e:Nonce EncodingType="{WSS}soap-message-security-1.0#Base64Binary">{_b64(nonce)}</e:Nonce>'
            f"<u:Created>{created}</u:Created></e:UsernameToken></e:Security></s:Header><s:Body>"
            f'<cx:SubmitCertificateRequest xmlns:cx="{CX}"><cx:SealedDocument>{_b64(document.content)}'
            "</cx:SealedDocument></cx:SubmitCertificateRequest></s:Body></s:Envelope>"
        ).encode()

    def post(self, envelope):
        """Status and body; OSError or HTTPException when there is no whole answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.target.port, timeout=30)) as connection:
            connection.request("POST", "/CertificateExchange", envelope, {"Content-Type": "text/xml; charset=utf-8"})
            reply = connection.getresponse()
            if "Content-Length" not in reply.headers:  # http.client takes headers that were cut off for whole ones
                raise http.client.IncompleteRead(b"")
            return reply.status, reply.read()

    def submit(self, document):
        """True when it was acknowledged; False when no answer came. Anything else fails the test."""
        self.sent[document.number, document.status] = document
        try:
            status, body = self.post(self.envelope(document))
        except (OSError, http.client.HTTPException):
            return False
        assert status == 200, body
        return self.note(document, body)

    def note(self, document, body):
        """Keep the acknowledgement of an answer; always True, because another one fails the test."""
        acknowledgement = sealed_acknowledgement(body)
        known = self.acknowledged.setdefault((document.number, document.status), acknowledgement)
        assert known == acknowledgement, "another answer to a repeat"
        return True

    def assert_kept(self):
        """Every document whose acknowledgement came is there once, as it was sent, with the bytes that came."""
        kept = {}
        for number, status, acknowledgement, content, _ in self.target.rows(ACCEPTED):
            assert (number, status) not in kept, f"{number} is there twice"
            kept[number, status] = bytes(acknowledgement), bytes(content)
        for key, acknowledgement in self.acknowledged.items():
            assert kept.get(key) == (acknowledgement, self.sent[key].content), f"{key} was acknowledged"
        assert kept.keys() <= self.sent.keys()

    def assert_everything_arrived_once(self, receiver):
        """All that was sent was acknowledged, and is at the receiver once, as the sealed bytes that were delivered."""
        assert self.acknowledged.keys() == self.sent.keys()
        payloads = {
            (number, status): (f"{id_}", bytes(payload))
            for number, status, id_, payload in self.target.rows(
                "SELECT c.number, v.status_code, d.id, p.payload FROM deliveries d JOIN document_versions v "
                "ON v.exchange_id = d.exchange_id JOIN documents c ON c.id = d.case_id "
                "JOIN delivery_parts p ON p.seq = d.seq"
            )
        }
        assert payloads.keys() == self.sent.keys()
        arrived = receiver.rows(
            "SELECT d.number, v.status_code, e.sender_message_id, p.content FROM documents d JOIN document_versions v "
            "ON v.document_id = d.id JOIN exchanges e ON e.id = v.exchange_id "
            "JOIN exchange_parts p ON p.exchange_id = e.id"
        )
        assert sorted((number, status) for number, status, *_ in arrived) == sorted(self.sent)
        for number, status, message_id, content in arrived:
            delivery, payload = payloads[number, status]
            assert message_id == delivery
            assert canonical(etree.fromstring(content)) == canonical(etree.fromstring(payload)[-1])
        assert receiver.one("SELECT count(*) FROM exchanges WHERE outcome = 'repeat'") == 0, "sent blindly again"


def sealed_acknowledgement(body):
    """The acknowledgement as the bytes of the answer have it."""
    start, end = body.index(b"<ack:SPSAcknowledgement "), b"</ack:SPSAcknowledgement>"
    return body[start : body.index(end) + len(end)]


def canonical(element):
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def clean():
    """The environment without settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IMSOC_")}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def world_now():
    return datetime.now(UTC)


def _b64(data):
    return base64.b64encode(data).decode()


@pytest.fixture(scope="session")
def stable():
    made = Stable()
    yield made
    made.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    file = tmp_path_factory.mktemp("faults") / "template.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def world(tmp_path, stable):
    return World(tmp_path, stable)


@pytest.fixture
def make_instance(world, sqlite_template):
    """``make_instance("gateway-a", "traces")``: a gateway that does not run yet, on a SQLite file or the URL given."""
    made = []

    def make(name, role, *, url="", **settings):
        if not url:
            file = world.folder / f"{name}.db"
            shutil.copy(sqlite_template, file)
            url = f"sqlite:///{file}"
        made.append(Instance(world, name, role, url, **settings))
        return made[-1]

    yield make
    for instance in made:
        instance.stop()


@pytest.fixture
def pair(world, make_instance):
    """``pair(url="")``: B runs, A knows B and does not run yet; and the ledger of A's sender.

    ``via`` gives the address at which A finds B.
    """

    def make(*, url="", via=None, start_b=True, **changes):
        b = make_instance("gateway-b", "national")
        b.know(world.upstream())
        if start_b:
            b.start()
        a = make_instance("gateway-a", "traces", url=url, **changes)
        a.know(world.sender(), world.receiver(via(b) if via else b.address))
        return a, b, Ledger(a)

    return make


@pytest.fixture
def ledger_of():
    return Ledger
