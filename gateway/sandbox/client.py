"""A third country's system, as an integrator would write it: zeep from the published WSDL, our sealing layer, no more.

The certificate is sealed before it is handed to zeep and travels as SealedDocument, because zeep renders typed elements
anew, which would break the seal.
"""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import requests
import zeep
from lxml import etree
from zeep.exceptions import Fault
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

from gateway.xml.boundary import parse
from gateway.xml.names import ACK17, CX1, WSU, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["Client", "Refused", "unpacked"]


@dataclass(frozen=True)
class Refused(Exception):
    """The gateway's fault, as a client sees it."""

    code: str
    message: str
    where: str
    found: str
    expected: str
    retry: str
    rows: tuple[str, ...] = ()
    """The mapping rows that its findings ask for."""


class Client:
    """Calls one gateway's CertificateExchange.

    Args:
        address: of the gateway, without a path.
        username: account at the gateway.
        secret: its secret.
        timeout: seconds for one call.
    """

    def __init__(self, address: str, username: str, secret: str, *, timeout: float = 30.0) -> None:
        self._address = f"{address}/CertificateExchange"
        self._username = username
        self._secret = secret
        self._session = requests.Session()
        self._session.trust_env = False
        self._timeout = timeout
        self._client = zeep.Client(  # type: ignore[no-untyped-call]  # zeep is partly typed
            f"{self._address}?wsdl",
            transport=Transport(session=self._session, timeout=timeout, operation_timeout=timeout),  # type: ignore[no-untyped-call]
            settings=zeep.Settings(raw_response=True),
        )
        self.last_request = b""
        """The last request as it went over the wire; what an eavesdropper could send again."""

    def submit(self, document: bytes, *, message_id: str | None = None) -> bytes:
        """Submit a sealed certificate; the sealed acknowledgement as it came.

        Raises:
            Refused: by the gateway.
        """
        arguments: dict[str, Any] = {"SealedDocument": document}
        if message_id:
            arguments["MessageID"] = message_id
        reply = self._call("SubmitCertificate", arguments)
        acknowledgement = reply.find(qn(ACK17, "SPSAcknowledgement"))
        assert acknowledgement is not None
        return etree.tostring(acknowledgement, with_tail=False)

    def validate(self, document: bytes) -> _Element:
        """The dry run's answer."""
        return self._call("ValidateCertificate", {"SealedDocument": document})

    def get(self, issuer: str, type_code: str, number: str, *, representation: str = "ORIGINAL") -> _Element:
        """A document's GetCertificateResponse."""
        return self._call(
            "GetCertificate", {"Document": _identity(issuer, type_code, number), "Representation": representation}
        )

    def status(self, issuer: str, type_code: str, number: str) -> _Element:
        """A document's history."""
        return self._call("GetCertificateStatus", {"Document": _identity(issuer, type_code, number)})

    def find(self, **criteria: object) -> _Element:
        """A page of documents."""
        return self._call("FindCertificates", criteria)

    def evidence_file(self, issuer: str, type_code: str, number: str) -> bytes:
        """A document's evidence: a ZIP file."""
        reply = self._call("GetEvidence", {"Document": _identity(issuer, type_code, number)})
        return base64.b64decode(reply.findtext(qn(CX1, "Evidence"), ""))

    def evidence(self, issuer: str, type_code: str, number: str) -> dict[str, bytes]:
        """The files of a document's evidence, by name."""
        return unpacked(self.evidence_file(issuer, type_code, number))

    def send_again(self, request: bytes) -> _Element:
        """Send bytes of an earlier request once more, unchanged."""
        return self._reply(
            self._session.post(
                self._address, data=request, headers={"Content-Type": "text/xml; charset=utf-8"}, timeout=self._timeout
            )
        )

    def _call(self, operation: str, arguments: dict[str, Any]) -> _Element:
        # zeep's own UsernameToken helper signs the password digest; the Timestamp is ours to add.
        now = datetime.now(UTC)
        timestamp = etree.Element(qn(WSU, "Timestamp"))
        etree.SubElement(timestamp, qn(WSU, "Created")).text = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        etree.SubElement(timestamp, qn(WSU, "Expires")).text = f"{now + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"
        self._client.wsse = UsernameToken(  # type: ignore[no-untyped-call]
            self._username, self._secret, use_digest=True, timestamp_token=timestamp
        )
        try:
            response = self._client.service[operation](**arguments)
        except Fault as fault:
            raise _refusal(fault.detail) from fault
        self.last_request = response.request.body
        return self._reply(response)

    def _reply(self, response: requests.Response) -> _Element:
        body = parse(response.content).root[-1]
        answer = body[0]
        if etree.QName(answer).localname == "Fault":
            raise _refusal(answer.find("detail"))
        return answer


def unpacked(container: bytes) -> dict[str, bytes]:
    """The files of a ZIP file, by name."""
    with zipfile.ZipFile(io.BytesIO(container)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _identity(issuer: str, type_code: str, number: str) -> dict[str, str]:
    return {"IssuerCountry": issuer, "TypeCode": type_code, "ID": number}


def _refusal(detail: _Element | None) -> Refused:
    def text(name: str) -> str:
        return "" if detail is None else detail.findtext(f".//{qn(CX1, name)}", "")

    findings = () if detail is None else detail.iterfind(f".//{qn(CX1, 'Finding')}/{qn(CX1, 'Expected')}")
    code, message, where, found, expected, retry = map(text, _FAULT)
    return Refused(code, message, where, found, expected, retry, tuple(each.text or "" for each in findings))


_FAULT = ("Code", "Message", "Where", "Found", "Expected", "Retry")
