"""``imsoc mappings translate``: whole documents, with every place that was touched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, ExitCode, Json, listing
from gateway.cli.documents import read_file
from gateway.cli.mappings import app
from gateway.cli.mappings_desk import From, On, PartnerOption, To, day_of, open_tables
from gateway.errors import ConfigurationError, Finding, Severity, TranslationRefused

if TYPE_CHECKING:
    from lxml.etree import _Element
    from rich.console import RenderableType

    from mappings import Index, TranslatedPlace, Translation
    from mappings.differences import Difference
    from mappings.round_trip import RoundTrip
    from mappings.wrappers import Wrapper

__all__ = ["DIFFERENCES", "difference_of", "write_file"]

_PLACES = ("place", "list", "from", "to", "row", "loss")
DIFFERENCES = ("place", "before", "after")


@app.command()
def translate(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A certificate, alone or in an envelope.")],
    source: From,
    target: To = "traces",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write here. [default: standard output]")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every touched place to this file, as JSON.")
    ] = None,
    carrier: Annotated[
        str, typer.Option("--as", metavar="WRAPPER", help="Carried in sps, intra, docom, hub-content, hub-envelope.")
    ] = "sps",
    back: Annotated[
        bool, typer.Option("--back", help="Translate it back as well, and say what differs. Exit code 1 if undeclared.")
    ] = False,
    tables: Annotated[str, typer.Option(metavar="VERSION", help="Tables as they were, such as 17@3fa9c1d2e4b5.")] = "",
    partner: PartnerOption = "",
    on: On = "",
    as_json: Json = False,
) -> None:
    """Translate a document; say what was touched and lost, or every code without an answer with the row it needs."""
    desk = Desk.of(ctx, as_json)
    from gateway.xml.boundary import parse  # noqa: PLC0415 - start-up
    from gateway.xml.canonical import serialise  # noqa: PLC0415 - start-up
    from mappings import report_to_json  # noqa: PLC0415 - start-up
    from mappings.round_trip import round_trip  # noqa: PLC0415 - start-up
    from mappings.wrappers import unwrap, wrap  # noqa: PLC0415 - start-up

    wrapper = _wrapper(carrier)
    root = unwrap(parse(read_file(file), limits=desk.settings.limits).root, limits=desk.settings.limits).certificate
    day = day_of(on)
    with open_tables(desk) as known:
        index = known.live.at(tables, day) if tables else known.live.on(day)
        done = _translated(desk, root, source, target, index, partner)
        trip = round_trip(root, source=source, target=target, index=index, partner=partner) if back else None
    written = serialise(wrap(done.root, wrapper))
    if report is not None:
        write_file(report, report_to_json(done.report).encode())
    if out is not None:
        write_file(out, written)
    elif not as_json:
        sys.stdout.buffer.write(written)
    data: dict[str, Any] = {"tables": done.tables, "on": day.isoformat(), "versions": done.versions}
    data |= {"report": [_place(each) for each in done.report], "losses": [_place(each) for each in done.losses]}
    data |= {"document": written.decode()} if out is None else {"file": str(out), "bytes": len(written)}
    if trip is not None:
        data["back"] = _declared(trip)
    _tell(desk, data, done, trip)
    if trip is not None and trip.undeclared:
        raise typer.Exit(ExitCode.REFUSED)


def _wrapper(name: str) -> Wrapper:
    """What the translation is carried in, as the option names it."""
    from mappings.wrappers import Wrapper  # noqa: PLC0415 - start-up

    try:
        return Wrapper(name)
    except ValueError as error:
        raise ConfigurationError("IMG-0101", where="--as", found=name, expected=", ".join(Wrapper)) from error


def _translated(desk: Desk, root: _Element, source: str, target: str, index: Index, partner: str) -> Translation:
    """The document, or the refusal with every gap as a finding and the rows that are needed."""
    from mappings import find_gaps  # noqa: PLC0415 - start-up
    from mappings import translate as translated  # noqa: PLC0415 - start-up

    try:
        return translated(root, source=source, target=target, index=index, partner=partner)
    except TranslationRefused as refusal:
        gaps = find_gaps(root, source=source, target=target, index=index, partner=partner)
        refusal.findings = tuple(
            Finding(gap.code, Severity.SEVERE, gap.message, gap.where, gap.found, gap.expected) for gap in gaps
        )
        if gaps:
            desk.note("Rows that are needed, ready to complete:")
        for gap in gaps:
            desk.note(f"  {gap.expected}")
        raise


def _tell(desk: Desk, data: dict[str, Any], done: Translation, trip: RoundTrip | None) -> None:
    """What was touched, beside the document: on standard error where the document is on standard output."""
    if desk.as_json:
        desk.answer(data)
        return
    from gateway.cli.messages import last_steps  # noqa: PLC0415 - start-up

    telling = [each for each in done.report if each.source_code != each.target_code or each in done.losses]
    rows = [_place(each) | {"place": last_steps(each.path)} for each in telling]
    views: list[RenderableType] = [listing(_PLACES, rows)] if rows else []
    same = len(done.report) - len(telling)
    views.append(f"{same} places keep their code; {len(done.losses)} losses; tables {done.tables}")
    if trip is not None:
        undeclared = len(trip.undeclared)
        rows = _declared(trip)
        views += ["\nThere and back", listing((*DIFFERENCES, "declared"), rows) if rows else "the same"]
        views += [f"{len(rows)} places differ, {undeclared} of them undeclared"] if rows else []
    desk.errors.print(Group(*views))


def _place(place: TranslatedPlace) -> dict[str, Any]:
    return {
        "place": place.path,
        "list": place.list,
        "from": place.source_code,
        "to": place.target_code,
        "row": place.row_id,
        "version": place.version,
        "loss": "" if place.loss == "none" else place.loss.value,
    }


def difference_of(difference: Difference) -> dict[str, Any]:
    """A difference as plain values."""
    return {"place": difference.path, "before": difference.before, "after": difference.after}


def _declared(trip: RoundTrip) -> list[dict[str, Any]]:
    """What did not come back, each with the loss that declares it."""
    return [
        difference_of(each) | {"declared": f"{loss.row_id} {loss.loss}" if loss is not None else "NO"}
        for each, loss in trip.differences
    ]


def write_file(file: Path, content: bytes) -> None:
    """Write what a command was asked for.

    Raises:
        ConfigurationError: IMG-0104, it cannot be written there.
    """
    try:
        file.write_bytes(content)
    except OSError as error:
        raise ConfigurationError("IMG-0104", where=str(file), found=error.strerror or "not writable") from error
