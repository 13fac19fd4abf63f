"""One pass over one document: from one system's codes and form to another's, in place, in one walk.

The walk also brings the document into normal form, because real documents are looser than their schema (DIGEST 2.6):
UN/CEFACT order, no indentation, no empty optional elements, no word NULL, nothing that UN/CEFACT does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from lxml import etree

from gateway.errors import TranslationRefused
from gateway.xml.names import RAM21, UDT21, qn, readable
from mappings.bindings import bindings, structure_rules, structure_version
from mappings.document_types import is_ched
from mappings.models import translated
from mappings.shape import ROOT_TYPE, children, reorder, shapes

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.index import Index
    from mappings.lookups import Entry, Lookup
    from mappings.mappers.lines import Sums
    from mappings.models import Loss, TranslatedPlace

MAX_CODE: Final = 64
"""Characters: longer text is prose or a file, and is not looked at closely."""

_BARE_DATE: Final = re.compile(r"ReferencedDocument(\[\d+\])?/ram:IssueDateTime$")
"""The date of a document that a CHED refers to is bare text in TRACES (DIGEST 6); the CHED's own one never is."""

_MAYBE_NOTHING: Final = frozenset(" \t\r\nN")
"""First characters of texts that may be blank or the word NULL."""


class Mapper(Protocol):
    """One difference of form, for one UN/CEFACT type, one way: False takes the element out of the document."""

    def __call__(self, element: _Element, run: Pass, path: str, /) -> bool:
        """Change the element in place."""


@dataclass(slots=True)
class Place:
    """One slot of a type with everything that a pass does there."""

    tag: str
    name: str
    """Readable, for paths."""
    rank: int
    required: bool
    counted: bool
    """May repeat, so that a path gives its position."""
    code_list: str = ""
    attribute: str = ""
    attribute_list: str = ""
    plan: TypePlan | None = None
    mapper: Mapper | None = None
    """For a leaf; the mapper of a type with children stands in its plan."""
    plain: bool = False
    """A leaf whose content is carried as it is."""


@dataclass(slots=True)
class TypePlan:
    """What a pass does inside one complex type."""

    type: str
    places: dict[str, Place] = field(default_factory=dict)
    mapper: Mapper | None = None


@cache
def plan_for(source: str, target: str) -> TypePlan:
    """The compiled bindings and mappers of one direction; source and target equal: normal form alone."""
    from mappings.mappers import mappers_for  # noqa: PLC0415  # the mappers use this module's types

    mappers = mappers_for(source, target)
    plans = {name: TypePlan(name, mapper=mappers.get(name)) for name in shapes()}
    for name, slots in shapes().items():
        for tag, slot in slots.items():
            place = Place(tag, readable(tag), slot.rank, slot.required, slot.repeatable, plan=plans.get(slot.type))
            if place.plan is None:
                place.mapper = mappers.get(slot.type)
            if source != target:
                _bind(place, name, slot.type)
            place.plain = not (place.plan or place.mapper or place.code_list or place.attribute)
            plans[name].places[tag] = place
    return plans[ROOT_TYPE]


def _bind(place: Place, parent_type: str, own_type: str) -> None:
    for binding in bindings().places:
        if binding.element and binding.type == parent_type and place.tag == qn(RAM21, binding.element):
            place.code_list = binding.list
        elif binding.attribute and binding.type == own_type:
            place.attribute, place.attribute_list = binding.attribute, binding.list


def _positions(siblings: list[_Element]) -> dict[_Element, int]:
    """The position of each among those of its name, from 1."""
    counts: dict[str, int] = {}
    positions: dict[_Element, int] = {}
    for each in siblings:
        tag = str(each.tag)
        positions[each] = counts[tag] = counts.get(tag, 0) + 1
    return positions


@cache
def _forms() -> dict[str, tuple[str, str, Loss]]:
    """Row, version and loss of each rule of ``structure.csv``."""
    return {name: (rule.row_id, structure_version(), rule.loss) for name, rule in structure_rules().items()}


