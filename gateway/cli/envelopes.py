"""``imsoc hub waiting``, and what ``imsoc explain`` says of an envelope: on its way out, in, or through here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Group

from gateway.cli.desk import Desk, Json, facts, listing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.store import EnvelopeRow, Store

__all__ = ["find_envelope_number", "waiting"]

OURSELVES: Final = "this instance"
"""The receiver of what its own poller takes from the stand-in."""
_DAY: Final = timedelta(days=1)


def waiting(
    ctx: typer.Context,
    receiver: Annotated[str | None, typer.Option(help="Only what this partner may pull.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many envelopes, the oldest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List what waits at this hub for its receivers: how much for each and since when, then the envelopes."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import backlogs, list_waiting  # noqa: PLC0415 - start-up

    recipient = "" if receiver == OURSELVES else receiver
    now = datetime.now(UTC)
    with desk.store() as store, store.read() as connection:
        counts = [each for each in backlogs(connection) if recipient in (None, each.recipient)]
        rows = [_waiting(row, now) for row in list_waiting(connection, recipient=recipient, limit=limit)]
    receivers = [
        {
            "receiver": each.recipient or OURSELVES,
            "country": each.to_country,
            "envelopes": each.envelopes,
            "bytes": each.size,
            "oldest": f"{each.oldest:%Y-%m-%dT%H:%M:%SZ}",
            "age": _age(now - each.oldest),
        }
        for each in counts
    ]
    columns = ["age", "number", "sender", "receiver", "from", "to", "certificate", "status", "bytes"]
    views: list[RenderableType] = [listing(list(receivers[0]), receivers)] if receivers else ["nothing waits"]
    if rows:
        views += ["", listing(columns, rows)]
    total = sum(each.envelopes for each in counts)
    if total > len(rows):
        views.append(f"and {total - len(rows)} more (--limit)")
    desk.answer({"receivers": receivers, "envelopes": rows}, Group(*views))


def find_envelope_number(store: Store, number: str) -> tuple[dict[str, Any], RenderableType] | None:
    """What is known here about a hub's number: it may have come through us, for us, or from us; None when nothing is.

    Numbers of two hubs may be equal, so there may be several of each.
    """
    from gateway.store import find_envelope, find_tracking, list_imports  # noqa: PLC0415 - start-up

    with store.read() as connection:
        kept, sent = find_envelope(connection, number), find_tracking(connection, number)
        imports = list_imports(connection, hub_number=number)
    data: dict[str, Any] = {"number": number}
    views: list[RenderableType] = []
    if kept is not None:
        waits = kept.state == "PendingDelivery"
        data["here"] = {
            **_waiting(kept, datetime.now(UTC)),
            "state": kept.state,
            "message": kept.message,
            "settled_at": None if waits else f"{kept.updated_at:%Y-%m-%dT%H:%M:%SZ}",
            "copy_of": kept.origin,
        }
        views += [f"Delivered to our hub, {'waits' if waits else 'settled'}", facts(data["here"].items())]
    data["imports"] = [
        {
            "partner": row.partner,
            "received_at": f"{row.received_at:%Y-%m-%dT%H:%M:%SZ}",
            "from": row.from_country,
            "to": row.to_country,
            "certificate": f"{row.certificate_type} {row.certificate_number}",
            "status": row.certificate_status,
            "state": row.state.value,
            "code": row.code,
            "message": row.message,
            "message_id": row.exchange_id,
        }
        for row in imports
    ]
    for each in data["imports"]:
        views += [
            f"Came for us (imsoc hub show {number})",
            facts((name, value) for name, value in each.items() if value),
        ]
    if sent is not None:
        data["sent"] = {
            "delivery": sent.delivery_id,
            "partner": sent.partner,
            "state": sent.state,
            "message": sent.message,
            "settled_at": sent.settled_at and f"{sent.settled_at:%Y-%m-%dT%H:%M:%SZ}",
        }
        views += ["Sent by us (imsoc hub sent)", facts((name, value) for name, value in data["sent"].items() if value)]
    return (data, Group(*views)) if views else None


def _waiting(row: EnvelopeRow, now: datetime) -> dict[str, Any]:
    return {
        "number": row.number,
        "sender": row.partner,
        "receiver": row.recipient or OURSELVES,
        "from": row.from_country,
        "to": row.to_country,
        "certificate": f"{row.certificate_type} {row.certificate_number}",
        "status": row.certificate_status,
        "bytes": row.size,
        "delivered_at": f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "age": _age(now - row.created_at),
    }


def _age(span: timedelta) -> str:
    """``3 d 4 h``, ``4 h 12 min`` or ``12 min``: two units say enough."""
    hours, rest = divmod(max(span, timedelta()) % _DAY, timedelta(hours=1))
    minutes = rest // timedelta(minutes=1)
    if span >= _DAY:
        return f"{span // _DAY} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
