"""What came of a message that moves quantities: a word that holds, or `OutcomeUnknown`, which is an error.

::

    Reservation   reserved | refused | no-ched | not-reserved | consumed
    Clearance     done | already | no-record | not-done
    OutcomeUnknown (IMG-8030): none of them

Only ``reserved`` and ``done`` are successes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.certex.models import (
    ChedInterventionRequest,
    DeclarationReference,
    GoodsClearance,
    ProcessedChedRequest,
)
from gateway.errors import DeliveryError

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.certex.holdings import Holding
    from adapters.certex.orders import Moving
    from gateway.certex.models import CertexHeader, ProcessedChedAnswer, Summary

__all__ = ["Clearance", "ClearanceWord", "OutcomeUnknown", "Reservation", "ReservationWord", "Sent"]


class ReservationWord(StrEnum):
    """What is known about a reservation."""

    RESERVED = "reserved"
    """The declaration holds exactly what was asked."""
    REFUSED = "refused"
    """It was answered with a reason; ``Reservation.holding`` is what the declaration holds now, perhaps nothing."""
    NO_CHED = "no-ched"
    """The other side knows no such CHED."""
    NOT_RESERVED = "not-reserved"
    """Found by a read: what was asked is not held, and the message can have no effect any more."""
    CONSUMED = "consumed"
    """Found by a read: what the declaration had is written off; nothing more can be reserved for it."""


class ClearanceWord(StrEnum):
    """What is known about a clearance or an intervention."""

    DONE = "done"
    """Released: it is written off. Not released: the declaration holds nothing. Intervention: it is as asked."""
    ALREADY = "already"
    """The declaration was written off before; this message changed nothing."""
    NO_RECORD = "no-record"
    """The declaration holds nothing and has nothing written off."""
    NOT_DONE = "not-done"
    """What stood before still stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that moves quantities, as it leaves: with it what came of it can be found out, also later."""

    request: Moving
    header: CertexHeader
    left: datetime
    """When it was sent, by our clock, aware: from then on it is counted how long it may still have an effect."""
    before: Holding | None = None
    """What the declaration had when the caller last read; None: the caller does not know."""

    @property
    def at(self) -> datetime:
        """SendingDate, aware."""
        return self.request.sending_date

    @property
    def declaration(self) -> DeclarationReference:
        """Whose holds it moves; a clearance means the MRN of its number."""
        if isinstance(self.request, ProcessedChedRequest):
            assert self.request.declaration is not None, "an order to reserve has one"
            return self.request.declaration
        return DeclarationReference("MRN", self.request.document)

    @property
    def kind(self) -> str:
        """What it is to do, for people and records: ``reserve``, ``release``, ``give-back``, or the intervention."""
        if isinstance(self.request, ProcessedChedRequest):
            return "reserve"
        if isinstance(self.request, ChedInterventionRequest):
            return self.request.intervention
        return "release" if self.request.information == GoodsClearance.RELEASED else "give-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What came of a reservation."""

    word: ReservationWord
    sent: Sent
    answer: ProcessedChedAnswer
    """The reply, or the read by which it was found out."""
    holding: Holding
    """What the declaration has now."""
    by_read: bool = False
    """Whether the reply was lost and a read told."""
    by_this_message: bool | None = None
    """Whether this very message made the hold; None: an earlier one of the same content may have."""
    why: str = ""

    @property
    def stands(self) -> bool:
        """Whether what was asked is reserved."""
        return self.word is ReservationWord.RESERVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """What came of a clearance or an intervention."""

    word: ClearanceWord
    sent: Sent
    outcome: str = ""
    """QuantityManagementOutcome as it was answered; empty when a read told."""
    status_code: str = ""
    """Of the CHED, where the reply names it."""
    by_read: bool = False
    by_this_message: bool | None = None
    why: str = ""

    @property
    def done(self) -> bool:
        """Whether what was asked is so."""
        return self.word is ClearanceWord.DONE

    @property
    def status_changed(self) -> bool:
        """Outcome 04: written off, although the CHED is not validated any more."""
        return self.outcome == "04"


class OutcomeUnknown(DeliveryError):
    """IMG-8030: the message was sent, and nobody can tell yet what came of it.

    Args:
        sent: the message; hand it to ``CertexClient.resolve`` after ``ask_at``.
        ask_at: from when on a read decides; one that is past when a read was made after it, and a person must look.
        why: what is in the way, in our own words.
        code: of the error by which the answer was lost; empty when it is asked again.
        seen: the ledger as it was last read; None when no read was answered.
    """

    def __init__(self, sent: Sent, ask_at: datetime, why: str, *, code: str = "", seen: Summary | None = None) -> None:
        self.sent = sent
        self.ask_at = ask_at
        self.why = why
        self.lost_by = code
        self.seen = seen
        when = ask_at.isoformat(timespec="seconds")
        super().__init__(
            "IMG-8030",
            where=f"{sent.kind} of {sent.declaration.type} {sent.declaration.number} at {sent.request.reference}",
            found=f"{why} ({code})" if code else why,
            expected=f"a read after {when} tells",
        )
