"""``imsoc deliveries``: what is on its way to partners, and what needs an operator."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, Json, facts, listing, state_named
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.store import DeliveryParts, DeliveryRow, Store

__all__ = ["app", "find_described"]

app = typer.Typer(help="List deliveries and retry failed ones.", no_args_is_help=True)

STATES = ("pending", "in-flight", "tracking", "delivered", "refused", "unknown", "failed", "withdrawn")


@app.command("list")
def list_(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="Only to this partner.")] = None,
    state: Annotated[str | None, typer.Option(help=f"Only in this state: {', '.join(STATES)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List deliveries, the newest first."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import DeliveryState, list_deliveries  # noqa: PLC0415 - start-up

    wanted = state_named(DeliveryState, state)
    with desk.store() as store, store.read() as connection:
        rows = [_summary(row) for row in list_deliveries(connection, partner=partner, state=wanted, limit=limit)]
    columns = ["id", "partner", "carries", "message", "state", "attempts", "next_attempt_at", "code", "detail"]
    desk.answer({"deliveries": rows}, listing(columns, rows) if rows else "none")


@app.command()
def show(
    ctx: typer.Context,
    delivery_id: Annotated[str, typer.Argument(help="Id of a delivery.", metavar="DELIVERY")],
    as_json: Json = False,
) -> None:
    """Show one delivery: how it stands, what was sent, with which version of the tables, and the translated codes."""
    desk = Desk.of(ctx, as_json)
    with desk.store() as store:
        found = find_described(store, delivery_id)
    if found is None:
        raise ConfigurationError(
            "IMG-0105", where=delivery_id, found="no such delivery", expected="imsoc deliveries list"
        )
    desk.answer(*found)


@app.command()
def retry(
    ctx: typer.Context,
    delivery_id: Annotated[str, typer.Argument(help="Id of a delivery.", metavar="DELIVERY")],
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Translate and seal again, for instance after adding a mapping row.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a refused or failed delivery back into its lane."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.store.outbox import resend  # noqa: PLC0415 - start-up

    with desk.store() as store:
        store.write(
            lambda connection: resend(connection, delivery_id, actor=operator(), now=datetime.now(UTC), afresh=afresh)
        )
    desk.answer({"id": delivery_id, "state": "pending"}, f"{delivery_id}: back in its lane")


def find_described(store: Store, delivery_id: str) -> tuple[dict[str, Any], RenderableType] | None:
    """A delivery as plain values and for a terminal; None when there is none of this id."""
    from gateway.cli.messages import translated_places  # noqa: PLC0415 - only then it is needed
    from gateway.store import find_delivery  # noqa: PLC0415 - start-up

    with store.read() as connection:
        found = find_delivery(connection, delivery_id)
    if found is None:
        return None
    data = _summary(found[0]) | _sent(found[1])
    view: RenderableType = facts((name.replace("_", " "), value) for name, value in data.items() if value)
    data["translated"] = places = _report(found[1])
    return data, Group(view, "\nTranslated", *translated_places(places)) if places else view


def _sent(parts: DeliveryParts | None) -> dict[str, Any]:
    """What was sent, in its bytes and in the version of the tables; nothing before it is prepared."""
    if parts is None:
        return {}
    sent: dict[str, Any] = {"bytes": len(parts.payload), "sha256": hashlib.sha256(parts.payload).hexdigest()}
    if parts.translation is not None:
        made = parts.translation
        sent |= {"mapping_tables": made.tables, "on": made.effective_on.isoformat()}
        sent |= {"translated_sha256": made.digest.hex()}
    return sent


def _report(parts: DeliveryParts | None) -> list[dict[str, Any]]:
    places: list[dict[str, Any]] = json.loads(parts.translation.report) if parts and parts.translation else []
    return places


def _summary(row: DeliveryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "partner": row.partner,
        "carries": "document" if row.push_id is None else "push",
        "message": row.exchange_id,
        "state": row.state.value,
        "attempts": row.attempts,
        "next_attempt_at": f"{row.next_attempt_at:%Y-%m-%dT%H:%M:%SZ}" if row.settled_at is None else None,
        "code": row.code,
        "detail": row.detail,
    }
