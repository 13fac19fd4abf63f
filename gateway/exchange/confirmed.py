"""Which change of the tables fills the gaps of a held message, and how many releases its author confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.store import RowKind, TableKey, get_edition, rows_about
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.store import Edition, GapRow
    from mappings import Index

__all__ = ["Filled", "filled_by", "fills"]


@dataclass(frozen=True, slots=True)
class Filled:
    """What brought the last row that a message was waiting for; None: no change of an operator did, a file say."""

    edition: Edition | None

    @property
    def allowed(self) -> int:
        """How many messages may be released by themselves on its account."""
        return self.edition.release_limit if self.edition is not None else 0


def fills(index: Index, gaps: Sequence[GapRow], partner: str) -> bool:
    """Whether every gap has an answer now: dictionary reads, no document is looked at."""
    return all(_answer(index, gap, partner) is not None for gap in gaps)


def filled_by(connection: Connection, index: Index, gaps: Sequence[GapRow], partner: str) -> Filled:
    """The newest edition among those of the rows that fill the gaps."""
    numbers = [_edition(connection, index, gap, partner) for gap in gaps]
    newest = max(numbers, default=0)
    return Filled(get_edition(connection, newest) if newest else None)


def _answer(index: Index, gap: GapRow, partner: str) -> str | None:
    """The id of the row that answers; None: none does, or nobody knows without the document."""
    lookup = index.lookups.get((gap.source, gap.target, gap.list, partner))
    lookup = lookup or index.lookups.get((gap.source, gap.target, gap.list, ""))
    entry = lookup.get(gap.code, gap.context) if lookup is not None else None
    return entry.row_id if entry is not None else None


def _edition(connection: Connection, index: Index, gap: GapRow, partner: str) -> int:
    """The edition that added the row; 0 for a row of a file."""
    row_id = _answer(index, gap, partner) or ""
    upto = int(index.version.partition("@")[0] or 0)
    if row_id.endswith(f"/={gap.code}"):  # the same on both sides, since the list knows the code
        rows = rows_about(connection, TableKey(RowKind.CODE, CANONICAL, gap.list), upto, code=gap.code)
        return max((row.edition for row in rows), default=0)
    _, _, number = row_id.rpartition("#")
    inwards = gap.target == CANONICAL
    asked = {"code": gap.code} if inwards else {"canonical": gap.code}
    for whose in dict.fromkeys((partner, "")):
        table = TableKey(RowKind.MAP, gap.source if inwards else gap.target, gap.list, whose)
        for row in rows_about(connection, table, upto, **asked):
            if str(row.seq) == number:
                return row.edition
    return 0
