"""DeliveryService, the IPPC ePhyto hub's contract as we serve it: unwrap, ask the hub's stand-in, wrap (DIGEST 2).

Every operation goes the same way: who calls (by client certificate, nothing else), is it granted, does the request keep
the schema, then do it. What is noted of it, says ``hub_journal``. Every refusal leaves as HubWebException; who is not
let in gets it with HTTP 403, as the hub's clients expect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway.access import check_operation
from gateway.endpoints.hub_journal import HubJournal
from gateway.endpoints.hub_rendering import channels, exception_detail, nppo, nppos, results
from gateway.errors import AccessDenied, AuthenticationFailed, GatewayError, HubRefused
from gateway.hub.checks import contradiction
from gateway.hub.service import CONTRACT
from gateway.hub.states import acknowledged_by
from gateway.ippc.wire import (
    ACTIONS,
    REQUEST_LIMITS,
    array_xml,
    envelope_xml,
    header_xml,
    read_envelope,
    read_header,
    response,
    text_bytes,
    text_xml,
)
from gateway.soap import Contract, Operation, SoapReply, SoapVersion
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import HUB, qn
from gateway.xml.schemas import SchemaName, validate
from mappings.hub_lists import LISTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lxml.etree import _Element

    from gateway.access import Directory
    from gateway.exchange import Admission, Context, Principal
    from gateway.hub.service import HubService
    from gateway.ippc.validation_result import ValidationResult
    from gateway.soap import SoapCall, TransportPeer
    from gateway.xml.limits import Limits
    from mappings.hub_live import HubListsNow

__all__ = ["PATH", "delivery_service"]

PATH: Final = "/hub/DeliveryService"
"""The hub's own path, so that its clients change the host and nothing else."""

_NEGATIVE: Final = f"{ACTIONS}NegativeAcknowledgeEnvelopeReceipt"
_MAX_REASON: Final = 1_000
"""Characters of the findings that ValidateAndDeliverEnvelope refuses with."""


@dataclass(frozen=True, slots=True)
class _Services:
    context: Context
    admission: Admission
    hub: HubService
    lists: HubListsNow
    findings_of: Callable[[bytes], Sequence[ValidationResult]]
    journal: HubJournal


def delivery_service(
    hub: HubService,
    admission: Admission,
    lists: HubListsNow,
    findings_of: Callable[[bytes], Sequence[ValidationResult]],
    context: Context,
) -> Contract:
    """The contract with its handlers bound to the services.

    Args:
        hub: keeps the envelopes.
        admission: knows the callers.
        lists: the ten code lists, as they hold when they are asked for.
        findings_of: findings about a certificate, given as the text that an envelope carries, in UTF-8.
        context: for the journal, and for the operator's limits.
    """
    services = _Services(context, admission, hub, lists, findings_of, HubJournal(context))
    handlers: dict[str, Callable[[_Services, Principal, SoapCall], bytes]] = {
        "DeliverEnvelope": _deliver,
        "ValidateAndDeliverEnvelope": _validate_and_deliver,
        "DeliverPhytoEnvelope": _deliver,
        "DeliverCountryResponseEnvelope": _deliver_response,
        "GetImportEnvelopeHeaders": _headers,
        "PULLSingleImportEnvelope": _pull,
        "PULLImportEnvelope": _pull_all,
        "GetUnderDeliveryEnvelope": _under_delivery,
        "GetEnvelopeTrackingInfo": _tracking,
        "SetTrackingInfoUpdate": _set_tracking,
        "AcknowledgeEnvelopeReceipt": _acknowledge,
        "AcknowledgeFailedEnvelopeReceipt": _acknowledge,
        "AdvancedAcknowledgeEnvelopeReceipt": _acknowledge,
        "ValidatePhytoXML": _validate,
        "GetActiveNppos": _active_nppos,
        "GetProfile": _profile,
        "GetAvailableChannels": _channels,
        **dict.fromkeys((spec.operation for spec in LISTS), _list),
    }

    def serve(handler: Callable[[_Services, Principal, SoapCall], bytes]) -> Callable[[SoapCall], SoapReply]:
        def answer(call: SoapCall) -> SoapReply:
            principal = _admit(services, call)
            try:
                check_operation(principal.partner, CONTRACT, call.operation)
                validate(SchemaName.DELIVERY_SERVICE, call.body, explained=True)
                return SoapReply(handler(services, principal, call))
            except GatewayError as error:
                services.journal.refused(principal, call, error)

        return answer

    return Contract(
        name=CONTRACT,
        path=PATH,
        wsdl="DeliveryService.wsdl",
        operations=tuple(_operation(name, serve(handler)) for name, handler in handlers.items()),
        versions=frozenset({SoapVersion.SOAP11}),
        fault_detail=exception_detail,
        limits=_limits(context.limits),
        check_peer=partial(_check_peer, context.directory),
        fault_status=_status,
    )


def _limits(own: Limits) -> Limits:
    """Of requests: a whole certificate with its attachments is one text. What the operator chose otherwise, holds."""
    values = {
        name: getattr(REQUEST_LIMITS, name)
        for name in ("max_bytes", "max_large_text")
        if getattr(own, name) == getattr(DEFAULT_LIMITS, name)
    }
    return replace(own, large_text=REQUEST_LIMITS.large_text, **values)


def _operation(name: str, handler: Callable[[SoapCall], SoapReply]) -> Operation:
    """SOAPAction follows the name, with one exception; wsa:Action has another one (both as the hub has them)."""
    regular, other = f"{ACTIONS}{name}", frozenset[str]()
    if name == "AdvancedAcknowledgeEnvelopeReceipt":
        return Operation(name, qn(HUB, name), _NEGATIVE, handler, frozenset({regular}))
    if name == "AcknowledgeFailedEnvelopeReceipt":
        other = frozenset({_NEGATIVE})
    return Operation(name, qn(HUB, name), regular, handler, other)


