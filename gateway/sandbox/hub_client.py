"""A plant protection organisation's client of the hub's contract: zeep, the published WSDL, a TLS certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import requests
import zeep
from zeep.exceptions import Fault, TransportError
from zeep.transports import Transport

from gateway.sandbox.client import Refused
from gateway.xml.names import HUB, qn

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HubClient"]

_TIMEOUT: Final = 30.0
"""Seconds for one call."""


class HubClient:
    """Calls DeliveryService; operations are those of the contract, answers are zeep's objects.

    Args:
        service: address of the service.
        pki: folder with ``hub-root.pem`` and the certificate with its key.
        certificate: name of the client certificate, without its suffix.
    """

    def __init__(self, service: str, pki: Path, certificate: str) -> None:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(pki / "hub-root.pem")
        session.cert = (str(pki / f"{certificate}.pem"), str(pki / f"{certificate}.key"))
        session.hooks["response"].append(self._note)
        self.last_status = 0
        """HTTP status of the last answer."""
        self._client = zeep.Client(  # type: ignore[no-untyped-call]  # zeep is partly typed
            f"{service}?wsdl",
            transport=Transport(session=session, timeout=_TIMEOUT, operation_timeout=_TIMEOUT),  # type: ignore[no-untyped-call]
        )

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the published operations."""
        return tuple(sorted(self._client.service._operations))  # noqa: SLF001 - zeep has no other way to ask

    def call(self, operation: str, **arguments: object) -> Any:
        """Call an operation.

        Raises:
            Refused: a HubWebException, or an HTTP status without one; code and texts as far as the message has them.
        """
        try:
            return self._client.service[operation](**arguments)
        except Fault as fault:
            told = None if fault.detail is None else fault.detail.findtext(f".//{qn(HUB, 'message')}")
            raise _refusal(told or fault.message or "") from fault
        except TransportError as error:
            raise Refused("", f"HTTP {error.status_code}", "", "", "", "") from error

    def deliver(self, to: str, document: bytes | str, *, number: str, type_code: int = 851, sender: str = "AR") -> Any:
        """DeliverEnvelope of an issued certificate: the answered header."""
        content = document.decode() if isinstance(document, bytes) else document
        return self.call(
            "DeliverEnvelope",
            env={
                "From": sender,
                "To": to,
                "CertificateType": type_code,
                "CertificateStatus": 70,
                "NPPOCertificateNumber": number,
                "Content": content,
            },
        )

    def tracked(self, number: str) -> Any:
        """The header, with its state, of an envelope that this organisation sent."""
        return self.call("GetEnvelopeTrackingInfo", hubTrackingNumber=number)

    def waiting(self) -> tuple[Any, ...]:
        """Headers of the envelopes that wait for this organisation."""
        return tuple(self.call("GetImportEnvelopeHeaders") or ())

    def pull(self, number: str) -> Any:
        """One waiting envelope."""
        return self.call("PULLSingleImportEnvelope", hubTrackingNumber=number)

    def acknowledge(self, number: str) -> None:
        """Received and readable: the envelope waits no longer."""
        self.call("AcknowledgeEnvelopeReceipt", hubTrackingNumber=number)

    def _note(self, response: requests.Response, **_: object) -> None:
        self.last_status = response.status_code


def _refusal(message: str) -> Refused:
    """``IMG-7101: what | found … | expected … | retry``, as DeliveryService writes it."""
    head, *rest = (part.strip() for part in message.split(" | "))
    code, colon, text = head.partition(": ")
    named = {name: value for name, _, value in (part.partition(" ") for part in rest)}
    return Refused(
        code if colon else "",
        text if colon else head,
        named.get("where", ""),
        named.get("found", ""),
        named.get("expected", ""),
        named.get("retry", ""),
    )
