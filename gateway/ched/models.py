"""What a CHED service takes and gives; the register of a TRACES-role instance and the relay of a national one are two.

Endpoints know only this module's protocol, so that a face means the same whichever of them answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.access import Body
    from gateway.documents.ched import AccompanyingDocument
    from gateway.errors import Finding
    from gateway.exchange import Principal
    from gateway.soap import SoapCall
    from gateway.store import ChedQuery, ChedRow

__all__ = ["Actor", "ChedContent", "ChedService", "Receipt", "SealRole", "SealedCopy", "SubmissionKind"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a partner system for one of its bodies (header BodyIdentity)."""

    principal: Principal
    body: Body | None
    """None: the partner itself, which then reads as its record's grants say and writes nothing."""
    language: str = "en"
    """ISO 639-1, of labels; an unknown one was made English."""


class SubmissionKind(StrEnum):
    """The three bodies of ChedCertificateSubmissionServiceV2 (DIGEST 5.2)."""

    DRAFT = "createDraft"
    FOR_DECISION = "createAndSubmitForDecision"
    DECISION_IN_PROGRESS = "createAndSubmitDecisionAsInProgress"


class SealRole(StrEnum):
    """Whose signature or seal it is (Article 41)."""

    OPERATOR = "operator"
    OFFICER = "officer"
    AUTHORITY = "authority"
    TRACES = "traces"
    TRANSMISSION = "transmission"


@dataclass(frozen=True, slots=True)
class SealedCopy:
    """The CHED with one enveloped XAdES signature over it: each stands alone and is verified by itself."""

    role: SealRole
    content: bytes
    """The file: an SPSCertificate with its ds:Signature."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a submission led to."""

    reference: str
    """I.2; empty as long as TRACES has not given one (contingency)."""
    local_reference: str
    """I.3."""
    status_code: str
    at: datetime
    url: str
    """Of the electronic version."""
    documents: tuple[AccompanyingDocument, ...] = ()
    reason: str = "Message has been successfully processed"
    contingency: bool = False
    pending: str = ""
    """``counter-seal`` while Article 41(2) is not complete; else empty."""
    findings: tuple[Finding, ...] = ()
    exchange_id: str = ""


@dataclass(frozen=True, slots=True)
class ChedContent:
    """A CHED as the reader may see it."""

    reference: str
    status_code: str
    content: bytes
    """``sps17:SPSCertificate``, serialised, UTF-8, without declaration."""
    masked: bool = False
    laboratory_tests: bytes = b""
    """The block of lab1, serialised; empty when there is none."""
    files: tuple[str, ...] = ()
    tables: str = ""
    """Version of the mapping tables that translated it for the reader; empty in canonical codes."""


class ChedService(Protocol):
    """One instance's CHEDs. Documents, criteria and results are in the codes of the actor's system (R-37-2).

    Every method raises GatewayError and nothing else: ``ChedRefused`` IMG-7201 for a CHED that is not there, and
    AccessDenied IMG-2110 for one that is there and that the actor may not see, as TRACES tells them apart (DIGEST 4.5).
    """

    def submit(self, actor: Actor, document: _Element, kind: SubmissionKind, call: SoapCall) -> Receipt:
        """Part I, and Part II for a decision in progress; RulesRefused carries every finding."""

    def read(self, actor: Actor, reference: str) -> ChedContent:
        """The CHED as it stands, projected to what the actor may see."""

    def row(self, actor: Actor, reference: str) -> ChedRow:
        """Status and dates without the document."""

    def find(self, actor: Actor, query: ChedQuery) -> Sequence[ChedRow]:
        """One page, newest first."""

    def sealed_xml(self, actor: Actor, reference: str) -> bytes:
        """The CHED under the seal of the TRACES-role instance (Article 41(2)): XAdES enveloped, baseline T."""

    def pdf(self, actor: Actor, reference: str, *, signed: bool) -> bytes:
        """The printable CHED in the actor's language; PAdES when signed."""

    def decide(
        self,
        actor: Actor,
        document: _Element,
        seals: Sequence[SealedCopy],
        call: SoapCall,
        *,
        laboratory_tests: bytes | None = None,
    ) -> Receipt:
        """Part II: by the border control post or control point of I.4 and nobody else (R-40-3).

        ``laboratory_tests`` are blocks as in ``ChedContent``; None leaves those that are there.
        """

    def follow_up(
        self,
        actor: Actor,
        document: _Element,
        seals: Sequence[SealedCopy],
        call: SoapCall,
        *,
        laboratory_tests: bytes | None = None,
    ) -> Receipt:
        """Part III: by the exit post, the post of final destination or the local authority."""

    def amend(self, actor: Actor, document: _Element, call: SoapCall) -> Receipt:
        """Part I again, while it may change: drafts in whole, later only what R-I27-LATE leaves open."""

    def cancel(self, actor: Actor, reference: str, reason: str, call: SoapCall) -> Receipt:
        """47 to 55 (deleted), 1 and 42 to 64 (cancelled)."""
