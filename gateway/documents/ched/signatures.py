"""Reading the three signatures of a CHED: declaration (I.35), decision (Part II), follow-up (Part III).

Most of Parts II and III are clauses of their signature. Clauses that belong to no box are kept by their id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gateway.documents.ched import places as at
from gateway.documents.ched.leaves import ID, attribute, read_moment, read_party, read_post, text
from gateway.documents.ched.models import (
    NO_CODE,
    ChedParty,
    Coded,
    ControlPost,
    Decision,
    Declaration,
    FollowUp,
    LaboratoryTests,
    Purpose,
    Redispatch,
    TransportImpact,
)
from gateway.documents.ched.places import RAM

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["read_clause", "read_decision", "read_declaration", "read_follow_up"]

_MOMENT: Final = f"{RAM}ActualDateTime"
_PLACE: Final = f"{RAM}IssueSPSLocation"
_PROVIDER: Final = f"{RAM}ProviderSPSParty"
_LOCATION_PROVIDER: Final = f"{RAM}LocationProviderSPSParty"
_CLAUSE: Final = f"{RAM}IncludedSPSClause"
_CONTENT: Final = f"{RAM}Content"
_DONE: Final = {"YES": True, "NO": False}


@dataclass(slots=True)
class _Signature:
    signed: str = ""
    place: ControlPost | None = None
    party: ChedParty | None = None
    location_party: ChedParty | None = None
    clauses: list[tuple[str, Coded]] = field(default_factory=list)


def read_clause(element: _Element) -> tuple[str, Coded]:
    """A clause's id, its code, and the label that stands beside the code as a second content."""
    identifier = code = label = language = ""
    contents = 0
    for child in element:
        tag = child.tag
        if tag == ID:
            identifier = identifier or text(child)
        elif tag == _CONTENT:
            contents += 1
            if contents == 1:
                code = text(child)
            elif not label and (label := text(child)):
                language = attribute(child, "languageID")
    return identifier, Coded(code, label, language)


def _read(element: _Element) -> _Signature:
    found = _Signature()
    for child in element:
        tag = child.tag
        if tag == _CLAUSE:
            found.clauses.append(read_clause(child))
        elif tag == _MOMENT:
            found.signed = found.signed or read_moment(child)
        elif tag == _PROVIDER:
            found.party = found.party or read_party(child)
        elif tag == _PLACE:
            found.place = found.place or read_post(child)
        elif tag == _LOCATION_PROVIDER:
            found.location_party = found.location_party or read_party(child)
    return found


def read_declaration(element: _Element, values: dict[str, Any]) -> None:
    """Reads the signature of Part I: I.18 to I.26 are clauses of it, the rest is I.35.

    Args:
        element: SignatorySPSAuthentication with type 4.
        values: of the CHED; ``declaration`` is set unless the signature says nothing of its own.
    """
    found = _read(element)
    purposes: list[Purpose] = []
    certified: list[Coded] = []
    further: list[tuple[str, Coded]] = []
    email = ""
    place, exit_date = NO_CODE, ""
    for identifier, code in found.clauses:
        if identifier == at.PURPOSE and code:
            purposes.append(Purpose(code, at.purpose_box(code.code)))
            place, exit_date = NO_CODE, ""
        elif identifier == at.CERTIFIED_AS and code:
            certified.append(code)
        elif identifier == at.CONFORMITY and code and "conformity" not in values:
            values["conformity"] = code
        elif identifier == at.EMAIL and code and not email:
            email = code.code
        elif identifier == at.PURPOSE_PLACE and code and purposes and not place:
            place = code
            purposes[-1] = _with(purposes[-1], place, exit_date)
        elif identifier == at.PURPOSE_EXIT_DATE and code and purposes and not exit_date:
            exit_date = code.code
            purposes[-1] = _with(purposes[-1], place, exit_date)
        else:
            further.append((identifier, code))
    if purposes:
        values["purposes"] = purposes
    if certified:
        values["certified_as"] = certified
    declaration = Declaration(found.party, found.signed, email, tuple(further))
    if declaration != Declaration():
        values["declaration"] = declaration


