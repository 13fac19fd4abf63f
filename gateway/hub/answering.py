"""An operator's answer to an envelope, on the way that the envelope came by (DeliverCountryResponseEnvelope)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.hub.responses import respond_here, response_to
from gateway.hub.rows import header_of
from gateway.hub.sources import is_pushed
from gateway.store import ImportState, record_audit

if TYPE_CHECKING:
    from gateway.exchange import Context
    from gateway.hub.polling import Poller
    from gateway.ippc import EnvelopeHeader
    from gateway.store import ImportRow

__all__ = ["answer"]


def answer(context: Context, poller: Poller, row: ImportRow, *, status: int, reason: str, actor: str) -> EnvelopeHeader:
    """Send an SPSAcknowledgement back to the country that sent an envelope.

    Args:
        context: the services.
        poller: knows the way to the hub.
        row: the import that is answered; one that is an answer itself is not.
        status: UN/CEFACT 4405.
        reason: one sentence for the other authority.
        actor: who answers, for the audit.

    Returns:
        The header of the answer, as the hub took or refused it.

    Raises:
        ConfigurationError: IMG-0105 it is an answer itself, IMG-0123 the hub is no longer polled.
        DeliveryError: the hub did not answer.
    """
    if row.state is ImportState.RESPONSE:
        raise ConfigurationError(
            "IMG-0105", "An answer is not answered", where=row.hub_number, found=row.state, expected="a certificate"
        )
    now = context.clock()
    header, acknowledgement = response_to(row, status=status, reason=reason, now=now)
    partner = context.directory.by_id(row.partner)
    with context.store.read() as connection:
        here = partner is not None and is_pushed(connection, partner, row.hub_number)
    if here:
        left = context.store.write(
            lambda connection: respond_here(connection, row, header, acknowledgement, actor=actor, now=now)
        )
        given = header_of(left)
    else:
        given = poller.client(row.partner).deliver_country_response(header, acknowledgement)
    detail = {"number": given.hub_delivery_number, "status": status, "reason": reason, "said": given.tracking}
    context.store.write(partial(record_audit, at=now, actor=actor, action="hub answer", subject=row.id, detail=detail))
    return given
