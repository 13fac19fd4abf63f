"""What goes into the tables of CHEDs and what comes out of them.

Countries are ISO 3166-1 alpha-2 or XI, statuses and types the codes of DIGEST 6, times aware. An empty text or tuple
or None means that the CHED does not say it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.store.records import Nonce

__all__ = [
    "ChedCommodity",
    "ChedDocument",
    "ChedEvidence",
    "ChedLinkRow",
    "ChedParts",
    "ChedRow",
    "ChedSeal",
    "ChedTranslation",
    "ChedVersionRow",
    "ChedWrite",
]


@dataclass(frozen=True, slots=True)
class ChedCommodity:
    """A commodity of box I.31: what a result of a search shows of it."""

    code: str
    """CN or TARIC digits."""
    names: tuple[str, ...] = ()
    """One for each level of the hierarchy."""
    system: str = "CN"
    system_name: str = ""


@dataclass(frozen=True, slots=True)
class ChedDocument:
    """A certificate or other document of box I.9, without those of transport."""

    number: str
    """As written."""
    type_code: str = ""
    """UN/EDIFACT 1001, or as written."""
    country: str = ""
    """Of issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChedRow:
    """A CHED as it stands, without the document: everything that it is found by, and who may find it."""

    id: str
    """ULID, ours, the same from the first draft on."""
    seq: int = 0
    """Order of creation here; given by the store, 0 before."""
    version: int = 0
    """Counts the writes; given by the store. `ChedWrite.expected_version` is compared with it."""
    content_id: str = ""
    """The version that brought the document as it stands; given by the store."""

    reference: str = ""
    """I.2; unique where there is one."""
    local_reference: str = ""
    """I.3."""
    type: str
    """A, P, PP or D."""
    status_code: str
    purpose: str = ""
    """Code of the ticked one of I.20 to I.26."""
    conclusion: str = ""
    """Code of II.9 to II.16."""
    pending: str = ""
    """``counter-seal`` while Article 41(2) is not complete."""

    partner: str
    """The partner system that created it."""
    body: str = ""
    """The body for which it did."""
    operators: tuple[str, ...] = ()
    """Identifiers of the operators in the document, as written."""

    bodies: tuple[str, ...] = ()
    """Ids of the bodies that contributed to it or are named in it: they find it (R-36-1 to R-36-3)."""
    posts: tuple[str, ...] = ()
    """Codes of the posts whose authority finds it; empty for a draft."""
    areas: tuple[str, ...] = ()
    """Countries whose authorities with the whole country as their area find it; empty for a draft."""
    sources: tuple[str, ...] = ()
    """Countries on the sending side, for grants of (sending, receiving) countries (R-9-1); empty for a draft."""
    targets: tuple[str, ...] = ()
    """Countries on the receiving side, for the same."""

    post_code: str = ""
    """I.5."""
    post_locode: str = ""
    """UN/LOCODE of I.4."""
    entry_country: str = ""
    dispatch_country: str = ""
    origin_countries: tuple[str, ...] = ()
    destination_country: str = ""
    transfer_country: str = ""
    """Of the control point of a transfer."""
    issuance_country: str = ""
    consignor_country: str = ""
    consignor_name: str = ""
    consignee_country: str = ""
    consignee_name: str = ""
    commodities: tuple[ChedCommodity, ...] = ()
    documents: tuple[ChedDocument, ...] = ()
    """Empty for what was last written before the gateway kept them."""
    phyto_references: tuple[str, ...] = ()
    phyto_local_references: tuple[str, ...] = ()

    transshipped: bool = False
    transfer: bool = False
    plant_health_non_compliance: bool = False
    pending_laboratory_tests: bool = False
    requires_follow_up: bool = False
    signed: bool = False
    contingency: bool = False
    refused: bool = False
    """A refusal of entry or an ordered measure: every authority finds it (R-36-5)."""

    created_at: datetime
    updated_at: datetime
    status_changed_at: datetime
    declared_at: datetime | None = None
    """I.35."""
    decided_at: datetime | None = None
    """II.21."""
    prior_notification_at: datetime | None = None
    """I.10."""


