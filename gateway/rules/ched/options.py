"""The options inside a box, by the codes that TRACES was seen to use and those that the gateway had to name itself."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from gateway.errors import ConfigurationError

__all__ = ["FOLDER", "Options", "options"]

FOLDER: Final = "imsoc-2019"
_FILE: Final = "options.toml"


@dataclass(frozen=True, slots=True)
class Options:
    """Codes, each with the kinds of CHED that have it; a code that stands nowhere here is judged by no rule."""

    purpose_boxes: dict[str, frozenset[str]]
    """Box -> kinds of CHED (table 7.1)."""
    decision_boxes: dict[str, frozenset[str]]
    purposes: dict[str, frozenset[str]]
    """I.20 by code."""
    certified_as: dict[str, frozenset[str]]
    """I.18."""
    temperatures: frozenset[str]
    """I.16."""
    conform: frozenset[str]
    non_conform: frozenset[str]
    """I.19: the two answers."""
    decisions: dict[str, frozenset[str]]
    """II.9 by code."""
    motivations: dict[str, frozenset[str]]
    """II.6."""
    detaining: frozenset[str]
    """II.6: motivations under which the consignment stays until the result is there."""
    special_conditions: dict[str, frozenset[str]]
    """II.12."""
    measures: dict[str, frozenset[str]]
    """II.16."""
    reasons: dict[str, str]
    """II.17: code -> category."""
    reason_types: dict[str, frozenset[str]]
    """II.17: category -> kinds of CHED."""
    uncertain: frozenset[str]
    """Purposes and decisions whose box is inferred: the kinds that have the box say nothing certain of them."""
    purpose_access: dict[str, str]
    """Purpose -> the attribute of a commodity's node that says whether the commodity has it."""
    decision_access: dict[str, str]
    registered_horses: str
    """I.18."""


@cache
def options() -> Options:
    """The options of the rule set.

    Raises:
        ConfigurationError: IMG-0132 the file of this release cannot be read.
    """
    text = resources.files("gateway.rules.ched").joinpath(FOLDER, _FILE).read_text("utf-8")
    return read_options(text)


def read_options(text: str) -> Options:
    """Read the options from TOML; a kind of CHED that there is not, or a missing table, is a ConfigurationError."""
    data: dict[str, Any] = tomllib.loads(text)
    try:
        reason_types = _types(data["reason_types"])
        read = Options(
            purpose_boxes=_types(data["purpose_boxes"]),
            decision_boxes=_types(data["decision_boxes"]),
            purposes=_types(data["purposes"]),
            certified_as=_types(data["certified_as"]),
            temperatures=frozenset(data["temperatures"]),
            conform=frozenset(data["conform"]),
            non_conform=frozenset(data["non_conform"]),
            decisions=_types(data["decisions"]),
            motivations=_types(data["motivations"]),
            detaining=frozenset(data["detaining"]),
            special_conditions=_types(data["special_conditions"]),
            measures=_types(data["measures"]),
            reasons=data["reasons"],
            reason_types=reason_types,
            uncertain=frozenset(data["uncertain"]),
            purpose_access=data["purpose_access"],
            decision_access=data["decision_access"],
            registered_horses=data["registered_horses"],
        )
    except (KeyError, ValueError) as error:
        raise ConfigurationError("IMG-0132", where=_FILE, found=str(error)) from error
    if unknown := sorted(set(read.reasons.values()) - reason_types.keys()):
        raise ConfigurationError("IMG-0132", where=_FILE, found=", ".join(unknown), expected=", ".join(reason_types))
    return read


def _types(table: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    for code, types in table.items():
        if not types or not set(types) <= {"A", "P", "PP", "D"}:
            raise ValueError(f"{code}: {types}")
    return {code: frozenset(types) for code, types in table.items()}
