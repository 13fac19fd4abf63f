"""Work that goes on beside the calls of an instance: one round after the other in a thread of its own."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from datetime import timedelta

import structlog

__all__ = ["Background"]

_log = structlog.get_logger(__name__)


class Background(ABC):
    """Rounds with pauses between them. A round that fails is logged, and the next one comes all the same.

    Args:
        name: of the thread.
        every: from the end of one round to the next.
    """

    def __init__(self, name: str, *, every: timedelta) -> None:
        self._name = name
        self._every = every
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Work in a thread until `stop`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=25)) -> bool:
        """Finish what is in hand, begin nothing more; returns whether it ended in time."""
        self._stopping.set()
        if self._thread is None:
            return True
        self._thread.join(timeout.total_seconds())
        return not self._thread.is_alive()

    @abstractmethod
    def _round(self) -> None:
        """One round; long ones look at ``_stopping`` at each safe point."""

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self._round()
            except Exception as error:  # noqa: BLE001 - a thread that dies is a silent outage
                _log.warning("traces.interrupted", work=self._name, error=type(error).__name__)
            self._stopping.wait(self._every.total_seconds())
