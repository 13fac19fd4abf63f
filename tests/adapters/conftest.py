"""A partner gateway behind a real socket, and what an adapter is told about it."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

# importlib mode does not; the names of the helpers are unique
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))

from exchange_harness import World, add_partners
from lxml import etree

from adapters import DeliveryJob
from gateway.app import build_application
from gateway.documents import SpsCertificate
from gateway.store import DocumentKey

CX = "urn:imsoc:gateway:certificate-exchange:1"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Server(WSGIServer):
    request_queue_size = 20


class Partner:
    """A gateway in the role of a national system, where ``gw-a`` is known as TRACES."""

    def __init__(self, world, gateway):
        self.world = world
        self.gateway = gateway

    def __call__(self, environ, start_response):
        return self.gateway(environ, start_response)

    def job(self, document, job_id="d-1", *, status="70", route="iii"):
        claimed = f"<cx:IssuingRoute>{route}</cx:IssuingRoute>" if route else ""
        payload = (
            f'<cx:SubmitCertificateRequest xmlns:cx="{CX}"><cx:MessageID>{job_id}</cx:MessageID>{claimed}'
            f"{document.decode()}</cx:SubmitCertificateRequest>"
        ).encode()
        return DeliveryJob(
            id=job_id,
            partner="b",
            exchange_id="x",
            document=DocumentKey("AR", "851", SpsCertificate(etree.fromstring(document)).number),
            status_code=status,
            sender="ar",
            attempt=1,
            deadline=self.world.now + timedelta(seconds=20),
            payload=payload,
        )


@pytest.fixture
def served():
    """Serves WSGI applications on loopback until the test is over; gives their addresses."""
    with ExitStack() as stack:
        yield lambda application, **options: stack.enter_context(serving(application, **options))


@pytest.fixture
def utc_now():
    return datetime.now(UTC).replace(microsecond=0)


@contextmanager
def serving(application, *, tls=None):
    with make_server("127.0.0.1", 0, application, Server, Quiet) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}/CertificateExchange"
        server.shutdown()
        thread.join()


@pytest.fixture
def partner(tmp_path, store_url):
    """The partner gateway, on each database; its time is the real one, as the client's is."""
    world = World(tmp_path)
    add_partners(
        store_url,
        [
            world.partner(
                "gw-a",
                kind="traces",
                document_types=["*"],
                country_pairs=["*>NL"],
                code_system="ephyto",
            )
        ],
        world.now,
    )
    gateway = build_application(world.settings(store_url, "national"))
    yield Partner(world, gateway)
    gateway.close()
