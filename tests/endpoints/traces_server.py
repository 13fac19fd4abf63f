"""`imsoc serve` twice: one gateway in the role traces, one national that relays to it; and zeep as their client.

Everything is invented and on loopback. The clients know the published descriptions alone; bodies of requests that hold
a certificate are typed by zeep from XML, as an integrator's program would fill them.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests
import zeep
from lxml import etree
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU

from gateway.documents.ched import ChedClass
from gateway.documents.parts import Measure
from gateway.sandbox.pki import Authority, write
from gateway.sandbox.processes import Instance, free_port, stop_all
from gateway.sandbox.tsa import TimestampAuthority
from gateway.store import open_store, save_partner, upgrade
from gateway.traces.contracts import CONTRACTS
from gateway.trust import Anchor, Level, Purpose, Sealer, TimestampClient, TrustStore
from gateway.xml.canonical import serialise
from gateway.xml.names import SPS17, qn

if TYPE_CHECKING:
    from gateway.documents.ched import Ched

sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))  # the invented bodies and CHEDs of its tests

from ched_harness import BODIES, ched_a, ched_pp, element

GRANTS = sorted({contract.name for contract in CONTRACTS})
SECRET = "an invented secret"
CLIENT = "zeep-tests"


def iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+00:00"


def in_two_days(ched: Ched, now: datetime | None = None) -> dict[str, object]:
    """The times of a CHED that is entered now, for ``dataclasses.replace``."""
    now = now or datetime.now(UTC)
    return {
        "issued": iso(now),
        "arrival": iso(now + timedelta(days=2)),
        "declaration": replace(ched.declaration, signed=iso(now)),
    }


class Token(UsernameToken):
    """zeep's own token takes one timestamp for all calls; each of ours is made for its call.

    ``age`` makes it as old as asked for, ``frozen`` repeats the first one.
    """

    def __init__(self, *arguments, age=timedelta(0), frozen=False, **options):
        super().__init__(*arguments, use_digest=True, **options)
        self.age = age
        self.frozen = frozen
        self.kept = None

    def apply(self, envelope, headers):
        created = datetime.now(UTC) - self.age
        self.timestamp_token = WSU.Timestamp(
            WSU.Created(created.isoformat()), WSU.Expires((created + timedelta(seconds=120)).isoformat())
        )
        if self.age:
            self.created = created
        if self.frozen and self.kept is not None:
            envelope.find("{*}Header").append(self.kept)
            return envelope, headers
        envelope, headers = super().apply(envelope, headers)
        if self.frozen:
            self.kept = deepcopy(envelope.find("{*}Header/{*}Security"))
        return envelope, headers


class Recording(Transport):
    """Keeps the last exchange, for those who look at bytes."""

    def __init__(self):
        session = requests.Session()
        session.trust_env = False
        super().__init__(session=session, operation_timeout=30)
        self.sent = self.got = b""
        self.status = 0
        self.content_type = ""

    def post(self, address, message, headers):
        reply = super().post(address, message, headers)
        self.sent, self.got, self.status = message, reply.content, reply.status_code
        self.content_type = reply.headers.get("Content-Type", "")
        return reply


class Caller:
    """One account at one gateway, for one body, by zeep with the published description of one service."""

    def __init__(self, client, transport, seal):
        self.client = client
        self.seal = seal
        self.transport = transport

    def __call__(self, operation, *, body="importer", language="en", client_id=CLIENT, headers=None, **parameters):
        blocks = {}
        if client_id is not None:
            blocks["webServiceClientId"] = client_id
        if language is not None:
            blocks["languageCode"] = language
        if body is not None:
            kind, name = identity(body)
            blocks["bodyIdentity"] = {kind: name}
        blocks.update(headers or {})
        try:
            return self.client.service[operation](**parameters, _soapheaders=blocks)
        except zeep.exceptions.Fault as fault:
            fault.add_note(self.transport.got.decode()[-3000:])
            raise

    def fault(self, operation, **parameters):
        """What was refused: the fault, and the local name of its typed detail."""
        try:
            answer = self(operation, **parameters)
        except zeep.exceptions.Fault as fault:
            detail = fault.detail
            inner = detail[0] if detail is not None and len(detail) else None
            return fault.message, inner
        raise AssertionError(f"{operation} answered {str(answer)[:500]}")

    def typed(self, ched):
        """A CHED as zeep's own values."""
        root = element(ched) if not isinstance(ched, etree._Element) else ched
        declared = self.client.get_element(qn(SPS17, "SPSCertificate"))
        return declared.parse(root, self.client.wsdl.types)


