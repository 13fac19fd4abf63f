"""kill -9 of the process that polls the hub: no envelope lost, none acknowledged unstored, none imported twice.

The hub is a second gateway in a process of its own, behind a proxy that ends TLS and hands the client certificate on
(RFC 9440). At every named point of an import, and at random moments while authorities go on delivering: 15 kills in
`make test`, IMSOC_FAULTS=200 makes 200 with a seed of the day.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import random
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.faultpoints import HUB_POINTS
from gateway.ippc import Envelope, EnvelopeHeader, wire
from gateway.sandbox.samples import certificate

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("IMSOC_FAULTS", "15"))
SEED = int(os.environ.get("IMSOC_FAULTS_SEED", time.time_ns() if KILLS > 15 else 2019_1715))
BACKLOG = 50
"""Envelopes that may wait: on a busy machine authorities deliver faster than a poller that is always killed takes."""
PATH = "/hub/DeliveryService"
IN_THE_STORE = ("submission.nonce", "submission.exchange", "submission.document", "submission.outbox",
                "submission.recorded")  # fmt: skip
"""Points inside the transaction that makes the document and the decision one."""
POINTS = (*HUB_POINTS[:3], *IN_THE_STORE, *HUB_POINTS[3:])

LEFT_BY = {
    "hub.pulled": (None, "PendingDelivery"),
    "hub.stored": (("pulled", False), "PendingDelivery"),
    "hub.examined": (("pulled", False), "PendingDelivery"),
    **dict.fromkeys(IN_THE_STORE, (("pulled", False), "PendingDelivery")),
    "hub.decided": (("imported", False), "PendingDelivery"),
    "hub.acknowledged": (("imported", False), "Delivered"),
    "hub.finished": (("imported", True), "Delivered"),
}
"""The import (state, acknowledged) and the hub's word, when the process dies at that point."""

STATES = {"delivered": "Delivered", "warnings": "DeliveredWithWarnings", "failed": "DeliveredNotReadable"}
WRONG = {
    "an import that is decided without what it became": "SELECT i.id FROM hub_imports i LEFT JOIN exchanges e "
    "ON e.id = i.exchange_id AND e.outcome = 'accepted' WHERE i.state = 'imported' AND e.id IS NULL",
    "a document that no import tells of": "SELECT e.id FROM exchanges e LEFT JOIN hub_imports i "
    "ON i.exchange_id = e.id WHERE e.outcome = 'accepted' AND i.id IS NULL",
    "an import without its bytes": "SELECT i.id FROM hub_imports i LEFT JOIN hub_import_parts p ON p.id = i.id "
    "WHERE p.envelope IS NULL",
    "an acknowledgement of what was not decided": "SELECT id FROM hub_imports "
    "WHERE acknowledged_at IS NOT NULL AND verdict = ''",
    "a version without its parts": "SELECT v.exchange_id FROM document_versions v LEFT JOIN exchange_parts p "
    "ON p.exchange_id = v.exchange_id WHERE p.content IS NULL OR p.translated IS NULL OR p.acknowledgement IS NULL",
    "a version that is not in the outbox once": "SELECT v.exchange_id FROM document_versions v LEFT JOIN deliveries d "
    "ON d.exchange_id = v.exchange_id GROUP BY v.exchange_id HAVING count(d.id) <> 1",
    "a repeat that did not come twice": "SELECT e.id FROM exchanges e WHERE e.outcome = 'repeat' AND NOT EXISTS "
    "(SELECT 1 FROM hub_imports i WHERE i.exchange_id = e.repeat_of)",
}
"""What must never be found where envelopes are imported, however the process ended."""


