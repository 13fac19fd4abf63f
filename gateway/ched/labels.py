"""The mark of documents that were made while TRACES was away, in every language of the Union (R-46-5).

The article fixes the text. Only the French wording stands in what was read for this program (REGULATION 6, R-46-5); the
others say the same and are to be held against the Official Journal, or set in ``[traces] contingency_labels``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BUILT_IN", "Labels"]

_FALLBACK: Final = "en"

BUILT_IN: Final[Mapping[str, str]] = {
    "bg": "Документ, изготвен при извънредни обстоятелства",
    "cs": "Nouzový dokument",
    "da": "Nøddokument",
    "de": "Notfalldokument",
    "el": "Έγγραφο έκτακτης ανάγκης",
    "en": "Contingency document",
    "es": "Documento de emergencia",
    "et": "Eriolukorra dokument",
    "fi": "Varajärjestelyasiakirja",
    "fr": "Document de secours",
    "ga": "Doiciméad teagmhasach",
    "hr": "Dokument za nepredviđene okolnosti",
    "hu": "Vészhelyzeti okmány",
    "it": "Documento di emergenza",
    "lt": "Nenumatytų atvejų dokumentas",
    "lv": "Ārkārtas situācijas dokuments",
    "mt": "Dokument ta' kontinġenza",
    "nl": "Nooddocument",
    "pl": "Dokument awaryjny",
    "pt": "Documento de emergência",
    "ro": "Document de urgență",
    "sk": "Núdzový dokument",
    "sl": "Nadomestni dokument",
    "sv": "Reservdokument",
}
"""By ISO 639-1 code: the 24 official languages."""


class Labels:
    """The mark by language.

    Args:
        own: the operator's, each ``language:text``; they come before the built-in ones.
    """

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._texts = {**BUILT_IN, **{language: text for language, _, text in (each.partition(":") for each in own)}}

    def of(self, language: str) -> str:
        """The mark in a language; English where there is none."""
        return self._texts.get(language, self._texts[_FALLBACK])

    def is_mark(self, text: str) -> bool:
        """Whether a text is the mark, in any language."""
        return text in self._texts.values()
