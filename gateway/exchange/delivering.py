"""What is sent to a partner: the version in the partner's codes and in its contract's form, rendered once per delivery.

To another gateway it goes under our seal (R-5-2); to the ePhyto hub, whose contract knows no seals, as the text of an
envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from gateway.documents import SpsCertificate
from gateway.errors import ConfigurationError, DeliveryError, ExchangeRefused, RouteRefused
from gateway.exchange.status import CertificateStatus
from gateway.ippc import wire
from gateway.ippc.content import document_limits
from gateway.ippc.form import to_hub_form, to_hub_replacement
from gateway.ippc.models import Envelope, EnvelopeHeader
from gateway.store import Form, find_document, find_version, find_version_parts
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import CX1
from mappings import translate

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.access import Partner
    from gateway.delivery import DeliveryJob
    from gateway.exchange.context import Context

__all__ = ["payload_for"]

HUB_ADAPTER: Final = "ippc-hub"
_HUB_CODES: Final = "ephyto"
"""The code system of everything that the hub carries (DIGEST 2.7)."""


def payload_for(context: Context, job: DeliveryJob) -> bytes:
    """The request of one delivery: SubmitCertificate to a gateway, DeliverEnvelope to the hub.

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
    if partner.delivery.adapter == HUB_ADAPTER:
        root = _in_codes_of(context, partner, parts.translated)
        return _envelope(root, partner, import_country=document.import_country or "")
    if version.form is Form.ENVELOPE and not version.route:
        raise RouteRefused("IMG-4105", where=str(job.document), found="no route", expected=_ROUTE_NEEDED)
    root = _in_codes_of(context, partner, parts.translated)
    sealed = context.sealer.seal(root, at=context.clock())
    head = f'<cx:SubmitCertificateRequest xmlns:cx="{CX1}"><cx:MessageID>{escape(job.id)}</cx:MessageID>'
    if version.route:
        head += f"<cx:IssuingRoute>{version.route}</cx:IssuingRoute>"
    return head.encode() + sealed + b"</cx:SubmitCertificateRequest>"


_ROUTE_NEEDED: Final = "trust.phyto_routes with the route; for route iv com_informed_on in the sender's record too"


def _in_codes_of(context: Context, partner: Partner, canonical: bytes) -> _Element:
    translation = translate(
        parse(canonical, limits=document_limits(context.limits)).root,
        source=context.policy.canonical_system,
        target=partner.code_system,
        index=context.index.on(context.clock().date()),
        partner=partner.id,
    )
    return translation.root


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
