"""``imsoc quarantine``: what is held because codes in it have no translation, why, and how it leaves."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Group

from gateway.cli.desk import Desk, ExitCode, Json, facts, listing, printable, state_named
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.exchange import Quarantine, Released
    from gateway.store import GapRow, QuarantineRow

__all__ = ["app"]

app = typer.Typer(help="Look after messages that are held for want of mapping rows.", no_args_is_help=True)

_COLUMNS: Final = (
    "id",
    "received_at",
    "direction",
    "partner",
    "document",
    "status",
    "state",
    "code",
    "translates",
)
_GAPS: Final = ("list", "code", "context", "from", "to", "why", "place")
CANONICAL: Final = "traces"
"""The system in whose codes everything is kept; ``mappings.CANONICAL``, which start-up has no time for."""
_NO_COMMAND: Final = "no row can be added for what its sender has to correct:"
_STATES: Final = "held, released, discarded, superseded"
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    code_list: Annotated[str, typer.Option("--list", help="Only where a code of this list is missing.")] = "",
    code: Annotated[str, typer.Option(help="Only where this code is missing.")] = "",
    partner: Annotated[str, typer.Option(help="Only from or to this partner.")] = "",
    document: Annotated[str, typer.Option(help="Only this document: AR/851/2026-1, or its number alone.")] = "",
    state: Annotated[str | None, typer.Option(help=f"Only in this state: {_STATES}.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List what is or was held, the newest first, and what of it would translate now and is not confirmed yet."""
    desk = Desk.of(ctx, as_json)
    from gateway.app import operating_quarantine  # noqa: PLC0415 - start-up
    from gateway.store import QuarantineQuery, QuarantineState  # noqa: PLC0415 - start-up

    query = QuarantineQuery(
        state=state_named(QuarantineState, state),
        list=code_list,
        code=code,
        partner=partner,
        subject=document,
        limit=limit,
    )
    with operating_quarantine(desk.settings) as quarantine:
        rows = [_summary(row, ready=quarantine.would_go(row)) for row in quarantine.find(query)]
    desk.answer({"quarantine": rows}, listing(_COLUMNS, rows) if rows else "none")


@app.command()
def show(
    ctx: typer.Context,
    quarantine_id: Annotated[str, typer.Argument(help="Id of an entry.", metavar="ID")],
    as_json: Json = False,
) -> None:
    """Explain one: why it is held, each code with the row that it needs, and what its sender was told."""
    desk = Desk.of(ctx, as_json)
    from gateway.app import operating_quarantine  # noqa: PLC0415 - start-up

    with operating_quarantine(desk.settings) as quarantine:
        row, gaps = quarantine.explain(quarantine_id)
        ready = quarantine.would_go(row)
    data = _summary(row, ready=ready) | {
        "contract": row.contract,
        "operation": row.operation,
        "sha256": row.digest.hex(),
        "message_id": row.sender_message_id,
        "held_in": row.held_in,
        "became": row.exchange_id,
        "tables": row.tables,
        "told": row.answer.get("message", ""),
        "changed_at": f"{row.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "changed_by": row.actor,
        "reason": row.reason,
    }
    view = facts((name, value) for name, value in data.items() if value not in (None, ""))
    missing = [_gap(gap) for gap in gaps]
    needed = [{"code": gap.code, "row": gap.needed, "command": _command(desk, gap)} for gap in gaps if gap.needed]
    parts: list[Any] = [view]
    if missing:
        parts += ["\nCodes without a translation", listing(_GAPS, missing)]
    if needed and row.state == "held":
        parts += ["\nWhat is needed, with the code of the other side for the question mark:"]
        parts += [each["command"] or f"{_NO_COMMAND} {printable(each['code'])}" for each in needed]
    desk.answer(data | {"gaps": missing, "needed": needed}, Group(*parts))


