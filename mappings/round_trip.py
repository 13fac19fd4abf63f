"""There and back: what a translation loses, shown to be exactly what it says that it loses.

``python -m mappings.round_trip FILE --from ephyto --to traces`` prints every difference beside the loss that declares
it; the exit status is 1 where a difference is not declared.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import GatewayError
from gateway.xml.boundary import parse
from mappings.differences import Difference, declared, find_differences
from mappings.engine import translate
from mappings.loading import load_tables
from mappings.wrappers import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from mappings.index import Index
    from mappings.models import TranslatedPlace

__all__ = ["RoundTrip", "as_text", "round_trip"]


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What came back, held against what was sent."""

    source: str
    target: str
    differences: tuple[tuple[Difference, TranslatedPlace | None], ...]
    """Each with the loss that declares it, None where nothing does."""
    losses: tuple[TranslatedPlace, ...]
    """All that were declared on the way there."""
    dropped: tuple[TranslatedPlace, ...]
    """What the normal form of the document leaves out before any translation, because UN/CEFACT does not know it."""

    @property
    def undeclared(self) -> tuple[Difference, ...]:
        """Differences that no loss explains: a defect of the tables or of a mapper."""
        return tuple(difference for difference, loss in self.differences if loss is None)

    @property
    def unneeded(self) -> tuple[TranslatedPlace, ...]:
        """Losses of form that were declared although everything of their place came back.

        A code that came back is none: a row that reads a code of several meanings loses one of them, whatever comes
        back.
        """
        used = {loss for _, loss in self.differences}
        changed = [difference.path for difference, _ in self.differences]
        return tuple(
            loss
            for loss in self.losses
            if loss not in used
            and loss.row_id.startswith("structure/")
            and not any(_inside(path, loss.path) for path in changed)
        )

    @property
    def exact(self) -> bool:
        """Whether what is different is exactly what was declared."""
        return not (self.undeclared or self.unneeded)


def round_trip(root: _Element, *, source: str, target: str, index: Index, partner: str = "") -> RoundTrip:
    """Translate a document there and back, and compare.

    Args:
        root: an ``SPSCertificate`` in the codes and form of ``source``; it is not touched.
        source: its code system.
        target: the one that it goes to and comes back from.
        index: the tables of one day.
        partner: whose own rows go before the general ones.

    Raises:
        TranslationRefused: IMG-60xx, a code has no translation one way or the other.
    """
    before = translate(root, source=source, target=source, index=index)
    there = translate(before.root, source=source, target=target, index=index, partner=partner)
    back = translate(there.root, source=target, target=source, index=index, partner=partner)
    differences = find_differences(before.root, back.root)
    return RoundTrip(
        source,
        target,
        tuple((each, declared(each, there.losses)) for each in differences),
        there.losses,
        before.losses,
    )


def as_text(trip: RoundTrip) -> str:
    """The result in words, a line or two for each place."""
    return "\n".join(_lines(trip)) + "\n"


def _lines(trip: RoundTrip) -> Iterator[str]:
    way = f"{trip.source} -> {trip.target} -> {trip.source}"
    for place in trip.dropped:
        yield f"left out before: {place.path} ({place.row_id})"
    if not trip.differences:
        yield f"{way}: the same"
    for difference, loss in trip.differences:
        yield difference.path
        yield f"  {difference.before or '(nothing)'} -> {difference.after or '(nothing)'}"
        yield f"  declared: {loss.row_id}, {loss.loss}" if loss is not None else "  NOT DECLARED"
    for place in trip.unneeded:
        yield f"declared, but it came back: {place.path} ({place.row_id})"
    if trip.differences:
        yield f"{way}: {len(trip.differences)} differences, {'exactly' if trip.exact else 'NOT exactly'} as declared"


def _inside(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/") or place.startswith(f"{path}/")


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when everything that is different is declared, 1 when not, 2 when it is refused."""
    parser = argparse.ArgumentParser(prog="python -m mappings.round_trip", description=__doc__)
    parser.add_argument("file", type=Path, help="a certificate, alone or in any envelope that carries one")
    parser.add_argument("--from", dest="source", required=True, help="the code system it is written in")
    parser.add_argument("--to", dest="target", required=True, help="the code system it goes to and comes back from")
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date(), help="day of the tables")
    parser.add_argument("--tables", type=Path, help="a folder of tables of your own")
    options = parser.parse_args(arguments)
    try:
        index = load_tables(options.tables).compile(options.on)
        root = unwrap(parse(options.file.read_bytes()).root).certificate
        trip = round_trip(root, source=options.source, target=options.target, index=index)
    except (GatewayError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(as_text(trip))
    return 0 if not trip.undeclared else 1


if __name__ == "__main__":
    sys.exit(main())
