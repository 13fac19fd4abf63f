"""Numbers as XML Schema writes them: xs:decimal has no exponent, no infinity, and digits of ASCII alone."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_decimal"]

_LEXICAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def is_decimal(text: str) -> bool:
    """Whether a text, white space collapsed, is an xs:decimal; of any length."""
    return _LEXICAL.fullmatch(text) is not None
