"""CustomsPush on the wire: what a customs system that follows a CHED is told, and its receipt (docs/customs-push.md).

The public contracts say that changes can be pushed, not how; this contract is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.errors import SchemaInvalid
from gateway.traces.wire_common import add, add_text, finish, instant, mandatory, number_of, start
from gateway.xml.names import PUSH1, path_of, qn, readable

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.certex.models import Allocated, Summary

__all__ = ["OPERATION", "ChedChange", "notification", "read_receipt", "receipt"]

OPERATION: Final = "notifyChedChange"
"""The one operation of the contract."""
_p = partial(qn, PUSH1)
_NOTIFICATION: Final = _p("ChedChangeNotification")
_RECEIPT: Final = _p("ChedChangeReceipt")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChedChange:
    """One change of one CHED, for one subscription."""

    subscription: str
    number: int
    moment: datetime
    """Aware; when the change was made."""
    what: str
    """``status``, ``ledger`` or ``document``."""
    office: str
    """CompetentCustomsOffice of the message that asked."""
    reference: str
    """I.2"""
    type: str
    status_code: str
    version: int = 0
    """Of the ledger; 0 while there is none."""
    summary: Summary | None = None
    """The ledger as the change left it, its moments in UTC."""
    stop_reason: str = ""
    """Why this is the last one; empty when it is not."""


def notification(change: ChedChange) -> bytes:
    """ChedChangeNotification."""
    root = start(_NOTIFICATION)
    add(root, _p("Subscription"), change.subscription)
    add(root, _p("Number"), str(change.number))
    add(root, _p("Moment"), instant(change.moment))
    add(root, _p("Change"), change.what)
    add(root, _p("CompetentCustomsOffice"), change.office)
    ched = add(root, _p("Ched"))
    add(ched, _p("Reference"), change.reference)
    add(ched, _p("Type"), change.type)
    add(ched, _p("StatusCode"), change.status_code)
    if change.summary is not None:
        _ledger(root, change.summary, change.version)
    add_text(root, _p("StopReason"), change.stop_reason)
    return finish(root)


def _ledger(root: _Element, summary: Summary, version: int) -> None:
    ledger = add(root, _p("Ledger"), version=str(version))
    for line in summary.available:
        available = add(ledger, _p("Available"))
        add(available, _p("CertificateLineNumber"), str(line.line))
        add(available, _p("ClassCode"), line.code)
        _quantity(available, line.quantity, line.unit)
    for name, rows in (("Reserved", summary.reserved), ("Consumed", summary.consumed)):
        for row in rows:
            _allocated(add(ledger, _p(name)), row)


def _allocated(entry: _Element, row: Allocated) -> None:
    add(entry, _p("Declaration"), row.declaration.number, type=row.declaration.type)
    add(entry, _p("GoodsItemNumber"), str(row.goods_item))
    add(entry, _p("CertificateLineNumber"), str(row.line))
    add(entry, _p("ClassCode"), row.code)
    _quantity(entry, row.quantity, row.unit)
    add(entry, _p("CompetentCustomsOffice"), row.office)
    add(entry, _p("EventDateTime"), row.event)


def _quantity(entry: _Element, quantity: str, unit: str) -> None:
    add(entry, _p("Quantity"), quantity).set("unit", unit)


def receipt(subscription: str, number: int) -> bytes:
    """ChedChangeReceipt: what a receiver answers."""
    root = start(_RECEIPT)
    add(root, _p("Subscription"), subscription)
    add(root, _p("Number"), str(number))
    return finish(root)


def read_receipt(reply: _Element) -> tuple[str, int]:
    """Subscription and number of a ChedChangeReceipt.

    Raises:
        SchemaInvalid: IMG-3001 it is something else, or says no number.
    """
    if reply.tag != _RECEIPT:
        raise SchemaInvalid("IMG-3001", where=path_of(reply), expected=readable(_RECEIPT))
    subscription = mandatory(reply, _p("Subscription"))
    return subscription, number_of(mandatory(reply, _p("Number")), reply, _p("Number"))
