"""What a message of customs must be before the ledger is asked; every refusal is a fault, and nothing has moved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.certex.models import MAX_GOODS_ITEMS
from gateway.errors import AccessDenied, AuthenticationFailed, CustomsRefused
from gateway.store import Declaration, DeclarationType, EntryKind, RecordedKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime, timedelta

    from gateway.certex.models import CertexHeader, DeclarationReference, Item, ProcessedChedRequest
    from gateway.single_window.access import CustomsActor
    from gateway.store import AllocationRow, ChedRow, LastEvent, LedgerState, Movement, Recorded

__all__ = [
    "DECLARATION",
    "DOCUMENT",
    "OFFICE",
    "Bounds",
    "check_age",
    "check_declaration",
    "check_items",
    "check_newer",
    "check_not_overtaken",
    "check_number",
    "check_options",
    "check_own",
    "check_owner",
    "check_recorded",
    "check_room",
    "check_type",
    "of_text",
    "used_before",
]

OFFICE: Final = "CompetentCustomsOffice/ReferenceNumber"
DECLARATION: Final = "CustomsDeclarationReferenceNumber"
"""Of a reservation."""
DOCUMENT: Final = "CustomsDocumentReference"
"""The declaration of a clearance, as plain text."""

_NUMBERS: Final = {
    DeclarationType.MRN: (re.compile(r"[A-Z0-9]+"), "upper-case letters and digits"),
    DeclarationType.LRN: (re.compile(r"[ -~]+"), "characters of ASCII"),
}
"""What the number of a declaration is made of. Two that look the same would be two declarations, so that what was
released under the one could be reserved again under the other."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one message, and one CHED, may have."""

    goods_items: int = MAX_GOODS_ITEMS
    """Entries of goods in one message."""
    allocations: int = 5_000
    """Holds and consumptions of all declarations on one CHED: all of them are in every answer about it."""


def check_age(sent: datetime, now: datetime, *, most: timedelta, skew: timedelta) -> None:
    """Refuse a message that waited too long on its way, or comes from the future.

    Raises:
        CustomsRefused: IMG-7404.
    """
    if sent < now - most - skew or sent > now + skew:
        found, expected = sent.isoformat(), f"at most {int(most.total_seconds())} s before {now.isoformat()}"
        raise CustomsRefused("IMG-7404", where="SendingDate", found=found, expected=expected)


def check_newer(sent: datetime, last: LastEvent | None) -> None:
    """Refuse a message that was overtaken by a later one of the same declaration.

    Args:
        sent: SendingDate.
        last: the declaration's last movement on the CHED.

    Raises:
        CustomsRefused: IMG-7404.
    """
    if last is not None and sent < last.at:
        raise CustomsRefused(
            "IMG-7404", where="SendingDate", found=sent.isoformat(), expected=f"not before {last.at.isoformat()}"
        )


def check_not_overtaken(sent: datetime, newer: datetime | None) -> None:
    """Refuse a message that was sent before another one of the same declaration which was answered already.

    That one may have moved nothing: a cancellation that found no reservation yet, a replacement that was refused.

    Args:
        sent: SendingDate.
        newer: that of the other one; None where there is none.

    Raises:
        CustomsRefused: IMG-7404.
    """
    if newer is not None:
        raise CustomsRefused(
            "IMG-7404", where="SendingDate", found=sent.isoformat(), expected=f"not before {newer.isoformat()}"
        )


def check_options(asked: ProcessedChedRequest) -> None:
    """Refuse what no public source explains.

    Raises:
        CustomsRefused: IMG-7411.
    """
    if asked.transformation:
        raise CustomsRefused("IMG-7411", where="TransformationIndiction", found=asked.transformation)
    if asked.push_from is not None or asked.push_until is not None:
        raise CustomsRefused("IMG-7411", where="PushIndication/ValidityPeriodForThePush")


def check_declaration(asked: ProcessedChedRequest) -> DeclarationReference:
    """The declaration of a reservation, which may neither be for nobody nor of nothing.

    Raises:
        CustomsRefused: IMG-7401.
    """
    if asked.declaration is None:
        raise CustomsRefused("IMG-7401", where=DECLARATION, expected="MRN or LRN")
    if not asked.items:
        raise CustomsRefused("IMG-7401", where="CommodityDescriptionForChed", expected="at least one")
    return asked.declaration


def check_number(actor: CustomsActor, kind: str, number: str, where: str) -> None:
    """Refuse a number that no declaration has, and an MRN that none of this customs system's declarations has.

    Args:
        actor: who sends it.
        kind: ``MRN`` or ``LRN``.
        number: as sent.
        where: its element.

    Raises:
        AccessDenied: IMG-2115.
        CustomsRefused: IMG-7403.
    """
    form, expected = _NUMBERS[DeclarationType(kind)]
    if not form.fullmatch(number):
        raise CustomsRefused("IMG-7403", where=where, found=ascii(number)[1:-1], expected=expected)
    if kind == DeclarationType.MRN and not actor.membership.declares(number):
        expected = f"{' or '.join(actor.membership.mrn_countries)} as its third and fourth character"
        raise AccessDenied("IMG-2115", where=where, found=number, expected=expected)


