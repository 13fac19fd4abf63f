"""Fills a frozen dataclass from a TOML table and the environment, naming the key in every refusal."""

from __future__ import annotations

import difflib
import types
import typing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gateway.errors import ConfigurationError
from gateway.timezones import TIME_ZONE_EXPECTED, is_time_zone

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

__all__ = [
    "Choice",
    "Pattern",
    "Range",
    "SectionReader",
    "TimeZone",
    "kind_and_rule",
    "nearest",
    "settings_of",
    "type_hints",
]

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class Range:
    """A number from ``low`` to ``high``, both allowed."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" if self.high < 1e6 else f"{self.low} to {self.high}"  # noqa: PLR2004 - no exponents

    def allows(self, value: Any) -> bool:
        """Whether the number lies inside."""
        return bool(self.low <= value <= self.high)


class Choice:
    """One of a few words; for a list, each entry."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def __str__(self) -> str:
        return " | ".join(self.words)

    def allows(self, value: Any) -> bool:
        """Whether the word is among them."""
        return value in self.words


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that matches in whole; ``meaning`` says how, ``secret`` keeps a refused value out of the message."""

    regex: re.Pattern[str]
    meaning: str
    secret: bool = False

    def __str__(self) -> str:
        return self.meaning

    def allows(self, value: Any) -> bool:
        """Whether the text matches."""
        return self.regex.fullmatch(value) is not None


class TimeZone:
    """The name of a time zone."""

    def __str__(self) -> str:
        return TIME_ZONE_EXPECTED

    def allows(self, value: Any) -> bool:
        """Whether the time zone database has it."""
        return is_time_zone(value)


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The known name that is most like ``name``, or an empty string."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), "")


class SectionReader:
    """Reads one section into its dataclass.

    Args:
        name: the section's name in the file.
        section: a frozen dataclass whose keys are str, int, float, bool, Path | None or tuples of str or Path, each
            with at most one of Range, Choice or Pattern in ``Annotated``.
        prefix: what the environment's names begin with.
    """

    def __init__(self, name: str, section: type, prefix: str) -> None:
        self.name = name
        self._section = section
        self._prefix = f"{prefix}{name}_".upper()
        self._hints = type_hints(section)

    def read(self, table: Any, environ: Mapping[str, str], folder: Path) -> Any:
        """The section, from the table and the environment over it.

        Raises:
            ConfigurationError: IMG-0101 and IMG-0103, naming the key or the variable.
        """
        if not isinstance(table, dict):
            _wrong(f"[{self.name}]", table, "a table")
        keys = settings_of(self._section)
        for key in table:
            if key not in keys:
                raise ConfigurationError("IMG-0103", where=f"{self.name}.{key}", found=key, expected=nearest(key, keys))
        values = {}
        for key in keys:
            kind, rule = kind_and_rule(self._hints[key])
            variable = self._prefix + key.upper()
            if variable in environ:
                value = _from_text(variable, environ[variable], kind)
                values[key] = _checked(variable, value, kind, rule, Path.cwd())
            elif key in table:
                values[key] = _checked(f"{self.name}.{key}", table[key], kind, rule, folder)
        return self._section(**values)


def settings_of(section: type) -> list[str]:
    """The keys of a section: fields of any other type than a file can hold are the program's own."""
    hints = type_hints(section)
    kinds = {key.name: kind_and_rule(hints[key.name])[0] for key in fields(section)}
    return [name for name, kind in kinds.items() if kind in _KINDS or typing.get_origin(kind) is tuple]


def type_hints(section: type) -> dict[str, Any]:
    """The annotations of a section's keys, with their rules."""
    return typing.get_type_hints(section, include_extras=True)


def kind_and_rule(hint: Any) -> tuple[Any, Any]:
    """An annotation as the type of its value (``tuple`` keeps its argument) and its rule, None without one."""
    if typing.get_origin(hint) is typing.Annotated:
        hint, rule = typing.get_args(hint)
    else:
        rule = None
    if isinstance(hint, types.UnionType):
        hint = next(member for member in typing.get_args(hint) if member is not type(None))
    return hint, rule


def _from_text(variable: str, text: str, kind: Any) -> Any:
    """An environment variable as the value that TOML would have given."""
    if typing.get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is bool:
        return _BOOLEANS[text.lower()] if text.lower() in _BOOLEANS else _wrong(variable, text, "true or false")
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            _wrong(variable, text, _describe(kind))
    return text


def _checked(key: str, value: Any, kind: Any, rule: Any, folder: Path) -> Any:
    if typing.get_origin(kind) is tuple:
        member = typing.get_args(kind)[0]
        if not isinstance(value, list):
            _wrong(key, value, f"a list of {_describe(member)}s")
        return tuple(_checked(f"{key}[{number}]", each, member, rule, folder) for number, each in enumerate(value))
    if kind is Path:
        if not isinstance(value, str):
            _wrong(key, value, _describe(kind))
        return (folder / value).absolute() if value else None
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        _wrong(key, value, _describe(kind))
    if rule is not None and not rule.allows(value):
        hidden = isinstance(rule, Pattern) and rule.secret
        _wrong(key, "something else (not shown)" if hidden else value, str(rule))
    if kind is str and value.startswith("file:"):
        return f"file:{(folder / value.removeprefix('file:')).absolute()}"
    return value


_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "file name"}


def _describe(kind: Any) -> str:
    return _KINDS[kind]


def _wrong(key: str, found: object, expected: str) -> NoReturn:
    raise ConfigurationError("IMG-0101", where=key, found=str(found), expected=expected)
