"""Sends certificates through the hub.

The hub takes an envelope, gives it a number and keeps it until the receiver has acknowledged it: most sends end in
TRACKING, and `gateway.delivery.tracking` asks later what became of them.

A lost answer is resolved by a look at what the hub has under delivery for us. An envelope that its receiver has fetched
already is not among that, so it counts as absent and is sent a second time: the hub has no question that would tell,
and receivers know a repeat by the certificate's identity, status and content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from adapters.ippc_hub.client import IppcHubClient
from adapters.ippc_hub.faults import HubFault, HubForbidden
from adapters.protocol import DeliveryOutcome, DeliveryResult
from gateway.errors import DeliveryError
from gateway.ippc import wire
from gateway.ippc.models import TrackingState
from gateway.soap.answers import MAX_REASON
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Container

    from adapters.opening import Target
    from adapters.protocol import DeliveryJob
    from gateway.ippc.models import EnvelopeHeader

__all__ = ["IppcHubAdapter", "resolve", "send"]

MAX_NUMBER: Final = 200
"""Characters of a hub's number that can be kept: databases refuse longer keys, and the delivery would never end."""

_OPERATION: Final = "DeliverEnvelope"
_ON_ITS_WAY: Final = frozenset({TrackingState.PENDING_DELIVERY, ""})
"""With a number; the header's schema lets the state be left out."""
_GONE_WELL: Final = frozenset({TrackingState.DELIVERED, TrackingState.DELIVERED_WITH_WARNINGS})


class IppcHubAdapter:
    """One hub.

    Args:
        client: of its DeliveryService.
    """

    def __init__(self, client: IppcHubClient) -> None:
        self._client = client

    @classmethod
    def open(cls, target: Target, _secret: str) -> Self:
        """From a partner record; the hub knows no account, only our client certificate.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there.
        """
        return cls(IppcHubClient.open(target))

    def deliver(self, job: DeliveryJob) -> DeliveryResult:
        """Send the payload, a DeliverEnvelope request; the receipt is the hub's answer."""
        return send(self._client, _OPERATION, job.payload)

    def resolve(self, job: DeliveryJob) -> DeliveryResult:
        """Look whether the hub has this certificate in this status under delivery."""
        return resolve(self._client, job.payload)


def send(client: IppcHubClient, operation: str, payload: bytes) -> DeliveryResult:
    """One of the delivering operations with a request that was rendered before; the receipt is the hub's answer.

    Raises:
        DeliveryError: IMG-8001 nothing was sent; IMG-8002, IMG-8003 whether it has arrived is unknown.
    """
    try:
        header, receipt = client.send(operation, payload)
    except HubForbidden as refusal:
        # Every envelope would meet the same: all wait, and none of them uses up its attempts on our mistake.
        return DeliveryResult(DeliveryOutcome.UNREACHABLE, refusal.code, refusal.message)
    except HubFault as fault:
        outcome = DeliveryOutcome.REFUSED if fault.is_final else DeliveryOutcome.LATER
        return DeliveryResult(outcome, fault.hub_code or fault.code, fault.text, receipt=fault.receipt)
    return _result_of(header, _sent(payload), receipt)


def resolve(client: IppcHubClient, payload: bytes, known: Container[str] = ()) -> DeliveryResult:
    """Look whether the hub has the envelope of a request under delivery, under a number that is not ``known``."""
    try:
        waiting = client.under_delivery()
    except DeliveryError as error:
        return DeliveryResult(DeliveryOutcome.UNKNOWN, error.code, error.found or error.message)
    sent = _sent(payload)
    usable = [header for header in waiting if _usable(header.hub_delivery_number)]
    found = [header for header in usable if _same(header, sent) and header.hub_delivery_number not in known]
    if not found:
        return DeliveryResult(DeliveryOutcome.ABSENT)
    last = found[-1]
    return DeliveryResult(DeliveryOutcome.TRACKING, reference=last.hub_delivery_number, tracking=last.tracking)


def _sent(payload: bytes) -> EnvelopeHeader:
    """The header in a request: what the hub was told, in its own words."""
    return wire.read_header(parse(payload, limits=wire.REPLY_LIMITS).root[0])


def _usable(number: str) -> str:
    return number if len(number) <= MAX_NUMBER else ""


def _same(header: EnvelopeHeader, sent: EnvelopeHeader) -> bool:
    return _identity(header) == _identity(sent)


def _identity(header: EnvelopeHeader) -> tuple[str, str, int, int, str]:
    number = " ".join(header.certificate_number.split())
    return header.sender, header.to, header.certificate_type, header.certificate_status, number


def _result_of(header: EnvelopeHeader, sent: EnvelopeHeader, receipt: bytes) -> DeliveryResult:
    """What the answer says; an answer about another certificate says nothing, a bare refusal is about this one."""
    number, state = _usable(header.hub_delivery_number), header.tracking
    unnamed = state == TrackingState.FAILED_DELIVERY and not header.certificate_number
    if not unnamed and not _same(header, sent):
        return DeliveryResult(DeliveryOutcome.UNKNOWN, "IMG-8003", "an answer about something else", receipt=receipt)
    if state == TrackingState.FAILED_DELIVERY:
        outcome, code = DeliveryOutcome.REFUSED, "IMG-8014"
    elif state == TrackingState.DELIVERED_NOT_READABLE:
        outcome, code = DeliveryOutcome.REFUSED, "IMG-8015"
    elif state in _GONE_WELL:
        outcome, code = DeliveryOutcome.DELIVERED, ""
    elif number and state in _ON_ITS_WAY:
        outcome, code = DeliveryOutcome.TRACKING, ""
    else:
        found = f"{state or 'no state'} with {f'number {number}' if number else 'no number'}"
        return DeliveryResult(DeliveryOutcome.UNKNOWN, "IMG-8003", found[:MAX_REASON], receipt=receipt)
    said = header.error_message[:MAX_REASON]
    return DeliveryResult(outcome, code, said, receipt=receipt, reference=number, tracking=state)
