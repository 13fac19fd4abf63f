"""A gateway that serves CustomsCertexChedService, CHEDs in it, and customs systems that call it. All invented.

Requests are written here by hand and replies are read here by name, so that an error in the gateway's own reading or
writing of the contract cannot hide itself.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from ched_harness import ched_pp, decision
from lxml import etree

from gateway.app import build_application
from gateway.ched.rows import row_of
from gateway.config import CustomsSettings, DeliverySettings, InstanceSettings, SealSettings, Settings, StoreSettings
from gateway.documents.ched import ChedClass, ChedLine, ChedType, ControlPost, Country, write_ched
from gateway.documents.parts import Measure
from gateway.sandbox.pki import Authority, write
from gateway.store import ChedWrite, ched_by_reference, new_id, open_store, record_ched, save_partner
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CX6 = "http://ec.europa.eu/sanco/tracesnt/customs_certex/ched/v06"
CXB3 = "http://ec.europa.eu/sanco/tracesnt/customs_certex/base/v03"
BASE3 = "http://ec.europa.eu/sanco/tracesnt/base/v3"
BODY1 = "http://ec.europa.eu/tracesnt/body/v1"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE, WSU = f"{WSS}wssecurity-secext-1.0.xsd", f"{WSS}wssecurity-utility-1.0.xsd"
NAMES = {"c": CX6, "b": CXB3, "s": SOAP11}
PATH = "/tracesnt/ws/CustomsCertexChedServiceV06"
ACTION = "http://ec.europa.eu/tracesnt/ws/impl/customs_certex/ched/v06/CustomsCertexChedPort/"

NOW = datetime(2026, 9, 29, 14, 10, 42, tzinfo=UTC)
SECRET = "an invented secret"
CLIENT = "customs-tests"
GRANTS = ["customs-certex-ched", "customs-lookup"]
PARTNERS = {
    "customs-xi": {"offices": ["XI000002", "XI000014"], "countries": ["XI"], "absent_unit": "refuse"},
    "customs-xi-tonnes": {"offices": ["XI0001*"], "countries": ["XI"], "absent_unit": "tonne"},
    "customs-xi-other": {"offices": ["XI000077"], "countries": ["XI", "BE"], "absent_unit": "refuse"},
    "customs-xi-dublin": {"offices": ["XI000088"], "countries": ["*"], "time_zone": "Europe/Dublin"},
    "customs-xi-mrns": {"offices": ["XI000099"], "countries": ["XI"], "mrn_countries": ["GB"]},
    "customs-fr": {"offices": ["FR000001"], "countries": ["FR"], "absent_unit": "refuse"},
    "no-offices": None,
}
"""Partner systems by their `[partner.customs]`."""
OFFICES = {
    "customs-xi": "XI000002",
    "customs-xi-tonnes": "XI000101",
    "customs-xi-other": "XI000077",
    "customs-xi-dublin": "XI000088",
    "customs-xi-mrns": "XI000099",
    "customs-fr": "FR000001",
    "no-offices": "XI000002",
}
"""The office for which each system sends, unless a test says otherwise."""


class MRN(str):
    """A declaration by its movement reference number."""

    __slots__ = ()


class LRN(str):
    """A declaration by its local reference number."""

    __slots__ = ()


class Goods(NamedTuple):
    """One CommodityDescriptionForChed; an empty text leaves its element out."""

    quantity: str = "1"
    unit: str = "KGM"
    code: str = "040100"
    item: str = "1"
    line: str = "1"
    volume: bool = False
    more: str = ""
    """Elements after the last one."""

    def xml(self) -> str:
        kind = "Volume" if self.volume else "Weight"
        fields = (
            ("GoodsItemNumber", self.item),
            ("CertificateLineNumber", self.line),
            ("ClassCode", self.code),
            (f"Net{kind}Quantity", self.quantity),
            (f"Net{kind}UnitOfMeasure", self.unit),
        )
        leaves = "".join(_leaf(name, value) for name, value in fields if value)
        return f"<CommodityDescriptionForChed>{leaves}{self.more}</CommodityDescriptionForChed>"


class Available(NamedTuple):
    code: str
    unit: str
    quantity: str
    line: str


class Allocated(NamedTuple):
    item: str
    code: str
    unit: str
    quantity: str
    line: str
    event: str
    office: str
    kind: str
    number: str


@dataclass(frozen=True)
class Answer:
    """What came back: an HTTP status and the envelope, read by name."""

    status: int
    raw: bytes
    error_header: str = ""
    """X-IMSOC-Error of the reply, where the test's own HTTP reads headers."""
    body: etree._Element = field(init=False, compare=False)
    """The first child of the SOAP body."""

    def __post_init__(self):
        parser = etree.XMLParser(huge_tree=True, resolve_entities=False)
        object.__setattr__(self, "body", etree.fromstring(self.raw, parser).find("{*}Body")[0])

    @property
    def code(self) -> str:
        """The code of a fault; empty for an answer."""
        found = re.search(r"IMG-\d{4}", etree.tostring(self.body, encoding="unicode"))
        return found.group() if found and self.is_fault else ""

    @property
    def is_fault(self) -> bool:
        return etree.QName(self.body).localname == "Fault"

    @property
    def fault(self) -> str:
        """The local name of the fault's detail element; empty where it has none."""
        detail = self.body.find("detail")
        return "" if detail is None else etree.QName(detail[0]).localname

    def text(self, path):
        return self.body.findtext(path, namespaces=NAMES)

    @property
    def certificate(self):
        return self.body.find("c:ChedCertificate", NAMES)

    @property
    def has_ledger(self) -> bool:
        return self.body.find("c:QuantityManagementSummary", NAMES) is not None

    @property
    def available(self) -> list[Available]:
        return [Available(*_goods(each)) for each in self._ledger("AvailableQuantity")]

    @property
    def reserved(self) -> list[Allocated]:
        return [_allocated(each) for each in self._ledger("ReservedQuantity")]

    @property
    def consumed(self) -> list[Allocated]:
        return [_allocated(each) for each in self._ledger("ConsumedQuantity")]

    def _ledger(self, name):
        return self.body.iterfind(f"c:QuantityManagementSummary/b:{name}", NAMES)

    @property
    def result(self):
        return self.text("c:ReservationResult")

    @property
    def reason(self):
        return self.text("c:ReservationFailureReason")

    @property
    def failed(self):
        """The (goods item, line) that failed; None where none is named."""
        item = self.body.find("c:ReservationFailureConsignmentItem", NAMES)
        return item if item is None else (_text(item, "GoodsItemNumber"), _text(item, "DocumentLineItemNumber"))

    @property
    def outcome(self):
        return self.text("c:QuantityManagementOutcome")

    @property
    def said(self):
        """The answer in a few words: ``reserved``, ``05 1/1``, ``04``, ``outcome 01``, ``IMG-7404``, ``read``."""
        if self.is_fault:
            return self.code or self.text("faultstring")
        assert self.status == 200
        if self.outcome:
            return f"outcome {self.outcome}"
        assert self.text("c:OperationCode") == "0"
        if self.result is None:
            return "read" if self.has_ledger else "unknown"
        if self.result == "1":
            assert (self.reason, self.failed) == (None, None)
            return "reserved"
        item, line = self.failed or ("", "")
        return self.reason + (f" {item}/{line or '-'}" if item else "")

    @property
    def ledger(self):
        """What stands, without the times: (available quantities, reserved, consumed), each in order."""
        return (
            [each.quantity for each in self.available],
            [(each.number, each.item, each.line, each.quantity, each.unit) for each in self.reserved],
            [(each.number, each.item, each.line, each.quantity, each.unit) for each in self.consumed],
        )

    def held_by(self, number):
        """``{(kind, item, line): (quantity, unit)}`` that the declaration holds."""
        return {(a.kind, a.item, a.line): (a.quantity, a.unit) for a in self.reserved if a.number == number}

    def consumed_by(self, number):
        return {(a.kind, a.item, a.line): (a.quantity, a.unit) for a in self.consumed if a.number == number}


