"""What a rule is: one statement about a document, dated, with its source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from gateway.errors import Severity


class Kind(StrEnum):
    """How the paths of a rule are read."""

    BREACH = "breach"
    """``select`` finds the elements that break the rule, in each element that ``each`` finds."""
    MISSING = "missing"
    """In each element that ``each`` finds, at least one of ``need`` must hold text."""
    DUPLICATE = "duplicate"
    """The texts that ``select`` finds must differ."""
    CHECK = "check"
    """No path: a function of ``gateway.rules.ched`` asks the boxes of a CHED."""


class About(StrEnum):
    """What a rule asks about: the hub's validation files its answers by it (DIGEST 2.5)."""

    CONTENT = "content"
    """Something that the document has to say."""
    CODE = "code"
    """A code of a list."""
    FORM = "form"
    """How something is written."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Paths start at the ``SPSCertificate`` element and use the prefixes of ``gateway.xml.names``.

    ``select`` and ``need`` start at the elements that ``each`` finds; rules with the same ``each`` share that walk.
    Besides XPath 1.0, paths may use the constants ``$countries`` (ISO 3166-1 alpha-2 and XI, each between blanks),
    ``$statuses`` (likewise) and ``$tomorrow`` (a number, YYYYMMDD).
    """

    id: str
    severity: Severity
    message: str
    reason: str
    """Why it is a rule and why of this severity; printed by ``imsoc explain``."""
    source: str
    kind: Kind
    select: str = ""
    each: str = "."
    need: tuple[str, ...] = ()
    when: str = ""
    """The rule is asked only where this holds; always when empty."""
    expected: str = ""
    about: About = About.CONTENT
    valid_from: date | None = None
    valid_to: date | None = None
    """Last day."""

    def valid_on(self, day: date) -> bool:
        """Whether the rule applies to documents of that day."""
        return not ((self.valid_from and day < self.valid_from) or (self.valid_to and day > self.valid_to))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A named list of rules, those of the sets it builds on first."""

    name: str
    title: str
    rules: tuple[Rule, ...]
