"""A partner at the IPPC hub: the authority of countries, a channel, or the hub that we poll (DIGEST 2.3, 2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "DEFAULT_DOCUMENTS",
    "AllowedDocument",
    "ChannelRule",
    "HubMembership",
    "Polling",
    "RuleDirection",
    "RuleType",
]


class RuleType(StrEnum):
    """What a channel gets (``@ruleType``)."""

    FORWARD = "FORWARD"
    """A copy under a number of its own, beside the receiver."""
    DELEGATE = "DELEGATE"
    """The envelope itself, instead of the authority whose rule it is."""


class RuleDirection(StrEnum):
    """Whose envelopes a rule is about (``@direction``): those that its owner sends or those that it receives."""

    OUT = "OUT"
    INC = "INC"


@dataclass(frozen=True, slots=True)
class AllowedDocument:
    """A document type (UNTDID 1001) in a status (UNTDID 4405) that an authority sends and receives."""

    type: int
    status: int
    active: bool = True


DEFAULT_DOCUMENTS: Final = tuple(AllowedDocument(type_, status) for type_ in (851, 657) for status in (70, 40))
"""Phytosanitary certificates, for export and re-export, issued and withdrawn."""


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """Which envelopes a channel gets."""

    id: int
    rule: RuleType
    direction: RuleDirection
    channel: str
    """Code of the channel."""
    type: int = 0
    """0: any."""
    status: int = 0
    """0: any."""
    country: str = ""
    """The other side of the envelope: where it goes for OUT, where it comes from for INC. Empty: any."""
    active: bool = True

    def covers(self, direction: RuleDirection, type_: int, status: int, country: str) -> bool:
        """Whether the rule is in force for an envelope of this type and status with this other country."""
        return (
            self.active
            and self.direction is direction
            and self.type in (0, type_)
            and self.status in (0, status)
            and self.country in ("", country)
        )


@dataclass(frozen=True, slots=True)
class HubMembership:
    """``[partner.hub]``: what the partner is to our stand-in of the hub."""

    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2, upper case: it is the plant protection organisation of these, and nobody else is."""
    send: bool = True
    receive: bool = True
    documents: tuple[AllowedDocument, ...] = DEFAULT_DOCUMENTS
    signature_dn: str = ""
    """Distinguished name in ``Nppo/Signature``; for the reader, nothing here is judged by it."""
    signature_certificate: str = ""
    """PEM, as ``signature_dn``."""
    channel: str = ""
    """Not empty: this partner is the channel of that code."""
    rules: tuple[ChannelRule, ...] = ()

    def allows(self, type_: int, status: int) -> bool:
        """Whether a document of this type and status may be sent and received."""
        return any(
            document.active and document.type == type_ and document.status == status for document in self.documents
        )


@dataclass(frozen=True, slots=True)
class Polling:
    """``[partner.polling]``: how often a hub is asked for what waits there. Its address is that of the delivery."""

    enabled: bool = True
    interval_seconds: float = 30.0
    batch: int = 100
    """Envelopes that one round pulls at most."""
    lists_hours: float = 24.0
    """How often the code lists are fetched; 0: never by itself."""