class CertexWorld:
    """One application on one database; ``now`` is its clock, which stands still until a test moves it."""

    def __init__(self, folder, url, *, now=NOW, seal=None, records=None, customs=None):
        self.now = now
        self.url = url
        self.folder = folder
        self._numbers = itertools.count(1)
        certificate, key = seal or make_seal(folder, now)
        self.settings = Settings(
            instance=InstanceSettings(id="certex-tests", roles=("traces",)),
            store=StoreSettings(url),
            seal=SealSettings(key=key, certificate=certificate),
            delivery=DeliverySettings(in_process=False),
            customs=customs or CustomsSettings(),
        )
        with open_store(url, exclusive=True) as store:
            know(store, partner_records(folder) if records is None else records, now)
        self.application = build_application(self.settings, clock=lambda: self.now)
        self.store = self.application.context.store

    def close(self):
        self.application.close()

    def caller(self, partner="customs-xi", **options):
        return Caller(self, partner, **options)

    def later(self, **passing):
        self.now += timedelta(**passing)
        return self.now

    def at(self, text):
        """Set the clock to an instant as it is written in a message."""
        self.now = datetime.fromisoformat(text)
        return text

    def ched(self, *lines, reference="", type_="P", status="70", **changes):
        """Store a CHED; lines as `line` makes them, one of 1000 KGM of CN 0401 when none is given. Its reference."""
        reference = reference or f"CHED{type_}.XI.2026.{next(self._numbers):07}"
        made = ched_of(reference, lines or (line(),), type_=type_, status=status, **changes)
        self.store.write(lambda connection: record_ched(connection, write_of(made, self.now)))
        return reference

    def set_status(self, reference, status):
        """Another status, as somebody's decision brings it."""

        def change(connection):
            row = ched_by_reference(connection, reference)
            at = self.now
            moved = replace(row, status_code=status, updated_at=at, status_changed_at=at)
            if status == "70" and not row.conclusion:
                moved = replace(moved, conclusion="ACCEPTABLE_FOR_INTERNAL_MARKET")
            write = ChedWrite(version_id=new_id(at), row=moved, expected_version=row.version, at=at,
                              operation="a test", partner="a-test")  # fmt: skip
            return record_ched(connection, write)

        assert self.store.write(change).kind == "new"


