"""spyne's two SOAP protocols, reduced to the boundary's tree in and spliced bytes out.

spyne keeps what it is good at: services, method descriptors, the events of a call. Its parsing, its rewriting of
references, its header and fault code and its serialisation are overridden, which is where its defects are (STACK).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.soap import compat
from gateway.soap.envelope import write_envelope
from gateway.soap.models import SoapVersion
from gateway.soap.mtom import inline

compat.install()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # spyne's own deprecations and escapes: nothing that we could change
    import spyne.const
    from spyne import AnyXml, Application, MethodContext, Service, rpc
    from spyne.protocol.soap import Soap11, Soap12
    from spyne.server import ServerBase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.soap.models import Contract, Operation, Part, SoapCall, SoapReply

__all__ = ["Answer", "SpyneServer"]

# When a call ends, spyne collects garbage of the whole process once a second, to close files that it never opens here.
# With our modules loaded that costs 50 to 300 ms of a call; the interpreter's own collector is enough.
spyne.const.MIN_GC_INTERVAL = float("inf")


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves: an envelope, and the files that travel beside it."""

    envelope: bytes
    version: SoapVersion
    parts: tuple[Part, ...] = ()


@dataclass(slots=True)
class _Exchange:
    """One call on its way through spyne, held in the method context."""

    call: SoapCall
    contract: Contract
    method: str
    """The name by which spyne knows the operation."""
    takes_mtom: bool
    reply: SoapReply | None = None
    error: Exception | None = None


class _BoundaryProtocol:
    """What both versions override; mixed in before spyne's classes."""

    version: SoapVersion

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:  # noqa: ARG002 - spyne's interface
        """The tree is there already: the boundary's."""
        ctx.in_document = ctx.udc.call.body.getroottree()

    def decompose_incoming_envelope(self, ctx: Any, message: object = None) -> None:  # noqa: ARG002 - spyne's interface
        """The envelope has been read already, strictly."""
        ctx.in_body_doc = ctx.udc.call.body
        ctx.method_request_string = ctx.udc.method

    def deserialize(self, ctx: Any, message: object) -> None:  # noqa: ARG002 - spyne's interface
        """The element itself is the argument."""
        ctx.in_object = ctx.in_body_doc

    def serialize(self, ctx: Any, message: object) -> None:  # noqa: ARG002 - spyne's interface
        """Nothing is rendered: sealed bytes stay as they are."""
        ctx.out_document = ctx.udc.reply

    def create_out_string(self, ctx: Any, charset: str | None = None) -> None:  # noqa: ARG002 - spyne's interface
        """Splice the reply's bytes into an envelope, files as base64 unless the client takes them beside it."""
        exchange: _Exchange = ctx.udc
        reply, contract = ctx.out_document, exchange.contract
        header = b"" if contract.reply_header is None else contract.reply_header(exchange.call)
        body = reply.body if exchange.takes_mtom else inline(reply.body, reply.parts)
        ctx.out_string = [write_envelope(body, contract.reply_version or self.version, headers=header + reply.header)]


class _Soap11(_BoundaryProtocol, Soap11):  # type: ignore[misc]  # spyne is untyped
    version = SoapVersion.SOAP11


class _Soap12(_BoundaryProtocol, Soap12):  # type: ignore[misc]  # spyne is untyped
    version = SoapVersion.SOAP12


class SpyneServer(ServerBase):  # type: ignore[misc]  # spyne is untyped
    """One contract in one SOAP version as a spyne application."""

    transport = "gateway"

    def __init__(self, contract: Contract, version: SoapVersion) -> None:
        protocol = _Soap11 if version is SoapVersion.SOAP11 else _Soap12
        self._contract = contract
        self._version = contract.reply_version or version
        namespace = contract.operations[0].request.removeprefix("{").partition("}")[0]
        # spyne knows operations by local names in one namespace; requests may share a local name, and names requests
        named = {f"{{{namespace}}}{each.name}_{number}": each for number, each in enumerate(contract.operations)}
        self._methods = {operation.request: name for name, operation in named.items()}
        super().__init__(
            Application(
                [_service(contract.name, named)],
                namespace,
                name=f"{contract.name}-{version.name}",
                in_protocol=protocol(),
                out_protocol=protocol(),
            )
        )

    def answer(self, call: SoapCall, *, takes_mtom: bool = False) -> Answer:
        """Run one call.

        Args:
            call: read and dispatched.
            takes_mtom: whether files may leave beside the envelope.

        Raises:
            Exception: whatever the handler raised, untouched.
        """
        first = MethodContext(self, MethodContext.SERVER)
        exchange = first.udc = _Exchange(call, self._contract, self._methods[str(call.body.tag)], takes_mtom)
        (context,) = self.generate_contexts(first)
        try:
            self.get_in_object(context)
            self.get_out_object(context)
            if exchange.error is not None:
                raise exchange.error
            self.get_out_string(context)
            parts = exchange.reply.parts if takes_mtom and exchange.reply is not None else ()
            return Answer(b"".join(context.out_string), self._version, parts)
        finally:
            context.close()
            # Contexts are circles of references, and so is an error whose traceback leads back here: what is left in
            # them would stay until a full garbage collection.
            exchange.error = exchange.reply = None
            for used in (first, context):
                used.udc = used.in_document = used.in_body_doc = used.in_object = None
                used.out_document = used.out_object = used.out_string = None


def _service(contract: str, named: Mapping[str, Operation]) -> type:
    methods = {name.rpartition("}")[2]: _method(operation, name) for name, operation in named.items()}
    return type(contract, (Service,), methods)


def _method(operation: Operation, name: str) -> Callable[..., Any]:
    """A bare operation that hands the exchange to its handler.

    The handler's exception is carried beside spyne, which would log it whole and put its text into a fault.
    """

    def run(ctx: Any, _element: Any) -> None:
        exchange: _Exchange = ctx.udc
        try:
            exchange.reply = operation.handler(exchange.call)
        except Exception as error:  # noqa: BLE001 - raised again by SpyneServer.answer
            exchange.error = error

    run.__name__ = name.rpartition("}")[2]
    decorate = rpc(
        AnyXml,
        _returns=AnyXml,
        _body_style="bare",
        _in_message_name=name,
        _operation_name=run.__name__,
    )
    return decorate(run)  # type: ignore[no-any-return]  # spyne is untyped
