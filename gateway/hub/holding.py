"""Envelopes that are held for want of rows stand in quarantine beside all else, and leave it as they are decided.

The envelope itself stays where it is: the state of its import says what the hub was told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import ExchangeRefused
from gateway.exchange.envelope import CONTRACT
from gateway.exchange.holding import HOLDABLE, answer_of, gap_rows, judged_with
from gateway.store import (
    ImportState,
    NewHold,
    QuarantineDirection,
    QuarantineQuery,
    QuarantineState,
    add_hold,
    get_import,
    list_quarantine,
    new_id,
    note_gaps,
    settle_quarantine,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.exchange import Context, ImportOutcome
    from gateway.exchange.quarantine import Arrival
    from gateway.store import ImportRow, QuarantineRow
    from mappings import Index

__all__ = ["in_quarantine", "keep_in_step", "release_envelope"]


def in_quarantine(connection: Connection, import_id: str) -> QuarantineRow | None:
    """The entry of an envelope that is held."""
    query = QuarantineQuery(state=QuarantineState.HELD, held_in=import_id, limit=1)
    return next(iter(list_quarantine(connection, query)), None)


def keep_in_step(
    connection: Connection,
    context: Context,
    row: ImportRow,
    outcome: ImportOutcome,
    *,
    now: datetime,
    arrive: Arrival | None = None,
) -> None:
    """Write what a decision means for quarantine, in the transaction of the decision.

    Args:
        connection: of the unit of work.
        context: the services.
        row: the import.
        outcome: what was decided.
        now: aware.
        arrive: of a release from quarantine; None: the envelope came, or an operator of the hub tried it again.
    """
    entry = in_quarantine(connection, row.id)
    if outcome.state is ImportState.HELD:
        _hold(connection, context, row, outcome, entry, now)
    elif arrive is not None:
        arrive(connection, outcome.exchange_id)
    elif entry is not None:
        settle_quarantine(
            connection,
            entry.id,
            QuarantineState.RELEASED,
            actor=row.partner,
            reason=f"the envelope is {outcome.state}",
            now=now,
            exchange_id=outcome.exchange_id or None,
        )


def release_envelope(
    context: Context,
    decide_again: Callable[[ImportRow, Arrival], ImportRow],
    entry: QuarantineRow,
    _index: Index,
    arrive: Arrival,
) -> None:
    """Decide an envelope in quarantine again: a way of ``gateway.exchange.quarantine``.

    Raises:
        ExchangeRefused: what holds it up still.
    """
    with context.store.read() as connection:
        row = get_import(connection, entry.held_in)
    if row is None:
        raise AssertionError("an import is never deleted")
    row = decide_again(row, arrive)
    if row.state in (ImportState.HELD, ImportState.UNREADABLE):
        raise ExchangeRefused(row.code, row.message)


def _hold(
    connection: Connection,
    context: Context,
    row: ImportRow,
    outcome: ImportOutcome,
    entry: QuarantineRow | None,
    now: datetime,
) -> None:
    index = context.index.on(now.date())
    gaps, judged = gap_rows(outcome.gaps), judged_with(index)
    if entry is not None:
        note_gaps(connection, entry.id, gaps, code=outcome.code, reason=outcome.message, judged=judged)
        return
    if not outcome.gaps or any(gap.code not in HOLDABLE for gap in outcome.gaps):
        return
    new = NewHold(
        id=new_id(now),
        direction=QuarantineDirection.IN,
        contract=CONTRACT,
        operation="PULLSingleImportEnvelope",
        partner=row.partner,
        subject=outcome.subject,
        status_code=outcome.status_code,
        digest=outcome.digest,
        held_in=row.id,
        code=outcome.gaps[0].code,
        tables=index.version,
        judged=judged,
        gaps=gaps,
        received_at=now,
        sender_message_id=row.hub_number,
        transport={"method": "client-certificate"},
        answer=answer_of(outcome.gaps, None),
    )
    add_hold(connection, new)
