"""What goes into the store and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

__all__ = [
    "NOT_DELIVERED",
    "AuditEntry",
    "Conflict",
    "DeliveryParts",
    "DeliveryRow",
    "DeliveryState",
    "DeliveryTranslation",
    "DocumentKey",
    "DocumentRow",
    "ExchangeParts",
    "ExchangeRow",
    "Form",
    "Nonce",
    "Outcome",
    "PartnerRow",
    "Prepared",
    "Recorded",
    "RecordedKind",
    "Refusal",
    "Submission",
    "VersionParts",
    "VersionRow",
]


class Form(StrEnum):
    """How a document travelled."""

    INLINE = "inline"
    """As an element of the SOAP body."""
    SEALED = "sealed"
    """As base64 bytes, so that its seal survives any envelope."""
    ENVELOPE = "envelope"
    """In an envelope of the ePhyto hub: the connection that it came over was authenticated, it has no seal."""


class Outcome(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    REPEAT = "repeat"
    """The same message again: answered with the recorded acknowledgement, without a second effect."""


class RecordedKind(StrEnum):
    """What `record_submission` found."""

    NEW = "new"
    REPEAT = "repeat"
    CONFLICT = "conflict"
    REPLAY = "replay"
    HELD = "held"
    """It is in quarantine; ``exchange_id`` is the id of its entry there."""


class Conflict(StrEnum):
    """Why a submission cannot stand beside what is stored."""

    VERSION = "version"
    """The same identity and status was accepted before with other content."""
    STATE = "state"
    """The document is no longer in the state that the transition was judged for."""
    OWNER = "owner"
    """The document belongs to another partner."""
    SEAL_VALUE = "seal-value"
    """The same signature value came from another partner."""
    MESSAGE_ID = "message-id"
    """The sender used this message id for another accepted document."""
    REPLACED = "replaced"
    """The document to be replaced is not there, is not the sender's, or has been replaced already."""


class DeliveryState(StrEnum):
    """Where an outgoing document stands."""

    PENDING = "pending"
    IN_FLIGHT = "in-flight"
    """Claimed by a worker; found so after a crash, it counts as unknown."""
    TRACKING = "tracking"
    """A hub has it and goes on with it: what it says about it later is the end (`gateway.store.trackings`)."""
    DELIVERED = "delivered"
    REFUSED = "refused"
    """The partner answered that it will not take it."""
    UNKNOWN = "unknown"
    """The answer was lost: a read at the partner decides, never a blind repeat."""
    FAILED = "failed"
    """We gave up, or could not render it: an operator decides."""
    WITHDRAWN = "withdrawn"
    """A push that nobody waits for any more: the receiver told us to stop, or an operator did."""

    @property
    def settled(self) -> bool:
        """Whether the worker is done with it."""
        return self not in {DeliveryState.PENDING, DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN}

    @property
    def final(self) -> bool:
        """Whether nothing follows but an operator's decision."""
        return self.settled and self is not DeliveryState.TRACKING


@dataclass(frozen=True, slots=True)
class Nonce:
    """A value that the partner may use once: a WS-Security nonce, a transport message id."""

    kind: str
    value: str
    expires_at: datetime
    """After the freshness window of what carried it."""


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """What a document is known by, everywhere and always."""

    issuer_country: str
    type_code: str
    number: str

    def __str__(self) -> str:
        """``AR/851/2026-00017``, the form of audit subjects and of the CLI."""
        return f"{self.issuer_country}/{self.type_code}/{self.number}"


