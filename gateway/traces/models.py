"""What the messages of the TRACES NT services say, free of their XML: requests asked and replies given (DIGEST 5).

A missing text is empty, a missing moment or number None, a missing list empty. Moments are aware. ``wire_*`` reads and
writes these values for both sides of a contract.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.traces.models_laboratory import ItemTests, LaboratoryAnalysis, LaboratoryTest, ProductTests
from gateway.traces.models_reference import (
    CertificateModel,
    Metadata,
    NodeAttribute,
    NodeColumn,
    ReferenceTest,
    ReferenceTestCategory,
    Scope,
    Section,
    TaxonReference,
    Tree,
    TreeNode,
    TreeUpdate,
)

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.documents.ched.models import AccompanyingDocument, ChedClass, ChedParty, Coded

__all__ = [
    "MAX_PAGE",
    "PAGE",
    "Attachment",
    "AttachmentReference",
    "CertificateFile",
    "CertificateModel",
    "ChedAcknowledgement",
    "ChedStatus",
    "ChedSummary",
    "CnFilter",
    "ControlReceipt",
    "DateTimeRange",
    "FindCertificates",
    "FindChedCriteria",
    "IntraSummary",
    "ItemTests",
    "LaboratoryAnalysis",
    "LaboratoryTest",
    "Metadata",
    "NodeAttribute",
    "NodeColumn",
    "NonCompliance",
    "NonComplianceFinding",
    "ProductTests",
    "ReceiptFinding",
    "ReferenceTest",
    "ReferenceTestCategory",
    "Scope",
    "SealFile",
    "Section",
    "TaxonReference",
    "Tree",
    "TreeNode",
    "TreeUpdate",
]

PAGE = 100
"""Results of a find when the caller names no page size."""
MAX_PAGE = 200
"""Results of a find at most (base4)."""


# --- CHED ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DateTimeRange:
    """Both ends belong to it (base4)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class CnFilter:
    """A CN code: a prefix, or the whole code when exact."""

    code: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class FindChedCriteria:
    """What findChedCertificate asks for, in the order of DIGEST 5.1; criteria that are named must all hold.

    Flags are None when the caller does not ask.
    """

    types: tuple[str, ...] = ()
    """A, P, PP, D; any of them."""
    statuses: tuple[str, ...] = ()
    """Codes of 4405; any of them."""
    purpose: str = ""
    transshipped: bool | None = None
    transfer: bool | None = None
    plant_health_non_compliance: bool | None = None
    pending_laboratory_tests: bool | None = None
    requires_follow_up: bool | None = None
    digitally_signed: bool | None = None
    local_reference: str = ""
    phyto_reference: str = ""
    phyto_local_reference: str = ""
    cn_codes: tuple[CnFilter, ...] = ()
    post: str = ""
    """The code of a border control post or its UN/LOCODE."""
    country_of_issuance: str = ""
    country_of_entry: str = ""
    country_of_dispatch: str = ""
    country_of_origin: str = ""
    country_of_destination: str = ""
    country_of_transfer_control_point: str = ""
    country_of_consignor: str = ""
    country_of_consignee: str = ""
    created: DateTimeRange | None = None
    updated: DateTimeRange | None = None
    status_changed: DateTimeRange | None = None
    declared: DateTimeRange | None = None
    decided: DateTimeRange | None = None
    prior_notification: DateTimeRange | None = None
    page_size: int = PAGE
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ChedSummary:
    """One result of findChedCertificate."""

    type: Coded
    """A, P, PP, D with the label ``CHED-A`` and so on."""
    reference: str
    local_reference: str
    status: Coded
    commodity: ChedClass | None = None
    """The first line's CN class with every level's name."""
    post_code: str = ""
    post_locode: str = ""
    country_of_entry: str = ""
    country_of_origin: str = ""
    country_of_destination: str = ""
    country_of_consignor: str = ""
    consignor_name: str = ""
    country_of_consignee: str = ""
    consignee_name: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    status_changed: datetime | None = None
    declared: datetime | None = None
    prior_notification: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChedStatus:
    """The answer of getChedCertificateStatus and getEuIntraCertificateStatus (form inferred)."""

    reference: str
    status: Coded
    changed: datetime | None = None
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChedAcknowledgement:
    """SubmitChedResponse: a receipt as UN/CEFACT's acknowledgement (DIGEST 5.2)."""

    reference: str
    """I.2; empty for a contingency CHED."""
    url: str
    status: Coded
    at: datetime
    reasons: tuple[str, ...] = ("Message has been successfully processed",)
    """The first says that the message was taken; further ones are ours: what is pending, warnings."""
    documents: tuple[AccompanyingDocument, ...] = ()
    local_reference: str = ""
    """I.3, told only while there is no reference (our own place: the schema of the identifier says so)."""


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A certificate as a file: PDF, signed PDF, signed XML (captured for INTRA's PDF)."""

    content: bytes
    name: str
    media_type: str = "application/pdf"
    url: str = ""


@dataclass(frozen=True, slots=True)
class NonComplianceFinding:
    """One reason of a non-compliance, with the goods that it is about when it is not about all of them."""

    reason: Coded
    commodity: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class NonCompliance:
    """The answer of getChedNonComplianceDetails (form inferred: II.16 to II.18)."""

    reference: str
    conclusion: Coded | None = None
    findings: tuple[NonComplianceFinding, ...] = ()
    """II.17."""
    measures: tuple[Coded, ...] = ()
    """II.16."""
    measures_due: str = ""
    """ISO 8601 date."""
    controlled_destination: ChedParty | None = None
    """II.18."""
    decided: str = ""
    """II.21, ISO 8601."""


# --- INTRA and DOCOM -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FindCertificates:
    """What findEuIntraCertificate and findDocomCertificate ask for; order and all but the update range inferred."""

    statuses: tuple[str, ...] = ()
    local_reference: str = ""
    cn_codes: tuple[CnFilter, ...] = ()
    country_of_issuance: str = ""
    country_of_consignor: str = ""
    country_of_consignee: str = ""
    country_of_origin: str = ""
    country_of_destination: str = ""
    country_of_dispatch: str = ""
    country_of_loading: str = ""
    created: DateTimeRange | None = None
    updated: DateTimeRange | None = None
    status_changed: DateTimeRange | None = None
    declared: DateTimeRange | None = None
    page_size: int = PAGE
    offset: int = 0


@dataclass(frozen=True, slots=True)
class IntraSummary:
    """One result of findEuIntraCertificate, in the order of a published capture; DOCOM's are taken to be alike."""

    reference: str
    status: Coded
    local_reference: str = ""
    has_controls: bool = False
    commodity: ChedClass | None = None
    created: datetime | None = None
    updated: datetime | None = None
    status_changed: datetime | None = None
    declared: datetime | None = None
    certified: datetime | None = None
    central_authority: str = ""
    local_authority: str = ""
    country_of_issuance: str = ""
    country_of_consignor: str = ""
    country_of_consignee: str = ""
    countries_of_origin: tuple[str, ...] = ()
    country_of_destination: str = ""
    country_of_dispatch: str = ""
    country_of_loading: str = ""
    consignor_name: str = ""
    consignee_name: str = ""


# --- attachments -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on its way in or out; ``created`` is None on its way in."""

    file_name: str
    content: bytes
    content_type: str = ""
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttachmentReference:
    """What a stored file is asked for by; a CHED cites it as ``uri:documentid:N``."""

    file_name: str
    document_id: int

    @property
    def uri(self) -> str:
        """As it stands in AttachmentBinaryObject."""
        return f"uri:documentid:{self.document_id}"


# --- ChedControl -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SealFile:
    """A signed copy of the CHED that travels beside it."""

    role: str
    """operator, officer, authority."""
    content: bytes


@dataclass(frozen=True, slots=True)
class ReceiptFinding:
    """A finding that did not refuse."""

    rule: str
    severity: str
    message: str
    field: str = ""
    """Box or path."""


@dataclass(frozen=True, slots=True)
class ControlReceipt:
    """ChedReceipt of our own contract."""

    reference: str
    local_reference: str
    status: str
    exchange_id: str
    pending: str = ""
    """``counter-seal``, or empty."""
    findings: tuple[ReceiptFinding, ...] = field(default=())
