"""Breaks texts into lines, and says when there is too much of it."""

from __future__ import annotations

from typing import Final

from gateway.errors import ChedRefused
from gateway.pdf.fonts import clean, width_of

__all__ = ["MAX_CHARACTERS", "too_long", "wrapped"]

MAX_CHARACTERS: Final = 400_000
"""Of one document: some 150 pages of text, far beyond any consignment."""


def too_long(found: str, expected: str) -> ChedRefused:
    """The refusal of what no paper should hold."""
    return ChedRefused("IMG-7221", where="PDF", found=found, expected=expected)


def wrapped(text: str, width: float, *, bold: bool = False) -> list[str]:
    """The text in lines no wider than ``width`` (at size 1): broken at spaces, and inside a word that is too long."""
    if len(text) > MAX_CHARACTERS:
        raise too_long(f"a text of {len(text)} characters", f"at most {MAX_CHARACTERS}")
    lines: list[str] = []
    line, used = "", 0.0
    space = width_of(" ", 1, bold=bold)
    for word in clean(text).split():
        size = width_of(word, 1, bold=bold)
        if line and used + space + size <= width:
            line, used = f"{line} {word}", used + space + size
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, width, bold=bold) if size > width else [word]
        lines += full
        used = width_of(line, 1, bold=bold)
    return [*lines, line] if line else lines


def _broken(word: str, width: float, *, bold: bool) -> list[str]:
    """A word in pieces; behind a hyphen, a slash or a full stop where there is one near the end."""
    pieces: list[str] = []
    begin, used = 0, 0.0
    for index, character in enumerate(word):
        size = width_of(character, 1, bold=bold)
        if used + size > width and index > begin:
            near = max(word.rfind(mark, begin + (index - begin) // 2, index) for mark in "-/._@") + 1
            cut = near if near > begin else index
            pieces.append(word[begin:cut])
            begin = cut
            used = width_of(word[begin:index], 1, bold=bold)
        used += size
    return [*pieces, word[begin:]]
