"""``imsoc hub``: envelopes of the ePhyto hub, what became of them, what was sent through it, and its code lists."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, ExitCode, Json, facts, listing, logs_aside, state_named
from gateway.cli.envelopes import waiting
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from gateway.errors import GatewayError
    from gateway.exchange import Context
    from gateway.hub import HubService
    from gateway.hub.polling import Poller, Round
    from gateway.store import AnswerRow, ImportRow, Store

__all__ = ["app"]

app = typer.Typer(help="Poll the ePhyto hub, look after its envelopes, answer them.", no_args_is_help=True)

app.command()(waiting)

STATES = ("pulled", "imported", "response", "held", "unreadable")
ANSWER_COLUMNS = ("given_at", "status", "reason", "state", "number", "said", "code", "message")
Number = Annotated[str, typer.Argument(help="The hub's number of an envelope.", metavar="NUMBER")]
Partner = Annotated[str | None, typer.Option(help="The hub's partner id, where two gave the same number.")]


@app.command()
def poll(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Argument(help="Id of a hub. [default: all that are polled]")] = None,
    as_json: Json = False,
) -> None:
    """Ask hubs once, now: pull, store, take over, acknowledge, track what was sent. Exit code 3 if one is silent."""
    desk = Desk.of(ctx, as_json)
    with _operating(desk) as (_, poller, _):
        wanted = (partner,) if partner is not None else poller.candidates()
        rounds: list[Round | None] = []
        for each in wanted:
            desk.note(f"asking {each or 'our own stand-in'} ...")
            rounds.append(poller.run_once(each))
    rows = [_round(each, done) for each, done in zip(wanted, rounds, strict=True)]
    views: list[RenderableType] = [listing(list(rows[0]), rows)] if rows else ["no partner has [partner.polling]"]
    troubled = [text for done in rounds if done for text in done.troubled]
    views += [f"waits: {text}" for text in troubled]
    desk.answer({"rounds": rows, "troubled": troubled}, Group(*views))
    if any(done is not None and done.failure for done in rounds):
        raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command()
def imports(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="Only from this partner.")] = None,
    state: Annotated[str | None, typer.Option(help=f"Only in this state: {', '.join(STATES)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List envelopes that came for us, the newest first."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import ImportState, list_imports  # noqa: PLC0415 - start-up

    wanted = state_named(ImportState, state)
    with desk.store() as store, store.read() as connection:
        rows = [_summary(row) for row in list_imports(connection, partner=partner, state=wanted, limit=limit)]
    columns = ["received_at", "number", "partner", "certificate", "status", "state", "verdict", "code", "message"]
    desk.answer({"imports": rows}, listing(columns, rows) if rows else "none")


@app.command()
def show(ctx: typer.Context, number: Number, partner: Partner = None, as_json: Json = False) -> None:
    """Show one envelope: what came, what became of it, what the hub was told."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.messages import describe  # noqa: PLC0415 - start-up
    from gateway.store import find_audit, list_answers  # noqa: PLC0415 - start-up

    with desk.store() as store:
        row = _the_import(store, number, partner)
        data = _summary(row)
        views: list[RenderableType] = [facts((name.replace("_", " "), value) for name, value in data.items() if value)]
        with store.read() as connection:
            trail = [
                {"at": f"{entry.at:%Y-%m-%dT%H:%M:%SZ}", "actor": entry.actor, "action": entry.action}
                for entry in find_audit(connection, row.id)
            ]
            answers = [_answer(each) for each in list_answers(connection, import_id=row.id)]
        data["answers"] = answers
        views += ["\nAnswers", listing([*ANSWER_COLUMNS], answers)] if answers else []
        views += ["\nSteps", listing(["at", "actor", "action"], trail)] if trail else []
        data["steps"] = trail
        if row.exchange_id:
            data["message_data"], view = describe(store, row.exchange_id)
            views += ["\nMessage", view]
    desk.answer(data, Group(*views))


@app.command()
def retry(
    ctx: typer.Context,
    number: Annotated[
        str | None, typer.Argument(help="The hub's number of an envelope. [default: all that are held]")
    ] = None,
    partner: Partner = None,
    as_json: Json = False,
) -> None:
    """Look into what is held or unreadable again, for instance after adding a mapping row. The bytes are here.

    What came later about the same certificate and is held, a withdrawal for instance, follows in its order.
    """
    desk = Desk.of(ctx, as_json)
    if number is None:
        _retry_all(desk, partner)
        return
    with _operating(desk) as (context, poller, _):
        row = _the_import(context.store, number, partner)
        if row.state not in ("held", "unreadable"):
            raise ConfigurationError(
                "IMG-0106", "Nothing to retry", where=number, found=row.state, expected="held | unreadable"
            )
        row = poller.decide_again(row)
    data = _summary(row)
    desk.answer(data, facts((name, data[name]) for name in ("number", "state", "code", "message", "message_id")))
    if row.state in ("held", "unreadable"):
        raise typer.Exit(ExitCode.REFUSED)


