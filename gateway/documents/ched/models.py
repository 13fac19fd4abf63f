"""A CHED by its boxes (Regulation (EU) 2019/1715 Annex II, DIGEST 6): values, free of where they stand on the wire.

A missing box is an empty text, None or an empty tuple. Codes are the source's own: several codes can mean one box
(FREE_CIRCULATION and INTERNAL_MARKET are both I.23), and a view keeps the one that was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.documents.parts import Measure

__all__ = [
    "NO_CODE",
    "NO_COUNTRY",
    "AccompanyingDocument",
    "Address",
    "ChedClass",
    "ChedLine",
    "ChedLink",
    "ChedPackage",
    "ChedParty",
    "ChedType",
    "Coded",
    "Container",
    "ControlPost",
    "Country",
    "Decision",
    "Declaration",
    "FollowUp",
    "LaboratoryTests",
    "LineNote",
    "Part",
    "Purpose",
    "Redispatch",
    "Region",
    "Seal",
    "Transport",
    "TransportImpact",
]


class ChedType(StrEnum):
    """The four kinds (Article 40(1), R-40-1)."""

    A = "A"
    P = "P"
    PP = "PP"
    D = "D"


class Part(StrEnum):
    """The three parts, each with an owner of its own (R-5-2, R-40-3)."""

    I = "I"  # noqa: E741 - the number of the part
    II = "II"
    III = "III"


@dataclass(frozen=True, slots=True)
class Coded:
    """A code and the label that the source shows beside it; nothing is decided by a label."""

    code: str
    label: str = ""
    language: str = ""
    """Of the label, ISO 639-1; empty when the source names none."""
    list_id: str = ""
    """The source's name of the list, where it gives one."""

    def __bool__(self) -> bool:
        return bool(self.code)


NO_CODE = Coded("")


@dataclass(frozen=True, slots=True)
class Country:
    """ISO 3166-1 alpha-2, or XI."""

    code: str
    name: str = ""


NO_COUNTRY = Country("")


@dataclass(frozen=True, slots=True)
class Region(Country):
    """A country's zone, compartment or pest-free area (I.12)."""

    region: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a party is."""

    lines: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    country: str = ""
    country_name: str = ""
    subdivision: str = ""


@dataclass(frozen=True, slots=True)
class ChedParty:
    """A person or body; an operator often only by its identifier."""

    identifier: str = ""
    scheme: str = ""
    """``national_registry_number``, ``eori_number``, ``operator_activity_id``, ``operator_internal_activity_id``,
    ``authority_activity_id``."""
    name: str = ""
    role: str = ""
    """UN/EDIFACT 3035."""
    activities: tuple[Coded, ...] = ()
    address: Address = Address()
    person: str = ""
    approval: str = ""
    """Registration or approval number, where it stands apart from the identifier."""


@dataclass(frozen=True, slots=True)
class ControlPost:
    """A border control post, control point or control unit (I.4, I.5)."""

    identifier: str = ""
    scheme: str = ""
    """``un_locode`` or ``authority_activity_id``."""
    country: str = ""
    city: str = ""
    code: str = ""
    """I.5: the IMSOC code, such as XIBEL1."""
    name: str = ""
    address: str = ""
    locode: str = ""

    @property
    def imsoc_code(self) -> str:
        """I.5: the code where it stands apart, else the identifier when it is one (2019 submissions: ESMAD4)."""
        return self.code or (self.identifier if self.scheme == "authority_activity_id" else "")


@dataclass(frozen=True, slots=True)
class AccompanyingDocument:
    """I.9: another document, maybe with an attachment that is fetched by its id."""

    type: Coded
    relation: str
    """UN/EDIFACT 1153: ZZZ supporting, BM transport document, ACE customs."""
    number: str
    country: str = ""
    """Country of issue."""
    issued: str = ""
    """As written: a date or a dateTime."""
    information: str = ""
    attachment: str = ""
    """``uri:documentid:N`` or another address; empty without a file."""
    file_name: str = ""
    scheme: str = ""
    """Of the number: BEFORE_BCP, AFTER_BCP."""


@dataclass(frozen=True, slots=True)
class Transport:
    """A means of transport: I.13 before the border control post, I.27 after it."""

    mode: Coded
    """Recommendation 19: 1 sea, 2 rail, 3 road, 4 air."""
    identification: str = ""
    scheme: str = ""
    """Such as ``road_vehicle_registration_before_bcp``."""
    country: str = ""
    """Of registration."""
    country_name: str = ""
    name: str = ""
    """Of a vessel or ferry."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal on a container or trailer."""

    number: str
    official: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """I.17."""

    number: str = ""
    seals: tuple[Seal, ...] = ()


@dataclass(frozen=True, slots=True)
class Purpose:
    """One ticked box of I.20 to I.26, with what belongs to it."""

    code: Coded
    box: str = ""
    """``I.20`` to ``I.26``; empty for a purpose that is no box of 2019/1715 (private import, re-conformity check)."""
    country: str = ""
    """I.20, I.22: the third country."""
    post: ControlPost | None = None
    """I.20: the next post or control point; I.22, I.26: the exit border control post."""
    facility: ChedParty | None = None
    """I.21: the onward transportation facility; I.24: the warehouse, free zone or ship."""
    place: Coded = NO_CODE
    """I.24: which of them."""
    exit_date: str = ""
    """I.26, ISO 8601."""


@dataclass(frozen=True, slots=True)
class LineNote:
    """A note of a line: an individual identification, a passport number, a yes or no."""

    subject: Coded
    code: Coded = NO_CODE
    text: str = ""


