"""Questions to TRACES and its answers, in the terms of a CHED service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.ched.references import read_reference
from gateway.store import ChedCommodity, ChedRow
from gateway.traces.models import CnFilter, DateTimeRange, FindCertificates, FindChedCriteria

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.store import ChedQuery, Period, TextFilter
    from gateway.traces.models import ChedStatus, ChedSummary, IntraSummary

__all__ = ["certificates_of", "criteria_of", "row_of_certificate", "row_of_status", "row_of_summary"]


def criteria_of(query: ChedQuery, *, page_size: int, offset: int) -> FindChedCriteria:
    """The question of ``query``; who may see what, TRACES knows itself."""
    return FindChedCriteria(
        types=query.types,
        statuses=query.statuses,
        purpose=next(iter(query.purposes), ""),
        transshipped=query.transshipped,
        transfer=query.transfer,
        plant_health_non_compliance=query.plant_health_non_compliance,
        pending_laboratory_tests=query.pending_laboratory_tests,
        requires_follow_up=query.requires_follow_up,
        digitally_signed=query.signed,
        local_reference=_text(query.local_reference),
        phyto_reference=_text(query.phyto_reference),
        phyto_local_reference=_text(query.phyto_local_reference),
        cn_codes=tuple(CnFilter(each.value, each.exact) for each in query.cn_codes),
        post=query.post,
        country_of_issuance=query.issuance_country,
        country_of_entry=query.entry_country,
        country_of_dispatch=query.dispatch_country,
        country_of_origin=query.origin_country,
        country_of_destination=query.destination_country,
        country_of_transfer_control_point=query.transfer_country,
        country_of_consignor=query.consignor_country,
        country_of_consignee=query.consignee_country,
        created=_range(query.created),
        updated=_range(query.updated),
        status_changed=_range(query.status_changed),
        declared=_range(query.declared),
        decided=_range(query.decided),
        prior_notification=_range(query.prior_notification),
        page_size=page_size,
        offset=offset,
    )


def certificates_of(query: ChedQuery) -> FindCertificates:
    """The same for INTRA certificates and DOCOMs."""
    return FindCertificates(
        statuses=query.statuses,
        local_reference=_text(query.local_reference),
        cn_codes=tuple(CnFilter(each.value, each.exact) for each in query.cn_codes),
        country_of_issuance=query.issuance_country,
        country_of_consignor=query.consignor_country,
        country_of_consignee=query.consignee_country,
        country_of_origin=query.origin_country,
        country_of_destination=query.destination_country,
        country_of_dispatch=query.dispatch_country,
        created=_range(query.created),
        updated=_range(query.updated),
        status_changed=_range(query.status_changed),
        declared=_range(query.declared),
        page_size=query.page_size,
        offset=query.offset,
    )


def row_of_summary(found: ChedSummary, now: datetime) -> ChedRow:
    """A result of a search; what TRACES does not tell is empty."""
    names = found.commodity
    return ChedRow(
        id=found.reference,
        reference=found.reference,
        local_reference=found.local_reference,
        type=found.type.code,
        status_code=found.status.code,
        partner="",
        post_code=found.post_code,
        post_locode=found.post_locode,
        entry_country=found.country_of_entry,
        origin_countries=(found.country_of_origin,) if found.country_of_origin else (),
        destination_country=found.country_of_destination,
        consignor_country=found.country_of_consignor,
        consignor_name=found.consignor_name,
        consignee_country=found.country_of_consignee,
        consignee_name=found.consignee_name,
        commodities=()
        if names is None
        else (ChedCommodity(names.code, tuple(name for _, name in names.names), names.system, names.system_name),),
        created_at=found.created or now,
        updated_at=found.updated or found.created or now,
        status_changed_at=found.status_changed or found.updated or now,
        declared_at=found.declared,
        prior_notification_at=found.prior_notification,
    )


def row_of_certificate(found: IntraSummary, kind: str, now: datetime) -> ChedRow:
    """A result of a search for INTRA certificates or DOCOMs."""
    names = found.commodity
    return ChedRow(
        id=found.reference,
        reference=found.reference,
        local_reference=found.local_reference,
        type=kind,
        status_code=found.status.code,
        partner="",
        origin_countries=found.countries_of_origin,
        destination_country=found.country_of_destination,
        dispatch_country=found.country_of_dispatch,
        issuance_country=found.country_of_issuance,
        consignor_country=found.country_of_consignor,
        consignor_name=found.consignor_name,
        consignee_country=found.country_of_consignee,
        consignee_name=found.consignee_name,
        commodities=()
        if names is None
        else (ChedCommodity(names.code, tuple(name for _, name in names.names), names.system, names.system_name),),
        created_at=found.created or now,
        updated_at=found.updated or found.created or now,
        status_changed_at=found.status_changed or found.updated or now,
        declared_at=found.declared,
    )


def row_of_status(found: ChedStatus, now: datetime) -> ChedRow:
    """Status and dates, which is all that is asked of it."""
    known = read_reference(found.reference)
    changed = found.changed or found.updated or now
    return ChedRow(
        id=found.reference,
        reference=found.reference,
        type=known.type.value if known is not None else "",
        status_code=found.status.code,
        partner="",
        created_at=changed,
        updated_at=found.updated or changed,
        status_changed_at=changed,
    )


def _text(found: TextFilter | None) -> str:
    return found.value if found is not None else ""


def _range(found: Period | None) -> DateTimeRange | None:
    return None if found is None else DateTimeRange(found.since, found.until)
