"""What a hub tells us, without being asked, about envelopes that we sent through it (push mode, DIGEST 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.delivery.tracking import verdict_of
from gateway.errors import HubRefused
from gateway.hub.rows import cut
from gateway.hub.states import Mover, check_transition
from gateway.ippc import TrackingState
from gateway.store import AnswerState, AnswerStep, find_answer, find_tracking, record_tracking, settle_answer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.ippc import EnvelopeHeader

__all__ = ["take_news"]


def take_news(connection: Connection, partner: Partner, header: EnvelopeHeader, now: datetime) -> None:
    """Write down a hub's word about a delivery or an answer of ours; the same last word twice is heard once.

    Raises:
        HubRefused: IMG-7101 nothing of ours has this number at this hub, IMG-7102 its last word was another,
            IMG-7103 no state that an envelope can come to.
    """
    number, said = header.hub_delivery_number, header.tracking
    row = find_tracking(connection, number, partner=partner.id)
    if row is None:
        _about_an_answer(connection, partner, header, now)
        return
    if row.settled_at is not None:
        if row.state != said:
            raise HubRefused("IMG-7102", where="header/HUBTrackingInfo", found=f"{number}: {row.state}")
        return
    after = check_transition(TrackingState.PENDING_DELIVERY, said, Mover.REMOTE_HUB)
    final, code = verdict_of(after) or (None, "")
    heard = record_tracking(
        connection,
        row.delivery_id,
        state=after,
        message=cut(header.error_message),
        next_check_at=row.next_check_at,
        now=now,
        final=final,
        code=code,
    )
    if not heard:  # whoever asks the hub wrote its last word down meanwhile
        take_news(connection, partner, header, now)


def _about_an_answer(connection: Connection, partner: Partner, header: EnvelopeHeader, now: datetime) -> None:
    number, said = header.hub_delivery_number, header.tracking
    row = find_answer(connection, partner.id, number)
    if row is None:
        raise HubRefused("IMG-7101", where="header/hubDeliveryNumber", found=number)
    if row.settled_at is not None:
        if row.said != said:
            raise HubRefused("IMG-7102", where="header/HUBTrackingInfo", found=f"{number}: {row.said}")
        return
    after = check_transition(TrackingState.PENDING_DELIVERY, said, Mover.REMOTE_HUB)
    final, code = verdict_of(after) or (AnswerState.TRACKING, "")
    step = AnswerStep(
        state=AnswerState(final.value),
        next_attempt_at=row.next_attempt_at,
        number=number,
        said=after,
        message=cut(header.error_message),
        code=code,
    )
    settle_answer(connection, row, step, fence=row.attempts, now=now)