def _with(purpose: Purpose, place: Coded, exit_date: str) -> Purpose:
    return Purpose(purpose.code, purpose.box, place=place, exit_date=exit_date)


def read_decision(values: dict[str, Any]) -> Decision:
    """Part II from its signature and from the notes and places that were found beside it.

    Args:
        values: ``signature``, the element of type 1, and fields of Decision.
    """
    fields = dict(values)
    element: _Element | None = fields.pop("signature", None)
    counts = tuple(fields.pop("counts", ()))
    laboratory: dict[str, Any] = {}
    impact: dict[str, Any] = {}
    conclusion: list[Coded] = []
    further: list[tuple[str, Coded]] = []
    found = _Signature() if element is None else _read(element)
    for identifier, code in found.clauses:
        target, name, value = _decision_place(identifier, code, fields, laboratory, impact)
        if identifier == at.CONCLUSION and code:
            conclusion.append(code)
        elif value is None or value == "" or value == NO_CODE or name in target:
            further.append((identifier, code))
        else:
            target[name] = value
    for name in ("measures", "refusal_reasons", "reseals"):
        fields[name] = tuple(fields.get(name, ()))
    return Decision(
        conclusion=tuple(conclusion),
        laboratory=LaboratoryTests(**laboratory, counts=counts),
        impact=TransportImpact(**impact),
        post=found.place,
        officer=found.party,
        signed=found.signed,
        clauses=tuple(further),
        **fields,
    )


def _decision_place(
    identifier: str,
    code: Coded,
    fields: dict[str, Any],
    laboratory: dict[str, Any],
    impact: dict[str, Any],
) -> tuple[dict[str, Any], str, Any]:
    """Where a clause goes: the fields, the name among them, and the value; None when it is none that is known."""
    if identifier in at.DECISION_CODES:
        return fields, at.DECISION_CODES[identifier], code
    if identifier in at.DECISION_TEXTS:
        return fields, at.DECISION_TEXTS[identifier], code.code
    if identifier == at.LABORATORY_DONE:
        return laboratory, "done", _DONE.get(code.code)
    if identifier in at.LABORATORY_CODES:
        return laboratory, at.LABORATORY_CODES[identifier], code
    if identifier in at.IMPACT_TEXTS:
        return impact, at.IMPACT_TEXTS[identifier], code.code
    if identifier == at.IMPACT_ACCURACY:
        return impact, "accuracy", code
    return fields, "", None


def read_follow_up(values: dict[str, Any]) -> FollowUp | None:
    """Part III from its signature and the places of III.4; None when nothing in it is filled.

    Args:
        values: ``signature``, the element of type 8, and fields of Redispatch.
    """
    redispatch = {name: value for name, value in values.items() if name != "signature"}
    element: _Element | None = values.get("signature")
    found = _Signature() if element is None else _read(element)
    codes: dict[str, Coded] = {}
    reasons: list[Coded] = []
    further: list[tuple[str, Coded]] = []
    words = ""
    for identifier, code in found.clauses:
        name = at.FOLLOW_UP_CODES.get(identifier, "")
        if name and code and name not in codes:
            codes[name] = code
        elif identifier == at.FOLLOW_UP_REASON and code:
            reasons.append(code)
        elif identifier == at.FOLLOW_UP_TEXT and code and not words:
            words = code.code
        elif identifier == at.REDISPATCH_DATE and code and "date" not in redispatch:
            redispatch["date"] = code.code
        else:
            further.append((identifier, code))
    follow_up = FollowUp(
        redispatch=Redispatch(**redispatch) if redispatch else None,
        authority=found.location_party,
        reasons=tuple(reasons),
        text=words,
        officer=found.party,
        signed=found.signed,
        clauses=tuple(further),
        **codes,
    )
    return None if follow_up == FollowUp() else follow_up
