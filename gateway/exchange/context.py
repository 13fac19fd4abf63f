"""What the exchange works with: put together once by ``gateway.app``, shared by all threads."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.trust import Anchor, Level, Purpose, TrustStore, load_certificates
from gateway.xml.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.access import AnchorRecord, Directory, Partner
    from gateway.store import ChedRow, ChedWrite, Store
    from gateway.trust import Sealer
    from gateway.xml.limits import Limits
    from mappings.live import LiveTables

    ChedFollower = Callable[[Connection, ChedWrite, ChedRow | None], None]
    """Told of one write of a CHED, with the CHED as it stood before; None for a new one."""

__all__ = ["Context", "ExchangePolicy", "PartnerTrust"]


@dataclass(frozen=True, slots=True)
class ExchangePolicy:
    """The operator's choices that the pipeline reads; see ``gateway.config`` for their meaning."""

    instance: str
    roles: frozenset[str]
    clock_skew_seconds: int = 300
    timestamp_max_age_seconds: int = 300
    nonce_keep_seconds: int = 3600
    minimum_seal_level: Level = Level.ADVANCED
    require_timestamp: bool = True
    phyto_routes: frozenset[str] = frozenset({"i", "iii"})
    canonical_system: str = "traces"
    max_held_per_partner: int = 10_000


@dataclass(frozen=True, slots=True)
class Context:
    """The services behind every operation."""

    store: Store
    directory: Directory
    trust: PartnerTrust
    index: LiveTables
    """The mapping tables that hold now; a message takes the index of its day once and keeps it."""
    sealer: Sealer
    policy: ExchangePolicy
    clock: Callable[[], datetime]
    """Aware, UTC."""
    limits: Limits = DEFAULT_LIMITS
    """Of documents, wherever they are parsed: the ones that hold for requests."""
    ched_followers: tuple[ChedFollower, ...] = ()
    """Called in this order for every write of a CHED of this instance's register, in its unit of work, when all that it
    writes is written. What one raises undoes everything."""


class PartnerTrust:
    """One trust store per partner, built from its record and kept until a record changes."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._token = ""
        self._stores: dict[str, TrustStore] = {}

    def of(self, partner: Partner) -> TrustStore:
        """The anchors of this partner and of nobody else."""
        token = self._directory.token
        if token != self._token:
            self._stores, self._token = {}, token
        stores = self._stores
        store = stores.get(partner.id)
        if store is None:
            store = stores[partner.id] = TrustStore([_anchor(record) for record in partner.anchors])
        return store


def _anchor(record: AnchorRecord) -> Anchor:
    certificates = load_certificates(record.certificate_pem.encode("ascii"))
    return Anchor(
        name=record.name,
        certificate_der=certificates[0],
        purposes=frozenset(Purpose(purpose) for purpose in record.purposes),
        level=Level[record.level.upper()],
        crls=tuple(_der(text) for text in record.crls),
        ocsp_responses=tuple(_der(text) for text in record.ocsp),
    )


def _der(text: str) -> bytes:
    """PEM or bare base64 as DER."""
    lines = [line for line in text.splitlines() if line and not line.startswith("-----")]
    return base64.b64decode("".join(lines), validate=True)
