"""The hub's part of the demo's world: a gateway in the role ``hub``, a national one that polls it, and a third country.

Envelopes travel over mutual TLS and are not sealed: who may do what is decided by the fingerprint of a client
certificate. Everything is invented and on loopback.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from gateway.sandbox.pki import Authority, Credential, write
from gateway.sandbox.processes import Instance, free_port

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

__all__ = ["COUNTRY", "INSPECTORS", "THIRD_COUNTRY", "HubWorld"]

COUNTRY: Final = "BE"
"""Of gateway C, whose authority it is; gateway B is another country's."""

THIRD_COUNTRY: Final = "AR"

INSPECTORS: Final = "inspection-service"
"""The account of gateway C's own inspectors, who read what came and issue what goes out."""


@dataclass(slots=True)
class HubWorld:
    """Gateway H (role ``hub``), gateway C (role ``national``) and their keys.

    C polls H, and hands what it gets to gateway A, which plays TRACES: route iv of Article 39(2), so that the demo sets
    ``phyto_routes`` at C and A and ``com_informed_on`` at C.
    """

    ACCOUNTS: ClassVar[tuple[str, ...]] = ("gateway-c-at-a", INSPECTORS)
    """Names of the secrets that its partner files mention."""

    folder: Path
    traces: str
    """Address of gateway A."""
    h: Instance = field(init=False)
    c: Instance = field(init=False)
    fingerprints: dict[str, str] = field(default_factory=dict)
    """``sha256:…`` of the client certificates that H's partner records name."""

    def __post_init__(self) -> None:
        root = self.folder / "pki" / "hub-root.pem"
        self.h = Instance("gateway-h", "hub", free_port(), self.folder / "gateway-h", tls_root=root)
        self.c = Instance("gateway-c", "national", free_port(), self.folder / "gateway-c")

    @property
    def service(self) -> str:
        """Where H serves the hub's contract."""
        return f"{self.h.address}/hub/DeliveryService"

    def make_keys(self, now: datetime) -> None:
        """TLS keys of H, of its members and of somebody whom its authority knows and its records do not; C's seals."""
        pki = self.folder / "pki"
        hub = Authority("Sandbox hub", now=now)
        national = Authority("Sandbox authority of gateway C", now=now, country=COUNTRY)
        for name, authority in {"hub-root": hub, "gateway-c-root": national}.items():
            (pki / f"{name}.pem").write_bytes(authority.certificate_pem)
        write(pki, "gateway-h-tls", hub.tls_server("127.0.0.1", "localhost"))
        for name in ("third-country-client", "gateway-c-client", "somebody-else-client"):
            self.fingerprints[name] = _written(pki, name, hub.tls_client(f"Sandbox {name}"))
        write(pki, "gateway-h-seal", hub.seal("Sandbox hub seal"))
        write(pki, "gateway-c-seal", national.seal("Sandbox seal of gateway C"))
        write(pki, f"{INSPECTORS}-seal", national.seal("Sandbox inspection service"))

    def country_of(self, instance: Instance) -> str:
        """Of C; empty for every other instance."""
        return COUNTRY if instance is self.c else ""

    def server_settings(self, instance: Instance) -> str:
        """Keys for the ``[server]`` table."""
        if instance is not self.h:
            return ""
        return """tls_certificate = "../pki/gateway-h-tls.pem"
tls_key = "../pki/gateway-h-tls.key"
client_ca = "../pki/hub-root.pem"
"""

    def settings(self, instance: Instance) -> str:
        """Further tables of the settings file."""
        if instance.role == "traces":
            return _ROUTES.format(routes='"i", "iii", "iv"')
        if instance is self.c:
            return _ROUTES.format(routes='"i", "ii", "iii", "iv"') + "# ii: what C's own inspectors issue\n"
        return ""

    def partners(self, instance: Instance) -> dict[str, str]:
        """Partner files for the hub's journey, by name."""
        if instance is self.h:
            return {
                "third-country": self._member("third-country", "third-country", THIRD_COUNTRY),
                "gateway-c": self._member("gateway-c", "national", COUNTRY),
            }
        if instance is self.c:
            return {"gateway-h": self._hub(), "gateway-a": self._traces(), INSPECTORS: _INSPECTORS_FILE}
        return {"gateway-c": _NATIONAL_AT_TRACES} if instance.role == "traces" else {}

    def _member(self, name: str, kind: str, country: str) -> str:
        return f"""[partner]
id = "{name}"
name = "The plant protection organisation of {country}, as the sandbox plays it"
kind = "{kind}"
country = "{country}"
contracts = ["ippc-hub"]
document_types = ["851", "657"]
country_pairs = ["{country}>*", "*>{country}"]
code_system = "ephyto"
[partner.authentication]
client_certificates = ["{self.fingerprints[f"{name}-client"]}"]
[partner.hub]
countries = ["{country}"]
"""

    def _hub(self) -> str:
        return f"""[partner]
id = "gateway-h"
name = "The hub, as the sandbox plays it"
kind = "hub"
country = "*"
contracts = ["ippc-hub"]
document_types = ["851", "657"]
country_pairs = ["*>{COUNTRY}", "{COUNTRY}>{THIRD_COUNTRY}"]
code_system = "ephyto"
com_informed_on = 2026-01-15
[partner.delivery]
adapter = "ippc-hub"
address = "{self.service}"
ca = "../pki/hub-root.pem"
client_certificate = "../pki/gateway-c-client.pem"
client_key = "../pki/gateway-c-client.key"
import_countries = ["{THIRD_COUNTRY}"]
document_types = ["851", "657"]
[partner.polling]
interval_seconds = 1
lists_hours = 0
"""

    def _traces(self) -> str:
        return f"""[partner]
id = "gateway-a"
name = "TRACES, as the sandbox plays it"
kind = "traces"
country = "*"
contracts = ["certificate-exchange"]
document_types = ["*"]
country_pairs = ["*>{COUNTRY}"]
code_system = "traces"
[partner.delivery]
adapter = "certificate-exchange"
address = "{self.traces}/CertificateExchange"
username = "gateway-c"
secret = "file:../secrets/gateway-c-at-a.txt"
import_countries = ["{COUNTRY}"]
"""


