"""The SPS certificate as a whole: a read-only view over a tree that somebody else owns.

Nothing is copied and nothing is read before it is asked for. A view never changes its tree; whoever changes the tree
behind its back changes what the view says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.documents.parts import Note, Party, Reference, Signatory, TradeLine
from gateway.documents.text import Moment, descend, moment_of, text_of
from gateway.xml.names import RAM21, SPS17

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

__all__ = ["PHYTOSANITARY_TYPES", "DocumentIdentity", "SpsCertificate"]

PHYTOSANITARY_TYPES: Final = frozenset({"851", "657"})
"""UN/EDIFACT 1001: phytosanitary certificate, phytosanitary re-export certificate (DIGEST 2.7)."""
REPLACES_RELATION: Final = "ACW"
"""UN/EDIFACT 1153, reference to a previous message: TRACES cites the replaced certificate so (DIGEST 5.2)."""

MAX_NUMBER: Final = 200
MAX_CODE: Final = 6
"""Characters of a number, and of a type or country: CertificateExchange cannot ask for what is longer."""

_RAM: Final = f"{{{RAM21}}}"
_DOCUMENT: Final = f"{{{SPS17}}}SPSExchangedDocument"
_CONSIGNMENT: Final = f"{{{SPS17}}}SPSConsignment"


@dataclass(frozen=True, slots=True, order=True)
class DocumentIdentity:
    """What makes a document the same document: status and content change, this does not (ARCHITECTURE section 4)."""

    issuer_country: str
    """ISO 3166-1 alpha-2, or XI."""
    type_code: str
    """UN/EDIFACT 1001."""
    number: str
    """The issuer's number, white space collapsed."""

    def __str__(self) -> str:
        return f"{self.issuer_country}/{self.type_code}/{self.number}"


@dataclass(frozen=True, slots=True)
class SpsCertificate:
    """A certificate, whatever the namespace of its root (sps17, or the wrappers of INTRA and DOCOM: DIGEST trap 5).

    Missing places read as an empty string, an empty tuple or None, so that rules can look at unfinished documents.
    """

    root: _Element
    """The root element, at best the tree of a ``VerifiedDocument``."""

    @property
    def identity(self) -> DocumentIdentity | None:
        """Issuer country, type and number; None when one is missing, or longer than any contract can name it."""
        country, type_code, number = self.issuer_country, self.type_code, self.number
        short = len(number) <= MAX_NUMBER and len(type_code) <= MAX_CODE and len(country or "") <= MAX_CODE
        return DocumentIdentity(country, type_code, number) if country and type_code and number and short else None

    @property
    def number(self) -> str:
        """The certificate number."""
        return text_of(self._in_document("ID"))

    @property
    def type_code(self) -> str:
        """UN/EDIFACT 1001: 851, 657, 853, 636 and so on."""
        return text_of(self._in_document("TypeCode"))

    @property
    def status_code(self) -> str:
        """UN/EDIFACT 4405: 70 issued, 40 withdrawn, 44 replaced."""
        return text_of(self._in_document("StatusCode"))

    @property
    def is_phytosanitary(self) -> bool:
        """Whether Article 39 routes for phytosanitary certificates apply (R-39-5)."""
        return self.type_code in PHYTOSANITARY_TYPES

    @property
    def issued(self) -> Moment | None:
        """The moment of issue, as the document says."""
        return moment_of(self._in_document("IssueDateTime"))

    @property
    def issuer(self) -> Party | None:
        """The issuing authority."""
        element = self._in_document("IssuerSPSParty")
        return None if element is None else Party(element)

    @property
    def issuer_country(self) -> str | None:
        """The issuer's country, else the country of export: ePhyto gives the issuer no address (DIGEST 2.6)."""
        return text_of(self._in_document("IssuerSPSParty", "SpecifiedSPSAddress", "CountryID")) or self.export_country

    @property
    def export_country(self) -> str | None:
        """Code of the country of export or dispatch."""
        return self._country("ExportSPSCountry")

    @property
    def import_country(self) -> str | None:
        """Code of the country of import; TRACES sends it empty at times (DIGEST 6)."""
        return self._country("ImportSPSCountry")

    @property
    def transit_countries(self) -> tuple[str, ...]:
        """Codes of the countries of transit, in order."""
        found = (text_of(descend(country, f"{_RAM}ID")) for country in self._all(_CONSIGNMENT, "TransitSPSCountry"))
        return tuple(code for code in found if code)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of the document; those of a line are with the line."""
        return tuple(Note(element) for element in self._all(_DOCUMENT, "IncludedSPSNote"))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The documents that this one refers to."""
        return tuple(Reference(element) for element in self._all(_DOCUMENT, "ReferenceSPSReferencedDocument"))

    @property
    def replaced_number(self) -> str | None:
        """The number of the certificate that this one replaces: relation ACW, else the ePhyto note ADRPN."""
        for reference in self.references:
            if reference.relation == REPLACES_RELATION and reference.number:
                return reference.number
        return next((note.text for note in self.notes if note.subject == "ADRPN" and note.text), None)

    @property
    def signatories(self) -> tuple[Signatory, ...]:
        """Who signed or decided, in order."""
        return tuple(Signatory(element) for element in self._all(_DOCUMENT, "SignatorySPSAuthentication"))

    @property
    def consignor(self) -> Party | None:
        """Who sends the goods."""
        return self._party("ConsignorSPSParty")

    @property
    def consignee(self) -> Party | None:
        """Who receives the goods."""
        return self._party("ConsigneeSPSParty")

    @property
    def lines(self) -> tuple[TradeLine, ...]:
        """Every line of every consignment item, the totals line of TRACES (number 0) included."""
        items = self._all(_CONSIGNMENT, "IncludedSPSConsignmentItem")
        return tuple(TradeLine(line) for item in items for line in item.iterchildren(f"{_RAM}IncludedSPSTradeLineItem"))

    def _in_document(self, *names: str) -> _Element | None:
        return descend(self.root, _DOCUMENT, *(_RAM + name for name in names))

    def _all(self, part: str, name: str) -> Iterator[_Element]:
        parent = descend(self.root, part)
        return iter(()) if parent is None else parent.iterchildren(_RAM + name)

    def _country(self, name: str) -> str | None:
        return text_of(descend(self.root, _CONSIGNMENT, _RAM + name, f"{_RAM}ID")) or None

    def _party(self, name: str) -> Party | None:
        element = descend(self.root, _CONSIGNMENT, _RAM + name)
        return None if element is None else Party(element)
