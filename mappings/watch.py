"""When a process looks for a new edition: now and then, one thread at a time, and no other waits.

What is taken over, and how, says who watches: the tables are merged from rows and closings and compiled by day
(`mappings.live`), lists come whole (`mappings.following`).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import structlog

from gateway.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOOK_EVERY", "Watch"]

LOOK_EVERY: Final = 0.5
"""Seconds between two looks for a new edition: well under the two in which one has to be active."""

_log = structlog.get_logger(__name__)


class Watch:
    """Safe to share between threads.

    Args:
        what: is followed, for the log.
        take_over: look, and put what is new in the place of what was; whether there was anything new. It raises
            ConfigurationError when that cannot be used, once for each edition, and Unavailable.
        version: what is in use, for the log.
        every: seconds between two looks; the first is so long after this object was made.
        monotonic: a clock in seconds.
    """

    def __init__(
        self,
        what: str,
        take_over: Callable[[], bool],
        version: Callable[[], object],
        *,
        every: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._what = what
        self._take_over = take_over
        self._version = version
        self._every = every
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._look_at = monotonic() + every
        self.trouble: ConfigurationError | None = None
        """Why the newest edition is not in use."""

    def look(self) -> None:
        """Take over a new edition, if it is time to look. Without the store, and of what cannot be used, nothing is."""
        if self._monotonic() < self._look_at or not self._looking.acquire(blocking=False):
            return
        try:
            if self._take_over():
                self.trouble = None
                _log.info("edition.followed", what=self._what, version=self._version())
        except Unavailable:
            _log.warning("edition.not_followed", what=self._what, version=self._version())
        except ConfigurationError as error:
            self.tell(error)
        finally:
            self._look_at = self._monotonic() + self._every
            self._looking.release()

    def tell(self, error: ConfigurationError) -> None:
        """The newest edition cannot be used."""
        self.trouble = error
        _log.error("edition.contradicts", what=self._what, version=self._version(), code=error.code, where=error.where)
