"""ProcessedChedRequest and its reply on the wire, both sides, as captured (DIGEST 7.2, 7.3)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from gateway.certex.models import ProcessedChedAnswer, ProcessedChedRequest
from gateway.certex.wire_common import (
    OPERATION_CODE,
    add_office,
    base,
    check_message,
    child,
    declaration_of,
    field,
    group,
    items_of,
    message,
    moment,
    moment_of,
    number,
    office_of,
    own,
    parent,
    token_of,
    unfit,
    write_declaration,
    write_items,
)
from gateway.certex.wire_summary import SUMMARY, read_summary, write_summary
from gateway.traces.wire_common import bare, file_of, required
from gateway.xml.canonical import serialise
from gateway.xml.names import SPS17, qn

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

__all__ = ["processed_request", "processed_response", "read_processed_request", "read_processed_response"]

_REQUEST: Final = "ProcessedChedRequest"
_RESPONSE: Final = "ProcessedChedInformationResponse"
_ITEMS: Final = "CommodityDescriptionForChed"
_DECLARATION: Final = "CustomsDeclarationReferenceNumber"
_CERTIFICATE: Final = qn(SPS17, "SPSCertificate")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_MARKERS: Final = {"0": None, "1": True, "2": False}
"""PushMarker; what the three numbers mean is our reading."""


# --- the request -----------------------------------------------------------------------------------------------------


def processed_request(asked: ProcessedChedRequest) -> bytes:
    """ProcessedChedRequest; a read has the empty element of the declaration, without which TRACES refuses it."""
    declaration = "" if asked.declaration is None else write_declaration(asked.declaration)
    return message(
        _REQUEST,
        child("SendingDate", moment(asked.sending_date)),
        child("ChedCertificateId", asked.reference),
        child("TARICDocument", asked.taric_document),
        parent(_DECLARATION, declaration),
        add_office(asked.office),
        write_items(_ITEMS, asked.items),
        child("PdfGenerationIndication", "true" if asked.pdf else ""),
        child("Language", asked.language),
        child("QuantityManagementIndication", "1" if asked.reserve else "0"),
        _push(asked),
        child("TransformationIndiction", asked.transformation),
    )


def _push(asked: ProcessedChedRequest) -> str:
    if asked.push is None:
        return ""
    ends = (("DateTimeFrom", asked.push_from), ("DateTimeTo", asked.push_until))
    period = "".join(field(local, moment(at)) for local, at in ends if at is not None)
    return parent(
        "PushIndication",
        field("PushMarker", "1" if asked.push else "2"),
        group("ValidityPeriodForThePush", period) if period else "",
    )


def read_processed_request(request: _Element) -> ProcessedChedRequest:
    """What is asked.

    Raises:
        SchemaInvalid: IMG-3001 another message, or one without CustomsDeclarationReferenceNumber or with a field that
            cannot be read.
    """
    check_message(request, _REQUEST)
    push, push_from, push_until = _read_push(request)
    return ProcessedChedRequest(
        sending_date=moment_of(request, own("SendingDate")),
        reference=token_of(request, own("ChedCertificateId")),
        taric_document=token_of(request, own("TARICDocument"), optional=True),
        declaration=declaration_of(required(request, own(_DECLARATION))),
        office=office_of(request, own("CompetentCustomsOffice")),
        items=items_of(request, _ITEMS),
        pdf=_flag(request, "PdfGenerationIndication") or False,
        language=token_of(request, own("Language")),
        reserve=bool(number(request, own("QuantityManagementIndication"))),
        push=push,
        push_from=push_from,
        push_until=push_until,
        transformation=token_of(request, own("TransformationIndiction"), optional=True),
    )


def _read_push(request: _Element) -> tuple[bool | None, datetime | None, datetime | None]:
    """Whether changes are asked for, from when and until when."""
    element = request.find(own("PushIndication"))
    if element is None:
        return None, None, None
    marker = base("PushMarker")
    said = token_of(element, marker)
    if said not in _MARKERS:
        raise unfit(element, marker, said, "0, 1 or 2")
    period = element.find(base("ValidityPeriodForThePush"))
    begins, ends = (_optional_moment(period, base(local)) for local in ("DateTimeFrom", "DateTimeTo"))
    return _MARKERS[said], begins, ends


def _optional_moment(element: _Element | None, name: str) -> datetime | None:
    return None if element is None or element.find(name) is None else moment_of(element, name)


# --- the reply -------------------------------------------------------------------------------------------------------


def processed_response(answer: ProcessedChedAnswer) -> bytes:
    """ProcessedChedInformationResponse; the certificate in it stays byte by byte what it is."""
    return message(
        _RESPONSE,
        *_certificate(answer.certificate),
        "" if answer.summary is None else write_summary(answer.summary),
        child("OperationCode", OPERATION_CODE),
        *_pdf(answer.pdf),
        "" if answer.result is None else child("ReservationResult", "1" if answer.result else "0"),
        child("ReservationFailureReason", answer.reason),
        _failed(answer),
        child("PushActive", "true" if answer.push_active else "false"),
        child("PushStopReason", answer.push_stop_reason),
    )


def _certificate(certificate: bytes | None) -> tuple[bytes, ...]:
    if certificate is None:
        return ()
    return b"<certex:ChedCertificate>", bare(certificate), b"</certex:ChedCertificate>"


def _pdf(content: bytes | None) -> tuple[bytes, ...]:
    if content is None:
        return ()
    opened = b'<certexbase:Attachment format="pdf" mimeCode="application/pdf" encodingCode="Base64">'
    return (
        b"<certex:ChedPdfCertificate>" + opened,
        base64.b64encode(content),
        b"</certexbase:Attachment></certex:ChedPdfCertificate>",
    )


def _failed(answer: ProcessedChedAnswer) -> str:
    if answer.failed_item is None:
        return ""
    return parent(
        "ReservationFailureConsignmentItem",
        field("GoodsItemNumber", str(answer.failed_item)),
        "" if answer.failed_line is None else field("DocumentLineItemNumber", str(answer.failed_line)),
    )


def read_processed_response(response: _Element) -> ProcessedChedAnswer:
    """What is answered; of PrevalidationResult, which no reply of ours has, nothing is read.

    Raises:
        SchemaInvalid: IMG-3001 another message, or one that lacks what it must have or has a field that cannot be
            read.
    """
    check_message(response, _RESPONSE)
    number(response, own("OperationCode"))
    summary = response.find(own(SUMMARY))
    failed = response.find(own("ReservationFailureConsignmentItem"))
    active = _flag(response, "PushActive")
    if active is None:
        raise unfit(response, own("PushActive"), "nothing", "true or false")
    line = base("DocumentLineItemNumber")
    return ProcessedChedAnswer(
        certificate=_read_certificate(response),
        summary=None if summary is None else read_summary(summary),
        result=_flag(response, "ReservationResult"),
        reason=token_of(response, own("ReservationFailureReason"), optional=True),
        failed_item=None if failed is None else number(failed, base("GoodsItemNumber")),
        failed_line=None if failed is None or failed.find(line) is None else number(failed, line),
        pdf=_read_pdf(response),
        push_active=active,
        push_stop_reason=token_of(response, own("PushStopReason"), optional=True),
    )


def _read_certificate(response: _Element) -> bytes | None:
    wrapper = response.find(own("ChedCertificate"))
    return None if wrapper is None else serialise(required(wrapper, _CERTIFICATE))


def _read_pdf(response: _Element) -> bytes | None:
    wrapper = response.find(own("ChedPdfCertificate"))
    return None if wrapper is None else file_of(required(wrapper, base("Attachment")))


def _flag(element: _Element, local: str) -> bool | None:
    """An xs:boolean in a child; None when it is missing."""
    name = own(local)
    if element.find(name) is None:
        return None
    said = token_of(element, name)
    if said not in _FLAGS:
        raise unfit(element, name, said, "true, false, 1 or 0")
    return _FLAGS[said]
