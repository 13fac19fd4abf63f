"""A planned change becomes the next edition: written in portions that nobody sees, then visible to all at once."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from gateway.errors import ConfigurationError
from gateway.store import (
    add_closings,
    add_rows,
    begin_change,
    forget_change,
    get_edition,
    latest_edition,
    publish_change,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store import Edition, Store
    from mappings.changes import ChangePlan

__all__ = ["PORTION", "publish"]

T = TypeVar("T")

PORTION: Final = 2_000
"""Rows that are written at once: a serving process waits for no more than these."""


def publish(
    store: Store,
    plan: ChangePlan,
    *,
    author: str,
    reason: str,
    at: datetime,
    kind: str = "change",
    release_limit: int = 0,
    step: Callable[[str, int], None] = lambda _what, _count: None,
) -> Edition:
    """Make a plan the next edition.

    Args:
        store: where the tables' changes are.
        plan: judged for the newest edition there.
        author: who answers for it.
        reason: why.
        at: now, aware.
        kind: ``change``, ``import``, ``load`` or ``confirm``.
        release_limit: how many messages in quarantine it may release.
        step: told what is done and how many rows of it are done.

    Raises:
        ConfigurationError: IMG-0138, another edition came since the plan was made; nothing of this one is visible.
    """
    _require_newest(store, plan)
    change = store.write(lambda connection: begin_change(connection, at=at, author=author))
    published: Edition | None = None
    try:
        count = 0
        for rows in _portions(plan.rows()):
            store.write(partial(_add, add_rows, change, rows))
            count += len(rows)
            step("rows written", count)
        for closings in _portions(plan.closings()):
            store.write(partial(_add, add_closings, change, closings))
            count += len(closings)
            step("rows written", count)
        published = store.write(
            lambda connection: publish_change(
                connection,
                change,
                expected=plan.expected,
                at=at,
                author=author,
                reason=reason,
                kind=kind,
                effective_on=plan.effective_on.isoformat(),
                source=plan.source,
                release_limit=release_limit,
            )
        )
        if published is None:
            raise _overtaken(store, plan)
    finally:
        if published is None:
            _forget(store, change)
    return published


def _add(add: Callable[[Connection, int, Sequence[T]], None], change: int, rows: Sequence[T], at: Connection) -> None:
    add(at, change, rows)


def _require_newest(store: Store, plan: ChangePlan) -> None:
    """Spare the writing where another edition is there already."""
    with store.read() as connection:
        newest = latest_edition(connection)
    if newest != plan.expected:
        raise _overtaken(store, plan)


def _overtaken(store: Store, plan: ChangePlan) -> ConfigurationError:
    with store.read() as connection:
        edition = get_edition(connection, latest_edition(connection))
    found = f"edition {edition.number} by {edition.author}: {edition.reason}" if edition is not None else "none"
    return ConfigurationError("IMG-0138", where=str(plan.source), found=found, expected=f"edition {plan.expected}")


def _forget(store: Store, change: int) -> None:
    """In several units of work, so that others get their turn."""
    while not store.write(lambda connection: forget_change(connection, change)):
        pass


def _portions(rows: Iterable[T]) -> Iterator[Sequence[T]]:
    pending = iter(rows)
    while portion := list(islice(pending, PORTION)):
        yield portion
