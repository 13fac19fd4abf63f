"""Ask the rules of imsoc-2019 about one CHED."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gateway.documents.ched import Part, conclusion_box
from gateway.errors import MAX_FOUND, Finding, Severity
from gateway.rules.ched.decisions import DECISIONS
from gateway.rules.ched.facts import Facts
from gateway.rules.ched.figures import FIGURES
from gateway.rules.ched.follow_ups import FOLLOW_UPS
from gateway.rules.ched.goods import GOODS
from gateway.rules.ched.loading import ched_rules
from gateway.rules.ched.models import AskedOf, Breach, Check, ChedRule, Question, Treatment
from gateway.rules.ched.options import options
from gateway.rules.ched.parties import PARTIES
from gateway.rules.ched.places import path_of_box
from gateway.rules.ched.purposes import PURPOSES
from gateway.rules.ched.transport import TRANSPORT
from gateway.rules.ched.whole import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from gateway.documents.ched import Ched

__all__ = ["CHECKS", "MAX_FINDINGS_PER_RULE", "evaluate_ched"]

MAX_FINDINGS_PER_RULE: Final = 20
"""As for certificates: what thousands of lines lack is told twenty times, and the last finding says so."""

CHECKS: Final[Mapping[str, Check]] = {
    **WHOLE,
    **PARTIES,
    **TRANSPORT,
    **PURPOSES,
    **GOODS,
    **FIGURES,
    **DECISIONS,
    **FOLLOW_UPS,
}
"""The check of every rule that a document is asked, by id."""

_NOTHING_KNOWN: Final = Facts()


def evaluate_ched(
    ched: Ched, *, on: date, known: Facts = _NOTHING_KNOWN, part: Part | None = None, draft: bool = False
) -> tuple[Finding, ...]:
    """Every rule that a CHED does not keep, in the order of the boxes.

    Args:
        ched: as it would stand after the change that is judged.
        on: the day of receipt; decides which rules hold. Before 14 December 2019 there is none.
        known: reference data and what is known of the CHED beside the document.
        part: the part that is being written, whose rules alone are asked; all parts that are filled when None. With
            Part II a conclusion is demanded, with Part III an outcome: a decision in progress is asked with None.
        draft: a draft may be incomplete: only the rules of Part I, and all of them warn.

    Returns:
        SEVERE what refuses, WARNING what is told; ``path`` is the box and an XPath from SPSCertificate on. No document
        makes this raise.
    """
    if draft:
        part = Part.I
    kind = ched.type.value if ched.type is not None else ""
    question = _question(ched, on, known, part, kind)
    findings: list[Finding] = []
    for rule, check in _asked(on, part, kind):
        breaches = list(check(question))
        if breaches:
            findings.extend(_findings(rule, breaches, question))
    if draft:
        return tuple(replace(each, severity=Severity.WARNING) for each in findings)
    return tuple(findings)


def _question(ched: Ched, on: date, known: Facts, part: Part | None, kind: str) -> Question:
    purpose = ched.purposes[0] if len(ched.purposes) == 1 else None
    conclusions = [each.code for each in ched.decision.conclusion if each] if ched.decision is not None else []
    conclusion = conclusions[0] if len(conclusions) == 1 else ""
    return Question(
        ched=ched,
        on=on,
        known=known,
        options=options(),
        part=part,
        type=kind,
        purpose=purpose,
        purpose_box=purpose.box if purpose is not None else "",
        conclusion=conclusion,
        conclusion_box=conclusion_box(conclusion),
        commodities=tuple(dict.fromkeys(code for line in ched.lines if (code := line.commodity))),
        answers={},
    )


@lru_cache(maxsize=256)
def _asked(on: date, part: Part | None, kind: str) -> tuple[tuple[ChedRule, Check], ...]:
    """The rules for a day, a part and a kind of CHED; rules for some kinds are not asked where the kind is unknown."""
    return tuple(
        (rule, CHECKS[rule.id])
        for rule in ched_rules().values()
        if rule.treatment is not Treatment.NEVER
        and rule.asked_of is AskedOf.DOCUMENT
        and rule.valid_on(on)
        and (part is None or part in rule.parts)
        and (not rule.types or kind in rule.types)
    )


def _findings(rule: ChedRule, breaches: list[Breach], question: Question) -> Iterator[Finding]:
    more = len(breaches) - MAX_FINDINGS_PER_RULE
    for number, breach in enumerate(breaches[:MAX_FINDINGS_PER_RULE], start=1):
        finding = _finding(rule, breach, question)
        if number == MAX_FINDINGS_PER_RULE and more > 0:
            finding = replace(finding, message=f"{finding.message} ({more} more places)")
        yield finding


def _finding(rule: ChedRule, breach: Breach, question: Question) -> Finding:
    box = breach.box or rule.box
    shown = _shortened(breach.found)
    expected = breach.expected or rule.expected
    values = {name: _shortened(str(value)) for name, value in breach.more.items()}
    names = {"box": box, "type": question.type, "found": shown, "expected": _shortened(expected), **values}
    lines = question.ched.lines
    line = lines[breach.line] if breach.line is not None else None
    path = path_of_box(box, line, (breach.line or 0) + 1)
    return Finding(rule.id, rule.severity, rule.message.format_map(names), path, shown, expected, rule.source)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_FOUND else text[: MAX_FOUND - 1] + "…"
