"""What must hold before a set of tables may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from mappings.contradictions import contradictions

if TYPE_CHECKING:
    from mappings.loading import Tables

__all__ = ["check"]


def check(tables: Tables) -> None:
    """Refuse tables that contradict themselves or speak of codes that no list holds.

    Raises:
        ConfigurationError: IMG-0131, the first contradiction with its rows.
    """
    first = next(contradictions(tables), None)
    if first is not None:
        raise ConfigurationError("IMG-0131", where=first.where, found=first.found, expected=first.expected)
