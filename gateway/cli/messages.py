"""``imsoc messages``: what came in, and what became of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, Json, facts, listing
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.store import DeliveryRow, ExchangeRow, Store, VersionParts

__all__ = ["app", "describe"]

app = typer.Typer(help="List and show messages.", no_args_is_help=True)


@app.command("list")
def list_(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="Only from this partner.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only refused ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List messages, the newest first."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import Outcome, list_exchanges  # noqa: PLC0415 - start-up

    outcome = Outcome.REFUSED if refused else None
    with desk.store() as store, store.read() as connection:
        rows = [summary(row) for row in list_exchanges(connection, partner=partner, outcome=outcome, limit=limit)]
    columns = ["received_at", "id", "partner", "operation", "subject", "outcome", "error_code"]
    desk.answer({"messages": rows}, listing(columns, rows) if rows else "none")


@app.command()
def show(
    ctx: typer.Context,
    message_id: Annotated[str, typer.Argument(help="Id of a message.", metavar="MESSAGE")],
    as_json: Json = False,
) -> None:
    """Show one message: who, what, its outcome, its versions, deliveries and translated codes."""
    desk = Desk.of(ctx, as_json)
    with desk.store() as store:
        data, view = describe(store, message_id)
    desk.answer(data, view)


def summary(row: ExchangeRow) -> dict[str, Any]:
    """One message as plain values."""
    return {
        "id": row.id,
        "received_at": f"{row.received_at:%Y-%m-%dT%H:%M:%SZ}",
        "partner": row.partner,
        "contract": row.contract,
        "operation": row.operation,
        "subject": row.subject,
        "sender_message_id": row.sender_message_id,
        "outcome": row.outcome.value,
        "repeat_of": row.repeat_of,
        "error_code": row.error_code,
    }


def describe(store: Store, message_id: str) -> tuple[dict[str, Any], RenderableType]:
    """Everything that is known about a message, as plain values and for a terminal.

    Raises:
        ConfigurationError: IMG-0105, there is no such message.
    """
    from gateway.store import find_evidence  # noqa: PLC0415 - start-up

    with store.read() as connection:
        known = find_evidence(connection, message_id)
        if known is not None and known.exchange.repeat_of is not None:
            first = find_evidence(connection, known.exchange.repeat_of)
        else:
            first = known
    if known is None or first is None:
        raise ConfigurationError(
            "IMG-0105", where=message_id, found="no such message, code or rule", expected="imsoc messages list"
        )
    data = summary(known.exchange) | {"refusal": dict(known.exchange.error_detail or {})}
    views: list[RenderableType] = [facts((name.replace("_", " "), value) for name, value in data.items() if value)]
    if first.version is not None:
        data |= {
            "status_code": first.version.status_code,
            "digest": first.version.digest.hex(),
            "route": first.version.route,
            "deliveries": [_delivery(row) for row, _ in first.deliveries],
        }
        for name, text in _reports(first.parts):
            data[name] = json.loads(text) if text else []
        views += _tables(data)
    return data, Group(*views)


def _reports(parts: VersionParts | None) -> list[tuple[str, str | None]]:
    """The JSON texts that were stored with a version, under the names that the answer has for them."""
    if parts is None:
        return []
    return [("seal", parts.seal_verdict), ("findings", parts.findings), ("translated", parts.translation_report)]


def _delivery(row: DeliveryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "partner": row.partner,
        "state": row.state.value,
        "attempts": row.attempts,
        "code": row.code,
        "detail": row.detail,
    }


def _tables(data: dict[str, Any]) -> list[RenderableType]:
    """What is known about a document's version, each part with its heading; empty ones are left out."""
    views: list[RenderableType] = [facts((name, data[name]) for name in ("status_code", "digest", "route"))]
    for name in ("seal", "findings", "translated", "deliveries"):
        part = data.get(name)
        if isinstance(part, dict) and isinstance(part.get("places"), list):
            part = part["places"]
        if isinstance(part, dict):
            views += [f"\n{name.capitalize()}", facts((key.replace("_", " "), value) for key, value in part.items())]
        elif part:
            views += [f"\n{name.capitalize()}", listing(list(part[0]), part)]
    return views
