"""The SPSAcknowledgement that answers an accepted document (UN/CEFACT SPSAcknowledgement 17, DIGEST 3 and 5.2).

Its references say, in this order: the document that was received (relationship AWR, with the SHA-256 of its sealed
content), our exchange id (CAW, document reference, internal) and, where the sender gave one, its own message id
(ACW, reference number to previous message). StatusCode is the status that the gateway recorded for the document.

For an envelope of the ePhyto hub the ACW reference is the hub's number with the SHA-256 of the envelope as it was
received, and a reason says that no seal came with the document: so our seal is evidence of what the hub delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from gateway.errors import Severity
from gateway.xml.names import ACK17, RAM21, UDT21

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from gateway.documents import DocumentIdentity
    from gateway.errors import Finding

__all__ = ["Carrier", "acknowledgement"]

MAX_REASONS = 20
"""Findings repeated in an acknowledgement; GetEvidence has them all."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """The message that carried a document: an envelope of the hub."""

    digest: bytes
    """SHA-256 over its bytes as received."""
    remark: str = ""
    """Said among the reasons, before the findings."""


def acknowledgement(
    identity: DocumentIdentity,
    *,
    status_code: str,
    digest: bytes,
    exchange: str,
    message_id: str | None,
    findings: Iterable[Finding],
    now: datetime,
    carrier: Carrier | None = None,
) -> bytes:
    """The unsealed acknowledgement, UTF-8, without an XML declaration.

    Args:
        identity: the document that was received.
        status_code: UN/CEFACT 4405, as recorded.
        digest: SHA-256 over the canonical sealed content.
        exchange: our exchange id.
        message_id: the sender's own id of the exchange.
        findings: what the rules noticed; WARNING and INFO are repeated as ReasonInformation.
        now: aware; written in UTC to milliseconds.
        carrier: what carried the document, where no seal covers the document itself.
    """
    reasons = ["Message has been successfully processed"]
    reasons += [carrier.remark] if carrier and carrier.remark else []
    noticed = [finding for finding in findings if finding.severity is not Severity.SEVERE]
    reasons += [f"{finding.severity} {finding.rule}: {finding.message}" for finding in noticed[:MAX_REASONS]]
    if len(noticed) > MAX_REASONS:
        reasons.append(f"{len(noticed) - MAX_REASONS} more findings in the evidence of this exchange")
    references = [
        _reference("AWR", identity.number, type_code=identity.type_code, information=f"sha-256:{digest.hex()}"),
        _reference("CAW", exchange),
    ]
    if message_id:
        information = f"sha-256:{carrier.digest.hex()}" if carrier else ""
        references.append(_reference("ACW", message_id, information=information))
    stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return (
        f'<ack:SPSAcknowledgement xmlns:ack="{ACK17}" xmlns:ram="{RAM21}" xmlns:udt="{UDT21}">'
        "<ack:SPSAcknowledgementDocument>"
        f"<ram:IssueDateTime><udt:DateTime>{stamp}</udt:DateTime></ram:IssueDateTime>"
        f"<ram:StatusCode>{escape(status_code)}</ram:StatusCode>"
        + "".join(f"<ram:ReasonInformation>{escape(reason)}</ram:ReasonInformation>" for reason in reasons)
        + "".join(references)
        + "</ack:SPSAcknowledgementDocument></ack:SPSAcknowledgement>"
    ).encode()


def _reference(relationship: str, number: str, *, type_code: str = "", information: str = "") -> str:
    kind = f"<ram:TypeCode>{escape(type_code)}</ram:TypeCode>" if type_code else ""
    note = f"<ram:Information>{escape(information)}</ram:Information>" if information else ""
    return (
        f"<ram:ReferenceSPSReferencedDocument>{kind}"
        f"<ram:RelationshipTypeCode>{relationship}</ram:RelationshipTypeCode>"
        f"<ram:ID>{escape(number)}</ram:ID>{note}</ram:ReferenceSPSReferencedDocument>"
    )
