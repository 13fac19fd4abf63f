"""The codes of a CHED that stand in clauses, notes, parties and attributes (DIGEST 6); the form stays as it is.

Between TRACES and a national system both sides write the TRACES form (R-37-2), so the same functions serve both ways.
Other documents have no codes there that a list is bound to, and are left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.errors import TranslationRefused
from gateway.xml.names import RAM21, qn
from mappings.bindings import bindings
from mappings.mappers.clauses import STATEMENTS
from mappings.mappers.notes import GATEWAY_SUBJECTS, IPPC_SUBJECTS
from mappings.models import CANONICAL
from mappings.shape import children, first

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.walk import Pass

_ID, _NAME, _TYPE, _ROLE = qn(RAM21, "ID"), qn(RAM21, "Name"), qn(RAM21, "TypeCode"), qn(RAM21, "RoleCode")
_CONTENT, _CONTENT_CODE = qn(RAM21, "Content"), qn(RAM21, "ContentCode")
_SUBJECT_CODE, _RELATION = qn(RAM21, "SubjectCode"), qn(RAM21, "RelationshipTypeCode")
_ALPHA2: Final = re.compile("[A-Z]{2}")
_PURPOSE_SCHEME: Final = "ched_purpose"
"""Scheme of a sub-division's ID that names the purpose which the places under it belong to (gateway/documents/ched)."""
_LOCODE: Final = "un_locode"
"""The scheme under which the ID is the place's UN/LOCODE and not the code of the post."""
_POST_SCHEMES: Final = frozenset({_LOCODE, "authority_activity_id"})
"""Schemes of a border control post, whose first Name is its country."""
_POST_NAME: Final = 2
"""Position of the post's code among the names (DIGEST 6)."""
_POSTS: Final = "border-control-post"
"""The list of posts; a system without a table for it writes the codes of TRACES."""
_SIGNATURES: Final = "authentication-type"
"""The list of what a signature stands for; the same holds of it."""
_SCHEMES: Final = "identifier-scheme"
"""The list of the schemes of vehicles, containers and seals; the same holds of it."""
_UNNAMED: Final = ("operator-activity-type", "section-code")
"""The lists of a party's TypeCode that does not say of which one it is; a refusal names the first."""


def clause(element: _Element, run: Pass, path: str) -> bool:
    """The ID says what the first Content is; a second one is a label, by which nobody decides."""
    identifier = first(element, _ID)
    if not run.ched or identifier is None or identifier.get("schemeID") == STATEMENTS or not _text(identifier):
        return True
    name = _canonical(identifier, "ched-clause", run, f"{path}/ram:ID")
    if name is None:
        return False
    content, code_list = first(element, _CONTENT), bindings().clauses.get(name, "")
    if content is None or not code_list:
        return True
    return _code(content, code_list, run, f"{path}/ram:Content[1]")


def note(element: _Element, run: Pass, path: str) -> bool:
    """The subject says of which list the content is, or that it is words.

    Raises:
        TranslationRefused: IMG-6006 a coded content under a subject that says nothing about its list.
    """
    if not run.ched:
        return True
    subject = first(element, _SUBJECT_CODE)
    if subject is not None and subject.get("listID") in (GATEWAY_SUBJECTS, IPPC_SUBJECTS):
        return True
    name: str | None = ""
    if subject is not None and _text(subject):
        name = _canonical(subject, "ched-note-subject", run, f"{path}/ram:SubjectCode")
        if name is None:
            return False
    code_list = bindings().subjects.get(name or "", "")
    for number, code in enumerate(element.findall(_CONTENT_CODE), start=1):
        where = f"{path}/ram:ContentCode[{number}]"
        if not code_list and _text(code):
            raise TranslationRefused("IMG-6006", where=where, found=_text(code), expected="a subject with a list")
        if not _code(code, code_list, run, where):
            return False
    return True


def party(element: _Element, run: Pass, path: str) -> bool:
    """Role, kinds of activity, and the scheme of the identifier."""
    if not run.ched:
        return True
    number = 0
    for child in children(element):
        if child.tag == _ID:
            _attribute(child, "schemeID", "party-identifier", run, f"{path}/ram:ID")
        elif child.tag == _ROLE:
            if not _code(child, "party-role", run, f"{path}/ram:RoleCode"):
                element.remove(child)
        elif child.tag == _TYPE:
            number += 1
            code_list = _list_of_type(child, run)
            if code_list and not _code(child, code_list, run, f"{path}/ram:TypeCode[{number}]"):
                element.remove(child)
    return True


