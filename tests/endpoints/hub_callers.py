"""A gateway in the role of the hub with invented authorities, and callers that show their client certificate."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lxml import etree

from gateway.app import build_application
from gateway.config import (
    DeliverySettings,
    HubSettings,
    InstanceSettings,
    SealSettings,
    ServerSettings,
    Settings,
    StoreSettings,
)
from gateway.ippc import Envelope, EnvelopeHeader
from gateway.sandbox.pki import Authority, write
from gateway.store import open_store, save_partner
from gateway.xml.schemas import SchemaName, validate

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.app import Gateway

HUB = "http://ephyto.ippc.int/"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
NAMES = {"hub": HUB, "hubent": "http://ephyto.ippc.int/HUB.Entities"}
PATH = "/hub/DeliveryService"

MEMBERS = {
    "ar-nppo": {
        "country": "AR",
        "country_pairs": ["AR>*", "UY>*", "BE>AR"],
        "hub": {
            "countries": ["AR", "UY"],
            "signature_dn": "CN=Invented",
            "rules": [{"id": 1, "rule": "FORWARD", "direction": "OUT", "channel": "ARC", "type": 657}],
        },
    },
    "be-nppo": {"country": "BE", "kind": "national", "country_pairs": ["*>*"], "hub": {"countries": ["BE"]}},
    "cl-nppo": {"country": "CL", "country_pairs": ["CL>*"], "hub": {"countries": ["CL"]}},
    "archive": {"country": "*", "name": "Archive & window", "hub": {"channel": "ARC"}},
    "no-grant": {"country": "PE", "contracts": [], "hub": {"countries": ["PE"]}},
    "one-grant": {"country": "BO", "operations": ["GetProfile"], "hub": {"countries": ["BO"]}},
    "no-member": {"country": "PY"},
    "gone": {"country": "EC", "enabled": False},
}


@dataclass
class HubWorld:
    """The authority of the client certificates, and a certificate for each member."""

    folder: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self):
        self.root = Authority("Hub clients", now=self.now)
        self.clients = {name: self.root.tls_client(name) for name in (*MEMBERS, "stranger")}

    def records(self):
        return [
            {
                "id": name,
                "name": f"Invented {name}",
                "kind": "third-country",
                "contracts": ["ippc-hub"],
                "document_types": ["851", "657"],
                "country_pairs": [],
                "code_system": "ephyto",
                "authentication": {"client_certificates": [fingerprint(self.clients[name])]},
                **changes,
            }
            for name, changes in MEMBERS.items()
        ]

    def add_members(self, url):
        with open_store(url, exclusive=True) as store:
            for record in self.records():
                store.write(
                    lambda connection, record=record: save_partner(
                        connection, record["id"], record, author="test", now=self.now
                    )
                )

    def settings(self, url, *, roles=("hub",), **changes):
        certificate, key = write(self.folder, "seal", self.root.seal("Gateway seal"))
        return Settings(
            **{
                "instance": InstanceSettings(id="test", roles=roles),
                "server": ServerSettings(trusted_proxies=("127.0.0.2",)),
                "store": StoreSettings(url),
                "seal": SealSettings(key=key, certificate=certificate),
                "delivery": DeliverySettings(in_process=False),
                "hub": HubSettings(countries=("NL",)) if "hub" in roles else HubSettings(),
                **changes,
            }
        )

    def open(self, url, *, clock=None, **changes):
        self.add_members(url)
        return build_application(self.settings(url, **changes), clock=clock or (lambda: self.now))


def fingerprint(credential):
    return f"sha256:{hashlib.sha256(credential.certificate_der).hexdigest()}"


def client_cert(credential):
    """The Client-Cert header of RFC 9440."""
    return f":{base64.b64encode(credential.certificate_der).decode()}:"


@dataclass(frozen=True)
class HubAnswer:
    """An HTTP status, and the first child of the SOAP body, which is what the contract says."""

    status: int
    raw: bytes

    @property
    def body(self):
        return etree.fromstring(self.raw, etree.XMLParser(huge_tree=True))[-1][0]

    def text(self, path):
        return self.body.findtext(path, namespaces=NAMES)

    def texts(self, path):
        return [each.text for each in self.body.findall(path, NAMES)]

    @property
    def said(self):
        """The message of HubWebException; None for an answer that is no fault."""
        return self.text("detail/hub:HubWebException/hub:message")

    @property
    def code(self):
        return self.said and self.said.partition(":")[0]

    @property
    def number(self):
        return self.text(".//hubent:hubDeliveryNumber")

    @property
    def state(self):
        return self.text(".//hubent:HUBTrackingInfo")

    def checked(self):
        body = self.body
        if etree.QName(body).localname == "Fault":
            assert self.status != 200
            (body,) = body.findall("detail/hub:HubWebException", NAMES)
        else:
            assert self.status == 200
        validate(SchemaName.DELIVERY_SERVICE_TYPED, body)
        return self


@dataclass
class HubCaller:
    """One member's client, as small as it can be."""

    world: HubWorld
    gateway: Gateway
    member: str = "ar-nppo"

    def call(self, body, *, action=None, headers="", version=SOAP11, **environment):
        """``body`` is the operation element; ``action`` the SOAPAction, none when None."""
        soap = f'<s:Envelope xmlns:s="{version}"><s:Header>{headers}</s:Header><s:Body>'.encode()
        raw = soap + body + b"</s:Body></s:Envelope>"
        media = "text/xml" if version == SOAP11 else "application/soap+xml"
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": PATH,
            "QUERY_STRING": "",
            "CONTENT_TYPE": f"{media}; charset=utf-8",
            "CONTENT_LENGTH": str(len(raw)),
            "HTTP_HOST": "hub.invalid",
            "REMOTE_ADDR": "127.0.0.2",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": io.StringIO(),
            "HTTP_CLIENT_CERT": client_cert(self.world.clients[self.member]),
            **({} if action is None else {"HTTP_SOAPACTION": f'"{action}"'}),
            **environment,
        }
        environ = {name: value for name, value in environ.items() if value is not None}
        seen = []
        content = b"".join(self.gateway(environ, lambda status, _headers, *_: seen.append(int(status[:3]))))
        return HubAnswer(seen[0], content)

    def __call__(self, body, **arguments):
        return self.call(body, **arguments).checked()


def header(number="AR-1", **changes):
    values = {"sender": "AR", "to": "BE", "certificate_type": 851, "certificate_status": 70}
    return EnvelopeHeader(**{**values, "certificate_number": number, **changes})


def envelope(number="AR-1", content="<invented/>", **changes):
    return Envelope(header(number, **changes), content.encode() if isinstance(content, str) else content)
