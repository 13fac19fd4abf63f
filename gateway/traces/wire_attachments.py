"""CertificateAttachments on the wire, both sides, as captured (DIGEST 5.6); replies are SOAP 1.2, by the contract."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.traces.models import Attachment, AttachmentReference
from gateway.traces.wire_common import (
    add,
    add_file,
    file_of,
    finish,
    mandatory,
    number_of,
    read_instant,
    required,
    spliced,
    start,
)
from gateway.xml.names import ATT1, XMIME, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "get_attachment_request",
    "get_attachment_response",
    "read_get_attachment_request",
    "read_get_attachment_response",
    "read_submit_attachment_request",
    "read_submit_attachment_response",
    "submit_attachment_request",
    "submit_attachment_response",
]

_FILE: Final = qn(ATT1, "Attachment")
_NAME: Final = qn(ATT1, "FileName")
_DOCUMENT: Final = qn(ATT1, "DocumentId")
_CONTENT_TYPE: Final = qn(XMIME, "contentType")


def get_attachment_request(asked: AttachmentReference) -> bytes:
    """GetCertificateAttachmentRequest."""
    return _reference("GetCertificateAttachmentRequest", asked)


def read_get_attachment_request(request: _Element) -> AttachmentReference:
    """What is asked for; SchemaInvalid IMG-3001 when it is not named whole."""
    return _read_reference(request)


def get_attachment_response(attachment: Attachment, include: bytes | None = None) -> bytes:
    """GetCertificateAttachmentResponse.

    Args:
        attachment: with the moment of its creation; its offset is written as it is.
        include: ``Part.include`` of a reply whose file travels beside the envelope; None for base64.
    """
    return _with_file("GetCertificateAttachmentResponse", attachment, include)


def read_get_attachment_response(response: _Element) -> Attachment:
    """The file; SchemaInvalid IMG-3001 when there is none."""
    return _read_file(response)


def submit_attachment_request(attachment: Attachment) -> bytes:
    """SubmitCertificateAttachmentRequest; the name is an attribute, as captured; so, we take it, is the type."""
    return _with_file("SubmitCertificateAttachmentRequest", replace(attachment, created=None), None)


def read_submit_attachment_request(request: _Element) -> Attachment:
    """The file; SchemaInvalid IMG-3001 when there is none."""
    return _read_file(request)


def submit_attachment_response(stored: AttachmentReference) -> bytes:
    """SubmitCertificateAttachmentResponse: what a certificate cites the file by."""
    return _reference("SubmitCertificateAttachmentResponse", stored)


def read_submit_attachment_response(response: _Element) -> AttachmentReference:
    """What a certificate cites the file by; SchemaInvalid IMG-3001 when it is not told."""
    return _read_reference(response)


def _reference(local: str, reference: AttachmentReference) -> bytes:
    element = start(qn(ATT1, local))
    add(element, _NAME, reference.file_name)
    add(element, _DOCUMENT, str(reference.document_id))
    return finish(element)


def _read_reference(element: _Element) -> AttachmentReference:
    return AttachmentReference(
        file_name=mandatory(element, _NAME),
        document_id=number_of(mandatory(element, _DOCUMENT), element, _DOCUMENT),
    )


def _with_file(local: str, attachment: Attachment, include: bytes | None) -> bytes:
    attributes = {
        "fileName": attachment.file_name,
        _CONTENT_TYPE: attachment.content_type,
        "createdOn": "" if attachment.created is None else attachment.created.isoformat(timespec="milliseconds"),
    }
    name = qn(ATT1, local)
    if include is not None:
        return spliced(name, spliced(_FILE, include), attributes=attributes)
    element = start(name, XMIME, **attributes)
    add_file(element, _FILE, attachment.content)
    return finish(element)


def _read_file(element: _Element) -> Attachment:
    created = element.get("createdOn")
    return Attachment(
        file_name=(element.get("fileName") or "").strip(),
        content=file_of(required(element, _FILE)),
        content_type=(element.get(_CONTENT_TYPE) or "").strip(),
        created=None if created is None else read_instant(created, element, "@createdOn"),
    )
