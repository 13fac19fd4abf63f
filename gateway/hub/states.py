"""The life of an envelope: which tracking state follows which, and whose word moves it (DIGEST 2.4, docs/adr/0008).

The only place that knows it. An envelope that is accepted waits in PendingDelivery until its receiver acknowledges it
in one of three ways; after that nothing moves it. A refused header is FailedDelivery from its first moment on and is
kept as a refusal, not as an envelope. EnvelopeNotExists is an answer and never a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.errors import HubRefused
from gateway.ippc import TrackingState

__all__ = ["TRANSITIONS", "Mover", "Transition", "acknowledged_by", "check_transition"]


class Mover(StrEnum):
    """Whose word it is."""

    SERVICE = "service"
    """This stand-in, when it takes an envelope in or refuses its header."""
    RECEIVER = "receiver"
    """Who the envelope waits for."""
    REMOTE_HUB = "remote hub"
    """A hub that we sent the envelope to, about that envelope; it may also say that nothing has changed."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed step; ``before`` is None where the envelope begins."""

    before: TrackingState | None
    after: TrackingState
    mover: Mover
    by: tuple[str, ...]
    """The operations that do it."""


_UPDATE: Final = "SetTrackingInfoUpdate"
_DELIVER: Final = (
    "DeliverEnvelope",
    "ValidateAndDeliverEnvelope",
    "DeliverPhytoEnvelope",
    "DeliverCountryResponseEnvelope",
)
_PENDING: Final = TrackingState.PENDING_DELIVERY

TRANSITIONS: Final = (
    Transition(None, _PENDING, Mover.SERVICE, _DELIVER),
    Transition(None, TrackingState.FAILED_DELIVERY, Mover.SERVICE, _DELIVER),
    Transition(_PENDING, TrackingState.DELIVERED, Mover.RECEIVER, ("AcknowledgeEnvelopeReceipt", _UPDATE)),
    Transition(
        _PENDING, TrackingState.DELIVERED_WITH_WARNINGS, Mover.RECEIVER, ("AdvancedAcknowledgeEnvelopeReceipt", _UPDATE)
    ),
    Transition(
        _PENDING, TrackingState.DELIVERED_NOT_READABLE, Mover.RECEIVER, ("AcknowledgeFailedEnvelopeReceipt", _UPDATE)
    ),
    Transition(_PENDING, _PENDING, Mover.REMOTE_HUB, (_UPDATE,)),
    Transition(_PENDING, TrackingState.DELIVERED, Mover.REMOTE_HUB, (_UPDATE,)),
    Transition(_PENDING, TrackingState.DELIVERED_WITH_WARNINGS, Mover.REMOTE_HUB, (_UPDATE,)),
    Transition(_PENDING, TrackingState.DELIVERED_NOT_READABLE, Mover.REMOTE_HUB, (_UPDATE,)),
    Transition(_PENDING, TrackingState.FAILED_DELIVERY, Mover.REMOTE_HUB, (_UPDATE,)),
)
"""Everything that may happen. Neither the sender nor anybody else can move an envelope."""


def check_transition(before: TrackingState, after: str, mover: Mover) -> TrackingState:
    """The state that ``after`` names, if this mover may bring the envelope there.

    Raises:
        HubRefused: IMG-7102, nothing follows ``before`` any more: it was acknowledged already; IMG-7103, the step is
            not one of the table, or the word is no state.
    """
    if not any(step.before is before for step in TRANSITIONS):
        raise HubRefused("IMG-7102", where="HUBTrackingInfo", found=before.value, expected=_PENDING.value)
    steps = [step.after for step in TRANSITIONS if step.before is before and step.mover is mover]
    for state in steps:
        if state.value == after:
            return state
    raise HubRefused(
        "IMG-7103",
        where="HUBTrackingInfo",
        found=f"{before} to {after or 'nothing'} by the {mover}",
        expected=" | ".join(steps),
    )


def acknowledged_by(operation: str) -> TrackingState:
    """The state that one of the three acknowledgement operations leads to; KeyError for any other operation."""
    return _BY_OPERATION[operation]


_BY_OPERATION: Final = {
    step.by[0]: step.after for step in TRANSITIONS if step.before is _PENDING and step.mover is Mover.RECEIVER
}
