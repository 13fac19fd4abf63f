"""``imsoc mappings export`` and ``diff``: tables as files, and what is different between two versions of them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, Json, listing
from gateway.cli.mappings import Limit, app
from gateway.cli.mappings_desk import On, PartnerOption, day_of, open_tables
from gateway.errors import ConfigurationError, TranslationRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.cli.mappings_desk import OpenTables
    from mappings.building import TablesState
    from mappings.scratch import Held
    from mappings.sheet_writing import TableSheet

__all__: list[str] = []

_DIFFERENCES = ("table", "what", "row", "code", "canonical", "before", "after")


@app.command()
def export(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Code system; traces has the canonical codes.")],
    name: Annotated[str, typer.Argument(metavar="LIST", help="As imsoc mappings list calls it.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this .csv or .xlsx file. [default: standard output]")
    ] = None,
    codes: Annotated[bool, typer.Option("--codes", help="The system's own list of codes instead of its rows.")] = False,
    on: On = "",
    tables: Annotated[str, typer.Option(metavar="VERSION", help="Tables as they were, such as 17@3fa9c1d2e4b5.")] = "",
    partner: PartnerOption = "",
    as_json: Json = False,
) -> None:
    """Write a table as a file that imports again as it is; without --on with the rows of all days."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import RowKind, TableKey  # noqa: PLC0415 - start-up
    from mappings.held import HeldTable  # noqa: PLC0415 - start-up
    from mappings.sheet_writing import TableSheet  # noqa: PLC0415 - start-up

    kind = RowKind.CODE if codes or system == "traces" else RowKind.MAP
    day = day_of(on).isoformat() if on else ""

    def wanted(row: Held) -> bool:
        return not day or ((not row.first or row.first <= day) and (not row.last or row.last >= day))

    with open_tables(desk) as known:
        known.check_system(system, "SYSTEM")
        state = _state(known, tables or "now")
        held = HeldTable(state, known.store, TableKey(kind, system, name, partner))
        if held.code_map is None and held.code_list is None:
            lists = ", ".join(sorted(known.live.tables.lists))
            raise TranslationRefused("IMG-6009", where=system, found=name, expected=lists)
        sheet = TableSheet(held, state.version, wanted)
        data: dict[str, Any] = {"system": system, "list": name, "partner": partner, "tables": state.version}
        if out is not None:
            count = _write(sheet, out)
            desk.answer(data | {"file": str(out), "rows": count}, f"{out}: {count} rows, tables {state.version}")
        elif as_json:
            desk.answer(data | {"rows": [dict(zip(sheet.columns, each, strict=True)) for each in sheet.lines()]})
        else:
            sheet.write_csv(sys.stdout)


@app.command()
def diff(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="A version (17, 17@3fa9c1d2e4b5), or a file to import.")],
    second: Annotated[str, typer.Argument(metavar="[B]", help="Another version. [default: now]")] = "now",
    system: Annotated[str, typer.Option(help="Only tables of this system; of a file that does not say it.")] = "",
    name: Annotated[str, typer.Option("--list", help="Only tables of this list; of a file that does not say it.")] = "",
    partner: PartnerOption = "",
    limit: Limit = 500,
    as_json: Json = False,
) -> None:
    """Say what differs between two versions of the tables, or what a file as the whole table would change now."""
    desk = Desk.of(ctx, as_json)
    from mappings.comparing import compare  # noqa: PLC0415 - start-up

    with open_tables(desk) as known:
        if Path(first).is_file():
            found = _of_file(known, Path(first), {"system": system, "name": name, "partner": partner})
        else:
            states = _state(known, first), _state(known, second)
            found = (
                {**asdict(each), "table": _table(each.table)}
                for each in compare(known.store, *states)
                if (not system or each.table.system == system) and (not name or each.table.list == name)
            )
        rows = list(islice(found, limit + 1))
    more, rows = len(rows) > limit, rows[:limit]
    view = Group(listing(_DIFFERENCES, rows), *(["\nThere are more: --limit"] if more else [])) if rows else "the same"
    desk.answer({"differences": rows, "more": more}, view)


def _of_file(known: OpenTables, file: Path, said: dict[str, str]) -> Iterator[dict[str, Any]]:
    from mappings.changes import plan_change  # noqa: PLC0415 - start-up
    from mappings.settling import Mode  # noqa: PLC0415 - start-up
    from mappings.sheets import open_sheet  # noqa: PLC0415 - start-up

    rows = open_sheet(file, **said)
    with plan_change(known.live, rows, effective_on=day_of(""), mode=Mode.REPLACE, new_list=True) as plan:
        of = _table(plan.table)
        for row, last in plan.ending():
            said = {"row": row.id, "code": row.code, "canonical": row.canonical}
            yield {
                "table": of,
                "what": "closed",
                **said,
                "before": "",
                "after": f"ends {last}" if last else "withdrawn",
            }
        for row in plan.entering():
            said = {"row": f"line {row.line}", "code": row.code, "canonical": row.canonical}
            days = f"{row.first or '…'} to {row.last or '…'}, {row.grade}"
            yield {"table": of, "what": "added", **said, "before": "", "after": days}


def _table(key: tuple[str, str, str, str]) -> str:
    kind, system, name, partner = key
    return f"{system}/{name}" + (f" for {partner}" if partner else "") + (" (codes)" if kind == "code" else "")


def _state(known: OpenTables, version: str) -> TablesState:
    """The tables of a version; a number alone is a change to the tables as installed.

    Raises:
        TranslationRefused: IMG-6012.
    """
    if version == "now":
        return known.live.state
    return known.live.state_at(f"{version}@{known.live.base_digest}" if version.isdigit() else version)


def _write(sheet: TableSheet, file: Path) -> int:
    try:
        if file.suffix.lower() == ".xlsx":
            return sheet.write_xlsx(file)
        with file.open("w", encoding="utf-8", newline="") as text:
            return sheet.write_csv(text)
    except OSError as error:
        raise ConfigurationError("IMG-0104", where=str(file), found=error.strerror or "not writable") from error
