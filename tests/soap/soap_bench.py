"""A small contract of two operations over the published CertificateExchange description, and a way to call it."""

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.soap import SoapCall, SoapVersion
from gateway.soap.server import SoapApplication
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import CX1, qn

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATH = "/CertificateExchange"
TYPES = {SoapVersion.SOAP11: "text/xml; charset=utf-8", SoapVersion.SOAP12: "application/soap+xml; charset=utf-8"}


@dataclass
class Served:
    """What a call came back with."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def fault(self) -> dict[str, str]:
        """The parts of the fault that it must be, whichever the version."""
        root = parse(self.body).root
        version = next(v for v in SoapVersion if root.tag == qn(v.namespace, "Envelope"))
        (fault,) = root.iter(qn(version.namespace, "Fault"))
        if version is SoapVersion.SOAP11:
            code, text, detail = fault.findtext("faultcode"), fault.findtext("faultstring"), fault.find("detail")
        else:
            code = fault.findtext(f"{qn(version.namespace, 'Code')}/{qn(version.namespace, 'Value')}")
            text = fault.findtext(f"{qn(version.namespace, 'Reason')}/{qn(version.namespace, 'Text')}")
            detail = fault.find(qn(version.namespace, "Detail"))
        return {
            "version": version.name,
            "code": code.rpartition(":")[2],
            "error": text.partition(" ")[0],
            "text": text,
            "detail": "" if detail is None else serialise(detail[0]).decode(),
        }


@dataclass
class Bench:
    """The application under test and what its handlers and hooks saw."""

    application: SoapApplication = None
    calls: list[SoapCall] = field(default_factory=list)
    faults: list = field(default_factory=list)

    def send(self, body: bytes, *, version=SoapVersion.SOAP11, method="POST", path=PATH, query="", **environ) -> Served:
        started = []
        base = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": TYPES[version],
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "192.0.2.1",
            "SERVER_NAME": "gateway",
            "SERVER_PORT": "8080",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        chunks = self.application({**base, **environ}, lambda status, headers: started.append((status, headers)))
        ((status, headers),) = started
        return Served(int(status.split()[0]), dict(headers), b"".join(chunks))

    def get(self, query="", **environ) -> Served:
        return self.send(b"", method="GET", query=query, **environ)


def envelope(body: str | bytes, *, version=SoapVersion.SOAP11, headers: str = "") -> bytes:
    inner = body if isinstance(body, bytes) else body.encode()
    return b'<s:Envelope xmlns:s="%s"><s:Header>%s</s:Header><s:Body>%s</s:Body></s:Envelope>' % (
        version.namespace.encode(),
        headers.encode(),
        inner,
    )


REQUEST = f'<GetCertificateStatusRequest xmlns="{CX1}"><MessageID>m-1</MessageID></GetCertificateStatusRequest>'
REPLY = f'<cx:GetCertificateStatusResponse xmlns:cx="{CX1}" a = "kept"/>'.encode()
