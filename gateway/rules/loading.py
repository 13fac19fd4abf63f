"""Rule sets from their files: ``sets/*.toml`` in this package."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import ConfigurationError, Severity
from gateway.rules.ched.loading import ched_rules
from gateway.rules.models import About, Kind, Rule, RuleSet

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID: Final = re.compile(r"[A-Z]+(-[A-Z0-9]+)+")
_FIELDS: Final = frozenset(Rule.__slots__)


@cache
def rule_sets() -> dict[str, RuleSet]:
    """Every rule set of this release, by name.

    Raises:
        ConfigurationError: IMG-0132, naming the rule.
    """
    folder = resources.files("gateway.rules").joinpath("sets")
    texts = {
        file.name.removesuffix(".toml"): file.read_text("utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }
    return read_rule_sets(texts)


@cache
def catalogue() -> Mapping[str, Rule]:
    """Every rule by id, those of CHEDs too, for ``imsoc explain RULE-ID``."""
    rules = {rule.id: rule for rule_set in rule_sets().values() for rule in rule_set.rules}
    return MappingProxyType(rules | dict(ched_rules()))


def read_rule_sets(texts: dict[str, str]) -> dict[str, RuleSet]:
    """Read rule sets from TOML text by name; a set may build on others with ``includes``.

    ``[define]`` names pieces of paths that several rules use as ``{name}``.
    """
    parsed = {name: tomllib.loads(text) for name, text in texts.items()}
    own = {name: _rules(data) for name, data in parsed.items()}
    ids = [rule.id for rules in own.values() for rule in rules]
    if twice := sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1}):
        raise ConfigurationError("IMG-0132", found=", ".join(twice), expected="each rule id once")
    sets: dict[str, RuleSet] = {}
    for name, data in parsed.items():
        unknown = sorted(set(data.get("includes", ())) - own.keys())
        if unknown:
            raise ConfigurationError("IMG-0132", where=name, found=", ".join(unknown), expected=", ".join(own))
        base = tuple(rule for included in data.get("includes", ()) for rule in own[included])
        sets[name] = RuleSet(name, data["title"], base + own[name])
    return sets


def _rules(data: dict[str, Any]) -> tuple[Rule, ...]:
    pieces: dict[str, str] = data.get("define", {})
    return tuple(_rule(entry, pieces) for entry in data.get("rule", ()))


def _rule(entry: dict[str, Any], pieces: dict[str, str]) -> Rule:
    rule_id = str(entry.get("id", ""))
    if not _ID.fullmatch(rule_id) or not entry.keys() <= _FIELDS:
        found = rule_id or ", ".join(sorted(entry.keys() - _FIELDS))
        raise ConfigurationError("IMG-0132", where=rule_id, found=found, expected="SET-NAME and known keys")
    try:
        return Rule(
            id=rule_id,
            severity=Severity(entry["severity"]),
            message=entry["message"],
            reason=entry["reason"],
            source=entry["source"],
            kind=Kind(entry["kind"]),
            select=_fill(entry.get("select", ""), pieces),
            each=_fill(entry.get("each", "."), pieces),
            need=tuple(_fill(need, pieces) for need in entry.get("need", ())),
            when=_fill(entry.get("when", ""), pieces),
            expected=entry.get("expected", ""),
            about=About(entry.get("about", About.CONTENT)),
            valid_from=entry.get("valid_from"),
            valid_to=entry.get("valid_to"),
        )
    except (KeyError, ValueError) as error:
        raise ConfigurationError("IMG-0132", where=rule_id, found=str(error)) from error


def _fill(path: str, pieces: dict[str, str]) -> str:
    for name, piece in pieces.items():
        path = path.replace("{" + name + "}", piece)
    return path