def _retry_all(desk: Desk, partner: str | None) -> None:
    """Everything that is held, oldest first: what is held for want of an earlier envelope comes after it."""
    from gateway.store import ImportState, find_import, list_imports  # noqa: PLC0415 - start-up

    held: list[ImportRow] = []
    rows: list[dict[str, Any]] = []
    with _operating(desk) as (context, poller, _):
        with context.store.read() as connection:
            while page := list_imports(
                connection, partner=partner, state=ImportState.HELD, before=held[-1].id if held else None, limit=1000
            ):
                held += page
        for each in reversed(held):
            with context.store.read() as connection:
                row = find_import(connection, each.partner, each.hub_number) or each
            if row.state is ImportState.HELD:  # else it followed another one
                row = poller.decide_again(row)
            rows.append(_summary(row))
    columns = ["received_at", "number", "partner", "certificate", "status", "state", "code", "message"]
    desk.answer({"imports": rows}, listing(columns, rows) if rows else "nothing is held")
    if any(row["state"] == "held" for row in rows):
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def sent(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="Only through this hub.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List certificates that hubs took from us, our answers, and what is said about them, the newest first."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import list_answers, list_trackings  # noqa: PLC0415 - start-up

    with desk.store() as store, store.read() as connection:
        rows = [
            (
                row.created_at,
                {
                    "delivery": row.delivery_id,
                    "answers": "",
                    "status": "",
                    "partner": row.partner,
                    "number": row.number,
                    "state": row.state,
                    "message": row.message,
                    "checked_at": row.checked_at and f"{row.checked_at:%Y-%m-%dT%H:%M:%SZ}",
                    "next_check_at": None if row.settled_at else f"{row.next_check_at:%Y-%m-%dT%H:%M:%SZ}",
                },
            )
            for row in list_trackings(connection, partner=partner, limit=limit)
        ]
        rows += [(row.created_at, _sent_answer(row)) for row in list_answers(connection, hub=partner, limit=limit)]
    newest = sorted(rows, key=lambda row: row[0], reverse=True)[:limit]
    told = [row for _, row in newest]
    desk.answer({"sent": told}, listing(list(told[0]), told) if told else "none")


@app.command()
def respond(
    ctx: typer.Context,
    number: Number,
    status: Annotated[int, typer.Option(help="UN/CEFACT 4405: 39 approved, 41 rejected.")],
    reason: Annotated[str, typer.Option(help="One sentence for the other authority.")] = "",
    partner: Partner = None,
    again: Annotated[bool, typer.Option("--again", help="Send it although the same answer was given before.")] = False,
    as_json: Json = False,
) -> None:
    """Answer an envelope: an SPSAcknowledgement travels back to the country that sent it.

    The answer is kept first. If the hub does not take it now, the rounds of imsoc serve and imsoc hub poll send it.
    """
    desk = Desk.of(ctx, as_json)
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.hub.answering import answer  # noqa: PLC0415 - start-up

    with _operating(desk) as (context, poller, _):
        row = _the_import(context.store, number, partner)
        given = answer(context, poller, row, status=status, reason=reason, actor=operator(), again=again)
    data = {**_answer(given.answer), "repeated": given.repeated}
    views: list[RenderableType] = [facts((name.replace("_", " "), value) for name, value in data.items() if value)]
    if given.repeated:
        views.append("\nThis answer was given before and is not sent a second time (--again sends it).")
    elif given.answer.state in ("waiting", "sending"):
        views.append("\nThe hub has not confirmed it. It is kept, and the next rounds go on with it.")
    desk.answer(data, Group(*views))
    if given.answer.state == "refused":
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def sync(
    ctx: typer.Context,
    partner: Annotated[str, typer.Argument(help="Id of a hub.")],
    as_json: Json = False,
) -> None:
    """Fetch the ten code lists of a hub now and tell what changed since the last time."""
    desk = Desk.of(ctx, as_json)
    from gateway.hub.synchronising import synchronise_lists  # noqa: PLC0415 - start-up

    with _operating(desk) as (context, poller, _):
        drifts = synchronise_lists(poller.client(partner), context.store, partner, context.clock())
    kinds = ("added", "removed", "changed", "retired")
    rows = [{"list": name, **{kind: len(getattr(drift, kind)) for kind in kinds}} for name, drift in drifts.items()]
    details = {
        name: {
            **{kind: [dict(row) for row in getattr(drift, kind)] for kind in kinds if kind != "changed"},
            "changed": [{"old": dict(each.old), "new": dict(each.new)} for each in drift.changed],
        }
        for name, drift in drifts.items()
    }
    desk.answer({"changed": details}, listing(["list", *kinds], rows) if rows else "no list changed")


@app.command()
def lists(
    ctx: typer.Context,
    partner: Annotated[str, typer.Option(help="Id of a hub whose lists were fetched.")],
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the newest editions as CSV, as [hub] lists reads them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the editions of a hub's code lists that are kept here."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import latest_list, list_versions  # noqa: PLC0415 - start-up
    from mappings.hub_lists import LISTS, rows_from_json, rows_to_csv  # noqa: PLC0415 - start-up

    files: list[str] = []
    with desk.store() as store, store.read() as connection:
        rows: list[dict[str, Any]] = [
            {"list": each.list, "version": each.version, "fetched_at": f"{each.fetched_at:%Y-%m-%dT%H:%M:%SZ}"}
            for each in list_versions(connection, partner)
        ]
        for spec in LISTS if export else ():
            newest = latest_list(connection, partner, spec.element)
            if newest is not None and export is not None:
                provenance = {"authority": partner, "source": f"{spec.operation}, fetched {newest.fetched_at:%Y-%m-%d}"}
                provenance |= {"version": str(newest.version), "licence": "as the hub allows"}
                text = rows_to_csv(spec.element, rows_from_json(spec.element, newest.rows), provenance)
                files.append(_write(export, spec.file, text))
    views: list[RenderableType] = [listing(["list", "version", "fetched_at"], rows) if rows else "none"]
    views += [f"wrote {file}" for file in files]
    desk.answer({"lists": rows, "files": files}, Group(*views))


@app.command()
def members(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Argument(help="Id of a hub. [default: our own stand-in]")] = None,
    as_json: Json = False,
) -> None:
    """List the authorities that take part: at a hub, or at our own stand-in."""
    desk = Desk.of(ctx, as_json)
    with _operating(desk) as (_, poller, stand_in):
        known = poller.client(partner).active_nppos() if partner else stand_in.active_nppos() if stand_in else []
    rows = [
        {
            "country": each.country,
            "send": each.send,
            "receive": each.receive,
            "documents": [f"{item.type}/{item.status}" for item in each.documents if item.active],
        }
        for each in known
    ]
    desk.answer({"members": rows}, listing(["country", "send", "receive", "documents"], rows) if rows else "none")


@contextmanager
def _operating(desk: Desk) -> Iterator[tuple[Context, Poller, HubService | None]]:
    """The services for one command; what they log goes to standard error, where it cannot spoil the answer."""
    from gateway.app import operating  # noqa: PLC0415 - start-up

    with logs_aside(), operating(desk.settings) as services:
        yield services


def _round(partner: str, done: Round | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"hub": partner or "our own stand-in"}
    if done is None:
        return {
            **shown,
            **dict.fromkeys(STATES[1:], ""),
            "tracked": "",
            "lists": "",
            "result": "another poller is at it",
        }
    failure = done.failure
    return {
        **shown,
        **{state: done.states[state] for state in STATES[1:]},
        "tracked": f"{done.tracked.finished} of {done.tracked.asked}",
        "lists": len(done.lists),
        "result": _failed(failure) if failure else "more waits" if done.more else "done",
    }


def _failed(failure: GatewayError) -> str:
    told = ", ".join(filter(None, (failure.where, failure.found)))
    return f"{failure.code} {failure.message}{f': {told}' if told else ''}"


def _summary(row: ImportRow) -> dict[str, Any]:
    return {
        "number": row.hub_number,
        "received_at": f"{row.received_at:%Y-%m-%dT%H:%M:%SZ}",
        "partner": row.partner,
        "from": row.from_country,
        "to": row.to_country,
        "certificate": f"{row.certificate_type} {row.certificate_number}",
        "status": row.certificate_status,
        "state": row.state.value,
        "verdict": row.verdict.value,
        "code": row.code,
        "message": row.message,
        "message_id": row.exchange_id,
        "acknowledged_at": row.acknowledged_at and f"{row.acknowledged_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _answer(row: AnswerRow) -> dict[str, Any]:
    """An answer of ours as plain values."""
    return {
        "given_at": f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "status": row.status,
        "reason": row.reason,
        "state": row.state.value,
        "number": row.number,
        "said": row.said,
        "code": row.code,
        "message": row.message,
        "attempts": row.attempts,
        "next_attempt_at": None if row.settled_at else f"{row.next_attempt_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _sent_answer(row: AnswerRow) -> dict[str, Any]:
    """An answer among what was sent; the hub's word where there is one, else how far it is here."""
    return {
        "delivery": "",
        "answers": row.answers,
        "status": row.status,
        "partner": row.hub or "our own stand-in",
        "number": row.number,
        "state": row.said or row.state.value,
        "message": row.message,
        "checked_at": None,
        "next_check_at": None if row.settled_at else f"{row.next_attempt_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _the_import(store: Store, number: str, partner: str | None) -> ImportRow:
    """The one import of that number.

    Raises:
        ConfigurationError: IMG-0105, there is none, or there are several and no partner was named.
    """
    from gateway.store import list_imports  # noqa: PLC0415 - start-up

    with store.read() as connection:
        found = list_imports(connection, partner=partner, hub_number=number, limit=2)
    if len(found) == 1:
        return found[0]
    what = f"envelopes of {' and '.join(row.partner for row in found)}" if found else "no such envelope"
    expected = "--partner" if found else "imsoc hub imports"
    raise ConfigurationError("IMG-0105", where=number, found=what, expected=expected)


def _write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError("IMG-0104", where=str(path), found=error.strerror or "not writable") from error
    return str(path)
