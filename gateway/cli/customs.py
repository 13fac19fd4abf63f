"""``imsoc customs``: the quantity ledgers of CHEDs: what stands, how it came about, whether it adds up."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Group

from gateway.cli.customs_rows import (
    ENTRIES,
    HOLDS,
    LINES,
    REPORTS,
    STANDING,
    TROUBLES,
    entry_row,
    head_row,
    hold_row,
    line_row,
    report_row,
    standing_row,
    trouble_row,
)
from gateway.cli.customs_upstream import check_ledgers_here
from gateway.cli.desk import Desk, ExitCode, Json, facts, listing, printable
from gateway.errors import ConfigurationError, CustomsRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType
    from sqlalchemy import Connection

    from gateway.store import EntryRow, LedgerTrouble, Store

__all__ = ["Reference", "app"]

app = typer.Typer(help="Look after the quantities of CHEDs that customs reserve and clear.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="CHED", help="Box I.2, such as CHEDP.NL.2026.0000001.")]

_UNTRUE: Final = "IMG-7412"
_PORTION: Final = 1000
_MOST: Final = 1000


@app.command()
def show(ctx: typer.Context, reference: Reference, as_json: Json = False) -> None:
    """Show the ledger of one CHED: the position of each line, what stands for each declaration, box II.23, who follows.

    Quantities of lines are in the unit of the CHED, those of declarations as they were declared. Times are UTC.

    Example: `imsoc customs show CHEDP.NL.2026.0000001`
    """
    desk = Desk.of(ctx, as_json)
    check_ledgers_here(desk, reference)
    from gateway.ched.customs_box import find_reports  # noqa: PLC0415 - start-up
    from gateway.single_window.operating import ledger_of  # noqa: PLC0415 - start-up
    from gateway.store import list_subscriptions, read_ledger  # noqa: PLC0415 - start-up

    with desk.store() as store, store.read() as connection:
        state = ledger_of(read_ledger(connection, reference), reference)
        reports = [report_row(each) for each in find_reports(connection, state.ched_id)]
        followers = [
            each.partner for each in list_subscriptions(connection, reference=reference, limit=_MOST) if each.active
        ]
    head = head_row(state)
    lines = [line_row(each) for each in state.lines]
    holds = [hold_row(each) for each in state.allocations]
    views: list[RenderableType] = [facts((name.replace("_", " "), value) for name, value in head.items() if value)]
    views += ["\nLines", listing(LINES, lines)]
    views += ["\nDeclarations", listing(HOLDS, holds) if holds else "none"]
    views += ["\nReported by customs (II.23)", listing(REPORTS, reports)] if reports else []
    views += [f"\nTold of changes: {printable(followers)}"] if followers else []
    data = {"lines": lines, "declarations": holds, "reports": reports, "told_of_changes": followers}
    desk.answer(head | data, Group(*views))


@app.command()
def history(
    ctx: typer.Context,
    reference: Reference,
    declaration: Annotated[str, typer.Option(metavar="NUMBER", help="Only this MRN or LRN.")] = "",
    as_json: Json = False,
) -> None:
    """List every movement of a CHED in order: what, for which declaration, by whom, with which message.

    Entries are never changed nor deleted. `at` is the time that the message states, `recorded_at` ours; `exchange_id`
    is the message as it was received: `imsoc messages show ID`. That the ledger was frozen and thawed stands between
    them, without a number, because nothing moved. docs/customs.md says what each kind is.

    Example: `imsoc customs history CHEDP.NL.2026.0000001 --declaration 26NL000396A0000001`
    """
    desk = Desk.of(ctx, as_json)
    check_ledgers_here(desk, reference)
    from gateway.single_window.operating import ledger_of  # noqa: PLC0415 - start-up
    from gateway.store import find_audit, read_ledger  # noqa: PLC0415 - start-up

    with desk.store() as store, store.read() as connection:
        state = ledger_of(read_ledger(connection, reference), reference)
        units = {line.number: line.unit for line in state.lines}
        rows = [
            entry_row(each, units)
            for each in _entries(connection, state.ched_id)
            if not declaration or (each.declaration is not None and each.declaration.number == declaration)
        ]
        if not declaration:
            audit = find_audit(connection, state.ched_id)
            rows += [standing_row(each) for each in audit if each.action in STANDING]
            rows.sort(key=itemgetter("recorded_at"))
    if not rows:
        raise CustomsRefused("IMG-7413", where=reference, found=f"no movement for {declaration}")
    desk.answer({"reference": state.reference, "entries": rows}, listing(ENTRIES, rows))


@app.command()
def declaration(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="An MRN or LRN.")],
    lrn: Annotated[bool, typer.Option("--lrn", help="It is an LRN: an MRN of the same characters is another.")] = False,
    as_json: Json = False,
) -> None:
    """List the CHEDs behind a declaration: what stands for it on each, and where customs reported it.

    At most 1,000 of each are listed; `more` says whether there are others.

    Example: `imsoc customs declaration 26NL000396A0000001`
    """
    desk = Desk.of(ctx, as_json)
    check_ledgers_here(desk, number)
    from gateway.store import (  # noqa: PLC0415 - start-up
        DeclarationType,
        allocations_by_declaration,
        reports_by_document,
    )

    kind = DeclarationType.LRN if lrn else DeclarationType.MRN
    with desk.store() as store, store.read() as connection:
        found = allocations_by_declaration(connection, number, type=kind, limit=_MOST + 1)
        reported = reports_by_document(connection, number, limit=_MOST + 1)
    more = max(len(found), len(reported)) > _MOST
    holds = [{"ched": ched, **hold_row(row)} for ched, row in found[:_MOST]]
    reports = [{"ched": ched, **report_row(report)} for ched, report in reported[:_MOST]]
    if not holds and not reports:
        raise CustomsRefused("IMG-7413", where=f"{kind.value} {number}", found="nothing stands for it on any CHED")
    views: list[RenderableType] = ["Stands", listing(("ched", *HOLDS), holds)] if holds else []
    views += ["\nReported by customs (II.23)", listing(("ched", *REPORTS), reports)] if reports else []
    views += [f"\nThere are more: not more than {_MOST:,} of each are listed."] if more else []
    data = {"declaration": number, "type": kind.value, "stands": holds, "reports": reports, "more": more}
    desk.answer(data, Group(*views))


@app.command()
def check(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="[CHED]", help="Box I.2.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every ledger.")] = False,
    as_json: Json = False,
) -> None:
    """Add up the recorded movements again, and compare with what stands; exit code 1 where they differ.

    It reads only, beside a gateway that serves.

    Examples: `imsoc customs check CHEDP.NL.2026.0000001`, `imsoc customs check --all`
    """
    desk = Desk.of(ctx, as_json)
    if bool(reference) == every:
        raise ConfigurationError("IMG-0106", "Say what to check", where="check", expected="a CHED, or --all")
    check_ledgers_here(desk, reference or "--all")
    with desk.store() as store:
        checked, troubles = _check_one(store, reference) if reference else _check_all(store, _teller(desk))
    rows = [trouble_row(ched, each) for ched, each in troubles]
    data = {"ok": not rows, "checked": checked, "code": _UNTRUE if rows else "", "troubles": rows}
    desk.answer(data, listing(TROUBLES, rows) if rows else f"{checked} checked: each is the sum of its entries")
    if rows and not as_json:
        first = rows[0]
        desk.refuse(CustomsRefused(_UNTRUE, where=first["ched"], found=first["found"], expected=first["expected"]))
    if rows:
        raise typer.Exit(ExitCode.REFUSED)


def _entries(connection: Connection, ched_id: str) -> Iterator[EntryRow]:
    from gateway.store import entries_of  # noqa: PLC0415 - start-up

    after = 0
    while portion := entries_of(connection, ched_id, after=after, limit=_PORTION):
        yield from portion
        after = portion[-1].seq


def _check_one(store: Store, reference: str) -> tuple[int, list[tuple[str, LedgerTrouble]]]:
    from gateway.single_window.operating import ledger_of  # noqa: PLC0415 - start-up
    from gateway.store import check_ledger, read_ledger  # noqa: PLC0415 - start-up

    with store.read() as connection:
        state = ledger_of(read_ledger(connection, reference), reference)
        return 1, [(reference, each) for each in check_ledger(connection, state.ched_id)]


def _check_all(store: Store, tell: Callable[[int], None]) -> tuple[int, list[tuple[str, LedgerTrouble]]]:
    """Portion by portion, each as of one moment: a run over millions holds up nobody."""
    from gateway.store import check_ledgers, get_ched  # noqa: PLC0415 - start-up

    checked, after = 0, ""
    found: list[tuple[str, LedgerTrouble]] = []
    while True:
        with store.read() as connection:
            ids, troubles = check_ledgers(connection, after=after, limit=_PORTION)
            for each in troubles:
                row = get_ched(connection, each.ched_id)
                found.append((row.reference if row is not None else each.ched_id, each))
        if not ids:
            return checked, found
        checked, after = checked + len(ids), ids[-1]
        tell(checked)


def _teller(desk: Desk) -> Callable[[int], None]:
    """Says how far a long run is, on standard error."""

    def tell(checked: int) -> None:
        if checked % (10 * _PORTION) == 0:
            desk.note(f"{checked} checked")

    return tell
