"""Keeps the memory of serving threads flat, whatever names strangers invent.

libxml2 keeps every name that a thread has parsed for the life of that thread. A thread that has parsed too much that
was refused (``gateway.xml.boundary.is_worn``) hands its requests on to a substitute, which is replaced when it is worn
in its turn; its names leave with it. A request stays in one thread from parse to reply, because lxml loses prefixes of
canonical forms when a tree changes threads (tried).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from gateway.xml.boundary import is_worn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Renewal"]

P = ParamSpec("P")
T = TypeVar("T")


class Renewal(threading.local):
    """Runs functions in the calling thread, or in its substitute once it is worn."""

    def __init__(self) -> None:
        self._substitute: ThreadPoolExecutor | None = None

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function; the hand-over to a substitute costs about 50 us."""
        if not is_worn():
            return function(*args, **kwargs)
        if self._substitute is None:
            self._substitute = ThreadPoolExecutor(max_workers=1, thread_name_prefix="substitute")
        try:
            return self._substitute.submit(function, *args, **kwargs).result()
        finally:
            if self._substitute.submit(is_worn).result():
                self._substitute.shutdown(wait=False)
                self._substitute = None
