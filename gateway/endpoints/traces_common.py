"""What every face of TRACES NT does with a call, in one order (DIGEST 4).

Authenticate, read the headers, find the body that the caller speaks for, check the grant, check the schema, answer, and
leave exactly one trace. What the services mean is in their own modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.access import check_operation, resolve_body
from gateway.ched.models import Actor
from gateway.documents.ched import Coded
from gateway.errors import AuthenticationFailed
from gateway.exchange import refusals_recorded, spend
from gateway.soap import Contract, Operation, SoapReply, SoapVersion
from gateway.traces.faults import Detail, TypedFault, fault_renderer
from gateway.traces.headers import KNOWN_HEADERS, read_headers
from gateway.traces.replies import reply_header
from gateway.xml.schemas import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lxml.etree import _Element

    from gateway.ched.models import ChedContent
    from gateway.exchange import Admission, Context, Principal
    from gateway.soap import SoapCall
    from gateway.traces.contracts import TracesContract
    from gateway.traces.faults import ServiceFaults
    from gateway.traces.headers import CallHeaders
    from gateway.xml.limits import Limits

__all__ = ["Asked", "Services", "identified", "serve", "status_label"]

_BOTH: Final = frozenset({SoapVersion.SOAP11, SoapVersion.SOAP12})


def identified(element: str, text: str) -> TypedFault:
    """A fault that names the certificate that was asked for."""
    return TypedFault(element, text, Detail.IDENTIFIER)


@dataclass(frozen=True, slots=True)
class Services:
    """What every face needs."""

    context: Context
    admission: Admission


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as a handler sees it."""

    context: Context
    call: SoapCall
    headers: CallHeaders
    actor: Actor

    @property
    def body(self) -> _Element:
        """The request element, schema-valid."""
        return self.call.body

    @property
    def principal(self) -> Principal:
        """The caller's system."""
        return self.actor.principal

    def noted(self, subject: str, **detail: Any) -> None:
        """Leave the trace of a read (R-11-1), before its answer is given."""
        if self.actor.body is not None:
            detail["body"] = self.actor.body.id
        spend(self.context, self.principal, self.call, subject, detail)

    def noted_read(self, content: ChedContent) -> None:
        """As `noted`, of a document: how much of it, and with which version of the tables it was translated."""
        translated = {"tables": content.tables} if content.tables else {}
        self.noted(content.reference, masked=content.masked, **translated)


def serve(  # noqa: PLR0913 - what services differ in
    contract: TracesContract,
    services: Services,
    handlers: Mapping[str, Callable[[Asked], SoapReply | bytes]],
    faults: ServiceFaults,
    *,
    body_required: bool = False,
    signed_bodies: bool = False,
    mtom: bool = False,
    reply_version: SoapVersion | None = None,
    limits: Limits | None = None,
) -> Contract:
    """A service of TRACES with its handlers.

    Args:
        contract: its table.
        services: who admits, and what keeps.
        handlers: one for each operation.
        faults: what it declares.
        body_required: whether BodyIdentity must be there (DIGEST 5.2).
        signed_bodies: whether a message may bear an X.509 signature over its body.
        mtom: whether files may travel beside the envelope.
        reply_version: of SOAP, whatever the request came in.
        limits: of requests; the operator's own when None.
    """
    context = services.context

    def bound(name: str, handler: Callable[[Asked], SoapReply | bytes]) -> Callable[[SoapCall], SoapReply]:
        def answer(call: SoapCall) -> SoapReply:
            principal = services.admission.admit(call)
            with refusals_recorded(context, principal, call):
                headers = read_headers(call)
                _check_client(principal, headers)
                body = resolve_body(principal.partner, headers.required_body if body_required else headers.body)
                check_operation(principal.partner, contract.name, name)
                validate(contract.schema, call.body, explained=True)
                reply = handler(Asked(context, call, headers, Actor(principal, body, headers.language)))
                return reply if isinstance(reply, SoapReply) else SoapReply(reply)

        return answer

    return Contract(
        name=contract.name,
        path=contract.path,
        wsdl=contract.wsdl,
        operations=tuple(
            Operation(each.name, each.request, each.action, bound(each.name, handlers[each.name]), each.other_actions)
            for each in contract.operations
        ),
        versions=_BOTH if reply_version is SoapVersion.SOAP12 else frozenset({SoapVersion.SOAP11}),
        known_headers=KNOWN_HEADERS,
        limits=limits or context.limits,
        render_fault=fault_renderer(faults),
        reply_header=reply_header(context.clock),
        reply_version=reply_version,
        mtom=mtom,
        signed_bodies=signed_bodies,
    )


def status_label(context: Context, code: str) -> Coded:
    """A status with the label that TRACES shows beside it."""
    known = context.index.tables.lists["status"].find(code, context.clock().date())
    return Coded(code, known.name if known is not None else "")


def _check_client(principal: Principal, headers: CallHeaders) -> None:
    """Refuse a client id that is not the one of the partner's record, where the record has one.

    Raises:
        AuthenticationFailed: IMG-2011.
    """
    expected = principal.partner.authentication.web_service_client_id
    if expected and headers.client_id != expected:
        raise AuthenticationFailed("IMG-2011", where="WebServiceClientId", found=headers.client_id)
