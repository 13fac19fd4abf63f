"""ChedCertificateServiceV2 on the wire, both sides (DIGEST 5.1).

Get and find are as captured. The bodies of status and files are not public: the status's are our own, the files' are
like the captured one of INTRA's PDF (docs/contract-traces-nt.md).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.documents.ched.models import NO_CODE
from gateway.traces.models import CertificateFile, ChedStatus, ChedSummary, FindChedCriteria
from gateway.traces.wire_common import (
    add,
    add_coded,
    add_file,
    add_moment,
    coded_of,
    file_of,
    finish,
    mandatory,
    moment_of,
    required,
    spliced,
    start,
)
from gateway.traces.wire_find import Row, add_page, page_of, read_rows, write_rows
from gateway.xml.names import BASE4, CERTBASE1, CHED2, RAM21, SPS17, qn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

__all__ = [
    "CERTIFICATE",
    "LABORATORY",
    "file_response",
    "find_ched_request",
    "find_ched_response",
    "get_ched_response",
    "id_request",
    "read_file_response",
    "read_find_ched_request",
    "read_find_ched_response",
    "read_get_ched_response",
    "read_id_request",
    "read_status_response",
    "status_response",
]

CERTIFICATE: Final = qn(SPS17, "SPSCertificate")
LABORATORY: Final = qn(CHED2, "SPSConsignmentItemLaboratoryTest")
"""The block of laboratory tests beside the certificate: the name that INTRA gives it, in this service's namespace."""

_n = partial(qn, CHED2)

_CRITERIA: Final[tuple[Row, ...]] = (
    ("Type", "types", "texts"),
    ("Status", "statuses", "texts"),
    ("Purpose", "purpose", "text"),
    ("Transshipped", "transshipped", "flag"),
    ("Transfer", "transfer", "flag"),
    ("HasPlantHealthNonCompliance", "plant_health_non_compliance", "flag"),
    ("HasPendingLaboratoryTests", "pending_laboratory_tests", "flag"),
    ("RequiresFollowUp", "requires_follow_up", "flag"),
    ("IsDigitallySigned", "digitally_signed", "flag"),
    ("LocalReference", "local_reference", "text"),
    ("PhytoReference", "phyto_reference", "text"),
    ("PhytoLocalReference", "phyto_local_reference", "text"),
    ("CNCode", "cn_codes", "cn"),
    ("BCPCodeOrUnLocode", "post", "text"),
    ("CountryOfIssuance", "country_of_issuance", "text"),
    ("CountryOfEntry", "country_of_entry", "text"),
    ("CountryOfDispatch", "country_of_dispatch", "text"),
    ("CountryOfOrigin", "country_of_origin", "text"),
    ("CountryOfPlaceOfDestination", "country_of_destination", "text"),
    ("CountryOfTransferControlPoint", "country_of_transfer_control_point", "text"),
    ("CountryOfConsignor", "country_of_consignor", "text"),
    ("CountryOfConsignee", "country_of_consignee", "text"),
    ("CreateDateTimeRange", "created", "range"),
    ("UpdateDateTimeRange", "updated", "range"),
    ("StatusChangeDateTimeRange", "status_changed", "range"),
    ("DeclarationDateTimeRange", "declared", "range"),
    ("DecisionDateTimeRange", "decided", "range"),
    ("PriorNotificationDateTimeRange", "prior_notification", "range"),
)
_RESULT: Final[tuple[Row, ...]] = (
    ("ID", "reference", "text!"),
    ("LocalReference", "local_reference", "text!"),
    ("Status", "status", "coded"),
    ("CommodityApplicableSPSClassification", "commodity", "class"),
    ("BCPCode", "post_code", "text"),
    ("BCPUnLocode", "post_locode", "text"),
    ("CountryOfEntry", "country_of_entry", "text"),
    ("CountryOfOrigin", "country_of_origin", "text"),
    ("CountryOfPlaceOfDestination", "country_of_destination", "text"),
    ("CountryOfConsignor", "country_of_consignor", "text"),
    ("ConsignorName", "consignor_name", "text"),
    ("CountryOfConsignee", "country_of_consignee", "text"),
    ("ConsigneeName", "consignee_name", "text"),
    ("CreateDateTime", "created", "moment"),
    ("UpdateDateTime", "updated", "moment"),
    ("StatusChangeDateTime", "status_changed", "moment"),
    ("DeclarationDateTime", "declared", "moment"),
    ("PriorNotificationDateTime", "prior_notification", "moment"),
)
"""What follows Type in a result; a missing local reference is an empty element, as captured."""


# --- requests with an ID ---------------------------------------------------------------------------------------------


def id_request(name: str, reference: str) -> bytes:
    """Any request that holds an ID alone.

    Args:
        name: of the request element, ``{namespace}local``; its ID is in the same namespace.
        reference: of the certificate.
    """
    request = start(name)
    add(request, _beside(name, "ID"), reference)
    return finish(request)


