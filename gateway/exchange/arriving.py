"""How an entry leaves quarantine: in the transaction in which its message arrives, and counted there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store import QuarantineState, Recorded, RecordedKind, Undo, settle_quarantine
from gateway.store.quarantine_families import BY_OPERATOR, confirm_release, released_by, stands_still, waiting_behind

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.exchange.context import Context
    from gateway.store import Edition, QuarantineRow

__all__ = ["Arrival"]


class Arrival:
    """What a way calls in the transaction in which a released message arrives, with the id of what it became.

    Args:
        context: the services.
        entry: what is released.
        actor: who released it.
        edition: whose author confirmed it; None: an operator asked for it.
        room: without an edition, how many the operator lets go, with what waits for it; None: however many wait.
    """

    def __init__(
        self, context: Context, entry: QuarantineRow, actor: str, edition: Edition | None, room: int | None = None
    ) -> None:
        self._context = context
        self._entry = entry
        self._actor = actor
        self._edition = edition
        self._room = room
        self.full = False
        """Whether more than was confirmed would have been released."""
        self.arrived = False
        """Whether it was this release that let the entry go, if it is gone."""
        self.followers: tuple[str, ...] = ()
        """What waited for it and was confirmed with it, in the order in which it goes."""

    def __call__(self, connection: Connection, exchange_id: str) -> None:
        """The entry leaves.

        Raises:
            Undo: it may not, or was not held any more; nothing of the transaction stands.
        """
        self.claim(connection)
        edition = self._edition
        reason = f"edition {edition.number} of the tables" if edition else "released by an operator"
        awaited = self._entry.transport.get("waits_for")
        left = settle_quarantine(
            connection,
            self._entry.id,
            QuarantineState.RELEASED,
            actor=self._actor,
            reason=f"{reason}, after {awaited}" if awaited else reason,
            now=self._context.clock(),
            exchange_id=exchange_id,
        )
        if not left:
            raise Undo(Recorded(RecordedKind.HELD, self._entry.id))
        self.arrived = True

    def claim(self, connection: Connection) -> None:
        """Count the release, in a transaction before it where that cannot be one with the arrival.

        Raises:
            Undo: no more were confirmed.
        """
        stands_still(connection, self._entry.id)
        edition = self._edition
        number, allowed = (edition.number, edition.release_limit) if edition else (BY_OPERATOR, self._room)
        followers = tuple(row.id for row in waiting_behind(connection, self._entry.id))
        self.full = not confirm_release(connection, (self._entry.id, *followers), number, allowed=allowed)
        if self.full:
            raise Undo(Recorded(RecordedKind.HELD, self._entry.id))
        self.followers = followers

    def look(self, connection: Connection) -> None:
        """Find out before anything is judged or sealed whether there is room; `claim` makes sure of it."""
        family = (self._entry, *waiting_behind(connection, self._entry.id))
        if self._edition is None:
            self.full = self._room is not None and len(family) > self._room
            return
        uncounted = sum(not row.counted for row in family)
        left = self._edition.release_limit - released_by(connection, self._edition.number)
        self.full = 0 < uncounted > left
