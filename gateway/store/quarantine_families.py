"""What hangs together in quarantine: versions that wait for another, and all that is held of one document.

Whoever waits is found by its gap in the list `AWAITED`, whose code is the id of the entry that it waits for. A release
is confirmed for an entry together with all that waits behind it, so that no document stands that was withdrawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from gateway.store.quarantine import get_quarantine, settle_quarantine
from gateway.store.quarantine_records import QuarantineState
from gateway.store.quarantine_tables import quarantine, quarantine_gaps
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store.quarantine_records import QuarantineRow

__all__ = [
    "AWAITED",
    "BY_OPERATOR",
    "Ended",
    "confirm_release",
    "end_all",
    "give_back",
    "held_of_document",
    "released_by",
    "stands_still",
    "waiting_behind",
    "with_waiting",
]

AWAITED: Final = "quarantine"
"""In the place of a list: the code is the id of the entry that a later version waits for."""

BY_OPERATOR: Final = 0
"""``QuarantineRow.counted`` of what an operator released; editions begin with 1."""

_select_of_document = Statement(
    "SELECT id FROM quarantine WHERE partner = :partner AND subject = :subject AND contract = :contract "
    "AND direction = 'in' AND state = 'held' AND contract <> 'ippc-hub' ORDER BY id"
)
_mark = Statement(
    "UPDATE quarantine SET counted = :edition WHERE id = :id AND (counted IS NULL OR (counted = 0 AND :edition > 0))"
)
_stand_still = Statement("UPDATE quarantine SET judged = judged WHERE id = :id AND state = 'held'")
_look_again = Statement("UPDATE quarantine SET judged = '' WHERE id = :id AND state = 'held'")
_unmark = Statement(
    "UPDATE quarantine SET counted = NULL WHERE id = :id AND counted = :edition AND state <> 'released'"
)
_begin = Statement("INSERT INTO quarantine_releases (edition, released) VALUES (:edition, 0) ON CONFLICT DO NOTHING")
_claim = Statement(
    "UPDATE quarantine_releases SET released = released + :count WHERE edition = :edition "
    "AND released + :count <= :allowed RETURNING released"
)
_return = Statement("UPDATE quarantine_releases SET released = released - 1 WHERE edition = :edition")
_released = Statement("SELECT released FROM quarantine_releases WHERE edition = :edition")


class Ended(NamedTuple):
    """An entry that ended because something took its place."""

    id: str
    subject: str
    status_code: str


def waiting_behind(connection: Connection, quarantine_id: str) -> tuple[QuarantineRow, ...]:
    """What is held and waits for an entry, or for what waits for it: whoever is waited for stands before who waits."""
    gap = quarantine_gaps.c
    found: dict[str, QuarantineRow] = {}
    level: list[str] = [quarantine_id]
    while level:
        waiting = select(gap.quarantine_id).where(gap.list == AWAITED, gap.code.in_(level))
        held = quarantine.c.state == QuarantineState.HELD
        ids = connection.scalars(select(quarantine.c.id).where(held, quarantine.c.id.in_(waiting)))
        level = sorted(set(ids) - found.keys() - {quarantine_id})
        found.update(_entries(connection, level))
    return tuple(found.values())


def with_waiting(connection: Connection, rows: Collection[QuarantineRow]) -> tuple[QuarantineRow, ...]:
    """Entries, each with what waits behind it, each once."""
    found = {row.id: row for row in rows}
    for row in rows:
        found.update({each.id: each for each in waiting_behind(connection, row.id)})
    return tuple(found.values())


def stands_still(connection: Connection, quarantine_id: str) -> bool:
    """Whether an entry is held. It stays so until this unit of work ends, and nothing comes to wait for it."""
    return bool(_stand_still(connection, id=quarantine_id).rowcount)


def held_of_document(connection: Connection, *, partner: str, subject: str, contract: str) -> tuple[QuarantineRow, ...]:
    """What is held of a document, whatever its status, oldest first; one look into an index where nothing is."""
    rows = _select_of_document(connection, partner=partner, subject=subject, contract=contract).fetchall()
    return tuple(_entries(connection, [row[0] for row in rows]).values())


def end_all(
    connection: Connection,
    rows: Sequence[QuarantineRow],
    *,
    actor: str,
    reason: str,
    now: datetime,
    exchange_id: str | None = None,
) -> tuple[Ended, ...]:
    """Something takes the place of these entries; returns those that were held still."""
    return tuple(
        Ended(row.id, row.subject, row.status_code)
        for row in rows
        if settle_quarantine(
            connection,
            row.id,
            QuarantineState.SUPERSEDED,
            actor=actor,
            reason=reason,
            now=now,
            exchange_id=exchange_id,
        )
    )


def released_by(connection: Connection, edition: int) -> int:
    """How many releases were counted against what an edition allows."""
    row = _released(connection, edition=edition).fetchone()
    return row[0] if row else 0


def confirm_release(connection: Connection, ids: Sequence[str], edition: int, *, allowed: int | None) -> bool:
    """Confirm the release of an entry and of what waits behind it, and count each once.

    What waits is looked at again by whoever serves, should the process end before it has followed.

    Args:
        connection: of the unit of work.
        ids: the entry, then what waits behind it.
        edition: whose author confirmed releases; `BY_OPERATOR`: an operator asks for this very one.
        allowed: how many in all; for an operator how many now, None without a bound.

    Returns:
        False when there is no room: the caller undoes the unit of work.
    """
    count = sum(_mark(connection, id=each, edition=edition).rowcount for each in ids)
    for each in ids[1:]:
        _look_again(connection, id=each)
    if edition == BY_OPERATOR:
        return allowed is None or len(ids) <= allowed
    if not count:
        return True  # they were counted before, and did not arrive
    _begin(connection, edition=edition)
    return _claim(connection, edition=edition, allowed=allowed or 0, count=count).fetchone() is not None


def give_back(connection: Connection, quarantine_id: str) -> None:
    """What was confirmed with another entry does not go: it is not counted, and needs a confirmation of its own."""
    row = get_quarantine(connection, quarantine_id)
    if row is None or row.counted is None:
        return
    if _unmark(connection, id=row.id, edition=row.counted).rowcount and row.counted != BY_OPERATOR:
        _return(connection, edition=row.counted)


def _entries(connection: Connection, ids: Sequence[str]) -> dict[str, QuarantineRow]:
    found = ((each, get_quarantine(connection, each)) for each in ids)
    return {each: row for each, row in found if row is not None}
