"""CustomsCertexChedService V06: CHEDs for customs, with their quantities (DIGEST 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.certex.contract import CERTEX, CLEARANCE, CRFL, INTERVENTION, PROCESSED
from gateway.certex.faults import fault_renderer
from gateway.certex.headers import KNOWN_HEADERS, read_header
from gateway.certex.replies import reply_header
from gateway.certex.wire import (
    clearance_response,
    intervention_response,
    processed_response,
    read_clearance_request,
    read_intervention_request,
    read_processed_request,
)
from gateway.endpoints.traces_common import serve
from gateway.errors import CustomsRefused
from gateway.single_window.access import check_office, customs_actor
from gateway.traces.faults import ServiceFaults

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.certex.models import CertexHeader
    from gateway.endpoints.traces_common import Asked, Services
    from gateway.single_window.access import CustomsActor
    from gateway.single_window.desk import CustomsDesk
    from gateway.soap import Contract, SoapReply

    Answer = Callable[[CustomsDesk, CustomsActor, CertexHeader, Asked], bytes]

__all__ = ["certex"]

_FAULTS: Final = ServiceFaults(namespace=CERTEX.namespace)


def certex(desk: CustomsDesk, services: Services) -> Contract:
    """The contract with its handlers.

    Args:
        desk: the ledgers of this instance, or those of TRACES behind it.
        services: who admits, and what keeps.
    """

    def bound(answer: Answer) -> Callable[[Asked], SoapReply | bytes]:
        def handle(asked: Asked) -> bytes:
            header = read_header(asked.call)
            actor = customs_actor(asked.principal, asked.headers.language)
            if asked.headers.customs_office:
                check_office(actor, asked.headers.customs_office, "CustomsOfficeReferenceNumber")
            return answer(desk, actor, header, asked)

        return handle

    handlers = {
        PROCESSED: bound(_processed),
        CLEARANCE: bound(_clearance),
        INTERVENTION: bound(_intervention),
        CRFL: bound(_not_public),
    }
    contract = serve(CERTEX, services, handlers, _FAULTS)
    return replace(
        contract,
        known_headers=KNOWN_HEADERS,
        render_fault=fault_renderer(),
        reply_header=reply_header(services.context.clock),
    )


def _processed(desk: CustomsDesk, actor: CustomsActor, header: CertexHeader, asked: Asked) -> bytes:
    request = read_processed_request(asked.body)
    take = desk.reserve if request.reserve else desk.read
    return processed_response(take(actor, request, header, asked.call))


def _clearance(desk: CustomsDesk, actor: CustomsActor, header: CertexHeader, asked: Asked) -> bytes:
    return clearance_response(desk.clear(actor, read_clearance_request(asked.body), header, asked.call))


def _intervention(desk: CustomsDesk, actor: CustomsActor, header: CertexHeader, asked: Asked) -> bytes:
    return intervention_response(desk.intervene(actor, read_intervention_request(asked.body), header, asked.call))


def _not_public(_desk: CustomsDesk, _actor: CustomsActor, _header: CertexHeader, asked: Asked) -> bytes:
    raise CustomsRefused("IMG-7409", where=asked.call.operation)
