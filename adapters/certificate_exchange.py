"""Delivers to another gateway by CertificateExchange, our own contract.

What is sent are bytes rendered once; the receiver knows a repeat by the document and by MessageID, which is the
delivery's id. A lost answer is resolved by GetCertificateStatus, never by sending again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self
from xml.sax.saxutils import escape

from adapters.protocol import DeliveryOutcome, DeliveryResult
from adapters.tls import tls_of
from gateway.errors import DeliveryError
from gateway.soap import SoapVersion
from gateway.soap.client import Credentials, SoapFaultReceived, open_client
from gateway.xml.canonical import serialise
from gateway.xml.names import ACK17, CX1, RAM21, qn

if TYPE_CHECKING:
    from adapters.opening import Target
    from adapters.protocol import DeliveryJob
    from gateway.soap.client import Reply, SoapClient

__all__ = ["CertificateExchangeAdapter"]

_NOT_THERE: Final = "IMG-7004"
_AUTHENTICATION: Final = "IMG-20"
"""Codes about who is calling, a replay among them."""
_RECEIVED: Final = "AWR"
"""UN/EDIFACT 1153 in an acknowledgement: the document that was received."""


class CertificateExchangeAdapter:
    """One partner gateway.

    Args:
        client: of its CertificateExchange.
    """

    def __init__(self, client: SoapClient) -> None:
        self._client = client

    @classmethod
    def open(cls, target: Target, secret: str) -> Self:
        """From a partner record; reads the contract from the installation, never from the partner.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there; a first delivery would take it for a lost answer.
        """
        credentials = Credentials(target.username, secret) if target.username else None
        return cls(
            open_client(
                "CertificateExchange.wsdl",
                target.address,
                timeout=target.timeout_seconds,
                tls=tls_of(target),
                credentials=credentials,
                version=SoapVersion.SOAP11,
            )
        )

    def deliver(self, job: DeliveryJob) -> DeliveryResult:
        """Send the payload; the receipt is the partner's sealed acknowledgement."""
        try:
            reply = self._client.call("SubmitCertificate", job.payload)
        except SoapFaultReceived as fault:
            return _refused(fault)
        return _acknowledged(reply, job)

    def resolve(self, job: DeliveryJob) -> DeliveryResult:
        """Ask whether the partner has what was sent under this message id."""
        question = (
            f'<cx:GetCertificateStatusRequest xmlns:cx="{CX1}"><cx:MessageID>{escape(job.id)}</cx:MessageID>'
            "</cx:GetCertificateStatusRequest>"
        ).encode()
        try:
            reply = self._client.call("GetCertificateStatus", question)
        except SoapFaultReceived as fault:
            if fault.detail_code == _NOT_THERE:
                return DeliveryResult(DeliveryOutcome.ABSENT, fault.detail_code)
            return DeliveryResult(DeliveryOutcome.UNKNOWN, fault.detail_code or fault.code, "the read was refused")
        except DeliveryError as error:
            return DeliveryResult(DeliveryOutcome.UNKNOWN, error.code, error.message)
        document = reply.body.find(qn(CX1, "Document"))
        number = "" if document is None else document.findtext(qn(CX1, "ID"), "")
        if reply.body.tag != qn(CX1, "GetCertificateStatusResponse") or not _same(number, job.document.number):
            return DeliveryResult(DeliveryOutcome.UNKNOWN, "IMG-8003", "an answer about something else")
        known = {version.findtext(qn(CX1, "StatusCode"), "") for version in reply.body.iterfind(qn(CX1, "Version"))}
        if job.status_code in known:
            return DeliveryResult(DeliveryOutcome.DELIVERED, receipt=serialise(reply.body))
        return DeliveryResult(DeliveryOutcome.ABSENT)


def _acknowledged(reply: Reply, job: DeliveryJob) -> DeliveryResult:
    """An acknowledgement ends the delivery only if it names the document; its seal is kept as received, not judged."""
    acknowledgement = reply.body.find(qn(ACK17, "SPSAcknowledgement"))
    if reply.body.tag != qn(CX1, "SubmitCertificateResponse") or acknowledgement is None:
        return DeliveryResult(DeliveryOutcome.UNKNOWN, "IMG-8003", "an answer that is no acknowledgement")
    received = [
        reference.findtext(qn(RAM21, "ID"), "")
        for reference in acknowledgement.iter(qn(RAM21, "ReferenceSPSReferencedDocument"))
        if reference.findtext(qn(RAM21, "RelationshipTypeCode")) == _RECEIVED
    ]
    if not any(_same(number, job.document.number) for number in received):
        return DeliveryResult(DeliveryOutcome.UNKNOWN, "IMG-8003", "an acknowledgement of something else")
    return DeliveryResult(DeliveryOutcome.DELIVERED, receipt=serialise(acknowledgement))


def _same(found: str, number: str) -> bool:
    return " ".join(found.split()) == number


def _refused(fault: SoapFaultReceived) -> DeliveryResult:
    """A gateway says by Retry whether the same message can pass later; others by whose fault it is.

    A refusal of our credentials says nothing about the document: it waits until somebody has put them right.
    """
    code, detail = fault.detail_code or fault.code, fault.reason
    if fault.retry == "later" or not fault.is_ours_to_change or code.startswith(_AUTHENTICATION):
        return DeliveryResult(DeliveryOutcome.LATER, code, detail, receipt=fault.detail)
    return DeliveryResult(DeliveryOutcome.REFUSED, code, detail, receipt=fault.detail)
