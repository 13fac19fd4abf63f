"""What the messages of CustomsCertexChedService say, as plain data (DIGEST 7).

Quantities are texts: what was declared is kept as it was written, and what is answered is written as it is given. The
ledger counts (``gateway.customs``); nothing here does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "MAX_GOODS_ITEMS",
    "MAX_MESSAGE_ID",
    "Allocated",
    "Available",
    "CertexHeader",
    "ChedClearanceRequest",
    "ChedInterventionRequest",
    "ClearanceAnswer",
    "DeclarationReference",
    "Declared",
    "GoodsClearance",
    "Intervention",
    "Item",
    "ProcessedChedAnswer",
    "ProcessedChedRequest",
    "Summary",
]

MAX_MESSAGE_ID: Final = 48
"""Characters of a MessageId; it has at least one."""

MAX_GOODS_ITEMS: Final = 999
"""Goods items of a customs declaration, the most; the contract leaves unbounded how many a message has."""


class GoodsClearance(StrEnum):
    """What a clearance says of the goods of a declaration."""

    RELEASED = "01"
    """Consume what was reserved."""
    NOT_RELEASED = "02"
    """Give it back."""


class Intervention(StrEnum):
    """What an intervention does to what was written off; on the wire 01, 02 and 03."""

    FORCE = "ForceWriteOff"
    AMEND = "AmendWriteOff"
    DELETE = "DeleteWriteOff"


@dataclass(frozen=True, slots=True)
class CertexHeader:
    """The header that every request has and every reply echoes."""

    message_id: str
    prefix: str
    """UniqRequesterPrefix: within whose numbers the message id is unique."""


@dataclass(frozen=True, slots=True)
class DeclarationReference:
    """A customs declaration by its number; an MRN is not the LRN of the same characters."""

    type: str
    """``MRN`` or ``LRN``."""
    number: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A quantity as it was declared."""

    quantity: str
    """An xs:decimal as written, white space collapsed: perhaps with a sign, leading or trailing zeros."""
    unit: str = ""
    """UN/ECE Recommendation 20; empty where the message names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One goods item of a declaration and the line of the CHED that it draws on (CommodityDescriptionForChed)."""

    goods_item: int
    line: int
    class_code: str
    weight: Declared | None = None
    volume: Declared | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessedChedRequest:
    """A question for a CHED and its ledger, which may reserve at the same time."""

    sending_date: datetime
    """Aware, UTC."""
    reference: str
    """ChedCertificateId."""
    office: str
    """CompetentCustomsOffice/ReferenceNumber."""
    declaration: DeclarationReference | None = None
    """None is the empty element of a read."""
    items: tuple[Item, ...] = ()
    reserve: bool = False
    """QuantityManagementIndication: ``1`` reserves, ``0`` reads."""
    language: str = "en"
    """As sent."""
    taric_document: str = ""
    """The customs document code, as ``N853``; empty where the message names none."""
    pdf: bool = False
    push: bool | None = None
    """PushIndication: whether changes are to be told from now on, or no longer; None leaves it as it is."""
    push_from: datetime | None = None
    push_until: datetime | None = None
    """The period that the message asks them for: aware, UTC."""
    transformation: str = ""
    """``TransformationIndiction`` (the contract's spelling); empty where the message names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChedClearanceRequest:
    """What became of the goods of a declaration."""

    office: str
    sending_date: datetime
    """Aware, UTC."""
    document: str
    """CustomsDocumentReference: the number of the declaration as plain text, without its type."""
    reference: str
    information: str
    """GoodsClearanceInformation, one of ``GoodsClearance``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChedInterventionRequest:
    """A correction of what was written off, by an officer's hand."""

    office: str
    sending_date: datetime
    """Aware, UTC."""
    document: str
    taric_document: str
    reference: str
    items: tuple[Item, ...] = ()
    intervention: str = Intervention.FORCE
    """One of ``Intervention``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """What is left of a line."""

    code: str
    """The CHED's own code."""
    unit: str
    """The CHED's own unit."""
    quantity: str
    """A plain decimal."""
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated:
    """What a declaration holds, or has consumed, of a line."""

    goods_item: int
    code: str
    unit: str
    """As declared."""
    quantity: str
    """A plain decimal, in the unit declared."""
    line: int
    event: str
    """EventDateTime, as it is to be written or was read."""
    office: str
    declaration: DeclarationReference


@dataclass(frozen=True, slots=True)
class Summary:
    """The ledger of a CHED (QuantityManagementSummary)."""

    available: tuple[Available, ...] = ()
    reserved: tuple[Allocated, ...] = ()
    consumed: tuple[Allocated, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessedChedAnswer:
    """The answer to a ProcessedChedRequest; all defaults together are the answer for a CHED that is not known."""

    certificate: bytes | None = None
    """``sps17:SPSCertificate``, serialised; its bytes are not changed."""
    summary: Summary | None = None
    result: bool | None = None
    """Whether the reservation was made; None on a read."""
    reason: str = ""
    """ReservationFailureReason: two digits."""
    failed_item: int | None = None
    """The goods item that failed."""
    failed_line: int | None = None
    """The line of the CHED that it draws on."""
    pdf: bytes | None = None
    push_active: bool = False
    push_stop_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearanceAnswer:
    """The answer to a clearance or an intervention."""

    outcome: str
    """QuantityManagementOutcome: two digits."""
    sending_date: datetime
    """That of the request: aware, UTC; written cut to milliseconds."""
    status_code: str = ""
    """The status of the CHED; empty leaves it out."""
