"""`imsoc serve` with the role hub, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests
from hub_callers import HubAnswer, HubWorld, client_cert

from gateway.sandbox.pki import Authority, write
from gateway.store import upgrade

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS = 40


class Server:
    """One `imsoc serve`, and how a member calls it."""

    def __init__(self, folder: Path, *, tls: bool):
        self.tls = tls
        self.folder = folder
        self.world = HubWorld(folder, now=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1))
        self.other_root = Authority("Elsewhere", now=self.world.now)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http{'s' if tls else ''}://127.0.0.1:{port}/hub/DeliveryService"
        url = f"sqlite:///{folder / 'hub.db'}"
        upgrade(url)
        self.world.add_members(url)
        write(folder, "seal", self.world.root.seal("Gateway seal"))
        write(folder, "server", self.world.root.tls_server("127.0.0.1"))
        (folder / "ca.pem").write_bytes(self.world.root.certificate_pem)
        server = (
            'tls_certificate = "server.pem"\ntls_key = "server.key"\nclient_ca = "ca.pem"'
            if tls
            else 'trusted_proxies = ["127.0.0.1"]'
        )
        (folder / "imsoc.toml").write_text(
            f'[instance]\nid = "hub"\nroles = ["hub"]\n[server]\nport = {port}\n{server}\n'
            '[store]\nurl = "sqlite:///hub.db"\n[seal]\nkey = "seal.key"\ncertificate = "seal.pem"\n',
            "utf-8",
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("IMSOC_")}
        self.log = folder / "serve.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "--config", "imsoc.toml", "serve"],
                cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text("utf-8", "replace")
            try:
                if self.session(None).get(self.address, timeout=2).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        pytest.fail(self.log.read_text("utf-8", "replace"))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def session(self, credential):
        session = requests.Session()
        session.trust_env = False
        if self.tls:
            session.verify = str(self.folder / "ca.pem")
            if credential is not None:
                certificate_file, key = write(self.folder, f"client-{id(credential)}", credential)
                session.cert = (str(certificate_file), str(key))
        elif credential is not None:
            session.headers["Client-Cert"] = client_cert(credential)
        return session

    def post(self, credential, body):
        return self._post(self.session(credential), body)

    def answer(self, session, body):
        reply = self._post(session, body)
        return HubAnswer(reply.status_code, reply.content).checked()

    def _post(self, session, body):
        raw = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>' + body
        headers = {"Content-Type": "text/xml"}
        return session.post(self.address, raw + b"</s:Body></s:Envelope>", headers=headers, timeout=30)
