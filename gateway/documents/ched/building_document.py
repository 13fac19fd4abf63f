"""Building the tree of a CHED from its boxes alone, in UN/CEFACT order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.documents.ched import places as at
from gateway.documents.ched.building import Builder
from gateway.documents.ched.labels import CHED_TYPES, SUBJECTS, TYPES
from gateway.documents.ched.models import (
    AccompanyingDocument,
    Coded,
    Country,
    Decision,
    LineNote,
    Purpose,
)
from gateway.documents.ched.places import RAM, SPS
from gateway.documents.ched.signing import build_signatures
from gateway.xml.names import RAM21, SPS17, UDT21

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from gateway.documents.ched.document import Ched

__all__ = ["build_ched"]

_NAMES: Final = {"sps": SPS17, "ram": RAM21, "udt": UDT21}
_CERTIFICATE_NOTES: Final = "certificate_note_subject_code"
_Clauses = list[tuple[str, Coded]]


def build_ched(ched: Ched) -> _Element:
    """A new tree of every box that is filled; ``source`` is not looked at."""
    root = etree.Element(f"{SPS}SPSCertificate", nsmap=_NAMES)
    builder = Builder(ched.language)
    _document(builder, etree.SubElement(root, f"{SPS}SPSExchangedDocument"), ched)
    _consignment(builder, etree.SubElement(root, f"{SPS}SPSConsignment"), ched)
    return root


def _document(builder: Builder, document: _Element, ched: Ched) -> None:
    builder.named(document, "Name", ched.title)
    builder.leaf(document, "ID", ched.reference)
    builder.leaf(document, "TypeCode", ched.type_code, name=TYPES.get(ched.type_code, ""))
    if ched.status_code:
        builder.leaf(document, "StatusCode", ched.status_code, name=ched.status_name)
    builder.moment(document, "IssueDateTime", ched.issued)
    builder.party(document, "IssuerSPSParty", ched.issuer)
    for note in (*_notes(ched), *ched.notes):
        builder.note(document, "IncludedSPSNote", note)
    _references(builder, document, ched)
    build_signatures(builder, document, ched)


def _subject(code: str) -> Coded:
    listed = _CERTIFICATE_NOTES if code == at.NOTE_TEMPERATURE else at.LIST_NOTES
    return Coded(code, SUBJECTS.get(code, ""), list_id=listed)


def _notes(ched: Ched) -> Iterator[LineNote]:
    if ched.type is not None:
        yield LineNote(_subject(at.NOTE_TYPE), Coded(ched.type.value, CHED_TYPES[ched.type], list_id="ched_type"))
    if ched.alternative_destination:
        yield LineNote(_subject(at.NOTE_ALTERNATIVE), ched.alternative_destination)
    if ched.transport_conditions:
        yield LineNote(_subject(at.NOTE_TEMPERATURE), ched.transport_conditions)
    for subject, value in (
        (at.NOTE_UPDATED, ched.updated),
        (at.NOTE_DEPARTURE, ched.departure_from_post),
        (at.NOTE_CONTINGENCY, ched.contingency),
    ):
        if value:
            yield LineNote(_subject(subject), text=value)
    if ched.journey_log:
        yield LineNote(_subject(at.NOTE_JOURNEY_LOG), ched.journey_log)
    if ched.decision is not None:
        yield from _decision_notes(ched.decision)


def _decision_notes(decision: Decision) -> Iterator[LineNote]:
    if decision.special_condition:
        box = next((found for code in decision.conclusion if (found := at.conclusion_box(code.code))), "")
        subject = {"II.13": at.NOTE_MONITORING, "II.14": at.NOTE_NON_CONFORMING}.get(box, at.NOTE_MARKET)
        yield LineNote(_subject(subject), decision.special_condition)
    for which, count in decision.laboratory.counts:
        yield LineNote(_subject(at.NOTE_TESTS + which), text=count)
    for measure in decision.measures:
        yield LineNote(_subject(at.NOTE_MEASURE), measure)
    for reason in decision.refusal_reasons:
        yield LineNote(_subject(at.NOTE_REASON), reason)


def _references(builder: Builder, document: _Element, ched: Ched) -> None:
    certificate = Coded(at.HEALTH_CERTIFICATE, TYPES[at.HEALTH_CERTIFICATE])
    if ched.url:
        itself = AccompanyingDocument(certificate, at.RELATION_SELF, ched.reference, attachment=ched.url)
        builder.reference(document, itself, format="url", mimeCode="text/url")
    if ched.local_reference:
        builder.reference(document, AccompanyingDocument(certificate, at.RELATION_LOCAL, ched.local_reference))
    for link in (*ched.previous, *ched.subsequent):
        kind = Coded(at.SPLIT, TYPES[at.SPLIT]) if link.relation == at.RELATION_SPLIT else certificate
        builder.reference(document, AccompanyingDocument(kind, link.relation, link.reference))
    for other in (*ched.documents, *ched.customs_documents):
        builder.reference(document, other)


def _consignment(builder: Builder, consignment: _Element, ched: Ched) -> None:
    builder.moment(consignment, "AvailabilityDueDateTime", ched.arrival)
    builder.moment(consignment, "ExportExitDateTime", ched.departure)
    builder.party(consignment, "ConsignorSPSParty", ched.consignor)
    builder.party(consignment, "ConsigneeSPSParty", ched.consignee)
    builder.country(consignment, "ExportSPSCountry", ched.dispatch_country)
    builder.country(consignment, "ImportSPSCountry", ched.import_country)
    _places(builder, consignment, ched)
    builder.post(consignment, "UnloadingBaseportSPSLocation", ched.post)
    examination = etree.SubElement(consignment, f"{RAM}ExaminationSPSEvent")
    location = etree.SubElement(examination, f"{RAM}OccurrenceSPSLocation")
    if ched.inspection_time:
        builder.leaf(location, "ID", ched.inspection_time, schemeID=at.SCHEME_MOMENT)
    builder.leaf(location, "Name", ched.inspection_place)
    builder.party(consignment, "CarrierSPSParty", ched.transporter)
    for establishment in ched.establishments:
        builder.party(consignment, "DespatchSPSParty", establishment)
    builder.party(consignment, "DeliverySPSParty", ched.destination)
    builder.party(consignment, "CustomsTransitAgentSPSParty", ched.operator)
    _transports(builder, consignment, ched)
    for container in ched.containers:
        builder.container(consignment, at.SCHEME_CONTAINER, container.number, container.seals)
    if ched.decision is not None and ched.decision.reseals:
        builder.container(consignment, at.SCHEME_RESEALED, "", ched.decision.reseals)
    _lines(builder, consignment, ched)


def _places(builder: Builder, consignment: _Element, ched: Ched) -> None:
    for purpose in ched.purposes:
        if purpose.country or purpose.post is not None or purpose.facility is not None:
            transit = builder.country(consignment, "TransitSPSCountry", Country(purpose.country))
            _purpose_places(builder, transit, purpose)
    if ched.decision is not None and ched.decision.controlled_destination is not None:
        transit = builder.country(consignment, "TransitSPSCountry", Country(""))
        division = _division(builder, transit, at.SCHEME_BOX, at.BOX_CONTROLLED, at.DISPOSAL)
        builder.party(division, "ActivityAuthorizedSPSParty", ched.decision.controlled_destination)
    redispatch = ched.follow_up and ched.follow_up.redispatch
    if redispatch and (redispatch.country or redispatch.post is not None):
        transit = builder.country(consignment, "TransitSPSCountry", Country(redispatch.country))
        division = _division(builder, transit, at.SCHEME_BOX, at.BOX_REDISPATCH, at.EXIT_POST)
        if redispatch.post is not None:
            builder.post_party(division, redispatch.post)


def _purpose_places(builder: Builder, transit: _Element, purpose: Purpose) -> None:
    code = purpose.code.code
    if purpose.post is not None:
        function = at.ENTRY_POST if purpose.box == "I.20" else at.EXIT_POST
        builder.post_party(_division(builder, transit, at.SCHEME_PURPOSE, code, function), purpose.post)
    if purpose.facility is not None:
        division = _division(builder, transit, at.SCHEME_PURPOSE, code, at.DISPOSAL)
        builder.party(division, "ActivityAuthorizedSPSParty", purpose.facility)
    if purpose.post is None and purpose.facility is None:
        _division(builder, transit, at.SCHEME_PURPOSE, code, "")


def _division(builder: Builder, transit: _Element, scheme: str, value: str, function: str) -> _Element:
    division = etree.SubElement(transit, f"{RAM}SubordinateSPSCountrySubDivision")
    builder.leaf(division, "ID", value, schemeID=scheme)
    builder.leaf(division, "Name")
    if function:
        builder.leaf(division, "FunctionTypeCode", function)
    return division


def _transports(builder: Builder, consignment: _Element, ched: Ched) -> None:
    for transport in ched.transports_before:
        builder.transport(consignment, transport, "", "")
    for transport in ched.transports_after:
        builder.transport(consignment, transport, at.AFTER, at.NAMELESS_AFTER)
    redispatch = ched.follow_up and ched.follow_up.redispatch
    if redispatch and redispatch.transport is not None:
        builder.transport(consignment, redispatch.transport, at.REDISPATCH, at.NAMELESS_REDISPATCH)


def _lines(builder: Builder, consignment: _Element, ched: Ched) -> None:
    if ched.totals is None and not ched.lines:
        return
    item = etree.SubElement(consignment, f"{RAM}IncludedSPSConsignmentItem")
    cargo = etree.SubElement(item, f"{RAM}NatureIdentificationSPSCargo")
    builder.leaf(cargo, "TypeCode", "12", name="General cargo (Commodities)")
    for line in (*((ched.totals,) if ched.totals is not None else ()), *ched.lines):
        builder.line(item, line)
