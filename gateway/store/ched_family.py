"""CHEDs that belong together: found, locked in one order, and the moment of a change that is no new version.

A family is every CHED that a way of replacements (ACW) and splits (AXG) leads to, up or down. Who moves quantities from
one of them to another locks the family first, oldest CHED first, so that two who do so never wait for each other
in a ring. Drafts are left out: a draft has no ledger and nothing follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.store.identifiers import to_text
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["Family", "FamilyLink", "carried_between", "lock_family", "read_family", "touch_ched"]

_AT_ONCE = 200

_touch = Statement("UPDATE cheds SET updated_at = :at WHERE id = :id AND updated_at < :at")
_carried = Statement(
    "SELECT line, sum(CASE kind WHEN 'carried' THEN quanta ELSE -quanta END) FROM ledger_entries "
    "WHERE ched_id = :ched_id AND kind IN ('carried', 'released') AND other = :other GROUP BY line ORDER BY line"
)


class FamilyLink(NamedTuple):
    """One CHED cites another."""

    younger: str
    relation: str
    """ACW: it replaces it; AXG: it was split from it, or follows it."""
    older: str


@dataclass(frozen=True, slots=True)
class Family:
    """References of CHEDs and how they belong together."""

    links: tuple[FamilyLink, ...]

    def cited(self, reference: str, relation: str) -> tuple[str, ...]:
        """The CHEDs that this one cites so, in order of their references."""
        return tuple(
            sorted(each.older for each in self.links if (each.younger, each.relation) == (reference, relation))
        )

    def citing(self, reference: str, relation: str) -> tuple[str, ...]:
        """The CHEDs that cite this one so, in order of their references."""
        return tuple(
            sorted(each.younger for each in self.links if (each.older, each.relation) == (reference, relation))
        )


def read_family(connection: Connection, references: Iterable[str]) -> Family:
    """Every CHED but drafts that these lead to, by how they belong together.

    Args:
        connection: of a unit of work or a read.
        references: I.2 of one or several of them.
    """
    known: set[str] = set()
    links: set[FamilyLink] = set()
    ahead = set(references)
    while ahead:
        known |= ahead
        found = {FamilyLink(*row) for row in _in_portions(connection, _links_of, sorted(ahead))}
        links |= found
        ahead = {name for each in found for name in (each.younger, each.older)} - known
    return Family(tuple(sorted(links)))


def lock_family(connection: Connection, references: Iterable[str]) -> Family:
    """The family, every CHED of it locked until the unit of work ends. Call inside `Store.write`, before any is moved.

    On SQLite there is one writer, and nothing to lock. A CHED without a family is locked by whoever changes it.
    """
    family = read_family(connection, references)
    members = sorted({name for each in family.links for name in (each.younger, each.older)})
    if members and connection.dialect.name != "sqlite":
        # one statement: sorted before it is locked, and PostgreSQL locks row by row in that order
        _lock(len(members))(connection, **_named(members))
    return family


def touch_ched(connection: Connection, ched_id: str, at: datetime) -> None:
    """Something that a CHED shows has changed, without a new version: searches by update find it (II.23).

    The moment never goes back.
    """
    _touch(connection, id=ched_id, at=to_text(at))


def carried_between(connection: Connection, ched_id: str, other: str) -> dict[int, int]:
    """What is carried on each line of a CHED's ledger because of another CHED, in quanta; lines without are left out.

    Args:
        connection: of a unit of work or a read.
        ched_id: whose ledger.
        other: reference of the other CHED.
    """
    rows = _carried(connection, ched_id=ched_id, other=other).fetchall()
    return {line: int(total) for line, total in rows if total}


def _in_portions(connection: Connection, make: Any, names: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        yield from make(len(part))(connection, **_named(part)).fetchall()


def _named(names: Sequence[str]) -> dict[str, str]:
    return {f"name_{number}": name for number, name in enumerate(names)}


def _list(count: int) -> str:
    return ", ".join(f":name_{number}" for number in range(count))


@cache
def _links_of(count: int) -> Statement:
    names = _list(count)
    way = "SELECT c.reference, l.relation, l.reference FROM ched_links l JOIN cheds c ON c.id = l.ched_id WHERE "
    kept = "AND l.relation IN ('ACW', 'AXG') AND c.reference <> '' AND c.status_code <> '47'"
    return Statement(f"{way} c.reference IN ({names}) {kept} UNION {way} l.reference IN ({names}) {kept}")


@cache
def _lock(count: int) -> Statement:
    chosen = f"SELECT reference FROM cheds WHERE reference IN ({_list(count)})"  # noqa: S608 - as above
    return Statement(f"{chosen} AND reference <> '' AND status_code <> '47' ORDER BY seq FOR NO KEY UPDATE")