def read_id_request(request: _Element) -> str:
    """The ID of such a request, trimmed; SchemaInvalid IMG-3001 when there is no such element."""
    return mandatory(request, _beside(str(request.tag), "ID"))


def _beside(name: str, local: str) -> str:
    return f"{name.partition('}')[0]}}}{local}"


# --- get -------------------------------------------------------------------------------------------------------------


def get_ched_response(certificate: bytes, laboratory: bytes = b"") -> bytes:
    """GetChedCertificateResponse.

    Args:
        certificate: ``sps:SPSCertificate``, serialised; it stays byte by byte what it is.
        laboratory: the blocks of ``wire_laboratory.laboratory_blocks`` in this namespace; empty without tests.
    """
    return spliced(_n("GetChedCertificateResponse"), certificate, laboratory)


def read_get_ched_response(response: _Element) -> tuple[_Element, tuple[_Element, ...]]:
    """The certificate and the blocks of laboratory tests, in the tree that they stand in."""
    return required(response, CERTIFICATE), tuple(response.iterchildren(LABORATORY))


# --- find ------------------------------------------------------------------------------------------------------------


def find_ched_request(criteria: FindChedCriteria) -> bytes:
    """FindChedCertificateRequest; criteria that are not asked for are left out."""
    request = start(_n("FindChedCertificateRequest"), BASE4)
    add_page(request, criteria.page_size, criteria.offset)
    write_rows(request, CHED2, _CRITERIA, criteria)
    return finish(request)


def read_find_ched_request(request: _Element) -> FindChedCriteria:
    """The criteria; SchemaInvalid IMG-3001 for a page, a range or a moment that is none."""
    size, offset = page_of(request)
    return FindChedCriteria(**read_rows(request, CHED2, _CRITERIA), page_size=size, offset=offset)


def find_ched_response(results: Sequence[ChedSummary], page_size: int, offset: int) -> bytes:
    """FindChedCertificateResponse: one page; no total is told (DIGEST 5.1)."""
    response = start(_n("FindChedCertificateResponse"), RAM21)
    add_page(response, page_size, offset)
    for each in results:
        result = add(response, _n("ChedCertificateResult"))
        add(result, _n("Type"), each.type.code, listID="ched_type", listName="CHED type", name=each.type.label)
        write_rows(result, CHED2, _RESULT, each)
    return finish(response)


def read_find_ched_response(response: _Element) -> tuple[ChedSummary, ...]:
    """One page of results; SchemaInvalid IMG-3001 for a moment that is none."""
    summaries = []
    for result in response.iterchildren(_n("ChedCertificateResult")):
        fields = read_rows(result, CHED2, _RESULT)
        fields["status"] = fields["status"] or NO_CODE
        summaries.append(ChedSummary(type=coded_of(result.find(_n("Type"))) or NO_CODE, **fields))
    return tuple(summaries)


# --- status and files ------------------------------------------------------------------------------------------------


def status_response(name: str, status: ChedStatus) -> bytes:
    """GetChedCertificateStatusResponse and GetEuIntraCertificateStatusResponse, by the name of the element."""
    response = start(name)
    add(response, _beside(name, "ID"), status.reference)
    add_coded(response, _beside(name, "Status"), status.status)
    add_moment(response, _beside(name, "StatusChangeDateTime"), status.changed)
    add_moment(response, _beside(name, "UpdateDateTime"), status.updated)
    return finish(response)


def read_status_response(response: _Element) -> ChedStatus:
    """The status; SchemaInvalid IMG-3001 when there is none."""
    name = str(response.tag)
    return ChedStatus(
        reference=mandatory(response, _beside(name, "ID")),
        status=coded_of(required(response, _beside(name, "Status"))) or NO_CODE,
        changed=moment_of(response, _beside(name, "StatusChangeDateTime")),
        updated=moment_of(response, _beside(name, "UpdateDateTime")),
    )


_ATTACHMENT: Final = qn(CERTBASE1, "Attachment")


def file_response(name: str, file: CertificateFile) -> bytes:
    """A reply that is a file, by the name of its element: as captured for getEuIntraPdfCertificate."""
    response = start(name, CERTBASE1)
    add_file(
        response,
        _ATTACHMENT,
        file.content,
        format=file.media_type.rpartition("/")[2],
        mimeCode=file.media_type,
        encodingCode="Base64",
        uri=file.url,
        filename=file.name,
    )
    return finish(response)


def read_file_response(response: _Element) -> CertificateFile:
    """The file of such a reply; SchemaInvalid IMG-3001 when there is none or it is not base64."""
    attachment = required(response, _ATTACHMENT)
    return CertificateFile(
        content=file_of(attachment),
        name=attachment.get("filename") or "",
        media_type=attachment.get("mimeCode") or "application/octet-stream",
        url=attachment.get("uri") or "",
    )
