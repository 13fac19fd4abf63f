"""What a worker takes out of the outbox, and what it writes down about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.store.records import DeliveryState

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.store.records import DocumentKey

__all__ = ["Claimed", "DocumentContent", "PushContent", "Settlement"]


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """A version of a document goes."""

    exchange_id: str
    document: DocumentKey
    status_code: str
    sender: str

    @property
    def subject(self) -> str:
        """What the audit says about it is found under."""
        return self.exchange_id


@dataclass(frozen=True, slots=True)
class PushContent:
    """A change of a CHED goes to a customs system that follows it."""

    push_id: str
    subscription: str
    number: int

    @property
    def subject(self) -> str:
        """What the audit says about it is found under."""
        return self.subscription


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker, and nobody else, may work on while its fence is the lane's."""

    seq: int
    id: str
    partner: str
    fence: int
    content: DocumentContent | PushContent
    attempts: int
    """Sends begun, this one included."""
    failures: int
    lane_failures: int
    payload: bytes | None
    """None: never rendered, so never sent."""
    unknown: bool
    """True: it may be there already; ask the partner, do not send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How an attempt ended, for the delivery and for its lane."""

    state: DeliveryState
    failures: int
    next_attempt_at: datetime
    lane_failures: int
    lane_not_before: datetime
    code: str = ""
    detail: str = ""
    receipt: bytes | None = None
    reference: str = ""
    """The number that the partner gave it (hubDeliveryNumber); with TRACKING there is one."""
    tracking: str = ""
    """The partner's word for how it stands; a settled delivery with a reference keeps it in ``hub_trackings``."""

    def __post_init__(self) -> None:
        """Refuse what nobody could ever follow up."""
        if self.state is DeliveryState.TRACKING and not self.reference:
            raise ValueError("a delivery is tracked by its reference")
