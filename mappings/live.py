"""The tables that hold now: those of the installation with the operator's changes, followed as they are published.

A message takes one `Index` and keeps it, so it is translated by one version of the tables and says which. When an
edition is published, every process takes its rows over within the time of one look, and puts a new index in the place
of the old one. The message that finds the edition waits while it is read; all others go on with the old index.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigurationError, TranslationRefused
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
from mappings.checks import check
from mappings.keeping import digest_of, from_bytes, to_bytes
from mappings.merging import Changes
from mappings.watch import LOOK_EVERY, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from gateway.store import Store
    from mappings.index import Index
    from mappings.loading import Tables

__all__ = ["LiveTables"]

_PAST_KEPT: Final = 4
_STEPS_BACK: Final = 100
"""Editions that are tried, from the newest on, when it does not hold; then the base tables alone."""

UNCONFIRMED: Final = "+u"
"""At the end of a version: rows that nobody confirmed were used too."""
_VERSION: Final = re.compile(r"(?P<edition>[0-9]{1,9})@(?P<digest>[0-9a-f]{12})(?P<unconfirmed>\+u)?", re.ASCII)


class LiveTables:
    """The tables of one process. Safe to share between threads.

    Args:
        base: the tables as installed, checked.
        store: where changes are; without one the base tables are all there is.
        allow_unconfirmed: use rows graded unverified as well (sandbox only).
        look_every: seconds between two looks for a new edition.
        monotonic: a clock in seconds.

    Where the newest edition contradicts the base tables (an installation was replaced), the newest one that holds is in
    use and `trouble` says why: what was served goes on, and an operator can mend it.

    Raises:
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
        self._digest = digest_of(base)
        self._changes = Changes()
        self._sizes: dict[TableKey, int] = {}
        self._past: OrderedDict[str, TablesState] = OrderedDict()
        self._edition = 0
        """The newest edition that was read, whether its tables hold or not."""
        self._state = self._latest = self._make(Changes(), {}, 0)
        self._watch = Watch(
            "tables", self._take_over, lambda: self._state.version, every=look_every, monotonic=monotonic
        )
        self._begin()

    @property
    def trouble(self) -> ConfigurationError | None:
        """Why the newest edition is not in use: with the base tables of this installation it contradicts itself."""
        return self._watch.trouble

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
        self._watch.look()
        return self._state

    @property
    def latest(self) -> TablesState:
        """The newest edition, also where its tables contradict each other: for who mends them, not for documents."""
        self._watch.look()
        return self._latest

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
        newest = self.state  # once: another thread may put the next one in its place
        if version == newest.version:
            return newest
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
        self._watch.look()
        return self._make(self._changes, self._sizes, self._edition, change)

    # Following what is published.

    def _begin(self) -> None:
        try:
            self._take_over()
        except ConfigurationError as error:
            self._watch.tell(error)
            for edition in range(self._edition - 1, max(self._edition - _STEPS_BACK, 0), -1):
                with suppress(ConfigurationError):
                    self._state = self._at(edition, self._base)
                    break

    def _take_over(self) -> bool:
        """Read the newest edition, if it is another one than before."""
        if self._store is None:
            return False
        with self._store.read() as connection:
            newest = latest_edition(connection)
            if newest == self._edition:
                return False
            known = self._edition if newest > self._edition else 0  # less: the store was restored from a backup
            changes = self._changes.copy() if known else Changes()
            sizes = table_sizes(connection, newest)
            _read(connection, changes, sizes, known, newest)
        self._changes, self._sizes, self._edition = changes, sizes, newest
        self._latest = self._make(changes, sizes, newest, checked=False)
        check(self._latest.tables)
        for day in self._state.days:  # compiled before anybody waits for it
            self._latest.on(day)
        self._state = self._latest
        return True

    def _recover(self, version: str) -> TablesState:
        found = _VERSION.fullmatch(version)
        refusal = TranslationRefused("IMG-6012", found=version, expected=f"such as {self._state.version}")
        if found is None or int(found["edition"]) > self._edition:
            raise refusal
        base = self._base
        if found["digest"] != self._digest:
            content = None
            if self._store is not None:
                with self._store.read() as connection:
                    content = find_base(connection, found["digest"])
            if content is None:
                raise refusal
            unpacked = _unpacked(content)
            if unpacked is None or digest_of(unpacked) != found["digest"]:
                expected = f"tables with the digest {found['digest']}"
                raise TranslationRefused("IMG-6013", found=version, expected=expected)
            base = unpacked
        return self._at(int(found["edition"]), base, allow_unconfirmed=bool(found["unconfirmed"]))

    def _at(self, edition: int, base: Tables, *, allow_unconfirmed: bool | None = None) -> TablesState:
        """The tables of one edition over these base tables."""
        changes, sizes = Changes(), dict[TableKey, int]()
        if self._store is not None and edition:
            with self._store.read() as connection:
                sizes = table_sizes(connection, edition)
                _read(connection, changes, sizes, 0, edition)
        return self._make(changes, sizes, edition, base=base, allow_unconfirmed=allow_unconfirmed)

    def _make(
        self,
        changes: Changes,
        sizes: Mapping[TableKey, int],
        edition: int,
        trial: TableChange | None = None,
        *,
        base: Tables | None = None,
        allow_unconfirmed: bool | None = None,
        checked: bool = True,
    ) -> TablesState:
        base = base or self._base
        unconfirmed = self._allow_unconfirmed if allow_unconfirmed is None else allow_unconfirmed
        digest = self._digest if base is self._base else digest_of(base)
        version = f"{edition}@{digest}{UNCONFIRMED if unconfirmed else ''}"
        tables, stored = Builder(base, self._store, edition, trial or TableChange()).build(changes, sizes)
        if checked:
            check(tables)
        return TablesState(edition, f"trial of {version}" if trial else version, tables, unconfirmed, stored)


def _unpacked(content: bytes) -> Tables | None:
    try:
        return from_bytes(content)
    except (ValueError, KeyError, TypeError):
        return None


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
