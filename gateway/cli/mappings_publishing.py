"""How a command changes tables: plan, preview, question, publication; for one typed row as for 10^6 imported ones."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Group
from rich.progress import Progress, SpinnerColumn, TextColumn

from gateway.cli.desk import listing
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from rich.console import RenderableType

    from gateway.cli.desk import Desk
    from gateway.cli.mappings_desk import OpenTables
    from gateway.store import Edition, Store
    from mappings.changes import ChangePlan, Rows
    from mappings.scratch import Stands
    from mappings.settling import Mode

    Step = Callable[[str, int], None]

__all__ = [
    "Author",
    "Change",
    "DryRun",
    "Effective",
    "Messages",
    "Reason",
    "Release",
    "Yes",
    "ask",
    "carry_out",
    "progress",
    "require_reason",
    "store_of",
]

Reason = Annotated[str, typer.Option("--reason", help="Why, for everybody who asks later. Required.")]
Author = Annotated[str, typer.Option("--author", help="Who answers for it. [default: the account that runs it]")]
Effective = Annotated[
    str, typer.Option("--effective", metavar="DAY", help="ISO day from which it holds. [default: today, UTC]")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask: the preview was looked at.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only the preview.")]
Release = Annotated[
    int, typer.Option("--release", min=0, help="Release at most so many messages from quarantine on its account.")
]
Messages = Annotated[
    int, typer.Option("--messages", min=0, help="Look at so many stored messages for the preview, the newest first.")
]

_SHOWN: Final = 20
"""Rows of each kind that a preview shows; --json has as many."""
_ROWS: Final = ("code", "canonical", "context", "direction", "loss", "days", "grade", "text")
_CODES: Final = ("code", "name", "parent", "days", "grade", "text")
_CONSEQUENCES: Final = ("what", "source", "target", "code", "context", "before", "after", "days")
_MESSAGES: Final = ("message", "subject", "place", "code", "before", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the options of a command say about the change that it makes."""

    reason: str
    effective_on: date
    mode: Mode
    author: str = ""
    kind: str = "change"
    yes: bool = False
    dry_run: bool = False
    release: int = 0
    messages: int = 0
    new_list: bool = False
    new_system: bool = False
    closing: int | None = None
    """Of a list that is loaded as a whole: how many of its codes may end where more than half would."""


def store_of(known: OpenTables) -> Store:
    """The store that takes the change.

    Raises:
        ConfigurationError: IMG-0111, there is none.
    """
    if known.store is None:
        raise ConfigurationError("IMG-0111", where="store.url", found="no such file", expected="imsoc db upgrade")
    return known.store


def require_reason(reason: str) -> None:
    """Refuse a change without one.

    Raises:
        ConfigurationError: IMG-0106.
    """
    if not reason.strip():
        raise ConfigurationError("IMG-0106", "No reason is given", where="--reason", expected="why the tables change")


def carry_out(desk: Desk, known: OpenTables, rows: Rows, change: Change) -> None:
    """Preview a change, ask, and make it the next edition.

    Raises:
        ConfigurationError: IMG-0106 no reason; IMG-0131 and IMG-0133 to IMG-0137 the rows; IMG-0138 somebody else was
            faster; IMG-0139 nobody said yes.
        TranslationRefused: IMG-6009, there is no such list.
    """
    from mappings.changes import plan_change  # noqa: PLC0415 - start-up

    store = store_of(known)
    require_reason(change.reason)
    with progress(desk) as step:
        plan = plan_change(
            known.live,
            rows,
            effective_on=change.effective_on,
            mode=change.mode,
            new_list=change.new_list,
            new_system=change.new_system,
            step=step,
        )
    with plan:
        data, view = _preview(desk, known, store, plan, change)
        if change.closing is not None:
            _bound(known, plan, change)
        if change.dry_run or plan.is_empty:
            desk.answer(data, view)
            return
        ask(desk, view, yes=change.yes)
        edition = _publish(desk, store, plan, change)
    version = f"{edition.number}@{known.live.base_digest}"
    told = f"Edition {edition.number}: {edition.added} rows added, {edition.closed} closed. Tables {version}"
    desk.answer(data | {"edition": edition.number, "tables": version, "published": True}, told)


