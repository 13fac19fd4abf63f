"""What a planned change does to translations: codes that lose their answer, get one or another, or their way back.

Asked for today, for the effective day and for each day on which a row of the change begins or is over: a change of the
past or of next month says what it does then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from gateway.store import RowKind
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mappings.building import TablesState
    from mappings.changes import ChangePlan
    from mappings.index import Index
    from mappings.live import LiveTables
    from mappings.lookups import Lookup
    from mappings.scratch import Stands

__all__ = ["DAYS", "JUDGED", "Consequence", "consequences", "judged_days", "judged_rows", "try_plan"]

JUDGED: Final = 2_000
"""Rows of a change whose consequences are told; of a larger one the first."""
DAYS: Final = 8
"""Days for which they are told; of a change with more those nearest to today."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """One question that gets another answer."""

    what: str
    """``unmapped``, ``mapped``, ``changed`` or ``one way``: there and back gave the same and does not any more."""
    source: str
    target: str
    code: str
    context: str
    before: str
    after: str
    days: tuple[date, ...]
    """Those of the judged days on which it is so, in their order."""


def judged_days(plan: ChangePlan, today: date) -> tuple[date, ...]:
    """The days for which consequences are told, in their order, at most `DAYS`.

    Args:
        plan: the change.
        today: always one of them, as the effective day is.
    """
    days = dict.fromkeys(("", today.isoformat(), plan.effective_on.isoformat()))
    edges: set[str] = set()
    for row in islice(plan.entering(), JUDGED):
        edges |= {row.first or row.last, _next(row.last)}
    for row, last_day in islice(plan.ending(), JUDGED):
        edges.add(_next(last_day) if last_day else row.first)
    near = sorted(edges - days.keys(), key=lambda day: abs(date.fromisoformat(day) - today))
    found = [day for day in days if day] + near
    return tuple(sorted(map(date.fromisoformat, found[:DAYS])))


def _next(day: str) -> str:
    """The day after; empty where there is none."""
    found = date.fromisoformat(day) if day else date.max
    return (found + timedelta(days=1)).isoformat() if found < date.max else ""


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


def consequences(
    plan: ChangePlan, rows: list[Stands], before: TablesState, after: TablesState, days: Sequence[date]
) -> list[Consequence]:
    """What becomes of the codes that rows speak of.

    Args:
        plan: the change.
        rows: from `judged_rows`.
        before: the tables without it.
        after: with it.
        days: from `judged_days`.
    """
    found: dict[Consequence, list[date]] = {}
    for day in days:
        was, now = before.on(day), after.on(day)
        questions = (
            (source, target, code, row.context)
            for system in _systems(plan, now)
            for row in rows
            for source, target, code in _questions(row, system)
            if code
        )
        for question in dict.fromkeys(questions):
            for each in _told(plan, question, was, now):
                found.setdefault(each, []).append(day)
    told = (replace(each, days=tuple(on)) for each, on in found.items())
    return sorted(told, key=lambda each: (_WORST.index(each.what), each.days))


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
            yield Consequence("one way", source, target, code, context, was, now or "", ())
        return
    what = "unmapped" if now is None else "mapped" if was is None else "changed"
    yield Consequence(what, source, target, code, context, _shown(was), _shown(now), ())


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