@dataclass(frozen=True, slots=True)
class ChedClass:
    """A class of goods: CN, EPPT, PRODUCT_TYPE, IDENTIFICATION_SYSTEM, INVASIVE_ALLOWED."""

    system: str
    code: str = ""
    names: tuple[tuple[str, str], ...] = ()
    """(language, name), one for each level of the hierarchy."""
    system_name: str = ""


@dataclass(frozen=True, slots=True)
class ChedPackage:
    """Packages of one kind."""

    type: Coded
    count: str = ""
    """As written, a decimal."""
    level: Coded = NO_CODE


@dataclass(frozen=True, slots=True)
class ChedLine:
    """One line of I.31; line 0 holds the totals I.32 to I.34."""

    number: int | None
    descriptions: tuple[str, ...] = ()
    scientific_name: str = ""
    scientific_language: str = ""
    net_weight: Measure | None = None
    gross_weight: Measure | None = None
    net_volume: Measure | None = None
    """Animals, pieces, straws: unit H87."""
    gross_volume: Measure | None = None
    notes: tuple[LineNote, ...] = ()
    classes: tuple[ChedClass, ...] = ()
    packages: tuple[ChedPackage, ...] = ()
    origins: tuple[Country, ...] = ()
    """I.11."""
    batch: str = ""

    @property
    def commodity(self) -> str:
        """The CN or TARIC code; empty when there is none."""
        return next((each.code for each in self.classes if each.system == "CN"), "")


@dataclass(frozen=True, slots=True)
class Declaration:
    """I.35: who declares, and when."""

    party: ChedParty | None = None
    signed: str = ""
    email: str = ""
    clauses: tuple[tuple[str, Coded], ...] = ()
    """Further clauses, by id: those that are no box."""


@dataclass(frozen=True, slots=True)
class ChedLink:
    """Another CHED that this one refers to."""

    reference: str
    relation: str
    """UN/EDIFACT 1153: ACW replaces, AXG split from (with type 76), and our own places for II.24 and III.3."""


@dataclass(frozen=True, slots=True)
class LaboratoryTests:
    """II.6."""

    done: bool | None = None
    motivation: Coded = NO_CODE
    result: Coded = NO_CODE
    """SATISFACTORY, NOT_SATISFACTORY, PENDING."""
    counts: tuple[tuple[str, str], ...] = ()
    """(TOTAL | SATISFACTORY | NOT_SATISFACTORY | PENDING, number of commodities)."""


@dataclass(frozen=True, slots=True)
class TransportImpact:
    """II.8: numbers, each exact or estimated."""

    dead: str = ""
    unfit: str = ""
    births_or_abortions: str = ""
    accuracy: Coded = NO_CODE
    """ACCURATE or ESTIMATE."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Part II as the border control post or control point filled it."""

    conclusion: tuple[Coded, ...] = ()
    """II.9 to II.16: one; more is a finding."""
    documentary_check: Coded = NO_CODE
    documentary_result: Coded = NO_CODE
    """II.3."""
    documentary_result_national: Coded = NO_CODE
    identity_check: Coded = NO_CODE
    """II.4: YES, NO."""
    identity_check_type: Coded = NO_CODE
    identity_result: Coded = NO_CODE
    physical_check: Coded = NO_CODE
    """II.5: YES, NO."""
    physical_result: Coded = NO_CODE
    physical_no_reason: Coded = NO_CODE
    """REDUCED or OTHER."""
    laboratory: LaboratoryTests = LaboratoryTests()
    welfare: Coded = NO_CODE
    """II.7."""
    impact: TransportImpact = TransportImpact()
    """II.8."""
    special_condition: Coded = NO_CODE
    """II.12 to II.14: use, destination type, warehouse."""
    measures: tuple[Coded, ...] = ()
    """II.16."""
    measures_due: str = ""
    """II.16: by which date, ISO 8601."""
    refusal_reasons: tuple[Coded, ...] = ()
    """II.17."""
    controlled_destination: ChedParty | None = None
    """II.18."""
    reseals: tuple[Seal, ...] = ()
    """II.19."""
    post: ControlPost | None = None
    """II.20: by whom; I.4 where it is not said again."""
    officer: ChedParty | None = None
    """II.21."""
    signed: str = ""
    """II.21: when the decision was signed."""
    email: str = ""
    fees: str = ""
    """II.22."""
    signed_document_type: Coded = NO_CODE
    clauses: tuple[tuple[str, Coded], ...] = ()
    """Further clauses, by id."""

    @property
    def decided(self) -> bool:
        """Whether a conclusion stands."""
        return any(self.conclusion)


@dataclass(frozen=True, slots=True)
class Redispatch:
    """III.4."""

    transport: Transport | None = None
    country: str = ""
    post: ControlPost | None = None
    date: str = ""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Part III: what the exit post, the post of final destination or the local authority found."""

    redispatch: Redispatch | None = None
    authority: ChedParty | None = None
    """III.5."""
    role: Coded = NO_CODE
    """III.5: exit post, post of final destination, control unit."""
    arrived: Coded = NO_CODE
    """III.5 for PP and D: YES, NO."""
    conform: Coded = NO_CODE
    outcome: Coded = NO_CODE
    reasons: tuple[Coded, ...] = field(default=())
    text: str = ""
    officer: ChedParty | None = None
    """III.6."""
    signed: str = ""
    """III.6: when."""
    clauses: tuple[tuple[str, Coded], ...] = ()
    """Further clauses, by id."""
