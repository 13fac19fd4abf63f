"""Reference data as they hold now: the lists of the installation and the operator, with those loaded into the store.

A list is kept whole, as ``reference/<name>`` (all rows of that file) or ``reference/<name>/<part>`` (the rows of one
tree, say). Codes come from the tables that hold now, so that a change of a table is served at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from mappings.following import Following, StoredFolder
from mappings.reference.files import SPECS
from mappings.reference.loading import load_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from mappings.live import LiveTables
    from mappings.reference.loading import ReferenceData
    from mappings.reference.models import Post

__all__ = ["PREFIX", "LiveFacts", "LiveReference", "Reference", "list_name", "stored_layers"]

PREFIX: Final = "reference/"
_FILES: Final = {spec.name: spec.file for spec in SPECS}


class Reference(Protocol):
    """What has reference data: `ReferenceData` itself, or `LiveReference`."""

    def now(self) -> ReferenceData:
        """As they hold now; whoever answers one question takes them once."""


def list_name(name: str, part: str = "") -> str:
    """How a list, or a part of it, is called in the store."""
    return f"{PREFIX}{name}/{part}" if part else f"{PREFIX}{name}"


def stored_layers(lists: Mapping[str, bytes]) -> tuple[StoredFolder, ...]:
    """Lists by their names without `PREFIX`, as layers over the installed ones: whole lists first, then parts."""
    whole = StoredFolder({_FILES[name]: content for name, content in lists.items() if name in _FILES})
    parts = (
        StoredFolder({_FILES[name.partition("/")[0]]: content})
        for name, content in sorted(lists.items())
        if "/" in name and name.partition("/")[0] in _FILES
    )
    return (whole, *parts)


class LiveReference:
    """Reference data of one process. Safe to share between threads.

    Args:
        tables: the tables that hold now, with the store where lists are.
        own: the operator's folder of tables.
        languages: of the settings, over the list's.
        allow_unconfirmed: also use rows graded unverified (sandbox only).
        monotonic: a clock in seconds.

    Raises:
        ConfigurationError: IMG-0130, IMG-0131, a list cannot be used.
        Unavailable: IMG-9001, the store does not answer.
    """

    def __init__(
        self,
        tables: LiveTables,
        own: Path | None = None,
        *,
        languages: Mapping[str, Iterable[str]] | None = None,
        allow_unconfirmed: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        made: tuple[Mapping[str, bytes], ReferenceData] | None = None

        def make(lists: Mapping[str, bytes]) -> ReferenceData:
            nonlocal made
            if made is not None and made[0] is lists:  # no list changed, a table did
                return made[1].with_tables(tables.tables, allow_unconfirmed=allow_unconfirmed)
            data = load_reference(
                tables.tables,
                own,
                languages=languages,
                allow_unconfirmed=allow_unconfirmed,
                stored=stored_layers(lists),
            )
            made = lists, data
            return data

        assert tables.store is not None, "without a store nothing changes"
        self._following = Following(tables.store, PREFIX, make, also=lambda: tables.tables, monotonic=monotonic)

    def now(self) -> ReferenceData:
        """As they hold now."""
        return self._following.now()


class LiveFacts:
    """What the rules of a CHED ask, answered by the reference data of the moment.

    Args:
        reference: has them.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    def find(self, code: str, on: date) -> Post | None:
        """A post: `Posts.find`."""
        return self._reference.now().posts.find(code, on)

    def of(self, country: str) -> tuple[str, ...]:
        """Languages: `Languages.of`."""
        return self._reference.now().languages.of(country)

    def access(self, tree: str, cn_code: str, attribute: str, on: date) -> str:
        """What goods ask: `CommodityAccess.access`."""
        return self._reference.now().access.access(tree, cn_code, attribute, on)

    def knows(self, name: str, code: str, on: date) -> bool | None:
        """Whether a list has a code: `KnownCodes.knows`."""
        return self._reference.now().known.knows(name, code, on)
