"""The rows of one map on one day, compiled, and a partner's own rows laid over the general ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mappings.bijection import INWARDS, OUTWARDS
from mappings.contradictions import identities
from mappings.lookups import Entry, Lookup
from mappings.models import CANONICAL, Direction, Grade, Loss, Row
from mappings.periods import holds
from mappings.transforms import TRANSFORMS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mappings.lookups import Further
    from mappings.models import Code, CodeList, CodeMap

__all__ = ["Layer", "Same", "Stored", "joined", "usable_row", "withheld_code"]


class Stored(Protocol):
    """A table that is kept in the store and asked row by row (``mappings.stored``)."""

    def answers(self, version: str, on: date, *, inwards: bool, allow_unconfirmed: bool) -> Further:
        """Its answers one way on one day."""


class _Transformed:
    """Answers by a rule instead of rows (``mappings.transforms``)."""

    def __init__(self, layer: Layer, codes: CodeList, *, inwards: bool) -> None:
        code_map = layer.code_map
        self._transform = TRANSFORMS[code_map.transform]
        self._id = f"{code_map.system}/{code_map.list}/~{code_map.transform}"
        self._layer = layer
        self._codes = codes
        self._inwards = inwards
        self._named = frozenset(row.code if inwards else row.canonical for row in code_map.rows)

    def get(self, code: str, context: str) -> Entry | None:
        """A rule answers for codes of the canonical list alone (R-37-2)."""
        if code in self._named:
            return None
        found = (self._transform.inward if self._inwards else self._transform.outward)(code, context)
        canonical = found if self._inwards else code
        if found is None or (canonical and not self._layer.usable(self._codes, canonical)):
            return None
        return Entry(found or None, self._id, self._layer.version, self._transform.loss)

    def refused(self, _code: str) -> tuple[Row, ...]:
        return ()

    def contexts(self, _code: str) -> tuple[str, ...]:
        return ()

    def sources(self, _target: str, _context: str) -> tuple[str, ...]:
        return ()


class _Whole:
    """A lookup as a whole, behind another one."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def get(self, code: str, context: str) -> Entry | None:
        return self._lookup.get(code, context)

    def refused(self, code: str) -> tuple[Row, ...]:
        return self._lookup.refusals(code)

    def contexts(self, code: str) -> tuple[str, ...]:
        return self._lookup.contexts(code)

    def sources(self, target: str, context: str) -> tuple[str, ...]:
        return self._lookup.sources(target, context)


class _WholePairs:
    """General answers behind a partner's rows, without those that claim no loss and would not come back the same."""

    def __init__(self, general: Further, way_back: Lookup) -> None:
        self._general = general
        self._way_back = way_back

    def get(self, code: str, context: str) -> Entry | None:
        entry = self._general.get(code, context)
        if entry is None or entry.loss is not Loss.NONE or not entry.target:
            return entry
        back = self._way_back.get(entry.target, context)
        return entry if back is None or back.target == code else None

    def refused(self, code: str) -> tuple[Row, ...]:
        return self._general.refused(code)

    def contexts(self, code: str) -> tuple[str, ...]:
        return tuple(context for context in self._general.contexts(code) if self.get(code, context) is not None)

    def sources(self, target: str, context: str) -> tuple[str, ...]:
        return self._general.sources(target, context)


class Same(NamedTuple):
    """What the codes become that no row names."""

    entries: Mapping[tuple[str, str], Entry]
    """The same on both sides."""
    refused: Mapping[str, tuple[Row, ...]]
    """Those that nobody confirmed."""


def withheld_code(code: Code, codes: CodeList, on: date) -> Row | None:
    """A code that would be the same on both sides if somebody confirmed it, as the row that may not be used."""
    if code.grade is not Grade.UNVERIFIED or not holds(code, on):
        return None
    identifier = f"{codes.system}/{codes.list}={code.code}{code.mark}"
    days = code.valid_from, code.valid_to
    return Row(identifier, code.code, code.code, "", Direction.BOTH, Loss.NONE, *days, code.grade, code.note)


def usable_row(row: Row, on: date, *, inwards: bool, allow_unconfirmed: bool) -> bool:
    """Whether a row may answer in this direction on this day."""
    directions = INWARDS if inwards else OUTWARDS
    return row.direction in directions and row.valid_on(on) and (allow_unconfirmed or row.grade is not Grade.UNVERIFIED)


