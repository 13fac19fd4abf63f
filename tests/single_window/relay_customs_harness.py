"""A national gateway for customs with a gateway in the role of TRACES behind it, over a real socket. All invented."""

from __future__ import annotations

import io
import json
from collections import deque
from contextlib import contextmanager
from dataclasses import replace

from certex_harness import CertexWorld, know, partner_records
from relay_harness import serving

from gateway.app import build_application
from gateway.config import CustomsSettings, DeliverySettings, InstanceSettings, SealSettings, Settings, StoreSettings
from gateway.store import open_store

GATEWAY = "xi-gateway"
"""The account of the national gateway at TRACES."""


def _known(world, record):
    know(world.store, [record], world.now)
    directory = world.application.context.directory
    directory._snapshot = replace(directory._snapshot, read_at=float("-inf"))  # looked at now, not in some seconds


class Behind:
    """TRACES: what it is asked comes over HTTP. ``script``: ``lost`` on the way there, ``silent`` about what it did."""

    def __init__(self, folder, url, seal):
        records = [*partner_records(folder)]
        secret = folder / "secret.txt"
        records.append(
            {
                "id": GATEWAY,
                "name": "Invented national gateway",
                "kind": "customs",
                "country": "XI",
                "contracts": ["customs-certex-ched"],
                "authentication": {"username": GATEWAY, "secret": f"file:{secret}"},
                "customs": {"offices": ["XI*", "FR*"], "countries": ["*"], "absent_unit": "tonne"},
            }
        )
        self.records = records
        self.world = CertexWorld(folder, url, seal=seal, records=records)
        self.script = deque()
        self.requests = []
        self.port = 0
        self.begin()

    def __call__(self, environ, start_response):
        request = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.requests.append(request)
        what = self.script.popleft() if self.script else ""
        if what == "lost":
            start_response("502 Bad Gateway", [("Content-Type", "text/html"), ("Content-Length", "0")])
            return [b""]
        answer = list(self.world.application({**environ, "wsgi.input": io.BytesIO(request)}, start_response))
        return [b"<html/>"] if what == "silent" else answer

    def know(self, record):
        """Another record of a partner, as an operator writes it."""
        _known(self.world, record)

    def sent(self, name):
        """How many messages of that name came."""
        return sum(f":{name} ".encode() in each for each in self.requests)

    def begin(self):
        self._serving = serving(self, self.port)
        self.port = self._serving.__enter__()

    @contextmanager
    def away(self):
        """Nothing answers there."""
        self.end()
        yield
        self.begin()

    def end(self):
        if self._serving is not None:
            self._serving.__exit__(None, None, None)
            self._serving = None

    def close(self):
        self.end()
        self.world.close()


class National(CertexWorld):
    """The gateway that customs call; its time is that of TRACES. ``customs``: settings of ``[customs]``."""

    def __init__(self, folder, url, behind, seal, **customs):
        self.behind = behind
        self.known = 0
        self.url = url
        self.folder = folder
        certificate, key = seal
        secret = folder / "secret.txt"
        records = [
            *partner_records(folder),
            {
                "id": "traces",
                "name": "TRACES",
                "kind": "traces",
                "country": "EU",
                "contracts": [],
                "delivery": {
                    "adapter": "traces-nt",
                    "address": f"http://127.0.0.1:{behind.port}/tracesnt/ws",
                    "username": GATEWAY,
                    "secret": f"file:{secret}",
                    "timeout_seconds": 5,
                },
            },
        ]
        self.settings = Settings(
            instance=InstanceSettings(id="national-tests", roles=("national",)),
            store=StoreSettings(url),
            seal=SealSettings(key=key, certificate=certificate),
            delivery=DeliverySettings(in_process=False),
            customs=CustomsSettings(upstream="traces", **customs),
        )
        with open_store(url, exclusive=True) as store:
            know(store, records, self.now)
        self.application = build_application(self.settings, clock=lambda: self.now)
        self.store = self.application.context.store

    @property
    def now(self):
        return self.behind.world.now

    @now.setter
    def now(self, value):
        self.behind.world.now = value

    def know(self, record):
        """Another record of a partner, as an operator writes it."""
        _known(self, record)

    def trail(self):
        """What the audit says of messages, oldest first: (actor, action, detail)."""
        with self.store.read() as connection:
            rows = connection.exec_driver_sql("SELECT actor, action, detail FROM audit ORDER BY seq").all()
        return [(actor, action, json.loads(detail)) for actor, action, detail in rows[self.known :]]

    def forget(self):
        """`trail` begins here."""
        self.known = 0
        self.known = len(self.trail())
