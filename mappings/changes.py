"""What a change of tables would do, before it is done: which rows it adds, which it closes, what it leaves alone.

A row is never overwritten. One that answers the same question (the same code, context and direction) gives way to the
new one from the effective day on: its last day is the day before. One that is planned for a later day stays, and the
new row ends before it (`mappings.settling`). A row that says what is there already changes
nothing, so that an exported file can be imported again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from gateway.errors import ConfigurationError, TranslationRefused
from gateway.store import Closing, NewRow, RowKind
from mappings.building import LARGE, TableChange
from mappings.change_checks import Faults, refuse_contradictions
from mappings.held import ASKED_AT_MOST, HeldTable
from mappings.merging import key_of_map
from mappings.models import CANONICAL, Otherwise
from mappings.scratch import Given, Scratch
from mappings.settling import Mode, Settler, Shortened
from mappings.sheet_cells import not_a_sheet
from mappings.sheets import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import date

    from gateway.store import TableKey
    from mappings.live import LiveTables
    from mappings.loading import Tables
    from mappings.scratch import Stands
    from mappings.sheet_rows import SheetRow

_TELL_EVERY: Final = 5_000

__all__ = ["ChangePlan", "Mode", "Rows", "RowsInHand", "plan_change", "systems_of"]


class Rows(Protocol):
    """Rows of one table: a `mappings.sheets.Sheet`, `RowsInHand`, or what a loader of a publisher's file makes."""

    name: str
    """Where they come from, for messages and the edition."""
    table: TableKey

    @property
    def languages(self) -> Collection[str] | None:
        """Those for which they say labels of codes; what codes are called in others stays. None: they say all."""

    def rows(self) -> Iterator[SheetRow]:
        """They, once; what is wrong with them is raised at the end."""

    def fault(self, line: int, column: str, found: str, expected: str) -> None:
        """One of them is wrong; to be raised with the others."""


@dataclass(slots=True)
class RowsInHand:
    """A few rows that were typed."""

    name: str
    table: TableKey
    given: tuple[SheetRow, ...]
    languages: Collection[str] | None = None

    def rows(self) -> Iterator[SheetRow]:
        """They."""
        return iter(self.given)

    def fault(self, line: int, column: str, found: str, expected: str) -> None:
        """Refuse at once.

        Raises:
            ConfigurationError: IMG-0135.
        """
        where = f"{self.name} {line} column {column}" if len(self.given) > 1 else f"{self.name} column {column}"
        raise ConfigurationError("IMG-0135", where=where, found=found, expected=expected)


@dataclass(slots=True)
class ChangePlan:
    """What would be published, judged for one version of the tables. Close it: a temporary database is behind it."""

    table: TableKey
    expected: int
    """The newest edition when it was judged."""
    effective_on: date
    source: str
    """Where the rows come from."""
    added: int
    closed: int
    unchanged: int
    is_large: bool
    """Whether the table is too large for memory, before or afterwards."""
    shortened: tuple[Shortened, ...]
    """Rows to add that end before a planned one, the first of them."""
    _scratch: Scratch = field(repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.added or self.closed)

    def entering(self) -> Iterator[Stands]:
        """The rows to add, with the lines that they come from."""
        return self._scratch.added()

    def ending(self) -> Iterator[tuple[Stands, str]]:
        """The rows to close with what they say, and the last day that each gets; empty: it never held."""
        return self._scratch.ended()

    def rows(self) -> Iterator[NewRow]:
        """The rows to add, as the store takes them."""
        return (_new_row(self.table, row) for row in self.entering())

    def closings(self) -> Iterator[Closing]:
        """The rows to close, as the store takes them."""
        return (Closing(self.table, row.id, last_day) for row, last_day in self.ending())

    def touches(self, code: str, canonical: str) -> bool:
        """Whether a row that it adds or closes speaks of this code of the system, or of this canonical one."""
        if self.table.kind is RowKind.CODE:
            return self._scratch.touches(code, "\0") or self._scratch.touches(canonical, "\0")
        return self._scratch.touches(code, canonical)

    def as_change(self, wanted: Callable[[Stands], bool] = lambda _row: True) -> TableChange:
        """The rows to add and to close of which ``wanted`` is true, to try them."""
        return TableChange(
            [_new_row(self.table, row) for row in self.entering() if wanted(row)],
            [Closing(self.table, row.id, last_day) for row, last_day in self.ending() if wanted(row)],
        )

    def close(self) -> None:
        """Throw the temporary database away."""
        self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def plan_change(
    live: LiveTables,
    sheet: Rows,
    *,
    effective_on: date,
    mode: Mode = Mode.MERGE,
    new_list: bool = False,
    new_system: bool = False,
    today: date | None = None,
    step: Callable[[str, int], None] = lambda _what, _count: None,
) -> ChangePlan:
    """Judge a change; nothing is written.

    Args:
        live: the tables.
        sheet: the rows.
        effective_on: the day from which the change holds; it may be in the future.
        mode: whether rows that are not named stay.
        new_list: codes may be of a list that there is not yet.
        new_system: the table may be of a system that has none yet.
        today: held rows that begin later are planned, and stay; by default the day in UTC.
        step: told what is done and how many rows of it are done.

    Raises:
        ConfigurationError: IMG-0133 to IMG-0136 the sheet is wrong, IMG-0137 rows contradict each other, IMG-0131 the
            tables would contradict themselves in another way.
        TranslationRefused: IMG-6009 there is no such list, IMG-6005 there is no such system.
    """
    state = live.latest
    _require_list(state.tables, sheet.table, new=new_list)
    if not new_system:
        _require_system(state.tables, sheet.table.system)
    if isinstance(sheet, Sheet):
        _require_header(state.tables, sheet)
    held = HeldTable(state, live.store, sheet.table)
    scratch = Scratch()
    try:
        scratch.add_given(_given(_counted(sheet.rows(), "rows read", step), Faults(state, live.store, sheet)))
        few = held.is_large and mode is Mode.MERGE and scratch.given <= ASKED_AT_MOST
        rows = held.about(scratch.all_given()) if few else held.rows()
        scratch.add_held(_counted(rows, "rows compared", step))
        today = today or datetime.now(UTC).date()
        settler = Settler(effective_on, mode, sheet.table.kind, today=today, languages=sheet.languages)
        scratch.decide(settler.outcomes(scratch))
        refuse_contradictions(scratch, sheet)
        added, closed = scratch.counts()
        is_large = held.is_large or scratch.held + added > LARGE
        plan = ChangePlan(
            sheet.table,
            state.edition,
            effective_on,
            sheet.name,
            added,
            closed,
            settler.unchanged,
            is_large,
            tuple(settler.shortened),
            scratch,
        )
        if not is_large:
            live.try_change(plan.as_change())
    except BaseException:
        scratch.close()
        raise
    return plan


