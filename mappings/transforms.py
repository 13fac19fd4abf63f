"""Translations of single codes that follow a rule instead of rows, each with its inverse or its declared loss.

A map file names one in its header (``# transform: lower-case``): it answers for codes that no row names. One that
guesses about a partner, such as ``absent-unit-is-tonne``, stands in no header; a caller asks for it by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from mappings.models import Loss

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TRANSFORMS", "Transform", "split_mark"]


class Transform(Protocol):
    """One rule, both ways."""

    @property
    def name(self) -> str:
        """As the header of a table names it."""

    @property
    def loss(self) -> Loss:
        """What the way back cannot restore."""

    def inward(self, code: str, context: str, /) -> str | None:
        """The canonical code of a partner's; empty where it is left out, None where the rule says nothing."""

    def outward(self, code: str, context: str, /) -> str | None:
        """The partner's code of a canonical one; empty where it is left out, None where the rule says nothing."""


@dataclass(frozen=True, slots=True)
class _LowerCase:
    """The partner writes in small letters what is canonical in capitals.

    TRACES' reference data does so with the types of activity that its certificates spell in capitals.
    """

    name: ClassVar[str] = "lower-case"
    loss: ClassVar[Loss] = Loss.NONE

    def inward(self, code: str, _context: str) -> str | None:
        return code.upper() if code.isascii() and code == code.lower() else None

    def outward(self, code: str, _context: str) -> str | None:
        return code.lower() if code.isascii() and code == code.upper() else None


@dataclass(frozen=True, slots=True)
class _NullWord:
    """The partner writes the word NULL for nothing, as Bolivia's client of the hub does: it is dropped, not mapped."""

    name: ClassVar[str] = "null-word"
    loss: ClassVar[Loss] = Loss.NARROWS

    def inward(self, code: str, _context: str) -> str | None:
        return "" if code == "NULL" else None

    def outward(self, _code: str, _context: str) -> None:
        """Nobody is sent the word."""


@dataclass(frozen=True, slots=True)
class _AsWritten:
    """The same text on both sides, every zero of it: ``045`` of Côte d'Ivoire's tables is not 45."""

    name: ClassVar[str] = "as-written"
    loss: ClassVar[Loss] = Loss.NONE

    def inward(self, code: str, _context: str) -> str | None:
        return code or None

    outward = inward


@dataclass(frozen=True, slots=True)
class _FirstFifteen:
    """The partner has room for fifteen characters, as Côte d'Ivoire has for the number of a batch."""

    name: ClassVar[str] = "first-15"
    loss: ClassVar[Loss] = Loss.NARROWS
    room: ClassVar[int] = 15

    def inward(self, code: str, _context: str) -> str | None:
        return code if 0 < len(code) <= self.room else None

    def outward(self, code: str, _context: str) -> str | None:
        return code[: self.room] or None


@dataclass(frozen=True, slots=True)
class _UkDeclarationReference:
    """``GBCHD2025.1234567V`` of a UK declaration is ``CHEDPP.GB.2025.1234567`` where the context is ``636/PP``.

    The declaration does not say the type of the CHED: the context does. Its last letter, R or V, marks a split and is
    left behind; `split_mark` reads it for who keeps it beside.
    """

    name: ClassVar[str] = "uk-declaration-reference"
    loss: ClassVar[Loss] = Loss.NARROWS

    def inward(self, code: str, context: str) -> str | None:
        found, kind = _DECLARED.fullmatch(code), _KINDS.get(context)
        return None if found is None or kind is None else f"{kind}.GB.{found['year']}.{found['number']}"

    def outward(self, code: str, context: str) -> str | None:
        found = _REFERENCE.fullmatch(code)
        if found is None or _KINDS.get(context) != found["kind"]:
            return None
        return f"GBCHD{found['year']}.{found['number']}"


_DECLARED: Final = re.compile(r"GBCHD(?P<year>[0-9]{4})\.(?P<number>[0-9]{7})(?P<split>[RV]?)")
_REFERENCE: Final = re.compile(r"(?P<kind>CHED(?:A|PP|P|D))\.GB\.(?P<year>[0-9]{4})\.(?P<number>[0-9]{7})")
_KINDS: Final = {f"636/{kind}": f"CHED{kind}" for kind in ("A", "P", "PP", "D")}


def split_mark(reference: str) -> str:
    """The letter, R or V, by which a UK declaration marks a split CHED; empty where there is none."""
    found = _DECLARED.fullmatch(reference)
    return found["split"] if found else ""


@dataclass(frozen=True, slots=True)
class _AbsentUnitIsTonne:
    """No unit means tonnes: what one stub of CERTEX does (DIGEST 7), so only for a partner whose record says so.

    The way back writes the unit, which means the same.
    """

    name: ClassVar[str] = "absent-unit-is-tonne"
    loss: ClassVar[Loss] = Loss.WIDENS

    def inward(self, code: str, _context: str) -> str | None:
        return None if code else "TNE"

    def outward(self, code: str, _context: str) -> str | None:
        return code if code == "TNE" else None


_ALL: Final[tuple[Transform, ...]] = (
    _LowerCase(),
    _NullWord(),
    _AsWritten(),
    _FirstFifteen(),
    _UkDeclarationReference(),
    _AbsentUnitIsTonne(),
)

TRANSFORMS: Final[Mapping[str, Transform]] = MappingProxyType({each.name: each for each in _ALL})
"""By name."""
