"""Reads single fields of a partner record; a wrong one is named with what was found and expected (IMG-0120)."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["flag_of", "known", "number_of", "secret_of", "tables_of", "text_of", "texts_of", "whole_of", "wrong"]

_SECRET = re.compile(r"(file|env):.+")
_REFERENCE = "file:PATH or env:NAME: where the secret is, never the secret itself"


def tables_of(record: Mapping[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    """The list of tables under a name; none when it is left out."""
    tables = record.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        wrong(f"{key}.{name}", type(tables).__name__, "a list of tables")
    return tables


def text_of(
    table: Mapping[str, Any], key: str, name: str, pattern: re.Pattern[str] | None = None, *, default: str | None = None
) -> str:
    """A text; without a default it must be there and not empty."""
    value = table.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        wrong(f"{key}.{name}", repr(value), "a text")
    if pattern and not pattern.fullmatch(value):
        wrong(f"{key}.{name}", value, f"a text of the form {pattern.pattern}")
    return value


def secret_of(table: Mapping[str, Any], key: str) -> str:
    """The reference to a secret; what stands there instead may be the secret and is not shown."""
    value = table.get("secret")
    if not isinstance(value, str) or not _SECRET.fullmatch(value):
        wrong(f"{key}.secret", "something else (not shown)" if value else "nothing", _REFERENCE)
    return value


def texts_of(
    table: Mapping[str, Any],
    key: str,
    name: str,
    default: tuple[str, ...] | None = None,
    pattern: re.Pattern[str] | None = None,
) -> tuple[str, ...]:
    """A list of texts, each of the pattern's form."""
    values = table.get(name, default)
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        wrong(f"{key}.{name}", repr(values), "a list of texts")
    for value in values:
        if pattern and not pattern.fullmatch(value):
            wrong(f"{key}.{name}", value, f"texts of the form {pattern.pattern}")
    return tuple(values)


def flag_of(table: Mapping[str, Any], key: str, name: str, *, default: bool) -> bool:
    """A truth value, as TOML and JSON have it."""
    value = table.get(name, default)
    if not isinstance(value, bool):
        wrong(f"{key}.{name}", repr(value), "true or false")
    return value


def whole_of(
    table: Mapping[str, Any], key: str, name: str, least: int, most: int, *, default: int | None = None
) -> int:
    """A whole number within bounds, also written as a text of digits ("851")."""
    value = table.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        wrong(f"{key}.{name}", repr(value), f"a whole number from {least} to {most}")
    return value


def number_of(table: Mapping[str, Any], key: str, name: str, least: float, most: float, *, default: float) -> float:
    """A number within bounds."""
    value = table.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        wrong(f"{key}.{name}", repr(value), f"a number from {least:g} to {most:g}")
    return float(value)


def known(table: Mapping[str, Any], keys: frozenset[str], key: str) -> None:
    """Refuse what is not a table, and a key that it does not have; the nearest known ones are offered."""
    if not isinstance(table, dict):
        wrong(key, type(table).__name__, "a table")
    for name in table:
        if name not in keys:
            meant = get_close_matches(name, sorted(keys), n=1) or sorted(keys)
            wrong(f"{key}.{name}", "a key that is not known", ", ".join(meant))


def wrong(where: str, found: str, expected: str) -> NoReturn:
    """Raise IMG-0120 for the key ``where``."""
    raise ConfigurationError("IMG-0120", where=where, found=found, expected=expected)
