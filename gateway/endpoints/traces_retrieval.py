"""EuIntraCertificateServiceV1, DocomCertificateRetrievalServiceV1: read, find, print (DIGEST 5.3, 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.ched.library import CertificateKind
from gateway.endpoints.traces_certificate import exactly, named_class, period
from gateway.endpoints.traces_common import identified, serve, status_label
from gateway.store import ChedQuery, ChedVisibility, TextFilter
from gateway.traces.contracts import DOCOM, INTRA
from gateway.traces.faults import ServiceFaults, TypedFault
from gateway.traces.models import CertificateFile, ChedStatus, IntraSummary
from gateway.traces.wire_certificates import find_response, get_response, read_find_request
from gateway.traces.wire_ched import file_response, read_id_request, status_response
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.ched.library import CertificateLibrary
    from gateway.documents.ched import Coded
    from gateway.endpoints.traces_common import Asked, Services
    from gateway.soap import Contract, SoapReply
    from gateway.store import ChedRow
    from gateway.traces.contracts import TracesContract
    from gateway.traces.models import FindCertificates

__all__ = ["docom", "eu_intra"]


def _faults(contract: TracesContract, name: str) -> ServiceFaults:
    return ServiceFaults(
        namespace=contract.namespace,
        permission=identified(f"{name}CertificatePermissionDeniedException", "Permission denied"),
        rules=TypedFault("IllegalFindCertificateException"),
        by_code={
            "IMG-7201": identified(f"{name}CertificateNotFoundException", f"{name} certificate not found"),
            "IMG-7207": identified(f"{name}SignedPdfNotAvailableException", f"{name} signed PDF not available"),
        },
    )


_FAULTS: Final = {CertificateKind.INTRA: _faults(INTRA, "EuIntra"), CertificateKind.DOCOM: _faults(DOCOM, "Docom")}
_CONTRACTS: Final = {CertificateKind.INTRA: INTRA, CertificateKind.DOCOM: DOCOM}


def eu_intra(library: CertificateLibrary, services: Services) -> Contract:
    """The contract for INTRA certificates with its handlers."""
    return _retrieval(
        CertificateKind.INTRA,
        library,
        services,
        {
            "getEuIntraCertificate": _get,
            "getEuIntraPdfCertificate": _pdf,
            "getEuIntraSignedPdfCertificate": _signed_pdf,
            "findEuIntraCertificate": _find,
            "getEuIntraCertificateStatus": _status,
        },
    )


def docom(library: CertificateLibrary, services: Services) -> Contract:
    """The contract for DOCOMs with its handlers."""
    handlers = {"getDocomCertificate": _get, "getDocomPdfCertificate": _pdf, "findDocomCertificate": _find}
    return _retrieval(CertificateKind.DOCOM, library, services, handlers)


def _retrieval(
    kind: CertificateKind,
    library: CertificateLibrary,
    services: Services,
    answers: Mapping[str, Callable[[CertificateLibrary, CertificateKind, Asked], bytes]],
) -> Contract:
    def bound(
        answer: Callable[[CertificateLibrary, CertificateKind, Asked], bytes],
    ) -> Callable[[Asked], SoapReply | bytes]:
        return lambda asked: answer(library, kind, asked)

    handlers = {name: bound(answer) for name, answer in answers.items()}
    return serve(_CONTRACTS[kind], services, handlers, _FAULTS[kind])


def _get(library: CertificateLibrary, kind: CertificateKind, asked: Asked) -> bytes:
    content = library.read(asked.actor, kind, read_id_request(asked.body))
    asked.noted_read(content)
    root = parse(content.content, limits=asked.context.limits).root
    return get_response(root, kind.namespace, content.laboratory_tests)


def _status(library: CertificateLibrary, kind: CertificateKind, asked: Asked) -> bytes:
    row = library.row(asked.actor, kind, read_id_request(asked.body))
    asked.noted(row.reference)
    label = status_label(asked.context, row.status_code)
    return status_response(_reply(kind, asked), ChedStatus(row.reference, label, row.status_changed_at, row.updated_at))


def _find(library: CertificateLibrary, kind: CertificateKind, asked: Asked) -> bytes:
    criteria = read_find_request(asked.body)
    rows = library.find(asked.actor, kind, _query_of(criteria))
    asked.noted(asked.call.operation, results=len(rows))
    results = [_summary_of(row, status_label(asked.context, row.status_code)) for row in rows]
    return find_response(results, criteria.page_size, criteria.offset, kind.namespace)


def _pdf(library: CertificateLibrary, kind: CertificateKind, asked: Asked) -> bytes:
    return _file(library, kind, asked, signed=False)


def _signed_pdf(library: CertificateLibrary, kind: CertificateKind, asked: Asked) -> bytes:
    return _file(library, kind, asked, signed=True)


def _file(library: CertificateLibrary, kind: CertificateKind, asked: Asked, *, signed: bool) -> bytes:
    reference = read_id_request(asked.body)
    content = library.pdf(asked.actor, kind, reference, signed=signed)
    asked.noted(reference, signed=signed)
    file = CertificateFile(content, f"{reference}.pdf", url=library.url_of(kind, reference))
    return file_response(_reply(kind, asked), file)


def _reply(kind: CertificateKind, asked: Asked) -> str:
    return _CONTRACTS[kind].operation(asked.call.operation).response


def _query_of(criteria: FindCertificates) -> ChedQuery:
    """What is asked for, as the store takes it, with the country of loading as that of dispatch.

    The library adds the kind and the reader.
    """
    return ChedQuery(
        visibility=ChedVisibility(),
        statuses=criteria.statuses,
        local_reference=exactly(criteria.local_reference),
        cn_codes=tuple(TextFilter(each.code, exact=each.exact) for each in criteria.cn_codes),
        issuance_country=criteria.country_of_issuance,
        consignor_country=criteria.country_of_consignor,
        consignee_country=criteria.country_of_consignee,
        origin_country=criteria.country_of_origin,
        destination_country=criteria.country_of_destination,
        dispatch_country=criteria.country_of_dispatch or criteria.country_of_loading,
        created=period(criteria.created),
        updated=period(criteria.updated),
        status_changed=period(criteria.status_changed),
        declared=period(criteria.declared),
        page_size=criteria.page_size,
        offset=criteria.offset,
    )


def _summary_of(row: ChedRow, status: Coded) -> IntraSummary:
    return IntraSummary(
        reference=row.reference,
        status=status,
        local_reference=row.local_reference,
        commodity=named_class(row),
        created=row.created_at,
        updated=row.updated_at,
        status_changed=row.status_changed_at,
        declared=row.declared_at,
        country_of_issuance=row.issuance_country,
        country_of_consignor=row.consignor_country,
        country_of_consignee=row.consignee_country,
        countries_of_origin=row.origin_countries,
        country_of_destination=row.destination_country,
        country_of_dispatch=row.dispatch_country,
        consignor_name=row.consignor_name,
        consignee_name=row.consignee_name,
    )
