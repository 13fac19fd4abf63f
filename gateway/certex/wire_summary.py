"""The ledger of a CHED on the wire (QuantityManagementSummary), written and read as captured (DIGEST 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.certex.models import Allocated, Available, Summary
from gateway.certex.wire_common import (
    base,
    declaration_of,
    field,
    group,
    number,
    office_of,
    parent,
    quantity_of,
    token_of,
    unfit,
    write_declaration,
)
from gateway.traces.wire_common import required

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["SUMMARY", "read_summary", "write_summary"]

SUMMARY: Final = "QuantityManagementSummary"


def write_summary(summary: Summary) -> str:
    """The element, empty for a CHED without lines."""
    return parent(
        SUMMARY,
        *map(_available, summary.available),
        *(_allocated("ReservedQuantity", each) for each in summary.reserved),
        *(_allocated("ConsumedQuantity", each) for each in summary.consumed),
    )


def _available(line: Available) -> str:
    return group("AvailableQuantity", _code(line.code), _document(line))


def _allocated(local: str, held: Allocated) -> str:
    return group(
        local,
        field("GoodsItemNumber", str(held.goods_item)),
        _code(held.code),
        _document(held),
        field("EventDateTime", held.event),
        group("CompetentCustomsOffice", field("ReferenceNumber", held.office)),
        write_declaration(held.declaration),
    )


def _code(code: str) -> str:
    return group("CommodityCode", field("HarmonizedSystemSubheadingcode", code))


def _document(of: Available | Allocated) -> str:
    return group(
        "SwSupportingDocument",
        field("UnitOfMeasure", of.unit),
        field("Quantity", of.quantity),
        field("CertificateLineNumber", str(of.line)),
    )


def read_summary(element: _Element) -> Summary:
    """The ledger.

    Raises:
        SchemaInvalid: IMG-3001 a line or an allocation cannot be read, or names no declaration.
    """
    return Summary(
        available=tuple(map(_read_available, element.iterchildren(base("AvailableQuantity")))),
        reserved=tuple(map(_read_allocated, element.iterchildren(base("ReservedQuantity")))),
        consumed=tuple(map(_read_allocated, element.iterchildren(base("ConsumedQuantity")))),
    )


def _read_available(element: _Element) -> Available:
    document = required(element, base("SwSupportingDocument"))
    return Available(
        code=_read_code(element),
        unit=token_of(document, base("UnitOfMeasure")),
        quantity=quantity_of(document, base("Quantity")),
        line=number(document, base("CertificateLineNumber")),
    )


def _read_allocated(element: _Element) -> Allocated:
    document = required(element, base("SwSupportingDocument"))
    declaration = declaration_of(element)
    if declaration is None:
        raise unfit(element, base("MRN"), "nothing", "an MRN or an LRN")
    return Allocated(
        goods_item=number(element, base("GoodsItemNumber")),
        code=_read_code(element),
        unit=token_of(document, base("UnitOfMeasure")),
        quantity=quantity_of(document, base("Quantity")),
        line=number(document, base("CertificateLineNumber")),
        event=token_of(element, base("EventDateTime"), optional=True),
        office=office_of(element, base("CompetentCustomsOffice")),
        declaration=declaration,
    )


def _read_code(element: _Element) -> str:
    """The code as TRACES writes it: whole, in the element of the subheading; the two optional ones are not read."""
    return token_of(required(element, base("CommodityCode")), base("HarmonizedSystemSubheadingcode"))
