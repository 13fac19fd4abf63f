"""One round over the envelopes that wait at a hub: in order, under a lease, around those that make trouble."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from gateway.delivery.tracking import Tracked
from gateway.errors import GatewayError
from gateway.store import renew_poller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, timedelta

    from gateway.access import Partner
    from gateway.exchange import Context
    from gateway.hub.importing import Importer
    from gateway.hub.sources import Waiting

__all__ = ["Intake", "Lease", "Round"]

MAX_AVOIDED: Final = 10_000
"""Envelopes that are left alone for a while; a hub that invents numbers must not fill the memory with them."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Round:
    """What one round did."""

    partner: str
    states: Counter[str] = field(default_factory=Counter)
    """Envelopes by what became of them."""
    troubled: tuple[str, ...] = ()
    """Envelopes that wait for the next round, each with its code."""
    answers: int = 0
    """Our answers of which the hub took one or said its last word."""
    tracked: Tracked = field(default_factory=Tracked)
    lists: tuple[str, ...] = ()
    """Code lists that changed."""
    more: bool = False
    """The batch was full: there may be more."""
    failure: GatewayError | None = None
    """What ended the round early."""

    def trouble(self, number: str, error: GatewayError) -> None:
        """An envelope could not be finished; the others are taken all the same."""
        self.troubled = (*self.troubled, f"{number}: {error.code} {error.message}")


class Lease:
    """The lease of a round, renewed while the round goes on."""

    def __init__(self, context: Context, lane: str, fence: int, length: timedelta) -> None:
        self._context = context
        self._lane = lane
        self._fence = fence
        self._length = length
        self._renewed = context.clock()

    def holds(self) -> bool:
        """Whether the round may go on: it still is the one that polls."""
        now = self._context.clock()
        if now - self._renewed <= self._length / 3:
            return True
        self._renewed = now
        return self._context.store.write(
            lambda connection: renew_poller(connection, self._lane, fence=self._fence, until=now + self._length)
        )


class Intake:
    """Takes envelopes in, and remembers which ones made trouble: they wait alone, with growing pauses.

    Args:
        clock: aware UTC now.
        pause: how long after so many failures of one envelope.
    """

    def __init__(self, clock: Callable[[], datetime], pause: Callable[[int], timedelta]) -> None:
        self._clock = clock
        self._pause = pause
        self._avoided: dict[tuple[str, str], tuple[int, datetime]] = {}
        """How often it made trouble, and until when it is left alone."""

    def take(
        self,
        importer: Importer,
        listing: Iterator[Waiting],
        owners: Iterable[Partner],
        *,
        batch: int,
        go_on: Callable[[], bool],
        done: Round,
    ) -> None:
        """Resume what was interrupted, then take what is new.

        Args:
            importer: of the source.
            listing: what waits at the hub; what is left of it after a full batch is not lost.
            owners: the partners whose interrupted imports may be resumed here.
            batch: envelopes at most, those that made trouble counted.
            go_on: asked before each envelope.
            done: where it is written down.

        Raises:
            GatewayError: the hub or our own store does not answer; what was done before is done.
        """
        for owner in owners:
            done.states.update(row.state.value for row in importer.resume(owner, batch, done.trouble))
        while go_on():
            if done.states.total() + len(done.troubled) >= batch:
                done.more = True
                return
            waiting = next(listing, None)
            if waiting is None:
                return
            self._one(importer, waiting, done)

    def _one(self, importer: Importer, waiting: Waiting, done: Round) -> None:
        now, key = self._clock(), (waiting.partner.id, waiting.number)
        failures, until = self._avoided.get(key, (0, now))
        if until > now:
            return
        try:
            row = importer.take(waiting)
        except GatewayError as error:
            if not importer.may_go_on(error):
                raise
            if len(self._avoided) >= MAX_AVOIDED and key not in self._avoided:
                self._avoided.pop(next(iter(self._avoided)), None)  # it is tried again sooner, no more
            self._avoided[key] = failures + 1, now + self._pause(failures + 1)
            done.trouble(waiting.number, error)
            _log.warning("hub.troubled", number=waiting.number, partner=waiting.partner.id, code=error.code)
            return
        self._avoided.pop(key, None)
        done.states[row.state.value] += 1
