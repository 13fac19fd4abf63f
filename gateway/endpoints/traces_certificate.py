"""ChedCertificateServiceV2: CHEDs read, found, followed up, printed (DIGEST 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched import ChedClass, Coded, read_ched
from gateway.endpoints.traces_common import identified, serve, status_label
from gateway.store import ChedQuery, ChedVisibility, Period, TextFilter
from gateway.traces.contracts import CHED
from gateway.traces.faults import ServiceFaults, TypedFault
from gateway.traces.models import CertificateFile, ChedStatus, ChedSummary, NonCompliance, NonComplianceFinding
from gateway.traces.wire_ched import (
    file_response,
    find_ched_response,
    get_ched_response,
    read_find_ched_request,
    read_id_request,
    status_response,
)
from gateway.traces.wire_followup import follow_up_response, non_compliance_response
from gateway.traces.wire_laboratory import laboratory_response
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.ched.models import ChedService
    from gateway.documents.ched import Ched
    from gateway.endpoints.traces_common import Asked, Services
    from gateway.soap import Contract, SoapReply
    from gateway.store import ChedRow
    from gateway.traces.models import CnFilter, DateTimeRange, FindChedCriteria

__all__ = ["FAULTS", "ched_certificate", "exactly", "named_class", "period", "query_of", "summary_of"]

_CHED_TYPES: Final = ("A", "P", "PP", "D")

FAULTS: Final = ServiceFaults(
    namespace=CHED.namespace,
    permission=identified("ChedCertificatePermissionDeniedException", "Permission denied"),
    rules=TypedFault("IllegalFindCertificateException"),
    by_code={
        "IMG-7201": identified("ChedCertificateNotFoundException", "CHED certificate not found"),
        "IMG-7207": identified("SignedChedNotAvailableException", "Signed CHED not available"),
    },
    header=False,  # as captured
)

_MEDIA_XML: Final = "application/xml"


def ched_certificate(service: ChedService, services: Services) -> Contract:
    """The contract with its handlers.

    Args:
        service: the CHEDs of this instance, or of the one upstream.
        services: who admits, and what keeps.
    """

    def bound(answer: Callable[[ChedService, Asked], bytes]) -> Callable[[Asked], SoapReply | bytes]:
        return lambda asked: answer(service, asked)

    handlers = {
        "getChedCertificate": bound(_get),
        "getChedFollowUp": bound(_follow_up),
        "getChedNonComplianceDetails": bound(_non_compliance),
        "getChedLaboratoryTests": bound(_laboratory_tests),
        "getChedPdfCertificate": bound(_pdf),
        "getChedSignedPdfCertificate": bound(_signed_pdf),
        "getChedSignedXmlCertificate": bound(_signed_xml),
        "findChedCertificate": bound(_find),
        "getChedCertificateStatus": bound(_status),
    }
    return serve(CHED, services, handlers, FAULTS)


def _get(service: ChedService, asked: Asked) -> bytes:
    content = service.read(asked.actor, read_id_request(asked.body))
    asked.noted_read(content)
    return get_ched_response(content.content, content.laboratory_tests)


def _status(service: ChedService, asked: Asked) -> bytes:
    reference = read_id_request(asked.body)
    row = service.row(asked.actor, reference)
    asked.noted(row.reference)
    status = ChedStatus(
        row.reference, status_label(asked.context, row.status_code), row.status_changed_at, row.updated_at
    )
    return status_response(_reply(asked), status)


def _find(service: ChedService, asked: Asked) -> bytes:
    criteria = read_find_ched_request(asked.body)
    rows = service.find(asked.actor, query_of(criteria))
    asked.noted("findChedCertificate", results=len(rows))
    results = [summary_of(row, status_label(asked.context, row.status_code)) for row in rows]
    return find_ched_response(results, criteria.page_size, criteria.offset)


def _follow_up(service: ChedService, asked: Asked) -> bytes:
    reference, ched = _read(service, asked)
    return follow_up_response(reference, ched.follow_up)


def _non_compliance(service: ChedService, asked: Asked) -> bytes:
    """II.16 to II.18; a CHED that was not refused has none of it."""
    reference, ched = _read(service, asked)
    decision = ched.decision
    if decision is None:
        return non_compliance_response(NonCompliance(reference))
    return non_compliance_response(
        NonCompliance(
            reference,
            conclusion=next(iter(decision.conclusion), None),
            findings=tuple(NonComplianceFinding(reason) for reason in decision.refusal_reasons),
            measures=decision.measures,
            measures_due=decision.measures_due,
            controlled_destination=decision.controlled_destination,
            decided=decision.signed,
        )
    )


def _laboratory_tests(service: ChedService, asked: Asked) -> bytes:
    content = service.read(asked.actor, read_id_request(asked.body))
    asked.noted_read(content)
    return laboratory_response(content.laboratory_tests)


def _pdf(service: ChedService, asked: Asked) -> bytes:
    return _file(service, asked, signed=False)


def _signed_pdf(service: ChedService, asked: Asked) -> bytes:
    return _file(service, asked, signed=True)


def _file(service: ChedService, asked: Asked, *, signed: bool) -> bytes:
    reference = read_id_request(asked.body)
    content = service.pdf(asked.actor, reference, signed=signed)
    asked.noted(reference, signed=signed)
    return file_response(_reply(asked), CertificateFile(content, f"{reference}.pdf"))


def _signed_xml(service: ChedService, asked: Asked) -> bytes:
    reference = read_id_request(asked.body)
    content = service.sealed_xml(asked.actor, reference)
    asked.noted(reference, signed=True)
    return file_response(_reply(asked), CertificateFile(content, f"{reference}.xml", _MEDIA_XML))


def _read(service: ChedService, asked: Asked) -> tuple[str, Ched]:
    content = service.read(asked.actor, read_id_request(asked.body))
    asked.noted_read(content)
    return content.reference, read_ched(parse(content.content, limits=asked.context.limits).root)


def _reply(asked: Asked) -> str:
    return CHED.operation(asked.call.operation).response


def query_of(criteria: FindChedCriteria) -> ChedQuery:
    """What is asked for, as the store takes it; whoever keeps the CHEDs adds what the reader may see."""
    return ChedQuery(
        visibility=ChedVisibility(),
        types=criteria.types or _CHED_TYPES,
        statuses=criteria.statuses,
        purposes=(criteria.purpose,) if criteria.purpose else (),
        transshipped=criteria.transshipped,
        transfer=criteria.transfer,
        plant_health_non_compliance=criteria.plant_health_non_compliance,
        pending_laboratory_tests=criteria.pending_laboratory_tests,
        requires_follow_up=criteria.requires_follow_up,
        signed=criteria.digitally_signed,
        local_reference=exactly(criteria.local_reference),
        phyto_reference=exactly(criteria.phyto_reference),
        phyto_local_reference=exactly(criteria.phyto_local_reference),
        cn_codes=tuple(map(_cn, criteria.cn_codes)),
        post=criteria.post,
        issuance_country=criteria.country_of_issuance,
        entry_country=criteria.country_of_entry,
        dispatch_country=criteria.country_of_dispatch,
        origin_country=criteria.country_of_origin,
        destination_country=criteria.country_of_destination,
        transfer_country=criteria.country_of_transfer_control_point,
        consignor_country=criteria.country_of_consignor,
        consignee_country=criteria.country_of_consignee,
        created=period(criteria.created),
        updated=period(criteria.updated),
        status_changed=period(criteria.status_changed),
        declared=period(criteria.declared),
        decided=period(criteria.decided),
        prior_notification=period(criteria.prior_notification),
        page_size=criteria.page_size,
        offset=criteria.offset,
    )


def summary_of(row: ChedRow, status: Coded) -> ChedSummary:
    """One result, with the first commodity and the first country of origin, as captured."""
    return ChedSummary(
        type=Coded(row.type, f"CHED-{row.type}"),
        reference=row.reference,
        local_reference=row.local_reference,
        status=status,
        commodity=named_class(row),
        post_code=row.post_code,
        post_locode=row.post_locode,
        country_of_entry=row.entry_country,
        country_of_origin=next(iter(row.origin_countries), ""),
        country_of_destination=row.destination_country,
        country_of_consignor=row.consignor_country,
        consignor_name=row.consignor_name,
        country_of_consignee=row.consignee_country,
        consignee_name=row.consignee_name,
        created=row.created_at,
        updated=row.updated_at,
        status_changed=row.status_changed_at,
        declared=row.declared_at,
        prior_notification=row.prior_notification_at,
    )


def named_class(row: ChedRow) -> ChedClass | None:
    """The first commodity with the names of its levels, as results of searches show it."""
    first = next(iter(row.commodities), None)
    if first is None:
        return None
    return ChedClass(first.system, first.code, tuple(("en", name) for name in first.names), first.system_name)


def exactly(text: str) -> TextFilter | None:
    """A criterion that must hold in whole; None when it is not asked for."""
    return TextFilter(text, exact=True) if text else None


def _cn(found: CnFilter) -> TextFilter:
    return TextFilter(found.code, exact=found.exact)


def period(found: DateTimeRange | None) -> Period | None:
    """A range as the store takes it."""
    return None if found is None else Period(found.start, found.end)
