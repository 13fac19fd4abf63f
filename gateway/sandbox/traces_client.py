"""A national system's client of the faces of TRACES: zeep, the published WSDLs, UsernameToken with digest, headers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import requests
import zeep
from lxml import etree
from zeep.exceptions import Fault, TransportError
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

from gateway.documents.ched import read_ched, write_ched
from gateway.traces.contracts import ATTACHMENTS, CHED, CONTROL, SUBMISSION
from gateway.traces.wire_attachments import read_get_attachment_response, read_submit_attachment_response
from gateway.traces.wire_ched import read_file_response, read_find_ched_response, read_status_response
from gateway.traces.wire_control import read_control_receipt
from gateway.traces.wire_submission import read_submit_response
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import ERR, SPS17, WSU, qn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from gateway.documents.ched import Ched
    from gateway.traces.contracts import TracesContract
    from gateway.traces.models import ChedAcknowledgement, ChedStatus, ChedSummary, ControlReceipt

__all__ = ["Face", "TracesClient", "TracesRefusal", "wire"]

_TIMEOUT: Final = 30.0
"""Seconds for one call."""
_LIFETIME: Final = timedelta(minutes=2)
"""Of a Timestamp; TRACES takes up to five minutes."""
_DOCUMENT: Final = qn(SPS17, "SPSCertificate")


@dataclass(frozen=True)
class TracesRefusal(Exception):
    """A fault as a client of TRACES sees it."""

    kind: str
    """Local name of the typed detail; empty where the fault has none (a wrong password)."""
    message: str
    errors: tuple[tuple[str, str, str], ...] = ()
    """ID, Message and Field of each Error."""


def wire(ched: Ched) -> bytes:
    """The CHED as its SPSCertificate, serialised."""
    return serialise(write_ched(ched))


class _Whole:
    """A zeep plugin that puts a document into the request as it stands: what was signed must not be rendered anew."""

    def __init__(self) -> None:
        self.document: _Element | None = None
        self.reply: _Element | None = None
        """In the body of the last answer: zeep's objects leave out what a description leaves open."""

    def egress(self, envelope: _Element, headers: Any, operation: Any, options: Any) -> tuple[_Element, Any]:  # noqa: ARG002 - zeep's
        if self.document is not None:
            rendered = envelope.find(f".//{_DOCUMENT}")
            assert rendered is not None
            parent = rendered.getparent()
            assert parent is not None
            parent.replace(rendered, self.document)
        return envelope, headers

    def ingress(self, envelope: _Element, headers: Any, operation: Any) -> tuple[_Element, Any]:  # noqa: ARG002 - zeep's
        self.reply = parse(etree.tostring(envelope)).root[-1][0]
        return envelope, headers


