"""Writing the small parts of a CHED; each mirrors its reader in ``leaves`` and ``lines``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.documents.ched import places as at
from gateway.documents.ched.labels import AGENCY, LISTS, RELATIONS, ROLES, SCHEMES, UN_AGENCY
from gateway.documents.ched.models import Address, Coded, Region
from gateway.documents.ched.places import RAM, UDT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

    from gateway.documents.ched.models import (
        AccompanyingDocument,
        ChedClass,
        ChedLine,
        ChedParty,
        ControlPost,
        Country,
        LineNote,
        Seal,
        Transport,
    )
    from gateway.documents.parts import Measure

__all__ = ["Builder"]

_DATE_TIME: Final = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_NOWHERE: Final = Address()
_LINES: Final = ("LineOne", "LineTwo", "LineThree", "LineFour", "LineFive")


class Builder:
    """Adds parts to a parent, in UN/CEFACT order of the parent's children as called.

    Args:
        language: ISO 639-1 of the names of countries and places; empty when unknown.
    """

    def __init__(self, language: str) -> None:
        self._language = language

    @staticmethod
    def leaf(parent: _Element, name: str, value: str = "", /, **attributes: str) -> _Element:
        """An element of RABIE with text; empty attributes are left out."""
        element = etree.SubElement(parent, RAM + name, {key: each for key, each in attributes.items() if each})
        if value:
            element.text = value
        return element

    def filled(self, parent: _Element, name: str, value: str, /, **attributes: str) -> None:
        """An element of RABIE, when it has a text."""
        if value:
            self.leaf(parent, name, value, **attributes)

    def named(self, parent: _Element, name: str, value: str) -> None:
        """A name in the document's language."""
        self.leaf(parent, name, value, languageID=self._language if value else "")

    def code(self, parent: _Element, name: str, code: Coded) -> None:
        """A code with its list and its label."""
        attributes = {"listID": code.list_id, "listName": LISTS.get(code.list_id, ""), "name": code.label}
        self.leaf(parent, name, code.code, **attributes)

    def identifier(self, parent: _Element, value: str, scheme: str, **attributes: str) -> None:
        """An ID in a scheme of TRACES."""
        agency = ("", "") if not scheme else UN_AGENCY if scheme == "un_locode" else AGENCY
        described = {"schemeID": scheme, "schemeName": SCHEMES.get(scheme, "")}
        self.leaf(parent, "ID", value, **described, schemeAgencyID=agency[0], schemeAgencyName=agency[1], **attributes)

    @staticmethod
    def moment(parent: _Element, name: str, value: str) -> None:
        """A moment, when there is one: xs:dateTime as DateTime, anything else as DateTimeString."""
        if value:
            kind = "DateTime" if _DATE_TIME.fullmatch(value) else "DateTimeString"
            etree.SubElement(etree.SubElement(parent, RAM + name), UDT + kind).text = value

    def measure(self, parent: _Element, name: str, measure: Measure | None) -> None:
        """A measure, when there is one."""
        if measure is not None:
            self.leaf(parent, name, format(measure.value, "f"), unitCode=measure.unit)

    def country(self, parent: _Element, name: str, country: Country) -> _Element:
        """A country, with its region when it has one."""
        element = etree.SubElement(parent, RAM + name)
        self.leaf(element, "ID", country.code)
        self.named(element, "Name", country.name)
        if isinstance(country, Region):
            division = etree.SubElement(element, f"{RAM}SubordinateSPSCountrySubDivision")
            self.leaf(division, "ID", country.region)
            self.leaf(division, "Name")
        return element

    def party(self, parent: _Element, name: str, party: ChedParty | None) -> None:
        """A party, when there is one."""
        if party is None:
            return
        element = etree.SubElement(parent, RAM + name)
        if party.identifier:
            self.identifier(element, party.identifier, party.scheme)
        self.leaf(element, "Name", party.name)
        self.filled(element, "RoleCode", party.role, name=ROLES.get(party.role, ""))
        for activity in party.activities:
            self.code(element, "TypeCode", activity)
        self.filled(element, "TypeCode", party.approval, listID=at.LIST_APPROVAL)
        self._address(element, party.address)
        if party.person:
            self.leaf(etree.SubElement(element, f"{RAM}SpecifiedSPSPerson"), "Name", party.person)

    def _address(self, parent: _Element, address: Address) -> None:
        if address == _NOWHERE:
            return
        element = etree.SubElement(parent, f"{RAM}SpecifiedSPSAddress")
        self.filled(element, "PostcodeCode", address.postcode)
        for line, value in zip(_LINES, _five(address.lines), strict=False):
            self.leaf(element, line, value)
        if address.city:
            self.named(element, "CityName", address.city)
        self.filled(element, "CountryID", address.country)
        if address.country_name:
            self.named(element, "CountryName", address.country_name)
        if address.subdivision:
            self.named(element, "CountrySubDivisionName", address.subdivision)

    def post(self, parent: _Element, name: str, post: ControlPost | None) -> None:
        """A post as a location: its ID and the six names in their order."""
        if post is None:
            return
        element = etree.SubElement(parent, RAM + name)
        kind = "authority_activity" if post.scheme else ""
        self.identifier(element, post.identifier, post.scheme, schemeDataURI=kind)
        self.leaf(element, "Name", post.country)
        self.named(element, "Name", post.city)
        for value in (post.code, post.name, post.address, post.locode):
            self.leaf(element, "Name", value)

    def post_party(self, parent: _Element, post: ControlPost) -> None:
        """A post as a party under a sub-division."""
        element = etree.SubElement(parent, f"{RAM}ActivityAuthorizedSPSParty")
        if post.identifier:
            self.identifier(element, post.identifier, post.scheme)
        self.leaf(element, "Name", post.name)
        self.leaf(element, "RoleCode", "CM")
        self.filled(element, "TypeCode", post.code, listID=at.LIST_POST_CODE)
        address = etree.SubElement(element, f"{RAM}SpecifiedSPSAddress")
        self.filled(address, "LineOne", post.address)
        if post.city:
            self.named(address, "CityName", post.city)
        self.leaf(address, "CountryID", post.country)
        self.filled(address, "CityID", post.locode)

    def transport(self, parent: _Element, transport: Transport, suffix: str, nameless: str) -> None:
        """A means of transport; the scheme gets the suffix that says where it is used."""
        element = etree.SubElement(parent, f"{RAM}MainCarriageSPSTransportMovement")
        scheme = transport.scheme or (nameless if suffix else "")
        scheme = scheme if scheme.endswith(suffix) else scheme + suffix
        if scheme or transport.identification or transport.country or transport.country_name:
            self.leaf(
                element,
                "ID",
                transport.identification,
                schemeID=scheme,
                schemeName=SCHEMES.get(scheme, ""),
                schemeAgencyID=transport.country,
                schemeAgencyName=transport.country_name,
            )
        if transport.mode != Coded(""):
            self.code(element, "ModeCode", transport.mode)
        if transport.name:
            self.leaf(etree.SubElement(element, f"{RAM}UsedSPSTransportMeans"), "Name", transport.name)

    def container(self, parent: _Element, scheme: str, number: str, seals: Iterable[Seal]) -> None:
        """A container and its seals."""
        element = etree.SubElement(parent, f"{RAM}UtilizedSPSTransportEquipment")
        self.identifier(element, number, scheme)
        for seal in seals:
            fixed = etree.SubElement(element, f"{RAM}AffixedSPSSeal")
            self.identifier(fixed, seal.number, at.SCHEME_SEAL)
            if seal.official:
                issuer = etree.SubElement(fixed, f"{RAM}IssuingSPSParty")
                self.leaf(issuer, "Name")
                self.code(issuer, "TypeCode", Coded(at.AUTHORITY, list_id=at.LIST_OFFICIAL))

    def reference(self, parent: _Element, other: AccompanyingDocument, **file: str) -> None:
        """Another document."""
        element = etree.SubElement(parent, f"{RAM}ReferenceSPSReferencedDocument")
        self.filled(element, "IssueDateTime", other.issued)
        self.code(element, "TypeCode", other.type)
        self.leaf(element, "RelationshipTypeCode", other.relation, name=RELATIONS.get(other.relation, ""))
        self.leaf(element, "ID", other.number, schemeID=other.scheme, schemeAgencyID=other.country)
        if other.attachment or other.file_name:
            self.leaf(element, "AttachmentBinaryObject", uri=other.attachment, filename=other.file_name, **file)
        self.filled(element, "Information", other.information)

    def note(self, parent: _Element, name: str, note: LineNote) -> None:
        """A note in the form of TRACES: a coded one has an empty content."""
        element = etree.SubElement(parent, RAM + name)
        if note.code != Coded(""):
            self.code(element, "ContentCode", note.code)
        self.leaf(element, "Content", note.text)
        self.code(element, "SubjectCode", note.subject)

    def line(self, parent: _Element, line: ChedLine) -> None:
        """One line."""
        element = etree.SubElement(parent, f"{RAM}IncludedSPSTradeLineItem")
        if line.number is not None:
            self.leaf(element, "SequenceNumeric", str(line.number))
        for description in line.descriptions or ("",):
            self.leaf(element, "Description", description)
        self.filled(element, "ScientificName", line.scientific_name, languageID=line.scientific_language)
        self.filled(element, "ProductionBatchID", line.batch)
        self.measure(element, "NetWeightMeasure", line.net_weight)
        self.measure(element, "GrossWeightMeasure", line.gross_weight)
        self.measure(element, "NetVolumeMeasure", line.net_volume)
        self.measure(element, "GrossVolumeMeasure", line.gross_volume)
        for note in line.notes:
            self.note(element, "AdditionalInformationSPSNote", note)
        for each in line.classes:
            self._class(element, each)
        for package in line.packages:
            packed = etree.SubElement(element, f"{RAM}PhysicalSPSPackage")
            if package.level != Coded(""):
                self.code(packed, "LevelCode", package.level)
            self.code(packed, "TypeCode", package.type)
            self.filled(packed, "ItemQuantity", package.count)
        for origin in line.origins:
            self.country(element, "OriginSPSCountry", origin)

    def _class(self, parent: _Element, each: ChedClass) -> None:
        element = etree.SubElement(parent, f"{RAM}ApplicableSPSClassification")
        self.filled(element, "SystemID", each.system)
        self.leaf(element, "SystemName", each.system_name)
        self.filled(element, "ClassCode", each.code)
        for language, name in each.names:
            self.leaf(element, "ClassName", name, languageID=language)


def _five(lines: tuple[str, ...]) -> tuple[str, ...]:
    """An address has five lines; what is more stands in the fifth."""
    most = len(_LINES)
    return lines if len(lines) <= most else (*lines[: most - 1], " ".join(lines[most - 1 :]))
