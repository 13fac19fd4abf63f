"""What becomes of a document that a hub took: it is asked until it says a last word (DIGEST 2.4).

The pauses grow with the age of the envelope: a receiver that polls takes it within minutes, one that is down within
days. A hub's answer that makes no sense changes nothing but the time of the next question.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from gateway.errors import DeliveryError, GatewayError
from gateway.faultpoints import reach
from gateway.ippc.models import FINAL, TrackingState
from gateway.store.records import DeliveryState
from gateway.store.trackings import open_trackings, record_tracking

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.ippc.models import EnvelopeHeader
    from gateway.store.hub_records import AnswerRow, TrackingRow
    from gateway.store.store import Store

__all__ = ["Tracked", "TrackingSource", "next_check", "track", "verdict_of"]

_log = structlog.get_logger(__name__)

FIRST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(hours=1)
MAX_MESSAGE: Final = 1_000
"""Characters of the hub's text that are kept."""
_CLOSED: Final = frozenset({"IMG-8001", "IMG-8004", "IMG-8007"})
"""The hub answers nobody, or not us."""
_LOST: Final = frozenset({"IMG-8002", "IMG-8003"})
"""No usable answer: the hub, or this one number. The number steps back, so that it cannot hold up the others."""

_ENDS: Final = {
    TrackingState.DELIVERED: (DeliveryState.DELIVERED, ""),
    TrackingState.DELIVERED_WITH_WARNINGS: (DeliveryState.DELIVERED, ""),
    TrackingState.DELIVERED_NOT_READABLE: (DeliveryState.REFUSED, "IMG-8015"),
    TrackingState.FAILED_DELIVERY: (DeliveryState.REFUSED, "IMG-8014"),
    TrackingState.ENVELOPE_NOT_EXISTS: (DeliveryState.REFUSED, "IMG-8013"),
}


class TrackingSource(Protocol):
    """Where to ask; ``adapters.ippc_hub.IppcHubClient`` is one."""

    def tracking(self, number: str, /) -> EnvelopeHeader:
        """The header of an envelope of ours as it stands."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """One round of questions."""

    asked: int = 0
    finished: int = 0
    """Envelopes about which the last word is said."""
    alarms: int = 0
    """Of these, the ones of which the hub knows nothing although it gave the number."""


def verdict_of(state: str) -> tuple[DeliveryState, str] | None:
    """What a state of the hub means for a delivery of ours, and the code for the operator.

    Returns:
        None for PendingDelivery, and for a word that is none of the six. A number that the hub gave and does not know
        any more (EnvelopeNotExists) is never a success: the delivery is refused with IMG-8013.
    """
    return _ENDS[TrackingState(state)] if state in FINAL else None


def next_check(row: TrackingRow | AnswerRow, now: datetime) -> datetime:
    """When to ask again: half of the envelope's age from now, from seconds to an hour."""
    return now + min(max((now - row.created_at) / 2, FIRST), LONGEST)


def track(
    store: Store, source: TrackingSource, partner: str, *, clock: Callable[[], datetime], limit: int = 100
) -> Tracked:
    """Ask about what is due, one by one; each answer is written down before the next question.

    Args:
        store: of the deliveries.
        source: the hub.
        partner: its id.
        clock: aware UTC now.
        limit: questions in this round.

    Raises:
        DeliveryError: the hub does not answer, or not us (IMG-8001 to 8004); what was learnt before is kept.
        Unavailable: IMG-9001, the store does not answer.
    """
    with store.read() as connection:
        due = open_trackings(connection, partner, now=clock(), limit=limit)
    asked = finished = alarms = 0
    for row in due:
        try:
            said = _ask(source, row)
        except DeliveryError as error:
            if error.code in _LOST:
                _record(store, row, None, clock())
            raise
        reach("tracking.asked")
        end = _record(store, row, said, clock())
        asked += 1
        if end is not None:
            finished += 1
            alarms += _announce(row, *end)
    return Tracked(asked, finished, alarms)


def _record(
    store: Store, row: TrackingRow, said: EnvelopeHeader | None, now: datetime
) -> tuple[DeliveryState, str] | None:
    """Write an answer down; gives the end if it is one and nobody else wrote it before."""
    end = verdict_of(said.tracking) if said is not None else None
    state, code = end or (None, "")
    write = partial(
        record_tracking,
        delivery_id=row.delivery_id,
        state=row.state if said is None else said.tracking[:MAX_MESSAGE],
        message=row.message if said is None else said.error_message[:MAX_MESSAGE],
        next_check_at=next_check(row, now),
        now=now,
        final=state,
        code=code,
    )
    return end if store.write(write) else None


def _ask(source: TrackingSource, row: TrackingRow) -> EnvelopeHeader | None:
    """None when the answer says nothing about this envelope."""
    try:
        header = source.tracking(row.number)
    except DeliveryError as error:
        if error.code in _CLOSED | _LOST:
            raise
        _log.warning("tracking.refused", delivery=row.delivery_id, number=row.number, code=error.code)
        return None
    except GatewayError as error:
        _log.warning("tracking.unusable", delivery=row.delivery_id, number=row.number, code=error.code)
        return None
    if header.hub_delivery_number not in {"", row.number}:
        _log.warning("tracking.unusable", delivery=row.delivery_id, number=row.number, code="IMG-8003")
        return None
    return header


def _announce(row: TrackingRow, state: DeliveryState, code: str) -> bool:
    """Whether this is an alarm: somebody has to find out where the certificate is."""
    alarm = code == "IMG-8013"
    log = _log.error if alarm else _log.info
    log("tracking.finished", delivery=row.delivery_id, partner=row.partner, number=row.number, state=state, code=code)
    return alarm
