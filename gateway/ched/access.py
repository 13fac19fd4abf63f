"""Who sees which CHED, and how much of it (Articles 8, 9, 36; R-8-2, R-9-1, R-9-2, R-36-1 to R-36-5; docs/adr/0011).

A search and a look at one CHED go by the same ``ChedVisibility``, so that nothing is found that cannot be read and the
other way round.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.access import ANY, BodyRole
from gateway.ched.identities import body_keys
from gateway.errors import AccessDenied
from gateway.store import ChedVisibility, visible

if TYPE_CHECKING:
    from gateway.access import Body, Partner
    from gateway.ched.models import Actor
    from gateway.store import ChedRow

__all__ = ["CHED_TYPE_CODE", "Sight", "full_sight", "is_shown_masked", "require_sight", "sight_of", "visibility_of"]

CHED_TYPE_CODE: Final = "636"
"""UN/EDIFACT 1001 of a CHED: what a grant for a third country names."""

_POST_ROLES: Final = (BodyRole.BORDER_CONTROL_POST, BodyRole.CONTROL_POINT, BodyRole.EXIT_POST)
_AREA_ROLES: Final = (BodyRole.CENTRAL, BodyRole.LOCAL, BodyRole.CUSTOMS)


class Sight(StrEnum):
    """How much of a CHED somebody sees."""

    FULL = "full"
    ENTRY = "entry"
    """Entry data and decision, for customs (R-38-1): without laboratory tests and Part III."""
    REFUSAL = "refusal"
    """The refusal and what was ordered (R-36-5)."""
    MASKED = "masked"
    """Without personal data (R-9-2)."""
    NOTHING = "nothing"


def full_sight(actor: Actor) -> ChedVisibility:
    """Which CHEDs the actor sees in full: by its part in them or by its area.

    A partner that names no body sees what its system created, and as a member of the network what it was granted.
    """
    body, partner = actor.body, actor.principal.partner
    if body is None:
        pairs = _pairs(partner) if partner.sees_personal_data else ()
        return ChedVisibility(partner=partner.id, country_pairs=pairs)
    if body.is_any(BodyRole.COMMISSION):
        return ChedVisibility(everything=True)
    return ChedVisibility(bodies=tuple(sorted(body_keys(body, partner))), posts=_posts(body), areas=_areas(body))


def visibility_of(actor: Actor) -> ChedVisibility:
    """Which CHEDs the actor finds, whatever it then sees of each."""
    full = full_sight(actor)
    if actor.body is not None and actor.body.is_authority:
        return replace(full, refusals=True)
    if actor.body is None:
        return replace(full, country_pairs=_pairs(actor.principal.partner))
    return full


def sight_of(actor: Actor, row: ChedRow) -> Sight:
    """How much of this CHED the actor sees."""
    body = actor.body
    if is_shown_masked(actor):
        return Sight.MASKED if visible(row, visibility_of(actor)) else Sight.NOTHING
    if visible(row, full_sight(actor)):
        return Sight.ENTRY if body is not None and body.roles == {BodyRole.CUSTOMS} else Sight.FULL
    if not visible(row, visibility_of(actor)):
        return Sight.NOTHING
    return Sight.REFUSAL if body is not None else Sight.MASKED


def is_shown_masked(actor: Actor) -> bool:
    """Whether no copy with personal data may go to this partner, whatever body it names (R-9-2)."""
    partner = actor.principal.partner
    return partner.kind.is_outside and not partner.sees_personal_data


def require_sight(actor: Actor, row: ChedRow) -> Sight:
    """How much of this CHED the actor sees, if anything.

    Raises:
        AccessDenied: IMG-2110.
    """
    sight = sight_of(actor, row)
    if sight is Sight.NOTHING:
        raise AccessDenied("IMG-2110", where="ID", found=row.reference or row.local_reference)
    return sight


def _posts(body: Body) -> tuple[str, ...]:
    return body.posts if body.is_any(*_POST_ROLES) else ()


def _areas(body: Body) -> tuple[str, ...]:
    return body.countries if body.is_any(*_AREA_ROLES) else ()


def _pairs(partner: Partner) -> tuple[tuple[str | None, str | None], ...]:
    """The (sending, receiving) countries that the partner's record grants it CHEDs of; none without the type."""
    if not partner.document_types & {ANY, CHED_TYPE_CODE}:
        return ()
    return tuple((_country(pair.issuer), _country(pair.importer)) for pair in partner.country_pairs)


def _country(code: str) -> str | None:
    return None if code == ANY else code
