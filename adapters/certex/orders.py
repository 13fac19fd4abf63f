"""What a customs system wants done at CERTEX, and what it must have said before anything is sent (DIGEST 7.2, 7.4).

The contract lets things be left out that its other side then reads its own way: a quantity without a unit as tonnes, a
declaration without its type as an LRN. Nothing of that leaves here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.certex.models import (
    MAX_GOODS_ITEMS,
    ChedClearanceRequest,
    ChedInterventionRequest,
    GoodsClearance,
    Intervention,
    Item,
    ProcessedChedRequest,
)
from gateway.errors import DeliveryError
from gateway.xml.decimals import is_decimal

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.certex.models import DeclarationReference

__all__ = ["DECLARATION_TYPES", "Clear", "Intervene", "Moving", "Order", "Reserve"]

DECLARATION_TYPES: Final = ("MRN", "LRN")

Moving = ProcessedChedRequest | ChedClearanceRequest | ChedInterventionRequest
"""A request that moves quantities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """All that a declaration is to hold of a CHED; it replaces what the declaration held before, it does not add."""

    reference: str
    """Of the CHED, box I.2."""
    declaration: DeclarationReference
    office: str
    """Reference number of the competent customs office."""
    items: tuple[Item, ...]
    document: str = ""
    """Customs document code, as ``N853``."""
    language: str = "en"
    pdf: bool = False

    def request(self, at: datetime) -> ProcessedChedRequest:
        """The message.

        Args:
            at: SendingDate, aware.

        Raises:
            DeliveryError: IMG-8033, it is not complete.
        """
        _required(ChedCertificateId=self.reference, CompetentCustomsOffice=self.office)
        _declared(self.declaration)
        _goods(self.items)
        return ProcessedChedRequest(
            sending_date=at,
            reference=self.reference,
            office=self.office,
            declaration=self.declaration,
            items=self.items,
            reserve=True,
            language=self.language,
            taric_document=self.document,
            pdf=self.pdf,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settling:
    """What a clearance and an intervention have in common."""

    reference: str
    """Of the CHED, box I.2."""
    document: str
    """The MRN."""
    office: str
    """Reference number of the competent customs office."""

    def _check(self, **more: str) -> None:
        """Refuse an order with nothing where a text must be.

        Raises:
            DeliveryError: IMG-8033.
        """
        _required(
            ChedCertificateId=self.reference,
            CompetentCustomsOffice=self.office,
            CustomsDocumentReference=self.document,
            **more,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear(_Settling):
    """What became of the goods of a declaration: released, or not released."""

    information: GoodsClearance

    def request(self, at: datetime) -> ChedClearanceRequest:
        """The message.

        Args:
            at: SendingDate, aware.

        Raises:
            DeliveryError: IMG-8033, it is not complete.
        """
        self._check()
        return ChedClearanceRequest(
            office=self.office,
            sending_date=at,
            document=self.document,
            reference=self.reference,
            information=self.information.value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervene(_Settling):
    """A correction by an officer's hand of what was written off."""

    intervention: Intervention
    taric_document: str
    """Customs document code, as ``N853``."""
    items: tuple[Item, ...] = ()

    def request(self, at: datetime) -> ChedInterventionRequest:
        """The message.

        Args:
            at: SendingDate, aware.

        Raises:
            DeliveryError: IMG-8033, it is not complete.
        """
        self._check(TARICDocument=self.taric_document)
        if self.intervention is not Intervention.DELETE:
            _goods(self.items)
        return ChedInterventionRequest(
            office=self.office,
            sending_date=at,
            document=self.document,
            taric_document=self.taric_document,
            reference=self.reference,
            items=self.items,
            intervention=self.intervention.value,
        )


Order = Reserve | Clear | Intervene


def _required(**texts: str) -> None:
    for where, text in texts.items():
        if not text.strip():
            raise _incomplete(where, "nothing", "a value")


def _declared(declaration: DeclarationReference) -> None:
    """The other side takes a number without its type for an LRN."""
    if declaration.type not in DECLARATION_TYPES:
        raise _incomplete("CustomsDeclarationReferenceNumber", declaration.type, " or ".join(DECLARATION_TYPES))
    if not declaration.number.strip():
        raise _incomplete(declaration.type, "nothing", "the number of the declaration")


def _goods(items: tuple[Item, ...]) -> None:
    if not items:
        raise _incomplete("CommodityDescriptionForChed", "nothing", "the goods items, all of them")
    if len(items) > MAX_GOODS_ITEMS:
        raise _incomplete("CommodityDescriptionForChed", f"{len(items)} goods items", f"at most {MAX_GOODS_ITEMS}")
    seen = set()
    for item in items:
        place = (item.goods_item, item.line)
        where = f"goods item {item.goods_item}, line {item.line}"
        if place in seen:
            raise _incomplete(where, "more than once", "each goods item once on each line")
        seen.add(place)
        if not item.class_code.strip():
            raise _incomplete(where, "no ClassCode", "the commodity code")
        _quantities(item, where)


def _quantities(item: Item, where: str) -> None:
    given = [declared for declared in (item.weight, item.volume) if declared is not None]
    if not given:
        raise _incomplete(where, "no quantity", "a net weight or a net volume")
    for declared in given:
        if not is_decimal(declared.quantity):
            raise _incomplete(where, declared.quantity, "a decimal number, without an exponent")
        if not declared.unit.strip():
            raise _incomplete(where, "a quantity without a unit", "its unit: CERTEX takes one without for tonnes")


def _incomplete(where: str, found: str, expected: str) -> DeliveryError:
    return DeliveryError("IMG-8033", where=where, found=found, expected=expected)