class Pass:
    """The state of one pass: the rows in use, the report so far."""

    def __init__(self, index: Index, source: str, target: str, partner: str, context: str) -> None:
        self.index = index
        self.source = source
        self.target = target
        self.partner = partner
        self.context = context
        self.ched = is_ched(context)
        """Whether the document is a CHED, whatever its own system calls that type."""
        self.places: list[TranslatedPlace] = []
        self.versions: dict[str, str] = {"structure": structure_version()}
        self.sums: Sums | None = None
        """What the lines passed so far add up to, for the mapper of the consignment."""
        self._lookups: dict[str, Lookup] = {}
        self._tables: dict[str, Lookup | None] = {}
        self._back: dict[str, Lookup] = {}
        self._answers: dict[str, dict[str, Entry]] = {}
        self._forms = _forms()

    # What mappers call.

    def lookup(self, name: str) -> Lookup:
        """The rows of one list for this direction."""
        found = self._lookups.get(name)
        if found is None:
            found = self._lookups[name] = self.index.lookup(self.source, self.target, name, self.partner)
            self.versions[found.table] = found.version
        return found

    def table(self, name: str) -> Lookup | None:
        """The rows of a list that systems need not have a table for."""
        if name not in self._tables:
            try:
                self._tables[name] = self.lookup(name)
            except TranslationRefused:
                self._tables[name] = None
        return self._tables[name]

    def comes_back(self, name: str, code: str) -> str:
        """What the way back makes of a code of the target, empty where it refuses it."""
        way = self._back.get(name)
        if way is None:
            way = self._back[name] = self.index.lookup(self.target, self.source, name, self.partner)
        entry = way.get(code, self.context)
        return (entry.target or "") if entry is not None else ""

    def code(self, name: str, code: str, path: str) -> str | None:
        """Translate one code and report it; None leaves the place out.

        Raises:
            TranslationRefused: no row answers (R-37-2).
        """
        answers = self._answers.get(name)
        if answers is None:
            answers = self._answers[name] = self.lookup(name).under(self.context)
        entry = answers.get(code) or self.lookup(name).find(code, self.context, where=path)
        self.places.append(translated(path, name, code, entry.said))
        return entry.target

    def known(self, name: str, code: str) -> Entry | None:
        """The answer for one code, None where there is none; nothing is reported."""
        answers = self._answers.get(name)
        if answers is None:
            answers = self._answers[name] = self.lookup(name).under(self.context)
        return answers.get(code) or self.lookup(name).get(code, self.context)

    def report_code(self, name: str, code: str, entry: Entry, path: str) -> None:
        """Report an answer that a mapper looked up by itself."""
        self.places.append(translated(path, name, code, entry.said))

    def report_form(self, rule: str, path: str, found: str = "", becomes: str = "") -> None:
        """Report a change of form under a rule of ``structure.csv``."""
        self.places.append(translated(path, "structure", found, (becomes, *self._forms[rule])))

    def label(self, name: str, code: str) -> str:
        """The label that TRACES shows for a canonical code, empty when the list does not know it."""
        known = self.index.labels[name].get(code)
        return known.name if known else ""

    # The walk.

    def walk(self, element: _Element, plan: TypePlan, path: str) -> bool:  # noqa: C901, PLR0912 - the hot loop: a call per element would cost a third
        """Normalise and translate one element and everything below it; False: take it out."""
        if element.text is not None:
            self._loose_text(element, plan, path)
        places = plan.places
        last, in_order = -1, True
        counts: dict[str, int] = {}
        positions: dict[_Element, int] = {}
        """Made once, when a plain element is looked at closely: those before it were not counted."""
        # Held to the end: the mapper then meets the same Python objects, which lxml would have to make anew.
        inner = children(element)
        for child in inner:
            place = places.get(child.tag) or self._stranger(child, plan, path)
            if place is None:
                element.remove(child)
                continue
            if child.tail is not None:
                child.tail = None
            if place.plain and (text := child.text) and text[0] not in _MAYBE_NOTHING:
                keep = True
            else:
                if place.plain:
                    positions = positions or _positions(inner)
                    count = positions[child]
                else:
                    count = counts[place.tag] = counts.get(place.tag, 0) + 1
                here = f"{path}/{place.name}[{count}]" if place.counted or count > 1 else f"{path}/{place.name}"
                if place.plan is None:
                    keep = self._leaf(child, place, here)
                else:
                    keep = self.walk(child, place.plan, here)
                    if keep and not len(child) and not place.required and not child.attrib and not child.text:
                        self.report_form("empty", here)
                        keep = False
            if not keep:
                element.remove(child)
            elif place.rank < last:
                in_order = False
            else:
                last = place.rank
        if not in_order:
            reorder(element, plan.type)
            self.report_form("order", path)
        return plan.mapper is None or plan.mapper(element, self, path)

    def _leaf(self, leaf: _Element, place: Place, path: str) -> bool:
        text = leaf.text or ""
        code = text.strip() if len(text) <= MAX_CODE else text
        if code == "NULL":
            self.report_form("null", path, "NULL")
            code, leaf.text = "", None
        if not code and not place.required and not leaf.attrib:
            self.report_form("empty", path)
            return False
        if code and place.code_list:
            becomes = self.code(place.code_list, code, path)
            if becomes is None:
                if place.required:
                    raise TranslationRefused("IMG-6006", where=path, found=code)
                return False
            if becomes != text:
                leaf.text = becomes
        if place.attribute:
            self._attribute(leaf, place, path)
        return place.mapper is None or place.mapper(leaf, self, path)

    def _attribute(self, leaf: _Element, place: Place, path: str) -> None:
        code = leaf.get(place.attribute)
        if code is None or not code.strip():
            return
        becomes = self.code(place.attribute_list, code.strip(), f"{path}/@{place.attribute}")
        if becomes is None:
            del leaf.attrib[place.attribute]
        elif becomes != code:
            leaf.set(place.attribute, becomes)

    def _loose_text(self, element: _Element, plan: TypePlan, path: str) -> None:
        """Text where only elements belong: indentation goes, a bare date gets its element (DIGEST 2.6)."""
        text = (element.text or "").strip()
        element.text = None
        if not text:
            return
        if plan.type == "DateTimeType" and not len(element) and text != "NULL":
            if self.ched and _BARE_DATE.search(path):
                element.text = text
                return
            etree.SubElement(element, qn(UDT21, "DateTimeString")).text = text
            self.report_form("bare-date", path, text, text)
        else:
            self.report_form("null" if text == "NULL" else "unknown", path, text)

    def _stranger(self, child: _Element, plan: TypePlan, path: str) -> Place | None:
        """An element that does not belong here, unless it only lacks its namespace as in the hub's schema."""
        place = plan.places.get(qn(RAM21, str(child.tag)))
        here = f"{path}/{readable(str(child.tag))}"
        if place is None:
            self.report_form("unknown", here)
        else:
            child.tag = place.tag
            self.report_form("namespace", here)
        return place
