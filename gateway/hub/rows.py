"""Between envelopes as the contract has them and as the store keeps them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.access import PartnerKind
from gateway.hub.checks import MAX_NUMBER
from gateway.ippc import EnvelopeHeader, Forwarding
from gateway.store import NewEnvelope, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.access import Partner
    from gateway.hub.channels import Routing
    from gateway.ippc import Envelope
    from gateway.store import EnvelopeRow

__all__ = ["MAX_MESSAGE", "cut", "forwardings_of", "header_of", "new_envelopes", "numbers_for"]

MAX_MESSAGE: Final = 2_000
"""Characters of a message of a receiver or a hub; the rest is cut off."""


def numbers_for(partner: Partner, header: EnvelopeHeader, now: datetime) -> tuple[str, ...]:
    """The numbers to try in turn: the hub's own, if it is one who delivers and named one, then new ones."""
    given = header.hub_delivery_number
    new = (new_id(now), new_id(now))
    if partner.kind is PartnerKind.HUB and given and given == given.strip() and len(given) <= MAX_NUMBER:
        return (given, *new)
    return new


def new_envelopes(partner: Partner, envelope: Envelope, routing: Routing, now: datetime) -> list[NewEnvelope]:
    """The envelope for its receiver, whose number is still open, then the copies of channels with numbers of theirs."""
    header = envelope.header
    content = envelope.content
    main = NewEnvelope(
        number="",
        partner=partner.id,
        recipient=routing.recipient,
        from_country=header.sender,
        to_country=header.to,
        certificate_type=header.certificate_type,
        certificate_status=header.certificate_status,
        certificate_number=header.certificate_number,
        content=content,
        channel=routing.channel,
        repeat_key=_repeat_key(partner, header, content),
    )
    bare = replace(main, content=None, repeat_key=None)
    copies = [
        replace(bare, number=new_id(now), recipient=recipient, channel=code) for code, recipient in routing.copies
    ]
    return [main, *copies]


def header_of(row: EnvelopeRow, forwardings: tuple[Forwarding, ...] = ()) -> EnvelopeHeader:
    """The header of a stored envelope; its forwardings are told to the sender only."""
    return EnvelopeHeader(
        sender=row.from_country,
        to=row.to_country,
        certificate_type=row.certificate_type,
        certificate_status=row.certificate_status,
        certificate_number=row.certificate_number,
        hub_delivery_number=row.number,
        tracking=row.state,
        error_message=row.message,
        forwardings=forwardings,
    )


def forwardings_of(row: EnvelopeRow, copies: Sequence[EnvelopeRow]) -> tuple[Forwarding, ...]:
    """What each channel got: a copy, or the envelope itself instead of the authority."""
    return tuple(Forwarding(each.channel, each.number) for each in (row, *copies) if each.channel)


def cut(message: str) -> str:
    """A message of the other side in bounded length."""
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def _repeat_key(partner: Partner, header: EnvelopeHeader, content: bytes | None) -> bytes:
    """SHA-256 over what makes two deliveries the same. Of a hub the number counts too: it knows which are the same."""
    told = [
        partner.id,
        header.sender,
        header.to,
        header.certificate_type,
        header.certificate_status,
        header.certificate_number,
        header.hub_delivery_number if partner.kind is PartnerKind.HUB else "",
        sorted(forwarding.code for forwarding in header.forwardings),
        None if content is None else hashlib.sha256(content).hexdigest(),
    ]
    return hashlib.sha256(json.dumps(told).encode()).digest()
