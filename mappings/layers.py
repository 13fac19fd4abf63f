"""The rows of one map on one day, compiled, and a partner's own rows laid over the general ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mappings.bijection import INWARDS, OUTWARDS
from mappings.contradictions import identities, rows_left
from mappings.lookups import Entry, Lookup
from mappings.models import CANONICAL, Direction, Grade, Loss, Row
from mappings.periods import holds
from mappings.transforms import TRANSFORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from mappings.lookups import Further
    from mappings.models import Code, CodeList, CodeMap

    Answers = Callable[[str, str], Entry | None]
    """What a code becomes in a context."""

__all__ = ["Layer", "Layered", "Same", "Stored", "rows_in_force"]


class Stored(Protocol):
    """A table that is kept in the store and asked row by row (``mappings.stored``)."""

    def about(self, *, code: str = "", canonical: str = "") -> tuple[Row, ...]:
        """Every row that names this partner code, or this canonical one."""


class _Transformed:
    """Answers by a rule instead of rows (``mappings.transforms``)."""

    def __init__(self, layer: Layer, codes: CodeList, *, inwards: bool) -> None:
        code_map = layer.code_map
        self._transform = TRANSFORMS[code_map.transform]
        self._id = f"{code_map.system}/{code_map.list}/~{code_map.transform}"
        self._layer = layer
        self._codes = codes
        self._inwards = inwards
        self._named = frozenset(row.code if inwards else row.canonical for row in code_map.rows) - {""}

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


class _WholePairs:
    """A general rule behind a partner's rows, without what claims no loss and would not come back the same."""

    def __init__(self, general: Further, way_back: Answers) -> None:
        self._general = general
        self._way_back = way_back

    def get(self, code: str, context: str) -> Entry | None:
        entry = self._general.get(code, context)
        if entry is None or entry.loss is not Loss.NONE or not entry.target:
            return entry
        back = self._way_back(entry.target, context)
        return entry if back is None or back.target == code else None

    def refused(self, code: str) -> tuple[Row, ...]:
        return self._general.refused(code)

    def contexts(self, code: str) -> tuple[str, ...]:
        return self._general.contexts(code)

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


def _usable_row(row: Row, on: date, *, inwards: bool, allow_unconfirmed: bool) -> bool:
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

    def compile(self, codes: CodeList, same: Same, *, inwards: bool) -> Lookup:
        """One way.

        Args:
            codes: the canonical list.
            same: what the codes that no row names become.
            inwards: to the canonical codes.
        """
        code_map = self.code_map
        entries, refused, blocked = self._rows(inwards=inwards)
        entries, refused = {**same.entries, **entries}, {**same.refused, **refused}
        further = (_Transformed(self, codes, inwards=inwards),) if code_map.transform else ()
        source, target = (code_map.system, CANONICAL) if inwards else (CANONICAL, code_map.system)
        return Lookup(
            source, target, code_map.list, code_map.name, self.version, self.on, entries, refused, further, blocked
        )

    def same(self, codes: CodeList, among: CodeList, everything: CodeMap) -> Same:
        """The codes that are the same on both sides.

        Args:
            codes: the canonical list.
            among: those of its codes that are looked at.
            everything: the rows of all layers: what any of them names is no code that stays the same.
        """
        prefix = f"{self.code_map.system}/{self.code_map.list}"
        entries: dict[tuple[str, str], Entry] = {}
        refused: dict[str, tuple[Row, ...]] = {}
        for code in identities(replace(everything, otherwise=self.code_map.otherwise), among):
            if self.usable(codes, code):
                entries[code, ""] = Entry(code, f"{prefix}/={code}", self.version, Loss.NONE)
            elif withheld := withheld_code(among.codes[code], codes, self.on):
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
            if _usable_row(row, self.on, inwards=inwards, allow_unconfirmed=self.allow_unconfirmed):
                entries[known, row.context] = Entry(becomes or None, row.id, self.version, row.loss)
                continue
            refused[known] = (*refused.get(known, ()), row)
            if row.direction is Direction.NONE and row.valid_on(self.on):
                blocked.add((known, row.context))
        return entries, refused, frozenset(blocked)


def rows_in_force(general: Iterable[Row], own: Iterable[Row], on: date, *, allow_unconfirmed: bool) -> tuple[Row, ...]:
    """The general rows that a partner's own leave on one day: one of another day, or unconfirmed, hides nothing."""
    hiding = (row for row in own if row.valid_on(on) and (allow_unconfirmed or row.grade is not Grade.UNVERIFIED))
    return rows_left(general, hiding)


class Layered(NamedTuple):
    """A map on one day: its own rows, and below a partner's those of the general map that these leave."""

    own: Layer
    general: Layer | None

    @classmethod
    def of(
        cls, code_map: CodeMap, below: CodeMap | None, codes: CodeList, on: date, *, allow_unconfirmed: bool
    ) -> Layered:
        """The two, from all their rows."""
        own = Layer(code_map, f"{code_map.version}/{codes.version}", on, allow_unconfirmed)
        if below is None:
            return cls(own, None)
        left = rows_in_force(below.rows, code_map.rows, on, allow_unconfirmed=allow_unconfirmed)
        version = f"{below.version}/{codes.version}"
        return cls(own, Layer(replace(below, rows=left), version, on, allow_unconfirmed))

    def lookup(self, codes: CodeList, among: CodeList, *, inwards: bool, way_back: Answers | None = None) -> Lookup:
        """One way.

        Args:
            codes: the canonical list.
            among: those of its codes that may be the same on both sides.
            inwards: to the canonical codes.
            way_back: what the own rows say the other way; found here unless said.
        """
        layers = [each for each in self if each is not None]
        rows = tuple(row for each in layers for row in each.code_map.rows)
        everything = replace(self.own.code_map, rows=rows)
        same = [each.same(codes, among, everything) for each in layers]
        own = self.own.compile(codes, same[0], inwards=inwards)
        if self.general is None:
            return own
        general = self.general.compile(codes, same[1], inwards=inwards)
        if way_back is None and general.further:
            way_back = self.own_lookup(codes, among, inwards=not inwards).get
        return replace(
            own,
            entries=general.entries | own.entries,
            refused={code: (*own.refused.get(code, ()), *rows) for code, rows in general.refused.items()}
            | {code: rows for code, rows in own.refused.items() if code not in general.refused},
            further=(*own.further, *(_WholePairs(each, way_back) for each in general.further if way_back)),
            blocked=own.blocked | general.blocked,
        )

    def own_lookup(self, codes: CodeList, among: CodeList, *, inwards: bool) -> Lookup:
        """What the own rows alone say one way."""
        rows = tuple(row for each in self if each is not None for row in each.code_map.rows)
        same = self.own.same(codes, among, replace(self.own.code_map, rows=rows))
        return self.own.compile(codes, same, inwards=inwards)
