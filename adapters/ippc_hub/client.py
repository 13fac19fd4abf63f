"""A client of the hub's DeliveryService: its 27 operations as typed methods (DIGEST 2.2).

zeep reads our own description and gives the binding and the actions; requests are written and replies read by
``gateway.ippc``, because zeep drops what it does not expect and would keep a third copy of a large envelope.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from adapters.ippc_hub.faults import HubForbidden, error_of, is_forbidden
from adapters.tls import tls_of
from gateway.errors import HubRefused
from gateway.ippc import wire
from gateway.ippc.content import DOCUMENT_LIMITS
from gateway.ippc.models import EnvelopeHeader, TrackingState
from gateway.ippc.profile import read_channel, read_nppo
from gateway.ippc.validation_result import ValidationResult
from gateway.soap import SoapVersion
from gateway.soap.client import SoapFaultReceived, open_client
from gateway.soap.transport import UnusableReply
from gateway.xml.boundary import parse
from gateway.xml.names import HUB, HUBENT, qn
from gateway.xml.schemas import SchemaName, validate

if TYPE_CHECKING:
    from lxml.etree import _Element

    from adapters.opening import Target
    from gateway.ippc.models import Envelope
    from gateway.ippc.profile import Channel, NppoProfile
    from gateway.soap.client import Reply, SoapClient

__all__ = ["CodeList", "IppcHubClient", "Pulled"]

WSDL: Final = "DeliveryService.wsdl"
_IRREGULAR: Final = {"PULLImportEnvelope": "PULLImportEnvelopesResult"}
"""Results that are not named after their operation (DIGEST trap 3)."""
_WITHOUT_MORE: Final = frozenset({TrackingState.ENVELOPE_NOT_EXISTS, TrackingState.FAILED_DELIVERY})
"""States that say all there is to say: a header with one of these is read although mandatory fields are missing."""


class CodeList(StrEnum):
    """The ten code lists by the name of their items; ``operation`` gets one."""

    TREATMENT_TYPE = "TreatmentType"
    ADDITIONAL_DECLARATION = "AdditionalDeclaration"
    INTENDED_USE = "IntendedUse"
    PESTICIDE = "Pesticide"
    PRODUCT_DESCRIPTION = "ProductDescription"
    CONDITION = "Condition"
    UNIT_MEASURE = "UnitMeasure"
    MEAN_OF_TRANSPORT = "MeanOfTransport"
    PACKAGE_TYPE = "PackageType"
    STATEMENT = "Statement"

    @property
    def operation(self) -> str:
        """``GetTreatmentTypes`` and so on."""
        return f"Get{self}s"


@dataclass(frozen=True, slots=True)
class Pulled:
    """A reply with an envelope: what the hub delivered, byte by byte, can be kept before anybody reads it."""

    raw: bytes
    element: _Element

    @property
    def envelope(self) -> Envelope:
        """The envelope in it.

        Raises:
            HubRefused: IMG-7190 its header cannot be read.
        """
        return wire.read_envelope(self.element)


class IppcHubClient:
    """The DeliveryService of one hub, for one authority: which one, the client certificate says. Safe to share.

    Every method raises:
        DeliveryError: IMG-8001 or IMG-8007 nothing was sent; IMG-8002 sent and the answer lost.
        UnusableReply: IMG-8003 an answer that is not the contract's.
        HubForbidden: IMG-8004 the hub does not know our certificate.
        HubFault: IMG-8006 the hub answered with a fault.

    Args:
        client: of a DeliveryService.
    """

    def __init__(self, client: SoapClient) -> None:
        self._client = client

    @classmethod
    def open(cls, target: Target) -> Self:
        """From a partner record; reads the contract from the installation, never from the hub.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there.
        """
        return cls(
            open_client(
                WSDL,
                target.address,
                timeout=target.timeout_seconds,
                tls=tls_of(target),
                version=SoapVersion.SOAP11,
                limits=wire.REPLY_LIMITS,
            )
        )

    @property
    def operations(self) -> frozenset[str]:
        """The operations of the contract."""
        return self._client.operations

    def send(self, operation: str, body: bytes) -> tuple[EnvelopeHeader, bytes]:
        """One of the four delivering operations with a request that was rendered before.

        Returns:
            The header that the hub answers with, and the answer as bytes.
        """
        reply = self._call(operation, body)
        return _header(_result(reply, operation)), reply.raw

    def deliver(self, envelope: Envelope) -> EnvelopeHeader:
        """DeliverEnvelope. A header that the hub refuses comes back with FailedDelivery and a message."""
        return self.send("DeliverEnvelope", wire.deliver_envelope(envelope))[0]

    def validate_and_deliver(self, envelope: Envelope) -> EnvelopeHeader:
        """ValidateAndDeliverEnvelope: as `deliver`, and the hub looks at the content first."""
        return self.send("ValidateAndDeliverEnvelope", wire.validate_and_deliver(envelope))[0]

    def deliver_phyto(self, header: EnvelopeHeader, certificate: bytes) -> EnvelopeHeader:
        """DeliverPhytoEnvelope.

        Args:
            header: of the envelope.
            certificate: an SPSCertificate of the hub's schema (``gateway.ippc.form``), UTF-8, without a declaration.

        Raises:
            SchemaInvalid: IMG-3001, the certificate is not of the hub's schema; send it by `deliver`.
        """
        validate(SchemaName.HUB_PHYTO, parse(certificate, limits=DOCUMENT_LIMITS).root)
        return self.send("DeliverPhytoEnvelope", wire.deliver_phyto(header, certificate))[0]

    def deliver_country_response(self, header: EnvelopeHeader, acknowledgement: bytes) -> EnvelopeHeader:
        """DeliverCountryResponseEnvelope: an SPSAcknowledgement goes back to the sender of a certificate."""
        body = wire.country_response(header, acknowledgement)
        return self.send("DeliverCountryResponseEnvelope", body)[0]

    def import_headers(self, country: str = "") -> tuple[EnvelopeHeader, ...]:
        """GetImportEnvelopeHeaders: what waits for us.

        One whose header is not complete is among it as long as it has a number: it can be pulled.

        Args:
            country: only what goes to this country of ours; all when empty.
        """
        return self._headers("GetImportEnvelopeHeaders", wire.import_headers(country))

    def pull(self, number: str) -> Pulled:
        """PULLSingleImportEnvelope: it stays there until it is acknowledged."""
        reply = self._about("PULLSingleImportEnvelope", number)
        return Pulled(reply.raw, _result(reply, "PULLSingleImportEnvelope"))

    def pull_all(self) -> tuple[Envelope, ...]:
        """PULLImportEnvelope: as many as the hub gives at once."""
        reply = self._call("PULLImportEnvelope", wire.request("PULLImportEnvelope"))
        return tuple(wire.read_envelope(item) for item in _items(reply, "PULLImportEnvelope", "Envelope"))

    def under_delivery(self) -> tuple[EnvelopeHeader, ...]:
        """GetUnderDeliveryEnvelope: what we sent and nobody has acknowledged."""
        return self._headers("GetUnderDeliveryEnvelope", wire.request("GetUnderDeliveryEnvelope"))

    def tracking(self, number: str) -> EnvelopeHeader:
        """GetEnvelopeTrackingInfo: the header as it stands; EnvelopeNotExists when the hub does not know it."""
        return _header(_result(self._about("GetEnvelopeTrackingInfo", number), "GetEnvelopeTrackingInfo"))

    def set_tracking(self, header: EnvelopeHeader) -> None:
        """SetTrackingInfoUpdate."""
        self._call("SetTrackingInfoUpdate", wire.set_tracking(header))

    def acknowledge(self, number: str) -> None:
        """AcknowledgeEnvelopeReceipt: Delivered."""
        self._about("AcknowledgeEnvelopeReceipt", number)

    def acknowledge_failed(self, number: str, message: str) -> str:
        """AcknowledgeFailedEnvelopeReceipt: DeliveredNotReadable; returns what the hub says to that."""
        body = wire.acknowledge_failed(number, message)
        return _returned(self._call("AcknowledgeFailedEnvelopeReceipt", body))

    def acknowledge_with_warnings(self, number: str, message: str) -> str:
        """AdvancedAcknowledgeEnvelopeReceipt: DeliveredWithWarnings; returns what the hub says to that."""
        body = wire.acknowledge_with_warning(number, message)
        return _returned(self._call("AdvancedAcknowledgeEnvelopeReceipt", body))

    def validate(self, certificate: str) -> tuple[ValidationResult, ...]:
        """ValidatePhytoXML: what the hub finds in a certificate."""
        reply = self._call(
            "ValidatePhytoXML", wire.request("ValidatePhytoXML", wire.text_part("ePhytoXML", certificate))
        )
        return tuple(
            ValidationResult(*((item.findtext(name) or "").strip() for name in ("area", "field", "level", "msg")))
            for item in reply.body.iterchildren(qn(HUB, "ValidationResult"))
        )

    def active_nppos(self) -> tuple[NppoProfile, ...]:
        """GetActiveNppos: who takes part, and with which documents."""
        reply = self._call("GetActiveNppos", wire.request("GetActiveNppos"))
        return tuple(read_nppo(item) for item in _items(reply, "GetActiveNppos", "Nppo"))

    def profile(self) -> NppoProfile:
        """GetProfile: what the hub knows of us."""
        return read_nppo(_result(self._call("GetProfile", wire.request("GetProfile")), "GetProfile"))

    def channels(self) -> tuple[Channel, ...]:
        """GetAvailableChannels."""
        reply = self._call("GetAvailableChannels", wire.request("GetAvailableChannels"))
        return tuple(read_channel(item) for item in _items(reply, "GetAvailableChannels", "Channel"))

    def code_list(self, which: CodeList) -> _Element:
        """One of the ten lists as the hub's response element, its items as children."""
        return self._call(which.operation, wire.request(which.operation)).body

    def _headers(self, operation: str, body: bytes) -> tuple[EnvelopeHeader, ...]:
        reply = self._call(operation, body)
        read = (_header(item, strict=False) for item in _items(reply, operation, "EnvelopeHeader"))
        return tuple(header for header in read if header.hub_delivery_number)

    def _about(self, operation: str, number: str) -> Reply:
        return self._call(operation, wire.single(operation, number))

    def _call(self, operation: str, body: bytes) -> Reply:
        try:
            reply = self._client.call(operation, body)
        except SoapFaultReceived as fault:
            raise error_of(fault) from fault
        except UnusableReply as unusable:
            if is_forbidden(unusable.status):
                raise HubForbidden(unusable.status) from unusable
            raise
        if is_forbidden(reply.status):
            raise HubForbidden(reply.status)
        if reply.body.tag != qn(HUB, f"{operation}Response"):
            raise UnusableReply(reply.status, f"an answer to something else than {operation}")
        return reply


