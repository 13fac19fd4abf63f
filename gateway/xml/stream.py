"""Large XML files, element by element, in the memory of one element: publishers' lists of codes, sheets of workbooks.

A message has limits of ``boundary``; a list of a hundred thousand names has not their size. The same is refused: a
DOCTYPE and with it every entity, encodings other than UTF-8, a file or a piece of it beyond its limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from lxml import etree

from gateway.errors import XmlRefused
from gateway.xml.boundary import document_start
from gateway.xml.census import refuse_beyond

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from lxml.etree import _Element

__all__ = ["MAX_FILE", "MAX_PIECE", "stream"]

MAX_FILE: Final = 1024 * 1024 * 1024
"""Bytes of a file. The largest list in sight, all names of all EPPO codes, has some 150 MB."""
MAX_PIECE: Final = 4 * 1024 * 1024
"""Bytes that may pass without one wanted element ending; an entry of a list has a few hundred."""
_CHUNK: Final = 64 * 1024


def stream(
    source: IO[bytes], tag: str, *, name: str, max_file: int = MAX_FILE, max_piece: int = MAX_PIECE
) -> Iterator[_Element]:
    """The elements of one name, each whole when it is given and emptied when the next is asked for.

    Args:
        source: the file, at its beginning.
        tag: ``name``, ``{namespace}name`` or ``{*}name``.
        name: of the file, for refusals.
        max_file: bytes in all.
        max_piece: bytes without an element of that name.

    Raises:
        XmlRefused: IMG-1001 not well formed, 1002 DOCTYPE, 1003 too large, 1009 encoding; file and line are named.
    """
    parser = etree.XMLPullParser(
        ("end",),
        tag=tag,
        encoding="UTF-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    chunk = document_start(source.read(_CHUNK), name)
    passed = silent = 0
    try:
        while chunk:
            passed, silent = passed + len(chunk), silent + len(chunk)
            if passed > max_file:
                refuse_beyond("IMG-1003", max_file, f"bytes of {name}")
            parser.feed(chunk)
            for element in _ended(parser):
                if silent:
                    _refuse_dtd(element, name)
                silent = 0
                yield element
                _forget(element)
            if silent > max_piece:
                refuse_beyond("IMG-1003", max_piece, f"bytes of {name} without a {tag}")
            chunk = source.read(_CHUNK)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise XmlRefused("IMG-1001", where=f"{name} line {error.position[0]}") from None


def _ended(parser: etree.XMLPullParser) -> Iterator[_Element]:
    """What has ended since the last look; the stubs know of events without an element too."""
    for _, element in cast("Iterator[tuple[str, _Element]]", parser.read_events()):
        yield element


def _refuse_dtd(element: _Element, name: str) -> None:
    """A DOCTYPE behind a comment that is longer than the first look."""
    docinfo = element.getroottree().docinfo
    if docinfo.internalDTD is not None or docinfo.externalDTD is not None:
        raise XmlRefused("IMG-1002", where=name)


def _forget(element: _Element) -> None:
    """Let go of an element that was read, and of what stood before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
