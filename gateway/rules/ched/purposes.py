"""Checks of what the goods are for: boxes I.18 to I.26."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.rules.ched.models import Breach
from gateway.rules.ched.reading import codes, day_of, lacks, needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.rules.ched.models import Check, Question

__all__ = ["DAYS_OF_ADMISSION", "PURPOSES"]

DAYS_OF_ADMISSION: Final = 90
"""Temporary admission ends before this many days have passed (R-I26-90)."""
_OVERLAND: Final = frozenset({"2", "3", "8"})
"""Rail, road, inland waterway."""


def certified_as_something(question: Question) -> Iterable[Breach]:
    missing = not question.ched.certified_as and needs(question, "CERTIFIED_AS_ACCESS") is not False
    return (Breach(),) if missing else ()


def certified_as_one_thing(question: Question) -> Iterable[Breach]:
    different = dict.fromkeys(each.code for each in question.ched.certified_as)
    return (Breach(", ".join(different)),) if len(different) > 1 else ()


def certified_as_an_option(question: Question) -> Iterable[Breach]:
    return [
        Breach(each.code)
        for each in question.ched.certified_as
        if question.type not in question.options.certified_as.get(each.code, {question.type})
    ]


def conformity_is_stated(question: Question) -> Iterable[Breach]:
    missing = not question.ched.conformity and needs(question, "GOODS_COMPLIANCE_ACCESS") is not False
    return (Breach(),) if missing else ()


def conformity_is_an_option(question: Question) -> Iterable[Breach]:
    code, options = question.ched.conformity.code, question.options
    return (Breach(code),) if code and code not in options.conform | options.non_conform else ()


def conformity_fits_the_purpose(question: Question) -> Iterable[Breach]:
    contradicts = question.is_non_conforming and question.purpose_box == "I.23"
    return (Breach(question.ched.conformity.code),) if contradicts else ()


def one_purpose(question: Question) -> Iterable[Breach]:
    purposes = question.ched.purposes
    if len(purposes) == 1:
        return ()
    found = codes(purpose.code for purpose in purposes)
    return (Breach(found, {"chosen": f"{found} are chosen" if purposes else "no purpose is chosen"}),)


def purpose_exists_for_the_kind(question: Question) -> Iterable[Breach]:
    allowed = question.options.purpose_boxes
    return [
        Breach(purpose.code.code, box=purpose.box)
        for purpose in question.ched.purposes
        if question.type
        and purpose.code.code not in question.options.uncertain
        and question.type not in allowed.get(purpose.box, {question.type})
    ]


def purpose_exists_for_the_goods(question: Question) -> Iterable[Breach]:
    code = question.purpose.code.code if question.purpose is not None else ""
    attribute = question.options.purpose_access.get(code, "")
    commodity = lacks(question, attribute) if attribute else ""
    if not commodity:
        return ()
    more: dict[str, object] = {"commodity": commodity, "attribute": attribute}
    return (Breach(code, more, box=question.purpose_box),)


def further_travel_fits_the_kind(question: Question) -> Iterable[Breach]:
    known = question.options.purposes
    return [
        Breach(purpose.code.code)
        for purpose in question.ched.purposes
        if purpose.box == "I.20"
        and question.type
        and question.type not in known.get(purpose.code.code, {question.type})
    ]


def further_travel_has_an_end(question: Question) -> Iterable[Breach]:
    purpose = question.purpose
    missing = question.purpose_box == "I.20" and purpose is not None and not (purpose.country or purpose.post)
    return (Breach(),) if missing else ()


def facility_is_named(question: Question) -> Iterable[Breach]:
    purpose = question.purpose
    missing = question.purpose_box == "I.21" and purpose is not None and purpose.facility is None
    return (Breach(),) if missing else ()


def transit_leaves_by_a_post(question: Question) -> Iterable[Breach]:
    purpose = question.purpose
    if question.purpose_box != "I.22" or purpose is None or purpose.post is not None:
        return ()
    modes = [each.mode.code for each in question.ched.transports_after if each.mode.code in _OVERLAND]
    return (Breach(modes[0]),) if modes and question.is_non_conforming else ()


def transit_has_an_end(question: Question) -> Iterable[Breach]:
    purpose = question.purpose
    missing = question.purpose_box == "I.22" and purpose is not None and not purpose.country
    return (Breach(),) if missing else ()


def non_conforming_goods_go_somewhere(question: Question) -> Iterable[Breach]:
    purpose = question.purpose
    missing = question.purpose_box == "I.24" and purpose is not None and not (purpose.place or purpose.facility)
    return (Breach(),) if missing else ()


def admission_is_of_horses(question: Question) -> Iterable[Breach]:
    certified = [each.code for each in question.ched.certified_as]
    if question.purpose_box != "I.26" or not certified or question.options.registered_horses in certified:
        return ()
    return (Breach(", ".join(certified)),)


def admission_has_an_end(question: Question) -> Iterable[Breach]:
    purpose = question.purpose
    if question.purpose_box != "I.26" or purpose is None:
        return ()
    missing = [name for name, value in (("exit post", purpose.post), ("exit date", purpose.exit_date)) if not value]
    are = " are" if len(missing) > 1 else " is"
    return (Breach(more={"missing": " and ".join(missing) + are}),) if missing else ()


def admission_is_short(question: Question) -> Iterable[Breach]:
    ched, purpose = question.ched, question.purpose
    if question.purpose_box != "I.26" or purpose is None:
        return ()
    signed = ched.decision.signed if ched.decision is not None and ched.decision.decided else ""
    admitted = day_of(signed) or day_of(ched.arrival)
    leaves = day_of(purpose.exit_date)
    if admitted is None or leaves is None or (leaves - admitted).days < DAYS_OF_ADMISSION:
        return ()
    return (Breach(purpose.exit_date, {"admitted": admitted}),)


PURPOSES: Final[Mapping[str, Check]] = {
    "R-I18-M": certified_as_something,
    "R-I18-ONE": certified_as_one_thing,
    "R-I18-OPTION": certified_as_an_option,
    "R-I19-M": conformity_is_stated,
    "R-I19-OPTION": conformity_is_an_option,
    "R-I19-24": conformity_fits_the_purpose,
    "G4-PURPOSE": one_purpose,
    "R-I20-TYPE": purpose_exists_for_the_kind,
    "R-I20-ACCESS": purpose_exists_for_the_goods,
    "R-I20": further_travel_fits_the_kind,
    "R-I20-TO": further_travel_has_an_end,
    "R-I21": facility_is_named,
    "R-I22-EXIT": transit_leaves_by_a_post,
    "R-I22-TO": transit_has_an_end,
    "R-I24": non_conforming_goods_go_somewhere,
    "R-I26": admission_is_of_horses,
    "R-I26-EXIT": admission_has_an_end,
    "R-I26-90": admission_is_short,
}
