"""``imsoc mappings lookup``: what one code becomes, by which row, why, and whether it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, Json, facts
from gateway.cli.mappings import app
from gateway.cli.mappings_desk import From, On, PartnerOption, To, day_of, open_tables

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.cli.mappings_desk import OpenTables
    from mappings.lookups import Entry, Lookup


@app.command()
def lookup(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="As it stands in a document.")],
    name: Annotated[str, typer.Option("--list", help="As imsoc mappings list calls it.")],
    source: From,
    target: To = "traces",
    context: Annotated[str, typer.Option(help="Where it stands: a document type, or 636/P for a CHED-P.")] = "",
    partner: PartnerOption = "",
    on: On = "",
    as_json: Json = False,
) -> None:
    """Say what a code becomes, by which row and why; or refuse it with the row that is needed.

    Exit code 1 when there is no answer.
    """
    desk = Desk.of(ctx, as_json)
    from mappings.engine import steps  # noqa: PLC0415 - start-up
    from mappings.pair_proof import prove_codes  # noqa: PLC0415 - start-up

    day = day_of(on)
    told: list[dict[str, Any]] = []
    with open_tables(desk) as known:
        known.check_system(source, "--from")
        known.check_system(target, "--to")
        index = known.live.on(day)
        at = code
        for step_source, step_target in steps(source, target):
            table = index.lookup(step_source, step_target, name, partner)
            entry = table.find(at, context, where=f"CODE, {step_source} to {step_target}")
            told.append(_answer(known, table, entry, at, partner))
            if entry.target is None:
                break
            at = entry.target
        places = (context,) if context else ()
        *_, proof = prove_codes([code], index, source, target, name, partner=partner, contexts=places)
        version = index.version
    result = told[-1]["becomes"]
    data = {"code": code, "becomes": result, "context": context, "on": day.isoformat(), "tables": version}
    data |= {"answers": told, "way_back": {"verdict": proof.verdict.value, "reason": proof.reason}}
    views: list[RenderableType] = [f"{code} -> {result or '(left out)'}"]
    for step in told:
        rows = ((key.replace("_", " "), _words(value)) for key, value in step.items() if value)
        views += [f"\n{step['from']} to {step['to']}", facts(rows)]
    views.append(f"\nway back: {proof.verdict.value}, {proof.reason}")
    desk.answer(data, Group(*views))


def _words(value: Any) -> str:
    return f"{value['at']} by {value['by']}: {value['reason']}" if isinstance(value, dict) else str(value)


def _answer(known: OpenTables, table: Lookup, entry: Entry, code: str, partner: str) -> dict[str, Any]:
    return {
        "from": table.source,
        "to": table.target,
        "code": code,
        "becomes": entry.target or "",
        "row": entry.row_id,
        "loss": entry.loss.value,
        "table": table.table,
        "version": entry.version,
    } | _why(known, table, entry, code, partner)


def _why(known: OpenTables, table: Lookup, entry: Entry, code: str, partner: str) -> dict[str, Any]:
    """What the row itself says, and who added it."""
    from gateway.cli.mappings_desk import history_of  # noqa: PLC0415 - start-up
    from gateway.store import RowKind, TableKey  # noqa: PLC0415 - start-up
    from mappings.listing import list_rows  # noqa: PLC0415 - start-up
    from mappings.models import CANONICAL  # noqa: PLC0415 - start-up

    marker = entry.row_id.rpartition("/")[2][:1]
    if marker == "=":
        return {"why": "no row names it: it is the same on both sides"}
    if marker == "~":
        return {"why": f"no row names it: the rule {entry.row_id.rpartition('~')[2]} answers"}
    system = table.source if table.target == CANONICAL else table.target
    for owner in dict.fromkeys((partner, "")):
        key = TableKey(RowKind.MAP, system, table.list, owner)
        for each in list_rows(known.base, known.store, known.edition, key, code=code):
            if each.row.id == entry.row_id and not each.withdrawn:
                row, editions = each.row, known.editions()
                return {
                    "why": row.evidence,
                    "grade": row.grade.value,
                    "context": row.context,
                    "direction": row.direction.value,
                    "valid_from": row.valid_from.isoformat() if row.valid_from else "",
                    "valid_to": row.valid_to.isoformat() if row.valid_to else "",
                    "added": history_of(editions.get(each.edition)),
                }
    return {}
