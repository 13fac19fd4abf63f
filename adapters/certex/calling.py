"""One CERTEX service: what leaves has the headers of DIGEST 7.1; a reply is taken only with the same header echoed."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from adapters.certex.checking import check_echo, check_form
from adapters.certex.faults import error_of
from adapters.tls import tls_of
from adapters.traces_nt.calling import base_of
from adapters.traces_nt.limits import REPLY_LIMITS
from gateway.certex import wire
from gateway.certex.contract import CERTEX, CLEARANCE, INTERVENTION, PROCESSED
from gateway.certex.headers import header_block, read_header_block
from gateway.certex.models import ChedClearanceRequest
from gateway.errors import SchemaInvalid, SoapRefused
from gateway.soap import SoapVersion
from gateway.soap.client import Credentials, SoapFaultReceived, open_client
from gateway.soap.transport import UnusableReply
from gateway.traces.headers import CallHeaders, Dialect, write_headers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml.etree import _Element

    from adapters.opening import Target
    from gateway.certex.models import (
        CertexHeader,
        ChedInterventionRequest,
        ClearanceAnswer,
        ProcessedChedAnswer,
        ProcessedChedRequest,
    )
    from gateway.soap.client import SoapClient
    from gateway.xml.limits import Limits

T = TypeVar("T")

__all__ = ["Port"]


class Port:
    """Sends one message and reads its reply. Safe to share between threads.

    Args:
        opener: opens the service when it is first called: reading its description takes a while.
        client_id: WebServiceClientId.
        limits: of replies.
    """

    def __init__(self, opener: Callable[[], SoapClient], client_id: str, limits: Limits = REPLY_LIMITS) -> None:
        self._opener = opener
        self._client_id = client_id
        self.limits = limits
        self._client: SoapClient | None = None
        self._lock = Lock()

    @classmethod
    def at(cls, target: Target, secret: str, *, client_id: str, clock: Callable[[], datetime]) -> Port:
        """From a partner record; reads the contract from the installation, never from CERTEX.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there.
        """
        tls = tls_of(target)
        credentials = Credentials(target.username, secret, clock=clock) if target.username else None

        def opener() -> SoapClient:
            return open_client(
                CERTEX.wsdl,
                base_of(target.address) + CERTEX.path,
                timeout=target.timeout_seconds,
                tls=tls,
                credentials=credentials,
                version=SoapVersion.SOAP11,
                limits=REPLY_LIMITS,
            )

        return cls(opener, client_id)

    def processed(self, request: ProcessedChedRequest, header: CertexHeader) -> ProcessedChedAnswer:
        """Read, or reserve; sent once.

        Raises:
            DeliveryError: IMG-8001 or IMG-8007 nothing was sent; IMG-8002 sent and the answer lost.
            UnusableReply: IMG-8003 an answer that is not the contract's.
            AnswerMismatch: IMG-8032 the answer, or the fault, is that of another message.
            CertexForbidden, CertexBroken, CertexRefused: the other side said no.
        """
        body, language = wire.processed_request(request), request.language
        return self._call(PROCESSED, body, request.office, language, header, wire.read_processed_response)

    def settled(self, request: ChedClearanceRequest | ChedInterventionRequest, header: CertexHeader) -> ClearanceAnswer:
        """Clear or intervene; sent once.

        Raises:
            As `processed`.
        """
        if isinstance(request, ChedClearanceRequest):
            body, operation, reader = wire.clearance_request(request), CLEARANCE, wire.read_clearance_response
        else:
            body, operation, reader = wire.intervention_request(request), INTERVENTION, wire.read_intervention_response
        return self._call(operation, body, request.office, "en", header, reader)

    def _call(
        self,
        operation: str,
        body: bytes,
        office: str,
        language: str,
        header: CertexHeader,
        reader: Callable[[_Element], T],
    ) -> T:
        own = CallHeaders(self._client_id, language, customs_office=office)
        headers = write_headers(own, Dialect.CERTEX) + header_block(header)
        try:
            reply = self._service().call(operation, body, headers=headers)
        except SoapFaultReceived as fault:
            raise error_of(fault, header) from fault
        if reply.body.tag != CERTEX.operation(operation).response:
            raise UnusableReply(reply.status, f"an answer to something else than {operation}")
        try:
            check_echo(header, read_header_block(reply.headers))
            check_form(reply.body)
            return reader(reply.body)
        except (SoapRefused, SchemaInvalid) as error:
            raise UnusableReply(reply.status, f"{error.where}: {error.found}") from error

    def _service(self) -> SoapClient:
        with self._lock:
            if self._client is None:
                self._client = self._opener()
            return self._client
