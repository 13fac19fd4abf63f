"""Ours: a gateway with its partners in a folder, called in process as its server would call it."""

from __future__ import annotations

import gc
import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import Batch, time_each
from benchmarks.partner import SECRET, USERNAME, Message, Partner
from benchmarks.stages import STAGES, Stages
from benchmarks.wsgi import submit
from gateway.access import record_from_toml
from gateway.app import build_application
from gateway.config import Settings
from gateway.store import open_store, save_partner, upgrade

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Ours", "Staged", "make_gateway"]

_SETTINGS = """
[instance]
id = "bench"
roles = {roles}
[server]
port = {port}
{server}
[store]
url = "{store}"
[seal]
key = "{keys}/ours.key"
certificate = "{keys}/ours.pem"
[delivery]
in_process = false
[logging]
level = "warning"
"""

_SENDER = """
[partner]
id = "bench-sender"
name = "Sender of the benchmark"
kind = "third-country"
country = "AR"
contracts = ["certificate-exchange"]
document_types = ["851"]
country_pairs = ["AR>*"]
code_system = "ephyto"
rule_set = "ephyto"
timestamp = "{timestamp}"
[partner.authentication]
username = "{username}"
secret = "file:{secret}"
[[partner.anchors]]
file = "{keys}/root.pem"
purposes = ["seal", "timestamp"]
level = "qualified"
"""

_RECEIVER = """
[partner]
id = "bench-receiver"
name = "Receiver of the benchmark"
kind = "national"
country = "NL"
contracts = ["certificate-exchange"]
document_types = ["*"]
country_pairs = ["*>NL"]
code_system = "national-b"
[partner.delivery]
adapter = "certificate-exchange"
address = "http://127.0.0.1:9/CertificateExchange"
username = "bench"
secret = "file:{secret}"
import_countries = ["NL"]
document_types = ["851"]
"""


def make_gateway(
    keys: Path,
    folder: Path,
    *,
    timestamped: bool = False,
    port: int = 0,
    roles: tuple[str, ...] = ("traces",),
    server: str = "",
    partners: tuple[str, ...] = (),
    store: str = "sqlite:///gateway.db",
) -> Path:
    """Write a gateway's settings, make its database and add its partners.

    Every accepted message writes an outbox row for the receiver; the worker is off, so nothing is delivered.

    Args:
        keys: what ``make_pki`` wrote.
        folder: of the gateway; made.
        timestamped: whether the sender's seals must carry a time stamp.
        port: where it listens when it is served.
        roles: which contracts it serves.
        server: further keys of the ``[server]`` table.
        partners: further partner files.
        store: URL of its database.

    Returns:
        The settings file.
    """
    folder.mkdir()
    (folder / "secret.txt").write_text(SECRET)
    values = {
        "keys": keys,
        "secret": folder / "secret.txt",
        "username": USERNAME,
        "timestamp": "required" if timestamped else "optional",
        "port": port,
        "roles": json.dumps(roles),
        "server": server,
        "store": store,
    }
    path = folder / "imsoc.toml"
    path.write_text(_SETTINGS.format(**values))
    settings = Settings.load(path, {})
    upgrade(settings.store.url)
    with open_store(settings.store.url, exclusive=True) as opened:
        for number, text in enumerate((_SENDER.format(**values), _RECEIVER.format(**values), *partners)):
            file = folder / f"partner-{number}.toml"
            file.write_text(text)
            record = record_from_toml(file)
            opened.write(
                partial(save_partner, partner=record["id"], record=record, author="bench", now=datetime.now(UTC))
            )
    return path


class Ours:
    """The gateway and its sender.

    Args:
        keys: what ``make_pki`` wrote; the gateway's folder is made there.
        size: bytes of the certificate before it is sealed.
        timestamped: the T path.
        settings: a gateway that exists already, and holds a million messages, say.
    """

    def __init__(self, keys: Path, size: int, *, timestamped: bool = False, settings: Path | None = None) -> None:
        kind = "T" if timestamped else "B"
        self._partner = Partner(keys, size, f"OURS-{kind}", timestamped=timestamped)
        if settings is None:
            settings = make_gateway(keys, keys / f"gateway-{size}-{kind}", timestamped=timestamped)
        self._application = build_application(Settings.load(settings, {}))
        gc.collect()
        gc.freeze()  # as gateway.serve does in its workers

    def run(self, count: int) -> Batch:
        return self._handle(list(self._partner.messages(count)))

    def _handle(self, messages: list[Message]) -> Batch:
        return time_each(lambda message: submit(self._application, message), messages)

    def close(self) -> None:
        self._application.close()


class Staged(Ours):
    """The same with a clock around every stage: where the time goes."""

    def __init__(self, keys: Path, size: int) -> None:
        folder = keys / f"staged-{size}"
        super().__init__(keys, size, settings=make_gateway(keys, folder))
        self._stages = Stages()

    def run(self, count: int) -> Batch:
        messages = list(self._partner.messages(count))  # the sender seals with the same code as the gateway
        self._stages.clear()
        batch = self._handle(messages)
        batch.parts = {stage: (self._stages.wall[stage] / count, self._stages.cpu[stage] / count) for stage in STAGES}
        return batch
