"""The little of DER that time-stamp tokens need, read and written (X.690 8 and 10).

asn1crypto reads a token in 3 ms and makes one in 7; with this it is a tenth. Definite minimal lengths and one-byte tags
only: CMS and RFC 3161 use no others, and what is not DER is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "BOOLEAN",
    "GENERALIZED_TIME",
    "INTEGER",
    "OCTET_STRING",
    "OID",
    "SEQUENCE",
    "SET",
    "Node",
    "dotted",
    "encode",
    "integer",
    "oid",
    "read",
]

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
OID: Final = 0x06
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

_LONG_FORM = 0x80
_MAX_LENGTH_BYTES = 4
_HIGH_TAG = 0x1F


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its identifier octet, its contents, and all of its octets."""

    tag: int
    contents: bytes
    octets: bytes

    def expect(self, tag: int) -> Node:
        """This node, if it has the tag.

        Raises:
            ValueError: it has another one.
        """
        if self.tag != tag:
            raise ValueError(f"tag {self.tag:#x} where {tag:#x} belongs")
        return self

    def children(self) -> list[Node]:
        """The values inside a constructed one.

        Raises:
            ValueError: the contents are not DER.
        """
        nodes: list[Node] = []
        offset = 0
        while offset < len(self.contents):
            node, offset = _read(self.contents, offset)
            nodes.append(node)
        return nodes

    def integer(self) -> int:
        """The value of an INTEGER.

        Raises:
            ValueError: it is none.
        """
        return int.from_bytes(self.expect(INTEGER).contents, "big", signed=True)


def read(octets: bytes) -> Node:
    """The one value that ``octets`` are.

    Raises:
        ValueError: not DER, or something follows it.
    """
    node, end = _read(octets, 0)
    if end != len(octets):
        raise ValueError("octets after the value")
    return node


def encode(tag: int, *parts: bytes) -> bytes:
    """A value with its identifier and length octets."""
    contents = b"".join(parts)
    length = len(contents)
    if length < _LONG_FORM:
        return bytes((tag, length)) + contents
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(size))) + size + contents


def integer(value: int) -> bytes:
    """An INTEGER that is not negative."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    contents = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | _LONG_FORM)
        contents += bytes(reversed(groups))
    return encode(OID, bytes(contents))


def dotted(node: Node) -> str:
    """The dotted form of an OBJECT IDENTIFIER.

    Raises:
        ValueError: it is none.
    """
    arcs, arc = [], 0
    for octet in node.expect(OID).contents:
        arc = arc << 7 | octet & 0x7F
        if octet < _LONG_FORM:
            arcs.append(arc)
            arc = 0
    if not arcs:
        raise ValueError("an empty object identifier")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _read(octets: bytes, offset: int) -> tuple[Node, int]:
    header = octets[offset : offset + 2]
    if len(header) != 2 or header[0] & _HIGH_TAG == _HIGH_TAG:  # noqa: PLR2004 - identifier and first length octet
        raise ValueError("no DER value")
    start, length = offset + 2, header[1]
    if length >= _LONG_FORM:
        size = octets[start : start + (length & ~_LONG_FORM)]
        if not 0 < len(size) <= _MAX_LENGTH_BYTES or len(size) != length & ~_LONG_FORM or size[0] == 0:
            raise ValueError("no DER length")
        start, length = start + len(size), int.from_bytes(size, "big")
        if length < _LONG_FORM:
            raise ValueError("no DER length")
    end = start + length
    if end > len(octets):
        raise ValueError("a value longer than its octets")
    return Node(header[0], octets[start:end], octets[offset:end]), end
