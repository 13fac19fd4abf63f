"""The rules of imsoc-2019 from their files: ``imsoc-2019/*.toml`` in this package."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from gateway.documents.ched import ChedType, Part
from gateway.errors import ConfigurationError, Severity
from gateway.rules.ched.models import AskedOf, ChedRule, Treatment
from gateway.rules.ched.options import FOLDER
from gateway.rules.models import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ched_rules", "read_rules"]

_ID: Final = re.compile(r"[A-Z]+\d*(-[A-Z0-9]+)+")
_KEYS: Final = frozenset(
    {
        "id",
        "treatment",
        "message",
        "expected",
        "reason",
        "source",
        "box",
        "types",
        "parts",
        "asked_of",
        "valid_from",
        "valid_to",
    }
)
_SEVERITIES: Final = {
    Treatment.REFUSE: Severity.SEVERE,
    Treatment.WARN: Severity.WARNING,
    Treatment.NEVER: Severity.INFO,
}
_FILES: Final = ("part-1.toml", "part-2.toml", "part-3.toml")


@cache
def ched_rules() -> Mapping[str, ChedRule]:
    """Every rule of the set by id, in the order of the boxes; those that are never asked too.

    Raises:
        ConfigurationError: IMG-0132, naming the rule.
    """
    folder = resources.files("gateway.rules.ched").joinpath(FOLDER)
    return MappingProxyType(read_rules(folder.joinpath(name).read_text("utf-8") for name in _FILES))


def read_rules(texts: Iterable[str]) -> dict[str, ChedRule]:
    """Read rules from TOML texts, one for each part of the CHED; raises as `ched_rules`.

    A text says since when its rules are valid. A rule may say so itself, and name the last day on which it is asked.
    """
    rules: dict[str, ChedRule] = {}
    for text in texts:
        data = tomllib.loads(text)
        for entry in data.get("rule", ()):
            rule = _rule(entry, data)
            if rule.id in rules:
                raise ConfigurationError("IMG-0132", where=rule.id, found=rule.id, expected="each rule id once")
            rules[rule.id] = rule
    return rules


def _rule(entry: dict[str, Any], data: dict[str, Any]) -> ChedRule:
    rule_id = str(entry.get("id", ""))
    if not _ID.fullmatch(rule_id) or not entry.keys() <= _KEYS:
        found = rule_id or ", ".join(sorted(entry.keys() - _KEYS))
        raise ConfigurationError("IMG-0132", where=rule_id, found=found, expected="R-BOX and known keys")
    try:
        treatment = Treatment(entry["treatment"])
        return ChedRule(
            id=rule_id,
            severity=_SEVERITIES[treatment],
            message=entry["message"],
            reason=entry["reason"],
            source=entry["source"],
            kind=Kind.CHECK,
            each="",
            expected=entry.get("expected", ""),
            valid_from=_day(entry.get("valid_from", data["valid_from"])),
            valid_to=_day(entry.get("valid_to")),
            treatment=treatment,
            box=entry.get("box", ""),
            parts=tuple(Part(part) for part in entry.get("parts", (data["part"],))),
            types=tuple(ChedType(kind).value for kind in entry.get("types", ())),
            asked_of=AskedOf(entry.get("asked_of", AskedOf.DOCUMENT)),
        )
    except (KeyError, ValueError) as error:
        raise ConfigurationError("IMG-0132", where=rule_id, found=str(error)) from error


def _day(value: object) -> date | None:
    """A day as TOML has it, or none; ValueError for anything else."""
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise ValueError(f"{value!r} is no day")
