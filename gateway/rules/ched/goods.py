"""Checks of the goods: boxes I.9, I.11, I.12, I.31, and what each commodity asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.documents.ched import Region
from gateway.rules.ched.models import Breach
from gateway.rules.ched.reading import line_name, needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gateway.documents.ched import Ched, ChedLine
    from gateway.rules.ched.models import Check, Question

__all__ = ["GOODS"]

_SUPPORTING: Final = "ZZZ"
_REGION: Final = re.compile(r"([A-Z]{2})-.*", re.ASCII | re.DOTALL)
_MANDATORY: Final = "MANDATORY"
_ABSENT: Final = ("NOT_AVAILABLE", "DISABLED")
_RE_ENTRY: Final = "I.25"


@dataclass(frozen=True, slots=True)
class _Detail:
    """Something that reference data may ask for, and where it is found."""

    attribute: str
    box: str
    name: str


def _has_taxon(line: ChedLine) -> object:
    return line.scientific_name or any("EPPT" in each.system or "INVASIVE" in each.system for each in line.classes)


def _has_note(subject: str) -> Callable[[ChedLine], object]:
    return lambda line: any(note.subject.code == subject and (note.text or note.code) for note in line.notes)


_OF_LINES: Final[tuple[tuple[_Detail, Callable[[ChedLine], object]], ...]] = (
    (_Detail("TAXON_ID", "I.31", "species or EPPO code"), _has_taxon),
    (_Detail("QUANTITY", "I.31", "quantity"), lambda line: line.net_volume or line.gross_volume),
    (_Detail("NET_WEIGHT", "I.31", "net weight"), lambda line: line.net_weight),
    (_Detail("PACKAGE_COUNT", "I.31", "number of packages"), lambda line: any(each.count for each in line.packages)),
    (
        _Detail("REGION_OF_ORIGIN", "I.12", "region of origin"),
        lambda line: any(isinstance(origin, Region) and origin.region for origin in line.origins),
    ),
    (
        _Detail("INDIVIDUAL_IDENTIFICATION_NUMBER", "I.31", "individual identification number"),
        _has_note("INDIVIDUAL_IDENTIFICATION_NUMBER"),
    ),
    (
        _Detail("IDENTIFICATION_SYSTEM", "I.31", "identification system"),
        lambda line: any(each.system == "IDENTIFICATION_SYSTEM" for each in line.classes),
    ),
    (
        _Detail("INCLUDES_UNWEANED_ANIMALS", "I.31", "whether there are unweaned animals"),
        _has_note("INCLUDES_UNWEANED_ANIMALS"),
    ),
)
"""By the columns of the table of goods. COUNTRY_OF_ORIGIN is R-I11-M, whatever the commodity."""

_OF_THE_CHED: Final[tuple[tuple[_Detail, Callable[[Ched], object]], ...]] = (
    (_Detail("ACCOMPANYING_DOCUMENT_ACCESS", "I.9", "accompanying document"), lambda ched: ched.documents),
    (_Detail("PRODUCT_TEMPERATURE_ACCESS", "I.16", "transport conditions"), lambda ched: ched.transport_conditions),
    (_Detail("SEAL_CONTAINER_ACCESS", "I.17", "container or seal"), lambda ched: ched.containers),
    (_Detail("TRANSPORTER_ACCESS", "I.28", "transporter"), lambda ched: ched.transporter),
    (_Detail("DATE_OF_DEPARTURE_ACCESS", "I.29", "date of departure"), lambda ched: ched.departure_from_post),
    (_Detail("ROUTE_PLAN_ACCESS", "I.30", "journey log"), lambda ched: ched.journey_log),
    (
        _Detail("TOTAL_GROSS_WEIGHT_ACCESS", "I.34", "total gross weight"),
        lambda ched: ched.totals is not None and ched.totals.gross_weight,
    ),
    (
        _Detail("TOTAL_GROSS_VOLUME_ACCESS", "I.33", "total gross volume"),
        lambda ched: ched.totals is not None and ched.totals.gross_volume,
    ),
)
"""Attributes of nodes. Boxes that Annex II makes mandatory have rules of their own, which ask them too."""


def documents_are_named(question: Question) -> Iterable[Breach]:
    open_to_us = not question.ched.documents and needs(question, "ACCOMPANYING_DOCUMENT_ACCESS") is None
    return (Breach(),) if open_to_us else ()


def documents_have_numbers(question: Question) -> Iterable[Breach]:
    return [Breach(each.type.code or "unknown") for each in question.ched.documents if not each.number]


def documents_have_countries(question: Question) -> Iterable[Breach]:
    supporting = (each for each in question.ched.documents if each.relation == _SUPPORTING and each.number)
    return [Breach(each.number) for each in supporting if not each.country]


def lines_have_origins(question: Question) -> Iterable[Breach]:
    return [
        Breach(more={"number": line_name(line, position)}, line=position)
        for position, line in enumerate(question.ched.lines)
        if not any(origin.code for origin in line.origins)
    ]


def origin_is_abroad(question: Question) -> Iterable[Breach]:
    if question.purpose_box == _RE_ENTRY:
        return ()
    return [Breach(each.code) for each in question.ched.origins if question.is_member_state(each.code)]


def one_origin(question: Question) -> Iterable[Breach]:
    found = [each.code for each in question.ched.origins]
    return (Breach(", ".join(found)),) if len(found) > 1 else ()


def regions_lie_in_their_country(question: Question) -> Iterable[Breach]:
    return [
        Breach(origin.region, {"number": line_name(line, position), "country": origin.code}, line=position)
        for position, line in enumerate(question.ched.lines)
        for origin in line.origins
        if isinstance(origin, Region) and (found := _REGION.fullmatch(origin.region)) and found[1] != origin.code
    ]


def goods_are_described(question: Question) -> Iterable[Breach]:
    return () if question.ched.lines else (Breach(),)


def lines_have_codes(question: Question) -> Iterable[Breach]:
    return [
        Breach(more={"number": line_name(line, position)}, line=position)
        for position, line in enumerate(question.ched.lines)
        if not line.commodity
    ]


def commodities_have_what_they_need(question: Question) -> Iterable[Breach]:
    return _details(question, (_MANDATORY,), filled=False)


def commodities_have_no_more(question: Question) -> Iterable[Breach]:
    return _details(question, _ABSENT, filled=True)


def _details(question: Question, answers: tuple[str, ...], *, filled: bool) -> Iterator[Breach]:
    """Details that are filled, or are not, where reference data answer so; filled boxes if all commodities agree."""
    if question.known.access is None:
        return
    asked = {
        commodity: [each for each in _answered(question, commodity) if each[2] in answers]
        for commodity in question.commodities
    }
    for position, line in enumerate(question.ched.lines):
        for detail, value, answer in asked.get(line.commodity, ()):
            if bool(value(line)) is filled:
                yield _detail(detail, line.commodity, answer, f"line {line_name(line, position)}", position)
    for whole, value_of in _OF_THE_CHED:
        said = {code: question.access(code, whole.attribute) for code in question.commodities}
        agreeing = [code for code, answer in said.items() if answer in answers]
        of_all = len(agreeing) == len(said)
        if agreeing and (of_all or not filled) and bool(value_of(question.ched)) is filled:
            yield _detail(whole, agreeing[0], said[agreeing[0]], "the CHED")


def _answered(question: Question, commodity: str) -> Iterator[tuple[_Detail, Callable[[ChedLine], object], str]]:
    for detail, value in _OF_LINES:
        yield detail, value, question.access(commodity, detail.attribute)


def _detail(detail: _Detail, commodity: str, access: str, where: str, position: int | None = None) -> Breach:
    more: dict[str, object] = {
        "name": detail.name,
        "attribute": detail.attribute,
        "access": access,
        "where": where,
    }
    return Breach(commodity, more, box=detail.box, line=position)


GOODS: Final[Mapping[str, Check]] = {
    "R-I9-M": documents_are_named,
    "R-I9-NUMBER": documents_have_numbers,
    "R-I9-COUNTRY": documents_have_countries,
    "R-I11-M": lines_have_origins,
    "R-I11-MS": origin_is_abroad,
    "R-I11-MULTI": one_origin,
    "R-I12": regions_lie_in_their_country,
    "R-I31-M": goods_are_described,
    "R-I31-CODE": lines_have_codes,
    "R-I31-ACCESS": commodities_have_what_they_need,
    "R-I31-NOT-ASKED": commodities_have_no_more,
}
