"""The compiled form of the tables for one day: a lookup is one or two dictionary reads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from gateway.errors import TranslationRefused
from mappings.bijection import INWARDS, OUTWARDS
from mappings.contexts import chain, is_below
from mappings.contradictions import identities, rows_left
from mappings.models import CANONICAL, Code, CodeList, CodeMap, CodeSystem, Direction, Grade, Loss, Row
from mappings.transforms import TRANSFORMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from mappings.loading import Tables
    from mappings.models import Said

MAX_REMEMBERED: Final = 200_000
"""Answers of one list, way and context that are remembered beside the compiled ones; then they are asked anew."""

MAX_CONTEXTS: Final = 64
"""Contexts of one list whose answers are kept apart; then they are made anew."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code becomes; ``target`` is None where the place is left out."""

    target: str | None
    row_id: str
    version: str
    loss: Loss
    said: Said = field(init=False)
    """The same, as reports take it: every use of the row shares it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "said", (self.target or "", self.row_id, self.version, self.loss))


class Further(Protocol):
    """Answers that are not compiled: those of a large table in the store, or of a transform."""

    def get(self, code: str, context: str, /) -> Entry | None:
        """The answer for a code in exactly this context or one above it."""

    def refused(self, code: str, /) -> tuple[Row, ...]:
        """Rows about the code that give no answer on this day, to say why."""

    def contexts(self, code: str, /) -> tuple[str, ...]:
        """The contexts in which there is an answer for the code."""

    def sources(self, target: str, context: str, /) -> tuple[str, ...]:
        """The codes that rows turn into this one in this context."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One list between the canonical system and another, one way, on one day."""

    source: str
    target: str
    list: str
    table: str
    version: str
    day: date
    entries: dict[tuple[str, str], Entry]
    """By code and context."""
    refused: dict[str, tuple[Row, ...]]
    """Rows that exist for a code and may not be used: kept to say why."""
    further: tuple[Further, ...] = ()
    """Asked in this order for what is not in ``entries``."""
    blocked: frozenset[tuple[str, str]] = frozenset()
    """Codes that are known to have no equivalent, and in which context: no wider row answers for them there."""
    _under: dict[str, dict[str, Entry]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find(self, code: str, context: str = "", *, where: str = "") -> Entry:
        """The answer for a code.

        Args:
            code: the source system's code, as it stands in the document.
            context: where it stands: a document type code or a path below it such as ``636/P``. The row with the
                longest context that the place is in answers.
            where: XPath of the place, for the refusal.

        Raises:
            TranslationRefused: IMG-6001 no row, IMG-6002 rows for other contexts only, IMG-6003 rows of other days
                only, IMG-6004 an unconfirmed row only, IMG-6007 known to have no equivalent, IMG-6008 the context is
                too wide to choose a row.
        """
        entry = self.get(code, context)
        if entry is None:
            raise self._refusal(code, context, where)
        return entry

    def get(self, code: str, context: str = "") -> Entry | None:
        """The answer for a code, or None."""
        answers = self.under(context)
        entry = answers.get(code)
        if entry is None and self.further:
            entry = next((found for each in self.further if (found := each.get(code, context)) is not None), None)
            if entry is not None:
                if len(answers) > MAX_REMEMBERED:
                    self._under.pop(context, None)
                answers[code] = entry
        return entry

    def sources(self, target: str, context: str = "") -> tuple[str, ...]:
        """Every code that becomes this one in this context: several, where the other system distinguishes more."""
        above = chain(context)
        own = (code for (code, named), entry in self.entries.items() if entry.target == target and named in above)
        others = (code for each in self.further for code in each.sources(target, context))
        found = ((code, self.get(code, context)) for code in dict.fromkeys((*own, *others)))
        return tuple(code for code, entry in found if entry is not None and entry.target == target)

    def refusals(self, code: str) -> tuple[Row, ...]:
        """Rows about a code that may not be used: of other days, unconfirmed, known to have no equivalent."""
        return (*self.refused.get(code, ()), *(row for each in self.further for row in each.refused(code)))

    def contexts(self, code: str) -> tuple[str, ...]:
        """The contexts in which a code has an answer."""
        own = {named for known, named in self.entries if known == code}
        return tuple(sorted(own | {named for each in self.further for named in each.contexts(code)}))

    def under(self, context: str) -> dict[str, Entry]:
        """The answers of one context by code alone, as far as they are known by now; made once."""
        known = self._under.get(context)
        if known is None:
            if len(self._under) > MAX_CONTEXTS:  # contexts come from documents
                self._under.clear()
            known = {}
            for each in reversed(chain(context)):  # the most specific comes last and wins
                for code in (code for code, named in self.blocked if named == each):
                    known.pop(code, None)
                known |= {code: entry for (code, named), entry in self.entries.items() if named == each}
            self._under[context] = known
        return known

    def _refusal(self, code: str, context: str, where: str) -> TranslationRefused:
        rows, contexts = self.refusals(code), self.contexts(code)
        none = next((row for row in rows if row.direction is Direction.NONE and row.context in chain(context)), None)
        if none is not None and none.valid_on(self.day):
            number, why = "IMG-6007", none.evidence
        elif any(is_below(each, context) for each in contexts):
            number, why = "IMG-6008", f"what it becomes depends on the context: {', '.join(contexts)}"
        elif contexts:
            number, why = "IMG-6002", f"rows exist for {', '.join(contexts)} only, not for {context}"
        elif stale := [row for row in rows if not row.valid_on(self.day)]:
            span = f"{stale[0].valid_from or '…'} to {stale[0].valid_to or '…'}"
            number, why = "IMG-6003", f"{stale[0].id} is valid from {span}, not on {self.day}"
        elif rows:
            number, why = "IMG-6004", f"{rows[0].id} is graded unverified: {rows[0].evidence}"
        else:
            number, why = "IMG-6001", "no row names it"
        return TranslationRefused(
            number,
            f"{code!r} of the list {self.list} cannot be translated from {self.source} to {self.target}: {why}.",
            where=where,
            found=code,
            expected=f"{self.table}.csv: {self._row_needed(code, context if contexts else '')}",
        )

    def _row_needed(self, code: str, context: str) -> str:
        """The row that is missing, ready to complete and paste: the other code stands as a question mark."""
        pair = f"?,{code},{context},out" if self.source == CANONICAL else f"{code},?,{context},in"
        return f"{pair},widens,{self.day},,,"


@dataclass(frozen=True, slots=True)
class Index:
    """Every lookup of one day, by (source, target, list, partner)."""

    on: date
    lookups: dict[tuple[str, str, str, str], Lookup]
    labels: dict[str, Mapping[str, Code]]
    """The canonical codes of each list, for the labels that TRACES shows."""
    systems: frozenset[str]
    """Those that documents can be translated to and from."""
    version: str = ""
    """Of all tables together, such as ``17@3fa9c1d2e4b5``: the edition of the operator's changes, and the digest of the
    tables that they change. The same version and day give the same answers for ever."""
    known_systems: dict[str, CodeSystem] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        tables: Tables,
        on: date,
        *,
        allow_unconfirmed: bool,
        version: str = "",
        stored: Mapping[tuple[str, str, str], Stored] | None = None,
    ) -> Index:
        """Compile the rows that hold on that day; use ``Tables.compile`` or ``LiveTables.on``, which keep the result.

        Args:
            tables: checked.
            on: the day.
            allow_unconfirmed: use rows graded unverified as well.
            version: of all tables together.
            stored: the tables that are asked row by row, by (system, list, partner).
        """
        lookups: dict[tuple[str, str, str, str], Lookup] = {}
        general = {(each.system, each.list): each for each in tables.maps if not each.partner}
        for code_map in sorted(tables.maps, key=lambda item: item.partner):
            below = general.get((code_map.system, code_map.list)) if code_map.partner else None
            codes = tables.lists[code_map.list]
            layers = [_Layer(code_map, f"{code_map.version}/{codes.version}", on, allow_unconfirmed)]
            if below is not None:
                left = replace(below, rows=rows_left(below.rows, code_map.rows))
                layers.append(_Layer(left, f"{below.version}/{codes.version}", on, allow_unconfirmed))
            everything = replace(code_map, rows=tuple(row for each in layers for row in each.code_map.rows))
            for inwards in (True, False):
                compiled = [each.compile(codes, stored or {}, everything, inwards=inwards) for each in layers]
                in_store = (code_map.system, code_map.list, code_map.partner) in (stored or {})
                lookup = _behind(compiled) if in_store else _join(compiled)
                lookups[lookup.source, lookup.target, lookup.list, code_map.partner] = lookup
        return cls(
            on,
            lookups,
            {name: code_list.codes for name, code_list in tables.lists.items()},
            frozenset({CANONICAL, *(code_map.system for code_map in tables.maps)}),
            version,
            tables.systems,
        )

    def lookup(self, source: str, target: str, name: str, partner: str = "") -> Lookup:
        """The rows of one list one way, the partner's own first.

        Raises:
            TranslationRefused: IMG-6005 there is no such system, or no table for this list between these systems;
                IMG-6009 there is no such list at all.
        """
        found = self.lookups.get((source, target, name, partner)) or self.lookups.get((source, target, name, ""))
        if found is None:
            if name not in self.labels:
                raise TranslationRefused("IMG-6009", found=name, expected=f"one of {', '.join(sorted(self.labels))}")
            raise TranslationRefused("IMG-6005", found=f"{name}: {source} to {target}", expected=self._known())
        return found

    def _known(self) -> str:
        return "a system of " + ", ".join(sorted(self.systems))


