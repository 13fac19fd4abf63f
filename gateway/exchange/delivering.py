"""What is sent to a partner: the version in the partner's codes and in its contract's form, rendered once per delivery.

To another gateway it goes under our seal (R-5-2); to the ePhyto hub, whose contract knows no seals, as the text of an
envelope.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from gateway.documents import SpsCertificate
from gateway.errors import ConfigurationError, DeliveryError, ExchangeRefused, RouteRefused
from gateway.exchange.examination import translated_for
from gateway.exchange.holding import answer_of, gap_rows, judged_with, keeps
from gateway.exchange.status import CertificateStatus
from gateway.faultpoints import reach
from gateway.ippc import wire
from gateway.ippc.content import document_limits
from gateway.ippc.form import to_hub_form, to_hub_replacement
from gateway.ippc.models import Envelope, EnvelopeHeader
from gateway.store import (
    DeliveryTranslation,
    Form,
    NewHold,
    Prepared,
    QuarantineDirection,
    add_hold,
    find_document,
    find_version,
    find_version_parts,
    new_id,
    supersede_held,
)
from gateway.store.outbox import resend
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import CX1
from mappings import report_to_json

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.delivery import DeliveryJob
    from gateway.errors import TranslationRefused
    from gateway.exchange.context import Context
    from gateway.exchange.quarantine import Arrival
    from gateway.store import QuarantineRow
    from mappings import Index, Translation

__all__ = ["OUTGOING", "deliver_held", "hold_delivery", "payload_for"]

OUTGOING: Final = "delivery"
"""The contract of entries in quarantine that are on their way out."""

HUB_ADAPTER: Final = "ippc-hub"
_HUB_CODES: Final = "ephyto"
"""The code system of everything that the hub carries (DIGEST 2.7)."""


def payload_for(context: Context, job: DeliveryJob) -> Prepared:
    """One delivery's request (SubmitCertificate to a gateway, DeliverEnvelope to the hub) and how it was translated.

    The canonical translation that was stored with the version is translated on to the partner's codes with the tables
    of today. MessageID of a SubmitCertificate is the delivery's id.

    Raises:
        ConfigurationError: IMG-0123 the partner is gone or takes no deliveries; IMG-0120 a hub in other codes.
        RouteRefused: IMG-4105 a document that came unsealed and has no route, for a partner that takes certificates.
        TranslationRefused: a code that the partner's tables do not know; the delivery waits for the operator.
        DeliveryError: IMG-8005 an envelope that cannot be addressed.
        Unavailable: IMG-9003 our seal needs a time stamp and no authority answers.
    """
    partner = context.directory.by_id(job.partner)
    if partner is None or partner.delivery is None:
        raise ConfigurationError("IMG-0123", where=f"partner {job.partner}")
    with context.store.read() as connection:
        parts = find_version_parts(connection, job.exchange_id)
        document = find_document(connection, job.document)
        version = find_version(connection, document, job.status_code) if document else None
    if parts is None or parts.translated is None or version is None or document is None:
        raise ExchangeRefused("IMG-7004", found=job.exchange_id)
    index = context.index.on(context.clock().date())
    if partner.delivery.adapter == HUB_ADAPTER:
        translation = _in_codes_of(context, partner, parts.translated, index)
        how = _how(translation, index)
        return Prepared(_envelope(translation.root, partner, import_country=document.import_country or ""), how)
    if version.form is Form.ENVELOPE and not version.route:
        raise RouteRefused("IMG-4105", where=str(job.document), found="no route", expected=_ROUTE_NEEDED)
    translation = _in_codes_of(context, partner, parts.translated, index)
    how = _how(translation, index)
    sealed = context.sealer.seal(translation.root, at=context.clock())
    head = f'<cx:SubmitCertificateRequest xmlns:cx="{CX1}"><cx:MessageID>{escape(job.id)}</cx:MessageID>'
    if version.route:
        head += f"<cx:IssuingRoute>{version.route}</cx:IssuingRoute>"
    return Prepared(head.encode() + sealed + b"</cx:SubmitCertificateRequest>", how)


_ROUTE_NEEDED: Final = "trust.phyto_routes with the route; for route iv com_informed_on in the sender's record too"


def hold_delivery(
    context: Context, connection: Connection, job: DeliveryJob, refusal: TranslationRefused, now: datetime
) -> bool:
    """Put a delivery that failed for want of rows into quarantine, where the partner's policy is to keep it.

    Called in the transaction that settles the delivery. Returns whether it is held.
    """
    partner = context.directory.by_id(job.partner)
    document = find_document(connection, job.document)
    version = find_version(connection, document, job.status_code) if document else None
    if partner is None or version is None or not keeps(partner, refusal):
        return False
    index = context.index.on(now.date())
    new = NewHold(
        id=new_id(now),
        direction=QuarantineDirection.OUT,
        contract=OUTGOING,
        operation=partner.delivery.adapter if partner.delivery else "",
        partner=partner.id,
        subject=str(job.document),
        status_code=job.status_code,
        digest=version.digest,
        held_in=job.id,
        code=refusal.gaps[0].code,
        tables=index.version,
        judged=judged_with(index),
        gaps=gap_rows(refusal.gaps),
        received_at=now,
        transport={"exchange": job.exchange_id},
        answer=answer_of(refusal.gaps, None),
    )
    supersede_held(connection, new, reason=f"tried again: {new.id}")
    return add_hold(connection, new)


def deliver_held(context: Context, entry: QuarantineRow, index: Index, arrive: Arrival) -> None:
    """Put a held delivery back into its lane, to be translated and sealed afresh.

    Raises:
        ConfigurationError: IMG-0123, the partner is gone.
        TranslationRefused: there are still gaps.
        DeliveryError: IMG-8012, it has been sent, or a later version has.
    """
    partner = context.directory.by_id(entry.partner)
    if partner is None or partner.delivery is None:
        raise ConfigurationError("IMG-0123", where=f"partner {entry.partner}")
    exchange_id = entry.transport["exchange"]
    with context.store.read() as connection:
        parts = find_version_parts(connection, exchange_id)
    if parts is None or parts.translated is None:
        raise ExchangeRefused("IMG-7004", found=exchange_id)
    _in_codes_of(context, partner, parts.translated, index)
    reach("quarantine.judged")

    def unit(connection: Connection) -> None:
        arrive(connection, exchange_id)
        resend(connection, entry.held_in, actor="quarantine", now=context.clock(), afresh=True)

    context.store.write(unit)


def _in_codes_of(context: Context, partner: Partner, canonical: bytes, index: Index) -> Translation:
    return translated_for(
        partner,
        parse(canonical, limits=document_limits(context.limits)).root,
        source=context.policy.canonical_system,
        target=partner.code_system,
        index=index,
    )


def _how(translation: Translation, index: Index) -> DeliveryTranslation:
    """What is kept of a translation before its document is put into an envelope or sealed: both change it."""
    digest = hashlib.sha256(serialise(translation.root)).digest()
    return DeliveryTranslation(translation.tables, index.on, digest, report_to_json(translation.report))


def _envelope(root: _Element, partner: Partner, *, import_country: str) -> bytes:
    """The header says what the certificate says (DIGEST 2.3).

    A withdrawal goes out under its number with status 40; a replacement under a number of its own as an issue that
    names the old one. One under the old number keeps its status 44: the hub has no other word for it.
    """
    if partner.code_system != _HUB_CODES:
        where = f"partner {partner.id}: code_system"
        raise ConfigurationError("IMG-0120", where=where, found=partner.code_system, expected=_HUB_CODES)
    view = SpsCertificate(root)
    replaced = view.replaced_number
    if view.status_code == CertificateStatus.REPLACED and replaced and replaced != view.number:
        to_hub_replacement(root, replaced)
    header = EnvelopeHeader(
        sender=_said("From", view.issuer_country or ""),
        to=_said("To", view.import_country or import_country),
        certificate_type=_number("CertificateType", view.type_code),
        certificate_status=_number("CertificateStatus", view.status_code),
        certificate_number=_said("NPPOCertificateNumber", view.number),
    )
    to_hub_form(root)
    return wire.deliver_envelope(Envelope(header, serialise(root)))


def _said(field: str, text: str) -> str:
    if not text:
        raise DeliveryError("IMG-8005", where=field, found="nothing", expected="a value in the certificate")
    return text


def _number(field: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise DeliveryError("IMG-8005", where=field, found=text, expected="a number")
    return int(text)
