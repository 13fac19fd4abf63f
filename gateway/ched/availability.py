"""Whether TRACES is there: outages by functionality, with their beginning and end (Article 46(2) and (4)).

While a functionality is away it is tried again at intervals, not by every message: a national system gets its answer at
once, and TRACES is not met by a crowd when it comes back.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Final

import structlog

from gateway.store import begin_outage, end_outage, open_outage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.errors import GatewayError
    from gateway.store import OutageRow, Store

__all__ = ["PRINTED_FORMS_AFTER", "Availability", "may_use_forms"]

PRINTED_FORMS_AFTER: Final = timedelta(hours=1)
"""Away for longer, users may use printed or electronic forms (Article 46(2), R-46-2)."""

_log = structlog.get_logger(__name__)


class Availability:
    """What is known about one partner's functionalities. Safe to share between threads.

    Args:
        store: keeps the outages.
        partner: id of the record.
        retry: how long nothing is tried after a failure.
        clock: aware UTC.
    """

    def __init__(self, store: Store, partner: str, *, retry: timedelta, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._partner = partner
        self._retry = retry
        self._clock = clock
        self._tried: dict[str, datetime] = {}
        self._lock = Lock()

    def is_worth_trying(self, functionality: str) -> bool:
        """Whether to call; one caller of many is let through when the interval is over."""
        now = self._clock()
        with self._lock:
            tried = self._tried.get(functionality)
            if tried is None:
                return True
            if now - tried < self._retry:
                return False
            self._tried[functionality] = now
            return True

    def lost(self, functionality: str, error: GatewayError) -> OutageRow:
        """It did not answer: the outage begins, or goes on."""
        now = self._clock()
        with self._lock:
            self._tried[functionality] = now
        reason = f"{error.code} {error.message}"
        outage = self._store.write(
            lambda connection: begin_outage(
                connection, partner=self._partner, functionality=functionality, at=now, reason=reason
            )
        )
        _log.warning("traces.away", functionality=functionality, code=error.code, since=outage.began_at.isoformat())
        return outage

    def answered(self, functionality: str) -> None:
        """It answered: an outage of it is over. Costs nothing while there is none that this process knows."""
        with self._lock:
            known = self._tried.pop(functionality, None)
        if known is None:
            return
        now = self._clock()
        ended = self._store.write(
            lambda connection: end_outage(connection, partner=self._partner, functionality=functionality, at=now)
        )
        if ended is not None:
            _log.info("traces.back", functionality=functionality, since=ended.began_at.isoformat())

    def recover(self, functionalities: tuple[str, ...]) -> None:
        """Take over the outages that an earlier process left open, so that their end is noticed too."""
        with self._store.read() as connection:
            for functionality in functionalities:
                outage = open_outage(connection, self._partner, functionality)
                if outage is not None:
                    with self._lock:
                        self._tried.setdefault(functionality, outage.began_at)


def may_use_forms(outage: OutageRow, now: datetime) -> bool:
    """Whether the outage has lasted long enough for printed or electronic forms (R-46-2)."""
    return (outage.ended_at or now) - outage.began_at > PRINTED_FORMS_AFTER