class Proxy:
    """A reverse proxy in front of the hub: whoever comes through it has shown the poller's certificate."""

    def __init__(self, target_port, der):
        header = f":{base64.b64encode(der).decode()}:"

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, kind, answer = post(target_port, body, header, self.headers["SOAPAction"])
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                """No line per request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a killed client
        self.address = f"http://127.0.0.1:{self._server.server_port}{PATH}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def post(port, body, client_certificate, action):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        headers = {"Content-Type": "text/xml; charset=utf-8", "Client-Cert": client_certificate, "SOAPAction": action}
        connection.request("POST", PATH, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.headers["Content-Type"], reply.read()


class Authorities:
    """Those who deliver to the hub: one country, many certificates, now and then the same again or nonsense."""

    def __init__(self, hub, der):
        self.hub = hub
        self._certificate = f":{base64.b64encode(der).decode()}:"
        self._contents = []
        self.unreadable = 0
        self.delivered = 0

    def deliver(self, chance=None):
        """One envelope; the certificate's number."""
        number = f"AR-POLL-{len(self._contents) + 1:06d}"
        if chance is not None and self._contents and chance.random() < 0.15:
            number, content = chance.choice(self._contents)
            content = f"{content}\n<!-- once more {self.delivered} -->"  # the same certificate in another envelope
        elif chance is not None and chance.random() < 0.1:
            content, self.unreadable = f"nonsense {self.delivered}", self.unreadable + 1
        else:
            content = certificate(number=number, lines=1).decode()
            self._contents.append((number, content))
        body = wire.deliver_envelope(Envelope(EnvelopeHeader("AR", "NL", 851, 70, number), content.encode()))
        message = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%b</s:Body></s:Envelope>'
        action = '"http://ephyto.ippc.int/IDeliveryService/DeliverEnvelope"'
        status, _, answer = post(self.hub.port, message % body, self._certificate, action)
        assert status == 200, answer
        assert b"PendingDelivery" in answer, answer
        self.delivered += 1
        return number

    @property
    def certificates(self):
        return {number for number, _ in self._contents}


@pytest.fixture
def polled(world, make_instance):
    """``polled(url="")``: a hub that runs, an instance that polls it and does not run yet, and who delivers."""
    proxies = []

    def make(url=""):
        ar, nl = world.third.tls_client("AR NPPO"), world.third.tls_client("NL NPPO")
        hub = make_instance("hub", "hub", server='trusted_proxies = ["127.0.0.1"]')
        hub.know(
            member(world, "ar-nppo", "AR", ["AR>*"], ar.certificate_der),
            member(world, "nl-nppo", "NL", ["*>NL", "NL>*"], nl.certificate_der),
        )
        hub.start()
        proxies.append(Proxy(hub.port, nl.certificate_der))
        nl_instance = make_instance("poller", "national", url=url)
        nl_instance.know(the_hub(world, proxies[-1].address), onward())
        return hub, nl_instance, Authorities(hub, ar.certificate_der)

    yield make
    for proxy in proxies:
        proxy.close()


def member(world, partner_id, country, pairs, der):
    return world.partner(
        partner_id,
        "third-country",
        world.third,
        country=country,
        contracts=["ippc-hub"],
        country_pairs=pairs,
        authentication={"client_certificates": [f"sha256:{hashlib.sha256(der).hexdigest()}"]},
        hub={"countries": [country]},
    )


def the_hub(world, address):
    return world.partner(
        "the-hub",
        "hub",
        world.third,
        contracts=["ippc-hub"],
        code_system="ephyto",
        authentication={},
        delivery={"adapter": "ippc-hub", "address": address, "import_countries": ["XX"], "timeout_seconds": 5.0},
        polling={"interval_seconds": 1, "lists_hours": 0},
    )


def onward():
    """Somebody that every document goes to and that is never there."""
    return {
        "id": "other-hub",
        "name": "invented",
        "kind": "hub",
        "country": "*",
        "contracts": ["ippc-hub"],
        "document_types": ["*"],
        "country_pairs": ["*>*"],
        "code_system": "ephyto",
        "delivery": {"adapter": "ippc-hub", "address": f"http://127.0.0.1:9{PATH}"},
    }


def at_the_hub(hub):
    return dict(hub.rows("SELECT number, state FROM hub_envelopes"))


def imported(instance):
    return {
        number: (state, acknowledged is not None, verdict)
        for number, state, acknowledged, verdict in instance.rows(
            "SELECT hub_number, state, acknowledged_at, verdict FROM hub_imports"
        )
    }


def assert_sound(hub, poller):
    """Everything that the hub believes delivered is stored and decided so; nothing is half, nothing twice."""
    if poller.url.startswith("sqlite"):
        assert poller.rows("PRAGMA integrity_check") == [("ok",)]
        assert poller.rows("PRAGMA foreign_key_check") == []
    for wrong, sql in WRONG.items():
        assert poller.rows(sql) == [], wrong
    known = imported(poller)
    for number, state in at_the_hub(hub).items():
        if state != "PendingDelivery":
            assert number in known, f"{number} is {state} at the hub and not stored"
            assert STATES[known[number][2]] == state
    documents = [row[0] for row in poller.rows("SELECT number FROM documents")]
    assert len(documents) == len(set(documents))
    assert poller.one("SELECT count(*) FROM document_versions") == len(documents)


