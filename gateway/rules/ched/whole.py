"""Checks about the document as a whole: its kind, its language, its reference, countries, boxes that do not apply."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import pycountry

from gateway.documents.ched import Part
from gateway.rules.ched.models import Breach
from gateway.rules.ched.reading import codes, country_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gateway.rules.ched.models import Check, Question

__all__ = ["WHOLE"]

_REFERENCE: Final = re.compile(r"CHED(A|PP|P|D)\.[A-Z]{2}\.\d{4}\.\d{7}", re.ASCII)
_BESIDE_ISO: Final = ("XI", "XK")
"""Northern Ireland and Kosovo as TRACES has them."""
_LETTERS: Final = 2
_ONLY_A: Final = frozenset({"P", "PP", "D"})


def kind_is_stated(question: Question) -> Iterable[Breach]:
    return () if question.type else (Breach(),)


def language_is_taken(question: Question) -> Iterable[Breach]:
    ched, languages = question.ched, question.known.languages
    country = ched.post.country if ched.post is not None else ""
    if languages is None or not ched.language or not country:
        return ()
    taken = languages.of(country)
    if not taken or ched.language.lower().partition("-")[0] in taken:
        return ()
    return (Breach(ched.language, {"country": country}, expected=", ".join(taken)),)


def countries_are_countries(question: Question) -> Iterable[Breach]:
    known = _countries()
    return [
        Breach(code, box=box) for box, code in dict.fromkeys(_stated_countries(question)) if code and code not in known
    ]


def _stated_countries(question: Question) -> Iterator[tuple[str, str]]:
    ched, part = question.ched, question.part
    if part in (None, Part.I):
        yield "I.1", country_of(ched.consignor)
        yield "I.6", country_of(ched.consignee)
        yield "I.7", country_of(ched.destination)
        yield "I.8", country_of(ched.operator)
        for document in ched.documents:
            # Its place (schemeAgencyID) also holds the names of agencies, such as that of TRACES itself.
            yield "I.9", document.country if len(document.country) == _LETTERS else ""
        for line in ched.lines:
            for origin in line.origins:
                yield "I.11", origin.code
        yield "I.14", ched.dispatch_country.code
        for establishment in ched.establishments:
            yield "I.15", country_of(establishment)
        for purpose in ched.purposes:
            yield purpose.box or "I.20", purpose.country
        yield "I.28", country_of(ched.transporter)
    if part in (None, Part.II) and ched.decision is not None:
        yield "II.18", country_of(ched.decision.controlled_destination)
    if part in (None, Part.III) and ched.follow_up is not None and ched.follow_up.redispatch is not None:
        yield "III.4", ched.follow_up.redispatch.country


@cache
def _countries() -> frozenset[str]:
    return frozenset([*(country.alpha_2 for country in pycountry.countries), *_BESIDE_ISO])


def codes_are_known(question: Question) -> Iterable[Breach]:
    lists, on = question.known.codes, question.on
    if lists is None:
        return ()
    return [
        Breach(code, {"place": place, "list": name}, box=box)
        for box, place, name, code in dict.fromkeys(_listed_codes(question))
        if code and lists.knows(name, code, on) is False
    ]


def _listed_codes(question: Question) -> Iterator[tuple[str, str, str, str]]:
    """Box, its words, the list of its codes and a code; the box of an unknown purpose is unknown too.

    The code of a decision has a rule of its own (R-II9-CODE).
    """
    ched, part = question.ched, question.part
    if part in (None, Part.I):
        for certified in ched.certified_as:
            yield "I.18", "Box I.18", "ched-certified-as", certified.code
        for purpose in ched.purposes:
            yield purpose.box or "I.20", "Boxes I.20 to I.26", "ched-purpose", purpose.code.code
    if part in (None, Part.II) and ched.decision is not None:
        for measure in ched.decision.measures:
            yield "II.16", "Box II.16", "ched-not-acceptable-measure", measure.code
        for reason in ched.decision.refusal_reasons:
            yield "II.17", "Box II.17", "refusal-reason", reason.code


def boxes_apply(question: Question) -> Iterable[Breach]:
    if not question.type:
        return ()
    return [
        Breach(found, {"name": name}, box=box)
        for box, name, absent, found in _boxes_of_some_kinds(question)
        if found and question.type in absent
    ]


def _boxes_of_some_kinds(question: Question) -> Iterator[tuple[str, str, frozenset[str], str]]:
    """Box, its name, the kinds that have it not, and what stands there; purposes and decisions have their own rules."""
    ched, part = question.ched, question.part
    if part in (None, Part.I):
        yield "I.14", "country of dispatch", frozenset({"A"}), ched.dispatch_country.code
        yield "I.16", "transport conditions", frozenset({"A", "PP"}), ched.transport_conditions.code
        yield "I.18", "certified as or for", frozenset({"PP"}), codes(ched.certified_as)
        yield "I.19", "conformity of the goods", frozenset({"A", "PP", "D"}), ched.conformity.code
        yield "I.30", "journey log", _ONLY_A, ched.journey_log.code
    if part in (None, Part.II) and ched.decision is not None:
        impact = ched.decision.impact
        numbers = ", ".join(filter(None, (impact.dead, impact.unfit, impact.births_or_abortions)))
        yield "II.7", "welfare check", _ONLY_A, ched.decision.welfare.code
        yield "II.8", "impact of transport on animals", _ONLY_A, numbers


def reference_is_of_traces(question: Question) -> Iterable[Breach]:
    found, allocated = question.ched.reference, question.known.reference
    form = _REFERENCE.fullmatch(found)
    if not found:
        return ()
    if form is None:
        problem = "has not the form CHED, kind, country, year and seven digits (CHEDPP.NL.2026.0000001)"
    elif question.type and form[1] != question.type:
        problem = f"is that of a CHED-{form[1]}, and this is a CHED-{question.type}"
    elif allocated is None or found == allocated:
        return ()
    elif allocated:
        problem = f"is not the one that TRACES gave to this CHED, {allocated}"
    else:
        problem = "was not given by TRACES; leave the box empty in a new CHED"
    return (Breach(found, {"problem": problem}, expected=allocated or ""),)


WHOLE: Final[Mapping[str, Check]] = {
    "R-40-1": kind_is_stated,
    "R-40-2": language_is_taken,
    "G10-COUNTRY": countries_are_countries,
    "R-37-2": codes_are_known,
    "R-BOX-TYPE": boxes_apply,
    "R-REF": reference_is_of_traces,
}
