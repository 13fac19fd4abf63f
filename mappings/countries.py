"""ISO 3166-1 as the maintained package pycountry has it: codes, names in the Union's languages, alpha-3 codes.

Table files with the header ``# base: pycountry`` hold only what is beside it, so that the lists do not age here.
"""

from __future__ import annotations

import gettext
from functools import cache
from importlib import metadata
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pycountry

from mappings.models import Code, Grade

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BASE", "base_label", "iso_alpha_three", "iso_countries"]

BASE: Final = "pycountry"
"""What the header ``# base:`` says."""
_LANGUAGES: Final = (
    *("bg", "cs", "da", "de", "el", "es", "et", "fi", "fr", "ga", "hr", "hu"),
    *("it", "lt", "lv", "mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv"),
)
"""The Union's languages beside English (Regulation No 1, ISO 639-1)."""


class _NotTranslated(gettext.NullTranslations):
    """Says nothing where a catalogue has no word, so that an English name never passes for another language's."""

    def gettext(self, message: str) -> str:  # noqa: ARG002 - the signature is gettext's
        return ""


def base_label() -> str:
    """The package and its version, as versions of tables show it."""
    return f"{BASE}-{metadata.version(BASE)}"


@cache
def iso_countries() -> Mapping[str, Code]:
    """The countries by alpha-2 code, with their common names."""
    catalogues = {language: _catalogue(language) for language in _LANGUAGES}
    codes: dict[str, Code] = {}
    for country in pycountry.countries:
        name = getattr(country, "common_name", country.name)
        labels = {language: text for language, words in catalogues.items() if (text := words.gettext(name))}
        codes[country.alpha_2] = Code(
            country.alpha_2, name, None, None, Grade.OFFICIAL, "", labels=MappingProxyType(labels)
        )
    return MappingProxyType(codes)


@cache
def iso_alpha_three() -> Mapping[str, str]:
    """The alpha-2 code of each alpha-3 code."""
    return MappingProxyType({country.alpha_3: country.alpha_2 for country in pycountry.countries})


def _catalogue(language: str) -> gettext.NullTranslations:
    words = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language])
    words.add_fallback(_NotTranslated())
    return words
