"""A change of tables as a spreadsheet file: every row is checked and every fault named, with line and column.

The columns are those of the table files (``mappings.loading``), in any order; only the codes must be there. Which table
it is stands in ``# key: value`` lines before the column names, or is said by who imports. Cells are text and nothing
else: ``NA`` is Namibia, ``045`` keeps its zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigurationError, Finding, Severity
from gateway.store import RowKind, TableKey
from mappings.models import CANONICAL, Grade
from mappings.sheet_cells import MAX_ROWS, not_a_sheet
from mappings.sheet_csv import csv_lines
from mappings.sheet_rows import LABEL, LIST_COLUMNS, MAP_COLUMNS, RowReader, SheetRow
from mappings.sheet_xlsx import xlsx_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mappings.sheet_cells import Cell

__all__ = ["MAX_PROBLEMS", "Sheet", "open_sheet"]

MAX_PROBLEMS: Final = 100
"""Faults that are told at once; then reading ends."""
_ZIP: Final = b"PK\x03\x04"
_TABLE: Final = ("system", "list", "partner")


def open_sheet(file: Path, *, system: str = "", name: str = "", partner: str = "", sheet: str = "") -> Sheet:
    """A spreadsheet file as rows of one table.

    Args:
        file: CSV or XLSX; the content decides which, not the name.
        system: the code system, where the file does not say it; canonical for a list that does not either.
        name: the list, where the file does not say it.
        partner: rows for this partner only.
        sheet: the worksheet of a workbook that has several.

    Raises:
        ConfigurationError: IMG-0133 not UTF-8, IMG-0134 no sheet: unreadable, too large, columns or table not known.
    """
    try:
        with file.open("rb") as content:
            workbook = content.read(len(_ZIP)) == _ZIP
    except OSError as error:
        raise not_a_sheet(str(file), error.strerror or "not readable", "a CSV or XLSX file") from error
    lines = xlsx_lines(file, sheet) if workbook else csv_lines(file)
    return Sheet(file.name, lines, {"system": system, "list": name, "partner": partner})


class Sheet:
    """Rows of one table, read as a stream and once.

    Args:
        name: of the file, for messages.
        lines: number and cells of each line.
        said: system, list and partner where they are known already; the file must not say otherwise.

    Raises:
        ConfigurationError: IMG-0133, IMG-0134.
    """

    def __init__(self, name: str, lines: Iterator[tuple[int, list[Cell]]], said: dict[str, str]) -> None:
        self.name = name
        self.header: dict[str, str] = {}
        """What the ``# key: value`` lines say."""
        self._lines = lines
        self._columns = self._read_head()
        self.table = self._which_table(said)
        self.languages = frozenset(each.removeprefix(LABEL) for each in self._columns if each.startswith(LABEL))
        """Those that have a column of labels."""
        self._reader = RowReader(self._columns, self.table.kind, self._grade())
        self._problems: list[Finding] = []

    def rows(self) -> Iterator[SheetRow]:
        """The rows that are right, in the order of the file.

        Raises:
            ConfigurationError: IMG-0135 rows are wrong, IMG-0136 a cell holds a formula; after the last row, with all
                faults as findings, those that were told by `fault` too. Or at once where they are too many.
        """
        count = 0
        for number, cells in self._lines:
            if not any(cells):
                continue
            count += 1
            if count > MAX_ROWS:
                raise not_a_sheet(f"{self.name} line {number}", "more rows", f"at most {MAX_ROWS}")
            row = self._reader.row(number, cells)
            if row is None:
                for fault in self._reader.faults(number, cells):
                    self.fault(number, fault.column, fault.found, fault.expected, code=fault.code)
            else:
                yield row
        if self._problems:
            raise self._refusal()

    def fault(self, line: int, column: str, found: str, expected: str, *, code: str = "IMG-0135") -> None:
        """A row is wrong for a reason that only its user knows; `rows` tells it with the others.

        Raises:
            ConfigurationError: IMG-0135, IMG-0136: these are faults enough.
        """
        place = f"{self.name} line {line} column {column}"
        self._problems.append(Finding(code, Severity.SEVERE, f"{found}; expected: {expected}", place, found, expected))
        if len(self._problems) == MAX_PROBLEMS:
            raise self._refusal()

    def _refusal(self) -> ConfigurationError:
        first = next((each for each in self._problems if each.rule == "IMG-0136"), self._problems[0])
        count = len(self._problems)
        more = "" if count < MAX_PROBLEMS else " or more"
        message = f"{count}{more} cells of {self.name} are wrong" if count > 1 else ""
        problems = tuple(self._problems)
        return ConfigurationError(
            first.rule, message, where=first.path, found=first.found, expected=first.expected, findings=problems
        )

    def _read_head(self) -> list[str]:
        """The header lines and the names of the columns."""
        for number, cells in self._lines:
            texts = [cell if isinstance(cell, str) else cell.found for cell in cells]
            if texts and texts[0].startswith("#"):
                key, _, value = texts[0][1:].partition(":")
                self.header[key.strip()] = value.strip()
            elif any(texts):
                return self._columns_of(number, texts)
        raise not_a_sheet(self.name, "no line with the names of columns", ",".join(MAP_COLUMNS))

    def _columns_of(self, number: int, texts: list[str]) -> list[str]:
        columns = [text.strip().lower() for text in texts]
        while columns and not columns[-1]:
            columns.pop()
        where = f"{self.name} line {number}"
        known = MAP_COLUMNS if "canonical" in columns else LIST_COLUMNS
        needed = known[:2]
        for column in columns:
            if (column not in known and not (known is LIST_COLUMNS and column.startswith(LABEL))) or (
                columns.count(column) > 1
            ):
                raise not_a_sheet(where, f"column {column}", f"each once, of {','.join(known)}")
        if any(column not in columns for column in needed):
            raise not_a_sheet(where, ",".join(columns), f"columns {','.join(needed)}")
        return columns

    def _which_table(self, said: dict[str, str]) -> TableKey:
        for key in _TABLE:
            written, told = self.header.get(key, ""), said[key]
            if written and told and written != told:
                raise not_a_sheet(f"{self.name} header", f"# {key}: {written}", f"{told}, as --{key} says")
        values = {key: said[key] or self.header.get(key, "") for key in _TABLE}
        kind = RowKind.MAP if "canonical" in self._columns else RowKind.CODE
        if kind is RowKind.CODE:
            values["system"] = values["system"] or CANONICAL
        for key in _TABLE[:2]:
            if not values[key]:
                raise not_a_sheet(f"{self.name} header", f"no {key}", f"a line # {key}: ... or --{key}")
        return TableKey(kind, values["system"], values["list"], values["partner"])

    def _grade(self) -> str:
        grade = self.header.get("grade", "") or Grade.OWN
        if grade not in set(Grade):
            raise not_a_sheet(f"{self.name} header", f"# grade: {grade}", " | ".join(Grade))
        return str(grade)
