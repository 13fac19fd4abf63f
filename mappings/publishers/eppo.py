"""EPPO codes with their names, as EPPO Data Services gives them: the flat files in ``bayer.zip``, or ``fullcodes.xml``.

Confirmed by several public programs that read these files: the archive with gafname.txt (micro-organisms), gainame.txt
(animals), pflname.txt (plants), ntxname.txt (other things) and others, which are passed over; CSV in UTF-8 with a mark
and thirteen columns; ``preferred`` 1 for the one preferred name of a code, ``status`` A for what is active; of the XML
(``xmlfull.zip``), ``codes/code`` with the attributes isactive, type, id, creation and modification, in it ``eppocode``
and ``names/name`` with isactive and ispreferred, in each ``fullname``, ``lang``, ``langcountry``, ``authority``. From
memory, not confirmed: that the preferred name is always Latin where there is a Latin one.

Terms: registration with EPPO, its open data licence, attribution. Nothing of it is delivered with this program.
"""

from __future__ import annotations

import re
import zipfile
from itertools import groupby
from typing import TYPE_CHECKING, Final

from gateway.errors import TranslationRefused
from gateway.xml.stream import stream
from mappings.publishers.files import csv_lines, open_archive, open_file
from mappings.publishers.once import each_once
from mappings.publishers.rows import PublishedCode, clean, refuse_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import IO

    from lxml.etree import _Element

__all__ = ["COLUMNS", "read_eppo"]

COLUMNS: Final = (
    "identifier",
    "datatype",
    "code",
    "lang",
    "langno",
    "preferred",
    "status",
    "creation",
    "modification",
    "country",
    "fullname",
    "authority",
    "shortname",
)
_NAMES: Final = re.compile(r"(?:.*/)?(?:gaf|gai|pfl|ntx|[a-z]{3})name\.txt", re.IGNORECASE)
_FULL: Final = re.compile(r"(?:.*/)?fullcodes\.xml", re.IGNORECASE)
_CODE: Final = re.compile("[0-9A-Z]{3,10}")
_LANGUAGE: Final = re.compile("[a-z]{2,3}")
_LATIN: Final = "la"
_PREFERRED: Final = frozenset({"1", "true"})

_Name = tuple[bool, str, str, str]
"""Whether it is the preferred one, language, name, authority."""


def read_eppo(path: Path) -> Iterator[PublishedCode]:
    """The active codes; the preferred name is the name, active names in other languages are labels.

    Of several names in one language the preferred one is kept, else the first: a label is one text. Parents (genera,
    families) are no part of the lists of names and stay empty.

    Args:
        path: ``bayer.zip``, ``xmlfull.zip``, ``fullcodes.xml``, or one of the files ``…name.txt``.

    Raises:
        TranslationRefused: IMG-6030 to IMG-6034.
        XmlRefused: IMG-10xx the XML.
    """
    return each_once(_codes(path))


def _codes(path: Path) -> Iterator[PublishedCode]:
    if not zipfile.is_zipfile(path):
        with open_file(path) as source:
            yield from _xml(source, path.name) if path.suffix.lower() == ".xml" else _flat(source, path.name)
        return
    with open_archive(path) as archive:
        full = [name for name in archive.namelist() if _FULL.fullmatch(name)]
        names = full or sorted(name for name in archive.namelist() if _NAMES.fullmatch(name))
        if not names:
            raise TranslationRefused(
                "IMG-6030", where=path.name, found="neither", expected="fullcodes.xml, or files …name.txt"
            )
        for name in names:
            where = f"{path.name} {name}"
            with archive.open(name) as member:
                yield from _xml(member, where) if full else _flat(member, where)


def _flat(source: IO[bytes], name: str) -> Iterator[PublishedCode]:
    """Names stand together by code in what was seen; where they do not, a second group of a code is refused."""
    lines = csv_lines(source, name, COLUMNS)
    for code, group in groupby(lines, key=lambda line: line[1]["code"].strip().upper()):
        where, names = "", list[_Name]()
        for at, cells in group:
            where = where or at
            if cells["status"].strip().upper() == "A":
                names.append(_name(cells["preferred"], cells["lang"], cells["fullname"], cells["authority"], at))
        if names:
            yield _published(code, names, where)


def _xml(source: IO[bytes], name: str) -> Iterator[PublishedCode]:
    found = False
    for number, element in enumerate(stream(source, "code", name=name), 1):
        found = True
        where = f"{name} code {number}"
        code = (element.findtext("eppocode") or "").strip().upper()
        if element.get("isactive") != "true":
            continue
        names = [
            _name(
                each.get("ispreferred") or "",
                _told(each, "lang"),
                _told(each, "fullname"),
                _told(each, "authority"),
                f"{where} {code}",
            )
            for each in element.iterfind("names/name")
            if each.get("isactive") != "false"
        ]
        yield _published(code, names, where)
    if not found:
        raise TranslationRefused("IMG-6030", where=name, found="no code", expected="codes/code")


def _told(element: _Element, local: str) -> str:
    return element.findtext(local) or ""


def _name(preferred: str, language: str, text: str, authority: str, where: str) -> _Name:
    spoken = language.strip().lower()
    if not _LANGUAGE.fullmatch(spoken):
        raise refuse_cell(where, "lang", language, "two or three letters")
    return (
        preferred.strip() in _PREFERRED,
        spoken,
        clean(text, where, "fullname"),
        clean(authority, where, "authority"),
    )


def _published(code: str, names: Iterable[_Name], where: str) -> PublishedCode:
    if not _CODE.fullmatch(code):
        raise refuse_cell(where, "code", code, "an EPPO code")
    ordered = sorted(names, key=lambda each: (not each[0], each[1] != _LATIN))
    labels: dict[str, str] = {}
    for _, language, text, _ in ordered:
        if text:
            labels.setdefault(language, text)
    first = next((each for each in ordered if each[2]), (False, "", code, ""))
    if labels.get(first[1]) == first[2] and first[1] == _LATIN:
        del labels[first[1]]
    return PublishedCode(code, first[2], labels=labels, note=first[3], where=where)
