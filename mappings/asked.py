"""Tables that are kept in the store, asked code by code: the rows about a code answer as they would in memory.

Of each code the rows that can have a say in it are gathered, from the partner's table and the general one, and the
small table that they make is compiled like any other (``mappings.layers``): where rows are kept changes no answer.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mappings.layers import Layered
from mappings.lookups import Lookup
from mappings.models import CANONICAL, Otherwise

if TYPE_CHECKING:
    from datetime import date

    from mappings.layers import Stored
    from mappings.lookups import Entry
    from mappings.models import CodeList, CodeMap, Row

__all__ = ["Asked", "Compiled"]


class Compiled:
    """The rows of a map in memory, as those of the store are asked for."""

    def __init__(self, code_map: CodeMap) -> None:
        self._code: dict[str, list[Row]] = defaultdict(list)
        self._canonical: dict[str, list[Row]] = defaultdict(list)
        for row in code_map.rows:
            self._code[row.code].append(row)
            self._canonical[row.canonical].append(row)

    def about(self, *, code: str = "", canonical: str = "") -> tuple[Row, ...]:
        """Every row that names this partner code, or this canonical one."""
        return tuple(self._code.get(code, ()) if code else self._canonical.get(canonical, ()))


@dataclass(frozen=True, slots=True)
class Asked:
    """A map on one day, and the general one below a partner's; one of them, or the list, is kept in the store."""

    own: CodeMap
    """With its rows, if it is not kept in the store."""
    own_rows: Stored
    general: CodeMap | None
    general_rows: Stored | None
    codes: CodeList
    on: date
    allow_unconfirmed: bool

    def lookup(self, *, inwards: bool) -> Lookup:
        """One way; nothing of it is compiled beforehand."""
        source, target = (self.own.system, CANONICAL) if inwards else (CANONICAL, self.own.system)
        version = f"{self.own.version}/{self.codes.version}"
        further = (_OneWay(self, inwards=inwards),)
        return Lookup(source, target, self.own.list, self.own.name, version, self.on, {}, {}, further)

    def rest(self, *, inwards: bool) -> Lookup:
        """One way, where all rows are in memory: compiled but for what stays the same in a list kept in the store."""
        headers, none = (self.own, self.general), replace(self.codes, codes={})
        layered = Layered.of(*headers, self.codes, self.on, allow_unconfirmed=self.allow_unconfirmed)
        lookup = layered.lookup(self.codes, none, inwards=inwards)
        return replace(lookup, further=(_Rest(self, inwards=inwards),))

    def about(self, code: str, *, inwards: bool) -> Lookup:
        """What the tables say about one code one way, and perhaps about others that its rows name."""
        layered, among = self._layered(code, inwards=inwards)
        return layered.lookup(
            self.codes, among, inwards=inwards, way_back=lambda target, context: self._back(target, context, inwards)
        )

    def _back(self, code: str, context: str, inwards: bool) -> Entry | None:  # noqa: FBT001 - of `about`
        """What the own rows alone say on the way back."""
        layered, among = self._layered(code, inwards=not inwards)
        return layered.own_lookup(self.codes, among, inwards=not inwards).get(code, context)

    def _layered(self, code: str, *, inwards: bool) -> tuple[Layered, CodeList]:
        known = self.codes.codes.get(code) if Otherwise.IDENTITY in self._otherwise() else None
        sides = ("code", "canonical") if known is not None else ("code" if inwards else "canonical",)
        own = _about(self.own_rows, code, *sides)
        below = self.general
        if below is not None and self.general_rows is not None:
            rows = _about(self.general_rows, code, *sides)
            for row in rows:  # the own ones that may stand in their place
                own |= _about(self.own_rows, row.code, "code") | _about(self.own_rows, row.canonical, "canonical")
            below = replace(below, rows=tuple(rows))
        own_map = replace(self.own, rows=tuple(own))
        among = replace(self.codes, codes={code: known} if known is not None else {})
        return Layered.of(own_map, below, self.codes, self.on, allow_unconfirmed=self.allow_unconfirmed), among

    def _otherwise(self) -> set[Otherwise]:
        return {each.otherwise for each in (self.own, self.general) if each is not None}


def _about(rows: Stored, code: str, *sides: str) -> dict[Row, None]:
    """The rows that name a code on these sides, each once."""
    return dict.fromkeys(row for side in sides if code for row in rows.about(**{side: code}))


class _OneWay:
    """One way; `Lookup` remembers what it says."""

    def __init__(self, asked: Asked, *, inwards: bool) -> None:
        self._asked = asked
        self._inwards = inwards

    def get(self, code: str, context: str) -> Entry | None:
        """The answer of the row with the longest context."""
        return self._about(code).get(code, context)

    def refused(self, code: str) -> tuple[Row, ...]:
        """Rows about the code that give no answer on this day."""
        return self._about(code).refusals(code)

    def contexts(self, code: str) -> tuple[str, ...]:
        """The contexts in which there is an answer."""
        return self._about(code).contexts(code)

    def sources(self, target: str, context: str) -> tuple[str, ...]:
        """The codes that rows turn into this one."""
        asked = self._asked
        rule = f"{asked.own.system}/{asked.own.list}/~"
        found = ((code, self.get(code, context)) for code in self._named(target))
        return tuple(
            code
            for code, answer in found
            if answer is not None and answer.target == target and not answer.row_id.startswith(rule)
        )

    def _named(self, target: str) -> tuple[str, ...]:
        """Codes that may become the target: those that rows name beside it, and itself."""
        asked, mine, other = self._asked, "code", "canonical"
        if not self._inwards:
            mine, other = other, mine
        tables = [each for each in (asked.own_rows, asked.general_rows) if each is not None]
        rows = (row for each in tables for row in _about(each, target, other))
        return tuple(code for code in dict.fromkeys((*(getattr(row, mine) for row in rows), target)) if code)

    def _about(self, code: str) -> Lookup:
        return self._asked.about(code, inwards=self._inwards)


class _Rest(_OneWay):
    """What is not compiled; the rows that say why there is no answer are, but for codes that the list withholds."""

    def refused(self, code: str) -> tuple[Row, ...]:
        """The code, where nobody confirmed it."""
        return tuple(row for row in super().refused(code) if row.id.startswith(f"{CANONICAL}/"))
