"""Reading documents back: bytes for those who may see them, history, lists, and evidence.

A partner that may not see a document gets the answer for one that does not exist. The sender's own document is always
the stored bytes; others outside (Art 9) get a masked representation, which carries no seal because masking breaks it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.access import ANY, View, view_of
from gateway.documents import mask_personal
from gateway.errors import ExchangeRefused
from gateway.exchange.models import Representation
from gateway.ippc.content import document_limits
from gateway.store import (
    DocumentKey,
    DocumentQuery,
    Form,
    QuarantineDirection,
    QuarantineQuery,
    QuarantineState,
    Visibility,
    changed_documents,
    find_deliveries,
    find_document,
    find_evidence,
    find_exchange,
    find_exchange_by_message_id,
    find_version,
    find_version_parts,
    find_versions,
    list_quarantine,
)
from gateway.trust import EvidenceParts, build_evidence
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.exchange.context import Context
    from gateway.store import DeliveryRow, DocumentRow, ExchangeParts, QuarantineRow, VersionRow

__all__ = [
    "CertificateBytes",
    "FindCriteria",
    "History",
    "evidence_file",
    "evidence_of",
    "find",
    "history",
    "read_certificate",
]


@dataclass(frozen=True, slots=True)
class CertificateBytes:
    """One representation of one version of a document."""

    key: DocumentKey
    status_code: str
    representation: Representation
    masked: bool
    form: Form
    content: bytes


@dataclass(frozen=True, slots=True)
class History:
    """A document with its versions, oldest first, where they went, and what of it is in quarantine."""

    key: DocumentKey
    status_code: str
    """``HELD`` or 41, rejected, where no version was accepted: what is held is nobody's document yet."""
    versions: tuple[VersionRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    exchange_id: str
    sender_message_id: str | None
    quarantined: tuple[QuarantineRow, ...] = ()
    """The sender's own, oldest first, without those that were released."""


@dataclass(frozen=True, slots=True)
class FindCriteria:
    """What FindCertificates asks for; empty means any."""

    changed_since: datetime | None = None
    type_codes: tuple[str, ...] = ()
    status_codes: tuple[str, ...] = ()
    issuer_country: str | None = None
    import_country: str | None = None


def read_certificate(
    context: Context,
    partner: Partner,
    key: DocumentKey,
    *,
    status_code: str | None,
    representation: Representation,
    now: datetime,
) -> CertificateBytes:
    """The bytes of a document as this partner may see them.

    Args:
        context: the services.
        partner: who asks.
        key: the document.
        status_code: which version; the latest when None.
        representation: as it was sent, or in canonical codes (sealed by this gateway when it is given out, but for an
            ePhyto of the hub that is no certificate of Article 39: our seal would make it look like one).
        now: signing time of a translation's seal.

    Raises:
        ExchangeRefused: IMG-7004 there is no such document or version for this partner.
    """
    with context.store.read() as connection:
        document, view = _visible(connection, partner, key)
        version = _version(connection, document, status_code)
        parts = find_version_parts(connection, version.exchange_id)
    if parts is None:
        raise ExchangeRefused("IMG-7004", found=str(key))
    form, content = version.form, parts.content
    if representation is Representation.TRANSLATED:
        if parts.translated is None:
            raise ExchangeRefused("IMG-7004", found=f"{key} {representation}")
        form, content = Form.INLINE, parts.translated
    masked = view is View.MASKED
    limits = document_limits(context.limits)
    if masked:
        form, content = Form.INLINE, mask_personal(parse(content, limits=limits).root)
    elif representation is Representation.TRANSLATED and not _is_ephyto_only(version):
        content = context.sealer.seal(parse(content, limits=limits).root, at=now)
    return CertificateBytes(key, version.status_code, representation, masked, form, content)


def history(
    context: Context, partner: Partner, *, key: DocumentKey | None = None, message_id: str | None = None
) -> History:
    """Versions and deliveries of a document, found by its identity or by the caller's own message id.

    Raises:
        ExchangeRefused: IMG-7004.
    """
    with context.store.read() as connection:
        exchange = None
        if key is None:
            exchange = find_exchange_by_message_id(connection, partner.id, message_id or "")
            if exchange is None or not exchange.subject:
                raise ExchangeRefused("IMG-7004", found=f"message id {message_id}")
            issuer, type_code, number = exchange.subject.split("/", 2)
            key = DocumentKey(issuer, type_code, number)
        quarantined = _quarantined(connection, partner, key)
        if quarantined and find_document(connection, key) is None:
            return _held(key, quarantined)
        document, _ = _visible(connection, partner, key)
        versions = tuple(_with_number(connection, version) for version in find_versions(connection, document.id))
        sent = next((version for version in versions if version.exchange_id == document.version_id), versions[-1])
        if exchange is None:
            exchange = find_exchange(connection, sent.exchange_id)
        deliveries = tuple(row for version in versions for row in find_deliveries(connection, version.exchange_id))
    own = document.owner_partner == partner.id
    return History(
        document.key,
        document.status_code,
        versions,
        deliveries if own or not partner.kind.is_outside else (),
        exchange.id if exchange else sent.exchange_id,
        exchange.sender_message_id if exchange and own else None,
        quarantined,
    )


def _quarantined(connection: Connection, partner: Partner, key: DocumentKey) -> tuple[QuarantineRow, ...]:
    query = QuarantineQuery(partner=partner.id, subject=str(key), direction=QuarantineDirection.IN)
    rows = [
        row
        for state in (QuarantineState.HELD, QuarantineState.DISCARDED)
        for row in list_quarantine(connection, replace(query, state=state))
    ]
    return tuple(sorted(rows, key=lambda row: row.id))


def _held(key: DocumentKey, quarantined: tuple[QuarantineRow, ...]) -> History:
    last = quarantined[-1]
    held = any(row.state is QuarantineState.HELD for row in quarantined)
    return History(key, HELD if held else REJECTED, (), (), last.held_in, last.sender_message_id, quarantined)


HELD: Final = "HELD"
"""Not a code of UN/CEFACT: no reader can take it for a status that a certificate has."""
REJECTED: Final = "41"


def find(
    context: Context, partner: Partner, criteria: FindCriteria, *, page_size: int, offset: int
) -> tuple[tuple[DocumentRow, ...], bool]:
    """One page of the documents that the partner may see, oldest change first, and whether more follow."""
    query = DocumentQuery(
        changed_since=criteria.changed_since,
        type_codes=criteria.type_codes,
        status_codes=criteria.status_codes,
        issuer_country=criteria.issuer_country,
        import_country=criteria.import_country,
        visibility=_visibility(partner),
        limit=page_size,
        offset=offset,
    )
    with context.store.read() as connection:
        return changed_documents(connection, query)


def _visibility(partner: Partner) -> Visibility:
    """The partner's own documents and those of its grant, as a condition of the search."""
    everything = ANY in partner.document_types
    pairs = tuple(
        (None if pair.issuer == ANY else pair.issuer, None if pair.importer == ANY else pair.importer)
        for pair in partner.country_pairs
    )
    return Visibility(
        partner=partner.id,
        type_codes=None if everything else tuple(sorted(partner.document_types)),
        country_pairs=pairs if everything or partner.document_types else (),
    )


def evidence_of(
    context: Context,
    partner: Partner,
    *,
    key: DocumentKey | None = None,
    status_code: str | None = None,
    exchange_id: str | None = None,
) -> tuple[str, bytes]:
    """The evidence of one exchange as (file name, ZIP): for the partner that sent it.

    Raises:
        ExchangeRefused: IMG-7004; evidence holds personal data and other parties' bytes, so only the sender gets it.
    """
    with context.store.read() as connection:
        if exchange_id is None:
            if key is None:
                raise AssertionError("the contract gives a document or an exchange")
            document, _ = _visible(connection, partner, key)
            exchange_id = _version(connection, document, status_code).exchange_id
        parts = find_evidence(connection, exchange_id)
    if parts is None or parts.exchange.partner != partner.id:
        raise ExchangeRefused("IMG-7004", found=exchange_id)
    return f"evidence-{exchange_id}.zip", build_evidence(_evidence(parts))


def evidence_file(connection: Connection, exchange_id: str) -> bytes | None:
    """The same ZIP for the operator, of any exchange, refused ones too; None when there is no such exchange.

    A repeat's evidence is that of the exchange that it repeats.
    """
    parts = find_evidence(connection, exchange_id)
    if parts is not None and parts.exchange.repeat_of is not None:
        parts = find_evidence(connection, parts.exchange.repeat_of)
    return build_evidence(_evidence(parts)) if parts is not None else None


def _visible(connection: Connection, partner: Partner, key: DocumentKey) -> tuple[DocumentRow, View]:
    document = find_document(connection, key)
    view = _view(partner, document) if document else View.NOTHING
    if document is None or view is View.NOTHING:
        raise ExchangeRefused("IMG-7004", found=str(key))
    return document, view


def _is_ephyto_only(version: VersionRow) -> bool:
    """Whether it came unsealed and no route lets it be passed on as an electronic official certificate (R-39-1)."""
    return version.form is Form.ENVELOPE and not version.route


def _view(partner: Partner, document: DocumentRow) -> View:
    return view_of(
        partner,
        document.owner_partner,
        document.key.type_code,
        document.key.issuer_country,
        document.import_country or "",
    )


def _with_number(connection: Connection, version: VersionRow) -> VersionRow:
    """The store knows which exchange replaced a version; its reader wants the number of that document."""
    replacing = find_exchange(connection, version.replaced_by) if version.replaced_by else None
    return replace(version, replaced_by=replacing.subject.split("/", 2)[2]) if replacing else version


def _version(connection: Connection, document: DocumentRow, status_code: str | None) -> VersionRow:
    version = find_version(connection, document, status_code)
    if version is None:
        raise ExchangeRefused("IMG-7004", found=f"{document.key} with status {status_code}")
    return version


def _evidence(parts: ExchangeParts) -> EvidenceParts:
    kept = parts.parts
    certificates = json.loads(kept.certificates) if kept and kept.certificates else {}
    facts = {
        "partner": parts.exchange.partner,
        "contract": parts.exchange.contract,
        "operation": parts.exchange.operation,
        "outcome": parts.exchange.outcome.value,
        "document": parts.exchange.subject,
    }
    if parts.version is not None:
        facts |= {"status": parts.version.status_code, "issuing route (Art 39)": parts.version.route or "none"}
    if parts.tables:
        facts["mapping tables"] = parts.tables
    if any(entry.detail.get("without_documents") for entry in parts.audit):  # of a message that moved a ledger
        facts["documents in the answer"] = "none: they could not be made"
    elif shown := [entry.detail["content"] for entry in parts.audit if entry.detail.get("content")]:
        facts["version of the CHED in the answer"] = shown[0]
    facts |= {
        f"mapping tables of what was sent to {row.partner}": sent.translation.tables
        for row, sent in parts.deliveries
        if sent is not None and sent.translation is not None
    }
    verdict = json.loads((kept.seal_verdict if kept else None) or "{}")
    if "authenticated_by" in verdict:  # an envelope of the hub
        facts |= {"authenticated by": verdict["authenticated_by"], "envelope": verdict["envelope"]}
        facts |= {"seal of the document": f"{verdict['level']}: {verdict['level_reason']}"}
    if parts.exchange.error_code:
        facts["error"] = parts.exchange.error_code
    return EvidenceParts(
        exchange_id=parts.exchange.id,
        received_at=parts.exchange.received_at,
        request=parts.request,
        document=kept.content if kept else b"",
        acknowledgement=parts.acknowledgement or b"",
        translation=(kept.translated if kept else None) or b"",
        translation_report=((kept.translation_report if kept else None) or "").encode(),
        findings=((kept.findings if kept else None) or "").encode(),
        seal_verdict=((kept.seal_verdict if kept else None) or "").encode(),
        tokens=(kept.timestamp_token,) if kept and kept.timestamp_token else (),
        certificates=tuple(base64.b64decode(der) for use in ("seal", "timestamp") for der in certificates.get(use, ())),
        facts=facts,
    )
