"""getChedFollowUp and getChedNonComplianceDetails on the wire: bodies that are our own, in the service's namespaces.

TRACES publishes their names and namespaces only (DIGEST 6). The children are the boxes that they are about: Part III,
and II.16 to II.18.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.documents.ched.models import NO_CODE, Coded, FollowUp, Redispatch
from gateway.traces.models import NonCompliance, NonComplianceFinding
from gateway.traces.wire_common import add, add_coded, add_text, coded_of, finish, mandatory, required, start, text_of
from gateway.traces.wire_parts import add_party, add_post, add_transport, party_of, post_of, transport_of
from gateway.xml.names import CHED2, CHEDALERT1, CHEDFOLLOWUP1, RAM21, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "follow_up_response",
    "non_compliance_response",
    "read_follow_up_response",
    "read_non_compliance_response",
]

_FOLLOW_UP: Final = qn(CHED2, "GetChedFollowUpResponse")
_NON_COMPLIANCE: Final = qn(CHED2, "GetChedNonComplianceDetailsResponse")
_f = partial(qn, CHEDFOLLOWUP1)
_a = partial(qn, CHEDALERT1)


# --- Part III --------------------------------------------------------------------------------------------------------


def follow_up_response(reference: str, follow_up: FollowUp | None) -> bytes:
    """GetChedFollowUpResponse: the ID, and Part III as far as it is written."""
    response = start(_FOLLOW_UP, CHEDFOLLOWUP1, RAM21)
    add(response, qn(CHED2, "ID"), reference)
    if follow_up is not None:
        element = add(response, _f("FollowUp"))
        _add_redispatch(element, follow_up.redispatch)
        add_party(element, _f("AuthoritySPSParty"), follow_up.authority)
        for local, code in _follow_up_codes(follow_up):
            add_coded(element, _f(local), code)
        for reason in follow_up.reasons:
            add_coded(element, _f("NonComplianceReasonCode"), reason)
        add_text(element, _f("Information"), follow_up.text)
        add_party(element, _f("OfficerSPSParty"), follow_up.officer)
        add_text(element, _f("SignatureDateTime"), follow_up.signed)
    return finish(response)


def read_follow_up_response(response: _Element) -> tuple[str, FollowUp | None]:
    """The ID and Part III; SchemaInvalid IMG-3001 without an ID."""
    element = response.find(_f("FollowUp"))
    reference = mandatory(response, qn(CHED2, "ID"))
    if element is None:
        return reference, None
    return reference, FollowUp(
        redispatch=_read_redispatch(element.find(_f("Redispatching"))),
        authority=party_of(element, _f("AuthoritySPSParty")),
        role=_code(element, _f("AuthorityRoleCode")),
        arrived=_code(element, _f("ConsignmentArrivedCode")),
        conform=_code(element, _f("ConformityCode")),
        outcome=_code(element, _f("OutcomeCode")),
        reasons=_codes(element, _f("NonComplianceReasonCode")),
        text=text_of(element, _f("Information")),
        officer=party_of(element, _f("OfficerSPSParty")),
        signed=text_of(element, _f("SignatureDateTime")),
    )


def _follow_up_codes(follow_up: FollowUp) -> tuple[tuple[str, Coded], ...]:
    return (
        ("AuthorityRoleCode", follow_up.role),
        ("ConsignmentArrivedCode", follow_up.arrived),
        ("ConformityCode", follow_up.conform),
        ("OutcomeCode", follow_up.outcome),
    )


def _add_redispatch(parent: _Element, redispatch: Redispatch | None) -> None:
    if redispatch is not None:
        element = add(parent, _f("Redispatching"))
        add_transport(element, _f("SPSTransportMovement"), redispatch.transport)
        add_text(element, _f("CountryID"), redispatch.country)
        add_post(element, _f("ExitSPSLocation"), redispatch.post)
        add_text(element, _f("DepartureDate"), redispatch.date)


def _read_redispatch(element: _Element | None) -> Redispatch | None:
    if element is None:
        return None
    return Redispatch(
        transport=transport_of(element, _f("SPSTransportMovement")),
        country=text_of(element, _f("CountryID")),
        post=post_of(element, _f("ExitSPSLocation")),
        date=text_of(element, _f("DepartureDate")),
    )


# --- non-compliance --------------------------------------------------------------------------------------------------


def non_compliance_response(details: NonCompliance) -> bytes:
    """GetChedNonComplianceDetailsResponse."""
    response = start(_NON_COMPLIANCE, CHEDALERT1, RAM21)
    add(response, qn(CHED2, "ID"), details.reference)
    element = add(response, _a("NonCompliance"))
    add_coded(element, _a("ConclusionCode"), details.conclusion)
    for finding in details.findings:
        found = add(element, _a("Finding"))
        add_coded(found, _a("ReasonCode"), finding.reason)
        add_text(found, _a("CommodityCode"), finding.commodity)
        add_text(found, _a("Information"), finding.text)
    for measure in details.measures:
        add_coded(element, _a("MeasureCode"), measure)
    add_text(element, _a("MeasuresDueDate"), details.measures_due)
    add_party(element, _a("ControlledDestinationSPSParty"), details.controlled_destination)
    add_text(element, _a("DecisionDateTime"), details.decided)
    return finish(response)


def read_non_compliance_response(response: _Element) -> NonCompliance:
    """The details; SchemaInvalid IMG-3001 without an ID or without details."""
    element = required(response, _a("NonCompliance"))
    return NonCompliance(
        reference=mandatory(response, qn(CHED2, "ID")),
        conclusion=coded_of(element.find(_a("ConclusionCode"))),
        findings=tuple(
            NonComplianceFinding(
                reason=_code(each, _a("ReasonCode")),
                commodity=text_of(each, _a("CommodityCode")),
                text=text_of(each, _a("Information")),
            )
            for each in element.iterchildren(_a("Finding"))
        ),
        measures=_codes(element, _a("MeasureCode")),
        measures_due=text_of(element, _a("MeasuresDueDate")),
        controlled_destination=party_of(element, _a("ControlledDestinationSPSParty")),
        decided=text_of(element, _a("DecisionDateTime")),
    )


def _code(parent: _Element, name: str) -> Coded:
    return coded_of(parent.find(name)) or NO_CODE


def _codes(parent: _Element, name: str) -> tuple[Coded, ...]:
    return tuple(code for each in parent.iterchildren(name) if (code := coded_of(each)) is not None)
