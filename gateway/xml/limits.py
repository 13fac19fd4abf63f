"""Every limit on incoming XML, in one place, each with its reason.

A message that breaks a limit is refused before anything looks at its tree. The defaults hold the largest documents that
the contracts allow (EUDR, on the TRACES platform, states 25 MB per call, DIGEST 5.7) with room, and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.xml.names import CX1, HUBENT, RAM21, qn

__all__ = ["DEFAULT_LIMITS", "KEPT_LIMITS", "LIBXML2_DEPTH", "LIBXML2_TEXT", "MAX_REFUSED_BYTES", "Limits"]

LIBXML2_DEPTH: Final = 256
"""Levels at which libxml2 stops by itself unless told that the document may be huge."""

LIBXML2_TEXT: Final = 10_000_000
"""Characters of one text node at which libxml2 stops by itself unless told that the document may be huge."""


MAX_REFUSED_BYTES: Final = 32 * 1024 * 1024
"""Bytes of refused documents after which a thread is worn and should parse no more.

libxml2 keeps every name for the life of a thread, and documents that are refused may have invented all of theirs:
365 MB of them cost one thread 430 MB of memory, and then it could parse nothing new (tried).
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may be; each value is the largest that passes."""

    max_bytes: int = 25 * 1024 * 1024
    """Bytes of the document, after inflating. A tree takes about ten times its bytes of memory."""

    max_depth: int = 100
    """Levels of elements, the root being 1. A sealed certificate in an envelope has about 20; recursive code over
    trees (canonicalisation, schema validation) stays far from the end of its stack."""

    max_elements: int = 250_000
    """Elements, comments and processing instructions in all. 25 MB of certificates have about 340 per 25 KB; 25 MB of
    ``<a/>`` would have six million."""

    max_attributes_per_element: int = 64
    """Attributes of one element, namespace declarations not counted. The contracts use four at most."""

    max_attributes: int = 250_000
    """Attributes and namespace declarations in all; they cost memory like elements."""

    max_namespaces_in_scope: int = 256
    """Namespace declarations on the way from the root to any element. TRACES replies declare about 30 (DIGEST 4.4).
    Canonicalisation compares every element with all of them, so without a limit it is quadratic."""

    max_name_length: int = 256
    """Characters of an element, attribute, prefix or processing instruction name. libxml2 keeps every name it has seen
    for the life of a thread, so long invented names are a leak that a stranger controls."""

    max_text_length: int = LIBXML2_TEXT
    """Characters of one text node or attribute value."""

    large_text: frozenset[str] = frozenset()
    """Names, ``{namespace}local``, of the elements whose own text may be longer: those of contracts that carry a whole
    document in one text node (the hub's Content, DIGEST 2.6). Every other text keeps ``max_text_length``."""

    max_large_text: int = LIBXML2_TEXT
    """Characters of one text node of a ``large_text`` element."""

    max_inflated_ratio: int = 100
    """Inflated bytes per compressed byte. Real documents compress 5 to 30 times, a bomb a thousand times."""


DEFAULT_LIMITS: Final = Limits()
"""What holds unless an endpoint or the configuration says otherwise."""

KEPT_LIMITS: Final = Limits(
    max_bytes=64 * 1024 * 1024,
    large_text=frozenset({qn(RAM21, "AttachmentBinaryObject"), qn(CX1, "SealedDocument"), qn(HUBENT, "Content")}),
    max_large_text=64 * 1024 * 1024,
)
"""Of files that are only looked at: documents with their files and messages around them, as any contract took them."""
