"""One small mapper per UN/CEFACT type, each with its inverse (DIGEST section 10).

``to_traces`` goes from the ePhyto form to the TRACES form, ``to_ephyto`` back. National systems exchange in the TRACES
form (R-37-2), so between them and TRACES only codes change: those that a type and an element name stand in
``bindings.toml``, those of a CHED that another element of the same document names are in ``cheds``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.mappers import (
    animal_counts,
    attachments,
    cheds,
    classifications,
    clauses,
    countries,
    dates,
    lines,
    notes,
    parties,
    processes,
    statuses,
)

if TYPE_CHECKING:
    from mappings.walk import Mapper

_TO_TRACES: dict[str, Mapper] = {
    "DateTimeType": dates.to_traces,
    "SPSAddressType": countries.to_traces("SPSAddressType", "CountryID", "CountryName"),
    "SPSClassificationType": classifications.to_traces,
    "SPSClauseType": clauses.to_traces,
    "SPSConsignmentType": lines.to_traces,
    "SPSCountryType": countries.to_traces("SPSCountryType", "ID", "Name"),
    "SPSExchangedDocumentType": statuses.to_traces,
    "SPSNoteType": notes.to_traces,
    "SPSPartyType": parties.to_traces,
    "SPSProcessCharacteristicType": processes.characteristic,
    "SPSProcessType": processes.to_traces,
    "SPSTradeLineItemType": lines.add_up,
}
_TO_EPHYTO: dict[str, Mapper] = {
    "BinaryObjectType": attachments.to_ephyto,
    "DateTimeType": dates.to_ephyto,
    "SPSAddressType": countries.to_ephyto("SPSAddressType", "CountryID", "CountryName"),
    "SPSClassificationType": classifications.to_ephyto,
    "SPSClauseType": clauses.to_ephyto,
    "SPSConsignmentType": lines.to_ephyto,
    "SPSCountryType": countries.to_ephyto("SPSCountryType", "ID", "Name"),
    "SPSExchangedDocumentType": statuses.to_ephyto,
    "SPSNoteType": notes.to_ephyto,
    "SPSPartyType": parties.to_ephyto,
    "SPSProcessCharacteristicType": processes.characteristic,
    "SPSProcessType": processes.to_ephyto,
    "SPSTradeLineItemType": lines.add_up_goods,
}
_SAME_FORM: dict[str, Mapper] = {
    "SPSAuthenticationType": cheds.signatory,
    "SPSClassificationType": classifications.same_form,
    "SPSClauseType": cheds.clause,
    "SPSCountrySubDivisionType": cheds.division,
    "SPSLocationType": cheds.location,
    "SPSNoteType": cheds.note,
    "SPSPartyType": cheds.party,
    "SPSProcessCharacteristicType": processes.characteristic,
    "SPSReferencedDocumentType": cheds.reference,
    "SPSSealType": cheds.numbered,
    "SPSTransportEquipmentType": cheds.numbered,
    "SPSTransportMovementType": cheds.movement,
}
_OWN_FORMS: dict[str, tuple[dict[str, Mapper], dict[str, Mapper]]] = {
    "national-count": (
        {"SPSTradeLineItemType": animal_counts.to_traces},
        {"SPSTradeLineItemType": animal_counts.to_national},
    ),
}
"""Differences of form of single systems beside their codes: towards TRACES, and from there."""


def mappers_for(source: str, target: str) -> dict[str, Mapper]:
    """The mappers of one direction, by UN/CEFACT type; none for the normal form alone."""
    if source == target:
        return {}
    if "ephyto" in (source, target):
        return _TO_TRACES if source == "ephyto" else _TO_EPHYTO
    inwards, _ = _OWN_FORMS.get(source, ({}, {}))
    _, outwards = _OWN_FORMS.get(target, ({}, {}))
    return _SAME_FORM | inwards | outwards
