"""Partners as principals: who they are, how they prove it, and what they were granted (Art 9, R-9-1: default deny).

A partner record is written by an operator as TOML, read once by :func:`partner_from_toml` (which pulls anchors and
revocation lists in, so that the stored record needs no files), and kept in the store as JSON. Secrets are never part
of a record: it names where they are (``file:`` or ``env:``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from gateway.access.bodies import TracesMembership
    from gateway.access.customs import CustomsMembership
    from gateway.access.membership import HubMembership, Polling

__all__ = [
    "ANY",
    "PUSHES",
    "AnchorRecord",
    "Authentication",
    "CountryPair",
    "DeliveryTarget",
    "Partner",
    "PartnerKind",
    "Untranslatable",
]

ANY = "*"
"""In a grant: any document type, country or operation."""
PUSHES = "customs-push"
"""The delivery adapter of customs systems that are told of changes of CHEDs (docs/customs-push.md)."""


class PartnerKind(StrEnum):
    """What a partner is in law; decides the Article 39 route and what it may see."""

    THIRD_COUNTRY = "third-country"
    INTERNATIONAL_ORGANISATION = "international-organisation"
    NATIONAL = "national"
    TRACES = "traces"
    CUSTOMS = "customs"
    HUB = "hub"
    """The IPPC hub itself: it carries what others issued, so it may send for any country of its country pairs."""

    @property
    def is_outside(self) -> bool:
        """Third countries, international organisations and their hub get no personal data by default (R-9-2)."""
        return self in (PartnerKind.THIRD_COUNTRY, PartnerKind.INTERNATIONAL_ORGANISATION, PartnerKind.HUB)


class Untranslatable(StrEnum):
    """What becomes of a message that is right in all but its codes (R-37-2: they are never guessed)."""

    REFUSE = "refuse"
    QUARANTINE = "quarantine"
    """It is kept whole, and goes its way when the rows that are missing have arrived."""


@dataclass(frozen=True, slots=True)
class CountryPair:
    """``AR>NL``: certificates issued by AR for import into NL; ``*`` stands for any country."""

    issuer: str
    importer: str

    def covers(self, issuer: str, importer: str) -> bool:
        """Whether a certificate of this issuer for this importer falls under the pair."""
        return self.issuer in (ANY, issuer) and self.importer in (ANY, importer)

    def __str__(self) -> str:
        return f"{self.issuer}>{self.importer}"


@dataclass(frozen=True, slots=True)
class AnchorRecord:
    """A certificate that the operator trusts for this partner.

    ``level`` is ``simple``, ``advanced`` or ``qualified``; until trusted lists are read, ``qualified`` is the
    operator's own statement and evidence says so. ``crls`` and ``ocsp`` are PEM or base64 DER texts, read offline.
    """

    name: str
    certificate_pem: str
    purposes: frozenset[str]
    level: str
    crls: tuple[str, ...] = ()
    ocsp: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authentication:
    """How the partner proves who it is; ``secret`` is a reference, never the secret itself."""

    username: str = ""
    secret: str = ""
    client_certificates: tuple[str, ...] = ()
    """``sha256:<hex>`` fingerprints of the DER certificate."""
    web_service_client_id: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryTarget:
    """Where and how documents are delivered to this partner; ``None`` on the partner means: it reads, we never call."""

    adapter: str
    address: str
    username: str = ""
    secret: str = ""
    import_countries: tuple[str, ...] = (ANY,)
    document_types: tuple[str, ...] = (ANY,)
    ca: str = ""
    client_certificate: str = ""
    client_key: str = ""
    timeout_seconds: float = 20.0

    def wants(self, type_code: str, import_country: str) -> bool:
        """Whether a document of this type for this country is routed to it; none is to one that takes pushes."""
        return (
            self.adapter != PUSHES
            and bool({ANY, type_code} & set(self.document_types))
            and bool({ANY, import_country} & set(self.import_countries))
        )


@dataclass(frozen=True, slots=True)
class Partner:
    """One network member or partner system and everything it was granted."""

    id: str
    name: str
    kind: PartnerKind
    country: str
    contracts: frozenset[str]
    operations: frozenset[str] = frozenset({ANY})
    document_types: frozenset[str] = frozenset()
    country_pairs: tuple[CountryPair, ...] = ()
    code_system: str = "traces"
    rule_set: str = ""
    com_informed_on: date | None = None
    """R-39-4: since when the Commission knows of the exchange with this partner's system (route iv)."""
    personal_data: bool = False
    personal_data_basis: str = ""
    timestamp_required: bool = True
    untranslatable: Untranslatable = Untranslatable.REFUSE
    """What becomes of messages from it and to it that have codes without a mapping."""
    authentication: Authentication = field(default_factory=Authentication)
    anchors: tuple[AnchorRecord, ...] = ()
    delivery: DeliveryTarget | None = None
    hub: HubMembership | None = None
    """What it is to our stand-in of the IPPC hub; None: nothing."""
    polling: Polling | None = None
    """How often we ask it for envelopes; None: never."""
    traces: TracesMembership | None = None
    """The bodies that its system acts for in TRACES; None: none."""
    customs: CustomsMembership | None = None
    """The customs offices that it speaks for; None: it is no customs system."""
    enabled: bool = True

    def may_call(self, contract: str, operation: str) -> bool:
        """Whether the grant covers this operation of this contract."""
        return self.enabled and contract in self.contracts and bool({ANY, operation} & self.operations)

    def may_exchange(self, type_code: str, issuer: str, importer: str) -> bool:
        """Whether the grant covers this document type between these countries."""
        return bool({ANY, type_code} & self.document_types) and any(
            pair.covers(issuer, importer) for pair in self.country_pairs
        )

    def may_reach(self, importer: str) -> bool:
        """Whether any country pair covers documents for this country, whoever issues them."""
        return any(pair.importer in (ANY, importer) for pair in self.country_pairs)

    def expects(self, type_code: str, import_country: str) -> bool:
        """Whether its record asks for documents for this very country, and not for whatever it may get."""
        delivery = self.delivery
        return (
            delivery is not None
            and import_country in delivery.import_countries
            and (delivery.wants(type_code, import_country))
        )

    @property
    def sees_personal_data(self) -> bool:
        """R-9-2 and R-9-3: outside partners only with a flag that names its legal basis."""
        return not self.kind.is_outside or (self.personal_data and bool(self.personal_data_basis))
