"""What is found of a CHED while its elements are read, one after the other, and where each of them goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.documents.ched import places as at
from gateway.documents.ched.document import Ched
from gateway.documents.ched.leaves import (
    ID,
    NAME,
    TYPE,
    attribute,
    read_container,
    read_country,
    read_note,
    read_party,
    read_post_party,
    read_reference,
    read_transport,
    text,
    transport_scheme,
)
from gateway.documents.ched.lines import read_line
from gateway.documents.ched.models import ChedLink, ChedParty, ChedType, Coded, ControlPost, Purpose
from gateway.documents.ched.places import RAM
from gateway.documents.ched.signatures import read_decision, read_declaration, read_follow_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lxml.etree import _Element

__all__ = ["Reading"]

_LINE: Final = f"{RAM}IncludedSPSTradeLineItem"
_SUBDIVISION: Final = f"{RAM}SubordinateSPSCountrySubDivision"
_AUTHORISED: Final = f"{RAM}ActivityAuthorizedSPSParty"
_LOCATION: Final = f"{RAM}OccurrenceSPSLocation"
_POSTS: Final = frozenset({at.ENTRY_POST, at.EXIT_POST})
_CHEDS: Final = frozenset({at.HEALTH_CERTIFICATE, at.SPLIT})
_TYPES: Final = {f"CHED{kind}": kind for kind in ChedType}


class Reading:
    """The boxes that were found so far, and the elements that repeat what may be there once."""

    __slots__ = ("_decision", "_follow_up", "_places", "_signed", "_values", "repeated")

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._decision: dict[str, Any] = {}
        self._follow_up: dict[str, Any] = {}
        self._places: dict[str, dict[str, Any]] = {}
        self._signed: set[str] = set()
        self.repeated: list[_Element] = []

    def read(self, children: Iterable[_Element], handlers: Mapping[Any, Callable[[Reading, _Element], None]]) -> None:
        """Reads elements that are children of one parent."""
        for child in children:
            handler = handlers.get(child.tag)
            if handler is not None:
                handler(self, child)

    def finish(self, source: _Element | None) -> Ched:
        """The CHED of everything read."""
        values = self._values
        if self._decision:
            values["decision"] = read_decision(self._decision)
        if self._follow_up:
            values["follow_up"] = read_follow_up(self._follow_up)
        if self._places or "purposes" in values:
            values["purposes"] = _purposes(values.get("purposes", []), self._places)
        if "type" not in values and (reference := values.get("reference")):
            kind = _TYPES.get(reference.partition(".")[0])
            if kind is not None:
                values["type"] = kind
        fields: dict[str, Any] = {
            name: tuple(value) if type(value) is list else value for name, value in values.items()
        }
        fields.setdefault("type_code", "")
        return Ched(source=source, **fields)

    def once(self, name: str, value: object, element: _Element) -> bool:
        """Keeps a value that may be there once; False when it says nothing or is the second."""
        if not value:
            return False
        if name in self._values:
            self.repeated.append(element)
            return False
        self._values[name] = value
        return True

    def add(self, name: str, value: object) -> None:
        """Keeps one of several values."""
        self._values.setdefault(name, []).append(value)

    def part_two(self, name: str, value: object, element: _Element) -> None:
        """Keeps a value of the decision that may be there once."""
        _once(self._decision, name, value, element, self.repeated)

    def part_three(self, name: str, value: object, element: _Element) -> None:
        """Keeps a value of the follow-up that may be there once."""
        _once(self._follow_up, name, value, element, self.repeated)

    def name(self, element: _Element) -> None:
        """Title; the second of several languages stays in the tree."""
        if self.once("title", text(element), element) and (language := attribute(element, "languageID")):
            self._values["language"] = language

    def note(self, element: _Element) -> None:
        """One note of the document."""
        note = read_note(element)
        subject, code, words = note.subject.code, note.code, note.text
        values = self._values
        found: tuple[str, object] | None = None
        if subject == at.NOTE_TYPE:
            found = "type", ChedType.__members__.get(code.code)
        elif subject in _NOTE_CODES:
            found = _NOTE_CODES[subject], code
        elif subject in _NOTE_TEXTS:
            found = _NOTE_TEXTS[subject], words
        elif subject in _NOTE_LISTS and code:
            self._decision.setdefault(_NOTE_LISTS[subject], []).append(code)
            return
        elif subject in _NOTE_CONDITIONS and code and "special_condition" not in self._decision:
            self._decision["special_condition"] = code
            return
        elif subject.startswith(at.NOTE_TESTS):
            self._decision.setdefault("counts", []).append((subject[len(at.NOTE_TESTS) :], words))
            return
        if found is None or not found[1] or found[0] in values:
            self.add("notes", note)
        else:
            values[found[0]] = found[1]

    def reference(self, element: _Element) -> None:
        """One document that the CHED names: itself, another CHED, a customs document, or I.9."""
        other = read_reference(element)
        relation, kind, number = other.relation, other.type.code, other.number
        if relation == at.RELATION_SELF and kind == at.HEALTH_CERTIFICATE:
            self.once("url", other.attachment, element)
        elif relation == at.RELATION_LOCAL and number and "local_reference" not in self._values:
            self._values["local_reference"] = number
        elif relation in {at.RELATION_REPLACES, at.RELATION_SPLIT} and number:
            self.add("previous", ChedLink(number, relation))
        elif relation == at.RELATION_RELATED and number and kind in _CHEDS:
            self.add("subsequent", ChedLink(number, relation))
        elif relation == at.RELATION_RELATED:
            self.add("customs_documents", other)
        else:
            self.add("documents", other)

    def signature(self, element: _Element) -> None:
        """One of the three signatures; any other stays in the tree."""
        action = next((found for child in element.iterchildren(TYPE) if (found := text(child))), "")
        if action in self._signed:
            self.repeated.append(element)
        elif action == at.SIGNED_PART_I:
            self._signed.add(action)
            read_declaration(element, self._values)
        elif action == at.SIGNED_PART_II:
            self._signed.add(action)
            self._decision["signature"] = element
        elif action == at.SIGNED_PART_III:
            self._signed.add(action)
            self._follow_up["signature"] = element

    def examination(self, element: _Element) -> None:
        """I.4: place and time of inspection."""
        for location in element.iterchildren(_LOCATION):
            for child in location:
                if child.tag == ID and child.get("schemeID") == at.SCHEME_MOMENT:
                    self.once("inspection_time", text(child), element)
                elif child.tag == NAME:
                    self.once("inspection_place", text(child), element)

    def transit(self, element: _Element) -> None:
        """The places that our sub-divisions mark: of a purpose, II.18 and III.4."""
        country = read_country(element).code
        for division in element.iterchildren(_SUBDIVISION):
            for marker in division.iterchildren(ID):
                scheme, value = marker.get("schemeID"), text(marker)
                if scheme == at.SCHEME_PURPOSE and value:
                    self._place(self._places.setdefault(value, {}), country, division)
                elif scheme == at.SCHEME_BOX and value == at.BOX_CONTROLLED:
                    self.part_two("controlled_destination", _facility(division), element)
                elif scheme == at.SCHEME_BOX and value == at.BOX_REDISPATCH:
                    self.part_three("country", country, element)
                    self.part_three("post", _post(division), element)

    @staticmethod
    def _place(place: dict[str, Any], country: str, division: _Element) -> None:
        if country:
            place.setdefault("country", country)
        post, facility = _post(division), _facility(division)
        if post is not None:
            place.setdefault("post", post)
        if facility is not None:
            place.setdefault("facility", facility)

    def transport(self, element: _Element) -> None:
        """I.13, I.27 or III.4, by the scheme of the identification."""
        scheme = transport_scheme(element)
        transport = read_transport(element)
        if scheme.endswith(at.AFTER):
            self.add("transports_after", transport)
        elif scheme.endswith(at.REDISPATCH):
            self.part_three("transport", transport, element)
        else:
            self.add("transports_before", transport)

    def equipment(self, element: _Element) -> None:
        """I.17, or the seals of II.19."""
        container = read_container(element)
        if next((child.get("schemeID") for child in element.iterchildren(ID)), "") == at.SCHEME_RESEALED:
            self._decision.setdefault("reseals", []).extend(container.seals)
        else:
            self.add("containers", container)

    def item(self, element: _Element) -> None:
        """One consignment item: its lines."""
        for child in element.iterchildren(_LINE):
            self.line(child)

    def line(self, element: _Element) -> None:
        """One line; number 0 is the totals line, once."""
        line = read_line(element)
        if line.number == 0 and "totals" not in self._values:
            self._values["totals"] = line
        else:
            self.add("lines", line)


def _once(values: dict[str, Any], name: str, value: object, element: _Element, repeated: list[_Element]) -> None:
    if value and name in values:
        repeated.append(element)
    elif value:
        values[name] = value


def _facility(division: _Element) -> ChedParty | None:
    if not _is_post(division):
        for party in division.iterchildren(_AUTHORISED):
            return read_party(party)
    return None


def _post(division: _Element) -> ControlPost | None:
    if _is_post(division):
        for party in division.iterchildren(_AUTHORISED):
            return read_post_party(party)
    return None


def _is_post(division: _Element) -> bool:
    return any(text(code) in _POSTS for code in division.iterchildren(f"{RAM}FunctionTypeCode"))


def _purposes(found: list[dict[str, Any]], places: dict[str, dict[str, Any]]) -> list[Purpose]:
    """The purposes with their places, which name a purpose by its code.

    The places of one purpose belong to the only purpose even under another code: a translation changes clauses and
    leaves places alone. Places of a purpose that no clause names make one, so that they are not lost.
    """
    left = dict(places)
    placed = [{**purpose, **left.pop(purpose["code"].code, {})} for purpose in found]
    if len(placed) == 1 and len(left) == len(places) == 1:
        placed[0].update(*left.values())
        left = {}
    placed += [{"code": Coded(code), "box": at.purpose_box(code), **place} for code, place in left.items()]
    return [Purpose(**purpose) for purpose in placed]


_NOTE_CODES: Final = {
    at.NOTE_ALTERNATIVE: "alternative_destination",
    at.NOTE_TEMPERATURE: "transport_conditions",
    at.NOTE_TRANSPORT_CONDITIONS: "transport_conditions",
    at.NOTE_JOURNEY_LOG: "journey_log",
}
_NOTE_TEXTS: Final = {
    at.NOTE_UPDATED: "updated",
    at.NOTE_DEPARTURE: "departure_from_post",
    at.NOTE_CONTINGENCY: "contingency",
}
_NOTE_LISTS: Final = {at.NOTE_MEASURE: "measures", at.NOTE_REASON: "refusal_reasons"}
_NOTE_CONDITIONS: Final = frozenset({at.NOTE_MARKET, at.NOTE_MONITORING, at.NOTE_NON_CONFORMING})
