"""A CHED as a whole: the values of its boxes and the tree that they were read from.

Nothing here knows where a box stands on the wire (``reading`` and ``writing`` do, by the tables in ``places``).
A value that is empty is a box that is not filled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.documents.ched.models import (
    NO_CODE,
    NO_COUNTRY,
    AccompanyingDocument,
    ChedLine,
    ChedLink,
    ChedParty,
    ChedType,
    Coded,
    Container,
    ControlPost,
    Country,
    Decision,
    Declaration,
    FollowUp,
    LineNote,
    Purpose,
    Region,
    Transport,
)
from gateway.documents.ched.places import HEALTH_CERTIFICATE

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["EMPTY_CHED", "Ched"]


@dataclass(frozen=True, slots=True)
class Ched:
    """The boxes of Annex II Part 1 (Regulation (EU) 2019/1715), and what stands around them on the wire.

    Moments are ISO 8601 text as written, because a text without an offset is no instant. ``dataclasses.replace`` makes
    the changed copy; ``write_ched`` then writes what changed and keeps everything else as it was sent.
    """

    type: ChedType | None = None
    """None when the document does not say, or says something unknown."""
    title: str = ""
    language: str = ""
    """ISO 639-1 of the title and of the names of countries and places."""
    reference: str = ""
    """I.2; II.2 and III.2 are the same (R-REF)."""
    local_reference: str = ""
    """I.3."""
    type_code: str = HEALTH_CERTIFICATE
    """UN/EDIFACT 1001; empty in a document that does not say."""
    status_code: str = ""
    """UN/EDIFACT 4405."""
    status_name: str = ""
    issued: str = ""
    updated: str = ""
    url: str = ""
    """Of the electronic version."""
    issuer: ChedParty | None = None
    """Who entered Part I (role VJ, list user_body_role): an operator, or an authority for it."""
    consignor: ChedParty | None = None
    """I.1."""
    post: ControlPost | None = None
    """I.4, I.5."""
    inspection_place: str = ""
    """I.4: the place of inspection."""
    inspection_time: str = ""
    """I.4: when inspection is expected; submissions of 2019 have it."""
    consignee: ChedParty | None = None
    """I.6."""
    destination: ChedParty | None = None
    """I.7."""
    alternative_destination: Coded = NO_CODE
    """I.7: SAME_AS_BORDER_CONTROL_POST instead of a party."""
    operator: ChedParty | None = None
    """I.8."""
    documents: tuple[AccompanyingDocument, ...] = ()
    """I.9."""
    arrival: str = ""
    """I.10."""
    departure: str = ""
    """When the goods left the country of dispatch; no box."""
    transports_before: tuple[Transport, ...] = ()
    """I.13."""
    dispatch_country: Country = NO_COUNTRY
    """I.14."""
    import_country: Country = NO_COUNTRY
    """No box; TRACES leaves it empty."""
    establishments: tuple[ChedParty, ...] = ()
    """I.15."""
    transport_conditions: Coded = NO_CODE
    """I.16: AMBIENT, CHILLED, FROZEN."""
    containers: tuple[Container, ...] = ()
    """I.17."""
    certified_as: tuple[Coded, ...] = ()
    """I.18: one; more is a finding."""
    conformity: Coded = NO_CODE
    """I.19: CONFORM or NON_CONFORM."""
    purposes: tuple[Purpose, ...] = ()
    """I.20 to I.26: one; more is a finding."""
    transports_after: tuple[Transport, ...] = ()
    """I.27."""
    transporter: ChedParty | None = None
    """I.28."""
    departure_from_post: str = ""
    """I.29."""
    journey_log: Coded = NO_CODE
    """I.30: YES, NO."""
    totals: ChedLine | None = None
    """I.32 to I.34."""
    lines: tuple[ChedLine, ...] = ()
    """I.31, with I.11 and I.12 of each line."""
    declaration: Declaration | None = None
    """I.35."""
    previous: tuple[ChedLink, ...] = ()
    """II.1, and III.1, which is the same."""
    decision: Decision | None = None
    """II.3 to II.22; there as soon as one of them is filled, decided when a conclusion stands."""
    customs_documents: tuple[AccompanyingDocument, ...] = ()
    """II.23: by customs, or by the operator who heard from customs, so it is no part of the decision."""
    subsequent: tuple[ChedLink, ...] = ()
    """II.24, and III.3, which is the same."""
    follow_up: FollowUp | None = None
    """III.4 to III.6."""
    contingency: str = ""
    """The label of a contingency CHED (R-46); empty for every other."""
    notes: tuple[LineNote, ...] = ()
    """Notes of the document that are no box, in order."""
    source: _Element | None = field(default=None, compare=False, repr=False)
    """The tree that this was read from: ``write_ched`` keeps what it says beyond the boxes. Not to be changed."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """I.12: every region of origin of the lines, each once."""
        found = (origin for line in self.lines for origin in line.origins if isinstance(origin, Region))
        return tuple(dict.fromkeys(found))

    @property
    def origins(self) -> tuple[Country, ...]:
        """I.11: every country of origin of the lines, each once, without its regions."""
        found: dict[str, Country] = {}
        for line in self.lines:
            for origin in line.origins:
                if origin.code:
                    found.setdefault(origin.code, Country(origin.code, origin.name))
        return tuple(found.values())

    @property
    def all_parties(self) -> tuple[ChedParty, ...]:
        """Every party that is named anywhere, in the order of the boxes."""
        named = (
            self.issuer,
            self.consignor,
            self.consignee,
            self.destination,
            self.operator,
            *self.establishments,
            *(purpose.facility for purpose in self.purposes),
            self.transporter,
            self.declaration.party if self.declaration is not None else None,
            *(() if self.decision is None else (self.decision.controlled_destination, self.decision.officer)),
            *(() if self.follow_up is None else (self.follow_up.authority, self.follow_up.officer)),
        )
        return tuple(party for party in named if party is not None)


EMPTY_CHED = Ched(type_code="")
"""What a tree without any box reads as."""
