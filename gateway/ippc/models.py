"""Envelopes of the hub as plain data (DIGEST 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["FINAL", "Envelope", "EnvelopeHeader", "Forwarding", "TrackingState"]


class TrackingState(StrEnum):
    """HUBTrackingInfo (DIGEST 2.4)."""

    PENDING_DELIVERY = "PendingDelivery"
    """The hub keeps it until the receiver acknowledges it."""
    DELIVERED = "Delivered"
    FAILED_DELIVERY = "FailedDelivery"
    """The header was refused, or the hub gave up; nothing reaches the receiver."""
    ENVELOPE_NOT_EXISTS = "EnvelopeNotExists"
    """An answer, never the state of an envelope: the number is unknown to whom asks."""
    DELIVERED_WITH_WARNINGS = "DeliveredWithWarnings"
    DELIVERED_NOT_READABLE = "DeliveredNotReadable"
    """The receiver has the envelope and cannot read what is in it."""


FINAL: Final = frozenset(TrackingState) - {TrackingState.PENDING_DELIVERY}
"""States that nothing follows."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A channel that gets a copy (or the envelope itself), by its code; the number of what it got, once it is known."""

    code: str
    hub_delivery_number: str = ""


@dataclass(frozen=True, slots=True)
class EnvelopeHeader:
    """Who sends what to whom. Optional texts are empty when they are left out on the wire."""

    sender: str
    """``From``: ISO 3166-1 alpha-2."""
    to: str
    """``To``: ISO 3166-1 alpha-2."""
    certificate_type: int
    """UNTDID 1001: 851, 657."""
    certificate_status: int
    """UNTDID 4405: 70 issued, 40 withdrawn."""
    certificate_number: str
    """``NPPOCertificateNumber``."""
    hub_delivery_number: str = ""
    tracking: str = ""
    """``HUBTrackingInfo``: a `TrackingState` as far as it is one; the header's schema allows any text."""
    error_message: str = ""
    """``hubDeliveryErrorMessage``."""
    forwardings: tuple[Forwarding, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A header with its content: the text of ``Content`` as the sender wrote it, None when there is none.

    It is kept in UTF-8, as the tree, the store and the wire have it: it may be 20 MB, and a ``str`` of it takes up to
    four bytes for each character as soon as one of them is rare.
    """

    header: EnvelopeHeader
    content: bytes | None = None