@contextmanager
def progress(desk: Desk) -> Iterator[Step]:
    """Counts what is done on a terminal; silent elsewhere."""
    silent = desk.as_json or not desk.errors.is_terminal
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"))
    with Progress(*columns, console=desk.errors, transient=True, disable=silent) as bars:
        tasks: dict[str, Any] = {}

        def step(what: str, count: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=None)
            bars.update(tasks[what], completed=count)

        yield step


def _publish(desk: Desk, store: Store, plan: ChangePlan, change: Change) -> Edition:
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from mappings.publishing import publish  # noqa: PLC0415 - start-up

    with progress(desk) as step:
        return publish(
            store,
            plan,
            author=change.author.strip() or operator(),
            reason=change.reason.strip(),
            at=datetime.now(UTC),
            kind=change.kind,
            release_limit=change.release,
            step=step,
        )


def _bound(known: OpenTables, plan: ChangePlan, change: Change) -> None:
    from gateway.cli.list_bounds import of_plan, require_bound  # noqa: PLC0415 - start-up

    require_bound([of_plan(known, plan)], change.closing or 0, dry_run=change.dry_run)


def ask(desk: Desk, view: RenderableType, *, yes: bool) -> None:
    """Show a preview and wait for a yes.

    Raises:
        ConfigurationError: IMG-0139, nobody said it.
    """
    if not desk.as_json:
        desk.console.print(view)
    if yes:
        return
    if desk.as_json or not _is_terminal():
        raise ConfigurationError("IMG-0139", found="no terminal to ask on", expected="--yes, or --dry-run to look")
    if not typer.confirm("\nPublish this change?", err=True):
        raise ConfigurationError("IMG-0139", found="no", expected="yes")


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _preview(
    desk: Desk, known: OpenTables, store: Store, plan: ChangePlan, change: Change
) -> tuple[dict[str, Any], RenderableType]:
    """What the change does, as plain values and for people."""
    from mappings.changes import systems_of  # noqa: PLC0415 - start-up

    system, name, partner = plan.table[1:]
    data: dict[str, Any] = {
        "table": {"kind": plan.table.kind.value, "system": system, "list": name, "partner": partner},
        "effective_on": plan.effective_on.isoformat(),
        "new_system": system not in systems_of(known.live.latest.tables),
        "in_the_past": plan.effective_on < _today(),
        "source": plan.source,
        "added": plan.added,
        "closed": plan.closed,
        "unchanged": plan.unchanged,
        "published": False,
    }
    if plan.is_empty:
        return data, f"Nothing changes: {plan.unchanged} rows say what is there already."
    adds = [_row(row) for row in islice(plan.entering(), _SHOWN)]
    ends = [_row(row) | {"id": row.id, "last_day": last or "withdrawn"} for row, last in islice(plan.ending(), _SHOWN)]
    data |= {"rows_added": adds, "rows_closed": ends, "planned": [*_planned(plan)]}
    data |= _effects(desk, known, store, plan, change)
    return data, Group(*_views(data, plan))


def _views(data: dict[str, Any], plan: ChangePlan) -> Iterator[RenderableType]:
    of = f"{plan.table.system}/{plan.table.list}" + (f" for {plan.table.partner}" if plan.table.partner else "")
    yield f"{of}, from {plan.effective_on} on: {plan.added} added, {plan.closed} closed, {plan.unchanged} unchanged"
    if data["new_system"]:
        yield f"\nATTENTION: {plan.table.system} IS A NEW SYSTEM: no table knows it yet."
    if data["in_the_past"]:
        yield f"\nATTENTION: {plan.effective_on} IS IN THE PAST. Days that are over get other answers too."
    named = ("rows_closed", "Closed"), ("rows_added", "Added")
    for key, heading in named:
        if data[key]:
            count = plan.added if key == "rows_added" else plan.closed
            yield f"\n{heading}" + (f", the first {_SHOWN} of {count}" if count > _SHOWN else "")
            columns = _ROWS if plan.table.kind == "map" else _CODES
            yield listing((*(("id", "last_day") if key == "rows_closed" else ()), *columns), data[key])
    yield from (f"\n{said}" for said in data["planned"])
    if data["consequences"]:
        days = ", ".join(map(_named, data["judged_days"]))
        yield f"\nOther answers ({data['judged']} rows of the change judged; on {days})"
        yield listing(_CONSEQUENCES, data["consequences"][:_SHOWN])
        if len(data["consequences"]) > _SHOWN:
            yield f"and {len(data['consequences']) - _SHOWN} more (--json lists them)"
    yield f"\n{data['messages_different']} of {data['messages_looked_at']} stored messages would translate differently"
    if data["messages"]:
        yield listing(_MESSAGES, data["messages"][:_SHOWN])
    if data["releasable"]:
        yield (
            f"\n{data['releasable']} messages in quarantine would translate; "
            f"released on its account: at most {data['release']} (--release N)"
        )


