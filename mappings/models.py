"""What a mapping table says, and what a translation did (ARCHITECTURE section 8).

Every system is mapped to and from one canonical system, TRACES (R-37-2: exchanges use TRACES reference data), so a
table holds pairs (partner code, canonical code) and a translation between two partners goes through TRACES.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from mappings.periods import AskedCodes, period_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from lxml.etree import _Element

CANONICAL: Final = "traces"
"""The system in whose codes everything is kept (R-37-2)."""

MAX_CODE: Final = 200
"""Characters of a code that a row can name."""


def is_code(text: str) -> bool:
    """Whether a row can name it: short enough, and nothing in it that cannot be seen."""
    return len(text) <= MAX_CODE and text.isprintable()


class Grade(StrEnum):
    """How well a row is evidenced; ``UNVERIFIED`` rows are not used unless an operator confirms them."""

    OFFICIAL = "official"
    SEEN = "seen"
    SECONDARY = "secondary"
    OWN = "own"
    """Ours by construction: a rule of this gateway or of an invented example system."""
    UNVERIFIED = "unverified"


class Direction(StrEnum):
    """Which way a row may be used, seen from the canonical side."""

    BOTH = "both"
    IN = "in"
    """Partner to canonical only."""
    OUT = "out"
    """Canonical to partner only."""
    NONE = "none"
    """Known to have no equivalent: refused with the evidence, although the code itself may exist on both sides."""


class Loss(StrEnum):
    """What the way back cannot restore."""

    NONE = "none"
    NARROWS = "narrows"
    """The target says less than the source did: part of it is left behind."""
    WIDENS = "widens"
    """The target is broader or another spelling: the way back need not choose the same source again."""


class Otherwise(StrEnum):
    """What happens to canonical codes that a map does not name."""

    REFUSE = "refuse"
    IDENTITY = "identity"
    """They are the same on both sides, as far as the canonical list knows them; any other code is refused."""


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """A system that has codes of its own: an authority's, a network's or a standard."""

    id: str
    name: str
    authority: str
    kind: str
    """``canonical``, ``standard``, ``national`` or ``network``."""
    source: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class Code:
    """What a list says about one code in one period; ``name`` is the English label, never used to decide."""

    code: str
    name: str
    valid_from: date | None
    valid_to: date | None
    grade: Grade
    note: str
    parent: str = ""
    """The code above it in the list's hierarchy."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels beside the English one, by language (ISO 639-1)."""
    mark: str = field(default="", compare=False)
    """End of the id of this period, behind that of the code: ``#`` and a number in the store, ``+`` and the first day
    of a further period of an installed list."""


@dataclass(frozen=True, slots=True)
class Row:
    """One mapping row.

    ``code`` is the partner's code, ``canonical`` the TRACES one; an empty ``canonical`` (inwards) or ``code``
    (outwards) leaves the place out, which is a declared loss. ``context`` narrows where the row holds: a document type
    code, or a path below one such as ``636/P`` for a CHED-P; empty for all. The most specific row answers. ``valid_to``
    is the last day of validity. ``id`` stands in reports and is stable as long as the row's key is; a row from the
    store ends in ``#`` and its number there.
    """

    id: str
    code: str
    canonical: str
    context: str
    direction: Direction
    loss: Loss
    valid_from: date | None
    valid_to: date | None
    grade: Grade
    evidence: str

    def valid_on(self, day: date) -> bool:
        """Whether the row holds on that day, both ends included."""
        return not ((self.valid_from and day < self.valid_from) or (self.valid_to and day > self.valid_to))


@dataclass(frozen=True, slots=True)
class Provenance:
    """The header of a table file: where its rows come from and on what terms."""

    authority: str
    source: str
    version: str
    licence: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class CodeList:
    """The codes of one list of one system, the canonical ones where ``system`` is not said."""

    name: str
    list: str
    provenance: Provenance
    digest: str
    codes: Mapping[str, Code]
    """By code, the newest period of each; of a list that is `on` a day the one of that day. Of a list that is kept in
    the store: asked one by one."""
    system: str = CANONICAL
    periods: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    """All periods of codes that have several, in the order of their first days; of a list in the store: none."""

    @property
    def version(self) -> str:
        """Label and content digest: two tables with the same version hold the same rows."""
        return f"{self.provenance.version}+{self.digest}"

    def on(self, day: date) -> CodeList:
        """The list with the period of each code that a day is in; a code that has none then stays with another."""
        if isinstance(self.codes, AskedCodes):
            return replace(self, codes=self.codes.on(day))
        if not self.periods:
            return self
        dated = {code: period_on(periods, day) for code, periods in self.periods.items()}
        return replace(self, codes={**self.codes, **dated}, periods={})

    def find(self, code: str, day: date) -> Code | None:
        """A code in the period that a day is in, or the nearest one; None when the list has no such code."""
        periods = self.about(code)
        return period_on(periods, day) if periods else None

    def about(self, code: str) -> tuple[Code, ...]:
        """Every period of a code, in the order of their first days."""
        if isinstance(self.codes, AskedCodes):
            return self.codes.about(code)
        found = self.codes.get(code)
        return self.periods.get(code) or (() if found is None else (found,))

    def every(self) -> Iterator[Code]:
        """Every period of every code."""
        for code in self.codes:
            yield from self.about(code)


@dataclass(frozen=True, slots=True)
class CodeMap:
    """How one system's codes of one list relate to the canonical ones; for one partner only when ``partner`` is set."""

    name: str
    system: str
    list: str
    partner: str
    otherwise: Otherwise
    provenance: Provenance
    digest: str
    rows: tuple[Row, ...]
    """Without those of a table that is kept in the store."""
    transform: str = ""
    """Name of the transform (``mappings.transforms``) that answers for codes that no row names."""

    @property
    def version(self) -> str:
        """Label and content digest: two tables with the same version hold the same rows."""
        return f"{self.provenance.version}+{self.digest}"


Said = tuple[str, str, str, Loss]
"""What a row contributes to a `TranslatedPlace`: target code, row id, version, loss."""


class TranslatedPlace(NamedTuple):
    """One place that a translation touched; a tuple, because a document makes hundreds of them.

    ``path`` is an XPath into the document as it was before that step (prefixes sps, ram, udt); ``list`` names the
    code list, or ``structure`` for a difference of form; ``row`` and ``version`` identify the row that decided.
    """

    path: str
    list: str
    source_code: str
    target_code: str
    row_id: str
    version: str
    loss: Loss = Loss.NONE


def translated(path: str, name: str, code: str, said: Said) -> TranslatedPlace:
    """A place and what a row says about it; a fourth of the cost of calling the class."""
    return tuple.__new__(TranslatedPlace, (path, name, code, *said))


@dataclass(frozen=True, slots=True)
class Translation:
    """A new document and how it came about; the input is untouched.

    ``root`` has no ``ds:Signature``: a translation is another representation with a seal of its own (R-5-2).
    ``versions`` names each table that was consulted, so that the same tables give the same bytes again.
    """

    root: _Element
    report: tuple[TranslatedPlace, ...]
    versions: dict[str, str]
    tables: str = ""
    """The version of all tables together (``Index.version``): with it the same document gives the same bytes again."""

    @property
    def losses(self) -> tuple[TranslatedPlace, ...]:
        """The places that the way back cannot restore as they were."""
        return tuple(place for place in self.report if place.loss is not Loss.NONE)
