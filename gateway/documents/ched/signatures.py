"""Reading the three signatures of a CHED: declaration (I.35), decision (Part II), follow-up (Part III).

Most of Parts II and III are clauses of their signature. Clauses that belong to no box are kept by their id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gateway.documents.ched import places as at
from gateway.documents.ched.leaves import ID, attribute, read_moment, read_party, read_post, text
from gateway.documents.ched.models import (
    ChedParty,
    Coded,
    ControlPost,
    Decision,
    Declaration,
    FollowUp,
    LaboratoryTests,
    Redispatch,
    TransportImpact,
)
from gateway.documents.ched.places import RAM

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

__all__ = ["read_clause", "read_decision", "read_declaration", "read_follow_up"]

_MOMENT: Final = f"{RAM}ActualDateTime"
_PLACE: Final = f"{RAM}IssueSPSLocation"
_PROVIDER: Final = f"{RAM}ProviderSPSParty"
_LOCATION_PROVIDER: Final = f"{RAM}LocationProviderSPSParty"
_CLAUSE: Final = f"{RAM}IncludedSPSClause"
_CONTENT: Final = f"{RAM}Content"


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
    purposes: list[dict[str, Any]] = []
    certified: list[Coded] = []
    further: list[tuple[str, Coded]] = []
    email = ""
    for identifier, code in found.clauses:
        detail = _PURPOSE_DETAILS.get(identifier, "")
        if not code:
            further.append((identifier, code))
        elif identifier == at.PURPOSE:
            purposes.append({"code": code, "box": at.purpose_box(code.code)})
        elif identifier == at.CERTIFIED_AS:
            certified.append(code)
        elif detail and purposes and detail not in purposes[-1]:
            purposes[-1][detail] = code if detail == "place" else code.code
        elif identifier == at.CONFORMITY and "conformity" not in values:
            values["conformity"] = code
        elif identifier == at.EMAIL and not email:
            email = code.code
        else:
            further.append((identifier, code))
    values.update({name: value for name, value in (("purposes", purposes), ("certified_as", certified)) if value})
    declaration = Declaration(found.party, found.signed, email, tuple(further))
    if declaration != Declaration():
        values["declaration"] = declaration


def read_decision(values: dict[str, Any]) -> Decision:
    """Part II from its signature and from the notes and places that were found beside it.

    Args:
        values: ``signature``, the element of type 1, and fields of Decision.
    """
    fields = dict(values)
    element: _Element | None = fields.pop("signature", None)
    counts = tuple(fields.pop("counts", ()))
    groups: dict[str, dict[str, Any]] = {"": fields, "laboratory": {}, "impact": {}}
    conclusion: list[Coded] = []
    further: list[tuple[str, Coded]] = []
    found = _Signature() if element is None else _read(element)
    for identifier, code in found.clauses:
        group, name, value_of = _DECISION_PLACES.get(identifier, _NOWHERE)
        value = value_of(code) if code else None
        if identifier == at.CONCLUSION and code:
            conclusion.append(code)
        elif value is None or name in groups[group]:
            further.append((identifier, code))
        else:
            groups[group][name] = value
    for name in ("measures", "refusal_reasons", "reseals"):
        fields[name] = tuple(fields.get(name, ()))
    return Decision(
        conclusion=tuple(conclusion),
        laboratory=LaboratoryTests(**groups["laboratory"], counts=counts),
        impact=TransportImpact(**groups["impact"]),
        post=found.place,
        officer=found.party,
        signed=found.signed,
        clauses=tuple(further),
        **fields,
    )


def _code(code: Coded) -> Coded:
    return code


def _words(code: Coded) -> str:
    return code.code


def _done(code: Coded) -> bool | None:
    return {"YES": True, "NO": False}.get(code.code)


def _nothing(_code: Coded) -> None:
    return None


_NOWHERE: Final = ("", "", _nothing)
_PURPOSE_DETAILS: Final = {at.PURPOSE_PLACE: "place", at.PURPOSE_EXIT_DATE: "exit_date"}
_DECISION_PLACES: Final[dict[str, tuple[str, str, Callable[[Coded], Any]]]] = {
    at.LABORATORY_DONE: ("laboratory", "done", _done),
    at.IMPACT_ACCURACY: ("impact", "accuracy", _code),
    **{identifier: ("", name, _code) for identifier, name in at.DECISION_CODES.items()},
    **{identifier: ("", name, _words) for identifier, name in at.DECISION_TEXTS.items()},
    **{identifier: ("laboratory", name, _code) for identifier, name in at.LABORATORY_CODES.items()},
    **{identifier: ("impact", name, _words) for identifier, name in at.IMPACT_TEXTS.items()},
}
"""Where a clause of the decision goes: the group of fields, the field, and what of the clause it keeps."""


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