class Caller:
    """A customs system: its account and office."""

    def __init__(self, world, partner="customs-xi", *, office="", secret=SECRET):
        self.world = world
        self.partner = partner
        self.office = office or OFFICES[partner]
        self.secret = secret

    def read(self, reference, **options):
        return self.send("ProcessedChedRequest", self.question(reference, **options), **_envelope(options))

    def reserve(self, reference, declaration, *goods, **options):
        body = self.question(reference, declaration, goods, **{"indication": "1", **options})
        return self.send("ProcessedChedRequest", body, **_envelope(options))

    def release(self, reference, document, **options):
        """Released: what is held is consumed (01)."""
        return self.clear(reference, document, "01", **options)

    def delete(self, reference, document, **options):
        """Not released: what is held is given back (02)."""
        return self.clear(reference, document, "02", **options)

    def clear(self, reference, document, information, **options):
        office, at = options.get("office", self.office), options.get("at", self.instant())
        body = (
            f"<CompetentCustomsOffice>{_leaf('ReferenceNumber', office)}</CompetentCustomsOffice>"
            f"<SendingDate>{at}</SendingDate><CustomsDocumentReference>{document}</CustomsDocumentReference>"
            f"<ChedCertificateId>{reference}</ChedCertificateId>"
            f"<GoodsClearanceInformation>{information}</GoodsClearanceInformation>"
        )
        return self.send("ChedClearanceRequest", body, **_envelope(options))

    def intervene(self, reference, document, kind, *goods, **options):
        """By the name or the code of the intervention."""
        office, at = options.get("office", self.office), options.get("at", self.instant())
        taric = options.get("taric", TARIC[reference[4:].partition(".")[0]])
        items = "".join(
            each.xml().replace("CommodityDescriptionForChed", "ConsignmentItem") for each in _goods_of(goods)
        )
        body = (
            f"<CompetentCustomsOffice>{_leaf('ReferenceNumber', office)}</CompetentCustomsOffice>"
            f"<SendingDate>{at}</SendingDate><CustomsDocumentReference>{document}</CustomsDocumentReference>"
            f"<TARICDocument>{taric}</TARICDocument><ChedCertificateId>{reference}</ChedCertificateId>{items}"
            f"<InterventionType>{INTERVENTIONS.get(kind, kind)}</InterventionType>"
        )
        return self.send("ChedInterventionRequest", body, **_envelope(options))

    def question(self, reference, declaration=None, goods=(), **options):
        """The children of ProcessedChedRequest, in the contract's order (DIGEST 7.2)."""
        at, office = options.get("at", self.instant()), options.get("office", self.office)
        named = "" if declaration is None else _leaf(type(declaration).__name__, escape(declaration))
        parts = {
            "SendingDate": at,
            "ChedCertificateId": reference,
            "TARICDocument": options.get("taric"),
            "CustomsDeclarationReferenceNumber": options.get("declaration_element", named),
            "CompetentCustomsOffice": _leaf("ReferenceNumber", office),
        }
        tail = {
            "PdfGenerationIndication": options.get("pdf"),
            "Language": options.get("language", "en"),
            "QuantityManagementIndication": options.get("indication", "0"),
            "PushIndication": options.get("push"),
            "TransformationIndiction": options.get("transformation"),
        }
        items = "".join(each.xml() for each in _goods_of(goods))
        return _parts(parts) + items + _parts(tail)

    def send(self, request, body, *, message_id=None, prefix=None, header_office=None, raw=False):
        """Write and send one request; ``raw``: give the bytes that would be sent."""
        message_id = secrets.token_hex(16) if message_id is None else message_id
        office = self.office if header_office is None else header_office
        office = f'<h:CustomsOfficeReferenceNumber xmlns:h="{BODY1}">{office}</h:CustomsOfficeReferenceNumber>'
        certex = (
            f'<h:CertexHeader xmlns:h="{CX6}" xmlns="{CXB3}"><MessageId>{message_id}</MessageId>'
            f"<UniqRequesterPrefix>{prefix or self.office}</UniqRequesterPrefix></h:CertexHeader>"
        )
        envelope = (
            f'<s:Envelope xmlns:s="{SOAP11}"><s:Header><h:LanguageCode xmlns:h="{BASE3}">en</h:LanguageCode>'
            f'<h:WebServiceClientId xmlns:h="{BASE3}">{CLIENT}</h:WebServiceClientId>{certex}{office}'
            f"{self.security()}</s:Header>"
            f'<s:Body><{request} xmlns="{CX6}">{body}</{request}></s:Body></s:Envelope>'
        ).encode()
        return envelope if raw else self.post(envelope, request)

    def post(self, envelope, request):
        """Hand the bytes of an envelope to the application, as a server would."""
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": PATH,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "text/xml; charset=utf-8",
            "CONTENT_LENGTH": str(len(envelope)),
            "HTTP_HOST": "gateway.invalid",
            "HTTP_SOAPACTION": f'"{ACTION}{request}"',
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(envelope),
            "wsgi.errors": io.StringIO(),
        }
        seen = []
        content = b"".join(self.world.application(environ, lambda *start: seen.append(start[:2])))
        ((status, headers),) = seen
        return Answer(int(status[:3]), content, dict(headers).get("X-IMSOC-Error", ""))

    def security(self):
        """A fresh wsse:Security with a Timestamp and a UsernameToken with PasswordDigest (DIGEST 4.2)."""
        return wsse_security(self.partner, self.secret, self.world.now)

    def instant(self):
        return f"{self.world.now:%Y-%m-%dT%H:%M:%S.%f}Z"


