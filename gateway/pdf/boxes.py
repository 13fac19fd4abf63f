"""What stands in each box of a printed CHED (Annex II Part 1 of Regulation (EU) 2019/1715).

Only what was chosen is shown (rule G5). A box without text is not filled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.documents.ched import conclusion_box
from gateway.pdf.phrases import joined
from gateway.pdf.wording import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.documents.ched import Ched, ChedLink, Decision, FollowUp, Purpose
    from gateway.pdf.phrases import Phrases

__all__ = ["box_texts", "customs_documents", "outside_the_boxes"]

_RELATIONS = {"ACW": "replaces", "AXG": "split"}


def box_texts(ched: Ched, say: Phrases) -> dict[str, tuple[str, ...]]:
    """The lines of each filled box, except the tables I.9 and I.31."""
    texts = dict(_part_one(ched, say))
    texts |= _purposes(ched, say)
    texts["II.1"] = texts["III.1"] = _links(ched.previous, say)
    texts["II.24"] = texts["III.3"] = _links(ched.subsequent, say)
    texts["II.2"] = texts["III.2"] = (ched.reference,)
    texts["II.23"] = customs_documents(ched, say)
    if ched.decision is not None:
        texts |= _checks(ched.decision, say)
        texts |= _conclusions(ched.decision, say)
        texts |= _decided(ched, ched.decision, say)
    if ched.follow_up is not None:
        texts |= _follow_up(ched.follow_up, say)
    return {box: kept for box, lines in texts.items() if (kept := tuple(line for line in lines if line.strip()))}


def customs_documents(ched: Ched, say: Phrases) -> tuple[str, ...]:
    """II.23."""
    return tuple(joined(*say.document(each), by=", ") for each in ched.customs_documents)


def outside_the_boxes(ched: Ched, say: Phrases) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Purposes and conclusions that are no box of 2019/1715: they are kept, and so they are printed."""
    purposes = say.codes(each.code for each in ched.purposes if not each.box)
    conclusion = ched.decision.conclusion if ched.decision is not None else ()
    return purposes, say.codes(each for each in conclusion if not conclusion_box(each.code))


def _part_one(ched: Ched, say: Phrases) -> Mapping[str, tuple[str, ...]]:
    declaration = ched.declaration
    totals = say.quantities(ched.totals) if ched.totals is not None else ("", "", "")
    return {
        "I.1": say.party(ched.consignor),
        "I.2": (ched.reference,),
        "I.3": (ched.local_reference,),
        "I.4": (
            *say.post(ched.post),
            say.said("place_of_inspection", ched.inspection_place),
            say.said("expected", moment(ched.inspection_time)),
        ),
        "I.5": (ched.post.imsoc_code if ched.post is not None else "",),
        "I.6": say.party(ched.consignee),
        "I.7": (*say.party(ched.destination), *say.codes((ched.alternative_destination,))),
        "I.8": say.party(ched.operator),
        "I.10": (moment(ched.arrival),),
        "I.11": tuple(say.country(each) for each in ched.origins),
        "I.12": tuple(say.country(each) for each in ched.regions),
        "I.13": tuple(say.transport(each) for each in ched.transports_before),
        "I.14": (say.country(ched.dispatch_country),),
        "I.15": tuple(joined(*say.party(each), by=", ") for each in ched.establishments),
        "I.16": say.codes((ched.transport_conditions,)),
        "I.17": tuple(say.container(each) for each in ched.containers),
        "I.18": say.codes(ched.certified_as),
        "I.19": say.codes((ched.conformity,)),
        "I.27": tuple(say.transport(each) for each in ched.transports_after),
        "I.28": say.party(ched.transporter),
        "I.29": (moment(ched.departure_from_post),),
        "I.30": say.codes((ched.journey_log,)),
        "I.32": (totals[2],),
        "I.33": (totals[1],),
        "I.34": (totals[0],),
        "I.35": ()
        if declaration is None
        else (
            *say.party(declaration.party),
            declaration.email,
            say.said("signed_on", moment(declaration.signed)),
        ),
    }


def _purposes(ched: Ched, say: Phrases) -> Mapping[str, tuple[str, ...]]:
    """I.20 to I.26."""
    texts: dict[str, tuple[str, ...]] = {}
    for purpose in ched.purposes:
        if purpose.box:
            texts[purpose.box] = (*texts.get(purpose.box, ()), *_purpose(purpose, say))
    return texts


