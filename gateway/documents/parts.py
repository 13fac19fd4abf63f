"""The parts of an SPS certificate: read-only views over elements of RABIE 21 (DIGEST 3).

A view holds its element and reads when asked. Names are UN/CEFACT's, without the SPS in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from gateway.documents.text import Moment, descend, moment_of, text_of
from gateway.xml.names import RAM21

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

__all__ = ["Classification", "Measure", "Note", "Package", "Party", "Reference", "Signatory", "TradeLine"]

_RAM: Final = f"{{{RAM21}}}"
_MAX_DIGITS: Final = 40
"""No quantity of this world needs more, and arithmetic on a million digits would stall a worker."""


@dataclass(frozen=True, slots=True)
class _View:
    element: _Element
    """The element that the view reads."""

    def _text(self, *path: str) -> str:
        return text_of(self._element(*path))

    def _element(self, *path: str) -> _Element | None:
        return descend(self.element, *(_RAM + name for name in path))

    def _texts(self, name: str) -> tuple[str, ...]:
        return tuple(text_of(child) for child in self._all(name))

    def _all(self, name: str) -> Iterator[_Element]:
        return self.element.iterchildren(_RAM + name)


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with its Recommendation 20 unit."""

    value: Decimal
    unit: str
    """Empty when the document gives none."""


@dataclass(frozen=True, slots=True)
class Note(_View):
    """A note: ePhyto names it by Subject, TRACES by SubjectCode with a ContentCode (DIGEST 10)."""

    @property
    def subject(self) -> str:
        """The subject: the SubjectCode, else the Subject."""
        return self._text("SubjectCode") or self._text("Subject")

    @property
    def codes(self) -> tuple[str, ...]:
        """The coded contents."""
        return self._texts("ContentCode")

    @property
    def contents(self) -> tuple[str, ...]:
        """The contents in words, one for each language."""
        return self._texts("Content")

    @property
    def text(self) -> str:
        """The first content that is not empty, in code or words."""
        return next((text for text in (*self.codes, *self.contents) if text), "")


@dataclass(frozen=True, slots=True)
class Party(_View):
    """A person or body in its role."""

    @property
    def identifier(self) -> str:
        """The party's ID in the scheme that the element names."""
        return self._text("ID")

    @property
    def name(self) -> str:
        """The party's name."""
        return self._text("Name")

    @property
    def role_code(self) -> str:
        """UN/EDIFACT 3035."""
        return self._text("RoleCode")

    @property
    def person(self) -> str:
        """The name of the natural person that stands for the party."""
        return self._text("SpecifiedSPSPerson", "Name")

    @property
    def country(self) -> str:
        """Code of the country of the address; ePhyto addresses have none."""
        return self._text("SpecifiedSPSAddress", "CountryID")

    @property
    def address_lines(self) -> tuple[str, ...]:
        """The free lines of the address that are not empty."""
        lines = ("LineOne", "LineTwo", "LineThree", "LineFour", "LineFive")
        return tuple(text for line in lines if (text := self._text("SpecifiedSPSAddress", line)))


@dataclass(frozen=True, slots=True)
class Reference(_View):
    """Another document that the certificate names."""

    @property
    def number(self) -> str:
        """The other document's number."""
        return self._text("ID")

    @property
    def type_code(self) -> str:
        """UN/EDIFACT 1001."""
        return self._text("TypeCode")

    @property
    def relation(self) -> str:
        """UN/EDIFACT 1153: AWR original, ACW previous message, CAW internal, ZZZ other."""
        return self._text("RelationshipTypeCode")

    @property
    def issued(self) -> Moment | None:
        """When the other document was issued."""
        return moment_of(self._element("IssueDateTime"))

    @property
    def file_names(self) -> tuple[str, ...]:
        """Names of the attached files; empty text where a file has none."""
        return tuple(str(child.get("filename", "")) for child in self._all("AttachmentBinaryObject"))


