"""``imsoc customs pushes`` and ``push-stop``: who is told of changes of CHEDs, and how that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.customs import Reference, app
from gateway.cli.customs_changes import reason_of
from gateway.cli.desk import Desk, Json, listing
from gateway.errors import ConfigurationError, CustomsRefused

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from gateway.store import PushRow, SubscriptionRow

__all__ = ["push_stop", "pushes"]

_FOLLOWERS = ["partner", "ched", "office", "since", "pushes", "ended_at", "why", "reason"]
_PUSHES = ["id", "partner", "ched", "what", "at", "state", "attempts", "next_attempt_at", "code", "detail"]


@app.command()
def pushes(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="Only to this partner.")] = None,
    ched: Annotated[str | None, typer.Option(metavar="CHED", help="Only of this CHED, by box I.2.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many of each, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List who is told of changes of which CHED, and what was told or waits, the newest first.

    A push is a delivery: `imsoc deliveries show ID` has its bytes, `imsoc deliveries retry ID` sends one again that was
    refused or failed.

    Example: `imsoc customs pushes --ched CHEDP.NL.2026.0000001`
    """
    desk = Desk.of(ctx, as_json)
    from gateway.store import (  # noqa: PLC0415 - start-up
        ched_by_reference,
        find_partner,
        list_pushes,
        list_subscriptions,
    )

    with desk.store() as store, store.read() as connection:
        if partner and find_partner(connection, partner) is None:
            raise ConfigurationError("IMG-0105", where=partner, found="no such partner", expected="imsoc partners list")
        if ched and ched_by_reference(connection, ched) is None:
            raise CustomsRefused("IMG-7413", where=ched, found="no CHED of this reference (box I.2)")
        followers = [
            _follower(each) for each in list_subscriptions(connection, partner=partner, reference=ched, limit=limit)
        ]
        told = [_told(each) for each in list_pushes(connection, partner=partner, reference=ched, limit=limit)]
    views: list[RenderableType] = ["Followed by", listing(_FOLLOWERS, followers) if followers else "nobody"]
    views += ["\nPushes", listing(_PUSHES, told)] if told else []
    desk.answer({"followers": followers, "pushes": told}, Group(*views))


@app.command("push-stop")
def push_stop(
    ctx: typer.Context,
    partner: Annotated[str, typer.Argument(help="Id of a partner.", metavar="PARTNER")],
    reference: Reference,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit and for `imsoc customs pushes`.")],
    as_json: Json = False,
) -> None:
    """Tell a partner no more of a CHED. What waits for it is withdrawn.

    It is not told that it ended: it sees so when it reads the CHED next (reason 04), and may ask again then.

    Example: `imsoc customs push-stop nl-customs CHEDP.NL.2026.0000001 --reason "their system is being replaced"`
    """
    desk = Desk.of(ctx, as_json)
    why = reason_of(reason)
    from datetime import UTC, datetime  # noqa: PLC0415 - start-up

    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.store import PushEnd, end_subscription, list_subscriptions  # noqa: PLC0415 - start-up

    with desk.store() as store:
        with store.read() as connection:
            found = list_subscriptions(connection, partner=partner, reference=reference, limit=1)
        ended = bool(found) and store.write(
            lambda connection: end_subscription(
                connection, found[0].id, PushEnd.OPERATOR, at=datetime.now(UTC), actor=operator(), reason=why
            )
        )
    if not ended:
        raise ConfigurationError(
            "IMG-0105", where=f"{partner} {reference}", found="no such follower", expected="imsoc customs pushes"
        )
    desk.answer(
        {"partner": partner, "ched": reference, "why": PushEnd.OPERATOR.value},
        f"{partner}: no more pushes of {reference}",
    )


def _follower(row: SubscriptionRow) -> dict[str, Any]:
    return {
        "subscription": row.id,
        "partner": row.partner,
        "ched": row.reference,
        "office": row.office,
        "since": _time(row.since),
        "pushes": row.pushes,
        "ended_at": _time(row.ended_at),
        "why": row.why.value if row.why else "",
        "reason": row.reason,
    }


def _told(row: PushRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "partner": row.partner,
        "ched": row.reference,
        "number": row.number,
        "what": row.what.value,
        "at": _time(row.at),
        "state": row.state.value,
        "attempts": row.attempts,
        "next_attempt_at": _time(row.next_attempt_at),
        "code": row.code,
        "detail": row.detail,
    }


def _time(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None
