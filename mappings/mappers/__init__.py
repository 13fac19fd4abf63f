"""One small mapper per UN/CEFACT type, each with its inverse (DIGEST section 10).

``to_traces`` goes from the ePhyto form to the TRACES form, ``to_ephyto`` back. National systems exchange in the TRACES
form (R-37-2), so between them and TRACES only codes change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.mappers import (
    attachments,
    classifications,
    clauses,
    dates,
    lines,
    notes,
    parties,
    statuses,
)

if TYPE_CHECKING:
    from mappings.walk import Mapper

_TO_TRACES: dict[str, Mapper] = {
    "DateTimeType": dates.to_traces,
    "SPSClassificationType": classifications.to_traces,
    "SPSClauseType": clauses.to_traces,
    "SPSConsignmentType": lines.to_traces,
    "SPSExchangedDocumentType": statuses.to_traces,
    "SPSNoteType": notes.to_traces,
    "SPSPartyType": parties.to_traces,
    "SPSTradeLineItemType": lines.figures,
}
_TO_EPHYTO: dict[str, Mapper] = {
    "BinaryObjectType": attachments.to_ephyto,
    "DateTimeType": dates.to_ephyto,
    "SPSClassificationType": classifications.to_ephyto,
    "SPSClauseType": clauses.to_ephyto,
    "SPSConsignmentType": lines.to_ephyto,
    "SPSExchangedDocumentType": statuses.to_ephyto,
    "SPSNoteType": notes.to_ephyto,
    "SPSPartyType": parties.to_ephyto,
    "SPSTradeLineItemType": lines.figures,
}


def mappers_for(source: str, target: str) -> dict[str, Mapper]:
    """The mappers of one direction, by UN/CEFACT type; none between systems of the same form."""
    return {("ephyto", "traces"): _TO_TRACES, ("traces", "ephyto"): _TO_EPHYTO}.get((source, target), {})
