"""CHEDs that belong together: found, locked in one order, and the moment of a change that is no new version.

A family is every CHED that a way of replacements (ACW) and splits (AXG) leads to, up or down. Who moves quantities from
one of them to another locks the family first, a CHED before those that cite it, so that two who do so never wait for
each other in a ring, nor for somebody who goes from a CHED to what took its place. Drafts are left out: a draft has no
ledger and nothing follows it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.errors import Unavailable
from gateway.store.identifiers import to_text
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["Family", "FamilyLink", "carried_between", "lock_family", "read_family", "touch_ched"]

_AT_ONCE: Final = 200
"""References in one statement."""

_MOST_LOOKS: Final = 5
"""How often a family may have grown while it was waited for."""

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


@dataclass(frozen=True)
class Family:
    """References of CHEDs and how they belong together."""

    links: tuple[FamilyLink, ...]

    @property
    def members(self) -> frozenset[str]:
        """Every CHED that cites or is cited, also one that is not here."""
        return frozenset(name for each in self.links for name in (each.younger, each.older))

    def generations(self) -> Iterator[tuple[str, ...]]:
        """The members, each after all that it cites; a ring, which nobody makes, comes last."""
        left = set(self.members)
        older: dict[str, set[str]] = {name: set() for name in left}
        for each in self.links:
            older[each.younger].add(each.older)
        while left:
            found = {name for name in left if older[name].isdisjoint(left)} or set(left)
            yield tuple(sorted(found))
            left -= found

    def cited(self, reference: str, relation: str) -> tuple[str, ...]:
        """The CHEDs that this one cites so, in order of their references."""
        return self._places.get(("cited", reference, relation), ())

    def citing(self, reference: str, relation: str) -> tuple[str, ...]:
        """The CHEDs that cite this one so, in order of their references."""
        return self._places.get(("citing", reference, relation), ())

    @cached_property
    def _places(self) -> Mapping[tuple[str, str, str], tuple[str, ...]]:
        found: defaultdict[tuple[str, str, str], tuple[str, ...]] = defaultdict(tuple)
        for younger, relation, older in sorted(self.links):
            found["cited", younger, relation] += (older,)
            found["citing", older, relation] += (younger,)
        return found


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

    CHEDs that joined while it was waited for are locked too: what was locked is let go, and all of it locked again in
    its order. On SQLite there is one writer, and nothing to lock.

    Raises:
        Unavailable: IMG-9001, it grew each time.
    """
    named = tuple(references)
    family = read_family(connection, named)
    if connection.dialect.name == "sqlite":
        return family
    held: frozenset[str] | None = None
    for _ in range(_MOST_LOOKS):
        members = family.members.union(named)
        if held is not None and members <= held:
            return family
        connection.exec_driver_sql("SAVEPOINT family" if held is None else "ROLLBACK TO SAVEPOINT family")
        for generation in _in_order(connection, family, members):
            for start in range(0, len(generation), _AT_ONCE):
                part = generation[start : start + _AT_ONCE]
                _lock(len(part))(connection, **_named(part))
        held = members
        family = read_family(connection, named)
    raise Unavailable("IMG-9001", where="store.family", found=", ".join(named))


def _in_order(connection: Connection, family: Family, members: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """What is to be locked, one generation after the other, each by ``seq``; what is not here is left out."""
    places = dict(_in_portions(connection, _places_of, sorted(members)))
    for generation in (tuple(sorted(members - family.members)), *family.generations()):
        yield tuple(sorted((name for name in generation if name in places), key=places.__getitem__))


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
    # one statement: sorted before it is locked, and PostgreSQL locks row by row in that order
    return Statement(f"SELECT reference {_chosen(count)} ORDER BY seq FOR NO KEY UPDATE")


@cache
def _places_of(count: int) -> Statement:
    return Statement(f"SELECT reference, seq {_chosen(count)}")


def _chosen(count: int) -> str:
    return f"FROM cheds WHERE reference IN ({_list(count)}) AND reference <> '' AND status_code <> '47'"
