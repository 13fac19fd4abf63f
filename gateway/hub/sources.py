"""Where envelopes for us come from: a hub that is asked, or our own stand-in for it.

The importer does the same with both. A hub that we poll answers for everything that it gives, so its partner owns the
documents; what waits here came from authorities that called us, and each of them owns its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from gateway.ippc import wire
from gateway.ippc.models import TrackingState
from gateway.soap.transport import UnusableReply
from gateway.store import ImportVerdict, find_envelope
from gateway.xml.boundary import parse
from gateway.xml.names import HUB, qn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from adapters.ippc_hub import IppcHubClient
    from gateway.access import Directory, Partner
    from gateway.hub.service import HubService
    from gateway.ippc import Envelope, EnvelopeHeader
    from gateway.store import Store

__all__ = ["LocalSource", "RemoteSource", "Source", "Waiting", "is_pushed", "read_received"]

MAX_HUB_NUMBER: Final = 200
"""Characters of a hub's number. Databases refuse longer keys, and one envelope must not stop the round."""

_log = structlog.get_logger(__name__)

_RESULT: Final = qn(HUB, "PULLSingleImportEnvelopeResult")

_STATES: Final = {
    ImportVerdict.DELIVERED: TrackingState.DELIVERED,
    ImportVerdict.WARNINGS: TrackingState.DELIVERED_WITH_WARNINGS,
    ImportVerdict.FAILED: TrackingState.DELIVERED_NOT_READABLE,
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """An envelope that can be pulled."""

    header: EnvelopeHeader
    """As the hub lists it; with a number, and perhaps nothing else that can be read."""
    partner: Partner
    """Who answers for it."""

    @property
    def number(self) -> str:
        """The hub's number."""
        return self.header.hub_delivery_number


class Source(Protocol):
    """What the importer needs of a hub.

    Methods raise GatewayError: `DeliveryError` where the hub did not answer or said no, `HubRefused` where the contract
    says no.
    """

    operation: str
    """By which envelopes come, for the record."""
    authenticated_by: str
    """What stands for the sender, for the evidence."""

    def waiting(self) -> Iterable[Waiting]:
        """What is there for us and not acknowledged, oldest first."""

    def pull(self, number: str) -> bytes:
        """The envelope as it came; `read_received` reads it. It goes on waiting."""

    def acknowledge(self, number: str, verdict: ImportVerdict, message: str, *, now: datetime) -> None:
        """Say what became of it."""

    def state(self, number: str) -> str:
        """The tracking state that the hub has for it."""

    def owns(self, connection: Connection, partner: Partner, number: str) -> bool:
        """Whether an import of this partner came from here, so that it is acknowledged here."""


class RemoteSource:
    """A hub that we poll.

    Args:
        partner: the hub, or whoever stands for it.
        client: of its DeliveryService.
    """

    operation = "PULLSingleImportEnvelope"
    authenticated_by = "mutual TLS with the hub; the hub says who sent it"

    def __init__(self, partner: Partner, client: IppcHubClient) -> None:
        self._partner = partner
        self._client = client

    def waiting(self) -> Iterable[Waiting]:
        """GetImportEnvelopeHeaders for all countries; a header without a usable number cannot be pulled, or kept.

        Where that answer is longer than is read here, whoever fills the queue would stop it for all: then what
        PULLImportEnvelope gives comes first, until the rest can be listed.
        """
        for header in self._headers():
            number = header.hub_delivery_number
            if len(number) > MAX_HUB_NUMBER:
                _log.warning("hub.unusable_number", partner=self._partner.id, characters=len(number))
            elif number:
                yield Waiting(header, self._partner)

    def _headers(self) -> Iterable[EnvelopeHeader]:
        try:
            return self._client.import_headers()
        except UnusableReply as unusable:
            _log.warning("hub.list_unusable", partner=self._partner.id, found=unusable.found)
            return [envelope.header for envelope in self._client.pull_all()]

    def pull(self, number: str) -> bytes:
        """The whole reply, byte by byte."""
        return self._client.pull(number).raw

    def acknowledge(self, number: str, verdict: ImportVerdict, message: str, *, now: datetime) -> None:  # noqa: ARG002 - of the protocol
        """The operation of the verdict."""
        match verdict:
            case ImportVerdict.WARNINGS:
                self._client.acknowledge_with_warnings(number, message)
            case ImportVerdict.FAILED:
                self._client.acknowledge_failed(number, message)
            case ImportVerdict.DELIVERED:
                self._client.acknowledge(number)
            case ImportVerdict.NONE:
                raise AssertionError("nothing is acknowledged before it is decided")

    def state(self, number: str) -> str:
        """GetEnvelopeTrackingInfo."""
        return self._client.tracking(number).tracking

    def owns(self, connection: Connection, partner: Partner, number: str) -> bool:
        """All of this partner's but what it pushed to us."""
        return partner.id == self._partner.id and not is_pushed(connection, partner, number)


class LocalSource:
    """Envelopes for our own countries that authorities delivered to our stand-in.

    Args:
        hub: the stand-in.
        store: its store, for who delivered an envelope.
        directory: who is who.
    """

    operation = "DeliverEnvelope"
    authenticated_by = "mutual TLS with who delivered it to us"

    def __init__(self, hub: HubService, store: Store, directory: Directory) -> None:
        self._hub = hub
        self._store = store
        self._directory = directory

    def waiting(self) -> Iterable[Waiting]:
        """What waits under the empty recipient; of a partner that is gone it goes on waiting."""
        for header in self._hub.headers(None):
            with self._store.read() as connection:
                row = find_envelope(connection, header.hub_delivery_number)
            partner = self._directory.by_id(row.partner) if row else None
            if partner is not None:
                yield Waiting(header, partner)

    def pull(self, number: str) -> bytes:
        """The envelope as our stand-in would hand it out."""
        return wire.envelope_xml(self._hub.pull(None, number))

    def acknowledge(self, number: str, verdict: ImportVerdict, message: str, *, now: datetime) -> None:
        """Move the envelope on."""
        self._hub.acknowledge(None, number, _STATES[verdict], message, now=now)

    def state(self, number: str) -> str:
        """As any receiver would be told."""
        return self._hub.tracking(None, number).tracking

    def owns(self, connection: Connection, partner: Partner, number: str) -> bool:
        """What the partner delivered to our stand-in."""
        return is_pushed(connection, partner, number)


def is_pushed(connection: Connection, partner: Partner, number: str) -> bool:
    """Whether an envelope came because the partner delivered it to our stand-in."""
    row = find_envelope(connection, number)
    return row is not None and row.partner == partner.id


def read_received(raw: bytes) -> Envelope:
    """The envelope in the bytes that a source pulled, now or before a crash.

    Raises:
        XmlRefused: IMG-10xx, the bytes cannot become a tree.
        HubRefused: IMG-71xx, there is no envelope in them.
    """
    root = parse(raw, limits=wire.REPLY_LIMITS).root
    found = next(root.iter(_RESULT), None)
    return wire.read_envelope(root if found is None else found)