class Stored(Protocol):
    """A table that is kept in the store and asked row by row (``mappings.stored``)."""

    def answers(self, version: str, on: date, *, inwards: bool, allow_unconfirmed: bool) -> Further:
        """Its answers one way on one day."""


class _Transformed:
    """Answers by a rule instead of rows (``mappings.transforms``)."""

    def __init__(self, layer: _Layer, codes: CodeList, *, inwards: bool) -> None:
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


class _General:
    """The rows for everybody, behind those of one partner that are kept in the store."""

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


def _holds(first: date | None, last: date | None, day: date) -> bool:
    return not ((first and day < first) or (last and day > last))


def usable_row(row: Row, on: date, *, inwards: bool, allow_unconfirmed: bool) -> bool:
    """Whether a row may answer in this direction on this day."""
    directions = INWARDS if inwards else OUTWARDS
    return row.direction in directions and row.valid_on(on) and (allow_unconfirmed or row.grade is not Grade.UNVERIFIED)


@dataclass(frozen=True, slots=True)
class _Layer:
    """The rows of one map on one day: of the general one, or of a partner's own above it."""

    code_map: CodeMap
    version: str
    on: date
    allow_unconfirmed: bool

    def compile(
        self, codes: CodeList, stored: Mapping[tuple[str, str, str], Stored], everything: CodeMap, *, inwards: bool
    ) -> Lookup:
        """One way.

        Args:
            codes: the canonical list.
            stored: the tables that are asked row by row.
            everything: the rows of all layers: what any of them names is no code that stays the same.
            inwards: to the canonical codes.
        """
        code_map = self.code_map
        entries, refused, blocked = self._rows(inwards=inwards)
        further: tuple[Further, ...] = ()
        large = stored.get((code_map.system, code_map.list, code_map.partner))
        if large is not None:
            answers = large.answers(self.version, self.on, inwards=inwards, allow_unconfirmed=self.allow_unconfirmed)
            further = (answers,)
        else:
            entries = self._same(codes, everything) | entries
        if code_map.transform:
            further = (*further, _Transformed(self, codes, inwards=inwards))
        source, target = (code_map.system, CANONICAL) if inwards else (CANONICAL, code_map.system)
        return Lookup(
            source, target, code_map.list, code_map.name, self.version, self.on, entries, refused, further, blocked
        )

    def _same(self, codes: CodeList, everything: CodeMap) -> dict[tuple[str, str], Entry]:
        """The codes that are the same on both sides."""
        prefix = f"{self.code_map.system}/{self.code_map.list}"
        return {
            (code, ""): Entry(code, f"{prefix}/={code}", self.version, Loss.NONE)
            for code in identities(replace(everything, otherwise=self.code_map.otherwise), codes)
            if self.usable(codes, code)
        }

    def usable(self, codes: CodeList, code: str) -> bool:
        """Whether the canonical list has the code on this day, well enough evidenced."""
        found = codes.codes.get(code)
        return (
            found is not None
            and _holds(found.valid_from, found.valid_to, self.on)
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


def _behind(layers: Sequence[Lookup]) -> Lookup:
    """One lookup over layers, of which the first is kept in the store: what is behind it is asked after it."""
    first, *others = layers
    return replace(first, further=(*first.further, *(_General(other) for other in others)))


def _join(layers: Sequence[Lookup]) -> Lookup:
    """One lookup over layers, the first one goes before the others."""
    first, *others = layers
    for other in others:
        first = replace(
            first,
            entries=other.entries | first.entries,
            refused={code: (*first.refused.get(code, ()), *rows) for code, rows in other.refused.items()}
            | {code: rows for code, rows in first.refused.items() if code not in other.refused},
            further=(*first.further, *other.further),
            blocked=first.blocked | other.blocked,
        )
    return first
