"""What a search of CHEDs asks, and who asks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ChedQuery", "ChedVisibility", "Period", "TextFilter"]


@dataclass(frozen=True, slots=True)
class TextFilter:
    """A text to look for: the whole one, or what it begins with."""

    value: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """From and to, both included."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChedVisibility:
    """Which CHEDs a reader finds: those that any of these lets it find. Nothing given: none.

    The same question for one row is `gateway.store.visible`.
    """

    everything: bool = False
    """The Commission (R-8-2), the operator of the instance."""
    partner: str = ""
    """What this partner created."""
    bodies: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    refusals: bool = False
    country_pairs: tuple[tuple[str | None, str | None], ...] = ()
    """(sending, receiving) country as granted; None for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChedQuery:
    """A search, newest first (by creation). Every criterion of DIGEST 5.1; several values of one mean any of them."""

    visibility: ChedVisibility
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    transshipped: bool | None = None
    transfer: bool | None = None
    plant_health_non_compliance: bool | None = None
    pending_laboratory_tests: bool | None = None
    requires_follow_up: bool | None = None
    signed: bool | None = None
    local_reference: TextFilter | None = None
    phyto_reference: TextFilter | None = None
    phyto_local_reference: TextFilter | None = None
    cn_codes: tuple[TextFilter, ...] = ()
    post: str = ""
    """Code or UN/LOCODE of the border control post."""
    issuance_country: str = ""
    entry_country: str = ""
    dispatch_country: str = ""
    origin_country: str = ""
    destination_country: str = ""
    transfer_country: str = ""
    consignor_country: str = ""
    consignee_country: str = ""
    created: Period | None = None
    updated: Period | None = None
    status_changed: Period | None = None
    declared: Period | None = None
    decided: Period | None = None
    prior_notification: Period | None = None
    page_size: int = 100
    offset: int = 0
