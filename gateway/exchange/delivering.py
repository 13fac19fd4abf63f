"""What is sent to a partner: the version in the partner's codes, under our seal (R-5-2), rendered once per delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from gateway.errors import ConfigurationError, ExchangeRefused
from gateway.store import find_document, find_version, find_version_parts
from gateway.xml.boundary import parse
from gateway.xml.names import CX1
from mappings import translate

if TYPE_CHECKING:
    from gateway.delivery import DeliveryJob
    from gateway.exchange.context import Context

__all__ = ["payload_for"]


def payload_for(context: Context, job: DeliveryJob) -> bytes:
    """The SubmitCertificateRequest of one delivery.

    The canonical translation that was stored with the version is translated on to the partner's codes with the tables
    of today and sealed by this gateway. MessageID is the delivery's id.

    Raises:
        ConfigurationError: IMG-0123 the partner is gone or takes no deliveries.
        TranslationRefused: a code that the partner's tables do not know; the delivery waits for the operator.
        Unavailable: IMG-9003 our seal needs a time stamp and no authority answers.
    """
    partner = context.directory.by_id(job.partner)
    if partner is None or partner.delivery is None:
        raise ConfigurationError("IMG-0123", where=f"partner {job.partner}")
    with context.store.read() as connection:
        parts = find_version_parts(connection, job.exchange_id)
        document = find_document(connection, job.document)
        version = find_version(connection, document, job.status_code) if document else None
    if parts is None or parts.translated is None or version is None:
        raise ExchangeRefused("IMG-7004", found=job.exchange_id)
    now = context.clock()
    translation = translate(
        parse(parts.translated, limits=context.limits).root,
        source=context.policy.canonical_system,
        target=partner.code_system,
        index=context.index.on(now.date()),
        partner=partner.id,
    )
    sealed = context.sealer.seal(translation.root, at=now)
    head = f'<cx:SubmitCertificateRequest xmlns:cx="{CX1}"><cx:MessageID>{escape(job.id)}</cx:MessageID>'
    if version.route:
        head += f"<cx:IssuingRoute>{version.route}</cx:IssuingRoute>"
    return head.encode() + sealed + b"</cx:SubmitCertificateRequest>"
