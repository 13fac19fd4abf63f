"""What goes into the tables of reference data and what comes out of them.

Codes are as written in the lists; days are ISO 8601 dates, an empty one is open. A row is never changed: a closing
gives it a last day, another row takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Closing", "Edition", "NewRow", "RowKind", "StoredRow", "TableKey"]


class RowKind(StrEnum):
    """What the rows of a table are."""

    CODE = "code"
    """Codes of a list."""
    MAP = "map"
    """From a code of a system to a canonical one, or back."""


class TableKey(NamedTuple):
    """Which table: of codes or of rows that map, of which code system and list, and for which partner."""

    kind: RowKind
    system: str
    list: str
    partner: str = ""
    """Whose overlay it is; empty for everybody's."""


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to add: a code of a list, or one line of a map."""

    table: TableKey
    code: str
    canonical: str = ""
    """The other side of a map's row."""
    context: str = ""
    direction: str = "both"
    loss: str = "none"
    valid_from: str = ""
    valid_to: str = ""
    grade: str = "own"
    text: str = ""
    """The evidence of a map's row, the note of a code."""
    name: str = ""
    parent: str = ""
    labels: str = ""
    """JSON object, language to text; empty for none."""


@dataclass(frozen=True, slots=True)
class StoredRow(NewRow):
    """A row as it is kept."""

    seq: int = 0
    """Never given twice; the id of the row ends in ``#<seq>``."""
    edition: int = 0
    """The one that added it."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a row, whether it came from a file or from the store."""

    table: TableKey
    row_id: str
    last_day: str
    """Empty: withdrawn, from this edition on as if it had never held."""
    edition: int = 0
    """The one that closed it; 0 when new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A published change: everything that it added and closed holds from this number on."""

    number: int
    """1 for the first; without gaps."""
    made_at: datetime
    """When it was published."""
    author: str
    reason: str
    kind: str
    """``change``, ``import``, ``load`` or ``confirm``."""
    effective_on: str
    """The day from which its rows are meant to hold."""
    source: str
    """Where the rows came from: a file's name, a service; empty when they were typed in."""
    added: int
    closed: int
    release_limit: int
    """How many messages in quarantine it may release, as confirmed by its author."""
