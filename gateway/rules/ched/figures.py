"""Checks of the figures: lines against totals, boxes I.31 to I.34."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.rules.ched.models import Breach
from gateway.rules.ched.reading import is_count, line_name, needs, package_count, quantity, total_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal

    from gateway.documents.ched import Ched, ChedLine
    from gateway.documents.parts import Measure
    from gateway.rules.ched.models import Check, Question

__all__ = ["FIGURES"]

_TOTALS: Final = "the totals"


def quantities_are_numbers(question: Question) -> Iterator[Breach]:
    for position, line in _all_lines(question.ched):
        where = _TOTALS if position is None else f"line {line_name(line, position)}"
        for name, measure in _measures(line):
            if measure is not None and (not measure.value.is_finite() or measure.value < 0):
                yield _negative(str(measure.value), name, where, position)
        for package in line.packages:
            if package.count and not is_count(package.count):
                yield _negative(package.count, "number of packages", where, position)


def _all_lines(ched: Ched) -> Iterator[tuple[int | None, ChedLine]]:
    if ched.totals is not None:
        yield None, ched.totals
    yield from enumerate(ched.lines)


def _measures(line: ChedLine) -> tuple[tuple[str, Measure | None], ...]:
    return (
        ("net weight", line.net_weight),
        ("gross weight", line.gross_weight),
        ("quantity", line.net_volume),
        ("gross volume", line.gross_volume),
    )


def _negative(found: str, name: str, where: str, position: int | None) -> Breach:
    box = "I.31" if position is not None else ("I.32" if "packages" in name else "I.34" if "weight" in name else "I.33")
    return Breach(found, {"name": name, "where": where}, box=box, line=position)


def totals_are_sums(question: Question) -> Iterator[Breach]:
    ched = question.ched
    totals = ched.totals
    if totals is None:
        return
    stated = package_count(totals.packages)
    counted = package_count(package for line in ched.lines for package in line.packages)
    if stated is not None and counted is not None and stated != counted:
        yield _sum("I.32", "the total number of packages", _plain(stated), _plain(counted))
    for box, name, total, lines in (
        ("I.33", "the total quantity", totals.net_volume, [line.net_volume for line in ched.lines]),
        ("I.34", "the total gross weight", totals.gross_weight, [line.gross_weight for line in ched.lines]),
    ):
        differing = _differing(total, lines)
        if differing is not None:
            yield _sum(box, name, *differing)


def net_weight_is_the_sum(question: Question) -> Iterable[Breach]:
    ched = question.ched
    if ched.totals is None:
        return ()
    differing = _differing(ched.totals.net_weight, [line.net_weight for line in ched.lines])
    return () if differing is None else (Breach(differing[0], expected=differing[1]),)


def _differing(total: Measure | None, lines: list[Measure | None]) -> tuple[str, str] | None:
    """What the total is and what it should be; None when they are equal or nothing can be said."""
    stated = quantity(total)
    if stated is None:
        return None
    added = total_of(lines, stated.unit)
    if added is None or added == stated.value:
        return None
    return f"{_plain(stated.value)} {stated.unit}".strip(), f"{_plain(added)} {stated.unit}".strip()


def _sum(box: str, name: str, found: str, expected: str) -> Breach:
    return Breach(found, {"name": name}, box=box, expected=expected)


def _plain(number: Decimal) -> str:
    """Without exponent and without zeros behind the point."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def gross_is_not_less_than_net(question: Question) -> Iterator[Breach]:
    for position, line in _all_lines(question.ched):
        gross, net = quantity(line.gross_weight), quantity(line.net_weight)
        if gross is None or net is None or gross.value == 0:
            continue
        in_the_same_unit = total_of([net], gross.unit)
        if in_the_same_unit is not None and gross.value < in_the_same_unit:
            where = _TOTALS if position is None else f"line {line_name(line, position)}"
            found = f"{_plain(gross.value)} {gross.unit}".strip()
            yield Breach(found, {"where": where}, line=position, expected=f"{_plain(net.value)} {net.unit}".strip())


def gross_weight_is_there(question: Question) -> Iterable[Breach]:
    totals = question.ched.totals
    stated = totals is not None and totals.gross_weight is not None
    return () if stated or needs(question, "TOTAL_GROSS_WEIGHT_ACCESS") is not None else (Breach(),)


def no_more_than_before(question: Question) -> Iterator[Breach]:
    previous = question.known.previous
    if previous is None or not question.is_subsequent:
        return
    now, before = _packages(question.ched), _packages(previous)
    if now is not None and before is not None and now > before:
        yield _more("the number of packages", _plain(now), _plain(before), previous)
    for name, measures, measures_before in (
        ("the net weight", _net_weights(question.ched), _net_weights(previous)),
        ("the quantity", _quantities(question.ched), _quantities(previous)),
    ):
        unit = next((measure.unit for measure in measures if quantity(measure) and measure), None)
        if unit is None:
            continue
        stated, stated_before = total_of(measures, unit), total_of(measures_before, unit)
        if stated is not None and stated_before is not None and stated > stated_before:
            yield _more(name, f"{_plain(stated)} {unit}".strip(), f"{_plain(stated_before)} {unit}".strip(), previous)


def _more(name: str, found: str, expected: str, previous: Ched) -> Breach:
    return Breach(found, {"name": name, "reference": previous.reference}, expected=expected)


def _packages(ched: Ched) -> Decimal | None:
    return package_count(package for line in ched.lines for package in line.packages)


def _net_weights(ched: Ched) -> list[Measure | None]:
    return [line.net_weight for line in ched.lines]


def _quantities(ched: Ched) -> list[Measure | None]:
    return [line.net_volume for line in ched.lines]


FIGURES: Final[Mapping[str, Check]] = {
    "R-I31-NEGATIVE": quantities_are_numbers,
    "R-I31-SUBS": no_more_than_before,
    "R-I31-SUM": totals_are_sums,
    "R-I34-NET": net_weight_is_the_sum,
    "R-I34-GROSS": gross_is_not_less_than_net,
    "R-I34-GROSS-A": gross_weight_is_there,
    "R-I34-GROSS-M": gross_weight_is_there,
}
