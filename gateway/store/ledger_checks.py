"""Whether the position of every ledger is the sum of its entries.

Triggers hold that already; this finds what was done beside them: with triggers taken away, or to the files of the
database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.store.ledger_records import Declaration, DeclarationType, LedgerTrouble
from gateway.store.ledger_tables import TOTALS, moved
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

__all__ = ["check_ledger", "check_ledgers"]

_STANDS, _ADDED_UP, _LEDGER = 0, 1, 2
_HELD: Final = ("reserved", "consumed")
"""Totals that allocations have a part in."""


def _each(totals: Iterable[str]) -> str:
    """SQL for the totals in their order, 0 for those that are not asked for."""
    asked = set(totals)
    return ", ".join(f"sum({moved(total, 'e.')})" if total in asked else "0" for total in TOTALS)


def _stands(totals: Iterable[str]) -> str:
    held = set(totals)
    return ", ".join(
        f"CASE WHEN a.state = '{total}' THEN a.quanta ELSE 0 END" if total in held else "0" for total in TOTALS
    )


_OF_A_LINE: Final = "'', '', 0"
_OF_AN_ITEM: Final = "{0}.declaration_type, {0}.declaration, {0}.goods_item"


def _adding_up(which: str) -> Statement:
    """One statement sees one moment: what moves meanwhile is no trouble."""
    return Statement(
        f"WITH page AS (SELECT ched_id FROM ledgers {which}) "  # noqa: S608 - constants of this module
        f"SELECT {_LEDGER} AS what, p.ched_id, 0 AS line, {_OF_A_LINE}, 0, 0, 0, 0 FROM page p "
        f"UNION ALL SELECT {_STANDS}, n.ched_id, n.line, {_OF_A_LINE}, {', '.join(f'n.{total}' for total in TOTALS)} "
        "FROM ledger_lines n WHERE n.ched_id IN (SELECT ched_id FROM page) "
        f"UNION ALL SELECT {_ADDED_UP}, e.ched_id, e.line, {_OF_A_LINE}, {_each(TOTALS)} "
        "FROM ledger_entries e WHERE e.ched_id IN (SELECT ched_id FROM page) GROUP BY e.ched_id, e.line "
        f"UNION ALL SELECT {_STANDS}, a.ched_id, a.line, {_OF_AN_ITEM.format('a')}, {_stands(_HELD)} "
        "FROM ledger_allocations a WHERE a.ched_id IN (SELECT ched_id FROM page) "
        f"UNION ALL SELECT {_ADDED_UP}, e.ched_id, e.line, {_OF_AN_ITEM.format('e')}, {_each(_HELD)} "
        "FROM ledger_entries e WHERE e.ched_id IN (SELECT ched_id FROM page) AND e.declaration <> '' "
        f"GROUP BY e.ched_id, e.line, {_OF_AN_ITEM.format('e')}"
    )


_check = _adding_up("WHERE ched_id > :after ORDER BY ched_id LIMIT :limit")
_check_one = _adding_up("WHERE ched_id = :ched_id")


class _Place(NamedTuple):
    """A line of a ledger, or one goods item of a declaration on it."""

    ched_id: str
    line: int
    type: str
    declaration: str
    goods_item: int


def check_ledgers(
    connection: Connection, *, after: str = "", limit: int = 1_000
) -> tuple[tuple[str, ...], list[LedgerTrouble]]:
    """Add up the entries of one page of ledgers, and compare.

    Args:
        connection: any; the page is read in one statement, so that a gateway may serve meanwhile.
        after: the last id of the page before.
        limit: ledgers of a page.

    Returns:
        The ids of the CHEDs whose ledgers were looked at, none at the end; what is wrong with them.
    """
    return _compared(_check(connection, after=after, limit=limit).fetchall())


def check_ledger(connection: Connection, ched_id: str) -> list[LedgerTrouble]:
    """Add up the entries of one ledger, and compare; what is wrong with it."""
    return _compared(_check_one(connection, ched_id=ched_id).fetchall())[1]


def _compared(rows: Iterable[Sequence[Any]]) -> tuple[tuple[str, ...], list[LedgerTrouble]]:
    pages: list[str] = []
    found: tuple[dict[_Place, Sequence[int]], ...] = ({}, {})
    for what, *values in rows:
        place, totals = _Place(*values[:5]), tuple(int(total) for total in values[5:])
        if what == _LEDGER:
            pages.append(place.ched_id)
        else:
            found[what][place] = totals
    stands, added_up = found
    nothing = (0,) * len(TOTALS)
    troubles = [
        _trouble(place, stands.get(place, nothing), added_up.get(place, nothing))
        for place in sorted({*stands, *added_up})
        if stands.get(place, nothing) != added_up.get(place, nothing)
    ]
    return tuple(pages), troubles


def _trouble(place: _Place, stands: Sequence[int], added_up: Sequence[int]) -> LedgerTrouble:
    declaration = Declaration(DeclarationType(place.type), place.declaration) if place.declaration else None
    return LedgerTrouble(
        ched_id=place.ched_id,
        line=place.line,
        declaration=declaration,
        goods_item=place.goods_item,
        found=_said(stands),
        expected=_said(added_up),
    )


def _said(totals: Sequence[int]) -> str:
    return ", ".join(f"{name} {total}" for name, total in zip(TOTALS, totals, strict=True) if total) or "nothing"
