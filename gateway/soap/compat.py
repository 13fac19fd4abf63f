"""Makes spyne 2.14 importable on CPython 3.12 and 3.13, where it does not import as it comes (STACK).

Its vendored ``six`` finds its lazy modules through an importer protocol that 3.12 removed, and it imports ``cgi``,
which 3.13 removed (the distribution ``legacy-cgi`` brings that one back). Import spyne only after ``install()``.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

__all__ = ["install"]

_VENDORED: Final = "spyne.util.six.moves"
_MODULES: Final = (
    "",
    ".urllib",
    ".urllib.parse",
    ".urllib.request",
    ".urllib.error",
    ".collections_abc",
    ".http_cookies",
)


def install() -> None:
    """Stand PyPI ``six``'s modules in for the lazy ones of spyne's copy; the copy itself stays, spyne added to it.

    Harmless on 3.11, and when called again.
    """
    for name in _MODULES:
        sys.modules.setdefault(_VENDORED + name, importlib.import_module("six.moves" + name))
