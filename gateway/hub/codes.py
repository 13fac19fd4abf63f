"""Codes of an ePhyto certificate that the mapping tables alone cannot judge: subjects, units, and the hub's ten lists.

Subjects and tags are few and known (DIGEST 2.7). The other codes come from the hub's code lists, of which an instance
holds a copy: what a copy does not know may be younger than it, so that is told (INFO) and no more. What the copy has as
retired is known to be out of use, though certificates that name it are still read: a WARNING. Statements are a closed
list, and an unknown one is a WARNING too.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from gateway.documents import text_of
from gateway.errors import Finding, Severity
from gateway.xml.names import RAM21, SPS17, path_of, qn
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from mappings import Index
    from mappings.hub_lists import HubLists

__all__ = ["unknown_codes"]

_SOURCE: Final = "DIGEST 2.7"
_TAGS: Final = frozenset({"TTL1", "TTL2", "TTCH", "TTTM", "TTCO", "TTAI", "TTFT"})
_LISTS: Final = {"TTL1": "TreatmentType", "TTL2": "TreatmentType", "TTCH": "Pesticide"}
"""Tags whose value is a code, and the hub's list that holds it."""
_OF_DOCUMENTS: Final = frozenset(
    {"SPSFL", "DMCL", "ADEDL", "ADIPEDL", "ADDIEDL", "ADAOEDL", "ADRP", "ADRPN", "ADRD", "ADRPR"}
)

_WEIGHTS: Final = frozenset({qn(RAM21, "NetWeightMeasure"), qn(RAM21, "GrossWeightMeasure")})
_VOLUMES: Final = frozenset({qn(RAM21, "NetVolumeMeasure"), qn(RAM21, "GrossVolumeMeasure")})
_UNITS_OF_WEIGHT: Final = frozenset(["KGM", "GRM", "MGM", "TNE", "DTN", "LBR", "ONZ", "LTN", "STN", "CTM", "KSD"])
_UNITS_OF_VOLUME: Final = frozenset(["MTQ", "DMQ", "CMQ", "LTR", "HLT", "DLT", "MLT", "LPA"])
"""UNECE Recommendation 20. Only plain mistakes are told: TRACES counts animals as a volume, in pieces."""

_DOCUMENT: Final = qn(SPS17, "SPSExchangedDocument")
_NOTE: Final = qn(RAM21, "IncludedSPSNote")
_LINE_NOTE: Final = qn(RAM21, "AdditionalInformationSPSNote")
_SUBJECT: Final = qn(RAM21, "Subject")
_SUBJECT_CODE: Final = qn(RAM21, "SubjectCode")
_CLAUSE: Final = qn(RAM21, "IncludedSPSClause")
_ID: Final = qn(RAM21, "ID")
_PROCESS: Final = qn(RAM21, "AppliedSPSProcess")
_TYPE: Final = qn(RAM21, "TypeCode")
_PACKAGE: Final = qn(RAM21, "PhysicalSPSPackage")
_MODE: Final = qn(RAM21, "ModeCode")
_INTENDED_USE: Final = qn(RAM21, "IntendedUse")
_CLASSIFICATION: Final = qn(RAM21, "ApplicableSPSClassification")
_SYSTEM: Final = qn(RAM21, "SystemName")
_CLASS: Final = qn(RAM21, "ClassCode")
_CONTENT_CODE: Final = qn(RAM21, "ContentCode")
_SYSTEMS: Final = {"IPPCPCVP": "ProductDescription", "IPPCPCC": "Condition"}
_DECLARATIONS: Final = frozenset({"ADEDL", "ADTLIL"})
_TREATED: Final = "ZZZ"
"""What the type of a process is in the ePhyto form; its characteristics say what was done."""
_CHARACTERISTIC: Final = qn(RAM21, "ApplicableSPSProcessCharacteristic")
_DESCRIPTION: Final = qn(RAM21, "Description")


def unknown_codes(root: _Element, index: Index, lists: HubLists | None, *, limit: int) -> tuple[Finding, ...]:
    """Codes that nobody here knows, in an SPSCertificate in UN/CEFACT order; at most ``limit`` findings.

    Args:
        root: not changed.
        index: holds the note subjects.
        lists: the ten lists of the hub; None leaves them out.
        limit: of findings.
    """
    found: Iterator[Finding] = _notes(root, index)
    found = chain(found, _units(root), _tags(root))
    if lists is not None:
        found = chain(found, _statements(root, lists), _treatments(root, lists), _listed(root, lists, index))
    return tuple(islice(found, limit))


def _notes(root: _Element, index: Index) -> Iterator[Finding]:
    subjects = index.lookup("ephyto", CANONICAL, "note-subject")
    for note in root.iter(_NOTE, _LINE_NOTE):
        subject = note.find(_SUBJECT)
        text = text_of(subject)
        if subject is None or not text:
            if not text_of(note.find(_SUBJECT_CODE)):
                message = "The note does not say what it is about"
                yield _finding("EPHYTO-NOTE-SUBJECT", Severity.WARNING, message, note, "", "Subject")
            continue
        if subjects.get(text) is None:
            # A subject in free words is legitimate and stays text.
            severity = Severity.WARNING if text.isupper() and text.isalnum() else Severity.INFO
            message = "The subject of the note is none of the IPPC list; it stays text"
            yield _finding("EPHYTO-NOTE-SUBJECT", severity, message, subject, text)
        elif (text in _OF_DOCUMENTS) != (note.tag == _NOTE):
            where = "the document" if text in _OF_DOCUMENTS else "a line"
            message = f"A note with this subject belongs to {where}"
            yield _finding("EPHYTO-NOTE-PLACE", Severity.WARNING, message, subject, text)


