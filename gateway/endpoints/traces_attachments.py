"""CertificateAttachments: files up and down, as base64 or beside the envelope; answers in SOAP 1.2 (DIGEST 5.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.endpoints.traces_common import serve
from gateway.soap import SoapReply, SoapVersion
from gateway.soap.models import Part
from gateway.traces.contracts import ATTACHMENTS
from gateway.traces.faults import PERMISSION, ServiceFaults, TypedFault
from gateway.traces.wire_attachments import (
    get_attachment_response,
    read_get_attachment_request,
    read_submit_attachment_request,
    submit_attachment_response,
)
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import ATT1, qn

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.ched.attachments import Attachments
    from gateway.endpoints.traces_common import Asked, Services
    from gateway.soap import Contract
    from gateway.xml.limits import Limits

__all__ = ["certificate_attachments"]

_FILE: Final = qn(ATT1, "Attachment")
_FAULTS: Final = ServiceFaults(
    namespace=ATTACHMENTS.namespace,
    permission=PERMISSION,
    rules=TypedFault("IllegalParametersException"),
    by_code={"IMG-7302": TypedFault("CertificateAttachmentNotFoundException", "Attachment not found")},
)


def certificate_attachments(attachments: Attachments, services: Services) -> Contract:
    """The contract with its handlers."""

    def bound(answer: Callable[[Attachments, Asked], SoapReply | bytes]) -> Callable[[Asked], SoapReply | bytes]:
        return lambda asked: answer(attachments, asked)

    return serve(
        ATTACHMENTS,
        services,
        {"getCertificateAttachment": bound(_get), "submitCertificateAttachment": bound(_submit)},
        _FAULTS,
        mtom=True,
        reply_version=SoapVersion.SOAP12,
        limits=_limits(services.context.limits),
    )


def _limits(own: Limits) -> Limits:
    """One file may be nearly all of a message, also beside the envelope; what the operator says of texts holds.

    Texts are measured in base64, which a file in a package never was: as many characters as all of a message would be.
    """
    most = own.max_bytes * 4 // 3 + 4
    chosen = own.max_large_text if own.max_large_text != DEFAULT_LIMITS.max_large_text else most
    return replace(own, large_text=own.large_text | {_FILE}, max_large_text=chosen)


def _get(attachments: Attachments, asked: Asked) -> SoapReply:
    reference = read_get_attachment_request(asked.body)
    found = attachments.get(asked.actor, reference)
    asked.noted(reference.uri, file=found.file_name)
    part = Part(f"attachment-{reference.document_id}@gateway", found.content_type, found.content)
    return SoapReply(get_attachment_response(found, part.include), parts=(part,))


def _submit(attachments: Attachments, asked: Asked) -> bytes:
    stored = attachments.submit(asked.actor, read_submit_attachment_request(asked.body), asked.call)
    return submit_attachment_response(stored)