@dataclass(frozen=True, slots=True)
class ChedSeal:
    """A signature or seal of Article 41 as it came, and what was found about it."""

    role: str
    """``operator``, ``officer``, ``authority``, ``traces``, ``transmission``."""
    content: bytes
    """The file that bears it."""
    verdict: str = ""
    """JSON."""
    value: bytes | None = None
    """The signature value; one that came from another partner before is a conflict."""


@dataclass(frozen=True, slots=True)
class ChedLinkRow:
    """Another CHED that this one refers to."""

    relation: str
    """As `ChedLink.relation`: ACW, AXG, subsequent and so on."""
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChedEvidence:
    """The message that made the write: kept as received, answered once."""

    contract: str
    operation: str
    request: bytes
    acknowledgement: bytes
    nonces: tuple[Nonce, ...] = ()
    repeat_key: bytes | None = None
    """`ched_repeat_key`: while the CHED lives, the same message again is answered with the first acknowledgement."""
    sender_message_id: str | None = None
    transport: Mapping[str, Any] = field(default_factory=dict)
    findings: str | None = None
    """JSON, as are the next two."""
    seal_verdict: str | None = None
    translation_report: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChedWrite:
    """One change of one CHED, complete. Everything is committed together or not at all."""

    version_id: str
    """ULID of the write; also the id of its exchange where there is a message."""
    row: ChedRow
    """The CHED as it is to stand; ``seq``, ``version`` and ``content_id`` are the store's and not read."""
    expected_version: int | None
    """`ChedRow.version` that the change was judged for; None for a new CHED (compare and set)."""
    at: datetime
    operation: str
    """What was done, for the audit and the history: submit, decide, cancel, counter-seal…"""
    partner: str
    """Who did it; may be another than the one that created it."""
    body: str = ""
    part: str = ""
    """I, II or III; empty when no part was written."""
    content: bytes | None = None
    """``sps17:SPSCertificate``, canonical codes; None leaves the document as it stands."""
    original: bytes | None = None
    """As submitted, where it came in other codes."""
    tables: str | None = None
    """Version of the mapping tables that its translation used; None where there was nothing to translate."""
    laboratory_tests: bytes | None = None
    """None leaves those that stand beside the document; empty takes them away."""
    digest: bytes = b""
    seals: tuple[ChedSeal, ...] = ()
    links: tuple[ChedLinkRow, ...] = ()
    """Added to those that are there."""
    attachments: tuple[int, ...] = ()
    """Ids of attachments here that the document cites."""
    evidence: ChedEvidence | None = None
    """None for what the instance does by itself, as a counter-seal that it fetched."""
    terminal: bool = False
    """The CHED ends with it (deleted, cancelled, replaced): its messages may be sent again for a new one."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """For the audit, JSON-able."""


@dataclass(frozen=True, slots=True)
class ChedTranslation:
    """How the document that a message brought was translated."""

    partner: str
    """Who wrote, in whose codes."""
    tables: str | None
    """Version of the mapping tables; None where nothing was translated."""
    at: datetime
    """When it was translated: when it came, or was released from quarantine."""
    original: bytes | None
    """The document as it came; None where its codes were canonical."""
    report: str | None
    """Every place with its row, as JSON."""


@dataclass(frozen=True, slots=True)
class ChedVersionRow:
    """One write of a CHED."""

    id: str
    ched_id: str
    number: int
    """1 for the first."""
    exchange_id: str | None
    status_code: str
    part: str
    operation: str
    partner: str
    body: str
    digest: bytes
    at: datetime
    tables: str | None = None
    """Version of the mapping tables that its translation used."""


@dataclass(frozen=True, slots=True)
class ChedParts:
    """The bytes that a version brought."""

    content: bytes
    original: bytes | None
    laboratory_tests: bytes | None
