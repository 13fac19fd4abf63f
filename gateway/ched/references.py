"""CHED references (box I.2): read and written; which number is next only the store of a TRACES-role instance knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.documents.ched import ChedType

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MAX_NUMBER", "ChedReference", "local_reference", "read_reference", "url_of"]

MAX_NUMBER: Final = 9_999_999
"""Seven digits."""

_REFERENCE: Final = re.compile(r"CHED(A|PP|P|D)\.([A-Z]{2})\.([0-9]{4})\.([0-9]{7})")


@dataclass(frozen=True, slots=True)
class ChedReference:
    """``CHEDPP.XI.2026.0000064``."""

    type: ChedType
    country: str
    """Of the border control post: ISO 3166-1 alpha-2, or XI."""
    year: int
    number: int

    def __str__(self) -> str:
        return f"CHED{self.type.value}.{self.country}.{self.year:04}.{self.number:07}"


def read_reference(text: str) -> ChedReference | None:
    """The parts of a reference; None when it is none."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    return ChedReference(ChedType(match[1]), match[2], int(match[3]), int(match[4]))


def local_reference(country: str, at: datetime, unique: str) -> str:
    """A temporary I.3 for a CHED that TRACES could not be asked about (Article 46(4)); never shaped like an I.2.

    Args:
        country: of the border control post.
        at: when it was made, aware.
        unique: something that no other CHED of this instance has, letters and digits.
    """
    return f"{country or 'XX'}-{at:%Y%m%d}-{unique[-12:]}"


def url_of(portal: str, reference: str) -> str:
    """Where the electronic version is (DIGEST 6), for G3's optical label too."""
    return f"{portal.rstrip('/')}/certificate/ched/{reference}"
