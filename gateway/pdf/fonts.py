"""The fonts of printable documents: which font has a character, how wide a text is, and in which order it is drawn.

Noto Sans (Latin, Greek, Cyrillic, Vietnamese) and, for what it lacks, FiraGO (Hebrew, Arabic, Thai, Georgian,
Devanagari); both are embedded, as subsets. Chinese, Japanese and Korean characters are in no font that comes by an
ordinary dependency and that reportlab can embed: they are written in Adobe's standard Asian fonts, which a reader
brings itself. A character that nothing has is printed as ``[U+1234]``, so that nobody takes its absence for an empty
place.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from io import BytesIO
from typing import Final

from bidi import get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

__all__ = ["Run", "clean", "runs_of", "visual", "width_of"]

_REGULAR: Final = ("NotoSans_Regular", "FiraGO_Regular")
_BOLD: Final = ("NotoSans_Bold", "FiraGO_Bold")
_CHINESE: Final = "STSong-Light"
_JAPANESE: Final = "HeiseiKakuGo-W5"
_KOREAN: Final = "HYGothic-Medium"
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters, marks of direction, lone surrogates, separators of lines: each is a space or nothing on paper."""
_SPACES: Final = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_STRONG_RIGHT: Final = frozenset({"R", "AL", "AN"})


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line in one font, in the order in which it is drawn."""

    font: str
    text: str
    width: float
    """At size 1."""


def clean(text: str) -> str:
    """A text without characters that control instead of being seen; line breaks become spaces.

    Letters with their accents apart are composed, because fonts have the composed ones.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "".join(" " if c in _SPACES else c for c in text)
    return unicodedata.normalize("NFC", "".join(c for c in kept if unicodedata.category(c) not in _INVISIBLE))


def visual(text: str) -> str:
    """The text as it is drawn from left to right (Unicode Bidirectional Algorithm)."""
    if text.isascii() or not any(unicodedata.bidirectional(c) in _STRONG_RIGHT for c in text):
        return text
    return str(get_display(text, base_dir="L"))


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """In points."""
    return sum(_place(c, bold)[2] for c in text) * size


def runs_of(text: str, *, bold: bool = False) -> tuple[Run, ...]:
    """The text, cleaned before, cut where the font changes."""
    runs: list[Run] = []
    font, piece, width = "", [""], 0.0
    for character in visual(text):
        chosen, drawn, advance = _place(character, bold)
        if chosen != font:
            if width:
                runs.append(Run(font, "".join(piece), width))
            font, piece, width = chosen, [], 0.0
        piece.append(drawn)
        width += advance
    if width:
        runs.append(Run(font, "".join(piece), width))
    return tuple(runs)


@lru_cache(maxsize=65536)
def _place(character: str, bold: bool) -> tuple[str, str, float]:  # noqa: FBT001 - a key of the cache
    """Font, what is drawn, and its width at size 1."""
    code = ord(character)
    for name in _BOLD if bold else _REGULAR:
        font = _embedded(name)
        if code in font.face.charToGlyph:
            return name, character, font.face.getCharWidth(code) / 1000
    if asian := _asian(character):
        return _standard(asian), character, 1.0
    drawn = f"[U+{code:04X}]"
    return drawn_in(bold=bold), drawn, sum(_place(c, bold)[2] for c in drawn)


def drawn_in(*, bold: bool) -> str:
    """The font that has every ASCII character, registered."""
    name = (_BOLD if bold else _REGULAR)[0]
    _embedded(name)
    return name


def _asian(character: str) -> str:
    name = unicodedata.name(character, "")
    if name.startswith(("HANGUL", "HALFWIDTH HANGUL")):
        return _KOREAN
    if name.startswith(("HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA")):
        return _JAPANESE
    if ord(character) > _BASIC_PLANE:
        return ""
    return _CHINESE if name.startswith(("CJK", "FULLWIDTH", "IDEOGRAPHIC")) else ""


_BASIC_PLANE: Final = 0xFFFF
"""The standard Asian fonts end there."""


@cache
def _embedded(name: str) -> TTFont:
    """A font of the collection, read once for each process."""
    font = TTFont(name, BytesIO(import_module(f"pymupdf_fonts.{name}").fontbuffer))
    pdfmetrics.registerFont(font)
    return font


@cache
def _standard(name: str) -> str:
    pdfmetrics.registerFont(UnicodeCIDFont(name))
    return name
