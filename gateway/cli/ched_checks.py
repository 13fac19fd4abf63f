"""What ``imsoc doctor`` checks of CHEDs: the instance upstream, what waits for it, and seals that are not there yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.cli.checks import Result, State
from gateway.cli.ched import NOT_ASKED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.access import Partner
    from gateway.cli.desk import Desk
    from gateway.store import ChedRow, ContingencyRow, OutageRow

__all__ = ["check_cheds", "check_upstream"]

_MOST: Final = 1000
_ADAPTER: Final = "traces-nt"
_NATIONAL: Final = "national"


def check_upstream(desk: Desk, partners: list[Partner]) -> Iterator[Result]:
    """Whether the partner that CHEDs are handed on to has a record that can be used for it.

    Args:
        desk: settings of this run.
        partners: the records of the store.
    """
    settings = desk.settings
    name = settings.traces.upstream
    if not name or _NATIONAL not in settings.instance.roles:
        return
    partner = next((each for each in partners if each.id == name), None)
    repair = desk.command("partners add FILE")
    if partner is None or not partner.enabled:
        detail = f"traces.upstream {name}: no partner of this id, or a disabled one"
        yield Result("upstream", State.FAIL, detail, repair)
    elif partner.delivery is None or partner.delivery.adapter != _ADAPTER:
        found = partner.delivery.adapter if partner.delivery is not None else "no [partner.delivery]"
        yield Result("upstream", State.FAIL, f"{name}: {found}; it must be {_ADAPTER}", repair)
    elif not any("seal" in anchor.purposes for anchor in partner.anchors):
        detail = f"{name}: no anchor for seals, so no counter-seal of TRACES can be verified (Article 41(2))"
        yield Result("upstream", State.WARN, detail, repair)
    else:
        yield Result("upstream", State.OK, f"{name} at {partner.delivery.address}")


def check_cheds(desk: Desk) -> Iterator[Result]:
    """What waits to be exchanged, what was refused, since when TRACES is away, and what has no counter-seal."""
    from gateway.store import (  # noqa: PLC0415 - beside its only use
        ContingencyState,
        list_contingency,
        list_outages,
        pending_cheds,
        refused_contingency,
    )

    with desk.store() as store, store.read() as connection:
        open_steps = [
            step
            for state in ContingencyState
            if state.open
            for step in list_contingency(connection, state=state, limit=_MOST)
        ]
        refused = refused_contingency(connection, limit=_MOST, but=NOT_ASKED)
        away = [outage for outage in list_outages(connection, limit=_MOST) if outage.ended_at is None]
        pending = pending_cheds(connection, limit=_MOST)
    yield from _away(desk, away)
    yield from _steps(desk, open_steps, refused)
    yield from _pending(desk, pending)


def _away(desk: Desk, away: list[OutageRow]) -> Iterator[Result]:
    if away:
        first = min(away, key=lambda outage: outage.began_at)
        hours = (datetime.now(UTC) - first.began_at).total_seconds() / 3600
        detail = f"{first.partner} is away for {hours:.1f} h ({', '.join(sorted(each.functionality for each in away))})"
        yield Result("traces", State.WARN, detail, desk.command("ched outages"))


def _steps(desk: Desk, waiting: list[ContingencyRow], refused: tuple[ContingencyRow, ...]) -> Iterator[Result]:
    if waiting:
        detail = f"{_count(len(waiting))} contingency documents are not exchanged yet"
        yield Result("contingency", State.WARN, detail, desk.command("ched exchange"))
    if refused:
        last = refused[0]
        detail = f"{_count(len(refused))} refused after the return of {last.partner}, the last with {last.code}"
        yield Result("contingency refused", State.WARN, detail, desk.command("ched waiting --state refused"))


def _pending(desk: Desk, pending: tuple[ChedRow, ...]) -> Iterator[Result]:
    if pending:
        first = pending[0]
        named = first.reference or first.local_reference
        detail = f"{_count(len(pending))} CHEDs without the seal of TRACES, the oldest {named}"
        repair = desk.command("ched exchange") if desk.settings.traces.upstream else "see seal.timestamp_authorities"
        yield Result("counter-seals", State.WARN, detail, repair)


def _count(found: int) -> str:
    return f"{_MOST} or more" if found >= _MOST else str(found)