def _purpose(purpose: Purpose, say: Phrases) -> Iterable[str]:
    post = "exit_post" if purpose.box in {"I.22", "I.26"} else "next_post"
    return (
        f"[X] {say.wording.code(purpose.code)}",
        *say.codes((purpose.place,)),
        say.said("country", purpose.country),
        say.said(post, joined(*say.post(purpose.post), by=", ")),
        *say.party(purpose.facility),
        say.said("exit_date", moment(purpose.exit_date)),
    )


def _links(links: Iterable[ChedLink], say: Phrases) -> tuple[str, ...]:
    words = ((_RELATIONS.get(each.relation, ""), each.reference) for each in links)
    return tuple(f"{reference} ({say.wording.word(key)})" if key else reference for key, reference in words)


def _checks(decision: Decision, say: Phrases) -> Mapping[str, tuple[str, ...]]:
    """II.3 to II.8."""
    tests = decision.laboratory
    impact = decision.impact
    done = "" if tests.done is None else say.wording.label("YES" if tests.done else "NO")
    counts = (say.said(key if key == "TOTAL" else f"{key}_count", number) for key, number in tests.counts if number)
    accuracy = f" ({say.wording.code(impact.accuracy)})" if impact.accuracy else ""
    numbers = (("dead", impact.dead), ("unfit", impact.unfit), ("births", impact.births_or_abortions))
    return {
        "II.3": (
            say.code("check", decision.documentary_check),
            say.code("result", decision.documentary_result),
            say.code("national", decision.documentary_result_national),
        ),
        "II.4": (
            say.code("check", decision.identity_check),
            say.code("check_type", decision.identity_check_type),
            say.code("result", decision.identity_result),
        ),
        "II.5": (
            say.code("check", decision.physical_check),
            say.code("result", decision.physical_result),
            say.code("reason", decision.physical_no_reason),
        ),
        "II.6": (
            say.said("tests_done", done),
            say.code("motivation", tests.motivation),
            say.code("result", tests.result),
            joined(*counts, by="; "),
        ),
        "II.7": say.codes((decision.welfare,)),
        "II.8": tuple(say.said(key, f"{number}{accuracy}") for key, number in numbers if number),
    }


def _conclusions(decision: Decision, say: Phrases) -> Mapping[str, tuple[str, ...]]:
    """II.9 to II.16."""
    texts: dict[str, tuple[str, ...]] = {}
    for conclusion in decision.conclusion:
        if box := conclusion_box(conclusion.code):
            texts[box] = (*texts.get(box, ()), f"[X] {say.wording.code(conclusion)}")
    if decision.special_condition:
        box = next(iter(texts), "II.12")
        texts[box] = (*texts.get(box, ()), say.code("condition", decision.special_condition))
    measures = (*say.codes(decision.measures), say.said("due", moment(decision.measures_due)))
    texts["II.16"] = (*texts.get("II.16", ()), *measures)
    return texts


def _decided(ched: Ched, decision: Decision, say: Phrases) -> Mapping[str, tuple[str, ...]]:
    """II.17 to II.22."""
    return {
        "II.17": say.codes(decision.refusal_reasons),
        "II.18": say.party(decision.controlled_destination),
        "II.19": say.seals(decision.reseals),
        "II.20": say.post(decision.post or (ched.post if decision.decided else None)),
        "II.21": (
            *say.party(decision.officer),
            decision.email,
            say.said("signed_on", moment(decision.signed)),
        ),
        "II.22": (decision.fees,),
    }


def _follow_up(found: FollowUp, say: Phrases) -> Mapping[str, tuple[str, ...]]:
    """III.4 to III.6."""
    away = found.redispatch
    return {
        "III.4": ()
        if away is None
        else (
            say.said("transport", say.transport(away.transport)),
            say.said("country", away.country),
            say.said("exit_post", joined(*say.post(away.post), by=", ")),
            say.said("date", moment(away.date)),
        ),
        "III.5": (
            *say.codes((found.role,)),
            *say.party(found.authority),
            say.code("arrived", found.arrived),
            say.code("conforms", found.conform),
            say.code("outcome", found.outcome),
            say.said("reason", joined(*say.codes(found.reasons), by=", ")),
            found.text,
        ),
        "III.6": (*say.party(found.officer), say.said("signed_on", moment(found.signed))),
    }
