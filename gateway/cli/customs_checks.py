"""What ``imsoc doctor`` checks for customs: zones of time, grants, the upstream, frozen ledgers, holds nobody ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from gateway.cli.checks import Result, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.access import Partner
    from gateway.cli.desk import Desk

__all__ = ["check_customs_partners", "check_ledgers_stand", "check_time_zones"]

CONTRACTS: Final = frozenset({"customs-certex-ched", "customs-lookup"})
OLD: Final = timedelta(days=30)
"""How long an LRN may hold: a declaration that is lodged before the goods come lapses after 30 days (Article 171 of
Regulation (EU) No 952/2013)."""
_MOST: Final = 1000
_NATIONAL: Final = "national"
_ADAPTER: Final = "traces-nt"


def check_time_zones(desk: Desk) -> Iterator[Result]:
    """Whether the zone in which times are shown to customs is known on this machine; a gateway would not start."""
    from gateway.timezones import is_time_zone  # noqa: PLC0415 - beside its only use

    name = desk.settings.customs.time_zone
    if is_time_zone(name):
        yield Result("time zone", State.OK, f"{name}, now {_offset(name)}")
    else:
        detail = f"{name} is not known: neither the system nor the package tzdata has it"
        yield Result("time zone", State.FAIL, detail, "pip install tzdata")


def check_customs_partners(desk: Desk, partners: list[Partner]) -> Iterator[Result]:
    """Customs that may call and speak for no office, or the other way round; pushes to others; the upstream's record.

    Args:
        desk: settings of this run.
        partners: the records of the store.
    """
    from gateway.access import PUSHES  # noqa: PLC0415 - beside its only use

    repair = desk.command("partners add FILE")
    for partner in partners:
        granted = sorted(CONTRACTS & partner.contracts)
        if partner.enabled and partner.customs is None and partner.delivery and partner.delivery.adapter == PUSHES:
            detail = f'adapter = "{PUSHES}" without [partner.customs]: it can follow no CHED, and no documents go there'
            yield Result(f"pushes {partner.id}", State.WARN, detail, repair)
        if not partner.enabled or bool(granted) == (partner.customs is not None):
            continue
        if granted:
            detail = f"{', '.join(granted)} without [partner.customs]: every call is refused (IMG-2113)"
        else:
            detail = f"[partner.customs] without a contract: {' or '.join(sorted(CONTRACTS))}"
        yield Result(f"customs {partner.id}", State.WARN, detail, repair)
    yield from _upstream(desk, partners)


def check_ledgers_stand(desk: Desk) -> Iterator[Result]:
    """Validated CHEDs on which nothing can be reserved, and LRNs that hold for long."""
    from gateway.customs.judging import VALIDATED  # noqa: PLC0415 - beside its only use
    from gateway.store import DeclarationType, frozen_ledgers, old_holds  # noqa: PLC0415 - as above

    with desk.store() as store, store.read() as connection:
        frozen = frozen_ledgers(connection, VALIDATED, limit=_MOST)
        old = old_holds(connection, DeclarationType.LRN, datetime.now(UTC) - OLD, limit=_MOST)
    if frozen:
        reference, why = frozen[0]
        detail = f"{_count(len(frozen))} frozen, the oldest {reference}: {why}"
        yield Result("ledgers", State.WARN, detail, desk.command(f"customs show {reference}"))
    if old:
        first = old[0]
        detail = (
            f"{_count(len(old))} LRNs hold for more than {OLD.days} days, the oldest {first.declaration.number} on "
            f"{first.reference} since {first.since:%Y-%m-%d}"
        )
        repair = f'customs release {first.reference} --lrn {first.declaration.number} --reason "..."'
        yield Result("holds", State.WARN, detail, desk.command(repair))


def _upstream(desk: Desk, partners: list[Partner]) -> Iterator[Result]:
    settings = desk.settings
    name = settings.customs.upstream
    if not name or _NATIONAL not in settings.instance.roles:
        return
    partner = next((each for each in partners if each.id == name and each.enabled), None)
    repair = desk.command("partners add FILE")
    if partner is None:
        detail = f"customs.upstream {name}: no partner of this id, or a disabled one"
        yield Result("customs upstream", State.FAIL, detail, repair)
    elif partner.delivery is None or partner.delivery.adapter != _ADAPTER:
        found = partner.delivery.adapter if partner.delivery is not None else "no [partner.delivery]"
        yield Result("customs upstream", State.FAIL, f"{name}: {found}; it must be {_ADAPTER}", repair)
    else:
        yield Result("customs upstream", State.OK, f"{name} at {partner.delivery.address}")


def _offset(name: str) -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - beside its only use

    return datetime.now(ZoneInfo(name)).isoformat(timespec="minutes")[-6:]


def _count(found: int) -> str:
    return f"{_MOST} or more" if found >= _MOST else str(found)
