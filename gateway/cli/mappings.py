"""``imsoc mappings``: the tables of codes, what they say, and who changed them when and why."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, Json, facts, listing
from gateway.cli.mappings_desk import On, PartnerOption, day_of, open_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from gateway.cli.mappings_desk import OpenTables

__all__ = ["Limit", "app"]

app = typer.Typer(help="Look at, prove and change how codes are translated.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")]

_TABLES = ("system", "list", "partner", "kind", "rows", "changed", "kept", "grade", "version")
_ROWS = ("code", "canonical", "context", "direction", "loss", "days", "grade", "state", "evidence", "added")
_CODES = ("code", "name", "labels", "days", "grade", "state", "note", "added")
_EDITIONS = ("edition", "at", "by", "kind", "effective_on", "added", "closed", "tables", "source", "reason")


@app.command("list")
def list_(
    ctx: typer.Context,
    system: Annotated[str, typer.Option(help="Only tables of this code system.")] = "",
    name: Annotated[str, typer.Option("--list", help="Only tables of this list.")] = "",
    partner: Annotated[str, typer.Option(help="Only tables of this partner's own rows.")] = "",
    grade: Annotated[str, typer.Option(help="Only tables of this grade, such as secondary.")] = "",
    as_json: Json = False,
) -> None:
    """List the tables: whose codes, how many rows, how well evidenced, in which version."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.mappings_rows import tables  # noqa: PLC0415 - start-up

    wanted = {"system": system, "list": name, "partner": partner, "grade": grade}
    with open_tables(desk) as known:
        rows = [row for row in tables(known) if all(row[key] == value for key, value in wanted.items() if value)]
        version, systems = known.live.version, known.live.tables.systems
    named = {row["system"] for row in rows}
    keys = ("id", "name", "authority", "kind", "grade")
    told = [{key: str(getattr(each, key)) for key in keys} for each in systems.values() if each.id in named]
    view = Group(listing(_TABLES, rows), f"\nversion of all tables: {version}") if rows else "none"
    desk.answer({"version": version, "tables": rows, "systems": told}, view)


@app.command()
def show(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Code system; traces has the canonical codes.")],
    name: Annotated[str, typer.Argument(metavar="LIST", help="As imsoc mappings list calls it.")],
    code: Annotated[str, typer.Option(help="Only what is about this code, on either side.")] = "",
    codes: Annotated[bool, typer.Option("--codes", help="The system's own list of codes instead of its rows.")] = False,
    partner: PartnerOption = "",
    on: On = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is closed, not valid yet or withdrawn on the day.")
    ] = False,
    limit: Limit = 500,
    as_json: Json = False,
) -> None:
    """Show a system's rows for a list, or the codes of a list: days, evidence, who added each, when and why."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.mappings_rows import code_list, code_map, codes_of, header, in_tree, rows_of  # noqa: PLC0415

    day = day_of(on)
    of_codes = codes or system == "traces"
    with open_tables(desk) as known:
        known.check_system(system, "SYSTEM")
        if of_codes:
            of_list = code_list(known, system, name)
            head, found = header(of_list), codes_of(known, of_list, code, day)
        else:
            of_map = code_map(known, system, name, partner)
            head, found = header(of_map), rows_of(known, of_map, code, day)
        rows = list(islice((row for row in found if everything or row["state"] in ("holds", "unconfirmed")), limit + 1))
    more, rows = len(rows) > limit, rows[:limit]
    views: list[RenderableType] = [facts((key.replace("_", " "), value) for key, value in head.items() if value), ""]
    people = [_for_people(row) for row in (in_tree(rows) if of_codes else rows)]
    views.append(listing(_CODES if of_codes else _ROWS, people) if rows else "none on that day: --all shows the others")
    views += ["\nThere are more: --limit, or --code for one of them"] if more else []
    desk.answer(head | {"on": day.isoformat(), "codes" if of_codes else "rows": rows, "more": more}, Group(*views))


@app.command()
def history(
    ctx: typer.Context,
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Only changes of this system's tables.")] = "",
    name: Annotated[str, typer.Argument(metavar="LIST", help="And only of this list.")] = "",
    partner: PartnerOption = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the changes, the newest first: who, when, why, from which day, how many rows were added and closed."""
    desk = Desk.of(ctx, as_json)
    wanted = (system, name, partner)
    with open_tables(desk) as known:
        if system:
            known.check_system(system, "SYSTEM")
        rows = list(islice(_changes(known, wanted), limit))
        version = known.live.version
    view = listing(_EDITIONS, rows) if rows else "Nothing was changed: the tables are as installed."
    desk.answer({"version": version, "editions": rows}, view)


def _changes(known: OpenTables, wanted: tuple[str, str, str]) -> Iterator[dict[str, Any]]:
    from gateway.cli.mappings_desk import history_of  # noqa: PLC0415 - start-up
    from gateway.store import touched_tables  # noqa: PLC0415 - start-up

    if known.store is None:
        return
    editions = sorted(known.editions().values(), key=lambda each: -each.number)
    with known.store.read() as connection:
        for each in editions:
            tables = [key[1:] for key in touched_tables(connection, each.number - 1, each.number)]
            matching = any(all(value in ("", of) for value, of in zip(wanted, table, strict=True)) for table in tables)
            if matching or not any(wanted):
                yield history_of(each) | {
                    "kind": each.kind,
                    "effective_on": each.effective_on,
                    "added": each.added,
                    "closed": each.closed,
                    "source": each.source,
                    "tables": [" ".join(filter(None, table)) for table in tables],
                }


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its days and its history in one column each."""
    first, last, added = row["valid_from"], row["valid_to"], row["added"]
    shown = row | {"days": f"{first or '…'} to {last or '…'}" if first or last else ""}
    shown["added"] = f"{added['edition']}: {added['by']}, {added['at'][:10]}: {added['reason']}" if added else ""
    if "labels" in row:
        shown["labels"] = "; ".join(f"{language}: {text}" for language, text in row["labels"].items())
    return shown
