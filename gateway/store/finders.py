"""Reading: documents, versions, exchanges, deliveries, evidence. Everything takes a connection of `Store.read`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from gateway.store.ched_tables import ched_versions
from gateway.store.identifiers import from_text, to_text
from gateway.store.records import (
    AuditEntry,
    DeliveryParts,
    DeliveryRow,
    DeliveryState,
    DeliveryTranslation,
    DocumentKey,
    DocumentRow,
    ExchangeParts,
    ExchangeRow,
    Form,
    Outcome,
    VersionParts,
    VersionRow,
)
from gateway.store.tables import (
    audit,
    deliveries,
    delivery_parts,
    delivery_translations,
    document_versions,
    documents,
    exchange_parts,
    exchanges,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

__all__ = [
    "DocumentQuery",
    "Visibility",
    "changed_documents",
    "documents_numbered",
    "find_accepted",
    "find_audit",
    "find_deliveries",
    "find_delivery",
    "find_document",
    "find_evidence",
    "find_exchange",
    "find_exchange_by_message_id",
    "find_version",
    "find_version_parts",
    "find_versions",
    "list_deliveries",
    "list_exchanges",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """Which documents a partner may find: its own, and those that its grants cover.

    A pair is (issuer country, import country), None for any; ``type_codes`` None for any. No pairs: its own only.
    """

    partner: str
    country_pairs: tuple[tuple[str | None, str | None], ...] = ()
    type_codes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuery:
    """A search among documents as they stand now, oldest change first."""

    visibility: Visibility | None
    """None sees everything: the operator."""
    changed_since: datetime | None = None
    """Inclusive."""
    type_codes: tuple[str, ...] = ()
    status_codes: tuple[str, ...] = ()
    issuer_country: str | None = None
    import_country: str | None = None
    limit: int = 50
    offset: int = 0


def find_document(connection: Connection, key: DocumentKey) -> DocumentRow | None:
    """The document of that identity."""
    query = select(documents).where(
        documents.c.issuer_country == key.issuer_country,
        documents.c.type_code == key.type_code,
        documents.c.number == key.number,
    )
    row = connection.execute(query).first()
    return _document(row) if row else None


def documents_numbered(connection: Connection, number: str, *, limit: int) -> tuple[DocumentRow, ...]:
    """The documents of that number, whoever issued them and of whatever type."""
    query = (
        select(documents)
        .where(documents.c.number == number)
        .order_by(documents.c.issuer_country, documents.c.type_code)
        .limit(limit)
    )
    return tuple(_document(row) for row in connection.execute(query))


def find_version(connection: Connection, document: DocumentRow, status_code: str | None = None) -> VersionRow | None:
    """One version of a document, the current one without a status."""
    where = (
        document_versions.c.exchange_id == document.version_id
        if status_code is None
        else and_(document_versions.c.document_id == document.id, document_versions.c.status_code == status_code)
    )
    row = connection.execute(select(document_versions).where(where)).first()
    return _version(row) if row else None


def find_versions(connection: Connection, document_id: str) -> tuple[VersionRow, ...]:
    """All versions of a document, oldest first."""
    query = (
        select(document_versions)
        .where(document_versions.c.document_id == document_id)
        .order_by(document_versions.c.received_at, document_versions.c.exchange_id)
    )
    return tuple(_version(row) for row in connection.execute(query))


def find_version_parts(connection: Connection, exchange_id: str) -> VersionParts | None:
    """The bytes of a version; None when the exchange brought none."""
    query = select(
        exchange_parts.c.content,
        exchange_parts.c.translated,
        exchange_parts.c.translation_report,
        exchange_parts.c.findings,
        exchange_parts.c.seal_verdict,
        exchange_parts.c.timestamp_token,
        exchange_parts.c.certificates,
    ).where(exchange_parts.c.exchange_id == exchange_id, exchange_parts.c.content.is_not(None))
    row = connection.execute(query).first()
    return VersionParts(*row) if row else None


def changed_documents(connection: Connection, query: DocumentQuery) -> tuple[tuple[DocumentRow, ...], bool]:
    """One page of a search, and whether there is more."""
    statement = select(documents).order_by(documents.c.changed_at, documents.c.id)
    if query.visibility is not None:
        statement = statement.where(_visible(query.visibility))
    if query.changed_since is not None:
        statement = statement.where(documents.c.changed_at >= to_text(query.changed_since))
    if query.type_codes:
        statement = statement.where(documents.c.type_code.in_(query.type_codes))
    if query.status_codes:
        statement = statement.where(documents.c.status_code.in_(query.status_codes))
    if query.issuer_country is not None:
        statement = statement.where(documents.c.issuer_country == query.issuer_country)
    if query.import_country is not None:
        statement = statement.where(documents.c.import_country == query.import_country)
    rows = connection.execute(statement.limit(query.limit + 1).offset(query.offset)).all()
    return tuple(_document(row) for row in rows[: query.limit]), len(rows) > query.limit


def find_exchange(connection: Connection, exchange_id: str) -> ExchangeRow | None:
    """One exchange."""
    row = connection.execute(select(exchanges).where(exchanges.c.id == exchange_id)).first()
    return _exchange(row) if row else None


def find_accepted(connection: Connection, key: bytes) -> ExchangeRow | None:
    """The accepted exchange with this idempotency key: what a repeat of it is answered with."""
    row = connection.execute(select(exchanges).where(exchanges.c.idempotency_key == key)).first()
    return _exchange(row) if row else None


def find_exchange_by_message_id(connection: Connection, partner: str, message_id: str) -> ExchangeRow | None:
    """What a sender means by its own message id: the accepted exchange if there is one, else the latest other.

    A repeat is answered with the exchange that it repeats.
    """
    same = and_(exchanges.c.partner == partner, exchanges.c.sender_message_id == message_id)
    accepted = connection.execute(select(exchanges).where(same, exchanges.c.outcome == Outcome.ACCEPTED)).first()
    if accepted is not None:
        return _exchange(accepted)
    others = select(exchanges).where(same, exchanges.c.outcome != Outcome.ACCEPTED).order_by(exchanges.c.id.desc())
    row = connection.execute(others.limit(1)).first()
    if row is not None and row.repeat_of is not None:
        return find_exchange(connection, row.repeat_of)
    return _exchange(row) if row else None


def list_exchanges(
    connection: Connection,
    *,
    partner: str | None = None,
    outcome: Outcome | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    before: str | None = None,
    limit: int = 50,
) -> tuple[ExchangeRow, ...]:
    """Exchanges, newest first; ``before`` is the last id of the page before."""
    statement = select(exchanges).order_by(exchanges.c.id.desc()).limit(limit)
    if partner is not None:
        statement = statement.where(exchanges.c.partner == partner)
    if outcome is not None:
        statement = statement.where(exchanges.c.outcome == outcome)
    if subject is not None:
        statement = statement.where(exchanges.c.subject == subject)
    if since is not None:
        statement = statement.where(exchanges.c.received_at >= to_text(since))
    if before is not None:
        statement = statement.where(exchanges.c.id < before)
    return tuple(_exchange(row) for row in connection.execute(statement))


def list_deliveries(
    connection: Connection,
    *,
    partner: str | None = None,
    state: DeliveryState | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[DeliveryRow, ...]:
    """Deliveries, newest first; ``before`` is the last ``seq`` of the page before."""
    statement = select(deliveries).order_by(deliveries.c.seq.desc()).limit(limit)
    if partner is not None:
        statement = statement.where(deliveries.c.lane == partner)
    if state is not None:
        statement = statement.where(deliveries.c.state == state)
        if not state.settled:
            statement = statement.where(deliveries.c.settled_at.is_(None))
    if before is not None:
        statement = statement.where(deliveries.c.seq < before)
    return tuple(_delivery(row) for row in connection.execute(statement))


def find_deliveries(connection: Connection, exchange_id: str) -> tuple[DeliveryRow, ...]:
    """Where one version was sent, and how that stands."""
    query = select(deliveries).where(deliveries.c.exchange_id == exchange_id).order_by(deliveries.c.seq)
    return tuple(_delivery(row) for row in connection.execute(query))


def find_delivery(connection: Connection, delivery_id: str) -> tuple[DeliveryRow, DeliveryParts | None] | None:
    """One delivery with its bytes; without them when nothing was prepared yet."""
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).first()
    return (_delivery(row), _delivery_parts(connection, [row.seq]).get(row.seq)) if row else None


def _delivery_parts(connection: Connection, numbers: Sequence[int]) -> dict[int, DeliveryParts]:
    both = delivery_parts.outerjoin(delivery_translations)
    query = select(delivery_parts, *list(delivery_translations.c)[1:]).select_from(both)
    found = connection.execute(query.where(delivery_parts.c.seq.in_(numbers)))
    return {row.seq: DeliveryParts(row.payload, row.receipt, _translation(row)) for row in found}


def _translation(row: Row[Any]) -> DeliveryTranslation | None:
    if row.tables is None:
        return None
    return DeliveryTranslation(row.tables, date.fromisoformat(row.effective_on), row.digest, row.report)


def find_audit(connection: Connection, subject: str) -> tuple[AuditEntry, ...]:
    """What was done to or with a subject (an exchange id, a partner id), in order."""
    query = select(audit).where(audit.c.subject == subject).order_by(audit.c.seq)
    return tuple(
        AuditEntry(from_text(row.at), row.actor, row.action, row.subject, json.loads(row.detail))
        for row in connection.execute(query)
    )


def find_evidence(connection: Connection, exchange_id: str) -> ExchangeParts | None:
    """Everything about one exchange; None when there is no such exchange. A repeat has no bytes of its own."""
    exchange = find_exchange(connection, exchange_id)
    if exchange is None:
        return None
    both = select(exchange_parts.c.request, exchange_parts.c.acknowledgement)
    bytes_ = connection.execute(both.where(exchange_parts.c.exchange_id == exchange_id)).first()
    version_row = connection.execute(
        select(document_versions).where(document_versions.c.exchange_id == exchange_id)
    ).first()
    version = _version(version_row) if version_row else None
    document = None
    if version is not None:
        document = _document(connection.execute(select(documents).where(documents.c.id == version.document_id)).one())
    sent = find_deliveries(connection, exchange_id)
    parts = _delivery_parts(connection, [row.seq for row in sent])
    return ExchangeParts(
        exchange=exchange,
        request=bytes_.request if bytes_ else b"",
        acknowledgement=bytes_.acknowledgement if bytes_ else None,
        document=document,
        version=version,
        parts=find_version_parts(connection, exchange_id),
        deliveries=tuple((row, parts.get(row.seq)) for row in sent),
        audit=find_audit(connection, exchange_id),
        tables=version.tables if version else _tables_of_ched(connection, exchange_id),
    )


def _tables_of_ched(connection: Connection, exchange_id: str) -> str | None:
    query = select(ched_versions.c.tables).where(ched_versions.c.exchange_id == exchange_id)
    return connection.execute(query).scalar()


def _visible(visibility: Visibility) -> ColumnElement[bool]:
    own = documents.c.owner_partner == visibility.partner
    pairs = [
        and_(
            documents.c.issuer_country == issuer if issuer is not None else documents.c.id.is_not(None),
            documents.c.import_country == importer if importer is not None else documents.c.id.is_not(None),
        )
        for issuer, importer in visibility.country_pairs
    ]
    if not pairs:
        return own
    granted = or_(*pairs)
    if visibility.type_codes is not None:
        granted = and_(granted, documents.c.type_code.in_(visibility.type_codes))
    return or_(own, granted)


def _document(row: Row[Any]) -> DocumentRow:
    return DocumentRow(
        id=row.id,
        key=DocumentKey(row.issuer_country, row.type_code, row.number),
        status_code=row.status_code,
        version_id=row.version_id,
        import_country=row.import_country,
        owner_partner=row.owner_partner,
        changed_at=from_text(row.changed_at),
    )


def _version(row: Row[Any]) -> VersionRow:
    return VersionRow(
        exchange_id=row.exchange_id,
        document_id=row.document_id,
        status_code=row.status_code,
        digest=bytes(row.digest),
        form=Form(row.form),
        route=row.route,
        replaced_by=row.replaced_by,
        received_at=from_text(row.received_at),
        tables=row.tables,
    )


def _exchange(row: Row[Any]) -> ExchangeRow:
    return ExchangeRow(
        id=row.id,
        partner=row.partner,
        contract=row.contract,
        operation=row.operation,
        outcome=Outcome(row.outcome),
        subject=row.subject,
        sender_message_id=row.sender_message_id,
        repeat_of=row.repeat_of,
        error_code=row.error_code,
        error_detail=json.loads(row.error_detail) if row.error_detail else None,
        transport=json.loads(row.transport),
        received_at=from_text(row.received_at),
    )


def _delivery(row: Row[Any]) -> DeliveryRow:
    return DeliveryRow(
        seq=row.seq,
        id=row.id,
        partner=row.lane,
        exchange_id=row.exchange_id,
        case_id=row.case_id,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        failures=row.failures,
        next_attempt_at=from_text(row.next_attempt_at),
        code=row.code,
        detail=row.detail,
        created_at=from_text(row.created_at),
        updated_at=from_text(row.updated_at),
        settled_at=from_text(row.settled_at) if row.settled_at else None,
        push_id=row.push_id,
    )
