"""Rules as libxml2 runs them: one XPath that tells which rules to ask, and one per rule that finds its places.

Nearly every document keeps nearly every rule, and walking to the same lines once per rule is most of the cost. So rules
about the same elements share one walk: the gate of such a group is true when any of them finds something, and the gates
of all groups together are one XPath that answers with one digit each. Only the rules behind a 1 are asked where.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from threading import local
from typing import TYPE_CHECKING, Any, Final

import pycountry
from lxml import etree

from gateway.errors import ConfigurationError
from gateway.rules.loading import rule_sets
from gateway.rules.models import Kind, Rule
from gateway.xml.names import PREFIXES

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["CompiledRule", "CompiledSet", "compiled_set"]

MAX_KEPT_DAYS: Final = 32
"""Days and sets whose compiled rules a thread keeps: today's, and some for looking back."""

STATUSES: Final = "1 35 39 40 41 42 44 47 55 64 70 86 97 99 122 124 146"
"""UNTDID 4405 codes that mean something in TRACES or on the ePhyto hub (REFERENCE_DATA 4.1)."""

_COUNTRIES_BESIDE_ISO: Final = ("XI",)
"""United Kingdom (Northern Ireland), a country of TRACES."""

_HERE: Final = "."


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule, ready to find its places."""

    rule: Rule
    select: etree.XPath
    suffix: str
    """What is missing below the found element, for the path of the finding."""


@dataclass(frozen=True, slots=True)
class CompiledSet:
    """The rules of a set that hold on one day."""

    rules: tuple[CompiledRule, ...]
    gates: etree.XPath
    groups: tuple[tuple[int, ...], ...]
    """For each digit of the gates the positions of its rules."""

    def suspects(self, root: _Element) -> list[CompiledRule]:
        """The rules that may find something in a document, in their order; every other rule finds nothing."""
        digits: Any = self.gates(root)  # a string, because the whole path is a call of concat()
        numbers = [number for digit, group in zip(digits, self.groups, strict=True) if digit == "1" for number in group]
        return [self.rules[number] for number in sorted(numbers)]


_thread = local()


def compiled_set(name: str, on: date) -> CompiledSet:
    """The rules of a set for a day; kept per thread, because an XPath object has one lock.

    Raises:
        ConfigurationError: IMG-0132 there is no such rule set, or a path in it is no XPath.
    """
    kept: dict[tuple[str, date], CompiledSet] = _thread.__dict__.setdefault("sets", {})
    if (name, on) not in kept:
        if len(kept) >= MAX_KEPT_DAYS:
            kept.clear()
        kept[name, on] = _compile_set(_rules_on(name, on), _constants(on))
    return kept[name, on]


def _rules_on(name: str, on: date) -> tuple[Rule, ...]:
    rule_set = rule_sets().get(name)
    if rule_set is None:
        raise ConfigurationError("IMG-0132", found=name, expected=", ".join(sorted(rule_sets())))
    return tuple(rule for rule in rule_set.rules if rule.valid_on(on))


def _compile_set(rules: tuple[Rule, ...], constants: dict[str, str]) -> CompiledSet:
    groups: dict[tuple[str, str], list[int]] = {}
    for number, rule in enumerate(rules):
        # What stands below one and the same element can be asked on one walk to it.
        shared = rule.each if rule.kind is Kind.MISSING or rule.each != _HERE else rule.id
        groups.setdefault((rule.when, shared), []).append(number)
    digits = [f"number({_gate([rules[number] for number in members])})" for members in groups.values()]
    digits += ["''", "''"]  # concat() wants two arguments at least, however few rules there are
    return CompiledSet(
        rules=tuple(_compile_rule(rule, constants) for rule in rules),
        gates=_xpath(f"concat({', '.join(digits)})", constants),
        groups=tuple(tuple(members) for members in groups.values()),
    )


def _compile_rule(rule: Rule, constants: dict[str, str]) -> CompiledRule:
    suffix = f"/{rule.need[0]}" if rule.kind is Kind.MISSING else ""
    try:
        if rule.when:
            _xpath(rule.when, constants)
        return CompiledRule(rule, _xpath(_places(rule), constants), suffix)
    except etree.XPathSyntaxError as error:
        raise ConfigurationError("IMG-0132", where=rule.id, found=str(error)) from error


def _gate(rules: list[Rule]) -> str:
    each, when = rules[0].each, rules[0].when
    if each == _HERE and rules[0].kind is not Kind.MISSING:
        found = f"boolean({rules[0].select})"
    else:
        found = f"boolean({_elements(each)}[{' or '.join(_breaks(rule) for rule in rules)}])"
    return f"(({when}) and {found})" if when else found


def _breaks(rule: Rule) -> str:
    """The condition under which an element that ``each`` finds breaks the rule."""
    if rule.kind is not Kind.MISSING:
        return f"boolean({rule.select})"
    return f"not({' or '.join(f'{need}[normalize-space()]' for need in rule.need)})"


def _places(rule: Rule) -> str:
    if rule.kind is Kind.MISSING:
        return f"{_elements(rule.each)}[{_breaks(rule)}]"
    return rule.select if rule.each == _HERE else f"{rule.each}/{rule.select}"


def _elements(each: str) -> str:
    return "self::*" if each == _HERE else each


def _xpath(path: str, constants: dict[str, str]) -> etree.XPath:
    """Compile, with as little as possible to set up per call: constants written in, needed prefixes, no EXSLT."""
    for name, value in constants.items():
        path = path.replace(name, value)
    prefixes = {prefix: namespace for prefix, namespace in PREFIXES.items() if f"{prefix}:" in path}
    return etree.XPath(path, namespaces=prefixes, smart_strings=False, regexp=False)


def _constants(on: date) -> dict[str, str]:
    """What stands for the names that paths may use, as XPath literals."""
    tomorrow = on + timedelta(days=1)
    return {"$countries": f"'{_countries()}'", "$statuses": f"' {STATUSES} '", "$tomorrow": f"{tomorrow:%Y%m%d}"}


@cache
def _countries() -> str:
    codes = [country.alpha_2 for country in pycountry.countries]
    return " ".join(["", *codes, *_COUNTRIES_BESIDE_ISO, ""])
