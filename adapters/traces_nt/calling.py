"""One partner's TRACES services: each opened when it is first called, every call with the headers of DIGEST 4.3."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

from adapters.tls import tls_of
from adapters.traces_nt.faults import TracesForbidden, error_of, is_forbidden
from gateway.soap import SoapVersion
from gateway.soap.client import Credentials, SoapFaultReceived, open_client
from gateway.soap.transport import UnusableReply
from gateway.traces.contracts import ATTACHMENTS
from gateway.traces.headers import CallHeaders, Dialect, write_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from adapters.opening import Target
    from gateway.soap import BodySigner
    from gateway.soap.client import Reply, SoapClient
    from gateway.traces.contracts import TracesContract
    from gateway.traces.headers import BodyIdentity
    from gateway.xml.limits import Limits

__all__ = ["NOBODY", "Caller", "Services", "base_of"]

_WS: Final = "/tracesnt/ws"


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a call is made."""

    body: BodyIdentity | None = None
    language: str = "en"
    attributes: Mapping[str, str] = field(default_factory=dict)


NOBODY: Final = Caller()
"""The account alone, in English."""


def base_of(address: str) -> str:
    """What stands before ``/tracesnt/ws`` in the address of a partner record, with or without that path."""
    return address.rstrip("/").removesuffix(_WS).rstrip("/")


class Services:
    """The services at one address. Safe to share between threads.

    Args:
        opener: opens one service, with signed bodies or without.
        client_id: WebServiceClientId.
    """

    def __init__(self, opener: Callable[[TracesContract, bool], SoapClient], client_id: str) -> None:
        self._opener = opener
        self._client_id = client_id
        self._open: dict[tuple[str, bool], SoapClient] = {}
        self._lock = Lock()

    @classmethod
    def at(
        cls,
        target: Target,
        secret: str,
        *,
        client_id: str,
        signer: BodySigner | None,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> Services:
        """From a partner record; reads the contracts from the installation, never from TRACES.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there.
        """
        tls = tls_of(target)
        credentials = Credentials(target.username, secret, clock=clock) if target.username else None
        base = base_of(target.address)

        def opener(contract: TracesContract, signed: bool) -> SoapClient:  # noqa: FBT001 - private
            return open_client(
                contract.wsdl,
                base + contract.path,
                timeout=target.timeout_seconds,
                tls=tls,
                credentials=credentials,
                version=SoapVersion.SOAP11,
                limits=limits,
                sign_with=signer if signed else None,
            )

        return cls(opener, client_id)

    def call(
        self,
        contract: TracesContract,
        operation: str,
        body: bytes,
        caller: Caller,
        *,
        signed: bool = False,
        dialect: Dialect = Dialect.CURRENT,
    ) -> Reply:
        """Call one operation.

        Raises:
            DeliveryError: IMG-8001 or IMG-8007 nothing was sent; IMG-8002 sent and the answer lost.
            UnusableReply: IMG-8003 an answer that is not the contract's.
            TracesForbidden, TracesBroken, TracesRefused: TRACES said no.
        """
        headers = CallHeaders(self._client_id, caller.language, caller.body, caller.attributes)
        try:
            reply = self._service(contract, signed=signed).call(
                operation,
                body,
                headers=write_headers(headers, dialect),
                takes_mtom=contract is ATTACHMENTS,
            )
        except SoapFaultReceived as fault:
            raise error_of(fault) from fault
        except UnusableReply as unusable:
            if is_forbidden(unusable.status):
                raise TracesForbidden("IMG-8020", where=f"HTTP {unusable.status}") from unusable
            raise
        if reply.body.tag != contract.operation(operation).response:
            raise UnusableReply(reply.status, f"an answer to something else than {operation}")
        return reply

    def _service(self, contract: TracesContract, *, signed: bool) -> SoapClient:
        key = (contract.wsdl, signed)
        with self._lock:  # reading a description takes a while, and once is enough
            client = self._open.get(key)
            if client is None:
                client = self._open[key] = self._opener(contract, signed)
            return client
