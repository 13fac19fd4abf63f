"""The Harmonized System as a public CSV: section, hscode, description, parent, level.

The form is that of the data set «harmonized-system» (ODC-PDDL), confirmed by several public programs that read it:
codes of two, four and six digits, the parent of a chapter ``TOTAL``. The World Customs Organization keeps rights on its
own texts, so that the list is loaded by the operator and not delivered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mappings.publishers.files import csv_lines, open_file
from mappings.publishers.once import each_once
from mappings.publishers.rows import PublishedCode, clean, refuse_cell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["COLUMNS", "read_harmonized"]

COLUMNS: Final = ("section", "hscode", "description", "parent", "level")
_CODE: Final = re.compile(r"\d{2}|\d{4}|\d{6}", re.ASCII)
_TOP: Final = "TOTAL"


def read_harmonized(path: Path) -> Iterator[PublishedCode]:
    """The codes, each below the one of two digits less.

    Raises:
        TranslationRefused: IMG-6030 to IMG-6034.
    """
    return each_once(_codes(path))


def _codes(path: Path) -> Iterator[PublishedCode]:
    with open_file(path) as source:
        for where, cells in csv_lines(source, path.name, COLUMNS):
            code, parent = cells["hscode"].strip(), cells["parent"].strip()
            if code == _TOP:
                continue
            if not _CODE.fullmatch(code):
                raise refuse_cell(where, "hscode", code, "two, four or six digits")
            if parent not in (code[:-2] or _TOP, _TOP if len(code) == 2 else code[:-2]):  # noqa: PLR2004 - a chapter
                raise refuse_cell(where, "parent", parent, code[:-2] or _TOP)
            note = f"section {section}" if (section := clean(cells["section"], where, "section")) else ""
            name = clean(cells["description"], where, "description")
            yield PublishedCode(code, name, code[:-2], note=note, where=where)
