"""What a rule of a CHED is, and what its check hands back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.documents.ched import Part
from gateway.documents.ched.places import RELATION_REPLACES
from gateway.rules.models import Rule

if TYPE_CHECKING:
    from datetime import date

    from gateway.documents.ched import Ched, Purpose
    from gateway.rules.ched.facts import Facts
    from gateway.rules.ched.options import Options

__all__ = ["AskedOf", "Breach", "Check", "ChedRule", "Question", "Treatment"]


class Treatment(StrEnum):
    """What becomes of a CHED that does not keep a rule."""

    REFUSE = "refuse"
    """It is not taken; a draft is, with a warning."""
    WARN = "warn"
    """It is taken and the sender is told."""
    NEVER = "never"
    """It may not be asked at all: the law says so, or nothing in a CHED tells whether it is kept."""


class AskedOf(StrEnum):
    """What a rule looks at."""

    DOCUMENT = "document"
    SIGNATURES = "signatures"
    """Signatures, seals and stamps of Article 41, which stand beside the document (gateway.ched.signatures)."""


@dataclass(frozen=True, slots=True)
class ChedRule(Rule):
    """One rule of a CHED: its words and its place stand in TOML, its check is the function of the same id."""

    treatment: Treatment = Treatment.REFUSE
    box: str = ""
    """Of Annex II, such as I.5; empty for the whole document."""
    parts: tuple[Part, ...] = (Part.I,)
    """The parts of the CHED whose writing it is asked at."""
    types: tuple[str, ...] = ()
    """The kinds of CHED that it is asked of; all when empty."""
    asked_of: AskedOf = AskedOf.DOCUMENT


@dataclass(frozen=True, slots=True)
class Breach:
    """One place where a rule is not kept."""

    found: str = ""
    """What stands there; goes into the message as ``{found}``."""
    more: dict[str, object] = field(default_factory=dict)
    """Further values that the message names."""
    box: str = ""
    """Where it is not the rule's own."""
    line: int | None = None
    """The position of the line in ``Ched.lines``, from 0; None when no line is meant."""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One CHED with what every check needs of it."""

    ched: Ched
    on: date
    known: Facts
    options: Options
    part: Part | None
    """The part that is being written; None when the CHED is looked at as it stands."""
    type: str
    """A, P, PP or D; empty when the document does not say."""
    purpose: Purpose | None
    """The purpose, when there is exactly one."""
    purpose_box: str
    """``I.20`` to ``I.26``; empty when there is no such purpose."""
    conclusion: str
    """The code of the decision, when there is exactly one."""
    conclusion_box: str
    """``II.9`` to ``II.16``; empty when there is no such conclusion."""
    commodities: tuple[str, ...]
    """The codes of the lines, each once."""
    answers: dict[tuple[str, str], str]
    """What reference data answered so far, by commodity and attribute."""

    def access(self, commodity: str, attribute: str) -> str:
        """What reference data say of a commodity (`CommodityAccess.access`); empty when they say nothing."""
        access = self.known.access
        if access is None or not self.type:
            return ""
        key = (commodity, attribute)
        answer = self.answers.get(key)
        if answer is None:
            answer = access.access(f"ched{self.type.lower()}", commodity, attribute, self.on)
            self.answers[key] = answer
        return answer

    def is_member_state(self, country: str) -> bool:
        """Whether it is a Member State, or Northern Ireland."""
        return country.upper() in self.known.member_states

    @property
    def is_non_conforming(self) -> bool:
        """I.19: products that do not conform."""
        return self.type == "P" and self.ched.conformity.code in self.options.non_conform

    @property
    def is_subsequent(self) -> bool:
        """Whether it follows another CHED and is not its replacement (II.1)."""
        return any(link.relation != RELATION_REPLACES for link in self.ched.previous)


Check = Callable[[Question], Iterable[Breach]]
"""Finds the places where one rule is not kept; raises on no document."""
