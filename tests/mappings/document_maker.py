"""Documents made from UN/CEFACT's shape and from the tables: every element may be there, every code of a list stand in
the places that are bound to it, and in all other leaves words."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from lxml import etree

from gateway.xml.names import RAM21, SPS17, UDT21, qn
from mappings.bindings import bindings
from mappings.document_types import CHED
from mappings.shape import ROOT_TYPE, shapes

if TYPE_CHECKING:
    from mappings import Index

DEEP = 9
"""Levels below which only required elements are made."""
WORDS = ("Lemons", "é & <x>", "NULL", "", "12", "2026-04-22", "Lot 7")
SUBJECTS = ("ADEDL", "DMTLIL", "Remarks")
MOMENTS = ("2026-04-22T13:53:08-03:00", "2026-04-22", "2026-04-22T13:53:08", "22 April", "")
CHOICES = {"DateTimeType"}
NOTES = ("IncludedSPSNote", "AdditionalInformationSPSNote")
COMMON = {"IncludedSPSConsignmentItem", "IncludedSPSTradeLineItem", "IncludedSPSNote", "SpecifiedSPSAddress"}
"""Elements that are made more often than others, because much happens there."""

NEVER = {("ephyto", "SystemID")}
"""A system's code that stands in an ePhyto already where TRACES writes it is one of TRACES, or none."""
ALWAYS = {"SystemID": 1, "IncludedSPSTradeLineItem": 2}
"""What the form of TRACES has in every line, and in every consignment: a totals line is not alone."""


