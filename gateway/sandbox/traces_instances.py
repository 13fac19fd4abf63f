"""The CHEDs' part of the demo's world: who calls whom for whom. Gateway A plays TRACES, gateway B hands on to it.

No gateway is added. The national system and its border control post call gateway B in codes of their own; another
border control post, an authority of the third country and an operator of another Member State call TRACES itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from gateway.sandbox.pki import Authority, write

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.sandbox.processes import Instance

__all__ = ["IMPORTER", "NATIONAL", "NEIGHBOUR", "PORT", "POST", "SOMEBODY", "THIRD", "ChedWorld"]

NATIONAL: Final = "national-ched"
"""The account of the national system at gateway B; it speaks for an importer and for the border control post."""
PORT: Final = "port-in-traces"
"""The account of the same post's officers who work in TRACES itself."""
THIRD: Final = "za-authority"
"""The account of the exporting country's authority at TRACES."""
NEIGHBOUR: Final = "be-system"
"""The account of another Member State's system at TRACES."""
_RELAY: Final = "gateway-b-relay"
"""The account with which gateway B calls TRACES."""

IMPORTER: Final = ("OperatorAccessIdentifier", "OPNL0001")
POST: Final = ("AuthorityActivityAccessIdentifier", "AUNL0001")
SOMEBODY: Final = ("OperatorAccessIdentifier", "OPBE0001")

_FACES: Final = '["ched-certificate", "ched-submission", "certificate-attachments", "reference-data", "ched-control"]'
_BODIES: Final = """[[partner.traces.bodies]]
id = "OPNL0001"
kind = "operator"
name = "An invented importer"
identifiers = { national_registry_number = "NL-4711" }
[[partner.traces.bodies]]
id = "AUNL0001"
kind = "authority"
name = "Border control post Rotterdam, as the sandbox plays it"
roles = ["border-control-post"]
posts = ["NLRTM1"]
"""


class ChedWorld:
    """Accounts, seals and settings for CHEDs at the gateways A (TRACES) and B (national).

    Args:
        folder: of the sandbox.
    """

    ACCOUNTS: ClassVar[tuple[str, ...]] = (NATIONAL, PORT, THIRD, NEIGHBOUR, _RELAY)
    """Names of the secrets that its partner files mention."""
    SEALS: ClassVar[tuple[str, ...]] = ("officer-seal", "border-post-seal")
    """The certifying officer's signature and the issuing authority's seal (Article 41(1)(a))."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make_keys(self, national: Authority) -> None:
        """The officer's and the post's keys, under the national authority that both gateways know."""
        pki = self._folder / "pki"
        write(pki, "officer-seal", national.seal("Sandbox certifying officer"))
        write(pki, "border-post-seal", national.seal("Sandbox border control post"))

    def settings(self, instance: Instance) -> str:
        """Further tables of the settings file."""
        if instance.name != "gateway-b":
            return ""
        return """
[traces]
upstream = "gateway-a"
when_away = "contingency"  # accept and mark while TRACES is away, exchange on its return (Art 46(4))
retry_seconds = 0.5        # a real one: 30
"""

    def delivery(self, traces: str) -> str:
        """The table of gateway A's record at gateway B by which CHEDs go there.

        Args:
            traces: address of gateway A.
        """
        return f"""[partner.delivery]
adapter = "traces-nt"
address = "{traces}/tracesnt/ws"
username = "{_RELAY}"
secret = "file:../secrets/{_RELAY}.txt"
timeout_seconds = 20
"""

    def partners(self, instance: Instance) -> dict[str, str]:
        """Partner files for CHEDs, by name."""
        if instance.name == "gateway-b":
            return {NATIONAL: _record(NATIONAL, "The national system", "national-b", _BODIES + _ROOTS)}
        if instance.name != "gateway-a":
            return {}
        return {
            _RELAY: _record(_RELAY, "Gateway B, which relays to TRACES", "traces", _BODIES + _ROOTS),
            PORT: _record(PORT, "Officers of a border control post in TRACES", "traces", _BODIES + _ROOTS),
            THIRD: _THIRD_COUNTRY,
            NEIGHBOUR: _NEIGHBOUR,
        }


def _record(name: str, words: str, system: str, rest: str) -> str:
    return f"""[partner]
id = "{name}"
name = "{words}, as the sandbox plays it"
kind = "national"
country = "NL"
contracts = {_FACES}
code_system = "{system}"
{_account(name)}{rest}"""


def _account(name: str) -> str:
    return f"""[partner.authentication]
username = "{name}"
secret = "file:../secrets/{name}.txt"
"""


_ROOTS: Final = """[[partner.anchors]]
file = "../pki/national-root.pem"
purposes = ["seal"]
level = "qualified"
[[partner.anchors]]
file = "../pki/tsa-root.pem"
purposes = ["timestamp"]
level = "qualified"
"""

_THIRD_COUNTRY: Final = f"""[partner]
id = "{THIRD}"
name = "An invented authority of the exporting country"
kind = "third-country"
country = "ZA"
contracts = ["ched-certificate"]
document_types = ["636"]
country_pairs = ["ZA>NL"]
{_account(THIRD)}"""

_NEIGHBOUR: Final = f"""[partner]
id = "{NEIGHBOUR}"
name = "The system of another Member State"
kind = "national"
country = "BE"
contracts = ["ched-certificate"]
{_account(NEIGHBOUR)}[[partner.traces.bodies]]
id = "OPBE0001"
kind = "operator"
name = "An operator that the consignment is none of the business of"
identifiers = {{ national_registry_number = "BE-0815" }}
"""