KINDS = {
    "authority": "AuthorityActivityAccessIdentifier",
    "operator": "OperatorAccessIdentifier",
    "control-body": "OrganicControlBodyAccessIdentifier",
    "other": "OtherBodyAccessIdentifier",
}


def identity(body):
    known = BODIES.get(body)
    return (KINDS[known["kind"]], known["id"]) if known else (KINDS["authority"], body)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Pair:
    """Gateway T (role traces) and gateway N (role national, its upstream is T), each a process of its own.

    Args:
        folder: for their files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        self.member = Authority("Member State", now=now, country="NL")
        self.keys = {
            "traces": Authority("Gateway T", now=now, country="EU"),
            "national": Authority("Gateway N", now=now, country="NL"),
        }
        self.now = now
        self.clock_root = Authority("Time stamping", now=now)
        unit = TimestampAuthority(self.clock_root.timestamping("Invented unit"))
        self.clock = make_server("127.0.0.1", 0, unit, handler_class=_Quiet)
        threading.Thread(target=self.clock.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        self.stamps = f"http://127.0.0.1:{self.clock.server_port}/"
        (folder / "tsa.pem").write_bytes(self.clock_root.certificate_pem)
        (folder / "secret.txt").write_text(SECRET, "utf-8")
        self.traces = Instance("gateway-t", "traces", free_port(), folder / "t")
        self.national = Instance("gateway-n", "national", free_port(), folder / "n")
        for instance in (self.traces, self.national):
            self._prepare(instance)

    def start(self) -> None:
        for instance in (self.traces, self.national):
            instance.launch()
        for instance in (self.traces, self.national):
            instance.wait_until_ready()

    def stop(self) -> None:
        stop_all((self.traces, self.national))
        self.clock.shutdown()
        self.clock.server_close()

    def database(self, instance):
        return f"sqlite:///{instance.folder / 'gateway.db'}"

    def _prepare(self, instance):
        instance.folder.mkdir()
        own = self.keys[instance.role]
        write(instance.folder, "seal", own.seal(f"Seal of {instance.name}"))
        upstream = 'upstream = "gateway-t"\n' if instance is self.national else ""
        (instance.folder / "imsoc.toml").write_text(
            f'[instance]\nid = "{instance.name}"\nroles = ["{instance.role}"]\nbase_url = "{instance.address}"\n'
            f"[server]\nport = {instance.port}\n"
            '[store]\nurl = "sqlite:///gateway.db"\n[seal]\nkey = "seal.key"\ncertificate = "seal.pem"\n'
            f'timestamp = "required"\ntimestamp_authorities = ["{self.stamps}"]\ntimestamp_anchors = ["../tsa.pem"]\n'
            f'[traces]\nclient_id = "gateway-n"\npart_signatures = "recorded"\nretry_seconds = 0.5\n{upstream}',
            "utf-8",
        )
        url = self.database(instance)
        upgrade(url)
        records = self.at_traces() if instance is self.traces else self.at_national()
        with open_store(url, exclusive=True) as store:
            for each in records:
                store.write(
                    lambda connection, each=each: save_partner(
                        connection, each["id"], each, author="test", now=self.now
                    )
                )

    def at_traces(self):
        """Who calls gateway T, and gateway N where T calls it."""
        bodies = list(BODIES.values())
        return [
            self.record("nl-system", bodies=bodies),
            self.record("nl-gateway", bodies=bodies, delivery=self._delivery(self.national, "t")),
            self.record("own-codes", bodies=bodies, code_system="national-b", untranslatable="quarantine"),
            self.record("be-system", country="BE", bodies=[{**BODIES["same number abroad"]}]),
            self.record("no-grants", contracts=["certificate-exchange"], bodies=bodies),
            self.record(
                "ch-system", kind="third-country", country="CH", document_types=["636"], country_pairs=["ZA>*"]
            ),
        ]

    def at_national(self):
        """Who calls gateway N, and gateway T where N calls it."""
        bodies = list(BODIES.values())
        traces = self.record(
            "gateway-t", kind="traces", country="EU", delivery=self._delivery(self.traces, "nl-gateway")
        )
        account = {"username": "t", "secret": f"file:{self.folder / 'secret.txt'}"}
        return [
            self.record("nl-client", bodies=bodies),
            self.record("own-codes", bodies=bodies, code_system="national-b", untranslatable="quarantine"),
            self.record(
                "commission", kind="national", country="BE", bodies=[BODIES["commission"]], authentication=account
            ),
            {**traces, "anchors": [self.anchor("traces"), self.anchor("tsa")], "authentication": {}},
        ]

    def _delivery(self, instance, username):
        return {
            "adapter": "traces-nt",
            "address": f"{instance.address}/tracesnt/ws",
            "username": username,
            "secret": f"file:{self.folder / 'secret.txt'}",
            "timeout_seconds": 20,
        }

    def trust(self, name):
        """Seals of ``member``, of the gateway ``traces`` or ``national``, and the time stamps on them."""
        root = self.member if name == "member" else self.keys[name]
        return TrustStore(
            [
                Anchor(name, root.certificate_der, frozenset({Purpose.SEAL}), Level.QUALIFIED),
                Anchor("tsa", self.clock_root.certificate_der, frozenset({Purpose.TIMESTAMP}), Level.QUALIFIED),
            ]
        )

    def seal(self, document, name="Invented officer", *, root=None):
        """A copy of a document with a stamped seal of somebody in the Member State."""
        credential = (root or self.member).seal(name)
        stamper = TimestampClient([self.stamps], self.trust("member"))
        sealer = Sealer(credential.key, credential.certificate_der, credential.chain_der, stamper)
        return sealer.seal(document, at=datetime.now(UTC))

    def anchor(self, name):
        if name == "tsa":
            pem = self.clock_root.certificate_pem.decode()
            return {"name": name, "certificate_pem": pem, "purposes": ["timestamp"], "level": "qualified"}
        pem = (self.member if name == "member" else self.keys[name]).certificate_pem.decode()
        return {"name": name, "certificate_pem": pem, "purposes": ["seal"], "level": "qualified"}

    def record(self, name, *, kind="national", country="NL", bodies=(), **changes):
        record = {
            "id": name,
            "name": f"Invented {name}",
            "kind": kind,
            "country": country,
            "contracts": GRANTS,
            "authentication": {"username": name, "secret": f"file:{self.folder / 'secret.txt'}"},
            "anchors": [self.anchor("member"), self.anchor("national"), self.anchor("tsa")],
            **changes,
        }
        return {**record, "traces": {"bodies": list(bodies)}} if bodies else record

    def imsoc(self, instance, *arguments, code=0):
        """What a command answers that an operator gives beside the server."""
        command = [sys.executable, "-m", "gateway", "--config", str(instance.config), *map(str, arguments), "--json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("IMSOC_")}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if code == 0 else done.stdout + done.stderr

    def take(self, instance, ched, *options):
        file = self.folder / f"{ched.reference}.xml"
        file.write_bytes(xml(ched))
        return self.imsoc(instance, "certificates", "take", file, *options)

    def caller(self, contract, *, at=None, username="nl-system", secret=SECRET, **token):
        instance = at or self.traces
        transport = Recording()
        wsse = Token(username, secret, **token)
        client = zeep.Client(f"{instance.address}{contract.path}?wsdl", transport=transport, wsse=wsse)
        return Caller(client, transport, self.seal)


_numbers = itertools.count(1)


def new_pp(**changes):
    """Of oranges; I.3 makes each another one, because the same CHED again is no second CHED."""
    made = ched_pp()
    return replace(made, **{**in_two_days(made), "local_reference": f"NL-PP-{next(_numbers)}", **changes})


def new_a(**changes):
    """Of one horse with its microchip; as the harness has it, with what the classification asks of horses."""
    made = ched_a()
    (line,) = made.lines
    line = replace(line, classes=(*line.classes, ChedClass("IDENTIFICATION_SYSTEM", "MICROCHIP")))
    totals = replace(made.totals, gross_weight=Measure(Decimal(480), "KGM"))
    return replace(
        made,
        **{
            **in_two_days(made),
            "local_reference": f"NL-A-{next(_numbers)}",
            "lines": (line,),
            "totals": totals,
            **changes,
        },
    )


def certificate(number, **changes):
    """An INTRA certificate or a DOCOM, by its number; of the same goods."""
    made = replace(new_pp(), type=None, reference=number, updated=iso(datetime.now(UTC)), local_reference="")
    if number.startswith("INTRA."):
        made = replace(made, type_code="856", title="Certificate for intra-Union trade", status_code="70")
    else:
        made = replace(made, type_code="332", title="Commercial document", status_code="86")
    return replace(made, **changes)


def xml(ched):
    return serialise(element(ched))
