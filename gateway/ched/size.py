"""How much of each kind a CHED may hold: each of these costs a question or a row while all other writers wait.

Ten times what the largest consignments have; the goods themselves (I.31) are bounded by the size of messages alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import ChedRefused

if TYPE_CHECKING:
    from gateway.documents.ched import Ched

__all__ = ["MAX_DOCUMENTS", "MAX_DRAFTS", "MAX_LINKS", "MAX_PARTIES", "MAX_REFERENCE", "check_size"]

MAX_DOCUMENTS: Final = 500
"""I.9 and II.23, each."""
MAX_PARTIES: Final = 1000
"""All of them; establishments of origin (I.15) may be many."""
MAX_LINKS: Final = 100
"""II.1 and II.24, each; a link is a second CHED that is read, or written, with this one."""
MAX_REFERENCE: Final = 200
"""Characters of I.3, as of the numbers of certificates: it is in an index, and at the foot of printed pages."""
MAX_DRAFTS: Final = 5000
"""Of one body at a time."""


def check_size(ched: Ched) -> None:
    """Refuse a CHED with more of anything than may be, or a longer I.3.

    Raises:
        ChedRefused: IMG-7215.
    """
    for box, count, most in (
        ("I.3", len(ched.local_reference), MAX_REFERENCE),
        ("I.9", len(ched.documents), MAX_DOCUMENTS),
        ("II.23", len(ched.customs_documents), MAX_DOCUMENTS),
        ("I.15", len(ched.all_parties), MAX_PARTIES),
        ("II.1", len(ched.previous), MAX_LINKS),
        ("II.24", len(ched.subsequent), MAX_LINKS),
    ):
        if count > most:
            raise ChedRefused("IMG-7215", where=box, found=str(count), expected=f"at most {most}")