_ROUTES: Final = """
[trust]
phyto_routes = [{routes}]  # iv: a third country's system exchanging with a national one (Art 39(2), R-39-5)
"""

_INSPECTORS_FILE: Final = f"""[partner]
id = "{INSPECTORS}"
name = "An invented inspection service of {COUNTRY}"
kind = "national"
country = "{COUNTRY}"
contracts = ["certificate-exchange"]
document_types = ["851", "657"]
country_pairs = ["{COUNTRY}>*", "*>{COUNTRY}"]
code_system = "ephyto"
[partner.authentication]
username = "{INSPECTORS}"
secret = "file:../secrets/{INSPECTORS}.txt"
[[partner.anchors]]
file = "../pki/gateway-c-root.pem"
purposes = ["seal"]
level = "advanced"
[[partner.anchors]]
file = "../pki/tsa-root.pem"
purposes = ["timestamp"]
level = "qualified"
"""

_NATIONAL_AT_TRACES: Final = f"""[partner]
id = "gateway-c"
name = "The national system of {COUNTRY}, as the sandbox plays it"
kind = "national"
country = "{COUNTRY}"
contracts = ["certificate-exchange"]
document_types = ["851", "657"]
country_pairs = ["*>{COUNTRY}"]
code_system = "traces"
[partner.authentication]
username = "gateway-c"
secret = "file:../secrets/gateway-c-at-a.txt"
[[partner.anchors]]
file = "../pki/gateway-c-root.pem"
purposes = ["seal"]
level = "qualified"
[[partner.anchors]]
file = "../pki/tsa-root.pem"
purposes = ["timestamp"]
level = "qualified"
"""


def _written(folder: Path, name: str, credential: Credential) -> str:
    """Write the credential; the fingerprint of its certificate as partner records name it."""
    write(folder, name, credential)
    return f"sha256:{hashlib.sha256(credential.certificate_der).hexdigest()}"
