"""The files of a certificate, kept apart while it is worked on: one of them may be nearly all of its 20 MB.

Nobody looks into a file, but every copy of a tree copies it too. So its text leaves the tree for a word that stands for
it, and comes back where that word stands in what is written.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["FilesApart"]

_FILE: Final = "{*}AttachmentBinaryObject"
_WORTH_IT: Final = 1 << 16
"""Characters from which on a file is kept apart."""
_WRITTEN_OTHERWISE: Final = frozenset("&<>\r")
"""Characters that are not written as they are."""


class FilesApart:
    """Takes the text of every large file out of a tree.

    Args:
        root: of the tree; a file in it that is not plain ASCII text (Base64 is) stays where it is.
    """

    def __init__(self, root: _Element) -> None:
        self._word = f"file-{secrets.token_hex(16)}-"
        self._texts: list[bytes] = []
        for element in root.iter(_FILE):
            text = "" if len(element) else element.text or ""
            if len(text) >= _WORTH_IT and text.isascii() and not text.isspace() and _as_it_is(text):
                element.text = f"{self._word}{len(self._texts)}."  # first: the tree then has one copy less
                self._texts.append(text.encode("ascii"))

    def put_back(self, written: bytes) -> bytes:
        """The bytes of a document that was made of the tree, serialised or canonical, with the files in it again."""
        return b"".join(self._pieces(written))

    def digest(self, written: bytes) -> bytes:
        """SHA-256 of what ``put_back`` would give, without making it."""
        digest = hashlib.sha256()
        for piece in self._pieces(written):
            digest.update(piece)
        return digest.digest()

    def _pieces(self, written: bytes) -> list[bytes]:
        if not self._texts:
            return [written]
        pieces = re.split(rb"%s(\d+)\." % self._word.encode("ascii"), written)
        pieces[1::2] = [self._texts[int(number)] for number in pieces[1::2]]
        return pieces


def _as_it_is(text: str) -> bool:
    return not any(character in text for character in _WRITTEN_OTHERWISE)
