"""Where a row holds: everywhere, for one document type, or for a path below it such as ``636/P`` for a CHED-P.

A context is a path of words between slashes. Outside documents it can be anything that tells answers apart, such as the
scope of a section.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

FORM: Final = re.compile(r"([A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*)?")
"""Of a context."""


@cache
def chain(context: str) -> tuple[str, ...]:
    """The context and those above it, the most specific first; the empty one, which holds everywhere, is last."""
    parts = context.split("/") if context else []
    return (*("/".join(parts[:length]) for length in range(len(parts), 0, -1)), "")


def is_below(context: str, other: str) -> bool:
    """Whether ``context`` is a more specific one than ``other``."""
    return context != other and other in chain(context)
