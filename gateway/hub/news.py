"""What a hub tells us, without being asked, about envelopes that we sent through it (push mode, DIGEST 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.delivery.tracking import verdict_of
from gateway.errors import HubRefused
from gateway.hub.rows import cut
from gateway.hub.states import Mover, check_transition
from gateway.ippc import TrackingState
from gateway.store import find_tracking, record_tracking

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.ippc import EnvelopeHeader

__all__ = ["take_news"]


def take_news(connection: Connection, partner: Partner, header: EnvelopeHeader, now: datetime) -> None:
    """Write down a hub's word about a delivery of ours; the same last word twice is heard once.

    Raises:
        HubRefused: IMG-7101 no delivery of ours has this number at this hub, IMG-7102 its last word was another,
            IMG-7103 no state that an envelope can come to.
    """
    number, said = header.hub_delivery_number, header.tracking
    row = find_tracking(connection, number, partner=partner.id)
    if row is None:
        raise HubRefused("IMG-7101", where="header/hubDeliveryNumber", found=number)
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
