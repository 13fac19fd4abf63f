"""What travels through the pipeline: who sent it, what was examined, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.access import Partner
    from gateway.documents import DocumentIdentity, SpsCertificate
    from gateway.errors import Finding, GatewayError, TranslationRefused
    from gateway.store import Form, ImportState, Nonce
    from gateway.trust import VerifiedDocument
    from mappings import Translation

__all__ = ["Examined", "ImportOutcome", "Principal", "Representation", "SubmittedDocument"]


class Representation(StrEnum):
    """Which bytes of a document are asked for."""

    ORIGINAL = "ORIGINAL"
    TRANSLATED = "TRANSLATED"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated partner and the single-use values that its message spent."""

    partner: Partner
    method: str
    nonces: tuple[Nonce, ...] = ()


@dataclass(frozen=True, slots=True)
class SubmittedDocument:
    """A certificate as it came: ``root`` stands in the request's own tree, or in that of the decoded file."""

    root: _Element
    form: Form
    content: bytes | None
    """The file's bytes; None for an inline element, whose bytes are made when its seal was checked."""
    claimed_route: str | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What the pipeline knows about a document before anything is kept.

    In a dry run a refusal does not end the examination: ``refusals`` then holds them all, and what could not be
    established is None.
    """

    identity: DocumentIdentity
    view: SpsCertificate
    form: Form
    import_country: str
    status_code: str
    route: str
    verified: VerifiedDocument | None
    findings: tuple[Finding, ...]
    translation: Translation | None
    digest: bytes = b""
    """SHA-256 over the exclusive canonical form of the content; empty as long as nobody vouched for it."""
    refusals: tuple[GatewayError, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an envelope led to; for the import's record, the acknowledgement to the hub, and the operator."""

    state: ImportState
    code: str = ""
    """IMG-nnnn of what holds it up."""
    message: str = ""
    """One sentence that is safe for the hub and the sender."""
    findings: tuple[Finding, ...] = ()
    exchange_id: str = ""
    """The exchange that it became, or the first one for a repeat."""
    subject: str = ""
    """``AR/851/2026-00017`` where the identity is known."""
    repeat: bool = False
    status_code: str = ""
    digest: bytes = b""
    gaps: tuple[TranslationRefused, ...] = ()
    """The codes without a mapping, where they alone hold it up."""
