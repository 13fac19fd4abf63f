"""A whole gateway in this process, called as WSGI with envelopes that the tests write themselves."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lxml import etree

from gateway.config import DeliverySettings, InstanceSettings, SealSettings, Settings, StoreSettings
from gateway.sandbox.pki import Authority, write
from gateway.sandbox.samples import certificate
from gateway.sandbox.tsa import TimestampAuthority
from gateway.store import list_exchanges, open_store, save_partner
from gateway.trust import Anchor, Level, Purpose, Sealer, TimestampClient, TrustStore
from gateway.xml.schemas import SchemaName, validate

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.app import Gateway

CX = "urn:imsoc:gateway:certificate-exchange:1"
SOAP = {
    "1.1": ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8"),
    "1.2": ("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8"),
}
WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
PREFIXES = {
    "cx": CX,
    "ack": "urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21",
    "sps": "urn:un:unece:uncefact:data:standard:SPSCertificate:17",
}

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """An HTTP status and the first child of the SOAP body."""

    status: int
    raw: bytes

    @property
    def body(self):
        return etree.fromstring(self.raw, etree.XMLParser(huge_tree=True))[-1][0]

    def text(self, path):
        found = self.body.find(path, PREFIXES)
        return None if found is None else found.text

    @property
    def code(self):
        """The gateway's code when this is a fault."""
        return self.text(".//cx:GatewayFault/cx:Code")

    def fault(self, name):
        return self.text(f".//cx:GatewayFault/cx:{name}")

    def checked(self):
        """Every reply is what the contract says: a response of its schema, or a fault with a GatewayFault of it."""
        body = self.body
        if etree.QName(body).localname == "Fault":
            (body,) = body.findall(".//cx:GatewayFault", PREFIXES)
        else:
            assert self.status == 200
        validate(SchemaName.CERTIFICATE_EXCHANGE, body)
        return self


@dataclass
class World:
    """The authorities, the time, and what a partner record needs of them."""

    folder: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self):
        self.third = Authority("Third country", now=self.now, country="AR")
        self.own = Authority("Gateway", now=self.now, country="EU")
        self.tsa_root = Authority("Time stamping", now=self.now)
        self.tsa = TimestampAuthority(self.tsa_root.timestamping("unit"), clock=lambda: self.now)
        self.credential = self.third.seal("Organisation")
        anchor = Anchor("tsa", self.tsa_root.certificate_der, frozenset({Purpose.TIMESTAMP}), Level.QUALIFIED)
        self.stamper = TimestampClient(
            ["memory:"], TrustStore([anchor]), transport=lambda _, query: self.tsa.answer(query)
        )
        self.sealer = self.sealer_of(self.credential)

    def sealer_of(self, credential, *, stamped=True):
        return Sealer(
            credential.key, credential.certificate_der, credential.chain_der, self.stamper if stamped else None
        )

    def sealed(self, document=None, **arguments):
        arguments.setdefault("number", f"AR-TEST-{next(_numbers):07d}")
        return self.sealer.seal(document or certificate(lines=1, **arguments), at=self.now)

    def partner(self, partner_id="ar", **changes):
        record = {
            "id": partner_id,
            "name": "invented",
            "kind": "third-country",
            "country": "AR",
            "contracts": ["certificate-exchange"],
            "document_types": ["851", "657"],
            "country_pairs": ["AR>*"],
            "code_system": "ephyto",
            "authentication": {"username": partner_id, "secret": f"file:{self.secret(partner_id)}"},
            "anchors": [
                self.anchor(self.third, "seal", "advanced"),
                self.anchor(self.tsa_root, "timestamp", "qualified"),
            ],
        }
        return {**record, **changes}

    def anchor(self, authority, purpose, level):
        return {
            "name": purpose,
            "certificate_pem": authority.certificate_pem.decode(),
            "purposes": [purpose],
            "level": level,
        }

    def secret(self, partner_id):
        path = self.folder / f"{partner_id}.secret"
        path.write_text(f"secret of {partner_id}")
        return path

    def settings(self, url, *roles, **changes):
        certificate_file, key = write(self.folder, "seal", self.own.seal("Gateway seal"))
        return Settings(
            instance=InstanceSettings(id="test", roles=roles or ("traces",)),
            store=StoreSettings(url),
            seal=SealSettings(key=key, certificate=certificate_file),
            delivery=DeliverySettings(in_process=False),
            **changes,
        )


