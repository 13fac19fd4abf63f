"""``imsoc deliveries``: what is on its way to partners, and what needs an operator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.desk import Desk, Json, listing, state_named

if TYPE_CHECKING:
    from gateway.store import DeliveryRow

__all__ = ["app"]

app = typer.Typer(help="List deliveries and retry failed ones.", no_args_is_help=True)

STATES = ("pending", "in-flight", "tracking", "delivered", "refused", "unknown", "failed")


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
    columns = ["id", "partner", "message", "state", "attempts", "next_attempt_at", "code", "detail"]
    desk.answer({"deliveries": rows}, listing(columns, rows) if rows else "none")


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


def _summary(row: DeliveryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "partner": row.partner,
        "message": row.exchange_id,
        "state": row.state.value,
        "attempts": row.attempts,
        "next_attempt_at": f"{row.next_attempt_at:%Y-%m-%dT%H:%M:%SZ}" if row.settled_at is None else None,
        "code": row.code,
        "detail": row.detail,
    }
