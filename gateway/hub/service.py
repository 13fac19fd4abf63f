"""The stand-in of the hub: takes envelopes in, keeps them until they are acknowledged, tells how far they are.

Every method has the authenticated partner first, and a partner sees what it sent and what waits for it, nothing else: a
number of somebody else is answered like one that is not there. ``None`` for the partner is this instance itself, for
whose own countries envelopes wait under the empty recipient. docs/adr/0008 says what the contract leaves open.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.access import PartnerKind
from gateway.errors import HubRefused
from gateway.hub.channels import route
from gateway.hub.checks import COUNTRY_RESPONSE, MAX_NUMBER, check_header, described
from gateway.hub.news import take_news
from gateway.hub.profile import Members, profile_of
from gateway.hub.rows import cut, forwardings_of, header_of, new_envelopes, numbers_for
from gateway.hub.states import Mover, check_transition
from gateway.ippc import Envelope, EnvelopeHeader, TrackingState
from gateway.ippc.wire import REPLY_LIMITS, written_size
from gateway.store import (
    NumberTaken,
    Refusal,
    add_envelopes,
    copies_of,
    envelope_content,
    find_envelope,
    new_id,
    record_refusal,
    settle_envelope,
    under_delivery,
    waiting_envelopes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection

    from gateway.access import Directory, Partner
    from gateway.ippc.profile import Channel, NppoProfile
    from gateway.store import EnvelopeRow, Store

__all__ = ["CONTRACT", "MAX_HEADERS", "MAX_PULL", "MAX_PULL_BYTES", "HubService"]

CONTRACT: Final = "ippc-hub"
"""Name of the contract in grants and records."""

MAX_HEADERS: Final = 10_000
"""Headers in one answer."""

MAX_PULL: Final = 50
"""Envelopes in one answer of PULLImportEnvelope."""

MAX_PULL_BYTES: Final = 16 * 2**20
"""Bytes of content as written in one answer of PULLImportEnvelope; a larger first envelope comes alone."""

NO_REASON: Final = "The receiver gave no reason."
"""In the place of the message that an acknowledgement must have and comes without."""

MAX_WRITTEN: Final = REPLY_LIMITS.max_bytes - 2**20
"""Bytes of one content as it is written into an answer: a megabyte less than clients like ours read in all."""


class HubService:
    """What an authority can ask the hub for.

    Args:
        store: where envelopes are kept.
        directory: who is who.
        own_countries: ISO 3166-1 alpha-2 codes for which this instance itself receives.
        instance: its name, as the actor of what it does itself.

    All methods may be called from any thread; ``now`` is aware.

    Raises:
        ConfigurationError: IMG-0125, a partner claims one of our own countries.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        own_countries: frozenset[str] = frozenset(),
        instance: str = "gateway",
    ) -> None:
        self._store = store
        self._directory = directory
        self._members = Members(directory, own_countries)
        self._instance = instance

    def deliver(
        self,
        partner: Partner,
        envelope: Envelope,
        *,
        now: datetime,
        detail: Mapping[str, Any] | None = None,
        operation: str = "DeliverEnvelope",
        request: bytes = b"",
        objection: HubRefused | None = None,
    ) -> EnvelopeHeader:
        """Take an envelope in, or refuse its header.

        The same envelope again while the first one waits is answered with the first one's header; so a sender whose
        answer was lost may simply send again. A hub's own number is kept as long as it is free here.

        Args:
            partner: who delivers it.
            envelope: as sent; what its header says about number, tracking and errors is not believed.
            now: aware.
            detail: about the transport, for the audit.
            operation: by which it came.
            request: the message, kept when the header is refused.
            objection: what the caller of this method has against the content, once nothing speaks against the header.

        Returns:
            The header with number and PendingDelivery; or FailedDelivery with the reason, which is recorded.
        """
        header = envelope.header
        recipient, receiver = self._members.receiver_of(header.to)
        try:
            check_header(header, partner, receiver, response=operation == COUNTRY_RESPONSE)
            assert receiver is not None
            if objection is not None:
                raise objection
            _check_size(envelope.content)
            routing = route(
                header,
                sender=partner,
                receiver=receiver,
                recipient=recipient,
                channel_of=self._members.partner_of_channel,
            )
        except HubRefused as refusal:
            self._record(partner, header, refusal, operation, request, detail or {}, now)
            return replace(
                header,
                hub_delivery_number="",
                tracking=TrackingState.FAILED_DELIVERY,
                error_message=described(refusal),
            )
        about = {**(detail or {}), "operation": operation}
        if header.hub_delivery_number:
            about["number given"] = header.hub_delivery_number[:MAX_NUMBER]
        numbers = numbers_for(partner, header, now)
        new, *copies = new_envelopes(partner, envelope, routing, now)
        del envelope  # its text is as long as the bytes: attachments of many megabytes need not be here twice

        def add(connection: Connection) -> EnvelopeHeader:
            for number in numbers:
                envelopes = [replace(new, number=number), *copies]
                try:
                    row = add_envelopes(connection, envelopes, actor=partner.id, now=now, detail=about)
                except NumberTaken:
                    continue
                return _sent(connection, [row])[0]
            raise AssertionError("two new numbers in a row are taken")

        return self._store.write(add)

    def headers(
        self, partner: Partner | None, country: str | None = None, *, limit: int = MAX_HEADERS, after_seq: int = 0
    ) -> list[EnvelopeHeader]:
        """What waits for the partner, oldest first; ``country`` picks one of the countries that it receives for."""
        with self._store.read() as connection:
            rows = waiting_envelopes(
                connection,
                _recipient(partner),
                to_country=country or None,
                limit=min(limit, MAX_HEADERS),
                after_seq=after_seq,
            )
        return [header_of(row) for row in rows]

    def pull(self, partner: Partner | None, number: str) -> Envelope:
        """An envelope that waits for the partner; it goes on waiting until it is acknowledged.

        Raises:
            HubRefused: IMG-7101 no such envelope for this partner; IMG-7102 it is acknowledged.
        """
        with self._store.read() as connection:
            row = _own_row(connection, partner, number)
            if row.state != TrackingState.PENDING_DELIVERY:
                raise HubRefused("IMG-7102", where="hubTrackingNumber", found=f"{number}: {row.state}")
            return _envelope(connection, row)

    def pull_all(self, partner: Partner | None) -> list[Envelope]:
        """The oldest envelopes that wait for the partner: at most `MAX_PULL`, of at most `MAX_PULL_BYTES`.

        What is acknowledged makes room for the next, so asking and acknowledging in turn reaches all of them.
        """
        with self._store.read() as connection:
            envelopes: list[Envelope] = []
            size = 0
            for row in waiting_envelopes(connection, _recipient(partner), limit=MAX_PULL):
                if envelopes and size + row.size > MAX_PULL_BYTES:
                    break
                envelope = _envelope(connection, row)
                size += written_size(envelope.content or b"")
                if envelopes and size > MAX_PULL_BYTES:
                    break
                envelopes.append(envelope)
        return envelopes

    def under_delivery(self, partner: Partner) -> list[EnvelopeHeader]:
        """What the partner sent and nobody acknowledged yet, oldest first."""
        with self._store.read() as connection:
            return _sent(connection, under_delivery(connection, partner.id, limit=MAX_HEADERS))

    def tracking(self, partner: Partner | None, number: str) -> EnvelopeHeader:
        """How far an envelope is that the partner sent or receives.

        For any other number the answer is EnvelopeNotExists: the number that was asked for, empty countries and
        certificate number, and 0 for type and status.
        """
        with self._store.read() as connection:
            row = find_envelope(connection, number)
            if row is not None and partner is not None and row.partner == partner.id:
                return _sent(connection, [row])[0]
            if row is not None and row.recipient == _recipient(partner):
                return header_of(row)
        return EnvelopeHeader("", "", 0, 0, "", number, TrackingState.ENVELOPE_NOT_EXISTS)

    def acknowledge(
        self, partner: Partner | None, number: str, state: str, message: str = "", *, now: datetime
    ) -> TrackingState:
        """The receiver's word about an envelope: Delivered, DeliveredWithWarnings or DeliveredNotReadable.

        Warnings and a failure without a message are kept with `NO_REASON`: an envelope that goes on waiting for a
        message would wait for ever with a client that sends none.

        Returns the state, which is the text of the two operations that answer with one.

        Raises:
            HubRefused: IMG-7101 no such envelope for this partner, IMG-7102 acknowledged already, IMG-7103 no such
                acknowledgement.
        """
        actor = partner.id if partner else self._instance

        def settle(connection: Connection) -> TrackingState:
            row = _own_row(connection, partner, number)
            before = TrackingState(row.state)
            after = check_transition(before, state, Mover.RECEIVER)
            told = cut(message) if message.strip() or after is TrackingState.DELIVERED else NO_REASON
            done = settle_envelope(connection, number, expected=before, state=after, message=told, actor=actor, now=now)
            if not done:
                raise HubRefused("IMG-7102", where="hubTrackingNumber", found=number)
            return after

        return self._store.write(settle)

    def set_tracking(self, partner: Partner, header: EnvelopeHeader, *, now: datetime) -> None:
        """A header with a state: an acknowledgement by the receiver, or a hub's news about what we sent through it.

        Raises:
            HubRefused: as `acknowledge`; IMG-7103 for who sent the envelope here.
        """
        number = header.hub_delivery_number
        if partner.kind is PartnerKind.HUB:
            self._store.write(lambda connection: take_news(connection, partner, header, now))
            return
        with self._store.read() as connection:
            row = find_envelope(connection, number)
        if row is not None and row.partner == partner.id != row.recipient:
            raise HubRefused("IMG-7103", where="header", found=f"{header.tracking} by the sender")
        self.acknowledge(partner, number, header.tracking, header.error_message, now=now)

    def active_nppos(self) -> list[NppoProfile]:
        """Every authority that takes part, by country."""
        return self._members.nppos()

    def profile(self, partner: Partner) -> NppoProfile:
        """The partner's own entry, with its channel rules.

        Raises:
            HubRefused: IMG-7104, it is no member.
        """
        return profile_of(partner)

    def channels(self) -> list[Channel]:
        """Every channel, by code."""
        return self._members.channels()

    def _record(
        self,
        partner: Partner,
        header: EnvelopeHeader,
        refusal: HubRefused,
        operation: str,
        request: bytes,
        detail: Mapping[str, Any],
        now: datetime,
    ) -> None:
        refused = Refusal(
            exchange_id=new_id(now),
            partner=partner.id,
            contract=CONTRACT,
            operation=operation,
            received_at=now,
            request=request,
            error_code=refusal.code,
            error_detail={"where": refusal.where, "found": refusal.found, "expected": refusal.expected},
            subject=f"{header.sender[:2]}/{header.certificate_type}/{header.certificate_number[:MAX_NUMBER]}",
            transport=detail,
        )
        self._store.write(lambda connection: record_refusal(connection, refused))


def _recipient(partner: Partner | None) -> str:
    return partner.id if partner else ""


def _check_size(content: bytes | None) -> None:
    """Refuse what could be taken in and never be handed out: it would stay first in every PULLImportEnvelope.

    Raises:
        HubRefused: IMG-7123.
    """
    size = written_size(content or b"")
    if size > MAX_WRITTEN:
        raise HubRefused("IMG-7123", where="Content", found=f"{size:,} bytes", expected=f"at most {MAX_WRITTEN:,}")


def _own_row(connection: Connection, partner: Partner | None, number: str) -> EnvelopeRow:
    row = find_envelope(connection, number)
    if row is None or row.recipient != _recipient(partner):
        raise HubRefused("IMG-7101", where="hubTrackingNumber", found=number)
    return row


def _envelope(connection: Connection, row: EnvelopeRow) -> Envelope:
    content = envelope_content(connection, row.number)
    return Envelope(header_of(row), content)


def _sent(connection: Connection, rows: Sequence[EnvelopeRow]) -> list[EnvelopeHeader]:
    """Headers for the sender: with what the channels got."""
    copies = copies_of(connection, [row.number for row in rows])
    return [header_of(row, forwardings_of(row, copies.get(row.number, ()))) for row in rows]
