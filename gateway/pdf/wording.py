"""What printable documents say, in the reader's language: names of boxes, words, and labels of codes.

Box names are the official ones of Annex II Part 1 of Regulation (EU) 2019/1715 in English and French; every other
language falls back to English. The label of a code comes from our table, because it is known in which language that is;
for codes that it does not have, the label that the document brings is printed, and without one the code itself.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.documents.ched import ChedType, Coded
    from gateway.documents.parts import Measure

__all__ = ["FORM", "BoxForm", "Wording", "moment"]

_LANGUAGES: Final = ("en", "fr")
_MINUTE: Final = len("2026-01-01T00:00")
_MOST_DIGITS: Final = 30


@dataclass(frozen=True, slots=True)
class BoxForm:
    """A box of the form."""

    box: str
    names: tuple[str, str]
    """English, French."""
    types: frozenset[str]
    optional: bool
    """Struck through when it is not used (rule G6)."""

    def applies(self, kind: ChedType | None) -> bool:
        """Whether documents of this type have the box; one of an unknown type may have any."""
        return kind is None or kind.value in self.types


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("gateway.pdf").joinpath(name).read_text("utf-8"))


def _forms() -> dict[str, BoxForm]:
    return {
        box: BoxForm(box, (entry["en"], entry["fr"]), frozenset(entry["types"]), entry["optional"])
        for box, entry in _table("boxes.toml").items()
    }


FORM: Final[Mapping[str, BoxForm]] = _forms()
"""Every box, in the order of Annex II."""


class Wording:
    """The words of one language.

    Args:
        language: ISO 639-1; the document is in it where it is English or French, else in English.
    """

    def __init__(self, language: str) -> None:
        wanted = language.lower()[:2]
        self.language = wanted if wanted in _LANGUAGES else "en"
        """Of the words; values are in the document's own."""
        self._wanted = wanted
        self._column = _LANGUAGES.index(self.language)
        self._tables = _tables()

    def word(self, key: str) -> str:
        """A word of the form."""
        return self._in("words", key) or key

    def name(self, box: str) -> str:
        """The official name of a box."""
        return FORM[box].names[self._column]

    def code(self, coded: Coded, table: str = "codes") -> str:
        """The label of a code; a label that the document brings in the reader's language comes first."""
        if coded.label and coded.language == self._wanted:
            return coded.label
        return self._in(table, coded.code) or coded.label or coded.code

    def label(self, code: str, table: str = "codes") -> str:
        """The label of a bare code, or the code."""
        return self._in(table, code) or code

    def measure(self, measure: Measure | None) -> str:
        """A quantity with its unit."""
        if measure is None:
            return ""
        return f"{_number(measure.value)} {self.label(measure.unit, 'units')}".rstrip()

    def count(self, text: str) -> str:
        """A number as written, without zeros that say nothing."""
        try:
            return _number(Decimal(text))
        except InvalidOperation:
            return text

    def _in(self, table: str, key: str) -> str:
        found = self._tables[table].get(key)
        return found[self._column] if found else ""


@cache
def _tables() -> dict[str, dict[str, list[str]]]:
    return _table("words.toml")


def moment(text: str) -> str:
    """ISO 8601 for readers: ``2026-10-04 07:00 (UTC+02:00)``; a text of another form stays as it is."""
    if len(text) < _MINUTE or text[10:11] != "T":
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{found:%Y-%m-%d %H:%M} ({found.tzname()})" if found.tzinfo else f"{found:%Y-%m-%d %H:%M}"


def _number(value: Decimal) -> str:
    """A decimal without an exponent, unless it would be absurdly long."""
    if not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS:
        return str(value)
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
