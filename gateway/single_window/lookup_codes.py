"""What a customs document code stands for, in the codes of the partner that asks (REFERENCE_DATA 4.3; R-37-2).

A partner's own system is asked first, then the codes of the Union, which every declaration may carry. Codes decide; a
name is only told. A code without a row is refused, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.ched.references import read_reference
from gateway.errors import CustomsRefused
from mappings.models import CANONICAL, Direction
from mappings.transforms import TRANSFORMS, split_mark

if TYPE_CHECKING:
    from gateway.access import Partner
    from mappings.index import Index
    from mappings.loading import Tables
    from mappings.lookups import Lookup

__all__ = ["DocumentCodes", "Meaning"]

_EU: Final = "customs"
_CODES: Final = "customs-document"
_CHED: Final = "ched-type"
_TYPE: Final = "document-type"
_KIND: Final = "customs-document-kind"
_CERTIFICATE: Final = "CERTIFICATE"
_HEALTH: Final = "636"
"""UNTDID 1001 of a CHED: the context of rows that hold for one type of CHED, as ``636/P``."""

_WRITTEN: Final = {"uk-customs": "uk-declaration-reference"}
"""How a system's declarations write references of CHEDs, where it is not as box I.2 does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a code and the number beside it are."""

    code: str
    name: str
    reference: str = ""
    """Of the CHED that is meant; empty when it is a certificate."""
    ched_type: str = ""
    """A, P, PP or D, of the CHED."""
    type: str = ""
    """UNTDID 1001 of the certificate; empty: the code fits several."""
    split_mark: str = ""


class DocumentCodes:
    """The codes of one partner on one day.

    Args:
        index: the tables of the day.
        tables: the same with their lists.
        partner: who asks.
    """

    def __init__(self, index: Index, tables: Tables, partner: Partner) -> None:
        self._index = index
        self._tables = tables
        self._partner = partner
        own = partner.code_system
        self._systems = (_EU,) if own in {CANONICAL, _EU} else (own, _EU)

    def meaning(self, code: str, number: str) -> Meaning:
        """What is meant.

        Args:
            code: of data element 12 03, as the partner writes it.
            number: beside it.

        Raises:
            CustomsRefused: IMG-7420 the code is unknown; IMG-7421 it stands for no document that is looked up here.
            TranslationRefused: a row about the code may not be used: unconfirmed, of another day or context.
        """
        known = read_reference(number)
        context = f"{_HEALTH}/{known.type.value}" if known is not None else ""
        for system in self._systems:
            found = self._of(system, code, number, context)
            if found is not None:
                return found
        raise CustomsRefused("IMG-7420", where="code", found=code, expected=f"a code of {' or '.join(self._systems)}")

    def code_of(self, ched_type: str) -> str:
        """The customs document code of a type of CHED in the partner's codes; empty where the tables have none."""
        for system in self._systems:
            lookup = self._lookup(CANONICAL, system, _CHED)
            entry = lookup.get(ched_type, f"{_HEALTH}/{ched_type}") if lookup is not None else None
            if entry is not None and entry.target:
                return entry.target
        return ""

    def _of(self, system: str, code: str, number: str, context: str) -> Meaning | None:
        cheds, types, kinds = (self._lookup(system, CANONICAL, each) for each in (_CHED, _TYPE, _KIND))
        ched_type, type_code, kind = _target(cheds, code, context), _target(types, code), _target(kinds, code)
        own_name = self._name(system, code)
        name = own_name or self._name(_EU, code)
        is_certificate = kind == _CERTIFICATE
        if ched_type and not (is_certificate and not self._is_reference(number)):
            reference = self._reference(number, ched_type)
            mark = split_mark(number) if reference != number else ""
            return Meaning(code=code, name=name, reference=reference, ched_type=ched_type, split_mark=mark)
        if is_certificate:
            return Meaning(code=code, name=name, type=type_code or _target(self._lookup(_EU, CANONICAL, _TYPE), code))
        for lookup in (cheds, types, kinds):
            if lookup is not None and _is_withheld(lookup, code):
                lookup.find(code, context, where="code")
        if kind or type_code or own_name:
            meant = name or kind or self._type_name(type_code)
            raise CustomsRefused("IMG-7421", where="code", found=f"{code}: {meant}")
        return None

    def _reference(self, number: str, ched_type: str) -> str:
        """As box I.2 has it."""
        transform = _WRITTEN.get(self._partner.code_system)
        if transform is None:
            return number
        return TRANSFORMS[transform].inward(number, f"{_HEALTH}/{ched_type}") or number

    def _is_reference(self, number: str) -> bool:
        """Whether a number has the form of a reference of a CHED; of which type does not matter."""
        return read_reference(self._reference(number, "A")) is not None

    def _name(self, system: str, code: str) -> str:
        listed = self._tables.own_lists.get((system, _CODES))
        found = listed.find(code, self._index.on) if listed is not None else None
        return found.name if found is not None else ""

    def _type_name(self, type_code: str) -> str:
        found = self._tables.lists[_TYPE].find(type_code, self._index.on)
        return found.name if found is not None else type_code

    def _lookup(self, source: str, target: str, name: str) -> Lookup | None:
        lookups = self._index.lookups
        return lookups.get((source, target, name, self._partner.id)) or lookups.get((source, target, name, ""))


def _is_withheld(lookup: Lookup, code: str) -> bool:
    """Whether rows give the code a meaning that does not hold here: unconfirmed, of another day or context."""
    return bool(lookup.contexts(code)) or any(row.direction is not Direction.NONE for row in lookup.refusals(code))


def _target(lookup: Lookup | None, code: str, context: str = "") -> str:
    entry = lookup.get(code, context) if lookup is not None else None
    return (entry.target or "") if entry is not None else ""
