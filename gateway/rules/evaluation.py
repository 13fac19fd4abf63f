"""Ask the rules of a set about one document.

Each rule is one compiled XPath that finds what breaks it, so that the cost is one run of libxml2 per rule, whatever the
number of lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from threading import local
from typing import TYPE_CHECKING, Any, Final

import pycountry
from lxml import etree

from gateway.errors import ConfigurationError, Finding
from gateway.rules.loading import rule_sets
from gateway.rules.models import Kind, Rule
from gateway.xml.names import PREFIXES, path_of

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_FINDINGS_PER_RULE: Final = 20
"""A certificate of thousands of lines that breaks a rule in each says so twenty times; the last finding says that."""

MAX_KEPT_DAYS: Final = 32
"""Days and sets whose compiled rules a thread keeps: today's, and some for looking back."""

STATUSES: Final = "1 35 39 40 41 42 44 47 55 64 70 86 97 99 122 124 146"
"""UNTDID 4405 codes that mean something in TRACES or on the ePhyto hub (REFERENCE_DATA 4.1)."""

_COUNTRIES_BESIDE_ISO: Final = ("XI",)
"""United Kingdom (Northern Ireland), a country of TRACES."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    when: str
    select: etree.XPath
    uses_variables: bool
    """Handing them over costs more than most rules take."""
    suffix: str
    """What is missing below the found element, for the path of the finding."""


def evaluate(view_root: _Element, rule_set: str, *, on: date) -> tuple[Finding, ...]:
    """Every breach of a rule set, in the order of the rules.

    Args:
        view_root: the ``SPSCertificate`` element as received, alone or inside a larger tree.
        rule_set: ``sps-general`` or ``ephyto``.
        on: the day of receipt; decides which rules apply and what lies in the future.

    Raises:
        ConfigurationError: IMG-0132 there is no such rule set.
    """
    compiled = _compiled_set(rule_set, on)
    variables: dict[str, Any] = {
        "countries": _countries(),
        "statuses": f" {STATUSES} ",
        "tomorrow": _number(on + timedelta(days=1)),
    }
    conditions: dict[str, bool] = {"": True}
    findings: list[Finding] = []
    for each in compiled:
        applies = conditions.get(each.when)
        if applies is None:
            applies = conditions[each.when] = bool(_condition(each.when)(view_root))
        if applies:
            breaches: Any = each.select(view_root, **variables) if each.uses_variables else each.select(view_root)
            if breaches:
                findings.extend(_findings(each, breaches, view_root))
    return tuple(findings)


def _findings(compiled: _Compiled, breaches: Any, root: _Element) -> list[Finding]:
    if compiled.rule.kind is Kind.DUPLICATE:
        breaches = _duplicates(breaches)
    rule = compiled.rule
    found: list[Finding] = []
    for element in breaches[:MAX_FINDINGS_PER_RULE]:
        more = len(breaches) - MAX_FINDINGS_PER_RULE
        last = len(found) == MAX_FINDINGS_PER_RULE - 1 and more > 0
        message = f"{rule.message} ({more} more places)" if last else rule.message
        text = "" if len(element) else (element.text or "").strip()
        path = _path_below(root, element) + compiled.suffix
        found.append(Finding(rule.id, rule.severity, message, path, text[:200], rule.expected, rule.source))
    return found


def _duplicates(elements: list[_Element]) -> list[_Element]:
    seen: set[str] = set()
    twice: list[_Element] = []
    for element in elements:
        text = (element.text or "").strip()
        if text in seen:
            twice.append(element)
        seen.add(text)
    return twice


def _path_below(root: _Element, element: _Element) -> str:
    """The path from the certificate on, also when it lies in an envelope."""
    parent = root.getparent()
    path = path_of(element)
    return path if parent is None else path[len(path_of(parent)) :]


_thread = local()


def _compiled_set(name: str, on: date) -> tuple[_Compiled, ...]:
    """Compiled XPaths of the rules that hold on a day; kept per thread, because an XPath object has one lock."""
    kept: dict[tuple[str, date], tuple[_Compiled, ...]] = _thread.__dict__.setdefault("sets", {})
    if (name, on) not in kept:
        if len(kept) >= MAX_KEPT_DAYS:
            kept.clear()
        kept[name, on] = tuple(_compile(rule) for rule in _rules_on(name, on))
    return kept[name, on]


def _rules_on(name: str, on: date) -> tuple[Rule, ...]:
    rule_set = rule_sets().get(name)
    if rule_set is None:
        raise ConfigurationError("IMG-0132", found=name, expected=", ".join(sorted(rule_sets())))
    return tuple(rule for rule in rule_set.rules if rule.valid_on(on))


def _compile(rule: Rule) -> _Compiled:
    suffix = ""
    path = rule.select
    if rule.kind is Kind.MISSING:
        wanted = " or ".join(f"{need}[normalize-space()]" for need in rule.need)
        each = "self::*" if rule.each == "." else rule.each
        path = f"{each}[not({wanted})]"
        suffix = f"/{rule.need[0]}"
    try:
        select = etree.XPath(path, namespaces=PREFIXES, smart_strings=False)
        if rule.when:
            _condition(rule.when)
    except etree.XPathSyntaxError as error:
        raise ConfigurationError("IMG-0132", where=rule.id, found=str(error)) from error
    return _Compiled(rule, rule.when, select, "$" in path, suffix)


def _condition(when: str) -> etree.XPath:
    kept: dict[str, etree.XPath] = _thread.__dict__.setdefault("conditions", {})
    if when not in kept:
        kept[when] = etree.XPath(when, namespaces=PREFIXES, smart_strings=False)
    return kept[when]


@cache
def _countries() -> str:
    codes = [country.alpha_2 for country in pycountry.countries]
    return " ".join(["", *codes, *_COUNTRIES_BESIDE_ISO, ""])


def _number(day: date) -> float:
    return float(day.strftime("%Y%m%d"))
