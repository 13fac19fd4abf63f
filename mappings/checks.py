"""Proofs over tables: what must hold before a set of tables may be used."""

from __future__ import annotations

from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from mappings.models import CodeList, CodeMap, Direction, Loss, Otherwise, Row

if TYPE_CHECKING:
    from mappings.loading import Tables

INWARDS = (Direction.BOTH, Direction.IN)
OUTWARDS = (Direction.BOTH, Direction.OUT)


def check(tables: Tables) -> None:
    """Refuse tables that contradict themselves or speak of codes that no list holds.

    Raises:
        ConfigurationError: IMG-0131, naming the rows.
    """
    for code_map in tables.maps:
        code_list = tables.lists.get(code_map.list)
        if code_list is None:
            raise ConfigurationError("IMG-0131", where=code_map.name, found=code_map.list, expected="a list-*.csv")
        for row in code_map.rows:
            _check_row(code_map, code_list, row)
        _check_unique(code_map)
        for row in code_map.rows:
            _check_way_back(code_map, row)


def identities(code_map: CodeMap, code_list: CodeList) -> frozenset[str]:
    """The canonical codes that carry over unchanged: those that no row names on either side."""
    if code_map.otherwise is Otherwise.REFUSE:
        return frozenset()
    named = {row.code for row in code_map.rows if row.direction is not Direction.OUT}
    named |= {row.canonical for row in code_map.rows if row.direction is not Direction.IN}
    return frozenset(code_list.codes) - named


def _check_row(code_map: CodeMap, code_list: CodeList, row: Row) -> None:
    if row.canonical and row.canonical not in code_list.codes:
        raise ConfigurationError(
            "IMG-0131", where=f"{code_map.name}: {row.id}", found=row.canonical, expected=f"a code of {code_list.name}"
        )
    leaves_out = (row.direction is Direction.IN and not row.canonical) or (
        row.direction is Direction.OUT and not row.code
    )
    if leaves_out and row.loss is not Loss.NARROWS:
        raise ConfigurationError("IMG-0131", where=f"{code_map.name}: {row.id}", expected="loss narrows: it leaves out")
    if row.direction is Direction.BOTH and not (row.code and row.canonical):
        raise ConfigurationError("IMG-0131", where=f"{code_map.name}: {row.id}", expected="a code on both sides")


def _check_unique(code_map: CodeMap) -> None:
    """In each direction a code has one answer per context and day."""
    for directions, side in ((INWARDS, "code"), (OUTWARDS, "canonical")):
        by_key: dict[tuple[str, str], list[Row]] = {}
        for row in code_map.rows:
            if row.direction in (*directions, Direction.NONE) and getattr(row, side):
                by_key.setdefault((getattr(row, side), row.context), []).append(row)
        for rows in by_key.values():
            for first, second in combinations(rows, 2):
                if _overlap(first, second):
                    raise ConfigurationError(
                        "IMG-0131",
                        where=code_map.name,
                        found=", ".join(f"{row.id} ({row.code}={row.canonical})" for row in (first, second)),
                        expected=f"one row per {side}, context and day; name a direction where several codes meet",
                    )


def _check_way_back(code_map: CodeMap, row: Row) -> None:
    """A one-way row that claims no loss must be met by a row that leads back to the same code."""
    if row.loss is not Loss.NONE or row.direction not in (Direction.IN, Direction.OUT):
        return
    wanted = OUTWARDS if row.direction is Direction.IN else INWARDS
    if not any(
        other.direction in wanted
        and (other.code, other.canonical, other.context) == (row.code, row.canonical, row.context)
        for other in code_map.rows
        if other is not row
    ):
        raise ConfigurationError("IMG-0131", where=f"{code_map.name}: {row.id}", expected="a loss: no row leads back")


def _overlap(first: Row, second: Row) -> bool:
    starts = max(first.valid_from or date.min, second.valid_from or date.min)
    ends = min(first.valid_to or date.max, second.valid_to or date.max)
    return starts <= ends
