"""The hub's ten lists as they hold now: those of the installation and the operator, with those loaded into the store.

A list is kept whole, as ``hub/<element>``; its rows lie over the installed ones, or are all of them where its header
says ``# base: none``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from mappings.following import Following, StoredFolder
from mappings.hub_lists import LISTS, load_hub_lists

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gateway.store import Store
    from mappings.hub_lists import HubLists

__all__ = ["PREFIX", "HubListsNow", "LiveHubLists", "stored_hub_lists"]

PREFIX: Final = "hub/"
_FILES: Final = {spec.element: spec.file for spec in LISTS}


class HubListsNow(Protocol):
    """What has the lists: `HubLists` itself, or `LiveHubLists`."""

    def now(self) -> HubLists:
        """As they hold now; whoever answers one question takes them once."""


def stored_hub_lists(lists: Mapping[str, bytes]) -> StoredFolder:
    """Lists by element as a layer over the installed ones."""
    return StoredFolder({_FILES[name]: content for name, content in lists.items() if name in _FILES})


class LiveHubLists:
    """The lists of one process. Safe to share between threads.

    Args:
        store: where lists are.
        overlay: the operator's own rows.
        monotonic: a clock in seconds.

    Raises:
        ConfigurationError: IMG-0130, IMG-0131, a list cannot be used.
        Unavailable: IMG-9001, the store does not answer.
    """

    def __init__(
        self, store: Store, overlay: Path | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        def make(lists: Mapping[str, bytes]) -> HubLists:
            return load_hub_lists(overlay=overlay, stored=stored_hub_lists(lists))

        self._following = Following(store, PREFIX, make, monotonic=monotonic)

    def now(self) -> HubLists:
        """As they hold now."""
        return self._following.now()
