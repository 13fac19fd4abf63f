"""``imsoc mappings load`` and ``drift``: lists of publishers and partners, taken over or compared with ours."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Group

from gateway.cli.desk import Desk, ExitCode, Json, listing
from gateway.cli.list_loading import Kind, Wanted
from gateway.cli.mappings import app
from gateway.cli.mappings_desk import OpenTables, day_of, open_tables
from gateway.cli.mappings_publishing import (
    Author,
    Change,
    DryRun,
    Messages,
    Reason,
    Yes,
    ask,
    carry_out,
    require_reason,
    store_of,
)
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gateway.cli.list_bounds import ListCount
    from gateway.cli.list_loading import Partners
    from mappings.models import Code, CodeList
    from mappings.publishers import PublishedCode
    from mappings.reference.files import Record

__all__: list[str] = []

_KINDS: Final = " | ".join(Kind)
_ROWS: Final = frozenset({Kind.CN, Kind.TARIC, Kind.EPPO, Kind.HS, Kind.LOCODE})
_SHOWN: Final = 200
"""Differences that people are shown; a program gets all."""


@app.command()
def load(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help=_KINDS, show_choices=False)],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="As its publisher gives it; replies as captured.")
    ] = None,
    partner: Annotated[str, typer.Option("--from", metavar="PARTNER", help="Ask this partner instead.")] = "",
    tree: Annotated[str, typer.Option(help="Which tree, such as chedpp.")] = "",
    name: Annotated[str, typer.Option("--list", help="Which metadata list, or which of our reference lists.")] = "",
    language: Annotated[
        list[str] | None, typer.Option(help="Of a tree that is asked for; several times. [default: en]")
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Ask for each node's attributes too: one call per node.")
    ] = False,
    effective_on: Annotated[
        str, typer.Option("--effective", metavar="DAY", help="ISO day from which it holds. [default: today]")
    ] = "",
    closing: Annotated[
        int, typer.Option("--closing", min=0, help="So many entries may end, where more than half of a list would.")
    ] = 0,
    reason: Reason = "",
    author: Author = "",
    messages: Messages = 1000,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Load a list as a whole: what is no longer in it ends the day before. Active in all processes within two seconds.

    Publishers' files: cn, taric (Nomenclature XX.xlsx or CSV, one per language), eppo (bayer.zip, fullcodes.xml), hs,
    locode. From a partner or captured replies: tree, sections, metadata, tests. In the form of docs/reference-data.md:
    reference, hub.
    """
    desk = Desk.of(ctx, as_json)
    from mappings.settling import Mode  # noqa: PLC0415 - start-up

    if bool(files) == bool(partner):
        raise ConfigurationError("IMG-0106", where="FILE", expected="a file, or --from PARTNER")
    if (day := day_of(effective_on)) == date.min:
        raise ConfigurationError("IMG-0101", where="--effective", found=effective_on, expected="a day with one before")
    wanted = Wanted(kind, day, tuple(files or ()), partner, tree, name, tuple(language or ("en",)), details)
    require_reason(reason)
    change = Change(
        reason=reason,
        author=author,
        effective_on=wanted.day,
        mode=Mode.REPLACE,
        kind="load",
        yes=yes,
        dry_run=dry_run,
        messages=messages,
        new_list=True,
        closing=closing,
    )
    if kind in _ROWS:
        if partner:
            raise ConfigurationError(
                "IMG-0106", where="--from", found=kind, expected="tree | sections | metadata | hub"
            )
        _load_codes(desk, wanted, change)
    else:
        _load_whole(desk, wanted, change)


def _load_codes(desk: Desk, wanted: Wanted, change: Change) -> None:
    from gateway.cli.list_loading import published  # noqa: PLC0415 - start-up
    from mappings.loaded import PublishedRows  # noqa: PLC0415 - start-up
    from mappings.models import Grade  # noqa: PLC0415 - start-up

    grade = Grade.SECONDARY if wanted.kind is Kind.HS else Grade.OFFICIAL
    rows = PublishedRows(wanted.source, published(wanted), wanted.kind.value, grade)
    with open_tables(desk) as known:
        carry_out(desk, known, rows, change)


