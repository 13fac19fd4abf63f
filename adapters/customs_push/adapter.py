"""Sends a push and reads the receipt.

A push says which subscription it belongs to and its number in it, so a repeat is harmless by contract: what may have
arrived is sent again, which is the only question that a receiver has to answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from adapters.protocol import DeliveryOutcome, DeliveryResult
from adapters.tls import tls_of
from gateway.certex.pushes import OPERATION, read_receipt
from gateway.errors import SchemaInvalid
from gateway.soap import SoapVersion
from gateway.soap.client import Credentials, SoapFaultReceived, open_client
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from adapters.opening import Target
    from adapters.protocol import PushJob
    from gateway.soap.client import SoapClient

__all__ = ["CustomsPushAdapter"]

WSDL: Final = "CustomsPush.wsdl"
_REFUSED: Final = "IMG-8040"
_NOT_LET_IN: Final = frozenset({401, 403})
_SECURITY: Final = frozenset(
    {"FailedAuthentication", "FailedCheck", "InvalidSecurity", "InvalidSecurityToken", "MessageExpired"}
)
"""Fault codes of WS-Security 1.1, section 12: about who calls, not about what is told."""


class CustomsPushAdapter:
    """One customs system.

    Args:
        client: of its CustomsPush.
    """

    def __init__(self, client: SoapClient) -> None:
        self._client = client

    @classmethod
    def open(cls, target: Target, secret: str) -> Self:
        """From a partner record; reads the contract from the installation, never from the partner.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there.
        """
        credentials = Credentials(target.username, secret) if target.username else None
        return cls(
            open_client(
                WSDL,
                target.address,
                timeout=target.timeout_seconds,
                tls=tls_of(target),
                credentials=credentials,
                version=SoapVersion.SOAP11,
            )
        )

    def deliver(self, job: PushJob) -> DeliveryResult:
        """Send the payload; the receipt must name the subscription and the number."""
        try:
            reply = self._client.call(OPERATION, job.payload)
        except SoapFaultReceived as fault:
            return _refused(fault)
        try:
            received = read_receipt(reply.body)
        except SchemaInvalid:
            return DeliveryResult(DeliveryOutcome.UNKNOWN, "IMG-8003", "an answer that is no receipt")
        if received != (job.subscription, job.number):
            return DeliveryResult(DeliveryOutcome.UNKNOWN, "IMG-8003", "a receipt of another change")
        return DeliveryResult(DeliveryOutcome.DELIVERED, receipt=serialise(reply.body))

    def resolve(self, job: PushJob) -> DeliveryResult:
        """Send it again: a receiver that has it receipts it again."""
        return self.deliver(job)


def _refused(fault: SoapFaultReceived) -> DeliveryResult:
    """A fault that blames the message is about this change; any other, or one about who calls, may pass later."""
    said = f"{fault.code}: {fault.reason}" if fault.reason else fault.code
    if not fault.is_ours_to_change or fault.status in _NOT_LET_IN or fault.code in _SECURITY:
        return DeliveryResult(DeliveryOutcome.LATER, _REFUSED, said, receipt=fault.detail)
    return DeliveryResult(DeliveryOutcome.REFUSED, _REFUSED, said, receipt=fault.detail)