def wait_until_empty(hub, poller, seconds=90):
    end = time.monotonic() + seconds
    while True:
        pending = [number for number, state in at_the_hub(hub).items() if state == "PendingDelivery"]
        open_ = poller.one("SELECT count(*) FROM hub_imports WHERE acknowledged_at IS NULL")
        if not pending and not open_:
            return
        if time.monotonic() > end:
            pytest.fail(
                f"{len(pending)} envelopes still wait, {open_} are not finished\n{poller.log.read_text()[-3000:]}"
            )
        time.sleep(0.05)


def everything_arrived_once(hub, poller, authorities):
    assert_sound(hub, poller)
    known = imported(poller)
    assert known.keys() == at_the_hub(hub).keys()
    assert len(known) == authorities.delivered
    assert {row[0] for row in poller.rows("SELECT number FROM documents")} == authorities.certificates
    assert sum(state == "unreadable" for state, *_ in known.values()) == authorities.unreadable
    assert sum(state == "imported" for state, *_ in known.values()) == authorities.delivered - authorities.unreadable


def die_at_every_point(hub, poller, authorities, points):
    for point in points:
        poller.start(f"{point}:1")
        before = set(at_the_hub(hub))
        authorities.deliver()
        (number,) = set(at_the_hub(hub)) - before
        assert poller.died_of_its_fault_point(), point
        assert_sound(hub, poller)
        kept, said = LEFT_BY[point]
        found = imported(poller).get(number)
        assert (found and found[:2], at_the_hub(hub)[number]) == (kept, said), point
        poller.start()
        wait_until_empty(hub, poller)
        poller.kill()
    everything_arrived_once(hub, poller, authorities)


def test_killed_at_every_named_point_of_an_import(polled):
    die_at_every_point(*polled(), POINTS)


def test_killed_at_named_points_of_an_import_on_postgresql(polled, pg_url):
    points = POINTS if "IMSOC_FAULTS" in os.environ else ("hub.stored", "submission.recorded", "hub.acknowledged")
    die_at_every_point(*polled(pg_url), points)


def test_killed_at_random_moments_while_authorities_deliver(polled):
    hub, poller, authorities = polled()
    chance = random.Random(SEED)
    print(f"seed {SEED}")  # noqa: T201 - shown when the test fails: IMSOC_FAULTS_SEED repeats it
    going, failures = threading.Event(), []

    def deliver():
        own = random.Random(chance.random())
        try:
            while not going.is_set():
                if sum(state == "PendingDelivery" for state in at_the_hub(hub).values()) < BACKLOG:
                    authorities.deliver(own)
                going.wait(own.uniform(0.02, 0.15))
        except BaseException as error:  # noqa: BLE001 - reported by the test
            failures.append(error)

    thread = threading.Thread(target=deliver)
    thread.start()
    unfinished = 0
    try:
        for _ in range(KILLS):
            poller.start()
            time.sleep(chance.uniform(0.0, 1.5))
            poller.kill()
            assert_sound(hub, poller)
            unfinished += poller.one("SELECT count(*) FROM hub_imports WHERE acknowledged_at IS NULL")
            assert not failures
    finally:
        going.set()
        thread.join()
    poller.start()
    wait_until_empty(hub, poller)
    assert not failures
    assert unfinished, "no kill ever met an import"
    everything_arrived_once(hub, poller, authorities)
    print(f"{KILLS} kills, {authorities.delivered} envelopes, {unfinished} found unfinished")  # noqa: T201 - with -s


def test_of_several_processes_one_polls_and_another_follows_when_it_dies(polled, make_instance, pg_url):
    hub, first, authorities = polled(pg_url)
    others = [make_instance(f"poller-{number}", "national", url=pg_url) for number in (2, 3)]
    for each in (first, *others):
        each.start()
    for _ in range(30):
        authorities.deliver()
    wait_until_empty(hub, first)
    acknowledged = "SELECT count(*) FROM audit WHERE action LIKE '%Acknowledge%' AND action LIKE '%refused'"
    assert hub.one(acknowledged) == 0  # nobody was ahead of anybody
    for each in (first, *others[:-1]):
        authorities.deliver()
        each.kill()
        authorities.deliver()
        wait_until_empty(hub, first)
    everything_arrived_once(hub, first, authorities)
