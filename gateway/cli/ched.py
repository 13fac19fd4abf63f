"""``imsoc ched``: CHEDs of this instance, what waits for TRACES, when it was away and when it is going to be."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, ExitCode, Json, facts, listing, logs_aside, state_named
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from sqlalchemy import Connection

    from gateway.ched.wiring import Built
    from gateway.store import ChedRow, ContingencyRow, NoticeRow, OutageRow, Store

__all__ = ["LIST_COLUMNS", "NOT_ASKED", "PARKED", "app", "operating_here", "summary_of", "write_file"]

app = typer.Typer(help="Look after CHEDs, and their exchange with TRACES.", no_args_is_help=True)

TYPES = ("A", "P", "PP", "D")
NOT_ASKED = "IMG-7220"
"""The code of steps about which TRACES was not asked: cancelled here, or behind one that was refused."""
PARKED = "IMG-7216"
"""The code of steps that an operator took out of the exchange."""
LIST_COLUMNS = (
    "reference",
    "local_reference",
    "type",
    "status",
    "pending",
    "contingency",
    "partner",
    "body",
    "updated_at",
)
_STEPS = ("step", "since", "local_reference", "reference", "operation", "state", "attempts", "code", "detail")
_MOST = 1000
_MAX_REASON = 400
"""Characters of a reason."""
_PARKING = timedelta(seconds=30)
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")]
When = Annotated[datetime, typer.Argument(help="UTC, such as 2026-12-01T20:00:00.")]


@app.command()
def find(
    ctx: typer.Context,
    type_: Annotated[str | None, typer.Option("--type", help="A, P, PP or D.")] = None,
    status: Annotated[str | None, typer.Option(help="Code of UN/CEFACT 4405, such as 1 or 70.")] = None,
    local_reference: Annotated[str | None, typer.Option(help="Box I.3, or what it begins with.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the CHEDs that are kept here, the newest first. An operator of the gateway sees them all."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import ChedQuery, ChedVisibility, Cursors, TextFilter, find_cheds  # noqa: PLC0415 - start-up

    query = ChedQuery(
        visibility=ChedVisibility(everything=True),
        types=(type_.upper(),) if type_ else TYPES,
        statuses=(status,) if status else (),
        local_reference=TextFilter(local_reference) if local_reference else None,
        page_size=limit,
    )
    with desk.store() as store, store.read() as connection:
        rows = [summary_of(row) for row in find_cheds(connection, query, Cursors()) if not _is_withdrawn(row)]
    desk.answer({"cheds": rows}, listing(LIST_COLUMNS, rows) if rows else "none")


@app.command()
def show(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(help="Box I.2 or I.3.")],
    content: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the document as it stands here to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show one CHED: who wrote what and when, its signatures, and what is exchanged with TRACES."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import ched_content, ched_seals, ched_versions, steps_of_ched  # noqa: PLC0415 - start-up

    with desk.store() as store, store.read() as connection:
        row = _the_ched(store, reference)
        writes = [
            {
                "number": each.number,
                "at": _moment(each.at),
                "operation": each.operation,
                "status": each.status_code,
                "part": each.part,
                "partner": each.partner,
                "body": each.body,
                "message": each.exchange_id,
                "tables": each.tables,
            }
            for each in ched_versions(connection, row.id)
        ]
        seals = [{"version": version, "role": seal.role} for version, seal in ched_seals(connection, row.id)]
        steps = [_step(each, row) for each in steps_of_ched(connection, row.id)]
        parts = ched_content(connection, row)
    if content is not None and parts is not None:
        write_file(content, parts.content)
    data: dict[str, Any] = {**summary_of(row), "id": row.id, "writes": writes, "seals": seals, "steps": steps}
    views: list[RenderableType] = [facts((name.replace("_", " "), value) for name, value in summary_of(row).items())]
    views += ["\nWrites", listing(list(writes[0]), writes)] if writes else []
    views += ["\nSignatures and seals", listing(["version", "role"], seals)] if seals else []
    views += ["\nExchange with TRACES", listing(_STEPS, steps)] if steps else []
    desk.answer(data, Group(*views))


@app.command()
def waiting(
    ctx: typer.Context,
    state: Annotated[
        str | None,
        typer.Option(help="waiting, unknown, exchanged; refused, if nothing was written since. [default: open]"),
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List what has still to be exchanged with TRACES, in order, and counter-seals that are due."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import (  # noqa: PLC0415 - start-up
        ContingencyState,
        get_ched,
        list_contingency,
        pending_cheds,
        refused_contingency,
    )

    wanted = state_named(ContingencyState, state)
    states = (wanted,) if wanted else (ContingencyState.WAITING, ContingencyState.UNKNOWN)
    with desk.store() as store, store.read() as connection:
        if wanted is ContingencyState.REFUSED:
            found = list(refused_contingency(connection, limit=limit, but=NOT_ASKED))
        else:
            found = [each for one in states for each in list_contingency(connection, state=one, limit=limit)]
        found.sort(key=lambda each: each.seq)
        rows = [_step(each, get_ched(connection, each.ched_id)) for each in found[:limit]]
        due = [summary_of(row) for row in pending_cheds(connection, limit=limit)]
        refused = () if wanted else refused_contingency(connection, limit=_MOST, but=NOT_ASKED)
        aside = sorted((each for each in refused if each.code == PARKED), key=lambda each: each.seq)[:limit]
        parked = [_step(each, get_ched(connection, each.ched_id)) for each in aside]
    views: list[RenderableType] = [listing(_STEPS, rows) if rows else "nothing waits"]
    views += ["\nParked by the operator", listing(_STEPS, parked)] if parked else []
    views += ["\nAccepted, counter-seal pending", listing(LIST_COLUMNS, due)] if due else []
    desk.answer({"steps": rows, "parked": parked, "counter_seals": due}, Group(*views))


@app.command()
def park(
    ctx: typer.Context,
    step: Annotated[int, typer.Argument(help="Number of a step in `imsoc ched waiting`.", min=1)],
    reason: Annotated[str, typer.Option(help="Why, for the audit and for `imsoc ched show`.")],
    as_json: Json = False,
) -> None:
    """Take a step that holds up the exchange out of it, and later ones of its CHED with it; the others go on.

    Exit code 3 while another process exchanges: try again.
    """
    desk = Desk.of(ctx, as_json)
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.store import get_ched, get_contingency, park_contingency  # noqa: PLC0415 - start-up

    if not reason.strip():
        raise ConfigurationError("IMG-0106", "No reason is given", where="--reason", expected="why it is parked")
    with desk.store() as store:
        with store.read() as connection:
            found = get_contingency(connection, step)
            row = get_ched(connection, found.ched_id) if found is not None else None
        if found is None or row is None or not row.contingency:
            wanted = "a step of a contingency CHED, as imsoc ched waiting lists it"
            raise ConfigurationError("IMG-0105", where=str(step), found="no such step", expected=wanted)
        with _nobody_exchanges(store, found.partner) as alone:
            if not alone:
                desk.answer({"result": "another process is at it"}, "another process is at it")
                raise typer.Exit(ExitCode.UNAVAILABLE)

            def unit(connection: Connection) -> tuple[ContingencyRow, ...]:
                current = get_contingency(connection, step) or found
                at = datetime.now(UTC)
                words = reason.strip()[:_MAX_REASON]
                return park_contingency(connection, current, actor=operator(), code=PARKED, reason=words, at=at)

            parked = [_step(each, row) for each in store.write(unit)]
    if not parked:
        raise ConfigurationError(
            "IMG-0105",
            where=str(step),
            found=f"a step that is {found.state}",
            expected="one that is waiting or unknown",
        )
    desk.answer({"parked": parked}, listing(_STEPS, parked))


@app.command()
def exchange(ctx: typer.Context, as_json: Json = False) -> None:
    """Exchange what waits now, in order, and ask for counter-seals. Exit code 3 while TRACES is away."""
    desk = Desk.of(ctx, as_json)
    with operating_here(desk) as built:
        if built.exchanger is None:
            raise ConfigurationError("IMG-0106", "Nothing is upstream", where="traces.upstream", found="nothing")
        done = built.exchanger.run_once()
    if done is None:
        desk.answer({"result": "another process is at it"}, "another process is at it")
        return
    data = {"exchanged": done.exchanged, "refused": done.refused, "counter_seals": done.seals, "away": done.away}
    desk.answer(data, facts((name.replace("_", " "), value) for name, value in data.items()))
    if done.away:
        raise typer.Exit(ExitCode.UNAVAILABLE)
    if done.refused:
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def outages(ctx: typer.Context, limit: Limit = 50, as_json: Json = False) -> None:
    """List when TRACES or one of its functionalities was away (Article 46(2)), the newest first."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import list_outages  # noqa: PLC0415 - start-up

    now = datetime.now(UTC)
    with desk.store() as store, store.read() as connection:
        rows = [_outage(each, now) for each in list_outages(connection, limit=limit)]
    columns = ["functionality", "partner", "began_at", "ended_at", "minutes", "printed_forms", "reason"]
    desk.answer({"outages": rows}, listing(columns, rows) if rows else "none")


