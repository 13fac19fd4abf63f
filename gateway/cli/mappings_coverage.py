"""``imsoc mappings coverage``: which codes have rows, and which of those that messages really used."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, Json, listing
from gateway.cli.mappings import app
from gateway.cli.mappings_desk import On, day_of, open_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from rich.console import RenderableType

    from gateway.cli.mappings_desk import OpenTables
    from mappings.building import TablesState
    from mappings.models import CodeMap, Row

__all__: list[str] = []

_LISTS = ("system", "list", "partner", "codes_of", "codes", "both", "inwards", "outwards", "unverified", "unmapped")
_TRAFFIC = ("system", "list", "codes", "uses", "refused_codes", "refusals", "refused")
_MOST_NAMED = 20
_PAGE = 500


@app.command()
def coverage(  # noqa: PLR0913, PLR0917 - the options of the command
    ctx: typer.Context,
    source: Annotated[str, typer.Option("--from", metavar="SYSTEM", help="Only this code system.")] = "",
    target: Annotated[str, typer.Option("--to", metavar="SYSTEM", help="Through TRACES to this one.")] = "traces",
    name: Annotated[str, typer.Option("--list", help="Only this list.")] = "",
    days: Annotated[int, typer.Option(min=0, max=3650, help="Messages of so many days; 0 looks at none.")] = 30,
    most: Annotated[int, typer.Option("--messages", min=1, help="At most so many messages, the newest.")] = 10_000,
    large: Annotated[bool, typer.Option("--large", help="Also tables that are kept in the store; takes long.")] = False,
    on: On = "",
    as_json: Json = False,
) -> None:
    """Count the codes with and without rows, list by list, and those that messages used or were refused for.

    Certificates are counted by the reports that are stored with them. Reports of CHEDs are not looked at.
    """
    desk = Desk.of(ctx, as_json)
    day = day_of(on)
    with open_tables(desk) as known:
        for system, where in ((source, "--from"), (target, "--to")):
            if system:
                known.check_system(system, where)
        state = known.live.state
        if "traces" in (source or "traces", target):
            lists = _with_traces(
                state, day, source if source != "traces" else target, name, known.stored_rows if large else None
            )
        else:
            lists = _between(state, day, source, target, name)
        used, messages = _traffic(known, days, most) if days else (_Traffic(), 0)
    traffic = [each for each in used.rows() if source in ("", "traces", each["system"]) and name in ("", each["list"])]
    views: list[RenderableType] = [listing(_LISTS, lists) if lists else "no table"]
    if source or name:
        views += [f"{_whose(each)}: no row for {', '.join(each['missing'])}" for each in lists if each["missing"]]
    if days:
        views.append(f"\nCodes of {messages} messages of {days} days")
        views.append(listing(_TRAFFIC, traffic) if traffic else "none")
    data = {"on": day.isoformat(), "lists": lists, "days": days, "messages": messages, "traffic": traffic}
    desk.answer(data, Group(*views))


def _whose(table: Mapping[str, Any]) -> str:
    partner = f" for {table['partner']}" if table["partner"] else ""
    return f"{table['system']} {table['list']}{partner}, codes of {table['codes_of']}"


def _with_traces(
    state: TablesState,
    day: date,
    system: str,
    name: str,
    stored_rows: Callable[[CodeMap], Iterable[Row]] | None,
) -> list[dict[str, Any]]:
    """Each table from both sides."""
    from mappings.proving import cover_tables  # noqa: PLC0415 - start-up

    return [
        {"system": each.system, "list": each.list, "partner": each.partner, "codes_of": each.codes_of}
        | {key: getattr(each.coverage, key) for key in (*_LISTS[4:], "missing")}
        for each in cover_tables(
            state, day, system="" if system == "traces" else system, name=name, stored_rows=stored_rows
        )
    ]


def _between(state: TablesState, day: date, source: str, target: str, name: str) -> list[dict[str, Any]]:
    """Each list that both systems have, the codes of the source."""
    from mappings.proof import Verdict  # noqa: PLC0415 - start-up
    from mappings.proving import prove_pairs  # noqa: PLC0415 - start-up

    rows = []
    for each in prove_pairs(state, day, source, target, name=name):
        verdicts: dict[str, Verdict] = {}
        for proof in each.proofs:
            verdicts.setdefault(proof.source, proof.verdict)
        lost = {Verdict.UNMAPPED, Verdict.REFUSED}
        missing = [code for code, verdict in verdicts.items() if verdict in lost]
        outwards = sum(verdict is Verdict.ONE_WAY for verdict in verdicts.values())
        counts = {"codes": len(verdicts), "both": len(verdicts) - len(missing) - outwards, "outwards": outwards}
        counts |= {"inwards": 0, "unverified": 0, "unmapped": len(missing)}
        about = {"system": f"{source} to {target}", "list": each.list, "partner": "", "codes_of": source}
        rows.append(about | counts | {"missing": missing[:_MOST_NAMED]})
    return rows


def _traffic(known: OpenTables, days: int, most: int) -> tuple[_Traffic, int]:
    """What the newest messages used, and how many were looked at."""
    from gateway.store import find_version_parts, list_exchanges  # noqa: PLC0415 - start-up

    traffic, looked, before = _Traffic(), 0, None
    since = datetime.now(UTC) - timedelta(days=days)
    lists = {each.name: (each.system, each.list) for each in known.live.tables.maps}
    while known.store is not None and looked < most:
        with known.store.read() as connection:
            page = list_exchanges(connection, since=since, before=before, limit=min(_PAGE, most - looked))
            for row in page:
                parts = find_version_parts(connection, row.id)
                if parts is not None and parts.translation_report:
                    traffic.add_report(parts.translation_report)
                elif row.error_detail:
                    traffic.add_refusal(row.error_detail, lists)
        if not page:
            break
        looked, before = looked + len(page), page[-1].id
    return traffic, looked


class _Traffic:
    """The codes that messages used, by system and list."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, str], Counter[str]] = {}
        self.refused: dict[tuple[str, str], Counter[str]] = {}

    def add_report(self, text: str) -> None:
        """The places of a translation; differences of form are no codes."""
        from mappings import report_from_json  # noqa: PLC0415 - start-up

        for place in report_from_json(text):
            if place.list != "structure":
                key = (place.row_id.partition("/")[0], place.list)
                self.used.setdefault(key, Counter())[place.source_code] += 1

    def add_refusal(self, detail: Mapping[str, Any], lists: Mapping[str, tuple[str, str]]) -> None:
        """The codes that a message was refused or is held for: each finding names the table and the row needed."""
        for finding in detail.get("findings", ()):
            table, _, row = str(finding.get("expected", "")).partition(".csv: ")
            if table in lists and row:
                code, canonical, *_ = row.split(",")
                self.refused.setdefault(lists[table], Counter())[canonical if code == "?" else code] += 1

    def rows(self) -> list[dict[str, Any]]:
        """One record for each list."""
        rows = []
        for key in sorted({*self.used, *self.refused}):
            used, refused = self.used.get(key, Counter()), self.refused.get(key, Counter())
            named = [f"{code} ({count})" for code, count in refused.most_common(_MOST_NAMED)]
            rows.append(
                {
                    "system": key[0],
                    "list": key[1],
                    "codes": len(used),
                    "uses": used.total(),
                    "refused_codes": len(refused),
                    "refusals": refused.total(),
                    "refused": named,
                }
            )
        return rows
