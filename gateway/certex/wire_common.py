"""What the messages of CERTEX share on the wire: written as plain text, read from trees.

Children of a message are in its own namespace, everything below them in the base namespace (DIGEST 7.2). Both have
prefixes and there is no default namespace, so that a certificate spliced in stays what it is.
"""

from __future__ import annotations

import re
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from gateway.certex.models import DeclarationReference, Declared, Item
from gateway.errors import SchemaInvalid
from gateway.traces.wire_common import number_of, read_instant, required, whole_text
from gateway.xml.decimals import is_decimal
from gateway.xml.names import CERTEX6, CERTEXBASE3, path_of, qn, readable

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

__all__ = [
    "OPERATION_CODE",
    "add_office",
    "base",
    "check_message",
    "child",
    "declaration_of",
    "field",
    "group",
    "items_of",
    "message",
    "moment",
    "moment_of",
    "number",
    "office_of",
    "own",
    "parent",
    "quantity_of",
    "token_of",
    "unfit",
    "write_declaration",
    "write_items",
]

OPERATION_CODE: Final = "0"
"""Of every captured reply, whatever it answers."""

own = partial(qn, CERTEX6)
base = partial(qn, CERTEXBASE3)

_BREACH: Final = "IMG-3001"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NONE: Final = Declared("")


# --- writing ---------------------------------------------------------------------------------------------------------


def message(local: str, *content: str | bytes) -> bytes:
    """A whole message; bytes in it stay byte by byte what they are."""
    opened = f'<certex:{local} xmlns:certex="{CERTEX6}" xmlns:certexbase="{CERTEXBASE3}">'
    parts = (each if isinstance(each, bytes) else each.encode() for each in (opened, *content, f"</certex:{local}>"))
    return b"".join(parts)


def child(local: str, text: str) -> str:
    """A child of a message with a text; nothing when there is none."""
    return f"<certex:{local}>{_escaped(text)}</certex:{local}>" if text else ""


def parent(local: str, *content: str) -> str:
    """A child of a message with fields in it; an empty element when there are none."""
    return f"<certex:{local}>{''.join(content)}</certex:{local}>"


def field(local: str, text: str) -> str:
    """A field with a text; nothing when there is none."""
    return f"<certexbase:{local}>{_escaped(text)}</certexbase:{local}>" if text else ""


def group(local: str, *content: str) -> str:
    """A field with others in it."""
    return f"<certexbase:{local}>{''.join(content)}</certexbase:{local}>"


def moment(at: datetime) -> str:
    """An aware moment as captured requests have it: UTC, to the microsecond."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def add_office(office: str) -> str:
    """CompetentCustomsOffice as a child of a message."""
    return parent("CompetentCustomsOffice", field("ReferenceNumber", office))


def write_declaration(declaration: DeclarationReference) -> str:
    """The number of a declaration, under the name of its type."""
    return field(declaration.type, declaration.number)


def write_items(local: str, items: tuple[Item, ...]) -> str:
    """Goods items; the two requests that have some name them differently."""
    return "".join(
        parent(
            local,
            field("GoodsItemNumber", str(item.goods_item)),
            field("CertificateLineNumber", str(item.line)),
            field("ClassCode", item.class_code),
            field("NetWeightQuantity", (item.weight or _NONE).quantity),
            field("NetWeightUnitOfMeasure", (item.weight or _NONE).unit),
            field("NetVolumeQuantity", (item.volume or _NONE).quantity),
            field("NetVolumeUnitOfMeasure", (item.volume or _NONE).unit),
        )
        for item in items
    )


def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


# --- reading ---------------------------------------------------------------------------------------------------------


def check_message(element: _Element, local: str) -> None:
    """Refuse another message than the one that is to be read.

    Raises:
        SchemaInvalid: IMG-3001.
    """
    if element.tag != own(local):
        raise SchemaInvalid(
            _BREACH, where=path_of(element), found=readable(str(element.tag)), expected=readable(own(local))
        )


def token_of(element: _Element, name: str, *, optional: bool = False) -> str:
    """The text of a child, white space collapsed.

    Args:
        element: its parent.
        name: of the child, ``{namespace}local``.
        optional: whether a missing child is an empty text.

    Raises:
        SchemaInvalid: IMG-3001 it is missing, or empty where it may not be.
    """
    if optional and element.find(name) is None:
        return ""
    text = " ".join(whole_text(required(element, name)).split())
    if not text and not optional:
        raise unfit(element, name, "nothing", "a text")
    return text


def number(element: _Element, name: str) -> int:
    """A whole number in a child; SchemaInvalid IMG-3001 when there is none."""
    return number_of(token_of(element, name), element, name)


def moment_of(element: _Element, name: str) -> datetime:
    """A moment in a child: aware, UTC, to the microsecond; SchemaInvalid IMG-3001 when there is none."""
    return read_instant(token_of(element, name), element, name)


def quantity_of(element: _Element, name: str) -> str:
    """A decimal number in a child, as it is written; SchemaInvalid IMG-3001 for an exponent and what is no number."""
    text = token_of(element, name)
    if not is_decimal(text):
        raise unfit(element, name, text, "a decimal number without exponent")
    return text


def office_of(element: _Element, name: str) -> str:
    """The number of the CompetentCustomsOffice; SchemaInvalid IMG-3001 when there is none."""
    return token_of(required(element, name), base("ReferenceNumber"))


def declaration_of(element: _Element) -> DeclarationReference | None:
    """The declaration that stands in an element; None when there is none.

    Raises:
        SchemaInvalid: IMG-3001 there are two.
    """
    found = [kind for kind in ("MRN", "LRN") if element.find(base(kind)) is not None]
    if len(found) > 1:
        raise unfit(element, base(found[1]), "an MRN and an LRN", "one of the two")
    return DeclarationReference(found[0], token_of(element, base(found[0]))) if found else None


def items_of(element: _Element, local: str) -> tuple[Item, ...]:
    """The goods items of a request; SchemaInvalid IMG-3001 for one that cannot be read."""
    return tuple(
        Item(
            goods_item=number(each, base("GoodsItemNumber")),
            line=number(each, base("CertificateLineNumber")),
            class_code=token_of(each, base("ClassCode")),
            weight=_declared(each, "NetWeight"),
            volume=_declared(each, "NetVolume"),
        )
        for each in element.iterchildren(own(local))
    )


def _declared(item: _Element, kind: str) -> Declared | None:
    """A weight or a volume; a unit without a quantity declares nothing."""
    quantity = base(f"{kind}Quantity")
    if item.find(quantity) is None:
        return None
    return Declared(quantity_of(item, quantity), token_of(item, base(f"{kind}UnitOfMeasure"), optional=True))


def unfit(element: _Element, name: str, found: str, expected: str) -> SchemaInvalid:
    """A child that has not the content that it must have."""
    return SchemaInvalid(_BREACH, where=f"{path_of(element)}/{readable(name)}", found=found, expected=expected)
