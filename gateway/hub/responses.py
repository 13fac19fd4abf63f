"""Country responses: SPSAcknowledgements that answer a certificate of ours, and the one with which we answer (R-30-1).

The importing country says what became of a certificate; the status is UN/CEFACT 4405, 41 for a rejection. Its
references say what it answers: the hub's number of our envelope, or the number of the certificate.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from gateway.documents import text_of
from gateway.exchange import ImportOutcome
from gateway.hub.rows import cut
from gateway.ippc import EnvelopeHeader
from gateway.ippc.wire import text_part
from gateway.store import (
    DocumentKey,
    ImportState,
    NewEnvelope,
    add_envelopes,
    find_deliveries,
    find_document,
    find_tracking,
    find_versions,
    new_id,
    record_audit,
)
from gateway.xml.names import ACK17, RAM21, UDT21, XSI, qn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.store import EnvelopeRow, ImportRow

__all__ = ["respond_here", "response_to", "take_response"]

MAX_REFERENCES: Final = 20
"""References that are looked up, each a question inside the transaction that every other writer waits for: 80 000 of
them held up an instance for half a minute. An answer names the envelope and the certificate that it answers."""
MAX_REASONS: Final = 20
"""Reasons that are kept besides the document itself, where all of them are."""

_REFERENCE = qn(RAM21, "ReferenceSPSReferencedDocument")


def take_response(
    connection: Connection, partner: Partner, row: ImportRow, root: _Element, now: datetime
) -> ImportOutcome:
    """Link a country's answer to what it answers. Call inside `Store.write`.

    Args:
        connection: of the unit of work.
        partner: the hub, or the authority that delivered it.
        row: the import.
        root: the SPSAcknowledgement.
        now: aware, UTC.

    Returns:
        RESPONSE, with the exchange that the certificate came to us by; without one when nothing of ours is answered.
    """
    status = cut(text_of(next(root.iter(qn(RAM21, "StatusCode")), None)))
    reasons = [cut(text_of(each)) for each in islice(root.iter(qn(RAM21, "ReasonInformation")), MAX_REASONS)]
    references = [text_of(each.find(qn(RAM21, "ID"))) for each in islice(root.iter(_REFERENCE), MAX_REFERENCES)]
    exchange_id, delivery_id = _answered(connection, partner, row, references)
    stated = f"status {status or row.certificate_status}"
    if status not in {"", str(row.certificate_status)}:
        stated += f" ({row.certificate_status} in its envelope)"
    said = stated + (f": {'; '.join(filter(None, reasons))}" if reasons else "")
    message = f"{row.from_country} answers {row.certificate_number} with {said}"
    if not exchange_id:
        message = f"{message}; nothing that was sent from here is known by that number"
    detail = {"delivery": delivery_id, "number": row.hub_number, "status": status, "reasons": reasons}
    record_audit(
        connection, at=now, actor=partner.id, action="country response", subject=exchange_id or row.id, detail=detail
    )
    return ImportOutcome(ImportState.RESPONSE, message=message, exchange_id=exchange_id)


def _answered(connection: Connection, partner: Partner, row: ImportRow, references: Sequence[str]) -> tuple[str, str]:
    """The exchange and the delivery that are answered, by the hub's number of our envelope or by the certificate."""
    for number in references:
        tracking = find_tracking(connection, number, partner=partner.id) if number else None
        if tracking is not None:
            return tracking.delivery_id.rpartition("-")[0], tracking.delivery_id
    key = DocumentKey(row.to_country, str(row.certificate_type), " ".join(row.certificate_number.split()))
    document = find_document(connection, key)
    for version in reversed(find_versions(connection, document.id) if document else ()):
        for delivery in find_deliveries(connection, version.exchange_id):
            if delivery.partner == partner.id:
                return version.exchange_id, delivery.id
    return "", ""


def response_to(row: ImportRow, *, status: int, reason: str, now: datetime) -> tuple[EnvelopeHeader, bytes]:
    """The answer to an envelope that came in: header and SPSAcknowledgement for DeliverCountryResponseEnvelope.

    Args:
        row: the import that is answered.
        status: UN/CEFACT 4405.
        reason: for the other authority; the hub's schema has room for one.
        now: time of the answer; aware, UTC.

    Raises:
        HubRefused: IMG-7191, the reason holds a character that XML does not have: who pulls it could not read it.
    """
    text_part("message", reason)
    header = EnvelopeHeader(
        sender=row.to_country,
        to=row.from_country,
        certificate_type=row.certificate_type,
        certificate_status=status,
        certificate_number=row.certificate_number,
    )
    stamp = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    acknowledgement = (
        f'<ack:SPSAcknowledgement xmlns:ack="{ACK17}" xmlns:ram="{RAM21}" xmlns:udt="{UDT21}">'
        "<ack:SPSAcknowledgementDocument>"
        f"<ram:IssueDateTime><udt:DateTimeString>{stamp}</udt:DateTimeString></ram:IssueDateTime>"
        f"<ram:StatusCode>{status}</ram:StatusCode>"
        + (f"<ram:ReasonInformation>{escape(reason)}</ram:ReasonInformation>" if reason else "")
        + _reference("AWR", row.certificate_number, f"<ram:TypeCode>{row.certificate_type}</ram:TypeCode>")
        + _reference("ACW", row.hub_number, f'<ram:TypeCode xmlns:xsi="{XSI}" xsi:nil="true"/>')
        + "</ack:SPSAcknowledgementDocument></ack:SPSAcknowledgement>"
    )
    return header, acknowledgement.encode()


def respond_here(
    connection: Connection, row: ImportRow, header: EnvelopeHeader, acknowledgement: bytes, *, actor: str, now: datetime
) -> EnvelopeRow:
    """Leave our answer to what an authority delivered to us in our own stand-in, for that authority to pull.

    Args:
        connection: of the unit of work.
        row: the import that is answered.
        header: of `response_to`.
        acknowledgement: of `response_to`.
        actor: who answers, for the audit.
        now: aware.
    """
    envelope = NewEnvelope(
        number=new_id(now),
        partner="",
        recipient=row.partner,
        from_country=header.sender,
        to_country=header.to,
        certificate_type=header.certificate_type,
        certificate_status=header.certificate_status,
        certificate_number=header.certificate_number,
        content=acknowledgement,
    )
    return add_envelopes(connection, [envelope], actor=actor, now=now, detail={"answers": row.hub_number})


def _reference(relationship: str, number: str, type_code: str) -> str:
    """The type is mandatory in the hub's schema, and an envelope has none."""
    return (
        f"<ram:ReferenceSPSReferencedDocument>{type_code}<ram:RelationshipTypeCode>{relationship}</ram:RelationshipTypeCode>"
        f"<ram:ID>{escape(number)}</ram:ID></ram:ReferenceSPSReferencedDocument>"
    )
