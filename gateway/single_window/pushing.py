"""Changes of CHEDs, told to the customs systems that follow them (PushIndication; docs/customs-push.md).

What is told is written in the unit of work of the change: its status and ledger as the change left them, and the next
number of the subscription. From there it is a delivery as any other.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final, Protocol

from gateway.access import PUSHES
from gateway.certex.pushes import ChedChange, notification
from gateway.ched.states import TERMINAL, ChedStatus
from gateway.errors import AccessDenied, ConfigurationError, DeliveryError
from gateway.single_window.access import sees
from gateway.single_window.showing import summary_of
from gateway.store import (
    MAX_WAITING_PUSHES,
    AllocationState,
    Prepared,
    PushEnd,
    PushKind,
    active_subscriptions,
    end_subscription,
    find_push,
    find_subscription,
    get_ched,
    lock_ledger,
    open_subscription,
    queue_push,
    read_ledger,
    waits_too_long,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.delivery import PushJob
    from gateway.exchange import Context
    from gateway.single_window.access import CustomsActor
    from gateway.store import ChedRow, ChedWrite, LedgerState

__all__ = ["PushKeeper", "Pushes", "push_for"]

_STOP_REASONS: Final = {PushEnd.ASKED: "01", PushEnd.CHED: "02", PushEnd.BACKLOG: "03", PushEnd.OPERATOR: "04"}
"""PushStopReason: the public contracts give no list, these are ours."""

_OVER: Final = TERMINAL | {ChedStatus.REJECTED}
"""With nothing reserved, nothing that customs act on follows."""


class PushKeeper(Protocol):
    """Who follows a CHED, and what is told to them (docs/customs-push.md)."""

    def follow(
        self, connection: Connection, actor: CustomsActor, ched_id: str, *, on: bool | None, office: str, at: datetime
    ) -> tuple[bool, str]:
        """Begin or end to follow, or leave it; whether it is followed then, and why not any more.

        Where it begins, the CHED is locked: what is read after the unit of work lacks nothing that is not told.
        """

    def changed(self, connection: Connection, ched_id: str, *, what: PushKind, at: datetime) -> None:
        """Queue what has changed for everybody who follows, in the same unit of work."""

    def written(self, connection: Connection, write: ChedWrite, before: ChedRow | None) -> None:
        """Queue a write of a CHED, where customs see something of it."""


class Pushes:
    """Who follows CHEDs, and what they are told."""

    _limit = MAX_WAITING_PUSHES
    """Pushes of one subscription that may wait; with the one that fills it, it ends."""

    def follow(
        self, connection: Connection, actor: CustomsActor, ched_id: str, *, on: bool | None, office: str, at: datetime
    ) -> tuple[bool, str]:
        """Begin or end to tell a partner of changes, or leave it as it is. Call inside `Store.write`.

        Where it begins the CHED is locked first: read its position after this call, and no change is in neither.

        Args:
            connection: of the unit of work.
            actor: who asks.
            ched_id: id of the CHED.
            on: PushIndication; None leaves it.
            office: competent customs office of the message.
            at: when it came; aware.

        Returns:
            PushActive and PushStopReason.
        """
        partner = actor.principal.partner
        if not _has_endpoint(partner) and on is not False:
            return False, ""
        if on:
            row = get_ched(connection, ched_id)
            state = lock_ledger(connection, row.reference) if row else None
            if state is None or _is_over(state):
                return False, _STOP_REASONS[PushEnd.CHED]
            open_subscription(connection, partner=partner.id, ched_id=ched_id, office=office, at=at)
        found = find_subscription(connection, partner.id, ched_id)
        if found is None:
            return False, ""
        if on is False and end_subscription(connection, found.id, PushEnd.ASKED, at=at):
            return False, _STOP_REASONS[PushEnd.ASKED]
        return found.active, _STOP_REASONS[found.why] if found.why else ""

    def changed(self, connection: Connection, ched_id: str, *, what: PushKind, at: datetime) -> None:
        """Queue a change for everybody who follows the CHED. Call in its unit of work, when all of it is written.

        Args:
            connection: of the unit of work, which holds the lock of the CHED.
            ched_id: id of the CHED.
            what: has changed.
            at: when it was made; aware.
        """
        followers = active_subscriptions(connection, ched_id)
        row = get_ched(connection, ched_id) if followers else None
        state = read_ledger(connection, row.reference) if row else None
        if state is None:
            return
        for subscription, office, pushes in followers:
            number = pushes + 1
            end = self._end_of(connection, state, subscription, number)
            content = notification(
                ChedChange(
                    subscription=subscription,
                    number=number,
                    moment=at,
                    what=what,
                    office=office,
                    reference=state.reference,
                    type=state.type,
                    status_code=state.status_code,
                    version=state.version,
                    summary=summary_of(state, UTC) if state.version else None,
                    stop_reason=end or "",
                )
            )
            queue_push(connection, subscription, number, what=what, content=content, at=at)
            if end is not None:
                end_subscription(connection, subscription, end, at=at)

    def written(self, connection: Connection, write: ChedWrite, before: ChedRow | None) -> None:
        """Queue a write of a CHED: a follower of the register (``Context.ched_followers``), the last of them.

        Part III is not for customs (R-38-1), and a seal changes nothing that they see.
        """
        if before is not None and (before.status_code != write.row.status_code or write.part in {"I", "II"}):
            self.changed(connection, write.row.id, what=PushKind.STATUS, at=write.at)

    def _end_of(self, connection: Connection, state: LedgerState, subscription: str, number: int) -> PushEnd | None:
        """Why this push is the last one; None when it is not."""
        if _is_over(state):
            return PushEnd.CHED
        return PushEnd.BACKLOG if waits_too_long(connection, subscription, number, self._limit) else None


def push_for(context: Context, job: PushJob) -> Prepared:
    """What is sent: the message as it was queued, if the partner may still see the CHED.

    Raises:
        ConfigurationError: IMG-0123 the partner is gone or has no endpoint any more.
        AccessDenied: IMG-2110 its countries are others now, IMG-2113 it is no customs any more.
        DeliveryError: IMG-8012 there is no such push.
    """
    partner = context.directory.by_id(job.partner)
    if partner is None or not _has_endpoint(partner):
        raise ConfigurationError("IMG-0123", where=f"partner {job.partner}", expected=f'adapter = "{PUSHES}"')
    if partner.customs is None:
        raise AccessDenied("IMG-2113", found=partner.id, expected="[partner.customs] in its record")
    with context.store.read() as connection:
        found = find_push(connection, job.id)
        row = get_ched(connection, found[0]) if found else None
    if found is None or row is None:
        raise DeliveryError("IMG-8012", where=job.id)
    if not sees(partner.customs, row):
        raise AccessDenied("IMG-2110", where=f"partner {partner.id}", found=row.reference)
    return Prepared(found[1], None)


def _has_endpoint(partner: Partner) -> bool:
    return partner.delivery is not None and partner.delivery.adapter == PUSHES


def _is_over(state: LedgerState) -> bool:
    return state.status_code in _OVER and not any(each.state is AllocationState.RESERVED for each in state.allocations)
