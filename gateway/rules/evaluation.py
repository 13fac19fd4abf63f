"""Ask the rules of a set about one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.errors import Finding
from gateway.rules.compiling import CompiledRule, compiled_set
from gateway.rules.models import Kind
from gateway.xml.names import UDT21, path_of, qn

if TYPE_CHECKING:
    from datetime import date

    from lxml.etree import _Element

MAX_FINDINGS_PER_RULE: Final = 20
"""A certificate of thousands of lines that breaks a rule in each says so twenty times; the last finding says that."""

_WRAPPERS: Final = frozenset({qn(UDT21, "DateTime"), qn(UDT21, "DateTimeString")})


def evaluate(view_root: _Element, rule_set: str, *, on: date) -> tuple[Finding, ...]:
    """Every breach of a rule set, in the order of the rules.

    Args:
        view_root: the ``SPSCertificate`` element as received, alone or inside a larger tree.
        rule_set: ``sps-general`` or ``ephyto``.
        on: the day of receipt; decides which rules apply and what lies in the future.

    Raises:
        ConfigurationError: IMG-0132 there is no such rule set.
    """
    findings: list[Finding] = []
    for suspect in compiled_set(rule_set, on).suspects(view_root):
        findings.extend(_findings(suspect, suspect.select(view_root), view_root))
    return tuple(findings)


def _findings(compiled: CompiledRule, breaches: Any, root: _Element) -> list[Finding]:
    if compiled.rule.kind is Kind.DUPLICATE:
        breaches = _duplicates(breaches)
    rule = compiled.rule
    found: list[Finding] = []
    for element in breaches[:MAX_FINDINGS_PER_RULE]:
        more = len(breaches) - MAX_FINDINGS_PER_RULE
        last = len(found) == MAX_FINDINGS_PER_RULE - 1 and more > 0
        message = f"{rule.message} ({more} more places)" if last else rule.message
        text = _text(element)
        path = _path_below(root, element) + compiled.suffix
        found.append(Finding(rule.id, rule.severity, message, path, text[:200], rule.expected, rule.source))
    return found


def _text(element: _Element) -> str:
    """What stands there, also where it is wrapped as dates are; empty for an element that holds others."""
    inner = element[0] if len(element) == 1 and element[0].tag in _WRAPPERS else element
    return "" if len(inner) else (inner.text or "").strip()


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
