"""UN/LOCODE as the UNECE gives it: CSV, one place per line, twelve columns, with or without a line that names them.

Confirmed by several public programs that read the files: Change, Country, Location, Name, NameWoDiacritics,
Subdivision, then Status and Function (the files of single countries have them the other way round, which makes no
difference here), Date, IATA, Coordinates, Remarks; a line without location names the country; ``X`` in Change is a
place that is taken out with the next edition, ``=`` another name of a place. UNECE's own files are not in UTF-8: they
are converted first (the data set «un-locode», ODC-PDDL, is in UTF-8).
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

__all__ = ["COLUMNS", "read_locode"]

COLUMNS: Final = (
    "Change",
    "Country",
    "Location",
    "Name",
    "NameWoDiacritics",
    "Subdivision",
    "Status",
    "Function",
    "Date",
    "IATA",
    "Coordinates",
    "Remarks",
)
_COUNTRY: Final = re.compile("[A-Z]{2}")
_PLACE: Final = re.compile("[A-Z2-9]{3}")
_OTHER_NAME: Final = "="
_GOES: Final = "X"


def read_locode(path: Path) -> Iterator[PublishedCode]:
    """The places, five characters each.

    Raises:
        TranslationRefused: IMG-6030 to IMG-6034.
    """
    return each_once(_codes(path))


def _codes(path: Path) -> Iterator[PublishedCode]:
    with open_file(path) as source:
        start = source.read(64).removeprefix(b"\xef\xbb\xbf").lower()
        source.seek(0)
        for where, cells in csv_lines(source, path.name, COLUMNS, header=start.startswith(b"change,")):
            country, place = cells["Country"].strip(), cells["Location"].strip()
            change = cells["Change"].strip()
            if not place or change == _OTHER_NAME:
                continue
            if not _COUNTRY.fullmatch(country) or not _PLACE.fullmatch(place):
                raise refuse_cell(where, "Location", f"{country} {place}", "two letters and three characters")
            subdivision = clean(cells["Subdivision"], where, "Subdivision")
            notes = [f"{country}-{subdivision}"] if subdivision else []
            notes += ["to be taken out"] if change == _GOES else []
            name = clean(cells["Name"], where, "Name")
            yield PublishedCode(country + place, name, note=", ".join(notes), where=where)
