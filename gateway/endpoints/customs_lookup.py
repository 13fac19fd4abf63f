"""CustomsLookup, our own contract: what customs look up beside CERTEX (wsdl/CustomsLookup.wsdl).

The same questions and answers as the REST read API (``customs_rest.py``), with the same grants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.access import check_operation
from gateway.endpoints.customs_writing import as_xml
from gateway.endpoints.rendering import remedy, text
from gateway.exchange import refusals_recorded
from gateway.single_window.access import customs_actor
from gateway.single_window.lookup_models import (
    DEFAULT_LIMIT,
    ByCertificate,
    ByDeclaration,
    ByDocument,
    ByReference,
    Window,
)
from gateway.single_window.lookups import CONTRACT, OPERATIONS
from gateway.soap import Contract, Operation, SoapReply, SoapVersion
from gateway.store import DeclarationType
from gateway.xml.names import LOOKUP1, qn
from gateway.xml.schemas import SchemaName, validate

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.errors import GatewayError
    from gateway.exchange import Admission, Context
    from gateway.single_window.lookup_models import Question
    from gateway.single_window.lookups import Lookups
    from gateway.soap import SoapCall

__all__ = ["customs_lookup"]

_PREFIX: Final = "cl:"


def customs_lookup(context: Context, admission: Admission, lookups: Lookups) -> Contract:
    """The contract with its handlers bound to the services."""

    def answer(call: SoapCall) -> SoapReply:
        principal = admission.admit(call)
        with refusals_recorded(context, principal, call):
            check_operation(principal.partner, CONTRACT, call.operation)
            actor = customs_actor(principal)
            validate(SchemaName.CUSTOMS_LOOKUP, call.body, explained=True)
            question, window = _question(call.operation, call.body), _window(call.body)
            found = lookups.answer(actor, question, window, call)
            body = as_xml(f"{call.operation}Response", found, _PREFIX)
            return SoapReply(_declared(body))

    return Contract(
        name=CONTRACT,
        path="/CustomsLookup",
        wsdl="CustomsLookup.wsdl",
        operations=tuple(
            Operation(name, qn(LOOKUP1, f"{name}Request"), f"{LOOKUP1}/{name}", answer) for name in OPERATIONS
        ),
        versions=frozenset(SoapVersion),
        fault_detail=_fault_detail,
        limits=context.limits,
    )


def _question(operation: str, body: _Element) -> Question:
    match operation:
        case "GetChed":
            return ByReference(_text(body, "Reference"))
        case "FindByCustomsDocument":
            return ByDocument(_text(body, "Code"), _text(body, "Number"))
        case "FindByCertificate":
            return ByCertificate(_text(body, "Number"), _text(body, "Country"), _text(body, "Type"))
        case _:
            return ByDeclaration(DeclarationType(_text(body, "Type")), _text(body, "Number"))


def _window(body: _Element) -> Window:
    return Window(int(body.get("limit", DEFAULT_LIMIT)), int(body.get("offset", 0)))


def _text(body: _Element, name: str) -> str:
    """As written; empty when the child is absent."""
    return body.findtext(qn(LOOKUP1, name)) or ""


def _fault_detail(error: GatewayError) -> bytes:
    """The LookupFault element of every fault of this contract."""
    told = {
        "Code": error.code,
        "Message": error.message,
        "Where": error.where,
        "Found": error.found,
        "Expected": error.expected,
        "WhatToDo": remedy(error),
        "Retry": error.retry,
        "ExchangeID": error.exchange_id,
    }
    leaves = "".join(f"<{_PREFIX}{name}>{text(value)}</{_PREFIX}{name}>" for name, value in told.items() if value)
    return _declared(f"<{_PREFIX}LookupFault>{leaves}</{_PREFIX}LookupFault>")


def _declared(element: str) -> bytes:
    """The element with the declaration of its prefix."""
    name, rest = element[1:].split(">", 1)
    return f'<{name} xmlns:cl="{LOOKUP1}">{rest}'.encode()