def _result(reply: Reply, operation: str) -> _Element:
    """The one result of a reply; the schema lets it be missing, and then there is no answer."""
    found = reply.body.find(qn(HUB, _IRREGULAR.get(operation, f"{operation}Result")))
    if found is None:
        raise UnusableReply(reply.status, f"no {operation}Result")
    return found


def _items(reply: Reply, operation: str, name: str) -> list[_Element]:
    """The members of a list result; a list that is missing is empty, and a member that is nil is none."""
    found = reply.body.find(qn(HUB, _IRREGULAR.get(operation, f"{operation}Result")))
    return [item for item in wire.read_array(found) if item.tag == qn(HUBENT, name)]


def _returned(reply: Reply) -> str:
    return (reply.body.findtext(qn(HUB, "return")) or "").strip()


def _header(element: _Element, *, strict: bool = True) -> EnvelopeHeader:
    """A header of an answer; of one that is not complete, its number, state and message.

    Of an unknown number the hub can hardly say whose it is; servers leave mandatory fields out rather than invent them.
    In a list, one bad header must not hide the others.

    Raises:
        HubRefused: IMG-7190 in an answer about one envelope, unless its state says all there is to say.
    """
    try:
        return wire.read_header(element)
    except HubRefused:
        texts = {str(child.tag): (child.text or "").strip() for child in element.iterchildren("*")}
        number, state, said = (
            texts.get(qn(HUBENT, name), "")
            for name in ("hubDeliveryNumber", "HUBTrackingInfo", "hubDeliveryErrorMessage")
        )
        if strict and state not in _WITHOUT_MORE:
            raise
        return EnvelopeHeader("", "", 0, 0, "", number, state, said)
