"""A register in this process, the bodies of the tests, and CHEDs to submit. Everything is invented."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gateway.access import Directory, partner_from_record
from gateway.ched.models import Actor, SealedCopy, SealRole, SubmissionKind
from gateway.ched.register import RegisterService
from gateway.documents.ched import (
    AccompanyingDocument,
    Address,
    Ched,
    ChedClass,
    ChedLine,
    ChedPackage,
    ChedParty,
    ChedType,
    Coded,
    ControlPost,
    Country,
    Decision,
    Declaration,
    FollowUp,
    LineNote,
    Purpose,
    Transport,
    read_ched,
    write_ched,
)
from gateway.documents.parts import Measure
from gateway.exchange import Context, ExchangePolicy, PartnerTrust, Principal
from gateway.sandbox.pki import Authority
from gateway.sandbox.tsa import TimestampAuthority
from gateway.soap import SoapCall, SoapVersion, TransportPeer
from gateway.store import (
    CustomsReport,
    DeclarationType,
    EntryKind,
    LedgerChange,
    LedgerLineRow,
    Movement,
    Nonce,
    apply_change,
    lock_ledger,
    open_ledger,
    report_document,
    touch_ched,
)
from gateway.store import Declaration as CustomsDeclaration
from gateway.trust import Anchor, Level, Sealer, TimestampClient, TrustStore
from gateway.trust import Purpose as AnchorPurpose
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings import load_tables
from mappings.live import LiveTables

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PORTAL = "https://traces.invalid/tracesnt"
_nonces = itertools.count(1)


def authority(identifier, *roles, posts=(), countries=(), operators=(), **identifiers):
    return {
        "id": identifier,
        "kind": "authority",
        "name": f"Authority {identifier}",
        "roles": list(roles),
        "posts": list(posts),
        "countries": list(countries),
        "operators": list(operators),
        "identifiers": identifiers,
    }


def other(identifier, kind, *countries, **identifiers):
    return {
        "id": identifier,
        "kind": kind,
        "name": f"Body {identifier}",
        "countries": list(countries),
        "identifiers": identifiers,
    }


BODIES = {
    "importer": other("OPNL0001", "operator", "NL", national_registry_number="NL-4711"),
    "managed": other("OPNL0009", "operator", "NL", national_registry_number="NL-9999"),
    "stranger": other("OPNL0002", "operator", "NL", national_registry_number="NL-0815"),
    "same number abroad": other("OPBE0001", "operator", "BE", national_registry_number="NL-4711"),
    "post": authority("AUNL0001", "border-control-post", posts=["NLRTM1"]),
    "other post": authority("AUNL0002", "border-control-post", posts=["NLAMS4"]),
    "exit post": authority("AUBE0001", "exit-post", posts=["BEANR1"]),
    "control point": authority("AUDE0001", "control-point", posts=["DEHAM9P"]),
    "central": authority("AUNL0003", "central", countries=["NL"]),
    "central elsewhere": authority("AUFR0001", "central", countries=["FR"]),
    "local": authority("AUDE0002", "local", countries=["DE"]),
    "manager": authority("AUBE0002", "exit-post", posts=["BELGG4"], operators=["OPNL0001"]),
    "customs": authority("CUNL0001", "customs", countries=["NL"]),
    "customs elsewhere": authority("CUFR0001", "customs", countries=["FR"]),
    "commission": authority("EC000001", "commission"),
    "control body": other("CB000001", "control-body"),
    "other": other("OB000001", "other"),
}


@dataclass
class World:
    """The authorities, the keys, the time, and a register on a store."""

    store: object
    now: datetime = NOW
    roles: tuple = ("traces",)
    facts: object = None
    part_signatures: str = "recorded"
    render: object = None
    stamping: bool = True
    calls: list = field(default_factory=list)

    def __post_init__(self):
        self.member = Authority("Member State", now=self.now, country="NL")
        self.clock_root = Authority("Time stamping", now=self.now)
        self.tsa = TimestampAuthority(self.clock_root.timestamping("unit"), clock=lambda: self.now)
        anchor = Anchor("tsa", self.clock_root.certificate_der, frozenset({AnchorPurpose.TIMESTAMP}), Level.QUALIFIED)
        self.stamper = TimestampClient(["memory:"], TrustStore([anchor]), transport=self._stamp)
        self.own = Authority("Register", now=self.now, country="EU")
        self.records = [self.record("nl-system", "national", "NL", BODIES.values())]
        self.records += [
            self.record("xx-system", "third-country", "CH", (), document_types=["636"], country_pairs=["ZA>*"]),
            self.record("yy-system", "third-country", "GB", (), document_types=["851"], country_pairs=["ZA>*"]),
            self.record("zz-system", "third-country", "US", (), document_types=["636"], country_pairs=["US>NL"]),
            self.record("be-system", "national", "BE", ()),
        ]
        self.directory = Directory(lambda: self.records, lambda: str(len(self.records)), time.monotonic)
        sealer = self.sealer(self.own.seal("Register seal"))
        self.context = Context(
            store=self.store,
            directory=self.directory,
            trust=PartnerTrust(self.directory),
            index=LiveTables(TABLES),
            sealer=sealer,
            policy=ExchangePolicy(instance="register", roles=frozenset(self.roles)),
            clock=lambda: self.now,
        )
        self.register = self.open()

    def open(self, **changes):
        options = {"facts": self.facts, "part_signatures": self.part_signatures, "render": self.render, **changes}
        return RegisterService(self.context, portal=PORTAL, **options)

    def _stamp(self, _, query):
        if not self.stamping:
            raise OSError("unreachable")
        return self.tsa.answer(query)

    def sealer(self, credential, *, stamped=True):
        return Sealer(
            credential.key, credential.certificate_der, credential.chain_der, self.stamper if stamped else None
        )

    def record(self, partner_id, kind, country, bodies, **changes):
        anchors = [
            {"name": "seal", "certificate_pem": _pem(self.member), "purposes": ["seal"], "level": "advanced"},
            {"name": "tsa", "certificate_pem": _pem(self.clock_root), "purposes": ["timestamp"], "level": "qualified"},
        ]
        record = {
            "id": partner_id,
            "name": "invented",
            "kind": kind,
            "country": country,
            "contracts": ["ched-certificate"],
            "anchors": anchors,
            **changes,
        }
        bodies = list(bodies)
        return {**record, "traces": {"bodies": bodies}} if bodies else record

    def partner(self, partner_id="nl-system"):
        return partner_from_record(next(each for each in self.records if each["id"] == partner_id))

    def actor(self, name=None, partner_id="nl-system", language="en"):
        """One of BODIES by name; None: the partner itself."""
        partner = self.partner(partner_id)
        body = partner.traces.by_id()[BODIES[name]["id"]] if name else None
        nonce = Nonce("nonce", f"{next(_nonces):040x}", self.now + timedelta(hours=1))
        return Actor(Principal(partner, "username-token", (nonce,)), body, language)

    def call(self, body, operation="createAndSubmitForDecision", contract="ched-submission", security=None):
        return SoapCall(
            contract=contract,
            operation=operation,
            version=SoapVersion.SOAP11,
            body=body,
            headers=(),
            security=security,
            message_id=None,
            peer=TransportPeer("192.0.2.1", secure=True),
            raw=serialise(body),
            received_at=self.now,
        )

    def submit(self, ched, name="importer", kind=SubmissionKind.FOR_DECISION):
        document = element(ched)
        return self.register.submit(self.actor(name), document, kind, self.call(document, kind.value))

    def draft(self, ched, name="importer"):
        return self.submit(ched, name, SubmissionKind.DRAFT)

    def stored(self, reference, name="commission"):
        return read_ched(parse(self.register.read(self.actor(name), reference).content).root)

    def decide(self, reference, name="post", code="ACCEPTABLE_FOR_INTERNAL_MARKET", seals=(), **changes):
        ched = replace(self.stored(reference), decision=decision(code), **changes)
        document = element(ched)
        copies = [seal(document) for seal in seals]
        return self.register.decide(self.actor(name), document, copies, self.call(document, "SubmitDecision"))

    def follow_up(self, reference, name, follow_up=None, **changes):
        ched = replace(self.stored(reference), follow_up=follow_up or arrival(), **changes)
        document = element(ched)
        return self.register.follow_up(self.actor(name), document, (), self.call(document, "SubmitFollowUp"))

    def amend(self, reference, name="importer", **changes):
        document = element(replace(self.stored(reference), **changes))
        return self.register.amend(self.actor(name), document, self.call(document, "AmendChed"))

    def cancel(self, reference, name="importer"):
        body = parse(f"<CancelChed><ID>{reference}</ID></CancelChed>".encode()).root
        return self.register.cancel(self.actor(name), reference, "sold", self.call(body, "CancelChed"))

    def copy(self, role, credential=None, *, stamped=True, of=None):
        """For ``seals``: makes the sealed copy of what is submitted."""
        credential = credential or self.member.seal(role.value)
        sealer = self.sealer(credential, stamped=stamped)
        return lambda document: SealedCopy(role, sealer.seal(element(of) if of else document, at=self.now))

    def signed(self):
        return (self.copy(SealRole.OFFICER), self.copy(SealRole.AUTHORITY))


TABLES = load_tables()


def _pem(authority_):
    return authority_.certificate_pem.decode()


def element(ched):
    """As it arrives: parsed by the boundary, in a tree of its own."""
    return parse(serialise(write_ched(ched))).root


def party(identifier, name, country, scheme="national_registry_number", role=""):
    return ChedParty(
        identifier=identifier,
        scheme=scheme,
        name=name,
        role=role,
        address=Address(lines=("Invented street 1",), postcode="1000", city="Invented", country=country),
    )


def ched_pp(**changes):
    """A CHED-PP of oranges from South Africa by sea to Rotterdam, for the internal market."""
    line = ChedLine(
        number=1,
        scientific_name="Citrus sinensis",
        net_weight=Measure(Decimal(500), "KGM"),
        gross_weight=Measure(Decimal(550), "KGM"),
        classes=(
            ChedClass("CN", "08051022", (("en", "Navel oranges"),), "CN Code (Combined Nomenclature)"),
            ChedClass("EPPT", "CIDSI", (("la", "Citrus sinensis"),), "EPPO Plant Protection Thesaurus"),
            ChedClass("PRODUCT_TYPE", "PLANT_PRODUCTS_OTHERS"),
        ),
        packages=(ChedPackage(Coded("BX"), "10", Coded("4")),),
        origins=(Country("ZA", "South Africa"),),
    )
    totals = ChedLine(
        number=0,
        descriptions=("Consignment totals and summary",),
        net_weight=Measure(Decimal(500), "KGM"),
        gross_weight=Measure(Decimal(550), "KGM"),
        packages=(ChedPackage(Coded("BX"), "10", Coded("4")),),
    )
    importer = party("NL-4711", "Invented importer", "NL")
    ched = Ched(
        type=ChedType.PP,
        title="CHED-PP - Common Health Entry Document for Plant Product",
        language="en",
        type_code="636",
        status_code="70",
        issued="2026-11-20T08:00:00.000+00:00",
        consignor=party("ZA-1", "Invented exporter", "ZA", role="EX"),
        post=ControlPost(identifier="NLRTM", scheme="un_locode", country="NL", city="Rotterdam", code="NLRTM1",
                         name="Rotterdam Port", locode="NLRTM"),
        consignee=replace(importer, role="CN"),
        destination=replace(party("DE-7", "Invented warehouse", "DE"), role="DP"),
        operator=replace(importer, role="CB"),
        documents=(
            AccompanyingDocument(Coded("851"), "ZZZ", "PHYTO-77", country="ZA", issued="2026-11-01"),
        ),
        arrival="2026-11-24T08:00:00.000+01:00",
        transports_before=(Transport(Coded("1"), "Invented Star", "ship_imo_number_before_bcp"),),
        dispatch_country=Country("ZA", "South Africa"),
        transport_conditions=Coded("CHILLED"),
        purposes=(Purpose(Coded("INTERNAL_MARKET"), "I.23"),),
        totals=totals,
        lines=(line,),
        declaration=Declaration(party=replace(importer, person="A. N. Invented"),
                                signed="2026-11-20T08:00:00.000+00:00", email="declarant@example.org"),
    )  # fmt: skip
    return replace(ched, **changes)


def ched_a(**changes):
    """A CHED-A of one registered horse."""
    line = ChedLine(
        number=1,
        scientific_name="Equus caballus",
        net_volume=Measure(Decimal(1), "H87"),
        notes=(LineNote(Coded("INDIVIDUAL_IDENTIFICATION_NUMBER"), text="528210000000001"),),
        classes=(ChedClass("CN", "01012100"),),
        origins=(Country("ZA", "South Africa"),),
    )
    totals = ChedLine(number=0, descriptions=("Consignment totals and summary",), net_volume=Measure(Decimal(1), "H87"))
    base = ched_pp(type=ChedType.A, title="CHED-A", lines=(line,), totals=totals)
    return replace(base, certified_as=(Coded("REGISTERED_EQUIDAE"),), transport_conditions=Coded(""), **changes)


def decision(code="ACCEPTABLE_FOR_INTERNAL_MARKET", **changes):
    refused = code == "NOT_ACCEPTABLE"
    made = Decision(
        conclusion=(Coded(code),),
        documentary_check=Coded("YES"),
        documentary_result=Coded("SATISFACTORY"),
        identity_check=Coded("YES"),
        identity_check_type=Coded("FULL_CHECK"),
        identity_result=Coded("SATISFACTORY"),
        physical_check=Coded("YES"),
        physical_result=Coded("NOT_SATISFACTORY" if refused else "SATISFACTORY"),
        measures=(Coded("DESTRUCTION"),) if refused else (),
        measures_due="2026-12-10" if refused else "",
        refusal_reasons=(Coded("PHYSICAL_HYGIENE_FAILURE"),) if refused else (),
        officer=ChedParty(name="Officer Invented"),
        signed="2026-11-20T09:30:00.000+00:00",
        email="officer@example.org",
    )
    return replace(made, **changes)


def arrival(**changes):
    made = FollowUp(
        authority=ChedParty(name="Authority at arrival"),
        role=Coded("CONTROL_UNIT"),
        arrived=Coded("YES"),
        officer=ChedParty(name="Officer At Arrival"),
        signed="2026-11-21T09:30:00.000+00:00",
    )
    return replace(made, **changes)


def report_customs(store, reference, numbers, at):
    """Customs release goods under these declarations, a gram each, and report them (II.23)."""

    def unit(connection):
        state = lock_ledger(connection, reference)
        line = LedgerLineRow(number=1, code="08051022", unit="KGM", dimension="weight", certified=500 * 10**9)
        open_ledger(connection, state.ched_id, (line,), at)
        declared = [CustomsDeclaration(DeclarationType.MRN, number) for number in numbers]
        common = {"line": 1, "quanta": 10**6, "goods_item": 1, "quantity": "0.001", "unit": "KGM",
                  "class_code": "080510", "office": "NL000510", "event_at": at}  # fmt: skip
        movements = tuple(Movement(kind=EntryKind.CONSUMED, declaration=each, **common) for each in declared)
        change = LedgerChange(ched_id=state.ched_id, at=at, partner="customs-nl", movements=movements)
        apply_change(connection, change)
        for number in numbers:
            report = CustomsReport(
                ched_id=state.ched_id, document=number, type_code="", office="NL000510", at=at, exchange_id=""
            )
            assert report_document(connection, report)
        touch_ched(connection, state.ched_id, at)

    store.write(unit)
