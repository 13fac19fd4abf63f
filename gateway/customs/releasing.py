"""Under which decisions the goods of a CHED may be released: what the status of it alone does not say.

A CHED accepted for transit is validated (70) when its goods have left, as one for the internal market when it is
decided. Customs release goods under the second only (docs/adr/0020).
"""

from __future__ import annotations

from typing import Final

__all__ = ["RELEASING", "VALIDATED", "lets_release"]

VALIDATED: Final = "70"
"""The only status in which quantities can be reserved."""

RELEASING: Final = frozenset(
    {
        "ACCEPTABLE_FOR_ONWARD_TRANSPORTATION",  # II.10: validated by the authority at the end of the way, in Part III
        "ACCEPTABLE_FOR_INTERNAL_MARKET",  # II.12
        "ACCEPTABLE_FOR_FREE_CIRCULATION",  # II.12
        "ACCEPTABLE_FOR_MONITORING",  # II.13
        "ACCEPTABLE_IF_CHANNELED",  # II.13
        "ACCEPTABLE_FOR_TEMPORARY_IMPORT",  # II.15
        "ACCEPTABLE_FOR_PRIVATE_IMPORT",  # no box of 2019/1715
        "HORSE_RE_ENTRY",  # no box of 2019/1715
    }
)
"""The conclusions that let goods into the Union, of those in the list ``ched-decision`` (Annex II, II.9 to II.16).

Not among them, as whatever else there may be: II.9, where another post decides under a CHED of its own; II.11, with
which goods leave again; II.14, non-conforming goods that may not be in free circulation, and a message of customs does
not say which procedure it is about; II.16.
"""


def lets_release(status_code: str, conclusion: str) -> bool:
    """Whether customs may release goods under a CHED, as far as status and conclusion say it.

    Args:
        status_code: UN/EDIFACT 4405.
        conclusion: of Part II, a code of ``ched-decision``; one that is not known, or none, lets nothing be released.
    """
    return status_code == VALIDATED and conclusion in RELEASING
