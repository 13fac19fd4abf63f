"""The form in which the hub's own schema has a certificate, reached without losing anything (DIGEST 2.6).

A certificate in ePhyto codes and UN/CEFACT order is in the hub's order too: its schema is a part of UN's. Three places
differ in form, and only these are changed here. What the hub's schema has no place for stays as it is: the hub carries
a certificate as text and does not refuse it for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.xml.names import RAM21, SPS17, UDT21, XSI, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["to_hub_form", "to_hub_replacement"]

_DOCUMENT: Final = qn(SPS17, "SPSExchangedDocument")
_STATUS: Final = qn(RAM21, "StatusCode")
_NOTE: Final = qn(RAM21, "IncludedSPSNote")
_SIGNATORY: Final = qn(RAM21, "SignatorySPSAuthentication")
_REFERENCE: Final = qn(RAM21, "ReferenceSPSReferencedDocument")
_SUBJECT: Final = qn(RAM21, "Subject")
_REPLACED_NUMBER: Final = "ADRPN"
_ISSUED: Final = qn(RAM21, "IssueDateTime")
_TYPE: Final = qn(RAM21, "TypeCode")
_TEXT: Final = qn(UDT21, "DateTimeString")
_NIL: Final = qn(XSI, "nil")

_UNQUALIFIED: Final = (
    (qn(RAM21, "NatureIdentificationSPSCargo"), _TYPE),
    (qn(RAM21, "UtilizedSPSTransportEquipment"), qn(RAM21, "ID")),
    (qn(RAM21, "AffixedSPSSeal"), qn(RAM21, "ID")),
)
"""Parent and child: children that the hub's schema has without a namespace. Readers of both forms know them."""
_CARGO: Final = qn(RAM21, "NatureIdentificationSPSCargo")


def to_hub_form(root: _Element) -> None:
    """Changes a certificate in place.

    * a date of a referenced document is bare text;
    * a referenced document without a type says so with ``xsi:nil``, because the element is mandatory there;
    * the cargo's nature, and the numbers of equipment and seals, have no namespace.

    Args:
        root: an SPSCertificate in ePhyto codes and UN/CEFACT order, as a translation gives it.
    """
    for reference in root.iter(_REFERENCE):
        _reference(reference)
    for parent, child in _UNQUALIFIED:
        for holder in root.iter(parent):
            for element in holder.iterchildren(child):
                _without_namespace(element)
    for cargo in list(root.iter(_CARGO)):
        _without_namespace(cargo)


def to_hub_replacement(root: _Element, replaced: str) -> None:
    """Changes a replacement in place into what it is at the hub: an issue that names the old number (DIGEST 2.7).

    Status 44 is none of the hub's, and authorities there take 70 and 40.

    Args:
        root: an SPSCertificate in ePhyto codes and UN/CEFACT order, with a number of its own.
        replaced: the number that it replaces.
    """
    document = root.find(_DOCUMENT)
    status = None if document is None else document.find(_STATUS)
    if document is None or status is None:
        return
    status.text = "70"
    status.attrib.clear()  # a name, where there was one, is that of the other status
    if any(note.findtext(_SUBJECT) == _REPLACED_NUMBER for note in document.iterchildren(_NOTE)):
        return
    note = etree.Element(_NOTE)
    for tag, text in ((_SUBJECT, _REPLACED_NUMBER), (qn(RAM21, "Content"), replaced)):
        etree.SubElement(note, tag).text = text
    behind = next(document.iterchildren(_REFERENCE, _SIGNATORY), None)
    document.insert(len(document) if behind is None else document.index(behind), note)


def _reference(reference: _Element) -> None:
    issued = reference.find(_ISSUED)
    if issued is not None and len(issued) == 1 and issued[0].tag == _TEXT and not issued[0].attrib:
        issued.text = issued[0].text
        del issued[0]
    if reference.find(_TYPE) is None:
        nothing = etree.Element(_TYPE, {_NIL: "true"}, nsmap={"xsi": XSI})
        reference.insert(0 if issued is None else 1, nothing)


def _without_namespace(element: _Element) -> None:
    element.tag = etree.QName(element).localname
