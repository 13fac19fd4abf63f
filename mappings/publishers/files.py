"""Publishers' files as streams: CSV, and ZIP archives that cannot grow beyond what the lists need.

An archive is read, never unpacked to a disk. What it says of its own size is believed only as far as reading bears it
out: ``zipfile`` ends a member at its declared size and then checks its sum.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from gateway.errors import TranslationRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import IO, BinaryIO, NoReturn

__all__ = ["MAX_FILE", "MAX_MEMBERS", "MAX_RATIO", "MAX_ROWS", "Line", "csv_lines", "open_archive", "open_file"]

MAX_FILE: Final = 1024 * 1024 * 1024
"""Bytes of a file or of a member of an archive."""
MAX_MEMBERS: Final = 1_000
MAX_RATIO: Final = 200
"""Inflated bytes per compressed byte of a member: sheets of repeating cells reach 60."""
MAX_ROWS: Final = 5_000_000
"""Lines of one list; names of EPPO codes in all languages are some 400,000."""
_SMALL: Final = 1024 * 1024
"""Bytes below which the ratio says nothing."""
_PLAIN: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_UNREADABLE: Final = 0x1 | 0x20 | 0x40
"""Flags of a member that is encrypted, patched, or strongly encrypted."""

Line = tuple[str, dict[str, str]]
"""Where a line stands, and its cells by column."""


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """A file of a publisher.

    Raises:
        TranslationRefused: IMG-6030 it cannot be opened, IMG-6032 it is too large.
    """
    try:
        size = path.stat().st_size
        opened = path.open("rb")
    except OSError as error:
        raise TranslationRefused("IMG-6030", where=str(path), found=error.strerror or "not readable") from error
    with opened:
        if size > MAX_FILE:
            _too_large(path.name, f"{size:,} bytes", f"at most {MAX_FILE:,}")
        yield opened


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A ZIP archive whose members may all be read.

    Raises:
        TranslationRefused: IMG-6030 it is none or broken, IMG-6032 it would grow too far.
    """
    with open_file(path) as opened:
        try:
            with zipfile.ZipFile(opened) as archive:
                _check_members(archive, path.name)
                yield archive
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            found = str(error) or type(error).__name__
            raise TranslationRefused("IMG-6030", where=path.name, found=found, expected="a ZIP archive") from error


def _check_members(archive: zipfile.ZipFile, name: str) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        _too_large(name, f"{len(members):,} files", f"at most {MAX_MEMBERS:,}")
    if len({each.filename for each in members}) != len(members):
        raise TranslationRefused("IMG-6030", where=name, found="two members of one name", expected="each name once")
    for each in members:
        where = f"{name}: {each.filename}"
        if each.flag_bits & _UNREADABLE or each.compress_type not in _PLAIN:
            raise TranslationRefused("IMG-6030", where=where, expected="a member that is neither encrypted nor packed")
        if each.file_size > MAX_FILE:
            _too_large(where, f"{each.file_size:,} bytes", f"at most {MAX_FILE:,}")
        if each.file_size > _SMALL and each.file_size > MAX_RATIO * max(each.compress_size, 1):
            _too_large(where, "more", f"at most {MAX_RATIO} times its compressed size")
    if (total := sum(each.file_size for each in members)) > 2 * MAX_FILE:
        _too_large(name, f"{total:,} bytes in all", f"at most {2 * MAX_FILE:,}")


def csv_lines(
    source: IO[bytes], name: str, columns: Sequence[str], *, also: frozenset[str] = frozenset(), header: bool = True
) -> Iterator[Line]:
    """The lines of a CSV file in UTF-8, with or without a mark.

    Args:
        source: the file, at its beginning.
        name: of the file, for refusals.
        columns: those that it must have, in any order and whatever the case of their letters.
        also: further columns that it may have.
        header: whether its first line names the columns; without it the columns stand in their order.

    Raises:
        TranslationRefused: IMG-6030 other columns, IMG-6031 a line of another length or form, IMG-6032 too many lines,
            IMG-6034 not UTF-8.
    """
    text = io.TextIOWrapper(cast("BinaryIO", source), "utf-8-sig", errors="strict", newline="")
    reader = csv.reader(text, strict=True)
    try:
        named = _columns(next(reader, []), columns, also, name) if header else list(columns)
        for cells in reader:
            where = f"{name} line {reader.line_num}"
            if not cells:
                continue
            if len(cells) != len(named):
                raise TranslationRefused(
                    "IMG-6031", where=where, found=f"{len(cells)} cells", expected=f"{len(named)}, as the columns"
                )
            if reader.line_num > MAX_ROWS:
                _too_large(where, "more lines", f"at most {MAX_ROWS:,}")
            yield where, dict(zip(named, cells, strict=True))
    except UnicodeDecodeError as error:
        where = f"{name} after line {reader.line_num}"
        raise TranslationRefused("IMG-6034", where=where, found=f"byte {error.object[error.start]:#04x}") from None
    except csv.Error as error:
        raise TranslationRefused("IMG-6031", where=f"{name} line {reader.line_num}", found=str(error)) from None


def _columns(found: Sequence[str], wanted: Sequence[str], also: frozenset[str], name: str) -> list[str]:
    known = {each.casefold(): each for each in (*wanted, *also)}
    named = [known.get(" ".join(cell.split()).casefold(), "") for cell in found]
    if "" in named or len(set(named)) != len(named) or not set(wanted) <= set(named):
        raise TranslationRefused(
            "IMG-6030", where=f"{name} line 1", found=",".join(found)[:200] or "nothing", expected=",".join(wanted)
        )
    return named


def _too_large(where: str, found: str, expected: str) -> NoReturn:
    raise TranslationRefused("IMG-6032", where=where, found=found, expected=expected)
