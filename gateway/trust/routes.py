"""By which route of Article 39 a certificate comes in, and whether it may (R-39-1 to R-39-5); pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.errors import RouteRefused

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import date

__all__ = ["Route", "issuing_route"]


class Route(StrEnum):
    """Where an electronic official certificate was issued (Article 39(1)(a))."""

    TRACES = "i"
    NATIONAL_SYSTEM = "ii"
    THIRD_COUNTRY_TO_TRACES = "iii"
    THIRD_COUNTRY_TO_NATIONAL = "iv"


_OWN = {"traces": Route.TRACES, "national": Route.NATIONAL_SYSTEM}
"""Partners whose own certificates have this route, and who may pass on others and say by which."""

_OUTSIDE = frozenset({"third-country", "international-organisation"})


def issuing_route(
    *,
    roles: AbstractSet[str],
    partner_kind: str,
    claimed: str | None,
    phytosanitary: bool,
    com_informed_on: date | None,
    phyto_routes: AbstractSet[str],
    on: date,
) -> Route:
    """The route of a submission, to be recorded with it (R-39-1).

    A submission from outside the Union comes by iii where this instance is TRACES or a hub that exchanges with it, and
    by iv where it is a national system only. TRACES and national systems pass on certificates of others: their word
    about the route counts, as they had to judge it.

    Args:
        roles: what this instance is: ``traces``, ``national``, ``hub``.
        partner_kind: what the partner record says the sender is.
        claimed: IssuingRoute of the request; None when left out.
        phytosanitary: whether Article 39(4) applies to the document type.
        com_informed_on: when the Commission was informed about the sender's exchange with this national system.
        phyto_routes: routes that take phytosanitary certificates (R-39-5: the default i and iii is a reading of a
            conflict in the law, so it is a setting).
        on: the day of the submission.

    Raises:
        RouteRefused: IMG-4101 to IMG-4104.
    """
    route = _route(roles, partner_kind, claimed)
    direct = partner_kind in _OUTSIDE
    if route is Route.THIRD_COUNTRY_TO_NATIONAL and direct and (com_informed_on is None or on < com_informed_on):
        raise RouteRefused(
            "IMG-4101",
            where="com_informed_on",
            found=com_informed_on.isoformat() if com_informed_on else "not set",
            expected=f"a day up to {on.isoformat()}",
        )
    if phytosanitary and route not in phyto_routes:
        raise RouteRefused("IMG-4102", found=f"route {route}", expected=f"route {', '.join(sorted(phyto_routes))}")
    return route


def _route(roles: AbstractSet[str], partner_kind: str, claimed: str | None) -> Route:
    if partner_kind in _OWN:
        if claimed is not None and claimed not in set(Route):
            raise RouteRefused("IMG-4103", found=claimed, expected="i, ii, iii or iv")
        return Route(claimed) if claimed is not None else _OWN[partner_kind]
    if partner_kind not in _OUTSIDE:
        raise RouteRefused("IMG-4104", found=partner_kind)
    national_only = "national" in roles and not roles & {"traces", "hub"}
    route = Route.THIRD_COUNTRY_TO_NATIONAL if national_only else Route.THIRD_COUNTRY_TO_TRACES
    if claimed is not None and claimed != route:
        raise RouteRefused("IMG-4103", found=f"route {claimed}", expected=f"route {route}, or none")
    return route
