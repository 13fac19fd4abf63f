"""The compiled form of the tables for one day: a lookup is one or two dictionary reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.errors import TranslationRefused
from mappings.checks import INWARDS, OUTWARDS, identities
from mappings.models import CANONICAL, Code, CodeMap, Direction, Grade, Loss, Row

if TYPE_CHECKING:
    from datetime import date

    from mappings.loading import Tables
    from mappings.models import Said


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
    refused: dict[str, tuple[Row, ...]]
    """Rows that exist for a code and may not be used: kept to say why."""
    _under: dict[str, dict[str, Entry]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find(self, code: str, context: str = "", *, where: str = "") -> Entry:
        """The answer for a code.

        Args:
            code: the source system's code, as it stands in the document.
            context: the document type code; a row for it goes before a row for all.
            where: XPath of the place, for the refusal.

        Raises:
            TranslationRefused: IMG-6001 no row, IMG-6002 rows for other contexts only, IMG-6003 rows of other days
                only, IMG-6004 an unconfirmed row only, IMG-6007 known to have no equivalent.
        """
        entry = self.get(code, context)
        if entry is None:
            raise self._refusal(code, context, where)
        return entry

    def get(self, code: str, context: str = "") -> Entry | None:
        """The answer for a code, or None."""
        return self.entries.get((code, context)) or self.entries.get((code, ""))

    def under(self, context: str) -> dict[str, Entry]:
        """The answers for documents of one type, by code alone."""
        if not self._under:
            general = {code: entry for (code, named), entry in self.entries.items() if not named}
            own: dict[str, dict[str, Entry]] = {"": general}
            for (code, named), entry in self.entries.items():
                if named:
                    own.setdefault(named, dict(general))[code] = entry
            self._under.update(own)
        return self._under.get(context) or self._under[""]

    def _refusal(self, code: str, context: str, where: str) -> TranslationRefused:
        rows = self.refused.get(code, ())
        contexts = sorted(row_context for known, row_context in self.entries if known == code)
        if contexts:
            number, why = "IMG-6002", f"rows exist for document type {', '.join(contexts)} only, not for {context}"
        elif any(row.direction is Direction.NONE for row in rows):
            number, why = "IMG-6007", next(row for row in rows if row.direction is Direction.NONE).evidence
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
            expected=f"{self.table}.csv: {self._row_needed(code)}",
        )

    def _row_needed(self, code: str) -> str:
        """The row that is missing, ready to complete and paste: the other code stands as a question mark."""
        pair = f"?,{code},,out" if self.source == CANONICAL else f"{code},?,,in"
        return f"{pair},widens,{self.day},,,"


@dataclass(frozen=True, slots=True)
class Index:
    """Every lookup of one day, by (source, target, list, partner)."""

    on: date
    lookups: dict[tuple[str, str, str, str], Lookup]
    labels: dict[str, dict[str, Code]]
    """The canonical codes of each list, for the labels that TRACES shows."""
    systems: frozenset[str]

    @classmethod
    def build(cls, tables: Tables, on: date, *, allow_unconfirmed: bool) -> Index:
        """Compile the rows that hold on that day; use ``Tables.compile``, which keeps the result."""
        lookups: dict[tuple[str, str, str, str], Lookup] = {}
        for code_map in sorted(tables.maps, key=lambda item: item.partner):
            codes = tables.lists[code_map.list].codes
            same = identities(code_map, tables.lists[code_map.list])
            version = f"{code_map.version}/{tables.lists[code_map.list].version}"
            usable = {
                code: code
                for code in same
                if _holds(codes[code].valid_from, codes[code].valid_to, on)
                and (allow_unconfirmed or codes[code].grade is not Grade.UNVERIFIED)
            }
            for inwards in (True, False):
                lookup = _compile(code_map, version, on, usable, inwards=inwards, allow_unconfirmed=allow_unconfirmed)
                general = lookups.get((lookup.source, lookup.target, lookup.list, ""))
                if code_map.partner and general is not None:
                    lookup.entries.update(
                        {key: value for key, value in general.entries.items() if key not in lookup.entries}
                    )
                lookups[lookup.source, lookup.target, lookup.list, code_map.partner] = lookup
        return cls(
            on,
            lookups,
            {name: code_list.codes for name, code_list in tables.lists.items()},
            frozenset({CANONICAL, *(code_map.system for code_map in tables.maps)}),
        )

    def lookup(self, source: str, target: str, name: str, partner: str = "") -> Lookup:
        """The rows of one list one way, the partner's own first.

        Raises:
            TranslationRefused: IMG-6005 there is no table for this list between these systems.
        """
        found = self.lookups.get((source, target, name, partner)) or self.lookups.get((source, target, name, ""))
        if found is None:
            raise TranslationRefused("IMG-6005", found=f"{name}: {source} to {target}", expected=self._known())
        return found

    def _known(self) -> str:
        return "a system of " + ", ".join(sorted(self.systems))


def _holds(first: date | None, last: date | None, day: date) -> bool:
    return not ((first and day < first) or (last and day > last))


def _compile(
    code_map: CodeMap, version: str, on: date, same: dict[str, str], *, inwards: bool, allow_unconfirmed: bool
) -> Lookup:
    source, target = (code_map.system, CANONICAL) if inwards else (CANONICAL, code_map.system)
    prefix = f"{code_map.system}/{code_map.list}"
    entries = {(code, ""): Entry(code, f"{prefix}/={code}", version, Loss.NONE) for code in same}
    refused: dict[str, tuple[Row, ...]] = {}
    for row in code_map.rows:
        known, becomes = (row.code, row.canonical) if inwards else (row.canonical, row.code)
        if not known or row.direction is (Direction.OUT if inwards else Direction.IN):
            continue
        usable = row.direction in (INWARDS if inwards else OUTWARDS)
        if usable and row.valid_on(on) and (allow_unconfirmed or row.grade is not Grade.UNVERIFIED):
            entries[known, row.context] = Entry(becomes or None, row.id, version, row.loss)
        else:
            refused[known] = (*refused.get(known, ()), row)
    return Lookup(source, target, code_map.list, code_map.name, version, on, entries, refused)
