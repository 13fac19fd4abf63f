"""``imsoc doctor``: one line per check; a failing line ends with the exact next command."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway.cli.desk import Desk, ExitCode, Json, printable

__all__ = ["doctor"]

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    ctx: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Leave out what calls other machines.")] = False,
    as_json: Json = False,
) -> None:
    """Check settings, keys, store, partners, authorities, tables and disk; exit code 1 when something fails."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.checks import State, run_checks  # noqa: PLC0415 - start-up

    results = []
    for result in run_checks(desk, offline=offline):
        results.append(result)
        if not as_json:
            line = Table.grid(padding=(0, 2))
            line.add_column(width=5)
            line.add_column(width=16)
            line.add_column(overflow="fold")
            text = Text(printable(result.detail))
            if result.repair:
                text.append(f"  ->  {printable(result.repair)}", "bold")
            line.add_row(Text(result.state, _STYLES[result.state]), result.name, text)
            desk.console.print(line)
    failed = any(result.state is State.FAIL for result in results)
    if as_json:
        desk.answer({"ok": not failed, "checks": [asdict(result) for result in results]})
    raise typer.Exit(ExitCode.REFUSED if failed else ExitCode.OK)
