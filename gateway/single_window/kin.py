"""Which ledgers of a family of CHEDs have to do with each other (docs/adr/0020)."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gateway.documents.ched.places import RELATION_REPLACES, RELATION_SPLIT
from gateway.store import carried_between, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

    from gateway.store import Family

__all__ = ["Kin"]

_Found = TypeVar("_Found")


def _once(ask: Callable[[Kin, str], Iterable[_Found]]) -> Callable[[Kin, str], tuple[_Found, ...]]:
    """Ask about each CHED once: many ways may lead to it, twice as many with each generation. Each is found once."""

    @wraps(ask)
    def answer(kin: Kin, reference: str) -> tuple[_Found, ...]:
        place = (ask.__name__, reference)
        if place not in kin.known:
            kin.known[place] = tuple(dict.fromkeys(ask(kin, reference)))
        return cast("tuple[_Found, ...]", kin.known[place])

    return answer


class Kin:
    """Whose ledger stands for which CHED of a family; one that was never decided has none and is passed by.

    Args:
        connection: of the unit of work that has locked them.
        family: how they belong together.
    """

    def __init__(self, connection: Connection, family: Family) -> None:
        self._connection = connection
        self._family = family
        self.known: dict[tuple[str, str], Any] = {}
        """What was found, by question and CHED; see `forget`."""

    def forget(self) -> None:
        """A ledger was opened since: what was found before is not true any more."""
        self.known.clear()

    @_once
    def sources(self, reference: str) -> Iterator[str]:
        """The CHEDs that this one took the place of, with a ledger."""
        for older in self._family.cited(reference, RELATION_REPLACES):
            if self._is_open(older):
                yield older
            else:
                yield from self.sources(older)

    @_once
    def heirs(self, reference: str) -> Iterator[str]:
        """The CHEDs that took the place of this one, with a ledger."""
        for younger in self._family.citing(reference, RELATION_REPLACES):
            if self._is_open(younger):
                yield younger
            else:
                yield from self.heirs(younger)

    @_once
    def stood_for(self, reference: str) -> Iterator[str]:
        """A CHED, and those that it took the place of, however far back."""
        yield reference
        for older in self._family.cited(reference, RELATION_REPLACES):
            yield from self.stood_for(older)

    @_once
    def parents(self, reference: str) -> Iterator[str]:
        """The ledgers that a part draws from: its parents', or where one has none those that it stands for itself."""
        found = (giver for cited in self._family.cited(reference, RELATION_SPLIT) for giver in self._givers(cited))
        never = (older for older in self._family.cited(reference, RELATION_REPLACES) if not self._is_open(older))
        above = (giver for older in never for giver in self.parents(older))
        yield from (each for each in (*found, *above) if each != reference)

    def parts(self, reference: str) -> tuple[str, ...]:
        """The ledgers of parts that have not drawn from this CHED, nor from any other parent of theirs.

        The parts of a part that has no ledger are parts of the whole: somebody has to give what they certify.
        """
        own = self.stood_for(reference)
        above = {whole for parent in self.parents(reference) for whole in self.stood_for(parent)}
        found: list[str] = []
        for part in (part for whole in own for part in self._parts_with_ledger(whole)):
            holder = self._holder(part)
            others = (whole for parent in self.parents(part) for whole in self.stood_for(parent))
            wholes = {*own, *others} - above
            if holder is not None and holder != reference and not self.has_drawn(part, sorted(wholes)):
                found.append(holder)
        return tuple(dict.fromkeys(found))

    def drawing(self, reference: str) -> tuple[str, ...]:
        """The ledgers of all its parts, and of those of what it took the place of."""
        found = (self._holder(part) for whole in self.stood_for(reference) for part in self._parts_with_ledger(whole))
        return tuple(dict.fromkeys(each for each in found if each is not None and each != reference))

    def has_drawn(self, part: str, wholes: Iterable[str]) -> bool:
        """Whether a part, or what took its place, has drawn from any of these, or tried to."""
        pairs = [(whole, each) for whole in wholes for each in (part, *self.heirs(part), *self.stood_for(part))]
        return any(self._between(*pair) or self._between(*reversed(pair)) for pair in pairs)

    @_once
    def _parts_with_ledger(self, whole: str) -> Iterator[str]:
        for part in self._family.citing(whole, RELATION_SPLIT):
            if self._holder(part) is not None:
                yield part
            else:
                for each in self._standing_for(part):
                    yield from self._parts_with_ledger(each)

    @_once
    def _standing_for(self, reference: str) -> Iterator[str]:
        yield reference
        for younger in self._family.citing(reference, RELATION_REPLACES):
            yield from self._standing_for(younger)

    @_once
    def _givers(self, reference: str) -> Iterator[str]:
        holder = self._holder(reference)
        if holder is not None:
            yield holder
        else:
            yield from self.sources(reference)
            yield from self.parents(reference)

    def _holder(self, reference: str) -> str | None:
        """Who has the goods of a CHED now: the last that took its place, with a ledger."""
        for heir in self.heirs(reference):
            return self._holder(heir)
        return reference if self._is_open(reference) else None

    def _between(self, reference: str, other: str) -> bool:
        return any(carried_between(self._connection, ched_id, other) for ched_id in self._opened(reference))

    def _is_open(self, reference: str) -> bool:
        return bool(self._opened(reference))

    @_once
    def _opened(self, reference: str) -> Iterator[str]:
        """The id of a CHED that has a ledger."""
        state = read_lines(self._connection, reference)
        if state is not None and state.version:
            yield state.ched_id