@app.command()
def release(
    ctx: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of entries.", metavar="[ID]...")] = None,
    all_ready: Annotated[bool, typer.Option("--all-ready", help="All that would translate now, oldest first.")] = False,
    at_most: Annotated[
        int | None, typer.Option("--at-most", min=1, help="No more than so many, with what waits for them.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and release nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Judge held messages again with the tables of now, and let those go that are understood.

    A discarded one that is named by its id is taken back: it goes, or is held again.
    """
    desk = Desk.of(ctx, as_json)
    if bool(ids) == all_ready or (all_ready and at_most is None and not dry_run):
        raise ConfigurationError(
            "IMG-0106", "Say what to release", where="release", expected="ids, or --all-ready with --at-most N"
        )
    from gateway.app import operating_quarantine  # noqa: PLC0415 - start-up
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up

    with operating_quarantine(desk.settings) as quarantine:
        wanted = list(ids or (row.id for row in quarantine.ready()))
        if dry_run:
            rows = [_summary(row, ready=quarantine.would_go(row)) for row in _would_go(quarantine, wanted, at_most)]
            desk.answer({"would_release": rows}, listing(_COLUMNS, rows) if rows else "nothing would go")
            return
        bar = _told(desk, wanted)
        done = [_released(each) for each in _release(quarantine, bar, at_most, actor=operator())]
    desk.answer({"released": done}, listing(["id", "outcome", "became", "code", "message"], done) if done else "none")
    if any(each["outcome"] != "released" for each in done):
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def discard(
    ctx: typer.Context,
    quarantine_id: Annotated[str, typer.Argument(help="Id of an entry.", metavar="ID")],
    reason: Annotated[str, typer.Option(help="Why; its sender is told.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Refuse a held message for good. Its sender is told the reason when it asks, or sends it again.

    `imsoc quarantine release ID` takes it back.
    """
    desk = Desk.of(ctx, as_json)
    from gateway.app import operating_quarantine  # noqa: PLC0415 - start-up
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up

    if not reason.strip():
        raise ConfigurationError("IMG-0106", "A reason is needed", where="--reason", expected="a sentence")
    with operating_quarantine(desk.settings) as quarantine:
        row = quarantine.discard(quarantine_id, actor=operator(), reason=reason.strip())
    desk.answer({"id": row.id, "state": row.state.value}, f"{row.id}: {row.state}")


def _would_go(quarantine: Quarantine, ids: list[str], at_most: int | None) -> list[QuarantineRow]:
    """What `_release` would try, each with what waits for it behind it."""
    rows: dict[str, QuarantineRow] = {}
    for each in ids:
        family = {row.id: row for row in quarantine.family(each) if row.id not in rows}
        if at_most is not None and len(rows) + len(family) > at_most:
            break
        rows.update(family)
    return list(rows.values())


def _release(quarantine: Quarantine, ids: Iterable[str], at_most: int | None, *, actor: str) -> Iterator[Released]:
    """The oldest first, until the bound does not take the next one with all that waits for it."""
    from gateway.exchange import ReleaseOutcome  # noqa: PLC0415 - start-up

    went: set[str] = set()
    for each in ids:
        room = None if at_most is None else at_most - len(went)
        if room == 0:
            return
        if each in went:
            continue
        done = quarantine.release(each, actor=actor, room=room)
        for one in (done, *done.followers):
            went.update([one.id] if one.outcome is ReleaseOutcome.RELEASED else ())
            yield one
        if done.outcome is ReleaseOutcome.UNCONFIRMED:
            return


def _told(desk: Desk, ids: list[str]) -> list[str] | Any:
    """With a bar on a terminal: releasing seals each acknowledgement."""
    if desk.as_json or len(ids) < _WORTH_A_BAR or not sys.stderr.isatty():
        return ids
    from rich.progress import track  # noqa: PLC0415 - start-up

    return track(ids, "Releasing", console=desk.errors)


_WORTH_A_BAR: Final = 10


def _summary(row: QuarantineRow, *, ready: bool) -> dict[str, Any]:
    return {
        "id": row.id,
        "received_at": f"{row.received_at:%Y-%m-%dT%H:%M:%SZ}",
        "direction": row.direction.value,
        "partner": row.partner,
        "document": row.subject,
        "status": row.status_code,
        "state": row.state.value,
        "code": row.code,
        "translates": "yes, not confirmed" if ready else "",
    }


def _gap(gap: GapRow) -> dict[str, Any]:
    return {
        "list": gap.list,
        "code": gap.code,
        "context": gap.context,
        "from": gap.source,
        "to": gap.target,
        "why": f"{gap.refusal} {gap.message}",
        "place": gap.path,
    }


def _command(desk: Desk, gap: GapRow) -> str:
    """``imsoc mappings add`` with the row, complete but for the code of the other side.

    The code came in a document: whatever it is, a shell takes it as text. Empty for one that a terminal would not show
    as it is, and where not all of the row is kept: no row can be added for such a code, or only one for another.
    """
    row = gap.needed.partition(": ")[2]
    if not row.isprintable() or row.endswith("…"):
        return ""
    system = gap.source if gap.target == CANONICAL else gap.target
    return desk.command(f"mappings add {system} {gap.list} --row {shlex.quote(row)} --reason '...' --release 1")


def _released(done: Released) -> dict[str, Any]:
    return {
        "id": done.id,
        "outcome": done.outcome.value,
        "became": done.exchange_id,
        "code": done.code,
        "message": done.message,
    }
