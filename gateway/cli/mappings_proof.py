"""``imsoc mappings check``: what contradicts itself in the tables, and what each row keeps there and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, ExitCode, Json, listing
from gateway.cli.mappings import app
from gateway.cli.mappings_desk import On, day_of, open_tables, own_folders
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from mappings import Tables
    from mappings.proving import Proven

__all__: list[str] = []

_WORDS = ("bijective", "narrows", "widens", "one-way", "refused", "unreachable", "unmapped", "contradictory")
_SUMMARY = ("system", "list", "partner", "rows", "same", *_WORDS[:6])
_PAIR = ("system", "list", "rows", *_WORDS[:5], "unmapped")
_PROOFS = ("row", "source", "target", "context", "verdict", "reason")
_WRONG = ("code", "where", "found", "expected")
From = Annotated[str, typer.Option("--from", metavar="SYSTEM", help="Only this code system.")]
To = Annotated[str, typer.Option("--to", metavar="SYSTEM", help="Through TRACES to this one, code by code.")]
OnlyList = Annotated[str, typer.Option("--list", help="Only this list.")]


@app.command()
def check(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Tables to try before they are installed.")
    ] = None,
    source: From = "",
    target: To = "traces",
    name: OnlyList = "",
    word: Annotated[
        str,
        typer.Option("--show", metavar="WORD", help="List each row of which this is said, such as one-way; or all."),
    ] = "",
    large: Annotated[bool, typer.Option("--large", help="Also tables that are kept in the store; takes long.")] = False,
    on: On = "",
    as_json: Json = False,
) -> None:
    """Check the tables: what contradicts itself, and what each row keeps on its way there and back.

    With files: as if they lay in the operator's folder. Exit code 1 on a contradiction.
    """
    desk = Desk.of(ctx, as_json)
    from mappings.proving import prove_pairs, prove_tables  # noqa: PLC0415 - start-up

    day = day_of(on)
    if word and word not in (*_WORDS, "all"):
        raise ConfigurationError("IMG-0106", where="--show", found=word, expected=" | ".join((*_WORDS, "all")))
    wrong, tables, loaded = _tried(desk, files or [])
    summaries: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    if tables is not None:
        with open_tables(desk, tables) as known:
            if source:
                known.check_system(source, "--from")
            known.check_system(target, "--to")
            state = known.live.state
            if known.live.trouble is not None:  # with the changes in the store
                wrong.append(_as_wrong(known.live.trouble))
            stored = known.stored_rows if large else None
            if target == "traces":
                proven = prove_tables(state, day, system=source, name=name, stored_rows=stored)
            else:
                proven = prove_pairs(state, day, source, target, name=name)
            summaries += [_counted(each, word, told) for each in proven]
    sound = not wrong and not any(summary["contradictory"] for summary in summaries)
    data = {"sound": sound, "on": day.isoformat(), "seconds_to_load": round(loaded, 3), "contradictions": wrong}
    views: list[RenderableType] = ["Contradictions", listing(_WRONG, wrong), ""] if wrong else []
    views += [listing(_SUMMARY if target == "traces" else _PAIR, summaries)] if summaries else []
    views += ["", listing(_PROOFS, told) if told else f"of no row: {word}"] if word and summaries else []
    views.append(f"\n{'Sound' if sound else 'NOT SOUND'}: {len(wrong)} contradictions. Loaded in {loaded:.2f} s.")
    desk.answer(data | {"tables": summaries, "rows": told}, Group(*views))
    if not sound:
        raise typer.Exit(ExitCode.REFUSED)


def _tried(desk: Desk, files: Sequence[Path]) -> tuple[list[dict[str, str]], Tables | None, float]:
    """What is wrong with the files, the tables where nothing is, and the seconds that it takes to load them."""
    from mappings.contradictions import contradictions  # noqa: PLC0415 - start-up
    from mappings.loading import files_of, read_tables  # noqa: PLC0415 - start-up

    wrong: list[dict[str, str]] = []
    installed = files_of(None, own_folders(desk))
    for file in files:
        try:
            _named_as_table(file)
            read_tables([file])
        except ConfigurationError as error:
            wrong.append(_as_wrong(error))
    if wrong:
        return wrong, None, 0
    began = time.perf_counter()
    try:
        tables = read_tables([*installed, *files])
    except ConfigurationError as error:
        return [_as_wrong(error)], None, 0
    wrong += [
        {"code": "IMG-0131", "where": each.where, "found": each.found, "expected": each.expected}
        for each in contradictions(tables)
    ]
    return wrong, None if wrong else tables, time.perf_counter() - began


def _named_as_table(file: Path) -> None:
    """Refuse a file that nobody would read as a table.

    Raises:
        ConfigurationError: IMG-0104 it is not there, IMG-0130 it has no name of a table.
    """
    if not file.is_file():
        raise ConfigurationError("IMG-0104", where=str(file), found="no such file")
    if file.name != "systems.csv" and not (file.name.endswith(".csv") and file.name.startswith(("list-", "map-"))):
        expected = "a file named list-*.csv, map-*.csv or systems.csv"
        raise ConfigurationError("IMG-0130", where=str(file), found=file.name, expected=expected)


def _as_wrong(error: ConfigurationError) -> dict[str, str]:
    return {"code": error.code, "where": error.where, "found": error.found, "expected": error.expected}


def _counted(proven: Proven, word: str, told: list[dict[str, Any]]) -> dict[str, Any]:
    """How many of each word; what is asked for is written down, the rest is only counted."""
    counts = dict.fromkeys(_WORDS, 0)
    for proof in proven.proofs:
        counts[proof.verdict.value] += 1
        if word in ("all", proof.verdict.value):
            told.append({name: getattr(proof, name) for name in _PROOFS} | {"verdict": proof.verdict.value})
    about = {"system": proven.system, "list": proven.list, "partner": proven.partner, "same": proven.same}
    return about | {"rows": sum(counts.values())} | counts
