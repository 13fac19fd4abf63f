"""Puts the services for customs together: the desk of this instance, or the relay to TRACES behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from adapters.certex import settling_time
from gateway.ched.register import TRACES_ROLE
from gateway.single_window.checks import Bounds
from gateway.single_window.following import LedgerFollower
from gateway.single_window.relay import RelayingCustoms
from gateway.single_window.relay_upstream import Upstream
from gateway.single_window.service import CustomsService, Freshness

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.documents.ched import Ched
    from gateway.exchange import Context
    from gateway.exchange.context import ChedFollower
    from gateway.single_window.desk import CustomsDesk
    from gateway.single_window.pushing import PushKeeper
    from gateway.xml.limits import Limits

__all__ = ["Choices", "desk_of", "followers_of", "freshness_of"]


class Choices(Protocol):
    """The operator's choices: ``gateway.config.CustomsSettings`` has this shape."""

    @property
    def time_zone(self) -> str: ...  # noqa: D102 - named as in the settings
    @property
    def max_message_age_seconds(self) -> int: ...  # noqa: D102
    @property
    def max_goods_items(self) -> int: ...  # noqa: D102
    @property
    def max_allocations(self) -> int: ...  # noqa: D102
    @property
    def upstream(self) -> str: ...  # noqa: D102
    @property
    def client_id(self) -> str: ...  # noqa: D102
    @property
    def settled_after_seconds(self) -> int: ...  # noqa: D102


def freshness_of(context: Context, choices: Choices) -> Freshness:
    """What the settings say about times and numbers."""
    return Freshness(
        zone=ZoneInfo(choices.time_zone),
        max_age=timedelta(seconds=choices.max_message_age_seconds),
        skew=timedelta(seconds=context.policy.clock_skew_seconds),
        bounds=Bounds(goods_items=choices.max_goods_items, allocations=choices.max_allocations),
    )


def followers_of(limits: Limits, pushes: PushKeeper) -> tuple[ChedFollower, ...]:
    """What follows every write of a CHED: its ledger first, then what is told of it.

    Args:
        limits: of documents.
        pushes: who follows CHEDs.
    """
    return LedgerFollower(limits, pushes), pushes.written


def desk_of(
    context: Context, choices: Choices, *, pushes: PushKeeper, printed: Callable[[Ched, str], bytes]
) -> CustomsDesk:
    """Who answers customs.

    Args:
        context: the services.
        choices: ``[customs]``.
        pushes: who follows CHEDs.
        printed: a CHED as a PDF in a language.

    Raises:
        ConfigurationError: IMG-0101, IMG-0123, the upstream's record is not there or has no delivery to TRACES.
    """
    freshness = freshness_of(context, choices)
    if choices.upstream and TRACES_ROLE not in context.policy.roles:
        chosen = timedelta(seconds=choices.settled_after_seconds)
        settled_after = settling_time(chosen, freshness.max_age, freshness.skew)
        upstream = Upstream(context, choices.upstream, choices.client_id, settled_after=settled_after)
        upstream.opened()
        return RelayingCustoms(context, upstream, freshness)
    return CustomsService(context, freshness, pushes, printed)
