"""``imsoc mappings add``, ``import``, ``confirm`` and ``close``: rows that are added or end, with a preview first."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.desk import Desk, Json
from gateway.cli.mappings import app
from gateway.cli.mappings_desk import PartnerOption, day_of, open_tables
from gateway.cli.mappings_publishing import (
    Author,
    Change,
    DryRun,
    Effective,
    Messages,
    Reason,
    Release,
    Yes,
    carry_out,
)
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from gateway.cli.mappings_desk import OpenTables
    from gateway.store import TableKey
    from mappings.changes import RowsInHand
    from mappings.held import HeldTable
    from mappings.scratch import Held

__all__: list[str] = []

_MESSAGES: Final = 1000
_UNKNOWN: Final = "?"
"""In a row that a refusal printed it stands for the code that the operator has to fill in."""


@app.command()
def add(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Code system of the partner.")] = "",
    name: Annotated[str, typer.Argument(metavar="LIST", help="As imsoc mappings list calls it.")] = "",
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="The system's code; empty where a canonical one is left out.")
    ] = "",
    canonical: Annotated[
        str, typer.Argument(metavar="CANONICAL", help="The canonical code; empty where a code is left out.")
    ] = "",
    row: Annotated[
        str, typer.Option("--row", help="A whole row, as a refusal prints it, with its ? replaced.", metavar="ROW")
    ] = "",
    context: Annotated[str, typer.Option(help="Document type, or CHED type such as 636/P, for which it holds.")] = "",
    direction: Annotated[str, typer.Option(help="both, in (to canonical), out or none.")] = "both",
    loss: Annotated[str, typer.Option(help="none, narrows or widens.")] = "none",
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day. [default: --effective]")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day.")] = "",
    evidence: Annotated[str, typer.Option(help="How it is known.")] = "",
    grade: Annotated[str, typer.Option(help="official, seen, secondary, own or unverified.")] = "own",
    partner: PartnerOption = "",
    reason: Reason = "",
    author: Author = "",
    effective: Effective = "",
    release: Release = 0,
    messages: Messages = _MESSAGES,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Add one row, or replace the one that answers the same question: from the effective day on."""
    desk = Desk.of(ctx, as_json)
    from mappings.settling import Mode  # noqa: PLC0415 - start-up

    cells = [code, canonical, context, direction, loss, first, last, grade, evidence]
    with open_tables(desk) as known:
        if row:
            system, name, partner, cells = _parsed(known, row, (system, name, partner))
        rows = _typed(known, system, name, partner, cells)
        change = Change(
            reason=reason,
            author=author,
            effective_on=day_of(effective),
            mode=Mode.MERGE,
            release=release,
            messages=messages,
            yes=yes,
            dry_run=dry_run,
        )
        carry_out(desk, known, rows, change)


