"""A message that was passed on to TRACES and of which nothing is known, as it left: an operator asks again with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from adapters.certex import Sent
from gateway.certex.contract import CLEARANCE, INTERVENTION, PROCESSED
from gateway.certex.models import CertexHeader, ChedClearanceRequest
from gateway.certex.wire import read_clearance_request, read_intervention_request, read_processed_request
from gateway.errors import ConfigurationError
from gateway.single_window.relay_units import with_units
from gateway.store import close_relayed, find_evidence, open_relayed, record_audit
from gateway.xml.boundary import parse
from gateway.xml.names import SOAP11, SOAP12, qn

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from adapters.certex.orders import Moving
    from gateway.store import ExchangeParts, RelayedDeclaration

__all__ = ["list_unknown", "outcome_found", "passed_on"]

_READERS: Final[dict[str, Callable[[_Element], Moving]]] = {
    PROCESSED: read_processed_request,
    CLEARANCE: read_clearance_request,
    INTERVENTION: read_intervention_request,
}
_BODIES: Final = (qn(SOAP11, "Body"), qn(SOAP12, "Body"))


def list_unknown(connection: Connection, *, limit: int) -> list[RelayedDeclaration]:
    """Messages that were passed on and of which nothing is known, or that are on their way; oldest first.

    Of each declaration the newest message alone: what is known of that one is known of those before it.
    """
    return open_relayed(connection, limit=limit)


def passed_on(connection: Connection, exchange_id: str) -> Sent:
    """The message as it left, from the record of the customs system's own.

    What the declaration held before is not on record, so that some replies stay unknown that the gateway itself could
    have resolved.

    Raises:
        ConfigurationError: IMG-0106, it is no message that was passed on.
    """
    found = find_evidence(connection, exchange_id)
    header = None if found is None else _header(found)
    if found is None or header is None or found.exchange.operation not in _READERS:
        expected = "one that `imsoc customs ask-outcome PARTNER` lists, or a file"
        raise ConfigurationError(
            "IMG-0106", where=exchange_id, found="no message that was passed on", expected=expected
        )
    root = parse(found.request).root
    body = next(each for name in _BODIES for each in root.iterchildren(name))
    request: Moving = _READERS[found.exchange.operation](body[0])
    if not isinstance(request, ChedClearanceRequest):
        request = replace(request, items=with_units(request.items, absent_is_tonne=True)[0])
    return Sent(request=request, header=header, left=found.exchange.received_at)


def outcome_found(connection: Connection, exchange_id: str, word: str, *, actor: str, at: datetime) -> None:
    """Keep what an operator found out about a message; it is listed no longer. Call inside `Store.write`.

    The declaration stays with the system that sent it.
    """
    close_relayed(connection, exchange_id)
    record_audit(connection, at=at, actor=actor, action="customs outcome", subject=exchange_id, detail={"word": word})


def _header(found: ExchangeParts) -> CertexHeader | None:
    """Our own header towards TRACES; None where nothing was passed on."""
    named = next((str(each.detail["passed_on"]) for each in found.audit if "passed_on" in each.detail), "")
    prefix, _, message_id = named.rpartition("/")
    return CertexHeader(message_id, prefix) if message_id else None
