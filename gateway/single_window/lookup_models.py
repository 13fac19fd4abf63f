"""What customs look up and what they are answered: the same through SOAP and REST, field by field.

Quantities are plain decimals as text, in the unit beside them. Moments are aware. An empty text, tuple or None is left
out of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.store import DeclarationType

__all__ = [
    "DEFAULT_LIMIT",
    "MAX_LIMIT",
    "MAX_OFFSET",
    "Answer",
    "AskedAbout",
    "ByCertificate",
    "ByDeclaration",
    "ByDocument",
    "ByReference",
    "Citation",
    "FoundAllocation",
    "FoundCertificate",
    "FoundChed",
    "FoundLine",
    "FoundVersion",
    "NamedCode",
    "Paged",
    "Position",
    "Question",
    "ReportedDocument",
    "Window",
]

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
MAX_OFFSET: Final = 10_000


# Questions.


@dataclass(frozen=True, slots=True)
class ByReference:
    """A CHED by its I.2."""

    reference: str


@dataclass(frozen=True, slots=True)
class ByDocument:
    """What a declaration names in data element 12 03: a customs document code and a number."""

    code: str
    """In the codes of the partner's system."""
    number: str


@dataclass(frozen=True, slots=True)
class ByCertificate:
    """A certificate by its number, whoever issued it."""

    number: str
    country: str = ""
    """Of issue, ISO 3166-1 alpha-2; empty: any."""
    type: str = ""
    """UNTDID 1001; empty: any."""


@dataclass(frozen=True, slots=True)
class ByDeclaration:
    """A declaration: an MRN is not the LRN with the same characters."""

    type: DeclarationType
    number: str


Question = ByReference | ByDocument | ByCertificate | ByDeclaration


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a long answer."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0


# Answers.


@dataclass(frozen=True, slots=True)
class NamedCode:
    """A code with its English name, by which nothing is decided."""

    code: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAbout:
    """The question as it was understood."""

    reference: str = ""
    """The CHED that was looked for."""
    document: NamedCode | None = None
    """The customs document code and what it means."""
    number: str = ""
    """As asked."""
    country: str = ""
    type: str = ""
    """UNTDID 1001 of the certificate that was looked for; empty: any."""
    declaration_type: str = ""
    """``MRN`` or ``LRN``."""
    split_mark: str = ""
    """``R`` or ``V`` behind a UK declaration reference: a part of a split CHED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How a line of a CHED stands in its ledger, in one unit."""

    unit: str
    certified: str
    available: str
    reserved: str
    consumed: str
    carried: str
    """Drawn by CHEDs that replace this one or were split from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLine:
    """A line of goods (box I.31)."""

    number: int
    code: str
    """CN digits as in the CHED."""
    descriptions: tuple[str, ...]
    position: Position | None
    """None for a line that is not in the ledger: nothing can be declared against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAllocation:
    """What a declaration holds or has consumed."""

    declaration_type: str
    declaration: str
    goods_item: int
    line: int
    state: str
    """``reserved`` or ``consumed``."""
    code: str
    """Six digits."""
    quantity: str
    unit: str
    """As declared."""
    office: str
    event_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedDocument:
    """A customs document of box II.23."""

    number: str
    code: str
    """Customs document code; empty where nobody said it."""
    office: str
    reported_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """How a CHED names the certificate that was asked for (box I.9)."""

    type: NamedCode | None
    """UNTDID 1001; None where the CHED does not say it, as below."""
    country: str
    """Of issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundChed:
    """A CHED as customs see it."""

    reference: str
    type: str
    """A, P, PP or D."""
    document_code: str
    """The customs document code of this type in the partner's codes; empty where the tables have none."""
    because: tuple[str, ...]
    """Why it is in the answer: ``asked``, ``cited``, ``reserved``, ``consumed``, ``reported``."""
    status: NamedCode
    valid: bool
    """Whether a declaration may reserve on it now."""
    not_valid_because: str
    """In English; empty while it is valid."""
    purpose: str
    """Code of the ticked one of I.20 to I.26."""
    conclusion: str
    """Code of II.9 to II.16."""
    decided_at: datetime | None
    entry_country: str
    destination_country: str
    ledger_version: int
    """Counts the movements of its ledger; 0 before it was opened."""
    lines: tuple[FoundLine, ...]
    allocations: tuple[FoundAllocation, ...]
    """Of every declaration, in the order in which they came."""
    customs_documents: tuple[ReportedDocument, ...]
    """Box II.23."""
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVersion:
    """One status of a certificate."""

    status_code: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCertificate:
    """A certificate as it stands in the exchange here."""

    issuer_country: str
    type: str
    """UNTDID 1001."""
    number: str
    status: NamedCode
    import_country: str
    changed_at: datetime
    replaced_by: str
    """The number of the certificate that took its place."""
    versions: tuple[FoundVersion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """Which part of the CHEDs this is."""

    limit: int
    offset: int
    more: bool
    withheld: int
    """CHEDs and certificates that belong to the answer and that the partner may not see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known at one instant."""

    as_of: datetime
    question: AskedAbout
    certificates: tuple[FoundCertificate, ...] = ()
    cheds: tuple[FoundChed, ...] = ()
    page: Paged
