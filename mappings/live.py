"""The tables that hold now: those of the installation with the operator's changes, followed as they are published.

A message takes one `Index` and keeps it, so it is translated by one version of the tables and says which. When an
edition is published, every process takes its rows over within the time of one look, and puts a new index in the place
of the old one; nobody waits for it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import structlog

from gateway.errors import ConfigurationError, TranslationRefused, Unavailable
from gateway.store import (
    TableKey,
    closings_between,
    find_base,
    keep_base,
    latest_edition,
    rows_between,
    table_sizes,
    touched_tables,
)
from mappings.building import LARGE, Builder, TableChange, TablesState
from mappings.keeping import digest_of, from_bytes, to_bytes
from mappings.merging import Changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from gateway.store import Store
    from mappings.index import Index
    from mappings.loading import Tables

__all__ = ["LOOK_EVERY", "LiveTables"]

LOOK_EVERY: Final = 0.5
"""Seconds between two looks for a new edition: well under the two in which one has to be active."""
_PAST_KEPT: Final = 4
_DIGITS: Final = 9
"""Of an edition's number."""

_log = structlog.get_logger(__name__)


class LiveTables:
    """The tables of one process. Safe to share between threads.

    Args:
        base: the tables as installed, checked.
        store: where changes are; without one the base tables are all there is.
        allow_unconfirmed: use rows graded unverified as well (sandbox only).
        look_every: seconds between two looks for a new edition.
        monotonic: a clock in seconds.

    Raises:
        ConfigurationError: IMG-0131, base and changes contradict each other.
        Unavailable: IMG-9001, the store does not answer.
    """

    def __init__(
        self,
        base: Tables,
        store: Store | None = None,
        *,
        allow_unconfirmed: bool = False,
        look_every: float = LOOK_EVERY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base
        self._store = store
        self._allow_unconfirmed = allow_unconfirmed
        self._look_every = look_every
        self._monotonic = monotonic
        self._digest = digest_of(base)
        self._changes = Changes()
        self._sizes: dict[TableKey, int] = {}
        self._looking = threading.Lock()
        self._past: OrderedDict[str, TablesState] = OrderedDict()
        self.trouble: ConfigurationError | None = None
        """Why the newest edition is not in use: with the base tables of this installation it contradicts itself."""
        self._state = self._make(Changes(), {}, 0)
        if store is not None:
            self._take_over(store)
        self._look_at = monotonic() + look_every

    @property
    def base_digest(self) -> str:
        """Of the tables as installed."""
        return self._digest

    @property
    def store(self) -> Store | None:
        """Where changes are."""
        return self._store

    @property
    def state(self) -> TablesState:
        """The newest version, after a look for it."""
        self._look()
        return self._state

    @property
    def tables(self) -> Tables:
        """The tables of the newest version; those that are kept in the store are there without their rows."""
        return self.state.tables

    @property
    def version(self) -> str:
        """Of the newest version."""
        return self.state.version

    def on(self, day: date) -> Index:
        """The index of a day in the newest version."""
        return self.state.on(day)

    def at(self, version: str, day: date) -> Index:
        """The index of a day in a version of the past.

        Raises:
            TranslationRefused: IMG-6012, it is not known here.
        """
        return self.state_at(version).on(day)

    def state_at(self, version: str) -> TablesState:
        """A version of the past.

        Raises:
            TranslationRefused: IMG-6012, it is not known here.
        """
        if version == self.state.version:
            return self._state
        known = self._past.get(version)
        if known is None:
            known = self._past[version] = self._recover(version)
            while len(self._past) > _PAST_KEPT:
                self._past.popitem(last=False)
        return known

    def keep_base(self, at: datetime) -> None:
        """Keep the base tables in the store, so that this version can be had again; once per version is enough."""
        store = self._store
        if store is None:
            return
        with store.read() as connection:
            known = find_base(connection, self._digest) is not None
        if not known:
            content = to_bytes(self._base)
            store.write(lambda connection: keep_base(connection, self._digest, content, at))

    def try_change(self, change: TableChange) -> TablesState:
        """What the tables would be with a change that is not published.

        Raises:
            ConfigurationError: IMG-0131, they would contradict themselves.
        """
        self._look()
        return self._make(self._changes, self._sizes, self._state.edition, change)

    # Following what is published.

    def _look(self) -> None:
        """Take over a new edition. One thread looks, the others go on with what there is."""
        if self._store is None or self._monotonic() < self._look_at or not self._looking.acquire(blocking=False):
            return
        before = self._state
        try:
            self._take_over(self._store)
            self.trouble = None
            if self._state is not before:
                _log.info("tables.followed", version=self._state.version)
        except Unavailable:
            _log.warning("tables.not_followed", version=self._state.version)
        except ConfigurationError as error:
            if self.trouble is None or str(self.trouble) != str(error):
                _log.error("tables.contradict", version=self._state.version, code=error.code, where=error.where)
            self.trouble = error
        finally:
            self._look_at = self._monotonic() + self._look_every
            self._looking.release()

    def _take_over(self, store: Store) -> None:
        with store.read() as connection:
            newest = latest_edition(connection)
            if newest == self._state.edition:
                return
            changes, sizes = self._changes.copy(), table_sizes(connection, newest)
            _read(connection, changes, sizes, self._state.edition, newest)
        state = self._make(changes, sizes, newest)
        for day in tuple(self._state._days):  # noqa: SLF001 - what is asked for is compiled before anybody waits for it
            state.on(day)
        self._changes, self._sizes, self._state = changes, sizes, state

    def _recover(self, version: str) -> TablesState:
        number, _, digest = version.partition("@")
        store = self._store
        refusal = TranslationRefused("IMG-6012", found=version, expected=f"such as {self._state.version}")
        if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS) or int(number) > self._state.edition:
            raise refusal
        base, edition = self._base, int(number)
        changes, sizes = Changes(), dict[TableKey, int]()
        if store is not None:
            with store.read() as connection:
                content = find_base(connection, digest) if digest != self._digest else None
                if edition:
                    sizes = table_sizes(connection, edition)
                    _read(connection, changes, sizes, 0, edition)
            if content is not None:
                base = from_bytes(content)
                digest = self._digest
        if digest != self._digest:
            raise refusal
        tables, stored = Builder(base, store, edition, TableChange()).build(changes, sizes)
        return TablesState(edition, version, tables, self._allow_unconfirmed, stored)

    def _make(
        self, changes: Changes, sizes: dict[TableKey, int], edition: int, trial: TableChange | None = None
    ) -> TablesState:
        version = f"{edition}@{self._digest}"
        version = f"trial of {version}" if trial else version
        tables, stored = Builder(self._base, self._store, edition, trial or TableChange()).build(changes, sizes)
        return TablesState(edition, version, tables, self._allow_unconfirmed, stored)


def _read(connection: Connection, changes: Changes, sizes: Mapping[TableKey, int], after: int, upto: int) -> None:
    """Add the editions between to the changes; the rows of large tables stay where they are."""
    large = {key for key, size in sizes.items() if size > LARGE}
    closings = [each for each in closings_between(connection, after, upto) if each.table not in large]
    small = [key for key in touched_tables(connection, after, upto) if key not in large]
    changes.add(rows_between(connection, after, upto, small), closings)
    changes.drop(large)
    if large:
        for number in range(after + 1, upto + 1):
            changes.editions.update(
                dict.fromkeys(large & touched_tables(connection, number - 1, number).keys(), number)
            )
