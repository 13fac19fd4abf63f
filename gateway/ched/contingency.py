"""CHEDs that are made while TRACES is away (Article 46(4) and (5), R-46-4, R-46-5).

They bear the mark, a temporary local reference in box I.3, and nothing in I.2. The mark stays when they are exchanged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.ched.rows import country_of
from gateway.documents.ched import write_ched
from gateway.errors import Finding, Severity
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from gateway.documents.ched import Ched

__all__ = ["OBLIGATIONS", "as_contingency", "completed", "local_id", "marked"]

REASON: Final = "Accepted as a contingency document while TRACES is not available; it will be exchanged on its return"

OBLIGATIONS: Final = (
    Finding(
        "R-46-4",
        Severity.INFO,
        "Until TRACES is back the obligations that use its functions do not apply; the document is exchanged then, "
        "once and in order.",
        "I.2",
        source="Implementing Regulation (EU) 2019/1715 Art 46(4)",
    ),
    Finding(
        "R-46-5",
        Severity.INFO,
        "The document bears the mark of contingency documents, on paper too, and keeps it.",
        "I.3",
        source="Implementing Regulation (EU) 2019/1715 Art 46(5)",
    ),
)
"""What is noted with every receipt of a contingency document."""

_ID_LENGTH: Final = 16


def local_id(ched: Ched, digest: bytes) -> str:
    """A temporary box I.3: the same message gets the same one, and it is never shaped like an I.2."""
    return f"{country_of(ched.post) or 'XX'}-{digest.hex()[:_ID_LENGTH].upper()}"


def as_contingency(ched: Ched, mark: str, local: str) -> Ched:
    """The CHED with the mark and a local reference; its own one stays."""
    return replace(ched, contingency=ched.contingency or mark, local_reference=ched.local_reference or local)


def marked(ched: Ched) -> bytes:
    """Its bytes."""
    return serialise(write_ched(ched))


def completed(ched: Ched, reference: str, url: str) -> Ched:
    """A contingency CHED with the reference that TRACES gave it."""
    return replace(ched, reference=reference, url=url or ched.url)
