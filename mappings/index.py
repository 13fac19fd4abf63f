"""The compiled form of the tables for one day: every lookup, by systems, list and partner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import TranslationRefused
from mappings.asked import Asked, Compiled
from mappings.layers import Layered
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mappings.layers import Stored
    from mappings.loading import Tables
    from mappings.lookups import Lookup
    from mappings.models import Code, CodeList, CodeMap

__all__ = ["Index"]


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
        stored = stored or {}
        lists = {name: code_list.on(on) for name, code_list in tables.lists.items()}
        lookups: dict[tuple[str, str, str, str], Lookup] = {}
        general = {(each.system, each.list): each for each in tables.maps if not each.partner}
        for code_map in sorted(tables.maps, key=lambda item: item.partner):
            below = general.get((code_map.system, code_map.list)) if code_map.partner else None
            codes = lists[code_map.list]
            for lookup in _both_ways(code_map, below, codes, stored, on, allow_unconfirmed=allow_unconfirmed):
                lookups[lookup.source, lookup.target, lookup.list, code_map.partner] = lookup
        return cls(
            on,
            lookups,
            {name: code_list.codes for name, code_list in lists.items()},
            frozenset({CANONICAL, *(code_map.system for code_map in tables.maps)}),
            version,
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


def _both_ways(
    code_map: CodeMap,
    below: CodeMap | None,
    codes: CodeList,
    stored: Mapping[tuple[str, str, str], Stored],
    on: date,
    *,
    allow_unconfirmed: bool,
) -> tuple[Lookup, Lookup]:
    """Inwards and outwards; asked code by code where a table or the list of the codes is kept in the store."""
    keys = [(each.system, each.list, each.partner) for each in (code_map, below) if each is not None]
    in_store = not stored.keys().isdisjoint(keys)
    if not in_store and isinstance(codes.codes, dict):
        layered = Layered.of(code_map, below, codes, on, allow_unconfirmed=allow_unconfirmed)
        return layered.lookup(codes, codes, inwards=True), layered.lookup(codes, codes, inwards=False)
    own = stored.get(keys[0]) or Compiled(code_map)
    general = (stored.get(keys[1]) or Compiled(below)) if below is not None else None
    asked = Asked(code_map, own, below, general, codes, on, allow_unconfirmed)
    ask = asked.lookup if in_store else asked.rest
    return ask(inwards=True), ask(inwards=False)