class Face:
    """The services of one gateway, as its published descriptions have them; accounts share what zeep made of those.

    Args:
        address: of the gateway, without a path.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._clients: dict[str, Any] = {}
        self._whole = _Whole()

    def client(self, contract: TracesContract) -> Any:
        """The client of one service that zeep makes, made when it is first asked for."""
        if contract.name not in self._clients:
            session = requests.Session()
            session.trust_env = False
            self._clients[contract.name] = zeep.Client(  # type: ignore[no-untyped-call]  # zeep is partly typed
                f"{self.address}{contract.path}?wsdl",
                transport=Transport(session=session, timeout=_TIMEOUT, operation_timeout=_TIMEOUT),  # type: ignore[no-untyped-call]
                plugins=[self._whole],
            )
        return self._clients[contract.name]

    def operations(self, contract: TracesContract) -> tuple[str, ...]:
        """Names of the published operations."""
        return tuple(sorted(self.client(contract).service._operations))  # noqa: SLF001 - zeep has no other way to ask

    def call(
        self,
        contract: TracesContract,
        operation: str,
        *,
        account: tuple[str, str],
        headers: dict[str, Any],
        parameters: dict[str, Any],
        document: bytes | None,
    ) -> _Element:
        """One call; the element in the body of the reply.

        Raises:
            TracesRefusal: the service refused.
        """
        client = self.client(contract)
        client.wsse = _token(*account)
        self._whole.document = None
        if document is not None:
            declared = client.get_element(_DOCUMENT)
            typed = declared.parse(parse(document).root, client.wsdl.types)
            parameters = {"SPSCertificate": typed, **parameters}
            self._whole.document = parse(document).root
        try:
            client.service[operation](**parameters, _soapheaders=headers)
        except Fault as fault:
            raise _refusal(fault) from fault
        except TransportError as error:
            raise TracesRefusal("", f"HTTP {error.status_code}") from error
        assert self._whole.reply is not None
        return self._whole.reply


class TracesClient:
    """One account at one gateway, for one body (header BodyIdentity).

    Args:
        face: the gateway's services.
        username: account there.
        secret: its secret.
        body: kind of the identifier as the header names it and the identifier; None: for no body.
    """

    def __init__(self, face: Face, username: str, secret: str, body: tuple[str, str] | None = None) -> None:
        self.face = face
        self._account = (username, secret)
        self._headers: dict[str, Any] = {"webServiceClientId": username, "languageCode": "en"}
        if body is not None:
            self._headers["bodyIdentity"] = {body[0]: body[1]}

    def submit(self, document: bytes, operation: str = "createAndSubmitForDecision") -> ChedAcknowledgement:
        """Hand a CHED in: its reference, status and what goes with it."""
        return read_submit_response(self._call(SUBMISSION, operation, {}, document))

    def decide(self, document: bytes, seals: Sequence[tuple[str, bytes]] = ()) -> ControlReceipt:
        """Part II, with signed copies of the document by role."""
        files = [{"_value_1": content, "role": role} for role, content in seals]
        return read_control_receipt(self._call(CONTROL, "submitDecision", {"Seal": files}, document))

    def get(self, reference: str) -> Ched:
        """The CHED as this account sees it, in the codes of its system."""
        found = self._call(CHED, "getChedCertificate", {"ID": reference}).find(f".//{_DOCUMENT}")
        assert found is not None
        return read_ched(found)

    def status(self, reference: str) -> ChedStatus:
        """Status and dates."""
        return read_status_response(self._call(CHED, "getChedCertificateStatus", {"ID": reference}))

    def find(self, **criteria: object) -> tuple[ChedSummary, ...]:
        """One page."""
        return read_find_ched_response(self._call(CHED, "findChedCertificate", dict(criteria)))

    def pdf(self, reference: str, *, signed: bool = False) -> bytes:
        """The printable form."""
        operation = "getChedSignedPdfCertificate" if signed else "getChedPdfCertificate"
        return read_file_response(self._call(CHED, operation, {"ID": reference})).content

    def signed_xml(self, reference: str) -> bytes:
        """The CHED under the seal of TRACES."""
        return read_file_response(self._call(CHED, "getChedSignedXmlCertificate", {"ID": reference})).content

    def attach(self, name: str, content: bytes, content_type: str) -> str:
        """Hand a file in; what a CHED cites it by."""
        file = {"Attachment": content, "fileName": name, "contentType": content_type}
        return read_submit_attachment_response(self._call(ATTACHMENTS, "submitCertificateAttachment", file)).uri

    def attachment(self, name: str, uri: str) -> bytes:
        """A file that a CHED cites."""
        asked = {"FileName": name, "DocumentId": uri.rpartition(":")[2]}
        return read_get_attachment_response(self._call(ATTACHMENTS, "getCertificateAttachment", asked)).content

    def _call(
        self, contract: TracesContract, operation: str, parameters: dict[str, Any], document: bytes | None = None
    ) -> _Element:
        return self.face.call(
            contract,
            operation,
            account=self._account,
            headers=self._headers,
            parameters=parameters,
            document=document,
        )


def _token(username: str, secret: str) -> UsernameToken:
    now = datetime.now(UTC)
    timestamp = etree.Element(qn(WSU, "Timestamp"))
    etree.SubElement(timestamp, qn(WSU, "Created")).text = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    etree.SubElement(timestamp, qn(WSU, "Expires")).text = f"{now + _LIFETIME:%Y-%m-%dT%H:%M:%SZ}"
    return UsernameToken(username, secret, use_digest=True, timestamp_token=timestamp)  # type: ignore[no-untyped-call]


def _refusal(fault: Fault) -> TracesRefusal:
    detail = fault.detail
    inner = detail[0] if detail is not None and len(detail) else None
    if inner is None:
        return TracesRefusal("", fault.message or "")
    errors = tuple(
        (
            error.findtext(qn(ERR, "ID"), ""),
            error.findtext(qn(ERR, "Message"), ""),
            error.findtext(qn(ERR, "Field"), ""),
        )
        for error in inner.iter(qn(ERR, "Error"))
    )
    return TracesRefusal(etree.QName(inner).localname, fault.message or "", errors)
