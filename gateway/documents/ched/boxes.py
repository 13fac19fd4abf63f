"""Which boxes of a CHED are filled, and with what; whose part a box is; whether a part is still the same.

The box ids are those of Annex II Part 1 of Regulation (EU) 2019/1715: I.1 to I.35, II.1 to II.24, III.1 to III.6.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from gateway.documents.ched.models import (
    NO_CODE,
    NO_COUNTRY,
    ChedClass,
    ChedPackage,
    Coded,
    ControlPost,
    Country,
    LaboratoryTests,
    Part,
    Region,
    TransportImpact,
)
from gateway.documents.ched.places import conclusion_box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.documents.ched.document import Ched
    from gateway.documents.ched.models import Decision, FollowUp

__all__ = ["BOXES", "SYSTEM_BOXES", "boxes", "changed_boxes", "part_digest", "part_of"]

BOXES: Final = (
    *(f"I.{number}" for number in range(1, 36)),
    *(f"II.{number}" for number in range(1, 25)),
    *(f"III.{number}" for number in range(1, 7)),
)
"""Every box, in order."""
SYSTEM_BOXES: Final = frozenset({"I.2", "II.1", "II.2", "II.24", "III.1", "III.2", "III.3"})
"""Boxes that IMSOC fills, and nobody who writes a part (R-REF)."""
_EMPTY: Final = (None, "", (), NO_CODE, NO_COUNTRY, LaboratoryTests(), TransportImpact())


def part_of(box: str) -> Part:
    """The part that a box belongs to.

    Args:
        box: such as ``II.16``.

    Raises:
        ValueError: it is not the id of a box.
    """
    if box not in _KNOWN:
        message = f"{box!r} is no box of a CHED"
        raise ValueError(message)
    return Part(box.partition(".")[0])


_KNOWN: Final = frozenset(BOXES)


def boxes(ched: Ched) -> dict[str, object]:
    """The filled boxes in order, each with its value.

    A value is what ``Ched`` has for the box, or a tuple where the box is made of several: I.4 of the post and the place
    and time of inspection, II.5 of the check, its result and the reason for none. A purpose or conclusion that is no
    box of 2019/1715 is not among them.
    """
    found: dict[str, list[object]] = {}
    for box, value in _contents(ched):
        if value not in _EMPTY:
            found.setdefault(box, []).append(value)
    return {box: found[box][0] if len(found[box]) == 1 else tuple(found[box]) for box in BOXES if box in found}


def changed_boxes(before: Ched, after: Ched) -> tuple[str, ...]:
    """The boxes that do not mean the same in both, in order; labels, languages and forms of writing are no change."""
    first, second = _bare_boxes(before), _bare_boxes(after)
    return tuple(box for box in BOXES if first.get(box) != second.get(box))


def part_digest(ched: Ched, part: Part) -> bytes:
    """SHA-256 over what the writer of a part filled in: the same as long as nobody changed that part (R-40-3).

    Boxes that IMSOC fills are not in it, nor are labels: a reader of another language hands back other labels. Moments
    are compared as instants and numbers as numbers, whatever zeros and offsets they are written with.
    """
    wanted = {box: value for box, value in _bare_boxes(ched).items() if part_of(box) is part}
    written = json.dumps(
        {box: value for box, value in wanted.items() if box not in SYSTEM_BOXES}, sort_keys=True, ensure_ascii=False
    )
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).digest()


def _bare_boxes(ched: Ched) -> dict[str, Any]:
    return {box: _bare(value) for box, value in boxes(ched).items()}


def _contents(ched: Ched) -> Iterator[tuple[str, object]]:
    yield from _before_the_border(ched)
    for purpose in ched.purposes:
        if purpose.box:
            yield purpose.box, purpose
    yield "I.27", ched.transports_after
    yield "I.28", ched.transporter
    yield "I.29", ched.departure_from_post
    yield "I.30", ched.journey_log
    yield "I.31", ched.lines
    if ched.totals is not None:
        yield "I.32", ched.totals.packages
        yield "I.33", ched.totals.net_volume
        yield "I.33", ched.totals.gross_volume
        yield "I.34", ched.totals.net_weight
        yield "I.34", ched.totals.gross_weight
    yield "I.35", ched.declaration
    yield "II.1", ched.previous
    if ched.decision is not None:
        yield "II.2", ched.reference
        yield from _decided(ched, ched.decision)
    yield "II.23", ched.customs_documents
    yield "II.24", ched.subsequent
    if ched.follow_up is not None:
        yield "III.1", ched.previous
        yield "III.2", ched.reference
        yield "III.3", ched.subsequent
        yield from _followed_up(ched.follow_up)


def _before_the_border(ched: Ched) -> Iterator[tuple[str, object]]:
    yield "I.1", ched.consignor
    yield "I.2", ched.reference
    yield "I.3", ched.local_reference
    yield "I.4", ched.post
    yield "I.4", ched.inspection_place
    yield "I.4", ched.inspection_time
    yield "I.5", "" if ched.post is None else ched.post.imsoc_code
    yield "I.6", ched.consignee
    yield "I.7", ched.destination
    yield "I.7", ched.alternative_destination
    yield "I.8", ched.operator
    yield "I.9", ched.documents
    yield "I.10", ched.arrival
    yield "I.11", ched.origins
    yield "I.12", ched.regions
    yield "I.13", ched.transports_before
    yield "I.14", ched.dispatch_country
    yield "I.15", ched.establishments
    yield "I.16", ched.transport_conditions
    yield "I.17", ched.containers
    yield "I.18", ched.certified_as
    yield "I.19", ched.conformity


def _decided(ched: Ched, decision: Decision) -> Iterator[tuple[str, object]]:
    yield "II.3", decision.documentary_check
    yield "II.3", decision.documentary_result
    yield "II.3", decision.documentary_result_national
    yield "II.4", decision.identity_check
    yield "II.4", decision.identity_check_type
    yield "II.4", decision.identity_result
    yield "II.5", decision.physical_check
    yield "II.5", decision.physical_result
    yield "II.5", decision.physical_no_reason
    yield "II.6", decision.laboratory
    yield "II.7", decision.welfare
    yield "II.8", decision.impact
    concluded = [box for code in decision.conclusion if (box := conclusion_box(code.code))]
    for code in decision.conclusion:
        if box := conclusion_box(code.code):
            yield box, code
    yield (concluded[0] if concluded else "II.12"), decision.special_condition
    yield "II.16", decision.measures
    yield "II.16", decision.measures_due
    yield "II.17", decision.refusal_reasons
    yield "II.18", decision.controlled_destination
    yield "II.19", decision.reseals
    yield "II.20", decision.post or (ched.post if decision.decided else None)
    yield "II.21", decision.officer
    yield "II.21", decision.signed
    yield "II.21", decision.email
    yield "II.22", decision.fees


def _followed_up(follow_up: FollowUp) -> Iterator[tuple[str, object]]:
    yield "III.4", follow_up.redispatch
    yield "III.5", follow_up.authority
    yield "III.5", follow_up.role
    yield "III.5", follow_up.arrived
    yield "III.5", follow_up.conform
    yield "III.5", follow_up.outcome
    yield "III.5", follow_up.reasons
    yield "III.5", follow_up.text
    yield "III.6", follow_up.officer
    yield "III.6", follow_up.signed


_LABELS: Final = frozenset(
    {"label", "language", "list_id", "country_name", "system_name", "scientific_language", "level"}
)


def _bare(value: object) -> Any:
    """A value without its labels, in types that JSON has."""
    bare = _BARE.get(type(value))
    if bare is not None:
        return bare(value)
    return _bare_fields(value) if is_dataclass(value) else value


def _bare_fields(value: Any) -> dict[str, Any]:
    return {each.name: _bare(getattr(value, each.name)) for each in fields(value) if each.name not in _LABELS}


def _bare_class(value: ChedClass) -> list[Any]:
    return [value.system, value.code, [] if value.code else [name for _, name in value.names]]


def _bare_post(value: ControlPost) -> list[str]:
    return [value.imsoc_code] if value.imsoc_code else [value.identifier, value.country, value.name]


def _bare_package(value: ChedPackage) -> list[str]:
    return [value.type.code, _count(value.count)]


def _number(value: Decimal) -> str:
    return format(value.normalize(), "f") if value else "0"


def _count(value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    return _number(number) if number.is_finite() else value


def _instant(value: str) -> str:
    """A moment with an offset as an instant; any other text as it is."""
    if len(value) < len("2026-01-01T00:00Z") or value[4:5] != "-" or value[10:11] != "T":
        return value
    try:
        moment = datetime.fromisoformat(value)
        return value if moment.tzinfo is None else moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return value


_BARE: Final[dict[type, Callable[[Any], Any]]] = {
    Coded: lambda value: value.code,
    Country: lambda value: value.code,
    Region: lambda value: [value.code, value.region],
    ControlPost: _bare_post,
    ChedClass: _bare_class,
    ChedPackage: _bare_package,
    tuple: lambda value: [_bare(each) for each in value],
    Decimal: _number,
    str: _instant,
}
