"""Checks of who and where: boxes I.1, I.4 to I.8, I.14 and I.35."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched.places import RELATION_SPLIT
from gateway.rules.ched.models import Breach
from gateway.rules.ched.reading import country_of, is_identified, needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.documents.ched import ControlPost
    from gateway.rules.ched.models import Check, Question

__all__ = ["PARTIES"]

_FURTHER: Final = frozenset({"I.20", "I.21", "I.22"})
"""Purposes that themselves say where the goods go."""
_BY_CODE: Final = frozenset({"", "authority_activity_id"})
"""Schemes of a post's identifier that hold its IMSOC code; the other one is a UN/LOCODE, which names a place."""


def consignor_is_there(question: Question) -> Iterable[Breach]:
    return () if is_identified(question.ched.consignor) else (Breach(),)


def consignor_is_abroad(question: Question) -> Iterable[Breach]:
    country = country_of(question.ched.consignor)
    return (Breach(country),) if question.is_member_state(country) else ()


def post_is_there(question: Question) -> Iterable[Breach]:
    post = question.ched.post
    return () if post is not None and (post.identifier or post.code or post.name) else (Breach(),)


def post_code(post: ControlPost | None) -> str:
    """I.5: the IMSOC code of a post; empty when only its place is named."""
    if post is None:
        return ""
    return post.code or (post.identifier if post.scheme in _BY_CODE else "")


def post_may_take_it(question: Question) -> Iterable[Breach]:
    code, posts = post_code(question.ched.post), question.known.posts
    if posts is None or not code:
        return ()
    post = posts.find(code, question.on)
    if post is None:
        problem = "is not in the list of posts"
    elif not post.active:
        problem = f"is not active on {question.on}"
    elif question.type and not post.designated_for(question.type):
        designated = ", ".join(sorted(post.categories)) or "nothing"
        problem = f"is not designated for a CHED-{question.type}; it is designated for {designated}"
    else:
        return ()
    return (Breach(code, {"problem": problem}),)


def control_unit_is_named(question: Question) -> Iterable[Breach]:
    posts = question.known.posts
    code = post_code(question.ched.post)
    if posts is None or not (question.is_subsequent and question.is_non_conforming):
        return ()
    post = posts.find(code, question.on)
    return (Breach(code),) if post is not None and post.kind == "bcp" else ()


def consignee_is_there(question: Question) -> Iterable[Breach]:
    excepted = question.purpose_box in {"I.20", "I.22"}
    return () if excepted or is_identified(question.ched.consignee) else (Breach(),)


def destination_is_there(question: Question) -> Iterable[Breach]:
    ched = question.ched
    known = is_identified(ched.destination) or ched.alternative_destination or question.purpose_box in _FURTHER
    return () if known or needs(question, "PLACE_OF_DESTINATION_ACCESS") is False else (Breach(),)


def destination_is_in_the_union(question: Question) -> Iterable[Breach]:
    country = country_of(question.ched.destination)
    passing = question.purpose_box in {"I.20", "I.22"}
    return () if not country or passing or question.is_member_state(country) else (Breach(country),)


def transit_is_no_destination(question: Question) -> Iterable[Breach]:
    country = country_of(question.ched.destination)
    abroad = country and question.purpose_box == "I.22" and not question.is_member_state(country)
    return (Breach(country),) if abroad else ()


def part_of_a_split_goes_on(question: Question) -> Iterable[Breach]:
    ched = question.ched
    split = [link.reference for link in ched.previous if link.relation == RELATION_SPLIT]
    return (Breach(", ".join(split)),) if split and ched.alternative_destination else ()


def transfer_ends_at_the_control_point(question: Question) -> Iterable[Breach]:
    purpose, destination = question.purpose, question.ched.destination
    if purpose is None or purpose.code.code != "TRANSFER" or purpose.post is None or destination is None:
        return ()
    post = {purpose.post.code, purpose.post.identifier, purpose.post.name, purpose.post.locode} - {""}
    stated = {destination.identifier, destination.approval, destination.name} - {""}
    if not post or not stated or post & stated:
        return ()
    return (Breach(min(stated), expected=post_code(purpose.post) or min(post)),)


def operator_is_there(question: Question) -> Iterable[Breach]:
    return () if is_identified(question.ched.operator) else (Breach(),)


def operator_signs(question: Question) -> Iterable[Breach]:
    operator, declaration = question.ched.operator, question.ched.declaration
    signatory = declaration.party if declaration is not None else None
    if operator is None or signatory is None or not operator.identifier or not signatory.identifier:
        return ()
    if operator.scheme != signatory.scheme or operator.identifier == signatory.identifier:
        return ()
    return (Breach(signatory.identifier, expected=operator.identifier),)


def operator_is_in_the_union(question: Question) -> Iterable[Breach]:
    country = country_of(question.ched.operator)
    return () if not country or question.is_member_state(country) else (Breach(country),)


def dispatch_is_there(question: Question) -> Iterable[Breach]:
    if question.ched.dispatch_country.code or needs(question, "DISPATCH_COUNTRY_ACCESS") is False:
        return ()
    return (Breach(),)


def dispatch_is_abroad(question: Question) -> Iterable[Breach]:
    country = question.ched.dispatch_country.code
    return (Breach(country),) if question.is_member_state(country) else ()


def declaration_is_there(question: Question) -> Iterable[Breach]:
    declaration = question.ched.declaration
    said = declaration is not None and (declaration.signed or is_identified(declaration.party))
    return () if said else (Breach(),)


PARTIES: Final[Mapping[str, Check]] = {
    "R-I1": consignor_is_abroad,
    "R-I1-M": consignor_is_there,
    "R-I4-M": post_is_there,
    "R-I4-NC": control_unit_is_named,
    "R-I5": post_may_take_it,
    "R-I6-M": consignee_is_there,
    "R-I7-M": destination_is_there,
    "R-I7-EU": destination_is_in_the_union,
    "R-I7-TRANSIT": transit_is_no_destination,
    "R-I7-SPLIT": part_of_a_split_goes_on,
    "R-I7-CP": transfer_ends_at_the_control_point,
    "R-I8-M": operator_is_there,
    "R-I8-SIGN": operator_signs,
    "R-I8-MS": operator_is_in_the_union,
    "R-I14": dispatch_is_abroad,
    "R-I14-M": dispatch_is_there,
    "R-I35-M": declaration_is_there,
}
