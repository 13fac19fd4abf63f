"""A value made of the whole lists that are kept in the store, made anew when one of them changes.

Trees, posts, sections and the lists of the hub are kept as the files that they are. Every process looks for a new
edition at most every half second; the value is immutable, and a new one takes its place while the old one is in use.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import structlog

from gateway.errors import ConfigurationError, Unavailable
from gateway.store import find_list, latest_edition, lists_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gateway.store import Store

__all__ = ["LOOK_EVERY", "Following", "StoredFile", "StoredFolder"]

LOOK_EVERY: Final = 0.5
"""Seconds between two looks for a new edition."""

T = TypeVar("T")
_log = structlog.get_logger(__name__)


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
        self._look_every = look_every
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._edition = 0
        self._lists: dict[str, bytes] = {}
        self._seen = also()
        self.trouble: ConfigurationError | None = None
        """Why the newest lists are not in use."""
        self._read()
        self._value = make(self._lists)
        self._look_at = monotonic() + look_every

    def now(self) -> T:
        """The value, after a look for a newer one; one thread looks, the others go on with what there is."""
        if self._monotonic() >= self._look_at and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._look_at = self._monotonic() + self._look_every
                self._looking.release()
        return self._value

    def _look(self) -> None:
        also = self._also()
        try:
            if self._read() or also is not self._seen:
                self._value = self._make(self._lists)
                self._seen = also
                self.trouble = None
        except Unavailable:
            _log.warning("lists.not_followed", edition=self._edition)
        except ConfigurationError as error:
            if self.trouble is None or str(self.trouble) != str(error):
                _log.error("lists.contradict", edition=self._edition, code=error.code, where=error.where)
            self.trouble = error
            self._seen = also

    def _read(self) -> bool:
        """Take over the lists of new editions; whether there are any."""
        with self._store.read() as connection:
            newest = latest_edition(connection)
            if newest == self._edition:
                return False
            names = [name for name in lists_between(connection, self._edition, newest) if name.startswith(self._prefix)]
            for name in names:
                found = find_list(connection, name, newest)
                if found is not None:
                    self._lists = {**self._lists, name.removeprefix(self._prefix): found[1]}
        self._edition = newest
        return bool(names)
