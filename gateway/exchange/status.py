"""The statuses that a certificate may take in this contract, and which may follow which.

UN/CEFACT 4405 codes. A certificate is issued (70) once. It is withdrawn by the same number with status 40. It is
replaced by a document with status 44 that refers to what it replaces: either under the same number, or under a new
number, and then the referenced number becomes "replaced by" the new one. At the ePhyto hub a replacement is an issue
(70) under a new number that names the old one, and has the same effect on it. 40 is final for a number, and a replaced
number takes nothing but a withdrawal. The history of versions is kept (ADR 0004).
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["INITIAL", "CertificateStatus", "may_follow"]


class CertificateStatus(StrEnum):
    """Statuses of a submitted certificate."""

    APPROVED = "39"
    WITHDRAWN = "40"
    REPLACED = "44"
    ISSUED = "70"


INITIAL = frozenset({CertificateStatus.ISSUED, CertificateStatus.APPROVED, CertificateStatus.REPLACED})
"""What a number may begin with; 44 begins the number of a replacement that refers to another number."""

_FOLLOWS: dict[str, frozenset[str]] = {
    CertificateStatus.APPROVED: frozenset(
        {CertificateStatus.ISSUED, CertificateStatus.WITHDRAWN, CertificateStatus.REPLACED}
    ),
    CertificateStatus.ISSUED: frozenset({CertificateStatus.WITHDRAWN, CertificateStatus.REPLACED}),
    CertificateStatus.REPLACED: frozenset({CertificateStatus.WITHDRAWN}),
    CertificateStatus.WITHDRAWN: frozenset(),
}


def may_follow(current: str | None, new: str) -> bool:
    """Whether a version with status ``new`` may come after ``current`` (None: the number is not known yet)."""
    if current is None:
        return new in INITIAL
    return new in _FOLLOWS.get(current, frozenset())
