"""The proofs of all tables, table by table, and between any two systems, list by list."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING

from mappings.coverage import cover
from mappings.layers import rows_in_force
from mappings.models import CANONICAL
from mappings.pair_proof import prove_codes
from mappings.periods import holds
from mappings.proof import prove_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from mappings.building import TablesState
    from mappings.coverage import Coverage
    from mappings.index import Index
    from mappings.models import CodeMap, Row
    from mappings.proof import RowProof

__all__ = ["Covered", "Proven", "cover_tables", "is_stored", "prove_pairs", "prove_tables"]


@dataclass(frozen=True, slots=True)
class Proven:
    """One table, or one list between two systems; the proofs are made as they are taken."""

    system: str
    list: str
    partner: str
    same: int
    """Codes that no row names and that are the same on both sides."""
    proofs: Iterator[RowProof]


@dataclass(frozen=True, slots=True)
class Covered:
    """How much of a list has rows, seen from one of its two sides."""

    system: str
    list: str
    partner: str
    codes_of: str
    """The side whose codes were counted."""
    coverage: Coverage


def prove_tables(
    state: TablesState,
    day: date,
    *,
    system: str = "",
    name: str = "",
    stored_rows: Callable[[CodeMap], Iterable[Row]] | None = None,
) -> Iterator[Proven]:
    """Prove each table of a version.

    Of a partner's table the general rows that it hides are proven as well: they are never chosen for that partner.

    Args:
        state: the version.
        day: whose rows count.
        system: only this one's tables.
        name: only this list.
        stored_rows: streams the rows of a table that is kept in the store; without it such tables are left out.
    """
    index = state.on(day)
    general = {(each.system, each.list): each for each in state.tables.maps if not each.partner}
    for each in _chosen(state, system, name):
        contexts = _contexts(state, each.list, {each.system})
        rows: Iterable[Row] = each.rows
        if is_stored(state, each):
            if stored_rows is None:
                continue
            rows = stored_rows(each)
        proofs = prove_rows(rows, index, each.system, each.list, partner=each.partner, contexts=contexts)
        below = general.get((each.system, each.list)) if each.partner else None
        if below is not None:
            left = set(rows_in_force(below.rows, each.rows, day, allow_unconfirmed=state.allow_unconfirmed))
            hidden = (row for row in below.rows if row not in left)
            more = prove_rows(
                hidden, index, each.system, each.list, partner=each.partner, contexts=contexts, overlaid=True
            )
            proofs = chain(proofs, more)
        yield Proven(each.system, each.list, each.partner, _same(index, each), iter(proofs))


def prove_pairs(state: TablesState, day: date, source: str, target: str, *, name: str = "") -> Iterator[Proven]:
    """Prove each list that both systems have, code by code, from one through the canonical system to the other.

    The codes are those of the source's own list, where it is known, and all that its rows name.
    """
    index = state.on(day)
    lists = {each.list for each in _chosen(state, source, name)}
    for of in sorted(lists & {each.list for each in _chosen(state, target, name)}):
        contexts = _contexts(state, of, {source, target})
        yield Proven(
            source,
            of,
            "",
            0,
            prove_codes(_codes(state, index, source, of), index, source, target, of, contexts=contexts),
        )


def cover_tables(
    state: TablesState,
    day: date,
    *,
    system: str = "",
    name: str = "",
    stored_rows: Callable[[CodeMap], Iterable[Row]] | None = None,
) -> Iterator[Covered]:
    """Count, for each table, the canonical codes and the system's own that have rows.

    Args:
        state: the version.
        day: whose rows count.
        system: only this one's tables.
        name: only this list.
        stored_rows: streams the rows of a table that is kept in the store; without it such tables and lists are left
            out.
    """
    index = state.on(day)
    for each in _chosen(state, system, name):
        stored = is_stored(state, each)
        if stored_rows is None and (stored or not isinstance(state.tables.lists[each.list].codes, dict)):
            continue
        contexts = _contexts(state, each.list, {each.system})
        into = index.lookup(each.system, CANONICAL, each.list, each.partner)
        out = index.lookup(CANONICAL, each.system, each.list, each.partner)
        canonical = cover(_valid(state, each.list, day), into, out, contexts)
        codes: Iterable[str] = _codes(state, index, each.system, each.list)
        if stored and stored_rows is not None:  # by code, so that the same ones follow each other
            codes = (code for code, _ in groupby(row.code for row in stored_rows(each)) if code)
        own = cover(codes, out, into, contexts)
        yield Covered(each.system, each.list, each.partner, CANONICAL, canonical)
        yield Covered(each.system, each.list, each.partner, each.system, own)


def is_stored(state: TablesState, code_map: CodeMap) -> bool:
    """Whether the rows of a table are asked of the store one by one."""
    return not code_map.rows and (code_map.system, code_map.list, code_map.partner) in state.stored


def _chosen(state: TablesState, system: str, name: str) -> Iterator[CodeMap]:
    for each in state.tables.maps:
        if system in ("", each.system) and name in ("", each.list):
            yield each


def _contexts(state: TablesState, name: str, systems: set[str]) -> frozenset[str]:
    maps = (each for each in state.tables.maps if each.list == name and each.system in systems)
    return frozenset(row.context for each in maps for row in each.rows if row.context)


def _codes(state: TablesState, index: Index, system: str, name: str) -> list[str]:
    """The codes of a system: of its own list, of its rows, and those that are the same as the canonical ones."""
    own = state.tables.own_lists.get((system, name))
    entries = index.lookup(system, CANONICAL, name).entries
    rows = (row for each in _chosen(state, system, name) for row in each.rows)
    known = own.codes if own is not None and isinstance(own.codes, dict) else ()
    named = chain(known, (row.code for row in rows), (code for code, _ in entries))
    return [code for code in dict.fromkeys(named) if code]


def _valid(state: TablesState, name: str, day: date) -> Iterator[str]:
    """The canonical codes that the list has on a day."""
    for code in state.tables.lists[name].on(day).codes.values():
        if holds(code, day):
            yield code.code


def _same(index: Index, code_map: CodeMap) -> int:
    prefix = f"{code_map.system}/{code_map.list}/="
    into = index.lookup(code_map.system, CANONICAL, code_map.list, code_map.partner)
    return sum(entry.row_id.startswith(prefix) for entry in into.entries.values())
