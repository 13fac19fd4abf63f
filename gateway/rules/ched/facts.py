"""What the rules of a CHED ask about the world beyond the document; where no answer is given, a rule is silent.

The shapes are protocols, so that reference data (mappings/reference) and tests can answer alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from gateway.documents.ched import Ched

__all__ = ["MEMBER_STATES", "Codes", "CommodityAccess", "Facts", "KnownPost", "Languages", "Posts"]

_CODES: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI"
MEMBER_STATES: Final = frozenset(_CODES.split())
"""ISO 3166-1 alpha-2 of the Member States; XI, Northern Ireland, counts as one (issue 4, captured CHEDs)."""


class KnownPost(Protocol):
    """A border control post, control point or control unit of the operator's list (R-43-1, R-44-1)."""

    @property
    def kind(self) -> str:
        """``bcp`` or ``control-point``; control units have another word of the list."""

    @property
    def active(self) -> bool:
        """On the day that was asked for."""

    @property
    def categories(self) -> Collection[str]:
        """Abbreviations of Regulation (EU) 2019/1014, for messages."""

    def designated_for(self, ched_type: str) -> bool:
        """Whether it may take consignments of this kind of CHED: A, P, PP, D."""


class Posts(Protocol):
    """The list of posts."""

    def find(self, code: str, on: date) -> KnownPost | None:
        """The post with an IMSOC code (I.5) as it stands on that day; None when the list has none."""


class Languages(Protocol):
    """The languages in which each Member State takes CHEDs (R-40-2)."""

    def of(self, country: str) -> Collection[str]:
        """ISO 639-1; empty for a country that the list does not know."""


class CommodityAccess(Protocol):
    """What the commodity's node asks of a box (attributes ``…_ACCESS`` of the reference data)."""

    def access(self, tree: str, cn_code: str, attribute: str, on: date) -> str:
        """MANDATORY, OPTIONAL, NOT_AVAILABLE, DISABLED; empty when reference data say nothing of it.

        Args:
            tree: ``cheda``, ``chedp``, ``chedpp``, ``chedd``.
            cn_code: of the line.
            attribute: such as ``CERTIFIED_AS_ACCESS``, or a column of the table of goods such as ``NET_WEIGHT``.
            on: the day.
        """


class Codes(Protocol):
    """The lists of codes that exchanges use: TRACES reference data (Article 37(2), R-37-2)."""

    def knows(self, name: str, code: str, on: date) -> bool | None:
        """Whether a list has a code on that day; None when there is no such list.

        Args:
            name: of the list, such as ``ched-purpose``.
            code: as it stands in the document.
            on: the day.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known beside the document."""

    posts: Posts | None = None
    languages: Languages | None = None
    access: CommodityAccess | None = None
    codes: Codes | None = None
    member_states: frozenset[str] = MEMBER_STATES
    reference: str | None = None
    """The reference that TRACES gave to this CHED: empty for one that has none yet; None when nobody knows (R-REF)."""
    previous: Ched | None = None
    """The CHED that this one was split from or follows, where it is at hand (R-I31-SUBS)."""
