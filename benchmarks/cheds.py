"""CHEDs of the benchmark and the messages around them; everything in them is invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.ours import make_gateway
from benchmarks.partner import Message, security
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
    LaboratoryTests,
    Purpose,
    Transport,
    write_ched,
)
from gateway.documents.parts import Measure
from gateway.traces.headers import BodyIdentity, BodyKind, CallHeaders, write_headers
from gateway.traces.wire_submission import submission_request
from gateway.xml.canonical import serialise
from gateway.xml.names import SOAP11

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


__all__ = [
    "OPERATOR",
    "SUBMIT",
    "SYSTEM",
    "Submitter",
    "body_record",
    "consignment",
    "decided",
    "envelope",
    "make_traces_gateway",
    "short",
]

SYSTEM = "bench-national"
OPERATOR = BodyIdentity(BodyKind.OPERATOR, "OPNL0001")
SUBMIT = "createAndSubmitForDecision"

SYSTEM_RECORD = f"""
[partner]
id = "{SYSTEM}"
name = "National system of the benchmark"
kind = "national"
country = "NL"
contracts = ["ched-certificate", "ched-submission"]
timestamp = "optional"
[partner.authentication]
username = "{SYSTEM}"
secret = "file:{{secret}}"
"""

BODY_RECORD = """
[[partner.traces.bodies]]
id = "{id}"
kind = "{kind}"
name = "Body of the benchmark"
roles = [{roles}]
posts = [{posts}]
countries = [{countries}]
identifiers = {{ {identifiers} }}
"""

_PLACE = "LOCAL-REFERENCE-OF-THE-BENCHMARK"


def body_record(id_: str, kind: str, *, roles: str = "", post: str = "", country: str = "", number: str = "") -> str:
    """One body of a partner file; the texts are single values, left out when empty."""
    return BODY_RECORD.format(
        id=id_,
        kind=kind,
        roles=f'"{roles}"' if roles else "",
        posts=f'"{post}"' if post else "",
        countries=f'"{country}"' if country else "",
        identifiers=f'national_registry_number = "{number}"' if number else "",
    )


def make_traces_gateway(keys: Path, name: str, bodies: Sequence[str]) -> Path:
    """A gateway in the TRACES role with one national system that speaks for these bodies; its settings file."""
    folder = keys / name
    record = SYSTEM_RECORD.format(secret=folder / "secret.txt") + "".join(bodies)
    return make_gateway(keys, folder, partners=(record,))


def consignment(lines: int, *, now: datetime) -> Ched:
    """A CHED-PP of oranges that arrives at Rotterdam in two days; it breaks no rule."""
    classes = (
        ChedClass("CN", "08051022", (("en", "Navel oranges"),), "CN Code (Combined Nomenclature)"),
        ChedClass("EPPT", "CIDSI", (("la", "Citrus sinensis"),), "EPPO Plant Protection Thesaurus"),
        ChedClass("PRODUCT_TYPE", "PLANT_PRODUCTS_OTHERS"),
    )
    importer = _party("NL-4711", "Invented importer", "NL")
    goods = tuple(
        ChedLine(
            number=number,
            scientific_name="Citrus sinensis",
            net_weight=Measure(Decimal(500), "KGM"),
            gross_weight=Measure(Decimal(550), "KGM"),
            classes=classes,
            packages=(ChedPackage(Coded("BX"), "10", Coded("4")),),
            origins=(Country("ZA", "South Africa"),),
        )
        for number in range(1, lines + 1)
    )
    return Ched(
        type=ChedType.PP,
        title="CHED-PP - Common Health Entry Document for Plant Product",
        language="nl",
        type_code="636",
        status_code="70",
        local_reference=_PLACE,
        issued=_iso(now),
        consignor=replace(_party("ZA-1", "Invented exporter", "ZA"), role="EX"),
        post=ControlPost(
            identifier="NLRTM",
            scheme="un_locode",
            country="NL",
            city="Rotterdam",
            code="NLRTM1",
            name="Rotterdam Port",
            locode="NLRTM",
        ),
        consignee=replace(importer, role="CN"),
        destination=replace(_party("DE-7", "Invented warehouse", "DE"), role="DP"),
        operator=replace(importer, role="CB"),
        documents=(AccompanyingDocument(Coded("851"), "ZZZ", "PHYTO-77", country="ZA", issued=f"{now:%Y-%m-%d}"),),
        arrival=_iso(now + timedelta(days=2)),
        transports_before=(Transport(Coded("1"), "Invented Star", "ship_imo_number_before_bcp"),),
        dispatch_country=Country("ZA", "South Africa"),
        purposes=(Purpose(Coded("INTERNAL_MARKET"), "I.23"),),
        totals=ChedLine(
            number=0,
            descriptions=("Consignment totals and summary",),
            net_weight=Measure(Decimal(500 * lines), "KGM"),
            gross_weight=Measure(Decimal(550 * lines), "KGM"),
            packages=(ChedPackage(Coded("BX"), str(10 * lines), Coded("4")),),
        ),
        lines=goods,
        declaration=Declaration(
            party=replace(importer, person="A. N. Invented"), signed=_iso(now), email="declarant@example.org"
        ),
    )


def short() -> Ched:
    """Little more than a heading: what a million of them take must fit a disk."""
    return Ched(title="CHED-PP - Common Health Entry Document for Plant Product")


def decided(lines: int, *, now: datetime) -> Ched:
    """The same with Parts II and III."""
    return replace(
        consignment(lines, now=now),
        decision=Decision(
            conclusion=(Coded("ACCEPTABLE_FOR_INTERNAL_MARKET"),),
            documentary_check=Coded("YES"),
            documentary_result=Coded("SATISFACTORY"),
            identity_check=Coded("YES"),
            identity_check_type=Coded("FULL_CHECK"),
            identity_result=Coded("SATISFACTORY"),
            physical_check=Coded("YES"),
            physical_result=Coded("SATISFACTORY"),
            laboratory=LaboratoryTests(done=False),
            officer=ChedParty(name="Officer Invented"),
            signed=_iso(now + timedelta(days=2)),
        ),
        follow_up=FollowUp(
            role=Coded("CONTROL_UNIT"),
            arrived=Coded("YES"),
            conform=Coded("YES"),
            officer=ChedParty(name="Officer At Arrival"),
            signed=_iso(now + timedelta(days=3)),
        ),
    )


class Submitter:
    """Makes submissions for decision.

    Args:
        lines: of goods in each CHED.
        prefix: of the local references, so that two submitters never make the same one.
    """

    def __init__(self, lines: int, prefix: str) -> None:
        document = serialise(write_ched(consignment(lines, now=datetime.now(UTC).replace(microsecond=0))))
        self.size = len(document)
        """Bytes of a CHED."""
        self._request = submission_request(SUBMIT, document)
        self._prefix = prefix
        self._numbers = count(1)

    def messages(self, number: int) -> Iterator[Message]:
        """Fresh submissions: each with a local reference and a nonce of its own."""
        for _ in range(number):
            local = f"{self._prefix}-{next(self._numbers):08}".encode()
            yield Message(envelope(OPERATOR, self._request.replace(_PLACE.encode(), local)), b"", SUBMIT)


def envelope(body: BodyIdentity, request: bytes) -> bytes:
    """A request in SOAP 1.1 as a national system sends it for one of its bodies."""
    headers = write_headers(CallHeaders(client_id="benchmark", language="en", body=body))
    head = f'<soap:Envelope xmlns:soap="{SOAP11}"><soap:Header>{security(SYSTEM)}'.encode()
    return head + headers + b"</soap:Header><soap:Body>" + request + b"</soap:Body></soap:Envelope>"


def _party(identifier: str, name: str, country: str) -> ChedParty:
    return ChedParty(
        identifier=identifier,
        scheme="national_registry_number",
        name=name,
        address=Address(lines=("Invented street 1",), postcode="1000", city="Invented", country=country),
    )


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