INTERVENTIONS = {"ForceWriteOff": "01", "AmendWriteOff": "02", "DeleteWriteOff": "03"}
TARIC = {"A": "C640", "P": "N853", "PP": "C085", "D": "C678"}


def wsse_security(username, secret, now):
    nonce = secrets.token_bytes(16)
    created = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    digest = hashlib.sha1(nonce + created.encode() + secret.encode()).digest()
    return (
        f'<e:Security xmlns:e="{WSSE}" xmlns:u="{WSU}"><u:Timestamp><u:Created>{created}</u:Created>'
        f"<u:Expires>{now + timedelta(minutes=4):%Y-%m-%dT%H:%M:%SZ}</u:Expires></u:Timestamp>"
        f"<e:UsernameToken><e:Username>{username}</e:Username>"
        f'<e:Password Type="{WSS}username-token-profile-1.0#PasswordDigest">{_b64(digest)}</e:Password>'
        f'<e:Nonce EncodingType="{WSS}soap-message-security-1.0#Base64Binary">{_b64(nonce)}</e:Nonce>'
        f"<u:Created>{created}</u:Created></e:UsernameToken></e:Security>"
    )


def make_seal(folder, now):
    """Files of a certificate and its key."""
    return write(folder, "seal", Authority("Gateway", now=now, country="XI").seal("Gateway seal"))


