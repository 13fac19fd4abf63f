"""Checks of Part II: boxes II.3 to II.21."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched import Part, TransportImpact, conclusion_box
from gateway.documents.ched.places import LABORATORY_CODES
from gateway.rules.ched.models import Breach
from gateway.rules.ched.reading import codes, is_identified, lacks, needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.documents.ched import Coded, Decision
    from gateway.rules.ched.models import Check, Question

__all__ = ["DECISIONS", "joined"]

_YES: Final = "YES"
_NO: Final = "NO"
_SATISFACTORY: Final = "SATISFACTORY"
_RESULTS: Final = frozenset({_SATISFACTORY, "NOT_SATISFACTORY"})
_REDUCED: Final = "REDUCED"
_PENDING: Final = "PENDING"
_RANDOM: Final = "RANDOM"
_MOTIVATIONS: Final = frozenset(clause for clause, name in LABORATORY_CODES.items() if name == "motivation")
_WITH_DESTINATION: Final = frozenset({"II.10", "II.13", "II.14"})


def _decided(question: Question) -> Decision | None:
    """The decision, when a conclusion stands: one in progress need not be complete."""
    decision = question.ched.decision
    return decision if decision is not None and decision.decided else None


def _unless_freed(question: Question, attribute: str, *, missing: bool) -> Iterable[Breach]:
    """A breach, unless reference data say that the commodities do not have the box."""
    return (Breach(),) if missing and needs(question, attribute) is not False else ()


def joined(missing: list[str]) -> str:
    """``the reason is``, ``the reason and the date are``."""
    return " and ".join(missing) + (" are" if len(missing) > 1 else " is")


def documentary_check_has_a_result(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    missing = decision is not None and not decision.documentary_result
    return _unless_freed(question, "CHECK_DOCUMENTARY_ACCESS", missing=missing)


def identity_check_is_answered(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    missing = decision is not None and not decision.identity_check
    return _unless_freed(question, "CHECK_IDENTITY_ACCESS", missing=missing)


def identity_check_agrees(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    return _agreement(decision.identity_check, decision.identity_result) if decision is not None else ()


def physical_check_is_answered(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    missing = decision is not None and not decision.physical_check
    return _unless_freed(question, "CHECK_PHYSICAL_ACCESS", missing=missing)


def physical_check_agrees(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    return _agreement(decision.physical_check, decision.physical_result) if decision is not None else ()


def _agreement(check: Coded, result: Coded) -> Iterable[Breach]:
    has_result = result.code in _RESULTS
    contradicts = (check.code == _YES and not has_result) or (check.code == _NO and has_result)
    return (Breach(check.code, expected=result.code or "(none)"),) if contradicts else ()


def reduced_check_rests_on_others(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    if decision is None or not decision.physical_no_reason.code.startswith(_REDUCED):
        return ()
    rests_on = {"II.3": decision.documentary_result.code}
    if question.type == "P":
        rests_on["II.4"] = decision.identity_result.code
    found = [f"{result or 'nothing'} ({box})" for box, result in rests_on.items() if result != _SATISFACTORY]
    return (Breach(", ".join(found), expected=" and ".join(rests_on)),) if found else ()


def laboratory_tests_are_answered(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    if decision is None:
        return ()
    tests = decision.laboratory
    return () if tests.done is not None or tests.result or tests.counts else (Breach(),)


def pending_results_hold_the_goods(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    if decision is None or decision.laboratory.result.code != _PENDING:
        return ()
    motivation = decision.laboratory.motivation.code
    leaves = question.conclusion_box not in {"II.10", "II.16"}
    return (Breach(motivation),) if leaves and motivation in question.options.detaining else ()


def random_sampling_stands_alone(question: Question) -> Iterable[Breach]:
    found = _motivations(question)
    others = [motivation for motivation in found if motivation != _RANDOM]
    return (Breach(", ".join(others)),) if _RANDOM in found and others else ()


def motivations_are_options(question: Question) -> Iterable[Breach]:
    return _not_options(_motivations(question), question.options.motivations, question)


def _motivations(question: Question) -> list[str]:
    """Each different one: Part II holds one, and a second is among the clauses that are no box."""
    decision = question.ched.decision
    if decision is None:
        return []
    further = [code.code for clause, code in decision.clauses if clause in _MOTIVATIONS]
    return list(dict.fromkeys(filter(None, (decision.laboratory.motivation.code, *further))))


def _not_options(found: Iterable[str], known: Mapping[str, frozenset[str]], question: Question) -> list[Breach]:
    """Codes that are known to belong to other kinds of CHED."""
    kind = question.type
    return [Breach(code) for code in found if kind and kind not in known.get(code, {kind})]


def welfare_is_checked(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    missing = decision is not None and not decision.welfare
    return _unless_freed(question, "CHECK_WELFARE_ACCESS", missing=missing)


def impact_is_stated(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    missing = decision is not None and decision.impact == TransportImpact()
    return _unless_freed(question, "CHECK_IMPACT_TRANSPORT_ANIMALS_ACCESS", missing=missing)


def one_conclusion(question: Question) -> Iterable[Breach]:
    decision = question.ched.decision
    conclusions = [each for each in decision.conclusion if each] if decision is not None else []
    if len(conclusions) == 1 or (not conclusions and question.part is not Part.II):
        return ()
    found = codes(conclusions)
    return (Breach(found, {"chosen": f"{found} are chosen" if found else "no decision is chosen"}),)


def conclusion_is_known(question: Question) -> Iterable[Breach]:
    lists, decision = question.known.codes, question.ched.decision
    if lists is None or decision is None:
        return ()
    chosen = dict.fromkeys(each.code for each in decision.conclusion if each.code)
    return [Breach(code) for code in chosen if lists.knows("ched-decision", code, question.on) is False]


def conclusion_exists_for_the_kind(question: Question) -> Iterable[Breach]:
    decision, allowed = question.ched.decision, question.options.decision_boxes
    if decision is None or not question.type:
        return ()
    certain = (each.code for each in decision.conclusion if each.code not in question.options.uncertain)
    boxed = [(code, conclusion_box(code)) for code in certain]
    return [Breach(code, box=box) for code, box in boxed if question.type not in allowed.get(box, {question.type})]


def further_travel_fits_the_kind(question: Question) -> Iterable[Breach]:
    decision = question.ched.decision
    if decision is None:
        return ()
    return _not_options([each.code for each in decision.conclusion], question.options.decisions, question)


def conclusion_exists_for_the_goods(question: Question) -> Iterable[Breach]:
    attribute = question.options.decision_access.get(question.conclusion, "")
    commodity = lacks(question, attribute) if attribute else ""
    if not commodity:
        return ()
    more: dict[str, object] = {"commodity": commodity, "attribute": attribute}
    return (Breach(question.conclusion, more, box=question.conclusion_box),)


def special_condition_is_an_option(question: Question) -> Iterable[Breach]:
    decision = question.ched.decision
    if decision is None or not decision.special_condition:
        return ()
    box = question.conclusion_box if question.conclusion_box in {"II.13", "II.14"} else "II.12"
    found = _not_options([decision.special_condition.code], question.options.special_conditions, question)
    return [Breach(each.found, box=box) for each in found]


def admission_has_its_date(question: Question) -> Iterable[Breach]:
    admitted = question.conclusion_box == "II.15"
    return (Breach(),) if admitted and not any(each.exit_date for each in question.ched.purposes) else ()


def refusal_has_reason_and_date(question: Question) -> Iterable[Breach]:
    decision = question.ched.decision
    if question.conclusion_box != "II.16" or decision is None:
        return ()
    stated = (("a reason", decision.refusal_reasons), ("the date by which measures are due", decision.measures_due))
    missing = [name for name, value in stated if not value]
    return (Breach(more={"missing": joined(missing)}),) if missing else ()


def refusal_has_a_measure(question: Question) -> Iterable[Breach]:
    decision = question.ched.decision
    missing = question.conclusion_box == "II.16" and decision is not None and not decision.measures
    return (Breach(),) if missing else ()


def measures_are_options(question: Question) -> Iterable[Breach]:
    decision = question.ched.decision
    measures = decision.measures if decision is not None else ()
    return _not_options([each.code for each in measures], question.options.measures, question)


def reasons_exist_for_the_kind(question: Question) -> Iterable[Breach]:
    decision, options = question.ched.decision, question.options
    if decision is None or not question.type:
        return ()
    return [
        Breach(each.code, {"category": category})
        for each in decision.refusal_reasons
        if (category := options.reasons.get(each.code)) and question.type not in options.reason_types[category]
    ]


def controlled_destination_is_named(question: Question) -> Iterable[Breach]:
    decision = question.ched.decision
    if decision is None or question.conclusion_box not in _WITH_DESTINATION:
        return ()
    return () if is_identified(decision.controlled_destination) else (Breach(question.conclusion),)


def officer_is_named(question: Question) -> Iterable[Breach]:
    decision = _decided(question)
    if decision is None:
        return ()
    stated = (("the certifying officer", is_identified(decision.officer)), ("the day of the decision", decision.signed))
    missing = [name for name, value in stated if not value]
    return (Breach(more={"missing": joined(missing)}),) if missing else ()


DECISIONS: Final[Mapping[str, Check]] = {
    "R-II3-M": documentary_check_has_a_result,
    "R-II4-M": identity_check_is_answered,
    "R-II4-RESULT": identity_check_agrees,
    "R-II5-M": physical_check_is_answered,
    "R-II5-RED": reduced_check_rests_on_others,
    "R-II5-RESULT": physical_check_agrees,
    "R-II6-M": laboratory_tests_are_answered,
    "R-II6-OPTION": motivations_are_options,
    "R-II6-PEND": pending_results_hold_the_goods,
    "R-II6-RAND": random_sampling_stands_alone,
    "R-II7-M": welfare_is_checked,
    "R-II8-M": impact_is_stated,
    "G4-DECISION": one_conclusion,
    "R-II9": further_travel_fits_the_kind,
    "R-II9-ACCESS": conclusion_exists_for_the_goods,
    "R-II9-CODE": conclusion_is_known,
    "R-II9-TYPE": conclusion_exists_for_the_kind,
    "R-II12-OPTION": special_condition_is_an_option,
    "R-II15": admission_has_its_date,
    "R-II16-17": refusal_has_reason_and_date,
    "R-II16-MEASURE": refusal_has_a_measure,
    "R-II16-OPTION": measures_are_options,
    "R-II17": reasons_exist_for_the_kind,
    "R-II18-M": controlled_destination_is_named,
    "R-II21-M": officer_is_named,
}
