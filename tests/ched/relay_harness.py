"""A register in the TRACES role behind a real socket, and a national instance that relays to it. All invented."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ched_harness import BODIES, PORTAL, World

from gateway.access import DeliveryTarget
from gateway.ched.wiring import build
from gateway.endpoints.ched_control import ched_control
from gateway.endpoints.traces_attachments import certificate_attachments
from gateway.endpoints.traces_certificate import ched_certificate
from gateway.endpoints.traces_common import Services
from gateway.endpoints.traces_reference import reference_data
from gateway.endpoints.traces_retrieval import docom, eu_intra
from gateway.endpoints.traces_submission import ched_submission
from gateway.exchange import Admission
from gateway.soap.server import SoapApplication
from gateway.traces.contracts import SUBMISSION, SUBMISSION_01
from mappings.reference import load_reference

GRANTS = [
    "ched-certificate",
    "ched-submission",
    "eu-intra",
    "docom",
    "certificate-attachments",
    "reference-data",
    "ched-control",
]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Server(WSGIServer):
    request_queue_size = 20
    allow_reuse_address = True


@contextmanager
def serving(application, port=0):
    with make_server("127.0.0.1", port, application, Server, Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def contracts_of(built, context, reference):
    services = Services(context, Admission(context.directory, context.policy))
    return [
        ched_certificate(built.cheds, services),
        ched_submission(built.cheds, services, SUBMISSION),
        ched_submission(built.cheds, services, SUBMISSION_01),
        eu_intra(built.library, services),
        docom(built.library, services),
        certificate_attachments(built.attachments, services),
        reference_data(reference, services),
        ched_control(built.cheds, services),
    ]


def choices(**changes):
    values = {
        "upstream": "",
        "client_id": "imsoc-nl",
        "when_away": "fail",
        "retry_seconds": 0.0,
        "contingency_labels": (),
        "part_signatures": "recorded",
        **changes,
    }
    return SimpleNamespace(**values)


class Traces:
    """The other side: everything that it is asked goes over HTTP. ``hooks`` are called with each request before it is
    answered and may lose it, or its answer."""

    def __init__(self, store, **changes):
        self.world = World(store, **{"part_signatures": "recorded", **changes})
        national = next(each for each in self.world.records if each["id"] == "nl-system")
        national["contracts"] = GRANTS
        national["authentication"] = {"username": "nl", "secret": "env:RELAY_TEST_SECRET"}
        self.reference = load_reference(self.world.context.index.tables)
        self.built = build(
            self.world.context,
            choices(part_signatures=self.world.part_signatures),
            portal=PORTAL,
            reference=self.reference,
            lease=timedelta(seconds=30),
        )
        self.application = SoapApplication(
            contracts_of(self.built, self.world.context, self.reference), clock=lambda: self.world.now
        )
        self.operations = []
        self.lose_request = self.lose_answer = False
        self.break_at = ""
        """An operation that is answered by a proxy: 502."""
        self.port = 0
        self._serving = None

    def __call__(self, environ, start_response):
        self.operations.append(environ.get("HTTP_SOAPACTION", "").strip('"'))
        if self.break_at and self.operations[-1] == self.break_at:
            return self._broken(start_response)
        if self.lose_request:
            self.lose_request = False
            return self._broken(start_response)
        answer = self.application(environ, start_response)
        if self.lose_answer:
            self.lose_answer = False
            list(answer)
            return self._broken(lambda *_: None, repeated=True)
        return answer

    @staticmethod
    def _broken(start_response, *, repeated=False):
        if not repeated:
            start_response("502 Bad Gateway", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]

    def begin(self):
        self._serving = serving(self, self.port)
        self.port = self._serving.__enter__()

    def end(self):
        if self._serving is not None:
            self._serving.__exit__(None, None, None)
            self._serving = None

    def references(self):
        """Everything that it has, oldest first."""
        from gateway.store import ChedQuery, ChedVisibility, Cursors, find_cheds  # noqa: PLC0415 - used here alone

        query = ChedQuery(visibility=ChedVisibility(everything=True), types=("A", "P", "PP", "D"))
        with self.world.store.read() as connection:
            return [row.reference for row in reversed(find_cheds(connection, query, Cursors()))]


class National:
    """A national instance whose upstream is a `Traces`."""

    def __init__(self, store, traces, *, timeout=3.0, lease=timedelta(seconds=30), **changes):
        self.traces = traces
        self.world = World(store, now=traces.world.now, roles=("national",))
        self.world.context.policy  # noqa: B018
        anchors = [
            {"name": "seal", "certificate_pem": traces.world.own.certificate_pem.decode(), "purposes": ["seal"],
             "level": "advanced"},
            {"name": "tsa", "certificate_pem": traces.world.clock_root.certificate_pem.decode(),
             "purposes": ["timestamp"], "level": "qualified"},
        ]  # fmt: skip
        record = self.world.record("traces-nt", "traces", "EU", ())
        delivery = {
            "adapter": "traces-nt",
            "address": f"http://127.0.0.1:{traces.port}/tracesnt/ws",
            "username": "nl",
            "secret": "env:RELAY_TEST_SECRET",
            "timeout_seconds": timeout,
        }
        self.world.records.append({**record, "anchors": anchors, "contracts": [], "delivery": delivery})
        # TRACES knows the seal of this instance as the one of the partner nl-system.
        theirs = next(each for each in traces.world.records if each["id"] == "nl-system")
        theirs["anchors"] = [
            {"name": "own", "certificate_pem": self.world.own.certificate_pem.decode(), "purposes": ["seal"],
             "level": "advanced"},
            {"name": "tsa", "certificate_pem": self.world.clock_root.certificate_pem.decode(),
             "purposes": ["timestamp"], "level": "qualified"},
            *theirs["anchors"],
        ]  # fmt: skip
        self.reference = load_reference(self.world.context.index.tables)
        self.changes = changes
        self.lease = lease
        self.open()

    def open(self):
        """Begin, or begin again as after a crash."""
        self.built = build(
            self.world.context,
            choices(upstream="traces-nt", **self.changes),
            portal=PORTAL,
            reference=self.reference,
            lease=self.lease,
        )
        self.service = self.built.cheds
        self.exchanger = self.built.exchanger
        self.world.register = self.service

    def later(self, seconds):
        """Time passes on both sides."""
        self.world.now += timedelta(seconds=seconds)
        self.traces.world.now = self.world.now


__all__ = ["BODIES", "National", "Traces", "serving"]
assert DeliveryTarget
