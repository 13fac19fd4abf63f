"""One list between two systems, one way, on one day: a look-up is one or two dictionary reads."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from gateway.errors import TranslationRefused
from mappings.contexts import chain, is_below
from mappings.models import CANONICAL, MAX_CODE, Direction, is_code

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from mappings.models import Loss, Row, Said

__all__ = ["Entry", "Further", "Lookup"]

MAX_REMEMBERED: Final = 200_000
"""Answers of one list, way and context that are remembered beside the compiled ones; then they are asked anew."""

MAX_CONTEXTS: Final = 64
"""Contexts of one list whose answers are kept apart; then they are made anew."""

_MAX_ECHO: Final = 80
"""Characters of what is no code that are told."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code becomes; ``target`` is None where the place is left out."""

    target: str | None
    row_id: str
    version: str
    loss: Loss
    said: Said = field(init=False)
    """The same, as reports take it: every use of the row shares it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "said", (self.target or "", self.row_id, self.version, self.loss))


class Further(Protocol):
    """Answers that are not compiled: those of a large table in the store, or of a transform."""

    def get(self, code: str, context: str, /) -> Entry | None:
        """The answer for a code in exactly this context or one above it."""

    def refused(self, code: str, /) -> tuple[Row, ...]:
        """Rows about the code that give no answer on this day, to say why."""

    def contexts(self, code: str, /) -> tuple[str, ...]:
        """The contexts in which there is an answer for the code."""

    def sources(self, target: str, context: str, /) -> tuple[str, ...]:
        """The codes that rows turn into this one in this context."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One list between the canonical system and another, one way, on one day."""

    source: str
    target: str
    list: str
    table: str
    version: str
    day: date
    entries: dict[tuple[str, str], Entry]
    """By code and context."""
    refused: dict[str, tuple[Row, ...]]
    """Rows that exist for a code and may not be used: kept to say why."""
    further: tuple[Further, ...] = ()
    """Asked in this order for what is not in ``entries``."""
    blocked: frozenset[tuple[str, str]] = frozenset()
    """Codes that are known to have no equivalent, and in which context: no wider row answers for them there."""
    _under: dict[str, dict[str, Entry]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find(self, code: str, context: str = "", *, where: str = "") -> Entry:
        """The answer for a code.

        Args:
            code: the source system's code, as it stands in the document.
            context: where it stands: a document type code or a path below it such as ``636/P``. The row with the
                longest context that the place is in answers.
            where: XPath of the place, for the refusal.

        Raises:
            TranslationRefused: IMG-6001 no row, IMG-6002 rows for other contexts only, IMG-6003 rows of other days
                only, IMG-6004 an unconfirmed row only, IMG-6007 known to have no equivalent, IMG-6008 the context is
                too wide to choose a row, IMG-6014 it is no code at all.
        """
        entry = self.get(code, context)
        if entry is None:
            raise self._refusal(code, context, where)
        return entry

    def get(self, code: str, context: str = "") -> Entry | None:
        """The answer for a code, or None."""
        answers = self.under(context)
        entry = answers.get(code)
        if entry is None and self.further:
            entry = next((found for each in self.further if (found := each.get(code, context)) is not None), None)
            if entry is not None:
                if len(answers) > MAX_REMEMBERED:
                    self._under.pop(context, None)
                answers[code] = entry
        return entry

    def sources(self, target: str, context: str = "") -> tuple[str, ...]:
        """Every code that becomes this one in this context: several, where the other system distinguishes more."""
        above = chain(context)
        own = (code for (code, named), entry in self.entries.items() if entry.target == target and named in above)
        others = (code for each in self.further for code in each.sources(target, context))
        found = ((code, self.get(code, context)) for code in dict.fromkeys((*own, *others)))
        return tuple(code for code, entry in found if entry is not None and entry.target == target)

    def refusals(self, code: str) -> tuple[Row, ...]:
        """Rows about a code that may not be used: of other days, unconfirmed, known to have no equivalent."""
        return (*self.refused.get(code, ()), *(row for each in self.further for row in each.refused(code)))

    def contexts(self, code: str) -> tuple[str, ...]:
        """The contexts in which a code has an answer."""
        own = {named for known, named in self.entries if known == code}
        return tuple(sorted(own | {named for each in self.further for named in each.contexts(code)}))

    def under(self, context: str) -> dict[str, Entry]:
        """The answers of one context by code alone, as far as they are known by now; made once."""
        known = self._under.get(context)
        if known is None:
            if len(self._under) > MAX_CONTEXTS:  # contexts come from documents
                self._under.clear()
            known = {}
            for each in reversed(chain(context)):  # the most specific comes last and wins
                for code in (code for code, named in self.blocked if named == each):
                    known.pop(code, None)
                known |= {code: entry for (code, named), entry in self.entries.items() if named == each}
            self._under[context] = known
        return known

    def _refusal(self, code: str, context: str, where: str) -> TranslationRefused:
        if not is_code(code):
            return self._no_code(code, where)
        rows, contexts = self.refusals(code), self.contexts(code)
        none = next((row for row in rows if row.direction is Direction.NONE and row.context in chain(context)), None)
        needed = f"{self.table}.csv: {self._row_needed(code, context, rows, contexts)}"
        expected = needed
        if none is not None and none.valid_on(self.day):
            number, why, needed = "IMG-6007", none.evidence, ""
            expected = f"no row while {none.id} holds; once that is closed, {code!r} is unknown until a row names it"
        elif any(is_below(each, context) for each in contexts):
            number, why = "IMG-6008", f"what it becomes depends on the context: {', '.join(contexts)}"
        elif contexts:
            number, why = "IMG-6002", f"rows exist for {', '.join(contexts)} only, not for {context}"
        elif stale := [row for row in rows if not row.valid_on(self.day)]:
            span = f"{stale[0].valid_from or '…'} to {stale[0].valid_to or '…'}"
            number, why = "IMG-6003", f"{stale[0].id} is valid from {span}, not on {self.day}"
        elif rows:
            number, why = "IMG-6004", _unconfirmed(rows[0])
        else:
            number, why = "IMG-6001", "no row names it"
        refusal = TranslationRefused(
            number,
            f"{code!r} of the list {self.list} cannot be translated from {self.source} to {self.target}: {why}.",
            where=where,
            found=code,
            expected=expected,
        )
        refusal.needed = needed
        return refusal

    def _no_code(self, code: str, where: str) -> TranslationRefused:
        """For what no row can name: nothing of it is echoed but its beginning."""
        return TranslationRefused(
            "IMG-6014",
            f"What stands for a code of the list {self.list} is none: {len(code)} characters.",
            where=where,
            found=code if len(code) <= _MAX_ECHO else code[:_MAX_ECHO] + "…",
            expected=f"at most {MAX_CODE} characters, all of which can be seen",
        )

    def _row_needed(self, code: str, context: str, rows: Iterable[Row], contexts: Iterable[str]) -> str:
        """The row that is missing, ready to complete and paste: the other code stands as a question mark.

        Where a row about the code is known for later it ends the day before, and answers as that one will.
        """
        cell = _cell(code)
        later = [each for each in rows if each.valid_from and each.valid_from > self.day]
        coming = [each for each in later if each.context in chain(context) and each.direction is not Direction.NONE]
        if not coming:
            context = context if contexts else ""
            pair = f"?,{cell},{context},out" if self.source == CANONICAL else f"{cell},?,{context},in"
            return f"{pair},widens,{self.day},,,"
        first, row = min(((each.valid_from or self.day, each) for each in coming), key=lambda pair: pair[0])
        pair = f"?,{cell}" if self.source == CANONICAL else f"{cell},?"
        return f"{pair},{row.context},{row.direction},{row.loss},{self.day},{first - timedelta(days=1)},,"


def _unconfirmed(row: Row) -> str:
    evidence = f": {row.evidence}" if row.evidence else ""
    return f"{row.id} is graded unverified{evidence}; imsoc mappings confirm {shlex.quote(row.id)} confirms it"


def _cell(code: str) -> str:
    """A code of a document as one cell of CSV, whatever is in it."""
    return '"' + code.replace('"', '""') + '"' if any(letter in code for letter in ',"\r\n') else code
