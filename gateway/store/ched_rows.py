"""A CHED as a row of the table, both ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from gateway.store.ched_records import ChedCommodity, ChedDocument, ChedRow
from gateway.store.ched_tables import cheds
from gateway.store.identifiers import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = ["COLUMNS", "NAMES", "from_columns", "to_columns"]

_LISTS: Final = (
    "operators",
    "bodies",
    "posts",
    "areas",
    "sources",
    "targets",
    "origin_countries",
    "phyto_references",
    "phyto_local_references",
)
_TIMES: Final = (
    "created_at",
    "updated_at",
    "status_changed_at",
    "declared_at",
    "decided_at",
    "prior_notification_at",
)
_FLAGS: Final = (
    "transshipped",
    "transfer",
    "plant_health_non_compliance",
    "pending_laboratory_tests",
    "requires_follow_up",
    "signed",
    "contingency",
    "refused",
)

NAMES: Final = tuple(column.name for column in cheds.columns if column.name != "terms")
"""Of the columns that `from_columns` reads, in that order."""

COLUMNS: Final = ", ".join(f"c.{name}" for name in NAMES)
"""The same for a SELECT from ``cheds c``."""

_PLAIN: Final = tuple(name for name in NAMES if name not in {*_TIMES, *_FLAGS, "lists", "seq", "version", "content_id"})


def from_columns(values: Iterable[Any]) -> ChedRow:
    """The row whose columns have these values, in the order of `NAMES`."""
    found: dict[str, Any] = dict(zip(NAMES, values, strict=True))
    lists = json.loads(found.pop("lists"))
    found["commodities"] = tuple(
        ChedCommodity(code, tuple(names), system, system_name)
        for code, names, system, system_name in lists.pop("commodities", ())
    )
    found["documents"] = tuple(ChedDocument(*each) for each in lists.pop("documents", ()))
    found.update((name, tuple(several)) for name, several in lists.items())
    for name in _TIMES:
        found[name] = from_text(found[name]) if found[name] else None
    for name in _FLAGS:
        found[name] = bool(found[name])
    return ChedRow(**found)


def to_columns(row: ChedRow) -> dict[str, Any]:
    """The values of the columns that a write sets: all but ``seq``, ``version``, ``content_id`` and ``terms``."""
    lists: dict[str, Any] = {name: several for name in _LISTS if (several := getattr(row, name))}
    if row.commodities:
        lists["commodities"] = [(each.code, each.names, each.system, each.system_name) for each in row.commodities]
    if row.documents:
        lists["documents"] = [(each.number, each.type_code, each.country) for each in row.documents]
    return {
        **{name: getattr(row, name) for name in (*_PLAIN, *_FLAGS)},
        **{name: _time(getattr(row, name)) for name in _TIMES},
        "lists": json.dumps(lists),
    }


def _time(moment: datetime | None) -> str | None:
    return to_text(moment) if moment else None
