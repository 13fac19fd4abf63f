"""Who asked first is served first.

A pool of connections wakes a waiter when one comes back, and lets whoever asks at that moment take it away again: with
32 customs offices on one CHED some waited seconds while others went round and round.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Self

from gateway.errors import Unavailable

__all__ = ["Turns"]


class Turns:
    """A number of places that are taken in the order of asking; a context manager takes one.

    Args:
        places: how many may be inside.
        seconds: how long one waits for a place.
    """

    def __init__(self, places: int, seconds: float) -> None:
        self._free = places
        self._seconds = seconds
        self._mutex = Lock()
        self._waiting: deque[Lock] = deque()

    def __enter__(self) -> Self:
        """Wait for a place.

        Raises:
            Unavailable: IMG-9001, none came free in time.
        """
        with self._mutex:
            if self._free:
                self._free -= 1
                return self
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        if not mine.acquire(timeout=self._seconds) and self._gave_up(mine):
            raise Unavailable("IMG-9001", where="store", found="every connection is in use")
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the place to whoever waits longest."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def _gave_up(self, mine: Lock) -> bool:
        """Whether it waits no more; False when its place came at this very moment."""
        with self._mutex:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True