@app.command("import")
def import_(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV in UTF-8, or XLSX.")],
    system: Annotated[str, typer.Option(help="Code system, where the file does not say it.")] = "",
    name: Annotated[str, typer.Option("--list", help="The list, where the file does not say it.")] = "",
    partner: PartnerOption = "",
    sheet: Annotated[str, typer.Option(help="Worksheet, of a workbook that has several.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="The file is the whole table: rows that it does not have end.")
    ] = False,
    new_list: Annotated[bool, typer.Option("--new-list", help="Codes of a list that there is not yet.")] = False,
    new_system: Annotated[bool, typer.Option("--new-system", help="Of a system that has no table yet.")] = False,
    reason: Reason = "",
    author: Author = "",
    effective: Effective = "",
    release: Release = 0,
    messages: Messages = _MESSAGES,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Import rows or codes from a file. Every fault is told with line and column, and nothing is changed then."""
    desk = Desk.of(ctx, as_json)
    from mappings.settling import Mode  # noqa: PLC0415 - start-up
    from mappings.sheets import open_sheet  # noqa: PLC0415 - start-up

    with open_tables(desk) as known:
        rows = open_sheet(file, system=system, name=name, partner=partner, sheet=sheet)
        change = Change(
            reason=reason,
            author=author,
            effective_on=day_of(effective),
            mode=Mode.REPLACE if replace else Mode.MERGE,
            kind="import",
            release=release,
            messages=messages,
            yes=yes,
            dry_run=dry_run,
            new_list=new_list,
            new_system=new_system,
        )
        carry_out(desk, known, rows, change)


@app.command()
def confirm(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    row: Annotated[str, typer.Argument(metavar="ROW", help="Id of an unverified row, as imsoc mappings show has it.")],
    source: Annotated[str, typer.Option(help="Where it was confirmed: a document, a list, a person of the authority.")],
    grade: Annotated[str, typer.Option(help="official, seen, secondary or own.")] = "own",
    partner: PartnerOption = "",
    reason: Reason = "",
    author: Author = "",
    effective: Effective = "",
    release: Release = 0,
    messages: Messages = _MESSAGES,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Confirm a row that the sources leave unverified: a row like it, with who, why and the source, takes its place."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from mappings.models import Grade  # noqa: PLC0415 - start-up
    from mappings.settling import Mode  # noqa: PLC0415 - start-up

    with open_tables(desk) as known:
        held, found = _find(known, row, partner)
        if found.grade != Grade.UNVERIFIED or grade not in set(Grade) - {Grade.UNVERIFIED}:
            expected = "a row graded unverified, and --grade official, seen, secondary or own"
            where, wrong = ("ROW", found.grade) if found.grade != Grade.UNVERIFIED else ("--grade", grade)
            raise ConfigurationError(
                "IMG-0106", "There is nothing to confirm", where=where, found=wrong, expected=expected
            )
        today = datetime.now(UTC).date()
        said = f"confirmed by {author.strip() or operator()} on {today}: {reason.strip()} ({source.strip()})"
        confirmed = found._replace(grade=grade, text=f"{found.text}; {said}".lstrip("; "))
        change = Change(
            reason=reason,
            author=author,
            effective_on=day_of(effective),
            mode=Mode.MERGE,
            kind="confirm",
            release=release,
            messages=messages,
            yes=yes,
            dry_run=dry_run,
        )
        carry_out(desk, known, _like(held.table, confirmed), change)


@app.command()
def close(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    row: Annotated[str, typer.Argument(metavar="ROW", help="Id of a row or code, as imsoc mappings show has it.")],
    last: Annotated[str, typer.Option("--last", metavar="DAY", help="ISO day, its last one.")],
    partner: PartnerOption = "",
    reason: Reason = "",
    author: Author = "",
    messages: Messages = _MESSAGES,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """End a row: it does not answer after its last day. What it answered before stays as it was."""
    desk = Desk.of(ctx, as_json)
    from mappings.settling import Mode  # noqa: PLC0415 - start-up

    day = day_of(last)
    with open_tables(desk) as known:
        held, found = _find(known, row, partner)
        if found.last and found.last <= day.isoformat():
            raise ConfigurationError(
                "IMG-0106", "The row has ended by then", where="--last", found=last, expected=f"before {found.last}"
            )
        change = Change(
            reason=reason,
            author=author,
            effective_on=day + timedelta(days=1),
            mode=Mode.MERGE,
            messages=messages,
            yes=yes,
            dry_run=dry_run,
        )
        carry_out(desk, known, _like(held.table, found._replace(last=day.isoformat())), change)


def _parsed(known: OpenTables, row: str, said: tuple[str, str, str]) -> tuple[str, str, str, list[str]]:
    """System, list, partner and cells of a row that a refusal printed."""
    table, separator, rest = row.partition(".csv: ")
    system, name, partner = said
    if separator:
        found = next((each for each in known.live.tables.maps if each.name == table.strip()), None)
        if found is None:
            raise ConfigurationError("IMG-0105", where="--row", found=table, expected="imsoc mappings list")
        system, name, partner = found.system, found.list, partner or found.partner
    cells = next(csv.reader([rest if separator else row]), [])
    if _UNKNOWN in cells:
        raise ConfigurationError(
            "IMG-0135", where="--row", found=row, expected="the code that is meant in the place of the question mark"
        )
    return system, name, partner, cells


def _typed(known: OpenTables, system: str, name: str, partner: str, cells: list[str]) -> RowsInHand:
    """A row that was typed, checked as one of a file is."""
    from gateway.store import RowKind, TableKey  # noqa: PLC0415 - start-up
    from mappings.changes import RowsInHand  # noqa: PLC0415 - start-up
    from mappings.sheet_rows import MAP_COLUMNS, RowReader  # noqa: PLC0415 - start-up

    if not (system and name):
        raise ConfigurationError("IMG-0135", where="SYSTEM LIST", found=f"{system} {name}".strip(), expected="both")
    known.check_system(system, "SYSTEM")
    reader = RowReader(list(MAP_COLUMNS), RowKind.MAP, "own")
    made = reader.row(1, list(cells))
    if made is None:
        fault = next(reader.faults(1, list(cells)))
        raise ConfigurationError(fault.code, where=fault.column, found=fault.found, expected=fault.expected)
    return RowsInHand("a typed row", TableKey(RowKind.MAP, system, name, partner), (made,))


def _like(table: TableKey, held: Held) -> RowsInHand:
    from mappings.changes import RowsInHand  # noqa: PLC0415 - start-up
    from mappings.sheet_rows import SheetRow  # noqa: PLC0415 - start-up

    return RowsInHand(held.id, table, (SheetRow(1, *held[1:]),))


def _find(known: OpenTables, row_id: str, partner: str) -> tuple[HeldTable, Held]:
    """The row of that id.

    Raises:
        ConfigurationError: IMG-0105, there is none.
    """
    from gateway.store import RowKind, TableKey  # noqa: PLC0415 - start-up
    from mappings.held import HeldTable  # noqa: PLC0415 - start-up

    system, _, rest = row_id.partition("/")
    tables = [TableKey(RowKind.MAP, system, rest.partition("/")[0], partner)]
    tables.append(TableKey(RowKind.CODE, system, rest.partition("=")[0]))
    for table in tables:
        held = HeldTable(known.live.latest, known.store, table)
        found = held.find(row_id)
        if found is not None:
            return held, found
    raise ConfigurationError("IMG-0105", where=row_id, found="no such row", expected=_shown(system, rest))


def _shown(system: str, rest: str) -> str:
    name = rest.partition("/")[0].partition("=")[0] or "LIST"
    return f"an id of imsoc mappings show {system or 'SYSTEM'} {name} --json"
