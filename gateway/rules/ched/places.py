"""Where a box stands in SPSCertificate, for the path of a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.documents.ched import ChedLine

__all__ = ["path_of_box"]

_DOCUMENT: Final = "/sps:SPSCertificate/sps:SPSExchangedDocument"
_CONSIGNMENT: Final = "/sps:SPSCertificate/sps:SPSConsignment"
_SIGNED: Final = _DOCUMENT + "/ram:SignatorySPSAuthentication[ram:TypeCode='{}']"
_CLAUSE: Final = _SIGNED + "/ram:IncludedSPSClause[ram:ID='{}']"
_NOTE: Final = _DOCUMENT + "/ram:IncludedSPSNote[ram:SubjectCode='{}']"
_REFERENCE: Final = _DOCUMENT + "/ram:ReferenceSPSReferencedDocument[ram:RelationshipTypeCode='{}']"
_LINE: Final = f"{_CONSIGNMENT}/ram:IncludedSPSConsignmentItem/ram:IncludedSPSTradeLineItem"
_TOTALS: Final = f"{_LINE}[ram:SequenceNumeric='0']"

_PURPOSE: Final = _CLAUSE.format("4", "PURPOSE")
_CONCLUSION: Final = _CLAUSE.format("1", "DECISION_CONCLUSION")
_PLACES: Final[dict[str, str]] = {
    "": _DOCUMENT,
    "I.1": f"{_CONSIGNMENT}/ram:ConsignorSPSParty",
    "I.2": f"{_DOCUMENT}/ram:ID",
    "I.3": _REFERENCE.format("AVZ"),
    "I.4": f"{_CONSIGNMENT}/ram:UnloadingBaseportSPSLocation",
    "I.5": f"{_CONSIGNMENT}/ram:UnloadingBaseportSPSLocation",
    "I.6": f"{_CONSIGNMENT}/ram:ConsigneeSPSParty",
    "I.7": f"{_CONSIGNMENT}/ram:DeliverySPSParty",
    "I.8": f"{_CONSIGNMENT}/ram:CustomsTransitAgentSPSParty",
    "I.9": f"{_DOCUMENT}/ram:ReferenceSPSReferencedDocument",
    "I.10": f"{_CONSIGNMENT}/ram:AvailabilityDueDateTime",
    "I.11": f"{_LINE}/ram:OriginSPSCountry",
    "I.12": f"{_LINE}/ram:OriginSPSCountry/ram:SubordinateSPSCountrySubDivision",
    "I.13": f"{_CONSIGNMENT}/ram:MainCarriageSPSTransportMovement",
    "I.14": f"{_CONSIGNMENT}/ram:ExportSPSCountry",
    "I.15": f"{_CONSIGNMENT}/ram:DespatchSPSParty",
    "I.16": _NOTE.format("PRODUCT_TEMPERATURE"),
    "I.17": f"{_CONSIGNMENT}/ram:UtilizedSPSTransportEquipment",
    "I.18": _CLAUSE.format("4", "GOODS_CERTIFIED_AS"),
    "I.19": _CLAUSE.format("4", "COMPLIANCE_OF_GOODS"),
    **{f"I.{number}": _PURPOSE for number in range(20, 27)},
    "I.27": f"{_CONSIGNMENT}/ram:MainCarriageSPSTransportMovement",
    "I.28": f"{_CONSIGNMENT}/ram:CarrierSPSParty",
    "I.29": _NOTE.format("DEPARTURE_FROM_BCP_DATETIME"),
    "I.30": _NOTE.format("JOURNEY_LOG"),
    "I.31": _LINE,
    "I.32": f"{_TOTALS}/ram:PhysicalSPSPackage",
    "I.33": f"{_TOTALS}/ram:NetVolumeMeasure",
    "I.34": _TOTALS,
    "I.35": _SIGNED.format("4"),
    "II.3": _CLAUSE.format("1", "DOCUMENTARY_CHECK_RESULT"),
    "II.4": _CLAUSE.format("1", "IDENTITY_CHECK"),
    "II.5": _CLAUSE.format("1", "PHYSICAL_CHECK"),
    "II.6": _SIGNED.format("1"),
    "II.7": _CLAUSE.format("1", "WELFARE_CHECK"),
    "II.8": _SIGNED.format("1"),
    **{f"II.{number}": _CONCLUSION for number in range(9, 17)},
    "II.17": _NOTE.format("REFUSAL_REASON"),
    "II.18": f"{_CONSIGNMENT}/ram:TransitSPSCountry",
    "II.21": _SIGNED.format("1"),
    "III.4": f"{_CONSIGNMENT}/ram:TransitSPSCountry",
    "III.5": _SIGNED.format("8"),
    "III.6": _SIGNED.format("8"),
}
_OF_A_LINE: Final = {
    "I.11": "/ram:OriginSPSCountry",
    "I.12": "/ram:OriginSPSCountry/ram:SubordinateSPSCountrySubDivision",
}


def path_of_box(box: str, line: ChedLine | None = None, position: int = 0) -> str:
    """The box and the XPath of its place, such as ``I.14 /sps:SPSCertificate/sps:SPSConsignment/ram:ExportSPSCountry``.

    Args:
        box: of Annex II; empty for the whole document, whose path has no box before it.
        line: the line that is meant, for boxes that every line has.
        position: of that line among the lines, from 1, for a line without a number.
    """
    if line is not None:
        number = f"ram:SequenceNumeric='{line.number}'" if line.number is not None else str(position)
        path = f"{_LINE}[{number}]{_OF_A_LINE.get(box, '')}"
    else:
        path = _PLACES.get(box, "")
    return f"{box} {path}".strip()