class Maker:
    """Makes one document of one system.

    Args:
        seed: the same seed makes the same document.
        index: the tables whose codes are used.
        source: the system whose document it is.
        target: where its codes have to be known.
        likely: how often an optional element is made, from 0 to 1.
    """

    def __init__(self, seed: int, index: Index, source: str, target: str, likely: float = 0.25) -> None:
        self._random = random.Random(seed)
        self._index = index
        self._ways = [(source, target)] if "traces" in (source, target) else [(source, "traces"), ("traces", target)]
        self._source = source
        self._likely = likely
        self._line = self._random.choice((0, 1))
        self._places = {(each.type, each.element, each.attribute): each.list for each in bindings().places}

    def document(self, document_type: str) -> etree._Element:
        """A document of one type, canonical."""
        root = etree.Element(qn(SPS17, "SPSCertificate"), nsmap={"sps": SPS17, "ram": RAM21, "udt": UDT21})
        self._fill(root, ROOT_TYPE, 0)
        exchanged = root[0]
        exchanged.find(qn(RAM21, "TypeCode")).text = document_type
        if document_type == CHED and "ephyto" not in (self._source, self._ways[-1][1]):
            self._code_ched(root)
        return root

    def _fill(self, element: etree._Element, type_name: str, depth: int) -> None:
        slots = list(shapes()[type_name].values())
        if type_name in CHOICES:
            slots = [self._random.choice(slots)]
        for slot in slots:
            name = etree.QName(slot.tag).localname
            if (self._source, name) in NEVER:
                continue
            likely = self._likely * (2.5 if name in COMMON else 1) * (1 if depth < DEEP else 0)
            times = 1 if slot.required or self._random.random() < likely else 0
            if times and slot.repeatable and self._random.random() < self._likely:
                times += 1
            if self._source != "ephyto" and name in ALWAYS:
                times = ALWAYS[name]
            for _ in range(times):
                child = etree.SubElement(element, slot.tag)
                if slot.type in shapes():
                    self._fill(child, slot.type, depth + 1)
                else:
                    self._leaf(child, type_name, slot.type, name)

    def _leaf(self, leaf: etree._Element, parent: str, own: str, name: str) -> None:
        leaf.text = self._text(leaf, parent, name)
        for (type_name, _, attribute), code_list in self._places.items():
            if attribute and type_name == own and self._random.random() < self._likely:
                leaf.set(attribute, self._code(code_list))
        if own == "IDType" and self._random.random() < self._likely:
            leaf.set("schemeID", self._random.choice(("national_registry_number", "ippc_statement", "other")))
        if own in ("CodeType", "PartyRoleCodeType") and self._random.random() < self._likely:
            leaf.set(*self._random.choice((("listName", "NationalRegistrationNumber"), ("listID", "x"), ("name", "y"))))
        if own == "TextType" and self._random.random() < self._likely:
            leaf.set("languageID", self._random.choice(("en", "es")))

    def _text(self, leaf: etree._Element, parent: str, name: str) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each place
        code_list = self._places.get((parent, name, ""))
        if code_list is not None:
            return self._code(code_list)
        match parent, name:
            case "SPSTradeLineItemType", "SequenceNumeric":
                self._line += 1
                return str(self._line - 1)
            case ("SPSClassificationType", "SystemName") | ("SPSClassificationType", "SystemID") if (
                name == "SystemID" or self._source == "ephyto"
            ):
                return self._code("classification-system")
            case "SPSClassificationType", "ClassCode":
                return self._random.choice(("0805", "08055010", "0805.50.10"))
            case "SPSClassificationType", "SystemName" if self._source != "ephyto":
                return "Label"
            case "SPSNoteType", "Subject" | "SubjectCode":
                return self._random.choice((*(each for each in bindings().notes), *SUBJECTS))
            case "SPSNoteType", "Content" | "ContentCode":
                return self._random.choice((self._code("country"), *WORDS))
            case "SPSPartyType", "RoleCode":
                return self._random.choice((bindings().roles.get(etree.QName(leaf.getparent()).localname, "ZZ"), "ZZ"))
            case ("SPSCountryType", "Name") | ("SPSAddressType", "CountryName"):
                return self._random.choice((self._label(leaf), *WORDS))
            case "SPSProcessType", "TypeCode":
                return self._random.choice(("ZZZ", "44"))
            case "SPSClauseType", "ID":
                return self._random.choice("12")
            case "DateTimeType", _:
                return self._random.choice(MOMENTS)
            case _:
                return self._random.choice(WORDS)

    def _code_ched(self, root: etree._Element) -> None:
        """The places of a CHED whose list another element names get codes of that list; clauses and notes are many."""
        signature = root.find(f".//{qn(RAM21, 'SignatorySPSAuthentication')}")
        for _ in range(6):
            clause = etree.SubElement(signature, qn(RAM21, "IncludedSPSClause"))
            clause.extend([etree.Element(qn(RAM21, "ID")), etree.Element(qn(RAM21, "Content"))])
            note = etree.Element(qn(RAM21, "IncludedSPSNote"))
            note.extend([etree.Element(qn(RAM21, name)) for name in ("ContentCode", "Content", "SubjectCode")])
            signature.addprevious(note)
        for clause in root.iter(qn(RAM21, "IncludedSPSClause")):
            name = self._random.choice(sorted(bindings().clauses))
            self._name(clause, "ID", "ched-clause", name)
            self._content(clause, "Content", bindings().clauses[name])
        for note in (each for tag in NOTES for each in root.iter(qn(RAM21, tag))):
            name = self._random.choice(sorted(bindings().subjects))
            self._name(note, "SubjectCode", "ched-note-subject", name)
            self._content(note, "ContentCode", bindings().subjects[name])
        for party in (each for each in root.iter() if etree.QName(each).localname.endswith("SPSParty")):
            for role in party.findall(qn(RAM21, "RoleCode")):
                role.text = self._code("party-role")
            for identifier in party.findall(qn(RAM21, "ID")):
                identifier.attrib.clear()
                identifier.set("schemeID", self._code("party-identifier"))
            for kind in party.findall(qn(RAM21, "TypeCode")):
                kind.attrib.clear()
                name = self._random.choice(sorted(bindings().types))
                kind.set("listID", name)
                kind.text = self._code(bindings().types[name])
        for relation in root.iter(qn(RAM21, "RelationshipTypeCode")):
            relation.text = self._code("document-relation")

    def _name(self, element: etree._Element, tag: str, code_list: str, canonical: str) -> None:
        """What says of which list the content is: its own code for a canonical name."""
        named = element.find(qn(RAM21, tag))
        if named is None:
            named = etree.SubElement(element, qn(RAM21, tag))
        named.attrib.clear()
        source, target = self._ways[0]
        back = canonical if source == "traces" else self._index.lookup(target, source, code_list).find(canonical).target
        named.text = back

    def _content(self, element: etree._Element, tag: str, code_list: str) -> None:
        contents = element.findall(qn(RAM21, tag))
        for content in contents if tag == "ContentCode" else contents[:1]:
            content.text = self._code(code_list) if code_list else ("" if tag == "ContentCode" else "12")

    def _label(self, leaf: etree._Element) -> str:
        """The name that TRACES shows, or none, for the code beside it."""
        siblings = {etree.QName(each).localname: each.text or "" for each in leaf.itersiblings(preceding=True)}
        known = self._index.labels["country"].get(siblings.get("ID") or siblings.get("CountryID") or "")
        return known.name if known is not None else ""

    def _code(self, name: str) -> str:
        """A code that has a translation on the whole way."""
        codes = sorted({code for code, context in self._index.lookup(*self._ways[0], name).entries if not context})
        for source, target in self._ways[1:]:
            onwards = self._index.lookup(source, target, name)
            first = self._index.lookup(*self._ways[0], name)
            codes = [code for code in codes if (entry := first.get(code)) and onwards.get(entry.target or "")]
        return self._random.choice(codes)
