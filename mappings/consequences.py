"""What a planned change does to translations: codes that lose their answer, get one or another, or their way back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from gateway.store import RowKind
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mappings.building import TablesState
    from mappings.changes import ChangePlan
    from mappings.index import Index
    from mappings.live import LiveTables
    from mappings.lookups import Lookup
    from mappings.scratch import Stands

__all__ = ["JUDGED", "Consequence", "consequences", "judged_rows", "try_plan"]

JUDGED: Final = 2_000
"""Rows of a change whose consequences are told; of a larger one the first."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """One question that gets another answer on the effective day."""

    what: str
    """``unmapped``, ``mapped``, ``changed`` or ``one way``: there and back gave the same and does not any more."""
    source: str
    target: str
    code: str
    context: str
    before: str
    after: str


def judged_rows(plan: ChangePlan) -> list[Stands]:
    """The rows whose consequences are told."""
    return list(islice(chain((row for row, _ in plan.ending()), plan.entering()), JUDGED))


def try_plan(live: LiveTables, plan: ChangePlan, rows: list[Stands], codes: set[str]) -> TablesState:
    """The tables as they would be; of a large change the rows that anybody is going to ask about.

    Args:
        live: the tables.
        plan: the change.
        rows: from `judged_rows`.
        codes: others that will be asked for.
    """
    if not plan.is_large:
        return live.try_change(plan.as_change())
    asked = codes | {row.code for row in rows} | {row.canonical for row in rows}
    return live.try_change(plan.as_change(lambda row: row.code in asked or row.canonical in asked))


def consequences(plan: ChangePlan, rows: list[Stands], before: Index, after: Index) -> list[Consequence]:
    """What becomes of the codes that rows speak of.

    Args:
        plan: the change.
        rows: from `judged_rows`.
        before: the tables of the effective day without it.
        after: with it.
    """
    seen: set[tuple[str, str, str, str]] = set()
    found: list[Consequence] = []
    for system in _systems(plan, after):
        for row in rows:
            for source, target, code in _questions(row, system):
                question = (source, target, code, row.context)
                if code and question not in seen:
                    seen.add(question)
                    found += _told(plan, question, before, after)
    return sorted(found, key=lambda each: _WORST.index(each.what))


_WORST: Final = ("unmapped", "one way", "changed", "mapped")


def _systems(plan: ChangePlan, index: Index) -> list[str]:
    """Those whose translations the table decides."""
    if plan.table.kind is RowKind.MAP:
        return [plan.table.system]
    if plan.table.system != CANONICAL:
        return []
    return sorted({source for source, _, name, _ in index.lookups if name == plan.table.list and source != CANONICAL})


def _questions(row: Stands, system: str) -> Iterator[tuple[str, str, str]]:
    """Source, target and code: both codes in both directions.

    A code that no row named was the same on both sides, where the table says so; a row about it ends that too.
    """
    for code in dict.fromkeys((row.code, row.canonical)):
        yield system, CANONICAL, code
        yield CANONICAL, system, code


def _told(plan: ChangePlan, question: tuple[str, str, str, str], before: Index, after: Index) -> Iterator[Consequence]:
    source, target, code, context = question
    was, now = (_answer(index, plan, question) for index in (before, after))
    if was == now:
        if was is not None and _returns(before, plan, question) and not _returns(after, plan, question):
            yield Consequence("one way", source, target, code, context, was, now or "")
        return
    what = "unmapped" if now is None else "mapped" if was is None else "changed"
    yield Consequence(what, source, target, code, context, _shown(was), _shown(now))


def _answer(index: Index, plan: ChangePlan, question: tuple[str, str, str, str]) -> str | None:
    """What a code becomes; empty where it is left out, None without an answer."""
    source, target, code, context = question
    lookup = _lookup(index, plan, source, target)
    entry = lookup.get(code, context) if lookup is not None else None
    return None if entry is None else entry.target or ""


def _returns(index: Index, plan: ChangePlan, question: tuple[str, str, str, str]) -> bool:
    source, target, code, context = question
    becomes = _answer(index, plan, question)
    return bool(becomes) and _answer(index, plan, (target, source, becomes or "", context)) == code


def _lookup(index: Index, plan: ChangePlan, source: str, target: str) -> Lookup | None:
    name, partner = plan.table.list, plan.table.partner
    return index.lookups.get((source, target, name, partner)) or index.lookups.get((source, target, name, ""))


def _shown(answer: str | None) -> str:
    return "refused" if answer is None else answer or "(left out)"