def _load_whole(desk: Desk, wanted: Wanted, change: Change) -> None:
    from gateway.cli.list_loading import hub_lists, metadata_of, partners, whole_lists  # noqa: PLC0415 - start-up
    from mappings.loaded import newest_edition  # noqa: PLC0415 - start-up

    with partners(desk) as services:
        known = _opened(services)
        expected = newest_edition(services.context.store)
        if wanted.kind is Kind.HUB:
            lists = hub_lists(wanted, lambda: services.hub(wanted.partner))
            _keep(desk, known, wanted, change, lists, _hub_counts(desk, known, lists), expected)
            return

        def ask() -> Any:
            return services.traces(wanted.partner)

        if wanted.kind is Kind.METADATA and (of_table := _table_of(known, desk, wanted.name)):
            rows = _metadata_rows(wanted, metadata_of(wanted, ask), known.live.tables.lists[of_table])
            carry_out(desk, known, rows, change)
            return
        lists = whole_lists(wanted, _records(known, desk), ask)
        _keep(desk, known, wanted, change, lists, _reference_counts(desk, known, wanted, lists), expected)


def _opened(services: Partners) -> OpenTables:
    live = services.context.index
    return OpenTables(live.tables, live, services.context.store)


def _kept(known: OpenTables, prefix: str) -> dict[str, bytes]:
    """The whole lists of the newest edition, by name without the prefix."""
    from mappings.loaded import all_lists  # noqa: PLC0415 - start-up

    assert known.store is not None
    return all_lists(known.store, prefix)


def _records(known: OpenTables, desk: Desk) -> Mapping[str, Sequence[Record]]:
    from mappings.reference.live import PREFIX, stored_layers  # noqa: PLC0415 - start-up
    from mappings.reference.loading import read_records  # noqa: PLC0415 - start-up

    return read_records(desk.settings.translation.tables, stored=stored_layers(_kept(known, PREFIX)))


def _reference_counts(desk: Desk, known: OpenTables, wanted: Wanted, lists: Mapping[str, bytes]) -> Iterable[ListCount]:
    """What the lists change; what the running processes would not take over is refused."""
    from gateway.cli.list_bounds import of_records  # noqa: PLC0415 - start-up
    from mappings.reference import load_reference  # noqa: PLC0415 - start-up
    from mappings.reference.live import PREFIX, stored_layers  # noqa: PLC0415 - start-up
    from mappings.reference.loading import read_records  # noqa: PLC0415 - start-up

    after = _kept(known, PREFIX) | {name.removeprefix(PREFIX): content for name, content in lists.items()}
    folder = desk.settings.translation.tables
    load_reference(known.live.tables, folder, stored=stored_layers(after))
    return of_records(_records(known, desk), read_records(folder, stored=stored_layers(after)), wanted.day)


def _hub_counts(desk: Desk, known: OpenTables, lists: Mapping[str, bytes]) -> Iterable[ListCount]:
    from gateway.cli.list_bounds import of_hub  # noqa: PLC0415 - start-up
    from mappings.hub_lists import load_hub_lists  # noqa: PLC0415 - start-up
    from mappings.hub_live import PREFIX, stored_hub_lists  # noqa: PLC0415 - start-up

    kept, folder = _kept(known, PREFIX), desk.settings.hub.lists
    after = kept | {name.removeprefix(PREFIX): content for name, content in lists.items()}
    before = load_hub_lists(overlay=folder, stored=stored_hub_lists(kept))
    return of_hub(before, load_hub_lists(overlay=folder, stored=stored_hub_lists(after)))


def _keep(
    desk: Desk,
    known: OpenTables,
    wanted: Wanted,
    change: Change,
    lists: Mapping[str, bytes],
    counts: Iterable[ListCount],
    expected: int,
) -> None:
    """Whole lists as an edition after the one that they were judged by: preview, question, publication."""
    from gateway.cli.list_bounds import require_bound  # noqa: PLC0415 - start-up
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from mappings.loaded import changed_lists, publish_lists  # noqa: PLC0415 - start-up

    store = store_of(known)
    counts = list(counts)
    require_bound(counts, change.closing or 0, dry_run=change.dry_run)
    changed = changed_lists(store, lists)
    data: dict[str, Any] = {
        "lists": sorted(changed),
        "source": wanted.source,
        "effective_on": wanted.day.isoformat(),
        "added": sum(each.added for each in counts),
        "closed": sum(each.closed for each in counts),
        "counts": [asdict(each) for each in counts],
        "published": False,
    }
    if not changed:
        desk.answer(data, "Nothing changes.")
        return
    head = f"{wanted.source}, from {wanted.day} on: {', '.join(sorted(changed))}"
    view = Group(head, listing(("list", "before", "after", "added", "closed"), data["counts"]))
    if change.dry_run:
        desk.answer(data, view)
        return
    ask(desk, view, yes=change.yes)
    edition = publish_lists(
        store,
        changed,
        expected=expected,
        author=change.author.strip() or operator(),
        reason=change.reason.strip(),
        at=datetime.now(UTC),
        effective_on=wanted.day,
        source=wanted.source,
    )
    told = f"Edition {edition.number}: {data['added']} entries added, {data['closed']} ended."
    desk.answer(data | {"edition": edition.number, "published": True}, told)


