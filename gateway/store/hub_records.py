"""What goes into the tables of the hub's contract and what comes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "AnswerRow",
    "AnswerState",
    "AnswerStep",
    "EnvelopeRow",
    "ImportRow",
    "ImportState",
    "ImportVerdict",
    "ListVersion",
    "NewAnswer",
    "NewEnvelope",
    "NewImport",
    "PartnerList",
    "PollerRow",
    "TrackingRow",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEnvelope:
    """An envelope that somebody delivered to us as the hub, or the copy of one for a channel."""

    number: str
    """``hubDeliveryNumber``, unique here."""
    partner: str
    """Who delivered it."""
    recipient: str
    """The partner that may pull it; empty for this instance itself."""
    from_country: str
    to_country: str
    certificate_type: int
    certificate_status: int
    certificate_number: str
    content: bytes | None = None
    """UTF-8 text of ``Content``, None when there is none. Of a copy nothing is kept: it has its origin's."""
    state: str = "PendingDelivery"
    message: str = ""
    channel: str | None = None
    repeat_key: bytes | None = None
    """Equal for the same envelope sent again. While one with this key waits, no second is added. Not for copies."""


@dataclass(frozen=True, slots=True)
class EnvelopeRow:
    """An envelope as it stands; its content is read by itself."""

    seq: int
    """Order of arrival."""
    number: str
    partner: str
    recipient: str
    from_country: str
    to_country: str
    certificate_type: int
    certificate_status: int
    certificate_number: str
    state: str
    message: str
    origin: str | None
    channel: str | None
    size: int
    """Of the content, in bytes; 0 when there is none."""
    created_at: datetime
    updated_at: datetime
    repeated: bool = False
    """True from `add_envelopes` only: it was here already and nothing was added."""


class ImportState(StrEnum):
    """What became of an envelope that came for us."""

    PULLED = "pulled"
    """Its bytes are stored; nobody has looked inside."""
    IMPORTED = "imported"
    """It is a document of an exchange now."""
    RESPONSE = "response"
    """It was a country's answer to something of ours."""
    HELD = "held"
    """It can be read and not be taken over: an operator decides."""
    UNREADABLE = "unreadable"

    @property
    def final(self) -> bool:
        """Whether a second decision would be one too many."""
        return self in {ImportState.IMPORTED, ImportState.RESPONSE}


class ImportVerdict(StrEnum):
    """Which acknowledgement the hub gets."""

    NONE = ""
    """Undecided."""
    DELIVERED = "delivered"
    WARNINGS = "warnings"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImport:
    """An envelope that came for us, before anybody looked inside."""

    id: str
    """ULID."""
    partner: str
    hub_number: str
    from_country: str
    to_country: str
    certificate_type: int
    certificate_status: int
    certificate_number: str
    envelope: bytes
    """As received."""
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One line of `imsoc hub imports`."""

    id: str
    partner: str
    hub_number: str
    from_country: str
    to_country: str
    certificate_type: int
    certificate_status: int
    certificate_number: str
    state: ImportState
    verdict: ImportVerdict
    message: str
    code: str
    exchange_id: str | None
    received_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrackingRow:
    """A delivery of ours that a hub took: the number it gave, and what it said last."""

    delivery_id: str
    partner: str
    number: str
    state: str
    message: str
    created_at: datetime
    checked_at: datetime | None
    next_check_at: datetime
    settled_at: datetime | None


class AnswerState(StrEnum):
    """How far an answer of ours to an envelope is."""

    WAITING = "waiting"
    """The hub does not have it; it is sent at ``next_attempt_at``."""
    SENDING = "sending"
    """The hub may have it: somebody is sending it, or no usable answer came. It is looked for before it is sent."""
    TRACKING = "tracking"
    """The hub has it and gave it a number."""
    HERE = "here"
    """It is in our own stand-in: how far it is, the envelope there says."""
    DELIVERED = "delivered"
    REFUSED = "refused"
    """By the hub or by the authority; it is not sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAnswer:
    """An answer that is to be sent, or that is in our own stand-in already."""

    id: str
    """A ULID."""
    import_id: str
    hub: str
    """The partner that it goes through; empty for our own stand-in."""
    status: int
    reason: str
    payload: bytes
    number: str = ""
    """In our own stand-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStep:
    """What came of an attempt to send an answer, or of a question about it."""

    state: AnswerState
    next_attempt_at: datetime
    """Means nothing with a state that is an end."""
    number: str = ""
    said: str = ""
    message: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """An answer of ours to an envelope."""

    id: str
    import_id: str
    hub: str
    answers: str
    """The hub's number of the envelope that is answered."""
    status: int
    reason: str
    state: AnswerState
    number: str
    said: str
    message: str
    code: str
    attempts: int
    next_attempt_at: datetime
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class PollerRow:
    """Who polls a partner, and how that goes."""

    partner: str
    fence: int
    lease_owner: str | None
    lease_until: datetime | None
    failures: int
    not_before: datetime | None
    """None: at once."""


@dataclass(frozen=True, slots=True)
class ListVersion:
    """One edition of a partner's code list."""

    partner: str
    list: str
    version: int
    fetched_at: datetime
    digest: bytes


@dataclass(frozen=True, slots=True)
class PartnerList(ListVersion):
    """An edition with what is in it."""

    rows: str
    """JSON."""
