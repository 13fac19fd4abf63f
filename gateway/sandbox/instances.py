"""The demo's gateways, a time-stamping authority and their keys: real processes, real files, loopback only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.access import record_from_toml
from gateway.sandbox.customs_instances import CustomsWorld
from gateway.sandbox.hub_instances import COUNTRY, HubWorld
from gateway.sandbox.pki import Authority, write
from gateway.sandbox.processes import Instance, free_port, stop_all
from gateway.sandbox.samples import certificate
from gateway.sandbox.traces_client import wire
from gateway.sandbox.traces_instances import ChedWorld
from gateway.sandbox.traces_samples import plants
from gateway.sandbox.tsa import TimestampAuthority
from gateway.sandbox.tsa_server import serve_in_thread
from gateway.store import open_store, save_partner, upgrade

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.sandbox.tsa_server import StampServer

__all__ = ["PATIENT", "Sandbox"]

PATIENT: Final = "patient-third-country"
"""Account at gateway A whose messages are kept when nothing but a row is missing."""


@dataclass(slots=True)
class Sandbox:
    """The demo's world, in one folder.

    Gateway A has the role ``traces`` and takes the third country's certificates (Article 39(2) route iii); gateway B
    has the role ``national`` and gets what A delivers. ``hub`` adds the hub's contract: gateway H in the role ``hub``
    and gateway C, a national system that polls it. ``cheds`` lets B hand CHEDs
    on to A, and ``customs`` ask A for them. Everything is invented; keys are made on the spot.
    """

    folder: Path
    a: Instance = field(init=False)
    b: Instance = field(init=False)
    hub: HubWorld = field(init=False)
    cheds: ChedWorld = field(init=False)
    customs: CustomsWorld = field(default_factory=CustomsWorld)
    secrets: dict[str, str] = field(default_factory=dict)
    _tsa: StampServer | None = None

    def __post_init__(self) -> None:
        self.a = Instance("gateway-a", "traces", free_port(), self.folder / "gateway-a")
        self.b = Instance("gateway-b", "national", free_port(), self.folder / "gateway-b")
        self.hub = HubWorld(self.folder, self.a.address)
        self.cheds = ChedWorld(self.folder)

    def prepare(self) -> None:
        """Write keys, settings and partner files, and make the databases."""
        now = datetime.now(UTC)
        pki = self.folder / "pki"
        tsa_root = Authority("Sandbox time stamping", now=now)
        third = Authority("Sandbox third country", now=now, country="AR")
        traces = Authority("Sandbox TRACES", now=now, country="EU")
        national = Authority("Sandbox national authority", now=now, country="NL")
        stranger = Authority("Sandbox stranger", now=now, country="ZZ")
        for name, authority in {
            "tsa-root": tsa_root,
            "third-country-root": third,
            "traces-root": traces,
            "national-root": national,
        }.items():
            pki.mkdir(parents=True, exist_ok=True)
            (pki / f"{name}.pem").write_bytes(authority.certificate_pem)
        write(pki, "third-country-seal", third.seal("Sandbox plant protection organisation"))
        write(pki, "stranger-seal", stranger.seal("Sandbox stranger"))
        write(pki, "gateway-a-seal", traces.seal("Sandbox TRACES seal"))
        write(pki, "gateway-b-seal", national.seal("Sandbox national seal"))
        credential = tsa_root.timestamping("Sandbox time-stamping unit")
        write(pki, "tsa", credential)
        self._tsa = serve_in_thread(TimestampAuthority(credential))
        for name in (
            "third-country",
            "patient-third-country",
            "third-country-at-b",
            "vet-third-country-at-b",
            "gateway-a-at-b",
            "national",
        ):
            self._make_secret(name)
        for name in (*self.hub.ACCOUNTS, *self.cheds.ACCOUNTS, *self.customs.ACCOUNTS):
            self._make_secret(name)
        self.hub.make_keys(now)
        self.cheds.make_keys(national)
        self._third_countrys_own_files()
        for instance in self.instances:
            instance.folder.mkdir(exist_ok=True)
            settings = self._settings(instance) + self.hub.settings(instance) + self.cheds.settings(instance)
            instance.config.write_text(settings, "utf-8")
            url = f"sqlite:///{instance.folder / 'imsoc.db'}"
            upgrade(url)
            with open_store(url, exclusive=True) as store:
                files = self._partners(instance) | self.hub.partners(instance) | self.cheds.partners(instance)
                files |= self.customs.partners(instance)
                for name, text in files.items():
                    path = instance.folder / f"{name}.toml"
                    path.write_text(text, "utf-8")
                    record = record_from_toml(path)
                    store.write(
                        partial(save_partner, partner=record["id"], record=record, author="imsoc demo", now=now)
                    )

    @property
    def tsa_address(self) -> str:
        """Where the time-stamping authority answers."""
        assert self._tsa is not None
        return f"http://127.0.0.1:{self._tsa.server_port}/"

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All gateways."""
        return (self.b, self.a, self.hub.h, self.hub.c)

    def start(self) -> None:
        """Start all gateways at once, and wait for those that the first journey needs.

        Raises:
            ConfigurationError: IMG-0150 when one ends at once.
            Unavailable: IMG-9004 when one does not come up; the message names its log.
        """
        for instance in self.instances:
            instance.launch()
        for instance in (self.b, self.a):
            instance.wait_until_ready()

    def stop(self) -> None:
        """Stop everything that was started."""
        stop_all(self.instances)
        if self._tsa is not None:
            self._tsa.shutdown()
            self._tsa.server_close()

    def _make_secret(self, name: str) -> None:
        self.secrets[name] = secrets.token_urlsafe(24)
        path = self.folder / "secrets" / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(self.secrets[name], "ascii")

    def _third_countrys_own_files(self) -> None:
        """What an integrator on the other side has: a key to seal with, and a certificate that is not sealed yet."""
        folder = self.folder / "third-country"
        folder.mkdir(exist_ok=True)
        folder.joinpath("certificate.xml").write_bytes(certificate(number="AR-MINE-0000001", lines=2))
        folder.joinpath("ephyto.xml").write_bytes(certificate(number="AR-MINE-0000002", import_=COUNTRY, lines=2))
        system = self.folder / "national-system"
        system.mkdir(exist_ok=True)
        system.joinpath("ched.xml").write_bytes(wire(plants(datetime.now(UTC), local="NL-MINE-1")))
        folder.joinpath("imsoc.toml").write_text(
            f"""# Settings of the third country's own tools (`imsoc seal`), written by `imsoc demo`.
[seal]
key = "../pki/third-country-seal.key"
certificate = "../pki/third-country-seal.pem"
timestamp_authorities = ["{self.tsa_address}"]
timestamp_anchors = ["../pki/tsa-root.pem"]
timestamp = "required"
""",
            "utf-8",
        )

    def _settings(self, instance: Instance) -> str:
        country = self.hub.country_of(instance) or ("NL" if instance is self.b else "")
        return f"""# Settings of {instance.name}, written by `imsoc demo`.
[instance]
id = "{instance.name}"
roles = ["{instance.role}"]
country = "{country}"
base_url = "{instance.address}"

[server]
port = {instance.port}
{self.hub.server_settings(instance)}
[translation]
allow_unconfirmed = true

[store]
url = "sqlite:///imsoc.db"

[seal]
key = "../pki/{instance.name}-seal.key"
certificate = "../pki/{instance.name}-seal.pem"
timestamp_authorities = ["{self.tsa_address}"]
timestamp_anchors = ["../pki/tsa-root.pem"]
timestamp = "required"

[delivery]
backoff_first_seconds = 0.2
"""

    def _partners(self, instance: Instance) -> dict[str, str]:
        national_reader = """[partner]
id = "national"
name = "An invented inspection service"
kind = "national"
country = "NL"
contracts = ["certificate-exchange"]
document_types = ["*"]
country_pairs = ["*>NL"]
[partner.authentication]
username = "national"
secret = "file:../secrets/national.txt"
"""
        if instance is self.a:
            return {
                "third-country": _third_country("third-country", "2026-01-15", document_types='["851", "657", "853"]'),
                PATIENT: _third_country(PATIENT, "2026-01-15", document_types='["851"]', untranslatable="quarantine"),
                "gateway-b": f"""[partner]
id = "gateway-b"
name = "The national system of an invented authority"
kind = "national"
country = "NL"
contracts = ["certificate-exchange"]
document_types = ["*"]
country_pairs = ["*>NL"]
code_system = "national-b"
[partner.delivery]
adapter = "certificate-exchange"
address = "{self.b.address}/CertificateExchange"
username = "gateway-a"
secret = "file:../secrets/gateway-a-at-b.txt"
import_countries = ["NL"]
""",
            }
        if instance is not self.b:
            return {}
        return {
            "gateway-a": f"""[partner]
id = "gateway-a"
name = "TRACES, as the sandbox plays it"
kind = "traces"
country = "*"
contracts = ["certificate-exchange"]
document_types = ["*"]
country_pairs = ["*>NL"]
code_system = "national-b"
[partner.authentication]
username = "gateway-a"
secret = "file:../secrets/gateway-a-at-b.txt"
{self.cheds.delivery(self.a.address)}[[partner.anchors]]
file = "../pki/traces-root.pem"
purposes = ["seal"]
level = "qualified"
[[partner.anchors]]
file = "../pki/tsa-root.pem"
purposes = ["timestamp"]
level = "qualified"
""",
            "third-country-at-b": _third_country("third-country-at-b", "2026-01-15", document_types='["851"]'),
            "vet-third-country-at-b": _third_country("vet-third-country-at-b", None, document_types='["853"]'),
            "national": national_reader,
        }


def _third_country(name: str, informed: str | None, *, document_types: str, untranslatable: str = "refuse") -> str:
    return f"""[partner]
id = "{name}"
name = "An invented plant protection organisation"
kind = "third-country"
country = "AR"
contracts = ["certificate-exchange"]
document_types = {document_types}
country_pairs = ["AR>*", "UY>*"]
code_system = "ephyto"
untranslatable = "{untranslatable}"  # or quarantine: kept until the missing rows are there
{f"com_informed_on = {informed}" if informed else "# com_informed_on is missing: the Commission was not informed"}
[partner.authentication]
username = "{name}"
secret = "file:../secrets/{name}.txt"
[[partner.anchors]]
file = "../pki/third-country-root.pem"
purposes = ["seal"]
level = "advanced"
[[partner.anchors]]
file = "../pki/tsa-root.pem"
purposes = ["timestamp"]
level = "qualified"
"""
