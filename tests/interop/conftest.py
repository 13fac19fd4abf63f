"""A real gateway in a process of its own, set up as an operator does it: keys, settings, partners, `imsoc serve`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from gateway.sandbox.pki import Authority, write
from gateway.sandbox.samples import certificate
from gateway.trust.sealer import Sealer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USERNAME = "ar-senasa"
SECRET = "an invented secret, with & < \u00e9"
START_SECONDS = 30


@dataclass(frozen=True)
class SealedFile:
    """A certificate that no gateway has seen yet."""

    path: Path
    content: bytes
    number: str

    @property
    def identity(self) -> str:
        return f"AR/851/{self.number}"


@dataclass(frozen=True)
class World:
    """Authorities and files of all gateways of this test run."""

    folder: Path
    partner_root: Authority
    tls_root: Authority
    sealer: Sealer
    numbers: Iterator[int]

    def sealed(self, *, package: str = "BX") -> SealedFile:
        number = f"AR-IT-2026-{next(self.numbers):07}"
        document = certificate(number=number).replace(b"<ram:TypeCode>BX<", f"<ram:TypeCode>{package}<".encode())
        content = self.sealer.seal(document, at=datetime.now(UTC))
        path = self.folder / f"{number}.xml"
        path.write_bytes(content)
        return SealedFile(path, content, number)

    @staticmethod
    def free_port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]


@dataclass(frozen=True)
class RunningGateway:
    """Where a gateway listens."""

    address: str
    log: Path
    username: str = USERNAME
    secret: str = SECRET

    @property
    def service(self) -> str:
        return f"{self.address}/CertificateExchange"

    @property
    def wsdl(self) -> str:
        return f"{self.service}?wsdl"


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    now = datetime.now(UTC) - timedelta(minutes=5)
    partner_root = Authority("Interop third country", country="AR", now=now)
    seal = partner_root.seal("Servicio Fitosanitario de Ejemplo")
    return World(
        folder=tmp_path_factory.mktemp("interop"),
        partner_root=partner_root,
        tls_root=Authority("Interop TLS", now=now),
        sealer=Sealer(seal.key, seal.certificate_der, seal.chain_der),
        numbers=count(1),
    )


@pytest.fixture(scope="session")
def start_gateway(world: World) -> Iterator[Callable[..., RunningGateway]]:
    """``start_gateway("name", authentication, server="…")`` runs one until the session ends."""
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, authentication: str, *, server: str = "", base_url: str = "") -> RunningGateway:
        folder = world.folder / name
        folder.mkdir()
        port = world.free_port()
        own = Authority("Interop gateways", now=datetime.now(UTC) - timedelta(minutes=5)).seal("Interop gateway")
        write(folder, "seal", own)
        (folder / "partner-root.pem").write_bytes(world.partner_root.certificate_pem)
        (folder / "secret.txt").write_text(SECRET, "utf-8")
        (folder / "imsoc.toml").write_text(
            f'[instance]\nid = "{name}"\nroles = ["traces"]\nbase_url = "{base_url}"\n'
            f"[server]\nport = {port}\n{server}\n"
            '[store]\nurl = "sqlite:///imsoc.db"\n'
            '[seal]\nkey = "seal.key"\ncertificate = "seal.pem"\n',
            "utf-8",
        )
        (folder / "partner.toml").write_text(
            f'[partner]\nid = "{USERNAME}"\nname = "Servicio Fitosanitario de Ejemplo"\nkind = "third-country"\n'
            'country = "AR"\ncontracts = ["certificate-exchange"]\noperations = ["*"]\ndocument_types = ["851"]\n'
            'country_pairs = ["AR>*"]\ncode_system = "ephyto"\nrule_set = "ephyto"\ncom_informed_on = 2026-01-15\n'
            f'timestamp = "optional"\nuntranslatable = "quarantine"\n[partner.authentication]\n{authentication}\n'
            '[[partner.anchors]]\nfile = "partner-root.pem"\npurposes = ["seal"]\nlevel = "advanced"\n',
            "utf-8",
        )
        imsoc(folder, "db", "upgrade")
        imsoc(folder, "partners", "add", "partner.toml")
        log = folder / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command("serve"), cwd=folder, env=environment(), stdout=output, stderr=output, start_new_session=True
            )
        running.append(process)
        gateway = RunningGateway(f"http://127.0.0.1:{port}", log)
        wait_until_ready(f"{gateway.address}/health/ready", process, log)
        return gateway

    yield start
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="session")
def gateway(start_gateway: Callable[..., RunningGateway]) -> RunningGateway:
    """A gateway whose one partner has user name and secret."""
    return start_gateway("traces", f'username = "{USERNAME}"\nsecret = "file:secret.txt"')


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gateway", "--config", "imsoc.toml", *arguments]


def environment() -> dict[str, str]:
    """Ours, without settings that an operator of this machine may have made."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IMSOC_")}


def imsoc(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text("utf-8", "replace")
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"{address} did not answer within {START_SECONDS} s:\n{log.read_text('utf-8', 'replace')}")
