"""The customs' part of the demo's world: two customs systems that ask gateway A, which plays TRACES. All invented."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

if TYPE_CHECKING:
    from gateway.sandbox.processes import Instance

__all__ = ["AT_DESTINATION", "AT_ENTRY", "CustomsWorld", "Office"]


class Office(NamedTuple):
    """A customs office and the account of the system that it works with."""

    account: str
    number: str
    country: str


AT_ENTRY: Final = Office("customs-nl", "NL000396", "NL")
AT_DESTINATION: Final = Office("customs-be", "BE212000", "BE")


class CustomsWorld:
    """Accounts of customs systems at gateway A."""

    ACCOUNTS: ClassVar[tuple[str, ...]] = (AT_ENTRY.account, AT_DESTINATION.account)
    """Names of the secrets that its partner files mention."""

    def partners(self, instance: Instance) -> dict[str, str]:
        """Partner files for customs, by name."""
        if instance.name != "gateway-a":
            return {}
        return {office.account: _record(office) for office in (AT_ENTRY, AT_DESTINATION)}


def _record(office: Office) -> str:
    return f"""[partner]
id = "{office.account}"
name = "Customs of {office.country}, as the sandbox plays it"
kind = "customs"
country = "{office.country}"
contracts = ["customs-certex-ched", "customs-lookup"]
[partner.authentication]
username = "{office.account}"
secret = "file:../secrets/{office.account}.txt"
[partner.customs]
offices = ["{office.number}"]
countries = ["{office.country}"]
"""
