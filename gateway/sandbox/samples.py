"""Invented certificates for the demo, tests and benchmarks: the two full examples, and one maker of any size.

Everything here is invented. The certificates follow the ePhyto form (DIGEST 2.6, 2.7) in UN/CEFACT order, so that the
strict schema accepts them.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from enum import StrEnum
from importlib import resources
from itertools import count
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from gateway.xml.names import RAM21, SPS17, UDT21

__all__ = ["Example", "certificate", "example", "with_reference"]

_ISSUED: Final = datetime(2026, 9, 14, 13, 32, tzinfo=UTC)


class Example(StrEnum):
    """The examples that are files."""

    EPHYTO = "ephyto-full.xml"
    """A phytosanitary certificate AR to NL that uses every part of the ePhyto form; about 24 KB."""
    VETERINARY = "veterinary-853.xml"
    """A small veterinary certificate UY to NL in the form that TRACES writes."""


def example(which: Example = Example.EPHYTO) -> bytes:
    """The bytes of one example file, from the installed package."""
    return resources.files("gateway.sandbox").joinpath("data", which).read_bytes()


def certificate(  # noqa: PLR0913 - each is one independent property of the document, and all have a default
    *,
    number: str = "AR-EX-2026-0000001",
    type_code: str = "851",
    status: str = "70",
    export: str = "AR",
    import_: str = "NL",
    lines: int = 3,
    size_hint: int | None = None,
    replaces: str | None = None,
    issued: datetime = _ISSUED,
) -> bytes:
    """Makes a phytosanitary certificate that the strict schema accepts, without a seal.

    Args:
        number: the certificate number.
        type_code: 851 phytosanitary, 657 re-export.
        status: 70 issued, 40 withdrawn, 44 replaced.
        export: ISO country that issues and exports.
        import_: ISO country that imports.
        lines: trade lines; not read when ``size_hint`` is given.
        size_hint: wanted size in bytes; the result has exactly this size, unless that is less than one line needs.
        replaces: number of the certificate that this one replaces (a referenced document with relation ACW).
        issued: moment of issue.

    Returns:
        UTF-8 bytes without an XML declaration; the same arguments give the same bytes.
    """
    head = _head(number, type_code, status, export, import_, replaces, issued)
    if size_hint is None:
        return (head + "".join(_line(index, export) for index in range(1, lines + 1)) + _TAIL).encode()
    parts = [head]
    left = size_hint - len((head + _TAIL).encode())
    for index in count(1):
        line = _line(index, export)
        if index > 1 and len(line) > left:
            break
        parts.append(line)
        left -= len(line)
    parts.append(_TAIL)
    padding = " ." * (left // 2) + "." * (left % 2) if left > 0 else ""
    return "".join(parts).replace(_PADDED, _PADDED + padding, 1).encode()


def with_reference(
    document: bytes,
    number: str,
    *,
    relation: str = "ZZZ",
    type_code: str = "",
    attachment: tuple[str, bytes] | None = None,
) -> bytes:
    """A certificate of ``certificate`` that refers to one document more.

    Args:
        document: what ``certificate`` made.
        number: of the document referred to.
        relation: AWR for the original of a re-export certificate, ZZZ for other documents.
        type_code: of the document referred to; left out when empty.
        attachment: file name and content.
    """
    type_element = f"<ram:TypeCode>{escape(type_code)}</ram:TypeCode>" if type_code else ""
    head = (
        f"<ram:ReferenceSPSReferencedDocument>{type_element}"
        f"<ram:RelationshipTypeCode>{escape(relation)}</ram:RelationshipTypeCode><ram:ID>{escape(number)}</ram:ID>"
    ).encode()
    if attachment is not None:
        name, content = attachment
        head += (
            f"<ram:AttachmentBinaryObject filename={quoteattr(name)}>".encode()
            + base64.b64encode(content)
            + b"</ram:AttachmentBinaryObject>"
        )
    return document.replace(_BEFORE, head + b"</ram:ReferenceSPSReferencedDocument>" + _BEFORE, 1)


_BEFORE: Final = b"<ram:SignatorySPSAuthentication>"
_PADDED: Final = "Lots of the packing house"
_TAIL: Final = "</ram:IncludedSPSConsignmentItem></sps:SPSConsignment></sps:SPSCertificate>"


def _head(
    number: str, type_code: str, status: str, export: str, import_: str, replaces: str | None, issued: datetime
) -> str:
    when = issued.isoformat(timespec="seconds")
    replaced = (
        f"<ram:ReferenceSPSReferencedDocument><ram:TypeCode>{escape(type_code)}</ram:TypeCode>"
        f"<ram:RelationshipTypeCode>ACW</ram:RelationshipTypeCode><ram:ID>{escape(replaces)}</ram:ID>"
        "</ram:ReferenceSPSReferencedDocument>"
        if replaces
        else ""
    )
    return (
        f'<sps:SPSCertificate xmlns:sps="{SPS17}" xmlns:ram="{RAM21}" xmlns:udt="{UDT21}"><sps:SPSExchangedDocument>'
        '<ram:Name languageID="en">Phytosanitary certificate</ram:Name>'
        f"<ram:ID>{escape(number)}</ram:ID><ram:TypeCode>{escape(type_code)}</ram:TypeCode>"
        f"<ram:StatusCode>{escape(status)}</ram:StatusCode>"
        f"<ram:IssueDateTime><udt:DateTimeString>{when}</udt:DateTimeString></ram:IssueDateTime>"
        "<ram:IssuerSPSParty><ram:Name>Servicio Fitosanitario de Ejemplo</ram:Name></ram:IssuerSPSParty>"
        f"{_note('IncludedSPSNote', 'SPSFL', '1')}{_note('IncludedSPSNote', 'DMCL', _PADDED)}"
        f"{_note('IncludedSPSNote', 'ADEDL', 'The consignment was inspected and found free from quarantine pests.')}"
        f"{replaced}<ram:SignatorySPSAuthentication>"
        f"<ram:ActualDateTime><udt:DateTimeString>{when}</udt:DateTimeString></ram:ActualDateTime>"
        "<ram:IssueSPSLocation><ram:Name>Puerto Ejemplo</ram:Name></ram:IssueSPSLocation>"
        "<ram:ProviderSPSParty><ram:SpecifiedSPSPerson><ram:Name>Lucía Inventada</ram:Name></ram:SpecifiedSPSPerson>"
        "</ram:ProviderSPSParty><ram:IncludedSPSClause><ram:ID>1</ram:ID></ram:IncludedSPSClause>"
        "</ram:SignatorySPSAuthentication></sps:SPSExchangedDocument><sps:SPSConsignment>"
        f"{_party('ConsignorSPSParty', 'Citrícola Inventada S.A.', 'Ruta 14 km 312', 'Villa Ejemplo')}"
        f"{_party('ConsigneeSPSParty', 'Voorbeeld Fruit Import B.V.', 'Kade 7', 'Voorbeeldhaven')}"
        f"<ram:ExportSPSCountry><ram:ID>{escape(export)}</ram:ID></ram:ExportSPSCountry>"
        f"<ram:ImportSPSCountry><ram:ID>{escape(import_)}</ram:ID></ram:ImportSPSCountry>"
        '<ram:UnloadingBaseportSPSLocation><ram:ID schemeID="UNLOCODE">NLRTM</ram:ID><ram:Name>Rotterdam</ram:Name>'
        "</ram:UnloadingBaseportSPSLocation><ram:ExaminationSPSEvent><ram:OccurrenceSPSLocation>"
        "<ram:Name>Packing house 12</ram:Name></ram:OccurrenceSPSLocation></ram:ExaminationSPSEvent>"
        "<ram:MainCarriageSPSTransportMovement><ram:ModeCode>1</ram:ModeCode><ram:UsedSPSTransportMeans>"
        "<ram:Name>MV Example Star</ram:Name></ram:UsedSPSTransportMeans></ram:MainCarriageSPSTransportMovement>"
        "<ram:UtilizedSPSTransportEquipment><ram:ID>EXMU4123450</ram:ID><ram:AffixedSPSSeal><ram:ID>SEAL-1</ram:ID>"
        "</ram:AffixedSPSSeal></ram:UtilizedSPSTransportEquipment><ram:IncludedSPSConsignmentItem>"
    )


def _party(tag: str, name: str, street: str, city: str) -> str:
    return (
        f"<ram:{tag}><ram:Name>{name}</ram:Name><ram:SpecifiedSPSAddress><ram:LineOne>{street}</ram:LineOne>"
        f"<ram:LineTwo>{city}</ram:LineTwo></ram:SpecifiedSPSAddress></ram:{tag}>"
    )


def _note(tag: str, subject: str, content: str) -> str:
    return f"<ram:{tag}><ram:Subject>{subject}</ram:Subject><ram:Content>{content}</ram:Content></ram:{tag}>"


def _line(index: int, origin: str) -> str:
    return (
        f"<ram:IncludedSPSTradeLineItem><ram:SequenceNumeric>{index}</ram:SequenceNumeric>"
        f'<ram:Description languageID="en">Fresh lemons, size {1 + index % 8}</ram:Description>'
        "<ram:CommonName>Lemon</ram:CommonName><ram:ScientificName>Citrus limon</ram:ScientificName>"
        "<ram:IntendedUse>Consumption</ram:IntendedUse>"
        f'<ram:NetWeightMeasure unitCode="KGM">{100 * index}</ram:NetWeightMeasure>'
        f'<ram:GrossWeightMeasure unitCode="KGM">{110 * index}</ram:GrossWeightMeasure>'
        f"{_note('AdditionalInformationSPSNote', 'DMTLIL', f'LOT {index:05}')}"
        "<ram:ApplicableSPSClassification><ram:SystemName>HS</ram:SystemName><ram:ClassCode>08055010</ram:ClassCode>"
        "</ram:ApplicableSPSClassification>"
        "<ram:PhysicalSPSPackage><ram:LevelCode>1</ram:LevelCode><ram:TypeCode>BX</ram:TypeCode>"
        f"<ram:ItemQuantity>{10 * index}</ram:ItemQuantity></ram:PhysicalSPSPackage>"
        f"<ram:OriginSPSCountry><ram:ID>{escape(origin)}</ram:ID></ram:OriginSPSCountry>"
        "<ram:AppliedSPSProcess><ram:TypeCode>ZZZ</ram:TypeCode><ram:ApplicableSPSProcessCharacteristic>"
        "<ram:Description>TTFT</ram:Description><ram:Description>Washed</ram:Description>"
        "</ram:ApplicableSPSProcessCharacteristic></ram:AppliedSPSProcess></ram:IncludedSPSTradeLineItem>"
    )
