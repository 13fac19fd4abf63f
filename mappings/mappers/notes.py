"""``Subject`` and ``Content`` in ePhyto, ``ContentCode``, ``Content`` and ``SubjectCode`` in TRACES."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.xml.names import RAM21, qn
from mappings.bindings import bindings
from mappings.shape import children, first, insert

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

IPPC_SUBJECTS: Final = "ippc_note_subject_code"
"""listID of the IPPC subjects in the TRACES form, after the pattern of TRACES' own ``ched_note_subject_code``."""
GATEWAY_SUBJECTS: Final = "imsoc_gateway_note_subject_code"
"""listID of the notes that this gateway adds itself; they are handled where they are made."""

_SUBJECT, _SUBJECT_CODE = qn(RAM21, "Subject"), qn(RAM21, "SubjectCode")
_CONTENT, _CONTENT_CODE = qn(RAM21, "Content"), qn(RAM21, "ContentCode")
_ALPHA2 = re.compile("[A-Z]{2}")


def to_traces(element: _Element, run: Pass, path: str) -> bool:
    """A subject of the IPPC list becomes a code of that list; a subject in free words stays text."""
    by_tag = {child.tag: child for child in children(element)}
    subject, marked = by_tag.get(_SUBJECT), by_tag.get(_SUBJECT_CODE)
    if marked is not None:
        run.report_form("note-foreign", path, marked.text or "")
    elif subject is not None and (text := subject.text):
        entry = run.known("note-subject", text)
        if entry is not None and entry.target is not None and not subject.attrib:
            _content(element, text, run, path)
            run.report_code("note-subject", text, entry, f"{path}/ram:Subject")
            run.report_form("note", path, text, entry.target)
            subject.tag, subject.text = _SUBJECT_CODE, entry.target
            subject.set("listID", IPPC_SUBJECTS)
            element.append(subject)
            return True
    if _CONTENT_CODE in by_tag and marked is None:
        run.report_form("note-foreign", path, by_tag[_CONTENT_CODE].text or "")
    return True


def to_ephyto(element: _Element, run: Pass, path: str) -> bool:
    """A code of the IPPC list becomes the subject again; another code becomes text and forgets its list."""
    code = first(element, _SUBJECT_CODE)
    if code is None:
        _mark_plain_subject(element, run, path)
        return True
    text, subject = code.text or "", first(element, _SUBJECT)
    if code.get("listID") == GATEWAY_SUBJECTS:
        return True
    entry = run.known("note-subject", text)
    exact = subject is None and code.attrib.items() == [("listID", IPPC_SUBJECTS)] and entry is not None
    element.remove(code)
    if exact and entry is not None and entry.target is not None:
        _content(element, text, run, path)
        run.report_code("note-subject", text, entry, f"{path}/ram:SubjectCode")
        run.report_form("note", path, text, entry.target)
        text = entry.target
    else:
        run.report_form("note-foreign", path, text, text)
        _codes_to_text(element)
    if subject is None:
        subject = etree.Element(_SUBJECT)
        insert(element, "SPSNoteType", subject)
        subject.text = text
    return True


def _mark_plain_subject(element: _Element, run: Pass, path: str) -> None:
    subject = first(element, _SUBJECT)
    coded = first(element, _CONTENT_CODE) is not None
    if coded:
        _codes_to_text(element)
    known = subject is not None and not subject.attrib and run.comes_back("note-subject", subject.text or "")
    if coded or known:
        run.report_form("note-foreign", path, (subject.text or "") if subject is not None else "")


def _codes_to_text(element: _Element) -> None:
    """The content code is what a coded note says; its Content is empty in TRACES and takes it over."""
    contents = [content for content in element.iterfind(_CONTENT) if not (content.text or "").strip()]
    for code in element.findall(_CONTENT_CODE):
        element.remove(code)
        content = contents.pop(0) if contents else etree.Element(_CONTENT)
        content.text = code.text
        if content.getparent() is None:
            insert(element, "SPSNoteType", content)


def _content(element: _Element, subject: str, run: Pass, path: str) -> None:
    """Translate the content where the subject says that it is a code; words are left alone."""
    name = bindings().notes.get(subject)
    if name is None:
        return
    for number, content in enumerate(element.iterfind(_CONTENT), start=1):
        text = (content.text or "").strip()
        if _ALPHA2.fullmatch(text):
            content.text = run.code(name, text, f"{path}/ram:Content[{number}]") or ""