def _require_list(tables: Tables, table: TableKey, *, new: bool) -> None:
    known = table.list in tables.lists
    if table.kind is RowKind.CODE:
        known = new or (table.list in tables.lists if table.system == CANONICAL else table[1:3] in tables.own_lists)
    if not known:
        near = ", ".join(get_close_matches(table.list, tables.lists, 3) or sorted(tables.lists))
        wanted = f"{near}; --new-list for codes of a new one" if table.kind is RowKind.CODE else near
        raise TranslationRefused("IMG-6009", where=table.system, found=table.list, expected=wanted)


def _require_system(tables: Tables, system: str) -> None:
    known = systems_of(tables)
    if system not in known:
        near = get_close_matches(system, known, 3) or sorted(known)
        expected = f"{', '.join(near)}; --new-system for one that there is not yet"
        raise TranslationRefused("IMG-6005", where="SYSTEM", found=system, expected=expected)


def systems_of(tables: Tables) -> frozenset[str]:
    """The systems that a table, a list or systems.csv names."""
    of_tables = (each.system for each in tables.maps)
    return frozenset({CANONICAL, *tables.systems, *of_tables, *(system for system, _ in tables.own_lists)})


def _given(rows: Iterable[SheetRow], faults: Faults) -> Iterator[Given]:
    for row in rows:
        faults.look(row)
        yield Given._make(row)


T = TypeVar("T")


def _require_header(tables: Tables, sheet: Sheet) -> None:
    """How codes without a row are answered belongs to the installed table: no change of rows says it anew."""
    held = next((each for each in tables.maps if key_of_map(each) == sheet.table), None)
    holds = {"otherwise": held.otherwise if held else Otherwise.REFUSE, "transform": held.transform if held else ""}
    for key, value in holds.items():
        said = sheet.header.get(key, "")
        if said and said != value:
            expected = f"{value or 'none'}, as now; a file in the folder of translation.tables can say it"
            raise not_a_sheet(f"{sheet.name} header", f"# {key}: {said}", expected)


def _counted(rows: Iterable[T], what: str, step: Callable[[str, int], None]) -> Iterator[T]:
    count = 0
    for count, row in enumerate(rows, 1):
        yield row
        if count % _TELL_EVERY == 0:
            step(what, count)
    step(what, count)


def _new_row(table: TableKey, row: Stands) -> NewRow:
    return NewRow(
        table,
        row.code,
        row.canonical,
        row.context,
        row.direction,
        row.loss,
        row.first,
        row.last,
        row.grade,
        row.text,
        row.name,
        row.parent,
        row.labels,
    )