def _effects(desk: Desk, known: OpenTables, store: Store, plan: ChangePlan, change: Change) -> dict[str, Any]:
    """What it does to codes, to stored messages and to messages in quarantine."""
    from gateway.cli.checks import load_partners  # noqa: PLC0415 - start-up
    from gateway.exchange.preview import differences, find_candidates, gap_codes, releasable  # noqa: PLC0415 - start-up
    from mappings.consequences import consequences, judged_days, judged_rows, try_plan  # noqa: PLC0415 - start-up

    partners = {each.id: each for each in load_partners(desk)}
    looked = 0
    rows = judged_rows(plan)
    with progress(desk) as step:

        def told(what: str, count: int) -> None:
            nonlocal looked
            looked = count
            step(what, count)

        candidates = list(find_candidates(store, plan, partners, limit=change.messages, step=told))
        codes = {code for each in candidates for code in each.codes} | gap_codes(store, plan.table.list)
        changed = try_plan(known.live, plan, rows, codes)
        days = judged_days(plan, _today())
        told_of = consequences(plan, rows, known.live.state, changed, days)
        day = max(plan.effective_on, _today())  # a message is translated again today, or when the change holds
        after, before = changed.on(day), known.live.on(day)
        different: list[dict[str, Any]] = []
        messages = 0
        for count, candidate in enumerate(candidates, 1):
            partner = partners[candidate.exchange.partner]
            found = differences(candidate, partner, before, after, limits=desk.settings.limits)
            different += [asdict(each) for each in found]
            messages += bool(found)
            step("messages translated again", count)
        held = sum(1 for _ in releasable(store, after)) - sum(1 for _ in releasable(store, before))
    return {
        "consequences": [asdict(each) | {"days": [str(day) for day in each.days]} for each in told_of],
        "judged": len(rows),
        "judged_days": [str(day) for day in days],
        "messages": different,
        "messages_different": messages,
        "messages_looked_at": looked,
        "releasable": held,
        "release": change.release,
    }


def _today() -> date:
    return datetime.now(UTC).date()


def _named(day: str) -> str:
    return f"{day} (today)" if day == _today().isoformat() else day


def _planned(plan: ChangePlan) -> Iterator[str]:
    """What becomes of rows that are planned, in words."""
    today = _today().isoformat()
    for row, planned in plan.shortened:
        yield (
            f"{_pair(row)} ends on {row.last}: {planned.id} ({_pair(planned)}) is planned from {planned.first} on and "
            f"stays. To give it up: imsoc mappings close {shlex.quote(planned.id)} --last {row.last}"
        )
    gone = (row for row, last in plan.ending() if not last and row.first > today)
    for row in islice(gone, _SHOWN):
        yield f"{row.id} ({_pair(row)}), planned from {row.first} on, is withdrawn before it begins"


def _pair(row: Stands) -> str:
    return f"{row.code}={row.canonical}" if row.canonical else row.code


def _row(row: Stands) -> dict[str, Any]:
    days = f"{row.first or '…'} to {row.last or '…'}" if row.first or row.last else ""
    said = {"code": row.code, "canonical": row.canonical, "context": row.context, "direction": row.direction}
    said |= {"loss": row.loss, "days": days, "grade": row.grade, "text": row.text}
    said |= {"name": row.name, "parent": row.parent} if row.name or row.parent else {}
    return {"line": row.line, **said} if row.line else said