def partner_records(folder) -> Iterable[dict]:
    secret = folder / "secret.txt"
    secret.write_text(SECRET, "utf-8")
    for name, membership in PARTNERS.items():
        record = {
            "id": name,
            "name": f"Invented {name}",
            "kind": "customs",
            "country": OFFICES[name][:2],
            "contracts": GRANTS,
            "authentication": {"username": name, "secret": f"file:{secret}"},
        }
        yield record if membership is None else {**record, "customs": membership}


def know(store, records, now):
    for record in records:
        store.write(
            lambda connection, record=record: save_partner(connection, record["id"], record, author="test", now=now)
        )


def line(number=1, code="0401", weight="1000", unit="KGM", *, pieces=""):
    """A line of box I.31; with ``pieces`` of animals, beside a net weight of 0 without a unit as captured."""
    if pieces:
        weight, unit = "0", ""
    return ChedLine(
        number=number,
        net_weight=Measure(Decimal(weight), unit) if weight else None,
        net_volume=Measure(Decimal(pieces), "H87") if pieces else None,
        classes=(ChedClass("CN", code, (("en", "Invented goods"),)),),
        origins=(Country("ZA"),),
    )


def ched_of(reference, lines: Sequence[ChedLine], *, type_="P", status="70", country="XI", **changes):
    """A CHED whose post and destination lie in one country."""
    base = ched_pp(type=ChedType(type_), title=f"CHED-{type_}", lines=tuple(lines))
    totals = ChedLine(number=0, descriptions=("Consignment totals and summary",),
                      net_weight=Measure(Decimal(123456), "KGM"))  # fmt: skip
    place = base.destination
    values = {
        "type_code": "636",
        "reference": reference,
        "status_code": status,
        "totals": totals,
        "post": ControlPost(country=country, city="Invented", code=f"{country}BEL1", name="Invented Port"),
        "destination": replace(place, address=replace(place.address, country=country)),
        "decision": decision() if status == "70" else None,
        **changes,
    }
    return replace(base, **values)


def write_of(made, now):
    """The store's write that creates a CHED."""
    actor = SimpleNamespace(body=None, principal=SimpleNamespace(partner=SimpleNamespace(id="a-test", country="XI")))
    content = serialise(write_ched(made))
    row = row_of(made, actor, chid=new_id(now), before=None, at=now)
    return ChedWrite(version_id=new_id(now), row=row, expected_version=None, at=now, operation="a test",
                     partner="a-test", part="I", content=content, digest=hashlib.sha256(content).digest())  # fmt: skip


def _envelope(options):
    return {name: options[name] for name in ("message_id", "prefix", "header_office", "raw") if name in options}


def _goods_of(goods):
    return [each if isinstance(each, Goods) else Goods(*each) for each in goods]


def _parts(parts):
    return "".join(
        f"<{name}/>" if value == "" else f"<{name}>{value}</{name}>"
        for name, value in parts.items()
        if value is not None
    )


def _leaf(name, value):
    return f'<{name} xmlns="{CXB3}">{value}</{name}>'


def _goods(element):
    document = element.find("b:SwSupportingDocument", NAMES)
    code = element.findtext("b:CommodityCode/b:HarmonizedSystemSubheadingcode", namespaces=NAMES)
    return (code, _text(document, "UnitOfMeasure"), _text(document, "Quantity"),
            _text(document, "CertificateLineNumber"))  # fmt: skip


def _allocated(element):
    declared = [(kind, _text(element, kind)) for kind in ("MRN", "LRN") if element.find(f"b:{kind}", NAMES) is not None]
    ((kind, number),) = declared
    office = element.findtext("b:CompetentCustomsOffice/b:ReferenceNumber", namespaces=NAMES)
    return Allocated(_text(element, "GoodsItemNumber"), *_goods(element), _text(element, "EventDateTime"), office, kind,
                     number)  # fmt: skip


def _text(element, name):
    return element.findtext(f"b:{name}", namespaces=NAMES)


def _b64(data):
    return base64.b64encode(data).decode()
