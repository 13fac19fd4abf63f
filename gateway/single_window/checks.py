"""What a message of customs must be before the ledger is asked; every refusal is a fault, and nothing has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import CustomsRefused
from gateway.store import DeclarationType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime, timedelta

    from gateway.certex.models import DeclarationReference, Item, ProcessedChedRequest
    from gateway.single_window.access import CustomsActor
    from gateway.store import AllocationRow, ChedRow, LedgerState

__all__ = [
    "check_age",
    "check_declaration",
    "check_items",
    "check_newer",
    "check_options",
    "check_own",
    "check_type",
    "of_text",
]


def check_age(sent: datetime, now: datetime, *, most: timedelta, skew: timedelta) -> None:
    """Refuse a message that waited too long on its way, or comes from the future.

    Raises:
        CustomsRefused: IMG-7404.
    """
    if sent < now - most - skew or sent > now + skew:
        found, expected = sent.isoformat(), f"at most {int(most.total_seconds())} s before {now.isoformat()}"
        raise CustomsRefused("IMG-7404", where="SendingDate", found=found, expected=expected)


def check_newer(sent: datetime, last: datetime | None) -> None:
    """Refuse a message that was overtaken by a later one of the same declaration.

    Args:
        sent: SendingDate.
        last: the moment of the declaration's last movement on the CHED.

    Raises:
        CustomsRefused: IMG-7404.
    """
    if last is not None and sent < last:
        raise CustomsRefused(
            "IMG-7404", where="SendingDate", found=sent.isoformat(), expected=f"not before {last.isoformat()}"
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
        raise CustomsRefused("IMG-7401", where="CustomsDeclarationReferenceNumber", expected="MRN or LRN")
    if not asked.items:
        raise CustomsRefused("IMG-7401", where="CommodityDescriptionForChed", expected="at least one")
    return asked.declaration


def check_items(items: Iterable[Item]) -> None:
    """Refuse two quantities for one goods item on one line.

    Raises:
        CustomsRefused: IMG-7402.
    """
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
        raise CustomsRefused("IMG-7407", where="CustomsDeclarationReferenceNumber", found=rows[0].declaration.number)


def of_text(state: LedgerState, number: str) -> tuple[AllocationRow, ...]:
    """What stands for the MRN that a clearance names as plain text.

    Raises:
        CustomsRefused: IMG-7406, an LRN with the same characters has quantities on the CHED.
    """
    rows = tuple(row for row in state.allocations if row.declaration.number == number)
    if any(row.declaration.type is DeclarationType.LRN for row in rows):
        raise CustomsRefused("IMG-7406", where="CustomsDocumentReference", found=number, expected="an MRN")
    return rows