def _units(root: _Element) -> Iterator[Finding]:
    for measure in root.iter(*_WEIGHTS, *_VOLUMES):
        unit = measure.get("unitCode", "").strip()
        foreign = _UNITS_OF_VOLUME if measure.tag in _WEIGHTS else _UNITS_OF_WEIGHT
        if unit in foreign:
            message = "The unit measures something else than the element does"
            yield _finding("EPHYTO-UNIT-KIND", Severity.WARNING, message, measure, unit)


def _tags(root: _Element) -> Iterator[Finding]:
    for characteristic, tag in _characteristics(root):
        if tag and tag not in _TAGS:
            message = "The characteristic of the treatment does not begin with a tag that says what it is"
            expected = ", ".join(sorted(_TAGS))
            yield _finding("EPHYTO-TREATMENT-TAG", Severity.INFO, message, characteristic, tag, expected)


def _characteristics(root: _Element) -> Iterator[tuple[_Element, str]]:
    """Those of treatments in the ePhyto form, each with its first description."""
    for process in root.iter(_PROCESS):
        if text_of(process.find(_TYPE)) == _TREATED:
            for characteristic in process.iterchildren(_CHARACTERISTIC):
                yield characteristic, text_of(characteristic.find(_DESCRIPTION))


def _statements(root: _Element, lists: HubLists) -> Iterator[Finding]:
    type_code = text_of(root.find(f"{_DOCUMENT}/{_TYPE}"))
    rows = [row for row in lists.items("Statement") if row["docTypeOnly"] in {"0", type_code}]
    known = {row["code"] for row in rows if row["active"] == "true"}
    retired = {row["code"] for row in rows} - known
    for clause in root.iter(_CLAUSE):
        number = clause.find(_ID)
        text = text_of(number)
        if number is not None and text.isdecimal() and not number.attrib and text not in known:
            if text in retired:
                yield _retired("Statement", number, text)
                continue
            message = f"The list of statements has no such number for documents of type {type_code}"
            yield _finding("EPHYTO-STATEMENT", Severity.WARNING, message, number, text, ", ".join(sorted(known)))


def _treatments(root: _Element, lists: HubLists) -> Iterator[Finding]:
    for characteristic, tag in _characteristics(root):
        values = list(islice(characteristic.iterchildren(_DESCRIPTION), 2))
        if tag in _LISTS and len(values) > 1:
            yield from _looked_up(lists, _LISTS[tag], values[1], text_of(values[1]), "EPHYTO-TREATMENT-CODE")
    for process in root.iter(_PROCESS):
        type_ = process.find(_TYPE)
        if type_ is not None and text_of(type_) != _TREATED:
            yield from _looked_up(lists, "TreatmentType", type_, text_of(type_), "EPHYTO-TREATMENT-CODE")


def _listed(root: _Element, lists: HubLists, index: Index) -> Iterator[Finding]:
    """Every other place of a code that one of the lists has."""
    for element, place, code in _places(root):
        yield from _looked_up(lists, element, place, code)
    units = index.lookup("ephyto", CANONICAL, "unit")
    for measure in root.iter("*"):
        unit = str(measure.get("unitCode", "")).strip()
        counted = measure.tag in _VOLUMES and lists.is_active("UnitMeasure", unit) is None and units.get(unit)
        if unit and not counted:  # TRACES counts animals as a volume, in pieces, for which the hub has no unit
            yield from _looked_up(lists, "UnitMeasure", measure, unit)


def _places(root: _Element) -> Iterator[tuple[str, _Element, str]]:
    """The list, where the code stands, and the code."""
    for package in root.iter(_PACKAGE):
        for code in package.iterchildren(_TYPE):
            yield "PackageType", code, text_of(code)
    for code in root.iter(_MODE):
        yield "MeanOfTransport", code, text_of(code)
    for classification in root.iter(_CLASSIFICATION):
        element = _SYSTEMS.get(text_of(classification.find(_SYSTEM)))
        for code in classification.iterchildren(_CLASS) if element else ():
            yield element or "", code, text_of(code)
    for use in root.iter(_INTENDED_USE):
        text = text_of(use)
        if text.isascii() and text.isalnum() and text.isupper():  # else it is in words, as ISPM 12 has it
            yield "IntendedUse", use, text
    for note in root.iter(_NOTE, _LINE_NOTE):
        for code in note.iterchildren(_CONTENT_CODE) if text_of(note.find(_SUBJECT)) in _DECLARATIONS else ():
            yield "AdditionalDeclaration", code, text_of(code)


def _looked_up(
    lists: HubLists, element: str, place: _Element, code: str, rule: str = "EPHYTO-LIST-CODE"
) -> Iterator[Finding]:
    active = lists.is_active(element, code)
    if code and active is None:
        yield _finding(rule, Severity.INFO, f"The list {element} does not hold this code", place, code)
    elif code and not active:
        yield _retired(element, place, code)


def _retired(element: str, place: _Element, code: str) -> Finding:
    message = f"This code of the list {element} is no longer in use"
    return _finding("EPHYTO-LIST-RETIRED", Severity.WARNING, message, place, code, "a code that is active")


def _finding(rule: str, severity: Severity, message: str, element: _Element, found: str, expected: str = "") -> Finding:
    return Finding(rule, severity, message, path_of(element), found[:200], expected[:200], _SOURCE)