def _table_of(known: OpenTables, desk: Desk, kind: str) -> str:
    """The list of the tables that is served as this metadata list; empty when it is one of ``metadata.csv``."""
    if any(record["list"] == kind for record in _records(known, desk)["metadata"]):
        return ""
    return next((name for name in known.live.tables.lists if name.upper().replace("-", "_") == kind), "")


def _metadata_rows(wanted: Wanted, codes: Sequence[Any], of_list: CodeList) -> Any:
    """A metadata list that is a list of the tables: its codes as rows; what is not active has ended.

    A partner says a code, its name and whether it is active; what we know besides stays as it is.
    """
    from mappings.loaded import PublishedRows  # noqa: PLC0415 - start-up
    from mappings.models import Grade  # noqa: PLC0415 - start-up

    grade = Grade.OFFICIAL if wanted.partner else Grade.SEEN
    found = (_served_code(each, of_list.find(each.code, wanted.day), wanted.day) for each in codes)
    return PublishedRows(wanted.source, found, of_list.list, grade)


def _served_code(served: Any, known: Code | None, day: date) -> PublishedCode:
    from mappings.publishers import PublishedCode  # noqa: PLC0415 - start-up

    ended = None if served.active else day - timedelta(days=1)
    if known is None:
        return PublishedCode(served.code, served.name, valid_to=ended)
    last = min(filter(None, (ended, known.valid_to)), default=None) if ended else None
    return PublishedCode(
        served.code, served.name, known.parent, known.valid_from, last, known.labels, known.note, grade=known.grade
    )


# --- drift -----------------------------------------------------------------------------------------------------------


@app.command()
def drift(
    ctx: typer.Context,
    partner: Annotated[str, typer.Argument(metavar="PARTNER", help="Serves trees and lists, or the hub's lists.")],
    name: Annotated[
        str, typer.Option("--list", help="Only this one: a tree, a metadata list, sections, tests, a list of the hub.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Compare the lists that a partner serves with ours: added, removed, changed, retired, and which rows are touched.

    Nothing is changed. Exit code 1 when they differ.
    """
    desk = Desk.of(ctx, as_json)
    from gateway.cli.list_drift import compared  # noqa: PLC0415 - start-up
    from gateway.cli.list_loading import partners  # noqa: PLC0415 - start-up

    with partners(desk) as services:
        report = compared(desk, services, partner, name, _telling(desk))
    shown = [each for each in report["differences"] if each["how"]]
    views: list[Any] = [
        listing(["list", "entries", "theirs", "added", "removed", "changed", "retired"], report["lists"])
    ]
    if shown:
        views += ["", listing(["list", "how", "entry", "code", "ours", "theirs"], shown[:_SHOWN])]
    if len(shown) > _SHOWN:
        views.append(f"and {len(shown) - _SHOWN} more: --list for one list, --json for all")
    if report["rows"]:
        views += ["\nMapping rows about these codes", listing(["table", "row", "code", "canonical"], report["rows"])]
    if report["documents"]:
        views += ["\nCHEDs with these codes", listing(["code", "cheds", "newest"], report["documents"])]
    views += [f"not served there: {', '.join(report['not_served'])}"] if report["not_served"] else []
    desk.answer(report, Group(*views))
    if shown:
        raise typer.Exit(ExitCode.REFUSED)


def _telling(desk: Desk) -> Callable[[str], None]:
    return lambda what: desk.note(f"asking for {what} ...")