@app.command()
def notices(
    ctx: typer.Context,
    past: Annotated[bool, typer.Option("--past", help="Also those that are over or withdrawn.")] = False,
    as_json: Json = False,
) -> None:
    """List announced unavailabilities (Article 46(6)): when, how long, why."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import list_notices  # noqa: PLC0415 - start-up

    with desk.store() as store, store.read() as connection:
        found = list_notices(connection, after=None if past else datetime.now(UTC))
        rows = [_notice(each) for each in found]
    columns = ["id", "partner", "functionality", "begins_at", "ends_at", "announced_at", "withdrawn_at", "reason"]
    desk.answer({"notices": rows}, listing(columns, rows) if rows else "none")


@app.command()
def announce(
    ctx: typer.Context,
    begins: When,
    ends: Annotated[datetime | None, typer.Option(help="UTC; left out when it is not known.")] = None,
    reason: Annotated[str, typer.Option(help="As it was announced.")] = "",
    functionality: Annotated[str, typer.Option(help="What will be away, such as ched-submission.")] = "all",
    partner: Annotated[str | None, typer.Option(help="Who announced it. [default: traces.upstream]")] = None,
    as_json: Json = False,
) -> None:
    """Keep a notice of planned unavailability as TRACES announced it; one with the same beginning is replaced."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import add_notice  # noqa: PLC0415 - start-up

    who = partner or desk.settings.traces.upstream
    if not who:
        raise ConfigurationError("IMG-0106", "Nobody is named", where="--partner", expected="the id of a partner")
    start, end = _utc(begins), _utc(ends) if ends else None
    if end is not None and end <= start:
        raise ConfigurationError("IMG-0106", "It ends before it begins", where="--ends", found=_moment(end))
    with desk.store() as store:
        kept = store.write(
            lambda connection: add_notice(
                connection,
                partner=who,
                functionality=functionality,
                begins_at=start,
                ends_at=end,
                announced_at=datetime.now(UTC),
                reason=reason,
            )
        )
    data = _notice(kept)
    desk.answer(data, facts((name.replace("_", " "), value) for name, value in data.items() if value))