class Caller:
    """A partner's client, as small as it can be: it writes its own envelopes."""

    def __init__(self, world: World, gateway: Gateway, username="ar"):
        self.world = world
        self.gateway = gateway
        self.username = username
        self.last = b""

    def security(self, *, nonce=None, created=None, secret=None, expires=None):
        nonce = nonce or secrets.token_bytes(16)
        created = created or self.world.now
        stamp = f"{created:%Y-%m-%dT%H:%M:%SZ}"
        secret = secret or f"secret of {self.username}"
        digest = base64.b64encode(hashlib.sha1(nonce + stamp.encode() + secret.encode()).digest()).decode()
        until = expires or created + timedelta(minutes=2)
        return (
            f'<wsse:Security xmlns:wsse="{WSS}wssecurity-secext-1.0.xsd" xmlns:wsu="{WSS}wssecurity-utility-1.0.xsd">'
            f"<wsu:Timestamp><wsu:Created>{stamp}</wsu:Created>"
            f"<wsu:Expires>{until:%Y-%m-%dT%H:%M:%SZ}</wsu:Expires></wsu:Timestamp>"
            f"<wsse:UsernameToken><wsse:Username>{self.username}</wsse:Username>"
            f'<wsse:Password Type="{WSS}username-token-profile-1.0#PasswordDigest">{digest}</wsse:Password>'
            f'<wsse:Nonce EncodingType="{WSS}soap-message-security-1.0#Base64Binary">'
            f"{base64.b64encode(nonce).decode()}</wsse:Nonce><wsu:Created>{stamp}</wsu:Created>"
            "</wsse:UsernameToken></wsse:Security>"
        )

    def envelope(self, body, *, version="1.1", security=None, headers=""):
        namespace, _ = SOAP[version]
        security = self.security() if security is None else security
        body = body if isinstance(body, str) else body.decode()
        return (
            f'<s:Envelope xmlns:s="{namespace}"><s:Header>{security}{headers}</s:Header>'
            f"<s:Body>{body}</s:Body></s:Envelope>"
        ).encode()

    def call(self, body, *, version="1.1", **arguments):
        return self.post(self.envelope(body, version=version, **arguments), version=version)

    def post(self, raw, *, version="1.1", headers=None, content_type=None, stream=None):
        """``headers`` is anything that the WSGI environment should say besides, or otherwise."""
        self.last = raw
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/CertificateExchange",
            "QUERY_STRING": "",
            "CONTENT_TYPE": content_type or SOAP[version][1],
            "CONTENT_LENGTH": str(len(raw)),
            "HTTP_HOST": "gateway.invalid",
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": stream or io.BytesIO(raw),
            "wsgi.errors": io.StringIO(),
            **(headers or {}),
        }
        seen = []
        content = b"".join(self.gateway(environ, lambda status, _headers, *_: seen.append(int(status[:3]))))
        return Answer(seen[0], content).checked()

    def submit(self, document, *, inline=False, message_id=None, route=None, **arguments):
        return self.call(
            self.request("SubmitCertificate", document, inline=inline, message_id=message_id, route=route), **arguments
        )

    def validate(self, document, *, inline=False, target=None, **arguments):
        return self.call(self.request("ValidateCertificate", document, inline=inline, target=target), **arguments)

    def request(self, operation, document, *, inline=False, message_id=None, route=None, target=None):
        parts = [f"<cx:MessageID>{message_id}</cx:MessageID>" if message_id else ""]
        parts.append(f"<cx:IssuingRoute>{route}</cx:IssuingRoute>" if route else "")
        parts.append(
            document.decode()
            if inline
            else f"<cx:SealedDocument>{base64.b64encode(document).decode()}</cx:SealedDocument>"
        )
        parts.append(f"<cx:TargetPartner>{target}</cx:TargetPartner>" if target else "")
        return f'<cx:{operation}Request xmlns:cx="{CX}">{"".join(parts)}</cx:{operation}Request>'

    def about(self, operation, number, *, type_code="851", issuer="AR", more=""):
        return self.call(
            f'<cx:{operation}Request xmlns:cx="{CX}"><cx:Document><cx:IssuerCountry>{issuer}</cx:IssuerCountry>'
            f"<cx:TypeCode>{type_code}</cx:TypeCode><cx:ID>{number}</cx:ID></cx:Document>{more}</cx:{operation}Request>"
        )


def add_partners(url, records, now):
    """Write partner records into a database that nobody serves from yet."""
    with open_store(url, exclusive=True) as store:
        for record in records:
            store.write(
                lambda connection, record=record: save_partner(connection, record["id"], record, author="test", now=now)
            )


@dataclass
class House:
    """A gateway that lives as long as a test module, with every kind of partner; its tests leave the clock alone."""

    world: World
    gateway: Gateway

    def caller(self, username="ar"):
        return Caller(self.world, self.gateway, username)

    def exchanges(self):
        with self.gateway.context.store.read() as connection:
            return list_exchanges(connection, limit=10_000)

    def exchange(self, exchange_id):
        (found,) = [row for row in self.exchanges() if row.id == exchange_id]
        return found


def inhabitants(world):
    """One partner for each way of being refused, and those that read."""
    own = world.partner()
    revoked = world.third.seal("Revoked")
    crl = world.third.crl([revoked], at=world.now, valid_for=timedelta(days=1))
    crl_anchor = {**own["anchors"][0], "crls": [base64.b64encode(crl).decode()]}
    grants = {"document_types": ["*"], "country_pairs": ["*>*"], "code_system": "traces"}
    world.revoked = revoked
    return [
        world.partner(document_types=["851", "657", "853"], country_pairs=["AR>*", "UY>*"]),
        world.partner("asker", operations=["GetCertificateStatus"]),
        world.partner("uninvited", contracts=[]),
        world.partner("other-type", document_types=["657"]),
        world.partner("other-pair", country_pairs=["BR>*"]),
        world.partner("gone", enabled=False),
        world.partner("weak-seal", anchors=[world.anchor(world.third, "seal", "simple"), own["anchors"][1]]),
        world.partner("weak-clock", anchors=[own["anchors"][0], world.anchor(world.tsa_root, "timestamp", "advanced")]),
        world.partner("with-crl", anchors=[crl_anchor, own["anchors"][1]]),
        world.partner("no-tables", code_system="nowhere"),
        world.partner("customs", kind="customs", **grants),
        world.partner("nl", kind="national", country="NL", **grants),
        world.partner("hub", kind="international-organisation", **grants),
        world.partner("hub-r93", kind="international-organisation", **grants, personal_data=True,
                      personal_data_basis="an invented agreement"),
        world.partner("elsewhere", kind="national", country="DE", document_types=["*"], country_pairs=["*>DE"]),
    ]  # fmt: skip