def check_items(items: Sequence[Item], most: int) -> None:
    """Refuse more goods items than a declaration has, and two quantities for one goods item on one line.

    Raises:
        CustomsRefused: IMG-7414, IMG-7402.
    """
    if len(items) > most:
        raise CustomsRefused("IMG-7414", where="goods items", found=str(len(items)), expected=f"at most {most}")
    known: set[tuple[int, int]] = set()
    for item in items:
        key = (item.goods_item, item.line)
        if key in known:
            found = f"goods item {item.goods_item}, line {item.line}"
            raise CustomsRefused("IMG-7402", where="CommodityDescriptionForChed", found=found, expected="once")
        known.add(key)


def check_type(row: ChedRow, code: str, type_of: Callable[[str], str]) -> None:
    """Refuse a CHED that is not of the type that the customs document code stands for.

    Args:
        row: the CHED.
        code: TARICDocument; empty where the message has none.
        type_of: the type of CHED behind a code: A, P, PP or D.

    Raises:
        CustomsRefused: IMG-7408.
        TranslationRefused: the code stands for no CHED.
    """
    if code and (wanted := type_of(code)) != row.type:
        found = f"{row.reference}, CHED-{row.type}"
        raise CustomsRefused("IMG-7408", where="TARICDocument", found=found, expected=f"a CHED-{wanted} for {code}")


def check_own(actor: CustomsActor, rows: Sequence[AllocationRow]) -> None:
    """Refuse to touch what another customs system put there.

    Raises:
        CustomsRefused: IMG-7407.
    """
    if any(row.partner != actor.id for row in rows):
        raise CustomsRefused("IMG-7407", where=DECLARATION, found=rows[0].declaration.number)


def check_owner(actor: CustomsActor, number: str, last: LastEvent | None) -> None:
    """Refuse a declaration of which nothing stands any more and that another customs system moved last.

    What an operator gave back or freed is anybody's again.

    Raises:
        CustomsRefused: IMG-7407.
    """
    if last is not None and last.partner not in {"", actor.id}:
        raise CustomsRefused("IMG-7407", where=DECLARATION, found=number)


def check_room(state: LedgerState, movements: Iterable[Movement], most: int) -> None:
    """Refuse what would let more stand on the CHED than an answer about it can show; what adds nothing may pass.

    Raises:
        CustomsRefused: IMG-7415.
    """
    added = sum(_ADDS.get(each.kind, 0) for each in movements)
    stand = len(state.allocations) + added
    if added > 0 and stand > most:
        expected = f"at most {most} on the CHED"
        raise CustomsRefused("IMG-7415", where="goods items", found=f"{stand} quantities", expected=expected)


_ADDS: Final = {EntryKind.RESERVED: 1, EntryKind.FORCED: 1, EntryKind.RETURNED: -1, EntryKind.REVERSED: -1}
"""How many quantities more stand after a movement."""


def of_text(actor: CustomsActor, state: LedgerState, number: str) -> tuple[AllocationRow, ...]:
    """What stands for the MRN that a clearance names as plain text.

    The MRN is taken exactly as it is sent. An LRN is in the way in upper and in lower case: a mistake in writing must
    not choose between the two. One of another customs system is not: nobody but that system can mean it.

    Raises:
        CustomsRefused: IMG-7406, an own LRN with the same characters has quantities on the CHED.
    """
    for row in state.allocations:
        ours = row.declaration.type is DeclarationType.LRN and row.partner == actor.id
        if ours and row.declaration.number.casefold() == number.casefold():
            raise CustomsRefused("IMG-7406", where=DOCUMENT, found=number, expected="an MRN")
    mrn = Declaration(DeclarationType.MRN, number)
    return tuple(row for row in state.allocations if row.declaration == mrn)


def check_recorded(recorded: Recorded, header: CertexHeader) -> None:
    """Refuse a message of which something was used up before, so that nothing of it was kept.

    Raises:
        AuthenticationFailed: IMG-2003.
        CustomsRefused: IMG-7405.
    """
    if recorded.kind is RecordedKind.REPLAY:
        raise AuthenticationFailed("IMG-2003", found=recorded.detail)
    if recorded.kind is not RecordedKind.NEW:
        raise used_before(header)


def used_before(header: CertexHeader) -> CustomsRefused:
    """IMG-7405, of a message whose id was used before."""
    return CustomsRefused("IMG-7405", where="CertexHeader/MessageId", found=header.message_id)