NOT_DELIVERED: Final = "not delivered"
"""Where the audit of an accepted message has `Submission.not_delivered`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One accepted message, complete: everything that must be committed together, or not at all."""

    exchange_id: str
    """ULID; the acknowledgement names it. Becomes the version's id too."""
    partner: str
    contract: str
    operation: str
    received_at: datetime
    request: bytes
    acknowledgement: bytes
    document: DocumentKey
    status_code: str
    expected_status: str | None
    """The status that the transition was judged for; None when the document was not there (compare and set)."""
    digest: bytes
    content: bytes
    form: Form
    nonces: tuple[Nonce, ...] = ()
    seal_value: bytes | None = None
    """The signature value; None on contracts that carry no seal."""
    sender_message_id: str | None = None
    transport: Mapping[str, Any] = field(default_factory=dict)
    import_country: str | None = None
    replaces: DocumentKey | None = None
    """Another document of the same owner that is replaced by this one."""
    replaces_expected: str | None = None
    """The status of ``replaces`` that the transition was judged for (compare and set)."""
    replaced_status: str | None = None
    """The status that ``replaces`` takes; None: the status of this one."""
    route: str | None = None
    translated: bytes | None = None
    translation_report: str | None = None
    """JSON, as are findings and seal_verdict."""
    tables: str | None = None
    """Version of the mapping tables that its translation used; None where there was nothing to translate."""
    findings: str | None = None
    seal_verdict: str | None = None
    timestamp_token: bytes | None = None
    certificates: bytes | None = None
    deliveries: tuple[str, ...] = ()
    """Ids of the partners that get it; each needs its partner row."""
    not_delivered: Mapping[str, str] = field(default_factory=dict)
    """Partners that ask for it and do not get it, each with the reason; for the audit."""
    actor: str = ""
    """For the audit; the partner when empty."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of `record_submission`.

    ``exchange_id`` and ``acknowledgement`` are the committed ones for NEW and REPEAT; answer with these bytes and no
    others. ``contract`` is that of the recorded exchange. ``detail`` says what a CONFLICT or REPLAY met.
    """

    kind: RecordedKind
    exchange_id: str = ""
    acknowledgement: bytes = b""
    contract: str = ""
    conflict: Conflict | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message of a known partner that was refused, and why."""

    exchange_id: str
    partner: str
    contract: str
    operation: str
    received_at: datetime
    request: bytes
    error_code: str
    error_detail: Mapping[str, Any] = field(default_factory=dict)
    nonces: tuple[Nonce, ...] = ()
    sender_message_id: str | None = None
    subject: str = ""
    """``str(DocumentKey)`` where the identity could be read."""
    transport: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One line of `imsoc messages`."""

    id: str
    partner: str
    contract: str
    operation: str
    outcome: Outcome
    subject: str
    sender_message_id: str | None
    repeat_of: str | None
    error_code: str | None
    error_detail: Mapping[str, Any] | None
    transport: Mapping[str, Any]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as it stands now."""

    id: str
    key: DocumentKey
    status_code: str
    version_id: str
    import_country: str | None
    owner_partner: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a document; its id is the exchange that brought it."""

    exchange_id: str
    document_id: str
    status_code: str
    digest: bytes
    form: Form
    route: str | None
    replaced_by: str | None
    received_at: datetime
    tables: str | None = None
    """Version of the mapping tables that its translation used."""


@dataclass(frozen=True, slots=True)
class VersionParts:
    """The bytes of a version."""

    content: bytes
    translated: bytes | None
    translation_report: str | None
    findings: str | None
    seal_verdict: str | None
    timestamp_token: bytes | None
    certificates: bytes | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One line of `imsoc deliveries`."""

    seq: int
    id: str
    partner: str
    exchange_id: str | None
    """The version of a document that goes; None where a push goes."""
    case_id: str
    """The document, or the subscription of a push: order is kept inside it."""
    state: DeliveryState
    attempts: int
    failures: int
    next_attempt_at: datetime
    code: str
    detail: str
    created_at: datetime
    updated_at: datetime
    settled_at: datetime | None
    push_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryTranslation:
    """How the document of a delivery was translated into the partner's codes."""

    tables: str
    """Version of the mapping tables."""
    effective_on: date
    """The day whose rows counted."""
    digest: bytes
    """SHA-256 of the document in the partner's codes, before it was put into an envelope or sealed."""
    report: str
    """Every place with its row, as JSON."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is sent in a delivery, rendered once, and how it was translated."""

    payload: bytes
    translation: DeliveryTranslation | None
    """None for a push: there is nothing in it to translate."""


@dataclass(frozen=True, slots=True)
class DeliveryParts:
    """What was sent and what came back."""

    payload: bytes
    receipt: bytes | None
    translation: DeliveryTranslation | None = None
    """None for a push, and for what was prepared before this was kept."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what, when."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ExchangeParts:
    """Everything that the store holds about one exchange: the material of evidence."""

    exchange: ExchangeRow
    request: bytes
    acknowledgement: bytes | None
    document: DocumentRow | None
    version: VersionRow | None
    parts: VersionParts | None
    deliveries: tuple[tuple[DeliveryRow, DeliveryParts | None], ...]
    audit: tuple[AuditEntry, ...]
    tables: str | None = None
    """Version of the mapping tables that its translation used: of a document, or of a CHED."""


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A partner record and which edition of it this is."""

    id: str
    record: Mapping[str, Any]
    version: int
    author: str
    updated_at: datetime
