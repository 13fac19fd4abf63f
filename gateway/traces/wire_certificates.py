"""EuIntraCertificateServiceV1 and DocomCertificateRetrievalServiceV1 on the wire, both sides (DIGEST 5.3, 5.4).

Their certificate has its root in the service's namespace and everything below it in SPSCertificate 17. INTRA's get,
find and PDF are as captured; its criteria beyond the update range, its status, and DOCOM's find are inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched.models import NO_CODE
from gateway.errors import SchemaInvalid
from gateway.traces.models import FindCertificates, IntraSummary
from gateway.traces.wire_common import BREACH, add, finish, required, spliced, start
from gateway.traces.wire_find import Row, add_page, page_of, read_rows, write_rows
from gateway.xml.canonical import serialise
from gateway.xml.names import BASE4, DOCOM1, INTRA1, RAM21, SPS17, path_of, qn
from gateway.xml.roots import rewrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

__all__ = [
    "find_request",
    "find_response",
    "get_response",
    "read_find_request",
    "read_find_response",
    "read_get_response",
]

_NAMES: Final = {INTRA1: "EuIntra", DOCOM1: "Docom"}

_CRITERIA: Final[tuple[Row, ...]] = (
    ("Status", "statuses", "texts"),
    ("LocalReference", "local_reference", "text"),
    ("CNCode", "cn_codes", "cn"),
    ("CountryOfIssuance", "country_of_issuance", "text"),
    ("CountryOfConsignor", "country_of_consignor", "text"),
    ("CountryOfConsignee", "country_of_consignee", "text"),
    ("CountryOfOrigin", "country_of_origin", "text"),
    ("CountryOfDestination", "country_of_destination", "text"),
    ("CountryOfDispatch", "country_of_dispatch", "text"),
    ("CountryOfPlaceOfLoading", "country_of_loading", "text"),
    ("CreateDateTimeRange", "created", "range"),
    ("UpdateDateTimeRange", "updated", "range"),
    ("StatusChangeDateTimeRange", "status_changed", "range"),
    ("DeclarationDateTimeRange", "declared", "range"),
)
_RESULT: Final[tuple[Row, ...]] = (
    ("ID", "reference", "text!"),
    ("LocalReference", "local_reference", "text"),
    ("Status", "status", "coded"),
    ("HasControls", "has_controls", "flag"),
    ("CommodityApplicableSPSClassification", "commodity", "class"),
    ("CreateDateTime", "created", "moment"),
    ("UpdateDateTime", "updated", "moment"),
    ("StatusChangeDateTime", "status_changed", "moment"),
    ("DeclarationDateTime", "declared", "moment"),
    ("CertificationDateTime", "certified", "moment"),
    ("CentralCompetentAuthorityCode", "central_authority", "text"),
    ("LocalCompetentAuthorityCode", "local_authority", "text"),
    ("CountryOfIssuance", "country_of_issuance", "text"),
    ("CountryOfConsignor", "country_of_consignor", "text"),
    ("CountryOfConsignee", "country_of_consignee", "text"),
    ("CountryOfOrigin", "countries_of_origin", "texts"),
    ("CountryOfDestination", "country_of_destination", "text"),
    ("CountryOfDispatch", "country_of_dispatch", "text"),
    ("CountryOfPlaceOfLoading", "country_of_loading", "text"),
    ("ConsignorName", "consignor_name", "text"),
    ("ConsigneeName", "consignee_name", "text"),
)


def get_response(certificate: _Element, namespace: str, laboratory: bytes = b"") -> bytes:
    """GetEuIntraCertificateResponse or GetDocomCertificateResponse.

    Args:
        certificate: an SPSCertificate, whatever the namespace of its root; it is not altered.
        namespace: INTRA1 or DOCOM1.
        laboratory: ``wire_laboratory.laboratory_blocks`` in the same namespace.
    """
    wrapped = serialise(rewrap(certificate, namespace))
    return spliced(qn(namespace, f"Get{_NAMES[namespace]}CertificateResponse"), wrapped, laboratory)


def read_get_response(response: _Element) -> _Element:
    """The certificate as a document of its own, its root in SPSCertificate 17 as everywhere else in the gateway."""
    namespace = str(response.tag)[1:].partition("}")[0]
    return rewrap(required(response, qn(namespace, "SPSCertificate")), SPS17)


def find_request(criteria: FindCertificates, namespace: str) -> bytes:
    """FindEuIntraCertificateRequest or FindDocomCertificateRequest."""
    request = start(qn(namespace, f"Find{_NAMES[namespace]}CertificateRequest"), BASE4)
    add_page(request, criteria.page_size, criteria.offset)
    write_rows(request, namespace, _CRITERIA, criteria)
    return finish(request)


def read_find_request(request: _Element) -> FindCertificates:
    """The criteria; SchemaInvalid IMG-3001 for a page, a range or a moment that is none."""
    namespace = str(request.tag)[1:].partition("}")[0]
    size, offset = page_of(request)
    return FindCertificates(**read_rows(request, namespace, _CRITERIA), page_size=size, offset=offset)


def find_response(results: Sequence[IntraSummary], page_size: int, offset: int, namespace: str) -> bytes:
    """FindEuIntraCertificateResponse or FindDocomCertificateResponse: one page."""
    name = _NAMES[namespace]
    response = start(qn(namespace, f"Find{name}CertificateResponse"), RAM21)
    add_page(response, page_size, offset)
    for each in results:
        write_rows(add(response, qn(namespace, f"{name}CertificateResult")), namespace, _RESULT, each)
    return finish(response)


def read_find_response(response: _Element) -> tuple[IntraSummary, ...]:
    """One page of results; SchemaInvalid IMG-3001 for another service's message or a moment that is none."""
    namespace = str(response.tag)[1:].partition("}")[0]
    if namespace not in _NAMES:
        raise SchemaInvalid(BREACH, where=path_of(response), expected="a message of INTRA or DOCOM")
    found = []
    for result in response.iterchildren(qn(namespace, f"{_NAMES[namespace]}CertificateResult")):
        fields = read_rows(result, namespace, _RESULT)
        fields["status"] = fields["status"] or NO_CODE
        fields["has_controls"] = bool(fields["has_controls"])
        found.append(IntraSummary(**fields))
    return tuple(found)