@app.command()
def withdraw(
    ctx: typer.Context,
    notice: Annotated[str, typer.Argument(help="Id of a notice.", metavar="NOTICE")],
    as_json: Json = False,
) -> None:
    """Note that an announced unavailability will not take place."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import withdraw_notice  # noqa: PLC0415 - start-up

    with desk.store() as store:
        done = store.write(lambda connection: withdraw_notice(connection, notice, datetime.now(UTC)))
    if not done:
        raise ConfigurationError("IMG-0105", where=notice, found="no such notice", expected="imsoc ched notices")
    desk.answer({"withdrawn": notice}, f"withdrawn: {notice}")


@contextmanager
def _nobody_exchanges(store: Store, partner: str) -> Iterator[bool]:
    """Take the place of the exchanger, so that no answer is on its way; False when there is one."""
    from gateway.store import acquire_poller, release_poller  # noqa: PLC0415 - start-up

    now = datetime.now(UTC)
    owner = f"imsoc ched park:{os.getpid()}"
    fence = store.write(
        lambda connection: acquire_poller(connection, partner, owner=owner, now=now, until=now + _PARKING)
    )
    try:
        yield fence is not None
    finally:
        if fence is not None:
            done = datetime.now(UTC)
            store.write(
                lambda connection: release_poller(
                    connection, partner, fence=fence, now=done, not_before=done, failures=0
                )
            )


@contextmanager
def operating_here(desk: Desk) -> Iterator[Built]:
    """The services for one command; what they log goes to standard error, where it cannot spoil the answer."""
    from gateway.app import operating_cheds  # noqa: PLC0415 - start-up

    with logs_aside(), operating_cheds(desk.settings) as (_, built):
        yield built


def summary_of(row: ChedRow) -> dict[str, Any]:
    """What a list shows of one document."""
    return {
        "reference": row.reference,
        "local_reference": row.local_reference,
        "type": row.type,
        "status": row.status_code,
        "pending": row.pending,
        "contingency": "yes" if row.contingency else "",
        "partner": row.partner,
        "body": row.body,
        "updated_at": _moment(row.updated_at),
    }


def _is_withdrawn(row: ChedRow) -> bool:
    """What TRACES did not take, so that its message may come again: it stands under no reference (see ``waiting``)."""
    from gateway.ched.states import ChedStatus  # noqa: PLC0415 - start-up

    return row.status_code == ChedStatus.DELETED and not row.reference and not row.local_reference


def _step(step: ContingencyRow, row: ChedRow | None) -> dict[str, Any]:
    return {
        "step": step.seq,
        "since": _moment(step.created_at),
        "local_reference": row.local_reference if row is not None else "",
        "reference": step.reference,
        "operation": step.operation,
        "state": step.state.value,
        "attempts": step.attempts,
        "code": step.code,
        "detail": step.detail,
    }


def _outage(outage: OutageRow, now: datetime) -> dict[str, Any]:
    from gateway.ched.availability import may_use_forms  # noqa: PLC0415 - start-up

    return {
        "functionality": outage.functionality,
        "partner": outage.partner,
        "began_at": _moment(outage.began_at),
        "ended_at": _moment(outage.ended_at) if outage.ended_at else None,
        "minutes": int(((outage.ended_at or now) - outage.began_at).total_seconds() // 60),
        "printed_forms": "yes" if may_use_forms(outage, now) else "",
        "reason": outage.reason,
    }


def _notice(notice: NoticeRow) -> dict[str, Any]:
    return {
        "id": notice.id,
        "partner": notice.partner,
        "functionality": notice.functionality,
        "begins_at": _moment(notice.begins_at),
        "ends_at": _moment(notice.ends_at) if notice.ends_at else None,
        "announced_at": _moment(notice.announced_at),
        "withdrawn_at": _moment(notice.withdrawn_at) if notice.withdrawn_at else None,
        "reason": notice.reason,
    }


def _the_ched(store: Store, reference: str) -> ChedRow:
    """The CHED of that I.2, or the newest of that I.3.

    Raises:
        ConfigurationError: IMG-0105.
    """
    from gateway.store import ched_by_reference, cheds_by_local_reference  # noqa: PLC0415 - start-up

    with store.read() as connection:
        row = ched_by_reference(connection, reference)
        found = row or next(iter(cheds_by_local_reference(connection, reference)), None)
    if found is None:
        raise ConfigurationError("IMG-0105", where=reference, found="no such CHED", expected="imsoc ched find")
    return found


def write_file(path: Path, content: bytes) -> None:
    """Write what was asked for.

    Raises:
        ConfigurationError: IMG-0104.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ConfigurationError("IMG-0104", where=str(path), found=error.strerror or "not writable") from error


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
