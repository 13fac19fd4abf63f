"""The hub's messages on the wire: bodies of requests and replies as bytes (DIGEST 2.2), over ``gateway.ippc.elements``.

Callers need this module only; it passes on what reads and writes single elements.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Final

from gateway.ippc.elements import (
    ACTIONS,
    ENVELOPE,
    HEADER,
    MAX_CONTENT,
    REPLY_LIMITS,
    REQUEST_LIMITS,
    array_xml,
    envelope_xml,
    header_xml,
    read_array,
    read_envelope,
    read_header,
    text_bytes,
    text_part,
    text_xml,
    wrapped,
    written_size,
)
from gateway.xml.names import HUB, qn

if TYPE_CHECKING:
    from gateway.ippc.models import Envelope, EnvelopeHeader

__all__ = [
    "ACTIONS",
    "ENVELOPE",
    "HEADER",
    "MAX_CONTENT",
    "REPLY_LIMITS",
    "REQUEST_LIMITS",
    "acknowledge",
    "acknowledge_failed",
    "acknowledge_with_warning",
    "array_xml",
    "country_response",
    "deliver_envelope",
    "deliver_phyto",
    "envelope_xml",
    "header_xml",
    "import_headers",
    "read_array",
    "read_envelope",
    "read_header",
    "request",
    "response",
    "set_tracking",
    "single",
    "text_bytes",
    "text_part",
    "text_xml",
    "validate_and_deliver",
    "validate_phyto",
    "written_size",
]

_DECLARATION: Final = re.compile(rb"\s*<\?xml\s[^>]*\?>\s*")


def request(operation: str, *parts: bytes) -> bytes:
    """The request element of an operation around its serialised children."""
    return wrapped(operation, parts)


def response(operation: str, *parts: bytes) -> bytes:
    """The response element of an operation around its serialised children."""
    return wrapped(f"{operation}Response", parts)


def deliver_envelope(envelope: Envelope) -> bytes:
    """DeliverEnvelope."""
    return request("DeliverEnvelope", envelope_xml(envelope, qn(HUB, "env")))


def validate_and_deliver(envelope: Envelope) -> bytes:
    """ValidateAndDeliverEnvelope: its envelope is an element of the operations' namespace, in lower case."""
    return request("ValidateAndDeliverEnvelope", envelope_xml(envelope, qn(HUB, "envelope")))


def deliver_phyto(header: EnvelopeHeader, certificate: bytes) -> bytes:
    """DeliverPhytoEnvelope with the certificate as XML: a serialised SPSCertificate, with or without a declaration."""
    return request("DeliverPhytoEnvelope", _around(header, qn(HUB, "ePhytoEnvelope"), certificate))


def country_response(header: EnvelopeHeader, acknowledgement: bytes) -> bytes:
    """DeliverCountryResponseEnvelope with a serialised SPSAcknowledgement, with or without a declaration."""
    envelope = _around(header, qn(HUB, "CountryResponseEnvelope"), acknowledgement)
    return request("DeliverCountryResponseEnvelope", envelope)


def import_headers(country: str = "") -> bytes:
    """GetImportEnvelopeHeaders, of all countries of the caller or of one."""
    return request("GetImportEnvelopeHeaders", *([text_part("countryCode", country)] if country else []))


def single(operation: str, number: str) -> bytes:
    """An operation about one envelope, with its number alone: PULLSingleImportEnvelope, GetEnvelopeTrackingInfo."""
    return request(operation, text_part("hubTrackingNumber", number))


def acknowledge(number: str) -> bytes:
    """AcknowledgeEnvelopeReceipt."""
    return single("AcknowledgeEnvelopeReceipt", number)


def acknowledge_with_warning(number: str, warning: str) -> bytes:
    """AdvancedAcknowledgeEnvelopeReceipt."""
    operation = "AdvancedAcknowledgeEnvelopeReceipt"
    return request(operation, text_part("hubTrackingNumber", number), text_part("warningMessage", warning))


def acknowledge_failed(number: str, message: str) -> bytes:
    """AcknowledgeFailedEnvelopeReceipt."""
    operation = "AcknowledgeFailedEnvelopeReceipt"
    return request(operation, text_part("hubTrackingNumber", number), text_part("message", message))


def set_tracking(header: EnvelopeHeader) -> bytes:
    """SetTrackingInfoUpdate."""
    return request("SetTrackingInfoUpdate", header_xml(header, qn(HUB, "header")))


def validate_phyto(document: str) -> bytes:
    """ValidatePhytoXML with the certificate as text."""
    return request("ValidatePhytoXML", text_part("ePhytoXML", document))


def _around(header: EnvelopeHeader, tag: str, document: bytes) -> bytes:
    """The header's element with a serialised document as its last child."""
    opened = header_xml(header, tag)
    end = opened.rindex(b"</")
    document = document.removeprefix(codecs.BOM_UTF8)
    declaration = _DECLARATION.match(document)
    if declaration is not None:
        document = document[declaration.end() :]
    return b"".join((opened[:end], document, opened[end:]))
