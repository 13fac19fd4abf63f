"""Base tables and the operator's changes, as the tables that hold: closed rows end, added ones follow."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Final

from gateway.store import RowKind, TableKey
from mappings.loading import Tables, row_id
from mappings.models import (
    CANONICAL,
    Code,
    CodeList,
    CodeMap,
    Direction,
    Grade,
    Loss,
    Otherwise,
    Provenance,
    Row,
)
from mappings.periods import STORED, by_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gateway.store import Closing, NewRow, StoredRow

__all__ = [
    "NEVER",
    "Changes",
    "closed",
    "code_id",
    "code_of",
    "codes_until",
    "edition_digest",
    "key_of_list",
    "key_of_map",
    "merged",
    "new_list",
    "new_map",
    "row_of",
    "with_added",
]

NEVER: Final = date(1, 1, 1)
"""Last day of what is withdrawn as if it had never held."""

_CHANGES: Final = Provenance("the operator of this instance", "imsoc mappings", "changes", "", Grade.OWN)


def key_of_map(code_map: CodeMap) -> TableKey:
    """The table that the rows of a map are in."""
    return TableKey(RowKind.MAP, code_map.system, code_map.list, code_map.partner)


def key_of_list(code_list: CodeList) -> TableKey:
    """The table that the codes of a list are in."""
    return TableKey(RowKind.CODE, code_list.system, code_list.list)


def code_id(system: str, name: str, code: Code) -> str:
    """What a closing calls one period of a code; one that came by a change has ``#`` and its number at the end."""
    return f"{system}/{name}={code.code}{code.mark}"


def row_of(row: NewRow, number: int = 0) -> Row:
    """A row of a map as the engine takes it; ``number`` is its own in the store."""
    cells = {name: getattr(row, name) for name in ("code", "canonical", "context", "direction", "valid_from")}
    return Row(
        f"{row_id(row.table.system, row.table.list, cells)}#{number}",
        row.code,
        row.canonical,
        row.context,
        Direction(row.direction),
        Loss(row.loss),
        _day(row.valid_from),
        _day(row.valid_to),
        Grade(row.grade),
        row.text,
    )


def code_of(row: NewRow, number: int = 0) -> Code:
    """A code of a list as the engine takes it; ``number`` is its own in the store."""
    labels = json.loads(row.labels) if row.labels else {}
    grade = Grade(row.grade)
    days = _day(row.valid_from), _day(row.valid_to)
    return Code(row.code, row.name, *days, grade, row.text, row.parent, labels, f"{STORED}{number}")


