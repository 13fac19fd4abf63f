"""How much of a list a load ends, and what it may not end without a number: a short reply must not empty a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigurationError, TranslationRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from gateway.cli.mappings_desk import OpenTables
    from mappings.changes import ChangePlan
    from mappings.hub_lists import HubLists
    from mappings.reference.files import Record

__all__ = ["ListCount", "of_hub", "of_plan", "of_records", "require_bound"]

_FEW: Final = 20
"""Codes of a list that may end without a number."""
_BESIDE: Final = frozenset({"node-names", "attributes"})
"""Lists that go with another: what ends there is no loss by itself."""


@dataclass(frozen=True, slots=True)
class ListCount:
    """Entries of a list that hold, before a load and with it."""

    list: str
    before: int
    after: int
    added: int
    closed: int

    @property
    def loses_much(self) -> bool:
        """Whether more than half of a list of some size ends."""
        return self.before > _FEW and 2 * self.closed > self.before


def of_plan(known: OpenTables, plan: ChangePlan) -> ListCount:
    """The codes of a list, before a change and with it."""
    from mappings.held import HeldTable  # noqa: PLC0415 - start-up

    day = plan.effective_on.isoformat()
    rows = HeldTable(known.live.latest, known.store, plan.table).rows()
    before = {row.code for row in rows if not row.last or row.last >= day}
    ended = {row.code for row, last_day in plan.ending() if last_day < day}
    entering = {row.code: row.until >= day for row in plan.entering()}
    closed = before & ((ended - entering.keys()) | {code for code, holds in entering.items() if not holds})
    added = {code for code, holds in entering.items() if holds} - before
    after = len(before) - len(closed) + len(added)
    return ListCount(plan.table.list, len(before), after, len(added), len(closed))


def of_records(
    before: Mapping[str, Sequence[Record]], after: Mapping[str, Sequence[Record]], day: date
) -> Iterator[ListCount]:
    """The lists of reference data that change; trees and metadata lists each by themselves."""
    held, holds = _by_list(before, day), _by_list(after, day)
    yield from _counts(held, holds)


def of_hub(before: HubLists, after: HubLists) -> Iterator[ListCount]:
    """The hub's lists that change."""
    from mappings.hub_lists import LISTS  # noqa: PLC0415 - start-up

    def active(lists: HubLists) -> dict[str, set[str]]:
        return {
            spec.element: {"\t".join(map(str, row.values())) for row in lists.items(spec.element) if _active(row)}
            for spec in LISTS
        }

    yield from _counts(active(before), active(after))


def require_bound(counts: Iterable[ListCount], closing: int, *, dry_run: bool) -> None:
    """Refuse what would leave nothing of a list, or end more than half of it without a number.

    Args:
        counts: of the lists that change.
        closing: how many entries may end, as somebody said.
        dry_run: nothing ends, so that no number is needed.

    Raises:
        TranslationRefused: IMG-6030, nothing would be left.
        ConfigurationError: IMG-0139, more than half would end and nobody said how many.
    """
    counts = [each for each in counts if each.list.partition(" ")[0] not in _BESIDE]
    for each in counts:
        if each.before and not each.after:
            raise TranslationRefused(
                "IMG-6030", where=each.list, found="an empty list", expected=f"some of its {each.before} entries"
            )
    closed = sum(each.closed for each in counts)
    for each in counts:
        if each.loses_much and closed > closing and not dry_run:
            found = f"{each.closed} of {each.before} entries of {each.list} would end"
            raise ConfigurationError("IMG-0139", where="--closing", found=found, expected=f"--closing {closed} --yes")


def _counts(before: Mapping[str, set[str]], after: Mapping[str, set[str]]) -> Iterator[ListCount]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, set()), after.get(name, set())
        if old != new:
            yield ListCount(name, len(old), len(new), len(new - old), len(old - new))


def _by_list(lists: Mapping[str, Sequence[Record]], day: date) -> dict[str, set[str]]:
    from mappings.reference.files import SPECS  # noqa: PLC0415 - start-up

    found: dict[str, set[str]] = {}
    for spec in SPECS:
        divided = spec.key[0] if spec.key[0] in ("tree", "list") and len(spec.key) > 1 else ""
        for record in lists[spec.name]:
            name = f"{spec.name} {record[divided]}" if divided else spec.name
            entries = found.setdefault(name, set())
            if _active(record.cells) and (record.cells.get("valid_to") or "9") >= day.isoformat():
                entries.add("\t".join(record[column] for column in spec.key))
    return found


def _active(cells: Mapping[str, str]) -> bool:
    return cells.get("active") != "false"