@dataclass(frozen=True, slots=True)
class Signatory(_View):
    """Who signed or decided."""

    @property
    def action_code(self) -> str:
        """UN/EDIFACT 9417: 1 clearance, 4 inspection; empty in ePhyto."""
        return self._text("TypeCode")

    @property
    def signed(self) -> Moment | None:
        """When."""
        return moment_of(self._element("ActualDateTime"))

    @property
    def place(self) -> str:
        """Where; TRACES never says."""
        return self._text("IssueSPSLocation", "Name")

    @property
    def party(self) -> Party | None:
        """The authority and its officer."""
        element = self._element("ProviderSPSParty")
        return None if element is None else Party(element)

    @property
    def clause_ids(self) -> tuple[str, ...]:
        """Identifiers of the clauses that the signature makes."""
        return tuple(text_of(descend(clause, f"{_RAM}ID")) for clause in self._all("IncludedSPSClause"))


@dataclass(frozen=True, slots=True)
class Classification(_View):
    """A class of goods in a named system."""

    @property
    def system(self) -> str:
        """The system: TRACES names it by SystemID (CN, EPPT), ePhyto by SystemName (HS, IPPCPCVP, IPPCPCC)."""
        return self._text("SystemID") or self._text("SystemName")

    @property
    def code(self) -> str:
        """The class code; empty where only a name is given."""
        return self._text("ClassCode")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the class; TRACES gives one for each level of the nomenclature."""
        return self._texts("ClassName")


@dataclass(frozen=True, slots=True)
class Package(_View):
    """Packages of one kind."""

    @property
    def level_code(self) -> str:
        """UN/EDIFACT 7075; 4 means no hierarchy."""
        return self._text("LevelCode")

    @property
    def type_code(self) -> str:
        """Recommendation 21."""
        return self._text("TypeCode")

    @property
    def count(self) -> Decimal | None:
        """How many."""
        return _decimal(self._text("ItemQuantity"))


@dataclass(frozen=True, slots=True)
class TradeLine(_View):
    """One line of goods."""

    @property
    def number(self) -> int | None:
        """The line number; None when it is missing or not a whole number."""
        value = _decimal(self._text("SequenceNumeric"))
        return int(value) if value is not None and value == value.to_integral_value() else None

    @property
    def descriptions(self) -> tuple[str, ...]:
        """What the goods are, one for each language."""
        return self._texts("Description")

    @property
    def scientific_names(self) -> tuple[str, ...]:
        """Botanical or zoological names."""
        return self._texts("ScientificName")

    @property
    def net_weight(self) -> Measure | None:
        """Net weight."""
        return self._measure("NetWeightMeasure")

    @property
    def gross_weight(self) -> Measure | None:
        """Gross weight."""
        return self._measure("GrossWeightMeasure")

    @property
    def net_volume(self) -> Measure | None:
        """Net volume; TRACES counts animals here, in H87 (DIGEST 6)."""
        return self._measure("NetVolumeMeasure")

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of the line."""
        return tuple(map(Note, self._all("AdditionalInformationSPSNote")))

    @property
    def classifications(self) -> tuple[Classification, ...]:
        """The classes of the goods, one for each system and level."""
        return tuple(map(Classification, self._all("ApplicableSPSClassification")))

    @property
    def packages(self) -> tuple[Package, ...]:
        """The packages."""
        return tuple(map(Package, self._all("PhysicalSPSPackage")))

    @property
    def origin_countries(self) -> tuple[str, ...]:
        """Codes of the countries of origin."""
        found = (text_of(descend(country, f"{_RAM}ID")) for country in self._all("OriginSPSCountry"))
        return tuple(code for code in found if code)

    def _measure(self, name: str) -> Measure | None:
        element = self._element(name)
        value = _decimal(text_of(element))
        return None if element is None or value is None else Measure(value, str(element.get("unitCode", "")))


def _decimal(text: str) -> Decimal | None:
    """A finite decimal, or None: xs:decimal knows neither exponents nor NaN."""
    if not text or len(text) > _MAX_DIGITS or text.strip("+-.0123456789"):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
