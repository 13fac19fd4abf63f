"""ChedCertificateSubmissionServiceV2, and V01 as of 2019, on the wire (DIGEST 5.2).

The two differ in the namespace of their bodies only; the reply of V01 is not published and taken to be V2's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched.models import NO_CODE, AccompanyingDocument, Coded
from gateway.traces.contracts import SUBMISSION
from gateway.traces.models import ChedAcknowledgement
from gateway.traces.wire_ched import CERTIFICATE
from gateway.traces.wire_common import (
    add,
    add_coded,
    coded_of,
    finish,
    mandatory,
    read_instant,
    required,
    spliced,
    start,
    text_of,
    texts_of,
)
from gateway.xml.names import ACK17, CHEDSUB2, RAM21, UDT21, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "LOCAL_REFERENCE",
    "read_submission_request",
    "read_submit_response",
    "submission_request",
    "submit_response",
]

LOCAL_REFERENCE: Final = "local_reference"
"""The scheme of I.3 where it stands in for I.2 in the acknowledgement of a contingency CHED; our own."""

_CHED: Final = Coded("636", "Health certificate (CHED - Common Health Entry Document)")
_SELF: Final = Coded("CAW", "Document reference, internal (Document reference, internal)")
_SUPPORTING: Final = "ZZZ"
_LABELS: Final = {_SUPPORTING: "Mutually defined reference number (Supporting document)"}

_DOCUMENT: Final = qn(ACK17, "SPSAcknowledgementDocument")
_REFERENCED: Final = qn(RAM21, "ReferenceSPSReferencedDocument")
_TYPE: Final = qn(RAM21, "TypeCode")
_RELATION: Final = qn(RAM21, "RelationshipTypeCode")
_ID: Final = qn(RAM21, "ID")
_ATTACHED: Final = qn(RAM21, "AttachmentBinaryObject")
_STATUS: Final = qn(RAM21, "StatusCode")
_ISSUED: Final = qn(RAM21, "IssueDateTime")
_REASON: Final = qn(RAM21, "ReasonInformation")
_MOMENT: Final = qn(UDT21, "DateTime")


def submission_request(operation: str, certificate: bytes, namespace: str = CHEDSUB2) -> bytes:
    """One of the three submissions.

    Args:
        operation: createDraft, createAndSubmitForDecision or createAndSubmitDecisionAsInProgress.
        certificate: ``sps:SPSCertificate``, serialised, with or without a declaration.
        namespace: CHEDSUB2 or CHEDSUB1.
    """
    local = SUBMISSION.operation(operation).request.rpartition("}")[2]
    return spliced(qn(namespace, local), certificate)


def read_submission_request(request: _Element) -> _Element:
    """The certificate, in the tree that it stands in; SchemaInvalid IMG-3001 when there is none."""
    return required(request, CERTIFICATE)


def submit_response(receipt: ChedAcknowledgement, namespace: str = CHEDSUB2) -> bytes:
    """SubmitChedResponse, in the form of the capture: the acknowledgement's root is in the service's namespace."""
    response = start(qn(namespace, "SubmitChedResponse"), ACK17, RAM21, UDT21)
    document = add(add(response, qn(namespace, "SPSAcknowledgement")), _DOCUMENT)
    add(add(document, _ISSUED), _MOMENT, receipt.at.isoformat(timespec="milliseconds"))
    add_coded(document, _STATUS, receipt.status)
    for reason in receipt.reasons:
        add(document, _REASON, reason)
    own = _referenced(document, _CHED, _SELF)
    if receipt.reference or not receipt.local_reference:
        add(own, _ID, receipt.reference)
    else:
        add(own, _ID, receipt.local_reference, schemeID=LOCAL_REFERENCE)
    if receipt.url:
        add(own, _ATTACHED, format="url", mimeCode="text/url", uri=receipt.url)
    for each in receipt.documents:
        referenced = _referenced(document, each.type, Coded(each.relation, _LABELS.get(each.relation, "")))
        add(referenced, _ID, each.number, schemeID=each.scheme, schemeAgencyID=each.country)
        if each.attachment or each.file_name:
            add(referenced, _ATTACHED, uri=each.attachment, filename=each.file_name)
    return finish(response)


def read_submit_response(response: _Element) -> ChedAcknowledgement:
    """The receipt; SchemaInvalid IMG-3001 when it names neither a CHED nor a moment."""
    namespace = str(response.tag)[1:].partition("}")[0]
    document = required(required(response, qn(namespace, "SPSAcknowledgement")), _DOCUMENT)
    issued = required(document, _ISSUED)
    own: _Element | None = None
    documents = []
    for referenced in document.iterchildren(_REFERENCED):
        if own is None and text_of(referenced, _RELATION) == _SELF.code:
            own = referenced
        else:
            documents.append(_document(referenced))
    if own is None:
        own = required(document, _REFERENCED)
    identifier = required(own, _ID)
    number = mandatory(own, _ID)
    local = identifier.get("schemeID") == LOCAL_REFERENCE
    return ChedAcknowledgement(
        reference="" if local else number,
        url=_attribute(own, "uri"),
        status=coded_of(document.find(_STATUS)) or NO_CODE,
        at=read_instant(mandatory(issued, _MOMENT), issued, _MOMENT),
        reasons=texts_of(document, _REASON),
        documents=tuple(documents),
        local_reference=number if local else "",
    )


def _referenced(document: _Element, kind: Coded, relation: Coded) -> _Element:
    referenced = add(document, _REFERENCED)
    add_coded(referenced, _TYPE, kind)
    add_coded(referenced, _RELATION, relation)
    return referenced


def _document(referenced: _Element) -> AccompanyingDocument:
    number = referenced.find(_ID)
    return AccompanyingDocument(
        type=coded_of(referenced.find(_TYPE)) or NO_CODE,
        relation=text_of(referenced, _RELATION),
        number=text_of(referenced, _ID),
        country="" if number is None else number.get("schemeAgencyID") or "",
        attachment=_attribute(referenced, "uri"),
        file_name=_attribute(referenced, "filename"),
        scheme="" if number is None else number.get("schemeID") or "",
    )


def _attribute(referenced: _Element, name: str) -> str:
    attached = referenced.find(_ATTACHED)
    return "" if attached is None else attached.get(name) or ""
