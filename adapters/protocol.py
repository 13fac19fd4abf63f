"""What the delivery worker hands to an adapter, and what an adapter may answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from gateway.store import DocumentKey

__all__ = ["Adapter", "DeliveryJob", "DeliveryOutcome", "DeliveryResult"]


class DeliveryOutcome(StrEnum):
    """What an adapter found out."""

    DELIVERED = "delivered"
    """The partner confirmed that it has the document."""
    TRACKING = "tracking"
    """The partner passes it on and has given it a number (``reference``): what becomes of it is asked for later, and
    the lane goes on."""
    REFUSED = "refused"
    """The partner answered, and will not take this document."""
    UNKNOWN = "unknown"
    """It was sent, and no usable answer came."""
    LATER = "later"
    """The partner answered "not now": this document waits, others go on."""
    UNREACHABLE = "unreachable"
    """Nothing was sent, or the partner lets us in with nothing: the whole lane waits."""
    ABSENT = "absent"
    """Only from `Adapter.resolve`: the partner does not have it, so it can be sent."""


@dataclass(frozen=True, slots=True)
class DeliveryJob:
    """One document for one partner."""

    id: str
    """Stays the same over all attempts: send it as the message id, so that the receiver can tell a repeat."""
    partner: str
    exchange_id: str
    """The exchange that brought this version; its parts are in the store."""
    document: DocumentKey
    status_code: str
    sender: str
    """Id of the partner that owns the document."""
    attempt: int
    deadline: datetime
    """When the lease ends, less a margin: an answer after it is no longer written down."""
    payload: bytes = b""
    """Rendered and sealed once, the same bytes at each attempt; empty only while it is being prepared."""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """An adapter's answer.

    ``code`` is a stable code (``IMG-nnnn`` or the partner's own), ``detail`` a sentence for the operator, ``receipt``
    the partner's answer as bytes for the evidence, ``retry_after`` what the partner asked for, ``reference`` the number
    under which the partner knows it, ``tracking`` the partner's own word for how it stands there.
    """

    outcome: DeliveryOutcome
    code: str = ""
    detail: str = ""
    receipt: bytes | None = None
    retry_after: timedelta | None = None
    reference: str = ""
    tracking: str = ""


class Adapter(Protocol):
    """Speaks one partner's contract. Called from several threads, for one partner by one thread at a time.

    An exception counts as UNKNOWN, because nobody knows how far it got; `DeliveryError` IMG-8001 or IMG-8007
    (nothing was sent) counts as UNREACHABLE.
    """

    def deliver(self, job: DeliveryJob) -> DeliveryResult:
        """Send ``job.payload`` and answer before ``job.deadline``."""

    def resolve(self, job: DeliveryJob) -> DeliveryResult:
        """Find out by a read whether the partner has it: DELIVERED, TRACKING, REFUSED, ABSENT, or still UNKNOWN."""
