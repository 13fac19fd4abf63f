"""What the delivery worker hands to an adapter, and what an adapter may answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from gateway.store import DocumentKey

__all__ = ["Adapter", "DeliveryJob", "DeliveryOutcome", "DeliveryResult", "Job", "PushJob"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something for one partner."""

    id: str
    """Stays the same over all attempts: send it as the message id, so that the receiver can tell a repeat."""
    partner: str
    attempt: int
    deadline: datetime
    """When the lease ends, less a margin: an answer after it is no longer written down."""
    payload: bytes = b""
    """Rendered and sealed once, the same bytes at each attempt; empty only while it is being prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryJob(Job):
    """One version of a document."""

    exchange_id: str
    """The exchange that brought this version; its parts are in the store."""
    document: DocumentKey
    status_code: str
    sender: str
    """Id of the partner that owns the document."""

    def __str__(self) -> str:
        """What it is about, for an operator."""
        return str(self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushJob(Job):
    """One change of a CHED, for a customs system that follows it."""

    subscription: str
    number: int
    """Of the change within the subscription: 1 for the first, without a gap."""

    def __str__(self) -> str:
        """What it is about, for an operator."""
        return f"push {self.number} of {self.subscription}"


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


J_contra = TypeVar("J_contra", bound=Job, contravariant=True)


class Adapter(Protocol[J_contra]):
    """Speaks one partner's contract, for one kind of job.

    Called from several threads, for one partner by one thread at a time.

    An exception counts as UNKNOWN, because nobody knows how far it got; `DeliveryError` IMG-8001 or IMG-8007
    (nothing was sent) counts as UNREACHABLE.
    """

    def deliver(self, job: J_contra) -> DeliveryResult:
        """Send ``job.payload`` and answer before ``job.deadline``."""

    def resolve(self, job: J_contra) -> DeliveryResult:
        """Find out by a read whether the partner has it: DELIVERED, TRACKING, REFUSED, ABSENT, or still UNKNOWN.

        Where the contract makes a repeat harmless, sending again is the read.
        """