def _status(error: GatewayError) -> int | None:
    """A caller whom the hub would not let in is told so in HTTP (DIGEST 2.1)."""
    return HTTPStatus.FORBIDDEN if isinstance(error, AuthenticationFailed | AccessDenied) else None


def _check_peer(directory: Directory, peer: TransportPeer) -> None:
    """Refuse who shows no client certificate that is known here.

    Raises:
        AuthenticationFailed: IMG-2010.
    """
    certificate = peer.client_certificate
    if certificate is None or directory.by_certificate(certificate) is None:
        raise AuthenticationFailed(
            "IMG-2010",
            where="TLS",
            found="no client certificate" if certificate is None else "a certificate that no partner record names",
            expected="the client certificate that is registered here",
        )


def _admit(services: _Services, call: SoapCall) -> Principal:
    """The partner behind the client certificate; a UsernameToken beside it must be the same partner's, and is no more.

    Raises:
        AuthenticationFailed: IMG-2010, and as `Admission`.
    """
    _check_peer(services.context.directory, call.peer)
    return services.admission.admit(call)


def _deliver(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    return _answered(services, principal, call, None)


def _deliver_response(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    """An answer that says two things is not delivered."""
    element = _only_child(call)
    objection = contradiction(read_header(element).certificate_status, element)
    return _answered(services, principal, call, objection)


def _validate_and_deliver(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    """A certificate that has a SEVERE finding is not delivered: its header comes back as FailedDelivery."""
    found = services.findings_of(read_envelope(_only_child(call)).content or b"")
    severe = "; ".join(f"{each.field}: {each.msg}" for each in found if each.level == "SEVERE")
    reason = severe if len(severe) <= _MAX_REASON else severe[: _MAX_REASON - 1] + "…"
    return _answered(services, principal, call, HubRefused("IMG-7119", reason) if severe else None)


def _answered(services: _Services, principal: Principal, call: SoapCall, objection: HubRefused | None) -> bytes:
    header = services.hub.deliver(
        principal.partner,
        read_envelope(_only_child(call), emptied=True),  # held by no name here: its content may be large
        now=call.received_at,
        detail=_transport(principal, call),
        operation=call.operation,
        request=call.raw,
        objection=objection,
    )
    return response(call.operation, header_xml(header, _result(call)))


def _headers(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    waiting = services.hub.headers(principal.partner, _text(call.body, "countryCode") or None)
    services.journal.read(principal, call)
    return response(call.operation, array_xml(waiting, _result(call)))


def _pull(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    number = _text(call.body, "hubTrackingNumber")
    envelope = services.hub.pull(principal.partner, number)
    services.journal.read(principal, call, number)
    return response(call.operation, envelope_xml(envelope, _result(call)))


def _pull_all(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    envelopes = services.hub.pull_all(principal.partner)
    services.journal.read(principal, call, *(envelope.header.hub_delivery_number for envelope in envelopes))
    return response(call.operation, array_xml(envelopes, qn(HUB, "PULLImportEnvelopesResult")))


def _under_delivery(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    sent = services.hub.under_delivery(principal.partner)
    services.journal.read(principal, call)
    return response(call.operation, array_xml(sent, _result(call)))


def _tracking(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    header = services.hub.tracking(principal.partner, _text(call.body, "hubTrackingNumber"))
    services.journal.read(principal, call)
    return response(call.operation, header_xml(header, _result(call)))


def _set_tracking(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    services.hub.set_tracking(principal.partner, read_header(_only_child(call)), now=call.received_at)
    return response(call.operation)


def _acknowledge(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    said = _text(call.body, "message") or _text(call.body, "warningMessage")
    state = services.hub.acknowledge(
        principal.partner,
        _text(call.body, "hubTrackingNumber"),
        acknowledged_by(call.operation),
        said,
        now=call.received_at,
    )
    if call.operation == "AcknowledgeEnvelopeReceipt":
        return response(call.operation)
    return response(call.operation, text_xml(qn(HUB, "return"), state))


def _validate(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    found = services.findings_of(text_bytes(_only_child(call)))
    services.journal.read(principal, call)
    return response(call.operation, results(found).encode())


def _active_nppos(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    services.journal.read(principal, call)
    return response(call.operation, nppos(services.hub.active_nppos()).encode())


def _profile(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    own = services.hub.profile(principal.partner)
    services.journal.read(principal, call)
    return response(call.operation, nppo(own).encode())


def _channels(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    services.journal.read(principal, call)
    return response(call.operation, channels(services.hub.channels()).encode())


_ELEMENT_OF: Final = {spec.operation: spec.element for spec in LISTS}


def _list(services: _Services, principal: Principal, call: SoapCall) -> bytes:
    services.journal.read(principal, call)
    return services.lists.now().response(_ELEMENT_OF[call.operation])


def _result(call: SoapCall) -> str:
    return qn(HUB, f"{call.operation}Result")


def _only_child(call: SoapCall) -> _Element:
    """The one parameter of an operation: the schema has seen that it is there."""
    return next(call.body.iterchildren("*"))


def _transport(principal: Principal, call: SoapCall) -> dict[str, Any]:
    return {"method": principal.method, "peer": call.peer.address, "wsa_message_id": call.message_id or ""}


def _text(body: _Element, name: str) -> str:
    """Text of a child without the white space around it; empty when the child is absent."""
    found = body.find(qn(HUB, name))
    return "" if found is None else _whole_text(found).strip()


def _whole_text(element: _Element) -> str:
    """All of it: comments that stand in between are no end."""
    return str(element.xpath("string()", smart_strings=False)) if len(element) else element.text or ""
