"""A gateway that passes customs' questions on has no ledgers: what `imsoc customs` says there instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import CustomsRefused

if TYPE_CHECKING:
    from gateway.cli.desk import Desk

__all__ = ["check_ledgers_here", "upstream_of"]

_TRACES: Final = "traces"
"""A gateway in this role answers customs itself."""


def upstream_of(desk: Desk) -> str:
    """Id of the partner that has the ledgers; empty where they are here."""
    settings = desk.settings
    return "" if _TRACES in settings.instance.roles else settings.customs.upstream


def check_ledgers_here(desk: Desk, where: str) -> None:
    """Refuse a command about a ledger that is somewhere else.

    Args:
        desk: settings of this run.
        where: what the command names.

    Raises:
        CustomsRefused: IMG-7413.
    """
    partner = upstream_of(desk)
    if partner:
        expected = f"`{desk.command(f'customs ask {partner} CHED --office NUMBER')}`"
        raise CustomsRefused("IMG-7413", where=where, found=f"the ledgers are at {partner}", expected=expected)