@dataclass(frozen=True, slots=True)
class Layer:
    """The rows of one map on one day: of the general one, or of a partner's own above it."""

    code_map: CodeMap
    version: str
    on: date
    allow_unconfirmed: bool

    def compile(
        self,
        codes: CodeList,
        stored: Mapping[tuple[str, str, str], Stored],
        same: Same,
        *,
        inwards: bool,
    ) -> Lookup:
        """One way.

        Args:
            codes: the canonical list.
            stored: the tables that are asked row by row.
            same: what the codes that no row names become.
            inwards: to the canonical codes.
        """
        code_map = self.code_map
        entries, refused, blocked = self._rows(inwards=inwards)
        entries, refused = {**same.entries, **entries}, {**same.refused, **refused}
        further: tuple[Further, ...] = ()
        large = stored.get((code_map.system, code_map.list, code_map.partner))
        if large is not None:
            answers = large.answers(self.version, self.on, inwards=inwards, allow_unconfirmed=self.allow_unconfirmed)
            further = (answers,)
        if code_map.transform:
            further = (*further, _Transformed(self, codes, inwards=inwards))
        source, target = (code_map.system, CANONICAL) if inwards else (CANONICAL, code_map.system)
        return Lookup(
            source, target, code_map.list, code_map.name, self.version, self.on, entries, refused, further, blocked
        )

    def same(self, codes: CodeList, stored: Mapping[tuple[str, str, str], Stored], everything: CodeMap) -> Same:
        """The codes that are the same on both sides; none of a table that is asked row by row.

        Args:
            codes: the canonical list.
            stored: the tables that are asked row by row.
            everything: the rows of all layers: what any of them names is no code that stays the same.
        """
        if (self.code_map.system, self.code_map.list, self.code_map.partner) in stored:
            return Same({}, {})
        prefix = f"{self.code_map.system}/{self.code_map.list}"
        entries: dict[tuple[str, str], Entry] = {}
        refused: dict[str, tuple[Row, ...]] = {}
        for code in identities(replace(everything, otherwise=self.code_map.otherwise), codes):
            if self.usable(codes, code):
                entries[code, ""] = Entry(code, f"{prefix}/={code}", self.version, Loss.NONE)
            elif withheld := withheld_code(codes.codes[code], codes, self.on):
                refused[code] = (withheld,)
        return Same(entries, refused)

    def usable(self, codes: CodeList, code: str) -> bool:
        """Whether the canonical list has the code on this day, well enough evidenced."""
        found = codes.codes.get(code)
        return (
            found is not None
            and holds(found, self.on)
            and (self.allow_unconfirmed or found.grade is not Grade.UNVERIFIED)
        )

    def _rows(
        self, *, inwards: bool
    ) -> tuple[dict[tuple[str, str], Entry], dict[str, tuple[Row, ...]], frozenset[tuple[str, str]]]:
        """The answers, the rows that give none, and where no wider row may answer instead of those."""
        entries: dict[tuple[str, str], Entry] = {}
        refused: dict[str, tuple[Row, ...]] = {}
        blocked: set[tuple[str, str]] = set()
        for row in self.code_map.rows:
            known, becomes = (row.code, row.canonical) if inwards else (row.canonical, row.code)
            if not known or row.direction is (Direction.OUT if inwards else Direction.IN):
                continue
            if usable_row(row, self.on, inwards=inwards, allow_unconfirmed=self.allow_unconfirmed):
                entries[known, row.context] = Entry(becomes or None, row.id, self.version, row.loss)
                continue
            refused[known] = (*refused.get(known, ()), row)
            if row.direction is Direction.NONE and row.valid_on(self.on):
                blocked.add((known, row.context))
        return entries, refused, frozenset(blocked)


def joined(own: Lookup, general: Lookup | None, way_back: Lookup, *, in_store: bool) -> Lookup:
    """One lookup of a partner's own rows before the general ones.

    Args:
        own: the rows of the map itself.
        general: those of the general map below a partner's, without what the partner's rows replace.
        way_back: ``own`` in the other direction.
        in_store: the own rows are asked one by one, so that nothing compiled may answer before them.
    """
    if general is None:
        return own
    if in_store:
        return replace(own, further=(*own.further, _WholePairs(_Whole(general), way_back)))
    return replace(
        own,
        entries=general.entries | own.entries,
        refused={code: (*own.refused.get(code, ()), *rows) for code, rows in general.refused.items()}
        | {code: rows for code, rows in own.refused.items() if code not in general.refused},
        further=(*own.further, *(_WholePairs(each, way_back) for each in general.further)),
        blocked=own.blocked | general.blocked,
    )
