"""A value made of the whole lists that are kept in the store, made anew when one of them changes.

Trees, posts, sections and the lists of the hub are kept as the files that they are. Every process looks for a new
edition at most every half second; the value is immutable, and a new one takes its place while the old one is in use.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from gateway.store import find_list, latest_edition, lists_between
from mappings.watch import LOOK_EVERY, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gateway.errors import ConfigurationError
    from gateway.store import Store

__all__ = ["Following", "StoredFile", "StoredFolder"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A list in the store, read as its file would be; there is none without content."""

    name: str
    content: bytes | None

    def is_file(self) -> bool:
        """Whether there is such a list."""
        return self.content is not None

    def read_bytes(self) -> bytes:
        """Its content.

        Raises:
            FileNotFoundError: there is none.
        """
        if self.content is None:
            raise FileNotFoundError(self.name)
        return self.content


class StoredFolder:
    """Lists in the store, read as a folder of files would be.

    Args:
        files: content by file name.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def joinpath(self, name: str, /) -> StoredFile:
        """One file, which need not be there."""
        return StoredFile(name, self._files.get(name))

    def iterdir(self) -> Iterable[StoredFile]:
        """All files."""
        return (StoredFile(name, content) for name, content in self._files.items())


class Following(Generic[T]):
    """The newest value. Safe to share between threads.

    Args:
        store: where lists are.
        prefix: with which the names of the lists begin that the value is made of.
        make: the value of these lists, by name without the prefix; ConfigurationError when they cannot be used.
        also: what else it is made of; another object means that it changed.
        look_every: seconds between two looks.
        monotonic: a clock in seconds.

    Raises:
        ConfigurationError: the lists cannot be used.
        Unavailable: IMG-9001, the store does not answer.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        make: Callable[[Mapping[str, bytes]], T],
        *,
        also: Callable[[], object] = lambda: None,
        look_every: float = LOOK_EVERY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._make = make
        self._also = also
        self._edition = 0
        self._lists: dict[str, bytes] = {}
        self._seen = also()
        self._read()
        self._value = make(self._lists)
        self._watch = Watch("lists", self._take_over, lambda: self._edition, every=look_every, monotonic=monotonic)

    @property
    def trouble(self) -> ConfigurationError | None:
        """Why the newest lists are not in use."""
        return self._watch.trouble

    def now(self) -> T:
        """The value, after a look for a newer one; one thread looks, the others go on with what there is."""
        self._watch.look()
        return self._value

    def _take_over(self) -> bool:
        also = self._also()
        if not self._read() and also is self._seen:
            return False
        self._seen = also
        self._value = self._make(self._lists)
        return True

    def _read(self) -> bool:
        """Take over the lists of new editions; whether there are any."""
        with self._store.read() as connection:
            newest = latest_edition(connection)
            if newest == self._edition:
                return False
            restored = newest < self._edition  # from a backup: nothing that was read need be there
            known, lists = (0, {}) if restored else (self._edition, self._lists)
            names = [name for name in lists_between(connection, known, newest) if name.startswith(self._prefix)]
            for name in names:
                found = find_list(connection, name, newest)
                if found is not None:
                    lists = {**lists, name.removeprefix(self._prefix): found[1]}  # the same object while none is new
        self._lists, self._edition = lists, newest
        return restored or bool(names)
