"""Writing the three signatures of a CHED with their clauses; the mirror of ``signatures``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from gateway.documents.ched import places as at
from gateway.documents.ched.labels import ACTIONS, AGENCY
from gateway.documents.ched.models import Coded, Declaration
from gateway.documents.ched.places import RAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element

    from gateway.documents.ched.building import Builder
    from gateway.documents.ched.document import Ched
    from gateway.documents.ched.models import ChedParty, ControlPost, Decision, FollowUp

__all__ = ["build_signatures"]

_Clauses = list[tuple[str, Coded]]


@dataclass(frozen=True, slots=True)
class _Signature:
    action: str
    scheme: tuple[str, str]
    clauses: _Clauses
    signed: str = ""
    party: ChedParty | None = None
    post: ControlPost | None = None
    location_party: ChedParty | None = None

    def says_something(self) -> bool:
        parties = (self.party, self.post, self.location_party)
        return bool(self.clauses or self.signed) or any(each is not None for each in parties)


def build_signatures(builder: Builder, document: _Element, ched: Ched) -> None:
    """The signatures of the parts that are filled, in the order of the parts."""
    declared = ched.declaration or Declaration()
    clauses = [*_part_one(ched, declared.email), *declared.clauses]
    first = _Signature(at.SIGNED_PART_I, at.CLAUSES_PART_I, clauses, declared.signed, declared.party)
    if first.says_something():
        _build(builder, document, first)
    if (decision := ched.decision) is not None:
        clauses = [*_part_two(decision), *decision.clauses]
        officer, post = decision.officer, decision.post
        second = _Signature(at.SIGNED_PART_II, at.CLAUSES_PART_II, clauses, decision.signed, officer, post)
        if second.says_something() or not _beside_signature(decision):
            _build(builder, document, second)
    if (follow_up := ched.follow_up) is not None:
        clauses = [*_part_three(follow_up), *follow_up.clauses]
        officer, authority = follow_up.officer, follow_up.authority
        third = _Signature(
            at.SIGNED_PART_III, at.CLAUSES_PART_III, clauses, follow_up.signed, officer, location_party=authority
        )
        if third.says_something():
            _build(builder, document, third)


def _beside_signature(decision: Decision) -> bool:
    """Whether a note or a place says that there is a decision, though its signature says nothing."""
    lists = (decision.measures, decision.refusal_reasons, decision.laboratory.counts, decision.reseals)
    return any(lists) or bool(decision.special_condition) or decision.controlled_destination is not None


def _build(builder: Builder, document: _Element, signature: _Signature) -> None:
    element = etree.SubElement(document, f"{RAM}SignatorySPSAuthentication")
    builder.leaf(element, "TypeCode", signature.action, name=ACTIONS.get(signature.action, ""))
    builder.moment(element, "ActualDateTime", signature.signed)
    builder.post(element, "IssueSPSLocation", signature.post)
    if signature.party is None:
        builder.leaf(etree.SubElement(element, f"{RAM}ProviderSPSParty"), "Name")
    builder.party(element, "ProviderSPSParty", signature.party)
    builder.party(element, "LocationProviderSPSParty", signature.location_party)
    scheme, name = signature.scheme
    described = {"schemeID": scheme, "schemeName": name, "schemeAgencyID": AGENCY[0], "schemeAgencyName": AGENCY[1]}
    for identifier, code in signature.clauses:
        clause = etree.SubElement(element, f"{RAM}IncludedSPSClause")
        builder.leaf(clause, "ID", identifier, **described)
        builder.leaf(clause, "Content", code.code)
        builder.filled(clause, "Content", code.label, languageID=code.language)


def _part_one(ched: Ched, email: str) -> Iterator[tuple[str, Coded]]:
    for purpose in ched.purposes:
        yield at.PURPOSE, purpose.code
        if purpose.place:
            yield at.PURPOSE_PLACE, purpose.place
        if purpose.exit_date:
            yield at.PURPOSE_EXIT_DATE, Coded(purpose.exit_date)
    for certified in ched.certified_as:
        yield at.CERTIFIED_AS, certified
    if ched.conformity:
        yield at.CONFORMITY, ched.conformity
    if email:
        yield at.EMAIL, Coded(email)


def _part_two(decision: Decision) -> Iterator[tuple[str, Coded]]:
    laboratory, impact = decision.laboratory, decision.impact
    for conclusion in decision.conclusion:
        yield at.CONCLUSION, conclusion
    yield from _codes(decision, at.DECISION_CODES)
    if laboratory.done is not None:
        yield at.LABORATORY_DONE, Coded("YES" if laboratory.done else "NO")
    yield from _codes(laboratory, at.LABORATORY_CODES)
    yield from _texts(impact, at.IMPACT_TEXTS)
    if impact.accuracy:
        yield at.IMPACT_ACCURACY, impact.accuracy
    yield from _texts(decision, at.DECISION_TEXTS)


def _part_three(follow_up: FollowUp) -> Iterator[tuple[str, Coded]]:
    yield from _codes(follow_up, at.FOLLOW_UP_CODES)
    for reason in follow_up.reasons:
        yield at.FOLLOW_UP_REASON, reason
    if follow_up.text:
        yield at.FOLLOW_UP_TEXT, Coded(follow_up.text)
    if follow_up.redispatch is not None and follow_up.redispatch.date:
        yield at.REDISPATCH_DATE, Coded(follow_up.redispatch.date)


def _codes(value: object, names: Mapping[str, str]) -> Iterator[tuple[str, Coded]]:
    for identifier, name in names.items():
        code: Coded = getattr(value, name)
        if code:
            yield identifier, code


def _texts(value: object, names: Mapping[str, str]) -> Iterator[tuple[str, Coded]]:
    for identifier, name in names.items():
        if found := getattr(value, name):
            yield identifier, Coded(found)
