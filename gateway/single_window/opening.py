"""Ledgers that are missing are opened before customs are shown them, as before they are moved (docs/adr/0020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway.errors import Unavailable
from gateway.single_window.following import Cause, open_missing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.exchange import Context
    from gateway.single_window.pushing import PushKeeper

__all__ = ["open_ledger_of", "open_to_show"]

_log = structlog.get_logger(__name__)


def open_ledger_of(
    context: Context, pushes: PushKeeper, reference: str, *, partner: str, at: datetime, is_shown: bool = False
) -> None:
    """Open the ledger that a CHED has to have, with those of its family, in a unit of work of its own.

    Args:
        context: the services.
        pushes: who is told of ledgers that moved.
        reference: I.2.
        partner: whose message it is for.
        at: when that came.
        is_shown: it is only looked at: on PostgreSQL whoever has locked the family is waited for a second, not ten.

    Raises:
        Unavailable: IMG-9001, somebody else had the family too long.
    """

    def unit(connection: Connection) -> None:
        if is_shown and connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
        cause = Cause(at=at, partner=partner)
        open_missing(connection, reference, context.limits, cause)
        cause.tell(connection, pushes)

    context.store.write(unit)


def open_to_show(
    context: Context, pushes: PushKeeper, references: Iterable[str], *, partner: str, at: datetime
) -> None:
    """The same for all that one answer shows, one after the other. It never fails, and waits for one family only.

    What could not be opened is to be shown without quantities: what its lines certify may be sold under other numbers.
    """
    for reference in sorted(set(references)):
        try:
            open_ledger_of(context, pushes, reference, partner=partner, at=at, is_shown=True)
        except Unavailable as error:
            _log.warning("customs.ledger_not_opened", ched=reference, error=error.code)
            return
        except Exception as error:  # noqa: BLE001 - whoever only looks gets an answer all the same
            _log.error("customs.ledger_not_opened", ched=reference, error=type(error).__qualname__)
