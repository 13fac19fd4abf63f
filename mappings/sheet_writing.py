"""One table as a CSV or XLSX file that imports again as it is."""

from __future__ import annotations

import csv
import json
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from gateway.store import RowKind
from mappings.sheet_cells import MAX_XLSX_ROWS, not_a_sheet
from mappings.sheet_rows import LABEL, LIST_COLUMNS, MAP_COLUMNS, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from mappings.held import HeldTable
    from mappings.scratch import Held

__all__ = ["TableSheet"]


class TableSheet:
    """The rows of a table as lines of a spreadsheet.

    Args:
        table: in the version that is wanted.
        version: of all tables, for the header.
        wanted: which rows.
    """

    def __init__(self, table: HeldTable, version: str, wanted: Callable[[Held], bool] = lambda _row: True) -> None:
        self._table = table
        self._version = version
        self._wanted = wanted
        self._is_map = table.table.kind is RowKind.MAP
        languages = set[str]() if self._is_map else {each for row in self._rows() for each in _labels(row)}
        self._languages = sorted(languages)
        self.columns = list(MAP_COLUMNS if self._is_map else LIST_COLUMNS) + [LABEL + each for each in self._languages]

    def write_csv(self, file: IO[str]) -> int:
        """Write it as CSV; the file is open with ``newline=""`` and in UTF-8. Returns how many rows it has."""
        for line in self._header():
            file.write(f"{line}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.columns)
        count = 0
        for cells in self.lines():
            writer.writerow(cells)
            count += 1
        return count

    def write_xlsx(self, file: Path) -> int:
        """Write it as XLSX, every cell formatted as text. Returns how many rows it has.

        Raises:
            ConfigurationError: IMG-0134, these are more rows than an XLSX file may have.
        """
        book = Workbook(write_only=True)
        sheet: Any = book.create_sheet(self._table.table.list[:31])
        count = 0
        for line in chain(([each] for each in self._header()), [self.columns]):
            sheet.append([_text_cell(sheet, each) for each in line])
        for count, cells in enumerate(self.lines(), 1):
            if count > MAX_XLSX_ROWS:
                raise not_a_sheet(file.name, "more rows", f"at most {MAX_XLSX_ROWS} in XLSX: export to a .csv file")
            sheet.append([_text_cell(sheet, each) for each in cells])
        book.save(file)
        return count

    def lines(self) -> Iterator[list[str]]:
        """The cells of each row; none begins a formula."""
        for row in self._rows():
            yield [guarded(cell) for cell in self._cells(row)]

    def _rows(self) -> Iterable[Held]:
        return (row for row in self._table.rows() if self._wanted(row))

    def _cells(self, row: Held) -> list[str]:
        days = [row.first, row.last, row.grade, row.text]
        if self._is_map:
            return [row.code, row.canonical, row.context, row.direction, row.loss, *days]
        labels = _labels(row)
        return [row.code, row.name, *days, row.parent, *(labels.get(each, "") for each in self._languages)]

    def _header(self) -> list[str]:
        table, code_map = self._table.table, self._table.code_map
        said = {"kind": "map" if self._is_map else "list", "system": table.system, "list": table.list}
        said |= {"partner": table.partner} if table.partner else {}
        said |= {"otherwise": str(code_map.otherwise)} if code_map is not None else {}
        said |= {"transform": code_map.transform} if code_map is not None and code_map.transform else {}
        origin = code_map or self._table.code_list
        if origin is not None:
            provenance = origin.provenance
            said |= {"authority": provenance.authority, "source": provenance.source}
            said |= {"licence": provenance.licence, "grade": str(provenance.grade)}
        return [f"# {key}: {value}" for key, value in (said | {"version": self._version}).items()]


def _labels(row: Held) -> dict[str, str]:
    found: dict[str, str] = json.loads(row.labels) if row.labels else {}
    return found


def _text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, value=text)
    cell.number_format = "@"
    return cell
