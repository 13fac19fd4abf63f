"""From what an adapter found out to what the store is told: pauses, counters, states. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gateway.delivery.models import DeliveryOutcome
from gateway.store.outbox_records import Settlement
from gateway.store.records import DeliveryState

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from gateway.delivery.models import DeliveryResult, DeliverySettings
    from gateway.store.outbox_records import Claimed

__all__ = ["backoff", "settlement"]

_MAX_DOUBLINGS = 30
"""Keeps the power small; the cap has long been reached."""

_CODES = {DeliveryState.REFUSED: "IMG-8010", DeliveryState.FAILED: "IMG-8011", DeliveryState.UNKNOWN: "IMG-8002"}
"""What an operator can look up where the adapter gave no code."""


def backoff(failures: int, settings: DeliverySettings, jitter: float) -> timedelta:
    """How long to wait after so many failures in a row: doubling, capped, between half and all of it.

    Args:
        failures: 1 for the first.
        settings: first and longest pause.
        jitter: 0 to 1, random, so that gateways that failed together do not come back together.
    """
    pause = settings.backoff_first * 2 ** min(failures - 1, _MAX_DOUBLINGS)
    spread: timedelta = min(pause, settings.backoff_max) * (0.5 + jitter / 2)
    return spread


def settlement(
    claimed: Claimed, result: DeliveryResult, settings: DeliverySettings, *, now: datetime, jitter: float
) -> Settlement:
    """What becomes of the delivery and of its lane."""
    lane_failures, lane_not_before = _circuit(claimed, result, settings, now=now, jitter=jitter)
    state, failures, pause = _next_step(claimed, result, settings)
    numbered = state is DeliveryState.TRACKING or state.final
    wait = (
        min(result.retry_after, settings.backoff_max)
        if result.retry_after is not None
        else backoff(max(failures, 1), settings, jitter)
    )
    return Settlement(
        state=state,
        failures=failures,
        next_attempt_at=now + wait if pause else now,
        lane_failures=lane_failures,
        lane_not_before=lane_not_before,
        code=result.code or _CODES.get(state, ""),
        detail=result.detail,
        receipt=result.receipt,
        reference=result.reference if numbered else "",
        tracking=result.tracking if numbered else "",
    )


def _circuit(
    claimed: Claimed, result: DeliveryResult, settings: DeliverySettings, *, now: datetime, jitter: float
) -> tuple[int, datetime]:
    """The lane's failures in a row and until when it rests. Any answer at all closes the circuit."""
    match result.outcome:
        case DeliveryOutcome.UNREACHABLE:
            failures = claimed.lane_failures + 1
            return failures, now + backoff(failures, settings, jitter)
        case DeliveryOutcome.UNKNOWN:
            failures = claimed.lane_failures + 1
            beyond = failures - settings.silence_limit + 1
            return failures, now + backoff(beyond, settings, jitter) if beyond > 0 else now
        case _:
            return 0, now


def _next_step(claimed: Claimed, result: DeliveryResult, settings: DeliverySettings) -> tuple[DeliveryState, int, bool]:
    """The delivery's state, its failures in a row, and whether it has to wait."""
    unsent = DeliveryState.FAILED if claimed.failures + 1 >= settings.max_attempts else DeliveryState.PENDING
    match result.outcome:
        case DeliveryOutcome.DELIVERED:
            step = DeliveryState.DELIVERED, 0, False
        case DeliveryOutcome.TRACKING:
            step = DeliveryState.TRACKING, 0, True
        case DeliveryOutcome.REFUSED:
            step = DeliveryState.REFUSED, claimed.failures, False
        case DeliveryOutcome.UNKNOWN:
            step = DeliveryState.UNKNOWN, claimed.failures + 1, True
        case DeliveryOutcome.UNREACHABLE:
            # The lane waits, not the document; what was unknown stays so.
            step = (DeliveryState.UNKNOWN if claimed.unknown else DeliveryState.PENDING), claimed.failures, False
        case DeliveryOutcome.LATER:
            step = (DeliveryState.UNKNOWN if claimed.unknown else unsent), claimed.failures + 1, True
        case DeliveryOutcome.ABSENT:
            step = unsent, claimed.failures, False
        case _:
            assert_never(result.outcome)
    return step
