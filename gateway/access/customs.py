"""A partner that is customs: for which offices and countries its system asks (Article 38)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AbsentUnit", "CustomsMembership"]

_ANY: Final = "*"
_OFFICE: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{6}")
_COUNTRY_OF_MRN: Final = slice(2, 4)


class AbsentUnit(StrEnum):
    """What a quantity without a unit means in a declaration of this partner (DIGEST 7.5)."""

    REFUSE = "refuse"
    TONNE = "tonne"
    """Tonnes, as one system reads it: only for a partner that is known to mean it so."""


@dataclass(frozen=True, slots=True)
class CustomsMembership:
    """``[partner.customs]``: the offices that its system speaks for and the CHEDs that it may ask for."""

    offices: tuple[str, ...]
    """Reference numbers of customs offices (country and six characters), or what they begin with and ``*``."""
    countries: tuple[str, ...]
    """ISO 3166-1 alpha-2 or XI: a CHED is theirs when it enters or is destined there; ``*`` stands for any."""
    absent_unit: AbsentUnit = AbsentUnit.REFUSE
    time_zone: str = ""
    """IANA name of the zone in which times are shown to it; empty: that of ``[customs] time_zone``."""

    mrn_countries: tuple[str, ...] = ()
    """Countries of the MRNs of its declarations, by their characters 3 and 4; empty: any."""

    def speaks_for(self, office: str) -> bool:
        """Whether this office, by its exact reference number, is one of its own."""
        return _OFFICE.fullmatch(office) is not None and any(
            office.startswith(own.removesuffix(_ANY)) if own.endswith(_ANY) else office == own for own in self.offices
        )

    def covers(self, countries: Iterable[str]) -> bool:
        """Whether a CHED that concerns these countries, any of them, is in its area."""
        return _ANY in self.countries or not set(self.countries).isdisjoint(countries)

    def declares(self, mrn: str) -> bool:
        """Whether a declaration of this MRN can be one of its own."""
        return not self.mrn_countries or mrn[_COUNTRY_OF_MRN] in self.mrn_countries
