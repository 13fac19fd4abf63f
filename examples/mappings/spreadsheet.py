"""A table as an Excel workbook: every cell is text, so that 045 keeps its zero and no code becomes a date.

python examples/mappings/spreadsheet.py rows.csv rows.xlsx
"""

import csv
import sys
from pathlib import Path

from openpyxl import Workbook


def main(source, target):
    """Write each line of the CSV file as a row of text cells; lines beginning with # say which table it is."""
    book = Workbook()
    with Path(source).open(encoding="utf-8", newline="") as lines:
        for cells in csv.reader(lines):
            book.active.append(cells)
    for row in book.active.iter_rows():
        for cell in row:
            cell.number_format = "@"
            cell.data_type = "s"
    book.save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
