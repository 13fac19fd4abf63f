"""``imsoc mappings retranslate``: what was translated once, translated again with the tables of its day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Group

from gateway.cli.desk import Desk, ExitCode, Json, facts, listing
from gateway.cli.mappings import app
from gateway.cli.mappings_desk import open_tables
from gateway.cli.mappings_documents import DIFFERENCES, difference_of, write_file
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.exchange.repeating import KeptReport
    from gateway.exchange.retranslating import Kept
    from gateway.xml.limits import Limits
    from mappings import Index

__all__: list[str] = []

_COMPARED: Final = {
    "delivery": "the document as it was before its seal or envelope, and every row of the report",
    "ched": "every row of the report: the stored document has numbers and statuses that the register wrote",
}
_TOLD: Final = {
    "delivery": ("The same codes and rows as were sent.", "Not the codes and rows that were sent."),
    "ched": ("The same codes and rows as in the stored report.", "Not the codes and rows of the stored report."),
}


@dataclass(frozen=True, slots=True)
class _Again:
    """What came out, and what is said of it."""

    same: bool
    document: bytes
    told: str
    data: dict[str, Any]
    reasons: tuple[str, ...]
    differences: list[dict[str, Any]]


@app.command()
def retranslate(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Id of a message or of a delivery.", metavar="MESSAGE|DELIVERY")],
    tables: Annotated[str, typer.Option(metavar="VERSION", help="Another version than the recorded one.")] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write what came out to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Translate a stored message again with the tables that it used, and say whether the bytes are the stored ones.

    Of a delivery: whether the document is the one that was sent, before its seal, and each row. Of a CHED: whether each
    row is that of the report; into the stored document the register writes numbers and statuses.

    Exit code 1 when it is not the same; then the reasons are told as far as they can be known, and every difference.
    """
    desk = Desk.of(ctx, as_json)
    from gateway.exchange.repeating import KeptReport, kept_report  # noqa: PLC0415 - start-up
    from gateway.exchange.retranslating import kept_translation  # noqa: PLC0415 - start-up

    with open_tables(desk) as known:
        if known.store is None:
            raise ConfigurationError("IMG-0111", where="store.url", found="no such file", expected="imsoc db upgrade")
        with known.store.read() as connection:
            kept = kept_report(connection, subject, tables=tables) or kept_translation(
                connection, subject, tables=tables
            )
            partner = _partner(connection, kept.partner)
        index, limits = known.live.at(kept.tables, kept.day), desk.settings.limits
        if isinstance(kept, KeptReport):
            done = _by_report(kept, partner, index, limits)
        else:
            done = _by_bytes(kept, partner, index, limits)
    if out is not None:
        write_file(out, done.document)
    about = {"partner": kept.partner, "tables": kept.tables, "on": kept.day.isoformat(), "same": done.same}
    data = {**done.data, **about, "bytes": len(done.document)}
    views: list[RenderableType] = [done.told, facts(data.items())]
    views += ["\nWhy", *done.reasons] if done.reasons else []
    views += ["\nDifferences", listing(DIFFERENCES, done.differences)] if done.differences else []
    desk.answer(data | {"reasons": list(done.reasons), "differences": done.differences}, Group(*views))
    if not done.same:
        raise typer.Exit(ExitCode.REFUSED)


def _partner(connection: Connection, partner: str) -> Partner:
    """Whose codes they are, as its record says now."""
    from gateway.access.records import partner_from_record  # noqa: PLC0415 - start-up
    from gateway.store import find_partner  # noqa: PLC0415 - start-up

    row = find_partner(connection, partner)
    if row is None:
        raise ConfigurationError("IMG-0105", where=partner, found="no such partner", expected="its record")
    return partner_from_record(row.record)


def _by_bytes(kept: Kept, partner: Partner, index: Index, limits: Limits) -> _Again:
    """A certificate that came in: its translation is stored."""
    from gateway.exchange.retranslating import retranslate as again  # noqa: PLC0415 - start-up

    done = again(kept, partner, index, limits=limits)
    told = "The same bytes as stored." if done.same else "Not the stored bytes."
    data = {"message": kept.exchange_id, "stored": len(kept.parts.translated or b"")}
    return _Again(done.same, done.again, told, data, done.reasons, [difference_of(each) for each in done.differences])


def _by_report(kept: KeptReport, partner: Partner, index: Index, limits: Limits) -> _Again:
    """What was sent, or a CHED that came in: the report is stored."""
    from gateway.exchange.repeating import KeptKind, repeat  # noqa: PLC0415 - start-up

    done = repeat(kept, partner, index, limits=limits)
    data: dict[str, Any] = {"delivery" if kept.kind is KeptKind.DELIVERY else "message": kept.id}
    data |= {"rows": len(done.report), "compared": _COMPARED[kept.kind]}
    if done.same_codes is not None:
        data["same_codes"] = done.same_codes
    differences = [{"place": each.path, "before": each.before, "after": each.after} for each in done.differences]
    return _Again(done.same, done.again, _TOLD[kept.kind][not done.same], data, done.reasons, differences)
