"""ChedClearanceRequest, ChedInterventionRequest and their replies on the wire, both sides (DIGEST 7.4).

The clearance is as captured. The intervention has the order, the items and the codes of generated contracts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.certex.models import ChedClearanceRequest, ChedInterventionRequest, ClearanceAnswer, Intervention
from gateway.certex.wire_common import (
    OPERATION_CODE,
    add_office,
    check_message,
    child,
    items_of,
    message,
    moment,
    moment_of,
    number,
    office_of,
    own,
    token_of,
    unfit,
    write_items,
)
from gateway.traces.wire_common import instant

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "clearance_request",
    "clearance_response",
    "intervention_request",
    "intervention_response",
    "read_clearance_request",
    "read_clearance_response",
    "read_intervention_request",
    "read_intervention_response",
]

_CLEARANCE: Final = "ChedClearanceRequest"
_CLEARED: Final = "ChedClearanceResponse"
_INTERVENTION: Final = "ChedInterventionRequest"
_INTERVENED: Final = "ChedInterventionResponse"
_ITEMS: Final = "ConsignmentItem"
_CODES: Final = {Intervention.FORCE: "01", Intervention.AMEND: "02", Intervention.DELETE: "03"}
_INTERVENTIONS: Final = {code: name for name, code in _CODES.items()} | {str(name): name for name in Intervention}
"""The codes of the contract, and the names beside them, which are taken in their place."""


def clearance_request(asked: ChedClearanceRequest) -> bytes:
    """ChedClearanceRequest."""
    return message(
        _CLEARANCE,
        add_office(asked.office),
        child("SendingDate", moment(asked.sending_date)),
        child("CustomsDocumentReference", asked.document),
        child("ChedCertificateId", asked.reference),
        child("GoodsClearanceInformation", asked.information),
    )


def read_clearance_request(request: _Element) -> ChedClearanceRequest:
    """What became of the goods; SchemaInvalid IMG-3001 for another message and for one that cannot be read."""
    check_message(request, _CLEARANCE)
    return ChedClearanceRequest(
        office=office_of(request, own("CompetentCustomsOffice")),
        sending_date=moment_of(request, own("SendingDate")),
        document=token_of(request, own("CustomsDocumentReference")),
        reference=token_of(request, own("ChedCertificateId")),
        information=token_of(request, own("GoodsClearanceInformation")),
    )


def intervention_request(asked: ChedInterventionRequest) -> bytes:
    """ChedInterventionRequest, with the code of the contract for what is to be done."""
    return message(
        _INTERVENTION,
        add_office(asked.office),
        child("SendingDate", moment(asked.sending_date)),
        child("CustomsDocumentReference", asked.document),
        child("TARICDocument", asked.taric_document),
        child("ChedCertificateId", asked.reference),
        write_items(_ITEMS, asked.items),
        child("InterventionType", _CODES[Intervention(asked.intervention)]),
    )


def read_intervention_request(request: _Element) -> ChedInterventionRequest:
    """What is to be corrected; SchemaInvalid IMG-3001 for another message and for one that cannot be read."""
    check_message(request, _INTERVENTION)
    kind = own("InterventionType")
    said = token_of(request, kind)
    if said not in _INTERVENTIONS:
        raise unfit(request, kind, said, ", ".join(sorted(_CODES.values())))
    return ChedInterventionRequest(
        office=office_of(request, own("CompetentCustomsOffice")),
        sending_date=moment_of(request, own("SendingDate")),
        document=token_of(request, own("CustomsDocumentReference")),
        taric_document=token_of(request, own("TARICDocument")),
        reference=token_of(request, own("ChedCertificateId")),
        items=items_of(request, _ITEMS),
        intervention=_INTERVENTIONS[said],
    )


def clearance_response(answer: ClearanceAnswer) -> bytes:
    """ChedClearanceResponse: SendingDate is the request's, cut to milliseconds."""
    return _answer(_CLEARED, answer)


def read_clearance_response(response: _Element) -> ClearanceAnswer:
    """The outcome; SchemaInvalid IMG-3001 for another message and for one that cannot be read."""
    return _read_answer(_CLEARED, response)


def intervention_response(answer: ClearanceAnswer) -> bytes:
    """ChedInterventionResponse."""
    return _answer(_INTERVENED, answer)


def read_intervention_response(response: _Element) -> ClearanceAnswer:
    """The outcome; errors as for a clearance."""
    return _read_answer(_INTERVENED, response)


def _answer(local: str, answer: ClearanceAnswer) -> bytes:
    return message(
        local,
        child("QuantityManagementOutcome", answer.outcome),
        child("StatusCode", answer.status_code),
        child("SendingDate", instant(answer.sending_date)),
        child("OperationCode", OPERATION_CODE),
    )


def _read_answer(local: str, response: _Element) -> ClearanceAnswer:
    check_message(response, local)
    number(response, own("OperationCode"))
    return ClearanceAnswer(
        outcome=token_of(response, own("QuantityManagementOutcome")),
        status_code=token_of(response, own("StatusCode"), optional=True),
        sending_date=moment_of(response, own("SendingDate")),
    )
