"""Reading the small parts of a CHED: parties, places, codes, notes, references.

Each function takes one element and looks at its children once. Where UN/CEFACT has one child and a stranger sends two,
the first that says something counts. An element that says nothing reads as None where the value may be None.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from gateway.documents.ched import places as at
from gateway.documents.ched.models import (
    NO_CODE,
    AccompanyingDocument,
    Address,
    ChedParty,
    Coded,
    Container,
    ControlPost,
    Country,
    LineNote,
    Region,
    Seal,
    Transport,
)
from gateway.documents.ched.places import RAM
from gateway.documents.parts import Measure
from gateway.xml.decimals import is_decimal

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "attribute",
    "read_code",
    "read_container",
    "read_countries",
    "read_country",
    "read_measure",
    "read_moment",
    "read_note",
    "read_party",
    "read_post",
    "read_post_party",
    "read_reference",
    "read_transport",
    "text",
]

ID: Final = f"{RAM}ID"
NAME: Final = f"{RAM}Name"
TYPE: Final = f"{RAM}TypeCode"
_ADDRESS: Final = f"{RAM}SpecifiedSPSAddress"
_PERSON: Final = f"{RAM}SpecifiedSPSPerson"
_LINES: Final = tuple(f"{RAM}{name}" for name in ("LineOne", "LineTwo", "LineThree", "LineFour", "LineFive"))
NOWHERE: Final = Address()
_NOBODY: Final = ChedParty()
_IN_PARTY: Final = {ID: "identifier", NAME: "name", f"{RAM}RoleCode": "role", _PERSON: "person"}
_IN_ADDRESS: Final = {
    f"{RAM}PostcodeCode": "postcode",
    f"{RAM}CityName": "city",
    f"{RAM}CountryID": "country",
    f"{RAM}CountryName": "country_name",
    f"{RAM}CountrySubDivisionName": "subdivision",
}
_SUBDIVISION: Final = f"{RAM}SubordinateSPSCountrySubDivision"
_MODE: Final = f"{RAM}ModeCode"
_MEANS: Final = f"{RAM}UsedSPSTransportMeans"
_SEAL: Final = f"{RAM}AffixedSPSSeal"
_SEAL_PARTY: Final = f"{RAM}IssuingSPSParty"
_ISSUED: Final = f"{RAM}IssueDateTime"
_RELATION: Final = f"{RAM}RelationshipTypeCode"
_FILE: Final = f"{RAM}AttachmentBinaryObject"
_INFORMATION: Final = f"{RAM}Information"
_SUBJECT: Final = f"{RAM}Subject"
_SUBJECT_CODE: Final = f"{RAM}SubjectCode"
_CONTENT: Final = f"{RAM}Content"
_CONTENT_CODE: Final = f"{RAM}ContentCode"
_NAMELESS: Final = frozenset({at.NAMELESS_BEFORE, at.NAMELESS_AFTER, at.NAMELESS_REDISPATCH})
_MAX_DIGITS: Final = 40


def text(element: _Element) -> str:
    """The character content of an element with white space collapsed, past comments too (see documents.text_of)."""
    found = element.text
    if len(element):
        found = (found or "") + "".join(child.tail or "" for child in element)
    if not found:
        return ""
    if found.isprintable() and found[0] != " " and found[-1] != " " and "  " not in found:
        return found  # as most texts are, and seen sooner than words are split and joined
    return " ".join(found.split())


def first_text(element: _Element, tag: str) -> str:
    """The text of the first child of that name that has one."""
    for child in element.iterchildren(tag):
        if found := text(child):
            return found
    return ""


def attribute(element: _Element, name: str) -> str:
    """An attribute, white space collapsed; empty when it is not there."""
    found = element.get(name)
    return " ".join(found.split()) if found else ""


def read_code(element: _Element) -> Coded:
    """A code with the label (@name) and the list (@listID) beside it."""
    return Coded(text(element), element.get("name", ""), "", element.get("listID", ""))


def read_moment(element: _Element) -> str:
    """The moment in an element of UN type DateTimeType, or bare text; as written, empty when there is none."""
    inner = next(element.iterchildren("*"), None)
    return text(element if inner is None else inner)


def read_measure(element: _Element) -> Measure | None:
    """A number with its unit; None when it is no decimal number of at most 40 characters."""
    found = text(element)
    if not found or len(found) > _MAX_DIGITS or not is_decimal(found):
        return None
    try:
        return Measure(Decimal(found), element.get("unitCode", ""))
    except InvalidOperation:
        return None


def read_country(element: _Element) -> Country:
    """Code and name of a country, without what is below it."""
    code = name = ""
    for child in element:
        tag = child.tag
        if tag == ID:
            code = code or text(child)
        elif tag == NAME:
            name = name or text(child)
    return Country(code, name)


def read_countries(element: _Element) -> list[Country]:
    """A country of origin (I.11): once for each of its regions (I.12), once without region when it names none."""
    code = name = ""
    regions: list[str] = []
    for child in element:
        tag = child.tag
        if tag == ID:
            code = code or text(child)
        elif tag == NAME:
            name = name or text(child)
        elif tag == _SUBDIVISION and (region := first_text(child, ID)):
            regions.append(region)
    return [Region(code, name, region) for region in regions] if regions else [Country(code, name)]


def read_party(element: _Element) -> ChedParty | None:
    """A party; None when every field of it is empty, as the signatory of most samples is."""
    found: dict[str, str] = {}
    activities: list[Coded] = []
    address = NOWHERE
    for child in element:
        tag = child.tag
        if tag == TYPE:
            code = read_code(child)
            if code.list_id == at.LIST_APPROVAL:
                found.setdefault("approval", code.code)
            elif code.code:
                activities.append(code)
        elif tag == _ADDRESS:
            address = _read_address(child) if address is NOWHERE else address
        elif tag in _IN_PARTY and (value := first_text(child, NAME) if tag == _PERSON else text(child)):
            found.setdefault(_IN_PARTY[tag], value)
            if tag == ID and found["identifier"] == value:
                found.setdefault("scheme", attribute(child, "schemeID"))
    party = ChedParty(activities=tuple(activities), address=address, **found)
    return None if party == _NOBODY else party


def _read_address(element: _Element) -> Address:
    lines: list[str] = []
    found: dict[str, str] = {}
    for child in element:
        tag = child.tag
        if tag in _IN_ADDRESS:
            if value := text(child):
                found.setdefault(_IN_ADDRESS[tag], value)
        elif tag in _LINES and (value := text(child)):
            lines.append(value)
    return Address(tuple(lines), **found) if lines or found else NOWHERE


def read_post(element: _Element) -> ControlPost | None:
    """A border control post or control point as a location: an ID and six names that only their order tells apart."""
    identifier = scheme = ""
    names: list[str] = []
    for child in element:
        tag = child.tag
        if tag == ID:
            if not identifier:
                identifier, scheme = text(child), attribute(child, "schemeID")
        elif tag == NAME:
            names.append(text(child))
    if not identifier and not any(names):
        return None
    country, city, code, name, address, locode = (*names, "", "", "", "", "", "")[:6]
    return ControlPost(identifier, scheme if identifier else "", country, city, code, name, address, locode)


def read_post_party(element: _Element) -> ControlPost | None:
    """A border control post or control point as a party (our form of the posts of I.20, I.22, I.26 and III.4)."""
    party = read_party(element)
    if party is None:
        return None
    code = next((each.code for each in party.activities if each.list_id == at.LIST_POST_CODE), "")
    address = party.address
    locode = ""
    for part in element.iterchildren(_ADDRESS):
        locode = locode or first_text(part, f"{RAM}CityID")
    post = ControlPost(
        party.identifier,
        party.scheme,
        address.country,
        address.city,
        code,
        party.name,
        " ".join(address.lines),
        locode,
    )
    return None if post == ControlPost() else post


def read_transport(element: _Element) -> Transport:
    """A means of transport."""
    identification = scheme = country = country_name = name = ""
    mode = NO_CODE
    for child in element:
        tag = child.tag
        if tag == ID:
            if not scheme and not identification:
                identification, scheme = text(child), attribute(child, "schemeID")
                country, country_name = attribute(child, "schemeAgencyID"), attribute(child, "schemeAgencyName")
        elif tag == _MODE:
            mode = mode or read_code(child)
        elif tag == _MEANS:
            name = name or first_text(child, NAME)
    return Transport(mode, identification, "" if scheme in _NAMELESS else scheme, country, country_name, name)


def transport_scheme(element: _Element) -> str:
    """The scheme that says before or after which post a means of transport is used; as written."""
    return next((attribute(child, "schemeID") for child in element.iterchildren(ID)), "")


def read_container(element: _Element) -> Container:
    """A container and its seals; a seal that an authority issued is an official one."""
    number = ""
    seals: list[Seal] = []
    for child in element:
        tag = child.tag
        if tag == ID:
            number = number or text(child)
        elif tag == _SEAL:
            seals.append(_read_seal(child))
    return Container(number, tuple(seals))


def _read_seal(element: _Element) -> Seal:
    number = first_text(element, ID)
    official = any(
        text(code) == at.AUTHORITY for party in element.iterchildren(_SEAL_PARTY) for code in party.iterchildren(TYPE)
    )
    return Seal(number, official)


def read_reference(element: _Element) -> AccompanyingDocument:
    """Another document that the CHED names."""
    kind = NO_CODE
    relation = number = country = issued = information = attachment = file_name = scheme = ""
    for child in element:
        tag = child.tag
        if tag == TYPE:
            kind = kind or read_code(child)
        elif tag == _RELATION:
            relation = relation or text(child)
        elif tag == ID:
            if not number:
                number = text(child)
                country, scheme = attribute(child, "schemeAgencyID"), attribute(child, "schemeID")
        elif tag == _ISSUED:
            issued = issued or read_moment(child)
        elif tag == _INFORMATION:
            information = information or text(child)
        elif tag == _FILE and not attachment and not file_name:
            attachment, file_name = attribute(child, "uri"), attribute(child, "filename")
    return AccompanyingDocument(kind, relation, number, country, issued, information, attachment, file_name, scheme)


def read_note(element: _Element) -> LineNote:
    """A note: TRACES names it by SubjectCode, ePhyto by Subject."""
    subject = code = NO_CODE
    words = ""
    for child in element:
        tag = child.tag
        if tag == _SUBJECT_CODE:
            subject = subject or read_code(child)
        elif tag == _CONTENT_CODE:
            code = code or read_code(child)
        elif tag == _CONTENT:
            words = words or text(child)
        elif tag == _SUBJECT and not subject:
            subject = Coded(text(child))
    return LineNote(subject, code, words)