@dataclass(slots=True)
class Changes:
    """What was changed up to one edition, in the tables that are kept in memory.

    A number of a row is its own in the store. Closings hold for rows of the base and of the store alike.
    """

    rows: dict[TableKey, list[StoredRow]] = field(default_factory=lambda: defaultdict(list))
    closings: dict[TableKey, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    editions: dict[TableKey, int] = field(default_factory=dict)
    """The newest one that touched a table."""

    def copy(self) -> Changes:
        """One that can be added to."""
        made = Changes(editions=dict(self.editions))
        made.rows.update({key: list(rows) for key, rows in self.rows.items()})
        made.closings.update({key: dict(each) for key, each in self.closings.items()})
        return made

    def add(self, rows: Iterable[StoredRow], closings: Iterable[Closing]) -> None:
        """Take over what later editions changed, in their order."""
        for row in rows:
            self.rows[row.table].append(row)
            self.editions[row.table] = max(row.edition, self.editions.get(row.table, 0))
        for closing in closings:
            self.closings[closing.table][closing.row_id] = closing.last_day
            self.editions[closing.table] = max(closing.edition, self.editions.get(closing.table, 0))

    def drop(self, tables: Iterable[TableKey]) -> None:
        """Forget the rows of tables that became too large; their closings are asked for one by one too."""
        for table in tables:
            self.rows.pop(table, None)
            self.closings.pop(table, None)


def merged(base: Tables, changes: Changes, codes: Mapping[TableKey, CodeList]) -> Tables:
    """The tables with the changes in them; unchanged ones are the very objects of the base.

    Args:
        base: as installed.
        changes: of the tables that are kept in memory.
        codes: the lists that are kept in the store, which replace those of the base.
    """
    lists = {**{key_of_list(each): each for each in (*base.lists.values(), *base.own_lists.values())}, **codes}
    maps = {key_of_map(each): each for each in base.maps}
    for key in changes.editions:
        if key.kind is RowKind.CODE and key not in codes:
            lists[key] = _list_with(lists.get(key), key, changes)
        elif key.kind is RowKind.MAP:
            maps[key] = _map_with(maps.get(key), key, changes)
    return Tables(
        {key.list: each for key, each in lists.items() if key.system == CANONICAL},
        tuple(maps.values()),
        {(key.system, key.list): each for key, each in lists.items() if key.system != CANONICAL},
        base.systems,
    )


def new_map(key: TableKey) -> CodeMap:
    """A map that only the store has, without its rows."""
    name = "-".join(filter(None, ("map", key.system, key.list, key.partner)))
    return CodeMap(name, key.system, key.list, key.partner, Otherwise.REFUSE, _CHANGES, "", ())


def new_list(key: TableKey) -> CodeList:
    """A list that only the store has, without its codes."""
    name = f"list-{key.list}" if key.system == CANONICAL else f"list-{key.system}-{key.list}"
    return CodeList(name, key.list, _CHANGES, "", {}, key.system)


def closed(rows: Sequence[Row], closings: Mapping[str, str]) -> tuple[Row, ...]:
    """Rows with the last days that were given to them; without those that were withdrawn."""
    if not closings:
        return tuple(rows)
    ended = (replace(row, valid_to=_end(row.valid_to, closings.get(row.id))) for row in rows)
    return tuple(row for row in ended if row.valid_to != NEVER)


def _map_with(base: CodeMap | None, key: TableKey, changes: Changes) -> CodeMap:
    base = base or new_map(key)
    closings = changes.closings.get(key, {})
    installed = closed(base.rows, closings)
    added = closed([row_of(each, each.seq) for each in changes.rows.get(key, ())], closings)
    rows = with_added(installed, added)
    return replace(base, rows=rows, digest=edition_digest(base.digest, changes.editions[key]))


def with_added(installed: Sequence[Row], added: Iterable[Row]) -> tuple[Row, ...]:
    """The rows of an installation, and the operator's without those that say nothing else."""
    said: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in installed:
        said[_answer(row)].append(row)
    new = (row for row in added if not any(_covers(each, row) for each in said.get(_answer(row), ())))
    return (*installed, *new)


def _answer(row: Row) -> tuple[object, ...]:
    """What a row says, whatever it is called: an installation may take up what an operator had added."""
    return (row.code, row.canonical, row.context, row.direction, row.loss)


def _covers(row: Row, other: Row) -> bool:
    """Whether a row holds on every day of the other, and may be used where that may."""
    return (
        (row.valid_from or date.min) <= (other.valid_from or date.min)
        and (row.valid_to or date.max) >= (other.valid_to or date.max)
        and (row.grade is not Grade.UNVERIFIED or other.grade is Grade.UNVERIFIED)
    )


def _list_with(base: CodeList | None, key: TableKey, changes: Changes) -> CodeList:
    base = base or new_list(key)
    closings = changes.closings.get(key, {})
    every = chain(base.every(), (code_of(row, row.seq) for row in changes.rows.get(key, ())))
    codes, periods = by_code(codes_until(every, key, closings))
    return replace(base, codes=codes, periods=periods, digest=edition_digest(base.digest, changes.editions[key]))


def codes_until(codes: Iterable[Code], key: TableKey, closings: Mapping[str, str]) -> Iterator[Code]:
    """Codes of a list with the last days that were given to them; without those that were withdrawn."""
    if not closings:
        yield from codes
        return
    for code in codes:
        end = _end(code.valid_to, closings.get(code_id(key.system, key.list, code)))
        if end != NEVER:
            yield replace(code, valid_to=end) if end != code.valid_to else code


def _end(own: date | None, last_day: str | None) -> date | None:
    """The earlier of a row's own last day and the one that it was given."""
    if last_day is None:
        return own
    given = _day(last_day) or NEVER
    return given if own is None else min(own, given)


def edition_digest(base: str, edition: int) -> str:
    """Of a table that an edition changed: the version then names both."""
    return f"{base}.{edition}" if base else str(edition)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