def _list_of_type(code: _Element, run: Pass) -> str:
    """Empty for a TypeCode of a list that holds no codes of TRACES, such as an approval number."""
    named, text = code.get("listID") or code.get("listName"), _text(code)
    if named:
        return bindings().types.get(named, "")
    return next((name for name in _UNNAMED if run.lookup(name).get(text, run.context)), _UNNAMED[0])


def reference(element: _Element, run: Pass, path: str) -> bool:
    """How the other document is related, and the country that issued it."""
    if not run.ched:
        return True
    relation = first(element, _RELATION)
    if relation is not None and not _code(relation, "document-relation", run, f"{path}/ram:RelationshipTypeCode"):
        return False
    return _country_of(element, run, path)


def movement(element: _Element, run: Pass, path: str) -> bool:
    """What kind of number identifies the means of transport, and the country where a vehicle is registered."""
    return not run.ched or (numbered(element, run, path) and _country_of(element, run, path))


def numbered(element: _Element, run: Pass, path: str) -> bool:
    """What kind of number it is that a vehicle, a container or a seal has."""
    identifier = first(element, _ID)
    if run.ched and identifier is not None and run.table(_SCHEMES) is not None:
        _attribute(identifier, "schemeID", _SCHEMES, run, f"{path}/ram:ID")
    return True


def location(element: _Element, run: Pass, path: str) -> bool:
    """A border control post: its first Name is the country, its third one the code, which the ID may hold as well."""
    identifier = first(element, _ID)
    scheme = identifier.get("schemeID") if run.ched and identifier is not None else None
    if identifier is None or scheme not in _POST_SCHEMES:
        return True
    names = [child for child in children(element) if child.tag == _NAME]
    if names and _ALPHA2.fullmatch(text := _text(names[0])):
        names[0].text = run.code("country", text, f"{path}/ram:Name[1]") or ""
    if run.table(_POSTS) is None:
        return True
    if len(names) > _POST_NAME and not _code(names[_POST_NAME], _POSTS, run, f"{path}/ram:Name[{_POST_NAME + 1}]"):
        names[_POST_NAME].text = ""  # the names count by their position
    return scheme == _LOCODE or _code(identifier, _POSTS, run, f"{path}/ram:ID")


def signatory(element: _Element, run: Pass, path: str) -> bool:
    """What the signature stands for: the applicant's, the inspector's."""
    code = first(element, _TYPE)
    if not run.ched or code is None or run.table(_SIGNATURES) is None:
        return True
    return _code(code, _SIGNATURES, run, f"{path}/ram:TypeCode")


def division(element: _Element, run: Pass, path: str) -> bool:
    """The purpose that a further place belongs to; the other identifiers of sub-divisions are no codes."""
    identifier = first(element, _ID)
    if not run.ched or identifier is None or identifier.get("schemeID") != _PURPOSE_SCHEME:
        return True
    return _code(identifier, "ched-purpose", run, f"{path}/ram:ID")


def _country_of(element: _Element, run: Pass, path: str) -> bool:
    identifier = first(element, _ID)
    if identifier is not None and _ALPHA2.fullmatch(identifier.get("schemeAgencyID", "")):
        _attribute(identifier, "schemeAgencyID", "country", run, f"{path}/ram:ID")
    return True


def _canonical(element: _Element, name: str, run: Pass, path: str) -> str | None:
    """Translate a code that names something else, and give its canonical form; None: it is left out."""
    text = _text(element)
    becomes = run.code(name, text, path)
    if becomes is None:
        return None
    if becomes != element.text:
        element.text = becomes
    return text if run.source == CANONICAL else becomes


def _code(element: _Element, name: str, run: Pass, path: str) -> bool:
    """Translate a code in place; False: it is left out. What is empty says nothing."""
    text = _text(element)
    if not text:
        return True
    becomes = run.code(name, text, path)
    if becomes is not None and becomes != element.text:
        element.text = becomes
    return becomes is not None


def _attribute(element: _Element, attribute: str, name: str, run: Pass, path: str) -> None:
    text = (element.get(attribute) or "").strip()
    if not text:
        return
    becomes = run.code(name, text, f"{path}/@{attribute}")
    if becomes is None:
        del element.attrib[attribute]
    elif becomes != element.get(attribute):
        element.set(attribute, becomes)


def _text(element: _Element) -> str:
    return (element.text or "").strip()
