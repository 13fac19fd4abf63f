"""What a change must hold: its codes are in the lists, and no two rows answer one question on one day.

Asked of the change and the rows around it, so that a change of a large table is checked as one of a small table is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations, islice
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigurationError, Finding, Severity
from gateway.store import RowKind
from mappings.bijection import stands_for_several, without_return
from mappings.contradictions import contradictions
from mappings.held import HeldTable
from mappings.loading import Tables
from mappings.merging import key_of_list, new_map
from mappings.models import CANONICAL, Direction, Grade, Loss, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.store import Store
    from mappings.building import TablesState
    from mappings.changes import Rows
    from mappings.models import CodeList
    from mappings.scratch import Scratch, Stands
    from mappings.sheet_rows import SheetRow

__all__ = ["Faults", "refuse_contradictions"]

_ASKED: Final = 2_000
"""Codes that are asked of a list in the store one by one; beyond them it is read once."""
_TOLD: Final = 20
"""Contradictions that are told at once."""
_SEVERAL: Final = "a loss (narrows or widens) of the row that reads a code of several meanings"
_IN: Final = (str(Direction.BOTH), str(Direction.IN), str(Direction.NONE))
_OUT: Final = (str(Direction.BOTH), str(Direction.OUT), str(Direction.NONE))


class Faults:
    """Finds fault with single rows: a code that no list holds, a context that is none.

    Args:
        state: the tables in force.
        store: where their changes are.
        sheet: whose rows they are; it is told.
    """

    def __init__(self, state: TablesState, store: Store | None, sheet: Rows) -> None:
        self._sheet = sheet
        self._tables = tables = state.tables
        table = sheet.table
        self._is_map = table.kind is RowKind.MAP
        own = tables.own_lists.get((table.system, table.list)) if self._is_map else None
        self._canonical = _Known(tables.lists[table.list], state, store) if self._is_map else None
        self._own = _Known(own, state, store) if own is not None else None
        self._contexts: dict[str, str] = {}

    def look(self, row: SheetRow) -> None:
        """Look at one row."""
        if not self._is_map:
            return
        name = self._sheet.table.list
        if row.canonical and self._canonical is not None and row.canonical not in self._canonical:
            self._sheet.fault(row.line, "canonical", row.canonical, f"a code of the list {name} of {CANONICAL}")
        if row.code and self._own is not None and row.code not in self._own:
            self._sheet.fault(row.line, "code", row.code, f"a code of the list {name} of {self._sheet.table.system}")
        if row.context and (wrong := self._context(row.context)):
            self._sheet.fault(row.line, "context", row.context, wrong)

    def _context(self, context: str) -> str:
        """What is expected instead of a context; empty where it may be one."""
        if context not in self._contexts:
            probe = Row("", "?", "", context, Direction.NONE, Loss.NONE, None, None, Grade.OWN, "")
            wanted = {self._sheet.table.list, "document-type"}
            lists = {name: each for name, each in self._tables.lists.items() if name in wanted}
            maps = (replace(new_map(self._sheet.table), rows=(probe,)),)
            found = next((each for each in contradictions(Tables(lists, maps)) if each.rows), None)
            self._contexts[context] = found.expected if found is not None else self._word(context)
        return self._contexts[context]

    def _word(self, context: str) -> str:
        """What is expected instead of a word that is no document type, in a list whose rows have no such words."""
        types = self._tables.lists.get("document-type")
        known = types.codes if types is not None else {}
        maps = [each for each in self._tables.maps if each.list == self._sheet.table.list]
        words = (row.context.partition("/")[0] for each in maps for row in each.rows if row.context)
        if context.partition("/")[0] in known or any(word not in known for word in words):
            return ""
        return "a document type such as 851, or 636/A, 636/P, 636/PP, 636/D for a type of CHED"


class _Known:
    """Whether codes are in a list; one in the store is read once when it is asked about many."""

    def __init__(self, code_list: CodeList, state: TablesState, store: Store | None) -> None:
        self._codes = code_list.codes
        self._table = HeldTable(state, store, key_of_list(code_list))
        self._asked: dict[str, bool] = {}
        self._all: frozenset[str] | None = None

    def __contains__(self, code: str) -> bool:
        if isinstance(self._codes, dict):
            return code in self._codes
        if self._all is not None:
            return code in self._all
        known = self._asked.get(code)
        if known is None:
            if len(self._asked) == _ASKED:
                self._all = frozenset(row.code for row in self._table.rows())
                return code in self._all
            known = self._asked[code] = code in self._codes
        return known


def refuse_contradictions(scratch: Scratch, sheet: Rows) -> None:
    """Refuse a change that says two things at once, or claims a way back that there is not.

    Raises:
        ConfigurationError: IMG-0137, with both rows and the lines of those that are new.
    """
    findings = tuple(islice(_findings(scratch, sheet), _TOLD))
    if findings:
        first = findings[0]
        raise ConfigurationError(
            "IMG-0137", where=first.path, found=first.found, expected=first.expected, findings=findings
        )


def _findings(scratch: Scratch, sheet: Rows) -> Iterator[Finding]:
    if sheet.table.kind is RowKind.CODE:
        for pair in _rivals(scratch, "code", (str(Direction.BOTH),)):
            yield _finding(sheet, pair, "the code stands there twice", "each code once for each day")
        for row in scratch.without_parent():
            yield _finding(sheet, [row], f"its parent {row.parent} is no code of the list", "the parent's own row")
        return
    for side, directions, other in (("code", _IN, "out"), ("canonical", _OUT, "in")):
        expected = f"one row per {side}, context and day: leave one out, or give one the direction {other}"
        for pair in _rivals(scratch, side, directions):
            yield _finding(sheet, pair, f"both answer for the {side} {getattr(pair[0], side)}", expected)
    if not sheet.table.partner:  # below a partner's rows those of everybody hold: all of them are judged together later
        yield from _no_return(scratch, sheet)


def _rivals(scratch: Scratch, side: str, directions: tuple[str, ...]) -> Iterator[tuple[Stands, Stands]]:
    """Two rows of which one is new and that answer for one code on one day."""
    for rows in scratch.rivals(side, directions):
        for first, second in combinations(rows, 2):
            if not (first.id and second.id) and max(first.first, second.first) <= min(first.until, second.until):
                yield first, second


def _no_return(scratch: Scratch, sheet: Rows) -> Iterator[Finding]:
    expected = "a loss (narrows or widens), or a row that leads back"
    for row, about in scratch.uncertain():
        by_number = {str(each.number): each for each in about}
        rows = [_as_row(each) for each in about]
        for failed, _, _, instead in without_return(rows):
            if failed.id == str(row.number):
                told = [row] if instead is None else [row, by_number[instead.id]]
                yield _finding(sheet, told, "it claims no loss and does not lead back", expected)
        for failed, other in stands_for_several(rows):
            if failed.id == str(row.number):
                words = f"it claims no loss, and {row.code} stands for {other.canonical} as well"
                yield _finding(sheet, [row, by_number[other.id]], words, _SEVERAL)


def _finding(sheet: Rows, rows: Iterable[Stands], words: str, expected: str) -> Finding:
    rows = sorted(rows, key=lambda row: (not row.line, row.line))
    found = ", ".join(f"{_place(row)} ({_said(row)})" for row in rows)
    where = f"{sheet.name} {_place(rows[0])}" if rows[0].line else _place(rows[0])
    return Finding("IMG-0137", Severity.SEVERE, f"{words}: {found}; expected: {expected}", where, found, expected)


def _place(row: Stands) -> str:
    return f"line {row.line}" if row.line else row.id


def _said(row: Stands) -> str:
    span = f" {row.first or '…'} to {row.last or '…'}" if row.first or row.last else ""
    context = f" in {row.context}" if row.context else ""
    return f"{row.code}={row.canonical} {row.direction}{context}{span}" if row.canonical else f"{row.code}{span}"


def _as_row(row: Stands) -> Row:
    return Row(
        str(row.number),
        row.code,
        row.canonical,
        row.context,
        Direction(row.direction),
        Loss(row.loss),
        date.fromisoformat(row.first) if row.first else None,
        date.fromisoformat(row.last) if row.last else None,
        Grade(row.grade),
        "",
    )
